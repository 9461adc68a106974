"""Prescription: what may be prescribed, the checks on it, a second pair of eyes, and its use once."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.refusal import NotAllowed, NotFound, Refusal, SeveralRefusals, Together, TooLate
from chalicelib.rooms import dose, grounds
from chalicelib.rooms.consult import NO_MEDICINE_AFTER, Outcome
from chalicelib.rooms.queue import Ticket, Visit
from chalicelib.rooms.rules import Clinic, Medicine, Words
from chalicelib.rooms.seal import FORM, NAMED, Signature, spelled

LINES_MAX = 5  # of every pack: R16
ADVICE_MAX = 200
REASON_MAX = 300
VALID = timedelta(days=3)  # from the doctor's signature, where the prescription does not say itself
STAYS = "This prescription is out of date, so the medicine stays in the pharmacy. Cancel the parcel."


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
    # As the formulary said on the day it was signed: whatever it says later, this is what was prescribed.
    strength: str = ""
    name: Words = field(default_factory=dict)
    form: Words = field(default_factory=dict)


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
    stated: tuple[str, ...] = ()
    until: datetime | None = None  # good until then
    signature: Signature | None = None
    approved_at: datetime | None = None
    approved_under: str | None = None  # the policy
    approval: Signature | None = None  # over what `approval.words` says
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
        named, given = clinic.medicine(line.medicine), line.dose.strip()
        if named and not dose.is_usual(given, named) and not dose.wrong("", given, named):
            found.append(("dose", named.id, given))
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
    stated: tuple[str, ...] = (),
) -> Prescription | None:
    """The signed prescription, or None for a visit without medicine. Refuses on rules, limits and unseen warnings."""
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
    policy = clinic.rules.at(now, visit.id.department)
    with together:
        grounds.look_at(visit, [(clinic.medicine(line.medicine), line.days) for line in lines], stated, policy)
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
        lines=tuple(_as_listed(line, clinic) for line in lines),
        signed_at=now,
        confirmed=bool(found),
        policy=clinic.policy,
        stated=tuple(word for word in grounds.STATED if word in stated),
        until=now + timedelta(hours=policy.valid_hours),
    )


def good_until(prescription: Prescription) -> datetime:
    return prescription.until or prescription.signed_at + VALID


def words(visit: Visit, prescription: Prescription) -> bytes:
    """What a doctor signs with a prescription: for whom, by whom, every line. What becomes of it is not part of it."""
    answers = visit.answers
    named = any(line.name for line in prescription.lines)  # since the list's words are kept with a line
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
                    **({"name": dict(line.name), "form": dict(line.form)} if named else {}),
                }
                for line in prescription.lines
            ],
            "confirmed": bool(prescription.confirmed),
            # since there are packs of rules; one of before them keeps the words it was signed with
            **({"stated": list(prescription.stated), "until": prescription.until} if prescription.until else {}),
            "policy": prescription.policy,
            "signed_at": prescription.signed_at,
        },
        NAMED if named else FORM,
    )


def _as_listed(line: Line, clinic: Clinic) -> Line:
    medicine = clinic.medicine(line.medicine)
    assert medicine is not None, "an unknown medicine was refused"
    return replace(line, name=dict(medicine.name), strength=medicine.strength, form=dict(medicine.form))


def _within_limits(lines: tuple[Line, ...], clinic: Clinic) -> None:
    if not lines:
        raise Refusal("Add at least one medicine.", field="medicine_1")
    if len(lines) > LINES_MAX:
        raise Refusal("At most %(max)s medicines in one prescription.", field=f"medicine_{LINES_MAX}", max=LINES_MAX)
    wrong, seen = list[Refusal](), set[str]()
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
    wrong = dose.wrong(f"dose_{i}", line.dose.strip(), medicine)
    if not 1 <= line.per_day <= medicine.per_day_max:
        wrong.append(Refusal("Times a day: from 1 to %(max)s.", field=f"per_day_{i}", max=medicine.per_day_max))
    if not 1 <= line.days <= medicine.days_max:
        wrong.append(Refusal("Days: from 1 to %(max)s.", field=f"days_{i}", max=medicine.days_max))
    if len(line.advice) > ADVICE_MAX:
        wrong.append(Refusal("At most %(max)s characters.", field=f"advice_{i}", max=ADVICE_MAX))
    return wrong


def still_in_formulary(prescription: Prescription, clinic: Clinic) -> None:
    """What was signed must be what the shelf has under that name today. Raises TooLate."""
    for line in prescription.lines:
        if not _is_listed(line, clinic.medicine(line.medicine)):
            raise TooLate("The clinic’s list of medicines has changed since this was signed. Return it to the doctor.")


def _is_listed(line: Line, medicine: Medicine | None) -> bool:
    """A language more on the list is no other medicine; what an older line does not say is not compared."""
    if medicine is None or line.strength not in ("", medicine.strength):
        return False
    said = [(line.name, medicine.name), (line.form, medicine.form)]
    return all(now.get(language) == text for then, now in said for language, text in then.items() if language in now)


def approve(
    prescription: Prescription, *, pharmacist: str, pharmacist_name: str, number: int, now: datetime
) -> Prescription:
    """Effective: a second person, a pharmacist and not the prescriber, found it right."""
    _to_review(prescription, pharmacist, number)
    if now > good_until(prescription):
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
        stated=prescription.stated,
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
    if prescription.state is State.REVOKED:
        raise TooLate("This prescription was cancelled. Please ask for a new visit.")
    if prescription.state is not State.EFFECTIVE:
        raise TooLate("A pharmacist has not approved this prescription.")
    if now > good_until(prescription):
        raise TooLate("This prescription is out of date. Please ask for a new visit.")


def expire(prescription: Prescription, now: datetime) -> Prescription:
    """Out of date: nothing was ordered in time. The same prescription back while it is still good."""
    if prescription.state is State.EFFECTIVE and now > good_until(prescription):
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
    """Used, once and for good: the medicine left the pharmacy, while the prescription was good."""
    if prescription.state is not State.RESERVED:
        raise TooLate("This prescription was used already.")
    if now > good_until(prescription):
        raise TooLate(STAYS)
    return replace(prescription, state=State.DISPENSED, dispensed_at=now)


def _reason(reason: str) -> str:
    if not reason.strip():
        raise Refusal("Say why, so that the other person knows what to do.", field="reason")
    if len(reason) > REASON_MAX:
        raise Refusal("At most %(max)s characters.", field="reason", max=REASON_MAX)
    return reason.strip()
