"""What browser tests start from: a clinic of their own, and the album of all pages."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import live
from tests.browser.live import Clinic
from tests.browser.stage import Stage
from tests.browser.tour import Tour

NewStage = Callable[..., Stage]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    """A clinic with its staff and nobody in it."""
    with live.clinic() as clinic:
        yield clinic


@pytest.fixture
def new_stage(browser: Browser, clinic: Clinic) -> Iterator[NewStage]:
    """People at that clinic: `new_stage("en", script=False)`. None of their phones may have seen what is forbidden."""
    stages: list[Stage] = []

    def new(language: str = "en", *, script: bool = True) -> Stage:
        stages.append(Stage(browser, clinic, language, script=script))
        return stages[-1]

    yield new
    complaints = [complaint for stage in stages for complaint in stage.complaints()]
    for stage in stages:
        stage.close()
    assert complaints == []


@pytest.fixture(scope="session")
def tour(browser: Browser, told: list[str]) -> Tour:
    """Every scene is played once, when the first test asks for it; what was measured on the way serves all."""
    tour = Tour(browser)
    tour.table = told
    return tour
