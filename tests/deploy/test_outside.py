"""What services outside need is permitted where the kit uses them, it is exactly what is used, and nowhere else."""

import json
import shutil
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from chalicelib.outside import push, signing, sms
from infra.local import engine
from infra.package import MERGED, ROOT, SERVICES, permit
from tests.outside.test_push import ENDPOINT, Service, forget

OFF: dict[str, Any] = {"sms": {"provider": "none"}, "push": {"on": False}}
ON: dict[str, Any] = {"sms": {"provider": "sns"}, "push": {"on": True}}


def permitted(folder: Path, kit: dict[str, Any], function: str = "api") -> tuple[dict[str, Any], dict[str, Any]]:
    """The function's statements by name, and the template, as this kit is deployed."""
    for name in (".chalice", "infra"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.py*"), dirs_exist_ok=True)
    permit(folder, {"timezone": "UTC"} | kit)
    policy = json.loads((folder / ".chalice" / f"policy-{function}.json").read_text())
    return {one["Sid"]: one for one in policy["Statement"]}, json.loads((folder / MERGED).read_text())


def test_what_is_not_used_is_not_permitted(tmp_path: Path) -> None:
    for kit in (OFF, {}):
        may, stack = permitted(tmp_path, kit)
        assert set(may) == {"RememberTheClinic", "SignRecords", "WriteTheLog", "SendTraces"}
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


def test_the_signing_key_is_permitted_what_is_asked_of_it(tmp_path: Path) -> None:
    used: set[str] = set()
    signing._kms.cache_clear()
    signing._public.cache_clear()
    with engine.moto():
        signing._kms().meta.events.register("before-call.kms", lambda model, **_: used.add(f"kms:{model.name}"))
        value = signing.KMS.sign(b"x" * 32)
        assert signing.KMS.verify(b"x" * 32, value, key=signing.KMS.key_id)
        assert signing.KMS.public_key()
    signing._kms.cache_clear()
    signing._public.cache_clear()
    may, _ = permitted(tmp_path, OFF)
    assert used == set(may["SignRecords"]["Action"])
    assert may["SignRecords"]["Resource"] == {"Fn::GetAtt": ["SigningKey", "Arn"]}


def test_both_functions_know_the_key_and_it_outlives_the_stack(tmp_path: Path) -> None:
    may, stack = permitted(tmp_path, ON)
    assert may["SignPushes"]["Resource"] == {"Fn::GetAtt": ["PushKey", "Arn"]}
    assert may["SendTexts"]["NotResource"] == {"Fn::Sub": "arn:${AWS::Partition}:sns:*:*:*"}, "phones, not topics"
    variables = stack["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["PUSH_KEY"] == {"Ref": "PushKey"}
    assert variables["ORIGIN"] == {"Ref": "Origin"}
    assert permitted(tmp_path, ON, "sweep")[0]["SignPushes"] == may["SignPushes"]
    assert stack["Resources"]["PushKey"]["DeletionPolicy"] == "Retain"
    properties = stack["Resources"]["PushKey"]["Properties"]
    assert (properties["KeySpec"], properties["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
