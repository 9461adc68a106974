"""The pages themselves: every text in every language, labels, light weight, and a script that falls back to forms."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import brotli
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from chalicelib.clinic import CLINIC
from chalicelib.doors import render, words
from tests.people import Answer, Browser, Cast, Patient

HOUSE = Path(render.__file__).parents[1]
TEXTS = HOUSE / "pages" / "texts"
FIRST_LOAD_MAX = 15 * 1024
WORKER_MAX = 2 * 2048  # one half opens the ticket without a line, the other is what a push wakes
REFUSALS = frozenset({"Refusal", "TooLate", "NotAllowed", "NotFound", "SignInFirst", "TooLarge", "NotWhatWeTake"})
LANGUAGES = [language for language in words.LANGUAGES if language != "en"]
TAGS_IN_ENGLISH_TOO = re.compile(r"%\((\w+)\)s")


def said_in_code() -> Iterator[str]:
    """Every sentence of ours that a person may read and that is not in a template."""
    for file in sorted(HOUSE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            said = [k.value for k in node.keywords if k.arg == "missing"]
            said += node.args[:1] if name in REFUSALS or (name == "__init__" and file.stem == "refusal") else []
            yield from (
                a.value for a in said if isinstance(a, ast.Constant) and isinstance(a.value, str) and " " in a.value
            )


def said_on_pages() -> Iterator[str]:
    methods = [("**.html", "jinja2"), ("**.py", "python")]
    for found in extract_from_dir(HOUSE, methods, {"**.html": {"trimmed": "true"}}):
        message = found[2]
        yield message if isinstance(message, str) else message[0]


def catalogue(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(TEXTS.glob(f"{language}.*po")):
        with file.open("rb") as opened:
            for message in read_po(opened, locale=language):
                if message.id:
                    id = message.id if isinstance(message.id, str) else message.id[0]
                    text = message.string if isinstance(message.string, str) else message.string[0]
                    assert not message.fuzzy, id
                    found[id] = text
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_said_in_every_language(language: str) -> None:
    known = catalogue(language)
    missing = {text for text in (*said_in_code(), *said_on_pages()) if text.strip() and not known.get(text)}
    assert not missing, sorted(missing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_every_fact(language: str) -> None:
    for text, translated in catalogue(language).items():
        facts, kept = set(TAGS_IN_ENGLISH_TOO.findall(text)), set(TAGS_IN_ENGLISH_TOO.findall(translated))
        assert kept == facts or (kept < facts and facts - kept <= {"num", "n"}), (text, translated)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_texts_are_there(language: str) -> None:
    assert words.catalogue(language).gettext("Start now") != "Start now", "run `make texts`"


class Form(HTMLParser):
    """What a screen reader needs of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.fields: list[dict[str, str]] = []
        self.labels: set[str] = set()
        self.inside_label = 0
        self.inside_template = False  # not on the page: a script makes another page of it
        self.headings: list[str] = []
        self.html: dict[str, str] = {}
        self.outside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.inside_template = self.inside_template or tag == "template"
        if self.inside_template:
            return
        if tag == "html":
            self.html = said
        if "id" in said:
            self.ids.append(said["id"])
        if tag == "label":
            self.inside_label += 1
            self.labels.add(said.get("for", ""))
        if tag in ("input", "textarea", "select") and said.get("type") not in ("hidden", "submit"):
            self.fields.append({**said, "wrapped": "yes" if self.inside_label else ""})
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        self.outside += [v for n, v in said.items() if n in ("src", "href", "action") and "//" in v]

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self.inside_template = False
        if tag == "label":
            self.inside_label -= 1


def pages(cast: Cast, language: str) -> Iterator[Answer]:
    """The patient's pages that need no doctor, with and without mistakes."""
    eve = Browser(cast.house, language)
    for path in ("", "/emergency", "/find", "/back", "/ask/flags", "/visits/nothing"):
        yield eve.get(f"/{language}{path}")
    ann = Patient(cast.house, cast.ann.answers, language)
    ann.get(ann.url("ask", "flags"))
    yield ann.fill()
    ann.fill(flags="none")
    yield ann.fill()
    yield ann.fill(**{name: ann.answers[name] for name in ("for_whom", "name", "age", "guardian")})
    yield ann.fill()
    yield ann.fill(**{name: ann.answers[name] for name in ("why", "department", "allergies")})
    yield ann.fill()
    yield ann.fill(how_long="days", getting="same")
    yield ann.fill()
    yield ann.fill(phone="12345")
    yield ann.fill()
    got = ann.fill(consent="yes")
    yield got
    yield ann.fill("messages")
    yield ann.get(f"{got.path}/leave")
    yield ann.get(f"/{language}/find")
    yield ann.get(f"{got.path}/leave")
    yield ann.fill("leave")


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_page_can_be_read_aloud(cast: Cast, language: str) -> None:
    for page in pages(cast, language):
        form = Form(page.body)
        assert form.html["lang"].startswith(language)
        assert form.html["dir"] == "ltr"
        assert len(form.ids) == len(set(form.ids)), page.path
        assert form.headings.count("h1") == 1, page.path
        for field in form.fields:
            assert field["wrapped"] or field.get("id") in form.labels, (page.path, field)
        for name in page.page.errors:
            assert any(name == field.get("id") for field in form.fields), "the summary links to the field"
        assert not form.outside, "nothing of another origin"


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_the_first_load_of_every_page_is_light(cast: Cast, language: str) -> None:
    for page in pages(cast, language):
        scripts = [served.body for served in render.SERVED.values() if served.marked in page.body]
        weight = sum(len(brotli.compress(part.encode())) for part in (page.body, *scripts))
        assert weight <= FIRST_LOAD_MAX, (page.path, weight)


def test_another_language_reads_from_right_to_left(cast: Cast) -> None:
    """Arabic without texts of its own: the page turns round, and English stands in for what is missing."""
    frame = render.Frame(language="ar", base="", here="find", secure=False, machine=False, now=cast.clock())
    got = render.respond(render.Page(template="find.html", extras={"tickets": [], "found": None}), frame)
    assert Form(got.body).html == {"lang": "ar", "dir": "rtl"}
    assert words.CALLED["ar"] == "العربية"


@pytest.mark.parametrize(("lanes", "about"), [(1, False), (4, True)])
def test_a_place_among_several_lanes_is_said_as_about(cast: Cast, lanes: int, about: bool) -> None:
    cast.ann.join()
    data = cast.ann.machine("GET", cast.ann.url("visits", cast.ann.visit)).json
    frame = render.Frame(language="en", base="", here="", secure=False, machine=False, now=cast.clock())
    extras = {"already": False, "push_key": "", "clinic": replace(CLINIC, lanes=lanes)}
    got = render.respond(render.Page(template="visit_waiting.html", data=data, extras=extras), frame)
    assert ("Your place, about" in got.body) is ("Your place is now about {place}." in got.body) is about
    assert ("<p>Your place</p>" in got.body) is not about


def test_the_style_knows_no_left_and_right() -> None:
    for sheet in render.STYLES:
        assert not re.search(r"(margin|padding|border)-(left|right)|[;{](left|right):|text-align:(left|right)", sheet)


def test_scripts_are_for_old_phones_too() -> None:
    for name, served in render.SERVED.items():
        if name.endswith(".js"):
            code = re.sub(r"/\*.*?\*/", "", served.body, flags=re.DOTALL)
            assert not re.search(r"=>|\b(const|let|class|async|await)\b|`|\?\.", code), name


def test_a_file_is_kept_for_good_under_the_name_that_carries_its_hash(cast: Cast) -> None:
    for name, served in render.SERVED.items():
        got = cast.eve.ask("GET", f"/s/{served.marked}")
        assert got.status == 200
        assert got.header("Cache-Control") == "public, max-age=31536000, immutable"
        assert cast.eve.ask("GET", f"/s/{name}").status == 404


def test_the_worker_is_small_and_stands_above_every_page_it_serves(cast: Cast) -> None:
    got = cast.eve.ask("GET", "/worker.js")
    assert got.status == 200
    assert got.header("Content-Type") == "text/javascript; charset=utf-8"
    assert got.header("Cache-Control") == "public, max-age=3600", "a mended one is everywhere within the hour"
    assert len(got.body.encode()) <= WORKER_MAX


@pytest.mark.parametrize(
    ("minutes", "en", "zh"),
    [
        (None, "", ""),
        ((1, 1), "about a minute", "约 1 分钟"),
        ((1, 2), "1 to 2 minutes", "1 到 2 分钟"),
        ((25, 55), "25 to 55 minutes", "25 到 55 分钟"),
        ((45, 95), "45 minutes to 2 hours", "45 分钟到 2 小时"),
        ((150, 400), "2 to 7 hours", "2 到 7 小时"),
        ((10, 10), "about 10 minutes", "约 10 分钟"),
    ],
)
def test_a_wait_is_said_as_people_say_it(minutes: tuple[int, int] | None, en: str, zh: str) -> None:
    assert words.minutes(minutes, "en") == en
    assert words.minutes(minutes, "zh") == zh


def test_a_reload_of_what_a_form_was_sent_to_leads_to_its_page(cast: Cast) -> None:
    visit = cast.ann.join()
    for sent_to, page in (
        ("/en/staff/code", "/en/staff"),
        ("/en/doctor/next", "/en/doctor"),
        ("/en/ask/person", "/en"),
        (f"/en/visits/{visit}/more-time", f"/en/visits/{visit}"),
        (f"/zh/visits/{visit}/delivery/cancel", f"/zh/visits/{visit}/delivery"),
    ):
        got = cast.eve.ask("GET", sent_to, accept="text/html")
        assert (sent_to, got.status, got.header("Location")) == (sent_to, 303, page)
        assert cast.eve.ask("GET", sent_to, accept="application/json").status == 405
    away = cast.eve.ask("GET", "/%2Felsewhere.example/staff/code", accept="text/html").header("Location")
    assert not away.startswith(("//", "http"))
    assert cast.ann.get(f"/en/visits/{visit}/more-time").path == f"/en/visits/{visit}"
