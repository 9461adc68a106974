"""A phone number proven at the door, the people it stands for, and a ticket found again on another phone."""

import re
from typing import Any

import pytest

from chalicelib.clinic import CLINIC
from chalicelib.outside import sms
from chalicelib.rooms import phone
from chalicelib.rooms.consult import Outcome as ConsultOutcome
from chalicelib.store import records
from chalicelib.visit import proving, seeing, taking
from tests.doors.stories import id_of, seen, taken
from tests.people import ANN, Browser, Cast, Patient
from tests.simulation.mutants import around, instead

BORN = "1992-05-06"  # 34 years old on the morning of the story


@pytest.fixture(autouse=True)
def no_texts() -> None:
    sms.LOCAL.texts.clear()


def code() -> str:
    """What the newest text message says."""
    found = re.search(r"\b\d{6}\b", sms.LOCAL.texts[-1][1])
    assert found, sms.LOCAL.texts[-1]
    return found[0]


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def proven(browser: Browser, phone: str = "138 0000 1234") -> None:
    browser.get(browser.url("number"))
    at = browser.fill("/number", phone=phone)
    assert "Enter the code" in at.words
    at = browser.fill("/number/code", code=code())
    assert "Your number and your people" in at.words


def with_people(browser: Browser) -> None:
    proven(browser)
    for name, born, relation in (("Ann Smith", BORN, "me"), ("Mei", "2020-02-29", "child")):
        browser.get(browser.url("number", "people"))
        at = browser.fill("/number/people", name=name, born=born, relation=relation)
        assert name in at.words


def joined_for(patient: Patient, name: str, **different: str) -> str:
    """From the questions to the ticket, choosing somebody of the number."""
    asked_for(patient, name, **different)
    return agreed(patient)


def agreed(patient: Patient, **said: str) -> str:
    """The last page, and the ticket."""
    at = patient.fill(consent="yes", **said)
    assert at.status == 200, at.words
    patient.visit = at.path.partition("?")[0].rpartition("/")[2]
    return patient.visit


def asked_for(patient: Patient, name: str, **different: str) -> str:
    """All the questions; gives what the last page says."""
    answers = {**patient.answers, **different}
    patient.get(patient.url("ask", "flags"))
    at = patient.fill("/flags", flags="none")
    form = next(f for f in at.page.forms if f.action.endswith("/ask/person") and _is_for(at.body, f.fields, name))
    at = patient._followed(patient.send(form.action, form.fields))
    patient.at = at
    for names in (("why", "department", "allergies", "follow_up"), ("how_long", "getting"), ("phone",)):
        assert patient.at is not None
        at = patient.fill(**{n: answers[n] for n in names if n in answers})
    return at.words


class Known(Patient):
    """Ann, who has proven her number and chooses herself from its people."""

    def join(self, **different: str) -> str:
        return joined_for(self, "Ann Smith", **different)


def _is_for(body: str, fields: dict[str, list[str]], name: str) -> bool:
    button = body.partition(fields["person"][0])[2].partition("</button>")[0]
    return name in button


def test_a_number_is_proven_and_stands_for_a_family(cast: Cast) -> None:
    with_people(cast.ann)
    assert "known by the number that ends in 1234" in cast.ann.get("/en/number").words
    assert "Mei Your child · 6 years" in cast.ann.at.words  # type: ignore[union-attr]
    (to, said) = sms.LOCAL.texts[-1]
    assert to == "+8613800001234"
    assert said.endswith("It is valid for 5 minutes. Tell it to nobody.")
    assert "known" not in cast.eve.get("/en/number").words


def test_a_number_of_a_child_alone_says_who_must_be_added_first(cast: Cast) -> None:
    proven(cast.ann)
    cast.ann.get("/en/number/people")
    at = cast.ann.fill("/number/people", name="Mei", born="2020-02-29", relation="child")
    assert "Add yourself to this number first." in at.words
    assert "See a doctor" not in at.words


def test_the_doctor_reads_the_earlier_visits_of_a_proven_person_on_any_phone(cast: Cast) -> None:
    with_people(cast.ann)
    joined_for(cast.ann, "Ann Smith")
    _finish(cast, cast.ann)
    other = Patient(cast.house, ANN)
    cast.clock.forward(minutes=2)
    proven(other)
    joined_for(other, "Ann Smith", why="It came back", department="general")
    assert records.visit(id_of(other)).verified
    assert "Sore throat for three days" in _read(cast, other)
    child = Patient(cast.house, ANN)
    cast.clock.forward(minutes=2)
    proven(child)
    joined_for(child, "Mei", department="general")
    visit = records.visit(id_of(child))
    assert (visit.answers.guardian, visit.answers.for_whom, visit.answers.age) == ("Ann Smith", "child", 6)
    assert "Sore throat for three days" not in _read(cast, child).replace(visit.answers.why, "", 1), (
        "a record of her own"
    )


def test_a_proven_person_may_wait_for_the_doctor_they_had_on_any_phone(cast: Cast) -> None:
    """With both numbers, the doctor's and the department's, and found again under the phone's as any ticket."""
    with_people(cast.ann)
    joined_for(cast.ann, "Ann Smith")
    _finish(cast, cast.ann)
    other = Patient(cast.house, ANN)
    cast.clock.forward(minutes=2)
    proven(other)
    assert "the doctor you had" not in asked_for(other, "Mei", follow_up="yes"), "that was somebody else's doctor"
    assert "the doctor you had" in asked_for(other, "Ann Smith", follow_up="yes")
    agreed(other, doctor="same")
    visit = records.visit(id_of(other))
    assert (visit.prefers, visit.verified) == ("ada", True)
    assert visit.ticket == visit.beside
    cast.clock.forward(minutes=2)
    lost = Browser(cast.house)
    proven(lost)
    assert other.visit in lost.get("/en/find").body


def _finish(cast: Cast, patient: Patient) -> None:
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=5)
    id = taking.take_next(cast.errand("ada"))
    assert id == id_of(patient)
    soap = {"subjective": "x", "objective": "", "assessment": "A cold", "plan": "Rest"}
    said = {"outcome": ConsultOutcome.REST, "summary": "Rest.", "lines": (), "confirmed": False}
    seeing.sign(cast.errand("ada"), id=id, epoch=1, soap=soap, **said)


def _read(cast: Cast, patient: Patient) -> str:
    """What Dr Ada reads who has just taken this patient."""
    assert taking.take_next(cast.errand("ada")) == id_of(patient)
    return cast.ada.get(f"/en/doctor/visits/{patient.visit}").words


def test_who_did_not_prove_anything_is_seen_all_the_same_but_nobody_reads_an_earlier_visit(cast: Cast) -> None:
    seen(cast, cast.ann)
    taken(cast, cast.ann, why="It came back")
    visit = records.visit(id_of(cast.ann))
    assert not visit.verified
    words = cast.ada.get(f"/en/doctor/visits/{cast.ann.visit}").words
    assert "It came back" in words
    assert "Earlier visits" not in words


def test_a_wrong_code_says_how_many_tries_are_left_and_keeps_the_number(cast: Cast) -> None:
    cast.ann.get("/en/number")
    cast.ann.fill("/number", phone="138 0000 1234")
    right = code()
    for no_guess in ("abcdef", right[:5], f"{right}0"):
        at = cast.ann.fill("/number/code", code=no_guess)
        assert "The code in the text message has 6 digits." in at.words, "and the tries are as many as before"
    for left in (4, 3, 2, 1):
        guess = f"{(int(right) + left) % 10**6:06d}"
        at = cast.ann.fill("/number/code", code=guess)
        assert at.status == 422
        assert ("You can try once more." if left == 1 else f"You can try {left} more times.") in at.words
        assert "ends in 1234" in at.words
        assert at.page.forms[0].fields["code"] == [guess]
    assert "one try too many" in cast.ann.fill("/number/code", code=f"{(int(right) + 5) % 10**6:06d}").words.lower()
    assert cast.ann.fill("/number/code", code=right).status == 409, "too late also for the right one"
    cast.clock.forward(minutes=1)
    at = cast.ann.fill("/number/again")
    assert "Enter the code" in at.words
    at = cast.ann.fill("/number/code", code=right if right != code() else another(right))
    assert "You can try 4 more times" in at.words, "the old code is worth nothing"
    assert "Your number and your people" in cast.ann.fill("/number/code", code=code()).words


def test_a_code_is_too_old_after_five_minutes_and_another_one_comes_after_one(cast: Cast) -> None:
    cast.ann.get("/en/number")
    cast.ann.fill("/number", phone="138 0000 1234")
    assert "a minute later" in cast.ann.fill("/number/again").words
    cast.clock.forward(minutes=5)
    assert "too old" in cast.ann.fill("/number/code", code=code()).words
    cast.ann.fill("/number/again")
    assert len(sms.LOCAL.texts) == 2
    assert "Your number and your people" in cast.ann.fill("/number/code", code=f" {code()[:3]} {code()[3:]} ").words


def test_a_proof_ends_by_itself_and_by_hand(cast: Cast) -> None:
    with_people(cast.ann)
    other = Browser(cast.house)
    cast.clock.forward(minutes=2)
    proven(other)
    cast.clock.forward(minutes=1)
    other.get("/en/number")
    got = other.fill("/number/everywhere").words
    assert "Confirm your phone number" in got
    assert "Done: no phone is known by your number any more." in got
    assert "Confirm your phone number" in cast.ann.get("/en/number").words, "signed out everywhere"
    cast.clock.forward(seconds=1)
    proven(cast.ann)
    stolen = dict(cast.ann.cookies)
    assert "Confirm your phone number" in cast.ann.fill("/number/out").words
    cast.eve.cookies |= stolen
    assert "Confirm your phone number" in cast.eve.get("/en/number").words, "a cookie that was copied is worth nothing"
    at = cast.eve.post("/en/number/people", name="Eve", born=BORN, relation="me")
    assert at.status == 409
    assert at.page.forms[0].fields["name"] == ["Eve"], "what was typed is still there"
    cast.clock.forward(minutes=2)
    proven(cast.ann)
    cast.clock.forward(hours=CLINIC.codes.idle_hours)
    assert "Confirm your phone number" in cast.ann.get("/en/number").words, "away for too long"


@pytest.mark.parametrize("way", ["out", "everywhere"])
def test_signing_out_again_after_a_lost_answer_is_answered_alike(cast: Cast, way: str) -> None:
    """The cookie is still there when the reply was lost; the same form takes it away."""
    proven(cast.ann)
    cookie, form = cast.ann.cookies["number"], {"request": "Q" * 22}
    for _ in range(2):
        cast.ann.cookies["number"] = cookie
        got = cast.ann.send(f"/en/number/{way}", form)
        assert got.status == 303, got.words
        assert "number" not in cast.ann.cookies
    cast.eve.cookies["number"] = cookie
    assert cast.eve.send(f"/en/number/{way}", {"request": "R" * 22}).status == 409, "an old cookie signs nobody out"


def test_a_lost_ticket_is_found_on_another_phone_by_number_and_birth_date(cast: Cast) -> None:
    cast.ann.join()
    lost, cast.ann.cookies = dict(cast.ann.cookies), {}
    at = cast.ann.get(f"/en/visits/{cast.ann.visit}")
    assert at.status == 404
    assert "/en/find" in at.page.links
    cast.ann.get("/en/find")
    at = cast.ann.fill("/find", phone="138 0000 1234", born="6 May")
    assert at.page.errors["born"]
    assert at.page.forms[0].fields["phone"] == ["138 0000 1234"], "nothing typed is lost"
    at = cast.ann.fill("/find", phone="138 0000 1234", born=BORN)
    at = cast.ann.fill("/number/code", code=code())
    assert "Tickets of your number" in at.words
    at = cast.ann.fill("/find/open")
    assert at.status == 200
    assert "Your place 1" in at.words
    assert at.path.endswith(cast.ann.visit), "the same visit"
    cast.ann.fill("/messages", text="I am here")
    old = Browser(cast.house)
    old.cookies = lost
    assert "I am here" in old.get(f"/en/visits/{cast.ann.visit}").words, "the first phone keeps it"
    assert cast.eve.post("/en/find/open", visit=cast.ann.visit).status == 409
    assert cast.eve.get(f"/en/visits/{cast.ann.visit}").status == 404


def test_a_number_alone_opens_no_ticket(cast: Cast) -> None:
    """It may have been mistyped: whoever has that number is asked for the birth date, and there are few tries."""
    cast.ann.join()
    with_people(cast.eve)
    assert cast.ann.visit not in cast.eve.get("/en/find").body
    assert cast.eve.post("/en/find/open", visit=cast.ann.visit).status == 404
    cast.clock.forward(minutes=2)
    cast.eve.get("/en/find")
    cast.eve.fill("/find", phone="138 0000 1234", born="1960-01-01")
    at = cast.eve.fill("/number/code", code=code())
    assert "We found no other ticket" in at.words
    assert cast.eve.post("/en/find/open", visit=cast.ann.visit).status == 404


def test_a_mistyped_number_is_not_tried_with_date_after_date(cast: Cast) -> None:
    """Three guesses a week, from as many browsers as one likes; whom the number stands for can still be proven."""
    cast.ann.join()
    for year in (1960, 1963, 1966):
        cast.clock.forward(days=0 if year == 1960 else 1, minutes=2)
        eve = Browser(cast.house)
        eve.get("/en/find")
        assert "Enter the code" in eve.fill("/find", phone="138 0000 1234", born=f"{year}-01-01").words
    cast.clock.forward(minutes=2)
    cast.eve.get("/en/find")
    at = cast.eve.fill("/find", phone="138 0000 1234", born=BORN)
    assert "We cannot send any more codes now" in at.words
    proven(cast.ann)


def test_whoever_joins_again_on_another_phone_has_the_ticket_there_too(cast: Cast) -> None:
    with_people(cast.ann)
    first = joined_for(cast.ann, "Ann Smith")
    other = Patient(cast.house, ANN)
    cast.clock.forward(minutes=2)
    proven(other)
    assert joined_for(other, "Ann Smith") == first
    assert "Your place 1" in other.look().words


def test_a_proof_to_find_a_ticket_only_finds(cast: Cast) -> None:
    """It shows no people, adds none, and asks for nobody as a proven person."""
    with_people(cast.ann)
    cast.clock.forward(minutes=2)
    cast.eve.get("/en/find")
    cast.eve.fill("/find", phone="138 0000 1234", born=BORN)
    assert "Tickets of your number" in cast.eve.fill("/number/code", code=code()).words
    assert "Confirm your phone number" in cast.eve.get("/en/number").words
    assert cast.eve.post("/en/number/people", name="Eve", born=BORN, relation="me").status == 409
    cast.eve.get("/en/ask/flags")
    assert "Ann Smith" not in cast.eve.fill("/flags", flags="none").words


def test_whoever_waits_with_a_phone_that_cannot_be_matched_is_told_and_given_no_cookie(cast: Cast) -> None:
    with_people(cast.ann)
    first = joined_for(cast.ann, "Ann Smith")
    other = Patient(cast.house, ANN)
    cast.clock.forward(minutes=2)
    proven(other)
    asked_for(other, "Ann Smith")
    with instead(phone, "opens", lambda *_: False):
        at = other.fill(consent="yes")
    assert at.status == 409
    assert "You are already waiting here, with another phone." in at.words
    assert first not in other.cookies.get("tickets", "")


def test_without_the_proof_a_chosen_person_is_somebody_typed_in(cast: Cast) -> None:
    """Nobody waits for a code: the proof ended between two pages, and the ticket is drawn all the same."""
    with_people(cast.ann)
    proof = cast.ann.cookies["number"]
    cast.ann.get("/en/ask/flags")
    at = cast.ann.fill("/flags", flags="none")
    form = next(f for f in at.page.forms if f.action.endswith("/ask/person"))
    cast.ann.at = cast.ann._followed(cast.ann.send(form.action, form.fields))
    for names in (("why", "department", "allergies"), ("how_long", "getting"), ("phone",)):
        cast.ann.fill(**{n: ANN[n] for n in names})
    assert cast.ann.cookies.pop("number") == proof
    at = cast.ann.fill(consent="yes")
    cast.ann.visit = at.path.rpartition("/")[2]
    visit = records.visit(id_of(cast.ann))
    assert (visit.verified, visit.born) == (False, None)


def test_the_same_form_sent_twice_sends_one_text(cast: Cast) -> None:
    form = cast.ann.get("/en/number").page.forms[0]
    cast.ann.send(form.action, {**form.fields, "phone": "138 0000 1234"})
    first = code()
    got = cast.ann.send(form.action, {**form.fields, "phone": "138 0000 1234"})
    assert got.status == 303
    assert len(sms.LOCAL.texts) == 1
    cast.ann.get("/en/number/code")
    assert "Your number and your people" in cast.ann.fill("/number/code", code=first).words


def test_a_borrowed_phone_forgets_the_number_too(cast: Cast) -> None:
    with_people(cast.ann)
    stolen = cast.ann.cookies["number"]
    cast.ann.get("/en/find")
    cast.ann.fill("/forget")
    assert "number" not in cast.ann.cookies
    cast.eve.cookies["number"] = stolen
    assert "Confirm your phone number" in cast.eve.get("/en/number").words


def test_who_is_signed_out_elsewhere_while_joining_is_somebody_typed_in(cast: Cast) -> None:
    with_people(cast.ann)

    def late(real: Any, *asked: Any, **more: Any) -> Any:
        if more["by"]:
            proving.out_everywhere(cast.errand("max"), owner=more["by"].phone, token=more["by"].token)
        return real(*asked, **more)

    with instead(records, "join", around(late)):
        joined_for(cast.ann, "Mei")
    assert not records.visit(id_of(cast.ann)).verified
