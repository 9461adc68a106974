"""Who deploys: the permissions that docs/deploy.md names are enough for every part of the stack and every command."""

import json
import re
from typing import Any

import pytest

from infra.package import ROOT

pytestmark = pytest.mark.zip

# Where a service's name in policies is not its name in CloudFormation, in small letters.
IN_POLICIES = {"cognito": "cognito-idp", "applicationautoscaling": "application-autoscaling"}
CALLED = re.compile(r"""client\("([a-z0-9-]+)"\)""")


@pytest.fixture(scope="module")
def policy() -> dict[str, Any]:
    (block,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, Any] = json.loads(block)
    return found


def services(policy: dict[str, Any]) -> set[str]:
    actions = (statement["Action"] for statement in policy["Statement"])
    return {one.partition(":")[0] for said in actions for one in ([said] if isinstance(said, str) else said)}


def test_every_part_of_the_stack_can_be_made_with_them(stack: dict[str, Any], policy: dict[str, Any]) -> None:
    kinds = {resource["Type"].split("::")[1].lower() for resource in stack["Resources"].values()}
    assert {IN_POLICIES.get(kind, kind) for kind in kinds} <= services(policy)


def test_every_command_may_ask_what_it_asks(policy: dict[str, Any]) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "infra" / "clinic").glob("*.py"))
    assert {"cloudformation", "dynamodb", "s3", "sts"} <= set(CALLED.findall(code)) <= services(policy)


def test_roles_are_made_and_handed_on_only_under_the_clinics_name(policy: dict[str, Any]) -> None:
    for statement in policy["Statement"]:
        if any(action.startswith("iam:") for action in statement["Action"] if not isinstance(statement["Action"], str)):
            assert statement["Resource"].endswith(":role/clinic-*")
            assert "iam:*" not in statement["Action"]
    assert len(json.dumps(policy, separators=(",", ":"))) < 6144, "as long as IAM lets a policy be"
