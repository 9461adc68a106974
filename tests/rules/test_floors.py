"""Floors that are not about medicine: a valid licence, one's own name, log-off, a second factor, pages of our own."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from chalicelib.doors.render import POLICY
from chalicelib.refusal import NotAllowed
from chalicelib.rooms.kit import IDLE_MINUTES_MAX, BadKit, clinic
from chalicelib.rooms.permission import NEEDS_LICENCE, Actor, Role, licensed
from chalicelib.rooms.rules import Staff
from infra.kit import ROOT, TEMPLATES, read
from infra.stack import assemble
from tests.rooms.test_kit import kit

ENDS = date(2030, 1, 7)
PAGES = sorted((ROOT / "chalicelib" / "pages").glob("*.html"))


def a_doctor(licence_until: date | None) -> Actor:
    return Actor(role=Role.DOCTOR, id="ada", name="Dr Ada", licence_until=licence_until)


@pytest.mark.parametrize("deed", ["go_on_duty", "take_next", "call_again", "sign", "amend", "revise"])
def test_r01_a_doctor_takes_and_signs_only_with_a_licence_that_is_valid_today(deed: str) -> None:
    licensed(a_doctor(ENDS), deed, ENDS)
    for until, today in ((ENDS, date(2030, 1, 8)), (None, ENDS)):
        with pytest.raises(NotAllowed):
            licensed(a_doctor(until), deed, today)
    assert deed in NEEDS_LICENCE


def test_r25_nobody_stays_signed_in_for_longer_than_the_floor() -> None:
    assert Staff().idle_minutes == 15
    for minutes in (0, IDLE_MINUTES_MAX + 1):
        with pytest.raises(BadKit, match="idle_minutes"):
            clinic(kit(staff={"idle_minutes": minutes}))
    assert IDLE_MINUTES_MAX == 60


def test_r26_staff_sign_in_with_a_second_factor_and_records_lie_under_the_clinics_key() -> None:
    resources = assemble(dict(read(TEMPLATES / "general").said))["Resources"]
    (pool,) = [one for one in resources.values() if one.get("Type") == "AWS::Cognito::UserPool"]
    assert pool["Properties"]["MfaConfiguration"] == "ON"
    tables = [one["Properties"] for one in resources.values() if one.get("Type") == "AWS::DynamoDB::Table"]
    assert tables
    assert all(table["SSESpecification"]["KMSMasterKeyId"] for table in tables)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_r31_every_field_of_a_page_has_words_for_who_cannot_see_it(page: Path) -> None:
    """Pictures say what they are, and the language of the page is said; the browser tests run axe over every page."""
    text = page.read_text(encoding="utf-8")
    assert not [tag for tag in re.findall(r"<img\b[^>]*>", text) if "alt=" not in tag]
    assert not [tag for tag in re.findall(r"<html\b[^>]*>", text) if "lang=" not in tag]
    assert list(unlabelled(text)) == []


FIELDS = re.compile(r"<label\b|</label>|<(?:input|select|textarea)\b(?:\{\{.*?\}\}|\{%.*?%\}|[^>{])*>", re.DOTALL)


def unlabelled(page: str) -> Iterator[str]:
    """Boxes of a template that no label names: neither around it, nor `for` its id, nor a word of its own."""
    around = 0
    for tag in FIELDS.findall(page):
        if tag.startswith(("<label", "</label")):
            around += 1 if tag.startswith("<label") else -1
            continue
        id = re.search(r'\bid="((?:\{\{.*?\}\}|[^"])*)"', tag)
        named = id and f'<label for="{id[1]}"' in page
        unseen = 'type="hidden"' in tag or 'type="submit"' in tag
        if not (around or named or unseen or "aria-label" in tag):
            yield tag


@pytest.mark.parametrize(
    "page",
    [
        '<input name="a">',
        '<label for="b">Why?</label><textarea id="a" name="a">',
        '<label for="{{ name }}">x</label><select id="{{ name if x > 1 else \'b\' }}" name="a">',
        '<label>Why?</label><input type="radio" name="a">',
    ],
)
def test_r31_a_field_without_words_is_noticed(page: str) -> None:
    assert list(unlabelled(page))


def test_r31_many_fields_are_looked_at() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert len([tag for tag in FIELDS.findall(text) if not tag.startswith(("<label", "</label"))]) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_r33_no_page_loads_anything_of_anybody_elses(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"""<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=["'](?:https?:)?//""", text)


def test_r33_a_browser_would_not_load_it_either() -> None:
    allowed = {word for part in POLICY.split(";") for word in part.split()[1:]}
    assert not [word for word in allowed if not re.fullmatch(r"'(?:none|self|sha256-[\w+/=]+)'", word)]
    assert POLICY.startswith("default-src 'none'")
