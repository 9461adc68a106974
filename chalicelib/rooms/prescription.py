"""Prescription: what may be prescribed, the checks on it, a second pair of eyes, and its use once."""

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.refusal import NotAllowed, NotFound, Refusal, SeveralRefusals, Together, TooLate
from chalicelib.rooms.consult import NO_MEDICINE_AFTER, Outcome
from chalicelib.rooms.queue import Ticket, Visit
from chalicelib.rooms.rules import Clinic, Medicine
from chalicelib.rooms.seal import Signature, spelled

LINES_MAX = 5
DOSE_MAX = 60
USUAL_TIMES_MAX = 10  # a dose of more than so many times the largest usual one is a slip of the decimal point
ADVICE_MAX = 200
REASON_MAX = 300
VALID = timedelta(days=3)  # from the doctor's signature
_MG, _ML = "mg", "ml"
_UNITS = {  # of micro there are two: the sign and the Greek letter
    **dict.fromkeys(("µg", "μg", "ug", "mcg", "microgram", "micrograms", "微克"), (_MG, 0.001)),
    **dict.fromkeys(("mg", "milligram", "milligrams", "毫克"), (_MG, 1.0)),
    **dict.fromkeys(("g", "gram", "grams", "克"), (_MG, 1000.0)),
    **dict.fromkeys(("ml", "millilitre", "millilitres", "毫升"), (_ML, 1.0)),
    **dict.fromkeys(("l", "升"), (_ML, 1000.0)),
}
_NUMBER = r"\d+(?:[,\s]\d{3})*(?:\.\d+)?"
_BETWEEN = r"\s*(?:[-–—~/×x*]|to|至|到)\s*"  # "500–1000 mg", "8 × 0.2 g"
_AMOUNT = re.compile(rf"({_NUMBER}(?:{_BETWEEN}{_NUMBER})*)\s*([^\W\d]+)")  # numbers and the word after them
_UNREAD = re.compile(r"\d|^\s*[-–−+]")  # of a dose, when its amounts are taken out
_TIMES = re.compile(r"[×x*]")


class State(StrEnum):
    SIGNED = "signed"
    RETURNED = "returned"
    EFFECTIVE = "effective"
    RESERVED = "reserved"
    DISPENSED = "dispensed"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One medicine: `dose` each time, `per_day` times a day, for `days` days."""

    medicine: str
    dose: str
    per_day: int
    days: int
    advice: str = ""
    strength: str = ""  # as the formulary said on the day it was signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """One per visit; a returned one comes back as the next `number`, written by the same doctor."""

    visit: Ticket
    number: int
    doctor: str
    doctor_name: str
    lines: tuple[Line, ...]
    signed_at: datetime
    state: State = State.SIGNED
    confirmed: bool = False  # the doctor saw the warnings and went on
    pharmacist: str | None = None
    pharmacist_name: str | None = None
    reason: str | None = None  # why it was returned or revoked
    decided_at: datetime | None = None
    dispensed_at: datetime | None = None
    next_number: int | None = None  # a returned one that the doctor has answered
    policy: str | None = None  # under which it was signed
    signature: Signature | None = None
    version: int | None = None


def warnings(lines: tuple[Line, ...], *, allergies: str, clinic: Clinic) -> list[tuple[str, str, str]]:
    """What a doctor must look at again: ("allergy", medicine, ingredient), ("interaction", medicine, medicine) or
    ("dose", medicine, dose) for one that the formulary does not list and that is not refused anyhow.

    Only pairs the formulary lists are found; nothing found means *not known*, not *safe*.
    """
    found: list[tuple[str, str, str]] = []
    said = allergies.casefold()
    chosen = [m for line in lines if (m := clinic.medicine(line.medicine))]
    for line in lines:
        named, dose = clinic.medicine(line.medicine), line.dose.strip()
        if named and not is_usual(dose, named) and not _wrong_dose("", dose, named):
            found.append(("dose", named.id, dose))
    for medicine in chosen:
        found += [("allergy", medicine.id, word) for word in medicine.ingredients if word in said]
    for i, one in enumerate(chosen):
        for other in chosen[i + 1 :]:
            if other.id in one.interacts or one.id in other.interacts:
                found.append(("interaction", one.id, other.id))
    return found


def prescribe(
    visit: Visit,
    *,
    outcome: Outcome | None,
    lines: tuple[Line, ...],
    confirmed: bool,
    doctor: str,
    doctor_name: str,
    clinic: Clinic,
    now: datetime,
    number: int = 1,
) -> Prescription | None:
    """The signed prescription, or None where the visit ends without medicine. Refuses on limits and unseen warnings;
    who has not said yet how it ends is told about the lines already."""
    if outcome in NO_MEDICINE_AFTER and lines:
        raise Refusal("No medicine can be prescribed when the patient must be seen in person.", field="outcome")
    if outcome is not Outcome.PRESCRIPTION and not lines:
        return None
    together = Together()
    with together:
        if outcome not in (Outcome.PRESCRIPTION, None):
            raise Refusal("To prescribe medicine, choose the outcome “Prescription”.", field="outcome")
    with together:
        _within_limits(lines, clinic)
    found = warnings(lines, allergies=visit.answers.allergies, clinic=clinic)
    with together:
        if found and not confirmed:
            raise Refusal("Look at the warnings, then confirm that you want to prescribe this.", field="confirmed")
    together.tell()
    return Prescription(
        visit=visit.id,
        number=number,
        doctor=doctor,
        doctor_name=doctor_name,
        lines=tuple(replace(line, strength=_strength(line, clinic)) for line in lines),
        signed_at=now,
        confirmed=bool(found),
        policy=clinic.policy,
    )


def words(visit: Visit, prescription: Prescription) -> bytes:
    """What a doctor signs with a prescription: for whom, by whom, every line. What becomes of it is not part of it."""
    answers = visit.answers
    return spelled(
        "prescription",
        {
            "visit": str(prescription.visit),
            "number": int(prescription.number),
            "patient": {"name": answers.name, "age": int(answers.age), "allergies": answers.allergies},
            "doctor": {"id": prescription.doctor, "name": prescription.doctor_name},
            "lines": [
                {
                    "medicine": line.medicine,
                    "strength": line.strength,
                    "dose": line.dose,
                    "per_day": int(line.per_day),
                    "days": int(line.days),
                    "advice": line.advice,
                }
                for line in prescription.lines
            ],
            "confirmed": bool(prescription.confirmed),
            "policy": prescription.policy,
            "signed_at": prescription.signed_at,
        },
    )


def _strength(line: Line, clinic: Clinic) -> str:
    medicine = clinic.medicine(line.medicine)
    assert medicine is not None, "an unknown medicine was refused"
    return medicine.strength


def _within_limits(lines: tuple[Line, ...], clinic: Clinic) -> None:
    if not lines:
        raise Refusal("Add at least one medicine.", field="medicine_1")
    if len(lines) > LINES_MAX:
        raise Refusal("At most %(max)s medicines in one prescription.", field=f"medicine_{LINES_MAX}", max=LINES_MAX)
    wrong: list[Refusal] = []
    seen: set[str] = set()
    for i, line in enumerate(lines, start=1):
        medicine = clinic.medicine(line.medicine)
        if medicine is None:
            wrong.append(Refusal("Choose a medicine from the list.", field=f"medicine_{i}"))
            continue
        if line.medicine in seen:
            wrong.append(Refusal("This medicine is on the prescription already.", field=f"medicine_{i}"))
        seen.add(line.medicine)
        wrong += _wrong_with(i, line, medicine)
    if wrong:
        raise wrong[0] if len(wrong) == 1 else SeveralRefusals(wrong)


def _wrong_with(i: int, line: Line, medicine: Medicine) -> list[Refusal]:
    wrong = _wrong_dose(f"dose_{i}", line.dose.strip(), medicine)
    if not 1 <= line.per_day <= medicine.per_day_max:
        wrong.append(Refusal("Times a day: from 1 to %(max)s.", field=f"per_day_{i}", max=medicine.per_day_max))
    if not 1 <= line.days <= medicine.days_max:
        wrong.append(Refusal("Days: from 1 to %(max)s.", field=f"days_{i}", max=medicine.days_max))
    if len(line.advice) > ADVICE_MAX:
        wrong.append(Refusal("At most %(max)s characters.", field=f"advice_{i}", max=ADVICE_MAX))
    return wrong


def _wrong_dose(field: str, dose: str, medicine: Medicine) -> list[Refusal]:
    """A usual dose is right as it is; any other has a unit, and is no multiple that nobody can have meant. Whether it
    is wise is asked as a warning."""
    if is_usual(dose, medicine):
        return []
    if not dose or len(dose) > DOSE_MAX:
        return [Refusal("Enter the dose.", field=field)]
    if not any(letter.isalpha() for letter in dose) or _UNREAD.search(_AMOUNT.sub("", dose.casefold())):
        return [Refusal("Enter the dose with its unit, like “500 mg”.", field=field)]
    usual = {
        unit: (number, one)
        for number, unit, one in sorted((*first, one) for one in medicine.doses for first in _amounts(one)[:1])
    }
    for number, unit in _amounts(dose):
        if not number:
            return [Refusal("Enter the dose.", field=field)]
        most, one = usual.get(unit, (number, ""))
        if number > USUAL_TIMES_MAX * most:
            facts = {"times": USUAL_TIMES_MAX, "usual": one}
            return [Refusal("More than %(times)s times the largest usual dose, %(usual)s.", field=field, **facts)]
    return []


def is_usual(dose: str, medicine: Medicine) -> bool:
    """One of the formulary's, however it is spelled: "0.5g" is 500 mg."""
    if dose in medicine.doses:
        return True
    plain = _AMOUNT.fullmatch(dose.casefold()) and re.fullmatch(rf"{_NUMBER}[^\d]*", dose)
    return bool(plain) and any(_amounts(dose) == _amounts(one) for one in medicine.doses)


def _amounts(dose: str) -> list[tuple[float, str]]:
    """How much and what of, in one unit for all weights and one for all volumes: the most that each part of the text
    can mean."""
    found = []
    for said, word in _AMOUNT.findall(dose.casefold()):
        unit, times = _UNITS.get(word, (word, 1.0))
        numbers = [float(re.sub(r"[,\s]", "", one)) for one in re.findall(_NUMBER, said)]
        found.append((times * (math.prod(numbers) if _TIMES.search(said) else max(numbers)), unit))
    return found


def still_in_formulary(prescription: Prescription, clinic: Clinic) -> None:
    """What was signed must be what the shelf has under that name today. Raises TooLate."""
    for line in prescription.lines:
        medicine = clinic.medicine(line.medicine)
        if medicine is None or line.strength not in ("", medicine.strength):
            raise TooLate("The clinic’s list of medicines has changed since this was signed. Return it to the doctor.")


def approve(
    prescription: Prescription, *, pharmacist: str, pharmacist_name: str, number: int, now: datetime
) -> Prescription:
    """Effective: a second person, a pharmacist and not the prescriber, found it right."""
    _to_review(prescription, pharmacist, number)
    if now > prescription.signed_at + VALID:
        raise TooLate("This prescription is too old to approve. Return it to the doctor.")
    return replace(
        prescription,
        state=State.EFFECTIVE,
        pharmacist=pharmacist,
        pharmacist_name=pharmacist_name,
        decided_at=now,
    )


def give_back(
    prescription: Prescription, *, pharmacist: str, pharmacist_name: str, number: int, reason: str, now: datetime
) -> Prescription:
    """Returned to the doctor with a reason; the doctor writes the next number."""
    _to_review(prescription, pharmacist, number)
    return replace(
        prescription,
        state=State.RETURNED,
        pharmacist=pharmacist,
        pharmacist_name=pharmacist_name,
        decided_at=now,
        reason=_reason(reason),
    )


def _to_review(prescription: Prescription, pharmacist: str, number: int) -> None:
    if pharmacist == prescription.doctor:
        raise NotAllowed("You wrote this prescription, so another person must check it.")
    if not 1 <= number <= prescription.number:
        raise NotFound()
    if prescription.number != number:
        raise TooLate("The doctor has changed this prescription. Please look at it again.")
    if prescription.state is State.EFFECTIVE:
        raise TooLate("%(who)s has already approved this prescription.", who=prescription.pharmacist_name)
    if prescription.state is State.RETURNED:
        raise TooLate("%(who)s has already returned this prescription.", who=prescription.pharmacist_name)
    if prescription.state is State.REVOKED:
        raise TooLate("This prescription was cancelled.")
    if prescription.state is not State.SIGNED:
        raise TooLate("This prescription is no longer waiting for a check.")


def revise(
    prescription: Prescription,
    visit: Visit,
    *,
    doctor: str,
    lines: tuple[Line, ...],
    confirmed: bool,
    clinic: Clinic,
    now: datetime,
) -> tuple[Prescription, Prescription]:
    """The doctor's answer to a returned prescription: it stays as it was, and the next number waits for a check."""
    if prescription.doctor != doctor:
        raise NotFound()
    if prescription.state is not State.RETURNED or prescription.next_number is not None:
        raise TooLate("Only a returned prescription can be changed.")
    new = prescribe(
        visit,
        outcome=Outcome.PRESCRIPTION,
        lines=lines,
        confirmed=confirmed,
        doctor=doctor,
        doctor_name=prescription.doctor_name,
        clinic=clinic,
        now=now,
        number=prescription.number + 1,
    )
    assert new is not None
    return replace(prescription, next_number=new.number), new


def revoke(prescription: Prescription, *, by: str, is_doctor: bool, reason: str, now: datetime) -> Prescription:
    """Taken back by its doctor or a pharmacist, while nothing has been given out; its parcel is cancelled with it."""
    if is_doctor and prescription.doctor != by:
        raise NotFound()
    if prescription.state not in (State.SIGNED, State.EFFECTIVE, State.RETURNED, State.RESERVED):
        raise TooLate("This prescription can no longer be cancelled. If it must be stopped, call the patient now.")
    return replace(prescription, state=State.REVOKED, reason=_reason(reason), decided_at=now)


def usable(prescription: Prescription, now: datetime) -> None:
    """Medicine may be ordered on it: approved, not revoked, not out of date, not used."""
    if prescription.state is not State.EFFECTIVE:
        raise TooLate("A pharmacist has not approved this prescription.")
    if now > prescription.signed_at + VALID:
        raise TooLate("This prescription is out of date. Please ask for a new visit.")


def expire(prescription: Prescription, now: datetime) -> Prescription:
    """Out of date: nothing was ordered in time. The same prescription back while it is still good."""
    if prescription.state is State.EFFECTIVE and now > prescription.signed_at + VALID:
        return replace(prescription, state=State.EXPIRED)
    return prescription


def reserve(prescription: Prescription, now: datetime) -> Prescription:
    """Kept for one order, so that it cannot be used twice."""
    usable(prescription, now)
    return replace(prescription, state=State.RESERVED)


def release(prescription: Prescription) -> Prescription:
    """The order was cancelled before anything was given out."""
    assert prescription.state is State.RESERVED
    return replace(prescription, state=State.EFFECTIVE)


def dispense(prescription: Prescription, now: datetime) -> Prescription:
    """Used, once and for good: the medicine left the pharmacy."""
    if prescription.state is not State.RESERVED:
        raise TooLate("This prescription was used already.")
    return replace(prescription, state=State.DISPENSED, dispensed_at=now)


def _reason(reason: str) -> str:
    if not reason.strip():
        raise Refusal("Say why, so that the other person knows what to do.", field="reason")
    if len(reason) > REASON_MAX:
        raise Refusal("At most %(max)s characters.", field="reason", max=REASON_MAX)
    return reason.strip()
