"""The two DynamoDBs as tests use them: an empty table on either, and a meter of what was asked of it.

moto answers in this process and is for one thing at a time. dynoxide is for everything that is concurrent, counted
or loaded. Both carry the same code on the same client; only where it points differs.
"""

import contextlib
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.local import engine

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
EVENTS = ("before-parameter-build.dynamodb", "before-call.dynamodb", "after-call.dynamodb")


@contextlib.contextmanager
def moto_table() -> Iterator[None]:
    """An empty table on moto, for the length of the block."""
    with engine.moto():
        point_at(None)
        _empty_table()
        yield


@contextlib.contextmanager
def dynoxide() -> Iterator[str]:
    """A dynoxide in memory, for the length of the block. It has no table yet: see `dynoxide_table`."""
    with engine.dynoxide() as address:
        yield address


@contextlib.contextmanager
def dynoxide_table(address: str) -> Iterator[str]:
    """An empty table on a dynoxide that runs already: milliseconds, so every test can have its own."""
    point_at(address)
    try:
        _empty_table()
        yield address
    finally:
        point_at(None)


def point_at(address: str | None) -> None:
    """Send everything chalicelib stores to the DynamoDB at `address`; None is AWS's own, which moto answers for.

    PynamoDB makes its botocore client once and has no public way to ask for another; this is the one place that knows.
    """
    if address is None:
        os.environ.pop("AWS_ENDPOINT_URL_DYNAMODB", None)
    else:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = address
    from chalicelib.store.rows import Row

    connection = Row._get_connection().connection
    connection._client = None
    connection._local = threading.local()
    _forget()


def _empty_table() -> None:
    from chalicelib.store.rows import Row

    if Row.exists():
        Row.delete_table()
    Row.create_table(wait=True)


def _forget() -> None:
    """Another table is another clinic: what chalicelib remembers between requests belongs to the one before."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "chalicelib":
            for value in vars(module).values():
                if callable(clear := getattr(value, "cache_clear", None)):
                    clear()


@dataclass
class Used:
    """What one kind of operation used."""

    requests: int = 0
    refused: int = 0
    units: float = 0.0


@dataclass
class Meter:
    """What was asked of the table while the meter ran.

    `requests` counts calls, `refused` those of them that came back as an error (a condition that did not hold, a
    transaction cancelled); units are the engine's own report. Retries after a throttle are one request here.
    """

    by_operation: dict[str, Used] = field(default_factory=lambda: defaultdict(Used))
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def requests(self) -> int:
        return sum(used.requests for used in self.by_operation.values())

    @property
    def refused(self) -> int:
        return sum(used.refused for used in self.by_operation.values())

    @property
    def read_units(self) -> float:
        return sum(used.units for name, used in self.by_operation.items() if name in READS)

    @property
    def write_units(self) -> float:
        return sum(used.units for name, used in self.by_operation.items() if name not in READS)

    def ask(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def count(self, model: Any, **_: Any) -> None:
        with self._lock:
            self.by_operation[model.name].requests += 1

    def weigh(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        said = parsed.get("ConsumedCapacity") or []
        with self._lock:
            used = self.by_operation[model.name]
            used.refused += "Error" in parsed
            used.units += sum(part["CapacityUnits"] for part in (said if isinstance(said, list) else [said]))


@contextlib.contextmanager
def metered() -> Iterator[Meter]:
    """Count the requests and capacity units of everything the store does in the block, from any thread.

    Only dynoxide reports units by size; moto's are constants.
    """
    from chalicelib.store.rows import Row

    meter = Meter()
    events = Row._get_connection().connection.client.meta.events
    hooks = list(zip(EVENTS, (meter.ask, meter.count, meter.weigh), strict=True))
    for event, hook in hooks:
        events.register(event, hook)
    try:
        yield meter
    finally:
        for event, hook in hooks:
            events.unregister(event, hook)
