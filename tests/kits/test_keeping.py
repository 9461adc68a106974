"""After it is open, against a made-up AWS: letting people in, the drill, taking records out, going back, closing."""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from moto.dynamodb.models import dynamodb_backends

from infra.clinic import closing, drilling, keeping, opening, people, stack
from infra.clinic.__main__ import program
from infra.clinic.account import Account
from infra.clinic.people import Newcomer
from infra.clinic.trouble import Trouble
from infra.kit import ROOT, TEMPLATES, Kit, read
from tests.kits.cloud import ACCOUNT, REGION, STACK, TOPIC, Cloud, no_network, opened

pytestmark = pytest.mark.slow

DOOR = {"Address": {"Value": "https://clinic.example/"}}
LONG_AGO = datetime.now(UTC) - 31 * closing.YEAR
DEREK = Newcomer(
    id="derek", name="Dr Derek", role="doctor", title="Physician", licence="L1", licence_until="2199-01-01"
)


@pytest.fixture(scope="module")
def kit() -> Kit:
    return read(TEMPLATES / "children")


@pytest.fixture
def cloud(tmp_path: Path, kit: Kit) -> Iterator[Cloud]:
    """One account with the clinic open in it."""
    with opened(tmp_path) as made:
        opening.deploy(made.account, made.order(kit, outputs=DOOR), made.said.append)
        made.catch_up()
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
    closing.close(cloud.account, STACK, "children", cloud.said.append)
    assert "  stays: DynamoDB::Table riverside" in cloud.said
    assert tables(cloud) == ["riverside"]
    with pytest.raises(Trouble, match="There is no clinic in the stack"):
        closing.close(cloud.account, STACK, "children", cloud.said.append)


def test_what_goes_with_its_function_is_not_said_to_stay() -> None:
    kept = {"DeletionPolicy": "Retain"}
    resources = {"Version1": {"Type": closing.VERSION, **kept}, "Key": {"Type": "AWS::KMS::Key", **kept}}
    parts = {"Version1": "arn:1", "Key": "k-1", "Topic": "t"}
    assert closing.stays({"Resources": {**resources, "Topic": {"Type": "AWS::SNS::Topic"}}}, parts) == ["KMS::Key k-1"]


def test_records_under_retention_are_not_destroyed(cloud: Cloud) -> None:
    put(cloud, "V#general.0.2.1", "X#1", at=LONG_AGO.isoformat())
    newest = datetime.now(UTC) - timedelta(days=400)
    put(cloud, "V#general.0.2.2", "X#2", at=newest.isoformat())
    with pytest.raises(Trouble, match=r"must be kept until 20\d\d-.*Nothing was changed") as caught:
        closing.close(cloud.account, STACK, "children", cloud.said.append, with_records=True)
    assert cloud.state() == "CREATE_COMPLETE"
    assert "riverside has 2 rows" in caught.value.what
    assert f"the newest line of its audit about a patient's record is of {newest:%Y-%m-%d}" in caught.value.what
    assert f"stays for {closing.YEARS} years" in caught.value.what
    rules = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert f"{closing.YEARS} after its newest line about a patient" in rules


def test_records_whose_time_is_over_go_when_asked_for(cloud: Cloud) -> None:
    put(cloud, "V#general.0.2.1", "X#1", at=LONG_AGO.isoformat())
    with pytest.raises(Trouble, match="stays for 40 years"):
        closing.close(cloud.account, STACK, "children", cloud.said.append, with_records=True, years=40)
    closing.close(cloud.account, STACK, "children", cloud.said.append, with_records=True)
    assert "1 rows of riverside go with it, the audit too." in cloud.said
    assert tables(cloud) == []


def test_a_hospital_that_keeps_its_records_for_longer_keeps_the_table_for_longer(kit: Kit) -> None:
    def keeping_for(years: int) -> Kit:
        return dataclasses.replace(kit, said={**kit.said, "keep": {"clinical_years": years}})

    assert [closing.years_of(one) for one in (kit, keeping_for(20), keeping_for(40))] == [30, 30, 40]


def test_an_upgrade_that_does_not_answer_goes_back(cloud: Cloud, kit: Kit) -> None:
    before = cloud.stack.tags["template"]
    asked: list[str] = []

    def silent(_: Account, door: str) -> bool:
        asked.append(door)
        return False

    cloud.wire.next("dynamodb.CreateBackup", lambda: None)
    order = cloud.order(kit, code="two", outputs=DOOR, AlarmTopic=TOPIC)
    with pytest.raises(Trouble, match="the version before it runs again"):
        opening.upgrade(cloud.account, order, cloud.said.append, silent)
    assert asked == ["https://clinic.example"]
    assert cloud.stack.tags["template"] == before
    opening.upgrade(cloud.account, order, cloud.said.append, lambda *_: True)
    assert cloud.stack.tags["commit"] == "commit-two"
    assert cloud.client("dynamodb").list_backups(TableName="riverside")["BackupSummaries"]


def test_a_clinic_that_did_not_answer_before_the_upgrade_either_is_not_called_mended(cloud: Cloud, kit: Kit) -> None:
    order = cloud.order(kit, code="two", outputs=DOOR, AlarmTopic=TOPIC)
    opening.deploy(cloud.account, order, cloud.said.append)
    with pytest.raises(Trouble, match="is the version that ran before. Nothing was changed"):
        opening.upgrade(cloud.account, order, cloud.said.append, lambda *_: False)


class Copy:
    """Stands where the clinic's own code runs; keeps what it was given."""

    def __init__(self, code: int = 0, said: str = "word-word", why: str = "") -> None:
        self.answer, self.words, self.settings = (code, said, why), [""], {"": ""}

    def __call__(self, kit: Kit, words: list[str], settings: Mapping[str, str]) -> tuple[int, str, str]:
        self.words, self.settings = words, dict(settings)
        return self.answer


def people_stack(cloud: Cloud, kit: Kit) -> None:
    """moto's CloudFormation makes no user pools: something else of that name stands where the id is read."""
    pool = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "pool"}}
    opening.deploy(cloud.account, cloud.order(kit, code="p", StaffPool=pool, StaffClient=TOPIC), cloud.said.append)


def test_staff_are_let_in_by_the_clinics_own_code_for_this_stack(cloud: Cloud, kit: Kit) -> None:
    people_stack(cloud, kit)
    copy = Copy()
    assert people.add(cloud.account, STACK, kit, DEREK, copy) == "word-word"
    assert copy.settings["TABLE"] == "riverside"
    assert copy.settings["STAFF_POOL"].endswith(":pool")
    assert copy.words == [
        "derek",
        "Dr Derek",
        "doctor",
        "--title=Physician",
        "--licence=L1",
        "--licence-until=2199-01-01",
    ]


def test_why_somebody_cannot_be_let_in_is_said(cloud: Cloud, kit: Kit) -> None:
    with pytest.raises(Trouble, match="no StaffPool yet. Nobody was let in"):
        people.add(cloud.account, STACK, kit, DEREK, Copy())
    with pytest.raises(Trouble, match="no department surgery. Nobody was let in") as caught:
        people.add(cloud.account, STACK, kit, dataclasses.replace(DEREK, departments=("surgery",)), Copy())
    assert kit.said["departments"][0]["id"] in caught.value.then
    people_stack(cloud, kit)
    taken = Copy(1, why="This sign-in name is taken. Choose another.\n")
    with pytest.raises(Trouble, match="This sign-in name is taken") as caught:
        people.add(cloud.account, STACK, kit, dataclasses.replace(DEREK, id="max"), taken)
    assert "an administrator corrects, signed in, at /people" in caught.value.then
    assert people.TAKEN in (ROOT / "chalicelib" / "visit" / "staffing.py").read_text(encoding="utf-8")
    silent = Copy(1, why="AWS could not be asked: no answer\n")
    with pytest.raises(Trouble, match="AWS could not be asked") as caught:
        people.add(cloud.account, STACK, kit, DEREK, silent)
    assert "not done twice" in caught.value.then


def test_a_doctor_whose_licence_is_over_is_not_let_in(cloud: Cloud, kit: Kit) -> None:
    people_stack(cloud, kit)
    today = datetime.now(ZoneInfo(kit.said["timezone"])).date()
    copy = Copy()
    asked = len(cloud.wire.asked)
    over = dataclasses.replace(DEREK, licence_until=str(today - timedelta(days=2)))
    with pytest.raises(Trouble, match=r"The licence of Dr Derek ended on .*Nobody was let in") as caught:
        people.add(cloud.account, STACK, kit, over, copy)
    assert "--licence-until" in caught.value.then
    assert (copy.words, len(cloud.wire.asked)) == ([""], asked), "nothing was asked or done"
    tomorrow = dataclasses.replace(DEREK, licence_until=str(today + timedelta(days=1)))
    assert people.add(cloud.account, STACK, kit, tomorrow, copy) == "word-word"


IN_AN_OPEN_CLINIC = [
    ("status",),
    ("drill",),
    ("upgrade",),
    ("export", "--bucket", "mine"),
    ("staff", "add", "--id", "mia", "--called", "Mia", "--role", "administrator"),
    ("destroy", "--yes"),
]


def test_another_clinics_stack_is_neither_shown_nor_touched(cloud: Cloud, kit: Kit) -> None:
    """A kit of one clinic and the stack of another: whose it is is said, and nothing else is asked or done."""
    put(cloud, "V#general.0.2.1", "V")
    cloud.client("s3").create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": REGION})
    cloud.stack.tags = {"clinic": "lakeside"}
    for words in IN_AN_OPEN_CLINIC:
        said = CliRunner().invoke(program, [*words, kit.name, "--stack", STACK, "--region", REGION])
        assert said.exit_code == 1, words
        first, second = said.output.strip().splitlines()
        assert first == f"The name {STACK} is taken: that stack is the clinic lakeside. Nothing was changed.", words
        assert "A taken name" in second, words
    assert tables(cloud) == ["riverside"]
    assert not cloud.client("dynamodb").list_backups(TableName="riverside")["BackupSummaries"]
    assert cloud.client("s3").list_objects_v2(Bucket="mine")["KeyCount"] == 0
