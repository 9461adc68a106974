"""Everybody of the story at the doors of an empty clinic, in this process, with a clock that tests move."""

from tests.doors.conftest import cast

__all__ = ["cast"]
