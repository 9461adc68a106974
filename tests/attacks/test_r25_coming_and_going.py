"""R25, audit controls: who came in, proved themselves again and left is in the audit, and no badge is."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from infra import audit
from infra.local.identity import stand_in
from infra.local.seed import PASSWORDS, give_ways_in
from tests.attacks.breaks_staff import BREAKS
from tests.doors.stories import SOAP, taken
from tests.doors.test_staff import Watch, code, hired
from tests.hiring import RIGHT_CODE
from tests.people import Browser, Cast
from tests.visit.walk import table

NOTE = {**SOAP, "outcome": "rest_and_observe", "summary": "Rest and drink a lot of tea."}


def who(cast: Cast, deed: str) -> list[str]:
    """Who did this lately, as the command tells it to the privacy officer."""
    kept, near = audit.kept(table().values()), timedelta(hours=1)
    assert audit.verify(kept) == []
    return [
        one.actor
        for one in audit.affected(kept, since=cast.clock() - near, until=cast.clock() + near, actor="ada")
        if one.deed == deed
    ]


def came_in(cast: Cast, id: str, browser: Browser | None = None) -> Browser:
    """By password and code, at the double of Cognito; the form was opened before `browser` was somebody's."""
    pool = stand_in(Watch())
    give_ways_in(pool)
    used = hired(cast, id)
    used.cookies.update(browser.cookies if browser else {})
    used.fill("/staff", id=id, secret=PASSWORDS[id])
    assert used.fill("/code", code=code(pool, id)).status == 200
    return used


def who_comes_in_is_written_down(cast: Cast) -> None:
    ada = came_in(cast, "ada")
    assert who(cast, "sign_in") == ["ada"]
    assert ada.cookies["staff"].partition("~")[2] not in str(table()), "the secret of the badge is nowhere"


def who_shows_the_second_factor_again_is_written_down(cast: Cast) -> None:
    """So the audit says when the proof was shown that a signature leans on."""
    taken(cast, cast.ann)
    cast.ada.get("/en/doctor")
    cast.clock.forward(minutes=6)
    cast.ada.get(f"/en/doctor/visits/{cast.ann.visit}/finish")
    assert cast.ada.fill("/finish", **NOTE, second="000000").status == 422
    assert who(cast, "prove_again") == []
    assert cast.ada.fill("/finish", **NOTE, second=RIGHT_CODE).status == 200
    assert who(cast, "prove_again") == ["ada"]


def who_leaves_is_written_down(cast: Cast) -> None:
    for _ in range(2):
        cast.ada.send("/en/staff/out", {})
    assert who(cast, "sign_out") == ["ada"]


def whose_browser_becomes_a_colleagues_has_left(cast: Cast) -> None:
    """Dee signs in on a browser in which Ada still is, and then on one that only says it is Ada's."""
    came_in(cast, "dee", came_in(cast, "ada"))
    made_up = Browser(cast.house)
    made_up.cookies["staff"] = f"ada~{'x' * 22}"
    came_in(cast, "dee", made_up)
    assert who(cast, "sign_out") == ["ada"]


CHECKS: dict[str, Callable[[Cast], None]] = {
    "r25 signing in leaves no line": who_comes_in_is_written_down,
    "r25 the second factor leaves no line": who_shows_the_second_factor_again_is_written_down,
    "r25 signing out leaves no line": who_leaves_is_written_down,
    "r25 the colleague before is still in": whose_browser_becomes_a_colleagues_has_left,
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.__name__)
def test_coming_and_going_is_in_the_audit(cast: Cast, check: Callable[[Cast], None]) -> None:
    check(cast)


@pytest.mark.parametrize("name", CHECKS)
def test_a_break_is_noticed(cast: Cast, name: str) -> None:
    with BREAKS[name](), pytest.raises(AssertionError):
        CHECKS[name](cast)
