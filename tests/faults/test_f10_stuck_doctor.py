"""F10: a doctor takes a patient and vanishes: the patient is next in line, with everything that was said and written.

Whoever notices, the sweep or the patient's own page; whatever the doctor had begun. The doctor who comes back late can
change nothing, and is told why.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.refusal import TooLate
from chalicelib.rooms.assignment import LEASE, NO_SHOW_AFTER
from chalicelib.rooms.consult import NoteState
from chalicelib.rooms.permission import SYSTEM, Actor
from chalicelib.rooms.queue import Band, State, Ticket
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, sweeping
from tests.builders import ADA, ANN, BO, SOAP
from tests.faults.baton import in_order
from tests.visit.deeds import DEEDS, Deed
from tests.visit.walk import Walk

SWEEP_EVERY = timedelta(minutes=1)


def _nothing(walk: Walk, id: Ticket) -> None:
    """Vanished at once."""


def _a_word(walk: Walk, id: Ticket) -> None:
    seeing.say(walk.errand(ADA), id=id, text="How are you?", epoch=1)


def _a_draft(walk: Walk, id: Ticket) -> None:
    seeing.save_note(walk.errand(ADA), id=id, epoch=1, soap=SOAP)


def _both_and_an_answer(walk: Walk, id: Ticket) -> None:
    _a_word(walk, id)
    _a_draft(walk, id)
    seeing.say(walk.errand(ANN), id=id, text="Not well.", epoch=None)


BEGUN = [_nothing, _a_word, _a_draft, _both_and_an_answer]
WITH_EPOCH = (seeing.say, seeing.save_note, seeing.hand_back, seeing.sign, seeing.not_here)
TOLD = {None: "went back to the queue", BO: "Another doctor has this patient", ADA: "from an earlier time"}
LATE = [deed for deed in DEEDS if deed.who is ADA and deed.do in WITH_EPOCH]


def by_the_sweep(walk: Walk, id: Ticket) -> None:
    sweeping.sweep(walk.errand(SYSTEM))


def by_their_own_page(walk: Walk, id: Ticket) -> None:
    arriving.see_ticket(walk.errand(ANN), id=id)


@pytest.mark.parametrize("noticed", [by_the_sweep, by_their_own_page])
@pytest.mark.parametrize("begun", BEGUN)
def test_the_patient_of_a_doctor_who_vanished_is_next_with_everything(
    walk: Walk, begun: Callable[[Walk, Ticket], None], noticed: Callable[[Walk, Ticket], None]
) -> None:
    id = walk.taken()
    walk.crowd(3)
    begun(walk, id)
    said = records.messages(id, "")

    walk.now += LEASE - timedelta(seconds=10)
    noticed(walk, id)
    assert records.visit(id).doctor == ADA.id, "not before the lease has run out"
    walk.now += SWEEP_EVERY
    noticed(walk, id)

    visit = records.visit(id)
    assert visit.state is State.WAITING
    assert visit.ticket is not None
    assert visit.ticket.band is Band.RECALL
    assert walk.place(ANN, id).ahead == 0, "and their page says so"
    assert records.messages(id, "") == said
    note = records.newest_note(id)
    assert note is None or (note.state, note.plan) == (NoteState.SET_ASIDE, SOAP["plan"])
    in_order()

    walk.on_duty(BO)
    assert walk.take(BO) == id
    assert records.visit(id).epoch == 2
    dossier = seeing.open_visit(walk.errand(BO), id=id)
    assert (dossier.messages, len(dossier.notes)) == (said, int(note is not None))


@pytest.mark.parametrize("now_with", TOLD, ids=["nobody", "another", "the same again"])
@pytest.mark.parametrize("deed", LATE, ids=lambda deed: deed.name)
def test_the_doctor_who_comes_back_late_changes_nothing_and_is_told_why(
    walk: Walk, deed: Deed, now_with: Actor | None
) -> None:
    typed = deed.ready(walk)
    id = typed["id"]
    walk.now += LEASE + SWEEP_EVERY
    by_the_sweep(walk, id)
    if now_with:
        walk.on_duty(now_with)
        assert walk.take(now_with) == id
        walk.now += NO_SHOW_AFTER
    before = records.file(id)

    with pytest.raises(TooLate) as told:
        deed.do(walk.errand(ADA), **typed)

    assert TOLD[now_with] in str(told.value)
    assert records.file(id) == before
    in_order()


def test_a_doctor_who_only_lost_the_connection_takes_the_patient_again(walk: Walk) -> None:
    id = walk.taken()
    walk.now += LEASE + SWEEP_EVERY
    by_the_sweep(walk, id)
    walk.on_duty(ADA)
    assert walk.take(ADA) == id
    seeing.save_note(walk.errand(ADA), id=id, epoch=2, soap=SOAP)
    walk.sign(id)
    assert records.visit(id).state is State.COMPLETED
    in_order()
