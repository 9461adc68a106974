"""`python -m bench.order`: how far out of order people are called where a department has several lanes.

The busiest department of a great day, everybody in it, with the rooms' own choices (which band is called, in which
lanes, and of those whoever joined first) and nothing else: no table, no deeds, no collisions. An error is how
many seconds sooner or later somebody was called than in exact order within their band, by the calls as they fell.
"""

import argparse
import heapq
import random
import statistics
from collections import deque
from collections.abc import Callable
from math import log
from typing import Any

from bench import show, write
from bench.surge import replays
from bench.surge.replays import REPLAYS, Replay, at
from chalicelib.rooms import assignment
from chalicelib.rooms.queue import BANDS, Band, Lane, as_one
from tests.builders import called, joined

DAYS, LANES = ("jd", "haodf", "stress"), (1, 4, 32)
GOAL = "one lane exact; 32 lanes at 10,000 joins/s p99 <= 0.1 s; ten-fold surge p99 <= 0.5 % of the median wait"
TICK_SECONDS = 60
DRAW_BITS = 64
Looks = Callable[[int, list[Lane]], list[Lane]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.order")
    parser.add_argument("days", nargs="*", default=DAYS, help=f"of {', '.join(REPLAYS)}")
    parser.add_argument("--lanes", type=int, nargs="*", default=LANES)
    parser.add_argument("--one-in", type=int, default=1, help="a smaller hospital: so many times fewer of everybody")
    parser.add_argument("--seed", type=int, default=1)
    wishes = parser.parse_args()
    lines = []
    for name in wishes.days:
        for lanes in wishes.lanes:
            for way, looks in list(WAYS.items())[: 1 if lanes == 1 else None]:
                day = Department(REPLAYS[name], lanes, wishes.seed, wishes.one_in, looks=looks)
                lines.append(line(day.played(), way))
    show(f"Out of order, seconds; goal: {GOAL}", lines)
    write("order", {"goal": GOAL, "seed": wishes.seed, "one_in": wishes.one_in, "lines": lines})


def all_of_them(draw: int, lanes: list[Lane]) -> list[Lane]:
    """What the clinic does."""
    return lanes


def one_by_chance(draw: int, lanes: list[Lane]) -> list[Lane]:
    """What is simplest: any lane, as if it were a queue of its own."""
    return [lanes[draw % len(lanes)]]


WAYS: dict[str, Looks] = {"all": all_of_them, "one by chance": one_by_chance}


class Department:
    """Joins and calls of one department in order of time."""

    def __init__(self, replay: Replay, lanes: int, seed: int, one_in: int = 1, *, looks: Looks = all_of_them) -> None:
        share = max(replay.shares.values()) / one_in
        self.name = max(replay.shares, key=lambda department: replay.shares[department])
        self.replay, self.luck, self.looks = replay, random.Random(seed), looks
        self.joins = tuple((h, v * share) for h, v in replay.joins)
        self.doctors = tuple((h, v * share) for h, v in replay.doctors)
        self.lanes = [Lane(department=self.name, number=n, of=lanes) for n in range(lanes)]
        self.waiting: list[list[deque[float]]] = [[deque() for _ in BANDS] for _ in range(lanes)]
        self.calls: list[tuple[Band, float, float]] = []  # band, joined, called
        self.free: list[float] = []  # when each busy doctor is free again
        self.idle = 0

    def played(self) -> "Department":
        """Until everybody was called."""
        now, tick = 0.0, 0.0
        coming = self._next(0.0)
        while coming is not None or any(lane.everybody for lane in self.lanes):
            now = min(tick, coming if coming is not None else tick, self.free[0] if self.free else tick)
            if now == tick:
                self._duty(now)
                tick += TICK_SECONDS
            elif now == coming:
                self._join(now)
                coming = self._next(now)
            else:
                heapq.heappop(self.free)
                self.idle += 1
            while self.idle > 0 and self._call(now):
                self.idle -= 1
                heapq.heappush(self.free, now + self._consult())
        return self

    def _duty(self, now: float) -> None:
        """As many doctors as the day has; whoever goes finishes first."""
        more = round(at(self.doctors, now / 3600)) - self.idle - len(self.free)
        self.idle = self.idle + more

    def _next(self, now: float) -> float | None:
        most, end = max(v for _, v in self.joins) / 3600, self.replay.hours * 3600
        while now < end:
            now += self.luck.expovariate(most)
            if self.luck.random() * most < at(self.joins, now / 3600) / 3600:
                return now
        return None

    def _consult(self) -> float:
        return self.luck.lognormvariate(log(replays.CONSULT_MEDIAN_SECONDS), replays.CONSULT_SIGMA) + self.luck.uniform(
            0, 2 * replays.TAP_SECONDS
        )

    def _join(self, now: float) -> None:
        weights = replays.URGENT, 1 - replays.URGENT - replays.FOLLOW_UP, replays.FOLLOW_UP
        band = self.luck.choices((Band.URGENT, Band.STANDARD, Band.FOLLOW_UP), weights)[0]
        number = self.luck.randrange(len(self.lanes))
        self.lanes[number] = joined(self.lanes[number], band)
        self.waiting[number][band].append(now)

    def _call(self, now: float) -> bool:
        """As taking.take_next; where nobody waits in what was looked at, all lanes are. False: nobody waits."""
        draw = self.luck.getrandbits(DRAW_BITS)
        looked = self.looks(draw, self.lanes)
        front = assignment.in_front(looked, draw) or assignment.in_front(self.lanes, draw)
        if not front:
            return False
        lane, band, _ = min(front, key=lambda one: self.waiting[one[0].number][one[1]][0])
        self.calls.append((band, self.waiting[lane.number][band].popleft(), now))
        self.lanes[lane.number] = called(lane, band, whole=as_one(looked if lane in looked else self.lanes))
        return True


def line(department: Department, way: str) -> dict[str, Any]:
    """Errors and waits of everybody, and how long the follow-ups waited, whom the fair order must not forget."""
    errors = sorted(
        abs(at - exact)
        for band in BANDS
        for (_, at), exact in zip(
            sorted((joined, at) for b, joined, at in department.calls if b is band),
            sorted(at for b, _, at in department.calls if b is band),
            strict=True,
        )
    )
    waited = [at - joined for _, joined, at in department.calls]
    last = [at - joined for band, joined, at in department.calls if band is Band.FOLLOW_UP]
    median, p99 = statistics.median(waited), errors[int(len(errors) * 0.99)]
    return {
        "day": department.replay.name,
        "lanes": len(department.lanes),
        "by": way,
        "people": len(waited),
        "p50": round(statistics.median(errors), 2),
        "p99": round(p99, 2),
        "max": round(errors[-1], 1),
        "median wait": round(median, 1),
        "p99 %": round(100 * p99 / median, 2) if median else 0.0,
        "follow-ups' median wait": round(statistics.median(last), 1),
    }


if __name__ == "__main__":
    main()
