"""Signing in and out, as people do it: password and code, the first time by a slip, the way back, and Eve."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.clinic import CLINIC
from chalicelib.doors.manners import RECORDS
from chalicelib.outside.identity import Pool, Proved
from chalicelib.refusal import Busy, Refusal
from chalicelib.rooms.permission import SYSTEM
from chalicelib.visit import staffing
from chalicelib.visit.errand import Errand
from infra.enrol import let_in
from infra.local.identity import code_of, open_pool, stand_in
from infra.local.seed import PASSWORDS, give_ways_in
from tests import hiring
from tests.people import STAFF, Answer, Browser, Cast, Member
from tests.simulation.mutants import instead

HOMES = {"ada": "doctor", "sam": "pharmacy", "cole": "parcels", "dee": "desk", "pria": "openings", "max": "people"}


class Watch:
    """What authenticator apps go by: moves on by half a minute with every look, so that every code is a new one."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> float:
        return self.now.timestamp()

    def next(self) -> None:
        self.now += timedelta(seconds=30)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def pool(cast: Cast, watch: Watch) -> Pool:
    """moto's Cognito with a second factor, in which the demonstration clinic's people have their ways in."""
    pool = stand_in(watch)
    give_ways_in(pool)
    return pool


def hired(cast: Cast, id: str) -> Browser:
    """A browser of somebody who works here and has not signed in."""
    hiring.hired(id, cast.clock())
    browser = Browser(cast.house)
    browser.get("/en/staff")
    return browser


def code(pool: Pool, id: str) -> str:
    client: Any = pool.client
    return str(client.codes()[id])


def signed_in(browser: Browser, pool: Pool, id: str) -> Answer:
    browser.get("/en/staff")
    browser.fill("/staff", id=id, secret=PASSWORDS[id])
    return browser.fill("/code", code=code(pool, id))


@pytest.mark.parametrize("id", HOMES)
def test_everybody_comes_to_their_own_work(cast: Cast, pool: Pool, id: str) -> None:
    browser = hired(cast, id)
    got = browser.fill("/staff", id=f" {id.upper()} ", secret=PASSWORDS[id])
    assert "Your code" in got.page.title
    got = browser.fill("/code", code=f"{code(pool, id)[:3]} {code(pool, id)[3:]}")
    assert got.status == 200
    assert got.path == f"/en/{HOMES[id]}"
    assert f"Signed in as {STAFF[id][0]}" in got.words


def test_the_session_is_a_secret_that_scripts_cannot_read_and_no_token(cast: Cast, pool: Pool, watch: Watch) -> None:
    browser = hired(cast, "ada")
    signed_in(browser, pool, "ada")
    first = browser.cookies["staff"]
    assert re.fullmatch(r"ada~[\w-]{22}", first)
    watch.next()
    browser.get("/en/staff")
    browser.send("/en/staff/out", {})
    browser.get("/en/staff")
    got = browser.fill("/staff", id="ada", secret=PASSWORDS["ada"])
    sent = next(f for f in got.page.forms if f.action.endswith("/code")).fields
    got = browser.send("/en/staff/code", {**sent, "code": code(pool, "ada")})
    assert got.status == 303
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in got.cookies)
    assert "eyJ" not in str(got.headers), "no token of Cognito's in the browser"
    assert browser.cookies["staff"] != first
    old = Browser(cast.house)
    old.cookies["staff"] = first
    assert old.ask("GET", "/en/doctor").status == 303


def test_the_first_time_by_a_slip_from_the_administrator(cast: Cast, pool: Pool) -> None:
    """Password from paper, one's own password, an app set up from a picture or from letters: then it works."""
    cast.max.get("/en/people/add")
    got = cast.max.fill("/people/add", id="li-wei", name="Li Wei", role="desk")
    first = re.search(r"First password (\S+)", got.words)
    assert first
    li = Browser(cast.house)
    li.get("/en/staff")
    got = li.fill("/staff", id="li-wei", secret=first[1])
    assert "Choose your password" in got.page.title
    got = li.fill("/password", secret="short")
    assert set(got.page.errors) == {"secret"}
    for _ in "12":
        got = li.fill("/password", secret=first[1])
        assert "for the first time only" in got.page.errors["secret"]
    got = li.fill("/password", secret="the river is wide")
    assert "<svg" in got.body
    (seed,) = next(f for f in got.page.forms if f.action.endswith("/code")).fields["seed"]
    assert " ".join(re.findall(".{4}", seed)) in got.words
    for wrong in ("", "12345", "abcdef", "000000"):
        got = li.fill("/code", code=wrong)
        assert set(got.page.errors) == {"code"}, wrong
        assert "<svg" in got.body, "the picture is still there"
    client: Any = pool.client
    got = li.fill("/code", code=code_of(seed, client.clock()))
    assert got.path == "/en/desk"


def test_a_reset_makes_the_old_way_in_worth_nothing(cast: Cast, pool: Pool, watch: Watch) -> None:
    dee = hired(cast, "dee")
    signed_in(dee, pool, "dee")
    cast.max.get("/en/people/dee")
    got = cast.max.fill("/people/dee/reset")
    first = re.search(r"First password (\S+)", got.words)
    assert first
    assert dee.machine("GET", "/en/desk").status == 401
    watch.next()
    dee.get("/en/staff")
    assert dee.fill("/staff", id="dee", secret=PASSWORDS["dee"]).status == 422
    assert "Choose your password" in dee.fill("/staff", id="dee", secret=first[1]).page.title


def test_a_sign_in_under_way_does_not_survive_signing_out_everywhere(cast: Cast, pool: Pool) -> None:
    """A thief has the password and the app, and Cognito's yes, when the administrator ends everything."""
    thief = hired(cast, "dee")
    thief.fill("/staff", id="dee", secret=PASSWORDS["dee"])
    real = Pool.code

    def slow(self: Pool, id: str, session: str, said: str) -> Proved:
        proved = real(self, id, session, said)
        errand = Errand(actor=SYSTEM, request="O" * 22, now=cast.clock(), clinic=CLINIC, records=RECORDS)
        staffing.sign_out_everywhere(errand, id=id)
        return proved

    with instead(Pool, "code", slow):
        assert thief.fill("/code", code=code(pool, "dee")).status == 401
    assert "staff" not in thief.cookies


def test_a_reset_shuts_cognito_before_it_ends_the_sessions(cast: Cast, pool: Pool, watch: Watch) -> None:
    """The machine dies, or is slow, before the new slip is made: the old app proves nothing to the new sessions."""
    thief = hired(cast, "dee")
    thief.fill("/staff", id="dee", secret=PASSWORDS["dee"])
    form = {"request": "R" * 22}

    def died(*_: object, **__: object) -> None:
        raise Busy

    with instead(Pool, "let_in", died):
        assert cast.max.send("/en/people/dee/reset", form).status == 503
    assert thief.fill("/code", code=code(pool, "dee")).status == 401
    first = re.search(r"First password (\S+)", cast.max.send("/en/people/dee/reset", form).words)
    assert first
    dee = Browser(cast.house)
    dee.get("/en/staff")
    dee.fill("/staff", id="dee", secret=first[1])
    assert "<svg" in dee.fill("/password", secret="the river is wide").body
    assert cast.max.send("/en/people/dee/reset", form).status == 409, "the repeat leaves the new way in alone"
    dee.get("/en/staff")
    assert "Set up your second proof" in dee.fill("/staff", id="dee", secret="the river is wide").page.title


def test_a_reset_of_somebody_who_is_gone_leaves_cognito_alone(cast: Cast) -> None:
    hired(cast, "dee")
    cast.max.post("/en/people/dee/dismiss")
    before = list(cast.porter.asked)
    assert cast.max.post("/en/people/dee/reset").status == 409
    assert cast.porter.asked == before


def test_a_slip_that_was_used_is_not_printed_again(cast: Cast, pool: Pool) -> None:
    form = {"id": "li-wei", "name": "Li", "role": "desk", "licence": "", "licence_until": "", "request": "R" * 22}
    first = re.search(r"First password (\S+)", cast.max.send("/en/people/add", form).words)
    assert first
    li = Browser(cast.house)
    li.get("/en/staff")
    li.fill("/staff", id="li-wei", secret=first[1])
    li.fill("/password", secret="the river is wide")
    got = cast.max.send("/en/people/add", form)
    assert got.status == 409
    assert "This slip has been used" in got.words


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(cast: Cast, pool: Pool) -> None:
    browser = hired(cast, "ada")
    said = []
    for id in ("ada", "nobody", "li#wei"):
        got = browser.fill("/staff", id=id, secret="not the password at all")
        assert got.status == 422
        assert got.page.title.startswith("Error: ")
        assert got.page.forms[0].fields["id"] == [id], "the name is still there"
        assert "not the password" not in got.body, "the password is not"
        said.append(got.page.errors)
    assert said[0] == said[1] == said[2] != {}


def test_a_code_works_once(cast: Cast, pool: Pool, watch: Watch) -> None:
    ada = hired(cast, "ada")
    used = code(pool, "ada")
    signed_in(ada, pool, "ada")
    ada.post("/en/staff/out")
    ada.get("/en/staff")
    ada.fill("/staff", id="ada", secret=PASSWORDS["ada"])
    assert ada.fill("/code", code=used).page.errors.keys() == {"code"}
    watch.next()
    assert ada.fill("/code", code=code(pool, "ada")).path == "/en/doctor"


def test_five_wrong_tries_shut_the_door_to_that_place_only(cast: Cast, pool: Pool) -> None:
    """A stranger at another address cannot shut it to a browser that has been in by this name before."""
    ada = hired(cast, "ada")
    signed_in(ada, pool, "ada")
    ada.post("/en/staff/out")
    stranger = Browser(cast.house)
    for _ in range(5):
        assert stranger.send("/en/staff", {"id": "ada", "secret": "wrong wrong wrong"}).status == 422
    assert stranger.send("/en/staff", {"id": "ada", "secret": PASSWORDS["ada"]}).status == 409
    ada.get("/en/staff")
    assert "Your code" in ada.fill("/staff", id="ada", secret=PASSWORDS["ada"]).page.title
    cast.clock.forward(minutes=16)
    assert stranger.send("/en/staff", {"id": "ada", "secret": PASSWORDS["ada"]}).status == 200


def test_whoever_was_dismissed_does_not_come_in_with_the_right_code(cast: Cast, pool: Pool, watch: Watch) -> None:
    """Neither where Cognito was told, nor where it was not: our own row is asked last."""
    ada = hired(cast, "ada")
    cast.max.post("/en/people/ada/dismiss")
    assert ada.fill("/staff", id="ada", secret=PASSWORDS["ada"]).status == 422
    pool.open_up("ada")
    ada.fill("/staff", id="ada", secret=PASSWORDS["ada"])
    got = ada.fill("/code", code=code(pool, "ada"))
    assert got.status == 422
    assert "staff" not in ada.cookies


def test_whoever_was_asked_to_sign_in_comes_to_the_page_they_wanted(cast: Cast, pool: Pool) -> None:
    browser = hired(cast, "dee")
    got = browser.get("/zh/desk/add")
    assert got.path.startswith("/zh/staff?next=")
    browser.fill("/staff", id="dee", secret=PASSWORDS["dee"])
    got = browser.fill("/code", code=code(pool, "dee"))
    assert got.path == "/zh/desk/add"


@pytest.mark.parametrize(
    "next", ["//evil.example/doctor", "https://evil.example", "/en/doctor/../../x", "/en/visits/x", "/en/pharmacy", ""]
)
def test_nobody_is_sent_anywhere_else(next: str) -> None:
    from chalicelib.doors.staff import _wanted
    from chalicelib.rooms.permission import Role

    assert _wanted(next, Role.DOCTOR) == "doctor"


@pytest.mark.parametrize("step", ["code", "password"])
def test_a_step_that_was_made_up_leads_nowhere(cast: Cast, pool: Pool, step: str) -> None:
    hired(cast, "ada")
    for session in ("", "x", "A" * 100):
        form = {"id": "ada", "session": session, "next": "", "secret": "a long enough one", "code": "123456"}
        del form["code" if step == "password" else "secret"]
        got = cast.eve.send(f"/en/staff/{step}", form)
        assert got.status in (401, 422), (session, got.status, got.words)
        assert not got.cookies


def test_idle_sessions_end_and_what_was_typed_is_kept(cast: Cast) -> None:
    ada = cast.ada
    assert ada.get("/en/doctor").status == 200
    cast.clock.forward(minutes=16)
    assert ada.get("/en/doctor").path.startswith("/en/staff?next=")
    got = ada.post("/en/doctor/duty", departments="general", capacity="3")
    assert got.status == 401
    (kept,) = [form.fields for form in got.page.forms if "departments" in form.fields]
    assert kept["departments"] == ["general"]
    assert "Sign in in a new tab." in got.words, "the words stay on this page, also without scripts"
    assert 'href="/en/staff" target="_blank" rel="noopener"' in got.body


def test_a_doctor_with_patients_is_asked_before_the_way_out_and_nobody_is_left_behind(cast: Cast) -> None:
    visit = cast.ann.join()
    ada = cast.ada
    ada.post("/en/doctor/duty", departments="general", capacity="2")
    ada.post("/en/doctor/next", departments="general")
    ada.at = ada.get("/en/doctor")
    got = ada.fill("/staff/out")
    assert (got.path, "You still have 1 patient." in got.words) == ("/en/doctor?leaving=yes", True)
    state = cast.ann.machine("GET", f"/en/visits/{visit}").json["state"]
    assert state == "assigned", "a tap by mistake gives nobody away"
    assert ada.machine("POST", "/en/staff/out").status == 409, "nor is a program told that it is signed out"
    assert ada.fill("/staff/out").path == "/en/staff"
    state = cast.ann.machine("GET", f"/en/visits/{visit}").json["state"]
    assert state == "waiting", "and not in ten minutes only"
    assert "We had no sign of life" not in Member(cast.house, "ada", cast.clock()).get("/en/doctor").words
    cast.bo.post("/en/doctor/duty", departments="general", capacity="2")
    assert "The doctor has gone home." in cast.bo.post("/en/doctor/next", departments="general").words


def test_signing_out_ends_it_for_good(cast: Cast) -> None:
    ada = cast.ada
    token = ada.cookies["staff"]
    ada.at = ada.get("/en/doctor")
    form = next(form for form in ada.at.page.forms if form.action.endswith("/staff/out"))
    got = ada.fill("/staff/out")
    assert got.path == "/en/staff"
    got = ada.send(form.action, form.fields)
    assert got.status == 303, "pressed twice: signed out, and not asked to sign in for it"
    assert got.header("location").startswith("/en/staff?")
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
    for token in ("", "A" * 22, "ada~" + "A" * 22, "~" + "A" * 22, "../../etc", "'; drop table staff"):
        cast.eve.cookies["staff"] = token
        assert cast.eve.ask("GET", "/en/doctor").status == 303
        assert cast.eve.machine("GET", "/en/doctor").status == 401
        assert cast.eve.machine("POST", "/en/staff/out").status == 401


def test_the_first_administrator_comes_from_the_hospitals_own_account(cast: Cast, pool: Pool) -> None:
    first = let_in("li-wei", "Li Wei")
    assert let_in("li-wei", "Li Wei") == first, "a lost answer: the same words again show the same slip"
    browser = Browser(cast.house)
    browser.get("/en/staff")
    assert "Choose your password" in browser.fill("/staff", id="li-wei", secret=first).page.title
    with pytest.raises(Refusal):
        let_in("eve", "Eve")


def test_with_a_file_whoever_was_let_in_signs_in_after_a_restart(cast: Cast, watch: Watch, tmp_path: Path) -> None:
    file = tmp_path / "clinic.db.people"
    slip, own = PASSWORDS["bo"], PASSWORDS["chen"]
    open_pool(watch, file).let_in("nia", slip, slip="1")
    pool = open_pool(watch, file)
    asks = pool.new_password("nia", pool.begin("nia", slip).session, own)
    pool.set_up("nia", asks.session, code_of(asks.seed, watch()))
    watch.next()
    pool = open_pool(watch, file)
    give_ways_in(pool)
    asked = pool.begin("nia", own)
    assert pool.code("nia", asked.session, code_of(asks.seed, watch())).id == "nia"
    assert file.stat().st_mode & 0o777 == 0o600
    pool.shut_out("nia")
    with pytest.raises(Refusal):
        open_pool(watch, file).begin("nia", own)
    pool.let_in("ada", slip, slip="2")
    pool = open_pool(watch, file)
    give_ways_in(pool)
    assert pool.begin("ada", slip).step, "her sign-in was reset: the slip's password holds, not the one of the book"
