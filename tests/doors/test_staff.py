"""Signing in and out: the right secret, the wrong one, the way back to the page that was wanted, and Eve."""

import pytest

from chalicelib.store import staff
from tests import hiring
from tests.people import SECRET, STAFF, Browser, Cast

HOMES = {"ada": "doctor", "sam": "pharmacy", "cole": "parcels", "dee": "desk", "pria": "people", "max": "people"}


def hired(cast: Cast, id: str) -> Browser:
    """A browser of somebody who works here and has not signed in."""
    hiring.hired(id, cast.clock())
    staff.give_secret(id, SECRET)
    browser = Browser(cast.house)
    browser.get("/en/staff")
    return browser


@pytest.mark.parametrize("id", HOMES)
def test_everybody_comes_to_their_own_work(cast: Cast, id: str) -> None:
    got = hired(cast, id).fill("/staff", id=f" {id.upper()} ", secret=SECRET)
    assert got.status == 200
    assert got.path == f"/en/{HOMES[id]}"
    assert f"Signed in as {STAFF[id][0]}" in got.words


def test_the_session_is_a_secret_that_scripts_cannot_read(cast: Cast) -> None:
    browser = hired(cast, "ada")
    got = browser.send("/en/staff", {"id": "ada", "secret": SECRET})
    assert got.status == 303
    assert "HttpOnly" in got.cookies[0]
    assert "SameSite=Lax" in got.cookies[0]
    first = browser.cookies["staff"]
    browser.send("/en/staff", {"id": "ada", "secret": SECRET})
    assert browser.cookies["staff"] != first
    old = Browser(cast.house)
    old.cookies["staff"] = first
    assert old.ask("GET", "/en/doctor").status == 303, "signing in anew ends the session before"


def test_a_wrong_secret_and_an_unknown_name_look_the_same(cast: Cast) -> None:
    browser = hired(cast, "ada")
    said = []
    for id in ("ada", "nobody"):
        got = browser.fill("/staff", id=id, secret="not the secret at all")
        assert got.status == 422
        assert got.page.title.startswith("Error: ")
        assert got.page.forms[0].fields["id"] == [id], "the name is still there"
        assert "not the secret" not in got.body, "the secret is not"
        said.append(got.page.errors)
    assert said[0] == said[1] != {}


def test_ten_wrong_tries_lock_for_a_quarter_of_an_hour(cast: Cast) -> None:
    browser = hired(cast, "ada")
    for _ in range(10):
        browser.send("/en/staff", {"id": "ada", "secret": "wrong wrong"})
    assert browser.send("/en/staff", {"id": "ada", "secret": SECRET}).status == 409
    cast.clock.forward(minutes=16)
    assert browser.send("/en/staff", {"id": "ada", "secret": SECRET}).status == 303


def test_whoever_was_asked_to_sign_in_comes_to_the_page_they_wanted(cast: Cast) -> None:
    browser = hired(cast, "dee")
    got = browser.get("/zh/desk/add")
    assert got.path.startswith("/zh/staff?next=")
    got = browser.fill("/staff", id="dee", secret=SECRET)
    assert got.path == "/zh/desk/add"


@pytest.mark.parametrize(
    "next", ["//evil.example/doctor", "https://evil.example", "/en/doctor/../../x", "/en/visits/x", "/en/pharmacy", ""]
)
def test_nobody_is_sent_anywhere_else(cast: Cast, next: str) -> None:
    browser = hired(cast, "ada")
    got = browser.send("/en/staff", {"id": "ada", "secret": SECRET, "next": next})
    assert got.header("location") == "/en/doctor"


def test_idle_sessions_end_and_what_was_typed_is_kept(cast: Cast) -> None:
    ada = cast.ada
    assert ada.get("/en/doctor").status == 200
    cast.clock.forward(minutes=16)
    assert ada.get("/en/doctor").path.startswith("/en/staff?next=")
    got = ada.post("/en/doctor/duty", departments="general", capacity="3")
    assert got.status == 401
    (kept,) = [form.fields for form in got.page.forms if "departments" in form.fields]
    assert kept["departments"] == ["general"]


def test_signing_out_ends_it_for_good(cast: Cast) -> None:
    ada = cast.ada
    token = ada.cookies["staff"]
    ada.get("/en/doctor")
    got = ada.fill("/staff/out")
    assert got.path == "/en/staff"
    assert "staff" not in ada.cookies
    ada.cookies["staff"] = token
    assert ada.get("/en/doctor").path.startswith("/en/staff")


def test_a_page_for_somebody_who_is_signed_in_already(cast: Cast) -> None:
    got = cast.sam.get("/en/staff")
    assert "You are signed in as Sam." in got.words
    assert "/en/pharmacy" in got.page.links


def test_hostile_input_names_the_field(cast: Cast) -> None:
    got = cast.eve.machine("POST", "/en/staff", {"id": "x" * 5000, "secret": ["a", "b"], "next": {"a": 1}})
    assert got.status == 422
    assert {error["field"] for error in got.json["errors"]} == {"id", "secret", "next"}


def test_eve_cannot_guess_a_session(cast: Cast) -> None:
    cast.staff("ada")
    for token in (
        "",
        "A" * 22,
        "ada~" + "A" * 22,
        "~" + "A" * 22,
        "U#ada~" + "A" * 22,
        "../../etc",
        "'; drop table staff",
    ):
        cast.eve.cookies["staff"] = token
        assert cast.eve.ask("GET", "/en/doctor").status == 303
        assert cast.eve.machine("GET", "/en/doctor").status == 401
        assert cast.eve.post("/en/staff/out").status == 401
