"""`python -m infra.retain`: deletes records whose term is over, and nothing else. Without `--delete` it counts them.

    python -m infra.retain             how many could be deleted now
    python -m infra.retain --delete    deletes them, each in transactions with a line of the audit

Who had which visits (the guard) goes once none of them is there any more, by itself and without a line of its own.
Kept are records `clinical_years` after the last entry and conversations `process_years` after their end, as the kit in
this checkout says, and at least as long as the rules ask (`chalicelib/rooms/retention.py`). The audit is kept for good,
and so is who opened a record outside their care: nobody may have reviewed it yet.
Reads the whole table once. The report is counts: no name, no visit. The table is TABLE in the region of AWS_REGION.
Broken off in the middle it goes on where it was when it is started again. Two at once do no harm: what the other one
has deleted is counted there, and here as gone.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pynamodb.exceptions import DeleteError
from pynamodb.transactions import TransactWrite

from chalicelib.clinic import CLINIC
from chalicelib.refusal import NotFound, Stale
from chalicelib.rooms import retention
from chalicelib.rooms.permission import SYSTEM, Entry
from chalicelib.rooms.queue import Ticket
from chalicelib.rooms.retention import Sort
from chalicelib.rooms.rules import Keep
from chalicelib.store import records
from chalicelib.store.rows import GuardRow, Row, VisitRow
from chalicelib.store.shapes import Unreadable
from chalicelib.store.writing import FAILED, patiently, transact
from infra.audit import Item, live

TRAIL = ("X#", "Y", "Z#glass#")  # of a visit: the audit, its chain, and who opened it outside their care
AT_ONCE = 90  # rows of a transaction, which may have 100


@dataclass(slots=True)
class Found:
    """What of the table retention is about: visits, other numbers they had, and who is remembered to have had them."""

    rows: dict[str, list[str]] = field(default_factory=dict)  # of each visit, the sort keys
    aliases: dict[str, list[str]] = field(default_factory=dict)  # visit -> numbers that stand for it
    guards: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # key -> visits, of closed ones


@dataclass(slots=True)
class Report:
    """Counts, and nothing else."""

    visits: int = 0
    kept: int = 0
    conversations: int = 0
    messages: int = 0
    records: int = 0
    rows: int = 0
    changed: int = 0
    gone: int = 0
    broken: int = 0

    def __str__(self) -> str:
        return (
            f"{self.visits} visits: {self.conversations} conversations over their term with {self.messages} messages, "
            f"{self.records} records over their term with {self.rows} rows, {self.kept} visits kept whole, "
            f"{self.gone} gone while this ran, "
            f"{self.changed} left because they changed meanwhile, {self.broken} left because they cannot be read"
        )


def found(items: Iterable[Item]) -> Found:
    it = Found()
    for item in items:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        kind = item.get("kind", {}).get("S", "")
        if kind == "alias":
            it.aliases.setdefault(item["visit"]["S"], []).append(pk)
        elif kind == "guard" and not item["open"]["BOOL"]:
            it.guards[pk, sk] = [one["S"] for one in item["visits"]["L"]]
        elif pk.startswith("V#") and kind != "tombstone" and not sk.startswith(TRAIL):
            it.rows.setdefault(pk.removeprefix("V#"), []).append(sk)
    return it


def retain(items: Iterable[Item], *, now: datetime, delete: bool, keep: Keep = CLINIC.keep) -> Report:
    """Delete what is over its term at `now`, or only count it."""
    it, report, gone = found(items), Report(), set()
    for id, sks in sorted(it.rows.items()):
        if "V" not in sks:
            continue  # no visit: a number that was drawn for nothing
        report.visits += 1
        try:
            gone |= (
                {id} if _visit(id, sks, it.aliases.get(id, []), report, now=now, delete=delete, keep=keep) else set()
            )
        except Stale:
            report.changed += 1  # the next run looks at it anew
        except NotFound:
            report.gone += 1  # another run was here first
            gone.add(id)
        except Unreadable:
            report.broken += 1  # the log names the row; nothing is deleted that nobody understands
    if delete:
        _forget_guards(it, gone, report)
    return report


def _visit(
    id: str, sks: list[str], aliases: list[str], report: Report, *, now: datetime, delete: bool, keep: Keep
) -> bool:
    """What one visit says itself is what counts, read now; whether all of it is gone."""
    version = records.visit(Ticket.of(id)).version  # before the rest: what is written meanwhile makes another of it
    pk, file = f"V#{id}", records.file(Ticket.of(id))
    talk = [sk for sk in sks if sk.startswith("M#")]
    signed = [one.signed_at for one in file.notes]
    signed += [at for one in file.complaints for at in (one.filed_at, one.closed_at)]
    last = retention.last_entry(file.visit, file.messages, signed, file.prescriptions, file.orders)
    if retention.over(Sort.CLINICAL, last, keep, now):
        keys = [(pk, sk) for sk in sks if sk != "V"] + [(alias, "V") for alias in aliases] + [(pk, "V")]
        if delete:
            _delete(version, pk, keys, now)
        report.records += 1  # once it is done: two runs together count what one would
        report.rows += len(sks)
        return True
    if talk and retention.over(Sort.PROCESS, retention.ended(file.visit, file.messages), keep, now):
        if delete:
            _delete(version, pk, [(pk, sk) for sk in talk], now)
        report.conversations += 1
        report.messages += len(talk)
    else:
        report.kept += 1
    return False


def _delete(version: int | None, pk: str, keys: Sequence[tuple[str, str]], now: datetime) -> None:
    """On the condition that the visit is as it was read, and the visit last: a run that dies is taken up again."""
    for part in _parts(keys):

        def build(transaction: TransactWrite, part: Sequence[tuple[str, str]] = part) -> None:
            for key in part:
                same = VisitRow.version == version if key == (pk, "V") else None
                transaction.delete(Row(*key), condition=same if same is not None else Row.pk.exists())
            if (pk, "V") not in part:
                transaction.condition_check(VisitRow, pk, "V", condition=VisitRow.version == version)

        line = Entry(
            about=pk, request=f"forget:{part[0][1]}", actor=SYSTEM, deed="forget", at=now, policy=CLINIC.policy
        )
        if transact(build, line):
            records.visit(Ticket.of(pk.removeprefix("V#")))  # raises NotFound where another run was faster
            raise Stale


def _parts(keys: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def _forget_guards(it: Found, gone: set[str], report: Report) -> None:
    """Who had which visits: once none of them is kept. A scan is no snapshot: whoever joined while it ran may have a
    visit that it did not see, so what is there is asked again."""
    for key, visits in it.guards.items():
        if any(id in it.rows and id not in gone for id in visits):
            continue
        holes: list[Ticket] = []
        records.visits(map(Ticket.of, visits), broken=[], holes=holes)
        if len(holes) == len(set(visits)):
            _forget_guard(key, visits, report)


def _forget_guard(key: tuple[str, str], visits: list[str], report: Report) -> None:
    guard: Any = GuardRow(*key)
    same = (GuardRow.open == False) & (GuardRow.visits == visits)  # noqa: E712  # a condition
    try:
        patiently(lambda: guard.delete(condition=same))
    except DeleteError as error:
        if error.cause_response_code != f"{FAILED}Exception":
            raise
        # They came again just now; or the other run forgot it.
        report.changed += sum(1 for _ in GuardRow.query(key[0], GuardRow.sk == key[1], consistent_read=True))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.retain", description=__doc__.split("\n")[0])
    parser.add_argument("--delete", action="store_true", help="delete it; else it is only counted")
    wishes = parser.parse_args(argv)
    report = retain(live(), now=datetime.now(UTC), delete=wishes.delete)
    print(report)
    print("Deleted." if wishes.delete else "Nothing was deleted.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
