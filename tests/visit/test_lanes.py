"""Lanes side by side: everybody is called, in nearly the order they joined, whatever lane chance gave them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.rooms import leaving
from chalicelib.rooms.kit import ROWS_AT_ONCE
from chalicelib.rooms.permission import SYSTEM, Actor, Role
from chalicelib.rooms.queue import Ticket, Visit, on_duty
from chalicelib.store import records
from chalicelib.visit import arriving, desk, staffing, sweeping, taking
from tests.builders import ADA, ANN, BO, DEE, MAX, MINUTE, a_clinic, refused
from tests.hiring import hired
from tests.visit.walk import Walk

LANES = 4
PEOPLE = 40
BOTH = ("general", "children")


@pytest.fixture
def wide(walk: Walk) -> Walk:
    """The same clinic on a great day: every department has LANES lanes."""
    walk.clinic = replace(a_clinic(), lanes=LANES)
    return walk


def patients(walk: Walk, many: int = PEOPLE, department: str = "general") -> list[Ticket]:
    """They join one after the other, a minute apart."""
    found = []
    for _ in range(many):
        walk.now += MINUTE
        found.append(walk.join(Actor(role=Role.PATIENT, id=f"{department} {walk.count}"), department=department).id)
    return found


def test_everybody_is_called_once_and_nearly_in_order(wide: Walk) -> None:
    joined = patients(wide)
    assert set(Counter(id.lane for id in joined)) == set(range(LANES))
    wide.on_duty(ADA, capacity=1)
    called = []
    while id := wide.take():
        called.append(id)
        wide.sign(id)
    assert sorted(called) == sorted(joined)
    late = [called.index(id) - n for n, id in enumerate(joined)]
    assert max(map(abs, late)) <= 3 * LANES, "a few places, not a lottery"


def test_everybody_is_told_about_how_many_go_first(wide: Walk) -> None:
    """Of all lanes; and who has ten before them there has time."""
    off = []
    for n, id in enumerate(patients(wide)):
        errand = wide.errand(Actor(role=Role.PATIENT, id=records.visit(id).secret))
        told = arriving.see_ticket(errand, id=id).ahead
        off.append(abs(told - n))
        if told > leaving.STEP_BACK_FROM:
            with refused(f"about {told} people are before you"):
                arriving.need_more_time(errand, id=id)
    assert sum(off) / PEOPLE <= PEOPLE / 6, "by their own lane alone it were fifteen on average"


def test_two_lanes_that_are_empty_are_not_an_empty_department(wide: Walk) -> None:
    """The looks go to two of four lanes: whoever waits in another one is found all the same."""
    wide.on_duty(ADA, capacity=2)
    for n in range(12):
        (alone,) = patients(wide, 1, department="general") if n == 0 else [wide.join(ANN).id]
        assert wide.take() == alone
        wide.sign(alone)
    assert wide.take() is None


def test_every_lane_knows_how_many_doctors_there_are(wide: Walk) -> None:
    wide.on_duty(ADA, *BOTH)
    wide.on_duty(BO)
    lanes = records.lanes(wide.clinic.lanes_of(BOTH))
    assert [(lane.on_duty, lane.of) for lane in lanes] == [(2, LANES)] * LANES + [(1, LANES)] * LANES
    taking.pause(wide.errand(ADA))
    assert {on_duty([lane]) for lane in records.lanes(wide.clinic.lanes_of(["general"]))} == {1}
    first = wide.join(ANN)
    place = arriving.see_ticket(wide.errand(ANN), id=first.id)
    assert place.wait == (25, 55), "one call in four is from this lane: a guess of 32 minutes, give or take"


def test_lanes_opened_in_the_middle_of_a_day_learn_who_is_there(walk: Walk) -> None:
    """Doctors came when there was one lane; one goes before the new lanes have heard of them."""
    walk.on_duty(ADA)
    walk.on_duty(BO)
    walk.clinic = replace(walk.clinic, lanes=LANES)
    taking.pause(walk.errand(BO))
    every = walk.clinic.lanes_of(["general"])
    assert {lane.on_duty for lane in records.lanes(every)} == {1, 0}
    for _ in range(2):
        sweeping.sweep(walk.errand(SYSTEM))
        assert {(lane.on_duty, lane.of) for lane in records.lanes(every)} == {(1, LANES)}
    taking.pause(walk.errand(ADA))
    assert {lane.on_duty for lane in records.lanes(every)} == {0}


def test_a_doctor_can_be_on_duty_in_as_many_lanes_as_a_kit_may_have(honest_walk: Walk) -> None:
    """One transaction holds a hundred rows, and letting a doctor go is the largest there is."""
    walk, one = honest_walk, a_clinic()
    lanes = ROWS_AT_ONCE - 1
    walk.clinic = replace(one, departments=one.departments[:1], lanes=lanes)
    hired("ada", walk.now)
    walk.on_duty(ADA)
    staffing.dismiss(walk.errand(MAX), id="ada")
    assert {lane.on_duty for lane in records.lanes(walk.clinic.lanes_of([one.departments[0].id]))} == {0}


def test_lanes_are_closed_without_leaving_anybody_behind(wide: Walk) -> None:
    """Before a kit has fewer lanes, people join fewer of them; those who wait in the others are called as before."""
    before = patients(wide, 10)
    assert {id.lane for id in before} == set(range(LANES))
    wide.clinic = replace(wide.clinic, lanes_open=1)
    after = patients(wide, 10)
    assert {id.lane for id in after} == {0}
    wide.on_duty(ADA, capacity=1)
    called = []
    while id := wide.take():
        called.append(id)
        wide.sign(id)
    assert called == [*before, *after]
    assert [lane.everybody for lane in records.lanes(wide.clinic.lanes_of(["general"]))] == [0] * LANES
    wide.clinic = replace(wide.clinic, lanes=1)
    ann = wide.join(ANN).id
    assert wide.take() == ann


def test_the_departments_are_shown_as_one_queue(wide: Walk) -> None:
    joined = patients(wide, 10)
    wide.on_duty(ADA)
    waits = {one.department.id: one for one in arriving.waits(wide.errand())}
    assert sum(lane.everybody for lane in waits["general"].lanes) == 10
    assert taking.work(wide.errand(ADA)).standings == [waits["general"]]
    board = arriving.board(wide.errand(), department="general")
    assert (board["waiting"], board["on_duty"]) == (10, 1)
    assert len(board["lanes"]) == LANES  # type: ignore[arg-type]  # a list of lanes
    there = [visit.id for visit in desk.see_queue(wide.errand(DEE), department="general").waiting]
    assert sorted(there) == sorted(joined)
    assert len({id.lane for id in there[:LANES]}) > 1, "in about the order of calling, not lane after lane"


def test_a_doctor_in_two_departments_sees_whoever_joined_first(walk: Walk) -> None:
    """Not the longest queue first, which would let the shorter one wait for ever."""
    long = patients(walk, 6, department="children")
    (one,) = patients(walk, 1, department="general")
    later = patients(walk, 6, department="general")
    walk.on_duty(ADA, *BOTH, capacity=1)
    called = []
    while id := walk.take(departments=BOTH):
        called.append(id)
        walk.sign(id)
    assert called == [*long, one, *later]


class Behind:
    """The store, whose reads of a moment ago have not seen one visit yet."""

    def __init__(self, unseen: Ticket) -> None:
        self.unseen = unseen

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def visits(self, ids: Iterable[Ticket], *, consistent: bool = False, **how: Any) -> list[Visit]:
        return [v for v in records.visits(ids, consistent=consistent, **how) if consistent or v.id != self.unseen]


def test_who_has_just_joined_elsewhere_is_not_taken_for_a_number_of_nobody(walk: Walk) -> None:
    """Numbers of nobody go first, to be out of the way; people do not."""
    (waited,) = patients(walk, 1, department="children")
    walk.now += 60 * MINUTE
    (just_now,) = patients(walk, 1, department="general")
    walk.on_duty(ADA, *BOTH)
    assert taking.take_next(replace(walk.errand(ADA), records=Behind(just_now)), departments=BOTH) == waited
