"""Closing a clinic: the stack goes, the records stay for as long as they must be kept."""

from datetime import UTC, datetime

from infra.clinic import keeping, stack
from infra.clinic.account import Account
from infra.clinic.stack import Say
from infra.clinic.trouble import Trouble
from infra.kit import Kit

YEARS = 30  # how long records are kept unless the kit says: longer than any country's rule for adults we know of


def close(account: Account, name: str, kit: Kit, say: Say, *, with_records: bool = False) -> None:
    """Remove the stack. With `with_records` the table too, refused before anything is touched while a record is under
    retention."""
    standing = stack.look(account, name)
    if not standing.state:
        raise Trouble(
            f"There is no stack {name} in {account.region} (account {account.id}).", "Nothing is to be closed."
        )
    if standing.busy:
        raise Trouble(
            f"The stack {name} is being changed right now ({standing.state}).", "Wait for it, then try again."
        )
    table = keeping.table_of(account, name)
    if with_records:
        _refuse_early(account, table, int(kit.said.get("records_years", YEARS)))
    left = keeping.retained(account, name)
    leave = tuple(_stuck(account, name)) if standing.state == "DELETE_FAILED" else ()
    stack.take_down(account, name, say, leave=leave)
    if with_records:
        keeping.erase(account, table)
        left = [one for one in left if not one.endswith(table)]
    say(f"The clinic {name} is closed.")
    for one in left:
        say(f"  stays: {one}")
    if not with_records:
        say(f"The records stay in {table}, protected from deletion, and are paid for as storage.")
    say("The bucket with the code stays too; remove it in the S3 console when nobody needs to go back.")


def _refuse_early(account: Account, table: str, years: int) -> None:
    until = keeping.under_retention(account, table, years, datetime.now(UTC))
    if until is not None:
        raise Trouble(
            f"Records in {table} must be kept until {until:%Y-%m-%d} or longer ({years} years). Nothing was changed.",
            "Close without --with-records: the table stays, protected. Export a copy with ./clinic export.",
        )


def _stuck(account: Account, name: str) -> list[str]:
    """What could not be removed in an earlier attempt; it is left where it is, and said."""
    found = account.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    return [one["LogicalResourceId"] for one in found if one["ResourceStatus"] == "DELETE_FAILED"]
