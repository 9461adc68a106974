"""Answers: a page for people, JSON for machines, and the headers both carry."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from chalice import Response

from chalicelib.clinic import CLINIC
from chalicelib.doors import words
from chalicelib.doors.machine import to_json

PAGES = Path(__file__).parent.parent / "pages"
FILES = PAGES / "files"
PICTURE = "image/svg+xml"
KINDS = {".js": "text/javascript; charset=utf-8", ".svg": PICTURE}
PRIVATE = "private, no-store"
PUBLIC_BOARD = "public, max-age=0, s-maxage=5, stale-while-revalidate=30"
PUBLIC_PAGE = "public, max-age=60, s-maxage=60, stale-while-revalidate=600"
FOREVER = "public, max-age=31536000, immutable"
STAFF_PAGES = ("staff_", "doctor_", "pharmacy_", "desk_", "parcel_", "people_", "glass_")  # these also get staff.css


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page. `data` is what it shows, and is all a machine gets; `extras` are only for the template.

    `values` fills the fields of its forms; `here` is its own address after the language, for the language links.
    A public `cache` is only for a page that says the same to everybody.
    """

    template: str
    data: Mapping[str, object] = field(default_factory=dict)
    extras: Mapping[str, object] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    here: str | None = None
    status: int = 200
    cookies: tuple[str, ...] = ()
    cache: str = PRIVATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """It is done: people go on to `to` (303, an address of ours without base and language); machines get `data`."""

    to: str
    data: Mapping[str, object] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """JSON for everybody, like the board."""

    data: object
    cache: str = PRIVATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Anything else: a file, a redirect."""

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Page | Go | Data | Raw


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page needs to know about the request that it answers."""

    language: str
    base: str  # what stands before our addresses: "" or "/api"
    here: str
    secure: bool
    machine: bool
    now: datetime
    problems: tuple[tuple[str, str], ...] = ()  # (field or "", message in the person's language)
    typed: Mapping[str, list[str]] = field(default_factory=dict)
    proof: str = ""  # what a form must bring back; "" where nobody in particular is asked for

    def url(self, *parts: str) -> str:
        """An address of ours in the person's language: url("visits", name, "leave")."""
        return "/".join((self.base, self.language, *parts))


def respond(answer: Answer, frame: Frame) -> Response:
    if isinstance(answer, Raw):
        return _response(answer.body, answer.status, dict(answer.headers), frame)
    if isinstance(answer, Data):
        return _json(answer.data, 200, frame, cache=answer.cache)
    if isinstance(answer, Go):
        if frame.machine:
            return _json(answer.data, 200, frame, cookies=answer.cookies)
        to = frame.url(*filter(None, answer.to.split("/")))
        return _response("", HTTPStatus.SEE_OTHER, {"Location": to}, frame, cookies=answer.cookies)
    if frame.machine:
        return _json(answer.data, answer.status, frame, cache=answer.cache, cookies=answer.cookies)
    return _page(answer, frame)


def problem(status: int, *, code: str, detail: str, errors: list[dict[str, str]], frame: Frame) -> Response:
    """RFC 9457: the one shape in which machines are refused."""
    body = {
        "type": f"urn:clinic:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": errors,
    }
    headers = {"Content-Type": "application/problem+json", "Cache-Control": PRIVATE}
    return _response(to_json(body), status, headers, frame)


def _json(data: object, status: int, frame: Frame, *, cache: str = PRIVATE, cookies: tuple[str, ...] = ()) -> Response:
    headers = {"Content-Type": "application/json", "Cache-Control": cache}
    return _response(to_json(data), status, headers, frame, cookies=cookies)


def _page(page: Page, frame: Frame) -> Response:
    if page.here is not None:
        frame = replace(frame, here=page.here)
    body = html(page.template, frame.language, **_tools(frame, page), **page.extras, **page.data)
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": page.cache,
        "Content-Language": frame.language,
    }
    return _response(body, page.status, headers, frame, cookies=page.cookies)


def html(template: str, language: str, /, **values: object) -> str:
    """A template in one language. Jinja comes with the first: the board and programs, who ask most, need none."""
    from chalicelib.doors.typeset import environment

    return environment(language).get_template(template).render(**values)


def _tools(frame: Frame, page: Page) -> dict[str, object]:
    errors: dict[str, str] = {}
    for name, message in frame.problems:
        errors.setdefault(name, message)
    return {
        "lang": frame.language,
        "html_lang": words.TAGS.get(frame.language, frame.language),
        "direction": "rtl" if frame.language in words.RIGHT_TO_LEFT else "ltr",
        "languages": [
            (o, words.CALLED.get(o, o), words.TAGS.get(o, o)) for o in words.LANGUAGES if o != frame.language
        ],
        "here": frame.here,
        "base": frame.base,
        "url": frame.url,
        "asset": partial(_asset, frame.base),
        "now": frame.now,
        "problems": frame.problems,
        "errors": errors,
        "values": {**{name: _texts(value) for name, value in page.values.items()}, **frame.typed},
        "styles": STYLES[: 2 if page.template.startswith(STAFF_PAGES) else 1],
        "proof": frame.proof,
        "new_id": partial(secrets.token_urlsafe, 16),
        "when": partial(words.when, language=frame.language, now=frame.now),
        "day": partial(words.day, language=frame.language),
        "date": partial(words.date, language=frame.language),
        "clock": words.clock,
        "zone": words.zone(frame.now),
        "minutes": partial(words.minutes, language=frame.language),
        "own": partial(words.in_words, language=frame.language),
        "own_flags": [(flag.id, words.in_words(flag.text, frame.language), "") for flag in CLINIC.red_flags],
    }


def _texts(value: object) -> list[str]:
    """A value as a form field shows it: a list of what is typed or ticked."""
    if value is None or value is False:
        return []
    if value is True:
        return ["yes"]
    if isinstance(value, tuple | list | frozenset):
        return [str(item) for item in value]
    return [str(value)]


def _response(
    body: str, status: int, headers: dict[str, str], frame: Frame, *, cookies: tuple[str, ...] = ()
) -> Response:
    full: dict[str, Any] = {**SAFETY, "Content-Security-Policy": POLICY, **headers}
    full.setdefault("Content-Type", "text/plain; charset=utf-8")
    full.setdefault("Cache-Control", PRIVATE)
    if full["Cache-Control"] == PUBLIC_PAGE:
        full["Vary"] = "Accept, Content-Type"  # the same address answers people and machines
    if frame.secure:
        full["Strict-Transport-Security"] = "max-age=31536000"
    if cookies:
        full["Set-Cookie"] = list(cookies)
    return Response(body=body, headers=full, status_code=int(status))


SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "X-Frame-Options": "DENY",
}


def _policy() -> str:
    """Content-Security-Policy: our own files, and exactly the styles written here."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in STYLES)
    return (
        f"default-src 'none'; style-src {hashes}; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _styles() -> tuple[str, ...]:
    """The style of every page, and what staff pages add to it; small enough to travel inside the page."""
    found = [file for name in ("style.css", "staff.css") if (file := PAGES / name).exists()]
    brand = f":root{{--brand:{CLINIC.brand};--deep:{_darker(CLINIC.brand)}}}"
    sheets = [_small(file.read_text(encoding="utf-8")) for file in found]
    return (brand + sheets[0], *sheets[1:])


def _small(css: str) -> str:
    css = " ".join(re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).split())
    for mark in "{};,>":
        css = css.replace(f" {mark}", mark).replace(f"{mark} ", mark)
    return css.replace(";}", "}")


def _darker(colour: str) -> str:
    """The brand's colour for edges and links: three quarters of its light."""
    parts = [int(colour[i : i + 2], 16) * 3 // 4 for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


@dataclass(frozen=True, slots=True)
class Served:
    """One of our few files, under the name that carries its hash."""

    marked: str
    kind: str
    body: str


def _files() -> dict[str, Served]:
    """Our scripts and pictures by their plain names. The hash in the marked name lets browsers keep them for good."""
    found = {}
    for file in sorted(FILES.iterdir()):
        if file.suffix in KINDS:
            body = file.read_text(encoding="utf-8")
            mark = hashlib.sha256(body.encode()).hexdigest()[:10]
            found[file.name] = Served(f"{file.stem}.{mark}{file.suffix}", KINDS[file.suffix], body)
    return found


def _asset(base: str, name: str) -> str:
    return f"{base}/s/{SERVED[name].marked}"


# Made while Lambda wakes up, where time is cheap, and the same for every request.
STYLES = _styles()
POLICY = _policy()
SERVED = _files()
