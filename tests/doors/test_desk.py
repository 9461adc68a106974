"""The desk's door: who waits, a ticket on paper for somebody without a phone, and ending a wait with a reason."""

import re

import pytest

from chalicelib.store import names
from chalicelib.visit import taking
from tests.doors.stories import id_of
from tests.people import Answer, Cast, Member, Patient

PERSON = {
    "flags": "none",
    "for_whom": "me",
    "name": "Old Mr Zhao",
    "age": "82",
    "guardian": "",
    "why": "Dizzy since this morning",
    "department": "general",
    "allergies": "",
    "how_long": "today",
    "getting": "same",
    "phone": "",
    "language": "zh",
    "consent": "yes",
}


def add(cast: Cast, **different: str | list[str]) -> Answer:
    cast.dee.get("/en/desk/add")
    return cast.dee.fill("/add", **{**PERSON, **different})


def test_an_empty_queue_is_said_kindly(cast: Cast) -> None:
    got = cast.dee.get("/en/desk")
    assert "Fever and breathing" in got.page.title
    assert "Nobody is waiting here." in got.words
    assert "No doctor on duty" in got.words


def test_who_waits_in_about_calling_order(cast: Cast) -> None:
    cast.bob.join()
    cast.clock.forward(minutes=9)
    cast.ann.join(getting="worse")
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=2)
    got = cast.dee.get("/en/desk?department=general")
    assert got.words.index("Ann Smith · 34 Urgent") < got.words.index("Bob 王 · 71 Standard")
    assert "waiting 9 min" in got.words
    assert "1 doctor on duty" in got.words
    assert "Sore throat" not in got.body, "the desk does not need to know why"
    assert cast.dee.get("/en/desk?department=nowhere").status == 404


def test_a_paper_ticket_opens_the_visit_on_a_phone(cast: Cast) -> None:
    got = add(cast)
    assert got.status == 200
    assert re.fullmatch(r"/en/desk/tickets/[\w-]{32}", got.path)
    assert "C2001" in got.words
    assert "排在第 1 位" in got.words, "the paper speaks the patient's language"
    assert "<svg" in got.body
    [link] = re.findall(r"http://\S+?/zh/back\?code=([\w~-]+)", got.body)
    cast.eve.get(f"/zh/back?code={link}")
    opened = cast.eve.fill("/back")
    assert opened.status == 200
    assert "C2001" in opened.words


def test_a_lost_paper_is_printed_again_until_a_phone_has_opened_it(cast: Cast) -> None:
    at = add(cast).path
    again = cast.dee.get(at)
    [code] = re.findall(r"back\?code=([\w~-]+)", again.body)
    assert code.startswith(at.rpartition("/")[2])
    assert at in cast.dee.get("/en/desk?department=general").page.links
    assert "secret" not in cast.dee.machine("GET", at).body
    cast.eve.get("/en/back")
    cast.eve.fill("/back", code=code)
    got = cast.dee.get(at)
    assert got.status == 409
    assert "A phone has opened this ticket, so it is not printed again." in got.words
    assert code not in got.body
    assert at not in cast.dee.get("/en/desk?department=general").page.links


def test_a_paper_whose_first_reply_was_lost_opens_on_the_same_phone(cast: Cast) -> None:
    [code] = re.findall(r"back\?code=([\w~-]+)", add(cast).body)
    cast.eve.get("/en/back")
    before = dict(cast.eve.cookies)
    for same_form in (True, False):
        cast.eve.cookies = dict(before)
        fields = {"code": code, "request": "Q" * 22 if same_form else "R" * 22}
        for _ in range(2):
            assert cast.eve.send("/en/back", fields).status == 303
    assert cast.eve.get(f"/en/visits/{code.partition('~')[0]}").status == 200


def test_without_a_phone_the_paper_is_enough(cast: Cast) -> None:
    """Nothing hangs on its being opened: the code is called, the doctor signs, the desk goes on."""
    visit = add(cast).path.rpartition("/")[2]
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=2)
    assert taking.take_next(cast.errand("ada")) == names.ticket_of(visit)
    assert cast.ada.get(f"/en/doctor/visits/{visit}").status == 200
    got = cast.dee.get(f"/en/desk/tickets/{visit}")
    assert got.status == 409
    assert "The patient keeps the place: call the code." in got.words


def test_two_taps_draw_one_ticket(cast: Cast) -> None:
    cast.dee.get("/en/desk/add")
    assert cast.dee.at is not None
    form = next(f for f in cast.dee.at.page.forms if f.action.endswith("/add"))
    fields = {**form.fields, **PERSON}
    first, second = cast.dee.send(form.action, fields), cast.dee.send(form.action, fields)
    assert first.header("location") == second.header("location")
    assert len(cast.dee.machine("GET", "/en/desk?department=general").json["waiting"]) == 1


@pytest.mark.parametrize("flags", [["chest_pain"], ["none", "bleeding"]])
def test_a_danger_sign_is_an_emergency_and_no_ticket(cast: Cast, flags: list[str]) -> None:
    got = add(cast, flags=flags)
    assert "Emergency: no ticket" in got.words
    assert "tel:120" in got.page.links
    form = next(f for f in got.page.forms if f.action.endswith("/add"))
    assert form.fields["name"] == ["Old Mr Zhao"], "a slip of the finger does not cost the answers"
    assert cast.eve.get("/board/general").json["waiting"] == 0
    assert cast.dee.fill("/add", flags="none").path.startswith("/en/desk/tickets/")


def test_everything_wrong_is_said_and_nothing_typed_is_lost(cast: Cast) -> None:
    got = add(cast, age="old", department="", name="")
    assert got.status == 422
    assert set(got.page.errors) == {"age", "department", "name"}
    form = next(f for f in got.page.forms if f.action.endswith("/add"))
    assert form.fields["why"] == [PERSON["why"]]
    assert form.fields["language"] == ["zh"]
    assert "consent" in add(cast, consent=[]).page.errors
    assert "guardian" in add(cast, age="5", for_whom="child").page.errors
    assert "flags" in add(cast, flags=[]).page.errors
    assert "language" in add(cast, language="xx").page.errors


def test_out_of_the_queue_with_a_reason(cast: Cast) -> None:
    cast.ann.join()
    cast.bob.join()
    cast.dee.get("/en/desk?department=general")
    got = cast.dee.fill(f"{cast.ann.visit}/cancel")
    assert got.status == 422
    assert "why" in got.page.errors
    got = cast.dee.fill(f"{cast.ann.visit}/cancel", why="Went home by taxi")
    assert "C2001 is no longer in the queue." in got.words
    assert "Ann Smith" not in got.words
    assert "The clinic has ended this ticket" in cast.ann.look().words
    late = cast.dee.post(f"/en/desk/visits/{cast.ann.visit}/cancel", why="Again", department="general")
    assert late.status == 409


def test_closing_time(cast: Cast) -> None:
    cast.ann.join()
    got = cast.dee.get("/en/desk?department=general")
    assert not any(f.action.endswith("/expire") for f in got.page.forms), "nobody is sent away while it is open"
    cast.clock.forward(hours=13)
    cast.bob.join()
    night = Member(cast.house, "dee", cast.clock())
    got = night.get("/en/desk?department=general")
    assert "The department is closed." in got.words
    assert [f.action for f in got.page.forms if f.action.endswith("/expire")] == [
        f"/en/desk/visits/{cast.ann.visit}/expire"
    ], "who came since keeps the place until it opens"
    got = night.post(f"/en/desk/visits/{cast.bob.visit}/expire", department="general")
    assert got.status == 409
    night.get("/en/desk?department=general")
    got = night.fill("/expire")
    assert "C2001 is no longer in the queue." in got.words
    assert "closed" in cast.ann.look().words


def test_a_visit_with_a_doctor_is_not_closed(cast: Cast) -> None:
    cast.ann.join()
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=2)
    taking.take_next(cast.errand("ada"))
    got = cast.dee.post(f"/en/desk/visits/{cast.ann.visit}/expire", department="general")
    assert got.status == 409
    assert "A doctor has this patient now." in got.words


def test_a_page_repeats_no_strangers_words(cast: Cast) -> None:
    assert "Pay here" not in cast.dee.get("/en/desk?ended=Pay%20here").words
    assert cast.dee.get("/en/desk?ended=%3Cb%3E").status == 200
    assert cast.dee.get(f"/en/desk?department={'x' * 300}").status in (404, 422)


def test_tickets_of_phones_are_not_printed_here(cast: Cast) -> None:
    cast.ann.join()
    assert cast.dee.get(f"/en/desk/tickets/{cast.ann.visit}").status == 404


def test_hostile_input_names_the_field(cast: Cast) -> None:
    fields: dict[str, object] = {**PERSON, "phone": "1" * 99, "age": "ten", "flags": ["none", "magic"], "extra": 1}
    got = cast.dee.machine("POST", "/en/desk/add", fields)
    assert got.status == 422
    assert {error["field"] for error in got.json["errors"]} == {"phone", "age", "flags", "extra"}


def test_eve_and_the_wrong_role_are_refused_everywhere(cast: Cast) -> None:
    added = add(cast).path.rpartition("/")[2]
    walked_in = Patient(cast.house, {})
    walked_in.visit = added
    assert names.ticket_of(added) == id_of(walked_in)
    for page in ("/en/desk", "/en/desk/add", f"/en/desk/tickets/{added}"):
        assert cast.eve.ask("GET", page).header("location").startswith("/en/staff?next=")
        assert cast.bob.machine("GET", page).status == 401
        for other in (cast.ada, cast.sam, cast.cole):
            assert other.get(page).status == 403
    for to, fields in (
        ("/en/desk/add", PERSON),
        (f"/en/desk/visits/{added}/cancel", {"why": "r"}),
        (f"/en/desk/visits/{added}/expire", {}),
    ):
        assert cast.eve.post(to, **fields).status == 401
        assert cast.ada.post(to, **fields).status == 403
    assert cast.eve.get("/board/general").json["waiting"] == 1
