"""A13, somebody else's counter, script or font on a patient's page: no file names another origin, none would load."""

import re
from pathlib import Path

import pytest

from tests.attacks.breaks import gets_through
from tests.house.test_house import ROOT, tracked
from tests.people import Cast

SENT = (".html", ".js", ".css", ".svg")  # what reaches a browser
OURS = {
    "http://www.w3.org/2000/svg": "the name of a language, which nobody fetches",
}
ORIGIN = re.compile(r"""(?:https?:|wss?:)?//[a-z0-9*][a-z0-9.*-]*\.[a-z]{2,}[^\s"'<>)`]*""", re.IGNORECASE)
EXPECTED = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "img-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}


def strangers(said: str) -> set[str]:
    """The other origins that a file names."""
    return {found for found in ORIGIN.findall(said) if found not in OURS}


def pages() -> list[Path]:
    places = ("chalicelib/pages/", "templates/")
    return [path for path in tracked(*SENT) if str(path.relative_to(ROOT)).startswith(places)]


def test_no_file_that_reaches_a_browser_names_another_origin() -> None:
    assert len(pages()) > 50
    for path in pages():
        assert not strangers(path.read_text("utf-8")), path


@pytest.mark.parametrize(
    "said",
    [
        '<script src="https://www.google-analytics.com/a.js"></script>',
        '<img src="//pixel.example.com/1.gif">',
        "@import url(http://fonts.example.org/x.css)",
        'fetch("https://t.example.net/?v=" + visit)',
        "new WebSocket('wss://live.example.io/x')",
        "var u = '//cdn.example.com/x.js'",
    ],
)
def test_the_scan_sees_one(said: str) -> None:
    assert strangers(said)


def nothing_of_a_stranger_would_load(cast: Cast) -> None:
    visit = cast.ann.join()
    asked = [(cast.ann, one) for one in ("/en", "/zh/waits", "/en/find", f"/en/visits/{visit}", "/xx")]
    asked += [(cast.dee, "/en/desk"), (cast.pria, "/en/openings"), (cast.ada, "/en/doctor"), (cast.eve, "/en/staff")]
    for who, path in asked:
        got = who.ask("GET", path)
        if got.status != 303:
            rules = dict(rule.strip().split(" ", 1) for rule in got.header("Content-Security-Policy").split(";"))
            styles = rules.pop("style-src").split()
            assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/=]+'", style) for style in styles), got.path
            assert {name: value.split() for name, value in rules.items()} == EXPECTED, got.path


def test_nothing_of_a_stranger_would_load(cast: Cast) -> None:
    nothing_of_a_stranger_would_load(cast)


def test_it_would_be_noticed_if_it_did(cast: Cast) -> None:
    gets_through(lambda: nothing_of_a_stranger_would_load(cast), "a13 a counter of visitors may load")
