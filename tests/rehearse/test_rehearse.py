"""A deployment rehearsed: made, visited, told, changed with a visit open, poisoned, and taken down again.

One story in order, on one local AWS: each test goes on where the one before it ended. What this AWS does not do and
the tests do for it is in `Cloud.measure`; what nobody does here is listed in docs/deploy.md.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra import kit, package
from infra.local import aws
from infra.local.edge import Edge, edge
from infra.local.engine import LOCAL, NEVER_LOCAL
from infra.stack import METRICS
from tests.deploy.test_whole_visit import GREETING, REPLY, SECRETS, WORDS, Visitor, visit
from tests.people import ANN

pytestmark = [pytest.mark.rehearse, pytest.mark.slow]

STACK = "clinic"
NAMES = (
    'name = { en = "Riverside Clinic", zh = "河畔云诊所" }',
    'name = { en = "Lakeside Clinic", zh = "湖畔云诊所" }',
)
PATIENCE = 150  # seconds; a record is brought again for one minute before it is given up
STAYS = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::IAM::Role",
    "AWS::ApiGateway::Account",
    "AWS::Cognito::UserPool",
}
SERVICES = (
    "apigateway",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "dynamodb",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sqs",
)


@dataclass
class Cloud:
    """The local AWS with our stack in it."""

    address: str
    clients: dict[str, Any]
    outputs: dict[str, str] = field(default_factory=dict)
    door: str = ""
    edge: Edge | None = None
    ann: Visitor | None = None
    ada: Visitor | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def deploy(self, made: Path) -> None:
        begun = time.monotonic()
        self.outputs = aws.deploy(
            self.clients["cloudformation"], self.clients["s3"], made, self.address, STACK, AlarmEmail="it@example.org"
        )
        self.seconds[f"deploy {made.name}"] = time.monotonic() - begun

    def resources(self) -> dict[str, dict[str, str]]:
        found = self.clients["cloudformation"].describe_stack_resources(StackName=STACK)["StackResources"]
        return {one["LogicalResourceId"]: one for one in found}

    def log(self) -> list[str]:
        """Every line the functions have written, whoever of them."""
        logs = self.clients["logs"]
        groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
        pages = [logs.filter_log_events(logGroupName=name) for name in groups if name.startswith("/aws/lambda/")]
        return [line for page in pages for event in page["events"] for line in event["message"].splitlines()]

    def said(self, event: str) -> list[dict[str, Any]]:
        """The coded errors of one kind in the log; of a function's own lines this AWS keeps no lesser ones."""
        found = [_event(line) for line in self.log() if "event" in line]
        return [one for one in found if one.get("event") == event]

    def measure(self) -> None:
        """What CloudWatch does by itself and this AWS does not: read the sweep's line, and look at the queue."""
        put = self.clients["cloudwatch"].put_metric_data
        for line in (line for line in self.log() if '"_aws"' in line):
            said = json.loads(line[line.index("{") :])
            (about,) = said["_aws"]["CloudWatchMetrics"]
            assert about["Namespace"] == METRICS
            dimensions = [{"Name": "Clinic", "Value": said["Clinic"]}]
            data = [
                {"MetricName": m["Name"], "Dimensions": dimensions, "Value": said[m["Name"]]} for m in about["Metrics"]
            ]
            put(Namespace=METRICS, MetricData=[one for one in data if not isinstance(one["Value"], list)])
        dimensions = [{"Name": "QueueName", "Value": f"{STACK}-dead-letters"}]
        depth = {"MetricName": "ApproximateNumberOfMessagesVisible", "Dimensions": dimensions, "Value": self.letters()}
        put(Namespace="AWS/SQS", MetricData=[depth])

    def letters(self) -> int:
        url = self.resources()["DeadLetters"]["PhysicalResourceId"]
        depth = "ApproximateNumberOfMessages"
        return int(self.clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=[depth])["Attributes"][depth])

    def alarm(self, name: str) -> str:
        (found,) = self.clients["cloudwatch"].describe_alarms(AlarmNames=[f"{STACK}-{name}"])["MetricAlarms"]
        return str(found["StateValue"])

    def reader(self) -> "Reader":
        return Reader(self.clients["dynamodb"], self.outputs["TableName"])


class Staffed(Visitor):
    """Somebody whose badge is written into the stack's table: this AWS cannot ask for a second factor."""

    secure = True

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud.door)
        self.cloud = cloud

    def opened(self, id: str, mine: str) -> None:
        code = "import sys; from tests.deploy.test_whole_visit import session; session(*sys.argv[1:])"
        in_the_account(self.cloud, code, id, mine)


@dataclass
class Reader:
    """The table, as somebody with the account's console sees it."""

    dynamodb: Any
    table: str

    def one(self, pk: str, sk: str) -> dict[str, Any]:
        found: dict[str, Any] = self.dynamodb.get_item(TableName=self.table, Key={"pk": {"S": pk}, "sk": {"S": sk}})
        return dict(found["Item"])

    def notices(self) -> list[tuple[str, str, str]]:
        found = [one for one in self.all() if one["kind"]["S"] == "notice"]
        return [(one["notice_kind"]["S"], one["way"]["S"], one["state"]["S"]) for one in found]

    def all(self) -> list[dict[str, Any]]:
        return list(self.dynamodb.scan(TableName=self.table)["Items"])


def _event(line: str) -> dict[str, Any]:
    """A line of Lambda's log holds our coded event; what is not ours has none."""
    with contextlib.suppress(ValueError):
        said: dict[str, Any] = json.loads(line[line.index("{") :])
        return said
    return {}


def eventually(what: Callable[[], object], seconds: float = PATIENCE) -> float:
    """Wait until it is so; gives how long that took."""
    begun = time.monotonic()
    while not what():
        assert time.monotonic() - begun < seconds, "it never came"
        time.sleep(0.5)
    return time.monotonic() - begun


def packed(out: Path, name: str) -> Path:
    """A package of the general kit with texts turned on, freshly rendered under this name."""
    with tempfile.TemporaryDirectory(prefix="clinic-") as folder:
        mine, build = Path(folder, "templates", "general"), Path(folder, "build")
        shutil.copytree(kit.TEMPLATES, mine.parent)
        said = (mine / "clinic.toml").read_text()
        assert NAMES[0] in said
        assert 'provider = "none"' in said
        (mine / "clinic.toml").write_text(said.replace(NAMES[0], name).replace('provider = "none"', 'provider = "sns"'))
        package.copy_tree(build)
        kit.render(kit.read(mine), build)
        package.make(build, "x86_64", out)
    return out


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("packages")
    return [packed(folder / f"kit-{n}", name) for n, name in enumerate(NAMES)]


@pytest.fixture(scope="module")
def cloud(packages: list[Path], tmp_path_factory: pytest.TempPathFactory, told: list[str]) -> Iterator[Cloud]:
    begun = time.monotonic()
    with aws.aws(tmp_path_factory.mktemp("aws") / "log") as address:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": aws.REGION}
        made = Cloud(address, {name: boto3.client(name, endpoint_url=address, **keys) for name in SERVICES})
        made.deploy(packages[0])
        made.clients["events"].disable_rule(Name=made.resources()["SweepSweepEvent"]["PhysicalResourceId"])
        enrol(made)
        distribution = made.resources()["EdgeDistribution"]["PhysicalResourceId"]
        with edge(made.clients["cloudfront"], distribution, address) as (made.door, made.edge):
            yield made
    told.append(f"rehearsal: {time.monotonic() - begun:.0f} s; {made.seconds}")


def enrol(cloud: Cloud) -> None:
    """The staff, written into the stack's own table as a hospital's first ones are."""
    in_the_account(cloud, "from infra.local.seed import seed; seed()")


def in_the_account(cloud: Cloud, code: str, *words: str) -> None:
    """The clinic's own code in a process of its own, which knows the stack's table and where this AWS is."""
    kept = {name: value for name, value in os.environ.items() if name not in NEVER_LOCAL}
    settings = kept | LOCAL | {"TABLE": cloud.outputs["TableName"], "AWS_ENDPOINT_URL": cloud.address}
    subprocess.run([sys.executable, "-c", code, *words], cwd=package.ROOT, env=settings, check=True)


def get(address: str, **headers: str) -> tuple[int, dict[str, str], str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, dict(answer.headers), answer.read().decode()


def test_the_stack_stands(cloud: Cloud) -> None:
    """All of it, without a failure, and the function that answers is the version behind the alias."""
    states = {one["ResourceStatus"] for one in cloud.resources().values()}
    assert states == {"CREATE_COMPLETE"}
    assert cloud.clients["lambda"].get_alias(FunctionName=f"{STACK}-api", Name="live")["FunctionVersion"] == "1"


def test_the_api_is_closed_to_who_does_not_come_through_the_edge(cloud: Cloud) -> None:
    beside = f"{cloud.address}/restapis/{cloud.outputs['RestAPIId']}/clinic/_user_request_/health"
    assert get(beside)[0] == 403
    assert get(f"{cloud.door}/health")[::2] == (200, '{"status":"ok"}')


def test_the_edge_answers_the_board_and_asks_for_everything_else(cloud: Cloud) -> None:
    assert cloud.edge is not None
    board = [get(f"{cloud.door}/board/general")[1]["X-Cache"] for _ in range(3)]
    assert board == ["Miss from cloudfront", "Hit from cloudfront", "Hit from cloudfront"]
    assert cloud.edge.asked["/board/general"] == 1
    for _ in range(2):
        status, headers, page = get(f"{cloud.door}/en", Accept="text/html", Cookie="tickets=somebodys")
        assert (status, headers["X-Cache"]) == (200, "Miss from cloudfront")
    assert headers["Cache-Control"] == "private, no-store"
    assert "Riverside Clinic" in page
    assert "/clinic/" not in page, "no stage in any address: the edge has none"
    eventually(lambda: get(f"{cloud.door}/board/general")[1]["X-Cache"].startswith("Miss"), 10)


def test_a_whole_visit_is_played_through_it(cloud: Cloud) -> None:
    begun = time.monotonic()
    visit(cloud.door, lambda _: Staffed(cloud))
    cloud.seconds["visit"] = time.monotonic() - begun
    done = {one["deed"]["S"] for one in cloud.reader().all() if "deed" in one}
    assert {"join", "take_next", "sign", "review", "choose_delivery", "deliver"} <= done


def test_a_patient_is_told_by_the_stream_as_soon_as_a_doctor_takes_them(cloud: Cloud) -> None:
    """The clock stands still meanwhile, so that it cannot have been the sweep."""
    cloud.ann, cloud.ada = Staffed(cloud), Staffed(cloud)
    cloud.ann.join(text_me="yes")
    cloud.ada.sign_in("ada")
    cloud.ada.get(cloud.ada.url("doctor"))
    cloud.ada.fill("/duty", departments=ANN["department"], capacity="2")
    cloud.ada.fill("/next")
    cloud.seconds["told after"] = eventually(lambda: cloud.reader().notices() == [("turn", "sms", "sent")])


def test_a_poisoned_row_is_changed_by_hand(cloud: Cloud) -> None:
    """Half of a row is gone; the stream brings it, and again and again. It is looked for at the end."""
    reader = cloud.reader()
    (row,) = [one for one in reader.all() if one["kind"]["S"] == "visit" and one["state"]["S"] == "assigned"]
    reader.dynamodb.put_item(
        TableName=reader.table,
        Item={"pk": {"S": "V#general.0.2.999"}, "sk": {"S": "V"}, "kind": {"S": "visit"}, "state": {"S": "waiting"}},
    )
    key = {"pk": {"S": "V#general.0.2.999"}, "sk": {"S": "V"}}
    change = {"UpdateExpression": "SET #s = :s, answers = :a", "ExpressionAttributeNames": {"#s": "state"}}
    values = {":s": {"S": "assigned"}, ":a": row["answers"]}
    reader.dynamodb.update_item(TableName=reader.table, Key=key, **change, ExpressionAttributeValues=values)
    eventually(lambda: any(one["deed"] == "tell" for one in cloud.said("unexpected")))


def test_a_changed_kit_is_deployed_while_the_visit_is_open(cloud: Cloud, packages: list[Path]) -> None:
    before = {name: one["PhysicalResourceId"] for name, one in cloud.resources().items()}
    assert cloud.ann is not None
    assert cloud.ada is not None
    cloud.ada.fill("/messages", text=GREETING)
    cloud.deploy(packages[1])
    after = {name: one["PhysicalResourceId"] for name, one in cloud.resources().items()}
    kept = ("ClinicTable", "ClinicKey", "RestAPI", "EdgeDistribution", "DeadLetters", "EdgeSecret")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    eventually(lambda: "Lakeside Clinic" in get(f"{cloud.door}/en", Accept="text/html")[2], 30)
    assert cloud.clients["lambda"].get_alias(FunctionName=f"{STACK}-api", Name="live")["FunctionVersion"] == "2"
    assert GREETING in cloud.ann.look().words, "the ticket, the session and the conversation are as they were"
    cloud.ann.fill("/messages", text=REPLY)
    cloud.ada.get(cloud.ada.url("doctor", "visits", cloud.ann.visit, "finish"))
    note = {"subjective": "Cold", "objective": "38.2", "assessment": "Flu", "plan": "Rest"}
    line = {"medicine_1": "paracetamol-500", "dose_1": "500 mg", "per_day_1": "3", "days_1": "3"}
    signed = cloud.ada.fill(
        "/finish", outcome="prescription", stated="spoke", summary="Rest and drink.", **note, **line
    )
    assert "Waiting for the pharmacist" in signed.words
    assert "Rest and drink." in cloud.ann.look().words


def test_the_sweep_comes_by_the_clock_and_its_counts_are_measured(cloud: Cloud) -> None:
    cloud.clients["events"].enable_rule(Name=cloud.resources()["SweepSweepEvent"]["PhysicalResourceId"])
    eventually(lambda: any('"_aws"' in line for line in cloud.log()))
    cloud.measure()
    found = cloud.clients["cloudwatch"].list_metrics(Namespace=METRICS)["Metrics"]
    assert {"Swept", "LongestWaitMinutes", "DepartmentsAlone"} <= {one["MetricName"] for one in found}


def test_the_poison_ends_in_the_dead_letters_and_raises_the_alarm(cloud: Cloud) -> None:
    cloud.seconds["dead letter after"] = eventually(cloud.letters)
    url = cloud.resources()["DeadLetters"]["PhysicalResourceId"]
    (letter,) = cloud.clients["sqs"].receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    assert "DDBStreamBatchInfo" in letter["Body"]
    assert not [word for word in (*WORDS, *SECRETS) if word in letter["Body"]], "numbers, and nobody's words"
    cloud.measure()
    eventually(lambda: cloud.alarm("DeadLetters") == "ALARM", 30)


def test_nobody_is_in_the_log(cloud: Cloud) -> None:
    log = "\n".join(cloud.log())
    assert "unexpected" in log
    assert [word for word in (*WORDS, *SECRETS) if word.casefold() in log.casefold()] == []


def test_what_is_destroyed_leaves_only_what_it_said(cloud: Cloud, packages: list[Path]) -> None:
    template = json.loads((packages[1] / "sam.json").read_text())["Resources"]
    said = {name for name, one in template.items() if one.get("DeletionPolicy") == "Retain" and "Copy" not in name}
    before = cloud.resources()
    assert {before[name]["ResourceType"] for name in said} == STAYS
    table, key = (before[name]["PhysicalResourceId"] for name in ("ClinicTable", "ClinicKey"))
    rows = len(cloud.reader().all())
    cloud.clients["cloudformation"].delete_stack(StackName=STACK)
    gone = "DELETE_COMPLETE"
    stack_id = next(iter(before.values()))["StackId"]
    eventually(
        lambda: cloud.clients["cloudformation"].describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"] == gone,
        60,
    )
    assert len(cloud.clients["dynamodb"].scan(TableName=table)["Items"]) == rows, "every record is still there"
    assert cloud.clients["kms"].describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    left = {
        "functions": cloud.clients["lambda"].list_functions()["Functions"],
        "apis": cloud.clients["apigateway"].get_rest_apis()["items"],
        "keys of the api": cloud.clients["apigateway"].get_api_keys()["items"],
        "distributions": cloud.clients["cloudfront"].list_distributions()["DistributionList"].get("Items", []),
        "queues": cloud.clients["sqs"].list_queues().get("QueueUrls", []),
        "alarms": cloud.clients["cloudwatch"].describe_alarms()["MetricAlarms"],
        "logs": cloud.clients["logs"].describe_log_groups()["logGroups"],
    }
    assert {what: found for what, found in left.items() if found} == {}
    roles = [one["RoleName"] for one in cloud.clients["iam"].list_roles()["Roles"]]
    assert [name for name in roles if name.startswith(STACK)] == [before["ApiLogRole"]["PhysicalResourceId"]]
