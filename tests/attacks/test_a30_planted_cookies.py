"""A30: another host of the hospital's domain plants a cookie of ours in a browser. It makes nobody a patient."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.doors import guests
from chalicelib.doors.form import FORM_TYPE
from tests.attacks.breaks import gets_through
from tests.people import ANN, Answer, Browser, Cast, House

WORDS = (ANN["name"], ANN["why"], ANN["allergies"])


class Tls:
    """A house behind https, as at the gateway; what another host planted comes with the browser's own cookies."""

    def __init__(self, house: House) -> None:
        self.house, self.planted = house, ""

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        own = headers.get("Cookie", "")
        sent = {**headers, "X-Forwarded-Proto": "https", "Cookie": "; ".join(filter(None, (self.planted, own)))}
        return self.house.ask(method, path, sent, body)


@contextmanager
def _at(browser: Browser, house: House) -> Iterator[None]:
    before, browser.house = browser.house, house
    try:
        yield
    finally:
        browser.house = before


def a_plain_name_is_not_read_behind_https(cast: Cast) -> None:
    """The only kind of name that another host can set for the whole domain: Ann answers with such a cookie in front of
    her own, and whoever made it reads with it alone."""
    value = secrets.token_urlsafe(16)
    behind = Tls(cast.house)
    behind.planted = f"phone={value}"
    planter = Browser(Tls(cast.house))
    with _at(cast.ann, behind):
        cast.ann.cookies.clear()
        cast.ann.get("/en/ask/flags")
        cast.ann.fill(flags="none")
        cast.ann.fill(**{n: ANN[n] for n in ("for_whom", "name", "age", "guardian")})
        cast.ann.fill(**{n: ANN[n] for n in ("department", "why", "allergies")})
        assert ANN["why"] in cast.ann.get("/en/ask/what").body
    for cookies in ({"phone": value}, {"__Host-phone": value}):
        planter.cookies = cookies
        page = planter.get("/en/ask/what").body
        assert [word for word in WORDS if word in page] == []


def a_cookie_that_comes_twice_is_none(cast: Cast) -> None:
    for secure, prefix in ((True, "__Host-"), (False, "")):
        for name, value in (("phone", "K" * 22), ("number", "K" * 22), ("staff", "ada~" + "K" * 22)):
            for other in ("B" * 22, value, ""):
                for order in ((value, other), (other, value)):
                    found = guests.guest("; ".join(f"{prefix}{name}={one}" for one in order), secure=secure)
                    assert found == guests.guest("", secure=secure), (name, order)
        kept = f"{prefix}tickets=ABCDEFGH~{'K' * 22}"
        assert guests.guest(kept, secure=secure).tickets
        assert not guests.guest(f"{kept}; {kept}", secure=secure).tickets


def test_a_plain_name_is_not_read_behind_https(cast: Cast) -> None:
    a_plain_name_is_not_read_behind_https(cast)


def test_a_cookie_that_comes_twice_is_none(cast: Cast) -> None:
    a_cookie_that_comes_twice_is_none(cast)


def test_without_the_prefix_the_planter_would_be_the_patient(cast: Cast) -> None:
    gets_through(lambda: a_plain_name_is_not_read_behind_https(cast), "a30 a cookie has a plain name everywhere")


def test_whoever_comes_first_would_be_believed(cast: Cast) -> None:
    gets_through(lambda: a_cookie_that_comes_twice_is_none(cast), "a30 of two cookies the first is taken")


def test_no_blank_hides_a_name_from_the_browser(cast: Cast) -> None:
    """A browser refuses `__Host-` to other hosts by the letters, so a name with a blank before it is another name."""
    for blank in ("\u2000", "\u00a0", "\u0085", "\x1f", "\u3000"):
        assert not guests.guest(f"{blank}__Host-phone={'K' * 22}", secure=True).phone
        assert not guests.guest(f"__Host-phone{blank}={'K' * 22}", secure=True).phone
        assert (
            guests.guest(f"a=b; {blank}__Host-phone={'K' * 22}; __Host-phone={'B' * 22}", secure=True).phone == "B" * 22
        )
    assert not guests.guest(f"__host-phone={'K' * 22}; phone={'K' * 22}", secure=True).phone


def test_every_cookie_is_of_this_host_alone(cast: Cast) -> None:
    """`__Host-` holds in a browser only with Secure, Path=/ and no Domain; else the cookie is not kept at all."""
    with _at(cast.ann, Tls(cast.house)):
        sent = cast.ann.send("/en/ask/flags", {"flags": "none"}).cookies
        sent += cast.ann.send("/en/forget", {}).cookies
    with _at(cast.ada, Tls(cast.house)):
        cast.ada.cookies["__Host-staff"] = cast.ada.cookies.pop("staff")
        sent += cast.ada.ask("POST", "/en/staff/out", b"", content_type=FORM_TYPE, sec_fetch_site="same-origin").cookies
    assert {one.partition("=")[0] for one in sent} == {f"__Host-{n}" for n in ("phone", "tickets", "number", "staff")}
    for one in sent:
        assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(one.split("; "))
        assert "domain" not in one.lower()
