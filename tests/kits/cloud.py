"""A made-up AWS account for the command: moto, and what happens to requests on their way there."""

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError
from moto.cloudformation.models import cloudformation_backends
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from infra.clinic.account import Account
from infra.clinic.opening import Order
from infra.clinic.packing import Packed
from infra.kit import Kit
from infra.local import engine
from tests.simulation.mutants import instead

REGION, ACCOUNT = "ap-southeast-1", "123456789012"
STACK = "clinic-riverside"
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {
        "TableName": "riverside",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    },
}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alarms"}}
Fault = Callable[[], Any]


class Wire:
    """Stands before moto: the next request of a kind meets what was put in its way, and never arrives."""

    def __init__(self) -> None:
        self._faults: dict[str, list[Fault]] = {}
        self.asked: list[str] = []

    def next(self, operation: str, *faults: Fault) -> None:
        self._faults.setdefault(operation, []).extend(faults)

    def __call__(self, request: Any, event_name: str, **_: Any) -> Any:
        operation = event_name.removeprefix("before-send.")
        self.asked.append(operation)
        faults = self._faults.get(operation)
        fault = faults.pop(0) if faults else ALWAYS.get(operation)
        found = fault() if fault else None
        if found is not None:
            request.url = "https://nowhere.invalid/"  # moto is asked too, and must not recognise it
        return found


class Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(status: int, text: str) -> AWSResponse:
    return AWSResponse("https://aws.example", status, {}, Body(text.encode()))


def refused(code: str, message: str = "", *, status: int = 400, query: bool = True) -> Fault:
    """An error as CloudFormation and STS send it (`query`), or S3."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    text = f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>" if query else error
    return lambda: answer(status, text)


# moto lints here, for ten seconds; the real templates are linted once, in tests/deploy.
ALWAYS: dict[str, Fault] = {
    "cloudformation.ValidateTemplate": lambda: answer(
        200, "<ValidateTemplateResponse><ValidateTemplateResult/></ValidateTemplateResponse>"
    )
}


def no_network() -> Any:
    raise EndpointConnectionError(endpoint_url="https://aws.example")


@dataclass
class Cloud:
    """One made-up account with its wire, and what the command said to the person."""

    account: Account
    wire: Wire
    folder: Path
    said: list[str] = field(default_factory=list)

    def order(self, kit: Kit, *, code: str = "one", table: bool = True, outputs: Any = None, **resources: Any) -> Order:
        """What to deploy: a zip with `code` in it, and a stack small enough that moto really builds it."""

        def pack(kit: Kit, *, tree: bool, arch: str) -> Packed:
            file = self.folder / f"{code}.zip"
            with zipfile.ZipFile(file, "w") as packed:
                packed.writestr(zipfile.ZipInfo("app.py"), code)
            made = {**({"ClinicTable": TABLE} if table else {}), **resources}
            template = {"AWSTemplateFormatVersion": "2010-09-09", "Description": code, "Resources": made}
            if outputs:
                template["Outputs"] = outputs
            return Packed(zip=file, template=template, parameters={}, commit=f"commit-{code}")

        return Order(kit=kit, stack=STACK, pack=pack)

    def client(self, service: str) -> Any:
        return self.account.client(service)

    @property
    def stack(self) -> Any:
        """The stack as moto keeps it, to bring it into states that moto never reaches."""
        stacks = cloudformation_backends[ACCOUNT][REGION].stacks.values()
        return next(one for one in stacks if one.name == STACK)

    def catch_up(self) -> None:
        """The recovery that the template asks for; moto's CloudFormation leaves it out."""
        on = {"PointInTimeRecoveryEnabled": True}
        self.client("dynamodb").update_continuous_backups(TableName="riverside", PointInTimeRecoverySpecification=on)

    def state(self) -> str:
        found: str = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
        return found


def _carried_out(**_: Any) -> None:
    """What moto leaves as it was when a change set is carried out: the stack's tags and outputs."""
    backend = cloudformation_backends[ACCOUNT][REGION]
    for change in backend.change_sets.values():
        stack = backend.stacks.get(change.stack_id)
        if stack and change.execution_status == "EXECUTE_COMPLETE":  # a stack may have been deleted since
            stack.tags = change.tags
            stack.output_map._output_json_map = json.loads(change.template).get("Outputs")


def _under_tls(bucket: Any, action: str, resource: str) -> PermissionResult:
    """moto knows no conditions, and denies everybody what is denied to who comes without TLS; we come with it."""
    return PermissionResult.NEUTRAL


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Cloud]:
    """An empty account, for the length of the block."""
    before = dict(os.environ)
    engine.keep_local()
    try:
        with engine.moto(), instead(FakeBucket, "get_permission", _under_tls):
            session = botocore.session.get_session()
            wire = Wire()
            session.get_component("event_emitter").register_first("before-send", wire)
            session.get_component("event_emitter").register("after-call.cloudformation.ExecuteChangeSet", _carried_out)
            yield Cloud(Account(REGION, seconds=0, tries=1, session=session), wire, folder)
    finally:
        os.environ.clear()
        os.environ.update(before)
