"""The finish page: what the patient wrote last is on it, and all that is wrong with it is told in one round."""

import re
from dataclasses import replace

from chalicelib.doors import chart, shown
from chalicelib.rooms.prescription import Line
from chalicelib.visit import seeing
from tests.doors.stories import SOAP, id_of, taken
from tests.doors.test_doctor import FINISH, address, medicine
from tests.people import Answer, Cast


def test_who_signs_has_the_patients_last_words_on_the_page(cast: Cast) -> None:
    taken(cast, cast.ann)
    finish = address(cast.ann, "finish")
    assert _news(cast.ada.get(finish)) == (" hidden", [])
    say = f"/en/visits/{cast.ann.visit}/messages"
    cast.ann.post(say, text="I am allergic to <ibuprofen>!")
    cast.ann.post(say, text="And to nuts.")
    assert _news(cast.ada.get(finish)) == ("", ["I am allergic to &lt;ibuprofen&gt;!", "And to nuts."])
    cast.ann.post(say, text="And I am pregnant.")
    got = cast.ada.fill("/finish", **SOAP, outcome="rest_and_observe", summary="Rest.")
    assert got.status == 409
    assert _news(got)[1][-1] == "And I am pregnant.", "what it was refused for"
    cast.ada.post(address(cast.ann, "messages"), epoch="1", text="Thank you, I see.")
    assert _news(cast.ada.get(finish)) == (" hidden", [])


def test_nobody_signs_over_words_that_were_not_on_the_page(cast: Cast) -> None:
    """The patient wrote while the page was made, and the visit was read after the messages."""
    taken(cast, cast.ann)
    say = f"/en/visits/{cast.ann.visit}/messages"
    cast.ann.post(say, text="Good morning.")
    found = seeing.open_visit(cast.errand("ada"), id=id_of(cast.ann))
    assert chart.dossier(found, "ada", cast.clock.now, "en")["heard"] == 1
    newer = replace(found, visit=replace(found.visit, said=found.visit.said + 1))
    assert chart.dossier(newer, "ada", cast.clock.now, "en")["heard"] == 1
    assert chart.dossier(replace(newer, messages=[]), "ada", cast.clock.now, "en")["heard"] == 0


def test_a_page_cannot_have_shown_more_than_was_said(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ann.post(f"/en/visits/{cast.ann.visit}/messages", text="Good morning.")
    rest = {**FINISH, "outcome": "rest_and_observe"}
    for heard, status in ((0, 409), (2, 422), (99, 422), (1, 200)):
        got = cast.ada.post(address(cast.ann, "finish"), **rest, epoch="1", heard=str(heard))
        assert (heard, got.status) == (heard, status)


def test_who_does_not_say_what_the_page_showed_signs_nothing(cast: Cast) -> None:
    """A program, or an old page, over words that nobody has read: refused, and what was typed is still there."""
    taken(cast, cast.ann)
    cast.ann.post(f"/en/visits/{cast.ann.visit}/messages", text="I am pregnant.")
    said = {**FINISH, "outcome": "rest_and_observe", "epoch": "1"}
    got = cast.ada.post(address(cast.ann, "finish"), **said)
    assert got.status == 422
    assert "Please open the page again." in got.words
    assert next(form.fields for form in got.page.forms if "summary" in form.fields)["summary"] == [FINISH["summary"]]
    refused = cast.ada.machine("POST", address(cast.ann, "finish"), said)
    assert (refused.status, [one["field"] for one in refused.json["errors"]]) == (422, ["heard"])
    assert not seeing.open_visit(cast.errand("ada"), id=id_of(cast.ann)).visit.outcome


def _news(got: Answer) -> tuple[str, list[str]]:
    found = re.search(r'<div class="note" id="news"[^>]*?"( hidden)?>(.*?)</div>', got.body, re.DOTALL)
    assert found is not None
    return found[1] or "", re.findall(r"</small>(.*?)</li>", found[2])


def test_all_that_is_wrong_with_the_finish_is_told_at_once_in_the_order_of_the_page(cast: Cast) -> None:
    taken(cast, cast.ann)  # allergic to penicillin
    cast.ada.get(address(cast.ann, "finish"))
    typed = {**SOAP, "assessment": "", "summary": "x" * 1001}
    first = medicine(2, "amoxicillin-500", dose="99999999", per_day="often", advice="x" * 201)
    got = cast.ada.fill("/finish", **typed, **first, days_4="abc")
    assert got.status == 422
    wrong = ["assessment", "outcome", "dose_2", "per_day_2", "advice_2", "days_4", "confirmed", "summary"]
    assert [link[1:] for link in got.page.links if link[1:] in wrong] == wrong
    assert {*wrong} - {"confirmed"} <= set(got.page.errors)
    assert "Enter the dose with its unit" in got.words
    assert seeing.open_visit(cast.errand("ada"), id=id_of(cast.ann)).visit.outcome is None
    right = {
        **SOAP,
        "outcome": "prescription",
        "stated": "spoke",
        "summary": "Rest.",
        **medicine(2, "amoxicillin-500"),
        "days_4": "",
    }
    got = cast.ada.fill("/finish", **right, confirmed="allergy:amoxicillin-500:penicillin")
    assert "Signed and finished" in got.words, "one round was enough"


def test_a_number_that_is_none_signs_nothing(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(address(cast.ann, "finish"))
    got = cast.ada.fill("/finish", **{**FINISH, "outcome": "rest_and_observe"}, days_5="abc")
    assert got.status == 422
    assert set(got.page.errors) == {"days_5"}
    assert "Enter a whole number." in got.words


def test_a_strength_is_shown_as_it_was_signed() -> None:
    signed = Line(medicine="paracetamol-500", dose="1000 mg", per_day=3, days=3, strength="650 mg")
    assert shown.line(signed, "en")["strength"] == "650 mg"
    assert shown.line(replace(signed, medicine="gone from the list"), "en")["strength"] == "650 mg"


def test_a_medicine_is_called_what_it_was_called_when_it_was_signed() -> None:
    named = {"name": {"en": "Paracetamol", "zh": "对乙酰氨基酚"}, "form": {"en": "Tablets"}}
    signed = Line(medicine="ibuprofen-200", dose="1000 mg", per_day=3, days=3, strength="650 mg", **named)
    assert [shown.line(signed, language)["medicine"] for language in ("en", "zh")] == ["Paracetamol", "对乙酰氨基酚"]
    assert shown.line(signed, "zh")["form"] == "Tablets", "in a language that the list did not have then"
    assert shown.line(replace(signed, name={}, form={}), "en")["medicine"] != "Paracetamol", "an older one: the list"
