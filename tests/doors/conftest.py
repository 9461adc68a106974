"""Everybody of the story at the doors of an empty clinic, in this process, with a clock that tests move."""

import pytest

from tests.people import Cast, Clock, InProcess


@pytest.fixture
def cast(clinic_on_moto: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    return gathered(monkeypatch)


@pytest.fixture
def cast_on_dynoxide(clinic_on_dynoxide: str, monkeypatch: pytest.MonkeyPatch) -> Cast:
    """For stories of thousands: a transaction costs moto a copy of its table."""
    return gathered(monkeypatch)


def gathered(monkeypatch: pytest.MonkeyPatch) -> Cast:
    from app import app
    from chalicelib.doors import manners
    from chalicelib.outside import identity

    clock = Clock()
    monkeypatch.setattr(manners, "clock", clock)
    cast = Cast(InProcess(app), clock)
    identity.instead(lambda: cast.porter)  # type: ignore[arg-type, return-value]  # as much of a pool as stories need
    return cast
