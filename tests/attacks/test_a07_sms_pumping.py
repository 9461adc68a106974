"""A7, SMS pumping: whoever asks for codes to ten thousand numbers makes the clinic send no more than its caps."""

import random
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.clinic import CLINIC
from chalicelib.outside import sms
from chalicelib.refusal import Refusal
from chalicelib.rooms.phone import Purpose
from chalicelib.rooms.rules import Clinic, Codes, Sms
from chalicelib.visit import proving
from tests.builders import a_clinic
from tests.people import Browser, Cast
from tests.visit.walk import Walk
from tests.visit.weather import meanwhile

NUMBERS, ADDRESSES = 10_000, 100
HEADER = "Viewer-Address"
SMALL = Codes(on=True, per_phone=3, per_address=5, per_clinic=8)


def small(**caps: int) -> Clinic:
    return a_clinic(sms=Sms(provider="local", country="+86"), codes=replace(SMALL, **caps))


def ask(walk: Walk, n: int, *, phone: str = "", caller: str = "") -> bool:
    """A browser nobody saw before asks for a code; whether one would be sent."""
    typed = {"holder": f"browser {n}", "phone_id": phone or f"phone {n}", "number": "+8613800001234"}
    try:
        proving.ask_code(
            walk.errand(), **typed, purpose=Purpose.PEOPLE, born=None, digest=f"{n}", caller=caller or f"net {n}"
        )
    except Refusal:
        return False
    return True


def one_number_is_sent_few(walk: Walk) -> None:
    walk.clinic = small()
    assert sum(ask(walk, n, phone="victim") for n in range(20)) == SMALL.per_phone


def one_address_asks_for_few(walk: Walk) -> None:
    walk.clinic = small()
    assert sum(ask(walk, n, caller="botnet") for n in range(20)) == SMALL.per_address


def the_clinic_sends_no_more_in_a_day(walk: Walk) -> None:
    """Other numbers from other addresses, in other browsers."""
    walk.clinic = small()
    assert sum(ask(walk, n) for n in range(20)) == SMALL.per_clinic


def two_at_the_last_moment_are_one(walk: Walk) -> None:
    """Both have read that one more may be sent."""
    walk.clinic = small(per_clinic=1)
    answers: list[bool] = []
    with meanwhile("TransactWriteItems", lambda: answers.append(ask(walk, 1))):
        answers.append(ask(walk, 2))
    assert answers.count(True) == 1


def premium_numbers_abroad_are_sent_nothing(cast: Cast) -> None:
    sms.LOCAL.texts.clear()
    for number in ("+1 900 555 0100", "+882 1234 5678", "00 44 70 1234 5678"):
        cast.eve.get("/en/number")
        at = cast.eve.fill("/number", phone=number)
        assert at.status == 422
        assert at.page.errors["phone"] == "Error: We cannot send a text message to this number."
    assert not sms.LOCAL.texts


def pumped(cast: Cast, numbers: int, addresses: int) -> int:
    """How many texts are sent if a machine asks for codes to so many random numbers from so many addresses."""
    chance, sent = random.Random(7), []
    driver, sms.DRIVERS["local"] = sms.DRIVERS["local"], lambda to, text: sent.append(to) or sms.Outcome.SENT  # type: ignore[func-returns-value]
    try:
        for n in range(numbers):
            thief, number = Browser(cast.house), f"+861{chance.randrange(3 * 10**9, 10**10)}"
            said = {"viewer_address": f"203.0.113.{n % addresses}"}
            got = thief.machine("POST", "/en/number", {"phone": number}, **said)
            assert got.status in (200, 409), got.body
    finally:
        sms.DRIVERS["local"] = driver
    return len(sent)


@pytest.mark.slow
def test_ten_thousand_random_numbers(cast_on_dynoxide: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADDRESS_HEADER", HEADER)
    assert pumped(cast_on_dynoxide, NUMBERS, ADDRESSES) == CLINIC.codes.per_clinic


def test_whoever_names_another_address_in_a_header_is_still_one(cast: Cast) -> None:
    """Without ADDRESS_HEADER the gateway says who asks, and no header of the browser."""
    assert pumped(cast, CLINIC.codes.per_address + 10, ADDRESSES) == CLINIC.codes.per_address


CHECKS = [
    one_number_is_sent_few,
    one_address_asks_for_few,
    the_clinic_sends_no_more_in_a_day,
    two_at_the_last_moment_are_one,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_pumping(walk: Walk, check: Any) -> None:
    check(walk)


def test_abroad(cast: Cast) -> None:
    premium_numbers_abroad_are_sent_nothing(cast)
