"""F6 and F11: the sweep is killed at every request, runs twice, late or out of order: what it does, it does once."""

from datetime import datetime

import pytest

from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import State
from chalicelib.visit import sweeping
from tests.builders import MINUTE
from tests.faults.baton import Baton
from tests.faults.evening import Evening
from tests.simulation import wire
from tests.visit.walk import Walk, restore, visits
from tests.visit.weather import Died, death, watched

SEEDS = range(12)


@pytest.fixture
def evening(honest_walk: Walk) -> Evening:
    return Evening(honest_walk)


def test_the_evening_has_something_to_find(evening: Evening) -> None:
    fronts, duty, passed, lines = evening.calm
    assert passed == (evening.behind.id.n - 1, 2, 1), "no call more"
    assert sum(front for _, front in fronts) == 2
    assert duty == [False, False]
    assert lines == ["bring_to_front"] * 2 + ["pause"] * 2


def test_killed_at_any_request_the_next_sweep_finds_the_rest(evening: Evening) -> None:
    restore(evening.begun)
    with watched() as asked:
        evening.sweep()
    for at in range(1, len(asked.names) + 1):
        for before in (True, False):
            restore(evening.begun)
            with pytest.raises(Died), death(at, before=before):
                evening.sweep()
            evening.sweep()
            assert evening.found() == evening.calm, f"killed {'before' if before else 'after'} request {at}"


def test_two_sweeps_at_once_do_what_one_does(evening: Evening, dynoxide: str) -> None:
    with wire.sender(dynoxide) as send:
        for seed in SEEDS:
            restore(evening.begun)
            baton = Baton(seed, send)
            one, other = baton.run([evening.sweep, evening.sweep])
            assert (one.failed, other.failed) == ([], [])
            assert evening.found() == evening.calm, f"seed {seed}: {baton.log}"


@pytest.mark.parametrize("minutes", [(20, 20), (25, 20), (20, 21, 20), (60, 20), (0, 20, 0)], ids=str)
def test_delivered_twice_late_or_out_of_order(evening: Evening, minutes: tuple[int, ...]) -> None:
    """A scheduled event may come again, or after a younger one: it carries nothing, the table says what is due."""
    restore(evening.begun)
    for minute in minutes:
        evening.sweep(minute)
    assert evening.found() == evening.calm


def test_a_sweep_from_yesterday_takes_nobody_back(evening: Evening) -> None:
    """An old event, or a Lambda with a slow clock, sees nothing that is not there yet."""
    restore(evening.begun)
    then: datetime = evening.at
    early = sweeping.sweep(evening.walk.errand(SYSTEM, at=then - 24 * 60 * MINUTE))
    assert (early.off_duty, early.sent_home, early.longest_wait_seconds) == (0, 0, 0), (
        "nobody waits for less than nothing"
    )
    assert [v.state for v in visits() if v.doctor] == [State.IN_CONSULT]
