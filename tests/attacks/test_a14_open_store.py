"""A14, a store that is open to the world: no bucket, table or key of the stack is, and no bucket without TLS."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra import stack
from tests.attacks import breaks

Template = dict[str, Any]
KIT = {"timezone": "UTC"}
POLICIES = {"PolicyDocument", "KeyPolicy", "ResourcePolicy", "AssumeRolePolicyDocument"}


def open_to_the_world(template: Template) -> Iterator[str]:
    """Everything in the stack's own parts that is open, or would be without TLS, in words."""
    resources: dict[str, Template] = template["Resources"]
    for name, one in resources.items():
        said = one.get("Properties", {})
        for statement in _statements(said):
            if statement.get("Effect") == "Allow" and _anybody(statement.get("Principal")) and not _of_ours(statement):
                yield f"{name}: anybody"
        if one.get("Type") == "AWS::S3::Bucket":
            yield from _bucket(name, said, resources)
        if one.get("Type") == "AWS::DynamoDB::Table":
            encrypted = said.get("SSESpecification", {})
            if encrypted.get("SSEType") != "KMS" or not encrypted.get("SSEEnabled") or "ResourcePolicy" in said:
                yield f"{name}: not closed"


def _bucket(name: str, said: Template, resources: dict[str, Template]) -> Iterator[str]:
    block = said.get("PublicAccessBlockConfiguration", {})
    asked = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    if [block.get(one) for one in asked] != [True] * 4:
        yield f"{name}: public access is not blocked"
    if "AccessControl" in said or "BucketEncryption" not in said:
        yield f"{name}: an access list, or no encryption"
    policies = [one["Properties"] for one in resources.values() if one.get("Type") == "AWS::S3::BucketPolicy"]
    its = [one for policy in policies if policy["Bucket"] == {"Ref": name} for one in _statements(policy)]
    if not any(_refuses_without_tls(one) for one in its):
        yield f"{name}: answers without TLS"


def _refuses_without_tls(statement: Template) -> bool:
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    return statement["Effect"] == "Deny" and statement["Condition"] == plain and _anybody(statement["Principal"])


def _of_ours(statement: Template) -> bool:
    """Anybody of this very account, through a service that is named: how a key says "whoever may use the table"."""
    asked = statement.get("Condition", {}).get("StringEquals", {})
    return asked.get("kms:CallerAccount") == {"Ref": "AWS::AccountId"} and "kms:ViaService" in asked


def _anybody(principal: Any) -> bool:
    return principal == "*" or (isinstance(principal, dict) and principal.get("AWS") in ("*", ["*"]))


def _statements(said: Any) -> Iterator[Template]:
    """Of every policy in there, however deep."""
    if isinstance(said, list):
        for one in said:
            yield from _statements(one)
    elif isinstance(said, dict):
        for key, value in said.items():
            if key in POLICIES and isinstance(value, dict):
                yield from value["Statement"] if isinstance(value["Statement"], list) else [value["Statement"]]
            else:
                yield from _statements(value)


@pytest.fixture(scope="module")
def whole() -> Template:
    return stack.assemble(KIT)


def test_nothing_is_open(whole: Template) -> None:
    kinds = {one.get("Type") for one in whole["Resources"].values()}
    assert {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key"} <= kinds
    assert not list(open_to_the_world(whole))


def _opened(change: Callable[[dict[str, Template]], object]) -> Callable[[Template], Template]:
    def opened(template: Template) -> Template:
        other = copy.deepcopy(template)
        change(other["Resources"])
        return other

    return opened


def _one(resources: dict[str, Template], kind: str) -> Template:
    found: Template = next(one["Properties"] for one in resources.values() if one.get("Type") == kind)
    return found


ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
BREAKS = {
    "public access": lambda r: _one(r, "AWS::S3::Bucket")["PublicAccessBlockConfiguration"].update(
        BlockPublicAcls=False
    ),
    "no block at all": lambda r: _one(r, "AWS::S3::Bucket").pop("PublicAccessBlockConfiguration"),
    "no policy": lambda r: _one(r, "AWS::S3::BucketPolicy")["PolicyDocument"].update(Statement=[]),
    "anybody may read": lambda r: _one(r, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"].append(ANYBODY),
    "a public list": lambda r: _one(r, "AWS::S3::Bucket").update(AccessControl="PublicRead"),
    "a table of its own key": lambda r: _one(r, "AWS::DynamoDB::Table").pop("SSESpecification"),
    "anybody has the key": lambda r: _one(r, "AWS::KMS::Key")["KeyPolicy"]["Statement"].append(
        {**ANYBODY, "Principal": {"AWS": "*"}, "Action": "kms:Decrypt"}
    ),
}


def test_a_stack_with_one_open_is_noticed() -> None:
    with breaks.BREAKS["a14 a bucket is open"]():
        assert list(open_to_the_world(stack.assemble(KIT)))


@pytest.mark.parametrize("name", BREAKS)
def test_what_somebody_opens_is_noticed(whole: Template, name: str) -> None:
    assert list(open_to_the_world(_opened(BREAKS[name])(whole)))
