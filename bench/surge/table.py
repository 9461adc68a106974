"""The table under the replay: a real engine, with what AWS would have let through in front of it, and a meter.

It stands where botocore's client does, under PynamoDB and the whole store. Every request is charged to the deed it
belongs to as `weight` requests: one person played stands for many.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from bench.raw import Raw, RawError
from bench.surge import aws
from bench.surge.engine import Engine
from chalicelib.refusal import Busy
from chalicelib.store import writing
from chalicelib.store.rows import Row

READS = frozenset({"GetItem", "BatchGetItem", "Query"})
COUNTS = ("http", "turned_away", "requests", "refused", "writes", "reads", "signatures")
LISTS = {"sign": "list:review", "review": "list:review"} | dict.fromkeys(
    ("choose_delivery", "pick", "check", "hand_over", "deliver"), "list:parcels"
)  # the partition of the index that a deed writes to


@dataclass
class Bill:
    """What something used. `keys` are the hot partitions: (key, "w" or "r") -> units."""

    http: float = 0.0
    turned_away: float = 0.0  # before the clinic saw them: by the API or for want of an environment
    requests: float = 0.0
    refused: float = 0.0
    writes: float = 0.0
    reads: float = 0.0
    signatures: float = 0.0
    keys: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))

    def times(self, factor: float) -> "Bill":
        many = Bill(**{name: getattr(self, name) * factor for name in COUNTS})
        many.keys.update({key: units * factor for key, units in self.keys.items()})
        return many

    @property
    def seconds(self) -> float:
        """Of Lambda."""
        return self.http * aws.DOOR_SECONDS + self.requests * aws.REQUEST_SECONDS

    def add(self, other: "Bill") -> None:
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for key, units in other.keys.items():
            self.keys[key] += units


class Table:
    """What PynamoDB takes for its botocore client. `watched(key, row)` sees every counter row after a change."""

    def __init__(
        self,
        engine: Engine | Raw,
        *,
        scale: float,
        warm: float,
        bin_seconds: float,
        api: float = aws.API_PER_SECOND,
        environments: float = aws.ENVIRONMENTS_QUOTA,
    ) -> None:
        self.engine, self.real = engine, Row._get_connection().connection.client
        self.scale, self.bin_seconds = scale, bin_seconds
        self.now = 0.0
        self.deed, self.times, self.over = "", 0.0, 0.0
        self.deeds: dict[str, Bill] = defaultdict(Bill)
        self.bins: dict[int, Bill] = defaultdict(Bill)
        self.watched: Callable[[str, dict[str, Any]], None] = lambda key, row: None
        ratio = aws.TABLE_READS / aws.TABLE_WRITES
        self.whole = {"w": aws.OnDemand(warm), "r": aws.OnDemand(warm * ratio)}
        self.hot: dict[tuple[str, str], aws.Bucket] = {}
        self.api = aws.Bucket(api, aws.GATE_SECONDS)
        self.environments = aws.Bucket(environments, aws.GATE_SECONDS)  # of seconds in which one works

    @contextlib.contextmanager
    def charged(self, deed: str, times: float, *, http: bool = True, over: float = 0) -> Iterator[None]:
        """What is asked inside belongs to this deed, which stands for `times` of its kind (0: for none), spread over
        so many seconds until now. Raises Busy where the API or Lambda is at its limit."""
        before = self.deed, self.times, self.over
        self.deed, self.times, self.over = deed, times, over
        try:
            if http:
                self._come_in()
            yield
        finally:
            self.deed, self.times, self.over = before

    def signed(self) -> None:
        """KMS signs or verifies once."""
        self._charge(Bill(signatures=1))

    def _come_in(self) -> None:
        if self.times and not (self.api.open(self.now) and self.environments.open(self.now)):
            self._charge(Bill(turned_away=1))
            raise Busy
        self._charge(Bill(http=1))

    def _charge(self, bill: Bill, keys: list[str] | None = None) -> None:
        """`bill` is of one request; it is written down as many times as it stands for."""
        # What the sweep keeps of a lane is there once, however many people there are.
        once = self.deed == "sweep" and keys is not None and keys[0].startswith("L#")
        weight = self.times * (1 if once else self.scale)
        many = bill.times(weight)
        self.deeds[self.deed].add(many)
        bins = max(1, round(self.over / self.bin_seconds))
        for n in range(bins):
            self.bins[max(0, int(self.now // self.bin_seconds) - n)].add(many.times(1 / bins))
        self.api.spend(many.http)
        self.environments.spend(many.seconds)
        self.whole["w"].spend(many.writes)
        self.whole["r"].spend(many.reads)
        for key, units in many.keys.items():
            self._bucket(key).spend(units)

    def _bucket(self, key: tuple[str, str]) -> aws.Bucket:
        if key not in self.hot:
            rate = aws.KEY_WRITES if key[1] == "w" else aws.KEY_READS
            self.hot[key] = aws.Bucket(rate, aws.KEY_BURST_SECONDS, at=self.now)
        return self.hot[key]

    def _make_api_call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        way = "r" if operation in READS else "w"
        keys = _keys(operation, asked)
        if self.times and not self._lets_through(way, keys):
            self._charge(Bill(requests=1, refused=1), keys)
            raise _throttled(operation, len(keys))
        try:
            answer = self.engine(operation, **{**asked, "ReturnConsumedCapacity": "INDEXES"})
        except RawError as error:
            refused = 2 * len(keys) if operation == "TransactWriteItems" else 1
            self._charge(
                Bill(requests=1, **{"reads" if way == "r" else "writes": refused}), keys
            )  # charged all the same
            raise _said(error, operation) from error
        self._charge(self._bill(way, keys, answer), keys)
        if keys and keys[0].startswith("L#") and "Attributes" in answer:
            self.watched(keys[0], answer["Attributes"])
        return answer

    def _lets_through(self, way: str, keys: list[str]) -> bool:
        hot = [self._bucket((key, way)) for key in dict.fromkeys(keys) if key.startswith("L#")]
        listed = LISTS.get(self.deed)
        if listed and way == "w":
            hot.append(self._bucket((listed, "w")))
        return self.whole[way].open(self.now) and all(bucket.open(self.now) for bucket in hot)

    def _bill(self, way: str, keys: list[str], answer: dict[str, Any]) -> Bill:
        said = answer.get("ConsumedCapacity") or []
        parts = said if isinstance(said, list) else [said]
        units = sum(part["CapacityUnits"] for part in parts)
        index = sum(i["CapacityUnits"] for p in parts for i in p.get("GlobalSecondaryIndexes", {}).values())
        bill = Bill(requests=1, **{"reads" if way == "r" else "writes": units})
        lanes = [key for key in keys if key.startswith("L#")]
        if lanes:
            # In a transaction every other item is of one kilobyte at most; in a batch of reads all weigh the same.
            theirs = units - index - 2 * (len(keys) - len(lanes)) if way == "w" else units * len(lanes) / len(keys)
            for key in lanes:
                bill.keys[key, way] += theirs / len(lanes)
        if index and self.deed in LISTS:
            bill.keys[LISTS[self.deed], way] += index
        return bill

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def _keys(operation: str, asked: dict[str, Any]) -> list[str]:
    """The partition keys a request is about."""
    if operation == "TransactWriteItems":
        items = [next(iter(item.values())) for item in asked["TransactItems"]]
        return [(item.get("Key") or item["Item"])["pk"]["S"] for item in items]
    if operation == "BatchGetItem":
        return [key["pk"]["S"] for table in asked["RequestItems"].values() for key in table["Keys"]]
    if operation == "Query":
        return [asked["ExpressionAttributeValues"][":0"]["S"]]
    return [(asked.get("Key") or asked["Item"])["pk"]["S"]]


def _throttled(operation: str, items: int) -> ClientError:
    if operation == "TransactWriteItems":
        reasons = [{"Code": "ThrottlingError"}] * items
        return _error("TransactionCanceledException", operation, CancellationReasons=reasons)
    return _error("ProvisionedThroughputExceededException", operation)


def _said(error: RawError, operation: str) -> ClientError:
    more = {name: value for name, value in error.answer.items() if name not in ("__type", "message", "Message")}
    return _error(str(error), operation, **more)


def _error(code: str, operation: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, **more}, operation)


@contextlib.contextmanager
def connected(table: Table) -> Iterator[None]:
    """The store's requests go over `table` for the length of the block; nobody really sleeps before another try."""
    connection = Row._get_connection().connection
    real, pause = connection.client, writing.BACK_OFF_SECONDS
    connection._client = table
    writing.BACK_OFF_SECONDS = 0
    try:
        yield
    finally:
        connection._client = real
        writing.BACK_OFF_SECONDS = pause
        table.engine.close()
