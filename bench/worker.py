"""One thread of the torture: the phones of some patients, and one of a doctor's two, on a wire where things happen."""

import hashlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bench.audit import Journal, Took
from chalicelib.refusal import Busy, Refusal
from chalicelib.rooms.arrival import Getting
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.permission import ANYBODY, SYSTEM, Actor, Role
from chalicelib.rooms.queue import WITH_DOCTOR, Lane, Ticket, Visit
from chalicelib.rooms.rules import Clinic
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, sweeping, taking
from chalicelib.visit.errand import Errand
from infra.local.signer import Local
from tests.builders import NOW, SOAP, a_clinic, a_department, a_request
from tests.simulation.wire import Killed, Weather, Wire, sender

CAPACITY = 3
SIGNER = Local()
PEOPLE_PER_WORKER = 12  # some come again while they are still waiting
BACKLOG = 8  # people a worker has waiting, in turn with next to none: then numbers are called the moment they are drawn
TIDE = 30  # steps from the one to the other
CLINIC_SECONDS = 30  # in one of ours: a lease of ten minutes ends within a run
SWEEP_EVERY_SECONDS = 0.02  # far more often than in life: the sweep meets every deed at every step
STEPS_MAX = 6  # of a worker for each claim, about twice of what a whole clinic needs; a broken one must end too
SENT_MAX = 6  # times a phone sends the same request before its owner walks away
PAUSE_SECONDS_MAX = 0.04
DEPARTMENT = "general"
STORM = Weather(
    interrupted_before=0.05,
    interrupted_after=0.02,
    killed_before=0.006,
    killed_after=0.008,
    reply_lost=0.01,
    too_busy=0.01,
    conflict=0.05,
    sent_twice=0.01,
    stale=0.1,
)
STEPS = {  # of each deed, the requests it has when nothing happens to it; in the storm often more
    "join": 2,
    "take": 3,
    "sign": 3,
    "hand back": 4,
    "step back": 4,
    "leave": 3,
    "on duty": 2,
    "look": 1,
    "read": 1,
    "sweep": 5,  # of an empty clinic; people make it longer
}
CHANCES = {"resend": 0.06, "leave": 0.03, "step back": 0.16, "vanish": 0.004, "hand back": 0.2, "give up": 0.25}


SAID: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"getting": Getting.WORSE},
    {"follow_up": True},
)  # most wait in the ordinary band


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one process is to do."""

    claims: int
    threads: int
    seed: int
    address: str
    began: float  # on the clock all processes of a machine share
    process: int = 0
    processes: int = 1
    mutant: str = ""
    lanes: int = 1


@dataclass
class Phones:
    """A doctor with two phones: two workers act as one person. Vanishing, the doctor leaves everything as it is."""

    name: str
    life: int = 0

    @property
    def actor(self) -> Actor:
        return Actor(role=Role.DOCTOR, id=f"{self.name}-{self.life}", name="Dr")


@dataclass
class Board:
    """How many wait, as the last caller of this process heard."""

    waiting: int = 0


class Wires:
    """Each thread's requests go over a wire of its own."""

    def __init__(self) -> None:
        self.here = threading.local()

    def request(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.here.wire.request(operation, kwargs)
        return answer


class Noted:
    """The store, with every number that was called written down as the caller heard it, and how many waited then."""

    def __init__(self, journal: Journal, board: Board) -> None:
        self.journal, self.board = journal, board

    def call(self, lane: Lane, *more: Any, **how: bool) -> tuple[Ticket, Lane] | None:
        called = records.call(lane, *more, **how)
        if called is not None:
            self.journal.called.append(str(called[0]))
            self.board.waiting = called[1].everybody * called[1].of  # as long as this one, about
        return called

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)


@dataclass
class Worker:
    """One thread: the phones of some patients, and one of a doctor's two."""

    plan: Plan
    number: int
    doctor: Phones
    wires: Wires
    clinic: Clinic
    board: Board
    weather: Weather = STORM
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.name = f"{self.plan.process}.{self.number}"
        self.random = random.Random(f"{self.plan.seed} {self.name}")
        self.records = Noted(self.journal, self.board)
        self.count, self.claims, self.steps = 0, 0, 0
        self.recent: deque[tuple[Ticket, Actor]] = deque(maxlen=BACKLOG)
        self.sent: deque[tuple[Any, Actor, str, Ticket]] = deque(maxlen=30)
        self.deed, self.request_of_deed = "", 0
        self.on_duty: Actor | None = None

    @contextmanager
    def on_the_wire(self) -> Iterator[None]:
        with sender(self.plan.address) as send:
            self.wires.here.wire = Wire(
                send=send,
                random=self.random,
                watched=lambda *_: None,
                interrupt=lambda: time.sleep(self.random.random() * PAUSE_SECONDS_MAX),
                fault=self._fault,
                heard=lambda *_: None,
                weather=self.weather,
            )
            yield

    def run(self) -> None:
        with self.on_the_wire():
            while self.claims < self.plan.claims and self.steps < STEPS_MAX * (self.plan.claims + 5):
                self.step()

    def sweep(self, until: threading.Event) -> None:
        """What the clock does, all the while."""
        with self.on_the_wire():
            while not until.wait(SWEEP_EVERY_SECONDS):
                self.attempt("sweep", SYSTEM, sweeping.sweep)

    def step(self) -> None:
        self.steps += 1
        chance = self.random.random
        if self.board.waiting < self._wanted():
            self.join()
        elif self.recent and chance() < CHANCES["leave"]:
            self._patient("leave", arriving.leave)
        elif self.recent and chance() < CHANCES["step back"]:
            self._patient("step back", arriving.need_more_time)
        elif self.sent and chance() < CHANCES["resend"]:
            self._resend()
        else:
            self.work()

    def _wanted(self) -> int:
        high = self.steps // TIDE % 2 == 0
        return BACKLOG * self.plan.threads * self.plan.processes if high else 1

    def errand(self, actor: Actor, request: str) -> Errand:
        now = NOW + timedelta(seconds=(time.monotonic() - self.plan.began) * CLINIC_SECONDS)
        return Errand(actor=actor, request=request, now=now, clinic=self.clinic, records=self.records, signer=SIGNER)

    def new(self) -> str:
        self.count += 1
        return f"r{self.name}-{self.count}"

    def attempt(self, deed: str, actor: Actor, do: Callable[[Errand], Any], request: str = "") -> Any:
        """Send a request until it is answered, or its owner walks away; None then, and for a refusal."""
        request = request or self.new()
        for _ in range(SENT_MAX):
            self.deed, self.request_of_deed = deed, self.wires.here.wire.requests
            try:
                return do(self.errand(actor, request))
            except (Killed, Busy):
                if self.random.random() < CHANCES["give up"]:
                    return None
            except Refusal as refusal:
                self.journal.refused[f"{deed}: {refusal.code}"] += 1
                return None
            except Exception as bug:  # a broken clinic may crash; that is found too
                self.journal.crashes.append(f"{deed}: {bug!r}"[:200])
                return None
        return None

    def _fault(self, what: str) -> None:
        self.journal.faults[what] += 1
        if what.startswith("killed"):
            self.journal.died.add(died_at(self.deed, what, self.wires.here.wire.requests - self.request_of_deed))

    def join(self) -> None:
        person = hashlib.sha256(str(self.random.randrange(self._people())).encode()).hexdigest()
        request = self.new()
        said: dict[str, Any] = self.random.choice(SAID)
        asked = a_request(id=request, holder=f"phone-{person[:12]}", department=DEPARTMENT, **said)
        patient = Actor(role=Role.PATIENT, id=f"hash of {request}")
        self.board.waiting += 1
        visit = self._join(asked, patient, person)
        if visit is not None:
            if visit.request == asked.id:  # else it is the one this person has already, and another phone's
                self.recent.append((visit.id, patient))
            self.sent.append((asked, patient, person, visit.id))

    def _people(self) -> int:
        return PEOPLE_PER_WORKER * self.plan.threads * self.plan.processes

    def _join(self, asked: Any, patient: Actor, person: str) -> Any:
        def do(errand: Errand) -> Any:
            return arriving.join(errand, request=asked, secret=patient.id, person=person, consented=True)

        visit = self.attempt("join", ANYBODY, do, asked.id)
        if visit is not None:
            self.journal.joined.append((asked.id, str(visit.id)))
        return visit

    def _resend(self) -> None:
        """A page is loaded again much later: the same request, and it must lead to the same visit."""
        asked, patient, person, _ = self.random.choice(self.sent)
        self._join(asked, patient, person)

    def _patient(self, deed: str, do: Callable[..., Any]) -> None:
        """Of somebody whose turn may be near: who joined first of them where many wait, last where nobody does."""
        id, patient = self.random.choice((self.recent[0], self.recent[-1]))
        self.attempt(deed, patient, lambda errand: do(errand, id=id))

    def work(self) -> None:
        """The doctor looks at the desk, and ends a conversation or takes the next patient."""
        if self.random.random() < CHANCES["vanish"]:
            self.doctor.life += 1
        me = self.doctor.actor
        if self.on_duty != me:
            came = self.attempt(
                "on duty", me, lambda e: taking.go_on_duty(e, departments=(DEPARTMENT,), capacity=CAPACITY)
            )
            self.on_duty = me if came else None
            return
        desk = self.attempt("look", me, lambda errand: errand.records.doctor(me.id))
        if desk is None:
            return
        if len(desk.visits) > CAPACITY:
            self.journal.overfull.append(f"{me.id} has {len(desk.visits)} patients at once")
        if desk.visits and (len(desk.visits) >= CAPACITY or self.random.random() < 0.6):
            self.finish(me, self.random.choice(sorted(desk.visits)))
        else:
            self.take(me)

    def take(self, me: Actor) -> Ticket | None:
        request, start = self.new(), time.monotonic()

        def do(errand: Errand) -> Ticket | None:
            id = taking.take_next(errand, departments=(DEPARTMENT,))
            if id is None:
                self.board.waiting = 0
            return id

        id: Ticket | None = self.attempt("take", me, do, request)
        if id is not None:
            self.claims += 1
            self.journal.took.append(Took(str(id), request, start, time.monotonic()))
        return id

    def finish(self, me: Actor, id: Ticket) -> None:
        visit = self.attempt("read", me, lambda errand: errand.records.visit(id))
        if visit is None or visit.doctor != me.id or visit.state not in WITH_DOCTOR:
            return
        if self.random.random() < CHANCES["hand back"]:
            self.attempt("hand back", me, lambda e: seeing.hand_back(e, id=id, epoch=visit.epoch, reason="Not mine."))
        else:
            self.sign(me, visit)

    def sign(self, me: Actor, visit: Visit) -> bool:
        signed = self.attempt("sign", me, lambda e: sign(e, visit.id, visit.epoch)) is not None
        if signed:
            self.journal.signed.append(str(visit.id))
        return signed


def died_at(deed: str, what: str, request: int) -> str:
    return f"{deed} {what} {request}"


def every_step() -> set[str]:
    """Wherever a Lambda can die in a quiet deed: before and after each of its requests."""
    whens = ("killed before", "killed after")
    return {died_at(deed, what, n) for deed, many in STEPS.items() for what in whens for n in range(1, many + 1)}


def sign(errand: Errand, id: Ticket, epoch: int) -> Any:
    typed: dict[str, Any] = {"soap": SOAP, "outcome": Outcome.REST, "summary": "Rest.", "lines": (), "confirmed": False}
    return seeing.sign(errand, id=id, epoch=epoch, **typed)


def a_crowded_clinic(lanes: int) -> Clinic:
    return a_clinic(departments=(a_department(DEPARTMENT),), lanes=lanes)
