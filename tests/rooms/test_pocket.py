"""Pocket: what paper opens, whom forgetting and signing out concern, and when a ticket's days are over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotFound, TooLate
from chalicelib.rooms import kit, pocket, queue
from chalicelib.rooms.kit import BadKit
from chalicelib.rooms.queue import State
from chalicelib.rooms.rules import TICKET_DAYS_MAX, Codes, Keep, Sms
from tests.builders import NOW, a_clinic, a_visit, refused

ENDED = a_visit(state=State.COMPLETED, ended_at=NOW)
PROVES = a_clinic(sms=Sms(provider="local", country="+86"), codes=Codes(on=True))


def test_paper_puts_a_ticket_into_one_pocket() -> None:
    printed = a_visit(secret=pocket.paper("hash"), from_desk=True)
    assert pocket.is_printable(printed)
    assert not queue.is_theirs(printed, secret="hash")
    with pytest.raises(NotFound):
        pocket.brought(printed, code="hash", secret="hash")
    held = pocket.brought(printed, code="hash", secret="phone")
    assert (held.secret, held.lent) == ("phone", ())
    assert not pocket.is_printable(held)
    with pytest.raises(NotFound):
        pocket.brought(held, code="hash", secret="another")
    gone = pocket.forgotten(held, secret="phone")
    assert not pocket.is_printable(gone), "a phone that forgot does not make the paper good again"
    with pytest.raises(NotFound):
        pocket.brought(gone, code="hash", secret="another")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": State.CANCELLED}, "is over"),
        ({"secret": "phone"}, "A phone has opened"),
        ({"state": State.ASSIGNED}, "A doctor was called"),
        ({"said": 1}, "A doctor was called"),
        ({"calls": (queue.Call(epoch=1, doctor="ada", at=NOW, why=queue.Why.FIRST_COME),)}, "A doctor was called"),
    ],
)
def test_what_opens_a_conversation_is_not_printed(changes: dict[str, object], words: str) -> None:
    printed = a_visit(secret=pocket.paper("hash"), from_desk=True)
    pocket.may_print(printed)
    with refused(words, kind=TooLate):
        pocket.may_print(replace(printed, **changes))  # type: ignore[arg-type]


def test_one_phone_forgets_and_the_others_go_on() -> None:
    visit = a_visit(secret="drew", also=("found", "f2"), lent=("came", "c2"))
    for one in ("drew", "found", "came"):
        left = pocket.forgotten(visit, secret=one)
        held = [other for other in ("drew", "found", "f2", "came", "c2") if queue.is_theirs(left, secret=other)]
        assert held == [other for other in ("drew", "found", "f2", "came", "c2") if other != one]
    assert pocket.forgotten(visit, secret="nobody's") == visit
    assert pocket.signed_out(visit, kept=frozenset({"f2"})) == replace(visit, also=("f2",))


def test_a_ticket_opens_for_its_days_after_the_end_and_not_before_it_has_one() -> None:
    clinic = a_clinic(keep=Keep(ticket_days=30))
    days, second = timedelta(days=30), timedelta(seconds=1)
    assert not pocket.is_over(a_visit(), NOW + timedelta(days=9999), clinic)
    assert not pocket.is_over(ENDED, NOW + days - second, clinic)
    assert pocket.is_over(ENDED, NOW + days, clinic)
    again = pocket.renewed(ENDED, NOW + 10 * days)
    assert not pocket.is_over(again, NOW + 11 * days - second, clinic)
    assert pocket.is_over(again, NOW + 11 * days, clinic)


def test_what_to_do_then_is_said_as_the_clinic_can_do_it() -> None:
    with_number, without = pocket.over(PROVES), pocket.over(a_clinic())
    assert "confirm the phone number of the visit" in with_number.message
    assert "confirm" not in without.message
    for said in (with_number, without):
        assert "privacy officer" in said.message
        assert said.facts == {"days": TICKET_DAYS_MAX, "phone": a_clinic().phone}


@pytest.mark.parametrize("days", [0, 6, 91, 100_000])
def test_a_kit_may_shorten_the_days_within_reason(days: int) -> None:
    kit._check_keep(Keep(ticket_days=7))
    with pytest.raises(BadKit, match="ticket_days"):
        kit._check_keep(Keep(ticket_days=days))
