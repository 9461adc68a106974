"""The way in: the questions as patients answer them, with mistakes, two taps, lost replies and other phones."""

from typing import Any

import pytest

from chalicelib.doors.guests import TICKETS_MAX
from chalicelib.store import names, records
from chalicelib.visit import taking
from tests.people import ANN, Browser, Cast


def test_the_first_page_says_what_to_do_in_an_emergency_and_how_long_the_wait_is(cast: Cast) -> None:
    got = cast.eve.get("/")
    assert got.path == "/en"
    assert "tel:120" in got.page.links
    assert "General medicine no doctor on duty" in got.words
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=3)
    assert "General medicine 6 to 15 minutes" in cast.eve.get("/en").words


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de,en-GB;q=0.7", "en"),
        ("zh;q=0.1, en", "en"),
        ("x;q=y, *", "en"),
        ("", "en"),
    ],
)
def test_the_front_door_speaks_the_browsers_language(cast: Cast, accept: str, language: str) -> None:
    assert cast.eve.ask("GET", "/", accept_language=accept).header("Location") == f"/{language}"


def test_at_night_a_closed_department_says_when_it_opens(cast: Cast) -> None:
    cast.clock.forward(hours=13)  # 23:00
    assert "General medicine closed, opens at 08:00" in cast.eve.get("/en").words
    cast.ann.join()
    assert "General medicine opens at 08:00. Your place is safe." in cast.ann.at.words  # type: ignore[union-attr]


def test_six_pages_from_the_first_question_to_the_ticket(cast: Cast) -> None:
    got = cast.ann.answer()
    for said in ("Ann Smith", "34", "Sore throat for three days", "General medicine", "penicillin", "A few days"):
        assert said in got.words
    got = cast.ann.fill(consent="yes")
    assert "Your ticket C2001 General medicine Your place 1" in got.words
    assert cast.ann.get("/en").page.links.count(f"/en/visits/{got.path.split('/')[3]}") == 1


def test_nobody_reaches_a_later_question_around_an_earlier_one(cast: Cast) -> None:
    for step in ("who", "what", "how_long", "contact", "check"):
        got = cast.eve.get(f"/en/ask/{step}")
        assert got.path == "/en/ask/flags?lost=yes"
    cast.eve.get("/en/ask/flags")
    cast.eve.fill(flags="none")
    assert cast.eve.get("/en/ask/check").path == "/en/ask/who"
    assert cast.eve.post("/en/ask/check", consent="yes").status == 422


def test_no_answer_about_danger_signs_is_no_answer(cast: Cast) -> None:
    cast.ann.get("/en/ask/flags")
    got = cast.ann.fill()
    assert got.status == 422
    assert got.page.title.startswith("Error: ")
    assert "#flags" in got.page.links
    assert "flags" in got.page.ids
    assert "None of these" in got.page.errors["flags"]


@pytest.mark.parametrize("flags", [["chest_pain"], ["none", "self_harm"], ["bleeding", "stroke", "none"]])
def test_any_danger_sign_is_an_emergency_and_never_a_ticket(cast: Cast, flags: list[str]) -> None:
    cast.ann.get("/en/ask/flags")
    got = cast.ann.fill(flags=flags)
    assert got.path == "/en/emergency"
    assert "Call 120 now" in got.words
    assert "tel:120" in got.page.links
    for step in ("who", "check"):
        assert cast.ann.get(f"/en/ask/{step}").path == "/en/emergency"
    got = cast.ann.post("/en/ask/who", **{name: ANN[name] for name in ("for_whom", "name", "age", "guardian")})
    assert got.status == 409
    assert got.path != "/en/ask/what"
    assert cast.ann.post("/en/ask/check", consent="yes").status in (409, 422)


def test_a_danger_sign_ticked_by_mistake_can_be_taken_back(cast: Cast) -> None:
    cast.ann.get("/en/ask/flags")
    cast.ann.fill(flags="breathing")
    cast.ann.get("/en/ask/flags?change=yes")
    assert cast.ann.fill(flags="none").path == "/en/ask/who"


def test_everything_wrong_is_said_at_once_and_nothing_typed_is_lost(cast: Cast) -> None:
    cast.ann.get("/en/ask/flags")
    cast.ann.fill(flags="none")
    got = cast.ann.fill(name="   ", age="thirty", guardian="Mum & <b>Dad</b>")
    assert got.status == 422
    assert set(got.page.errors) == {"for_whom", "name", "age"}
    assert got.page.forms[0].fields["age"] == ["thirty"]
    assert got.page.forms[0].fields["guardian"] == ["Mum & <b>Dad</b>"]
    assert "<b>Dad" not in got.body


def test_a_child_comes_with_a_named_guardian(cast: Cast) -> None:
    cast.ann.get("/en/ask/flags")
    cast.ann.fill(flags="none")
    got = cast.ann.fill(for_whom="child", name="Lily", age="6", guardian="")
    assert "parent or guardian" in got.page.errors["guardian"]
    got = cast.ann.fill(guardian="Ann Smith")
    assert got.path == "/en/ask/what"
    got = cast.ann.get("/en/ask/who")
    got = cast.ann.fill(for_whom="me")
    assert "My child" in got.page.errors["for_whom"]


def test_an_answer_can_be_changed_and_the_rest_is_kept(cast: Cast) -> None:
    cast.ann.answer()
    got = cast.ann.get("/en/ask/what")
    assert got.page.forms[0].fields["why"] == ["Sore throat for three days"]
    got = cast.ann.fill(why="It is my knee", department="tcm")
    assert got.path == "/en/ask/check"
    assert "It is my knee" in got.words
    assert "Traditional Chinese medicine" in got.words


def test_a_doctor_who_was_not_offered_is_refused(cast: Cast) -> None:
    cast.ann.answer()
    got = cast.ann.post("/en/ask/check", consent="yes", doctor="nobody")
    assert got.status == 422
    assert "Choose from the list." in got.words
    assert "Your ticket" in cast.ann.post("/en/ask/check", consent="yes", doctor="first").words


def test_children_are_for_children(cast: Cast) -> None:
    cast.ann.answer()
    got = cast.ann.post("/en/ask/what", department="children", why="Sore throat")
    assert "This department is for people from 0 to 17 years." in got.page.errors["department"]


def test_without_consent_there_is_no_ticket(cast: Cast) -> None:
    cast.ann.answer()
    got = cast.ann.fill()
    assert got.status == 422
    assert "We can only help you if you agree." in got.page.errors["consent"]
    assert "tickets" not in cast.ann.cookies


@pytest.mark.parametrize("lost_reply", [False, True])
def test_two_taps_on_the_last_button_draw_one_ticket(cast: Cast, lost_reply: bool) -> None:
    cast.ann.answer()
    assert cast.ann.at is not None
    form = cast.ann.at.page.forms[0]
    before = dict(cast.ann.cookies)
    first = cast.ann.send(form.action, {**form.fields, "consent": "yes"})
    if lost_reply:
        cast.ann.cookies = before
    second = cast.ann.send(form.action, {**form.fields, "consent": "yes"})
    assert first.header("Location") == second.header("Location")
    assert first.cookies == second.cookies
    assert "Your place 1" in cast.ann.get(second.header("Location")).words


def test_a_second_ticket_in_the_same_queue_is_the_first_one(cast: Cast) -> None:
    first = cast.ann.join()
    assert cast.ann.join(why="Something else") == first
    assert cast.ann.at is not None
    assert "You already have a ticket here" in cast.ann.at.words


def test_starting_again_does_not_touch_the_ticket_before(cast: Cast) -> None:
    first = cast.ann.join()
    second = cast.ann.join(department="tcm")
    assert second != first
    assert cast.ann.cookies["tickets"].split("!")[0].startswith(second)
    assert cast.ann.get(cast.ann.url("visits", first)).status == 200


def test_answers_lost_on_the_way_are_said_and_what_was_typed_is_kept(cast: Cast) -> None:
    cast.ann.get("/en/ask/flags")
    cast.ann.fill(flags="none")
    cast.ann.cookies.clear()
    got = cast.ann.fill(for_whom="me", name="Ann Smith", age="34")
    assert got.status == 409
    assert "We cannot find your earlier answers on this phone." in got.words
    assert "Ann Smith" in got.words


def test_an_empty_battery_loses_no_answer(cast: Cast) -> None:
    cast.ann.get("/en/ask/flags")
    cast.ann.fill(flags="none")
    cast.ann.fill(for_whom="me", name="Ann Smith", age="34")
    cast.clock.forward(hours=1)
    got = cast.ann.get("/en/ask/flags")
    assert "/en/ask/what" in got.page.links
    assert "Ann" not in got.body, "whoever has the phone now is asked first"
    cast.clock.forward(hours=12)
    assert "/en/ask/what" not in cast.ann.get("/en/ask/flags").page.links
    cast.ann.join()
    assert "Go on where you stopped" not in cast.ann.get("/en/ask/flags").words


# Other phones


def test_a_familys_tickets_are_told_apart_by_name(cast: Cast) -> None:
    """Two children in the same department have tickets that look alike."""
    cast.ann.join(name="Mei Smith")
    mei = cast.ann.visit
    cast.ann.join(name="Bao Smith")
    got = cast.ann.get("/en/find").words
    assert "C2001 · General medicine Mei Smith Open your ticket" in got
    assert "C2002 · General medicine Bao Smith Open your ticket" in got
    assert not any("Smith" in cookie for cookie in cast.ann.cookies.values())
    secret = "A" * 22
    cast.eve.get("/en/ask/flags")
    cast.eve.cookies["tickets"] = f"{mei}~{secret}"
    got = cast.eve.get("/en/find").words
    assert "C2001" in got, "whoever knows a ticket's address can make this cookie"
    assert "Smith" not in got, "and does not read whose it is"


def test_the_return_link_opens_the_visit_on_another_phone(cast: Cast) -> None:
    cast.ann.join()
    got = cast.ann.get("/en/find")
    assert "C2001 · General medicine" in got.words
    code = cast.ann.cookies["tickets"].split("!")[0]
    assert f"http://localhost/en/back?code={code}" in got.body
    other = Browser(cast.house, "zh")
    got = other.get(f"/zh/back?code={code}&utm_source=chat")
    assert "tickets" not in other.cookies, "a messenger's preview must not open the visit"
    assert other.fill("back").path == f"/zh/visits/{cast.ann.visit}"
    pasted = Browser(cast.house)
    pasted.get("/en/back")
    got = pasted.fill("back", code=f"  https://clinic.example/en/back?code={code}  ")
    assert got.path == f"/en/visits/{cast.ann.visit}"
    kept = {who.cookies["tickets"].split("~")[1] for who in (cast.ann, other, pasted)}
    assert len(kept) == 3, "each phone has a secret of its own"


def test_the_link_opened_where_the_ticket_is_changes_nothing(cast: Cast) -> None:
    cast.ann.join()
    before = cast.ann.cookies["tickets"]
    cast.ann.get("/en/back")
    assert cast.ann.fill("back", code=before).path == f"/en/visits/{cast.ann.visit}"
    assert cast.ann.cookies["tickets"] == before
    assert records.visit(names.ticket_of(cast.ann.visit)).lent == ()


@pytest.mark.parametrize("code", ["", "hello", "a~b", "x" * 32 + "~" + "y" * 22, "code=", "http://x/?code=1"])
def test_a_code_that_opens_nothing_says_so(cast: Cast, code: str) -> None:
    cast.ann.join()
    cast.eve.get("/en/back")
    got = cast.eve.fill("back", code=code)
    assert got.status == 422
    assert "code" in got.page.errors
    assert "tickets" not in cast.eve.cookies


def test_a_borrowed_phone_forgets(cast: Cast) -> None:
    cast.ann.join()
    cast.ann.get("/en/find")
    got = cast.ann.fill("forget")
    assert got.status == 409
    assert "A visit on this phone is not over yet" in got.words
    assert cast.ann.look().status == 200, "nothing is forgotten before they said so"
    cast.ann.get("/en/find")
    cast.ann.fill("forget")
    got = cast.ann.fill("forget", sure="yes")
    assert "There is no ticket on this phone." in got.words
    assert cast.ann.cookies == {}
    assert cast.eve.get("/board/general").json["waiting"] == 1


def test_a_full_pocket_drops_a_ticket_that_is_over_and_never_one_that_waits(cast: Cast) -> None:
    made = [cast.ann.join(name=f"Child {i}", for_whom="other") for i in range(TICKETS_MAX)]
    cast.ann.answer(name="One more", for_whom="other")
    refused = cast.ann.fill(consent="yes")
    assert "This phone holds 8 tickets that are still open. End one of them first." in refused.words
    assert kept(cast.ann) == made[::-1]
    cast.ann.get(cast.ann.url("visits", made[3], "leave"))
    cast.ann.fill("leave")
    new = cast.ann.join(name="One more", for_whom="other")
    assert kept(cast.ann) == [new, *(name for name in reversed(made) if name != made[3])]
    assert cast.ann.get(cast.ann.url("visits", made[0])).status == 200


def kept(browser: Browser) -> list[str]:
    return [code.split("~")[0] for code in browser.cookies["tickets"].split("!")]


@pytest.mark.parametrize("already", [False, True], ids=["only answered", "with a ticket"])
def test_who_agrees_to_one_persons_answers_gets_no_ticket_for_another(cast: Cast, already: bool) -> None:
    """A mother with a tab for each child."""
    cast.ann.answer(name="Anna", for_whom="other")
    anna = cast.ann.at
    cast.ann.answer(name="Ben", for_whom="other")
    ben = cast.ann.at
    if already:
        cast.ann.fill(consent="yes")
    cast.ann.at = anna
    got = cast.ann.fill(consent="yes")
    assert "Your answers have changed on another page. Please look at them again." in got.words
    assert "Ben" in got.words
    cast.ann.at = ben
    assert cast.ann.fill(consent="yes").status == 200, "what was shown is what was agreed to"


def test_a_machine_walks_the_same_way(cast: Cast) -> None:
    def step(to: str, **said: Any) -> Any:
        return cast.ann.machine("POST", f"/en/ask/{to}", said).json

    assert step("flags", flags=["none"]) == {"next": "who"}
    assert step("who", for_whom="me", name="Ann", age=34) == {"next": "what"}
    assert step("what", why="Cough", department="general", follow_up=True) == {"next": "how_long"}
    assert step("how_long", how_long="days", getting="worse") == {"next": "contact"}
    assert step("contact", phone="13800001234") == {"next": "check"}
    ticket = step("check", consent=True)
    assert set(ticket) == {"visit", "secret"}
    other = Browser(cast.house)
    got = other.machine("POST", "/en/back", {"code": f"{ticket['visit']}~{ticket['secret']}"})
    assert got.json["visit"] == ticket["visit"]
    assert got.json["secret"] != ticket["secret"]
    seen = other.machine("GET", f"/en/visits/{ticket['visit']}").json
    assert (seen["state"], seen["code"], seen["place"]["place"]) == ("waiting", "C1001", 1)
