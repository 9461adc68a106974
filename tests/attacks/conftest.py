"""Everybody of the story at the doors of an empty clinic, and a walk by the deeds where many act at once."""

import pytest

from tests.doors.conftest import cast, cast_on_dynoxide
from tests.visit.walk import Walk

__all__ = ["cast", "cast_on_dynoxide"]


@pytest.fixture
def walk(clinic_on_dynoxide: str) -> Walk:
    return Walk()
