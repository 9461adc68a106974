"""A11: somebody writes a script instead of a symptom. No page runs it, even where the content policy would not help."""

import itertools
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from tests.attacks.breaks import gets_through
from tests.attacks.words import everything_read, said_everywhere
from tests.people import Answer, Cast

# Each leaves another place of a page: text, attribute, title, textarea, option, comment, style, link, template.
SCRIPTS = (
    "<script>hit=1</script>",
    '"><img src=x onerror=hit=1>',
    "'><svg/onload=hit=1>",
    "</title></textarea></select><script>hit=1</script>",
    "--><iframe srcdoc='<script>parent.hit=1</script>'>",
    '" autofocus onfocus=hit=1 x="',
    "</style><body onpageshow=hit=1>",
    "<a href=javascript:hit=1>x</a>",
    "&lt;script&gt;hit=1&lt;/script&gt;",
    "{{ 7*191 }}{% raw %}%(x)s${hit=1}",
    "\u2028<math><mi xlink:href='data:x,<script>hit=1</script>'>",
)
FIELDS_MAX = 60  # the shortest box of words
OURS = {"script", "link", "a", "form", "img", "button", "input", "base"}


class Alive(HTMLParser):
    """What of a page could run: scripts without a file of ours, handlers, addresses that are programs."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: (value or "").strip().lower() for name, value in attrs}
        self.found += [f"{tag} {name}" for name in said if name.startswith("on") or name in ("srcdoc", "style")]
        self.found += [f"{tag} {value}" for value in said.values() if value.startswith(("javascript:", "data:"))]
        if tag in ("iframe", "object", "embed", "math", "base", "meta") and said.get("http-equiv"):
            self.found.append(tag)
        if tag in ("iframe", "object", "embed", "math", "base"):
            self.found.append(tag)
        if tag == "script" and not said.get("src", "").startswith("/s/"):
            self.found.append("script of a stranger")
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside == "script" and data.strip():
            self.found.append("script written into the page")


def pages(cast: Cast, first: int) -> Iterator[Answer]:
    """Everything that people see after each box was given a script, beginning with the `first` of the list."""
    assert max(map(len, SCRIPTS)) <= FIELDS_MAX
    turn = itertools.cycle((*SCRIPTS[first:], *SCRIPTS[:first]))
    said_everywhere(cast, lambda field: next(turn))
    for _, got in everything_read(cast):
        if got.header("Content-Type").startswith("text/html"):
            yield got


def no_page_runs_what_was_typed(cast: Cast, first: int = 0) -> None:
    shown = set()
    for got in pages(cast, first):
        shown |= {script for script in SCRIPTS if " ".join(script.split()) in got.words}
        assert Alive(got.body).found == [], got.path
        assert "1337" not in got.body, f"{got.path} worked out what a person typed"
    assert len(shown) >= len(SCRIPTS) - 1, "people read it as it was typed"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, len(SCRIPTS), 6))
def test_no_page_runs_what_was_typed(cast: Cast, first: int) -> None:
    no_page_runs_what_was_typed(cast, first)


def test_without_escaping_it_would_run(cast: Cast) -> None:
    gets_through(lambda: no_page_runs_what_was_typed(cast), "a11 pages say what was typed as it was typed")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, len(SCRIPTS), 6))
def test_a_browser_that_knows_no_content_policy_runs_nothing(cast: Cast, first: int) -> None:
    """The pages as files, without their headers: nothing but the escaping stands between."""
    from tests.browser.phones import chromium

    bodies = {got.body for got in pages(cast, first)}
    assert len(bodies) > 20
    with chromium() as browser:
        page = browser.new_context(offline=True).new_page()
        page.set_content('<body><img src=x onerror="window.hit=1">')
        page.wait_for_timeout(200)
        assert page.evaluate("window.hit") == 1, "this browser would run it"
        for body in bodies:
            page.goto("about:blank")
            page.set_content(body)
            assert page.evaluate("window.hit") is None
