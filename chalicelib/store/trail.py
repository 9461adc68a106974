"""The trail: what was done with a visit, read along its chain from the newest line back."""

from collections.abc import Iterable
from typing import Any

from pynamodb.exceptions import DoesNotExist

from chalicelib.rooms.oversight import Trail
from chalicelib.rooms.permission import STAFF, Actor, Entry, Role
from chalicelib.store import chain
from chalicelib.store.rows import AuditRow, ChainRow, Row, SealRow, StaffRow
from chalicelib.store.writing import in_reach

LINES_MAX = 60  # lines of a chain read for one page
BATCH_MAX = 100  # DynamoDB's own limit


def trail(about: str, before: int | None = None) -> Trail:
    """The newest lines of a chain, or those before its line `before`, with the names of who did it. In three requests
    (four where they are sealed), however long the chain is."""
    try:
        with in_reach():
            row = ChainRow.get(about, "Y", consistent_read=True)
    except DoesNotExist:
        return Trail()
    sealed = int(row.n)
    marks = dict(enumerate(row.tail, start=sealed + 1))
    last = min(before - 1 if before is not None else sealed + len(marks), sealed + len(marks))
    if last < 1:
        return Trail()
    first = max(1, last - LINES_MAX + 1)
    if first <= sealed:
        marks |= _sealed(about, first, last)
    keys = [chain.key_of(marks[n], about) for n in range(last, first - 1, -1) if n in marks]
    lines = _batch(keys)
    entries = tuple(entry_of(line) for key in keys if (line := lines.get(key)) is not None)
    names = staff_names(entry.actor.id for entry in entries if entry.actor.role in STAFF)
    return Trail(entries=entries, older=first if first > 1 else None, names=names)


def _sealed(about: str, first: int, last: int) -> dict[int, str]:
    """The marks of the seals in which these lines are, by their place in the chain."""
    with in_reach():
        seals = SealRow.query(
            about,
            Row.sk.between(chain.seal_sk(0), chain.seal_sk(last - 1)),
            consistent_read=True,
            scan_index_forward=False,
            limit=LINES_MAX,
        )
        found: dict[int, str] = {}
        for seal in seals:
            found |= dict(enumerate(seal.marks, start=int(seal.n) + 1))
            if int(seal.n) < first:
                break
    return found


def entry_of(row: AuditRow) -> Entry:
    return Entry(
        about=row.pk,
        request=row.sk.removeprefix("X#"),
        actor=Actor(role=Role(row.role), id=row.actor),
        deed=row.deed,
        at=row.at,
        policy=row.policy,
        answer=row.answer,
        fingerprint=row.fingerprint,
    )


def staff_names(ids: Iterable[str]) -> dict[str, str]:
    """How people who work here, or did, are called."""
    keys = [(f"U#{id}", "U") for id in dict.fromkeys(ids)]
    return {row.id: row.name for row in _batch(keys).values() if isinstance(row, StaffRow)}


def _batch(keys: list[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for start in range(0, len(keys), BATCH_MAX):
        with in_reach():
            found |= {(row.pk, row.sk): row for row in Row.batch_get(keys[start : start + BATCH_MAX])}
    return found
