"""A31: what was erased is guessed back from the audit, which stays: a line says whether a guess was what was typed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chalicelib.doors.guests import hashed
from chalicelib.visit import errand as errands
from chalicelib.visit.errand import fingerprint
from tests.attacks.breaks import gets_through
from tests.doors.test_desk import add
from tests.doors.test_number import proven
from tests.people import ANN, BOB, Browser, Cast
from tests.simulation.mutants import around, instead
from tests.visit.walk import table

NUMBER = "13800001234"
AT_DESK = "138 0000 5678"


def no_line_says_whether_a_guess_is_right(cast: Cast) -> None:
    """To somebody who guesses every word of a form and reads the whole table, the clinic's own keys too."""
    said: list[tuple[str, Any, dict[str, Any]]] = []

    def heard(real: Any, deed: str, errand: Any, typed: dict[str, Any]) -> str:
        said.append((deed, errand, typed))
        return str(real(deed, errand, typed))

    assert cast.dee, "hired before anybody listens"
    with instead(errands, "fingerprint", around(heard)):
        cast.ann.join()
        proven(cast.bob, BOB["phone"])
        add(cast, phone=AT_DESK)
        cast.ann.post(f"/en/visits/{cast.ann.visit}/leave")
        assert cast.ann.post(f"/en/visits/{cast.ann.visit}/erase").status == 200
    rows = table()
    assert NUMBER not in json.dumps(list(rows.values())), "the answers on the phone are gone too"
    kept = {row["fingerprint"]["S"] for row in rows.values() if "fingerprint" in row}
    readable = {"", *_words(list(rows.values()))}
    for deed, errand, typed in said:
        found = {word for word in readable if fingerprint(deed, replace(errand, secret=word), typed) in kept}
        assert found == set(), f"a guess of what {deed} was told can be tried"
    deeds = {deed for deed, _, typed in said if any(ending in repr(typed) for ending in ("1234", "5678", "00000000"))}
    assert deeds >= {"answer", "enter", "ask_code"}, "and each was told a number"


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _words(one)
    elif isinstance(value, str):
        yield value


def test_no_line_says_whether_a_guess_is_right(cast: Cast) -> None:
    no_line_says_whether_a_guess_is_right(cast)


def test_a_number_would_be_found_in_a_second(cast: Cast) -> None:
    gets_through(lambda: no_line_says_whether_a_guess_is_right(cast), "a31 a line says what was typed to whoever tries")


def test_a_key_of_the_clinics_own_would_be_no_help(cast: Cast) -> None:
    gets_through(lambda: no_line_says_whether_a_guess_is_right(cast), "a31 a line is made with a key of the table")


def test_the_same_form_of_the_same_browser_is_a_repeat(cast: Cast) -> None:
    """Also of the very first form, with which the browser is given the secret; other words under its id are refused."""
    form = {"request": "Q" * 22, "flags": "none"}
    new = Browser(cast.house)
    first, again = new.post("/en/ask/flags", **form), new.post("/en/ask/flags", **form)
    assert [got.status for got in (first, again)] == [200, 200], again.words
    assert first.path == again.path
    assert new.post("/en/ask/flags", **{**form, "flags": "breathing"}).status == 409
    asked = {"request": "R" * 22, "phone": ANN["phone"]}
    other = Browser(cast.house)
    assert [other.post("/en/number", **asked).path for _ in range(2)] == ["/en/number/code"] * 2
    assert other.post("/en/number", **{**asked, "phone": BOB["phone"]}).status == 409


def test_staff_repeat_a_form_as_long_as_they_are_signed_in(cast: Cast) -> None:
    first = add(cast, request="S" * 22, phone=AT_DESK)
    assert add(cast, request="S" * 22, phone=AT_DESK).path == first.path
    assert add(cast, request="S" * 22, phone="").status == 409
    assert hashed(cast.dee.cookies["staff"]) in json.dumps(list(table().values())), "the table has the badge's hash"
