"""Arrival: the questions before a ticket, the red flags, guardians, phone numbers, consent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import SeveralRefusals, TooLate
from chalicelib.rooms import arrival
from chalicelib.rooms.arrival import NO_FLAG, RED_FLAGS, ForWhom, Getting, HowLong, Request, Stage
from tests.builders import NOW, a_clinic, a_department, a_request, answers, refused

CLINIC = a_clinic()
NEW = Request(id="request-1", holder="holder-1", language="en", started_at=NOW)


def who(request: Request = NEW, **said: object) -> Request:
    typed = {"for_whom": ForWhom.ME, "name": "Ann Li", "age": 40, "guardian": "", **said}
    return arrival.who(request, clinic=CLINIC, **typed)


def what(request: Request = NEW, **said: object) -> Request:
    typed = {"department": "general", "why": "Cough", "allergies": "", "follow_up": False, **said}
    return arrival.what(request, clinic=CLINIC, **typed)


@pytest.mark.parametrize("flag", RED_FLAGS)
def test_any_red_flag_is_an_emergency(flag: str) -> None:
    asked = arrival.red_flags(NEW, flags=(flag,))
    assert asked.stage is Stage.EMERGENCY
    assert asked.flags == (flag,)


@pytest.mark.parametrize("flag", RED_FLAGS)
def test_a_flag_with_none_of_these_is_still_the_flag(flag: str) -> None:
    asked = arrival.red_flags(NEW, flags=(NO_FLAG, flag))
    assert asked.stage is Stage.EMERGENCY
    assert asked.flags == (flag,)


def test_several_flags_are_kept_in_the_order_of_the_page() -> None:
    assert arrival.red_flags(NEW, flags=tuple(reversed(RED_FLAGS))).flags == RED_FLAGS


def test_none_of_these_goes_on() -> None:
    asked = arrival.red_flags(NEW, flags=(NO_FLAG,))
    assert asked.stage is Stage.REQUESTED
    assert asked.flags == (NO_FLAG,)


@pytest.mark.parametrize("flags", [(), ("",), ("something else",)])
def test_choosing_nothing_is_no_answer(flags: tuple[str, ...]) -> None:
    with refused("Choose what you have", field="flags"):
        arrival.red_flags(NEW, flags=flags)


def test_after_an_emergency_every_other_question_is_closed() -> None:
    ill = arrival.red_flags(a_request(), flags=("chest_pain",))
    for ask in (
        lambda: who(ill),
        lambda: what(ill),
        lambda: arrival.how_long(ill, how_long=HowLong.TODAY, getting=Getting.SAME),
        lambda: arrival.contact(ill, phone="13800001234"),
        lambda: arrival.agree(ill, consented=True, clinic=CLINIC, now=NOW),
    ):
        with refused("call the emergency number first", kind=TooLate):
            ask()


def test_the_flags_can_be_corrected() -> None:
    ill = arrival.red_flags(NEW, flags=("bleeding",))
    assert arrival.red_flags(ill, flags=(NO_FLAG,)).stage is Stage.REQUESTED


def test_questions_come_in_order_and_none_can_be_skipped() -> None:
    asked, steps = NEW, []
    for answer in (
        lambda r: arrival.red_flags(r, flags=(NO_FLAG,)),
        who,
        what,
        lambda r: arrival.how_long(r, how_long=HowLong.WEEK, getting=Getting.BETTER),
        lambda r: arrival.contact(r, phone="13800001234"),
        lambda r: r,
    ):
        steps.append(arrival.next_step(asked))
        if steps[-1] != "check":
            with refused("answer every question first"):
                arrival.agree(asked, consented=True, clinic=CLINIC, now=NOW)
        asked = answer(asked)
    assert tuple(steps) == arrival.STEPS


@pytest.mark.parametrize("age", [-1, 121, 1000])
def test_an_impossible_age_is_asked_again(age: int) -> None:
    with refused("from 0 to 120", field="age"):
        who(age=age)


@pytest.mark.parametrize("age", [18, 120])
def test_a_grown_up_asks_for_themselves(age: int) -> None:
    assert who(age=age).age == age


def test_a_child_does_not_ask_alone() -> None:
    with refused("A parent or guardian must ask for a child", field="for_whom"):
        who(age=17, for_whom=ForWhom.ME)


@pytest.mark.parametrize("for_whom", [ForWhom.CHILD, ForWhom.OTHER])
def test_a_child_needs_a_named_guardian_whoever_asks(for_whom: ForWhom) -> None:
    for nobody in ("", "   "):
        with refused("name of the parent or guardian", field="guardian"):
            who(age=0, for_whom=for_whom, guardian=nobody)
    assert who(age=0, for_whom=for_whom, guardian=" Mei Li ").guardian == "Mei Li"


def test_a_grown_up_is_nobodys_child() -> None:
    with refused("is for people under 18", field="age"):
        who(age=18, for_whom=ForWhom.CHILD, guardian="Mei Li")


def test_a_grown_up_has_no_guardian_on_record() -> None:
    assert who(age=18, for_whom=ForWhom.OTHER, guardian="Mei Li").guardian == ""


def test_the_clinic_decides_when_childhood_ends() -> None:
    younger = a_clinic(guardian_age=16)
    typed = {"for_whom": ForWhom.ME, "name": "Ann", "age": 16, "guardian": ""}
    assert arrival.who(NEW, clinic=younger, **typed).age == 16


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SeveralRefusals) as caught:
        who(name=" ", age=200)
    assert [one.field for one in caught.value.refusals] == ["name", "age"]
    with pytest.raises(SeveralRefusals) as caught:
        what(department="", why="", allergies="x" * 201)
    assert [one.field for one in caught.value.refusals] == ["department", "why", "allergies"]


@pytest.mark.parametrize(
    ("ask", "field", "longest"),
    [
        (lambda text: who(name=text), "name", arrival.NAME_MAX),
        (lambda text: who(age=5, for_whom=ForWhom.CHILD, guardian=text), "guardian", arrival.NAME_MAX),
        (lambda text: what(why=text), "why", arrival.WHY_MAX),
        (lambda text: what(allergies=text), "allergies", arrival.ALLERGIES_MAX),
    ],
    ids=["name", "guardian", "why", "allergies"],
)
def test_texts_have_a_longest_length(ask, field: str, longest: int) -> None:
    assert getattr(ask("王" * longest), field) == "王" * longest
    with refused(f"t most {longest} characters", field=field):
        ask("x" * (longest + 1))


@pytest.mark.parametrize("empty", ["", " ", "\n\t "])
def test_a_name_and_a_reason_are_needed(empty: str) -> None:
    with refused("Enter the patient's name.", field="name"):
        who(name=empty)
    with refused("Say in a few words what is wrong.", field="why"):
        what(why=empty)


def test_only_departments_of_this_clinic() -> None:
    assert what(department="children").department == "children"
    with refused("Choose a department.", field="department"):
        what(department="brain")


def test_answers_are_kept_without_the_spaces_around_them() -> None:
    assert who(name="  Ann  Li ").name == "Ann  Li"
    asked = what(why=" Cough\n", allergies=" nuts ")
    assert (asked.why, asked.allergies) == ("Cough", "nuts")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800001234", "13800001234"),
        ("138 0000 1234", "13800001234"),
        ("+86 138-0000-1234", "+8613800001234"),
        ("(020) 8123.4567", "02081234567"),
        ("138\u30000000\u00a01234", "13800001234"),
        ("12345", "12345"),
        ("123456789012345", "123456789012345"),
    ],
)
def test_a_phone_number_is_its_digits(typed: str, kept: str) -> None:
    assert arrival.contact(NEW, phone=typed).phone == kept


@pytest.mark.parametrize(
    "typed",
    ["", " ", "1234", "1234567890123456", "12345a", "++8613800001234", "86+13800001234", "+", "１３８００００"],
)
def test_what_cannot_be_called_is_no_phone_number(typed: str) -> None:
    with refused("Enter a phone number", field="phone"):
        arrival.contact(NEW, phone=typed)


def test_without_consent_there_is_no_ticket() -> None:
    with refused("only help you if you agree", field="consent"):
        arrival.agree(a_request(), consented=False, clinic=CLINIC, now=NOW)


def test_consent_is_kept_with_its_text_and_its_moment() -> None:
    said = arrival.agree(a_request(), consented=True, clinic=CLINIC, now=NOW + timedelta(minutes=3))
    assert (said.consent, said.consent_at) == ("2026-11", NOW + timedelta(minutes=3))


def test_the_finished_answers_are_what_was_said() -> None:
    child = a_request(age=5, for_whom=ForWhom.CHILD, guardian="Mei Li", allergies="nuts", follow_up=True)
    said = arrival.agree(child, consented=True, clinic=CLINIC, now=NOW)
    assert said == answers(age=5, for_whom=ForWhom.CHILD, guardian="Mei Li", allergies="nuts", follow_up=True)


def test_nobody_has_an_empty_guardian_or_phone() -> None:
    said = arrival.agree(a_request(), consented=True, clinic=CLINIC, now=NOW)
    assert said.guardian is None


@pytest.mark.parametrize(
    ("age", "getting", "urgent"),
    [
        (0, Getting.SAME, True),
        (0, Getting.BETTER, True),
        (1, Getting.SAME, False),
        (40, Getting.WORSE, True),
        (40, Getting.SAME, False),
        (40, Getting.BETTER, False),
    ],
)
def test_infants_and_people_getting_worse_are_urgent(age: int, getting: Getting, urgent: bool) -> None:
    assert arrival.is_urgent(answers(age=age, getting=getting), a_department()) is urgent


@pytest.mark.parametrize(("age", "urgent"), [(2, True), (3, False), (69, False), (70, True)])
def test_a_department_may_call_the_very_young_and_the_old_first(age: int, urgent: bool) -> None:
    department = a_department(urgent_under=3, urgent_from=70)
    assert arrival.is_urgent(answers(age=age), department) is urgent


@pytest.mark.parametrize(
    ("ages", "age", "words"),
    [((0, 17), 18, "from 0 to 17 years"), ((14, 120), 13, "from 14 years"), ((5, 9), 4, "from 5 to 9 years")],
)
def test_a_department_is_for_its_own_ages_also_when_the_age_is_corrected_later(
    ages: tuple[int, int], age: int, words: str
) -> None:
    clinic = a_clinic(departments=(a_department(ages=ages),))
    typed = {"department": "general", "why": "Cough", "allergies": "", "follow_up": False, "clinic": clinic}
    with refused(words, field="department"):
        arrival.what(replace(NEW, age=age), **typed)
    assert arrival.what(replace(NEW, age=ages[0]), **typed).department == "general"
    corrected = replace(a_request(), department="general", age=age)
    with refused(words, field="department"):
        arrival.agree(corrected, consented=True, clinic=clinic, now=NOW)


def test_the_hospitals_own_danger_sign_is_an_emergency_and_a_strangers_is_nothing() -> None:
    ill = arrival.red_flags(NEW, flags=("rash",), own=("rash",))
    assert (ill.stage, ill.flags) == (Stage.EMERGENCY, ("rash",))
    with refused("None of these", field="flags"):
        arrival.red_flags(NEW, flags=("rash",))


def test_forgetting_keeps_nothing_that_was_typed() -> None:
    gone = arrival.forget(a_request(version=4))
    assert gone == replace(NEW, stage=Stage.CANCELLED, version=4)


def test_after_forgetting_one_starts_again() -> None:
    gone = arrival.forget(a_request())
    with refused("Please start again", kind=TooLate):
        who(gone)
    with refused("Please start again", kind=TooLate):
        arrival.agree(gone, consented=True, clinic=CLINIC, now=NOW)
