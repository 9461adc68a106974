"""Deliberate breaks of the clinic, each of which a simulated day must notice: `python -m tests.simulation.mutants`.

A break replaces one function, value or rule for the length of a day. If a day no longer notices one of these, the
checks have gone blind, whatever else is green.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from infra.local import engine

if __name__ == "__main__":
    engine.keep_local()

from chalicelib.rooms import assignment, consult, delivery, leaving, preferred, prescription, queue
from chalicelib.rooms.assignment import Freed
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.preferred import Back
from chalicelib.rooms.prescription import State as PrescriptionState
from chalicelib.rooms.queue import BANDS, Alias, Closed, Why
from chalicelib.store import lanes, records, writing
from chalicelib.store.rows import AuditRow, DoctorRow, GuardRow, Row, VisitRow
from chalicelib.visit import errand, taking
from tests import engines
from tests.simulation import day

SEEDS_MAX = 40
Break = AbstractContextManager[object]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One break: what the code forgets, and what that would do to people."""

    name: str
    harm: str
    broken: Callable[[], Break]
    first: int = 0  # the day that is known to notice it, played before the others


@dataclass(frozen=True, kw_only=True)
class Catch:
    seed: int
    words: str


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where days are played: the table's address (None is moto in this process), and how to empty it."""

    address: str | None
    empty: Callable[[], Break]


def hunt(mutant: Mutant, ground: Ground) -> Catch | None:
    """Play days with the break until one notices; None if none does."""
    for seed in dict.fromkeys((mutant.first, *range(SEEDS_MAX))):
        with ground.empty(), mutant.broken():
            try:
                day.play(seed, ground.address)
            except day.DayFailed as failed:
                return Catch(seed=seed, words=str(failed).splitlines()[0].partition(": ")[2])
    return None


@contextlib.contextmanager
def instead(owner: Any, name: Any, value: Any) -> Iterator[None]:
    """The attribute of a module, or the entry of a dict, is another one for the length of the block."""
    held = owner if isinstance(owner, dict) else vars(owner)
    real = held[name]
    _put(owner, name, value(real) if getattr(value, "wraps", False) else value)
    try:
        yield
    finally:
        _put(owner, name, real)


def _put(owner: Any, name: Any, value: Any) -> None:
    if isinstance(owner, dict):
        owner[name] = value
    else:
        setattr(owner, name, value)


def around(change: Callable[..., Any]) -> Callable[[Any], Any]:
    """A break written as a function of the real one: change(real, *args)."""

    def wrap(real: Any) -> Callable[..., Any]:
        return lambda *args, **typed: change(real, *args, **typed)

    wrap.wraps = True
    return wrap


def both(*breaks: Break) -> Break:
    stack = contextlib.ExitStack()
    for one in breaks:
        stack.enter_context(one)
    return stack


class Loose:
    """A transaction that forgets the conditions of what it updates or puts, by kind of row, or an action."""

    def __init__(self, real: Any, *, updates: Any = (), puts: Any = (), action: str = "") -> None:
        self.real, self.updates, self.puts, self.action = real, updates, puts, action

    def save(self, row: Any, condition: Any = None, **more: Any) -> None:
        self.real.save(row, condition=None if isinstance(row, self.puts) else condition, **more)

    def update(self, row: Any, actions: Any, condition: Any = None, **more: Any) -> None:
        kept = [action for action in actions if str(action.values[0]) != self.action]
        self.real.update(row, kept, condition=None if isinstance(row, self.updates) else condition, **more)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _loosely(name: str, **forgets: Any) -> Break:
    """Claims or joins (the builders `_claiming` and `_joining`) that forget something."""

    def build(real: Any, *args: Any) -> Any:
        built = real(*args)
        return lambda transaction: built(Loose(transaction, **forgets))

    return instead(lanes, name, around(build))


def _loose_writes() -> Break:
    return instead(writing, "_write_record", around(lambda real, t, record: real(Loose(t, updates=Row), record)))


def _save(change: Callable[..., Any]) -> Break:
    return instead(records, "save", around(change))


def _loose_rescue() -> Break:
    rescuing = ContextVar("rescuing", default=False)  # of this thread: in the torture many save at once

    def save(real: Any, *changes: Any, audit: Any) -> None:
        token = rescuing.set(audit.deed == "bring_to_front")
        try:
            real(*changes, audit=audit)
        finally:
            rescuing.reset(token)

    def write(real: Any, transaction: Any, record: Any) -> None:
        real(Loose(transaction, updates=Row) if rescuing.get() else transaction, record)

    return both(_save(save), instead(writing, "_write_record", around(write)))


def _one_after_another(real: Any, *changes: Any, audit: Any) -> None:
    for change, letter in zip(changes, "abcdefgh", strict=False):
        real(change, audit=replace(audit, request=audit.request + letter) if letter > "a" else audit)


def _without_alias(real: Any, *changes: Any, audit: Any) -> None:
    real(*(c for c in changes if not (isinstance(c, Alias) and audit.deed == "hand_back")), audit=audit)


def _line_lost(real: Any, entry: Any, **marks: Any) -> Any:
    lost = replace(entry, about="nobody", request=f"{entry.about}{entry.request}") if entry.deed == "say" else entry
    return real(lost, **marks)


def _call_as_read(real: Any, lane: Any, band: Any, *more: Any) -> Any:
    """The number after the head that was read a moment ago: two doctors at once call one patient."""
    called = real(lane, band, *more)
    return called and (replace(called[0], n=lane.heads[band] + 1), called[1])


def _most_urgent(lane: Any) -> Any:
    there = [band for band in BANDS if lane.waiting(band)]
    return (there[0], Why.MORE_URGENT if there[0] else Why.CALLED_BACK) if there else None


def _prescribes_anyway(real: Any, visit: Any, *, outcome: Any, lines: Any, **more: Any) -> Any:
    return real(visit, outcome=Outcome.PRESCRIPTION if lines else outcome, lines=lines, **more)


def _packer_checks(order: Any, *, by: str, now: Any) -> Any:
    delivery._must_be(order, OrderState.PICKING)
    return delivery._now(replace(order, checker=by), OrderState.CHECKED, by, now)


ALL = frozenset(queue.State)
MUTANTS = (
    Mutant(
        name="a save forgets the version",
        first=2,
        harm="who writes last wins, and what the other wrote is gone",
        broken=_loose_writes,
    ),
    Mutant(
        name="a claim forgets whose ticket it is",
        harm="a patient who left or is with a doctor is given away again",
        broken=lambda: _loosely("_claiming", updates=VisitRow),
    ),
    Mutant(
        name="a claim forgets the doctor's capacity",
        harm="a doctor who taps twice has more patients than can be seen",
        broken=lambda: both(_loosely("_claiming", updates=DoctorRow), instead(assignment, "may_take", _nothing)),
    ),
    Mutant(
        name="a claim does not raise the epoch",
        harm="the doctor before can still write",
        broken=lambda: _loosely("_claiming", action="epoch"),
    ),
    Mutant(
        name="nobody is freed",
        harm="doctors fill up and stop taking patients",
        broken=lambda: instead(writing._SPECIAL, Freed, _nothing),
    ),
    Mutant(
        name="the guard stays open",
        harm="whoever was seen once may never come again",
        broken=lambda: instead(writing._SPECIAL, Closed, _nothing),
    ),
    Mutant(
        name="joining forgets the guard",
        harm="one person waits twice",
        broken=lambda: _loosely("_joining", updates=GuardRow),
    ),
    Mutant(
        name="stepping back is not told to the lane",
        harm="the patient is never called again",
        broken=lambda: instead(records, "hold", lambda *_: True),
    ),
    Mutant(
        name="handing back forgets the alias",
        harm="the front of the queue leads to nobody",
        broken=lambda: _save(_without_alias),
    ),
    Mutant(
        name="what was said leaves no line",
        harm="nobody can find out who wrote to a patient",
        broken=lambda: instead(writing, "audit_row", around(_line_lost)),
    ),
    Mutant(
        name="looking leaves no line",
        harm="records are read in secret",
        broken=lambda: instead(records, "looked", _nothing),
    ),
    Mutant(
        name="a request may have its effect again",
        harm="a double tap says everything twice",
        broken=lambda: instead(
            writing,
            "put_audit",
            around(lambda real, transaction, line: real(Loose(transaction, puts=AuditRow), line)),
        ),
    ),
    Mutant(
        name="a repeat is not compared with the first",
        first=2,
        harm="another form under the same id is told that it was done",
        broken=lambda: instead(errand, "_same", lambda errand, earlier: earlier.answer),
    ),
    Mutant(
        name="a refused repeat does not ask whether it was done",
        first=2,
        harm="whoever lost the answer is told no although it was done",
        broken=lambda: instead(records, "answered", _nothing),
    ),
    Mutant(
        name="one write after another",
        harm="a Lambda that dies in between leaves half a deed",
        broken=lambda: _save(_one_after_another),
    ),
    Mutant(
        name="calling goes by the head that was read",
        first=17,
        harm="two doctors call one patient",
        broken=lambda: instead(records, "call", around(_call_as_read)),
    ),
    Mutant(
        name="always the most urgent first",
        first=3,
        harm="follow-up patients wait for ever on a busy day",
        broken=lambda: both(instead(queue, "choose", _most_urgent), instead(assignment, "choose", _most_urgent)),
    ),
    Mutant(
        name="a hole is not closed",
        first=1,
        harm="a late joiner gets a number that was called already",
        broken=lambda: instead(lanes, "tombstone", lambda ticket: True),
    ),
    Mutant(
        name="a number called in vain is not given back",
        first=1,
        harm="its patient waits until they look at their page",
        broken=lambda: instead(taking, "_give_up", _nothing),
    ),
    Mutant(
        name="bringing to the front forgets the version",
        first=27,
        harm="a patient is taken from the doctor who just took them",
        broken=_loose_rescue,
    ),
    Mutant(
        name="leases never end",
        first=1,
        harm="patients of a doctor who vanished wait for ever",
        broken=lambda: instead(assignment, "lease_lost", _nothing),
    ),
    Mutant(
        name="nobody notices being passed",
        first=2,
        harm="a patient called by a Lambda that died is forgotten",
        broken=lambda: instead(queue, "passed", _nothing),
    ),
    Mutant(
        name="nobody notices that a doctor is waited for in vain",
        first=9,
        harm="patients of a doctor who went home wait for ever",
        broken=lambda: instead(preferred, "in_vain", _nothing),
    ),
    Mutant(
        name="going back to a number that was called",
        first=8,
        harm="whoever gives up waiting for one doctor is called by nobody",
        broken=lambda: both(instead(preferred, "called", _nothing), instead(writing._SPECIAL, Back, _nothing)),
    ),
    Mutant(
        name="messages after the end",
        first=1,
        harm="people write where nobody reads",
        broken=lambda: instead(consult, "ACTIVE", ALL),
    ),
    Mutant(
        name="any doctor may write",
        harm="a doctor who lost the patient goes on writing",
        broken=lambda: both(instead(assignment, "holds", _nothing), instead(consult, "holds", _nothing)),
    ),
    Mutant(
        name="leaving in the middle of a consult",
        harm="the doctor signs for somebody who is gone",
        broken=lambda: instead(
            leaving, "cancel", lambda visit, *, why, now: leaving._ended(visit, queue.State.CANCELLED, why, now)
        ),
    ),
    Mutant(
        name="one checks one's own prescription",
        harm="the second pair of eyes is the first",
        broken=lambda: instead(
            prescription, "_to_review", around(lambda real, found, pharmacist, number: real(found, "another", number))
        ),
    ),
    Mutant(
        name="an order on any prescription",
        first=1,
        harm="medicine nobody approved is sent",
        broken=lambda: both(instead(prescription, "usable", _nothing), instead(delivery, "usable", _nothing)),
    ),
    Mutant(
        name="medicine whatever the outcome",
        first=7,
        harm="somebody who must be seen in person stays at home with pills",
        broken=lambda: both(
            instead(prescription, "NO_MEDICINE_AFTER", frozenset()),
            instead(prescription, "prescribe", around(_prescribes_anyway)),
        ),
    ),
    Mutant(
        name="the packer checks the parcel",
        first=1,
        harm="a wrong box is found by the patient",
        broken=lambda: instead(delivery, "check", _packer_checks),
    ),
    Mutant(
        name="the medicine leaves and the prescription stays",
        harm="a prescription is used twice",
        broken=lambda: instead(
            prescription, "dispense", lambda found, now: replace(found, state=PrescriptionState.EFFECTIVE)
        ),
    ),
)


def main() -> None:
    with engines.dynoxide() as address:
        ground = Ground(address=address, empty=lambda: engines.dynoxide_table(address))
        for mutant in MUTANTS:
            found = hunt(mutant, ground)
            caught = f"seed {found.seed:2}  {found.words[:90]}" if found else "SURVIVES"
            print(f"{mutant.name:50} {caught}", flush=True)


if __name__ == "__main__":
    main()
