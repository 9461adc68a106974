"""F17: ten times as many arrive at once, and the table is too busy now and then: nobody is lost.

Whoever was told "you have a place" is served once, in the order of the numbers; the others hear Busy and get in by
sending the same again.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from chalicelib.refusal import Busy
from chalicelib.rooms.queue import BANDS, ONE_CALL_IN, State, Ticket, Visit
from chalicelib.store import records
from chalicelib.visit import taking
from tests.builders import ADA, ANN
from tests.faults.baton import in_order
from tests.simulation import wire
from tests.visit.walk import Walk, visits

pytestmark = pytest.mark.engine
USUAL, BURST = 15, 150
TRIES_MAX = 30
SEEDS = range(3)
BUSY = wire.Weather(too_busy=0.1, reply_lost=0.03, conflict=0.05)
DOCTORS = [replace(ADA, id=f"dr-{n}") for n in range(4)]


@contextmanager
def overloaded(address: str, seed: int) -> Iterator[None]:
    with wire.sender(address) as send:
        line = wire.Wire(
            send=send,
            random=random.Random(seed),
            watched=lambda operation, keys: None,
            interrupt=lambda: None,
            fault=lambda what: None,
            heard=lambda operation, answer: None,
            weather=BUSY,
        )
        with wire.connected(line):
            yield


def arrive(walk: Walk, n: int, chance: random.Random) -> tuple[Visit, int]:
    """One person's join, sent again until it is answered; and how often the answer was Busy."""
    child = {"age": 0, "for_whom": "child", "guardian": "Mei Li"}
    said = chance.choices([{}, child, {"follow_up": True}], [6, 1, 3])[0]
    request = walk.request(replace(ANN, id=f"person-{n}"), **said)
    for busy in range(TRIES_MAX):
        try:
            return walk.join(replace(ANN, id=f"person-{n}"), request), busy
        except Busy:
            continue
    raise AssertionError(f"person {n} never got in")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_burst_loses_nobody_and_keeps_the_order(honest_walk: Walk, dynoxide: str, seed: int) -> None:
    walk, chance = honest_walk, random.Random(seed)
    with overloaded(dynoxide, seed):
        came = [arrive(walk, n, chance) for n in range(USUAL + BURST)]
    accepted = [visit for visit, _ in came]
    assert sum(busy for _, busy in came) > BURST // 10, "there was weather"
    assert sorted(v.id for v in accepted) == sorted(v.id for v in visits()), "everybody accepted is there, once"
    in_order()

    served = list(drain(walk))
    assert sorted(served) == sorted(v.id for v in accepted)
    for band in sorted({id.band for id in served}):
        mine = [id for id in served if id.band is band]
        assert mine == sorted(mine), f"{band.name}: first come, first served"
        calls = [-1, *(n for n, id in enumerate(served) if id.band is band)]
        longest = max(after - before for before, after in pairwise(calls))
        assert longest <= ONE_CALL_IN[band] + len(BANDS), f"{band.name}: nobody is passed over for longer"
    in_order()


def drain(walk: Walk) -> Iterator[Ticket]:
    """The doctors take turns until nobody waits."""
    for doctor in DOCTORS:
        walk.on_duty(doctor, capacity=10)
    while True:
        taken = [(doctor, taking.take_next(walk.errand(doctor))) for doctor in DOCTORS]
        for doctor, id in taken:
            if id is not None:
                yield id
                walk.sign(id, doctor)
        if not any(id for _, id in taken):
            assert not [v for v in visits() if v.state is State.WAITING]
            assert records.lanes([("general", 0)])[0].everybody == 0
            return
