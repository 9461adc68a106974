"""The same tests on both DynamoDBs: what a deed promises does not depend on which one answers.

Making a client is most of the work of a small test, so a file of tests shares one; every test has an empty table.
"""

from collections.abc import Iterator

import pytest

from tests import engines
from tests.visit.walk import Walk, restore

BOTH = ["moto", pytest.param("dynoxide", marks=pytest.mark.engine)]


@pytest.fixture(scope="module", params=BOTH)
def either(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "moto":
        with engines.moto_table():
            yield
    else:
        with engines.dynoxide_table(request.getfixturevalue("dynoxide")):
            yield


@pytest.fixture(scope="module")
def honest(dynoxide: str) -> Iterator[None]:
    with engines.dynoxide_table(dynoxide):
        yield


@pytest.fixture
def walk(either: None) -> Walk:
    """An empty clinic to walk through, on each engine."""
    restore({})
    return Walk()


@pytest.fixture
def honest_walk(honest: None) -> Walk:
    """An empty clinic on the engine that is honest about concurrency and capacity."""
    restore({})
    return Walk()
