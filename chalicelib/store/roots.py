"""Roots: once an hour one value for all chains that have changed, to be signed and locked away for years.

A root is a Merkle tree (RFC 6962: leaves and branches are hashed apart) over (chain, lines, value), so one visit can be
proved without showing another. Roots are numbered without gaps and each names the one before it: none can be left out.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.exceptions import DoesNotExist, PutError, UpdateError

from chalicelib.store.chain import Head
from chalicelib.store.rows import RootRow, Row
from chalicelib.store.writing import in_reach

HEADS_MAX = 50_000  # of one root; a busier hour has several
OVERLAP = timedelta(minutes=5)  # clocks of two machines differ, and the index is a moment old
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Last:
    """The newest root: its number (0: there is none yet), up to when all is in it, and the hash of what was signed."""

    n: int = 0
    at: datetime = BEGINNING
    digest: str = ""

    @property
    def since(self) -> datetime:
        """From when on the next root looks for changes."""
        return self.at - OVERLAP


def newest() -> Last:
    try:
        with in_reach():
            row = RootRow.get("K#roots", "K", consistent_read=True)
    except DoesNotExist:
        return Last()
    return Last(int(row.n), row.at, row.digest)


def remember(made: Last) -> None:
    """Write down which root is the newest, unless somebody has come as far already."""
    row = RootRow("K#roots", "K", n=made.n, at=made.at, digest=made.digest)
    try:
        with in_reach():
            row.save(condition=Row.pk.does_not_exist() | (RootRow.n < made.n))
    except (PutError, UpdateError) as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            raise


def name(n: int) -> str:
    """Under what a root is kept in the vault."""
    return f"roots/{n:08d}.json"


def made(last: Last, heads: Sequence[Head], now: datetime, *, more: bool = False) -> dict[str, Any]:
    """The root after `last`, without its signature. `more`: this hour's chains go on in the next root."""
    leaves = sorted((head.pk, head.n, head.value) for head in heads)
    return {
        "v": 1,
        "n": last.n + 1,
        "at": now.isoformat(),
        "since": last.since.isoformat(),
        "more": more,
        "before": last.digest,
        "root": merkle(leaf(one) for one in leaves),
        "heads": [list(one) for one in leaves],
    }


def digest(root: dict[str, Any]) -> bytes:
    """What is signed: everything but the list of chains, which the value `root` stands for, and the signature."""
    said = {name: value for name, value in root.items() if name not in ("heads", "signature", "key")}
    return hashlib.sha256(_text(said)).digest()


def after(root: dict[str, Any]) -> Last:
    """A root as the one before the next, which looks from the same time on while there is more: a part that was never
    made, because we died before it, is found by whoever goes on."""
    at = datetime.fromisoformat(root["since"]) + OVERLAP if root["more"] else datetime.fromisoformat(root["at"])
    return Last(root["n"], at, digest(root).hex())


def merkle(leaves: Iterable[bytes]) -> str:
    """The root of the tree, in hex; of no leaves the hash of nothing."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").hexdigest()
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex()


def leaf(head: Sequence[object]) -> bytes:
    """One chain as it is hashed: its key, how many lines, its value."""
    return _text(list(head))


def _text(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
