"""R24: a regulator is told a day in a short fixed list of fields, where the kit says so; no name and no word is one."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.refusal import Refusal
from chalicelib.rooms import kit as hospital
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.kit import BadKit
from chalicelib.rooms.packs import TOLD, Regulator
from chalicelib.rooms.permission import SYSTEM, Role
from chalicelib.store import records
from chalicelib.visit import arriving, keeping, seeing, sending, staffing
from infra import audit, regulator
from tests.builders import ADA, ANN, BO, BOB, COLE, EVE, NOW, PARACETAMOL, SOAP, a_clinic, a_line
from tests.rules.test_r22_retention import _kit
from tests.visit.walk import CODE, Walk, table
from tests.visit.weather import watched

DAY = date(2030, 1, 7)
NEXT = NOW + timedelta(days=1)
ALL = Regulator(on=True, fields=TOLD)


@pytest.fixture
def walk(clinic_on_moto: None) -> Walk:
    walk = Walk(a_clinic(regulator=ALL))
    doctors, others = dict.fromkeys(("ada", "bo"), Role.DOCTOR), {"pria": Role.PRIVACY_OFFICER, "sam": Role.PHARMACIST}
    for id, role in (doctors | others).items():
        licence = (
            {"title": "Doctor", "licence": f"L-{id}", "licence_until": date(2099, 1, 1)} if role is Role.DOCTOR else {}
        )
        staffing.add_member(walk.errand(SYSTEM), id=id, name=id.title(), role=role, **licence)
    return walk


def told(walk: Walk, **changes: Any) -> regulator.Told:
    said: dict[str, Any] = {"by": "pria", "request": "told:1", "now": NEXT, "clinic": walk.clinic, **changes}
    return regulator.tell(said.pop("day", DAY), **said)


def a_day(walk: Walk) -> None:
    """Bob was told to rest, Ann got medicine in her hands, Eve left before a doctor came."""
    walk.sign(walk.taken(BOB, age=71, follow_up=True, why="My knee hurts"))
    id = walk.handed_over()
    sending.deliver(walk.errand(COLE), id=id, code=CODE)
    arriving.leave(walk.errand(EVE), id=walk.join(EVE).id)


def test_r24_off_unless_the_kit_says_so_and_then_field_by_field(walk: Walk) -> None:
    a_day(walk)
    before = table()
    assert a_clinic().regulator == hospital.clinic(_kit()).regulator == Regulator()
    with pytest.raises(Refusal, match="tells its regulator nothing"):
        told(walk, clinic=a_clinic())
    assert table() == before
    walk.clinic = a_clinic(regulator=Regulator(on=True, fields=("end", "day")))
    assert [json.loads(line) for line in told(walk).lines] == [
        {"day": "2030-01-07", "end": "prescription"},
        {"day": "2030-01-07", "end": "rest_and_observe"},
    ]


@pytest.mark.parametrize(
    "said",
    [{"on": True}, {"on": "yes", "fields": ["day"]}, {"on": True, "fields": "day"}, {"on": True, "to": "https://x"}]
    + [{"on": True, "fields": ["day", name]} for name in ("name", "phone", "why", "visit", "doctor", "born")],
    ids=str,
)
def test_r24_a_kit_that_asks_for_more_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(BadKit, match="regulator"):
        hospital.clinic(_kit() | {"regulator": said})


def test_r24_a_kit_may_ask_for_what_there_is() -> None:
    kit = _kit() | {"regulator": {"on": True, "fields": list(TOLD)}}
    assert hospital.clinic(kit).regulator == ALL
    assert {"day", *regulator._FIELDS} == set(TOLD)


def test_r24_every_field_there_is_and_nothing_of_who_it_was(walk: Walk) -> None:
    a_day(walk)
    said = [json.loads(line) for line in told(walk).lines]
    ann = next(one for one in said if one["prescription"])
    assert ann == {
        "day": "2030-01-07",
        "department": "general",
        "end": "prescription",
        "follow_up": False,
        "age_band": "18-44",
        "licence": "L-ada",
        "prescription": True,
        "medicines": [PARACETAMOL],
        "given_out": True,
        "policy": "demo-1",
    }
    (bob,) = (one for one in said if one is not ann)
    assert (bob["age_band"], bob["follow_up"], bob["medicines"], bob["given_out"]) == ("65+", True, [], False)
    whole = told(walk, request="told:2").text
    for word in ("Ann", "13800001234", "River Road", "knee", "Ada", '"ada"', "general.0", "A cold", "Rest", ":00"):
        assert word not in whole


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (0, "0-0"),
        (1, "1-5"),
        (5, "1-5"),
        (6, "6-17"),
        (17, "6-17"),
        (18, "18-44"),
        (64, "45-64"),
        (65, "65+"),
        (120, "65+"),
    ],
)
def test_r24_of_an_age_a_band_is_told(age: int, band: str) -> None:
    assert regulator.age_band(age) == band


def test_r24_the_same_day_is_the_same_bytes_without_a_scan_and_the_audit_knows_them(walk: Walk) -> None:
    a_day(walk)
    before = {key: row for key, row in table().items() if key[0] != "U#pria"}
    with watched() as asked:
        first = told(walk)
    assert set(asked.names) <= {"GetItem", "Query", "BatchGetItem", "TransactWriteItems"}
    assert told(walk, request="told:2").text == first.text
    assert list(first.lines) == sorted(first.lines), "their order tells nothing of who came when"
    lines = [one for one in records.audit("U#pria") if one.deed == "tell_regulator"]
    assert [one.answer[:13] for one in lines] == ["2030-01-07 2 "] * 2
    assert len({one.answer for one in lines}) == 1
    assert audit.verify(audit.kept(audit.live())) == []
    assert {key: row for key, row in table().items() if key[0] != "U#pria"} == before


def test_r24_a_visit_is_told_once_on_the_day_it_was_last_taken(walk: Walk) -> None:
    id = walk.taken(ANN)
    seeing.hand_back(walk.errand(ADA), id=id, epoch=1, reason="Tomorrow")
    walk.now = NEXT
    walk.on_duty(BO)
    assert walk.take(BO) == id
    after = NEXT + timedelta(days=2)
    assert told(walk, request="told:1", now=after).going_on == 0
    assert told(walk, request="told:2", day=NEXT.date(), now=after).going_on == 1
    walk.sign(id, by=BO, outcome=Outcome.PRESCRIPTION, lines=(a_line(),), soap=SOAP)
    assert told(walk, request="told:3", now=after).lines == ()
    (line,) = told(walk, request="told:4", day=NEXT.date(), now=after).lines
    assert json.loads(line)["licence"] == "L-bo"


def test_r24_what_a_patient_had_closed_is_left_out_and_counted(walk: Walk) -> None:
    walk.signed()
    walk.signed(BOB)
    shut = records.taken_on("ada", "2030-01-07")[0][-1]
    keeping.erase(walk.errand(BOB), id=shut.id)
    found = told(walk)
    assert (len(found.lines), found.closed) == (1, 1)


def test_r24_a_day_that_is_not_over_and_one_who_may_not_are_refused(walk: Walk) -> None:
    walk.signed()
    before = table()
    here = NOW.replace(hour=15, minute=59)  # a minute before midnight in Shanghai
    with pytest.raises(Refusal, match="not over yet"):
        told(walk, now=here)
    for who in ("ada", "sam", "nobody"):
        with pytest.raises(Refusal):
            told(walk, by=who)
    assert table() == before
    assert told(walk, now=here + timedelta(minutes=1)).lines


def test_r24_too_many_are_refused_and_not_cut_off(walk: Walk) -> None:
    walk.signed()
    walk.signed(BOB)
    assert told(walk, most=2).lines
    before = table()
    with pytest.raises(Refusal, match="not told in part"):
        told(walk, request="told:2", most=1)
    assert table() == before


def test_r24_the_file_is_the_officers_alone_and_never_one_that_was_there(
    walk: Walk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walk.signed()
    file, asked = tmp_path / "day.jsonl", ["--by", "pria", "--day", "2020-01-07"]
    assert regulator.main([*asked, str(file)], walk.clinic) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    before = table()
    assert regulator.main([*asked, str(file)], walk.clinic) == 1
    assert regulator.main(["--by", "sam", "--day", "2020-01-07", str(tmp_path / "other")], walk.clinic) == 1
    assert regulator.main([*asked, str(tmp_path / "other")], a_clinic()) == 1
    assert not (tmp_path / "other").exists()
    assert table() == before
    capsys.readouterr()
    assert regulator.main(asked, walk.clinic) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("0 visits told, 0 left out")
