"""A7, SMS pumping: whoever asks for codes to ten thousand numbers makes the clinic send no more than its caps.

Nor does whoever joins with somebody else's number, is told that it is nearly their turn, leaves, and joins again.
"""

import random
import tomllib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from chalicelib.clinic import CLINIC
from chalicelib.doors import clock, manners
from chalicelib.outside import sms
from chalicelib.refusal import Refusal
from chalicelib.rooms.notice import NUMBER_DAY, Notice, Outcome, Way
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.phone import Purpose
from chalicelib.rooms.queue import Ticket
from chalicelib.rooms.rules import Clinic, Codes, Sms
from chalicelib.store import records
from chalicelib.visit import arriving, proving, sweeping, telling
from infra.package import ROOT
from tests.builders import ANN, BOB, a_clinic, a_department
from tests.people import Browser, Cast
from tests.simulation.mutants import instead
from tests.visit.walk import Walk
from tests.visit.weather import meanwhile

NUMBERS, ADDRESSES = 10_000, 100
HEADER = "Viewer-Address"
ALARMS, HALF = ROOT / "infra" / "stack" / "alarms.toml", 50
SMALL = Codes(on=True, per_phone=3, per_address=5, per_clinic=8)


def small(per_day: int = 1000, **caps: int) -> Clinic:
    sms = Sms(provider="local", country="+86", per_day=per_day)
    return a_clinic(departments=(a_department(),), sms=sms, codes=replace(SMALL, **caps))


def ask(walk: Walk, n: int, *, phone: str = "", caller: str = "", network: str = "") -> bool:
    """A browser nobody saw before asks for a code; whether one would be sent."""
    typed = {"holder": f"browser {n}", "phone_id": phone or f"phone {n}", "number": "+8613800001234"}
    typed |= {"caller": caller or f"address {n}", "network": network or f"network {n}"}
    try:
        proving.ask_code(walk.errand(), **typed, purpose=Purpose.PEOPLE, born=None, digest=f"{n}")
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


def one_network_has_its_share(walk: Walk) -> None:
    """Every number another, five an hour from one address: what is left is for everybody else."""
    walk.clinic = small(per_clinic=50)
    got = 0
    for n in range(25):
        walk.now += timedelta(minutes=12)
        got += ask(walk, n, caller="somebody", network="somebody")
    assert got == 10, "a fifth"
    assert ask(walk, 25), "from anywhere else"


def one_ipv6_customer_is_one_network(cast: Cast) -> None:
    """A /48 has 65,536 halves of addresses, each of which is somebody else's home elsewhere."""
    fewer = replace(CLINIC, codes=replace(CLINIC.codes, per_clinic=15))
    with pytest.MonkeyPatch.context() as env, instead(manners, "CLINIC", fewer):
        env.setenv("ADDRESS_HEADER", HEADER)
        got = [code_from(cast, n, f"2001:db8:1:{n:x}::1") for n in range(5)]
        assert got.count(200) == 3
        assert code_from(cast, 99, "2001:db8:2::1") == 200, "the next customer"


def two_at_the_last_moment_are_one(walk: Walk) -> None:
    """Both have read that one more may be sent."""
    walk.clinic = small(per_clinic=1)
    answers: list[bool] = []
    with meanwhile("TransactWriteItems", lambda: answers.append(ask(walk, 1))):
        answers.append(ask(walk, 2))
    assert answers.count(True) == 1


def code_from(cast: Cast, n: int, address: str) -> int:
    """A browser nobody saw before, from there."""
    return (
        Browser(cast.house).machine("POST", "/en/number", {"phone": f"1390000{n:04d}"}, viewer_address=address).status
    )


@dataclass
class Tap:
    """A post that delivers, and counts by whom it is for."""

    carries: bool = True
    has_time: bool = True
    sent: list[Notice] = field(default_factory=list)

    def send(self, one: Notice) -> Outcome:
        self.sent.append(one)
        return Outcome.SENT

    def texts(self) -> int:
        return sum(one.way is Way.SMS for one in self.sent)


def join_and_leave(walk: Walk, post: Tap, times: int, *, phone: str = "", wake: bool = False) -> list[Ticket]:
    """So often somebody joins with a number of their choice, is told that it is nearly their turn, and leaves."""
    ids = []
    for n in range(times):
        who = replace(ANN, id=f"{phone} {len(post.sent)} {n}")
        id = walk.join(who, text_me=True, phone=phone or f"138000{n:05d}").id
        if wake:
            telling.wake_me(walk.errand(who), id=id, endpoint=f"https://fcm.googleapis.com/fcm/send/{n}")
        visit = records.visit(id)
        assert telling.tell(walk.errand(SYSTEM), *records.lanes([visit.home]), [visit]) == 1
        telling.send_due(walk.errand(SYSTEM), post)
        assert records.visit(id).told == {"nearly"}, "also where nothing is sent, so that no sweep asks again"
        arriving.leave(walk.errand(who), id=id)
        ids.append(id)
    return ids


def an_unproven_number_is_told_few(walk: Walk) -> None:
    """However it is spelled, by the sweep or at once; the desk reads whom nobody told, and a browser is woken still."""
    walk.clinic, post = small(), Tap()
    walk.on_duty()
    join_and_leave(walk, post, NUMBER_DAY, phone="13899990000")
    untold = join_and_leave(walk, post, 1, phone="+8613899990000", wake=True)
    taken = walk.taken(ANN, text_me=True, phone="13899990000")
    assert telling.called(walk.errand(SYSTEM), post, id=taken) == 0
    assert records.visit(taken).told == {"turn"}
    assert [one.way for one in post.sent] == [Way.SMS] * NUMBER_DAY + [Way.PUSH]
    assert {one.visit for one in telling.unsent(walk.errand())} == {*untold, taken}
    walk.now += timedelta(days=1)
    walk.on_duty()
    join_and_leave(walk, post, 1, phone="13899990000")
    assert post.texts() == NUMBER_DAY + 1, "tomorrow again"


def the_clinic_tells_no_more_in_a_day(walk: Walk) -> None:
    """Every number another."""
    walk.clinic, post = small(per_day=3), Tap()
    walk.on_duty()
    join_and_leave(walk, post, 1)
    assert used(walk) == 33
    join_and_leave(walk, post, 4)
    assert post.texts() == 3
    assert used(walk) == 100


def two_notices_at_the_last_moment_are_one(walk: Walk) -> None:
    """Both have read that one more may be sent. Who loses is told nothing, and the sweep does not break on it."""
    walk.clinic, post = small(per_day=1), Tap()
    ids = [walk.taken(who, text_me=True, phone=f"1380000000{n}") for n, who in enumerate((ANN, BOB))]
    calls = [partial(telling.called, walk.errand(SYSTEM), post, id=id) for id in ids]
    with meanwhile("TransactWriteItems", calls[1]):
        calls[0]()
    assert post.texts() == 1
    assert sweeping.sweep(walk.errand(SYSTEM), post).failed == []
    assert post.texts() == 1
    assert [records.visit(id).told for id in ids] == [{"turn"}] * 2


def half_of_the_day_is_told(walk: Walk) -> None:
    walk.clinic = small()
    assert used(walk) == 0
    for n in range(SMALL.per_clinic // 2):
        assert used(walk) < HALF
        assert ask(walk, n)
    assert used(walk) == HALF


def used(walk: Walk) -> int:
    """What the alarm goes by."""
    said = clock._measured(sweeping.sweep(walk.errand(SYSTEM)))["TextsPercent"]
    assert isinstance(said, int)
    return said


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
    one_network_has_its_share,
    an_unproven_number_is_told_few,
    the_clinic_tells_no_more_in_a_day,
    two_notices_at_the_last_moment_are_one,
    half_of_the_day_is_told,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_pumping(walk: Walk, check: Any) -> None:
    check(walk)


def test_one_ipv6_customer(cast: Cast) -> None:
    one_ipv6_customer_is_one_network(cast)


def test_the_alarm_goes_off_at_half() -> None:
    (alarm,) = [one for one in tomllib.loads(ALARMS.read_text()).values() if one.get("metric") == "TextsPercent"]
    assert alarm["over"] < HALF <= alarm["over"] + 1


def test_abroad(cast: Cast) -> None:
    premium_numbers_abroad_are_sent_nothing(cast)
