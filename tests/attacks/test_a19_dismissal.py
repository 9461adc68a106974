"""A19, a session kept after dismissal; and R1 and R25: what was true at sign-in is asked again with every request."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.rooms.queue import State
from chalicelib.store import records, staff
from tests.attacks.breaks_staff import BREAKS
from tests.people import Browser, Cast

ADA = {"name": "Dr Ada", "role": "doctor", "title": "Physician", "licence": "L-ada", "licence_until": "2099-12-31"}


def out_at_the_next_click(cast: Cast) -> None:
    """Every kind of request: a page, a form, a machine's. Nothing is left over, nothing was done."""
    ada = cast.ada
    assert ada.get("/en/doctor").path == "/en/doctor"
    assert cast.max.post("/en/people/ada/dismiss").status == 200
    assert ada.ask("GET", "/en/doctor").status == 303
    assert ada.post("/en/doctor/duty", departments="general", capacity="2").status == 401
    assert ada.machine("POST", "/en/doctor/next", {}).status == 401
    assert not records.doctor("ada").on_duty


def a_return_opens_no_old_session(cast: Cast) -> None:
    old = dict(cast.ada.cookies)
    cast.max.post("/en/people/ada/dismiss")
    cast.max.post("/en/people/ada/take-back")
    thief = Browser(cast.house)
    thief.cookies.update(old)
    assert thief.machine("GET", "/en/doctor").status == 401


def a_lost_phone_is_out_at_the_next_click(cast: Cast) -> None:
    assert cast.ada.machine("GET", "/en/doctor").status == 200
    cast.max.post("/en/people/ada/sign-out")
    assert cast.ada.machine("GET", "/en/doctor").status == 401


def the_patients_are_handed_on(cast: Cast) -> None:
    """In the middle of a conversation: the next doctor reads all of it, and the patient is next."""
    cast.ann.join()
    cast.ada.post("/en/doctor/duty", departments="general", capacity="2")
    visit = cast.ada.machine("POST", "/en/doctor/next", {}).json["visit"]
    cast.ada.post(f"/en/doctor/visits/{visit}/messages", text="How long?", phrase="", speaks="en", epoch="1")
    (id,) = records.doctor("ada").visits
    assert cast.max.post("/en/people/ada/dismiss").status == 200
    kept = records.visit(id)
    assert (kept.state, kept.doctor) == (State.WAITING, None)
    assert not records.doctor("ada").visits
    cast.bo.post("/en/doctor/duty", departments="general", capacity="2")
    assert cast.bo.machine("POST", "/en/doctor/next", {}).json["visit"] == visit
    assert "How long?" in cast.bo.get(f"/en/doctor/visits/{visit}").words


def no_licence_no_patient_and_no_signature(cast: Cast) -> None:
    """R1: valid on its last day, over the day after on the clinic's own clock; words can still be handed back."""
    cast.ann.join()
    cast.bob.join()
    cast.staff("ada")
    day = cast.clock().astimezone().date() + timedelta(days=1)  # Tuesday in Shanghai
    cast.max.get("/en/people/ada")
    assert cast.max.fill("/people/ada", **{**ADA, "licence_until": day.isoformat()}).status == 200
    cast.clock.forward(hours=9)
    cast.ada.cookies = dict(_signed_in(cast).cookies)
    cast.ada.post("/en/doctor/duty", departments="general", capacity="2")
    visit = cast.ada.machine("POST", "/en/doctor/next", {}).json["visit"]
    cast.clock.forward(hours=15, minutes=30)  # a quarter past two on Tuesday, or so
    cast.ada.cookies = dict(_signed_in(cast).cookies)
    assert cast.ada.machine("GET", "/en/doctor").status == 200, "the last day counts"
    cast.clock.forward(hours=14)
    cast.ada.cookies = dict(_signed_in(cast).cookies)
    refused = [
        cast.ada.post("/en/doctor/duty", departments="general", capacity="2"),
        cast.ada.post("/en/doctor/next"),
        cast.ada.post(f"/en/doctor/visits/{visit}/finish", epoch="1", outcome="rest_and_observe", summary="Rest."),
    ]
    for got in refused:
        assert got.status == 403, got.words
        assert f"Your licence was valid until {day}" in got.words


def _signed_in(cast: Cast) -> Browser:
    from chalicelib.doors.guests import hashed

    browser = Browser(cast.house)
    browser.cookies["staff"] = f"ada~{'A' * 20}{cast.clock().hour:02}"
    token = hashed(browser.cookies["staff"])
    staff.open_session(staff.member("ada"), token_hash=token, now=cast.clock())
    return browser


def somebody_is_left_in_charge(cast: Cast) -> None:
    """Two administrators: either may go, not both; and the last cannot become something else."""
    cast.max.post("/en/people/add", id="nan", name="Nan", role="administrator", licence="", licence_until="")
    assert cast.max.machine("POST", "/en/people/nan/dismiss", {}).status == 200
    assert cast.max.machine("POST", "/en/people/max/dismiss", {}).status == 409
    changed = {
        "name": "Max",
        "role": "desk",
        "licence": "",
        "licence_until": "",
        "version": staff.member("max").version,
    }
    assert cast.max.machine("POST", "/en/people/max", changed).status == 409
    assert cast.max.machine("GET", "/en/people").status == 200


CHECKS: dict[str, Callable[[Cast], None]] = {
    "a19 the row of staff is not asked": out_at_the_next_click,
    "a19 a dismissal leaves old sessions for a later return": a_return_opens_no_old_session,
    "a19 signing out everywhere signs nobody out": a_lost_phone_is_out_at_the_next_click,
    "a19 the patients of a dismissed doctor are forgotten": the_patients_are_handed_on,
    "a19 licences are not asked for (R1)": no_licence_no_patient_and_no_signature,
    "a19 the last administrator may go": somebody_is_left_in_charge,
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.__name__)
def test_what_was_true_at_sign_in_is_asked_again(cast: Cast, check: Callable[[Cast], None]) -> None:
    check(cast)


def test_every_break_of_it_has_its_check() -> None:
    assert set(CHECKS) == {name for name in BREAKS if name.startswith("a19")}


@pytest.mark.parametrize("name", CHECKS)
def test_a_break_is_noticed(cast: Cast, name: str) -> None:
    with BREAKS[name](), pytest.raises(AssertionError):
        CHECKS[name](cast)


def test_r25_a_session_left_alone_ends(cast: Cast) -> None:
    """A quarter of an hour in this kit; twelve hours end every session (tests/visit/test_staff.py)."""
    assert cast.sam.machine("GET", "/en/pharmacy").status == 200
    cast.clock.forward(minutes=15)
    assert cast.sam.machine("GET", "/en/pharmacy").status == 401
