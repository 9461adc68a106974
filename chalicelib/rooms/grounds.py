"""Grounds: whether medicine may be prescribed in this visit, under the rules in force (R3 to R6, R13, R14, R16)."""

from collections.abc import Iterable

from chalicelib.refusal import Refusal, SeveralRefusals
from chalicelib.rooms.consult import BOTH
from chalicelib.rooms.packs import FOLLOW_UP, NEVER, Policy, online
from chalicelib.rooms.queue import Visit
from chalicelib.rooms.rules import Medicine

# What a doctor may state about the visit; it is signed with the prescription.
SPOKE, EARLIER, LONG_TERM = "spoke", "earlier", "long_term"
STATED = (SPOKE, EARLIER, LONG_TERM)


Chosen = list[tuple[Medicine | None, int]]  # each medicine and its days; one that nobody knows is refused elsewhere


def look_at(visit: Visit, chosen: Chosen, stated: tuple[str, ...], policy: Policy) -> None:
    """Who the patient is, whether it is a follow-up, whether both have spoken, and what is given; all that is wrong
    at once."""
    wrong = [*_of_the_patient(visit, policy), *_of_the_visit(visit, stated, policy)]
    wrong += _of_the_medicine(visit, chosen, stated, policy)
    if wrong:
        raise wrong[0] if len(wrong) == 1 else SeveralRefusals(wrong)


def beforehand(visit: Visit, policy: Policy) -> list[Refusal]:
    """What stands in the way of any medicine in this visit from its beginning, whatever the doctor will do."""
    first = policy.follow_up_only and not visit.answers.follow_up
    return [*_of_the_patient(visit, policy), *([_first_visit()] if first else [])]


def _first_visit() -> Refusal:
    return Refusal("No medicine on a first visit.", field="outcome")


def _of_the_patient(visit: Visit, policy: Policy) -> Iterable[Refusal]:
    answers = visit.answers
    if policy.verified and not visit.verified:
        yield Refusal("No medicine for somebody who has not proven a phone number.", field="outcome")
    if policy.birth_date and visit.born is None:
        yield Refusal("No medicine without the patient’s birth date.", field="outcome")
    if answers.age < policy.guardian_age and not answers.guardian:
        yield Refusal("No medicine for a child without a parent or guardian who is named.", field="outcome")


def _of_the_visit(visit: Visit, stated: tuple[str, ...], policy: Policy) -> Iterable[Refusal]:
    if policy.follow_up_only and not visit.answers.follow_up:
        yield _first_visit()
    elif policy.follow_up_only and EARLIER not in stated:
        yield Refusal("No medicine before you have confirmed that you have seen the earlier diagnosis.", field="stated")
    if policy.exchange and not (_talked(visit) or SPOKE in stated):
        yield Refusal(
            "No medicine from a form alone. Write with the patient, or confirm that you have spoken to them.",
            field="stated",
        )


def _talked(visit: Visit) -> bool:
    """Both have written, and the doctor since this call: another doctor's words are not theirs."""
    return visit.voices == BOTH and all(visit.asked_at and visit.asked_at >= call.at for call in visit.calls)


def _of_the_medicine(visit: Visit, chosen: Chosen, stated: tuple[str, ...], policy: Policy) -> Iterable[Refusal]:
    most = policy.long_term_days if LONG_TERM in stated else policy.supply_days
    if len(chosen) > policy.lines:
        field = f"medicine_{policy.lines + 1}"
        yield Refusal("At most %(max)s medicines in one prescription.", field=field, max=policy.lines)
    for i, (medicine, days) in enumerate(chosen, start=1):
        when = online(policy, medicine.schedule) if medicine else None
        if when == NEVER:
            yield Refusal("This medicine is not prescribed online.", field=f"medicine_{i}")
        elif when == FOLLOW_UP and not visit.answers.follow_up:
            yield Refusal("This medicine is only prescribed again, in a follow-up.", field=f"medicine_{i}")
        elif when == FOLLOW_UP and EARLIER not in stated and not policy.follow_up_only:  # else it is said once
            yield Refusal(
                "No medicine before you have confirmed that you have seen the earlier diagnosis.", field="stated"
            )
        if days > most:
            yield Refusal("Days: at most %(max)s here.", field=f"days_{i}", max=most)
