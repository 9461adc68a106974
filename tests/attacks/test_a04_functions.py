"""A4, a function of the clinic used by somebody whose work it is not: every address, as every role, and as nobody.

What an inverted check does (OpenEMR, CVE-2026-32126), and a route that was added without anybody thinking about it.
"""

import pytest

from chalicelib.doors.manners import Polite
from chalicelib.rooms.permission import MAY, Role
from tests.attacks.breaks_staff import BREAKS
from tests.people import STAFF, Browser, Cast

PARTS = {"lang": "en", "step": "who", "department": "general", "file": "wait.js", "member": "max", "sheet": "x"}


def every_role_does_only_its_own_work(cast: Cast) -> None:
    """Every address, method by method, by everybody whose work it is not: 403, and 401 for nobody in particular."""
    from app import app

    visit = cast.ann.join()
    browsers = {STAFF[id][1]: cast.staff(id) for id in STAFF}
    assert set(browsers) == set(Role) - {Role.PUBLIC, Role.PATIENT}, "the cast has somebody of every role"
    asked = 0
    for path, methods in app.routes.items():
        for method, entry in methods.items():
            view = entry.view_function
            assert isinstance(view, Polite), path
            if view.by != "staff" or view.deed == "sign_out":
                continue
            meant = EXPECTED[view.deed]
            at, body = path.format(visit=visit, **PARTS), {} if method == "POST" else None
            for role in browsers.keys() - meant:
                got = browsers[role].machine(method, at, body)
                assert got.status == 403, (role, method, path, got.status)
                assert "not part of your work" in got.body, (role, method, path)
                asked += 1
            assert cast.eve.machine(method, at, body).status == 401, (method, path)
    assert asked > 150


# A second table, written down when the first was: a slip in the first one is a difference, not a new rule.
D, P, C, K, O, A = (  # noqa: E741  # the officer
    Role.DOCTOR,
    Role.PHARMACIST,
    Role.COURIER,
    Role.DESK,
    Role.PRIVACY_OFFICER,
    Role.ADMINISTRATOR,
)
EXPECTED: dict[str, set[Role]] = {
    "see_work": {D},
    "go_on_duty": {D},
    "pause": {D},
    "take_next": {D},
    "open_visit": {D},
    "say": {D},
    "read_messages": {D},
    "save_note": {D},
    "hand_back": {D},
    "not_here": {D},
    "call_again": {D},
    "sign": {D},
    "amend": {D},
    "revise": {D},
    "revoke": {D, P},
    "see_prescription": {P},
    "review": {P},
    "see_order": {P, C, K},
    "pick": {P, C, K},
    "check": {P, K},
    "hand_over": {C, P},
    "deliver": {C, P},
    "fail_attempt": {C},
    "bring_back": {C, P},
    "cancel_order": {P, K},
    "see_queue": {K},
    "add_person": {K},
    "print_ticket": {K},
    "cancel_visit": {K},
    "expire": {K},
    "break_glass": {D, O},
    "read_under_glass": {D, O},
    "see_openings": {O},
    "review_opening": {O},
    "see_practice": {O},
    "see_requests": {O},
    "see_complaints": {K, O},
    "close_complaint": {K, O},
    "see_staff": {O, A},
    "see_member": {O, A},
    "add_member": {A},
    "change_member": {A},
    "dismiss": {A},
    "take_back": {A},
    "sign_out_everywhere": {A},
    "reset_sign_in": {A},
}


def test_every_role_does_only_its_own_work(cast: Cast) -> None:
    every_role_does_only_its_own_work(cast)


def test_what_is_allowed_is_what_was_meant() -> None:
    staff = set(Role) - {Role.PUBLIC, Role.PATIENT}
    for deed, meant in EXPECTED.items():
        assert set(MAY[deed]) & staff == meant, deed


def test_a_role_that_was_taken_away_does_nothing_more(cast: Cast) -> None:
    """An administrator of yesterday: the page is still open, the form is still filled in."""
    from tests.hiring import hired

    hired("bo", cast.clock())
    cast.max.get("/en/people/add")
    boss = Browser(cast.house)
    cast.max.post("/en/people/add", id="nan", name="Nan", role="administrator", licence="", licence_until="")
    cast.max.get("/en/people/max")
    assert cast.max.fill("/people/max", name="Max", role="desk", licence="", licence_until="").status == 200
    assert cast.max.machine("POST", "/en/people/bo/dismiss", {}).status == 401
    boss.cookies.update(cast.max.cookies)
    assert boss.machine("GET", "/en/people").status == 401


@pytest.mark.parametrize("name", [name for name in BREAKS if name.startswith("a04")])
def test_a_break_is_noticed(cast: Cast, name: str) -> None:
    with BREAKS[name](), pytest.raises(AssertionError):
        every_role_does_only_its_own_work(cast)
