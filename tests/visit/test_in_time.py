"""A sweep that has no time for everything: what it leaves is counted, and the next one finds it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.rooms.assignment import Doctor
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Lane, Mark, State, Why
from chalicelib.rooms.rules import Sms
from chalicelib.store import records
from chalicelib.visit import arriving, sweeping, taking
from chalicelib.visit.sweeping import AWAY
from tests.builders import ADA, ANN, BO, MINUTE, a_clinic
from tests.visit.walk import Walk, restore, table, visits

DEPARTMENTS = (("general", ADA), ("children", BO))
SILENT = [replace(ADA, id=f"silent{n}") for n in range(3)]  # with ADA four in one department
LANES = 3  # and the doctors: as many parts as doctors


@pytest.fixture
def lost(honest_walk: Walk) -> Walk:
    """In two departments somebody was called by a Lambda that died, and a doctor vanished with somebody."""
    for department, doctor in DEPARTMENTS:
        honest_walk.crowd(2, department=department)
        honest_walk.on_duty(doctor, department)
        assert honest_walk.take(doctor)
        (lane,) = records.lanes([(department, 0)])
        records.call(lane, Band.STANDARD, Why.FIRST_COME, honest_walk.now)
    return honest_walk


class Time:
    """Enough for so many looks at the clock."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def __call__(self) -> bool:
        self.looks -= 1
        return self.looks >= 0


def swept(walk: Walk, minutes: int, time: Time) -> sweeping.Swept:
    found = sweeping.sweep(walk.errand(SYSTEM, at=walk.now + minutes * MINUTE), has_time=time)
    assert found.failed == []
    return found


def test_whatever_there_was_no_time_for_the_next_sweep_does(lost: Walk) -> None:
    begun, enough = table(), Time(1000)
    whole = swept(lost, 20, enough)
    assert (whole.brought_to_front, whole.off_duty, whole.not_reached) == (4, 2, 0)
    for looks in range(0, 1000 - enough.looks, 3):
        restore(begun)
        first = swept(lost, 20, Time(looks))
        assert first.not_reached > 0, looks
        second = swept(lost, 21, Time(1000))
        assert second.not_reached == 0
        assert first.brought_to_front + second.brought_to_front == 4, looks
        assert first.off_duty + second.off_duty == 2, looks


def test_with_never_enough_time_everybody_still_has_their_turn(lost: Walk) -> None:
    """Each minute another department, and in it another lane or the doctors: none is always the last."""
    lost.clinic, store = replace(lost.clinic, lanes=LANES), Asked()
    for doctor in SILENT:
        lost.on_duty(doctor)
    restless = len(DEPARTMENTS) * (LANES + 1) * (len(SILENT) + 1)
    for minute in range(20, 20 + restless):
        errand = replace(lost.errand(SYSTEM, at=lost.now + minute * MINUTE), records=store)
        sweeping.sweep(errand, has_time=Time(2))  # for one department, and one look in it
    assert store.lanes_looked_at == {(department, lane) for department, _ in DEPARTMENTS for lane in range(LANES)}
    assert not any(line.on_duty for department, _ in DEPARTMENTS for line in records.roster(department))


def test_the_desk_is_alerted_of_everybody_also_by_a_sweep_that_reached_one_lane(honest_walk: Walk) -> None:
    walk = honest_walk
    walk.clinic = replace(a_clinic(timezone="UTC", sms=Sms(provider="local", country="+86", desk="+8613800001234")))
    walk.clinic = replace(walk.clinic, lanes=LANES)
    walk.crowd(12)
    for visit in [one for one in visits() if one.lane[1] == 0]:
        arriving.leave(walk.errand(replace(ANN, id=visit.secret)), id=visit.id)  # nobody in the lane that remembers it
    left = sum(one.state is State.WAITING for one in visits())
    alerts = [swept(walk, minute, Time(2)).desk_alerted for minute in range(11, 11 + 4 * len(DEPARTMENTS))]
    assert sum(alerts) == 1
    (note,) = [one for one in records.notices_due(walk.now + 60 * MINUTE, 9) if one.visit is None]
    assert note.people == left < 12


class Asked:
    """The store, and whose desks it was asked for, and which lanes' marks."""

    def __init__(self) -> None:
        self.desks: set[str] = set()
        self.lanes_looked_at: set[tuple[str, int]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def mark(self, department: str, number: int) -> Mark:
        self.lanes_looked_at.add((department, number))
        return records.mark(department, number)

    def own_lines(self, doctors: Iterable[str], *, consistent: bool = False) -> dict[str, tuple[Doctor, Lane]]:
        self.desks |= set(doctors)
        return records.own_lines(doctors, consistent=consistent)


def test_whoever_has_long_been_off_duty_is_not_looked_for(honest_walk: Walk) -> None:
    """Else the sweep grows with every doctor who ever worked here."""
    walk = honest_walk
    walk.on_duty(BO)
    walk.now += AWAY
    walk.on_duty(ADA)
    for doctor in (ADA, BO):
        taking.pause(walk.errand(doctor, at=walk.now if doctor is ADA else walk.now - AWAY))
    store = Asked()
    sweeping.sweep(replace(walk.errand(SYSTEM), records=store))
    assert store.desks == {ADA.id}
