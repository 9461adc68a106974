"""The prescription: what may be prescribed, the warnings, the second pair of eyes, and its use once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotAllowed, NotFound, SeveralRefusals, TooLate
from chalicelib.rooms import prescription
from chalicelib.rooms.consult import NO_MEDICINE_AFTER, Outcome
from chalicelib.rooms.dose import DOSE_MAX
from chalicelib.rooms.prescription import ADVICE_MAX, LINES_MAX, REASON_MAX, VALID, Line, Prescription, State
from tests.builders import (
    ADA,
    ASPIRIN,
    BO,
    KIM,
    MINUTE,
    NOW,
    PARACETAMOL,
    PENICILLIN,
    SAM,
    WARFARIN,
    a_clinic,
    a_line,
    a_medicine,
    a_prescription,
    a_visit,
    answers,
    listed,
    refused,
)

CLINIC = a_clinic()


def prescribe(*lines: Line, allergies: str = "", **said: object) -> Prescription | None:
    typed = {"outcome": Outcome.PRESCRIPTION, "confirmed": False, "doctor": ADA.id, "doctor_name": ADA.name, **said}
    visit = a_visit(answers=answers(allergies=allergies))
    return prescription.prescribe(visit, lines=lines, now=NOW, **{"clinic": CLINIC, **typed})


def warned(*medicines: str, allergies: str = "") -> list[tuple[str, str, str]]:
    lines = tuple(a_line(m) for m in medicines)
    return prescription.warnings(lines, allergies=allergies, clinic=CLINIC)


def approve(found: Prescription, *, number: int = 1, by: str = SAM.id, now=NOW) -> Prescription:
    return prescription.approve(found, pharmacist=by, pharmacist_name="Sam", number=number, now=now)


def give_back(found: Prescription, reason: str = "Too much.", *, number: int = 1, by: str = SAM.id, now=NOW):
    return prescription.give_back(found, pharmacist=by, pharmacist_name="Sam", number=number, reason=reason, now=now)


def revise(found: Prescription, *, doctor: str = ADA.id, now=NOW) -> tuple[Prescription, Prescription]:
    return prescription.revise(
        found, a_visit(), doctor=doctor, lines=(a_line(days=2),), confirmed=False, clinic=CLINIC, now=now
    )


def test_a_prescription_says_who_what_and_when() -> None:
    made = prescribe(a_line())
    line = listed(a_line())
    assert made == a_prescription(version=None, lines=(line,), policy="demo-1", until=NOW + VALID)


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.PRESCRIPTION}))
def test_the_other_outcomes_end_without_medicine(outcome: Outcome) -> None:
    assert prescribe(outcome=outcome) is None


@pytest.mark.parametrize("outcome", sorted(NO_MEDICINE_AFTER))
def test_who_must_be_seen_in_person_is_given_no_medicine(outcome: Outcome) -> None:
    with refused("must be seen in person", field="outcome"):
        prescribe(a_line(), outcome=outcome)


@pytest.mark.parametrize("outcome", [Outcome.REST, Outcome.SPECIALIST])
def test_medicine_needs_the_outcome_that_says_so(outcome: Outcome) -> None:
    with refused("choose the outcome “Prescription”", field="outcome"):
        prescribe(a_line(), outcome=outcome)


def test_a_prescription_needs_one_to_five_medicines() -> None:
    with refused("Add at least one medicine", field="medicine_1"):
        prescribe()
    with refused("At most 5 medicines", field="medicine_5"):
        prescribe(*[a_line()] * (LINES_MAX + 1))


@pytest.mark.parametrize(
    ("line", "words", "field"),
    [
        (a_line("heroin"), "Choose a medicine from the list", "medicine_1"),
        (a_line(""), "Choose a medicine from the list", "medicine_1"),
        (a_line(dose=" "), "Enter the dose", "dose_1"),
        (a_line(dose="x" * (DOSE_MAX + 1)), "Enter the dose", "dose_1"),
        (a_line(per_day=0), "from 1 to 4", "per_day_1"),
        (a_line(per_day=5), "from 1 to 4", "per_day_1"),
        (a_line(days=0), "from 1 to 5", "days_1"),
        (a_line(days=6), "from 1 to 5", "days_1"),
        (a_line(advice="x" * (ADVICE_MAX + 1)), "At most 200", "advice_1"),
    ],
)
def test_each_line_keeps_the_limits_of_its_medicine(line: Line, words: str, field: str) -> None:
    with refused(words, field=field):
        prescribe(line)


def test_at_its_limits_a_line_is_fine() -> None:
    line = a_line(dose="x" * DOSE_MAX, per_day=4, days=5, advice="x" * ADVICE_MAX)
    made = prescribe(line, confirmed=True)
    assert made is not None
    assert made.lines == (listed(line),)


def test_an_unusual_dose_is_looked_at_twice() -> None:
    with refused("Look at the warnings", field="confirmed"):
        prescribe(a_line(dose="50000 mg"))
    made = prescribe(a_line(dose="50000 mg"), confirmed=True)
    assert made is not None
    assert made.confirmed


@pytest.mark.parametrize("dose", ["99999999", "500", "1.5", "½", "-", "1.000.000 mg", "500 mg 2", "-200 mg"])
def test_a_dose_without_a_unit_is_refused_whoever_confirms_it(dose: str) -> None:
    with refused("Enter the dose with its unit", field="dose_1"):
        prescribe(a_line(dose=dose), confirmed=True)


@pytest.mark.parametrize(
    ("dose", "usual"),
    [
        ("99999999 mg", "1000 mg"),
        ("10,001 mg", "1000 mg"),
        ("50 000 mg", "1000 mg"),
        ("1 x 50000 mg", "1000 mg"),
        ("21 × 500 mg", "1000 mg"),
        ("500–50000 mg", "1000 mg"),
        ("500 mg, then 50000 mg", "1000 mg"),
        ("10.1 g", "1000 mg"),
        ("take 10001毫克", "1000 mg"),
        ("10000001 µg", "1000 mg"),
        ("101 ml", "10 ml"),
        ("21 tablets", "2 tablets"),
    ],
)
def test_a_dose_that_nobody_can_have_meant_is_refused(dose: str, usual: str) -> None:
    strong = replace(CLINIC, formulary=(a_medicine(doses=("500 mg", "1000 mg", "10 ml", "2 tablets", "as needed")),))
    with refused(f"More than 10 times the largest usual dose, {usual}.", field="dose_1"):
        prescribe(a_line(dose=dose), confirmed=True, clinic=strong)


@pytest.mark.parametrize(
    "dose",
    ["10000 mg", "10 g", "500–1000 mg", "2 × 500 mg", "1/2 tablet", "100 ml", "21 drops", "half a tablet", "半片"],
)
def test_any_other_dose_is_the_doctors_decision(dose: str) -> None:
    strong = replace(CLINIC, formulary=(a_medicine(doses=("500 mg", "1000 mg", "10 ml", "2 tablets")),))
    with refused("Look at the warnings", field="confirmed"):
        prescribe(a_line(dose=dose), clinic=strong)
    assert prescribe(a_line(dose=dose), confirmed=True, clinic=strong) is not None


def test_one_medicine_once_and_all_that_is_wrong_at_once() -> None:
    with refused("on the prescription already", field="medicine_2"):
        prescribe(a_line(), a_line(days=1))
    with pytest.raises(SeveralRefusals) as caught:
        prescribe(a_line(days=9), a_line("heroin"), a_line(dose=""))
    assert [one.field for one in caught.value.refusals] == ["days_1", "medicine_2", "medicine_3", "dose_3"]


@pytest.mark.parametrize(
    "said", ["penicillin", "PENICILLIN since childhood", "allergic to amoxicillin.", "对青霉素过敏", "nuts,penicillin"]
)
def test_an_allergy_is_found_in_the_patients_own_words(said: str) -> None:
    found = warned(PENICILLIN, allergies=said)
    assert found
    assert {(kind, medicine) for kind, medicine, _ in found} == {("allergy", PENICILLIN)}


@pytest.mark.parametrize("said", ["", "none", "nuts", "花粉"])
def test_other_allergies_warn_of_nothing(said: str) -> None:
    assert warned(PENICILLIN, PARACETAMOL, allergies=said) == []


def test_an_interaction_is_found_whichever_of_the_two_lists_it() -> None:
    assert warned(ASPIRIN, WARFARIN) == [("interaction", ASPIRIN, WARFARIN)]
    assert warned(WARFARIN, ASPIRIN) == [("interaction", WARFARIN, ASPIRIN)]
    assert warned(WARFARIN, PARACETAMOL) == []


def test_every_pair_is_compared() -> None:
    a, b, c = (a_medicine(id, interacts=("b", "c") if id == "a" else ()) for id in "abc")
    lines = tuple(a_line(m) for m in "cba")
    assert prescription.warnings(lines, allergies="", clinic=a_clinic(formulary=(a, b, c))) == [
        ("interaction", "c", "a"),
        ("interaction", "b", "a"),
    ]


def test_warnings_must_be_seen_before_going_on() -> None:
    with refused("Look at the warnings", field="confirmed"):
        prescribe(a_line(PENICILLIN), allergies="penicillin")
    with refused("Look at the warnings", field="confirmed"):
        prescribe(a_line(ASPIRIN), a_line(WARFARIN))
    made = prescribe(a_line(PENICILLIN), allergies="penicillin", confirmed=True)
    assert made is not None
    assert made.confirmed


def test_limits_come_before_warnings() -> None:
    with refused("from 1 to 10", field="days_1"):
        prescribe(a_line(PENICILLIN, days=99), allergies="penicillin", confirmed=True)


def test_a_pharmacist_makes_it_effective() -> None:
    good = approve(a_prescription(), now=NOW + MINUTE)
    assert (good.state, good.pharmacist, good.pharmacist_name) == (State.EFFECTIVE, SAM.id, "Sam")
    assert good.decided_at == NOW + MINUTE


def test_a_pharmacist_returns_it_with_a_reason() -> None:
    back = give_back(a_prescription(), " Too much. ")
    assert (back.state, back.reason, back.pharmacist) == (State.RETURNED, "Too much.", SAM.id)
    for empty in ("", " "):
        with refused("Say why", field="reason"):
            give_back(a_prescription(), empty)
    with refused("At most 300", field="reason"):
        give_back(a_prescription(), "x" * (REASON_MAX + 1))


@pytest.mark.parametrize("decide", [approve, give_back])
def test_the_prescriber_is_not_the_second_person(decide) -> None:
    with refused("another person must check it", kind=NotAllowed):
        decide(a_prescription(), by=ADA.id)


@pytest.mark.parametrize("decide", [approve, give_back])
def test_what_the_pharmacist_saw_is_what_is_decided_about(decide) -> None:
    with refused("The doctor has changed this prescription", kind=TooLate):
        decide(a_prescription(number=2), number=1)


@pytest.mark.parametrize("decide", [approve, give_back])
@pytest.mark.parametrize("number", [-1, 0, 3, 999_999_999])
def test_a_number_that_never_was_is_not_found(decide, number: int) -> None:
    with refused("cannot find", kind=NotFound):
        decide(a_prescription(number=2), number=number)


@pytest.mark.parametrize("decide", [approve, give_back])
@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.EFFECTIVE, "Sam has already approved"),
        (State.RETURNED, "Sam has already returned"),
        (State.REVOKED, "was cancelled"),
        (State.RESERVED, "no longer waiting"),
        (State.DISPENSED, "no longer waiting"),
        (State.EXPIRED, "no longer waiting"),
    ],
)
def test_the_second_to_decide_is_told_who_was_first(decide, state: State, words: str) -> None:
    with refused(words, kind=TooLate):
        decide(a_prescription(state=state), by=KIM.id)


def test_one_that_is_too_old_cannot_be_approved_but_can_go_back_to_the_doctor() -> None:
    late = NOW + VALID + timedelta(seconds=1)
    assert approve(a_prescription(), now=NOW + VALID).state is State.EFFECTIVE
    with refused("too old to approve. Return it to the doctor", kind=TooLate):
        approve(a_prescription(), now=late)
    assert give_back(a_prescription(), "Too old.", now=late).state is State.RETURNED


def test_the_doctor_answers_a_returned_one_with_the_next_number() -> None:
    old, new = revise(give_back(a_prescription()), now=NOW + MINUTE)
    assert (old.state, old.next_number, old.lines) == (State.RETURNED, 2, (a_line(),))
    assert (new.number, new.state, new.signed_at, new.lines) == (
        2,
        State.SIGNED,
        NOW + MINUTE,
        (listed(a_line(days=2)),),
    )
    assert (new.pharmacist, new.reason, new.version) == (None, None, None)


def test_only_its_doctor_answers_and_only_once() -> None:
    with pytest.raises(NotFound):
        revise(a_prescription(state=State.RETURNED), doctor=BO.id)
    for found in (a_prescription(), a_prescription(state=State.EFFECTIVE), a_prescription(state=State.REVOKED)):
        with refused("Only a returned prescription", kind=TooLate):
            revise(found)
    with refused("Only a returned prescription", kind=TooLate):
        revise(a_prescription(state=State.RETURNED, next_number=2))


def test_the_answer_keeps_the_limits_too() -> None:
    with refused("from 1 to 5", field="days_1"):
        prescription.revise(
            a_prescription(state=State.RETURNED),
            a_visit(),
            doctor=ADA.id,
            lines=(a_line(days=9),),
            confirmed=False,
            clinic=CLINIC,
            now=NOW,
        )


def test_its_doctor_or_a_pharmacist_takes_it_back_with_a_reason() -> None:
    for by, is_doctor in ((ADA.id, True), (KIM.id, False)):
        for state in (State.SIGNED, State.EFFECTIVE, State.RETURNED):
            gone = prescription.revoke(
                a_prescription(state=state), by=by, is_doctor=is_doctor, reason="Allergy.", now=NOW
            )
            assert (gone.state, gone.reason, gone.decided_at) == (State.REVOKED, "Allergy.", NOW)
    with pytest.raises(NotFound):
        prescription.revoke(a_prescription(), by=BO.id, is_doctor=True, reason="x", now=NOW)
    with refused("Say why", field="reason"):
        prescription.revoke(a_prescription(), by=ADA.id, is_doctor=True, reason=" ", now=NOW)


@pytest.mark.parametrize("state", [State.DISPENSED, State.REVOKED, State.EXPIRED])
def test_what_is_on_its_way_or_over_is_not_taken_back(state: State) -> None:
    with refused("can no longer be cancelled", kind=TooLate):
        prescription.revoke(a_prescription(state=state), by=ADA.id, is_doctor=True, reason="x", now=NOW)


def test_only_an_approved_one_in_date_can_be_ordered_on() -> None:
    good = a_prescription(state=State.EFFECTIVE)
    prescription.usable(good, NOW + VALID)
    assert prescription.reserve(good, NOW).state is State.RESERVED
    with refused("out of date", kind=TooLate):
        prescription.reserve(good, NOW + VALID + timedelta(seconds=1))
    for state in set(State) - {State.EFFECTIVE}:
        with refused("was cancelled" if state is State.REVOKED else "has not approved", kind=TooLate):
            prescription.usable(a_prescription(state=state), NOW)


def test_it_expires_when_nothing_was_ordered_in_time() -> None:
    good, late = a_prescription(state=State.EFFECTIVE), NOW + VALID + timedelta(seconds=1)
    assert prescription.expire(good, NOW + VALID) is good
    assert prescription.expire(good, late) == replace(good, state=State.EXPIRED)
    for state in set(State) - {State.EFFECTIVE}:
        kept = a_prescription(state=state)
        assert prescription.expire(kept, late) is kept


def test_it_is_used_once() -> None:
    kept = prescription.reserve(a_prescription(state=State.EFFECTIVE), NOW)
    assert prescription.release(kept).state is State.EFFECTIVE
    used = prescription.dispense(kept, NOW + MINUTE)
    assert (used.state, used.dispensed_at) == (State.DISPENSED, NOW + MINUTE)
    with refused("used already", kind=TooLate):
        prescription.dispense(used, NOW)


@pytest.mark.parametrize("dose", ["500mg", "0.5 g", "500 milligrams", "1,000 mg", "1000毫克"])
def test_a_usual_dose_is_usual_however_it_is_spelled(dose: str) -> None:
    strong = replace(CLINIC, formulary=(a_medicine(doses=("500 mg", "1000 mg")),))
    made = prescribe(a_line(dose=dose), clinic=strong)
    assert made is not None
    assert not made.confirmed


def test_no_dose_is_nothing() -> None:
    with refused("Enter the dose", field="dose_1"):
        prescribe(a_line(dose="0 mg"), confirmed=True)
