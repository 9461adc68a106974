"""One simulated day from one seed: `python -m tests.simulation.day SEED`, or `make day SEED=7`.

Everybody's every deed goes through `Day.run`: under one request id, over the wire where things happen to it, with
all invariants checked after every write and the answer checked when it comes. The seed decides everything.
"""

import contextlib
import hashlib
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local import engine

if __name__ == "__main__":
    engine.keep_local()

from chalicelib.clinic import CLINIC
from chalicelib.refusal import Busy, Refusal
from chalicelib.rooms import permission
from chalicelib.rooms.permission import Actor, Entry
from chalicelib.rooms.rules import Clinic, Codes
from chalicelib.store import records
from chalicelib.visit.errand import Errand
from infra.local.signer import Local
from tests import engines
from tests.simulation import answers, invariants, wire
from tests.simulation.invariants import Broken, must
from tests.simulation.mirror import Key, Mirror
from tests.simulation.steps import Frame, Steps
from tests.simulation.wire import CALM, ROUGH, Killed, Send, Wire

SIGNER = Local()
STEPS = 200  # acts of one day at the top; others happen in between
DEPTH_MAX = 2  # an interrupted errand, its interruption, and one interrupting that
SHOWN = 15  # lines of the log in a failing day's report


@dataclass(eq=False, kw_only=True)
class Job:
    """Something somebody wants done, under one request id however often it has to be sent."""

    deed: str
    do: Callable[..., Any]
    actor: Actor
    typed: dict[str, Any]
    request: str
    stranger: bool = False  # it must be refused
    rivals: list["Job"] = field(default_factory=list)  # all jobs with this request id and different forms
    line: Entry | None = None  # the audit line of its effect
    outcomes: list["Outcome"] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of sending a job once: `word` is ok, killed, Busy or the refusal's name."""

    word: str
    answer: Any = None
    faults: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.word == "ok"


class Day:
    """The clinic, its clock, what has happened so far, and whose errand is being run."""

    def __init__(self, seed: int, send: Send) -> None:
        self.seed, self.random = seed, random.Random(seed)
        self.skew_seconds = 0  # by how much the clock of a Lambda may be wrong, either way
        # One that never closes, and one that does, soon in every third day: closing time is part of it.
        self.now = datetime(2030, 1, 7, 13 if seed % 3 == 2 else 8, tzinfo=UTC)
        departments = tuple(d for d in CLINIC.departments if d.id in ("respiratory", "general"))
        # Nobody proves a number here: whoever comes again with the same phone has a history for doctors to read.
        self.clinic: Clinic = replace(CLINIC, departments=departments, codes=Codes(on=False))
        self.mirror = Mirror()
        self.steps = Steps(mirror=self.mirror)
        self.frames: list[Frame] = []
        self.jobs: list[Job] = []
        self.log: list[str] = []
        self.counts: Counter[tuple[str, str]] = Counter()  # what was done, and the word of its outcome
        self.requests = 0
        self.send = send
        self.wire = Wire(
            send=send,
            random=self.random,
            watched=self._watched,
            interrupt=self._interrupt,
            fault=lambda what: self.frames[-1].faults.append(what),
            heard=self._heard,
        )
        self.act: Callable[..., None] = lambda near="": None  # what the crowd does next; set by the crowd

    def new_request(self) -> str:
        self.requests += 1
        return f"r{self.requests}"

    def job(self, deed: str, do: Callable[..., Any], actor: Actor, *, stranger: bool = False, **typed: Any) -> Job:
        job = Job(deed=deed, do=do, actor=actor, typed=typed, request=self.new_request(), stranger=stranger)
        self.jobs.append(job)
        return job

    def run(self, job: Job) -> Outcome:
        """Send the job's request once, as its door would, and check what comes of it."""
        now = self._on_some_clock()
        frame = Frame(job=job, deed=job.deed, actor=job.actor, request=job.request, now=now, policy=self.clinic.policy)
        errand = Errand(
            actor=job.actor, request=job.request, now=now, clinic=self.clinic, records=records, signer=SIGNER
        )
        before = job.line
        self.frames.append(frame)
        answer, word = None, "ok"
        try:
            if job.deed != "sweep":  # a clock does it, and no door offers it
                permission.may(job.actor, job.deed)
            answer = job.do(errand, **job.typed)
            for failed in getattr(answer, "failed", ()):  # a sweep goes on in spite of what fails, but nothing may
                if not isinstance(failed, Busy):
                    raise failed
        except Refusal as refusal:
            word = refusal.code
        except Killed:
            word = "killed"
        except Broken:
            raise
        except Exception as bug:
            where = traceback.extract_tb(bug.__traceback__)[-1]
            place = f"{where.filename.rsplit('/', 1)[-1]}:{where.lineno}"
            raise Broken(f"{job.deed} of {job.actor.id} crashed at {place}: {bug!r}") from bug
        finally:
            self.frames.pop()
        outcome = Outcome(word=word, answer=answer, faults=tuple(frame.faults))
        job.outcomes.append(outcome)
        self._note(job, outcome)
        self.steps.finished(frame)
        answers.check(self.mirror, job, frame, outcome, before)
        return outcome

    def _note(self, job: Job, outcome: Outcome) -> None:
        self.counts[job.do.__name__, outcome.word] += 1
        again = f" (sent {len(job.outcomes)} times)" if len(job.outcomes) > 1 else ""
        faults = f" [{', '.join(outcome.faults)}]" if outcome.faults else ""
        about = job.typed.get("id") or ""
        said = answers.identity(outcome.answer) if outcome.ok else ""
        self.log.append(
            f"{len(self.log):4} {self.now:%d %H:%M:%S} {'  ' * len(self.frames)}"
            f"{job.actor.id} {job.deed} {about} {job.request}{again}: {outcome.word} {said}{faults}".rstrip()
        )

    def _interrupt(self) -> None:
        """Somebody else acts between two requests of a deed, as another Lambda does."""
        if len(self.frames) <= DEPTH_MAX:
            self.act(self.frames[-1].deed)

    def _watched(self, operation: str, keys: list[Key]) -> None:
        rows = wire.rows_at(self.send, keys)
        changes = [change for key in dict.fromkeys(keys) if (change := self.mirror.take(key, rows.get(key)))]
        frame = self.frames[-1]
        job = frame.job
        job.line = job.line or next((c.after for c in changes if answers.is_line_of(frame, c.after)), None)
        self.steps.written(frame, changes)
        touched = {id for c in changes for id in answers.visits_of(c, self.mirror)}
        invariants.check(
            self.mirror, sorted(touched), guardian_age=self.clinic.guardian_age, excused=self.steps.excused
        )

    def _heard(self, operation: str, answer: dict[str, Any]) -> None:
        """What a deed reads of a lane's counters is what it decides on."""
        rows = [answer["Attributes"]] if "Attributes" in answer else []
        rows += [row for found in answer.get("Responses", {}).values() for row in found] if rows == [] else []
        for row in rows:
            if row.get("kind", {}).get("S") == "lane" and "pk" in row:
                _, department, number = row["pk"]["S"].split("#")
                self.frames[-1].seen[department, int(number)] = int(row.get("calls", {}).get("N", 0))

    def _on_some_clock(self) -> datetime:
        if not self.skew_seconds:
            return self.now
        return self.now + timedelta(seconds=self.random.randint(-self.skew_seconds, self.skew_seconds))

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def compare(self) -> None:
        """The mirror missed nothing: it is the table."""
        there = Mirror.of_table()
        must(there.visits == self.mirror.visits, "the mirror missed a visit")
        must(there.parts == self.mirror.parts, "the mirror missed part of a visit")
        invariants.check(there, guardian_age=self.clinic.guardian_age, excused=self.steps.excused)
        invariants.i14_every_chain_verifies(there)


class DayFailed(AssertionError):
    """A day on which an invariant broke: its seed, the step, and what happened just before."""


def play(seed: int, address: str | None, steps: int = STEPS, *, skew_seconds: int = 0) -> Day:
    """A whole day on the empty table the store points at, with clocks that are wrong by up to so much until closing
    time. Raises DayFailed."""
    from tests.simulation import closing, crowd

    with wire.sender(address) as send:
        day = Day(seed, send)
        people = crowd.Crowd(day)
        with wire.connected(day.wire):
            try:
                people.open_up()
                day.wire.weather, day.skew_seconds = ROUGH, skew_seconds
                for _ in range(steps):
                    day.act()
                day.wire.weather, day.skew_seconds = CALM, 0
                closing.close_up(day, people)
                day.compare()
            except Broken as broken:
                last = "\n".join(day.log[-SHOWN:])
                raise DayFailed(f"seed {seed}, step {len(day.log)}: {broken}\n{last}") from broken
    return day


def digest(day: Day) -> str:
    """Two days are the same day exactly if this is the same."""
    return hashlib.sha256("\n".join(day.log).encode()).hexdigest()[:16]


@contextlib.contextmanager
def table() -> Iterator[str | None]:
    """An empty table on dynoxide where it runs, else on moto; its address, None for moto's."""
    with contextlib.ExitStack() as stack:
        try:
            address = stack.enter_context(engines.dynoxide())
        except engine.NotHere as why:
            print(f"{why} This day is played on moto, which is slower.", file=sys.stderr)
            stack.enter_context(engines.moto_table())
            yield None
            return
        yield stack.enter_context(engines.dynoxide_table(address))


def main() -> None:
    seed = int(sys.argv[1])
    with table() as address:
        try:
            day = play(seed, address)
        except DayFailed as failed:
            sys.exit(str(failed))
    print(*day.log, "", *(f"{n:5} {deed}: {word}" for (deed, word), n in sorted(day.counts.items())), sep="\n")
    visits = len(day.mirror.visits)
    print(f"\nseed {seed}: {len(day.log)} deeds, {day.wire.requests} requests, {visits} visits, the day {digest(day)}")


if __name__ == "__main__":
    from tests.simulation import day as this

    this.main()
