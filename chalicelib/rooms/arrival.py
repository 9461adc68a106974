"""Arrival: the questions before a ticket, the red flags that must not wait, who it is for, and consent."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from chalicelib.refusal import Refusal, SeveralRefusals, TooLate
from chalicelib.rooms.rules import AGE_MAX, Clinic, Department

NAME_MAX = 60
WHY_MAX = 500
ALLERGIES_MAX = 200
NOTHING = frozenset({"", "-", "0", "no", "none", "nil", "无", "没有", "无过敏", "沒有"})  # "allergies: none"
PHONE_DIGITS_MIN, PHONE_DIGITS_MAX = 5, 15  # E.164 allows 15
KEPT = timedelta(days=2)  # answers that never became a ticket

# Any one of these is an emergency, never only a ticket. The texts are in pages/ under the same names.
RED_FLAGS = ("chest_pain", "breathing", "stroke", "bleeding", "unconscious", "self_harm")
NO_FLAG = "none"


class Stage(StrEnum):
    """How far the request has come. `requested` becomes a waiting visit, or an emergency card."""

    REQUESTED = "requested"
    EMERGENCY = "emergency"
    CANCELLED = "cancelled"


class ForWhom(StrEnum):
    ME = "me"
    CHILD = "child"
    OTHER = "other"


class HowLong(StrEnum):
    TODAY = "today"
    DAYS = "days"
    WEEK = "week"
    LONGER = "longer"


class Getting(StrEnum):
    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the patient said before the ticket. It goes with the visit and is never changed afterwards."""

    for_whom: ForWhom
    name: str
    age: int  # completed years; 0 for an infant
    guardian: str | None
    department: str
    why: str
    allergies: str
    follow_up: bool
    how_long: HowLong
    getting: Getting
    phone: str | None
    language: str
    consent: str  # version of the text agreed to
    consent_at: datetime
    text_me: bool = False  # a text message when it is nearly their turn
    doctor: str = ""  # the name of the doctor they had and asked for; "" for the first free one
    fee: str = ""  # what they agreed to pay, in the words they read


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Somebody answering the questions; each answer is kept as it is given, so a dead phone loses nothing.

    `id` names the request for good: joining twice with it finds the same ticket.
    """

    id: str
    holder: str  # hash of the secret on the patient's phone
    language: str
    started_at: datetime
    stage: Stage = Stage.REQUESTED
    flags: tuple[str, ...] = ()
    for_whom: ForWhom | None = None
    name: str = ""
    age: int | None = None
    guardian: str = ""
    department: str = ""
    why: str = ""
    allergies: str = ""
    follow_up: bool = False
    how_long: HowLong | None = None
    getting: Getting | None = None
    phone: str = ""
    text_me: bool = False
    person: str = ""  # somebody of a proven phone, chosen there; "" for whoever was typed in
    born: date | None = None
    version: int | None = None


STEPS = ("flags", "who", "what", "how_long", "contact", "check")


def next_step(request: Request) -> str:
    """The first question that still needs an answer; nobody can reach consent around it."""
    if not request.flags:
        return "flags"
    if request.for_whom is None or request.age is None:
        return "who"
    if not request.department:
        return "what"
    if request.how_long is None:
        return "how_long"
    if not request.phone:
        return "contact"
    return "check"


def red_flags(request: Request, *, flags: tuple[str, ...], own: tuple[str, ...] = ()) -> Request:
    """One explicit answer is needed; "none of these" together with a flag still counts as the flag.

    `own` are the danger signs this hospital asks for besides ours.
    """
    known = tuple(f for f in (*RED_FLAGS, *own) if f in flags)
    if not known and NO_FLAG not in flags:
        raise Refusal('Choose what you have, or "None of these".', field="flags")
    stage = Stage.EMERGENCY if known else Stage.REQUESTED
    return replace(request, flags=known or (NO_FLAG,), stage=stage)


def who(
    request: Request,
    *,
    for_whom: ForWhom,
    name: str,
    age: int,
    guardian: str,
    clinic: Clinic,
    person: str = "",
    born: date | None = None,
) -> Request:
    """Who it is for: typed in, or a `person` of a proven phone, whose birth date is known."""
    _still_asking(request)
    wrong: list[Refusal] = []
    if not name.strip():
        wrong.append(Refusal("Enter the patient's name.", field="name"))
    elif len(name) > NAME_MAX:
        wrong.append(Refusal("Name: at most %(max)s characters.", field="name", max=NAME_MAX))
    wrong += _wrong_age(for_whom, age, guardian, clinic.guardian_age)
    _refuse(wrong)
    guardian = guardian.strip() if age < clinic.guardian_age else ""
    return replace(request, for_whom=for_whom, name=name.strip(), age=age, guardian=guardian, person=person, born=born)


def _wrong_age(for_whom: ForWhom, age: int, guardian: str, guardian_age: int) -> list[Refusal]:
    """A child needs a guardian who is there and named (rule F: floor of every policy pack)."""
    if not 0 <= age <= AGE_MAX:
        return [Refusal("Enter the age in years, from 0 to %(max)s.", field="age", max=AGE_MAX)]
    if age >= guardian_age:
        child = for_whom is ForWhom.CHILD
        return [Refusal("“My child” is for people under %(age)s.", field="age", age=guardian_age)] if child else []
    if for_whom is ForWhom.ME:
        return [Refusal("A parent or guardian must ask for a child: choose “My child”.", field="for_whom")]
    if not guardian.strip():
        return [Refusal("Enter the name of the parent or guardian who is with the child.", field="guardian")]
    if len(guardian) > NAME_MAX:
        return [Refusal("Name: at most %(max)s characters.", field="guardian", max=NAME_MAX)]
    return []


def what(request: Request, *, department: str, why: str, allergies: str, follow_up: bool, clinic: Clinic) -> Request:
    _still_asking(request)
    wrong: list[Refusal] = []
    wrong += _wrong_department(clinic.department(department), request.age)
    if not why.strip():
        wrong.append(Refusal("Say in a few words what is wrong.", field="why"))
    elif len(why) > WHY_MAX:
        wrong.append(Refusal("At most %(max)s characters.", field="why", max=WHY_MAX))
    if len(allergies) > ALLERGIES_MAX:
        wrong.append(Refusal("At most %(max)s characters.", field="allergies", max=ALLERGIES_MAX))
    _refuse(wrong)
    return replace(request, department=department, why=why.strip(), allergies=allergies.strip(), follow_up=follow_up)


def _wrong_department(chosen: Department | None, age: int | None) -> list[Refusal]:
    if chosen is None:
        return [Refusal("Choose a department.", field="department")]
    youngest, oldest = chosen.ages
    if age is None or youngest <= age <= oldest:
        return []
    if oldest == AGE_MAX:
        return [Refusal("This department is for people from %(age)s years.", field="department", age=youngest)]
    facts = {"low": youngest, "high": oldest}
    return [Refusal("This department is for people from %(low)s to %(high)s years.", field="department", **facts)]


def how_long(request: Request, *, how_long: HowLong, getting: Getting) -> Request:
    _still_asking(request)
    return replace(request, how_long=how_long, getting=getting)


def contact(request: Request, *, phone: str, text_me: bool = False) -> Request:
    _still_asking(request)
    return replace(request, phone=telephone(phone), text_me=text_me)


def telephone(typed: str) -> str:
    """Digits of any keyboard with an optional leading plus; spaces, dashes and brackets are only for reading."""
    plain = "".join(c for c in typed if c not in " -().\u3000\u00a0")
    digits = plain.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and PHONE_DIGITS_MIN <= len(digits) <= PHONE_DIGITS_MAX):
        raise Refusal("Enter a phone number, like 138 0000 1234.", field="phone")
    return plain


def agree(request: Request, *, consented: bool, clinic: Clinic, now: datetime) -> Answers:
    """The finished answers, with consent. Refuses while a question is open or a red flag stands."""
    _still_asking(request)
    if next_step(request) != "check":
        raise Refusal("Please answer every question first.")
    if not consented:
        raise Refusal("We can only help you if you agree.", field="consent")
    assert request.age is not None
    _refuse(_wrong_department(clinic.department(request.department), request.age))  # the age may have been corrected
    assert request.for_whom
    assert request.how_long
    assert request.getting
    fee = clinic.fee_in(request.department)
    return Answers(
        for_whom=request.for_whom,
        name=request.name,
        age=request.age,
        guardian=request.guardian or None,
        department=request.department,
        why=request.why,
        allergies=request.allergies,
        follow_up=request.follow_up,
        how_long=request.how_long,
        getting=request.getting,
        phone=request.phone or None,
        language=request.language,
        consent=clinic.consent_version,
        consent_at=now,
        text_me=request.text_me and clinic.sms.on,
        fee=fee.get(request.language) or next(iter(fee.values())),
    )


def allergic_to(said: str) -> str:
    """What they named when asked for allergies; "" when they said that there is nothing."""
    return "" if said.strip().casefold().rstrip(".。") in NOTHING else said


def is_urgent(said: Answers | Request, department: Department) -> bool:
    """Infants, whoever else the department names, and anybody who is getting worse wait in the urgent band."""
    return said.getting is Getting.WORSE or (said.age is not None and department.is_urgent_at(said.age))


def forget(request: Request) -> Request:
    """The patient changed their mind: nothing that was typed is kept."""
    return Request(
        id=request.id,
        holder=request.holder,
        language=request.language,
        started_at=request.started_at,
        stage=Stage.CANCELLED,
        version=request.version,
    )


def _still_asking(request: Request) -> None:
    if request.stage is Stage.EMERGENCY:
        raise TooLate("You told us about an emergency. Please call the emergency number first.")
    if request.stage is Stage.CANCELLED:
        raise TooLate("These answers were deleted. Please start again.")


def _refuse(wrong: list[Refusal]) -> None:
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise SeveralRefusals(wrong)
