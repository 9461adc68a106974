"""Whole days hold their invariants, the same seed is the same day, and every deliberate break is noticed."""

import importlib
import inspect
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from chalicelib.visit import ACTS, taking
from chalicelib.visit.errand import Errand
from infra.local.engine import ROOT
from tests import engines
from tests.simulation import day, mutants

SEEDS = range(20)
PLAYED: dict[int, Counter[tuple[str, str]]] = {}
SHORT = 40  # steps of a day that is quick on moto too
# Steps of other deeds, never a request of their own.
PARTS = {
    "enter",
    "place",
    "place_now",
    "sealed",
    "genuine",
    "approved",
    "is_approved",
    "given_out",
    "look_over",
    "end",
    "bring_to_front",
    "turn_again",
    "standings",
    "doctor_is_gone",
    "the_prescription",
    "look",
    "look_at_others",
    "look_at_list",
    "seen",
    "line",
    "lines",
    "settle",
    "let_down",
    "offer",
    "promised",
    "counted_once",
    "waiting_for",
    "way_back",
    "still_open",
    "step_over",
    "let_go",
}
# Acts that simulated days leave out: they have tests of their own, and every deed of theirs that writes is in the fault
# suite.
ELSEWHERE = {"telling", "closing", "watching", "keeping", "staffing", "proving", "checking"}
THEIRS = {"look_at_record", "patients"}  # a step of theirs; names for a list of tickets, which no crowd looks at
NEVER_REFUSED = {"waits", "kept", "sweep"}  # anybody may look at the waits; nobody asks for the sweep
UNDECIDED = {"ok", "killed", "Busy"}  # words of an outcome that is no refusal


def deeds() -> dict[str, Callable[..., Any]]:
    """Everything the clinic does for somebody: the functions of the acts that take an errand."""
    acts = [importlib.import_module(f"chalicelib.visit.{act}") for act in ACTS if act not in ELSEWHERE]
    mine = [f for act in acts for f in vars(act).values() if inspect.isfunction(f) and f.__module__ == act.__name__]
    return {f.__name__: f for f in mine if f.__name__[0] != "_" and _takes_an_errand(inspect.unwrap(f))}


def _takes_an_errand(function: Callable[..., Any]) -> bool:
    return next(iter(inspect.get_annotations(function).values()), None) is Errand


@pytest.fixture
def ground(request: pytest.FixtureRequest) -> mutants.Ground:
    """Where days are played: on dynoxide where it runs, else on moto, which is slower."""
    try:
        address = request.getfixturevalue("dynoxide")
    except pytest.skip.Exception:
        return mutants.Ground(address=None, empty=engines.moto_table)
    return mutants.Ground(address=address, empty=lambda: engines.dynoxide_table(address))


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_any_day_ends_in_order(ground: mutants.Ground, seed: int) -> None:
    words(ground, seed)


def words(ground: mutants.Ground, seed: int) -> Counter[tuple[str, str]]:
    """What was done on a whole day, and how often it was told what; a day is played once in a run."""
    if seed not in PLAYED:
        with ground.empty():
            PLAYED[seed] = day.play(seed, ground.address).counts
    return PLAYED[seed]


@pytest.mark.slow
def test_every_deed_is_done_and_refused(ground: mutants.Ground) -> None:
    """A day in which something never happens says nothing about it: the days of this run leave out nothing."""
    asked = set(deeds()) - PARTS - THEIRS
    told = sum((words(ground, seed) for seed in SEEDS), Counter())
    assert asked - {deed for deed, word in told if word == "ok"} == set(), "never done"
    assert asked - {deed for deed, word in told if word not in UNDECIDED} == NEVER_REFUSED, "never refused"


@pytest.mark.slow
def test_every_part_of_a_deed_is_done(ground: mutants.Ground) -> None:
    """A profiler sees them called; that takes time, so only on as many days as it needs."""
    wanted = {inspect.unwrap(deeds()[name]).__code__ for name in PARTS}

    def watch(frame: FrameType, event: str, value: object) -> None:
        if event == "call":
            wanted.discard(frame.f_code)

    for seed in SEEDS:
        sys.setprofile(watch)
        try:
            with ground.empty():
                day.play(seed, ground.address)
        finally:
            sys.setprofile(None)
        if not wanted:
            return
    pytest.fail(f"never done: {[code.co_name for code in wanted]}")


@pytest.mark.usefixtures("clinic_on_moto")
def test_a_short_day_in_this_process() -> None:
    played = day.play(3, None, steps=SHORT)
    assert len(played.log) > SHORT


@pytest.mark.slow
def test_the_same_seed_is_the_same_day(ground: mutants.Ground) -> None:
    """Also in another process, where sets and hashes come in another order."""
    with ground.empty():
        here = day.digest(day.play(7, ground.address))
    told = [sys.executable, "-m", "tests.simulation.day", "7"]
    for order in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": order}
        said = subprocess.run(told, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        assert said.splitlines()[-1].endswith(f"the day {here}")


def test_a_failing_day_can_be_replayed(ground: mutants.Ground) -> None:
    """The report names the seed, the step, what is broken, and what happened just before."""
    everybody_is_freed = next(m for m in mutants.MUTANTS if m.name == "nobody is freed")
    with ground.empty(), everybody_is_freed.broken(), pytest.raises(day.DayFailed) as failed:
        day.play(0, ground.address)
    first, *steps = str(failed.value).splitlines()
    assert first.startswith("seed 0, step ")
    assert "I2" in first
    assert 2 <= len(steps) <= day.SHOWN


@pytest.mark.slow
@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_deliberate_break_is_noticed(ground: mutants.Ground, mutant: mutants.Mutant) -> None:
    caught = mutants.hunt(mutant, ground)
    assert caught, f"{mutant.harm}: {mutants.SEEDS_MAX} days went by and nobody noticed"
    print(f"{mutant.name}: seed {caught.seed}, {caught.words}")


def test_a_break_is_over_when_it_is_over() -> None:
    """No break leaks into the day after."""
    before = _replaceable()
    for mutant in mutants.MUTANTS:
        with mutant.broken():
            assert _replaceable() != before, f"{mutant.name} breaks nothing"
        assert _replaceable() == before, f"{mutant.name} stays broken"


def _replaceable() -> list[object]:
    from chalicelib.rooms import assignment, consult, delivery, leaving, preferred, prescription, queue
    from chalicelib.store import lanes, records, writing
    from chalicelib.visit import errand

    owners = (
        assignment,
        consult,
        delivery,
        leaving,
        preferred,
        prescription,
        queue,
        lanes,
        records,
        writing,
        errand,
        taking,
    )
    values = [value for owner in owners for _, value in sorted(vars(owner).items())]
    return [*map(id, values), *map(id, writing._SPECIAL.values())]
