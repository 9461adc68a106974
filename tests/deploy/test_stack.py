"""The stack: a template CloudFormation accepts, a table that survives slips, a function that may do only its work."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from infra.package import ROOT

pytestmark = pytest.mark.zip

MAY_ON_THE_TABLE = {
    f"dynamodb:{operation}" for operation in ("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
}


@pytest.fixture(scope="module")
def sam(package: Path) -> dict[str, Any]:
    return json.loads((package / "sam.json").read_text())


@pytest.fixture(scope="module")
def stack(sam: dict[str, Any]) -> dict[str, Any]:
    """The template after the SAM transform: what CloudFormation really builds."""
    template = copy.deepcopy(sam)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "deploy", "Key": "deployment.zip"}
    given = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
    return Translator({}, Parser()).translate(template, given, feature_toggle=None)


def the(stack: dict[str, Any], kind: str) -> dict[str, Any]:
    """The one resource of a kind."""
    (found,) = [resource for resource in stack["Resources"].values() if resource["Type"] == kind]
    return found


def every(stack: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """All resources of a kind: what holds for one function holds for each."""
    found = [resource["Properties"] for resource in stack["Resources"].values() if resource["Type"] == kind]
    assert found
    return found


@pytest.mark.slow
def test_cloudformation_would_accept_it(sam: dict[str, Any], stack: dict[str, Any], tmp_path: Path) -> None:
    for name, template in (("sam.json", sam), ("stack.json", stack)):
        (tmp_path / name).write_text(json.dumps(template))
        cfn_lint = [Path(sys.executable).with_name("cfn-lint"), "--regions", "eu-west-1", "--", tmp_path / name]
        said = subprocess.run(cfn_lint, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout


def test_the_table_outlives_the_stack_and_every_slip(stack: dict[str, Any]) -> None:
    table = the(stack, "AWS::DynamoDB::Table")
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_the_table_is_the_one_the_code_expects(stack: dict[str, Any], clinic_on_moto: None) -> None:
    from chalicelib.store.rows import Row

    made = Row._get_connection().describe_table()
    assert made is not None
    built = the(stack, "AWS::DynamoDB::Table")["Properties"]
    assert built["KeySchema"] == made["KeySchema"]
    assert by_name(built["AttributeDefinitions"]) == by_name(made["AttributeDefinitions"])
    for mine, theirs in zip(built["GlobalSecondaryIndexes"], made["GlobalSecondaryIndexes"], strict=True):
        assert {key: theirs[key] for key in mine} == mine


def by_name(definitions: list[dict[str, str]]) -> dict[str, str]:
    return {each["AttributeName"]: each["AttributeType"] for each in definitions}


def test_the_function_finds_the_table_and_is_traced(stack: dict[str, Any]) -> None:
    functions = every(stack, "AWS::Lambda::Function")
    for function in functions:
        assert function["Environment"]["Variables"]["TABLE"] == {"Ref": "ClinicTable"}
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["Runtime"] == f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert {function["Handler"] for function in functions} == {"app.app", "app.sweep"}


def test_the_sweep_runs_every_minute_and_is_not_tried_again_before_the_next(stack: dict[str, Any]) -> None:
    (rule,) = every(stack, "AWS::Events::Rule")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    (tried,) = every(stack, "AWS::Lambda::EventInvokeConfig")
    assert tried["MaximumRetryAttempts"] == 0


def test_the_function_may_do_its_work_on_its_table_and_nothing_else(stack: dict[str, Any]) -> None:
    policies = [policy for role in every(stack, "AWS::IAM::Role") for policy in role["Policies"]]
    assert all(policy["PolicyDocument"] == policies[0]["PolicyDocument"] for policy in policies)
    may = {statement["Sid"]: statement for statement in policies[0]["PolicyDocument"]["Statement"]}
    assert set(may["RememberTheClinic"]["Action"]) == MAY_ON_THE_TABLE
    arn = {"Fn::GetAtt": ["ClinicTable", "Arn"]}
    assert may["RememberTheClinic"]["Resource"] == [arn, {"Fn::Sub": "${ClinicTable.Arn}/index/by_stage"}]
    assert set(may["WriteTheLog"]["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert may["WriteTheLog"]["Resource"] == {"Fn::GetAtt": ["ApiLog", "Arn"]}
    assert set(may["SendTraces"]["Action"]) == {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    assert len(may) == 3


def test_the_function_writes_coded_events_to_a_log_that_is_kept_for_a_while(stack: dict[str, Any]) -> None:
    told = {"LogGroup": {"Ref": "ApiLog"}, "LogFormat": "JSON", "ApplicationLogLevel": "INFO"}
    assert all(function["LoggingConfig"] == told for function in every(stack, "AWS::Lambda::Function"))
    assert the(stack, "AWS::Logs::LogGroup")["Properties"]["RetentionInDays"] == {"Ref": "LogDays"}


def test_the_door_is_traced_throttled_compressed_and_polite(stack: dict[str, Any]) -> None:
    stage = the(stack, "AWS::ApiGateway::Stage")["Properties"]
    assert stage["TracingEnabled"] is True
    (settings,) = stage["MethodSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "RequestsAtOnce"}
    api = the(stack, "AWS::ApiGateway::RestApi")["Properties"]
    assert api["MinimumCompressionSize"] == 512
    answers = api["Body"]["x-amazon-apigateway-gateway-responses"]
    assert answers["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"
    assert answers["THROTTLED"]["responseParameters"] == {"gatewayresponse.header.Retry-After": "'5'"}


def test_every_route_reaches_the_function(stack: dict[str, Any]) -> None:
    from app import app

    body = the(stack, "AWS::ApiGateway::RestApi")["Properties"]["Body"]
    built = {(path, method.upper()) for path, methods in body["paths"].items() for method in methods}
    assert built == {(path, method) for path, methods in app.routes.items() for method in methods}


def test_what_the_template_is_merged_from_is_in_the_checkout() -> None:
    parts = [ROOT / "infra" / "clinic.json", ROOT / ".chalice" / "policy-api.json", ROOT / ".chalice" / "config.json"]
    assert all(json.loads(part.read_text()) for part in parts)
