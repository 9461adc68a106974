"""R22: records are kept for 15 years, conversations for 3, the audit for 6; nobody and nothing deletes earlier."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.refusal import NotFound, Stale
from chalicelib.rooms import kit as kits
from chalicelib.rooms import retention
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.glass import Reason, Verdict
from chalicelib.rooms.kit import BadKit
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.queue import Ticket
from chalicelib.rooms.retention import Sort
from chalicelib.rooms.rules import Keep
from chalicelib.store import records
from chalicelib.store.rows import TombstoneRow, VisitRow
from chalicelib.visit import seeing, sending, watching
from infra import audit, retain
from tests.builders import ADA, ANN, BOB, COLE, SOAP, a_line
from tests.house.test_house import HOUSE, ROOT, calls, functions
from tests.visit.walk import CODE, Walk, restore, table
from tests.visit.weather import meanwhile

LIU = Actor(role=Role.DOCTOR, id="liu")
PRIA = Actor(role=Role.PRIVACY_OFFICER, id="pria")
SECOND = timedelta(seconds=1)
# What may be forgotten by itself: nothing a patient or a doctor said, and nothing of the audit.
PASSES = {"request", "claim", "proof", "notice", "counter", "drawn", "session", "envelope", "tries"}
# Who deletes rows: of sessions, and of tries to sign in.
DELETES = {"staff.sign_out", "staff.forget_tries"}


# The floor.


@pytest.mark.parametrize(
    ("sort", "last", "end"),
    [
        (Sort.CLINICAL, datetime(2026, 5, 1, tzinfo=UTC), datetime(2041, 5, 1, tzinfo=UTC)),
        (Sort.PROCESS, datetime(2026, 5, 1, tzinfo=UTC), datetime(2029, 5, 1, tzinfo=UTC)),
        (Sort.CLINICAL, datetime(2028, 2, 29, tzinfo=UTC), datetime(2043, 3, 1, tzinfo=UTC)),
    ],
)
def test_r22_a_term_ends_on_the_second(sort: Sort, last: datetime, end: datetime) -> None:
    assert retention.until(sort, last, Keep()) == end
    assert not retention.over(sort, last, Keep(), end - SECOND)
    assert retention.over(sort, last, Keep(), end)
    assert not retention.over(sort, None, Keep(), datetime.max.replace(tzinfo=UTC)), "what has no end is kept"


@pytest.mark.parametrize("keep", [{"clinical_years": 14}, {"process_years": 2}, {"clinical_years": 0}, {"years": 1}])
def test_r22_no_kit_shortens_a_term(keep: dict[str, int]) -> None:
    with pytest.raises(BadKit):
        kits.clinic(_kit() | {"keep": keep})


def test_r22_a_kit_may_keep_for_longer() -> None:
    clinic = kits.clinic(_kit() | {"keep": {"clinical_years": 30, "process_years": 15}})
    last = datetime(2026, 5, 1, tzinfo=UTC)
    assert not retention.over(Sort.CLINICAL, last, clinic.keep, datetime(2056, 4, 30, tzinfo=UTC))
    assert not retention.over(Sort.PROCESS, last, clinic.keep, datetime(2041, 4, 30, tzinfo=UTC))


def _kit() -> dict[str, object]:
    found = json.loads((ROOT / "chalicelib" / "clinic.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


# Nothing else deletes.


def test_r22_the_program_deletes_nothing_but_sessions_and_tries() -> None:
    deleting = {f"{path.stem}.{node.name}" for path in HOUSE for node in functions(path) for _ in _deletes(node)}
    assert deleting == DELETES
    raw = {
        word for path in HOUSE for word in ("delete_item", "batch_write", "delete_table") if word in path.read_text()
    }
    assert raw == set()


def _deletes(function: ast.AST) -> Iterator[ast.Call]:
    """Deleting of rows: `transaction.delete(row)` or `row.delete()`. `Attribute.delete({...})` takes out of a set."""
    for name, call in calls(function):
        if name.endswith(".delete") and (name.startswith("transaction.") or not call.args):
            yield call


def test_r22_the_function_could_not_even_if_it_were_told_to() -> None:
    for path in (ROOT / ".chalice").glob("policy-*.json"):
        for one in json.loads(path.read_text())["Statement"]:
            if any("Delete" in action and "dynamodb" in action for action in one["Action"]):
                assert one["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["S#*", "T#*"]}}
            assert not any(action in ("dynamodb:*", "dynamodb:BatchWriteItem") for action in one["Action"])
    roots = json.loads((ROOT / "infra" / "stack" / "roots.json").read_text())
    assert roots["Parameters"]["RootsYears"]["MinValue"] == 6


@pytest.fixture
def walk(clinic_on_moto: None) -> Walk:
    return Walk()


def a_whole_visit(walk: Walk) -> Ticket:
    """Everything there can be in a visit; the parcel arrives last."""
    id = walk.taken(ANN, text_me=True)
    seeing.say(walk.errand(ANN), id=id, text="It hurts", epoch=None)
    seeing.say(walk.errand(ADA), id=id, text="Since when?", epoch=1)
    seeing.hand_back(walk.errand(ADA), id=id, epoch=1, reason="A call")
    assert walk.take(ADA) == id
    walk.sign(id, outcome=Outcome.PRESCRIPTION, lines=(a_line(),))
    return id


def test_r22_nothing_under_a_duty_passes_by_itself(walk: Walk) -> None:
    id = walk.handed_over()
    sending.deliver(walk.errand(COLE), id=id, code=CODE)
    a_second = walk.join(BOB, text_me=True)
    assert a_second
    passing = {row["kind"]["S"] for row in table().values() if "ttl" in row}
    assert passing <= PASSES
    lasting = {row["kind"]["S"] for row in table().values() if "ttl" not in row}
    assert {"visit", "note", "prescription", "order", "audit", "chain"} <= lasting - passing


# The job.


def _job(now: datetime, *, delete: bool = True) -> retain.Report:
    return retain.retain(audit.live(), now=now, delete=delete, keep=Keep())


def _kinds(id: Ticket) -> set[str]:
    return {sk[:2] for pk, sk in table() if pk == f"V#{id}"}


def test_r22_a_conversation_is_deleted_after_its_term_and_not_a_second_earlier(walk: Walk) -> None:
    id = a_whole_visit(walk)
    ended = records.visit(id).ended_at
    assert ended
    term = ended.replace(year=ended.year + 3)
    before = table()
    early = _job(term - SECOND)
    assert (early.visits, early.kept, early.conversations, early.records) == (1, 1, 0, 0)
    assert table() == before
    assert _job(term, delete=False).messages == 2
    assert table() == before, "it only counted"
    assert _job(term).messages == 2
    assert records.file(id).messages == []
    gone = {key for key in before if key not in table()}
    assert {sk[:2] for _, sk in gone} == {"M#"}
    assert audit.verify(audit.kept(audit.live())) == [], "and the audit says so in its chain"
    assert [one.deed for one in records.audit(f"V#{id}")].count("forget") == 1
    again = table()
    assert _job(term + SECOND).conversations == 0
    assert table() == again


def test_r22_a_record_is_deleted_after_its_term_and_not_a_second_earlier(walk: Walk) -> None:
    id = a_whole_visit(walk)
    walk.now += timedelta(days=300)
    seeing.amend(walk.errand(ADA), id=id, soap=SOAP)
    last = records.file(id).notes[-1].signed_at
    assert last, "a correction is an entry too"
    term = last.replace(year=last.year + 15)
    _job(term - SECOND)
    assert {"V", "N#", "P#"} <= _kinds(id)
    report = _job(term)
    assert (report.records, report.changed) == (1, 0)
    assert _kinds(id) == {"X#", "Y", "Y#"}, "the audit is kept for good"
    with pytest.raises(NotFound):
        records.visit(id)
    assert not [key for key, row in table().items() if row.get("kind", {}).get("S") in ("alias", "guard")]
    assert audit.verify(audit.kept(audit.live())) == []
    after = table()
    assert _job(term).visits == 0
    assert table() == after


def test_r22_who_opened_a_record_outside_their_care_is_reviewed_also_after_its_term(walk: Walk) -> None:
    id = walk.signed()
    pane = watching.break_glass(walk.errand(LIU), id=id, reason=Reason.STANDS_IN, words="For Ada.")
    assert _job(walk.now.replace(year=walk.now.year + 16)).records == 1
    assert [one.at for one in watching.see_openings(walk.errand(PRIA)).to_review] == [pane.at]
    asked = {"id": id, "by": LIU.id, "at": pane.at, "verdict": Verdict.IN_ORDER, "remark": ""}
    assert watching.review_opening(walk.errand(PRIA), **asked).reviewer == PRIA.id


def test_r22_an_open_visit_is_never_over(walk: Walk) -> None:
    walk.taken(ANN)
    TombstoneRow("V#general.0.2.99", "V").save()  # a number that was drawn for nothing
    before = table()
    assert _job(walk.now.replace(year=walk.now.year + 90)).kept == 1
    assert table() == before


def test_r22_what_changed_while_the_job_ran_is_left(walk: Walk) -> None:
    """Somebody corrects the note between the job's look and its deletion."""
    id = a_whole_visit(walk)
    term = walk.now.replace(year=walk.now.year + 16)
    file = records.file(id)
    keys = [(f"V#{id}", "N#001"), (f"V#{id}", "V")]
    seeing.amend(walk.errand(ADA), id=id, soap=SOAP)
    before = table()
    with pytest.raises(Stale):
        retain._delete(file.visit.version, f"V#{id}", keys, term)
    with pytest.raises(Stale):
        retain._delete(file.visit.version, f"V#{id}", keys[:1], term)
    assert table() == before


def _together(one: retain.Report, other: retain.Report) -> tuple[int, int, int, int]:
    return (
        one.records + other.records,
        one.rows + other.rows,
        one.conversations + other.conversations,
        one.changed + other.changed,
    )


def test_r22_two_jobs_at_once_do_what_one_does_and_count_it_once(walk: Walk) -> None:
    """The other job deletes everything after this one has read the table, or between its look and its deletion."""
    for who in (ANN, BOB):
        walk.sign(walk.taken(who))
    late, before, reports = walk.now.replace(year=walk.now.year + 16), table(), list[retain.Report]()
    alone = _job(late)
    after = {key for key in table() if not key[1].startswith(("X#", "Y"))}
    for operation, gone in (("GetItem", 2), ("TransactWriteItems", 2)):
        restore(before)
        with meanwhile(operation, lambda: reports.append(_job(late))):
            this = _job(late)
        other = reports.pop()
        assert _together(this, other) == (2, alone.rows, 0, 0)
        assert (this.gone, other.gone) == (gone, 0)
        assert {key for key in table() if not key[1].startswith(("X#", "Y"))} == after
        assert audit.verify(audit.kept(audit.live())) == []


def test_r22_who_joined_while_the_job_read_the_table_keeps_their_history(walk: Walk) -> None:
    """The scan passed the place of the new visit before it was written, and the guard after."""
    walk.now = walk.now.replace(year=walk.now.year + 16)
    new = walk.signed(BOB)
    seen = [item for item in audit.live() if item["pk"]["S"] != f"V#{new}"]
    report = retain.retain(seen, now=walk.now, delete=True, keep=Keep())
    assert (report.visits, report.changed) == (0, 0)
    assert [one.id for one in records.earlier(records.visit(new).person, "general")] == [new]


def test_r22_who_comes_again_while_the_job_runs_keeps_their_history(walk: Walk) -> None:
    """The guard was read before; it is another one now."""
    walk.signed(BOB)
    walk.now = walk.now.replace(year=walk.now.year + 16)
    seen = list(audit.live())
    new = walk.signed(BOB)
    report = retain.retain(seen, now=walk.now, delete=True, keep=Keep())
    assert (report.records, report.changed) == (1, 1)
    assert new in [one.id for one in records.earlier(records.visit(new).person, "general")]


def test_r22_a_row_that_cannot_be_read_is_left_and_the_others_are_done(walk: Walk) -> None:
    id = a_whole_visit(walk)
    walk.sign(walk.taken(BOB))
    row = VisitRow.get(f"V#{id}", "V")
    VisitRow._get_connection().connection.client.update_item(
        TableName="clinic",
        Key={"pk": {"S": row.pk}, "sk": {"S": row.sk}},
        UpdateExpression="SET answers = :x",
        ExpressionAttributeValues={":x": {"S": "{"}},
    )
    report = _job(walk.now.replace(year=walk.now.year + 16))
    assert (report.broken, report.records) == (1, 1)
    assert "V" in _kinds(id)


def test_r22_the_report_is_counts_alone(walk: Walk, capsys: pytest.CaptureFixture[str]) -> None:
    id = a_whole_visit(walk)
    assert retain.main([]) == 0
    said = capsys.readouterr().out
    assert "Nothing was deleted." in said
    assert str(id) not in said
    assert records.visit(id).answers.name not in said
