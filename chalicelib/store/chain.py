"""The chain: every audit line is linked to the one before it, so that none can be changed, lost or moved unseen.

One chain a visit, and one a phone's answers, a doctor's desk, a lane: whatever lines hang on. Its value after line n is

    h(n) = SHA-256( h(n-1) | the line's key | SHA-256 of the line as it lies in the table ),   h(0) = SHA-256(the pk)

A line is linked in the transaction that writes it, by appending its mark to the chain's row: the database puts the
marks in order, so nobody has to read the value first, and a deed needs no request more than without a chain. When
TAIL_MAX marks are there, whoever comes next folds them into the value and keeps them in a row of their own, the seal.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pynamodb.expressions.condition import size
from pynamodb.transactions import TransactWrite

from chalicelib.store.rows import AuditRow, ChainRow, Row, SealRow

TAIL_MAX = 8  # marks in the chain's own row, which so stays under 1 KB
SHARDS = 16  # of the index in which changed chains are found: a busy clinic is more than one key of it takes


@dataclass(frozen=True, slots=True)
class Head:
    """A chain as it is now: how many lines, and the value after the last."""

    pk: str
    n: int
    value: str


def mark(line: AuditRow, chain: str) -> str:
    """What the chain keeps of a line: its key, and the hash of everything in it."""
    return mark_of(line.to_dynamodb_dict(), chain)


def mark_of(item: dict[str, Any], chain: str) -> str:
    """The same of a line as it lies in the table. Its key is short where the line hangs on the chain's own pk."""
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    said = json.dumps(item, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return f"{sk if pk == chain else f'{pk} {sk}'} {_hash(said)}"


def key_of(mark: str, chain: str) -> tuple[str, str]:
    """The key of the line that a mark stands for."""
    *pk, sk = mark.split(" ")[:-1]
    return (pk[0] if pk else chain), sk


def genesis(pk: str) -> str:
    return _hash(pk)


def fold(value: str, marks: Iterable[str]) -> str:
    """The chain's value after these marks."""
    for one in marks:
        value = _hash(f"{value} {one}")
    return value


def head_of(row: ChainRow) -> Head:
    marks = list(row.tail)
    return Head(row.pk, int(row.n) + len(marks), fold(row.head or genesis(row.pk), marks))


def link(transaction: TransactWrite, line: AuditRow, chain: str) -> None:
    """Append a line to its chain, in the transaction that writes it. Refused where the tail is full: `seal` first."""
    tail = ChainRow.tail
    transaction.update(
        ChainRow(chain, "Y"),
        actions=[
            ChainRow.kind.set(ChainRow),
            tail.set((tail | []).append([mark(line, chain)])),
            ChainRow.n.set(ChainRow.n | 0),
            ChainRow.stage.set(stage(zlib.crc32(chain.encode()) % SHARDS)),
            ChainRow.since.set(_hour(line.at)),
        ],
        condition=tail.does_not_exist() | (size(tail) < TAIL_MAX),  # type: ignore[no-untyped-call]  # PynamoDB's own
    )


def seal(transaction: TransactWrite, row: ChainRow) -> None:
    """Fold a full tail into the chain's value. The row's length is the condition: only one seals these marks."""
    marks = list(row.tail)
    kept = SealRow(row.pk, seal_sk(int(row.n)), n=row.n, before=row.head, marks=marks)
    transaction.save(kept, condition=Row.pk.does_not_exist())
    transaction.update(
        ChainRow(row.pk, "Y"),
        actions=[
            ChainRow.head.set(head_of(row).value),
            ChainRow.n.set(row.n + len(marks)),
            ChainRow.tail.set([]),
        ],
        condition=(ChainRow.n == row.n) & (size(ChainRow.tail) == len(marks)),  # type: ignore[no-untyped-call]
    )


def seal_sk(n: int) -> str:
    """A seal is kept under how many lines came before it."""
    return f"Y#{n:08d}"


def stage(shard: int) -> str:
    return f"chain#{shard}"


def changed(since: datetime) -> Iterator[Head]:
    """Every chain that got a line since that hour began, from the index: a moment old."""
    for shard in range(SHARDS):
        for row in Row.by_stage.query(stage(shard), Row.since >= _hour(since)):
            if isinstance(row, ChainRow):
                yield head_of(row)


def _hour(at: datetime) -> datetime:
    """The mark in the index says the hour and not the second, so that most links cost one unit there and not two."""
    return at.replace(minute=0, second=0, microsecond=0)


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
