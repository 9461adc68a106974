"""The clinics that are broken on purpose, each of which the torture must find out, by the name of what they forget."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from chalicelib.store import records, writing
from chalicelib.store.rows import AuditRow
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


def _line_without_condition(real: Any, transaction: Any, line: Any) -> None:
    real(Loose(transaction, puts=AuditRow), line)


def _neighbours_swapped(real: Any, *args: Any) -> Any:
    """Of every two numbers the second is given first."""
    called = real(*args)
    return called and (replace(called[0], n=(called[0].n - 1 ^ 1) + 1), called[1])


BREAKS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    mutant.name: mutant.broken for mutant in MUTANTS if mutant.name in FROM_THE_SIMULATION
} | {
    "a request may join or take again": lambda: instead(writing, "put_audit", around(_line_without_condition)),
    "the second is called before the first": lambda: instead(records, "call", around(_neighbours_swapped)),
}
