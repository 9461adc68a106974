"""A10, A22: a word of its own in every box. None of them is ever in a log, a trace, an address, a header or a message,
nor in anything a stranger can read."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from chalicelib import log
from chalicelib.outside import sms
from chalicelib.rooms.prescription import LINES_MAX
from chalicelib.visit import seeing
from chalicelib.visit.sweeping import Swept
from tests.attacks.breaks import gets_through
from tests.attacks.words import PHONES, boxes, everything_read, readers, route_of, said_everywhere
from tests.people import Answer, Cast, House
from tests.simulation.mutants import instead
from tests.visit.walk import table

# Boxes for words that the story leaves alone, each with the reason; of an address, or of all.
LEFT: dict[str | tuple[str, str], str] = {
    ("/{lang}/find", "phone"): "the number of a ticket that was lost: as at /number, which is filled",
    "born": "a date, or it is refused",
    "code": "digits, or what opens a ticket: A6, A10",
    "id": "a name to sign in with: letters of ours alone",
    "secret": "a password: A17",
    "find": "some letters of a colleague's name, to find them in a list",
}
LEFT |= {f"{box}_{n}": "as the first" for box in ("dose", "advice") for n in range(2, LINES_MAX + 1)}
# Canaries that nobody sees again, each with the reason.
UNSEEN = {
    "returned": "that reason went with the old prescription",
    "begun": "a message that was not sent stays on the page it was typed on",
    "endpoint": "where a browser is woken is told to nobody",
    "new staff name": "changed since",
    "new title": "changed since",
    "new licence": "changed since",
}


class Watched:
    """A house of which everything is written down that others than the person in front of the page could see."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.seen: list[str] = []
        self.sent: list[tuple[tuple[str, str], str]] = []  # (address, box) and what was typed there

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        route = route_of(method, path)
        self.sent += [((route, name), unquote(value)) for name, value in parse_qsl(body.decode())]
        got = self.house.ask(method, path, headers, body)
        self.seen += [path, *(str(value) for value in got.headers.values())]
        return got


class Kept(logging.Handler):
    """Every line of every log, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def logs() -> Iterator[list[str]]:
    """Ours in full; others as they are set in Lambda."""
    kept, ours = Kept(), logging.getLogger("clinic")
    root, before = logging.getLogger(), ours.level
    root.addHandler(kept)
    ours.setLevel(logging.DEBUG)
    try:
        yield kept.lines
    finally:
        root.removeHandler(kept)
        ours.setLevel(before)


def what_is_typed_stays_on_the_page(cast: Cast) -> None:
    words: dict[str, str] = {}

    def say(field: str) -> str:
        letters = chr(97 + len(words) // 26) + chr(97 + len(words) % 26)  # no digits: see the box of the dose
        return words.setdefault(field, f"canary{letters}x")

    watched = Watched(cast.house)
    for who in readers(cast):
        who.house = watched
    with logs() as lines:
        said_everywhere(cast, say)
        found = list(everything_read(cast, accept=("text/html", "application/json")))
    strangers = [got.body for who, got in found if who is cast.eve]
    outside = [str(row) for row in table().values() if row["kind"]["S"] == "notice"]
    outside += [said for _, said in sms.LOCAL.texts]
    everywhere = "\n".join([*watched.seen, *lines, *strangers])
    assert lines
    assert len(outside) >= 2, "a text was written and sent"
    assert [field for field, word in words.items() if word in everywhere + "".join(outside)] == []
    numbers = {"".join(one.split())[-8:] for one in PHONES.values()}
    assert [one for one in numbers if one in everywhere.replace(" ", "")] == []
    every_box_was_filled(watched, [*words.values(), *PHONES.values()])
    read = "".join(got.body for _, got in found)
    unseen = {field for field, word in words.items() if word not in read}
    assert unseen == set(UNSEEN)


def every_box_was_filled(watched: Watched, words: list[str]) -> None:
    """A form of some later year is filled in by words.py, or its box is in LEFT."""
    filled = {box for box, typed in watched.sent if any(word in typed for word in words)}
    left = {box for box in boxes() - filled if box not in LEFT and box[1] not in LEFT}
    assert left == set(), "boxes for words that nobody puts a word into"
    assert set(LEFT) <= (boxes() - filled) | {name for _, name in boxes() - filled}, "a reason that is not needed"


def secrets_are_in_cookies_alone(cast: Cast) -> None:
    """No address, no header but Set-Cookie and no log holds a ticket's secret or a session."""
    watched = Watched(cast.house)
    for who in readers(cast):
        who.house = watched
    with logs() as lines:
        said_everywhere(cast, lambda field: "x")
        list(everything_read(cast))
    secrets = [who.cookies["staff"] for who in (cast.ada, cast.sam, cast.cole, cast.dee)]
    secrets += [part.split("~")[1] for who in (cast.ann, cast.bob) for part in who.cookies["tickets"].split("!")]
    secrets += [who.cookies["phone"] for who in (cast.ann, cast.bob)]
    seen = [one for one in watched.seen if "HttpOnly" not in one]
    assert [one for one in [*seen, *lines] if any(secret in one for secret in secrets)] == []


@pytest.mark.slow
def test_what_is_typed_stays_on_the_page(cast: Cast) -> None:
    what_is_typed_stays_on_the_page(cast)


@pytest.mark.slow
def test_secrets_are_in_cookies_alone(cast: Cast) -> None:
    secrets_are_in_cookies_alone(cast)


def our_own_mistake_says_nothing_either(cast: Cast) -> None:
    """An exception that carries a patient's words is logged by its kind and place."""

    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("canary sore throat")

    cast.ann.join()
    with logs() as lines, instead(seeing, "messages", broken):
        got = cast.ann.ask("GET", f"/en/visits/{cast.ann.visit}/messages")
    assert got.status == 500
    assert "KeyError" in "".join(lines)
    assert "canary" not in "".join(lines) + got.body


def test_our_own_mistake_says_nothing_either(cast: Cast) -> None:
    our_own_mistake_says_nothing_either(cast)


@pytest.mark.slow
def test_each_leak_is_noticed(cast: Cast) -> None:
    gets_through(lambda: our_own_mistake_says_nothing_either(cast), "a22 an error is logged with its message")
    gets_through(lambda: what_is_typed_stays_on_the_page(cast), "a22 what is typed is logged")


def test_the_log_leaves_out_what_is_not_a_code(caplog: pytest.LogCaptureFixture) -> None:
    """A mistake of some later year: a name handed to the log, words where a code should be, also in a list."""
    caplog.set_level(logging.INFO, "clinic")
    log.note(logging.INFO, "deed", deed="Ann Lee", name="Ann", ms=3, where=["a.py:1", "her cough"], kind=object())
    (said,) = [json.loads(record.getMessage()) for record in caplog.records]
    assert said == {"event": "deed", "deed": "?", "ms": 3, "where": ["a.py:1", "?"], "kind": "?"}


def test_what_a_sweep_counts_is_logged_whole() -> None:
    assert {field.name for field in fields(Swept) if field.repr} <= log.FIELDS
