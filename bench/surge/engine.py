"""A DynamoDB in this process: exactly the requests our store sends, answered and charged as DynamoDB does.

A replay asks a few hundred thousand times, which over a socket would take most of its time. `tests/bench` plays the
same people on this and on dynoxide and compares every unit. What it does not know it refuses loudly.
"""

import math
from collections import defaultdict
from functools import cache
from typing import Any

from bench.raw import RawError
from bench.surge.expressions import Item, condition, update

Key = tuple[str, str]
WRITE_BYTES, READ_BYTES = 1024, 4096
INDEX = "by_stage"


class Engine:
    """One table with one index. `engine("GetItem", Key=...)` answers as DynamoDB's JSON does; raises RawError."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Item]] = defaultdict(dict)
        self.stages: dict[str, dict[tuple[str, Key], Item]] = defaultdict(dict)
        self.sizes: dict[Key, int] = {}

    def __call__(self, operation: str, **asked: Any) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self, f"_{operation}")(asked)
        return answer

    def close(self) -> None:
        """Nothing is held open."""

    def _GetItem(self, asked: dict[str, Any]) -> dict[str, Any]:
        item = self._at(_key(asked["Key"]))
        return {**({"Item": item} if item else {}), **_used(self._read([item], asked.get("ConsistentRead")))}

    def _BatchGetItem(self, asked: dict[str, Any]) -> dict[str, Any]:
        ((name, wanted),) = asked["RequestItems"].items()
        found = [self._at(_key(key)) for key in wanted["Keys"]]
        units = sum(self._read([item], wanted.get("ConsistentRead")) for item in found)
        return {"Responses": {name: [item for item in found if item]}, "UnprocessedKeys": {}, **_used([units])}

    def _Query(self, asked: dict[str, Any]) -> dict[str, Any]:
        pk = asked["ExpressionAttributeValues"][":0"]["S"]
        if index := asked.get("IndexName"):
            assert index == INDEX, index
            items = [item for _, item in sorted(self.stages[pk].items(), key=lambda pair: pair[0])]
        else:
            items = [item for _, item in sorted(self.rows[pk].items())] if pk in self.rows else []
        names, values = asked.get("ExpressionAttributeNames", {}), asked["ExpressionAttributeValues"]
        fits = condition(asked["KeyConditionExpression"])
        items = [item for item in items if fits(item, names, values)]
        if not asked.get("ScanIndexForward", True):
            items.reverse()
        if after := asked.get("ExclusiveStartKey"):
            keys = [_key(item) for item in items]
            items = items[keys.index(_key(after)) + 1 :]
        page = items[: asked["Limit"]] if "Limit" in asked else items
        last = {} if len(page) == len(items) else {"LastEvaluatedKey": _last(page[-1], bool(index))}
        units, looked_at = self._read(page, asked.get("ConsistentRead")), len(page)
        if asked.get("FilterExpression"):
            keep = condition(asked["FilterExpression"])
            page = [item for item in page if keep(item, names, values)]
        return {"Items": page, "Count": len(page), "ScannedCount": looked_at, **last, **_used(units)}

    def _PutItem(self, asked: dict[str, Any]) -> dict[str, Any]:
        key, new, reason = self._next("Put", asked)
        return self._one(key, new, reason, asked)

    def _UpdateItem(self, asked: dict[str, Any]) -> dict[str, Any]:
        key, new, reason = self._next("Update", asked)
        answer = self._one(key, new, reason, asked)
        return {**answer, "Attributes": new} if asked.get("ReturnValues") == "ALL_NEW" else answer

    def _DeleteItem(self, asked: dict[str, Any]) -> dict[str, Any]:
        key, new, reason = self._next("Delete", asked)
        return self._one(key, new, reason, asked)

    def _one(self, key: Key, new: Item | None, reason: dict[str, Any] | None, asked: dict[str, Any]) -> dict[str, Any]:
        if reason:
            raise RawError("ConditionalCheckFailedException", {})
        return _used(*self._write(key, new))

    def _TransactWriteItems(self, asked: dict[str, Any]) -> dict[str, Any]:
        items = [next(iter(item.items())) for item in asked["TransactItems"]]
        todo = [self._next(kind, write) for kind, write in items]
        if any(reason for _, _, reason in todo):
            reasons = [reason or {"Code": "None"} for _, _, reason in todo]
            raise RawError("TransactionCanceledException", {"CancellationReasons": reasons})
        assert len({key for key, _, _ in todo}) == len(todo), "DynamoDB refuses two writes of one item"
        units = [self._write(key, new) for key, new, _ in todo]
        # The index follows later, and pays once.
        return _used([2 * sum(table for table, _ in units)], sum(index for _, index in units))

    def _next(self, kind: str, write: dict[str, Any]) -> tuple[Key, Item | None, dict[str, Any] | None]:
        """What would be written, and why not if the condition does not hold."""
        key = _key(write.get("Key") or write["Item"])
        names, values = write.get("ExpressionAttributeNames", {}), write.get("ExpressionAttributeValues", {})
        before = self._at(key)
        if (said := write.get("ConditionExpression")) and not condition(said)(before or {}, names, values):
            old = {"Item": before} if before and write.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" else {}
            return key, None, {"Code": "ConditionalCheckFailed", **old}
        if kind == "Put":
            return key, {name: _kept(value) for name, value in write["Item"].items()}, None
        if kind == "Delete":
            return key, None, None
        assert kind == "Update", kind
        after = dict(before) if before else {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
        update(write["UpdateExpression"])(after, names, values)
        return key, after, None

    def _read(self, items: list[Item | None], consistent: Any) -> float:
        whole = max(1, math.ceil(sum(self.sizes[_key(item)] for item in items if item) / READ_BYTES))
        return whole if consistent else whole / 2

    def _at(self, key: Key) -> Item | None:
        return self.rows[key[0]].get(key[1]) if key[0] in self.rows else None

    def _write(self, key: Key, new: Item | None) -> tuple[float, float]:
        """Write it, and say what it costs in the table and in the index."""
        before = self._at(key)
        if new is None:
            self.rows[key[0]].pop(key[1], None)
        else:
            self.rows[key[0]][key[1]] = new
        sizes = self.sizes.get(key, 0), size_of(new or {})
        self.sizes[key] = sizes[1]
        was, now = _stage(before), _stage(new)
        if was:
            del self.stages[was[0]][was[1], key]
        if now and new is not None:
            self.stages[now[0]][now[1], key] = new
        return _units(max(sizes)), _indexed(was, now, sizes)


def _indexed(was: tuple[str, str] | None, now: tuple[str, str] | None, sizes: tuple[int, int]) -> float:
    """An entry that moves in the index is taken out and put in again; one that stays is written where it is."""
    if was == now:
        return _units(max(sizes)) if was else 0
    return (_units(sizes[0]) if was else 0) + (_units(sizes[1]) if now else 0)


def _stage(item: Item | None) -> tuple[str, str] | None:
    if not item or "stage" not in item or "since" not in item:
        return None
    return item["stage"]["S"], item["since"]["S"]


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _last(item: Item, index: bool) -> Item:
    return {name: item[name] for name in ("pk", "sk", *(("stage", "since") if index else ()))}


def _kept(value: dict[str, Any]) -> dict[str, Any]:
    return {"SS": sorted(value["SS"])} if "SS" in value else value


def _units(size: int) -> float:
    return max(1, math.ceil(size / WRITE_BYTES))


def _used(units: Any, index: float = 0) -> dict[str, Any]:
    batch = isinstance(units, list)
    table = units[0] if batch else units
    said: dict[str, Any] = {"CapacityUnits": table + index, "Table": {"CapacityUnits": table}}
    if index:
        said["GlobalSecondaryIndexes"] = {INDEX: {"CapacityUnits": index}}
    return {"ConsumedCapacity": [said] if batch else said}


def size_of(item: Item) -> int:
    """Bytes of an item as DynamoDB counts them."""
    return sum(_length(name) + _value(value) for name, value in item.items())


@cache
def _length(name: str) -> int:
    return len(name.encode())


def _value(value: dict[str, Any]) -> int:
    ((kind, it),) = value.items()
    if kind == "S":
        return len(it) if it.isascii() else len(it.encode())
    if kind == "N":
        digits = it.lstrip("-").replace(".", "").strip("0") or "0"
        return math.ceil(len(digits) / 2) + 1 + it.startswith("-")
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "SS":
        return sum(len(word.encode()) for word in it)
    assert kind == "L", kind
    return 3 + sum(1 + _value(part) for part in it)
