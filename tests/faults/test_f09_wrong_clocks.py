"""F9: the clocks of two Lambdas differ by minutes, or one jumps back: nothing is lost, and nobody waits "-3 minutes".

A day with wrong clocks is played again by `day.play(SEED, address, skew_seconds=300)`.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests import engines
from tests.doors import stories
from tests.people import Browser, Cast, Clock, InProcess
from tests.simulation import day
from tests.visit.walk import Walk

SKEW_SECONDS = 300
SEEDS = range(300, 306)
BELOW_ZERO = re.compile(r"(?<![\w)-])-\s?\d")


@pytest.mark.engine
@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_on_which_every_clock_is_wrong_ends_in_order(dynoxide: str, seed: int) -> None:
    with engines.dynoxide_table(dynoxide):
        day.play(seed, dynoxide, skew_seconds=SKEW_SECONDS)


def test_a_whole_visit_whose_clock_goes_backwards(walk: Walk) -> None:
    """Every next thing is done five minutes before the one before it."""
    walk.now = walk.now.replace(hour=20)
    real = walk.errand

    def earlier(*args: Any, **typed: Any) -> Any:
        errand = real(*args, **typed)
        walk.now = errand.now.replace(microsecond=0) - day.timedelta(seconds=SKEW_SECONDS)
        return errand

    walk.errand = earlier  # type: ignore[method-assign]
    walk.handed_over()


@pytest.fixture
def cast(clinic_on_moto: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    from app import app
    from chalicelib.doors import manners

    clock = Clock()
    monkeypatch.setattr(manners, "clock", clock)
    return Cast(InProcess(app), clock)


def numbers(said: Any) -> Iterator[float]:
    if isinstance(said, dict | list):
        for one in said.values() if isinstance(said, dict) else said:
            yield from numbers(one)
    elif isinstance(said, int | float):
        yield said


def test_no_page_shows_a_time_below_zero(cast: Cast) -> None:
    """Everything was written by a clock five minutes ahead of the one that reads it."""
    stories.taken(cast, cast.ann)
    cast.ann.post(cast.ann.url("visits", cast.ann.visit, "messages"), text="Hello")
    cast.bob.join()
    cast.ada.get("/en/doctor")
    cast.clock.forward(seconds=-SKEW_SECONDS)
    ann, bob = f"/en/visits/{cast.ann.visit}", f"/en/visits/{cast.bob.visit}"
    pages: list[tuple[Browser, str]] = [
        (cast.ann, ann),
        (cast.bob, bob),
        (cast.ada, "/en/doctor"),
        (cast.dee, "/en/desk"),
    ]
    pages += [(cast.eve, "/en"), (cast.ada, f"/en/doctor/visits/{cast.ann.visit}")]
    for who, page in pages:
        got = who.ask("GET", page)
        assert got.status == 200, page
        assert not BELOW_ZERO.search(got.words), (page, got.words)
        machine = who.machine("GET", page)
        below = [n for n in numbers(machine.json) if n < 0]
        assert not below, (page, machine.body)
    board = cast.eve.machine("GET", "/board/general")
    assert all(n >= 0 for n in numbers(board.json)), board.body
