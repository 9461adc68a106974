"""Closing time: who came in time is told once the doctors have gone, and a mistaken tap on Pause sends nobody home."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time
from typing import Any

import pytest

from chalicelib.refusal import TooLate
from chalicelib.rooms import preferred
from chalicelib.rooms.assignment import PRESENCE, Seen
from chalicelib.rooms.leaving import GRACE
from chalicelib.rooms.notice import Kind, Outcome
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Call, Lane, State, Why
from chalicelib.rooms.rules import Sms
from chalicelib.store import records
from chalicelib.store.records import LIST_MAX
from chalicelib.visit import arriving, closing, desk, seeing, sweeping, taking
from chalicelib.visit.closing import CLOSE_MAX, LOOK_EVERY
from tests.builders import ADA, ANN, BO, BOB, DEE, EVE, MINUTE, NOW, a_clinic, a_department, a_visit, refused
from tests.visit.test_telling import Provider, notices
from tests.visit.walk import Walk
from tests.visit.weather import meanwhile

GENERAL = replace(a_department(), opens=time(8), closes=time(17))
TEXTS = Sms(provider="local", country="+86")
AFTERNOON, EVENING = NOW.replace(hour=16), NOW.replace(hour=17, minute=1)


@pytest.fixture
def walk(honest_walk: Walk) -> Walk:
    honest_walk.clinic = a_clinic(timezone="UTC", departments=(GENERAL,), sms=TEXTS)
    honest_walk.now = AFTERNOON
    return honest_walk


def sweep(walk: Walk, at: datetime, post: Provider | None = None) -> sweeping.Swept:
    swept = sweeping.sweep(walk.errand(SYSTEM, at=at), post)
    assert swept.failed == []
    return swept


def test_a_doctor_who_taps_on_pause_by_mistake_sends_nobody_home(walk: Walk) -> None:
    walk.join()
    walk.now = EVENING
    walk.on_duty()
    taking.pause(walk.errand(ADA))
    assert sweep(walk, EVENING + GRACE - MINUTE).sent_home == 0
    walk.on_duty()
    taking.pause(walk.errand(ADA, at=EVENING + GRACE))
    assert sweep(walk, EVENING + GRACE + MINUTE).sent_home == 0, "it is counted from the last one who was there"
    assert sweep(walk, EVENING + 2 * GRACE).sent_home == 1


def test_nor_does_one_who_was_silent_for_a_while(walk: Walk) -> None:
    """Duty ended by itself, a quarter of an hour after the last sign of life: they have five minutes more."""
    walk.join()
    walk.now = EVENING
    walk.on_duty()
    silent = walk.now + PRESENCE
    assert sweep(walk, silent).off_duty == 1
    assert sweep(walk, silent + 4 * MINUTE).sent_home == 0
    assert sweep(walk, silent + 5 * MINUTE).sent_home == 1


def test_nor_does_one_whose_lane_does_not_know_of_the_doctors_yet(walk: Walk) -> None:
    """A lane that a bigger clinic has just opened: the others say that somebody is there."""
    waits = a_visit(joined_at=AFTERNOON)
    lanes = [Lane(department="general", on_duty=1), Lane(department="general", number=1)]
    assert closing.to_go_home(walk.errand(SYSTEM, at=EVENING), lanes, [waits]) == []
    assert closing.to_go_home(walk.errand(SYSTEM, at=EVENING), lanes[1:], [waits]) == [waits]


def test_whose_doctor_has_just_gone_has_as_long(walk: Walk) -> None:
    """Who waits for one doctor is moved by a tap on Pause, to a line in which the doctors have long gone."""
    (visit,) = walk.back_to(ADA)
    walk.on_duty(own_only=True)
    walk.now = EVENING + GRACE
    walk.on_duty(own_only=True)
    with refused("This patient waits for one doctor.", kind=TooLate):
        desk.expire(walk.errand(DEE), id=visit.id)
    taking.pause(walk.errand(ADA))
    moved = walk.now
    assert (sweep(walk, moved).moved, sweep(walk, moved + GRACE - MINUTE).sent_home) == (1, 0)
    assert sweep(walk, moved + GRACE).sent_home == 1


def test_so_has_who_waited_for_one_doctor_in_vain(walk: Walk) -> None:
    """The doctor is there all the time, for own patients only, and finds no time for this one."""
    (visit,) = walk.back_to(ADA)
    limit = preferred.until(visit, walk.clinic)
    walk.now = EVENING + GRACE
    assert limit < walk.now
    walk.on_duty(own_only=True)
    assert [sweep(walk, walk.now + minutes * MINUTE).sent_home for minutes in (0, 19, 20)] == [0, 0, 1]


class Coming:
    """The store. Somebody comes on duty just before it is asked for the nth time whether nobody is there."""

    def __init__(self, nth: int, come: Callable[[], object]) -> None:
        self.nth, self.come = nth, come
        self.looks: int | None = None  # since it was certain that there are people to be sent home

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def roster(self, department: str, *, consistent: bool = False) -> list[Seen]:
        self.looks = 0 if consistent else self.looks
        return records.roster(department, consistent=consistent)

    def lanes(self, wanted: list[tuple[str, int]], *, consistent: bool = False) -> list[Lane]:
        if self.looks is not None:
            self.looks += 1
            if self.looks == self.nth:
                self.come()
        return records.lanes(wanted, consistent=consistent)


@pytest.mark.parametrize(("nth", "home"), [(1, 0), (2, LOOK_EVERY)])
def test_a_doctor_who_comes_meanwhile_finds_who_is_left(walk: Walk, nth: int, home: int) -> None:
    walk.crowd(LOOK_EVERY + 2)
    bo = walk.errand(BO, at=EVENING)
    store = Coming(nth, lambda: taking.go_on_duty(bo, departments=("general",), capacity=3))
    assert sweeping.sweep(replace(walk.errand(SYSTEM, at=EVENING), records=store)).sent_home == home
    assert records.lanes([("general", 0)], consistent=True)[0].everybody == LOOK_EVERY + 2 - home


def test_who_keeps_the_place_does_not_hide_who_is_to_be_told(walk: Walk) -> None:
    """More than are sent home in one sweep came after closing, or were called before; one behind them came in time."""
    called = (Call(epoch=1, doctor="ada", at=AFTERNOON, why=Why.FIRST_COME),)
    keep = [a_visit(joined_at=EVENING) for _ in range(CLOSE_MAX)] + [a_visit(joined_at=AFTERNOON, calls=called)]
    last = a_visit(joined_at=AFTERNOON)
    lanes = [Lane(department="general")]
    found = closing.to_go_home(walk.errand(SYSTEM, at=EVENING), lanes, [*keep, last])
    assert len(found) == 1
    assert found[0] is last
    many = [last] * (CLOSE_MAX + 1)
    assert len(list(closing.going_home(walk.errand(SYSTEM, at=EVENING), lanes, many))) == CLOSE_MAX


def test_more_than_one_look_shows_are_told_in_the_same_minute(walk: Walk) -> None:
    """A thousand people must not read for an hour that somebody may still come."""
    walk.crowd(LIST_MAX + 2)
    assert sweep(walk, EVENING).sent_home == LIST_MAX + 2


def test_who_asked_to_be_told_is_told(walk: Walk) -> None:
    id, post = walk.join(text_me=True).id, Provider()
    walk.join(BOB)
    assert sweep(walk, EVENING, post).sent_home == 2
    assert [(one.kind, one.visit) for one in post.asked] == [(Kind.CLOSED, id)]
    visit = records.visit(id)
    assert (visit.state, visit.told) == (State.EXPIRED, {"closed"})
    sweep(walk, EVENING + MINUTE, post)
    assert notices() == [("closed", "sent", 1)]


def test_also_by_the_desk_and_also_when_the_service_is_down_for_a_while(walk: Walk) -> None:
    id = walk.join(text_me=True).id
    walk.now = EVENING
    desk.expire(walk.errand(DEE), id=id)
    post = Provider([Outcome.LATER, Outcome.SENT])
    for minute in range(3):
        sweep(walk, walk.now + minute * MINUTE, post)
    assert notices() == [("closed", "sent", 2)]


def test_the_desk_closes_only_on_whom_closing_sends_home(walk: Walk) -> None:
    """Also from a page of this afternoon: nobody is told that it has closed who was told that the place is safe."""
    called, in_time = walk.taken(BOB), walk.join()
    seeing.hand_back(walk.errand(ADA), id=called, epoch=1, reason="My line is down")
    with refused("The department is open.", kind=TooLate):
        desk.expire(walk.errand(DEE), id=in_time.id)
    walk.now = EVENING
    late = walk.join(EVE)
    with refused("A doctor is on duty here.", kind=TooLate):
        desk.expire(walk.errand(DEE), id=in_time.id)
    taking.pause(walk.errand(ADA))
    for id in (called, late.id):
        with refused("This patient keeps the place until the department opens.", kind=TooLate):
            desk.expire(walk.errand(DEE), id=id)
    assert desk.expire(walk.errand(DEE), id=in_time.id).state is State.EXPIRED
    assert [records.visit(id).state for id in (called, late.id)] == [State.WAITING] * 2


def test_who_is_taken_at_that_very_moment_is_not_told_that_it_has_closed(walk: Walk) -> None:
    id = walk.join(text_me=True).id

    def taken() -> None:
        taking.go_on_duty(walk.errand(ADA, at=EVENING), departments=("general",), capacity=1)
        assert taking.take_next(walk.errand(ADA, at=EVENING)) == id

    post = Provider()
    with meanwhile("TransactWriteItems", taken):
        assert sweep(walk, EVENING, post).sent_home == 0
    assert records.visit(id).state is State.ASSIGNED
    assert Kind.CLOSED not in [one.kind for one in post.asked]


def test_who_gave_up_after_the_promised_time_counts_as_later(walk: Walk) -> None:
    """Sent home after five hours; the number is looked at once, and so is counted once."""
    walk.now = NOW.replace(hour=12)
    walk.on_duty()
    assert walk.join().promise == (6, 15)
    taking.pause(walk.errand(ADA))
    for minute in range(4):
        sweep(walk, EVENING + minute * MINUTE)
    kept = records.accuracy("general", f"{EVENING:%Y-%m-%d}")
    assert (kept.counted, kept.in_range) == (1, 0)


def test_who_left_before_it_says_nothing(walk: Walk) -> None:
    walk.on_duty()
    id = walk.join().id
    arriving.leave(walk.errand(ANN), id=id)
    assert walk.take() is None
    sweep(walk, walk.now + MINUTE)
    assert records.mark("general", 0).low == (0, 0, 1, 0)
    assert records.accuracy("general", f"{AFTERNOON:%Y-%m-%d}").counted == 0
