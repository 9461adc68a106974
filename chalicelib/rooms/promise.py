"""The wait promise: how fast a queue moves, the range of minutes that follows, and whether it was kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.rooms import queue
from chalicelib.rooms.queue import BANDS, ONE_CALL_IN, Band, Lane, Since, Visit

WINDOW = timedelta(seconds=150)  # the head's rate is measured over one to two of these: 2.5 to 5 minutes
STALE = timedelta(hours=1)  # a window as old as this is from before a pause or the night
MINUTES_PER_VISIT_GUESS = 8  # before anything was measured
NOT_YET = 4  # calls in which nobody more urgent came, counted with those measured: one urgent person is no stream yet
LOW, HIGH = 0.8, 1.6  # the promised range around the estimate; a modelled ten-fold surge gave p90 actual/estimate 1.54
# Upper edges of actual wait / promised wait, for the published accuracy; one more bucket takes what is above.
RATIOS = (0.25, 0.5, 0.75, 0.9, 1.0, 1.15, 1.3, 1.6, 2.0, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How one department's promises of one day (on the clinic's calendar) were kept. Who was never called counts as
    later if the promised time had passed when they left or were sent home; before it, nobody knows what it would have
    been. People who stepped back by choice are not counted."""

    department: str
    day: str
    counted: int = 0
    in_range: int = 0  # called within the range they were shown, or sooner than it
    ratios: tuple[int, ...] = (0,) * (len(RATIOS) + 1)
    version: int | None = None

    def quantile(self, share: float) -> float | None:
        """The bucket edge below which this share of the ratios lies; None before anybody was called."""
        if not self.counted:
            return None
        below = 0
        for edge, count in zip(RATIOS, self.ratios, strict=False):
            below += count
            if below >= share * self.counted:
                return edge
        return float("inf")


def kept(accuracy: Accuracy, visits: Iterable[Visit]) -> Accuracy:
    """Count visits that have been called for the first time, or have ended without it."""
    for visit in visits:
        until = visit.calls[0].at if visit.calls else visit.ended_at
        if visit.promise is None or until is None or visit.step_backs:
            continue
        low, high = visit.promise
        actual = (until - visit.joined_at).total_seconds() / 60
        if not visit.calls and actual <= high:
            continue
        ratio = actual / ((low / LOW + high / HIGH) / 2)
        bucket = next((i for i, edge in enumerate(RATIOS) if ratio <= edge), len(RATIOS))
        ratios = tuple(count + (i == bucket) for i, count in enumerate(accuracy.ratios))
        in_range = accuracy.in_range + (actual <= high)
        accuracy = replace(accuracy, counted=accuracy.counted + 1, in_range=in_range, ratios=ratios)
    return accuracy


def together(days: Sequence[Accuracy]) -> Accuracy:
    """Several days of one department, the newest first, as one that began on the oldest."""
    return Accuracy(
        department=days[-1].department,
        day=days[-1].day,
        counted=sum(one.counted for one in days),
        in_range=sum(one.in_range for one in days),
        ratios=tuple(sum(counts) for counts in zip(*(one.ratios for one in days), strict=True)),
    )


def paced(lane: Lane) -> int:
    """Calls that say how fast the lane moves. A doctor who comes on duty calls as many at once as there is room for,
    and then one for each that is over."""
    return lane.calls - lane.fills


def seconds_per_call(lane: Lane, now: datetime) -> float | None:
    """Seconds between calls from this lane as measured over the last 2.5 to 5 minutes, longer where calls are rare.

    A guess from the doctors on duty counts as one more call: one quick call is not yet a pace. It stands alone while
    nothing was measured, or not for STALE. None while nobody is on duty and nobody was called: there is nothing
    honest to say.
    """
    guess = MINUTES_PER_VISIT_GUESS * 60 * lane.of / lane.on_duty if lane.on_duty else None
    if since := _measured(lane, now):
        return max(1.0, (now - since[0]).total_seconds() + (guess or 0)) / (paced(lane) - since[1])
    return guess


def _measured(lane: Lane, now: datetime) -> Since | None:
    windows = lane.window_before, lane.window
    return next((one for one in windows if one and paced(lane) > one[1] and now - one[0] < STALE), None)


@dataclass(frozen=True, slots=True)
class Turn:
    """How many calls of a lane it takes until somebody's own, by their place within their band: `steep` for each place
    after the `first` calls, which go to more urgent people, but no more than `most` for each: the band's fair share."""

    first: float
    steep: float
    most: int

    def calls(self, place: int) -> float:
        return min(place * self.most, self.first + place * self.steep)


def turn(lane: Lane, band: Band, now: datetime) -> Turn:
    """As water flows: while more urgent people wait, the band gets its fair share of the calls, one in ONE_CALL_IN.
    Afterwards it gets what is left by the more urgent people who newly come, as measured with the pace, and by the
    share of less urgent ones who wait."""
    most = ONE_CALL_IN[band]
    less_urgent = sum(1 / ONE_CALL_IN[other] for other in BANDS if other > band and lane.present(other))
    left = 1 - _coming(lane, band, now) - less_urgent
    if left * most <= 1:
        return Turn(0, most, most)
    steep = 1 / left
    before = queue.more_urgent(lane, band) / (left - 1 / most)  # calls until nobody more urgent waits
    return Turn(before * (1 - steep / most), steep, most)


def _coming(lane: Lane, band: Band, now: datetime) -> float:
    """More urgent people who newly come, for each call."""
    since = _measured(lane, now)
    if since is None:
        return 0
    came = sum(lane.tails[other] - since[2][other] for other in BANDS if other < band)
    return max(0, came) / (paced(lane) - since[1] + NOT_YET)


def wait(lane: Lane, visit: Visit, now: datetime) -> tuple[int, int] | None:
    """The promised wait in minutes, from and to; None while nobody is on duty."""
    seconds = seconds_per_call(lane, now) if lane.on_duty else None
    return said(calls(lane, visit, now) * seconds / 60) if seconds is not None else None


def calls(lane: Lane, visit: Visit, now: datetime) -> float:
    """Of the lane, until that of this patient."""
    band = (visit.ticket or visit.id).band
    return turn(lane, band, now).calls(queue.ahead_in_band(lane, visit) + 1)


def pace(lanes: Sequence[Lane], now: datetime) -> float | None:
    """Seconds between calls from one lane of a department, on average over its lanes."""
    found = [seconds for lane in lanes if (seconds := seconds_per_call(lane, now))]
    return len(found) / sum(1 / seconds for seconds in found) if found else None


def wait_now(lanes: Sequence[Lane], band: Band, now: datetime) -> tuple[int, int] | None:
    """The wait in minutes of somebody who would join a department now; None while nobody is on duty."""
    seconds = pace(lanes, now) if queue.on_duty(lanes) else None
    if seconds is None:
        return None
    calls = sum(turn(lane, band, now).calls(lane.present(band) + 1) for lane in lanes) / len(lanes)
    return said(calls * seconds / 60)


def board(lanes: Sequence[Lane], now: datetime) -> dict[str, object]:
    """What everybody may see of a department's queue: counts and the pace of one lane, no person. The phone works out
    its own place, and its wait from the `turn` of its band."""
    seconds = pace(lanes, now)
    return {
        "v": 1,
        "department": lanes[0].department,
        "on_duty": queue.on_duty(lanes),
        "waiting": queue.everybody(lanes),
        "seconds_per_call": round(seconds, 1) if seconds is not None else None,
        "lanes": [[_band(lane, b, now) for b in BANDS] for lane in lanes],
        "at": int(now.timestamp()),
    }


def _band(lane: Lane, band: Band, now: datetime) -> list[object]:
    mine = turn(lane, band, now)
    return [
        lane.heads[band],
        lane.present(band),
        lane.given_up(band),
        round(mine.first, 1),
        round(mine.steep, 2),
        mine.most,
        lane.back_at(band),
    ]


def said(minutes: float) -> tuple[int, int]:
    """What people are told where so many minutes are expected."""
    return _rounded(minutes * LOW, up=False), _rounded(minutes * HIGH, up=True)


def _rounded(minutes: float, *, up: bool) -> int:
    """Nobody believes 37 minutes: steps of 1 up to ten, then of 5."""
    step = 1 if minutes < 10 else 5
    whole = int(minutes // step) * step
    return max(1, whole + step if up and minutes > whole else whole)


def turned_window(lane: Lane, now: datetime) -> tuple[Since, Since | None]:
    """The rate windows after a call at `now`: a new one is begun when the present one is older than WINDOW."""
    if lane.window is None:
        return (now, paced(lane), lane.tails), None
    if now - lane.window[0] >= WINDOW:
        return (now, paced(lane), lane.tails), lane.window
    return lane.window, lane.window_before
