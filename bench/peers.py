"""`python -m bench.peers`: join, place and take next beside two other ways to keep a queue, in one run on one machine.

A sorted partition on the same DynamoDB engine through the same client (bench/sorted_queue.py), and PostgreSQL with
SKIP LOCKED (bench/skip_locked.py). Requests and units are counted; times are ratios to ours. All three write an audit
line and link it to the visit's chain; ours carries besides what the clinic does: rules, wait promise, fair order among
bands, the doctor's list of whom they took. A refused transaction is billed like any other.
"""

import argparse
import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from infra.local import engine

engine.keep_local()  # before chalicelib is imported

from bench import show, write  # noqa: E402
from bench.crowd import Crowd, department  # noqa: E402
from bench.skip_locked import NotHere, SkipLocked, postgres  # noqa: E402
from bench.sorted_queue import SortedQueue  # noqa: E402
from bench.split import Split, split  # noqa: E402
from chalicelib.rooms.permission import Actor, Role  # noqa: E402
from chalicelib.store.rows import Row  # noqa: E402
from chalicelib.visit import arriving, taking  # noqa: E402

SIZES = (10, 1_000, 10_000, 100_000)
ROUNDS = 8  # of each deed, in turn, by one doctor alone: fewer than the shortest queue is long
DOCTORS, TAKES = 32, 4
CROWDED = (1_000, 100_000)  # queues that 32 doctors meet at once
SPREAD = 8
CAPACITY = 10
SECONDS_MAX = 120


class Queue(Protocol):
    """What a queue can be asked here: `n` numbers those who come while it is measured."""

    def join(self, department: str, n: int, request: str) -> object: ...
    def place(self, department: str, n: int) -> int: ...
    def take(self, department: str, doctor: str, request: str) -> object: ...
    def on_duty(self, doctor: str, capacity: int) -> None: ...


class Ours:
    """The clinic's own deeds."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd, self.here = crowd, {}  # type: ignore[var-annotated]  # number -> visit and patient
        self.busy = threading.Lock()

    def join(self, department: str, n: int, request: str) -> None:
        self.here[department, n] = self.crowd.join(int(department[1:]))

    def place(self, department: str, n: int) -> int:
        visit, patient = self.here[department, n]
        return arriving.see_ticket(self.crowd.errand(patient), id=visit.id).ahead

    def take(self, department: str, doctor: str, request: str) -> object:
        with self.busy:
            errand = self.crowd.errand(_doctor(doctor))
        return taking.take_next(errand, departments=(department,))

    def on_duty(self, doctor: str, capacity: int) -> None:
        waiting = int(doctor.rpartition("-")[2])
        taking.go_on_duty(self.crowd.errand(_doctor(doctor)), departments=(department(waiting),), capacity=capacity)


def _doctor(id: str) -> Actor:
    return Actor(role=Role.DOCTOR, id=id, name="Dr")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers")
    parser.add_argument("--most", type=int, default=max(SIZES), help="people in the longest queue")
    most = parser.parse_args().most
    sizes = [n for n in SIZES if n <= most]
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(engine.dynoxide())
        queues = _queues(address, sizes)
        folder: Path | None = None
        try:
            folder = stack.enter_context(postgres())
            queues["PostgreSQL SKIP LOCKED"] = _filled(SkipLocked(folder), sizes)
        except NotHere as why:
            print(f"PostgreSQL is left out: {why}")
        alone = [line for n in sizes for line in one_alone(queues, n)]
        show(f"One doctor, one patient; median of {ROUNDS} in turn; times as ratios to ours", alone)
        at_once = [line for n in CROWDED if n <= most for line in all_at_once(queues, n, folder)]
        show(f"{DOCTORS} doctors take {TAKES} patients each at once; what one take cost", at_once)
    write("peers", {"alone": alone, "at_once": at_once, "rounds": ROUNDS, "doctors": DOCTORS})


def _queues(address: str, sizes: Sequence[int]) -> dict[str, Queue]:
    Row.create_table(wait=True)
    client = _client()
    strict = SortedQueue(client)
    return {
        "ours": Ours(Crowd(address, tuple(sizes))),
        "sorted partition": _filled(strict, sizes),
        f"sorted, any of {SPREAD}": SortedQueue(client, spread=SPREAD),  # on the same table
    }


def _filled(queue: Any, sizes: Sequence[int]) -> Queue:
    queue.create()
    for waiting in sizes:
        queue.fill(department(waiting), waiting)
    filled: Queue = queue
    return filled


def one_alone(queues: dict[str, Queue], waiting: int) -> list[dict[str, Any]]:
    """Each deed by each queue in turn, so that a busy machine is busy for all of them."""
    spent: dict[tuple[str, str], list[float]] = {}
    costs: dict[tuple[str, str], Split] = {}
    where = department(waiting)
    doctors = {name: f"alone{i}-{waiting}" for i, name in enumerate(queues)}
    for name, queue in queues.items():
        queue.on_duty(doctors[name], CAPACITY)
    for n in range(ROUNDS):
        for i, (name, queue) in enumerate(queues.items()):
            number, request = waiting + 1 + n + i * ROUNDS, f"{name} {waiting} {n}"
            deeds: dict[str, Callable[[], object]] = {
                "join": lambda q=queue, m=number, r=request: q.join(where, m, r),  # type: ignore[misc]
                "place": lambda q=queue, m=number: q.place(where, m),  # type: ignore[misc]
                "take next": lambda q=queue, d=doctors[name], r=request: q.take(where, d, r),  # type: ignore[misc]
            }
            for deed, do in deeds.items():
                with split(_client()) as costs[deed, name]:
                    start = time.perf_counter()
                    do()
                    spent.setdefault((deed, name), []).append(time.perf_counter() - start)
    return [
        {"deed": deed, "waiting": waiting, "queue": name, **_cost(costs[deed, name], 1)}
        | {"time to ours": _ratio(spent[deed, name], spent[deed, "ours"])}
        for deed in ("join", "place", "take next")
        for name in queues
    ]


def all_at_once(queues: dict[str, Queue], waiting: int, folder: Path | None) -> list[dict[str, Any]]:
    """Many doctors on one queue. Each has a connection of their own where the queue has connections."""
    lines = []
    for name, queue in queues.items():
        doctors = [f"{name[-3:]}{n}-{waiting}".replace(" ", "") for n in range(DOCTORS)]
        for doctor in doctors:
            queue.on_duty(doctor, CAPACITY)
        with _own_lines(queue, folder) as own, split(_client()) as spent, ThreadPoolExecutor(DOCTORS) as room:
            ready = threading.Barrier(DOCTORS + 1)
            jobs = [room.submit(_takes, own[i], waiting, doctor, ready) for i, doctor in enumerate(doctors)]
            ready.wait(SECONDS_MAX)
            start = time.perf_counter()
            taken = [id for job in jobs for id in job.result(SECONDS_MAX)]
            seconds = time.perf_counter() - start
        assert len(set(taken)) == DOCTORS * TAKES, f"{name}: somebody was taken twice or nobody was left"
        lines.append({"waiting": waiting, "queue": name, **_cost(spent, DOCTORS * TAKES), "seconds": seconds})
    ours = lines[0]["seconds"]
    for line in lines:
        line["takes/s to ours"] = round(ours / line.pop("seconds"), 2)
    return lines


@contextlib.contextmanager
def _own_lines(queue: Queue, folder: Path | None) -> Iterator[Sequence[Queue]]:
    if not isinstance(queue, SkipLocked):
        yield [queue] * DOCTORS
        return
    assert folder is not None
    lines = [SkipLocked(folder) for _ in range(DOCTORS)]
    try:
        yield lines
    finally:
        for line in lines:
            line.close()


def _takes(queue: Queue, waiting: int, doctor: str, ready: threading.Barrier) -> list[object]:
    ready.wait(SECONDS_MAX)
    return [queue.take(department(waiting), doctor, f"{doctor} {n}") for n in range(TAKES)]


def _cost(spent: Split, times: int) -> dict[str, Any]:
    """What one of so many deeds asked for. PostgreSQL is asked once a deed and counts no units."""
    units = {
        "read units": spent.read_units,
        "queue units": spent.queue,
        "audit units": spent.audit,
        "index units": spent.index,
    }
    if not spent.requests:
        return {"requests": 1.0, **dict.fromkeys(units, "-")}
    return {"requests": round(spent.requests / times, 2)} | {n: round(of / times, 2) for n, of in units.items()}


def _client() -> Any:
    return Row._get_connection().connection.client


def _ratio(theirs: list[float], ours: list[float]) -> float:
    return round(statistics.median(theirs) / statistics.median(ours), 2)


if __name__ == "__main__":
    main()
