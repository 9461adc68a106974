"""Facts about a request that no form carries: our own address, its language, and whether our page sent it."""

import hmac
import ipaddress
import os
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from chalice.app import Request

from chalicelib.doors import words
from chalicelib.refusal import Refusal

_BASE = re.compile(r"(/[A-Za-z0-9._-]+)*")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,255}|\[[0-9a-fA-F:]+\](:\d+)?")
_OURS = re.compile(r"/[A-Za-z0-9/_~-]*")
HOME, CUSTOMER = 64, 48  # bits of an IPv6 address that do not change within one home, and within what a customer gets


class NotFromOurPage(Refusal):
    """A form that another site sent in this person's name."""

    status = 403

    def __init__(self) -> None:
        super().__init__("This did not come from our page. Please do it again from here.")


def base_of(request: Request) -> str:
    """What stands before our addresses: "" behind a domain of our own, "/api" straight at the gateway.

    BASE_PATH says so where the outside address cannot be seen from here, as behind a content network.
    """
    said = os.environ.get("BASE_PATH")
    if said is None:
        route = request.path
        for name, value in (request.uri_params or {}).items():
            route = route.replace(f"{{{name}}}", value)
        said = str(request.context.get("path") or "").rstrip("/").removesuffix(route.rstrip("/"))
    return said if _BASE.fullmatch(said) else ""


def here_of(request: Request) -> str:
    """The address after the language, as it is in this request."""
    route = request.path.removeprefix("/{lang}").strip("/")
    for name, value in (request.uri_params or {}).items():
        route = route.replace(f"{{{name}}}", value)
    return route if _OURS.fullmatch(f"/{route}") else ""


def own_address(typed: str) -> str | None:
    """`typed` if it is an address inside this clinic, like the `next` of the sign-in page; else None."""
    return typed if _OURS.fullmatch(typed) and not typed.startswith("//") else None


def language_of(request: Request) -> str:
    """The language of the address, if it is one of ours; else what the browser prefers."""
    asked = (request.uri_params or {}).get("lang", "")
    return asked if asked in words.LANGUAGES else words.preferred(request.headers.get("accept-language", ""))


def is_secure(request: Request) -> bool:
    return bool(request.headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https")


def caller_of(request: Request) -> str:
    """The address somebody asks from: an IPv4 one, or the first half of an IPv6 one, of which every home has as many as
    it likes. Behind a content network ADDRESS_HEADER names the header in which that puts it."""
    return _within(request, HOME)


def network_of(request: Request) -> str:
    """The same, of IPv6 as much as one customer is given: a whole /48, which is 65,536 of those halves."""
    return _within(request, CUSTOMER)


def _within(request: Request, bits: int) -> str:
    header = os.environ.get("ADDRESS_HEADER")
    identity = request.context.get("identity") or {}
    said = request.headers.get(header, "") if header else str(identity.get("sourceIp") or "")
    try:
        address = ipaddress.ip_address(said.strip() if said.count(":") != 1 else said.partition(":")[0].strip())
    except ValueError:
        return "unknown"
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, bits), strict=False))


def public(request: Request) -> str:
    """Where people outside reach us, for a link that is sent around: ORIGIN, or as this request came, behind a content
    network as it came there."""
    said = os.environ.get("ORIGIN", "")
    host = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
    return said or f"{'https' if is_secure(request) else 'http'}://{host if _HOST.fullmatch(host) else 'localhost'}"


def wants_json(request: Request) -> bool:
    """Machines say so, or speak JSON themselves and do not ask for a page."""
    accept = request.headers.get("accept", "").lower()
    if "text/html" in accept:
        return False
    return "application/json" in accept or "application/problem+json" in accept or is_json(request)


def is_json(request: Request) -> bool:
    return bool(request.headers.get("content-type", "").lower().startswith("application/json"))


def vouched(request: Request) -> bool:
    """A browser that can, says of itself that our own page sends this; no page has a say in it."""
    return bool(request.headers.get("sec-fetch-site") == "same-origin")


def from_our_page(request: Request) -> bool:
    """Browsers name the page that sends a form. A machine names none, and has no cookies that another site could use.

    Our pages send no referrer, so older browsers say `Origin: null`; for them the SameSite cookies stand guard, and
    the proof in every form of a patient, of staff or about a proven number.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    if origin == "null":
        return True
    ours = {request.headers.get(name, "") for name in ("host", "x-forwarded-host")}
    return urlsplit(origin).netloc in {*ours, urlsplit(os.environ.get("ORIGIN", "")).netloc} - {""}


def shown_to_them(request: Request, sent: str, proofs: Iterable[str]) -> None:
    """Where the browser does not vouch that our own page sends this, the form brings what only our page could know: one
    of these, if there are any. Raises NotFromOurPage.

    Machines send JSON, which no page of another site can send here without asking first; nobody is told yes.
    """
    expected = [proof for proof in proofs if proof]
    if not expected or is_json(request) or vouched(request):
        return
    if not any(hmac.compare_digest(proof.encode(), sent.encode()) for proof in expected):
        raise NotFromOurPage
