"""A code that the provider could not send: it is said so each time, and whoever asks again need not wait."""

from typing import Any

import pytest

from chalicelib.outside import sms
from chalicelib.rooms.notice import Outcome
from chalicelib.visit import proving
from chalicelib.visit.errand import Errand
from tests.doors.test_number import BORN, code
from tests.people import Cast
from tests.simulation.mutants import instead

FAILED = "We could not send the text message."
PATH = "/en/number"


def asks(cast: Cast, request: str, path: str = PATH, **more: str) -> Any:
    cast.ann.get(path)
    return cast.ann.fill(path, phone="138 0000 1234", request=request, **more)


def a_failed_text_is_told_each_time(cast: Cast) -> None:
    """The same request again, as by a reload: nothing was sent in between, and nothing is said to be."""
    cast.ann.get("/en/ask/flags")
    cast.ann.fill(flags="none")  # a phone that has been here before
    sent: list[str] = []
    for outcome in (Outcome.LATER, Outcome.NEVER):
        with instead(sms.DRIVERS, "local", lambda to, text, outcome=outcome: sent.append(to) or outcome):
            for _ in range(2):
                got = asks(cast, outcome.name[0] * 22)
                assert got.status == 422
                assert FAILED in got.words
                assert got.page.forms[0].fields["phone"] == ["138 0000 1234"]
    assert len(sent) == 2
    assert cast.ann.ask("GET", "/en/number/code").header("location") == PATH, "no code is on its way"


def test_a_failed_text_is_told_each_time(cast: Cast) -> None:
    a_failed_text_is_told_each_time(cast)


def test_if_it_were_not_kept_it_would_be_said_to_be_sent(cast: Cast) -> None:
    def forgets(errand: Errand, asked: Any) -> Any:
        return proving.replace(asked, unsent=True)

    with instead(proving, "not_sent", forgets), pytest.raises(AssertionError):
        a_failed_text_is_told_each_time(cast)


def test_whoever_asks_again_need_not_wait_a_minute(cast: Cast) -> None:
    with instead(sms.DRIVERS, "local", lambda to, text: Outcome.LATER):
        cast.ann.get("/en/ask/flags")
        cast.ann.fill(flags="none")
        assert asks(cast, "a" * 22).status == 422
    assert "Enter the code" in asks(cast, "b" * 22).words
    assert cast.ann.fill("/number/again").status == 409, "that one is on its way"
    cast.ann.get("/en/number/code")
    assert "Your number and your people" in cast.ann.fill("/number/code", code=code()).words


def test_who_looks_for_a_ticket_is_led_back_there(cast: Cast) -> None:
    with instead(sms.DRIVERS, "local", lambda to, text: Outcome.NEVER):
        cast.ann.get("/en/ask/flags")
        cast.ann.fill(flags="none")
        assert FAILED in asks(cast, "c" * 22, "/en/find", born=BORN).words
    assert cast.ann.ask("GET", "/en/number/code").header("location") == "/en/find"


def test_a_text_that_may_have_been_sent_counts_as_sent(cast: Cast) -> None:
    with instead(sms.DRIVERS, "local", lambda to, text: Outcome.NO_ANSWER):
        for _ in range(2):
            assert "Enter the code" in asks(cast, "d" * 22).words
