"""R2: where the rules ask for years of practice on their own, a doctor with fewer takes nobody."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from chalicelib.clinic import CLINIC
from chalicelib.doors import manners
from chalicelib.refusal import NotAllowed
from chalicelib.rooms import packs, permission
from chalicelib.rooms.permission import TAKES, Actor, Role
from tests.builders import ADA
from tests.people import Cast
from tests.simulation.mutants import instead

BEGAN = date(2026, 2, 28)
LEAP = date(2024, 2, 29)


def since(day: date | None, **changes: Any) -> Actor:
    return replace(ADA, practising_since=day, **changes)


@pytest.mark.parametrize("deed", sorted(TAKES))
def test_r02_who_has_practised_for_too_short_a_time_takes_nobody(deed: str) -> None:
    for began, today, enough in (
        (BEGAN, date(2029, 2, 27), False),
        (BEGAN, date(2029, 2, 28), True),
        (LEAP, date(2027, 2, 28), False),
        (LEAP, date(2027, 3, 1), True),
        (None, date(2029, 2, 28), False),
        (date(2062, 1, 1), date(2029, 2, 28), False),
    ):
        if enough:
            permission.takes(since(began), deed, today, 3)
        else:
            with pytest.raises(NotAllowed):
                permission.takes(since(began), deed, today, 3)


def test_r02_the_refusal_says_how_many_years_are_asked_for() -> None:
    with pytest.raises(NotAllowed) as caught:
        permission.takes(since(BEGAN), "take_next", date(2027, 1, 1), 3)
    assert caught.value.facts == {"years": 3, "day": "2026-02-28"}


def test_r02_where_nothing_is_asked_for_nobody_has_to_say_it() -> None:
    permission.takes(since(None), "take_next", BEGAN, 0)
    permission.takes(since(None, role=Role.PHARMACIST, title="", licence=""), "take_next", BEGAN, 3)
    for deed in ("sign", "hand_back", "say"):  # whoever has a patient goes on with them
        permission.takes(since(None), deed, BEGAN, 3)


def test_r02_the_packs_that_ask_for_it() -> None:
    assert {name for name, pack in packs.PACKS.items() if pack.practice_years} == {"cn-2022", "strict"}
    assert packs.PACKS["cn-2022"].practice_years == 3
    assert packs.rules("gb-2025", {"practice_years": 5}).policy.practice_years == 5
    with pytest.raises(packs.BadRules, match="only be tightened"):
        packs.rules("cn-2022", {"practice_years": 2})


def test_r02_a_doctor_is_told_at_the_door(cast: Cast) -> None:
    """With the day of the clinic's own clock, and the rules of its kit."""
    strict = replace(CLINIC, rules=packs.rules("strict"))
    with instead(manners, "CLINIC", strict):
        got = cast.ada.post("/en/doctor/duty", departments="general", capacity="2")
        assert got.status == 403
        assert "Since when you practise" in got.words
        cast.max.get("/en/people/ada")
        cast.max.fill("/people/ada", practising_since="2023-11-23")
        assert cast.ada.post("/en/doctor/duty", departments="general", capacity="2").status == 200
        cast.max.get("/en/people/ada")
        cast.max.fill("/people/ada", practising_since="2023-11-24")
        got = cast.ada.post("/en/doctor/next")
        assert (got.status, "3 years of practice" in got.words) == (403, True)
