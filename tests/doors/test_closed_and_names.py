"""What is said beforehand of a department that is closed, and names that read from right to left."""

import html
import re

from tests.doors.stories import ordered, taken
from tests.doors.test_desk import add
from tests.people import Answer, Cast

NAME = "אמיר 😀 Amit"
OPENS = "closed, opens at 08:00"


def test_a_closed_department_says_so_where_it_is_chosen_and_before_the_ticket(cast: Cast) -> None:
    answers = {**cast.ann.answers, "flags": "none"}
    for hours, closed in ((0, False), (13, True)):  # ten in the morning, eleven at night
        cast.clock.forward(hours=hours)
        cast.ann.answer(**answers)
        assert (OPENS in cast.ann.get("/en/ask/check").words) is closed
        choice = cast.ann.get("/en/ask/what").words
        assert choice.count(OPENS) == (3 if closed else 0), "two departments never close"


def test_a_paper_ticket_of_a_closed_department_says_when_it_opens(cast: Cast) -> None:
    cast.clock.forward(hours=13)
    got = add(cast, language="en")
    assert "General medicine opens at 08:00. Your place is safe." in got.words
    assert "No doctor is on duty" not in got.words


def test_a_name_from_right_to_left_does_not_pull_in_the_words_beside_it(cast: Cast) -> None:
    cast.ann.answers = {**cast.ann.answers, "name": NAME}
    ordered(cast, cast.ann)
    _apart(cast.ann.get(f"/en/visits/{cast.ann.visit}/prescription"))
    _apart(cast.ada.get("/en/doctor"))
    cast.bob.answers = {**cast.bob.answers, "name": NAME}
    taken(cast, cast.bob)
    for page in ("", "/finish"):
        _apart(cast.ada.get(f"/en/doctor/visits/{cast.bob.visit}{page}"))
    add(cast, name=NAME)
    _apart(cast.dee.get("/en/desk?department=general"))


def _apart(got: Answer) -> None:
    """The name is on the page, and everywhere isolated."""
    assert got.status == 200
    body = re.sub(r"<title>.*?</title>", "", html.unescape(got.body), flags=re.DOTALL)
    assert f"<bdi>{NAME}</bdi>" in body
    assert NAME not in body.replace(f"<bdi>{NAME}</bdi>", "")
