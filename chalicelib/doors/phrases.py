"""Phrases: what a doctor says many times a day, one tap each, always in the patient's language."""

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.doors import words
from chalicelib.rooms.consult import Outcome


def N_(text: str) -> str:
    """Marks a text for translation where it stands; it is translated later, into the patient's language."""
    return text


@dataclass(frozen=True, slots=True)
class Phrase:
    """`key` in forms, `label` for the doctor, `text` for the patient. A summary also names the outcome it fits."""

    key: str
    label: str
    text: str
    outcome: Outcome | None = None


QUICK = (
    Phrase(
        "hello",
        N_("Greeting"),
        N_("Hello, I am %(doctor)s. I have read your answers and would like to ask you a few questions."),
    ),
    Phrase("since", N_("Since when?"), N_("When did it begin, and how has it changed since then?")),
    Phrase("fever", N_("Temperature?"), N_("Have you measured your temperature? What was it, and when?")),
    Phrase(
        "chest",
        N_("Chest pain?"),
        N_("Do you have any chest pain, or trouble breathing, even when you are resting?"),
    ),
    Phrase("where", N_("Where exactly?"), N_("Where exactly is it, and how bad is it on a scale from 0 to 10?")),
    Phrase(
        "medicines",
        N_("Medicines?"),
        N_("Which medicines do you take at the moment? Have you tried anything for this?"),
    ),
    Phrase("allergies", N_("Allergies?"), N_("Are you allergic to any medicine or food?")),
    Phrase("pregnant", N_("Pregnant?"), N_("Could you be pregnant, or are you breastfeeding?")),
    Phrase("look", N_("What does it look like?"), N_("Please describe what it looks like: colour, size and place.")),
    Phrase("moment", N_("One moment"), N_("Thank you. Please give me two minutes, I am still here.")),
    Phrase(
        "worse",
        N_("If it gets worse"),
        N_("If it gets worse, with chest pain, trouble breathing or fainting, call %(number)s at once."),
    ),
    Phrase("more", N_("Anything else?"), N_("Is there anything else you would like to tell me?")),
    Phrase(
        "end",
        N_("Finishing"),
        N_("I am finishing now. In a moment you will find my summary on this page."),
    ),
)

SUMMARIES = (
    Phrase(
        "watch",
        N_("Watch and wait"),
        N_(
            "Nothing points to a serious illness. Rest, drink enough and watch how it goes. "
            "Come back to us if it gets worse, or if it is not better in three days."
        ),
        Outcome.REST,
    ),
    Phrase(
        "cold",
        N_("Common cold"),
        N_(
            "You most likely have a common cold. It goes away by itself, usually within a week. "
            "Rest and drink plenty. Come back to us if you have a fever for more than three days."
        ),
        Outcome.REST,
    ),
    Phrase(
        "stomach",
        N_("Stomach bug"),
        N_(
            "You most likely have a stomach bug. Drink small amounts often, best with rehydration salts. "
            "Come back to us if you see blood, cannot keep water down, or are not better in two days."
        ),
        Outcome.REST,
    ),
    Phrase(
        "medicine",
        N_("Medicine"),
        N_(
            "I have prescribed medicine for you. Take it as the prescription says. "
            "Stop and get help at once if you get a rash, a swollen face or trouble breathing."
        ),
        Outcome.PRESCRIPTION,
    ),
    Phrase(
        "repeat",
        N_("Repeat medicine"),
        N_(
            "I have renewed your medicine. Keep taking it the way you are used to. "
            "Write to us before it runs out, or if anything changes."
        ),
        Outcome.PRESCRIPTION,
    ),
    Phrase(
        "specialist",
        N_("Specialist"),
        N_(
            "A specialist should look at this. Please make an appointment within the next two weeks "
            "and show this page there."
        ),
        Outcome.SPECIALIST,
    ),
    Phrase(
        "in_person",
        N_("Be seen today"),
        N_(
            "I cannot judge this from a distance: a doctor should examine you today. "
            "Please go to the nearest hospital and show this page there."
        ),
        Outcome.IN_PERSON,
    ),
    Phrase(
        "emergency",
        N_("Emergency"),
        N_("You need emergency care now. Call %(number)s, or let somebody bring you to the nearest emergency room."),
        Outcome.EMERGENCY,
    ),
)
LONGEST_KEY = max(len(phrase.key) for phrase in (*QUICK, *SUMMARIES))


def said(phrase: Phrase, language: str, facts: Mapping[str, str]) -> str:
    """The phrase in the patient's language, with the doctor's name and the emergency number filled in."""
    text = words.catalogue(language).gettext(phrase.text)
    return text % facts if "%(" in text else text


def find(phrases: tuple[Phrase, ...], key: str) -> Phrase | None:
    return next((phrase for phrase in phrases if phrase.key == key), None)
