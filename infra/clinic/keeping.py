"""After it is open: who works there, whether it is well, whether a backup is one, taking records out, closing."""

import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from infra.clinic.account import Account
from infra.clinic.stack import Say, Standing
from infra.clinic.trouble import AGAIN, Trouble, told

LOOKS_MAX = 2400  # two hours of looks: a large table takes its time to be restored
SAMPLES_MAX = 200
SEGMENTS, SEGMENTS_TRIED_MAX = 1000, 40
PAGES_MAX = 20_000
ALARMS_MAX = 100
KNOCK_SECONDS_MAX = 20
KNOCKS_MAX = 5
SAFETY = timedelta(seconds=5)  # rows written about the restored moment may be on either side of it
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+0000|\+00:00|Z)")
Row = Mapping[str, Any]


def table_of(account: Account, name: str) -> str:
    """The table of a clinic. Raises Trouble if there is none."""
    cloudformation = account.client("cloudformation")
    nothing = Trouble(
        f"There is no clinic in the stack {name} in {account.region} (account {account.id}).",
        "Open it with ./clinic deploy, or name another --stack or --region.",
    )
    with told(f"looking for the table of {name}"):
        try:
            found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        except ClientError as error:
            if "does not exist" in str(error):
                raise nothing from error
            raise
    tables = [one["PhysicalResourceId"] for one in found if one["LogicalResourceId"] == "ClinicTable"]
    if not tables or not tables[0]:
        raise nothing
    return str(tables[0])


def answers(door: str) -> bool:
    """Whether the clinic says that it is well."""
    for _ in range(KNOCKS_MAX):
        try:
            with urllib.request.urlopen(f"{door}/health", timeout=KNOCK_SECONDS_MAX) as answer:  # noqa: S310  # our own
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError):
            continue
    return False


def health(account: Account, name: str, standing: Standing) -> list[str]:
    """What there is to know at a glance, a line each."""
    lines = [
        f"stack      {name}: {standing.state.replace('_', ' ').lower()}{f' ({standing.why})' if standing.why else ''}"
    ]
    lines.append(
        f"version    commit {standing.tags.get('commit', 'unknown')}, kit {standing.tags.get('clinic', 'unknown')}"
    )
    if standing.state != "REVIEW_IN_PROGRESS":
        table = table_of(account, name)
        with told("looking at the table"):
            size = account.client("dynamodb").describe_table(TableName=table)["Table"]
            state = _recovery(account, table)
        lines.append(
            f"records    {size.get('ItemCount', 0):,} rows, {size.get('TableSizeBytes', 0) / 1e6:,.1f} MB, in {table}"
        )
        upto = state.get("LatestRestorableDateTime")
        on = state.get("PointInTimeRecoveryStatus") == "ENABLED"
        lines.append(
            f"recovery   {f'to any second until {upto:%Y-%m-%d %H:%M} UTC' if on and upto else 'on' if on else 'OFF'}"
        )
    with told("looking at the alarms"):
        ringing = account.client("cloudwatch").describe_alarms(
            AlarmNamePrefix=name, StateValue="ALARM", MaxRecords=ALARMS_MAX
        )["MetricAlarms"]
    lines.append(f"alarms     {', '.join(one['AlarmName'] for one in ringing) or 'none'}")
    return lines


def _recovery(account: Account, table: str) -> Mapping[str, Any]:
    found = account.client("dynamodb").describe_continuous_backups(TableName=table)
    state: Mapping[str, Any] = found["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """What a restore showed."""

    moment: datetime
    restored: int
    now: int
    samples: int
    newer: int  # sampled rows that were written or changed since


def drill(account: Account, name: str, say: Say, *, keep: bool = False) -> Drill:
    """Restore the newest moment into a second table and compare. The live table is only read."""
    table = table_of(account, name)
    ddb = account.client("dynamodb")
    with told("asking for the newest moment to restore"):
        state = _recovery(account, table)
    if state.get("PointInTimeRecoveryStatus") != "ENABLED":
        raise Trouble(f"{table} has no point-in-time recovery: there is no backup.", "Deploy again, which turns it on.")
    moment: datetime = state.get("LatestRestorableDateTime") or datetime.now(UTC)
    second = f"{table}-drill-{datetime.now(UTC):%Y%m%d%H%M%S}"
    say(f"Restoring {table} as it was at {moment:%Y-%m-%d %H:%M:%S} UTC into {second} ...")
    with told(f"restoring {table}"):
        ddb.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=second, UseLatestRestorableTime=True)
    left = f"The table {second} is left: remove it with aws dynamodb delete-table --table-name {second}."
    with told("waiting for the restored table", left=left):
        _until_active(account, second, left)
        say("Comparing ...")
        found = _compared(account, table, second, moment)
        if not keep:
            ddb.delete_table(TableName=second)
    return found


def _until_active(account: Account, table: str, left: str) -> None:
    for _ in range(LOOKS_MAX):
        if account.client("dynamodb").describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE":
            return
        account.wait()
    raise Trouble(f"{table} has not been restored within two hours. {left}", AGAIN)


def _compared(account: Account, table: str, second: str, moment: datetime) -> Drill:
    samples = _samples(account, table)
    newer, lost = 0, []
    for row in samples:
        key = {"pk": row["pk"], "sk": row["sk"]}
        found = account.client("dynamodb").get_item(TableName=second, Key=key, ConsistentRead=True).get("Item")
        if found == row:
            continue
        if _newest(row) > moment - SAFETY or "version" in row or not _moments(row):
            newer += 1
        else:
            lost.append(key["sk"]["S"].partition("#")[0])
    restored, now = _count(account, second), _count(account, table)
    if lost or (now and not restored):
        kinds = ", ".join(sorted(set(lost))) or "none"
        raise Trouble(
            f"The restored table is not whole: {len(lost)} of {len(samples)} sampled rows are missing or different "
            f"(kinds: {kinds}); {restored:,} rows of {now:,}. It was left as {second} to look at.",
            "Do not deploy or delete anything. Ask AWS support, and keep the live table as it is.",
        )
    return Drill(moment=moment, restored=restored, now=now, samples=len(samples), newer=newer)


def _samples(account: Account, table: str) -> list[Row]:
    """Rows from here and there; of a small table simply the first."""
    ddb = account.client("dynamodb")
    found: list[Row] = []
    for segment in secrets.SystemRandom().sample(range(SEGMENTS), SEGMENTS_TRIED_MAX):
        page = ddb.scan(
            TableName=table, TotalSegments=SEGMENTS, Segment=segment, Limit=SAMPLES_MAX, ConsistentRead=True
        )
        found += page["Items"]
        if len(found) >= SAMPLES_MAX:
            return found[:SAMPLES_MAX]
    first: list[Row] = ddb.scan(TableName=table, Limit=SAMPLES_MAX, ConsistentRead=True)["Items"]
    return first


def _count(account: Account, table: str) -> int:
    pages = account.client("dynamodb").get_paginator("scan").paginate(TableName=table, Select="COUNT")
    return sum(page["Count"] for page, _ in zip(pages, range(PAGES_MAX), strict=False))


def _moments(row: Row) -> list[datetime]:
    texts = (next(iter(value.values())) for value in row.values())
    said = [text for text in texts if isinstance(text, str) and _MOMENT.fullmatch(text)]
    return [datetime.fromisoformat(text.replace("+0000", "+00:00").replace("Z", "+00:00")) for text in said]


def _newest(row: Row) -> datetime:
    return max(_moments(row), default=datetime.min.replace(tzinfo=UTC))


def export(account: Account, name: str, bucket: str, say: Say) -> str:
    """All records to a bucket of the hospital's, as they are at this moment. Gives where they are."""
    table = table_of(account, name)
    ddb = account.client("dynamodb")
    with told("exporting the records"):
        arn = ddb.describe_table(TableName=table)["Table"]["TableArn"]
        started = ddb.export_table_to_point_in_time(
            TableArn=arn, S3Bucket=bucket, S3Prefix=name, S3SseAlgorithm="AES256", ExportFormat="DYNAMODB_JSON"
        )["ExportDescription"]
        for _ in range(LOOKS_MAX):
            state = ddb.describe_export(ExportArn=started["ExportArn"])["ExportDescription"]
            if state["ExportStatus"] == "COMPLETED":
                return f"s3://{bucket}/{name}/"
            if state["ExportStatus"] == "FAILED":
                raise Trouble(f"The export failed: {state.get('FailureMessage', '')} Nothing was changed.", AGAIN)
            account.wait()
    raise Trouble("The export still runs; AWS goes on by itself.", "Look in the DynamoDB console, under Exports.")


def under_retention(account: Account, table: str, years: int, now: datetime) -> datetime | None:
    """Until when a record must be kept: the first one found, or None if all are old enough."""
    since = now - timedelta(days=365 * years + years // 4)
    pages = account.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    for page, _ in zip(pages, range(PAGES_MAX), strict=False):
        for row in page["Items"]:
            if row["pk"]["S"].startswith("V#") and (newest := _newest(row)) > since:
                return newest + (now - since)
    return None


def retained(account: Account, name: str) -> list[str]:
    """What stays when the stack goes: said before and after."""
    with told(f"reading the template of {name}"):
        template = account.client("cloudformation").get_template(StackName=name, TemplateStage="Processed")[
            "TemplateBody"
        ]
        listed = account.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    keep = {
        key for key, one in template["Resources"].items() if str(one.get("DeletionPolicy", "")).startswith("Retain")
    }
    return [
        f"{one['ResourceType'].removeprefix('AWS::')} {one['PhysicalResourceId']}"
        for one in listed
        if one["LogicalResourceId"] in keep
    ]


def erase(account: Account, table: str) -> None:
    """Remove a table for good. Only for records whose time is over, and only when asked for by name."""
    ddb = account.client("dynamodb")
    with told(f"removing the table {table}", left="The table is still there."):
        ddb.update_table(TableName=table, DeletionProtectionEnabled=False)
        ddb.delete_table(TableName=table)
