"""A10, secrets where others read them: no address, redirect, log line or referrer carries what opens a visit."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.outside import sms
from tests.doors.test_number import BORN, code, proven
from tests.people import ANN, Answer, Browser, Cast, House, Patient

NUMBER = "13800001234"


class Recorder:
    """A house of which every answer is remembered, with the address it was asked at."""

    def __init__(self, house: House) -> None:
        self.house, self.heard = house, list[Answer]()

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.heard.append(self.house.ask(method, path, headers, body))
        return self.heard[-1]


class Lines(logging.Handler):
    """Everything that is logged by anybody."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != sms.LOG.name:  # the double stands for a phone: what it shows is the text itself
            self.lines.append(record.getMessage())


@contextmanager
def listening() -> Iterator[Lines]:
    lines, ours = Lines(), logging.getLogger("clinic")
    root, level = logging.getLogger(), ours.level
    root.addHandler(lines)
    ours.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(lines)
        ours.setLevel(level)


def story(cast: Cast, house: House) -> list[Browser]:
    """A ticket, a proven number, the ticket found on another phone, and a return link opened on a third."""
    ann, other, third = Patient(house, ANN), Browser(house), Browser(house)
    ann.join()
    proven(ann)
    ann.get("/en/find")
    cast.clock.forward(minutes=2)
    other.get("/en/find")
    other.fill("/find", phone=ANN["phone"], born=BORN)
    other.fill("/number/code", code=code())
    other.fill("/find/open")
    assert other.at is not None
    assert "Your place" in other.at.words
    third.get("/en/back")
    third.fill("/back", code=ann.cookies["tickets"].split("!")[0])
    return [ann, other, third]


def secrets_of(browsers: list[Browser]) -> set[str]:
    found = set()
    for browser in browsers:
        found |= {value for name, value in browser.cookies.items() if name in ("phone", "number")}
        found |= {kept.partition("~")[2] for kept in browser.cookies.get("tickets", "").split("!")}
    found |= {re.findall(r"\d{6}", text)[0] for _, text in sms.LOCAL.texts}
    return {secret for secret in found if secret} | {NUMBER}


def nothing_that_opens_a_visit_is_outside(cast: Cast) -> None:
    sms.LOCAL.texts.clear()
    house = Recorder(cast.house)
    with listening() as log:
        secrets = secrets_of(story(cast, house))
    assert len(secrets) > 6
    assert log.lines, "the log was listened to"
    for answer in house.heard:
        assert answer.header("referrer-policy") == "no-referrer"
        links = [form.action for form in answer.page.forms] + answer.page.links if answer.body else []
        where = [answer.path, answer.header("location"), *links]
        for secret in secrets:
            assert not [one for one in where if secret in one], (answer.path, "an address carries a secret")
    for secret in secrets:
        assert not [line for line in log.lines if secret in line.replace(" ", "")], "a log line carries a secret"


def test_nothing_that_opens_a_visit_is_outside(cast: Cast) -> None:
    nothing_that_opens_a_visit_is_outside(cast)
