"""A sweep that has no time for everything: what it leaves is counted, and the next one finds it."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.rooms.assignment import Doctor
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Lane, Why
from chalicelib.store import records
from chalicelib.visit import sweeping, taking
from chalicelib.visit.sweeping import AWAY
from tests.builders import ADA, BO, MINUTE, a_clinic
from tests.visit.walk import Walk, restore, table

DEPARTMENTS = (("general", ADA), ("children", BO))


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


def test_each_minute_another_department_is_the_first() -> None:
    walk = Walk(a_clinic())
    firsts = [sweeping._in_turn(walk.errand(SYSTEM, at=walk.now + n * MINUTE)) for n in range(4)]
    ids = [department.id for department in walk.clinic.departments]
    assert all(sorted(order) == sorted(ids) for order in firsts)
    assert all(a[0] != b[0] for a, b in itertools.pairwise(firsts))


class Asked:
    """The store, and whose desks it was asked for."""

    def __init__(self) -> None:
        self.desks: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

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
