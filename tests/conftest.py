"""What every test starts from: this machine only, and an empty clinic on the engine it asks for."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local import engine

engine.keep_local()  # before anything imports chalicelib: its client is made once, from these settings

from tests import engines  # noqa: E402

TOLD = pytest.StashKey[list[str]]()


@pytest.fixture
def clinic_on_moto() -> Iterator[None]:
    """An empty table in this process: quick, forgetful, for one thing at a time."""
    with engines.moto_table():
        yield


@pytest.fixture(scope="session")
def dynoxide() -> Iterator[str]:
    """One DynamoDB process for the whole run."""
    try:
        engine.fetch_dynoxide()
    except engine.NotHere as why:
        # Where it could run it must: a registry with a cold would otherwise make a green run without the hardest tests.
        (pytest.fail if engine.fits_here() else pytest.skip)(str(why))
    with engines.dynoxide() as address:
        yield address


@pytest.fixture
def clinic_on_dynoxide(dynoxide: str) -> Iterator[str]:
    """An empty table on a DynamoDB that is honest about concurrency and capacity; gives its address."""
    with engines.dynoxide_table(dynoxide) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for everybody in this process: there cannot be two."""
    from tests.browser.phones import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def told(pytestconfig: pytest.Config) -> list[str]:
    """Lines to print at the end of the run."""
    return pytestconfig.stash.setdefault(TOLD, [])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make check` runs on any machine: what needs dynoxide is marked by needing it, so nobody has to remember."""
    for item in items:
        if "dynoxide" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its lines over."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["told"] = session.config.stash.get(TOLD, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash.setdefault(TOLD, []).extend(getattr(node, "workeroutput", {}).get("told", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(TOLD, []):
        terminalreporter.section("measured on the way")
        for line in lines:
            terminalreporter.write_line(line)
