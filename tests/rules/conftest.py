"""The cast of the doors' tests, in an empty clinic."""

from tests.doors.conftest import cast

__all__ = ["cast"]
