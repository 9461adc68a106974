"""A6, guessing the code: five tries in all however many come at once, one use, five minutes, and only the newest."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.refusal import Refusal
from chalicelib.rooms.phone import CODE_LIVES, RESEND, TRIES_MAX, Proof, Purpose
from chalicelib.rooms.rules import Codes, Sms
from chalicelib.store import keys, records
from chalicelib.visit import proving
from tests.builders import a_clinic
from tests.visit.walk import Walk, table

TRIES, SECONDS_MAX = 50, 60
NUMBER, RIGHT = "+8613800001234", "482915"
CLINIC = a_clinic(sms=Sms(provider="local", country="+86"), codes=Codes(on=True))


def asked(walk: Walk, code: str = RIGHT) -> None:
    walk.clinic = CLINIC
    phone = keys.phone_of(NUMBER)
    proving.ask_code(
        walk.errand(),
        holder="browser",
        phone_id=phone,
        number=NUMBER,
        purpose=Purpose.PEOPLE,
        born=None,
        digest=keys.digest(phone, Purpose.PEOPLE, code),
        caller="here",
        network="there",
    )


def guess(walk: Walk, code: str) -> Proof | Refusal:
    digest = keys.digest(keys.phone_of(NUMBER), Purpose.PEOPLE, code)
    errand = walk.errand()
    try:
        return proving.prove(errand, holder="browser", digest=digest, token=f"token {errand.request}")
    except Refusal as refusal:
        return refusal


def all_at_once(walk: Walk, codes: list[str]) -> list[Proof | Refusal]:
    ready = threading.Barrier(len(codes))

    def one(code: str) -> Proof | Refusal:
        ready.wait(SECONDS_MAX)
        return guess(walk, code)

    with ThreadPoolExecutor(len(codes)) as room:
        return list(room.map(one, codes))


def proofs(answers: list[Any]) -> list[Proof]:
    return [one for one in answers if isinstance(one, Proof)]


def fifty_tries_at_once_are_five(walk: Walk) -> None:
    """None of them right: at most five are looked at, and then the right one comes too late."""
    asked(walk)
    answers = all_at_once(walk, [f"{n:06d}" for n in range(TRIES)])
    looked_at = [one for one in answers if isinstance(one, Refusal) and "left" in one.facts]
    claim = records.claim_of("browser")
    assert claim is not None
    assert claim.tries == TRIES_MAX
    assert len(looked_at) <= TRIES_MAX - 1, "the last one is told that it was the last"
    assert not proofs([*answers, guess(walk, RIGHT)])


def the_right_code_proves_once(walk: Walk) -> None:
    """Also for many who have it at the same moment, and for whoever has it later."""
    asked(walk)
    answers = all_at_once(walk, [RIGHT] * TRIES_MAX)
    assert len(proofs([*answers, guess(walk, RIGHT)])) == 1


def an_old_code_is_worth_nothing(walk: Walk) -> None:
    asked(walk)
    walk.now += RESEND
    asked(walk, "000000")
    assert not proofs([guess(walk, RIGHT)])
    assert proofs([guess(walk, "000000")])


def after_five_minutes_it_is_over(walk: Walk) -> None:
    """By our own clock: a row that the table was to forget may still be there."""
    asked(walk)
    walk.now += CODE_LIVES - timedelta(seconds=1)
    assert not proofs([guess(walk, RIGHT)])


def what_is_kept_does_not_give_the_code_away(walk: Walk) -> None:
    """Whoever has a copy of the rows, but not the pepper, cannot try a million codes at home; no key is a number."""
    asked(walk)
    claim = records.claim_of("browser")
    assert claim is not None
    real = keys.key("pepper")
    assert len(real) == 32
    assert claim.digest != keys.hmac.new(b"", f"code|{claim.phone}|people|{RIGHT}".encode(), "sha256").hexdigest()
    for (pk, sk), item in table().items():
        assert NUMBER.lstrip("+") not in pk + sk
        assert RIGHT not in str(item.values())


CHECKS = [
    fifty_tries_at_once_are_five,
    the_right_code_proves_once,
    an_old_code_is_worth_nothing,
    after_five_minutes_it_is_over,
    what_is_kept_does_not_give_the_code_away,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_guessing(walk: Walk, check: Any) -> None:
    check(walk)
