"""A10, A22: a word of its own in every box. None of them is ever in a log, a trace, an address, a header or a message,
nor in anything a stranger can read."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.visit import seeing
from tests.attacks.breaks import gets_through
from tests.attacks.words import everything_read, readers, said_everywhere
from tests.people import Answer, Cast, House
from tests.simulation.mutants import instead

FIELDS = 18  # at least so many boxes take words


class Watched:
    """A house of which everything is written down that others than the person in front of the page could see."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.seen: list[str] = []

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
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
        return words.setdefault(field, f"canary{chr(97 + len(words))}x")  # no digits: see the box of the dose

    watched = Watched(cast.house)
    for who in readers(cast):
        who.house = watched
    with logs() as lines:
        said_everywhere(cast, say)
        found = list(everything_read(cast, accept=("text/html", "application/json")))
    strangers = [got.body for who, got in found if who is cast.eve]
    everywhere = "\n".join([*watched.seen, *lines, *strangers])
    assert len(words) >= FIELDS
    assert lines
    assert [field for field, word in words.items() if word in everywhere] == []
    read = "".join(got.body for _, got in found)
    unseen = {field for field, word in words.items() if word not in read}
    assert unseen <= {"returned"}, "a canary that nobody ever sees; that reason went with the old prescription"


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
