"""Deliberate breaks of what keeps patients safe, each of which the attack's own check must notice.

A break replaces one function, value or rule for the length of a block. If the check named in `attack` (of a module in
this folder) no longer fails, it has gone blind.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from chalicelib import log
from chalicelib.doors import manners, origin, render
from chalicelib.doors.form import Form
from chalicelib.refusal import NotFound
from chalicelib.rooms import notice, phone, queue
from chalicelib.rooms.phone import Counted
from chalicelib.rooms.rules import Sms
from chalicelib.store import keys, lanes, records, writing
from chalicelib.store.phone_rows import CounterRow
from chalicelib.store.rows import GuardRow
from chalicelib.visit import proving, telling
from tests.simulation.mutants import Loose, around, both, instead


@dataclass(frozen=True, kw_only=True)
class Break:
    """One defence taken away: what the code forgets, what that would do to people, and the check that notices."""

    name: str
    harm: str
    attack: str  # "module.check"
    broken: Callable[[], AbstractContextManager[object]]


def _forever_right() -> AbstractContextManager[object]:
    """A code stays right after a newer one was sent."""
    sent: set[str] = set()

    def asked(real: Any, errand: Any, **typed: Any) -> Any:
        sent.add(typed["digest"])
        return real(errand, **typed)

    def prove(real: Any, claim: Any, *, digest: str, **more: Any) -> Any:
        return real(claim, digest=claim.digest if digest in sent else digest, **more)

    return both(instead(proving, "ask_code", around(asked)), instead(phone, "prove", around(prove)))


def _uncounted(real: Any, transaction: Any, counted: Any) -> None:
    real(Loose(transaction, updates=CounterRow), counted)


def _without(n: int) -> AbstractContextManager[object]:
    """One of the caps of codes is forgotten."""

    def counters(real: Any, *asked: Any) -> Any:
        return tuple(one for i, one in enumerate(real(*asked)) if i != n)

    return instead(phone, "counters", around(counters))


def _endless(n: int) -> AbstractContextManager[object]:
    """One of the counters of notices counts and has no end."""

    def counters(real: Any, *asked: Any) -> Any:
        return tuple(replace(one, most=10**6) if i == n else one for i, one in enumerate(real(*asked)))

    return instead(notice, "counters", around(counters))


def _stubborn(real: Any, errand: Any, number: str) -> Any:
    """The counters go into the write whatever they say, so it is refused for ever."""
    return notice.counters(errand.records.phone_of(number), errand.clinic, errand.here)


def _helpful(real: Any, errand: Any, *, phone_id: str, **typed: Any) -> Any:
    """ "There is no ticket for this number": kind to patients, and to everybody who wants to know who is one."""
    if not errand.records.drawn(phone_id):
        raise NotFound()
    return real(errand, phone_id=phone_id, **typed)


def _loose_guard(real: Any, *asked: Any) -> Any:
    built = real(*asked)
    return lambda transaction: built(Loose(transaction, updates=GuardRow))


def _telling_url(real: Any, answer: Any, frame: Any) -> Any:
    """The old way of magic links: the secret goes with the redirect."""
    response = real(answer, frame)
    kept = [c.partition("~")[2].partition(";")[0].partition("!")[0] for c in getattr(answer, "cookies", ())]
    if "Location" in response.headers and any(kept):
        response.headers["Location"] += f"?secret={next(filter(None, kept))}"
    return response


def _telling_log(real: Any, level: int, event: str, **codes: Any) -> None:
    real(level, event, **codes)
    log.LOG.log(logging.INFO, "to +8613800001234")


BREAKS = (
    Break(
        name="tries are not counted",
        harm="a million codes are guessed in an evening",
        attack="test_a06_code_guessing.fifty_tries_at_once_are_five",
        broken=lambda: instead(records, "count_try", lambda claim, digest: claim),
    ),
    Break(
        name="a code is not used up",
        harm="whoever reads over a shoulder is known as the patient a minute later",
        attack="test_a06_code_guessing.the_right_code_proves_once",
        broken=lambda: instead(phone, "prove", around(lambda real, claim, **more: (claim, real(claim, **more)[1]))),
    ),
    Break(
        name="an old code is still right",
        harm="every code ever sent is one more guess that hits",
        attack="test_a06_code_guessing.an_old_code_is_worth_nothing",
        broken=_forever_right,
    ),
    Break(
        name="a code lives for a day",
        harm="a code on a lost phone's lock screen opens the record",
        attack="test_a06_code_guessing.after_five_minutes_it_is_over",
        broken=lambda: instead(phone, "CODE_LIVES", timedelta(days=1)),
    ),
    Break(
        name="there is no pepper",
        harm="a copy of the table is a list of codes and numbers",
        attack="test_a06_code_guessing.what_is_kept_does_not_give_the_code_away",
        broken=lambda: instead(keys, "key", lambda name: b""),
    ),
    Break(
        name="no cap for one number",
        harm="somebody's phone rings all night",
        attack="test_a07_sms_pumping.one_number_is_sent_few",
        broken=lambda: _without(0),
    ),
    Break(
        name="no cap for one address",
        harm="one machine uses up the whole clinic's codes",
        attack="test_a07_sms_pumping.one_address_asks_for_few",
        broken=lambda: _without(1),
    ),
    Break(
        name="no cap for the clinic",
        harm="10,000 USD an hour for texts that nobody reads",
        attack="test_a07_sms_pumping.the_clinic_sends_no_more_in_a_day",
        broken=lambda: _without(2),
    ),
    Break(
        name="no cap for one network",
        harm="whoever has many addresses, or one for a whole day, leaves no code to anybody else",
        attack="test_a07_sms_pumping.one_network_has_its_share",
        broken=lambda: _without(3),
    ),
    Break(
        name="every IPv6 address of a customer is another network",
        harm="one rented machine with a /48 uses up the whole clinic's codes",
        attack="test_a07_sms_pumping.one_ipv6_customer_is_one_network",
        broken=lambda: instead(origin, "CUSTOMER", 64),
    ),
    Break(
        name="no cap of notices for one number",
        harm="who joins and leaves all day makes somebody's phone ring all day",
        attack="test_a07_sms_pumping.an_unproven_number_is_told_few",
        broken=lambda: _endless(0),
    ),
    Break(
        name="no cap of notices for the clinic",
        harm="the bill of a day has no end",
        attack="test_a07_sms_pumping.the_clinic_tells_no_more_in_a_day",
        broken=lambda: _endless(1),
    ),
    Break(
        name="the caps of notices are only read",
        harm="as many as tell at once are all below the cap",
        attack="test_a07_sms_pumping.two_notices_at_the_last_moment_are_one",
        broken=lambda: instead(writing._SPECIAL, Counted, around(_uncounted)),
    ),
    Break(
        name="at the cap nothing is written",
        harm="every sweep asks again for everybody whom nobody may tell",
        attack="test_a07_sms_pumping.the_clinic_tells_no_more_in_a_day",
        broken=lambda: instead(telling, "_counted", around(_stubborn)),
    ),
    Break(
        name="nobody counts how much of the day is used",
        harm="the first to notice is the patient who gets no code",
        attack="test_a07_sms_pumping.half_of_the_day_is_told",
        broken=lambda: instead(telling, "texts_percent", lambda errand: 0),
    ),
    Break(
        name="the caps are only read",
        harm="a thousand that ask at once are all below the cap",
        attack="test_a07_sms_pumping.two_at_the_last_moment_are_one",
        broken=lambda: instead(writing._SPECIAL, Counted, around(_uncounted)),
    ),
    Break(
        name="texts to any country",
        harm="premium numbers abroad earn by every code",
        attack="test_a07_sms_pumping.premium_numbers_abroad_are_sent_nothing",
        broken=lambda: instead(Sms, "countries", property(lambda self: ("+",))),
    ),
    Break(
        name="unknown numbers are told so",
        harm="anybody can ask who is a patient here",
        attack="test_a08_known_numbers.nobody_can_tell_who_is_a_patient",
        broken=lambda: instead(proving, "ask_code", around(_helpful)),
    ),
    Break(
        name="the guard lets a second ticket through",
        harm="who draws ten tickets is called ten times sooner",
        attack="test_a09_queue_jumping.one_person_has_one_place",
        broken=lambda: instead(lanes, "_joining", around(_loose_guard)),
    ),
    Break(
        name="who comes back is first",
        harm="leaving and joining again is a way to the front",
        attack="test_a09_queue_jumping.coming_back_is_no_short_cut",
        broken=lambda: instead(queue, "ahead", lambda lane, visit: 0),
    ),
    Break(
        name="fields nobody asked for are taken",
        harm="a field that says urgent is one version away from being believed",
        attack="test_a09_queue_jumping.no_field_makes_anybody_urgent",
        broken=lambda: instead(Form, "read", around(lambda real, self, values, **_: real(self, values, strict=False))),
    ),
    Break(
        name="the secret travels in the address",
        harm="whoever has the browser's history, or a proxy's log, has the visit",
        attack="test_a10_secrets_outside.nothing_that_opens_a_visit_is_outside",
        broken=lambda: instead(manners, "respond", around(_telling_url)),
    ),
    Break(
        name="the log names the number",
        harm="whoever reads logs knows who is ill",
        attack="test_a10_secrets_outside.nothing_that_opens_a_visit_is_outside",
        broken=lambda: instead(manners, "note", around(_telling_log)),
    ),
    Break(
        name="pages tell where people came from",
        harm="the next site learns the address of the visit",
        attack="test_a10_secrets_outside.nothing_that_opens_a_visit_is_outside",
        broken=lambda: instead(render, "SAFETY", {**render.SAFETY, "Referrer-Policy": "unsafe-url"}),
    ),
)
