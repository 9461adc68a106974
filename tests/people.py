"""The cast of every story told in tests, and the browsers they hold.

Ann and Bob are patients. Dr Ada has Ann's visit, Dr Bo does not. Sam is the pharmacist, Cole the courier, Dee sits
at the desk. Eve is a stranger: every test of a door ends with Eve refused.

A browser keeps cookies, follows links and sends the forms it was shown, as a person with JavaScript off would.
It speaks to a house: the app in this process, or a server over HTTP; the interface is the same.
"""

import http.client
import json
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from chalicelib.doors.guests import badge, hashed, proof
from tests.hiring import STAFF, TITLE, Porter, hired

MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # ten o'clock in Shanghai
SECRET = "correct horse battery"
ANN = {
    "for_whom": "me",
    "name": "Ann Smith",
    "age": "34",
    "guardian": "",
    "why": "Sore throat for three days",
    "department": "general",
    "allergies": "penicillin",
    "how_long": "days",
    "getting": "same",
    "phone": "138 0000 1234",
}
BOB = {**ANN, "name": "Bob 王", "age": "71", "why": "My knee hurts", "allergies": "", "phone": "+86 139 0000 0000"}
STEPS = {
    "who": ("for_whom", "name", "age", "guardian"),
    "what": ("why", "department", "allergies", "follow_up"),
    "how_long": ("how_long", "getting"),
    "contact": ("phone", "text_me"),
}


class Clock:
    """A clock that tests move. `monkeypatch.setattr(manners, "clock", Clock())`."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Form:
    """A form of a page: where it goes and what its fields say at the moment."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)


class Reader(HTMLParser):
    """What a page says: its title, links, forms, and the words a person sees."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title, self.words, self.links, self.forms, self.ids = "", "", [], [], set()
        self.errors: dict[str, str] = {}
        self._inside: list[str] = []
        self._area: str | None = None
        self._select: list[str] | None = None
        self._error: str | None = None
        self.feed(html)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        # A name stands within a sentence and ends no word; whatever else comes does.
        self.words = self.words.removesuffix(" ") if tag == "bdi" else f"{self.words} "
        if "id" in said:
            self.ids.add(said["id"])
        if tag in ("style", "title", "script"):
            self._inside.append(tag)
        elif tag == "a":
            self.links.append(said.get("href", ""))
        elif tag == "form":
            self.forms.append(Form(said.get("action", "")))
        else:
            self._field(tag, said)

    def _field(self, tag: str, said: dict[str, str]) -> None:
        if tag == "input":
            self._input(said, "checked" in said)
        elif tag == "textarea" and self.forms:
            self._area = said["name"]
            self.forms[-1].fields[self._area] = [""]
        elif tag == "select" and self.forms:
            self._select = self.forms[-1].fields[said["name"]] = []
        elif tag == "option" and self._select is not None and ("selected" in said or not self._select):
            self._select[:] = [said["value"]]
        elif tag == "p" and said.get("id", "").endswith("-error"):
            self._error = said["id"].removesuffix("-error")
            self.errors[self._error] = ""

    def _input(self, said: dict[str, str], checked: bool) -> None:
        if not self.forms or "name" not in said:
            return
        values = self.forms[-1].fields.setdefault(said["name"], [])
        if said.get("type") not in ("radio", "checkbox") or checked:
            values.append(said.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self.words = self.words.removesuffix(" ") if tag == "bdi" else f"{self.words} "
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None
        elif tag == "p":
            self._error = None

    def handle_data(self, data: str) -> None:
        if self._inside:
            if self._inside[-1] == "title":
                self.title += data
            return
        if self._area is not None:
            first = self.forms[-1].fields[self._area][0]
            self.forms[-1].fields[self._area][0] = first + (data if first else data.removeprefix("\n"))
        if self._error is not None:
            self.errors[self._error] += data
        self.words += data + " "


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, Any]
    body: str
    path: str

    @property
    def page(self) -> Reader:
        return Reader(self.body)

    @property
    def words(self) -> str:
        return self.page.words

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return next((str(v) for k, v in self.headers.items() if k.lower() == name.lower()), "")

    @property
    def cookies(self) -> list[str]:
        found = next((v for k, v in self.headers.items() if k.lower() == "set-cookie"), [])
        return [found] if isinstance(found, str) else list(found)


class House(Protocol):
    """Something that answers requests."""

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer: ...


class InProcess:
    """The app itself. Chalice's test client is for one request at a time."""

    def __init__(self, app: Any) -> None:
        from chalice.test import Client

        self.http = Client(app).http
        self.lock = threading.Lock()

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        with self.lock:
            got = self.http.request(method, path, headers=headers, body=body)
        return Answer(got.status_code, dict(got.headers), got.body.decode(), path)


class OverHttp:
    """A server somewhere, one connection a request."""

    def __init__(self, address: str) -> None:
        self.host = urlsplit(address).netloc

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        line = http.client.HTTPConnection(self.host, timeout=30)
        try:
            line.request(method, path, body=body or None, headers=headers)
            got = line.getresponse()
            found: dict[str, Any] = {}
            for name, value in got.getheaders():
                found[name] = [*found.get(name, []), value] if name.lower() == "set-cookie" else value
            return Answer(got.status, found, got.read().decode(), path)
        finally:
            line.close()


class Browser:
    """One person's browser with JavaScript off."""

    def __init__(self, house: House, language: str = "en") -> None:
        self.house, self.language = house, language
        self.cookies: dict[str, str] = {}
        self.at: Answer | None = None

    def url(self, *parts: str) -> str:
        return "/".join(("", self.language, *parts))

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request with this browser's cookies; redirects are not followed. `accept_language` is Accept-Language."""
        sent = {"Accept": "text/html", **{name.replace("_", "-").title(): v for name, v in headers.items()}}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        got = self.house.ask(method, path, sent, body)
        for cookie in got.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "max-age=0" in cookie.lower():
                del self.cookies[name]
        return got

    def get(self, path: str) -> Answer:
        """Open a page and whatever it leads to."""
        self.at = self._followed(self.ask("GET", path.partition("#")[0]))
        return self.at

    def post(self, path: str, **typed: str | list[str]) -> Answer:
        """Send a form that this browser was never shown, with an id of its own, and follow."""
        fields = {"request": secrets.token_urlsafe(16), **typed}
        self.at = self._followed(self.send(path, fields))
        return self.at

    def send(self, path: str, fields: dict[str, Any]) -> Answer:
        """Send exactly these fields, from a page of ours; redirects are not followed."""
        body = urlencode({"proof": self.proof(path), **fields}, doseq=True).encode()
        return self.ask("POST", path, body, content_type="application/x-www-form-urlencoded")

    def fill(self, to: str = "", **typed: str | list[str]) -> Answer:
        """Fill in the form of the page in front (the first whose address ends with `to`), send it and follow."""
        assert self.at is not None, "open a page first"
        form = next((f for f in self.at.page.forms if f.action.endswith(to)), None)
        assert form is not None, f"no form for {to!r} on {self.at.path}: {[f.action for f in self.at.page.forms]}"
        unknown = set(typed) - set(form.fields)
        assert not unknown, f"the form has no {unknown}"
        self.at = self._followed(self.send(form.action or self.at.path, {**form.fields, **typed}))
        return self.at

    def proof(self, path: str) -> str:
        """What our page at this address would have in its forms for this browser."""
        tickets = dict(part.split("~") for part in self.cookies.get("tickets", "").split("!") if "~" in part)
        mine = next((secret for visit, secret in tickets.items() if visit in path), "")
        if path.split("/")[2:3] in (["number"], ["find"], ["forget"], ["ask"]):
            return proof(self.cookies.get("number") or self.cookies.get("phone", ""))
        return proof(mine or self.cookies.get("staff", ""))

    def machine(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """The same address as a program uses it: JSON there and back."""
        sent = b"" if body is None else json.dumps(body).encode()
        return self.ask(method, path, sent, accept="application/json", content_type="application/json", **headers)

    def _followed(self, got: Answer) -> Answer:
        for _ in range(5):
            if got.status not in (302, 303):
                return got
            got = self.ask("GET", urljoin(got.path, got.header("location")).partition("#")[0])
        raise AssertionError("five redirects")


class Patient(Browser):
    """Somebody with a phone and a complaint."""

    def __init__(self, house: House, answers: dict[str, str], language: str = "en") -> None:
        super().__init__(house, language)
        self.answers = answers
        self.visit = ""

    def answer(self, **different: str) -> Answer:
        """All the questions up to the last page, as a person answers them."""
        answers = {**self.answers, **different}
        self.get(self.url("ask", "flags"))
        self.fill(flags="none")
        for step, names in STEPS.items():
            assert self.at is not None
            assert self.at.path.endswith(f"/ask/{step}"), f"at {self.at.path}, not {step}: {self.at.words}"
            self.fill(**{name: answers[name] for name in names if name in answers})
        assert self.at is not None
        return self.at

    def join(self, **different: str) -> str:
        """From the first question to the ticket. Gives the visit's name."""
        self.answer(**different)
        at = self.fill(consent="yes")
        assert at.status == 200, at.words
        self.visit = at.path.partition("?")[0].rpartition("/")[2]
        return self.visit

    def look(self) -> Answer:
        return self.get(self.url("visits", self.visit))


class Member(Browser):
    """Somebody who works here; signs in when the story needs it."""

    def __init__(self, house: House, id: str, now: datetime, language: str = "en") -> None:
        super().__init__(house, language)
        from chalicelib.store import staff

        self.id = id
        self.name, _ = STAFF[id]
        mine = badge(id, secrets.token_urlsafe(16))
        staff.open_session(hired(id, now), token_hash=hashed(mine), now=now)
        staff.keep_closed(mine, f"refresh of {id}", token_hash=hashed(mine), now=now)
        self.cookies["staff"] = mine


@dataclass
class Cast:
    """Everybody, each with a browser at the same house. Staff are hired when they first appear."""

    house: House
    clock: Clock = field(default_factory=Clock)
    porter: Porter = field(default_factory=Porter)
    _staff: dict[str, Member] = field(default_factory=dict)
    others: list[Patient] = field(default_factory=list)  # who else came in a story

    def __post_init__(self) -> None:
        self.ann = Patient(self.house, ANN)
        self.bob = Patient(self.house, BOB)
        self.eve = Browser(self.house)

    def staff(self, id: str) -> Member:
        if id not in self._staff:
            self._staff[id] = Member(self.house, id, self.clock())
        return self._staff[id]

    def errand(self, id: str) -> Any:
        """An errand of somebody who works here, for the parts of a story that happen behind other doors."""
        from chalicelib.clinic import CLINIC
        from chalicelib.outside.signing import KMS
        from chalicelib.rooms.permission import Actor
        from chalicelib.store import records
        from chalicelib.visit.errand import Errand

        name, role = STAFF[id]
        actor = Actor(role=role, id=id, name=name, title=TITLE, licence=f"L-{id}")
        request = secrets.token_urlsafe(16)
        return Errand(actor=actor, request=request, now=self.clock(), clinic=CLINIC, records=records, signer=KMS)

    @property
    def ada(self) -> Member:
        return self.staff("ada")

    @property
    def bo(self) -> Member:
        return self.staff("bo")

    @property
    def sam(self) -> Member:
        return self.staff("sam")

    @property
    def cole(self) -> Member:
        return self.staff("cole")

    @property
    def dee(self) -> Member:
        return self.staff("dee")

    @property
    def pria(self) -> Member:
        return self.staff("pria")

    @property
    def max(self) -> Member:
        return self.staff("max")
