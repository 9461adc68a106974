"""Everybody of the story at the doors of an empty clinic, in this process, with a clock that tests move."""

import pytest

from tests.people import Cast, Clock, InProcess


@pytest.fixture
def cast(clinic_on_moto: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    from app import app
    from chalicelib.doors import manners

    clock = Clock()
    monkeypatch.setattr(manners, "clock", clock)
    return Cast(InProcess(app), clock)
