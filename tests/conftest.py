"""What every test starts from: this machine only, and an empty clinic on the engine it asks for."""

from collections.abc import Iterator

import pytest

from infra.local import engine

engine.keep_local()  # before anything imports chalicelib: its client is made once, from these settings

from tests import engines  # noqa: E402


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make check` runs on any machine: what needs dynoxide is marked by needing it, so nobody has to remember."""
    for item in items:
        if "dynoxide" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.engine)
