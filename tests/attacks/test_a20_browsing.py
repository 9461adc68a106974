"""A20, somebody who works here reads what is none of their business: only by breaking the glass, and never unseen.

Then the patient sees it, a second person reviews it, and who does it often raises an alarm.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.doors import clock
from chalicelib.rooms import glass
from chalicelib.rooms.glass import LASTS, Pane, Reason
from chalicelib.rooms.permission import Role
from chalicelib.rooms.queue import Band, Ticket
from chalicelib.store import records
from chalicelib.store.rows import AuditRow
from chalicelib.visit import sweeping
from tests.attacks.breaks import BREAKS
from tests.doors.stories import id_of, seen
from tests.hiring import RIGHT_CODE
from tests.people import Answer, Browser, Cast

WORDS = "He fainted at the counter and cannot speak"


def code_of(cast: Cast) -> str:
    from chalicelib.doors.shown import code

    return code(id_of(cast.ann))


def breaks_in(cast: Cast, who: Browser, reason: str = "emergency", **typed: str) -> Answer:
    said = {"code": code_of(cast), "reason": reason, "words": WORDS, "second": RIGHT_CODE}
    return who.post("/en/glass", **{**said, **typed})


def record(cast: Cast) -> str:
    return f"/en/glass/{cast.ann.visit}"


def without_care_nothing_opens(cast: Cast) -> None:
    cast.ann.join()
    for who in (cast.bo, cast.pria, cast.ada, cast.sam, cast.dee, cast.cole, cast.max, cast.eve):
        got = who.ask("GET", record(cast))
        assert got.status in (303, 403, 404), who
        assert "Cough" not in got.body
    for path in (f"/en/doctor/visits/{cast.ann.visit}", f"/en/doctor/visits/{cast.ann.visit}/messages"):
        assert cast.bo.ask("GET", path).status == 404


def the_glass_is_open_for_half_an_hour_to_one_person(cast: Cast) -> None:
    cast.ann.join()
    got = breaks_in(cast, cast.bo)
    assert got.status == 200, got.words
    assert got.path == record(cast), "the code stays out of the address"
    assert "Ann" in got.words
    assert cast.pria.ask("GET", record(cast)).status == 404, "whoever broke it reads, and nobody else"
    cast.clock.forward(minutes=14)
    cast.bo.ask("GET", "/en/glass")
    cast.clock.forward(minutes=14)
    assert cast.bo.ask("GET", record(cast)).status == 200
    cast.clock.forward(minutes=2, seconds=5)
    late = cast.bo.ask("GET", record(cast))
    assert late.status == 404
    assert "Ann" not in late.body


def it_is_to_read_and_not_to_write(cast: Cast) -> None:
    cast.ann.join()
    page = breaks_in(cast, cast.bo)
    assert not [form for form in page.page.forms if "/out" not in form.action]
    there = f"/en/doctor/visits/{cast.ann.visit}"
    for path in ("", "/messages", "/note", "/amend", "/revoke"):
        body = {"text": "x", "epoch": "1", "subjective": "x", "reason": "x"}
        taken = {"/messages": ("text", "epoch"), "/note": ("epoch", "subjective"), "/revoke": ("reason",)}
        if path:
            sent = {name: body[name] for name in taken.get(path, ("subjective",))}
            assert cast.bo.send(there + path, {"request": "r" * 22, **sent}).status in (404, 409, 422), path
        else:
            assert cast.bo.ask("GET", there).status == 404


def the_patient_sees_it(cast: Cast) -> None:
    cast.ann.join()
    breaks_in(cast, cast.bo)
    page = cast.ann.get(f"/en/visits/{cast.ann.visit}/opened")
    assert "Dr Bo Doctor Opened it outside their own care: An emergency" in page.words
    assert "Read it outside their own care" in page.words
    assert WORDS not in page.body, "what was written for the reviewer is for the reviewer"
    lines = {row.sk: row for row in AuditRow.query(f"V#{id_of(cast.ann)}", AuditRow.sk.startswith("X#"))}
    assert [row.answer for row in lines.values() if row.deed == "break_glass"] == ["emergency"]


def opening(cast: Cast, who: Browser) -> str:
    page = who.get("/en/openings")
    found = re.search(r'name="opening" value="([^"]+)"', page.body)
    return found[1] if found else ""


def somebody_else_reviews_it(cast: Cast) -> None:
    cast.ann.join()
    breaks_in(cast, cast.bo)
    listed = cast.pria.get("/en/openings")
    assert "Dr Bo" in listed.words
    assert WORDS in listed.words
    which = opening(cast, cast.pria)
    assert "Write what was not in order." in review(cast.pria, which, "not_in_order").words
    done = review(cast.pria, which, "not_in_order", "Ann never asked for it")
    assert "Nothing waits for you." in done.words
    assert "Ann never asked for it" in done.words
    again = review(cast.pria, which, "in_order", "I have changed my mind")
    assert again.status == 409
    assert "Somebody has reviewed this already." in again.words
    breaks_in(cast, cast.pria, "review")
    own = cast.pria.machine("GET", "/en/openings").json["to_review"][0]
    assert own["mine"]
    assert review(cast.pria, own["opening"], "in_order", "It was me").status == 403


def review(who: Browser, which: str, verdict: str, remark: str = "") -> Answer:
    return who.post("/en/openings", opening=which, verdict=verdict, remark=remark)


def pane(by: str, n: int, at: datetime) -> Pane:
    return Pane(
        visit=Ticket("general", 0, Band.STANDARD, n),
        by=by,
        role=Role.DOCTOR,
        reason=Reason.ASKED,
        words="",
        at=at,
        policy="",
    )


def twenty_raise_an_alarm(cast: Cast) -> None:
    cast.ann.join()
    now = cast.clock()
    for n in range(19):
        records.save(pane("bo", 100 + n, now - timedelta(hours=n)), audit=cast.errand("bo").entry("x", f"T#{n}"))
        records.save(pane("ada", 200 + n, now - timedelta(hours=26)), audit=cast.errand("ada").entry("x", f"T#{n}"))
    assert counts(cast) == 19
    breaks_in(cast, cast.bo)
    assert counts(cast) == 20
    review(cast.pria, opening(cast, cast.pria), "in_order")
    assert counts(cast) == 20, "also of those that were looked at"


def counts(cast: Cast) -> Any:
    return clock._measured(sweeping.sweep(cast.errand("max")))["OpenedOutsideCare"]


CHECKS: list[Callable[[Cast], None]] = [
    without_care_nothing_opens,
    the_glass_is_open_for_half_an_hour_to_one_person,
    it_is_to_read_and_not_to_write,
    the_patient_sees_it,
    somebody_else_reviews_it,
    twenty_raise_an_alarm,
]
NOTICED = {
    "a20 every doctor has every patient": without_care_nothing_opens,
    "a20 a broken glass stays broken": the_glass_is_open_for_half_an_hour_to_one_person,
    "a20 one breaks it and everybody reads": the_glass_is_open_for_half_an_hour_to_one_person,
    "a20 it is not told to the patient": the_patient_sees_it,
    "a20 who did it reviews it": somebody_else_reviews_it,
    "a20 nobody counts": twenty_raise_an_alarm,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_nobody_reads_on_the_quiet(cast: Cast, check: Callable[[Cast], None]) -> None:
    check(cast)


def test_every_break_of_it_has_its_check() -> None:
    assert set(NOTICED) == {name for name in BREAKS if name.startswith("a20")}


@pytest.mark.parametrize("name", NOTICED)
def test_a_break_is_noticed(cast: Cast, name: str) -> None:
    with BREAKS[name](), pytest.raises(AssertionError):
        NOTICED[name](cast)


def test_who_has_the_patient_needs_no_glass(cast: Cast) -> None:
    seen(cast, cast.ann)
    got = breaks_in(cast, cast.ada)
    assert (got.status, set(got.page.errors)) == (422, {"code"})


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"code": "nonsense"}, "code"),
        ({"code": "A2999"}, "code"),
        ({"code": "Z2001"}, "code"),
        ({"reason": "review"}, "reason"),
        ({"reason": "curious"}, "reason"),
        ({"words": "  "}, "words"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_opened(cast: Cast, typed: dict[str, str], field: str) -> None:
    cast.ann.join()
    got = breaks_in(cast, cast.bo, **typed)
    assert (got.status, set(got.page.errors)) == (422, {field})
    assert cast.bo.ask("GET", record(cast)).status == 404
    assert not records.panes(reviewed=False)


def test_asked_twice_it_is_opened_once(cast: Cast) -> None:
    """The same form, and another one within the half hour: one opening, that does not get longer."""
    cast.ann.join()
    form = {"code": code_of(cast).lower(), "reason": "emergency", "words": WORDS, "request": "A" * 22}
    assert [cast.bo.send("/en/glass", form).status for _ in range(2)] == [303, 303]
    cast.clock.forward(minutes=10)
    assert breaks_in(cast, cast.bo).status == 200
    (only,) = records.panes(reviewed=False)
    assert only.at + LASTS > cast.clock()
    assert records.count_of(glass.counted("bo", cast.errand("bo").today, cast.clock())) == 1


def test_another_reason_within_the_half_hour_is_written_down(cast: Cast) -> None:
    """It is another opening, for the patient and the second person to read."""
    cast.ann.join()
    breaks_in(cast, cast.bo)
    cast.clock.forward(minutes=10)
    for _ in range(2):
        assert breaks_in(cast, cast.bo, "stands_in", request="B" * 22).status == 200
    lines = AuditRow.query(f"V#{id_of(cast.ann)}", AuditRow.sk.startswith("X#"))
    assert sorted(line.answer for line in lines if line.deed == "break_glass") == ["emergency", "stands_in"]
    assert len(records.panes(reviewed=False)) == 2, "each is looked at"


def test_no_more_than_so_many_a_day(cast: Cast) -> None:
    cast.ann.join()
    errand = cast.errand("bo")
    for n in range(glass.DAY_MAX):
        counted = glass.counted("bo", errand.today, errand.now)
        records.save(counted, audit=errand.entry("x", f"T#{n}"))
    got = breaks_in(cast, cast.bo)
    assert got.status == 409
    assert "40 records outside your care today" in got.words


def test_what_our_page_did_not_write_is_no_opening(cast: Cast) -> None:
    cast.ann.join()
    at = datetime(2030, 1, 1, tzinfo=UTC).isoformat()
    for said in ("x", "a~b~c", f"{cast.ann.visit}~bo~2030-01-01", f"{cast.ann.visit}~bo~{at}", f"{'x' * 32}~bo~{at}"):
        assert review(cast.pria, said, "in_order").status == 404, said
