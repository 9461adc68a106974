"""The drill: the newest backup is restored into a second table, and every line of its audit is verified."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from infra import audit
from infra.clinic.account import Account
from infra.clinic.keeping import LOOKS_MAX, Row, recovery, rows, table_of
from infra.clinic.stack import Say
from infra.clinic.trouble import AGAIN, Trouble, told

SAFETY = timedelta(seconds=5)  # what was written about the restored moment may be on either side of it
SHOWN_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What a restore showed."""

    moment: datetime
    rows: int  # of the restored table
    lines: int  # of its audit, each as it was written
    visits: int
    newer: int  # lines written since that moment: the clinic goes on meanwhile


@dataclass(slots=True)
class _Read:
    """One table as it was read, once: its audit, and which rows of visits there are."""

    audit: audit.Kept
    rows: int = 0
    visits: set[tuple[str, str]] = field(default_factory=set)


def drill(account: Account, name: str, say: Say, *, keep: bool = False) -> Drill:
    """Restore the newest moment into a second table and verify it. The live table is only read."""
    table = table_of(account, name)
    ddb = account.client("dynamodb")
    state = recovery(account, table)
    if state.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise Trouble(f"{table} has no point-in-time recovery: there is no backup.", "Deploy again, which turns it on.")
    moment: datetime = state.get("LatestRestorableDateTime") or datetime.now(UTC)
    second = f"{table}-drill-{datetime.now(UTC):%Y%m%d%H%M%S}"
    say(f"Restoring {table} as it was at {moment:%Y-%m-%d %H:%M:%S} UTC into {second} ...")
    left = f"A table {second} may be left: remove it with aws dynamodb delete-table --table-name {second}."
    with told(f"restoring {table}", left=left):
        ddb.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=second, UseLatestRestorableTime=True)
    with told("verifying the restored table", left=left):
        _until_active(account, second, left)
        say("Reading both, line by line ...")
        restored = _read(account, second)
        found = _compared(restored, _read(account, table), moment, second)
        if keep:
            say(f"{second} is kept, and paid for until you remove it.")
        else:
            ddb.delete_table(TableName=second)
    return found


def _until_active(account: Account, table: str, left: str) -> None:
    for _ in range(LOOKS_MAX):
        if account.client("dynamodb").describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE":
            return
        account.wait()
    raise Trouble(f"{table} has not been restored within two hours. {left}", AGAIN)


def _read(account: Account, table: str) -> _Read:
    found = _Read(audit.Kept())

    def counted() -> Any:
        for row in rows(account, table):
            found.rows += 1
            if _of_a_visit(row):
                found.visits.add((row["pk"]["S"], row["sk"]["S"]))
            yield row

    found.audit = audit.kept(counted())
    return found


def _of_a_visit(row: Row) -> bool:
    """What is never deleted: a visit's own rows, without those that expire."""
    pk, sk = row["pk"]["S"], row["sk"]["S"]
    return bool(pk.startswith("V#") and "ttl" not in row and not sk.startswith(("X#", "Y", "Z#")))


def _compared(restored: _Read, live: _Read, moment: datetime, second: str) -> Drill:
    """A line of the audit never changes, so each restored one must be in the live table as it is, and each live one
    from before the moment in the restored table; visits are never deleted, so none may be there that is gone here."""
    wrong = [f"{bad.row[1]}: {bad.why}" for bad in audit.verify(restored.audit)]
    newer = 0
    for key, line in live.audit.lines.items():
        if key in restored.audit.lines:
            if restored.audit.lines[key] != line:
                wrong.append(f"{key[1]}: differs from the live table")
        elif datetime.fromisoformat(line["at"]["S"]) < moment - SAFETY:
            wrong.append(f"{key[1]}: is missing in the backup")
        else:
            newer += 1
    gone = restored.audit.lines.keys() - live.audit.lines.keys() | restored.visits - live.visits
    wrong += [f"{sk}: is in the backup, and gone from the live table" for _, sk in sorted(gone)]
    if wrong:
        raise Trouble(
            f"The backup and the live table do not agree in {len(wrong):,} rows: {'; '.join(wrong[:SHOWN_MAX])}. "
            f"The restored table was left as {second} to look at.",
            "Do not deploy or delete anything. Run python -m infra.audit verify on both tables (docs/operate.md).",
        )
    visits = sum(sk == "V" for _, sk in restored.visits)
    return Drill(moment=moment, rows=restored.rows, lines=len(restored.audit.lines), visits=visits, newer=newer)
