"""Closing a clinic: the stack goes, the records stay for as long as they must be kept."""

from datetime import UTC, datetime, timedelta

from infra.clinic import stack
from infra.clinic.account import Account
from infra.clinic.keeping import nothing_there, parts_of, resources_of, rows, table_of
from infra.clinic.stack import Say
from infra.clinic.trouble import Trouble, told

YEARS = 30  # how long records are kept: longer than any country's rule for adults we know of
YEAR = timedelta(days=365.25)
OF_PATIENTS = ("V#", "P#")  # the partitions whose audit lines are about somebody's record


def close(account: Account, name: str, say: Say, *, with_records: bool = False) -> None:
    """Remove the stack. With `with_records` the table too, refused before anything is touched while a record is under
    retention."""
    standing = stack.look(account, name)
    if not standing.state:
        raise nothing_there(account, name)
    if standing.busy:
        raise Trouble(
            f"The stack {name} is being changed right now ({standing.state}). Nothing was changed.",
            "Wait until ./clinic status says it is complete, then try again.",
        )
    table = table_of(account, name) if with_records else resources_of(account, name).get("ClinicTable", "")
    if with_records:
        _refuse_early(account, table)
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


def _refuse_early(account: Account, table: str) -> None:
    with told(f"looking how old the records in {table} are"):
        youngest = youngest_record(account, table)
    until = youngest + YEARS * YEAR if youngest else None
    if until is not None and until > datetime.now(UTC):
        raise Trouble(
            f"Records in {table} must be kept until {until:%Y-%m-%d} ({YEARS} years). Nothing was changed.",
            "Close without --with-records: the table stays, protected. Take a copy out with ./clinic export.",
        )


def youngest_record(account: Account, table: str) -> datetime | None:
    """When something was last done about a patient's record; None if there is not one."""
    lines = (row for row in rows(account, table) if row["sk"]["S"].startswith("X#"))
    times = (row["at"]["S"] for row in lines if row["pk"]["S"].startswith(OF_PATIENTS))
    return max(map(datetime.fromisoformat, times), default=None)


def retained(account: Account, name: str) -> list[str]:
    """What stays when the stack goes: read from its own template before it goes."""
    with told(f"reading the template of {name}"):
        cloudformation = account.client("cloudformation")
        template = cloudformation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
    parts = resources_of(account, name)
    return [
        f"{one['Type'].removeprefix('AWS::')} {parts[key]}"
        for key, one in template["Resources"].items()
        if str(one.get("DeletionPolicy", "")).startswith("Retain") and key in parts
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
