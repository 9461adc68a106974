"""What remembers, built by moto's CloudFormation with the options that the rehearsal's local AWS never turns on.

The parts with functions behind them are ministack's, in `make rehearse`. Neither builds the scaling of a provisioned
table, nor moto a bucket's lock and versions.
"""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.deploy.conftest import transformed

pytestmark = pytest.mark.zip

REGION, STACK = "eu-west-1", "clinic"
KINDS = {f"AWS::{kind}" for kind in ("DynamoDB::Table", "KMS::Alias", "KMS::Key", "Logs::LogGroup", "S3::Bucket")}
KINDS |= {"AWS::SNS::Topic", "AWS::SQS::Queue"}
STEADY = {"TableBilling": "provisioned", "TableReads": "7", "TableWrites": "9"}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    with mock_aws():
        yield


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def built(sam: dict[str, Any], **given: str) -> dict[str, str]:
    """The part of the stack that remembers, with these parameters: our names -> AWS's."""
    template = transformed(sam, **given)
    template["Resources"] = {name: one for name, one in template["Resources"].items() if one["Type"] in KINDS}
    del template["Outputs"]
    client("s3").create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_object(Bucket="code", Key="template.json", Body=json.dumps(template))
    client("cloudformation").create_stack(
        StackName=STACK,
        TemplateURL="https://code.s3.amazonaws.com/template.json",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
    found = client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


@pytest.mark.parametrize(
    ("given", "billing", "units"), [({}, "PAY_PER_REQUEST", (0, 0)), (STEADY, "PROVISIONED", (7, 9))]
)
def test_the_table_is_billed_as_the_kit_says(
    sam: dict[str, Any], given: dict[str, str], billing: str, units: tuple[int, int]
) -> None:
    table = client("dynamodb").describe_table(TableName=built(sam, **given)["ClinicTable"])["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == billing
    for each in (table, *table["GlobalSecondaryIndexes"]):
        throughput = each["ProvisionedThroughput"]
        assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == units
    assert table["DeletionProtectionEnabled"] is True
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}


def test_what_is_kept_is_encrypted_and_logs_end(sam: dict[str, Any]) -> None:
    made = built(sam)
    (rule,) = client("s3").get_bucket_encryption(Bucket=made["Roots"])["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    topic = client("sns").get_topic_attributes(TopicArn=made["AlarmTopic"])["Attributes"]
    assert topic["KmsMasterKeyId"] == made["ClinicKey"]
    for name in ("ApiLog", "AccessLog"):
        (group,) = client("logs").describe_log_groups(logGroupNamePrefix=made[name])["logGroups"]
        assert group["retentionInDays"] == 90


def test_alarms_reach_the_address_in_the_kit(sam: dict[str, Any]) -> None:
    topic = built(sam, AlarmEmail="it@example.org")["AlarmTopic"]
    (told,) = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (told["Protocol"], told["Endpoint"]) == ("email", "it@example.org")
