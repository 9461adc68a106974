"""`python -m bench.torture`: claims by the hundred thousand while everything goes wrong, and then an audit.

Threads in several processes join, take, sign, hand back, leave and step back by the real deeds on one dynoxide.
Requests are throttled, conflict, are sent twice, lose their answer; Lambdas die before and after any request; reads
are old; doctors vanish for good. Then the faults end, sweeps and takes drain the queue, and the audit looks for
anybody doubled, lost, or called out of turn. `--mutant` runs it on a clinic that is broken on purpose.

Several runs, each on a table of its own, are one torture: seeds are counted up, the numbers of lanes take turns.
"""

import argparse
import multiprocessing
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from infra.local import engine

engine.keep_local()  # before chalicelib is imported, in this process and in those it starts

from bench import show, write  # noqa: E402
from bench.audit import KINDS, Finding, Journal, audit, caught  # noqa: E402
from bench.breaks import BREAKS  # noqa: E402
from bench.worker import (  # noqa: E402
    CAPACITY,
    CLINIC_SECONDS,
    DEPARTMENT,
    Board,
    Phones,
    Plan,
    Wires,
    Worker,
    a_crowded_clinic,
    every_step,
)
from chalicelib.rooms.permission import SYSTEM  # noqa: E402
from chalicelib.store.rows import Row  # noqa: E402
from chalicelib.visit import sweeping, taking  # noqa: E402
from tests.engines import point_at  # noqa: E402
from tests.simulation.wire import CALM, connected  # noqa: E402

CLAIMS, RUNS, LANES, SEED = 2_500, 40, (1, 4), 801
PROCESSES, THREADS = 2, 8
DRAIN_ROUNDS_MAX = 20
FOUND_MAX = 10_000  # by the sweeps of one drain; a broken clinic may find somebody for ever
LATECOMERS = 6  # a lane, when all is calm: somebody waits in each when the order between them is looked at
EVERY_STEP_FROM = 100_000  # claims after which a Lambda has died at every step, or something is amiss
PRINTED_MAX, WRITTEN_MAX = 20, 100  # findings


def storm(plan: Plan) -> Journal:
    """What one process does: its threads, from the first request to the last claim."""
    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = plan.address
    wires, clinic, board = Wires(), a_crowded_clinic(plan.lanes), Board()
    phones = [Phones(f"dr{plan.process}.{n}") for n in range((plan.threads + 1) // 2)]
    share = replace(plan, claims=-(-plan.claims // plan.threads))
    workers = [Worker(share, n, phones[n // 2], wires, clinic, board) for n in range(plan.threads)]
    clock = Worker(plan, plan.threads, Phones("nobody"), wires, clinic, board)
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


def drain(address: str, after: float, mutant: str = "", lanes: int = 1) -> Journal:
    """The faults are over, an hour has passed: sweeps and one tireless doctor until nobody is left to be found."""
    wires = Wires()
    began = time.monotonic() - after - 3600 / CLINIC_SECONDS
    plan = Plan(claims=0, threads=THREADS, seed=0, address=address, began=began)
    last = Worker(plan, 0, Phones("last"), wires, a_crowded_clinic(lanes), Board(), CALM)
    last.name = "drain"
    with ExitStack() as stack:
        stack.enter_context(BREAKS[mutant]() if mutant else nullcontext())
        stack.enter_context(connected(wires))  # type: ignore[arg-type]
        stack.enter_context(last.on_the_wire())
        for _ in range(LATECOMERS * lanes if lanes > 1 else 0):
            last.join()
        for _ in range(DRAIN_ROUNDS_MAX):
            if not _empty(last) + _found(last):  # a sweep is last, as in life: what was called is looked at after that
                break
    return last.journal


def _found(last: Worker) -> int:
    """Sweeps, until one finds nothing new. How many were brought to the front."""
    found = 0
    while (swept := last.attempt("sweep", SYSTEM, sweeping.sweep)) and swept.brought_to_front:
        found += swept.brought_to_front
        if found > FOUND_MAX:
            break
    return found


def _empty(last: Worker) -> int:
    """Take and sign until nobody waits; how many there were."""
    me, many = last.doctor.actor, 0
    last.attempt("on duty", me, lambda e: taking.go_on_duty(e, departments=(DEPARTMENT,), capacity=CAPACITY))
    while (id := last.take(me)) is not None:
        last.journal.drained.append(str(id))
        visit = last.attempt("read", me, lambda errand, id=id: errand.records.visit(id))
        many += visit is not None and last.sign(me, visit)
    return many


def torture(
    *, claims: int, processes: int, threads: int, seed: int, address: str, mutant: str = "", lanes: int = 1
) -> dict[str, Any]:
    """One storm, one drain, two audits: what was found, and how much was done."""
    Row.create_table(wait=True)
    began = time.monotonic()
    whole = Plan(
        claims=-(-claims // max(1, processes)),
        threads=threads,
        seed=seed,
        address=address,
        began=began,
        processes=max(1, processes),
        mutant=mutant,
        lanes=lanes,
    )
    plans = [replace(whole, process=n) for n in range(whole.processes)]
    if processes:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as room:
            journal = sum(room.map(storm, plans), Journal())
    else:
        journal = storm(plans[0])
    seconds = time.monotonic() - began
    found, counts = audit(address, journal, drained=False)
    if not (mutant and caught(found)):
        journal += drain(address, seconds, mutant, lanes)
        after, counts = audit(address, journal, drained=True)
        found += [finding for finding in after if finding not in found]
    return {"seconds": round(seconds, 1), "found": found, "journal": journal, "counts": counts}


@dataclass
class Whole:
    """Several runs as one torture."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    died: set[str] = field(default_factory=set)
    found: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, seed: int, lanes: int, done: dict[str, Any]) -> dict[str, Any]:
        """One run more. Returns its line."""
        journal: Journal = done["journal"]
        self.faults += journal.faults
        self.refused += journal.refused
        self.died |= journal.died
        self.counts.update(done["counts"])
        self.seconds += done["seconds"]
        self.found += [replace(one, words=f"seed {seed}, {lanes} lane(s): {one.words}") for one in done["found"]]
        line = {"seed": seed, "lanes": lanes, "seconds": done["seconds"], **done["counts"], **_by_kind(done["found"])}
        del line["not tried"]  # asked of all runs together
        self.runs.append(line)
        return line

    def amiss(self) -> list[Finding]:
        """What was found; and steps at which no Lambda died, where there was time for it: then the storm is not what it
        says. In fewer claims a rare step may be left out by chance."""
        left = every_step() - self.died if self.counts["claims"] >= EVERY_STEP_FROM else set()
        return [*self.found, *(Finding("not tried", words) for words in sorted(left))]

    def told(self) -> dict[str, Any]:
        steps = every_step()
        return {
            "runs": len(self.runs),
            **self.counts,
            "seconds": round(self.seconds, 1),
            "claims per second": round(self.counts["claims"] / self.seconds, 1) if self.seconds else 0.0,
            f"steps at which a Lambda died, of {len(steps)}": len(steps & self.died),
            "faults": self.faults.total(),
            **{f"faults: {what}": many for what, many in sorted(self.faults.items())},
            **_by_kind(self.amiss()),
        }


def _by_kind(found: list[Finding]) -> dict[str, int]:
    many = Counter(finding.kind for finding in found)
    return {kind: many[kind] for kind in KINDS}


def tortures(whole: Whole, *, runs: int, seed: int, lanes: Sequence[int], **each: Any) -> None:
    """Run after run, each on an engine of its own, with its line as soon as it is over."""
    for n in range(runs):
        of = lanes[n % len(lanes)]
        with engine.dynoxide() as address:
            point_at(address)
            done = torture(address=address, seed=seed + n, lanes=of, **each)
        line = whole.add(seed + n, of, done)
        print(", ".join(f"{what} {many}" for what, many in line.items()), flush=True)


def shared(total: int, claims: int) -> tuple[int, int]:
    """So many claims in all, as runs of at most `claims` each: how many runs, and of how many claims."""
    runs = -(-total // claims)
    return runs, -(-total // runs)


def asked(typed: Sequence[str] | None = None) -> dict[str, Any]:
    """What is wished for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.torture")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--claims", type=int, default=CLAIMS, help="of each run")
    parser.add_argument("--total", type=int, default=0, help="claims of all runs together, instead of --runs")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--seed", type=int, default=SEED, help="of the first run")
    parser.add_argument("--lanes", type=int, nargs="+", default=LANES, help="of the department, in turn")
    parser.add_argument("--mutant", choices=sorted(BREAKS), default="")
    wishes = vars(parser.parse_args(typed))
    if total := wishes.pop("total"):
        wishes["runs"], wishes["claims"] = shared(total, wishes["claims"])
    return wishes


def main() -> int:
    wishes, whole = asked(), Whole()
    try:
        tortures(whole, **wishes)
    finally:  # what was done is told, also where a run broke off
        report(wishes, whole)
    return 1 if whole.amiss() else 0


def report(wishes: dict[str, Any], whole: Whole) -> None:
    """The table and the JSON."""
    found, told = whole.amiss(), whole.told()
    title = "{runs} runs of {claims} claims, {processes} processes of {threads} threads, seeds from {seed}"
    show(f"Claim torture, {title.format(**wishes)}", [{"what": what, "count": many} for what, many in told.items()])
    for finding in found[:PRINTED_MAX]:
        print(f"  {finding.kind}: {finding.words}")
    more = {"refused": dict(whole.refused), "died": sorted(whole.died), "each": whole.runs}
    write("torture", {"wishes": wishes, **told, **more, "found": [asdict(f) for f in found[:WRITTEN_MAX]]})


if __name__ == "__main__":
    raise SystemExit(main())
