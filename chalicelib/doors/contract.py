"""The contract: every address of the clinic as an OpenAPI document, from the declarations that guard it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from chalice.app import RouteEntry

from chalicelib.clinic import CLINIC
from chalicelib.doors import answers, gives, words
from chalicelib.doors.answers import ANYTHING, GIVES
from chalicelib.doors.form import BODY_MAX, FORMS, JSON_TYPE, REQUEST_MAX, REQUEST_MIN, Form
from chalicelib.doors.guests import STAFF, TICKETS, cookie_name
from chalicelib.doors.manners import Polite

VERSION = "1"
Routes = Mapping[str, Mapping[str, RouteEntry]]
Schema = dict[str, Any]

ABOUT = f"""Every address answers people with a page and, with `Accept: application/json`, programs with the same data.

Whatever is sent twice under the same `Idempotency-Key` (or field `request`) is done once and answered alike. Every
refusal is a problem of RFC 9457 that names the fields in question. Times are ISO 8601 in UTC; a visit has an opaque
name. A body holds at most {BODY_MAX} bytes. 503 means: nothing was done, send the same again.
"""
ACCESS: dict[str, list[dict[str, list[str]]]] = {"public": [], "number": []}
ACCESS |= {"patient": [{TICKETS: []}], "staff": [{STAFF: []}]}
IN_THE_ADDRESS: dict[str, tuple[str, Schema]] = {
    "lang": ("The language of texts and refusals.", {"enum": list(words.LANGUAGES)}),
    "visit": ("The opaque name of a visit.", {"type": "string", "minLength": 8, "maxLength": 64}),
    "sheet": ("The opaque name of a prescription's sheet.", {"type": "string", "minLength": 8, "maxLength": 64}),
    "department": ("A department of this clinic.", {"enum": [d.id for d in CLINIC.departments]}),
    "member": ("The sign-in name of somebody who works here.", {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,39}$"}),
    "file": ("One of our files, by the name that carries its hash.", {"type": "string", "maxLength": 100}),
}
PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:clinic:problem:"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For a person, in the language of the address."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def document(routes: Routes) -> Schema:
    """An OpenAPI 3.1 document of these routes."""
    paths: dict[str, Schema] = {}
    for path, method, view in _addresses(routes):
        paths.setdefault(path, {})[method.lower()] = _operation(path, method, view)
    return {
        "openapi": "3.1.0",
        "info": {"title": words.in_words(CLINIC.name, words.DEFAULT), "version": VERSION, "description": ABOUT},
        "paths": paths,
        "components": {
            "schemas": {"Problem": PROBLEM, **{name: _parts(shape) for name, shape in _NAMED.values()}},
            "securitySchemes": {
                TICKETS: _cookie(TICKETS, "The secret of a ticket."),
                STAFF: _cookie(STAFF, "The session of staff."),
            },
        },
    }


def _cookie(name: str, about: str) -> Schema:
    return {"type": "apiKey", "in": "cookie", "name": cookie_name(name, secure=True), "description": about}


def _addresses(routes: Routes) -> Iterator[tuple[str, str, Polite]]:
    """Each address with its method; one that has a form for each step, step by step."""
    for path, methods in sorted(routes.items()):
        for method, entry in sorted(methods.items()):
            view = cast(Polite, entry.view_function)
            if isinstance(view.form, Form):
                yield path, method, view
            else:
                for step in view.form:
                    yield path.replace("{step}", step), method, view


def _operation(path: str, method: str, view: Polite) -> Schema:
    step = path.rpartition("/")[2]
    form = view.form if isinstance(view.form, Form) else view.form[step]
    called = f"{view.view.__module__.rpartition('.')[2]}.{view.view.__name__}"
    named = called.replace(".", "_")
    said: Schema = {
        "operationId": named if isinstance(view.form, Form) else f"{named}_{step}",
        "tags": [view.deed],
        "description": " ".join((view.view.__doc__ or "").split()),
        "security": ACCESS[view.by],
        "parameters": [_in_the_address(name) for name in re.findall(r"{(\w+)}", path)],
        "responses": _responses(method, called),
    }
    if method == "POST":
        said["parameters"].append(_KEY)
        body = {"schema": _body(form)}
        said["requestBody"] = {"content": dict.fromkeys(FORMS, body), "required": any(_must(form))}
    else:
        said["parameters"] += [
            {"name": field.name, "in": "query", "schema": field.schema, "required": False}
            for field in form.fields.values()
            if field.name not in ("request", "proof")
        ]
    return said


_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{{REQUEST_MIN},{REQUEST_MAX}}}$"},
}


def _in_the_address(name: str) -> Schema:
    about, schema = IN_THE_ADDRESS[name]
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema}


def _must(form: Form) -> list[str]:
    return [field.name for field in form.fields.values() if field.must]


def _body(form: Form) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": _must(form),
        "properties": {field.name: dict(field.schema) for field in form.fields.values()},
    }


def _responses(method: str, called: str) -> Schema:
    given = {JSON_TYPE: {"schema": _said(GIVES[called])}, "text/html": {}} if called in GIVES else {"*/*": {}}
    done: Schema = {
        "200": {"description": ANYTHING.get(called, "What the page shows, or what came of it."), "content": given}
    }
    if method == "POST":
        done["303"] = {"description": "Done; a browser goes on from here.", "headers": {"Location": {"schema": {}}}}
    refused = {
        "description": "Refused, in a person's words.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}, "text/html": {}},
    }
    return {**done, "default": refused}


# Shapes with a name of their own are said once.
_NAMED = {
    id(shape): (name.title().replace("_", ""), shape)
    for name, shape in {**vars(gives), **vars(answers)}.items()
    if name.isupper() and isinstance(shape, dict) and shape.get("type") == "object"
}


def _said(shape: object) -> Any:
    """A shape as the document says it: by its name if it has one."""
    if id(shape) in _NAMED:
        return {"$ref": f"#/components/schemas/{_NAMED[id(shape)][0]}"}
    return _parts(shape)


def _parts(shape: object) -> Any:
    if isinstance(shape, dict):
        return {name: _said(part) for name, part in shape.items()}
    return [_said(part) for part in shape] if isinstance(shape, list) else shape
