"""What the other benches count and compare: the sums are right, and both sides of a comparison do the same."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from bench import crowd, cycle, growth, peers
from bench.sorted_queue import SortedQueue
from chalicelib.store.rows import Row
from tests.engines import metered

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


def test_a_cycle_asks_the_same_of_the_engine_on_both_sides(clinic_on_dynoxide: str) -> None:
    ours, bare = cycle.Thin(clinic_on_dynoxide), cycle.Bare(clinic_on_dynoxide)
    asked: dict[str, list[str]] = {"ours": [], "bare": []}
    send, ask = ours.send, bare.ask

    def sent(operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        asked["ours"].append(operation)
        return send(operation, kwargs)

    def bared(operation: str, **kwargs: Any) -> dict[str, Any]:
        asked["bare"].append(operation)
        return ask(operation, **kwargs)

    ours.send, bare.ask = sent, bared  # type: ignore[assignment]
    with closing(ours), closing(ask):
        ours()
        bare()
    assert sorted(asked["ours"]) == sorted(asked["bare"])
    assert len(asked["ours"]) == 8


@pytest.fixture
def queue(clinic_on_dynoxide: str) -> SortedQueue:
    client = Row._get_connection().connection.client
    if "sorted" in client.list_tables()["TableNames"]:
        client.delete_table(TableName="sorted")
    queue = SortedQueue(client)
    queue.create()
    queue.fill("w", WAITING)
    return queue


def test_the_sorted_partition_is_a_fair_peer(queue: SortedQueue) -> None:
    queue.on_duty("ada", 2)
    assert queue.place("w", 11) == 10
    with metered() as meter:
        first = queue.take("w", "ada", "r1")
    assert (first, meter.requests, meter.write_units) == ("w1", 2, 8)
    assert queue.take("w", "ada", "r2") == "w2"
    with metered() as meter:
        queue.join("w", WAITING + 1, "r3")
    assert (meter.requests, meter.write_units) == (1, 8)
    assert queue.place("w", WAITING + 1) == WAITING - 2


def test_nobody_gets_a_patient_of_somebody_else_from_the_sorted_partition(queue: SortedQueue) -> None:
    ready = threading.Barrier(DOCTORS)

    def take(n: int) -> list[str | None]:
        queue.on_duty(f"dr{n}", 10)
        ready.wait(30)
        return [queue.take("w", f"dr{n}", f"{n} {m}") for m in range(WAITING // DOCTORS)]

    with ThreadPoolExecutor(DOCTORS) as room:
        taken = [id for ids in room.map(take, range(DOCTORS)) for id in ids]
    assert sorted(filter(None, taken)) == sorted(f"w{n}" for n in range(1, WAITING + 1))


def test_our_side_of_the_peers_does_the_real_deeds(clinic_on_dynoxide: str) -> None:
    with closing(crowd.Crowd(clinic_on_dynoxide, SIZES)) as people:
        ours = peers.Ours(people)
        ours.on_duty("ada-40", 2)
        ours.join("w40", 41, "r1")
        assert ours.place("w40", 41) == 40
        assert str(ours.take("w40", "ada-40", "r2")) == "w40.0.2.1"
