"""While it is open: where its parts are, whether it is well, and taking its records out."""

import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra.clinic.account import Account
from infra.clinic.stack import Say, Standing
from infra.clinic.trouble import AGAIN, Trouble, told

LOOKS_MAX = 2400  # two hours of looks: a large table takes its time
ALARMS_MAX = 100
PARTS_MAX = 500  # resources of a stack: CloudFormation's own bound
PAGES_MAX = 1_000_000  # of a megabyte each
KNOCK_SECONDS_MAX = 20
KNOCKS_MAX = 5
Row = dict[str, Any]


def parts_of(account: Account, name: str) -> list[Mapping[str, Any]]:
    """What the stack is made of, as CloudFormation lists it. Raises Trouble if there is no such stack."""
    with told(f"looking for the parts of {name}"):
        try:
            pages = account.client("cloudformation").get_paginator("list_stack_resources")
            found = pages.paginate(StackName=name, PaginationConfig={"MaxItems": PARTS_MAX}).build_full_result()
        except ClientError as error:
            if "does not exist" in str(error):
                raise nothing_there(account, name) from error
            raise
    parts: list[Mapping[str, Any]] = found["StackResourceSummaries"]
    return parts


def resources_of(account: Account, name: str) -> dict[str, str]:
    """The parts that are there: our names -> AWS's."""
    found = parts_of(account, name)
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found if one.get("PhysicalResourceId")}


def nothing_there(account: Account, name: str) -> Trouble:
    return Trouble(
        f"There is no clinic in the stack {name} in {account.region} (account {account.id}).",
        "Open it with ./clinic deploy, or name another --stack or --region.",
    )


def table_of(account: Account, name: str) -> str:
    """The table of a clinic. Raises Trouble if there is none."""
    table = resources_of(account, name).get("ClinicTable")
    if not table:
        raise nothing_there(account, name)
    return table


def answers(account: Account, door: str) -> bool:
    """Whether the clinic says that it is well."""
    for _ in range(KNOCKS_MAX):
        try:
            with urllib.request.urlopen(f"{door}/health", timeout=KNOCK_SECONDS_MAX) as answer:  # noqa: S310  # our own
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError):
            account.wait()
    return False


def health(account: Account, name: str, standing: Standing) -> Iterator[str]:
    """What there is to know at a glance, a line each."""
    why = f" ({standing.why})" if standing.why else ""
    yield f"stack      {name}: {standing.state.replace('_', ' ').lower()}{why}"
    yield f"version    commit {standing.tags.get('commit', 'unknown')}, kit {standing.tags.get('clinic', 'unknown')}"
    if table := resources_of(account, name).get("ClinicTable"):
        with told("looking at the table"):
            size = account.client("dynamodb").describe_table(TableName=table)["Table"]
        weight = f"{size.get('ItemCount', 0):,} rows, {size.get('TableSizeBytes', 0) / 1e6:,.1f} MB"
        yield f"records    {weight}, in {table}"
        state = recovery(account, table)
        upto, on = state.get("LatestRestorableDateTime"), state.get("PointInTimeRecoveryStatus") == "ENABLED"
        yield f"recovery   {f'to any second until {upto:%Y-%m-%d %H:%M} UTC' if on and upto else 'on' if on else 'OFF'}"
    with told("looking at the alarms"):
        ringing = account.client("cloudwatch").describe_alarms(
            AlarmNamePrefix=f"{name}-", StateValue="ALARM", MaxRecords=ALARMS_MAX
        )["MetricAlarms"]
    yield f"alarms     {', '.join(one['AlarmName'] for one in ringing) or 'none'}"


def recovery(account: Account, table: str) -> Mapping[str, Any]:
    """How far back, and how near to now, the table can be restored."""
    with told("asking for the newest moment to restore"):
        found = account.client("dynamodb").describe_continuous_backups(TableName=table)
    state: Mapping[str, Any] = found["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    return state


def rows(account: Account, table: str) -> Iterator[Row]:
    """Every row as it is now. Raises Trouble rather than stop before the end."""
    pages = account.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    for n, page in enumerate(pages):
        if n >= PAGES_MAX:
            raise Trouble(f"{table} is larger than this command reads.", "Use ./clinic export.")
        yield from page["Items"]


def export(account: Account, name: str, bucket: str, say: Say) -> str:
    """All records to a bucket of the hospital's, as they are at this moment. Gives where they are."""
    table = table_of(account, name)
    ddb = account.client("dynamodb")
    with told("starting the export"):
        arn = ddb.describe_table(TableName=table)["Table"]["TableArn"]
        started = ddb.export_table_to_point_in_time(
            TableArn=arn, S3Bucket=bucket, S3Prefix=name, S3SseAlgorithm="AES256", ExportFormat="DYNAMODB_JSON"
        )["ExportDescription"]
    say(f"AWS writes the records of {table} to s3://{bucket}/{name}/ ...")
    with told("watching the export", left="It was started, and AWS goes on by itself."):
        for _ in range(LOOKS_MAX):
            state = ddb.describe_export(ExportArn=started["ExportArn"])["ExportDescription"]
            if state["ExportStatus"] == "COMPLETED":
                return f"s3://{bucket}/{name}/"
            if state["ExportStatus"] == "FAILED":
                why = state.get("FailureMessage") or state.get("FailureCode", "")
                raise Trouble(
                    f"The export failed: {why} What is under s3://{bucket}/{name}/ is not whole.",
                    f"Correct what it names; the bucket must be yours and in {account.region}. {AGAIN}",
                )
            account.wait()
    raise Trouble("The export still runs; AWS goes on by itself.", "Look in the DynamoDB console, under Exports.")
