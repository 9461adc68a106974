"""Scenes of a proven number: a family that asks for one another, and a ticket found again on another phone."""

import re

from chalicelib.outside import sms
from tests.browser.people import Patient
from tests.browser.stage import Stage

BORN = {"self": "1992-05-06", "child": "2020-02-29"}  # 34 and 6 years old on the morning of every scene
CHILD = {"en": "Mei", "zh": "小美"}


def code() -> str:
    """What the newest text message says."""
    return re.findall(r"\d{6}", sms.LOCAL.texts[-1][1])[0]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def family(stage: Stage) -> None:
    """A number is proven, stands for a parent and a child, and the child's ticket needs nothing to be typed twice."""
    patient = stage.patient()
    _proves(stage, patient)
    patient.reads("Add yourself first, then the people you ask a doctor for. Each has a record of their own.")
    patient.look("number-nobody")
    patient.follows("Add somebody")
    patient.presses("Add")
    patient.is_told(
        "Enter the patient's name.",
        "Enter the birth date: year, month and day, like 1985-04-02.",
        "Choose who it is.",
    )
    patient.look("number-add-wrong")
    _adds(patient, "me", patient.name, BORN["self"])
    patient.follows("Add somebody")
    patient.look("number-add")
    _adds(patient, "child", CHILD[patient.language], BORN["child"])
    patient.look("number-people")
    patient.follows("See a doctor")
    patient.has_no_danger_sign()
    patient.heading("Who needs the doctor?")
    patient.look("who-people")
    patient.presses("For %(name)s (%(age)s)", name=CHILD[patient.language], age=6)
    patient.says_what("children")
    patient.says_how_long()
    patient.heading("Which number can we call?")
    patient.finds_typed(phone="+8613800001234")
    patient.presses("Continue")
    patient.reads_words(CHILD[patient.language], patient.name)
    patient.reads("The doctor can read the earlier visits of this patient here.")
    patient.look("check-person")
    patient.ticks("consent", "yes")
    patient.presses("Get my ticket")
    patient.has_ticket()
    patient.goes_to("/number")
    patient.presses("Sign out everywhere")
    patient.heading("Confirm your phone number")
    patient.reads("Done: no phone is known by your number any more.")


def _proves(stage: Stage, patient: Patient) -> None:
    patient.goes_to("")
    patient.follows("My number and my people")
    patient.heading("Confirm your phone number")
    patient.look("number")
    patient.types(phone="+1 900 555 0100")
    patient.presses("Send me a code")
    patient.is_told("We cannot send a text message to this number.")
    patient.look("number-wrong")
    patient.types(phone=patient.story.phone)
    patient.presses("Send me a code")
    patient.heading("Enter the code")
    patient.look("code")
    old = code()
    patient.types(code=wrong(old))
    patient.presses("Continue")
    patient.is_told("This is not the code we sent. You can try %(left)s more times.", left=4)
    patient.finds_typed(code=wrong(old))
    patient.look("code-wrong")
    patient.presses("Send a new code")
    patient.is_told("We have just sent you a code. You can ask for another one a minute later.")
    stage.clinic.clock.passes(minutes=1)
    patient.presses("Send a new code")
    patient.heading("Enter the code")
    patient.types(code=code())
    patient.presses("Continue")
    patient.heading("Your number and your people")


def _adds(patient: Patient, relation: str, name: str, born: str) -> None:
    patient.ticks("relation", relation)
    patient.types(name=name, born=born)
    patient.presses("Add")
    patient.heading("Your number and your people")
    patient.reads_words(name)


def found_again(stage: Stage) -> None:
    """A ticket of a phone that is gone: by its number and the patient's birth date, on another phone."""
    patient, other = stage.patient(), stage.patient()
    patient.has_joined()
    other.goes_to(f"/visits/{patient.visit}")
    other.follows("Find my ticket")
    other.types(phone=other.story.phone, born="6 5")
    other.presses("Send me a code")
    other.is_told("Enter the birth date: year, month and day, like 1985-04-02.")
    other.finds_typed(phone=other.story.phone, born="6 5")
    other.look("find-by-number-wrong")
    other.types(born="1960-01-01")
    other.presses("Send me a code")
    other.types(code=code())
    other.presses("Continue")
    other.reads("We found no other ticket of the last 7 days for this number and birth date.")
    other.look("find-none")
    other.types(phone=other.story.phone, born=BORN["self"])
    other.presses("Send me a code")
    other.types(code=code())
    other.presses("Continue")
    other.reads("Tickets of your number")
    other.look("find-found")
    other.presses("Open %(code)s on this phone", code=patient.code)
    other.has_ticket()
    assert other.visit == patient.visit
    other.place_is(1)
    patient.opens_ticket()
    patient.place_is(1)
