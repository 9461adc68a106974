"""R27: a patient gets their record, to read and as a FHIR R4 bundle, at once; so does the privacy officer for them."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.outside.signing import KMS
from chalicelib.refusal import Busy, NotFound, Refusal
from chalicelib.rooms import fhir
from chalicelib.rooms.complaint import About, Complaint
from chalicelib.rooms.consult import PATIENT, Kind, Message, NoteState, Outcome
from chalicelib.rooms.delivery import State as Parcel
from chalicelib.rooms.prescription import State as Medicine
from chalicelib.rooms.queue import State
from chalicelib.store import records
from chalicelib.store.lanes import HISTORY_MAX
from chalicelib.store.records import File
from chalicelib.store.rows import GuardRow
from chalicelib.visit import keeping, seeing
from infra import record as command
from infra.verify import GOOD, checked
from infra.verify import main as verify_main
from tests.builders import ADA, NOW, a_clinic, a_note, a_prescription, a_visit, an_order, answers
from tests.doors.stories import SOAP, id_of, ordered, patient_errand, seen, taken
from tests.people import Cast
from tests.rules.r4 import STATUS, wrong_with
from tests.visit.walk import table
from tests.visit.weather import meanwhile


def _message(**said: Any) -> Message:
    base = Message(
        visit=a_visit().id, id="00001", author=PATIENT, author_name="Ann", kind=Kind.TEXT, text="Hi", at=NOW, epoch=1
    )
    return replace(base, **said)


def a_complaint(**said: Any) -> Complaint:
    return Complaint(
        **{"visit": a_visit().id, "number": 1, "about": About.HARM, "text": "A rash", "filed_at": NOW, **said}
    )


def a_file(**changes: Any) -> File:
    """A visit with everything in it."""
    visit = a_visit(
        state=State.COMPLETED,
        answers=answers(guardian="Li", allergies="nuts", age=0),
        summary="Rest.",
        outcome=Outcome.PRESCRIPTION.value,
    )
    made = File(
        visit=visit,
        messages=[_message(), _message(id="00002", author=ADA.id, author_name=ADA.name)],
        notes=[
            a_note(state=NoteState.SET_ASIDE, doctor="bo", doctor_name="Dr Bo"),
            a_note(number=2, state=NoteState.AMENDED, signed_at=NOW),
            a_note(number=3, state=NoteState.SIGNED, signed_at=NOW, replaces=2),
        ],
        prescriptions=[a_prescription(state=Medicine.RETURNED, next_number=2), a_prescription(number=2)],
        orders=[an_order(state=Parcel.DELIVERED)],
        complaints=[a_complaint(), a_complaint(number=2, closed_at=NOW, closed_by="dee", word="Sorry")],
    )
    return replace(made, **changes)


def _bundle(*files: File) -> dict[str, Any]:
    return fhir.bundle(files, a_clinic(), language="en", now=NOW)


def _all(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


# The bundle, of every state a record can be in.
VISITS = [a_file(visit=a_visit(state=state), notes=[], prescriptions=[], orders=[]) for state in State]
MEDICINES = [a_file(prescriptions=[a_prescription(state=state)], orders=[]) for state in Medicine]
PARCELS = [a_file(orders=[an_order(state=state)]) for state in Parcel]
FILES = [a_file(), *VISITS, *MEDICINES, *PARCELS]


def test_r27_the_bundle_is_as_r4_asks() -> None:
    assert [wrong_with(_bundle(file)) for file in FILES] == [[]] * len(FILES)


def test_r27_a_bundle_that_is_not_as_r4_asks_would_be_noticed() -> None:
    bundle = _bundle(a_file())
    del _all(bundle, "Encounter")[0]["class"]
    _all(bundle, "Communication")[0].update(status="sent")
    _all(bundle, "MedicationRequest")[0]["requester"] = {"reference": "urn:uuid:nobody"}
    assert sorted(wrong_with(bundle)) == [
        "Communication sent",
        "Encounter has no class",
        "MedicationRequest refers to urn:uuid:nobody",
    ]
    assert set(STATUS) <= {e["resource"]["resourceType"] for e in bundle["entry"]} | {"DocumentReference"}


def test_r27_a_library_reads_the_bundle() -> None:
    from fhir.resources.R4B.bundle import Bundle

    for file in FILES:
        Bundle.model_validate(json.loads(json.dumps(_bundle(file))))


@pytest.mark.parametrize("said", ["none", "No.", "无", "没有。"])
def test_r27_who_is_allergic_to_nothing_has_no_allergy_in_it(said: str) -> None:
    bundle = _bundle(a_file(visit=a_visit(answers=answers(allergies=said))))
    assert _all(bundle, "AllergyIntolerance") == []
    assert said in json.dumps(_all(bundle, "QuestionnaireResponse"), ensure_ascii=False), "what they said stays"


def test_r27_several_visits_of_one_person_are_one_record() -> None:
    second = a_file(visit=a_visit(id=replace(a_visit().id, n=2), request="request-2"))
    bundle = _bundle(a_file(), second)
    assert wrong_with(bundle) == []
    assert len(_all(bundle, "Patient")) == 1
    assert len(_all(bundle, "Encounter")) == 2
    assert len(_all(bundle, "Communication")) == 2 * (2 + 3), "messages, complaints, an answer"
    assert {one["name"][0]["text"] for one in _all(bundle, "Practitioner")} == {ADA.name, "Dr Bo"}


def test_r27_taken_out_twice_it_is_the_same_record() -> None:
    later = fhir.bundle([a_file()], a_clinic(), language="en", now=NOW + timedelta(minutes=1))
    assert later["entry"] == _bundle(a_file())["entry"]


def test_r27_nothing_is_in_it_that_opens_a_door_or_is_not_said_yet() -> None:
    unfinished = a_note(number=4, assessment="half a thought")
    file = a_file(notes=[*a_file().notes, unfinished])
    said = json.dumps(_bundle(file))
    assert "half a thought" not in said
    assert file.orders[0].code not in said, "the code is worth a parcel"
    for ours in (file.visit.secret, file.visit.person, file.visit.request):
        assert ours not in said


def test_r27_a_prescription_out_of_time_is_not_called_good() -> None:
    old = a_file(prescriptions=[a_prescription(state=Medicine.EFFECTIVE)])
    late = fhir.bundle([old], a_clinic(), language="en", now=NOW + timedelta(days=4))
    assert {one["status"] for one in _all(late, "MedicationRequest")} == {"stopped"}
    assert {one["status"] for one in _all(_bundle(old), "MedicationRequest")} == {"active"}


# At the door.


def _taken_out(cast: Cast) -> Any:
    return cast.ann.get(cast.ann.url("visits", cast.ann.visit, "record", "fhir"))


def test_r27_a_patient_reads_and_takes_everything_that_is_kept(cast: Cast) -> None:
    ordered(cast, cast.ann)
    at = cast.ann.url("visits", cast.ann.visit, "record")
    assert at in cast.ann.look().page.links, "the page after the visit leads there"
    page, got = cast.ann.get(at), _taken_out(cast)
    assert got.header("content-type") == "application/fhir+json"
    assert "no-store" in got.header("cache-control")
    assert got.header("content-disposition").startswith("attachment; filename=")
    assert "no-store" in page.header("cache-control")
    assert wrong_with(got.json) == []
    kept = ("Sore throat for three days", "Ann Smith", "138", "Tonsillitis", "37.9", "Rest and drink.", "After a meal")
    for word in (*kept, "18 Garden Road", "500 mg", "Dr Ada"):
        assert word in page.words, word
        assert word in got.body, word
    assert f"{at}/fhir" in page.page.links
    assert "我的病历" in cast.ann.get(f"/zh/visits/{cast.ann.visit}/record").words


def test_r27_nobody_else_gets_it(cast: Cast) -> None:
    seen(cast, cast.ann)
    cast.bob.join()
    for other in (cast.eve, cast.bob, cast.ada, cast.sam, cast.dee, cast.pria):
        for part in ("record", "record/fhir"):
            assert other.get(f"/en/visits/{cast.ann.visit}/{part}").status == 404
    with pytest.raises(NotFound):
        keeping.my_record(patient_errand(cast, cast.bob), id=id_of(cast.ann))


def test_r27_taking_it_is_written_down_before_it_is_given(cast: Cast) -> None:
    taken(cast, cast.ann)
    errand = patient_errand(cast, cast.ann)

    class Full:
        """Records in which nobody can write down a look."""

        def __getattr__(self, name: str) -> Any:
            return getattr(records, name)

        def looked(self, entry: object) -> None:
            raise Busy

    with pytest.raises(Busy):
        keeping.my_record(replace(errand, records=Full()), id=id_of(cast.ann))
    _taken_out(cast)
    _taken_out(cast)
    lines = [one for one in records.audit(f"V#{id_of(cast.ann)}") if one.deed == "see_record"]
    assert [one.actor.role for one in lines] == ["patient"], "the same look twice is one line"


def test_r27_the_signatures_in_it_are_checked_offline(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    seeing.amend(cast.errand("ada"), id=id_of(cast.ann), soap={**SOAP, "plan": "Rest more"})
    bundle, key = _taken_out(cast).json, KMS.public_key()
    said = list(checked(bundle, key))
    assert [word for _, word in said] == [GOOD] * 3, "the note, its correction, the prescription"
    for resource in _all(bundle, "DocumentReference"):
        whole = resource["content"][0]["attachment"]
        whole["data"] = whole["data"][:-8] + "AAAAAAA="
    assert GOOD not in [word for _, word in checked(bundle, key)]


def test_r27_an_approval_is_checked_offline_too_and_is_of_this_prescription_alone(cast: Cast) -> None:
    """In a record that says of another prescription that it was approved, both signatures verify and it is not good."""
    ordered(cast, cast.ann)
    bundle, key = _taken_out(cast).json, KMS.public_key()
    approval = fhir.part(records.visit(id_of(cast.ann)), "signed-approval", 1)
    assert dict(checked(bundle, key))[approval] == GOOD
    assert [word for _, word in checked(bundle, key)] == [GOOD] * 3, "the note, the prescription, its approval"
    ordered(cast, cast.bob)
    cast.ann, hers = cast.bob, bundle
    theirs = _taken_out(cast).json
    of_ann = [one for one in hers["entry"] if one["fullUrl"] == approval or approval in str(one["resource"])]
    moved = dict(checked({"entry": theirs["entry"] + of_ann}, key))
    assert moved.pop(approval) == "approves what is not in this record"
    assert set(moved.values()) == {GOOD}


def test_r27_what_the_doctor_read_is_shown_offline(
    cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen(cast, cast.ann, allergies="")
    bundle, key = tmp_path / "record.json", tmp_path / "clinic.der"
    bundle.write_text(_taken_out(cast).body, encoding="utf-8")
    key.write_bytes(KMS.public_key())
    assert verify_main(["--key", str(key), "--show", str(bundle)]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ('"Paracetamol"', '"对乙酰氨基酚"', '"500 mg"', '"tablets"'))


# The command of the privacy officer.


def test_r27_a_privacy_officer_takes_out_a_persons_visits_and_the_patient_reads_it(cast: Cast) -> None:
    assert cast.pria.name
    seen(cast, cast.ann)
    first, before = cast.ann.visit, str(id_of(cast.ann))
    cast.clock.forward(hours=2)
    seen(cast, cast.ann)
    one = json.loads(command.record(before, "pria", person=False, request="taken:1", now=cast.clock()))
    both = json.loads(command.record(before, "pria", person=True, request="taken:2", now=cast.clock()))
    assert [len(_all(bundle, "Encounter")) for bundle in (one, both)] == [1, 2]
    assert wrong_with(both) == []
    for visit in (first, cast.ann.visit):
        assert "Took a copy of the record" in cast.ann.get(f"/en/visits/{visit}/opened").words


def test_r27_of_a_person_it_is_said_what_is_missing(
    cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of each department the newest visits are remembered, and a kit can lose a department."""
    assert cast.pria.name
    seen(cast, cast.ann)
    here = id_of(cast.ann)
    asked = ["--by", "pria", "--person", "--visit", cast.ann.visit]
    assert command.main([*asked, str(tmp_path / "all.json")]) == 0
    person = f"P#{records.visit(here).person}"
    guard = GuardRow.get(person, "A#general")
    many = [*(f"general.0.2.{n}" for n in range(10_000, 10_000 + HISTORY_MAX - 1)), str(here)]
    guard.update(actions=[GuardRow.visits.set(many)])
    gone = ["sleep.0.2.7", "sleep.0.2.8"]
    GuardRow(person, "A#sleep", visit=here, request="r", open=False, visits=gone).save()
    capsys.readouterr()
    assert command.main([*asked, str(tmp_path / "some.json")]) == command.INCOMPLETE
    assert capsys.readouterr().err.splitlines() == [
        f"Not in it: any visit in general before the newest {HISTORY_MAX}.",
        "Not in it: 2 visits in sleep, a department that this kit does not have.",
    ]
    assert len(_all(json.loads((tmp_path / "some.json").read_text()), "Encounter")) == 1


def test_r27_what_a_patient_had_closed_is_taken_out_only_when_said_and_the_audit_says_so(
    cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cast.pria.name
    seen(cast, cast.ann)
    shut = id_of(cast.ann)
    cast.clock.forward(days=5)
    keeping.erase(patient_errand(cast, cast.ann), id=shut)
    seen(cast, cast.ann)
    asked = {"by": "pria", "now": cast.clock()}
    before = table()
    with pytest.raises(Refusal, match="closed"):
        command.record(str(shut), **asked, person=False, request="taken:1")
    assert table() == before
    rest = json.loads(command.record(str(id_of(cast.ann)), **asked, person=True, request="taken:2"))
    assert len(_all(rest, "Encounter")) == 1
    assert capsys.readouterr().err.startswith("1 left out")
    whole = json.loads(command.record(str(shut), **asked, person=True, closed=True, request="taken:3"))
    assert len(_all(whole, "Encounter")) == 2
    assert capsys.readouterr().err == ""
    lines = [one for one in records.audit(f"V#{shut}") if one.deed == "see_record"]
    assert [(one.actor.id, one.answer) for one in lines] == [("pria", "closed")]


@pytest.mark.parametrize(("operation", "nth"), [("Query", 1), ("TransactWriteItems", 1)], ids=["read", "written down"])
def test_r27_closed_while_it_is_taken_out_it_is_not_taken_out(cast: Cast, operation: str, nth: int) -> None:
    assert cast.pria.name
    seen(cast, cast.ann, outcome=Outcome.REST)
    id, patient = id_of(cast.ann), patient_errand(cast, cast.ann)
    with (
        meanwhile(operation, lambda: keeping.erase(patient, id=id), nth),
        pytest.raises(Refusal, match="has had this record closed"),
    ):
        command.record(str(id), "pria", person=False, request="taken:1", now=cast.clock())
    assert [one for one in records.audit(f"V#{id}") if one.deed == "see_record"] == [], "nothing was seen"


def test_r27_nobody_else_takes_a_record_out(cast: Cast) -> None:
    assert [cast.ada.name, cast.max.name, cast.sam.name] == ["Dr Ada", "Max", "Sam"]
    seen(cast, cast.ann)
    before = table()
    for who in ("ada", "max", "sam", "nobody"):
        with pytest.raises(Refusal):
            command.record(cast.ann.visit, who, person=False, request="taken:1", now=cast.clock())
    assert table() == before


def test_r27_the_file_is_the_officers_alone_and_never_one_that_was_there(cast: Cast, tmp_path: Path) -> None:
    assert cast.pria.name
    seen(cast, cast.ann)
    file, asked = tmp_path / "record.json", ["--by", "pria", "--visit", cast.ann.visit]
    assert command.main([*asked, str(file)]) == 0
    assert file.stat().st_mode & 0o077 == 0
    assert wrong_with(json.loads(file.read_text())) == []
    written = file.read_text()
    before = table()
    assert command.main([*asked, str(file)]) == 1
    assert file.read_text() == written
    assert table() == before
    assert command.main(["--by", "sam", "--visit", cast.ann.visit, str(tmp_path / "other.json")]) == 1
    assert not (tmp_path / "other.json").exists()
    assert command.main(["--by", "pria", "--visit", "-" * 32, str(tmp_path / "other.json")]) == 1, "a name as any"
