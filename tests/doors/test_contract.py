"""The OpenAPI document: it is valid, it says what is enforced, and no address answers anything that it does not say."""

import contextlib
import json
from collections.abc import Iterator
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
from chalicelib.doors import contract
from chalicelib.doors.form import FORM_TYPE, JSON_TYPE
from chalicelib.rooms.permission import MAY, Role
from tests.people import Answer, Browser, Cast

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


def as_the_document_says(got: Answer) -> None:
    assert got.status < 500, got.body
    kind = got.header("Content-Type")
    if got.status >= 400:
        assert kind == "application/problem+json"
        PROBLEM.validate(got.json)
        assert got.json["status"] == got.status
    elif kind == JSON_TYPE:
        assert isinstance(got.json, dict)
    else:
        assert got.status in (200, 302, 303), "a file, or the way to one"


def against(operation: APIOperation, case: Case) -> bool:
    """Whether this is a body that the document forbids."""
    if case.media_type != JSON_TYPE or not isinstance(case.body, dict | list | str | int | float | bool | type(None)):
        return False
    schema = operation.definition.raw["requestBody"]["content"][JSON_TYPE]["schema"]
    return not Draft202012Validator(schema).is_valid(case.body)


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
        as_the_document_says(got)
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
