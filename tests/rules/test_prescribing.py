"""What must be true before medicine is prescribed, and after: R3 to R18 as far as one visit shows them."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.refusal import NotAllowed, NotFound, TooLate
from chalicelib.rooms import consult, delivery, packs, prescription
from chalicelib.rooms.consult import NO_MEDICINE_AFTER, PATIENT, Outcome
from chalicelib.rooms.delivery import Order, Way
from chalicelib.rooms.delivery import State as Parcel
from chalicelib.rooms.grounds import EARLIER, LONG_TERM, SPOKE
from chalicelib.rooms.packs import BANNED, PACKS, rules
from chalicelib.rooms.permission import MAY, Role
from chalicelib.rooms.prescription import LINES_MAX, VALID, Line, Prescription, State
from chalicelib.rooms.queue import Call, Visit, Why
from tests.builders import (
    ADA,
    ASPIRIN,
    BO,
    COLE,
    KIM,
    NOW,
    SAM,
    a_clinic,
    a_line,
    a_medicine,
    a_prescription,
    a_visit,
    an_order,
    answers,
    refused,
)

STRICT = a_clinic(rules=rules("strict"), policy="strict-1")
DEMO = a_clinic()
KNOWN = a_visit(
    verified=True, born=date(1990, 4, 2), answers=answers(follow_up=True), voices="dp", state=consult.State.IN_CONSULT
)
TOO_OLD = timedelta(seconds=1)


def prescribe(visit: Visit = KNOWN, *lines: Line, clinic: Any = STRICT, **said: Any) -> Prescription:
    typed = {"outcome": Outcome.PRESCRIPTION, "confirmed": True, "doctor": ADA.id, "doctor_name": ADA.name, "now": NOW}
    typed |= {"stated": (EARLIER,), **said}
    made = prescription.prescribe(visit, lines=lines or (a_line(),), clinic=clinic, **typed)
    assert made
    return made


def test_when_all_is_true_it_is_prescribed_under_the_strictest_pack() -> None:
    made = prescribe()
    assert (made.policy, made.stated, made.until) == ("strict-1", (EARLIER,), NOW + timedelta(hours=24))


def test_r03_no_prescription_for_somebody_who_has_proven_nothing() -> None:
    with refused("proven a phone number", field="outcome"):
        prescribe(replace(KNOWN, verified=False))
    assert prescribe(replace(KNOWN, verified=False), clinic=DEMO), "the pack for showing does not ask"
    for name in set(PACKS) - {"demo"}:
        assert PACKS[name].verified


def test_r03_advice_needs_no_proof() -> None:
    for outcome in set(Outcome) - {Outcome.PRESCRIPTION}:
        said = {"outcome": outcome, "confirmed": False, "doctor": ADA.id, "doctor_name": ADA.name, "now": NOW}
        assert prescription.prescribe(a_visit(), lines=(), clinic=STRICT, **said) is None


def test_r04_no_prescription_without_a_birth_date() -> None:
    with refused("birth date", field="outcome"):
        prescribe(replace(KNOWN, born=None))


def test_r05_no_prescription_for_a_child_without_a_named_guardian() -> None:
    child = replace(KNOWN, answers=answers(age=5, guardian=None, follow_up=True))
    for clinic in (STRICT, DEMO):
        with refused("parent or guardian", field="outcome"):
            prescribe(child, clinic=clinic)
    assert prescribe(replace(child, answers=answers(age=5, guardian="Mei Li", follow_up=True)))
    assert packs.FLOOR.guardian_age == 6


def test_r06_no_prescription_on_a_first_visit_nor_without_the_earlier_diagnosis() -> None:
    with refused("first visit", field="outcome"):
        prescribe(replace(KNOWN, answers=answers(follow_up=False)))
    with refused("earlier diagnosis", field="stated"):
        prescribe(stated=())


def test_r06_a_permission_for_a_time_and_a_department_ends() -> None:
    dated = {
        "what": "follow_up_only",
        "from": (NOW - timedelta(days=1)).isoformat(),
        "to": NOW.isoformat(),
        "departments": ["general"],
        "reason": "An epidemic.",
        "source": "Notice 240 of 2022",
    }
    clinic = a_clinic(rules=rules("strict", {"permissions": [dated]}))
    first = replace(KNOWN, answers=answers(follow_up=False))
    assert prescribe(first, clinic=clinic, now=NOW)
    with refused("first visit"):
        prescribe(first, clinic=clinic, now=NOW + timedelta(seconds=1))


@pytest.mark.parametrize("outcome", sorted(NO_MEDICINE_AFTER))
def test_r08_after_in_person_or_emergency_there_is_no_prescription(outcome: Outcome) -> None:
    for clinic in (STRICT, DEMO):
        with refused("seen in person", field="outcome"):
            prescribe(clinic=clinic, outcome=outcome)


def test_r09_only_a_doctor_signs_and_what_is_signed_is_what_the_doctor_wrote() -> None:
    assert MAY["sign"] == MAY["revise"] == MAY["amend"] == {Role.DOCTOR}
    made = prescribe(KNOWN, a_line(ASPIRIN, dose="1 tablet"))
    assert [line.medicine for line in made.lines] == [ASPIRIN]
    assert made.doctor == ADA.id


def test_r10_nobody_but_the_doctor_who_holds_the_visit_writes_in_it() -> None:
    from chalicelib.rooms.assignment import holds

    holds(ADA.id, KNOWN, epoch=1)
    for doctor, epoch in (("bo", 1), (ADA.id, 0), (ADA.id, 2)):
        with pytest.raises((NotFound, TooLate)):
            holds(doctor, KNOWN, epoch=epoch)


def test_r11_only_another_person_makes_it_effective() -> None:
    signed = a_prescription()
    with pytest.raises(NotAllowed):
        prescription.approve(signed, pharmacist=ADA.id, pharmacist_name="Ada", number=1, now=NOW)
    assert (
        prescription.approve(signed, pharmacist=SAM.id, pharmacist_name="Sam", number=1, now=NOW).state == "effective"
    )


@pytest.mark.parametrize("state", sorted(set(State) - {State.EFFECTIVE}))
def test_r12_nothing_is_ordered_before_it_is_effective_or_after_it_was_used(state: State) -> None:
    said = {"way": Way.PICK_UP, "address": "", "phone": "13800001234", "code": "123456", "number": 1, "now": NOW}
    with pytest.raises(TooLate):
        delivery.open_order(a_prescription(state=state), patient="Ann Li", policy="demo-1", **said)


@pytest.mark.parametrize("schedule", [*BANNED, "", "herbal", "Ordinary"])
def test_r13_banned_and_unknown_schedules_are_refused_in_every_pack(schedule: str) -> None:
    for name in PACKS:
        clinic = a_clinic(rules=rules(name), formulary=(a_medicine(schedule=schedule),))
        with refused("not prescribed online", field="medicine_1"):
            prescribe(clinic=clinic)


def test_r13_some_medicines_are_only_prescribed_again() -> None:
    clinic = a_clinic(formulary=(a_medicine(schedule=packs.ONLY_AGAIN),))
    clinic = replace(clinic, rules=rules("in-2020"))
    assert prescribe(clinic=clinic)
    with refused("seen the earlier diagnosis", field="stated"):
        prescribe(clinic=clinic, stated=())
    with refused("only prescribed again", field="medicine_1"):
        prescribe(replace(KNOWN, answers=answers(follow_up=False)), clinic=clinic)


@pytest.mark.parametrize("voices", ["", "p", "d"])
def test_r14_no_prescription_from_a_form_alone(voices: str) -> None:
    for clinic in (STRICT, DEMO):
        with refused("from a form alone", field="stated"):
            prescribe(replace(KNOWN, voices=voices), clinic=clinic)
        assert prescribe(replace(KNOWN, voices=voices), clinic=clinic, stated=(EARLIER, SPOKE)).stated == (
            SPOKE,
            EARLIER,
        )


def test_r14_what_another_doctor_wrote_is_no_exchange_with_this_one() -> None:
    later = Call(epoch=2, doctor=BO.id, at=NOW + timedelta(minutes=9), why=Why.FIRST_COME)
    with refused("from a form alone", field="stated"):
        prescribe(replace(KNOWN, calls=(*KNOWN.calls, later)), doctor=BO.id, doctor_name=BO.name)


def test_r14_words_in_both_directions_are_noticed() -> None:
    visit = replace(KNOWN, voices="")
    for author, voices in (("ada", "d"), ("ada", "d"), (PATIENT, "dp")):
        visit, _ = consult.say(visit, author=author, author_name="x", text="Hello", now=NOW)
        assert visit.voices == voices


def test_r16_it_is_good_for_as_long_as_the_pack_says_and_never_longer_than_three_days() -> None:
    made = replace(prescribe(), state=State.EFFECTIVE)
    prescription.usable(made, NOW + timedelta(hours=24))
    with pytest.raises(TooLate):
        prescription.usable(made, NOW + timedelta(hours=24) + TOO_OLD)
    assert all(pack.valid_hours <= 72 for pack in PACKS.values())


def on_its_way(made: Prescription, state: Parcel, **changes: Any) -> Order:
    return an_order(state=state, until=made.until, created_at=made.signed_at, **changes)


LEAVING = [
    (Parcel.CREATED, lambda order, now: delivery.pick(order, by=SAM.id, now=now)),
    (Parcel.PICKING, lambda order, now: delivery.check(order, by=KIM.id, now=now)),
    (Parcel.CHECKED, lambda order, now: delivery.hand_over(order, by=COLE.id, is_courier=True, now=now)),
]


@pytest.mark.parametrize(("state", "deed"), LEAVING, ids=["pick", "check", "hand over"])
def test_r16_nothing_leaves_the_pharmacy_on_one_that_is_out_of_date(state: Parcel, deed: Any) -> None:
    made, last = prescribe(), NOW + timedelta(hours=24)
    assert deed(on_its_way(made, state), last)
    with refused("out of date, so the medicine stays", kind=TooLate):
        deed(on_its_way(made, state), last + TOO_OLD)
    unsaid = replace(on_its_way(made, state), until=None)  # ordered before an order said it
    assert deed(unsaid, NOW + VALID)
    with refused("out of date", kind=TooLate):
        deed(unsaid, NOW + VALID + TOO_OLD)
    cancelled = delivery.cancel(on_its_way(made, state), by=SAM.id, now=last + TOO_OLD)
    assert cancelled.state is Parcel.CANCELLED, "the way back is open"


def test_r16_it_is_used_while_it_is_good_or_never() -> None:
    made, last = replace(prescribe(), state=State.RESERVED), NOW + timedelta(hours=24)
    assert prescription.dispense(made, last).state is State.DISPENSED
    with refused("out of date", kind=TooLate):
        prescription.dispense(made, last + TOO_OLD)


@pytest.mark.parametrize("way", Way)
def test_r16_what_left_in_time_reaches_the_patient_within_a_week_or_comes_back(way: Way) -> None:
    by, is_courier = (SAM.id, False) if way is Way.PICK_UP else (COLE.id, True)
    order, left = on_its_way(prescribe(), Parcel.CHECKED, way=way), NOW + timedelta(hours=24)
    order = delivery.hand_over(order, by=by, is_courier=is_courier, now=left)
    said: dict[str, Any] = {"by": by, "is_courier": is_courier}
    last = left + delivery.REACHES_WITHIN
    assert delivery.deliver(order, code=order.code, now=last, **said)[1]
    with refused("more than 7 days ago", kind=TooLate):
        delivery.deliver(order, code=order.code, now=last + TOO_OLD, **said)
    assert delivery.bring_back(order, now=last + TOO_OLD, **said).state is Parcel.RETURNED
    if way is Way.DELIVERY:
        failed = delivery.fail_attempt(order, by=by, reason="Nobody there", now=last)
        assert delivery.hand_over(failed, now=last, **said)
        with refused("more than 7 days ago", kind=TooLate):
            delivery.hand_over(failed, now=last + TOO_OLD, **said)


def test_r16_the_supply_is_limited_and_longer_only_for_a_long_term_condition() -> None:
    clinic = replace(STRICT, formulary=(a_medicine(days_max=100),))
    assert prescribe(KNOWN, a_line(days=7), clinic=clinic)
    with refused("at most 7", field="days_1"):
        prescribe(KNOWN, a_line(days=8), clinic=clinic)
    assert prescribe(KNOWN, a_line(days=84), clinic=clinic, stated=(EARLIER, LONG_TERM))
    with refused("at most 84", field="days_1"):
        prescribe(KNOWN, a_line(days=85), clinic=clinic, stated=(EARLIER, LONG_TERM))


def test_r16_no_more_than_five_medicines_in_any_pack() -> None:
    assert LINES_MAX == 5
    assert all(pack.lines <= LINES_MAX for pack in PACKS.values())
    tight = a_clinic(rules=rules("demo", {"lines": 1}))
    with refused("At most 1", field="medicine_2"):
        prescribe(KNOWN, a_line(), a_line(ASPIRIN), clinic=tight)


def test_r17_used_once() -> None:
    used = prescription.dispense(prescription.reserve(replace(prescribe(), state=State.EFFECTIVE), NOW), NOW)
    assert used.state is State.DISPENSED
    for again in (prescription.dispense, prescription.reserve):
        with pytest.raises(TooLate):
            again(used, NOW)


def test_r18_nothing_is_refilled_by_itself() -> None:
    """Another prescription needs a doctor's signature again: no arrow leads back from used, revoked or out of date."""
    for state in (State.DISPENSED, State.REVOKED, State.EXPIRED):
        with pytest.raises(TooLate):
            prescription.revise(
                a_prescription(state=state),
                KNOWN,
                doctor=ADA.id,
                lines=(a_line(),),
                confirmed=True,
                clinic=DEMO,
                now=NOW,
            )
