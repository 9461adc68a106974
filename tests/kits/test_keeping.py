"""After it is open, against a made-up AWS: letting people in, the drill, taking records out, going back, closing."""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from infra.clinic import closing, drilling, keeping, opening, people, stack
from infra.clinic.account import Account
from infra.clinic.people import Newcomer
from infra.clinic.trouble import Trouble
from infra.kit import TEMPLATES, Kit, read
from tests.kits.cloud import ACCOUNT, REGION, STACK, TOPIC, Cloud, no_network, opened

pytestmark = pytest.mark.slow

LONG_AGO = datetime.now(UTC) - 31 * closing.YEAR
DEREK = Newcomer(id="derek", name="Dr Derek", role="doctor", licence="L1", licence_until="2030-01-01")


@pytest.fixture(scope="module")
def kit() -> Kit:
    return read(TEMPLATES / "children")


@pytest.fixture
def cloud(tmp_path: Path, kit: Kit) -> Iterator[Cloud]:
    """One account with the clinic open in it."""
    with opened(tmp_path) as made:
        opening.deploy(made.account, made.order(kit), made.said.append)
        yield made


def put(cloud: Cloud, pk: str, sk: str, **more: str) -> None:
    item = {"pk": {"S": pk}, "sk": {"S": sk}, **{name: {"S": value} for name, value in more.items()}}
    cloud.client("dynamodb").put_item(TableName="riverside", Item=item)


def tables(cloud: Cloud) -> list[str]:
    found: list[str] = cloud.client("dynamodb").list_tables()["TableNames"]
    return found


def test_the_drill_restores_and_leaves_nothing(cloud: Cloud) -> None:
    put(cloud, "V#general.0.2.1", "V")
    found = drilling.drill(cloud.account, STACK, cloud.said.append)
    assert (found.rows, found.visits, found.lines) == (1, 1, 0)
    assert tables(cloud) == ["riverside"]


def test_the_drill_finds_a_line_that_no_chain_holds_and_keeps_the_evidence(cloud: Cloud) -> None:
    put(cloud, "V#general.0.2.1", "X#1", at=LONG_AGO.isoformat())
    with pytest.raises(Trouble, match="X#1: is in no chain") as caught:
        drilling.drill(cloud.account, STACK, cloud.said.append)
    (second,) = [name for name in tables(cloud) if name != "riverside"]
    assert second in caught.value.what
    assert "Do not deploy or delete" in caught.value.then


def test_the_drill_finds_what_is_gone_from_the_live_table(cloud: Cloud) -> None:
    put(cloud, "V#general.0.2.1", "V")

    def vandal(line: str) -> None:
        if "line by line" in line:
            cloud.client("dynamodb").delete_item(
                TableName="riverside", Key={"pk": {"S": "V#general.0.2.1"}, "sk": {"S": "V"}}
            )

    with pytest.raises(Trouble, match="is in the backup, and gone from the live table"):
        drilling.drill(cloud.account, STACK, vandal)


def test_without_recovery_there_is_nothing_to_drill(cloud: Cloud) -> None:
    backups = dynamodb_backends[ACCOUNT][REGION].tables["riverside"].continuous_backups
    backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] = "DISABLED"
    with pytest.raises(Trouble, match="no point-in-time recovery"):
        drilling.drill(cloud.account, STACK, cloud.said.append)
    assert any(
        line == "recovery   OFF" for line in keeping.health(cloud.account, STACK, stack.look(cloud.account, STACK))
    )


def test_a_drill_that_loses_its_network_says_what_may_be_left(cloud: Cloud) -> None:
    cloud.wire.next("dynamodb.RestoreTableToPointInTime", no_network)
    with pytest.raises(Trouble, match="A table riverside-drill-.* may be left: remove it with"):
        drilling.drill(cloud.account, STACK, cloud.said.append)
    drilling.drill(cloud.account, STACK, cloud.said.append)


def test_records_are_exported_to_the_hospitals_own_bucket(cloud: Cloud) -> None:
    put(cloud, "V#general.0.2.1", "V")
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": REGION})
    assert keeping.export(cloud.account, STACK, "mine", cloud.said.append) == f"s3://mine/{STACK}/"
    assert s3.list_objects_v2(Bucket="mine")["KeyCount"] >= 1


def test_closing_leaves_the_records_and_says_so(cloud: Cloud) -> None:
    put(cloud, "V#general.0.2.1", "V")
    cloud.said.clear()
    closing.close(cloud.account, STACK, cloud.said.append)
    assert "  stays: DynamoDB::Table riverside" in cloud.said
    assert tables(cloud) == ["riverside"]
    with pytest.raises(Trouble, match="There is no clinic in the stack"):
        closing.close(cloud.account, STACK, cloud.said.append)


def test_records_under_retention_are_not_destroyed(cloud: Cloud) -> None:
    put(cloud, "V#general.0.2.1", "X#1", at=LONG_AGO.isoformat())
    put(cloud, "V#general.0.2.2", "X#2", at=(datetime.now(UTC) - timedelta(days=400)).isoformat())
    with pytest.raises(Trouble, match=r"must be kept until 20\d\d-.*Nothing was changed"):
        closing.close(cloud.account, STACK, cloud.said.append, with_records=True)
    assert cloud.state() == "CREATE_COMPLETE"


def test_records_whose_time_is_over_go_when_asked_for(cloud: Cloud) -> None:
    put(cloud, "V#general.0.2.1", "X#1", at=LONG_AGO.isoformat())
    closing.close(cloud.account, STACK, cloud.said.append, with_records=True)
    assert tables(cloud) == []


def test_an_upgrade_that_does_not_answer_goes_back(cloud: Cloud, kit: Kit) -> None:
    before = cloud.stack.tags["template"]
    asked: list[str] = []

    def silent(_: Account, door: str) -> bool:
        asked.append(door)
        return False

    door = {"Address": {"Value": "https://clinic.example/"}}
    cloud.wire.next("dynamodb.CreateBackup", lambda: None)
    order = cloud.order(kit, code="two", outputs=door, AlarmTopic=TOPIC)
    with pytest.raises(Trouble, match="the version before it runs again"):
        opening.upgrade(cloud.account, order, cloud.said.append, silent)
    assert asked == ["https://clinic.example"]
    assert cloud.stack.tags["template"] == before
    opening.upgrade(cloud.account, order, cloud.said.append, lambda *_: True)
    assert cloud.stack.tags["commit"] == "commit-two"
    assert cloud.client("dynamodb").list_backups(TableName="riverside")["BackupSummaries"]


class Copy:
    """Stands where the clinic's own code runs; keeps what it was given."""

    def __init__(self, code: int = 0, said: str = "word-word", why: str = "") -> None:
        self.answer, self.words, self.settings = (code, said, why), [""], {"": ""}

    def __call__(self, kit: Kit, words: list[str], settings: Mapping[str, str]) -> tuple[int, str, str]:
        self.words, self.settings = words, dict(settings)
        return self.answer


def people_stack(cloud: Cloud, kit: Kit) -> None:
    pool: dict[str, Any] = {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": "staff"}}
    client = {"Type": "AWS::Cognito::UserPoolClient", "Properties": {"UserPoolId": {"Ref": "StaffPool"}}}
    opening.deploy(cloud.account, cloud.order(kit, code="p", StaffPool=pool, StaffClient=client), cloud.said.append)


def test_staff_are_let_in_by_the_clinics_own_code_for_this_stack(cloud: Cloud, kit: Kit) -> None:
    people_stack(cloud, kit)
    copy = Copy()
    assert people.add(cloud.account, STACK, kit, DEREK, copy) == "word-word"
    assert copy.settings["TABLE"] == "riverside"
    assert copy.settings["STAFF_POOL"].startswith(REGION)
    assert copy.words == ["derek", "Dr Derek", "doctor", "--licence=L1", "--licence-until=2030-01-01"]


def test_why_somebody_cannot_be_let_in_is_said(cloud: Cloud, kit: Kit) -> None:
    with pytest.raises(Trouble, match="no StaffPool yet. Nobody was let in"):
        people.add(cloud.account, STACK, kit, DEREK, Copy())
    people_stack(cloud, kit)
    taken = Copy(1, why="This sign-in name is taken. Choose another.\n")
    with pytest.raises(Trouble, match="This sign-in name is taken") as caught:
        people.add(cloud.account, STACK, kit, dataclasses.replace(DEREK, id="max"), taken)
    assert "not done twice" in caught.value.then
