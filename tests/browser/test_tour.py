"""Every scene in every language; then every page it came past: for everybody, light, quiet and in words.

One file, so that tests run side by side play the tour once.
"""

import re

import pytest

from chalicelib.doors.words import LANGUAGES
from tests.browser.scenes import SCENES
from tests.browser.tour import Scene, Tour

FIRST_LOAD_BYTES_MAX = 15 * 1024
REQUESTS_MAX = 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_people_can(tour: Tour, scene: Scene, language: str) -> None:
    tour.play(scene, language)


@pytest.fixture(scope="module")
def whole_tour(tour: Tour) -> Tour:
    for language in LANGUAGES:
        tour.play_all(SCENES, language)
    return tour


@pytest.mark.parametrize("kind", ["axe", "small targets", "sideways", "words"])
def test_nothing_is_wrong_with(whole_tour: Tour, kind: str) -> None:
    found = whole_tour.album.found(kind)
    assert not found, f"{len(found)} x {kind}:\n" + "\n".join(found)


def test_every_first_load_is_light(whole_tour: Tour) -> None:
    pages = sorted(whole_tour.album.pages.values(), key=lambda seen: seen.bytes, reverse=True)
    whole_tour.table += [
        f"{len(pages)} pages and states. First load in bytes of brotli (and as sent from here), requests:",
        *(f"  {seen.bytes:6} ({seen.raw:6}) {seen.requests}  {seen.name}-{seen.language}" for seen in pages),
    ]
    assert [(seen.name, seen.bytes) for seen in pages if seen.bytes > FIRST_LOAD_BYTES_MAX] == []
    assert [(seen.name, seen.requests) for seen in pages if seen.requests > REQUESTS_MAX] == []


def test_no_page_asks_a_stranger_or_complains(whole_tour: Tour) -> None:
    """No other origin, nothing the content security policy stopped, no script error, nothing in the console, no 5xx."""
    assert whole_tour.complaints == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_was_looked_at(whole_tour: Tour, language: str) -> None:
    from app import app

    pages = {route for route, methods in app.routes.items() if "GET" in methods and "{lang}" in route}
    pages -= {route for route in pages if route.endswith("/messages")}  # JSON for scripts
    seen = {page.route for page in whole_tour.album.pages.values() if page.language == language}
    assert {route for route in pages if not any(_fits(route, one) for one in seen)} == set()


def _fits(route: str, seen: str) -> bool:
    asked = re.escape(route).replace(re.escape("{step}"), "[a-z_]+").replace(re.escape("{member}"), "[a-z-]+")
    return bool(re.fullmatch(asked, seen))
