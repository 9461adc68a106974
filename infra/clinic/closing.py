"""Closing a clinic: the stack goes, the records stay for as long as they must be kept."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.clinic import stack
from infra.clinic.account import Account
from infra.clinic.keeping import ours, parts_of, resources_of, rows, table_of
from infra.clinic.stack import Say
from infra.clinic.trouble import Trouble, told
from infra.kit import Kit

VERSION = "AWS::Lambda::Version"
YEARS = 30  # how long a whole table is kept after its newest line: longer than any one record must be (docs/rules.md)
YEAR = timedelta(days=365.25)
OF_PATIENTS = ("V#", "P#")  # the partitions whose audit lines are about somebody's record


def years_of(kit: Kit) -> int:
    """A hospital that keeps its records for longer keeps the table for longer."""
    return max(YEARS, int(kit.said.get("keep", {}).get("clinical_years", 0)))


def close(
    account: Account, name: str, clinic: str, say: Say, *, with_records: bool = False, years: int = YEARS
) -> None:
    """Remove the stack. With `with_records` the table too, refused before anything is touched while a record is under
    retention."""
    standing = ours(account, name, clinic)
    if standing.busy:
        raise Trouble(
            f"The stack {name} is being changed right now ({standing.state}). Nothing was changed.",
            "Wait until ./clinic status says it is complete, then try again.",
        )
    table = table_of(account, name) if with_records else resources_of(account, name).get("ClinicTable", "")
    if with_records:
        count = _refuse_early(account, table, years)
        say(f"{count:,} rows of {table} go with it, the audit too.")
    left = retained(account, name)
    leave = tuple(_stuck(account, name)) if standing.state == "DELETE_FAILED" else ()
    stack.take_down(account, name, say, leave=leave)
    say(f"The clinic {name} is closed.")
    if with_records:
        _erase(account, table)
        left = [one for one in left if not one.endswith(f" {table}")]
        say(f"  gone: the table {table}; AWS still has its backups for 35 days.")
    for one in (*left, *leave):
        say(f"  stays: {one}")
    if table and not with_records:
        say(f"The records stay in {table}, protected from deletion, and are paid for as storage.")
    say("The bucket with the code stays too; remove it in the S3 console when nobody needs to go back.")


def _refuse_early(account: Account, table: str, years: int) -> int:
    """How many rows would go. Raises Trouble while the newest line about a patient keeps the table."""
    with told(f"looking how old the records in {table} are"):
        count, youngest = aged(account, table)
    until = youngest + years * YEAR if youngest else None
    if youngest is not None and until is not None and until > datetime.now(UTC):
        raise Trouble(
            f"{table} has {count:,} rows and must be kept until {until:%Y-%m-%d}: the newest line of its audit about a "
            f"patient's record is of {youngest:%Y-%m-%d}, and the audit, with all that is in the table, stays for "
            f"{years} years after it. What must be kept of one record is in docs/rules.md, R22. Nothing was changed.",
            "Close without --with-records: the table stays, protected. Take a copy out with ./clinic export.",
        )
    return count


def aged(account: Account, table: str) -> tuple[int, datetime | None]:
    """How many rows there are, and when something was last done about a patient's record; None if there is not one."""
    count, youngest = 0, None
    for row in rows(account, table):
        count += 1
        if row["sk"]["S"].startswith("X#") and row["pk"]["S"].startswith(OF_PATIENTS):
            at = datetime.fromisoformat(row["at"]["S"])
            youngest = max(youngest or at, at)
    return count, youngest


def retained(account: Account, name: str) -> list[str]:
    """What stays when the stack goes: read from its own template before it goes."""
    with told(f"reading the template of {name}"):
        cloudformation = account.client("cloudformation")
        template = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    return stays(template, resources_of(account, name))


def stays(template: Mapping[str, Any], parts: Mapping[str, str]) -> list[str]:
    """What a template retains of these parts. A version of a function is retained and goes with its function."""
    return [
        f"{one['Type'].removeprefix('AWS::')} {parts[key]}"
        for key, one in template["Resources"].items()
        if str(one.get("DeletionPolicy", "")).startswith("Retain") and key in parts and one["Type"] != VERSION
    ]


def _stuck(account: Account, name: str) -> list[str]:
    """What could not be removed in an earlier attempt; it is left where it is, and said."""
    return [one["LogicalResourceId"] for one in parts_of(account, name) if one["ResourceStatus"] == "DELETE_FAILED"]


def _erase(account: Account, table: str) -> None:
    """Remove a table for good. Only for records whose time is over, and only when asked for by name."""
    ddb = account.client("dynamodb")
    left = f"The stack is gone and the table {table} is still there: remove it in the DynamoDB console."
    with told(f"removing the table {table}", left=left):
        ddb.update_table(TableName=table, DeletionProtectionEnabled=False)
        ddb.delete_table(TableName=table)
