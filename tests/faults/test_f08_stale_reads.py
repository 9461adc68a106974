"""F8: a read that may be a moment old is: no deed decides anything on it without a condition.

Every eventually consistent read of a deed is answered by the table as it was after each earlier write. What was done
then is what would have been done, or it was refused and nothing is written.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.refusal import Refusal
from chalicelib.store.rows import TABLE, Row
from tests.faults.baton import EVERYBODY, in_order
from tests.faults.evening import Evening
from tests.simulation import wire
from tests.visit.deeds import Deed, same
from tests.visit.walk import BATCH, Key, Walk, differ, restore, table

pytestmark = pytest.mark.engine
BEFORE = f"{TABLE}-before"
READS = frozenset({"GetItem", "BatchGetItem", "Query"})
Table = dict[Key, dict[str, Any]]


class Past:
    """The wire to the table, on which reads that may be a moment old are; else it keeps the table after each write."""

    def __init__(self, send: wire.Send, *, stale: bool) -> None:
        self.send, self.stale = send, stale
        self.stale_reads = 0
        self.tables: list[Table] = []

    def request(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        if self.stale and operation in READS and not wire._is_consistent(kwargs):
            self.stale_reads += 1
            return self._before(operation, kwargs)
        answer = self.send(operation, kwargs)
        if not self.stale and operation in wire.WRITES:
            self.tables.append(_all(self.send))
        return answer

    def _before(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        if operation != "BatchGetItem":
            return self.send(operation, {**kwargs, "TableName": BEFORE})
        answer = self.send(operation, {**kwargs, "RequestItems": {BEFORE: kwargs["RequestItems"][TABLE]}})
        return {**answer, "Responses": {TABLE: answer["Responses"].get(BEFORE, [])}}


def _all(send: wire.Send) -> Table:
    rows = send("Scan", {"TableName": TABLE, "ConsistentRead": True})["Items"]
    return {(row["pk"]["S"], row["sk"]["S"]): row for row in rows}


def _make_before(kept: Table) -> None:
    client = Row._get_connection().connection.client
    if BEFORE in client.list_tables()["TableNames"]:
        client.delete_table(TableName=BEFORE)
    there = client.describe_table(TableName=TABLE)["Table"]
    indexes = [
        {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
        for index in there["GlobalSecondaryIndexes"]
    ]
    same_as = {name: there[name] for name in ("AttributeDefinitions", "KeySchema")}
    client.create_table(TableName=BEFORE, BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=indexes, **same_as)
    puts = [{"PutRequest": {"Item": item}} for item in kept.values()]
    for start in range(0, len(puts), BATCH):
        client.batch_write_item(RequestItems={BEFORE: puts[start : start + BATCH]})


@pytest.fixture
def send(dynoxide: str) -> Iterator[wire.Send]:
    with wire.sender(dynoxide) as send:
        yield send


DEEDS = [deed for deed in EVERYBODY.values() if deed.name != "sweep"]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_nothing_is_decided_on_what_was_true_a_moment_ago(honest_walk: Walk, send: wire.Send, deed: Deed) -> None:
    walk, past = honest_walk, Past(send, stale=False)
    with wire.connected(past):  # type: ignore[arg-type]
        typed = deed.ready(walk)
    begun, at = table(), walk.now
    calm = same(deed.do(walk.errand(deed.who, "once", at=at), **typed))
    after = table()
    for earlier in [{}, *past.tables]:
        restore(begun)
        _make_before(earlier)
        line = Past(send, stale=True)
        with wire.connected(line):  # type: ignore[arg-type]
            try:
                answer = same(deed.do(walk.errand(deed.who, "once", at=at), **typed))
            except Refusal:
                assert {key for key in differ(begun, table()) if key[1] != "L"} == set(), "refused, and written"
                answer = calm
        if not line.stale_reads:
            assert deed.name != "take_next", "it reads what may be a moment old"
            return
        assert answer == calm
        assert {key for key in differ(_decided(after), _decided(table())) if key[1] != "L"} == set()
        in_order()


def _decided(there: Table) -> Table:
    """Without how many a doctor held at most: like the pace on a lane it tells people a wait, and decides nothing."""
    return {key: {name: value for name, value in row.items() if name != "most"} for key, row in there.items()}


def test_a_sweep_that_saw_the_past_forgets_nobody_and_moves_nobody_twice(honest_walk: Walk, send: wire.Send) -> None:
    """It may find less than there is. The next one finds the rest, and then all is as after one that saw everything."""
    past = Past(send, stale=False)
    with wire.connected(past):  # type: ignore[arg-type]
        evening = Evening(honest_walk)
    assert evening.calm[0], "there is somebody to be found"
    for before in [{}, *past.tables[: past.tables.index(evening.begun)]]:
        restore(evening.begun)
        _make_before(before)
        line = Past(send, stale=True)
        with wire.connected(line):  # type: ignore[arg-type]
            evening.sweep()
        assert line.stale_reads
        evening.sweep()
        assert evening.found() == evening.calm
