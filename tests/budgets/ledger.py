"""The ledger: every request to the table with what it cost, divided among the items it wrote.

The engine reports units per request. Which item they were for is worked out from the sizes of the items by DynamoDB's
own rules (1 KB a unit, twice in a transaction, the larger of before and after), and must add up to what was reported.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chalicelib.store.rows import TABLE, Row
from tests.engines import READS

UNIT_BYTES = 1024
QUEUE = ("lane", "visit", "guard", "doctor")
RECORD = ("note", "prescription", "message", "order", "drawn", "claim", "proof", "phone", "counter")


@dataclass
class Bill:
    """What one deed used. `units` are write units by kind of item; what the index took is on a line of its own."""

    reads: int = 0
    read_units: float = 0.0
    writes: int = 0
    refused: int = 0
    units: dict[str, float] = field(default_factory=dict)
    index: float = 0.0
    largest: int = 0  # bytes of the largest item of the queue

    @property
    def requests(self) -> int:
        return self.reads + self.writes

    def of(self, *kinds: str) -> float:
        return sum(units for kind, units in self.units.items() if kind in kinds)

    @property
    def total(self) -> float:
        return sum(self.units.values()) + self.index

    def line(self) -> dict[str, float]:
        return {
            "requests": self.requests,
            "reads": self.reads,
            "read units": self.read_units,
            "queue units": self.of(*QUEUE),
            "record units": self.of(*RECORD),
            "audit units": self.of("audit"),
            "chain units": self.of("chain"),
            "index units": self.index,
            "all write units": self.total,
        }


class Ledger:
    """Listens to the store's client. What it asks itself, it does not count."""

    def __init__(self) -> None:
        self.bill = Bill()
        self.client = Row._get_connection().connection.client
        self.asking = False
        self.writing: list[tuple[dict[str, Any], int]] = []  # keys of the request under way, and their sizes before

    def begin(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self.asking:
            return
        params["ReturnConsumedCapacity"] = "INDEXES"
        self.writing = [(key, self._size(key)) for key in _keys(model.name, params)]

    def end(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if self.asking:
            return
        bill = self.bill
        bill.refused += "Error" in parsed
        said = parsed.get("ConsumedCapacity") or []
        reported = said if isinstance(said, list) else [said]
        if model.name in READS:
            bill.reads += 1
            bill.read_units += sum(part["CapacityUnits"] for part in reported)
            return
        bill.writes += 1
        if "Error" not in parsed:
            self._divide(model.name, reported)

    def _divide(self, operation: str, reported: list[dict[str, Any]]) -> None:
        twice = 2 if operation == "TransactWriteItems" else 1
        divided = 0.0
        for key, before in self.writing:
            after = self._size(key)
            units = twice * math.ceil(max(before, after, 1) / UNIT_BYTES)
            kind = kind_of(key)
            self.bill.units[kind] = self.bill.units.get(kind, 0) + units
            if kind in QUEUE:
                self.bill.largest = max(self.bill.largest, after)
            divided += units
        table = sum(part["Table"]["CapacityUnits"] for part in reported)
        assert divided == table, f"the engine says {table} units, the items add up to {divided}"
        for part in reported:
            self.bill.index += sum(i["CapacityUnits"] for i in part.get("GlobalSecondaryIndexes", {}).values())

    def _size(self, key: dict[str, Any]) -> int:
        self.asking = True
        try:
            return size_of(self.client.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item", {}))
        finally:
            self.asking = False


@contextmanager
def counted() -> Iterator[Bill]:
    """Count everything the store does in the block, in this thread."""
    ledger = Ledger()
    events = ledger.client.meta.events
    events.register("before-parameter-build.dynamodb", ledger.begin)
    events.register("after-call.dynamodb", ledger.end)
    try:
        yield ledger.bill
    finally:
        events.unregister("before-parameter-build.dynamodb", ledger.begin)
        events.unregister("after-call.dynamodb", ledger.end)


def _keys(operation: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    if operation in READS:
        return []
    if operation == "TransactWriteItems":
        writes = [next(iter(item.values())) for item in params["TransactItems"]]
    else:
        writes = [params]
    return [{name: (write.get("Key") or write["Item"])[name] for name in ("pk", "sk")} for write in writes]


def kind_of(key: dict[str, Any]) -> str:
    """What lies under a key, in the words of the house."""
    pk, sk = key["pk"]["S"], key["sk"]["S"]
    if sk.startswith("X#"):
        return "audit"
    if sk.startswith("Y"):
        return "chain"
    if pk.startswith("V#"):
        return {"V": "visit", "N": "note", "P": "prescription", "M": "message", "O": "order", "Z": "notice"}[sk[0]]
    if pk.startswith("P#"):
        return {"A": "guard", "V": "drawn", "C": "claim", "H": "person", "T": "phone"}.get(sk[0], "answers")
    if pk.startswith("S#") and sk == "P":
        return "proof"
    return {"Q": "counter", "L": "lane", "D": "doctor", "U": "staff", "S": "session", "K": "key"}[pk[0]]


def size_of(item: dict[str, Any]) -> int:
    """Bytes of an item as DynamoDB counts them."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value: dict[str, Any]) -> int:
    kind, it = next(iter(value.items()))
    if kind == "S":
        return len(it.encode())
    if kind == "N":
        digits = it.lstrip("-").replace(".", "").strip("0") or "0"
        return math.ceil(len(digits) / 2) + 1 + it.startswith("-")
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "SS":
        return sum(len(word.encode()) for word in it)
    assert kind in ("L", "M"), kind
    parts = it if kind == "L" else it.values()
    names = 0 if kind == "L" else sum(len(name.encode()) for name in it)
    return 3 + names + sum(1 + _value(part) for part in parts)
