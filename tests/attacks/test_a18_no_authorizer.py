"""A18, what a gateway's authorizer caches or lets through: there is none, and nothing is remembered meanwhile."""

import json

import pytest

from chalicelib.doors.guests import hashed
from chalicelib.store import staff
from infra.stack import assemble
from tests.attacks.breaks_staff import BREAKS
from tests.people import Cast


def nothing_is_remembered_between_two_requests(cast: Cast) -> None:
    """The same cookie, a moment later: whatever was true then is asked again."""
    assert cast.sam.machine("GET", "/en/pharmacy").status == 200
    staff.sign_out(staff.member("sam").actor, token_hash=hashed(cast.sam.cookies["staff"]), now=cast.clock())
    assert cast.sam.machine("GET", "/en/pharmacy").status == 401


def test_nothing_is_remembered_between_two_requests(cast: Cast) -> None:
    nothing_is_remembered_between_two_requests(cast)


def test_a_break_is_noticed(cast: Cast) -> None:
    with BREAKS["a18 who somebody is is cached for a while"](), pytest.raises(AssertionError):
        nothing_is_remembered_between_two_requests(cast)


def test_no_route_leaves_the_question_to_an_authorizer() -> None:
    """Chalice's own lets everybody in on a developer's machine, and an empty list of routes is an Allow there."""
    from app import app

    assert not app.builtin_auth_handlers
    for methods in app.routes.values():
        assert all(entry.authorizer is None for entry in methods.values())
    assert "Authorizer" not in json.dumps(assemble({"timezone": "UTC"}))
