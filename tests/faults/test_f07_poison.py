"""F7: a row that the sweep cannot read: the rest of the batch is done, the error is counted and logged by a code."""

import json
import logging
from typing import Any

import pytest

from chalicelib.doors import clock as clock_door
from chalicelib.doors import manners
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Why
from chalicelib.store import records
from chalicelib.store.rows import TABLE, Row
from chalicelib.visit import seeing, sweeping
from tests.builders import ADA, ANN, BO, MINUTE, SOAP
from tests.people import Clock
from tests.visit.walk import Walk, table

POISON = {"M": {}}


@pytest.fixture
def lost(walk: Walk) -> Walk:
    """In two departments somebody was called by a Lambda that died, and a doctor vanished with somebody."""
    for department, doctor in (("general", ADA), ("children", BO)):
        walk.crowd(2, department=department)
        walk.on_duty(doctor, department)
        id = walk.take(doctor)
        assert id is not None
        seeing.save_note(walk.errand(doctor), id=id, epoch=1, soap=SOAP)
        (lane,) = records.lanes([(department, 0)])
        records.call(lane, Band.STANDARD, Why.FIRST_COME, walk.now)
    return walk


def swept_after(walk: Walk) -> sweeping.Swept:
    return sweeping.sweep(walk.errand(SYSTEM, at=walk.now + 20 * MINUTE))


def poison(row: dict[str, Any], *names: str) -> None:
    item = {**row, **dict.fromkeys(names, POISON)}
    Row._get_connection().connection.client.put_item(TableName=TABLE, Item=item)


def test_without_poison_four_are_brought_back_and_two_doctors_go_off_duty(lost: Walk) -> None:
    swept = swept_after(lost)
    assert (swept.brought_to_front, swept.off_duty, swept.failed) == (4, 2, [])


@pytest.mark.parametrize(
    ("pk", "sk", "name", "brought", "off"),
    [
        ("V#general.0.2.1", "V", "state", 3, 2),  # its doctor is gone all the same
        ("V#general.0.2.1", "V", "calls", 3, 2),
        ("V#general.0.2.1", "V", "answers", 3, 2),
        ("V#general.0.2.1", "N#001", "state", 3, 2),  # the draft to be set aside
        ("V#general.0.2.2", "V", "joined_at", 3, 2),
        ("D#ada", "D", "visits", 3, 1),
        ("L#general#0", "D#ada", "seen_at", 4, 1),
        ("L#general#0", "L", "h2", 2, 2),
    ],
)
def test_one_poisoned_row_does_not_stop_the_sweep(
    lost: Walk, pk: str, sk: str, name: str, brought: int, off: int, caplog: pytest.LogCaptureFixture
) -> None:
    whole = table()[pk, sk]
    poison(whole, name)
    swept = swept_after(lost)
    assert (swept.brought_to_front, swept.off_duty) == (brought, off)
    assert swept.failed or swept.unreadable or "unreadable" in caplog.text

    Row._get_connection().connection.client.put_item(TableName=TABLE, Item=whole)
    again = sweeping.sweep(lost.errand(SYSTEM, at=lost.now + 21 * MINUTE))
    assert swept.brought_to_front + again.brought_to_front == 4, "mended, it is done the next minute"
    assert again.failed == []


def test_what_failed_is_counted_and_logged_by_its_kind(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    walk.clinic = manners.CLINIC
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(manners, "clock", Clock(walk.now))
    walk.join(ANN)
    poison(table()["L#general#0", "L"], "h2")
    swept = clock_door.tick()
    events = [json.loads(r.getMessage()) for r in caplog.records if r.name == "clinic"]
    assert [event["failed"] for event in events if event["event"] == "swept"] == [len(swept.failed)] == [1]
    assert [event["kind"] for event in events if event["event"] == "unexpected"] == ["Unreadable"]
    assert {(event["pk"], event["sk"]) for event in events if event["event"] == "unreadable"} == {("L#general#0", "L")}
    assert "Ann" not in caplog.text
