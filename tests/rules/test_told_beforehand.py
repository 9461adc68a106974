"""Where the rules allow no medicine, both are told before: a patient before waiting, a doctor before prescribing."""

from dataclasses import replace

import pytest

from chalicelib.clinic import CLINIC
from chalicelib.doors import chart, questions
from chalicelib.rooms import packs
from chalicelib.rooms.rules import Codes, Sms
from tests.people import Cast
from tests.simulation.mutants import instead

TEXTS = {"sms": Sms(provider="local", country="+86"), "codes": Codes(on=True)}
NUMBER = "you have not confirmed a phone number"
FIRST = "On a first visit the doctor can advise you and not prescribe medicine."
NEVER = "The doctors here can advise you and not prescribe medicine."


@pytest.mark.parametrize(
    ("pack", "texts", "again", "told"),
    [
        ("demo", TEXTS, "", ""),
        ("strict", TEXTS, "", FIRST),
        ("strict", TEXTS, "yes", NUMBER),
        ("eu", TEXTS, "", NUMBER),
        ("eu", {"sms": Sms()}, "", NEVER),
    ],
)
def test_a_patient_is_told_before_the_ticket(cast: Cast, pack: str, texts: dict, again: str, told: str) -> None:
    with instead(questions, "CLINIC", replace(CLINIC, rules=packs.rules(pack), **texts)):
        words = cast.ann.answer(**({"follow_up": again} if again else {})).words
    assert [said for said in (NUMBER, FIRST, NEVER) if said in words] == ([told] if told else [])


def test_a_doctor_is_told_on_the_page_of_the_visit(cast: Cast) -> None:
    cast.ann.join()
    cast.ada.post("/en/doctor/duty", departments="general", capacity="1")
    page = cast.ada.post("/en/doctor/next").path
    assert "No medicine" not in cast.ada.get(page).words
    with instead(chart, "CLINIC", replace(CLINIC, rules=packs.rules("strict"))):
        words = cast.ada.get(page).words
    assert "No medicine for somebody who has not proven a phone number." in words
    assert "No medicine on a first visit." in words
    assert "You can advise, and send the patient to be seen in person." in words
