"""Everybody of the story at the doors of an empty clinic, and a walk by the deeds where many act at once."""

import pytest

from tests.doors.conftest import cast
from tests.visit.walk import Walk

__all__ = ["cast"]


@pytest.fixture
def walk(clinic_on_dynoxide: str) -> Walk:
    return Walk()
