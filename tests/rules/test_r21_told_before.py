"""R21: whom a patient sees, name, title and licence number, and what it costs, is told before they accept it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from chalicelib.clinic import CLINIC
from chalicelib.doors import shown
from chalicelib.refusal import NotAllowed
from chalicelib.rooms import arrival, assignment, permission
from chalicelib.rooms.kit import BadKit, clinic
from chalicelib.rooms.permission import TAKES, Actor, Role
from chalicelib.rooms.queue import State
from chalicelib.rooms.staff import Plate, plate, plate_of
from chalicelib.store import records
from chalicelib.visit import seeing
from tests.builders import ADA, BO, NOW, a_clinic, a_doctor, a_request, a_visit
from tests.doors.stories import id_of, seen, taken
from tests.hiring import TITLE, hired
from tests.people import Cast
from tests.rooms.test_kit import kit
from tests.simulation.mutants import instead
from tests.visit.walk import Walk

TODAY = date(2030, 1, 7)


@pytest.mark.parametrize("deed", sorted(TAKES))
@pytest.mark.parametrize("missing", ["name", "title", "licence"])
def test_r21_who_cannot_be_named_to_a_patient_takes_nobody(deed: str, missing: str) -> None:
    permission.takes(ADA, deed, TODAY, 0)
    with pytest.raises(NotAllowed):
        permission.takes(replace(ADA, **{missing: ""}), deed, TODAY, 0)


def test_r21_whoever_has_a_patient_already_can_finish_or_hand_them_back() -> None:
    for deed in ("sign", "hand_back", "say", "save_note"):
        permission.takes(Actor(role=Role.DOCTOR, id="ada"), deed, TODAY, 0)


@pytest.mark.parametrize("missing", ["title", "licence"])
def test_r21_at_the_door_too(cast: Cast, missing: str) -> None:
    """A row from before there were titles, or one that was edited by hand."""
    from chalicelib.store.staff_rows import StaffRow

    cast.ann.join()
    cast.ada.post("/en/doctor/duty", departments="general", capacity="2")
    row = StaffRow.get("U#ada", "U")
    row.update(actions=[getattr(StaffRow, missing).remove()])
    for page, form in (("next", {}), ("duty", {"departments": "general", "capacity": "2"})):
        got = cast.ada.post(f"/en/doctor/{page}", **form)
        assert (got.status, "Patients must see your title" in got.words) == (403, True), got.words
    assert records.visit(id_of(cast.ann)).state == "waiting"


@pytest.mark.usefixtures("clinic_on_moto")
def test_r21_what_a_patient_was_told_is_kept_with_the_visit_and_does_not_change() -> None:
    walk = Walk()
    id = walk.taken()
    kept = records.visit(id).plates
    assert kept == (Plate(doctor="ada", name="Dr Ada", title="Attending physician", licence="L-ada"),)
    renamed = replace(ADA, name="Dr Ada Lin", title="Chief physician", licence="L-new")
    seeing.say(walk.errand(renamed), id=id, text="Hello", epoch=1)
    walk.sign(id, by=renamed)
    assert records.visit(id).plates == kept


@pytest.mark.usefixtures("clinic_on_moto")
def test_r21_who_is_handed_on_is_told_of_the_next_doctor() -> None:
    walk = Walk()
    id = walk.taken()
    seeing.hand_back(walk.errand(ADA), id=id, epoch=1, reason="A skin matter")
    walk.on_duty(BO)
    assert walk.take(BO) == id
    visit = records.visit(id)
    assert [(one.doctor, one.title) for one in visit.plates] == [
        ("ada", "Attending physician"),
        ("bo", "Chief physician"),
    ]
    assert plate_of(visit.plates, "bo") == plate(BO)


def test_r21_who_is_called_again_is_told_as_of_then() -> None:
    held = a_visit(state=State.ASSIGNED)
    away = replace(held, state=State.WAITING, ticket=None, no_shows=1, returns_at=3, doctor=None)
    newly = replace(ADA, title="Chief physician")
    back, _ = assignment.call_again(away, a_doctor(), by=newly, now=away.joined_at)
    assert [one.title for one in back.plates] == ["Attending physician", "Chief physician"]
    told = plate_of(back.plates, "ada")
    assert told is not None
    assert told.title == "Chief physician"


def test_r21_a_name_with_a_tab_in_it_is_a_name() -> None:
    assert plate(replace(ADA, name="Dr\tAda\n ")).name == "Dr Ada"


WORDS = ("Dr Ada", TITLE, "Licence number L-ada")


def test_r21_a_patient_reads_it_before_a_word_is_said_and_ever_after(cast: Cast) -> None:
    taken(cast, cast.ann)
    before = cast.ann.look()
    assert "you can leave before you write to each other" in before.words
    assert f"/en/visits/{cast.ann.visit}/leave" in before.page.links
    for word in WORDS:
        assert word in before.words
    epoch = records.visit(id_of(cast.ann)).epoch
    seeing.say(cast.errand("ada"), id=id_of(cast.ann), text="Hello", epoch=epoch)
    after = cast.ann.look()
    assert "you can leave before you write to each other" not in after.words
    assert "Fee: Free of charge" in after.words
    _told_everywhere(cast, "")


def _told_everywhere(cast: Cast, *pages: str) -> None:
    for page in pages:
        got = cast.ann.get(cast.ann.url("visits", cast.ann.visit) + page)
        assert got.status == 200
        for word in WORDS:
            assert word in got.words, (page, word)


def test_r21_it_is_on_the_page_after_the_visit_the_prescription_and_the_record(cast: Cast) -> None:
    seen(cast, cast.ann)
    hired("ada", cast.clock())
    cast.max.get("/en/people/ada")
    cast.max.fill("/people/ada", name="Dr Ada Lin", title="Professor", licence="L-9")
    _told_everywhere(cast, "", "/prescription", "/record")
    said = cast.ann.machine("GET", cast.ann.url("visits", cast.ann.visit)).json
    assert said["doctor"] == {"name": "Dr Ada", "title": TITLE, "licence": "L-ada"}
    found = cast.ann.machine("GET", cast.ann.url("visits", cast.ann.visit, "record", "fhir")).json
    made: dict[str, Any] = {one["resource"]["resourceType"]: one["resource"] for one in found["entry"]}
    doctor, visit = made["Practitioner"], made["Encounter"]
    assert doctor["identifier"] == [{"value": "L-ada"}]
    assert doctor["qualification"][0]["code"] == {"text": TITLE}
    assert visit["participant"][0]["individual"]["display"] == f"Dr Ada, {TITLE}, L-ada"


def test_r21_who_may_wait_for_the_doctor_they_had_reads_who_that_was(cast: Cast) -> None:
    seen(cast, cast.ann)
    at = cast.ann.answer(follow_up="yes")
    for word in WORDS:
        assert word in at.words


def test_r21_a_visit_of_before_shows_what_there_is(cast: Cast) -> None:
    from chalicelib.store.rows import VisitRow

    seen(cast, cast.ann)
    VisitRow.get(f"V#{id_of(cast.ann)}", "V").update(actions=[VisitRow.plates.remove()])
    for page in ("", "/prescription", "/record"):
        got = cast.ann.get(cast.ann.url("visits", cast.ann.visit) + page)
        assert got.status == 200
        assert "Licence number" not in got.words


PAID = {"en": "20 yuan", "zh": "20 元"}


def test_r21_no_kit_is_silent_about_the_fee() -> None:
    with pytest.raises(BadKit, match="fee is missing"):
        clinic({name: value for name, value in kit().items() if name != "fee"})


def test_r21_a_department_may_have_a_fee_of_its_own() -> None:
    first, *others = kit()["departments"]
    made = clinic(kit(departments=[{**first, "fee": PAID}, *others]))
    assert made.fee_in(first["id"]) == PAID
    assert made.fee_in(others[0]["id"]) == made.fee == {"en": "Free of charge", "zh": "免费"}


@pytest.mark.parametrize(("language", "said"), [("en", "20 yuan"), ("zh", "20 元"), ("fr", "20 yuan")])
def test_r21_what_a_patient_agreed_to_pay_is_kept_in_the_words_they_read(language: str, said: str) -> None:
    costly = a_clinic(fee=PAID)
    agreed = arrival.agree(a_request(language=language), consented=True, clinic=costly, now=NOW)
    assert agreed.fee == said
    dearer = arrival.agree(a_request(), consented=True, clinic=replace(costly, fee={"en": "30 yuan"}), now=NOW)
    assert (dearer.fee, agreed.fee) == ("30 yuan", said)


def test_r21_the_fee_is_read_before_the_ticket_and_beside_the_doctor(cast: Cast) -> None:
    assert "What a visit costs: Free of charge" in cast.eve.get("/en").words
    assert "就诊费用： 免费" in cast.eve.get("/zh").words
    asking = cast.ann.answer()
    assert "What this visit costs: Free of charge" in asking.words
    assert "consent" in asking.page.forms[0].fields, "on the page on which they agree"
    taken(cast, cast.ann)
    assert "Fee: Free of charge" in cast.ann.look().words
    _told_everywhere(cast, "")
    record = cast.ann.get(cast.ann.url("visits", cast.ann.visit, "record")).words
    assert "What this visit costs Free of charge" in record


def test_r21_where_departments_differ_each_is_told_with_its_fee(cast: Cast) -> None:
    first, *others = CLINIC.departments
    differ = replace(CLINIC, departments=(replace(first, fee=PAID), *others))
    with instead(shown, "CLINIC", differ):
        home = cast.eve.get("/en").words
        assert f"20 yuan ({first.name['en']}). Free of charge ({others[0].name['en']}," in home
        assert [one["fee"] for one in shown.fees("zh")] == ["20 元", "免费"]
        assert "What this visit costs: 20 yuan" in cast.ann.answer(department=first.id).words
        assert "What this visit costs: Free of charge" in cast.bob.answer(department="general").words
        choosing = cast.bob.get("/en/ask/what").words
        assert f"{first.about['en']} · Fee: 20 yuan" in choosing
        assert f"{others[0].about['en']} · Fee: Free of charge" in choosing
    assert "Fee:" not in cast.bob.get("/en/ask/what").words, "where it makes no difference it is told once"


def test_r21_a_clerk_tells_it_and_it_is_on_the_paper(cast: Cast) -> None:
    cast.dee.get("/en/desk/add")
    assert cast.dee.at is not None
    assert "Say also what the visit costs: Free of charge" in cast.dee.at.words
    answers = {"flags": "none", "consent": "yes", "department": "general", "why": "A cough", "age": "40", "name": "Bo"}
    got = cast.dee.fill("/desk/add", **answers, for_whom="me", how_long="days", getting="same", language="zh")
    assert "费用：免费" in got.words
