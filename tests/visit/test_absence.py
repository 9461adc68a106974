"""An hour without a doctor: the desk is alerted, also where one is there for own patients only.

Each stretch of absence has its alert, whoever left in front of those who wait.
"""

import pytest

from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band
from chalicelib.store import records
from chalicelib.store.records import LIST_MAX
from chalicelib.visit import desk, sweeping, taking
from tests.builders import ADA, DEE, MINUTE, a_clinic
from tests.visit.walk import Walk

TEN = 10 * MINUTE


@pytest.fixture
def walk(honest_walk: Walk) -> Walk:
    honest_walk.clinic = a_clinic(timezone="UTC")
    return honest_walk


def alerted(walk: Walk, minutes: int) -> list[int]:
    """After how many minutes the desk is alerted, with a sweep every five, and a doctor on duty who is there."""
    began, found = walk.now, []
    for minute in range(5, minutes + 1, 5):
        walk.now = began + minute * MINUTE
        if records.doctor(ADA.id).on_duty:
            taking.seen(walk.errand(ADA, f"seen-{walk.now}"))
        found += [minute] * sweeping.sweep(walk.errand(SYSTEM)).desk_alerted
    return found


def test_when_the_last_doctor_turns_to_own_patients_only_a_new_stretch_begins(walk: Walk) -> None:
    walk.join()
    assert len(alerted(walk, 60)) == 1, "nobody has come yet"
    walk.on_duty()
    walk.take()
    walk.crowd(1)
    assert alerted(walk, 60) == []
    walk.on_duty(own_only=True)
    first = alerted(walk, 60)
    assert len(first) == 1
    assert alerted(walk, 60) == [], "once in a stretch, however often the doctor shows a sign of life"
    taking.pause(walk.errand(ADA))
    assert alerted(walk, 30) == [], "nor does a new one begin when that doctor goes"
    walk.on_duty()
    taking.pause(walk.errand(ADA))
    assert alerted(walk, 60) == first


def test_many_who_left_in_front_hide_nobody_who_has_waited(walk: Walk) -> None:
    for _ in range(LIST_MAX + 1):
        records.draw("general", 0, Band.STANDARD)
    walk.join()
    assert len(alerted(walk, 60)) == 1


def test_a_crowd_of_urgent_people_does_not_hide_who_has_waited(walk: Walk) -> None:
    """The desk is alerted for whoever waits longest, and sees them in its list, though more urgent ones go first."""
    first = walk.join()
    walk.now += 59 * MINUTE
    walk.crowd(LIST_MAX + 1, Band.URGENT)
    walk.now += MINUTE
    assert sweeping.sweep(walk.errand(SYSTEM)).desk_alerted == 1
    queue = desk.see_queue(walk.errand(DEE), department="general")
    bands = [visit.id.band for visit in queue.waiting]
    assert (queue.waiting[-1].id, bands[:-1]) == (first.id, [Band.URGENT] * desk.SHOWN_OF_BAND)
    assert not queue.whole
    assert desk.see_queue(walk.errand(DEE), department="children").whole
