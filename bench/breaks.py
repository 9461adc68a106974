"""The clinics that are broken on purpose, each of which the torture must find out, by the name of what they forget."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from chalicelib.refusal import Repeated, Stale
from chalicelib.rooms import leaving
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Lane, State, Visit, Why
from chalicelib.store import records, writing
from chalicelib.store.rows import AuditRow
from chalicelib.visit import arriving, sweeping, taking
from chalicelib.visit.errand import Errand
from tests.simulation.mutants import MUTANTS, Loose, around, instead

FROM_THE_SIMULATION = (
    "a claim forgets whose ticket it is",
    "a claim forgets the doctor's capacity",
    "a claim does not raise the epoch",
    "nobody is freed",
    "the guard stays open",
    "joining forgets the guard",
    "handing back forgets the alias",
    "one write after another",
    "calling goes by the head that was read",
    "bringing to the front forgets the version",
    "leases never end",
    "nobody notices being passed",
)
BETWEEN_LANES = "one lane is called before the others"  # nothing to be seen where there is one lane only


def _line_without_condition(real: Any, transaction: Any, line: Any) -> None:
    real(Loose(transaction, puts=AuditRow), line)


def _neighbours_swapped(real: Any, *args: Any) -> Any:
    """Of every two numbers the second is given first."""
    called = real(*args)
    return called and (replace(called[0], n=(called[0].n - 1 ^ 1) + 1), called[1])


def _sent_home(errand: Errand, visit: Visit) -> Visit:
    """Whoever is to come to the front is ended instead, in one whole transaction: the table itself is in good order."""
    close = replace(errand, request=f"gone:{visit.version}", actor=SYSTEM)
    home = leaving._ended(visit, State.EXPIRED, "no_show", errand.now)
    try:
        return arriving.end(close, "expire", visit, home)
    except (Stale, Repeated):
        return errand.records.visit(visit.id)


def _last_lane_first(errand: Errand, front: list[tuple[Lane, Band, Why]]) -> tuple[Lane, Band, Why]:
    return max(front, key=lambda one: one[0].number)


BREAKS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    mutant.name: mutant.broken for mutant in MUTANTS if mutant.name in FROM_THE_SIMULATION
} | {
    "a request may join or take again": lambda: instead(writing, "put_audit", around(_line_without_condition)),
    "the second is called before the first": lambda: instead(records, "call", around(_neighbours_swapped)),
    "the sweep sends home instead of to the front": lambda: instead(sweeping, "turn_again", _sent_home),
    BETWEEN_LANES: lambda: instead(taking, "_joined_first", _last_lane_first),
}
