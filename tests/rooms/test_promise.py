"""The wait promise: the pace, how many calls it takes, the range of minutes, and the public board."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.rooms import promise, queue
from chalicelib.rooms.promise import WINDOW, Turn
from chalicelib.rooms.queue import BANDS, ONE_CALL_IN, Band, Lane, State
from tests.builders import MINUTE, NOW, a_lane, a_queue, a_ticket, a_visit, called, joined

NOBODY = (0, 0, 0, 0)


def waits(n: int, band: Band = Band.STANDARD, **changes):
    return a_visit(id=a_ticket(n, band), **changes)


@pytest.mark.parametrize(
    ("minutes", "down", "up"),
    [(0.2, 1, 1), (1, 1, 1), (1.01, 1, 2), (9, 9, 9), (9.5, 9, 10), (10, 10, 10), (11, 10, 15), (37, 35, 40)],
)
def test_minutes_are_rounded_as_people_believe_them(minutes: float, down: int, up: int) -> None:
    assert promise._rounded(minutes, up=False) == down
    assert promise._rounded(minutes, up=True) == up


def test_the_wait_is_a_range_around_the_estimate() -> None:
    lane = a_queue(0, 0, 5)  # one doctor, nothing measured: 8 minutes each
    assert promise.wait(lane, waits(1), NOW) == (6, 15)  # 6.4 to 12.8
    assert promise.wait(lane, waits(5), NOW) == (30, 65)  # 32 to 64
    assert promise.wait(replace(lane, on_duty=4), waits(5), NOW) == (8, 20)  # 8 to 16


def test_with_nobody_on_duty_no_wait_is_promised() -> None:
    assert promise.wait(a_queue(0, 0, 5, on_duty=0), waits(5), NOW) is None
    assert promise.seconds_per_call(Lane(department="general"), NOW) is None
    just_left = a_lane(calls=9, window=(NOW - 4 * MINUTE, 1, NOBODY), on_duty=0)
    assert promise.wait(just_left, waits(5), NOW) is None


def test_the_pace_is_measured_over_one_to_two_windows() -> None:
    """A call every 20 seconds: whenever we look, the pace is 20 seconds, give or take the call just made."""
    lane, now = a_queue(0, 0, 100, on_duty=20), NOW
    for _ in range(60):
        lane, now = called(lane, Band.STANDARD, now), now + timedelta(seconds=20)
        since = (lane.window_before or lane.window)[0]
        assert since >= now - 2 * WINDOW - timedelta(seconds=20)
        if now - NOW > WINDOW:
            assert promise.seconds_per_call(lane, now) == pytest.approx(20, rel=0.15)


def test_a_first_call_does_not_make_the_doctors_look_infinitely_quick() -> None:
    """One doctor has just called one patient: the second in line is not promised one minute."""
    lane = called(a_queue(0, 0, 5), Band.STANDARD, NOW)
    for seconds in (0, 5, 60):
        assert promise.wait(lane, waits(3), NOW + timedelta(seconds=seconds)) == (10, 30)  # 12.8 to 25.6


def test_yesterdays_calls_say_nothing_about_this_morning() -> None:
    evening = NOW - timedelta(hours=14)
    lane = a_lane(tails=(0, 0, 20, 0), calls=10, heads=(0, 0, 10, 0), window=(evening, 8, NOBODY))
    lane = called(lane, Band.STANDARD, NOW)
    for minutes in (0, 1):
        assert promise.wait(lane, waits(13), NOW + minutes * MINUTE) == (10, 30)


def test_a_window_begins_with_a_call_and_turns_when_it_is_old() -> None:
    tails = (0, 1, 9, 0)
    assert promise.turned_window(a_lane(calls=7, tails=tails), NOW) == ((NOW, 7, tails), None)
    young = (NOW - WINDOW + timedelta(seconds=1), 3, NOBODY)
    assert promise.turned_window(a_lane(calls=7, window=young), NOW) == (young, None)
    old = (NOW - WINDOW, 3, NOBODY)
    assert promise.turned_window(a_lane(calls=7, tails=tails, window=old), NOW) == ((NOW, 7, tails), old)


def test_the_board_shows_counts_and_no_person() -> None:
    lane = a_lane(tails=(1, 2, 9, 0), heads=(1, 0, 4, 0), held={"general.0.2.3": 7})
    assert promise.board([lane], NOW) == {
        "v": 1,
        "department": "general",
        "on_duty": 1,
        "waiting": 8,
        "seconds_per_call": 480.0,
        "lanes": [
            [
                [1, 0, [], 0, 1, 1, []],
                [0, 2, [], 0.0, 1.33, 2, []],
                [4, 6, [], 2.0, 1.0, 4, [7]],
                [0, 0, [], 8.0, 1.0, 8, []],
            ],
        ],
        "at": int(NOW.timestamp()),
    }


def test_the_board_says_which_numbers_lead_to_nobody() -> None:
    lane = a_queue(0, 0, 6, gone=frozenset({(Band.STANDARD, 2), (Band.STANDARD, 5)}))
    (bands,) = promise.board([lane], NOW)["lanes"]
    assert [band[:3] for band in bands] == [[0, 0, []], [0, 0, []], [0, 4, [2, 5]], [0, 0, []]]


def test_alone_in_the_queue_one_call_is_ones_own() -> None:
    for band in BANDS:
        lane = joined(Lane(department="general", on_duty=1), band)
        assert promise.calls(lane, waits(1, band), NOW) == 1


def test_where_nobody_more_urgent_comes_everybody_ahead_is_one_call() -> None:
    assert promise.calls(a_queue(0, 3, 6), waits(6), NOW) == pytest.approx(9)


def test_a_follow_up_waits_at_most_its_share_however_many_come_before() -> None:
    """A stream that never ends: the fifth follow-up is told five times its one call in eight, and not for ever."""
    lane = a_lane(tails=(0, 0, 500, 5), heads=(0, 0, 100, 0), calls=100, window=(NOW - 2 * MINUTE, 60, NOBODY))
    assert promise.turn(lane, Band.FOLLOW_UP, NOW).calls(5) == 5 * ONE_CALL_IN[Band.FOLLOW_UP]


def test_one_urgent_person_is_no_stream() -> None:
    lane = a_lane(tails=(0, 1, 9, 0), heads=(0, 1, 0, 0), calls=1, window=(NOW - MINUTE, 0, NOBODY))
    assert promise.calls(lane, waits(9), NOW) == pytest.approx(9 / (1 - 1 / 5))


@pytest.mark.parametrize("band", [Band.URGENT, Band.STANDARD, Band.FOLLOW_UP])
@pytest.mark.parametrize(
    "coming", [(0.1, 0.6, 0.1), (0.3, 0.4, 0.2), (0.1, 0.85, 0.3), (0.2, 1.5, 0.4), (0.02, 0.1, 0.02)]
)
def test_as_many_calls_as_it_really_takes(band: Band, coming: tuple[float, float, float]) -> None:
    """The order of `choose` itself, with people coming at an even pace; 60 wait in each band when somebody joins."""
    lane, drawn, now = a_lane(tails=(0, 60, 60, 60), on_duty=20), [0.0] * 4, NOW
    for _ in range(30):
        lane, now = _one_call(lane, coming, drawn, now), now + timedelta(seconds=10)
    lane = joined(lane, band)
    mine = waits(lane.tails[band], band)
    told, took = promise.calls(lane, mine, now), 0
    while lane.heads[band] < mine.id.n:
        lane, took = _one_call(lane, coming, drawn, now), took + 1
    assert told == pytest.approx(took, rel=0.2)


def _one_call(lane: Lane, coming: tuple[float, float, float], drawn: list[float], now):
    for band, share in zip(BANDS[1:], coming, strict=True):
        drawn[band] += share
        while drawn[band] >= 1:
            lane, drawn[band] = joined(lane, band), drawn[band] - 1
    chosen = queue.choose(lane)
    assert chosen
    return called(lane, chosen[0], now)


def test_a_phone_works_out_the_same() -> None:
    """What wait.js does with the board: `first` and `steep` for each place, at most `most` for each."""
    lane = a_lane(tails=(0, 20, 60, 9), calls=30, window=(NOW - 2 * MINUTE, 0, NOBODY), on_duty=5)
    for band in BANDS:
        _, people, _, first, steep, most, _ = promise.board([lane], NOW)["lanes"][0][band]
        assert Turn(first, steep, most).calls(people) == pytest.approx(
            promise.turn(lane, band, NOW).calls(people), rel=0.02
        )


@pytest.mark.parametrize(("minutes", "later"), [(5, 0), (15, 0), (16, 1), (500, 1)])
def test_who_was_never_called_counts_as_later_once_the_promised_time_has_passed(minutes: int, later: int) -> None:
    """The longest waits must not be left out of what is published."""
    ended = a_visit(state=State.EXPIRED, promise=(6, 15), ended_at=NOW + minutes * MINUTE)
    found = promise.kept(promise.Accuracy(department="general", day="2026-11-26"), [ended])
    assert (found.counted, found.in_range) == (later, 0)
    left_by_choice = promise.kept(found, [replace(ended, step_backs=1), a_visit(promise=(6, 15))])
    assert left_by_choice == found
