"""Who is at the door: the secrets a browser keeps for us, and what they prove."""

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# The names of the cookies; behind https each begins with HOST, which a browser takes from this very host alone.
PHONE, TICKETS, STAFF, KNOWN, NUMBER = "phone", "tickets", "staff", "known", "number"
HOST = "__Host-"
TICKETS_MAX = 8  # of one phone, for a family; see finding.beside
SECRET_LETTERS = 22  # 128 bits in URL-safe base64
YEAR = 365 * 24 * 60 * 60
COOKIES_MAX = 8192
_SECRET = re.compile(r"[A-Za-z0-9_-]{22}")
_BADGE = re.compile(r"[a-z0-9-]{1,40}~[A-Za-z0-9_-]{22}")  # who, and the session's secret
_KNOWN = re.compile(r"[a-z0-9-]{1,40}~[A-Za-z0-9_-]{22}~[A-Za-z0-9_-]{22}")  # who was signed in here, and our mark
_TICKET = re.compile(r"([A-Za-z0-9_-]{8,64})~([A-Za-z0-9_-]{22})")


@dataclass(frozen=True, slots=True)
class Kept:
    """One ticket in a phone's pocket: the visit's public name and the secret that opens it."""

    visit: str
    secret: str

    @property
    def code(self) -> str:
        """What a return link carries."""
        return f"{self.visit}~{self.secret}"


@dataclass(frozen=True, slots=True)
class Guest:
    """A browser, by the cookies it sent. What is not exactly of our making counts as not sent."""

    phone: str = ""
    tickets: tuple[Kept, ...] = ()
    staff: str = ""
    known: str = ""
    number: str = ""  # the token of a proven phone number

    @property
    def holder(self) -> str:
        """This phone, hashed; "" for a phone that has no secret yet."""
        return hashed(self.phone) if self.phone else ""

    @property
    def member(self) -> str:
        """Who this browser says it is signed in as: where to look, no proof."""
        return self.staff.partition("~")[0]

    def ticket(self, visit: str) -> Kept | None:
        return next((kept for kept in self.tickets if kept.visit == visit), None)


def guest(cookies: str, *, secure: bool) -> Guest:
    """From the Cookie header. A cookie that comes twice counts as not sent: one of them was put there by somebody else,
    as another host of the hospital's domain can, and nothing tells which."""
    found: dict[str, list[str]] = {}
    for pair in cookies[:COOKIES_MAX].split(";"):
        name, _, value = pair.strip(" \t").partition("=")  # no other blanks: a browser has no ban on a name before them
        found.setdefault(name, []).append(value)
    once = {name: values[0] for name, values in found.items() if len(values) == 1}
    phone, tickets, staff, known, number = (
        once.get(cookie_name(name, secure=secure), "") for name in (PHONE, TICKETS, STAFF, KNOWN, NUMBER)
    )
    return Guest(
        phone=phone if _SECRET.fullmatch(phone) else "",
        tickets=_tickets(tickets),
        staff=staff if _BADGE.fullmatch(staff) else "",
        known=known if _KNOWN.fullmatch(known) else "",
        number=number if _SECRET.fullmatch(number) else "",
    )


def cookie_name(name: str, *, secure: bool) -> str:
    """Plain only on http, which is this machine: there a browser keeps no cookie that must be secure."""
    return f"{HOST}{name}" if secure else name


def _tickets(value: str) -> tuple[Kept, ...]:
    kept = [kept for part in value.split("!")[:TICKETS_MAX] if (kept := ticket_of(part))]
    return tuple(kept)


def ticket_of(code: str) -> Kept | None:
    """What somebody typed or pasted from a return link: the code itself, or the whole link."""
    match = _TICKET.search(code.rpartition("code=")[2]) if "code=" in code else _TICKET.fullmatch(code.strip())
    return Kept(match[1], match[2]) if match else None


def new_secret() -> str:
    return secrets.token_urlsafe(16)


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def proof(secret: str) -> str:
    """What our pages put into their forms for whoever holds this secret; no other site can know it."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()[:SECRET_LETTERS] if secret else ""


def ticket_secret(phone: str, request: str) -> str:
    """The same phone and the same request make the same ticket secret, so a lost reply costs nothing."""
    made = hmac.new(phone.encode(), f"ticket:{request}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode()[:SECRET_LETTERS]


def found_secret(phone: str, visit: str) -> str:
    """The secret of a ticket that was found again on this phone, for the same reason the same each time."""
    made = hmac.new(phone.encode(), f"found:{visit}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode()[:SECRET_LETTERS]


def number_token(phone: str, request: str) -> str:
    """What a browser is known by that has proven a number, made like a ticket's secret and for the same reason."""
    made = hmac.new(phone.encode(), f"number:{request}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode()[:SECRET_LETTERS]


def person(holder: str, for_whom: str, name: str) -> str:
    """One person of one phone, so that nobody queues twice; not reversible to the name. Wide letters are the same."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return hashed(f"{holder}|{for_whom}|{' '.join(plain.split())}")


def phone_cookie(phone: str, *, secure: bool) -> str:
    return _cookie(PHONE, phone, YEAR, secure)


def tickets_cookie(tickets: Sequence[Kept], *, secure: bool) -> str:
    """The newest first."""
    newest = {kept.visit: kept for kept in reversed(tickets)}
    codes = [kept.code for kept in reversed(newest.values())]
    return _cookie(TICKETS, "!".join(codes[:TICKETS_MAX]), YEAR, secure)


def number_cookie(token: str, *, secure: bool) -> str:
    """ "" ends it. How long it lasts is kept with the proof itself."""
    return _cookie(NUMBER, token, YEAR, secure)


def badge(member: str, secret: str) -> str:
    """What a signed-in browser shows: the name says which row of staff to read together with the session."""
    return f"{member}~{secret}"


def staff_cookie(token: str, *, secure: bool) -> str:
    """A session of the browser; "" ends it. How long it lasts is kept with the session itself."""
    return _cookie(STAFF, token, None if token else 0, secure)


def known_cookie(member: str, mark: str, *, secure: bool) -> str:
    """This browser has been signed in by that name. It opens nothing; it keeps its own count of wrong tries."""
    return _cookie(KNOWN, f"{member}~{mark}", YEAR, secure)


def _cookie(name: str, value: str, seconds: int | None, secure: bool) -> str:
    """An empty value tells the browser to forget the cookie."""
    age = "" if seconds is None else f"; Max-Age={seconds if value else 0}"
    named = cookie_name(name, secure=secure)
    return f"{named}={value}; Path=/; HttpOnly; SameSite=Lax{age}{'; Secure' if secure else ''}"
