"""Called and not there: the doctor goes on, the place is kept, and both may undo it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotFound, TooLate
from chalicelib.rooms import queue
from chalicelib.rooms.assignment import NO_SHOW_AFTER, may_say_not_here
from chalicelib.rooms.consult import NoteState
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import HELD_MAX, NO_SHOWS_MAX, Band, State, Ticket
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, sweeping
from chalicelib.visit.sweeping import SLACK
from tests.builders import ADA, ANN, BO, SOAP, refused
from tests.visit.walk import Walk
from tests.visit.weather import meanwhile


def not_here(walk: Walk, id: Ticket) -> None:
    walk.now += NO_SHOW_AFTER
    seeing.not_here(walk.errand(ADA), id=id, epoch=records.visit(id).epoch)


def ann_away(walk: Walk, others: int = 5) -> Ticket:
    id = walk.taken()
    walk.crowd(others)
    not_here(walk, id)
    return id


def test_the_doctor_is_free_and_the_place_is_kept(walk: Walk) -> None:
    id = ann_away(walk)
    visit = records.visit(id)
    assert (visit.state, visit.ticket, visit.no_shows) == (State.WAITING, None, 1)
    assert records.doctor(ADA.id).visits == frozenset()
    walk.on_duty(capacity=9)
    assert [ticket.n for ticket in (walk.take() for _ in range(4)) if ticket] == [2, 3, 4, 1]


def test_the_patient_gets_some_minutes_to_answer(walk: Walk) -> None:
    id = walk.taken()
    with refused("Give the patient 3 minutes to answer.", kind=TooLate):
        seeing.not_here(walk.errand(ADA), id=id, epoch=1)


def test_they_are_counted_from_what_the_doctor_last_wrote(walk: Walk) -> None:
    id = walk.taken()
    walk.now += NO_SHOW_AFTER
    seeing.say(walk.errand(ADA), id=id, text="Are you there?", epoch=1)
    with refused("Give the patient 3 minutes to answer.", kind=TooLate):
        seeing.not_here(walk.errand(ADA), id=id, epoch=1)
    not_here(walk, id)
    assert walk.take() == id
    walk.now += NO_SHOW_AFTER - timedelta(seconds=2)
    with refused("Give the patient 3 minutes to answer.", kind=TooLate):
        seeing.not_here(walk.errand(ADA), id=id, epoch=2)
    not_here(walk, id)


def test_what_the_patient_wrote_must_be_read_first(walk: Walk) -> None:
    id = walk.taken()
    seeing.say(walk.errand(ANN), id=id, text="Here I am", epoch=None)
    with refused("The patient has written since you called.", kind=TooLate):
        not_here(walk, id)


def test_what_was_written_before_the_call_is_no_answer_to_it(walk: Walk) -> None:
    id = walk.join().id
    seeing.say(walk.errand(ANN), id=id, text="I wait", epoch=None)
    walk.on_duty()
    walk.take()
    not_here(walk, id)
    assert records.visit(id).no_shows == 1


def test_i_am_here_puts_the_patient_at_the_front(walk: Walk) -> None:
    id = ann_away(walk)
    for _ in range(2):
        assert arriving.here_now(walk.errand(ANN), id=id).ahead == 0
    ticket = records.visit(id).ticket
    assert ticket is not None
    assert ticket.band is Band.RECALL
    assert walk.take() == id


def test_nobody_else_says_it_for_them(walk: Walk) -> None:
    id = ann_away(walk)
    with pytest.raises(NotFound):
        arriving.here_now(walk.errand(BO), id=id)


def test_the_doctor_undoes_it_and_the_draft_is_still_readable(walk: Walk) -> None:
    id = walk.taken()
    seeing.save_note(walk.errand(ADA), id=id, epoch=1, soap=SOAP)
    not_here(walk, id)
    note = records.newest_note(id)
    assert note is not None
    assert note.state is NoteState.SET_ASIDE
    visit = seeing.call_again(walk.errand(ADA), id=id)
    assert (visit.state, visit.doctor, visit.epoch, visit.no_shows) == (State.ASSIGNED, ADA.id, 2, 0)
    assert records.doctor(ADA.id).visits == {id}
    walk.now += timedelta(minutes=1)
    sweeping.sweep(walk.errand(SYSTEM))
    (lane,) = records.lanes([("general", 0)])
    assert not lane.held, "an entry for nobody is forgotten"


def test_after_an_undo_nobody_is_counted_twice_though_others_wait(walk: Walk) -> None:
    id = walk.taken()
    walk.crowd(5)
    not_here(walk, id)
    seeing.call_again(walk.errand(ADA), id=id)
    sweeping.sweep(walk.errand(SYSTEM))
    (lane,) = records.lanes([("general", 0)])
    assert (lane.everybody, lane.held) == (5, {})
    not_here(walk, id)
    (lane,) = records.lanes([("general", 0)])
    sweeping.sweep(walk.errand(SYSTEM))
    assert records.lanes([("general", 0)])[0].held == lane.held != {}, "who is away comes back"


def test_the_undo_is_for_the_doctor_who_said_it_and_only_in_time(walk: Walk) -> None:
    id = ann_away(walk)
    walk.on_duty(BO)
    with pytest.raises(NotFound):
        seeing.call_again(walk.errand(BO), id=id)
    arriving.here_now(walk.errand(ANN), id=id)
    assert walk.take(BO) == id
    with pytest.raises(NotFound):
        seeing.call_again(walk.errand(ADA), id=id)


def test_the_undo_needs_room(walk: Walk) -> None:
    id = ann_away(walk)
    walk.on_duty(capacity=1)
    walk.take()
    with refused("You already have 1 conversation.", kind=TooLate):
        seeing.call_again(walk.errand(ADA), id=id)


def test_the_undo_is_only_for_where_the_clinic_lets_the_doctor_work(walk: Walk) -> None:
    id = ann_away(walk)
    elsewhere = replace(ADA, departments=frozenset({"children"}))
    with refused("Where you work was changed.", kind=TooLate):
        seeing.call_again(walk.errand(elsewhere), id=id)
    assert records.visit(id).state is State.WAITING
    walk.on_duty(ADA, "children")
    with refused("Where you work was changed.", kind=TooLate):
        seeing.call_again(walk.errand(elsewhere), id=id)


def test_called_three_times_and_never_there_ends_the_visit_and_says_why(walk: Walk) -> None:
    id = walk.taken()
    for _ in range(NO_SHOWS_MAX - 1):
        not_here(walk, id)
        assert walk.take() == id
    not_here(walk, id)
    assert walk.take() is None
    visit = records.visit(id)
    assert (visit.state, visit.ended_why) == (State.EXPIRED, "no_show")
    assert walk.join().id != id, "may come again"


def test_an_open_page_is_no_sign_that_somebody_is_there(walk: Walk) -> None:
    """The phone on the table looks by itself: that brings nobody back for ever."""
    id = walk.taken()
    walk.crowd(2 * NO_SHOWS_MAX)
    walk.on_duty(capacity=9)
    for times in range(1, NO_SHOWS_MAX + 1):
        not_here(walk, id)
        assert queue.last_call(records.visit(id)) is (times == NO_SHOWS_MAX), "said on the page while there is time"
        while queue.missed(walk.place(ANN, id).visit):
            assert walk.take() not in (None, id)
        assert times == NO_SHOWS_MAX or walk.take() == id
    visit = records.visit(id)
    assert (visit.state, visit.ended_why, visit.no_shows) == (State.EXPIRED, "no_show", NO_SHOWS_MAX)


def test_the_sweep_notices_it_too(walk: Walk) -> None:
    id = ann_away(walk, others=1)
    walk.on_duty(capacity=9)
    walk.take()
    walk.now += timedelta(minutes=1)
    sweeping.sweep(walk.errand())
    assert records.visit(id).ticket is not None


def test_a_sweep_at_that_very_moment_leaves_the_lane_its_note(walk: Walk) -> None:
    """The note on the lane is written first; without it nobody else left in the band would call this patient."""
    id = walk.taken()
    walk.crowd(5)
    with meanwhile("TransactWriteItems", lambda: sweeping.sweep(walk.errand(SYSTEM))):
        not_here(walk, id)
    (lane,) = records.lanes([("general", 0)])
    assert lane.held == {str(id): records.visit(id).returns_at}


def test_nor_does_one_that_began_just_before_the_doctor_could_say_it(walk: Walk) -> None:
    """Its time is that of its beginning. The note is there, and the visit is about to be written."""
    id = walk.taken()
    walk.crowd(5)
    at, note = may_say_not_here(records.visit(id)), 3
    for before, kept in ((SLACK, True), (SLACK + timedelta(seconds=1), False)):
        assert records.hold(("general", 0), id, note, HELD_MAX)
        sweeping.sweep(walk.errand(SYSTEM, at=at - before))
        (lane,) = records.lanes([("general", 0)])
        assert (str(id) in lane.held) is kept
