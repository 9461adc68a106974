"""The doctor's door: duty, the next patient, the conversation, the note, the signature, and who is not this doctor."""

from typing import Any

import pytest

from chalicelib.doors import phrases
from chalicelib.rooms.prescription import Line
from chalicelib.visit import seeing, sending
from tests.doors.stories import PILLS, SOAP, id_of, patient_errand, seen, taken
from tests.doors.test_number import Known, with_people
from tests.people import ANN, Cast, Patient

FINISH = {**SOAP, "outcome": "prescription", "summary": "Rest and drink.", "speaks": "en", "stated": "spoke"}


def address(patient: Patient, *parts: str) -> str:
    return "/".join(("/en/doctor/visits", patient.visit, *parts))


def medicine(n: int, id: str, **different: str) -> dict[str, str]:
    fields = {"medicine": id, "dose": "500 mg", "per_day": "3", "days": "3", "advice": "", **different}
    return {f"{part}_{n}": value for part, value in fields.items()}


# On duty


def test_a_quiet_morning_is_said_kindly(cast: Cast) -> None:
    got = cast.ada.get("/en/doctor")
    assert "Not on duty" in got.words
    got = cast.ada.fill("/duty", departments=["general", "tcm"], capacity="4")
    assert "On duty" in got.words
    got = cast.ada.fill("/next")
    assert got.status == 200
    assert "Nobody is waiting in your departments." in got.words


def test_the_last_choice_is_remembered(cast: Cast) -> None:
    cast.ada.get("/en/doctor")
    cast.ada.fill("/duty", departments=["mind"], capacity="4")
    got = cast.ada.fill("/pause")
    assert "Not on duty" in got.words
    duty = next(form for form in got.page.forms if form.action.endswith("/duty"))
    assert duty.fields["departments"] == ["mind"]
    assert duty.fields["capacity"] == ["4"]


def test_duty_without_a_department_is_refused_with_the_choice_kept(cast: Cast) -> None:
    got = cast.ada.post("/en/doctor/duty", capacity="7")
    assert got.status == 422
    assert "departments" in got.page.errors
    duty = next(form for form in got.page.forms if form.action.endswith("/duty"))
    assert duty.fields["capacity"] == ["7"]


def test_the_clinic_picks_and_says_why(cast: Cast) -> None:
    cast.bob.join()
    cast.clock.forward(minutes=12)
    cast.ann.join(getting="worse")
    cast.ada.get("/en/doctor")
    cast.ada.fill("/duty", departments=["general"], capacity="2")
    got = cast.ada.fill("/next")
    assert got.path == address(cast.ann)
    assert "Was first of those whose case is more urgent." in got.words
    assert "penicillin" in got.words
    cast.ada.get("/en/doctor")
    got = cast.ada.fill("/next")
    assert got.path == address(cast.bob)
    assert "Waited 12 min." in got.words
    got = cast.ada.get("/en/doctor")
    assert "You have 2 of 2 conversations." in got.words
    assert cast.ada.post("/en/doctor/next").status == 409


def test_two_taps_take_one_patient(cast: Cast) -> None:
    cast.ann.join()
    cast.bob.join()
    cast.ada.get("/en/doctor")
    cast.ada.fill("/duty", departments=["general"], capacity="3")
    assert cast.ada.at is not None
    form = next(form for form in cast.ada.at.page.forms if form.action.endswith("/next"))
    first, second = cast.ada.send(form.action, form.fields), cast.ada.send(form.action, form.fields)
    assert first.header("location") == second.header("location")
    assert cast.ada.machine("GET", "/en/doctor").json["visits"][0]["name"] == "Ann Smith"
    assert len(cast.ada.machine("GET", "/en/doctor").json["visits"]) == 1


# The conversation and the note


def test_a_phrase_goes_out_at_once_in_the_patients_language(cast: Cast) -> None:
    cast.ann.language = "zh"
    taken(cast, cast.ann)
    got = cast.ada.post(address(cast.ann, "messages"), phrase="hello", speaks="zh", epoch="1")
    assert got.status == 200
    assert "您好，我是 Dr Ada。" in got.words


def test_a_phrase_joins_what_was_begun_and_nothing_is_sent(cast: Cast) -> None:
    taken(cast, cast.ann)
    got = cast.ada.post(address(cast.ann, "messages"), text="My own words", phrase="since", speaks="en", epoch="1")
    assert got.status == 200
    box = got.page.forms[0].fields["text"][0]
    assert box.startswith("My own words\n")
    assert phrases.QUICK[1].text in box
    assert seeing.messages(cast.errand("ada"), id=id_of(cast.ann), after="") == []


def test_one_form_for_conversation_and_note_loses_neither(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(address(cast.ann))
    got = cast.ada.fill("/messages", text="How are you?", assessment="Tonsillitis?")
    assert "How are you?" in got.words
    assert got.page.forms[0].fields["assessment"] == ["Tonsillitis?"], "sent with the message, saved as the draft"
    form = got.page.forms[0]
    got = cast.ada.send(
        form.action.replace("/messages", "/note"), {**form.fields, "text": "Half a sen", "plan": "Rest"}
    )
    assert got.page.forms[0].fields["text"] == ["Half a sen"], "a message that was begun stays on the page"
    note = seeing.open_visit(cast.errand("ada"), id=id_of(cast.ann)).note
    assert note is not None
    assert note.plan == "Rest"


def test_the_note_saves_itself_and_says_when(cast: Cast) -> None:
    taken(cast, cast.ann)
    for text in ("T", "To", "Tonsillitis"):
        got = cast.ada.machine("POST", address(cast.ann, "note"), {"epoch": 1, **SOAP, "assessment": text})
        assert got.status == 200
        assert got.json["clock"] == "10:00"
    note = seeing.open_visit(cast.errand("ada"), id=id_of(cast.ann)).note
    assert note is not None
    assert (note.number, note.assessment) == (1, "Tonsillitis")


def test_new_messages_come_to_the_page(cast: Cast) -> None:
    taken(cast, cast.ann)
    seeing.say(patient_errand(cast, cast.ann), id=id_of(cast.ann), text="It hurts <b>here</b>", epoch=None)
    got = cast.ada.machine("GET", address(cast.ann, "messages"))
    [message] = got.json["messages"]
    assert message["patient"] is True
    assert message["text"] == "It hurts <b>here</b>"
    later = cast.ada.machine("GET", f"{address(cast.ann, 'messages')}?after={message['id']}")
    assert later.json["messages"] == []
    assert "<b>here</b>" not in cast.ada.get(address(cast.ann)).body


def test_a_doctor_who_lost_the_visit_reads_so_and_keeps_his_words(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(address(cast.ann))
    seeing.hand_back(cast.errand("ada"), id=id_of(cast.ann), epoch=1, reason="I am called away")
    got = cast.ada.fill("/messages", text="A long and careful answer", assessment="Thought about it")
    assert got.status == 409
    assert "This patient went back to the queue" in got.words
    assert "What you wrote is still here" in got.words
    assert "A long and careful answer" in got.words
    assert "Thought about it" in got.words


def test_handing_back_needs_a_reason_and_the_next_doctor_reads_it(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(address(cast.ann))
    got = cast.ada.fill("/hand-back")
    assert got.status == 422
    assert "reason" in got.page.errors
    got = cast.ada.fill("/hand-back", reason="Needs a lung doctor")
    assert "Handed back." in got.words
    cast.bo.get("/en/doctor")
    cast.bo.fill("/duty", departments=["general"], capacity="1")
    got = cast.bo.fill("/next")
    assert "Handed back by the doctor before you Needs a lung doctor" in got.words
    assert "Was called before and came back to the front." in got.words


# Finishing


def test_everything_open_is_said_at_once(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(address(cast.ann, "finish"))
    got = cast.ada.fill("/finish", plan="Rest")
    assert got.status == 422
    assert "outcome" in got.page.errors
    got = cast.ada.fill("/finish", outcome="rest_and_observe", plan="Rest")
    assert set(got.page.errors) == {"assessment", "summary"}
    assert got.page.forms[0].fields["plan"] == ["Rest"]


def test_signed_once_however_often_it_is_sent(cast: Cast) -> None:
    taken(cast, cast.ann, allergies="")
    cast.ada.get(address(cast.ann, "finish"))
    assert cast.ada.at is not None
    form = cast.ada.at.page.forms[0]
    fields = {**form.fields, **FINISH, **medicine(1, "paracetamol-500")}
    first, second = cast.ada.send(form.action, fields), cast.ada.send(form.action, fields)
    assert (first.status, second.status) == (303, 303)
    got = cast.ada.get(first.header("location"))
    assert "Signed and finished 10:00" in got.words
    assert "Paracetamol 500 mg" in got.words
    assert len(sending.to_review(cast.errand("sam"))) == 1
    other = cast.ada.post(address(cast.ann, "finish"), epoch="1", heard="0", **FINISH)
    assert other.status == 409
    assert "This visit has already ended." in other.words


def test_a_template_fills_the_summary_in_the_patients_language_and_signs_nothing(cast: Cast) -> None:
    taken(cast, cast.ann)
    typed = {**SOAP, "summary": "First line.", "speaks": "zh", "template": "cold"}
    got = cast.ada.post(address(cast.ann, "finish"), epoch="1", heard="0", **typed)
    fields = got.page.forms[0].fields
    assert fields["summary"][0].startswith("First line.\n您很可能是普通感冒")
    assert fields["outcome"] == ["rest_and_observe"]
    assert fields["assessment"] == ["Tonsillitis"]
    assert seeing.open_visit(cast.errand("ada"), id=id_of(cast.ann)).visit.outcome is None


def test_a_warning_is_confirmed_by_name(cast: Cast) -> None:
    taken(cast, cast.ann)  # allergic to penicillin
    cast.ada.get(address(cast.ann, "finish"))
    lines = medicine(1, "amoxicillin-500")
    got = cast.ada.fill("/finish", **FINISH, **lines)
    assert got.status == 422
    assert "Amoxicillin 500 mg contains it or belongs to it" in got.words
    seen_once = "allergy:amoxicillin-500:penicillin"
    got = cast.ada.fill(
        "/finish", **FINISH, **lines, **medicine(2, "warfarin-2.5", per_day="1", dose="2.5 mg"), confirmed=seen_once
    )
    assert got.status == 422, "the second medicine brings a warning that nobody has seen yet"
    assert "Interaction: Amoxicillin 500 mg and Warfarin 2.5 mg together." in got.words
    both = f"{seen_once} interaction:amoxicillin-500:warfarin-2.5"
    assert both in got.body
    got = cast.ada.fill("/finish", confirmed=both)
    assert got.path == address(cast.ann)
    assert "Waiting for the pharmacist" in got.words


def test_a_wrong_line_is_marked_where_it_stands(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(address(cast.ann, "finish"))
    got = cast.ada.fill("/finish", **FINISH, **medicine(3, "cetirizine-10", per_day="9", dose=""), days_5="3")
    assert got.status == 422
    assert set(got.page.errors) == {"per_day_3", "dose_3", "medicine_5"}


def test_no_medicine_where_the_patient_must_be_seen(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(address(cast.ann, "finish"))
    got = cast.ada.fill("/finish", **{**FINISH, "outcome": "in_person"}, **medicine(1, "cetirizine-10", per_day="1"))
    assert got.status == 422
    assert "outcome" in got.page.errors
    assert got.page.forms[0].fields["medicine_1"] == ["cetirizine-10"]


# Afterwards


def test_a_signed_note_is_corrected_beside_itself(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    cast.ada.get(address(cast.ann))
    got = cast.ada.fill("/amend", assessment="Scarlet fever")
    assert "Scarlet fever" in got.words
    assert "Version 1 Replaced by a newer version" in got.words
    assert "Tonsillitis" in got.words


def test_a_returned_prescription_is_changed(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    sending.review(cast.errand("sam"), id=id_of(cast.ann), number=1, approve=False, reason="For how long exactly?")
    got = cast.ada.get("/en/doctor")
    assert "For how long exactly?" in got.words
    got = cast.ada.get(address(cast.ann, "revise"))
    assert "Sam returned it: For how long exactly?" in got.words
    assert got.page.forms[0].fields["dose_1"] == ["500 mg"]
    got = cast.ada.fill("/revise", days_1="99")
    assert got.status == 422
    assert "days_1" in got.page.errors
    got = cast.ada.fill("/revise", days_1="2")
    assert got.path == address(cast.ann)
    assert "Waiting for the pharmacist" in got.words
    assert cast.ada.get(address(cast.ann, "revise")).status == 200, "nothing to change any more: the visit's page"


def test_medicine_typed_into_a_page_that_is_out_of_date_is_still_there(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(address(cast.ann, "finish"))
    seeing.hand_back(cast.errand("ada"), id=id_of(cast.ann), epoch=1, reason="I am called away")
    got = cast.ada.fill("/finish", **{**FINISH, **medicine(1, "paracetamol-500", advice="With a glass of milk")})
    assert got.status == 409
    assert "Paracetamol 500 mg · 500 mg · 3 · 3 · With a glass of milk" in got.words


def test_a_prescription_is_taken_back_with_a_reason(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    cast.ada.get(address(cast.ann))
    assert cast.ada.fill("/revoke").page.errors.keys() == {"reason"}
    assert "Cancelled" in cast.ada.fill("/revoke", reason="Wrong patient").words


def test_the_doctor_finds_the_visits_before(cast: Cast) -> None:
    """Of somebody whose number is proven; what others see is in test_number."""
    ann = Known(cast.house, ANN)
    with_people(ann)
    seen(cast, ann, lines=PILLS, allergies="")
    cast.clock.forward(hours=1)
    taken(cast, ann, allergies="")
    got = cast.ada.get(address(ann))
    assert "Earlier visits (1)" in got.words
    assert "Tonsillitis" in got.words
    assert "Paracetamol" in got.words


# Strangers


PAGES = ("", "finish", "revise", "messages")
POSTS: dict[str, dict[str, Any]] = {
    "messages": {"text": "Hello", "epoch": "1"},
    "note": {"epoch": "1", **SOAP},
    "finish": {"epoch": "1", "heard": "0", **FINISH, **medicine(1, "paracetamol-500")},
    "hand-back": {"epoch": "1", "reason": "Mine now"},
    "amend": SOAP,
    "revise": medicine(1, "paracetamol-500"),
    "revoke": {"reason": "Because"},
}


def test_another_doctor_is_a_stranger_to_this_visit(cast: Cast) -> None:
    taken(cast, cast.ann)
    for page in PAGES:
        assert cast.bo.get(address(cast.ann, page).rstrip("/")).status == 404
    for deed, fields in POSTS.items():
        assert cast.bo.post(address(cast.ann, deed), **fields).status == 404, deed
    assert cast.bo.machine("GET", address(cast.ann)).status == 404


def test_eve_and_the_wrong_role_are_refused_everywhere(cast: Cast) -> None:
    taken(cast, cast.ann)
    for page in PAGES:
        to = address(cast.ann, page).rstrip("/")
        assert cast.eve.ask("GET", to).header("location").startswith("/en/staff?next=")
        for other in (cast.sam, cast.cole, cast.dee):
            assert other.get(to).status == 403
    for deed, fields in {**POSTS, "../duty": {}, "../next": {}, "../pause": {}}.items():
        to = f"/en/doctor/{deed[3:]}" if deed.startswith("../") else address(cast.ann, deed)
        assert cast.eve.post(to, **fields).status == 401, deed
        assert cast.ann.post(to, **fields).status == 401, deed
        assert cast.cole.post(to, **fields).status == 403, deed
    assert cast.eve.machine("GET", "/en/doctor").status == 401
    assert cast.dee.get("/en/doctor").status == 403
    assert "Ann Smith" not in cast.eve.get(address(cast.ann)).body


@pytest.mark.parametrize(
    ("deed", "fields", "field"),
    [
        ("messages", {"text": "x" * 1001, "epoch": "1"}, "text"),
        ("messages", {"text": "x", "epoch": "one"}, "epoch"),
        ("messages", {"phrase": "hello", "speaks": "xx", "epoch": "1"}, "text"),
        ("note", {"epoch": "1", "plan": "x" * 2001}, "plan"),
        ("finish", {"epoch": "1", "heard": "0", "summary": "x" * 1001}, "summary"),
        ("finish", {"epoch": "1", "heard": "0", "outcome": "dance"}, "outcome"),
        ("finish", {"epoch": "1", "heard": "0", "per_day_1": "many"}, "per_day_1"),
        ("finish", {"epoch": "1", "heard": "0", "template": "nothing"}, "summary"),
        ("finish", {"epoch": "1", "heard": "0", "medicine_6": "x"}, "medicine_6"),
        ("hand-back", {"epoch": "1", "reason": ["a", "b"]}, "reason"),
        ("hand-back", {"epoch": "9" * 30, "reason": "a"}, "epoch"),
    ],
)
def test_hostile_input_names_the_field(cast: Cast, deed: str, fields: dict[str, Any], field: str) -> None:
    taken(cast, cast.ann)
    got = cast.ada.machine("POST", address(cast.ann, deed), fields)
    assert got.status == 422
    assert field in [error["field"] for error in got.json["errors"]]


def test_a_machine_signs_at_the_same_address(cast: Cast) -> None:
    taken(cast, cast.ann, allergies="")
    chart = cast.ada.machine("GET", address(cast.ann)).json
    assert chart["mine"] is True
    assert "secret" not in str(chart)
    line = medicine(1, "paracetamol-500", per_day=3, days=3)  # type: ignore[arg-type]
    sent = {"epoch": chart["epoch"], "heard": chart["heard"], **FINISH, **line}
    got = cast.ada.machine("POST", address(cast.ann, "finish"), sent, idempotency_key="a-machine-says-so")
    assert got.json == {"state": "completed", "outcome": "prescription"}
    again = cast.ada.machine("POST", address(cast.ann, "finish"), sent, idempotency_key="a-machine-says-so")
    assert again.json == got.json


def test_lines_keep_their_number_on_the_form() -> None:
    from chalicelib.doors import lines

    given = {f"{part}_{n}": "" for n in lines.NUMBERS for part in lines.PARTS}
    given |= medicine(2, "paracetamol-500") | {"per_day_2": 3, "days_2": 2}  # type: ignore[operator]
    found, numbers = lines.lines_of(given)
    assert numbers == (2,)
    assert found == (Line(medicine="paracetamol-500", dose="500 mg", per_day=3, days=2),)
