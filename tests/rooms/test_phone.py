"""Phone: which numbers are sent a code, how often, what a code is good for, and whom a number stands for."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.refusal import Refusal
from chalicelib.rooms import phone
from chalicelib.rooms.arrival import ForWhom
from chalicelib.rooms.kit import BadKit, _check_codes, _check_sms
from chalicelib.rooms.phone import (
    CODE_LIVES,
    PEOPLE_MAX,
    RESEND,
    TRIES_MAX,
    Claim,
    Known,
    Person,
    Phone,
    Proof,
    Purpose,
)
from chalicelib.rooms.rules import Clinic, Codes, Sms
from tests.builders import NOW, a_clinic, a_visit, answers, refused

CLINIC = a_clinic(sms=Sms(provider="local", country="+86", others=("+852",)), codes=Codes(on=True))
SECOND = timedelta(seconds=1)
TODAY = NOW.date()


def a_claim(**changes: Any) -> Claim:
    made = Claim(
        holder="browser", phone="mac", number="+8613800001234", purpose=Purpose.PEOPLE, digest="right", asked_at=NOW
    )
    return replace(made, **changes)


def a_proof(**changes: Any) -> Proof:
    made = Proof(
        token="token",  # the hash of nothing
        phone="mac",
        number="+8613800001234",
        purpose=Purpose.PEOPLE,
        began_at=NOW,
        seen_at=NOW,
    )
    return replace(made, **changes)


def a_person(**changes: Any) -> Person:
    made = Person(phone="mac", id="ann", name="Ann", born=date(1989, 6, 1), relation=ForWhom.ME, added_at=NOW)
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("138 0000 1234", "+8613800001234"),
        ("0086 138-0000-1234", "+8613800001234"),
        ("+852 5123 4567", "+85251234567"),
    ],
)
def test_a_number_has_one_spelling(typed: str, found: str) -> None:
    assert phone.provable(typed, CLINIC) == found


@pytest.mark.parametrize(
    "typed", ["+1 900 555 0100", "0044 7009 00123", "+86 1234", "0086 0", "12345", "010 1234 5678"]
)
def test_a_number_of_another_country_or_of_nobody_is_sent_nothing(typed: str) -> None:
    with refused("We cannot send a text message to this number", field="phone"):
        phone.provable(typed, CLINIC)


def test_each_cap_is_a_counter_of_its_own_time() -> None:
    one = phone.counters("mac", "net", "nets", CLINIC, NOW)
    codes = CLINIC.codes
    assert [c.most for c in one] == [codes.per_phone, codes.per_address, codes.per_clinic, codes.per_clinic // 5]
    later = phone.counters("mac", "net", "nets", CLINIC, NOW + timedelta(hours=1))
    assert [a.about == b.about for a, b in zip(one, later, strict=True)] == [True, False, True, True]
    tomorrow = phone.counters("mac", "net", "nets", CLINIC, NOW + timedelta(days=1))
    assert not {c.about for c in one} & {c.about for c in tomorrow}
    assert all(c.until > NOW for c in one)


def test_a_code_to_find_a_ticket_is_a_guess_and_there_are_three_a_week() -> None:
    """Whoever has a mistyped number must not try birth date after birth date while the ticket can be found."""
    *others, week = phone.counters("mac", "net", "nets", CLINIC, NOW, Purpose.FIND)
    assert tuple(others) == phone.counters("mac", "net", "nets", CLINIC, NOW), "another purpose is no guess"
    assert week.most == phone.FIND_MAX == 3
    weeks = {
        phone.counters("mac", "net", "nets", CLINIC, NOW + timedelta(days=day), Purpose.FIND)[-1].about
        for day in range(14)
    }
    assert len(weeks) <= 3
    assert week.until > NOW + phone.FOUND


@pytest.mark.parametrize("full", [0, 1, 2, 3])
def test_no_code_over_any_of_the_four_caps(full: int) -> None:
    counters = phone.counters("mac", "net", "nets", CLINIC, NOW)
    so_far = [(c, c.most - 1) for c in counters]
    phone.may_ask(None, so_far, NOW)
    so_far[full] = (counters[full], counters[full].most)
    with refused("You can get a ticket and see a doctor without one"):
        phone.may_ask(None, so_far, NOW)


def test_another_code_after_a_minute_and_at_once_after_one_that_was_used() -> None:
    with refused("a minute later"):
        phone.may_ask(a_claim(), [], NOW + RESEND - SECOND)
    phone.may_ask(a_claim(), [], NOW + RESEND)
    phone.may_ask(a_claim(proven=True), [], NOW + SECOND)


def test_a_code_lives_for_five_minutes_five_tries_and_one_use() -> None:
    phone.still_open(a_claim(), "guess", NOW + CODE_LIVES - SECOND)
    phone.still_open(a_claim(tries=TRIES_MAX, last_try="guess"), "guess", NOW)
    for claim, at, words in (
        (a_claim(), NOW + CODE_LIVES, "too old"),
        (a_claim(tries=TRIES_MAX), NOW, "one try too many"),
        (a_claim(proven=True), NOW, "has been used"),
    ):
        with refused(words, field="code"):
            phone.still_open(claim, "guess", at)


def test_only_the_right_code_proves_and_it_is_said_how_many_tries_are_left() -> None:
    for tries, words in ((1, "4 more times"), (TRIES_MAX, "one try too many")):
        with refused(words, field="code"):
            phone.prove(a_claim(tries=tries), digest="wrong", token="t", now=NOW)
    used, proof = phone.prove(a_claim(tries=TRIES_MAX), digest="right", token="t", now=NOW)
    assert used.proven
    assert (proof.phone, proof.number, proof.began_at) == ("mac", "+8613800001234", NOW)


def test_a_proof_ends_idle_after_days_here_and_everywhere() -> None:
    idle, days = timedelta(hours=CLINIC.codes.idle_hours), timedelta(days=CLINIC.codes.days)
    number = Phone(id="mac")
    busy = a_proof(seen_at=NOW + days - SECOND)
    assert phone.holds(a_proof(), number, CLINIC, NOW + idle - SECOND)
    assert not phone.holds(a_proof(), number, CLINIC, NOW + idle)
    assert phone.holds(busy, number, CLINIC, NOW + days - SECOND)
    assert not phone.holds(busy, number, CLINIC, NOW + days)
    assert not phone.holds(a_proof(ended_at=NOW), number, CLINIC, NOW + SECOND)
    everywhere = replace(number, signed_out_at=NOW)
    assert not phone.holds(a_proof(), everywhere, CLINIC, NOW + SECOND)
    assert phone.holds(a_proof(began_at=NOW + SECOND), everywhere, CLINIC, NOW + 2 * SECOND)
    assert not phone.to_renew(a_proof(), CLINIC, NOW + idle / 4)
    assert phone.to_renew(a_proof(), CLINIC, NOW + idle / 4 + SECOND)


@pytest.mark.parametrize("typed", ["1985-04-02", "19850402", "1985 4 2", "1985年4月2日", "1985/04/02"])
def test_a_birth_date_may_be_written_in_many_ways(typed: str) -> None:
    assert phone.birth_date(typed, TODAY) == date(1985, 4, 2)


@pytest.mark.parametrize(
    "typed", ["", "02-04-1985", "1985-13-02", "2023-02-29", "1985", "1800-01-01", "2999-01-01", "x"]
)
def test_what_is_no_birth_date_is_refused(typed: str) -> None:
    with refused("year, month and day", field="born"):
        phone.birth_date(typed, TODAY)


def test_age_is_counted_in_completed_years() -> None:
    born = date(2024, 2, 29)
    assert [phone.age(born, day) for day in (date(2025, 2, 28), date(2025, 3, 1), born)] == [0, 1, 0]


def test_a_number_stands_for_a_family_and_no_more() -> None:
    family = nobody = Known(proof=a_proof(), phone=Phone(id="mac"), people=())
    for n in range(PEOPLE_MAX):
        number, person = phone.add(family, a_person(name=f" Ann {n} "), CLINIC, TODAY)
        assert person.name == f"Ann {n}"
        family = replace(family, phone=number, people=(*family.people, person))
    with refused("can stand for"):
        phone.add(family, a_person(), CLINIC, TODAY)
    for name, words in (("  ", "Enter the patient's name"), ("A" * 61, "at most 60")):
        with refused(words, field="name"):
            phone.add(nobody, a_person(name=name), CLINIC, TODAY)


def test_nobody_is_on_the_list_twice_and_no_grown_up_is_a_child() -> None:
    ann = a_person(name="Ann Li")
    family = Known(proof=a_proof(), phone=Phone(id="mac"), people=(ann,))
    for name in (" ann  LI", "Ａｎｎ　Ｌｉ", "Ann-Li."):
        with refused("is on your list already", field="name"):
            phone.add(family, replace(ann, name=name), CLINIC, TODAY)
    assert phone.as_called("राम") != phone.as_called("रम"), "a mark is part of a name"
    assert phone.as_called("...") == "...", "and so is what has nothing else"
    phone.add(family, replace(ann, born=ann.born.replace(year=ann.born.year + 1)), CLINIC, TODAY)
    with refused("for people under 18", field="born"):
        phone.add(family, a_person(name="Kid", relation=ForWhom.CHILD), CLINIC, TODAY)


def test_a_child_comes_with_the_grown_up_of_the_number() -> None:
    mei = a_person(id="mei", name="Mei", born=date(2024, 2, 29), relation=ForWhom.CHILD)
    boy = a_person(id="boy", name="Boy", born=date(2020, 1, 1))
    assert phone.guardian(mei, [boy, mei], CLINIC, TODAY) == ""
    assert phone.guardian(mei, [mei, a_person()], CLINIC, TODAY) == "Ann"
    assert phone.guardian(a_person(), [a_person()], CLINIC, TODAY) == ""
    assert phone.whom(mei, CLINIC, TODAY) is ForWhom.CHILD
    assert phone.whom(mei, CLINIC, date(2042, 3, 1)) is ForWhom.OTHER, "a child that grew up"


def known(*people: Person, born: date | None = None) -> Known:
    return Known(proof=a_proof(born=born), phone=Phone(id="mac"), people=people)


def test_a_number_opens_the_tickets_of_its_people() -> None:
    theirs = a_visit(person="ann", verified=True)
    assert opens(known(a_person()), theirs)
    assert opens(known(a_person(), born=date(1989, 6, 1)), theirs)
    assert not opens(known(a_person(), born=date(1989, 6, 2)), theirs), "another birth date was named"
    assert not opens(known(a_person(id="mei")), theirs), "of somebody else"
    assert not opens(known(), a_visit(person="ann", verified=True), NOW)


def test_a_ticket_that_only_has_the_number_needs_the_birth_date_too() -> None:
    """Numbers are mistyped: whoever is called like that must not read a stranger's visit."""
    typed = a_visit(person="ann", answers=answers(age=40))
    assert not opens(known(a_person()), typed)
    for years, fits in ((38, False), (39, True), (40, True), (41, True), (42, False)):
        assert opens(known(born=date(TODAY.year - years, 1, 1)), typed) is fits
    assert not opens(known(born=date(1989, 6, 1)), typed, NOW + phone.FOUND)
    exact = replace(typed, born=date(1986, 2, 3))
    assert opens(known(born=date(1986, 2, 3)), exact)
    assert not opens(known(born=date(1986, 2, 4)), exact), "where the birth date is known, it is the birth date"


def opens(by: Known, visit: Any, now: datetime = NOW) -> bool:
    return phone.opens(by, visit, TODAY, now)


def test_a_kit_may_only_be_stricter() -> None:
    for wrong in ({"per_phone": 11}, {"per_address": 0}, {"per_clinic": 10**6}, {"idle_hours": 25}, {"days": 31}):
        with pytest.raises(BadKit, match=next(iter(wrong))):
            _check_codes(Codes(**wrong))
    with pytest.raises(BadKit, match="others"):
        _check_sms(Sms(provider="sns", country="+86", others=("852",)))
    for most in (0, 10**6, "many"):
        with pytest.raises(BadKit, match="per_day"):
            _check_sms(Sms(provider="sns", country="+86", per_day=most))


def test_without_texts_nothing_can_be_proven() -> None:
    assert CLINIC.proves_phones
    off: Clinic = replace(CLINIC, sms=Sms())
    assert not off.proves_phones
    with pytest.raises(Refusal):
        phone.provable("+1 900 555 0100", CLINIC)
