"""The stack: a template CloudFormation accepts, a table that survives slips, nothing open, unwatched or unbounded."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.rooms.queue import State
from infra import stack as parts
from infra.local import checkov
from infra.package import ROOT

pytestmark = pytest.mark.zip

Template = dict[str, Any]
CHECKOV_PASSED_MIN = 80  # far fewer would mean that it looked at nothing
REGIONS = ("eu-west-1", "cn-north-1", "ap-southeast-1")
FUNCTIONS = {"APIHandler": "app.app", "Sweep": "app.sweep", "Anchor": "app.anchor", "Tell": "app.tell"}


def every(stack: Template, kind: str) -> dict[str, Template]:
    """All resources of a kind by name: what holds for one holds for each."""
    found = {name: resource for name, resource in stack["Resources"].items() if resource["Type"] == kind}
    assert found, kind
    return found


def the(stack: Template, kind: str) -> Template:
    """The one resource of a kind."""
    (found,) = every(stack, kind).values()
    return found


@pytest.mark.slow
def test_cloudformation_would_accept_it(sam: Template, stack: Template, tmp_path: Path) -> None:
    for name, template in (("sam.json", sam), ("stack.json", stack)):
        (tmp_path / name).write_text(json.dumps(template))
        cfn_lint = [Path(sys.executable).with_name("cfn-lint"), "--regions", REGIONS[0], "--", tmp_path / name]
        said = subprocess.run(cfn_lint, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout


@pytest.mark.slow
def test_what_checkov_finds_is_what_is_explained(stack: Template, tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps(stack))
    found, passed = checkov.found(tmp_path / "stack.json")
    explained = checkov.explained()
    assert sorted(found - set(explained)) == [], "mend it, or say in infra/checkov.toml why it is as it is"
    assert sorted(set(explained) - found) == [], "not found any more: take it out of infra/checkov.toml"
    assert passed >= CHECKOV_PASSED_MIN
    assert [check for (check, _), why in explained.items() if len(why) <= 60] == [], "a reason is a sentence"


def test_two_parts_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    for name, days in (("a.json", 7), ("b.json", 14)):
        (tmp_path / name).write_text(json.dumps({"Parameters": {"LogDays": {"Default": days}}}))
    with pytest.raises(ValueError, match=r"b\.json contradicts another part at \.Parameters\.LogDays\.Default"):
        parts.assemble({"timezone": "UTC"}, tmp_path)


def test_every_table_is_encrypted_recoverable_protected_and_outlives_the_stack(stack: Template) -> None:
    for name, table in every(stack, "AWS::DynamoDB::Table").items():
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain", name
        properties = table["Properties"]
        assert properties["DeletionProtectionEnabled"] is True
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        key = properties["SSESpecification"]["KMSMasterKeyId"]
        assert key == {"Fn::GetAtt": ["ClinicKey", "Arn"]}
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}


def test_a_table_that_idles_costs_nothing_unless_somebody_said_otherwise(stack: Template) -> None:
    table = stack["Resources"]["ClinicTable"]["Properties"]
    assert table["BillingMode"] == {"Fn::If": ["Provisioned", "PROVISIONED", "PAY_PER_REQUEST"]}
    assert stack["Parameters"]["TableBilling"]["Default"] == "on-demand"
    for each in (table, *table["GlobalSecondaryIndexes"]):
        assert each["WarmThroughput"]["Fn::If"][0] == "Warmed"
        assert each["ProvisionedThroughput"]["Fn::If"][0] == "Provisioned"
    for asked in ("Warm", "SurgeWarm", "MonthlyBudget", "AtOnceMost"):
        assert stack["Parameters"][asked]["Default"] == 0
    for option in ("Firewall", "EdgeShield", "SnapStart"):
        assert stack["Parameters"][option]["Default"] == "off"


def test_a_provisioned_table_and_its_index_follow_the_load(stack: Template) -> None:
    targets = every(stack, "AWS::ApplicationAutoScaling::ScalableTarget")
    scaled = {
        (t["Properties"]["ScalableDimension"], json.dumps(t["Properties"]["ResourceId"])) for t in targets.values()
    }
    assert len(scaled) == 5, "reads and writes of the table and its index, and the environments kept awake"
    followed = {p["Properties"]["ScalingTargetId"]["Ref"] for p in every(stack, SCALING_POLICY).values()}
    assert followed == set(targets)


SCALING_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"


def test_every_key_stays_when_the_stack_goes_and_turns_once_a_year(stack: Template) -> None:
    for name, key in every(stack, "AWS::KMS::Key").items():
        assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain", name
        symmetric = key["Properties"].get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
        assert not symmetric or key["Properties"]["EnableKeyRotation"] is True, name
        for statement in key["Properties"]["KeyPolicy"]["Statement"]:
            assert statement["Sid"] == "TheAccountDecides" or statement["Condition"], "nobody without a condition"


def test_the_signing_key_signs_on_the_curve_we_verify_with(stack: Template) -> None:
    properties = stack["Resources"]["SigningKey"]["Properties"]
    assert (properties["KeySpec"], properties["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert properties["PendingWindowInDays"] == 30, "as long as KMS lets one change one's mind"
    knows = stack["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert knows["SIGNING_KEY"] == {"Ref": "SigningKey"}


def test_the_table_is_the_one_the_code_expects(stack: Template, clinic_on_moto: None) -> None:
    from chalicelib.store.rows import Row

    made = Row._get_connection().describe_table()
    assert made is not None
    built = the(stack, "AWS::DynamoDB::Table")["Properties"]
    assert built["KeySchema"] == made["KeySchema"]
    assert by_name(built["AttributeDefinitions"]) == by_name(made["AttributeDefinitions"])
    for mine, theirs in zip(built["GlobalSecondaryIndexes"], made["GlobalSecondaryIndexes"], strict=True):
        assert {key: theirs[key] for key in ("IndexName", "KeySchema", "Projection")} == {
            key: mine[key] for key in ("IndexName", "KeySchema", "Projection")
        }


def by_name(definitions: list[dict[str, str]]) -> dict[str, str]:
    return {each["AttributeName"]: each["AttributeType"] for each in definitions}


def test_every_function_finds_the_table_is_traced_and_logs_coded_events(stack: Template) -> None:
    functions = every(stack, "AWS::Lambda::Function")
    told = {"LogGroup": {"Ref": "ApiLog"}, "LogFormat": "JSON", "ApplicationLogLevel": "INFO"}
    for name, function in functions.items():
        properties = function["Properties"]
        table = {"Fn::If": ["Restored", {"Ref": "RestoredTable"}, {"Ref": "ClinicTable"}]}
        assert properties["Environment"]["Variables"]["TABLE"] == table, name
        assert properties["Environment"]["Variables"]["CLINIC"] == {"Ref": "AWS::StackName"}, name
        assert properties["TracingConfig"] == {"Mode": "Active"}, name
        assert properties["LoggingConfig"] == told, name
        assert properties["Runtime"] == f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert {name: function["Properties"]["Handler"] for name, function in functions.items()} == FUNCTIONS


def test_every_log_is_encrypted_and_kept_for_a_while(stack: Template) -> None:
    for name, group in every(stack, "AWS::Logs::LogGroup").items():
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogDays"}, name
        assert group["Properties"]["KmsKeyId"] == {"Fn::GetAtt": ["ClinicKey", "Arn"]}, name


def test_the_sweep_runs_every_minute_and_is_not_tried_again_before_the_next(stack: Template) -> None:
    rules = every(stack, "AWS::Events::Rule")
    assert rules["SweepSweepEvent"]["Properties"]["ScheduleExpression"] == "rate(1 minute)"
    assert rules["AnchorAnchorEvent"]["Properties"]["ScheduleExpression"] == "cron(7 * * * ? *)", "a root every hour"


def test_roots_are_locked_for_years_and_nobody_can_undo_it(stack: Template) -> None:
    bucket = the(stack, "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    properties = bucket["Properties"]
    assert properties["ObjectLockEnabled"] is True
    rule = properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert rule == {"Mode": "COMPLIANCE", "Years": {"Ref": "RootsYears"}}
    assert stack["Parameters"]["RootsYears"]["Default"] >= 6, "as long as audit is kept"
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (refused,) = the(stack, "AWS::S3::BucketPolicy")["Properties"]["PolicyDocument"]["Statement"]
    assert (refused["Effect"], refused["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    anchor = stack["Resources"]["Anchor"]["Properties"]
    assert anchor["Environment"]["Variables"]["ROOTS_BUCKET"] == {"Ref": "Roots"}
    assert anchor["Timeout"] == 300, "a busy hour has hundreds of thousands of chains"


def test_every_source_of_events_has_a_limit_of_tries_and_dead_letters(stack: Template) -> None:
    letters = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    asynchronous = set()
    for rule in every(stack, "AWS::Events::Rule").values():
        for target in rule["Properties"]["Targets"]:
            assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0
            assert target["DeadLetterConfig"]["Arn"] == letters
            asynchronous.add(target["Arn"]["Fn::GetAtt"][0])
    configured = {c["Properties"]["FunctionName"]["Ref"]: c["Properties"] for c in invoke_configs(stack)}
    assert set(configured) == asynchronous, "the clock calls them asynchronously"
    for config in configured.values():
        assert config["MaximumRetryAttempts"] == 0
        assert config["DestinationConfig"]["OnFailure"]["Destination"] == letters


def test_a_record_of_the_stream_that_cannot_be_handled_holds_nobody_up(stack: Template) -> None:
    """Unasked, Lambda brings a failing batch again for a day, and every patient behind it waits."""
    for source in every(stack, "AWS::Lambda::EventSourceMapping").values():
        properties = source["Properties"]
        assert properties["MaximumRetryAttempts"] == 3
        assert properties["MaximumRecordAgeInSeconds"] == 60, "the sweep has told them by then"
        assert properties["BisectBatchOnFunctionError"] is True
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert properties["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
        (only,) = properties["FilterCriteria"]["Filters"]
        assert json.loads(only["Pattern"])["dynamodb"]["NewImage"] == {
            "kind": {"S": ["visit"]},
            "state": {"S": [State.ASSIGNED]},
        }


def invoke_configs(stack: Template) -> list[Template]:
    return list(every(stack, "AWS::Lambda::EventInvokeConfig").values())


def test_every_queue_is_encrypted_and_keeps_letters_for_two_weeks(stack: Template) -> None:
    for queue in every(stack, "AWS::SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
        assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_the_door_is_traced_throttled_compressed_and_polite(stack: Template) -> None:
    stage = the(stack, "AWS::ApiGateway::Stage")["Properties"]
    assert stage["TracingEnabled"] is True
    (settings,) = stage["MethodSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "RequestsAtOnce"}
    assert settings["MetricsEnabled"] is False, "five metrics a route at 0.30 USD; those of the whole API are free"
    api = the(stack, "AWS::ApiGateway::RestApi")["Properties"]
    assert api["MinimumCompressionSize"] == 512
    answers = api["Body"]["x-amazon-apigateway-gateway-responses"]
    assert answers["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"
    assert answers["INVALID_API_KEY"]["statusCode"] == "403"
    assert answers["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'5'"


def test_what_the_door_says_before_anybody_of_ours_is_asked_is_said_in_our_way(stack: Template) -> None:
    """In both languages, in letters that CloudFormation leaves as they are; nothing is loaded, framed or kept."""
    answers = the(stack, "AWS::ApiGateway::RestApi")["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    assert {"MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(answers)
    for name, answer in answers.items():
        said = answer["responseTemplates"]
        assert set(json.loads(said["application/json"])) >= {"type", "title"}, name
        page = said["text/html"]
        assert page.isascii(), name
        assert re.search(r"<div lang=zh-Hans><h1>(&#\d+;)+</h1><p>(&#\d+;)+", page), name
        assert not re.search(r"https?:|src=|href=|<script|<style|\$", page), name
        headers = {key.rpartition(".")[2]: value for key, value in answer["responseParameters"].items()}
        assert headers["Content-Security-Policy"].startswith("'default-src;"), name
        assert headers["Cache-Control"] == "'no-store'", "the edge would show it to the next"
        assert headers["X-Content-Type-Options"] == "'nosniff'", name
        assert all(re.fullmatch("'[^']+'", value) for value in headers.values()), name


def test_an_address_that_only_takes_a_form_may_be_looked_at(stack: Template) -> None:
    """The function leads to the page above; API Gateway by itself would say that there is no such address."""
    paths = the(stack, "AWS::ApiGateway::RestApi")["Properties"]["Body"]["paths"]
    assert [path for path, ways in paths.items() if "get" not in ways] == []


def test_only_the_stage_we_look_after_is_deployed(stack: Template) -> None:
    """SAM adds a stage of its own, without throttle, trace and log, unless it is told not to."""
    assert "StageName" not in the(stack, "AWS::ApiGateway::Deployment")["Properties"]


def test_the_access_log_names_no_address_no_person_and_no_query(stack: Template) -> None:
    setting = the(stack, "AWS::ApiGateway::Stage")["Properties"]["AccessLogSetting"]
    assert setting["DestinationArn"] == {"Fn::GetAtt": ["AccessLog", "Arn"]}
    told = set(json.loads(setting["Format"]).values())
    assert "$context.resourcePath" in told, "the route with its {names}, not what stood in them"
    wrong = ("$context.path", "querystring", "identity", "authorizer", "$input", "header")
    assert not [value for value in told for word in wrong if word in value]


def test_every_route_reaches_the_function_through_the_alias_that_is_kept_warm(stack: Template) -> None:
    from app import app

    body = the(stack, "AWS::ApiGateway::RestApi")["Properties"]["Body"]
    built = {(path, method.upper()): way for path, ways in body["paths"].items() for method, way in ways.items()}
    assert set(built) == {(path, method) for path, methods in app.routes.items() for method in {*methods, "GET"}}
    for route, way in built.items():
        assert "${APIHandlerAliaslive}" in way["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"], route
        assert way["security"] == {"Fn::If": ["WithEdge", [{"edge": []}], []]}, route
    allowed = stack["Resources"]["APIHandlerInvokePermission"]["Properties"]
    assert allowed["FunctionName"] == {"Ref": "APIHandlerAliaslive"}
    alias = the(stack, "AWS::Lambda::Alias")["Properties"]
    assert alias["ProvisionedConcurrencyConfig"]["Fn::If"][0] == "KeptWarm"
    warm = stack["Resources"]["WarmScaling"]["Properties"]
    assert warm["ResourceId"] == {"Fn::Sub": f"function:${{APIHandler}}:{alias['Name']}"}
    surge, usual = warm["ScheduledActions"]["Fn::If"][1]
    assert surge["Schedule"] == {"Ref": "SurgeFrom"}
    assert usual["Schedule"] == {"Ref": "SurgeUntil"}


def test_nobody_may_do_anything_everywhere(stack: Template) -> None:
    """No wildcard: a resource is named, but for the traces, which X-Ray takes without one, and our table's streams,
    which have no name before they are made."""
    for name, role in every(stack, "AWS::IAM::Role").items():
        for policy in role["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = set(statement["Action"])
                assert not [action for action in actions if "*" in action], name
                if actions == {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}:
                    continue
                named = json.dumps(statement["Resource"]).replace("${Roots.Arn}/roots/*", "what the anchor puts there")
                assert "*" not in named.replace("${ClinicTable.Arn}/stream/*", "the stream"), name


def test_every_parameter_says_what_it_is_for(stack: Template) -> None:
    assert [name for name, parameter in stack["Parameters"].items() if len(parameter["Description"]) < 20] == []


def test_without_an_answer_to_any_question_a_stack_can_be_made(stack: Template) -> None:
    assert all("Default" in parameter for parameter in stack["Parameters"].values())
    assert len(stack["Parameters"]) <= 200, "CloudFormation's limit"
    assert len(json.dumps(stack)) < 1_000_000, "CloudFormation's limit"


def test_what_the_template_is_merged_from_is_in_the_checkout() -> None:
    found = [*(ROOT / "infra" / "stack").glob("*.json"), *(ROOT / ".chalice").glob("*.json")]
    assert all(json.loads(part.read_text()) for part in found)
