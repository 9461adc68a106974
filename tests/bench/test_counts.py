"""What the other benches count and compare: the sums are right, and both sides of a comparison do the same."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bench import crowd, cycle, growth, peers
from bench.raw import Raw
from bench.sorted_queue import SortedQueue
from bench.split import Split, split
from chalicelib.store import chain
from chalicelib.store.rows import TABLE, Row
from infra.local import engine
from tests.budgets.test_counted import BUDGETS
from tests.engines import READS, metered

SIZES = (10, 40)
DOCTORS, WAITING = 8, 24


def test_the_exponent_is_the_slope_of_the_logarithms() -> None:
    sizes = (10, 100, 1_000)
    assert growth.slope(sizes, (5, 5, 5)) == pytest.approx(0)
    assert growth.slope(sizes, (1, 10, 100)) == pytest.approx(1)
    assert growth.slope(sizes, (10**0.5, 10, 10**1.5)) == pytest.approx(0.5)
    assert growth.slope(sizes, (0, 0, 0)) == 0, "what costs nothing does not grow"


def test_growth_counts_every_deed_at_every_length(clinic_on_dynoxide: str) -> None:
    with closing(crowd.Crowd(clinic_on_dynoxide, SIZES)) as people:
        found = growth.measure(people, rounds=1)
    assert {deed for deed, _ in found} == set(growth.DEEDS)
    assert {deed: found[deed, 10]["requests"] for deed in growth.DEEDS} == {
        "join": 2,
        "place": 1,
        "board": 1,
        "take next": 3,
        "complete": 3,
    }
    for deed, exponents in growth.exponents(found, SIZES).items():
        assert [exponents[unit] for unit in ("requests", "read units", "write units")] == [0, 0, 0], deed


class Overheard:
    """A socket, and what was sent over it."""

    def __init__(self, real: Any) -> None:
        self.real, self.bodies = real, list[bytes]()

    def sendall(self, said: bytes) -> None:
        self.bodies.append(said.partition(b"\r\n\r\n")[2])
        self.real.sendall(said)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@contextmanager
def left_botocore() -> Iterator[list[bytes]]:
    """What the store's client sends, as it goes over the wire."""
    events = Row._get_connection().connection.client.meta.events
    bodies: list[bytes] = []

    def hear(request: Any, **_: Any) -> None:
        bodies.append(bytes(request.body))

    events.register("before-send.dynamodb", hear)
    try:
        yield bodies
    finally:
        events.unregister("before-send.dynamodb", hear)


def rows(address: str, table: str = TABLE) -> dict[tuple[str, str], Any]:
    with closing(Raw(address)) as ask:
        return {(row["pk"]["S"], row["sk"]["S"]): row for row in ask("Scan", TableName=table)["Items"]}


def test_the_bare_engine_is_sent_what_a_real_cycle_sends_to_the_byte_and_holds_the_same_rows(
    clinic_on_dynoxide: str,
) -> None:
    Row.delete_table()
    with left_botocore() as ours:
        before, cycles = cycle.recorded(2)
    held = rows(clinic_on_dynoxide)
    with engine.dynoxide() as another:
        bare = cycle.Bare(another, before, cycles)
        bare.ask.socket = overheard = Overheard(bare.ask.socket)  # type: ignore[assignment]
        with closing(bare.ask):
            bare()
            bare()
        assert rows(another) == held
    assert overheard.bodies == ours[-16:]
    assert [operation for operation, _ in cycles[0]] == [
        *("UpdateItem", "TransactWriteItems"),
        *("BatchGetItem", "UpdateItem", "TransactWriteItems"),
        *("Query", "GetItem", "TransactWriteItems"),
    ]
    written = [[len(asked["TransactItems"]) for _, asked in one if "TransactItems" in asked] for one in cycles]
    assert written == [[4, 4, 6], [4, 4, 6]], "join, take, sign"
    assert bare.sent == 16


def test_every_side_of_the_cycle_does_the_same_deeds(clinic_on_dynoxide: str) -> None:
    """Without botocore the same is asked; through the door the same is written, and more is read."""
    deeds, thin, door = cycle.Deeds(), cycle.Thin(clinic_on_dynoxide), cycle.Door()
    asked: list[str] = []
    send = thin.send

    def sent(operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        asked.append(operation)
        return send(operation, kwargs)

    thin.send = sent
    door.prepare(2)
    door()  # the first makes the clinic's key for names
    with closing(thin):
        thin()
    meters = []
    for side in (deeds, door):
        with metered() as meter:
            side()
        meters.append({operation: used.requests for operation, used in meter.by_operation.items()})
    ours, through = meters
    assert Counter(asked) == ours
    assert {operation: n for operation, n in through.items() if operation not in READS} == {
        "UpdateItem": 2,
        "TransactWriteItems": 3,
    }
    assert (sum(ours.values()), sum(through.values())) == (8, 11)
    states = [row["state"]["S"] for key, row in rows(clinic_on_dynoxide).items() if key[1] == "V"]
    assert states == ["completed"] * 4


@pytest.fixture
def queue(clinic_on_dynoxide: str) -> SortedQueue:
    client = Row._get_connection().connection.client
    if "sorted" in client.list_tables()["TableNames"]:
        client.delete_table(TableName="sorted")
    queue = SortedQueue(client)
    queue.create()
    queue.fill("w", WAITING)
    return queue


def parts(spent: Split) -> tuple[float, ...]:
    return spent.requests, spent.queue, spent.audit, spent.index


def test_the_sorted_partition_is_a_fair_peer(queue: SortedQueue) -> None:
    queue.on_duty("ada", 2)
    assert queue.place("w", 11) == 10
    with split(queue.client) as spent:
        first = queue.take("w", "ada", "r1")
    assert (first, parts(spent)) == ("w1", (2, 6, 4, 1))
    assert queue.take("w", "ada", "r2") == "w2"
    with split(queue.client) as spent:
        queue.join("w", WAITING + 1, "r3")
    assert parts(spent) == (1, 6, 4, 1)
    assert queue.place("w", WAITING + 1) == WAITING - 2


def test_the_sorted_partition_keeps_the_same_chain(queue: SortedQueue, clinic_on_dynoxide: str) -> None:
    queue.fill("empty", 0)
    queue.on_duty("ada", 2)
    queue.join("empty", 1, "r1")
    assert queue.take("empty", "ada", "r2") == "empty1"
    there = rows(clinic_on_dynoxide, "sorted")
    lines = [there["P#1", "X#r1"], there["D#ada", "X#r2"]]
    kept = there["V#empty1", "Y"]["tail"]["L"]
    assert [mark["S"] for mark in kept] == [chain.mark_of(line, "V#empty1") for line in lines]
    with closing(Raw(clinic_on_dynoxide)) as ask:
        found = ask("Scan", TableName="sorted", IndexName="by_stage")["Items"]
    assert [(row["pk"]["S"], row["sk"]["S"]) for row in found] == [("V#empty1", "Y")]


def test_a_refused_transaction_costs_what_it_would_have_written(queue: SortedQueue) -> None:
    queue.on_duty("ada", 2)
    entry = {"pk": {"S": "Q#w"}, "sk": {"S": "2#0000000001"}, "visit": {"S": "w1"}}
    queue._claim(entry, "ada", "r1")
    with split(queue.client) as spent, pytest.raises(ClientError, match="TransactionCanceledException"):
        queue._claim(entry, "ada", "r2")
    assert parts(spent) == (1, 6, 4, 0)


def test_nobody_gets_a_patient_of_somebody_else_from_the_sorted_partition(queue: SortedQueue) -> None:
    ready = threading.Barrier(DOCTORS)

    def take(n: int) -> list[str | None]:
        queue.on_duty(f"dr{n}", 10)
        ready.wait(30)
        return [queue.take("w", f"dr{n}", f"{n} {m}") for m in range(WAITING // DOCTORS)]

    with ThreadPoolExecutor(DOCTORS) as room:
        taken = [id for ids in room.map(take, range(DOCTORS)) for id in ids]
    assert sorted(filter(None, taken)) == sorted(f"w{n}" for n in range(1, WAITING + 1))


def test_our_side_of_the_peers_does_the_real_deeds_at_their_real_cost(clinic_on_dynoxide: str) -> None:
    client = Row._get_connection().connection.client
    with closing(crowd.Crowd(clinic_on_dynoxide, SIZES)) as people:
        ours = peers.Ours(people)
        ours.on_duty("ada-40", 2)
        with split(client) as joined:
            ours.join("w40", 41, "r1")
        assert ours.place("w40", 41) == 40
        with split(client) as took:
            assert str(ours.take("w40", "ada-40", "r2")) == "w40.0.2.1"
    for deed, spent in {"join": joined, "take next": took}.items():
        requests, _, read_units, queue, record, audit, link, index = BUDGETS[deed]
        assert record == 0
        assert parts(spent) == (requests, queue, audit + link, index), deed
        assert spent.read_units == read_units
