"""`python -m bench.torture`: claims by the hundred thousand while everything goes wrong, and then an audit.

Threads in several processes join, take, sign, hand back, leave and step back by the real deeds on one dynoxide.
Requests are throttled, conflict, are sent twice, lose their answer; Lambdas die before and after any request; reads
are old; doctors vanish for good. Then the faults end, sweeps and takes drain the queue, and the audit looks for
anybody doubled, lost, or called out of turn. `--mutant` runs it on a clinic that is broken on purpose.
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from infra.local import engine

engine.keep_local()  # before chalicelib is imported, in this process and in those it starts

from bench import show, write  # noqa: E402
from bench.audit import Finding, Journal, Took, audit  # noqa: E402
from bench.breaks import BREAKS  # noqa: E402
from chalicelib.refusal import Busy, Refusal  # noqa: E402
from chalicelib.rooms.consult import Outcome  # noqa: E402
from chalicelib.rooms.permission import ANYBODY, SYSTEM, Actor, Role  # noqa: E402
from chalicelib.rooms.queue import WITH_DOCTOR, Lane, Ticket  # noqa: E402
from chalicelib.rooms.rules import Clinic  # noqa: E402
from chalicelib.store import records  # noqa: E402
from chalicelib.store.rows import Row  # noqa: E402
from chalicelib.visit import arriving, seeing, sweeping, taking  # noqa: E402
from chalicelib.visit.errand import Errand  # noqa: E402
from tests.builders import NOW, SOAP, a_clinic, a_department, a_request  # noqa: E402
from tests.simulation.wire import CALM, Killed, Weather, Wire, connected, sender  # noqa: E402

CLAIMS = 100_000
PROCESSES, THREADS = 2, 8
CAPACITY = 3
PEOPLE_PER_WORKER = 12  # some come again while they are still waiting
BACKLOG = 8  # people a worker keeps in the queue, in turn with none: then numbers are called the moment they are drawn
TIDE = 30  # steps from the one to the other
CLINIC_SECONDS = 30  # in one of ours: a lease of ten minutes ends within a run
SWEEP_EVERY_SECONDS = 0.02  # far more often than in life: the sweep meets every deed at every step
STEPS_MAX = 6  # of a worker for each claim, about twice of what a whole clinic needs; a broken one must end too
SENT_MAX = 6  # times a phone sends the same request before its owner walks away
DRAIN_ROUNDS_MAX = 20
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
CHANCES = {"resend": 0.06, "leave": 0.03, "step back": 0.08, "vanish": 0.004, "hand back": 0.2, "give up": 0.25}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one process is to do."""

    claims: int
    threads: int
    seed: int
    address: str
    began: float  # on the clock all processes of a machine share
    process: int = 0
    mutant: str = ""


@dataclass
class Phones:
    """A doctor with two phones: two workers act as one person. Vanishing, the doctor leaves everything as it is."""

    name: str
    life: int = 0

    @property
    def actor(self) -> Actor:
        return Actor(role=Role.DOCTOR, id=f"{self.name}-{self.life}", name="Dr")


class Wires:
    """Each thread's requests go over a wire of its own."""

    def __init__(self) -> None:
        self.here = threading.local()

    def request(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.here.wire.request(operation, kwargs)
        return answer


class Noted:
    """The store, with every number that was called written down as the caller heard it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def call(self, lane: Lane, *more: Any) -> tuple[Ticket, Lane] | None:
        called = records.call(lane, *more)
        if called is not None:
            self.journal.called.append(str(called[0]))
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
    weather: Weather = STORM
    journal: Journal = field(default_factory=Journal)

    def __post_init__(self) -> None:
        self.name = f"{self.plan.process}.{self.number}"
        self.random = random.Random(f"{self.plan.seed} {self.name}")
        self.records = Noted(self.journal)
        self.count, self.backlog, self.claims, self.steps = 0, 0, 0, 0
        self.recent: deque[tuple[Ticket, Actor]] = deque(maxlen=4)
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
        if self.backlog < (BACKLOG if self.steps // TIDE % 2 == 0 else 1):
            self.join()
        elif self.recent and chance() < CHANCES["leave"]:
            self._patient("leave", arriving.leave)
        elif self.recent and chance() < CHANCES["step back"]:
            self._patient("step back", arriving.need_more_time)
        elif self.sent and chance() < CHANCES["resend"]:
            self._resend()
        else:
            self.work()

    def errand(self, actor: Actor, request: str) -> Errand:
        now = NOW + timedelta(seconds=(time.monotonic() - self.plan.began) * CLINIC_SECONDS)
        return Errand(actor=actor, request=request, now=now, clinic=self.clinic, records=self.records)  # type: ignore[arg-type]

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
            self.journal.died.add(f"{self.deed} {what} {self.wires.here.wire.requests - self.request_of_deed}")

    def join(self) -> None:
        person = hashlib.sha256(str(self.random.randrange(self._people())).encode()).hexdigest()
        request = self.new()
        said = self.random.choice(({}, {}, {}, {"getting": "worse"}, {"follow_up": True}))
        asked = a_request(id=request, holder=f"phone-{person[:12]}", department=DEPARTMENT, **_typed(said))
        patient = Actor(role=Role.PATIENT, id=f"hash of {request}")
        self.backlog += 1
        visit = self._join(asked, patient, person)
        if visit is not None:
            self.recent.append((visit.id, patient))
            self.sent.append((asked, patient, person, visit.id))

    def _people(self) -> int:
        return PEOPLE_PER_WORKER * self.plan.threads * PROCESSES

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
        id, patient = self.random.choice(self.recent)
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

    def take(self, me: Actor) -> None:
        request, start = self.new(), time.monotonic()
        id = self.attempt("take", me, lambda e: taking.take_next(e, departments=(DEPARTMENT,)), request)
        if id is None:
            self.backlog = 0  # nobody waits, or nobody came of it
            return
        self.claims += 1
        self.backlog -= 1
        self.journal.took.append(Took(str(id), request, start, time.monotonic()))

    def finish(self, me: Actor, id: Ticket) -> None:
        visit = self.attempt("read", me, lambda errand: errand.records.visit(id))
        if visit is None or visit.doctor != me.id or visit.state not in WITH_DOCTOR:
            return
        if self.random.random() < CHANCES["hand back"]:
            back = self.attempt(
                "hand back", me, lambda e: seeing.hand_back(e, id=id, epoch=visit.epoch, reason="Not my field.")
            )
            self.backlog += back is not None
        elif self.attempt("sign", me, lambda e: _sign(e, id, visit.epoch)) is not None:
            self.journal.signed.append(str(id))


def _typed(said: dict[str, Any]) -> dict[str, Any]:
    from chalicelib.rooms.arrival import Getting

    return {name: Getting(value) if name == "getting" else value for name, value in said.items()}


def _sign(errand: Errand, id: Ticket, epoch: int) -> Any:
    typed = {"soap": SOAP, "outcome": Outcome.REST, "summary": "Rest.", "lines": (), "confirmed": False}
    return seeing.sign(errand, id=id, epoch=epoch, **typed)


def a_crowded_clinic() -> Clinic:
    return a_clinic(departments=(a_department(DEPARTMENT),))


def storm(plan: Plan) -> Journal:
    """What one process does: its threads, from the first request to the last claim."""
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = plan.address
    wires, clinic = Wires(), a_crowded_clinic()
    phones = [Phones(f"dr{plan.process}.{n}") for n in range((plan.threads + 1) // 2)]
    share = replace(plan, claims=-(-plan.claims // plan.threads))
    workers = [Worker(share, n, phones[n // 2], wires, clinic) for n in range(plan.threads)]
    clock = Worker(plan, plan.threads, Phones("nobody"), wires, clinic)
    with ExitStack() as stack:
        stack.enter_context(BREAKS[plan.mutant]() if plan.mutant else nullcontext())
        stack.enter_context(connected(wires))  # type: ignore[arg-type]  # all it needs of a wire is `request`
        over = threading.Event()
        sweeper = threading.Thread(target=clock.sweep, args=(over,))
        threads = [threading.Thread(target=worker.run) for worker in workers]
        for thread in (sweeper, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        over.set()
        sweeper.join()
    return sum((worker.journal for worker in workers), clock.journal)


def drain(address: str, after: float, mutant: str = "") -> None:
    """The faults are over, an hour has passed: sweeps and one tireless doctor until nobody is left to be found."""
    wires = Wires()
    plan = Plan(claims=0, threads=1, seed=0, address=address, began=time.monotonic() - after - 3600 / CLINIC_SECONDS)
    last = Worker(plan, 0, Phones("last"), wires, a_crowded_clinic(), CALM)
    last.name = "drain"
    with ExitStack() as stack:
        stack.enter_context(BREAKS[mutant]() if mutant else nullcontext())
        stack.enter_context(connected(wires))  # type: ignore[arg-type]
        stack.enter_context(last.on_the_wire())
        for _ in range(DRAIN_ROUNDS_MAX):
            if not _found(last) and not _empty(last):
                return


def _found(last: Worker) -> int:
    """Sweeps, until one finds nothing new. How many were brought to the front."""
    found = 0
    while (swept := last.attempt("sweep", SYSTEM, sweeping.sweep)) and swept.brought_to_front:
        found += swept.brought_to_front
        if found > CLAIMS:
            break
    return found


def _empty(last: Worker) -> int:
    """Take and sign until nobody waits; how many there were."""
    me, many = last.doctor.actor, 0
    last.attempt("on duty", me, lambda e: taking.go_on_duty(e, departments=(DEPARTMENT,), capacity=CAPACITY))
    while (id := last.attempt("take", me, taking.take_next)) is not None:
        visit = last.attempt("read", me, lambda errand, id=id: errand.records.visit(id))
        many += visit is not None and last.attempt("sign", me, lambda e, v=visit: _sign(e, v.id, v.epoch)) is not None
    return many


def torture(*, claims: int, processes: int, threads: int, seed: int, address: str, mutant: str = "") -> dict[str, Any]:
    """One storm, one drain, two audits: what was found, and how much was done."""
    Row.create_table(wait=True)
    began = time.monotonic()
    share = -(-claims // max(1, processes))
    plans = [
        Plan(claims=share, threads=threads, seed=seed, address=address, began=began, process=n, mutant=mutant)
        for n in range(max(1, processes))
    ]
    if processes:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as room:
            journal = sum(room.map(storm, plans), Journal())
    else:
        journal = storm(plans[0])
    seconds = time.monotonic() - began
    found: list[Finding] = audit(address, journal, drained=False)[0]
    if not (mutant and found):
        drain(address, seconds, mutant)
    after, counts = audit(address, journal, drained=True)
    found += [finding for finding in after if finding not in found]
    return {"seconds": round(seconds, 1), "found": found, "journal": journal, **counts}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.torture")
    parser.add_argument("--claims", type=int, default=CLAIMS)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutant", choices=sorted(BREAKS), default="")
    wishes = vars(parser.parse_args())
    with engine.dynoxide() as address:
        done = torture(address=address, **wishes)
    journal: Journal = done.pop("journal")
    found: list[Finding] = done.pop("found")
    speed = round(done["claims"] / done["seconds"], 1)
    done |= {"claims per second": speed, "places where a Lambda died": len(journal.died)}
    done |= {f"faults: {what}": many for what, many in sorted(journal.faults.items())}
    kinds = ("doubled", "lost", "out of order", "crashed")
    done |= {kind: sum(finding.kind == kind for finding in found) for kind in kinds}
    show(
        f"Claim torture, {wishes['processes']} processes of {wishes['threads']} threads, seed {wishes['seed']}",
        [{"what": what, "count": many} for what, many in done.items()],
    )
    for finding in found[:20]:
        print(f"  {finding.kind}: {finding.words}")
    write("torture", {**wishes, **done, "refused": dict(journal.refused), "found": [str(f) for f in found[:100]]})
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
