"""The administrator's pages: adding, changing, dismissing and taking back, and what everybody else is told."""

import secrets
from typing import Any

import pytest

from chalicelib.store import records
from chalicelib.visit import staffing
from tests.hiring import hired
from tests.people import Answer, Cast
from tests.simulation.mutants import instead

LI = {"id": "li-wei", "name": "Dr Li Wei", "role": "doctor", "title": "Chief physician 主任医师", "licence": "L-1"}
LI |= {"licence_until": "2027-01-31", "practising_since": "2019-07-01"}


def test_somebody_new_is_on_the_list_and_can_be_found(cast: Cast) -> None:
    max = cast.max
    assert "Max" in max.get("/en/people").words
    max.get("/en/people/add")
    got = max.fill("/people/add", **LI, departments=["general", "children"])
    assert "First password" in got.words
    got = max.get("/en/people/li-wei")
    assert got.page.forms[0].fields["departments"] == ["children", "general"]
    got = max.get("/en/people?find=LI")
    assert "Dr Li Wei" in got.words
    assert "/en/people/max" not in got.page.links
    assert "Nobody here has a name like that." in max.get("/en/people?find=xyz").words


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "Li Wei"}, "id"),
        ({"id": "-li"}, "id"),
        ({"id": "li#wei"}, "id"),
        ({"name": " "}, "name"),
        ({"role": "patient"}, "role"),
        ({"role": "public"}, "role"),
        ({"role": ""}, "role"),
        ({"title": " "}, "title"),
        ({"licence": ""}, "licence"),
        ({"licence_until": ""}, "licence_until"),
        ({"licence_until": "31/01/2027"}, "licence_until"),
        ({"licence_until": "2026-11-22"}, "licence_until"),  # yesterday
        ({"practising_since": "2019"}, "practising_since"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(cast: Cast, typed: dict[str, str], field: str) -> None:
    cast.max.get("/en/people/add")
    got = cast.max.fill("/people/add", **{**LI, **typed})
    assert got.status == 422
    assert set(got.page.errors) == {field}
    kept = next(form.fields for form in got.page.forms if "licence" in form.fields)
    assert kept["name"] == [{**LI, **typed}["name"]]


def test_a_name_is_given_once_and_for_good(cast: Cast) -> None:
    for _ in range(2):
        cast.max.get("/en/people/add")
        got = cast.max.fill("/people/add", **LI)
    assert got.status == 409
    cast.max.post("/en/people/li-wei/dismiss")
    cast.max.get("/en/people/add")
    assert "is taken" in cast.max.fill("/people/add", **{**LI, "id": " LI-WEI "}).words


def test_a_form_sent_twice_adds_one(cast: Cast) -> None:
    form = {**LI, "request": "A" * 22}
    slips = [cast.max.send("/en/people/add", form) for _ in range(2)]
    assert [got.status for got in slips] == [200, 200]
    first, again = (got.words.partition("First password ")[2].split()[0] for got in slips)
    assert first == again, "a form sent twice prints one slip"
    other = cast.max.send("/en/people/add", {**LI, "id": "li-na", "request": "B" * 22})
    assert first not in other.body


def test_dismissed_and_taken_back(cast: Cast) -> None:
    hired("bo", cast.clock())
    max = cast.max
    max.get("/en/people/bo")
    got = max.fill("/people/bo/dismiss")
    assert "cannot sign in" in got.words
    assert "Deactivated" in max.get("/en/people").words
    max.get("/en/people/bo")
    got = max.fill("/people/bo/take-back")
    assert "Deactivate Dr Bo" in got.words
    assert max.post("/en/people/bo/take-back").status == 409
    assert cast.porter.asked == [("shut_out", "bo"), ("open_up", "bo")], "Cognito was told too"


def test_the_page_of_who_is_gone_says_whether_patients_are_still_to_be_handed_on(cast: Cast) -> None:
    """The machine dies between the dismissal and the patients: the page does not say what is not so, and offers it."""
    cast.ann.join()
    cast.ada.post("/en/doctor/duty", departments="general", capacity="2")
    cast.ada.post("/en/doctor/next")
    with instead(staffing, "give_back", lambda errand, id: None):
        cast.max.post("/en/people/ada/dismiss")
    assert "Some of their patients are not back in the queue yet" in cast.max.get("/en/people/ada").words
    assert "is signed out" not in cast.max.get("/zh/people/ada").words
    cast.max.get("/en/people/ada")
    got = cast.max.fill("/people/ada/dismiss")
    assert "Their patients are at the front of the queue." in got.words
    assert not records.doctor("ada").visits
    assert cast.max.post("/en/people/ada/dismiss").status == 409, "nothing is left to be done"


def test_what_another_administrator_did_is_not_undone_by_an_old_form(cast: Cast) -> None:
    """Two have the page open. The second is told, keeps what was typed, and cannot save over it by trying again."""
    hired("bo", cast.clock())
    max = cast.max
    old = {**_form(max.get("/en/people/bo"), "/people/bo"), "licence": "L-typed"}
    max.fill("/people/bo", departments=["children"])
    for _ in range(2):
        got = max.post("/en/people/bo", **{**old, "request": secrets.token_urlsafe(16)})
        assert got.status == 409
        assert "Somebody changed this meanwhile. Look at it again, then change it." in got.words
        again = _form(got, "/people/bo")
        assert (again["licence"], again["version"]) == (["L-typed"], old["version"])
        old = again
    assert "Look at it as it is now" in got.words
    assert records.member("bo").departments == ("children",)
    now = max.get("/en/people/bo")
    assert "Look at it as it is now" not in now.words
    assert _form(now, "/people/bo")["departments"] == ["children"]
    assert max.fill("/people/bo", licence="L-typed").status == 200
    assert (records.member("bo").licence, records.member("bo").departments) == ("L-typed", ("children",))


def test_a_machine_says_which_state_it_changes(cast: Cast) -> None:
    hired("bo", cast.clock())
    facts = {"name": "Dr Bo", "role": "doctor", "title": "Physician", "licence": "L-2", "licence_until": "2099-12-31"}
    assert cast.max.machine("POST", "/en/people/bo", facts).status == 422
    seen = cast.max.machine("GET", "/en/people/bo").json["version"]
    assert cast.max.machine("POST", "/en/people/bo", {**facts, "version": seen}).status == 200
    assert cast.max.machine("POST", "/en/people/bo", {**facts, "version": seen}).status == 409


def _form(got: Answer, to: str) -> dict[str, Any]:
    return next(form.fields for form in got.page.forms if form.action.endswith(to))


def test_a_doctor_works_where_the_clinic_says(cast: Cast) -> None:
    ada = cast.ada
    ada.post("/en/doctor/duty", departments=["general", "children"], capacity="2")
    changed = {"name": "Dr Ada", "role": "doctor", "licence": "L", "licence_until": "2099-12-31"}
    cast.max.get("/en/people/ada")
    cast.max.fill("/people/ada", **changed, departments=["children"])
    got = ada.post("/en/doctor/next")
    assert got.status == 409
    assert "You are not on duty" in got.words, "whoever no longer works there is off duty with the change"
    assert ada.post("/en/doctor/duty", departments="general", capacity="2").page.errors.keys() == {"departments"}
    got = ada.get("/en/doctor")
    assert 'value="children"' in got.body
    assert 'value="general"' not in got.body
    assert ada.post("/en/doctor/duty", departments="children", capacity="2").status == 200


def test_the_privacy_officer_reads_and_changes_nothing(cast: Cast) -> None:
    hired("bo", cast.clock())
    got = cast.pria.get("/en/people/bo")
    assert "L-bo" in got.words
    assert [form.action for form in got.page.forms] == ["/en/staff/out"]
    assert "Add somebody" not in cast.pria.get("/en/people").words


def test_a_licence_that_ends_is_pointed_out(cast: Cast) -> None:
    hired("bo", cast.clock())
    facts = {"name": "Dr Bo", "role": "doctor", "licence": "L-bo"}
    for until, said in (("2026-11-22", "Licence has ended"), ("2026-11-30", "Licence ends soon")):
        cast.max.get("/en/people/bo")
        cast.max.fill("/people/bo", **facts, licence_until=until)
        assert said in cast.max.get("/en/people").words


def test_nobody_is_not_found_and_eve_signs_in_first(cast: Cast) -> None:
    assert cast.max.get("/en/people/nobody").status == 404
    assert cast.max.post("/en/people/nobody/dismiss").status == 404
    assert cast.eve.get("/en/people").path.startswith("/en/staff?next=")
    assert cast.eve.post("/en/people/max/dismiss").status == 401
