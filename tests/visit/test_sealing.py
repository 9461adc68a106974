"""Sealing: every signed note and prescription carries a signature that verifies, made once, or nothing is signed."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib.refusal import Busy, TooLate, Unsigned
from chalicelib.rooms import seal
from chalicelib.rooms.consult import NoteState, Outcome
from chalicelib.rooms.queue import State
from chalicelib.store import records
from chalicelib.visit import seeing, sending
from chalicelib.visit.errand import NoSigner
from chalicelib.visit.sealing import genuine, sealed
from tests.builders import ADA, SAM, SOAP, a_line, refused
from tests.visit.walk import SIGNER, Walk, table

pytestmark = pytest.mark.usefixtures("clinic_on_moto")
PILLS = {"outcome": Outcome.PRESCRIPTION, "lines": (a_line(),), "stated": ("spoke",)}


@dataclass
class Failing:
    """A key that stops answering after so many signatures."""

    left: int = 0
    key_id = SIGNER.key_id

    def sign(self, digest: bytes) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise Unsigned
        return SIGNER.sign(digest)

    def verify(self, digest: bytes, signature: bytes, *, key: str) -> bool:
        raise Unsigned

    def public_key(self) -> bytes:
        return SIGNER.public_key()


def test_note_and_prescription_are_signed_with_the_visit() -> None:
    walk = Walk()
    id = walk.signed(**PILLS)
    file = records.file(id)
    (note,), (medicine,) = file.notes, file.prescriptions
    for record in (note, medicine):
        assert record.signature
        assert record.signature.key == SIGNER.key_id
        assert record.policy == walk.clinic.policy
        assert genuine(walk.errand(), file.visit, record)


def test_a_correction_is_signed_and_the_old_version_still_verifies() -> None:
    walk = Walk()
    id = walk.signed()
    seeing.amend(walk.errand(ADA), id=id, soap={**SOAP, "plan": "Tea."})
    file = records.file(id)
    assert [note.state for note in file.notes] == [NoteState.AMENDED, NoteState.SIGNED]
    assert all(genuine(walk.errand(), file.visit, note) for note in file.notes)


def test_the_answer_to_a_returned_prescription_is_signed_too() -> None:
    walk = Walk()
    id = walk.returned()
    seeing.revise(walk.errand(ADA), id=id, lines=(a_line(days=1),), confirmed=False)
    file = records.file(id)
    assert [p.number for p in file.prescriptions] == [1, 2]
    assert all(genuine(walk.errand(), file.visit, p) for p in file.prescriptions)


def test_what_happens_to_a_prescription_later_leaves_its_signature() -> None:
    walk = Walk()
    id = walk.handed_over()
    file = records.file(id)
    assert genuine(walk.errand(), file.visit, file.prescriptions[0])


def test_the_same_request_keeps_its_first_signature() -> None:
    walk = Walk()
    id = walk.taken()
    typed = {"id": id, "epoch": 1, "soap": SOAP, "summary": "Rest.", "confirmed": False, **PILLS}
    errand = walk.errand(ADA, "sign-1")
    seeing.sign(errand, **typed)
    before = table()
    seeing.sign(errand, **typed)
    assert table() == before


@pytest.mark.parametrize("answers_to", [0, 1], ids=["none", "the note only"])
def test_a_silent_key_signs_nothing_keeps_the_draft_and_may_be_asked_again(answers_to: int) -> None:
    walk = Walk()
    id = walk.taken()
    typed = {"id": id, "epoch": 1, "soap": SOAP, "summary": "Rest.", "confirmed": False, **PILLS}
    errand = walk.errand(ADA, "sign-1")
    with refused("What you wrote is kept", kind=Unsigned):
        seeing.sign(replace(errand, signer=Failing(answers_to)), **typed)
    file = records.file(id)
    assert file.visit.state is State.IN_CONSULT
    assert file.visit.doctor == ADA.id
    assert file.prescriptions == []
    (draft,) = file.notes
    assert (draft.state, draft.plan, draft.signature) == (NoteState.DRAFT, SOAP["plan"], None)
    with pytest.raises(Unsigned):
        seeing.sign(replace(errand, signer=Failing()), **typed)
    assert seeing.sign(errand, **typed).state is State.COMPLETED
    assert records.file(id).notes[0].signature


def test_what_was_typed_since_a_silent_key_is_kept_too() -> None:
    """Back on the same page, more is written and signed: the same form, and the key is still silent."""
    walk = Walk()
    id = walk.taken()
    typed = {"id": id, "epoch": 1, "summary": "Rest.", "confirmed": False, **PILLS}
    errand = replace(walk.errand(ADA, "sign-1"), signer=Failing())
    for plan in ("Rest.", "Rest, and come back on Friday."):
        with refused("What you wrote is kept", kind=Unsigned):
            seeing.sign(errand, soap={**SOAP, "plan": plan}, **typed)
        (draft,) = records.file(id).notes
        assert draft.plan == plan


class Full:
    """The records, on a day when nothing can be written down."""

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def save(self, *changes: object, audit: object) -> None:
        raise Busy


def test_nothing_is_said_to_be_kept_that_is_not() -> None:
    """The key is silent, and so is the table by then."""
    walk = Walk()
    id = walk.taken()
    errand = replace(walk.errand(ADA), signer=Failing(), records=Full())
    with refused("Nothing was signed", kind=Unsigned):
        seeing.sign(errand, id=id, epoch=1, soap=SOAP, summary="Rest.", confirmed=False, **PILLS)


@pytest.mark.parametrize(
    "now",
    [{"strength": "250 mg"}, {"name": {"en": "Codeine"}}, {"form": {"en": "Drops"}}],
    ids=lambda now: next(iter(now)),
)
def test_what_was_signed_is_given_out_or_nothing(now: dict[str, Any]) -> None:
    """The list of medicines has something else under that name by now: the pharmacist returns it."""
    walk = Walk()
    id = walk.prescribed()
    medicine = walk.clinic.formulary[0]
    walk.clinic = replace(walk.clinic, formulary=(replace(medicine, **now), *walk.clinic.formulary[1:]))
    with refused("list of medicines has changed", kind=TooLate):
        sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="")
    assert sending.review(walk.errand(SAM), id=id, number=1, approve=False, reason="250 mg now").state == "returned"


@pytest.mark.parametrize(
    ("then", "now"), [(("en",), ("en", "zh")), (("en", "zh"), ("en",))], ids=["a language more", "a language less"]
)
def test_another_language_on_the_list_is_no_other_medicine(then: tuple[str, ...], now: tuple[str, ...]) -> None:
    walk = Walk()
    first, *others = walk.clinic.formulary
    name = {"en": "Paracetamol", "zh": "对乙酰氨基酚"}
    before, after = (replace(first, name={one: name[one] for one in languages}) for languages in (then, now))
    walk.clinic = replace(walk.clinic, formulary=(before, *others))
    id = walk.prescribed()
    walk.clinic = replace(walk.clinic, formulary=(after, *others))
    assert sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="").state == "effective"


def test_what_was_signed_before_names_were_signed_is_approved_as_it_was_signed() -> None:
    """A row of an older program: lines without the list's words, under the first spelling."""
    walk = Walk()
    id = walk.prescribed()
    found, visit = records.newest_prescription(id), records.visit(id)
    assert found
    assert found.signature
    assert found.signature.form == seal.NAMED
    old = replace(found, lines=(replace(found.lines[0], name={}, form={}),))
    signed = sealed(walk.errand(ADA), visit, old)
    assert signed.signature
    assert signed.signature.form == seal.FORM
    from chalicelib.store.rows import PrescriptionRow

    row = PrescriptionRow.get(f"V#{id}", "P#001")
    row.update(actions=[PrescriptionRow.lines.set(old.lines)])
    with refused("not what the doctor signed", kind=TooLate):
        sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="")
    row.update(actions=[PrescriptionRow.signature.set(signed.signature)])
    assert sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="").state == "effective"


def test_a_silent_key_leaves_a_correction_undone() -> None:
    walk = Walk()
    id = walk.signed()
    before = table()
    with pytest.raises(Unsigned):
        seeing.amend(replace(walk.errand(ADA), signer=NoSigner()), id=id, soap={**SOAP, "plan": "Tea."})
    assert table() == before


def test_nothing_is_approved_while_the_signature_cannot_be_checked() -> None:
    walk = Walk()
    id = walk.prescribed()
    before = table()
    with refused("Nothing was decided", kind=Unsigned):
        sending.review(replace(walk.errand(SAM), signer=Failing()), id=id, number=1, approve=True, reason="")
    assert table() == before
    assert sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="").state == "effective"


def test_a_prescription_without_a_signature_is_not_approved() -> None:
    walk = Walk()
    id = walk.prescribed()
    found = records.newest_prescription(id)
    assert found
    from chalicelib.store.rows import PrescriptionRow

    row = PrescriptionRow.get(f"V#{id}", "P#001")
    row.update(actions=[PrescriptionRow.signature.remove()])
    with refused("Nobody’s signature is on this prescription", kind=TooLate):
        sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="")
