"""What services outside need is permitted where the kit uses them, it is exactly what is used, and nowhere else."""

import json
import shutil
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from chalicelib.outside import push, sms
from infra.local import engine
from infra.package import FUNCTIONS, ROOT, SERVICES, permit
from tests.outside.test_push import ENDPOINT, Service, forget

OFF: dict[str, Any] = {"sms": {"provider": "none"}, "push": {"on": False}}
ON: dict[str, Any] = {"sms": {"provider": "sns"}, "push": {"on": True}}


def permitted(folder: Path, kit: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The policy's statements by name, and the template, as this kit is deployed."""
    for name in (".chalice/policy-api.json", "infra/clinic.json", "infra/outside.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    permit(folder, kit)
    policy = json.loads((folder / ".chalice" / "policy-api.json").read_text())
    return {one["Sid"]: one for one in policy["Statement"]}, json.loads((folder / "infra" / "clinic.json").read_text())


def test_what_is_not_used_is_not_permitted(tmp_path: Path) -> None:
    for kit in (OFF, {}):
        may, stack = permitted(tmp_path, kit)
        assert set(may) == {"RememberTheClinic", "WriteTheLog", "SendTraces"}
        assert "PushKey" not in stack["Resources"]


def test_what_is_used_is_permitted_and_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[str] = set()
    with engine.moto():
        kms = botocore.session.get_session().create_client("kms", region_name="eu-west-1")
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        monkeypatch.setenv("PUSH_KEY", key)
        forget()
        sms._client.cache_clear()
        for client in (push._kms(), sms._client()):
            service = client.meta.service_model.service_name
            client.meta.events.register(
                f"before-call.{service}", lambda model, service=service, **_: used.add(f"{service}:{model.name}")
            )
        assert push.public_key()
        push.wake(ENDPOINT, Service())
        sms.sns("+8613800001234", "It is nearly your turn.")
        forget()
        sms._client.cache_clear()
    may, _ = permitted(tmp_path, ON)
    assert used == set(may["SendTexts"]["Action"]) | set(may["SignPushes"]["Action"])
    assert {action.split(":")[0] for action in used} < SERVICES


def test_both_functions_know_the_key_and_it_outlives_the_stack(tmp_path: Path) -> None:
    may, stack = permitted(tmp_path, ON)
    assert may["SignPushes"]["Resource"] == {"Fn::GetAtt": ["PushKey", "Arn"]}
    assert may["SendTexts"]["NotResource"] == {"Fn::Sub": "arn:${AWS::Partition}:sns:*:*:*"}, "phones, not topics"
    for function in FUNCTIONS:
        variables = stack["Resources"][function]["Properties"]["Environment"]["Variables"]
        assert variables["PUSH_KEY"] == {"Ref": "PushKey"}
        assert variables["ORIGIN"] == {"Ref": "Origin"}
    assert stack["Resources"]["PushKey"]["DeletionPolicy"] == "Retain"
    properties = stack["Resources"]["PushKey"]["Properties"]
    assert (properties["KeySpec"], properties["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
