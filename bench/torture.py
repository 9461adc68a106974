"""`python -m bench.torture`: claims by the hundred thousand while everything goes wrong, and then an audit.

Threads in several processes join, take, sign, hand back, leave and step back by the real deeds on one dynoxide.
Requests are throttled, conflict, are sent twice, lose their answer; Lambdas die before and after any request; reads
are old; doctors vanish for good. Then the faults end, sweeps and takes drain the queue, and the audit looks for
anybody doubled, lost, or called out of turn. `--mutant` runs it on a clinic that is broken on purpose.
"""

import argparse
import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from typing import Any

from infra.local import engine

engine.keep_local()  # before chalicelib is imported, in this process and in those it starts

from bench import show, write  # noqa: E402
from bench.audit import Finding, Journal, audit  # noqa: E402
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
    sign,
)
from chalicelib.rooms.permission import SYSTEM  # noqa: E402
from chalicelib.store.rows import Row  # noqa: E402
from chalicelib.visit import sweeping, taking  # noqa: E402
from tests.simulation.wire import CALM, connected  # noqa: E402

CLAIMS = 100_000
PROCESSES, THREADS = 2, 8
DRAIN_ROUNDS_MAX = 20


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


def drain(address: str, after: float, mutant: str = "", lanes: int = 1) -> None:
    """The faults are over, an hour has passed: sweeps and one tireless doctor until nobody is left to be found."""
    wires = Wires()
    plan = Plan(claims=0, threads=1, seed=0, address=address, began=time.monotonic() - after - 3600 / CLINIC_SECONDS)
    last = Worker(plan, 0, Phones("last"), wires, a_crowded_clinic(lanes), Board(), CALM)
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
        many += visit is not None and last.attempt("sign", me, lambda e, v=visit: sign(e, v.id, v.epoch)) is not None
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
    found: list[Finding] = audit(address, journal, drained=False)[0]
    if not (mutant and found):
        drain(address, seconds, mutant, lanes)
    after, counts = audit(address, journal, drained=True)
    found += [finding for finding in after if finding not in found]
    return {"seconds": round(seconds, 1), "found": found, "journal": journal, **counts}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.torture")
    parser.add_argument("--claims", type=int, default=CLAIMS)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=1)
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
    several = "{processes} processes of {threads} threads, {lanes} lane(s), seed {seed}".format(**wishes)
    show(
        f"Claim torture, {several}",
        [{"what": what, "count": many} for what, many in done.items()],
    )
    for finding in found[:20]:
        print(f"  {finding.kind}: {finding.words}")
    write("torture", {**wishes, **done, "refused": dict(journal.refused), "found": [str(f) for f in found[:100]]})
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
