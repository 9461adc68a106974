"""The baton: several deeds at once, of which only one goes on at a time, and at every request a seed says which.

`python -m tests.faults.baton SEED MOMENT DEED DEED...` plays one such meeting and prints who did what in which order:
MOMENT is the deed for which the clinic was made ready, see `tests.visit.deeds`.
"""

import itertools
import random
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from infra.local import engine

if __name__ == "__main__":
    engine.keep_local()

from chalicelib.refusal import Refusal
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.rules import Clinic
from chalicelib.visit import arriving, seeing, sweeping, taking
from tests import engines
from tests.builders import ADA, ANN, MINUTE
from tests.simulation import invariants, wire
from tests.simulation.mirror import Mirror
from tests.visit.deeds import DEEDS, Deed, Typed
from tests.visit.walk import Key, Walk, restore, table

WAIT_SECONDS_MAX = 60
Table = dict[Key, dict[str, Any]]
# What nobody's form brings about, or only reads: whoever looks may rescue, renew a lease, or write that they looked.
BYSTANDERS = [
    Deed("sweep", sweeping.sweep, SYSTEM, lambda walk: {}),
    Deed("see_ticket", arriving.see_ticket, ANN, lambda walk: {"id": walk.join().id}),
    Deed("open_visit", seeing.open_visit, ADA, lambda walk: {"id": walk.taken()}),
]
FACTS = frozenset(
    """state doctor epoch outcome summary said signed_note prescribed ended_why handed_back open visit visits on_duty
    text author plan number replaces pharmacist reason next_number way picker checker courier attempts wrong_codes
    """.split()  # noqa: SIM905  # a list of words reads like one
)
LATER = 20 * MINUTE  # when the sweep comes, the doctor has been silent for so long
EVERYBODY = {deed.name: deed for deed in [*DEEDS, *BYSTANDERS]}


class Baton:
    """Whoever has it goes on to their next request. `log` is who asked for what, in order."""

    def __init__(self, seed: int, send: wire.Send) -> None:
        self.random, self.send = random.Random(seed), send
        self.log: list[str] = []
        self._turns: dict[str, threading.Semaphore] = {}
        self._back = threading.Semaphore(0)
        self._done: set[str] = set()

    def run(self, doings: list[Callable[[], Any]]) -> list[Any]:
        """Everybody's answer, or the refusal; anything else that a deed raises is raised here."""
        answers: list[Any] = [None] * len(doings)

        def body(i: int, name: str) -> None:
            self._turns[name].acquire()
            try:
                answers[i] = doings[i]()
            except BaseException as raised:  # handed to the test below
                answers[i] = raised
            self._done.add(name)
            self._back.release()

        names = [f"{i}" for i in range(len(doings))]
        self._turns = {name: threading.Semaphore(0) for name in names}
        threads = [threading.Thread(target=body, args=(i, n), name=n, daemon=True) for i, n in enumerate(names)]
        for thread in threads:
            thread.start()
        with wire.connected(self):  # type: ignore[arg-type]  # a wire that asks the seed who is next
            while waiting := [name for name in names if name not in self._done]:
                self._turns[self.random.choice(waiting)].release()
                assert self._back.acquire(timeout=WAIT_SECONDS_MAX), f"nobody comes back: {self.log}"
        for raised in answers:
            if isinstance(raised, BaseException) and not isinstance(raised, Refusal):
                raise raised
        return answers

    def request(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        """A deed is about to ask the table: the baton goes back, and comes again."""
        name = threading.current_thread().name
        self._back.release()
        assert self._turns[name].acquire(timeout=WAIT_SECONDS_MAX)
        self.log.append(f"{name} {operation}")
        return self.send(operation, kwargs)


@dataclass
class Moment:
    """A state of the clinic, and what can be done in it."""

    name: str
    begun: Table
    at: datetime
    clinic: Clinic  # its hours are those of the moment
    possible: list[Deed] = field(default_factory=list)


@dataclass
class Meeting:
    """Some deeds at one moment, and what may come of it: what came of every order one after the other."""

    moment: Moment
    deeds: list[Deed]
    typed: list[Typed]

    def doings(self, walk: Walk) -> list[Callable[[], Any]]:
        def doing(i: int, deed: Deed) -> Callable[[], Any]:
            late = LATER if deed.do is sweeping.sweep else MINUTE
            errand = walk.errand(deed.who, f"meeting-{i}", at=self.moment.at + late)
            errand = replace(errand, clinic=self.moment.clinic)
            return lambda: deed.do(errand, **self.typed[i])

        return [doing(i, deed) for i, deed in enumerate(self.deeds)]

    def is_as_one_after_the_other(self, walk: Walk, answers: list[Any], there: Table) -> bool:
        """Whether some order of these deeds, one after the other, tells people the same and leaves the same."""
        for order in itertools.permutations(range(len(self.deeds))):
            said, left = self.one_after_another(walk, order)
            if list(map(told, said)) == list(map(told, answers)) and facts(left) == facts(there):
                return True
        return False

    def one_after_another(self, walk: Walk, order: tuple[int, ...]) -> tuple[list[Any], Table]:
        restore(self.moment.begun)
        doings = self.doings(walk)
        answers: dict[int, Any] = {}
        for i in order:
            try:
                answers[i] = doings[i]()
            except Refusal as refusal:
                answers[i] = refusal
        return [answers[i] for i in range(len(order))], table()

    def at_once(self, walk: Walk, seed: int, send: wire.Send) -> tuple[list[Any], Table, list[str]]:
        restore(self.moment.begun)
        baton = Baton(seed, send)
        answers = baton.run(self.doings(walk))
        return answers, table(), baton.log


def moment(walk: Walk, deed: Deed) -> tuple[Moment, Typed]:
    """The clinic made ready for this deed, and what is typed there."""
    restore({})
    fresh = Walk()
    walk.count, walk.now, walk.clinic = 0, fresh.now, fresh.clinic
    typed = deed.ready(walk)
    return Moment(name=deed.name, begun=table(), at=walk.now, clinic=walk.clinic), typed


def moments(walk: Walk) -> tuple[list[Moment], dict[str, Typed]]:
    """Every different state of one visit from which something is done, each with all deeds that can be done then."""
    found: dict[str, Moment] = {}
    typed: dict[str, Typed] = {}
    for deed in EVERYBODY.values():
        here, typed[deed.name] = moment(walk, deed)
        if _about_the_visit(deed, typed[deed.name]) and deed not in BYSTANDERS:
            found.setdefault(f"{here.clinic} {_state(here.begun)}", here)
    for here in found.values():
        restore(here.begun)
        for deed in EVERYBODY.values():
            if not _about_the_visit(deed, typed[deed.name]) or any(_alike(deed, d, typed) for d in here.possible):
                continue
            try:
                Meeting(here, [deed], [typed[deed.name]]).doings(walk)[0]()
            except Refusal:
                continue
            here.possible.append(deed)
            restore(here.begun)
    return list(found.values()), typed


def _about_the_visit(deed: Deed, typed: Typed) -> bool:
    return "id" in typed or deed.do in (taking.take_next, sweeping.sweep)


def _alike(one: Deed, other: Deed, typed: dict[str, Typed]) -> bool:
    return (one.do, one.who, typed[one.name]) == (other.do, other.who, typed[other.name])


def _state(begun: Table) -> str:
    """Two moments are one if everything but the audit and the versions is the same."""
    return repr(sorted((key, _facts(row)) for key, row in begun.items() if key[1][0] != "X"))


def _facts(row: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((name, repr(value)) for name, value in row.items() if name in FACTS)


def facts(there: Table) -> dict[Key, list[tuple[str, str]]]:
    """What must be as after some order of events: what people see and what may be done next, not when it was."""
    kinds = ("visit", "note", "message", "prescription", "order", "doctor", "guard")
    return {key: _facts(row) for key, row in there.items() if row["kind"]["S"] in kinds}


def told(answer: Any) -> str:
    """No, or yes. Why not may differ: whoever is later may be told more."""
    return "refused" if isinstance(answer, Refusal) else "done"


def in_order() -> None:
    """Every invariant of the table as it stands."""
    invariants.check(Mirror.of_table(), excused=invariants.nobody)


def main() -> None:
    seed, where, *who = sys.argv[1:]
    with engines.dynoxide() as address, engines.dynoxide_table(address), wire.sender(address) as send:
        walk = Walk()
        here, _ = moment(walk, EVERYBODY[where])
        deeds = [EVERYBODY[name] for name in who]
        typed = [moment(walk, deed)[1] for deed in deeds]
        answers, _, log = Meeting(here, deeds, typed).at_once(walk, int(seed), send)
        print(*log, *(f"{i} {deed.name}: {told(answers[i])}" for i, deed in enumerate(deeds)), sep="\n")
        in_order()


if __name__ == "__main__":
    main()
