"""Every address of the clinic: who guards it, what it takes, and that none was forgotten."""

import pytest
from chalice.app import RouteEntry

from app import app
from chalicelib.doors.form import FORMS
from chalicelib.doors.manners import Polite
from chalicelib.rooms.permission import EVERYBODY, MAY, STAFF, Role

ROUTES = [
    pytest.param(path, method, entry, id=f"{method} {path}")
    for path, methods in sorted(app.routes.items())
    for method, entry in sorted(methods.items())
]
each = pytest.mark.parametrize(("path", "method", "entry"), ROUTES)


@each
def test_every_route_has_manners_and_a_deed_that_somebody_may_do(path: str, method: str, entry: RouteEntry) -> None:
    view = entry.view_function
    assert isinstance(view, Polite), "nothing is identified, allowed, read or refused without them"
    assert view.deed in MAY


@each
def test_every_form_is_taken_in_both_languages_of_the_web(path: str, method: str, entry: RouteEntry) -> None:
    assert method in ("GET", "POST"), "a page can do no more"
    if method == "POST":
        assert entry.content_types == FORMS
        assert entry.view_function.again or entry.view_function.by != "patient", "what a patient typed is shown again"


@each
def test_addresses_name_their_parts_alike(path: str, method: str, entry: RouteEntry) -> None:
    assert set(entry.view_args) <= {"lang", "visit", "step", "department", "file", "sheet", "member"}
    assert not path.endswith("/") or path == "/"
    assert path.startswith("/{lang}") or method == "GET", "whatever a person sends is answered in their language"
    assert entry.cors is None
    assert entry.authorizer is None, "Chalice's authorizers let everybody in on a developer's machine"


@each
def test_who_is_asked_for_fits_who_may(path: str, method: str, entry: RouteEntry) -> None:
    """A public door offers only what everybody may; behind the others somebody is identified first."""
    view = entry.view_function
    if view.by in ("public", "number"):
        assert MAY[view.deed] == EVERYBODY
    elif view.by == "patient":
        assert Role.PATIENT in MAY[view.deed]
        assert "{visit}" in path
    else:
        assert MAY[view.deed] & STAFF


def test_no_address_of_a_visit_is_public() -> None:
    for path, methods in app.routes.items():
        if "{visit}" in path:
            assert all(entry.view_function.by in ("patient", "staff") for entry in methods.values()), path
