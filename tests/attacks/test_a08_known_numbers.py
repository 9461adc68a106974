"""A8, finding out who is a patient: a number we know and one we do not are answered alike, and by the same work."""

from tests.people import Answer, Browser, Cast
from tests.visit.weather import watched

KNOWN, UNKNOWN = "138 0000 1234", "139 7777 7777"
DIFFERS = ("set-cookie", "content-length", "date")


def asked(house: object, path: str, **typed: str) -> tuple[object, ...]:
    """Everything that a stranger sees or can measure: the answer, and what was asked of the table on the way."""
    stranger = Browser(house)  # type: ignore[arg-type]  # any house
    stranger.get("/en/number")
    with watched() as seen:
        got = stranger.send(path, {"request": "r" * 22, **typed})
    stranger.at = page = stranger._followed(got)
    wrong = stranger.fill("/number/code", code="not it")
    return _plain(got), tuple(seen.names), page.status, _shown(page), wrong.status, _shown(wrong)


def _plain(got: Answer) -> tuple[object, ...]:
    headers = {name.lower(): value for name, value in got.headers.items() if name.lower() not in DIFFERS}
    cookies = sorted(cookie.partition("=")[0] for cookie in got.cookies)
    return got.status, tuple(sorted(headers.items())), tuple(cookies), got.body


def _shown(at: Answer) -> str:
    """What is read there, but for the digits that the stranger typed."""
    return at.words.replace("1234", "…").replace("7777", "…")


def nobody_can_tell_who_is_a_patient(cast: Cast) -> None:
    cast.ann.join()  # with the known number
    for path, typed in (("/en/number", {"for": ""}), ("/en/find", {"born": "1992-05-06"})):
        known = asked(cast.house, path, phone=KNOWN, **typed)
        unknown = asked(cast.house, path, phone=UNKNOWN, **typed)
        assert known == unknown


def test_nobody_can_tell_who_is_a_patient(cast: Cast) -> None:
    nobody_can_tell_who_is_a_patient(cast)
