"""The post: a notice in the words of the person it is for, carried by the service outside that the clinic has."""

import logging
import os
import time
from datetime import datetime

from chalicelib.clinic import CLINIC
from chalicelib.doors import shown, words
from chalicelib.log import note
from chalicelib.outside import push, sms
from chalicelib.rooms.notice import Kind, Notice, Outcome, Way
from chalicelib.rooms.phone import CODE_LIVES
from chalicelib.store import names

SECONDS_MAX = 6  # of one sweep's fifteen; a try that has begun may take as long as its driver waits on top


class Post:
    """One sweep's round. `public` is where people outside reach the clinic, if that is known."""

    def __init__(self, public: str | None = None) -> None:
        self.public = os.environ.get("ORIGIN", "") + os.environ.get("BASE_PATH", "") if public is None else public
        self.until = time.monotonic() + SECONDS_MAX

    @property
    def carries(self) -> bool:
        return CLINIC.sms.on or push.is_on()

    @property
    def has_time(self) -> bool:
        return time.monotonic() < self.until

    def send(self, one: Notice) -> Outcome:
        """One try. Whatever the driver does, the sweep goes on; a bug counts as "perhaps sent"."""
        try:
            outcome = self._carry(one)
        except Exception as broken:
            note(logging.ERROR, "unexpected", kind=type(broken).__name__, deed="send")
            outcome = Outcome.NO_ANSWER
        note(logging.INFO, "notice", kind=one.kind, way=one.way, tries=one.tries, outcome=outcome)
        return outcome

    def _carry(self, one: Notice) -> Outcome:
        if one.way is Way.PUSH:
            return push.wake(one.to) if push.is_on() else Outcome.NEVER
        driver = sms.DRIVERS.get(CLINIC.sms.provider)
        return driver(one.to, text(one, self.public)) if driver else Outcome.NEVER


def send_code(number: str, code: str, language: str) -> Outcome:
    """The code that proves a number, at once: somebody waits for it. Whatever the driver does, it is an outcome."""
    t = words.catalogue(language)
    said = t.gettext("%(clinic)s: your code is %(code)s. It is valid for %(minutes)s minutes. Tell it to nobody.")
    minutes = int(CODE_LIVES.total_seconds() // 60)
    facts = {"clinic": words.in_words(CLINIC.name, language), "code": code, "minutes": minutes}
    driver = sms.DRIVERS.get(CLINIC.sms.provider)
    try:
        outcome = driver(number, said % facts) if driver else Outcome.NEVER
    except Exception as broken:
        note(logging.ERROR, "unexpected", kind=type(broken).__name__, deed="send_code")
        outcome = Outcome.NO_ANSWER
    note(logging.INFO, "code", outcome=outcome)
    return outcome


def text(one: Notice, public: str) -> str:
    """Clinic, code and address: no name and nothing about health. The address opens only on the patient's phone."""
    t = words.catalogue(one.language)
    facts: dict[str, object] = {"clinic": words.in_words(CLINIC.name, one.language)}
    if one.visit is None:
        facts |= {"department": shown.department(one.department, one.language), "people": one.people}
        said = _nobody(one) % facts
        to = f"{one.language}/desk?department={one.department}"
    else:
        facts["code"] = shown.code(one.visit)
        nearly = t.gettext("%(clinic)s: it is nearly your turn. Ticket %(code)s.")
        turn = t.gettext("%(clinic)s: it is your turn, a doctor is ready for you. Ticket %(code)s.")
        said = {Kind.NEARLY: nearly, Kind.TURN: turn}[one.kind] % facts
        to = f"{one.language}/visits/{names.name_of(one.visit)}"
    return f"{said} {public}/{to}" if public else said


def _nobody(one: Notice) -> str:
    t = words.catalogue(one.language)
    try:
        since = words.clock(datetime.fromisoformat(one.stretch))
    except ValueError:  # nobody ever was
        return t.gettext("%(clinic)s: nobody is on duty in %(department)s. Waiting: %(people)s.")
    said = t.gettext("%(clinic)s: nobody has been on duty in %(department)s since %(time)s. Waiting: %(people)s.")
    return said.replace("%(time)s", since)
