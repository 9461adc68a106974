"""A3 at the pharmacy: who can write rows but not sign changes what was prescribed, or says that it was approved.

A row that says "effective" is no approval and an order is no prescription: what a doctor signed and a pharmacist
approved is asked for when the medicine is ordered, when it is shown to whoever packs it, and before it leaves.
"""

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.refusal import TooLate, Unsigned
from chalicelib.rooms import approval, delivery, seal
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.prescription import State
from chalicelib.rooms.queue import Ticket
from chalicelib.store import records
from chalicelib.store.rows import OrderRow, PrescriptionRow
from chalicelib.visit import checking, sending
from infra.local.signer import Local
from tests.attacks.breaks import gets_through
from tests.builders import ANN, BOB, COLE, KIM, SAM, refused
from tests.doors.stories import id_of, ordered
from tests.people import Cast
from tests.visit.test_sealing import Failing
from tests.visit.walk import CODE, Walk, table

TO = {"way": Way.DELIVERY, "address": "1 River Road", "phone": "13800001234", "code": CODE}
# What each says where nobody looks at it.
UNLOOKED = "a03 the state of a row is believed"
ONLY_APPROVED = "a03 whether the doctor signed it is asked at approval only"


def _row(id: Ticket) -> PrescriptionRow:
    return PrescriptionRow.get(f"V#{id}", "P#001")


def _effective(id: Ticket) -> None:
    """Nobody has approved it; its row says that somebody did."""
    says = [PrescriptionRow.state.set(State.EFFECTIVE), PrescriptionRow.pharmacist.set(SAM.id)]
    _row(id).update(actions=[*says, PrescriptionRow.pharmacist_name.set(SAM.name)])


def _more(id: Ticket) -> None:
    row = _row(id)
    lines = tuple(replace(line, dose="9000 mg", per_day=9) for line in row.lines)
    row.update(actions=[PrescriptionRow.lines.set(lines)])


def _longer(id: Ticket) -> None:
    """It would have been good for three days."""
    row = _row(id)
    row.update(actions=[PrescriptionRow.until.set(row.until.replace(year=row.until.year + 1))])


def _somebody_else(id: Ticket) -> None:
    _row(id).update(actions=[PrescriptionRow.pharmacist_name.set("Pat Other")])


def _without(id: Ticket) -> None:
    _row(id).update(actions=[PrescriptionRow.approval.remove()])


def _of_the_doctor(id: Ticket) -> None:
    """A good signature of this clinic, but of the prescription: no approval."""
    row = _row(id)
    row.update(actions=[PrescriptionRow.approval.set(row.signature)])


def _own_key(id: Ticket) -> None:
    """Approved by the attacker, with a key of their own under the clinic's name."""
    found = records.newest_prescription(id)
    assert found
    words = approval.words(found)
    mine = seal.signature(words, Local().sign(seal.digest(words)), Local.key_id)
    _row(id).update(actions=[PrescriptionRow.approval.set(mine)])


FORGERIES: list[Callable[[Ticket], None]] = [
    _more,
    _longer,
    _somebody_else,
    _without,
    _of_the_doctor,
    _own_key,
]
forged = pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__.strip("_"))


def is_not_ordered(walk: Walk, id: Ticket) -> None:
    before = table()
    with contextlib.suppress(TooLate):
        sending.choose_delivery(walk.errand(ANN), id=id, **TO)
    assert table() == before, "nothing was ordered"


def does_not_leave(walk: Walk, id: Ticket) -> None:
    """Neither shown to whoever packs it, nor handed over."""
    order = records.newest_order(id)
    assert order
    before = table()
    shown, left = True, True
    try:
        checking.inside(walk.errand(SAM), order)
    except TooLate:
        shown = False
    try:
        sending.hand_over(walk.errand(COLE), id=id)
    except TooLate:
        left = False
    assert (shown, left) == (False, False)
    assert table() == before


@pytest.mark.parametrize("also", [None, _more], ids=["as signed", "9000 mg"])
def test_what_only_the_row_says_was_approved_is_not_ordered(walk: Walk, also: Callable[[Ticket], None] | None) -> None:
    id = walk.prescribed()
    _effective(id)
    if also:
        also(id)
    is_not_ordered(walk, id)
    gets_through(lambda: is_not_ordered(walk, id), UNLOOKED)


@forged
def test_what_was_changed_since_it_was_approved_is_not_ordered(walk: Walk, forge: Callable[[Ticket], None]) -> None:
    id = walk.approved()
    forge(id)
    is_not_ordered(walk, id)


@forged
def test_what_was_changed_since_it_was_ordered_does_not_leave(walk: Walk, forge: Callable[[Ticket], None]) -> None:
    id = walk.checked()
    forge(id)
    does_not_leave(walk, id)


@pytest.mark.parametrize(("forge", "broken"), [(_more, ONLY_APPROVED), (_without, UNLOOKED)])
def test_it_would_leave_if_nobody_looked(walk: Walk, forge: Callable[[Ticket], None], broken: str) -> None:
    id = walk.checked()
    forge(id)
    gets_through(lambda: does_not_leave(walk, id), broken)


def test_an_approval_of_another_prescription_is_none(walk: Walk) -> None:
    """Copied from another patient's, with all that it says."""
    mine, hers = walk.prescribed(BOB), walk.approved(ANN)
    row, other = _row(mine), _row(hers)
    fields = ("state", "pharmacist", "pharmacist_name", "approved_at", "approved_under", "approval")
    row.update(actions=[getattr(PrescriptionRow, name).set(getattr(other, name)) for name in fields])
    with refused("call the clinic", kind=TooLate):
        sending.choose_delivery(walk.errand(BOB), id=mine, **TO)


def test_a_parcel_that_says_it_was_out_before_still_has_to_be_good(walk: Walk) -> None:
    id = walk.checked()
    _more(id)
    OrderRow.get(f"V#{id}", "O#001").update(actions=[OrderRow.attempts.set(1)])
    does_not_leave(walk, id)


@pytest.mark.parametrize("good", [True, False], ids=["genuine", "forged"])
def test_while_the_key_is_silent_nothing_is_ordered_shown_or_handed_over(walk: Walk, good: bool) -> None:
    id = walk.approved()
    if not good:
        _own_key(id)
    before = table()
    with refused("Nothing was decided", kind=Unsigned):
        sending.choose_delivery(replace(walk.errand(ANN), signer=Failing()), id=id, **TO)
    assert table() == before
    if not good:
        return
    sending.choose_delivery(walk.errand(ANN), id=id, **TO)
    sending.pick(walk.errand(SAM), id=id)
    sending.check(walk.errand(KIM), id=id)
    order = records.newest_order(id)
    assert order
    for deed in (
        lambda silent: checking.inside(silent, order),
        lambda silent: sending.hand_over(silent, id=id),
    ):
        with refused("Nothing was decided", kind=Unsigned):
            deed(replace(walk.errand(COLE), signer=Failing()))
    assert sending.hand_over(walk.errand(COLE), id=id).state is delivery.State.HANDED_OVER


def test_nothing_is_approved_while_the_approval_cannot_be_signed(walk: Walk) -> None:
    class NoMore(Failing):
        def verify(self, digest: bytes, signature: bytes, *, key: str) -> bool:
            return walk.signer.verify(digest, signature, key=key)

    id = walk.prescribed()
    before = table()
    with refused("Nothing was signed", kind=Unsigned):
        sending.review(replace(walk.errand(SAM), signer=NoMore()), id=id, number=1, approve=True, reason="")
    assert table() == before
    assert sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="").approval


def test_an_order_says_nothing_of_what_is_in_it(walk: Walk) -> None:
    """So there is no copy that could say something else."""
    id = walk.ordered()
    kept = json.dumps(table()[(f"V#{id}", "O#001")])
    (line,) = records.file(id).prescriptions[0].lines
    assert line.medicine not in kept
    assert line.dose not in kept


def packer_reads(cast: Cast, *, lines: bool) -> None:
    """The page of whoever packs: the lines as signed, or a warning and no button."""
    got = cast.sam.get(f"/en/parcels/{cast.ann.visit}")
    assert ("500 mg" in got.words, "I have packed it" in got.words) == (lines, lines)
    assert "9000 mg" not in got.words
    assert (approval.NOT_SIGNED in got.words) is not lines


def test_whoever_packs_reads_what_was_signed_or_a_warning(cast: Cast) -> None:
    ordered(cast, cast.ann)
    packer_reads(cast, lines=True)
    _more(id_of(cast.ann))
    packer_reads(cast, lines=False)
    gets_through(lambda: packer_reads(cast, lines=False), ONLY_APPROVED)
