"""The OpenAPI document: it is valid, it says what is enforced, and no address answers anything that it does not say."""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.schemas import APIOperation

from app import app
from chalicelib.doors import contract, shown
from chalicelib.doors.answers import ANYTHING, GIVES
from chalicelib.doors.form import FORM_TYPE, JSON_TYPE, clean
from chalicelib.outside import sms
from chalicelib.rooms.permission import MAY, Role
from tests.attacks.words import PHONES, everything_read, readers, route_of, said_everywhere
from tests.people import BOB, Answer, Browser, Cast, House, Member, Patient
from tests.simulation.mutants import around, instead

EXAMPLES = 6
DOCUMENT = contract.document(app.routes)
PROBLEM = Draft202012Validator(contract.PROBLEM)
WORKS_AS = {
    Role.DOCTOR: "ada",
    Role.PHARMACIST: "sam",
    Role.COURIER: "cole",
    Role.DESK: "dee",
    Role.PRIVACY_OFFICER: "pria",
    Role.ADMINISTRATOR: "max",
}


def operations(access: str) -> Iterator[APIOperation]:
    """Every address of one kind of guest; ending the session comes last."""
    wanted = contract.ACCESS[access]
    every = [found.ok() for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
    mine = [one for one in every if one.definition.raw["security"] == wanted]
    return iter(sorted(mine, key=lambda one: "sign_out" in one.definition.raw["tags"]))


def guest(cast: Cast, operation: APIOperation) -> Browser:
    (deed,) = operation.definition.raw["tags"]
    access = operation.definition.raw["security"]
    if access == contract.ACCESS["patient"]:
        return cast.ann
    if access == contract.ACCESS["staff"]:
        return cast.staff(next(id for role, id in WORKS_AS.items() if role in MAY[deed]))
    return cast.eve


def asked(case: Case, who: Browser) -> tuple[requests.PreparedRequest, Answer]:
    """What was sent, as it was sent, and what came back."""
    sent = requests.Request(**case.as_transport_kwargs(base_url="https://clinic.example")).prepare()
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
    headers = {"content_type": sent.headers.get("Content-Type", ""), "sec_fetch_site": "same-origin"}
    return sent, who.ask(case.method, sent.path_url, body, accept=JSON_TYPE, **headers)


def shape_of(called: str) -> Draft202012Validator:
    return Draft202012Validator(GIVES[called], format_checker=Draft202012Validator.FORMAT_CHECKER)


def as_the_document_says(got: Answer, called: str) -> None:
    assert got.status < 500, got.body
    kind = got.header("Content-Type")
    if got.status >= 400:
        assert kind == "application/problem+json"
        PROBLEM.validate(got.json)
        assert got.json["status"] == got.status
    elif kind == JSON_TYPE and called not in ANYTHING:
        wrong = sorted(error.message for error in shape_of(called).iter_errors(got.json))
        assert not wrong, (called, wrong)
    else:
        assert got.status in (200, 302, 303), "a file, or the way to one"


def against(operation: APIOperation, case: Case) -> bool:
    """Whether this is a body that the document forbids, also without what nobody sees: control characters do not
    count, so a text may be sent a character too long."""
    if case.media_type != JSON_TYPE or not isinstance(case.body, dict | list | str | int | float | bool | type(None)):
        return False
    schema = operation.definition.raw["requestBody"]["content"][JSON_TYPE]["schema"]
    seen = {k: clean(v, lines=True) if isinstance(v, str) else v for k, v in vars_of(case.body)}
    return not any(Draft202012Validator(schema).is_valid(body) for body in (case.body, seen or case.body))


def vars_of(body: object) -> Iterable[tuple[str, object]]:
    return body.items() if isinstance(body, dict) else ()


def tried(operation: APIOperation, mode: GenerationMode, who: Browser, visit: str) -> int:
    """How many requests were made up for this address; each was answered as the document says."""
    count = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Case) -> None:
        nonlocal count
        count += 1
        if "visit" in case.path_parameters:
            case.path_parameters["visit"] = visit
        sent, got = asked(case, who)
        as_the_document_says(got, view_at(case.method, sent.path_url))
        if against(operation, case):
            assert got.status >= 400, (operation.label, sent.body)

    with contextlib.suppress(Unsatisfiable):  # an address that takes nothing has nothing to be got wrong
        one()
    return count


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("access", list(contract.ACCESS))
def test_whatever_is_sent_is_answered_as_the_document_says(cast: Cast, access: str, mode: GenerationMode) -> None:
    visit = cast.ann.join()
    cast.ada.post("/en/doctor/duty", departments="general", capacity="2")
    cast.ada.post("/en/doctor/next", departments="general")
    counts = {one.label: tried(one, mode, guest(cast, one), visit) for one in operations(access)}
    assert sum(counts.values()) > EXAMPLES * len(counts) / 2, counts


@dataclass
class Held:
    """A house of which every answer in JSON is held to its shape. A form that was taken is sent again as a program
    sends it: the same request is answered alike, in JSON this time."""

    house: House
    seen: set[str] = field(default_factory=set)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        got, called = self.house.ask(method, path, headers, body), view_at(method, path)
        again = got
        if method == "POST" and got.status in (200, 303):
            again = self.house.ask(method, path, {**headers, "Accept": JSON_TYPE}, body)
        if again.header("Content-Type") == JSON_TYPE and again.status == 200:
            as_the_document_says(again, called)
            self.seen.add(called)
        return got


def view_at(method: str, path: str) -> str:
    """The door and view that answer there."""
    route = route_of(method, path)
    if not route:
        return ""
    view = app.routes[route][method].view_function.view
    return f"{view.__module__.rpartition('.')[2]}.{view.__name__}"


# Views whose answer in JSON no story brings about, each with the reason. Their shapes are held where they are made up.
NOT_TOLD = {
    "staff.sign_in": "tests/doors/test_staff.py has everything of it",
    "staff.choose_password": "the same",
    "staff.show_code": "the same",
    "staff.sign_out": "sent again there is no session any more",
    "patient.first_free": "for who had a doctor before: two words of the visit, which its page has too",
    "patient.same_doctor": "the same",
    "finding.open_here": "a ticket's name and secret, as joining gives them",
    "finding.come_back": "the same",
    "questions.choose": "the next question, as every answer gives it",
    "patient.cancel_delivery": "the parcel, as choosing it gives it",
    "pharmacy.cancel": "one word, as every deed with a parcel gives it",
    "pharmacy.deliver": "the same",
}


def a_day(cast: Cast) -> set[str]:
    """Every view that has answered a program, in the story of words.py with what is not in it."""
    house = Held(cast.house)
    for who in readers(cast):
        who.house = house
    said_everywhere(cast, lambda field: "x y")
    list(everything_read(cast, accept=(JSON_TYPE,)))
    _the_rest_of_the_day(cast, house)
    return house.seen


def _the_rest_of_the_day(cast: Cast, house: Held) -> None:
    """What the story has no words for: waiting, being called in vain, leaving, forgetting, going home."""
    ada, dee, eve, (hal, ida) = cast.ada, cast.dee, cast.eve, (Patient(house, BOB), Patient(house, BOB))
    for deed in ("dismiss", "take-back", "sign-out", "reset"):
        cast.max.post(f"/en/people/nan/{deed}")
    for patient in (hal, ida):
        patient.join()
    hal.post(f"/en/visits/{hal.visit}/more-time")
    hal.post(f"/en/visits/{hal.visit}/leave")
    ada.post("/en/doctor/next", departments="general")
    hers, there = f"/en/visits/{ida.visit}", f"/en/doctor/visits/{ida.visit}"
    for epoch in ("1", "2"):
        cast.clock.forward(minutes=4)
        if epoch == "2":
            ada.post(f"{there}/call-again")
            ada.machine("POST", f"{there}/note", {"epoch": 2, "plan": "Rest"})
            cast.clock.forward(minutes=4)
        ada.post(f"{there}/not-here", epoch=epoch)
    ida.post(f"{hers}/here")
    told = {**BOB, "consent": "yes", "language": "en", "flags": "none", "name": "Lee"}
    paper = dee.post("/en/desk/add", **told).path.rpartition("/")[2]
    dee.machine("GET", f"/en/desk/tickets/{paper}")
    for deed in ("hand-over", "bring-back"):
        cast.cole.post(f"/en/parcels/{cast.ann.visit}/{deed}")
    cast.others[0].post(f"/en/visits/{cast.others[0].visit}/erase")
    eve.post("/en/number", phone=PHONES["cy"])
    cast.clock.forward(minutes=2)
    eve.post("/en/number/again")
    eve.post("/en/number/code", code=re.findall(r"\b\d{6}\b", sms.LOCAL.texts[-1][1])[0])
    eve.post("/en/number/out")
    cast.clock.forward(minutes=2)
    eve.post("/en/find", phone=PHONES["desk"], born="1990-01-01")
    eve.post("/en/forget")
    cast.ann.post("/en/number/everywhere")
    ada.post("/en/doctor/pause")
    cast.clock.forward(hours=13)
    night = Member(house, "dee", cast.clock())
    night.post(f"/en/desk/visits/{paper}/expire", department="general")


@pytest.mark.slow
def test_everything_that_is_answered_in_a_day_has_its_shape(cast: Cast) -> None:
    assert set(GIVES) - a_day(cast) == set(NOT_TOLD)


def test_what_was_not_declared_is_noticed(cast: Cast) -> None:
    """A page of some later year gives a program the hash of a ticket's secret, and a field that only we know."""

    def leaking(real: Any, visit: Any, *more: Any) -> Any:
        return {**real(visit, *more), "secret_hash": visit.secret}

    visit = cast.ann.join()
    at = f"/en/visits/{visit}"
    as_the_document_says(cast.ann.machine("GET", at), "patient.see")
    with instead(shown, "visit", around(leaking)), pytest.raises(AssertionError, match="secret_hash"):
        as_the_document_says(cast.ann.machine("GET", at), "patient.see")


def test_every_view_says_what_it_gives_and_nothing_is_left_open() -> None:
    views = {view_at(method, re.sub("{step}", "who", path)) for path, ways in app.routes.items() for method in ways}
    assert views == set(GIVES) | set(ANYTHING)
    assert not set(GIVES) & set(ANYTHING)

    def closed(shape: Any) -> bool:
        if isinstance(shape, list):
            return all(map(closed, shape))
        if not isinstance(shape, dict):
            return True
        return (shape.get("type") != "object" or shape.get("additionalProperties") is False) and all(
            map(closed, shape.values())
        )

    assert [called for called, shape in GIVES.items() if not closed(shape)] == []


def test_the_document_is_served_to_everybody(cast: Cast) -> None:
    got = cast.eve.ask("GET", "/openapi.json")
    assert got.status == 200
    assert got.json == json.loads(json.dumps(DOCUMENT))
    assert "s-maxage" in got.header("Cache-Control")


def test_every_address_is_in_the_document() -> None:
    said = {(path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods}
    for path, methods in app.routes.items():
        for method in methods:
            assert any(_is(path, there) and method == way for there, way in said), (method, path)


def _is(path: str, said: str) -> bool:
    return said == path or ("{step}" in path and said.startswith(path.partition("{step}")[0]))


def test_ids_are_told_apart() -> None:
    ids = [one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("form", [FORM_TYPE, JSON_TYPE])
def test_what_must_be_sent_is_marked(form: str) -> None:
    body: Any = DOCUMENT["paths"]["/{lang}/ask/who"]["post"]["requestBody"]["content"][form]["schema"]
    assert body["required"] == ["for_whom", "name", "age"]
    assert not body["additionalProperties"]
