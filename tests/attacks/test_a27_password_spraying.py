"""A27, one password on every name: whoever is wrong too often from one network is not heard, by whatever name."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from chalicelib.doors.origin import CUSTOMER
from chalicelib.outside import identity
from chalicelib.outside.identity import Asks, Step
from chalicelib.refusal import Busy, Refusal
from chalicelib.store import names, staff
from tests.attacks.breaks_staff import BREAKS
from tests.builders import NOW, refused
from tests.people import Browser, Cast
from tests.simulation.mutants import instead
from tests.visit.walk import Walk, table

HEADER = "Viewer-Address"
MOST = 6  # in place of a hundred
SHUT, WRONG, RIGHT = 409, 422, 200
GUESS, OWN = "Summer2026Clinic", "correct horse battery"


@dataclass
class Book:
    """A pool that knows one password of everybody, and keeps who was tried."""

    asked: list[str] = field(default_factory=list)
    down: bool = False

    def begin(self, id: str, password: str) -> Asks:
        self.asked.append(id)
        if self.down:
            raise Busy
        if password != OWN:
            raise Refusal("This name and password do not belong together.", field="secret")
        return Asks(step=Step.CODE, session="so far")

    def code(self, id: str, session: str, code: str) -> None:
        raise Refusal("That code is not right. Wait for the next one and enter it.", field="code")


def opened() -> Book:
    book = Book()
    identity.instead(lambda: book)  # type: ignore[arg-type, return-value]  # as much of a pool as a first form needs
    return book


def tried(browser: Browser, name: str, password: str = GUESS, **headers: str) -> int:
    return browser.machine("POST", "/en/staff", {"id": name, "secret": password}, **headers).status


def one_password_on_every_name(cast: Cast) -> None:
    """A name that nobody has is a name like any other. Who is shut out asks nothing of Cognito and writes nothing."""
    book = opened()
    with instead(staff, "NETWORK_TRIES_MAX", MOST):
        got = [tried(Browser(cast.house), f"user{n}") for n in range(MOST + 3)]
        kept = len(table())
        assert got == [WRONG] * MOST + [SHUT] * 3
        assert tried(Browser(cast.house), "somebody else", OWN) == SHUT, "nor is it told that this one was right"
        assert len(book.asked) == MOST
        assert len(table()) == kept
        cast.clock.forward(minutes=16)
        assert tried(Browser(cast.house), "user0") == WRONG


def what_was_right_forgives_nothing(cast: Cast) -> None:
    """Whoever works here, and goes in between the guesses, has as few of them."""
    opened()
    with instead(staff, "NETWORK_TRIES_MAX", MOST):
        for n in range(MOST):
            assert tried(Browser(cast.house), f"user{n}") == WRONG
            if n < MOST - 1:
                assert tried(Browser(cast.house), f"ada{n}", OWN) == RIGHT
        assert tried(Browser(cast.house), "one more") == SHUT


def a_code_is_a_try_too(cast: Cast) -> None:
    opened()
    with instead(staff, "NETWORK_TRIES_MAX", MOST):
        for n in range(MOST):
            said = {"id": f"user{n}", "session": "so far", "code": "123456"}
            assert Browser(cast.house).machine("POST", "/en/staff/code", said).status == WRONG
        assert tried(Browser(cast.house), "ada") == SHUT


def a_hospital_comes_in_the_morning(cast: Cast) -> None:
    """All by one address, each with the right password; also while Cognito does not answer."""
    book = opened()
    with instead(staff, "NETWORK_TRIES_MAX", MOST):
        for n in range(MOST + 2):
            assert tried(Browser(cast.house), f"nurse{n}", OWN) == RIGHT
        book.down = True
        for n in range(MOST + 2):
            assert tried(Browser(cast.house), f"nurse{n}", OWN) == Busy.status
        book.down = False
        assert tried(Browser(cast.house), "nurse0", OWN) == RIGHT


def who_was_here_before_is_not_shut_out(cast: Cast) -> None:
    """A guest on the hospital's own network uses up its tries. The phone of a doctor goes on, by that one name."""
    opened()
    mine = Browser(cast.house)
    mine.cookies["known"] = f"ada~{names.known_mark('ada', 'N' * 22)}"
    with instead(staff, "NETWORK_TRIES_MAX", MOST):
        for n in range(MOST):
            tried(Browser(cast.house), f"user{n}")
        assert tried(mine, "ada", OWN) == RIGHT
        assert tried(mine, "bo", OWN) == SHUT


def one_customer_is_one_network(cast: Cast) -> None:
    """Of IPv6 a /48, which is as many homes as there are ports."""
    opened()
    with pytest.MonkeyPatch.context() as env, instead(staff, "NETWORK_TRIES_MAX", MOST):
        env.setenv("ADDRESS_HEADER", HEADER)
        got = [tried(Browser(cast.house), f"u{n}", viewer_address=f"2001:db8:1:{n:x}::1") for n in range(MOST + 1)]
        assert got == [WRONG] * MOST + [SHUT]
        assert tried(Browser(cast.house), "u", viewer_address="2001:db8:2::1") == WRONG
    assert CUSTOMER <= 48


Check = Callable[[Cast], None]
CHECKS: list[Check] = [
    one_password_on_every_name,
    what_was_right_forgives_nothing,
    a_code_is_a_try_too,
    a_hospital_comes_in_the_morning,
    who_was_here_before_is_not_shut_out,
    one_customer_is_one_network,
]
BROKEN: dict[str, Check] = {
    "a27 all names together are not counted": one_password_on_every_name,
    "a27 a network is counted after the name": one_password_on_every_name,
    "a27 what was right forgives all": what_was_right_forgives_nothing,
    "a27 what was right is counted": a_hospital_comes_in_the_morning,
    "a27 a browser that was here before is a stranger": who_was_here_before_is_not_shut_out,
    "a27 every address is a network": one_customer_is_one_network,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_spraying(cast: Cast, check: Check) -> None:
    check(cast)


def test_every_break_is_tried() -> None:
    assert set(BROKEN) == {name for name in BREAKS if name.startswith("a27")}


@pytest.mark.parametrize("name", BROKEN)
def test_a_break_is_noticed(cast: Cast, name: str) -> None:
    with BREAKS[name](), pytest.raises(AssertionError):
        BROKEN[name](cast)


def test_a_hundred_in_a_quarter_of_an_hour(walk: Walk) -> None:
    for _ in range(staff.NETWORK_TRIES_MAX):
        staff.count_any("net", NOW)
    with refused("Too many wrong tries"):
        staff.count_any("net", NOW)
    staff.uncount_any("net", NOW)
    staff.count_any("net", NOW)
    staff.count_any("another", NOW)
    staff.count_any("net", NOW + staff.TRIES_WITHIN)
    for _ in range(3):
        staff.uncount_any("net", NOW + staff.TRIES_WITHIN)
    for _ in range(staff.NETWORK_TRIES_MAX):
        staff.count_any("net", NOW + staff.TRIES_WITHIN)
    with refused("Too many wrong tries"):
        staff.count_any("net", NOW + staff.TRIES_WITHIN)  # nothing is forgiven ahead
