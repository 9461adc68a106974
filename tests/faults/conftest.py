"""Fault tests walk through the clinic as the tests of the visit do, on the same engines."""

import pytest

from tests.faults.trial import Trial
from tests.visit.conftest import either, honest, honest_walk, walk
from tests.visit.deeds import Deed
from tests.visit.walk import Walk

__all__ = ["either", "honest", "honest_walk", "walk"]


@pytest.fixture
def trial(honest_walk: Walk, deed: Deed) -> Trial:
    return Trial(honest_walk, deed)
