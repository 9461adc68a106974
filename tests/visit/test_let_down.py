"""Whoever waits for one doctor is let down by nobody: not by where that doctor works, nor by how long the line is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import TooLate
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Moved, Ticket
from chalicelib.store import records
from chalicelib.store.records import LIST_MAX, PAGES_MAX
from chalicelib.visit import arriving, preferring, sweeping, taking
from tests.builders import ADA, ANN, BO, BOB, EVE, refused
from tests.visit.walk import Walk
from tests.visit.weather import watched


@pytest.mark.parametrize("own_only", [False, True])
def test_no_line_leads_a_doctor_into_a_department_where_they_do_not_work_any_more(walk: Walk, own_only: bool) -> None:
    """Before any sweep and before the patients look: the lane knows no departments, so the call asks the desk."""
    ann, bob = walk.back_to(ADA, ANN, BOB)
    (child,) = walk.crowd(1, department="children")
    walk.on_duty(ADA, "children", own_only=own_only)
    only_children = replace(ADA, departments=frozenset({"children"}))
    assert walk.take(only_children, departments=("children",)) == (None if own_only else child.id)
    assert walk.take(only_children) is None
    walk.on_duty(BO)
    for id in (ann.id, bob.id):
        found = records.visit(id)
        assert (found.prefers, found.moved, found.ticket) == (None, Moved.OFF_DUTY, id), (
            "at the place held since joining"
        )
        assert found.calls == ()
        assert walk.take(BO) == id


def test_stepped_back_and_brought_up_again_nobody_comes_to_a_doctor_who_works_elsewhere(walk: Walk) -> None:
    """The number at the front is of the same lane, and is asked the same."""
    (ann,) = walk.back_to(ADA)
    arriving.need_more_time(walk.errand(ANN), id=ann.id)
    walk.on_duty(BO)
    assert walk.take(BO) is None, "Dr Bo calls past Ann's number in the department"
    walk.on_duty(ADA, "children")
    assert walk.take(ADA) is None
    found = records.visit(ann.id)
    assert (found.prefers, found.moved, found.ticket) == (None, Moved.OFF_DUTY, Ticket("general", 0, Band.RECALL, 1))
    assert walk.take(BO) == ann.id


def behind(walk: Walk, numbers: int) -> Ticket:
    """Ann waits for Dr Ada behind so many numbers that lead to nobody, in Dr Ada's line and in the department's, so
    that no sweep of the department finds her."""
    for _ in range(numbers):
        for lane in ("~ada", "general"):
            records.draw(lane, 0, Band.FOLLOW_UP)
    visit = walk.join(follow_up=True, same_doctor=True)
    assert visit.ticket
    assert visit.ticket.n > numbers
    return visit.id


@pytest.mark.parametrize("numbers", [LIST_MAX - 1, LIST_MAX, LIST_MAX * 2 + 3])
def test_the_sweep_looks_past_the_numbers_of_those_who_moved_away(walk: Walk, numbers: int) -> None:
    walk.signed()
    id = behind(walk, numbers)
    assert [visit.id for visit in preferring.waiting_for(walk.errand(ADA), "ada")] == [id], "and so does the doctor"
    taking.pause(walk.errand(ADA))
    swept = sweeping.sweep(walk.errand(SYSTEM))
    assert (swept.failed, swept.moved) == ([], 1)
    found = records.visit(id)
    assert (found.prefers, found.moved, found.ticket) == (None, Moved.OFF_DUTY, id)


def test_somebody_stepped_back_hides_nobody_behind_those_numbers(walk: Walk) -> None:
    walk.signed()
    walk.back_to(ADA, BOB, EVE)
    bob, eve = preferring.waiting_for(walk.errand(ADA), "ada")
    for who, visit in ((BOB, bob), (EVE, eve)):
        arriving.need_more_time(walk.errand(who), id=visit.id)
    id = behind(walk, LIST_MAX)
    found = preferring.waiting_for(walk.errand(ADA), "ada")
    assert {visit.id for visit in found} == {bob.id, eve.id, id}


def test_it_does_not_look_for_ever(walk: Walk) -> None:
    (own,) = records.lanes([("~ada", 0)])
    with watched() as asked:
        assert records.waiting_for({"ada": replace(own, tails=(0, 0, 0, 10**6))}) == []
    assert len(asked.names) == PAGES_MAX


@pytest.mark.parametrize("own_only", [False, True])
def test_a_doctor_who_comes_back_can_be_waited_for_again(walk: Walk, own_only: bool) -> None:
    """Pause was tapped by mistake. Until the patient says so, the place is in the department's line."""
    visit, bob = walk.back_to(ADA, ANN, BOB)
    taking.pause(walk.errand(ADA))
    assert not walk.place(ANN, visit.id).way_back
    with refused("This doctor cannot be waited for any more", kind=TooLate):
        preferring.same_doctor(walk.errand(ANN), id=visit.id)
    walk.on_duty(ADA, own_only=own_only)
    place = walk.place(ANN, visit.id)
    assert (place.way_back, place.visit.ticket) == (True, visit.id)
    assert (place.wait is None) == own_only, "no wait is promised where nobody can take her"
    back = preferring.same_doctor(walk.errand(ANN), id=visit.id)
    assert (back.prefers, back.ticket, back.moved) == ("ada", Ticket("~ada", 0, Band.FOLLOW_UP, 1), None)
    assert walk.take(ADA) == visit.id
    assert not walk.place(BOB, bob.id).way_back, "still waits for Dr Ada"


def test_the_way_back_ends_with_the_number_and_with_the_time(walk: Walk) -> None:
    visit, bob = walk.back_to(ADA, ANN, BOB)
    taking.pause(walk.errand(ADA))
    for who, one in ((ANN, visit), (BOB, bob)):
        walk.place(who, one.id)
    walk.on_duty(ADA, own_only=True)
    preferring.same_doctor(walk.errand(BOB), id=bob.id)
    assert walk.take(ADA) == bob.id
    assert walk.place(ANN, visit.id).way_back, "also after Dr Ada has called past her number"
    assert preferring.same_doctor(walk.errand(ANN), id=visit.id).prefers == "ada"
    walk.sign(bob.id)
    eve, _ = walk.back_to(ADA, EVE, BOB)
    taking.pause(walk.errand(ADA))
    walk.place(EVE, eve.id)
    walk.on_duty(ADA)
    assert walk.place(EVE, eve.id).way_back
    walk.now += timedelta(minutes=walk.clinic.prefer_minutes)
    walk.on_duty(ADA)
    assert not walk.place(EVE, eve.id).way_back
