"""Packs: no override permits what its floor forbids, and a permission leaves nothing behind when it ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rooms import kit as kits
from chalicelib.rooms import packs
from chalicelib.rooms.kit import BadKit
from chalicelib.rooms.packs import (
    DATED,
    DEMO,
    FLOOR,
    NEVER,
    PACKS,
    STRICT,
    STRICTER,
    TIGHTER,
    BadRules,
    Policy,
    looser,
    rules,
)
from tests.builders import NOW
from tests.rooms.test_kit import kit

VALUES = {bool: st.booleans(), int: st.integers(-1, 400), str: st.sampled_from([*STRICTER, "sometimes"])}
SETTINGS = {name: VALUES[type(getattr(FLOOR, name))] for name in TIGHTER}
OVERRIDES = st.fixed_dictionaries({}, optional=SETTINGS)
DATES = {"from": "2030-01-01T00:00:00+00:00", "to": "2030-01-31T23:59:59+00:00"}
FOR_EVER = {**DATES, "to": "9999-12-31T23:59:59+00:00"}
WHY = {"reason": "An epidemic.", "source": "Notice 240", "departments": ["general"]}


def never_looser(policy: Policy, than: Policy) -> bool:
    return not any(looser(name, getattr(policy, name), getattr(than, name)) for name in TIGHTER)


def test_every_setting_has_a_direction() -> None:
    assert {"version", "care", *TIGHTER} == set(Policy.__dataclass_fields__)
    assert set(TIGHTER) >= DATED


def test_only_the_pack_for_showing_is_below_the_floor_and_no_kit_says_it_is_for_care() -> None:
    assert [name for name, policy in PACKS.items() if not policy.care] == [DEMO]
    with pytest.raises(BadRules, match=r"rules\.care: not a rule"):
        rules(DEMO, {"care": True})


@pytest.mark.parametrize("name", sorted(set(PACKS) - {DEMO}))
def test_no_pack_of_care_goes_below_the_floor(name: str) -> None:
    assert never_looser(PACKS[name], FLOOR)


@pytest.mark.parametrize("name", PACKS)
def test_strict_is_the_strictest(name: str) -> None:
    assert never_looser(STRICT, PACKS[name])


@given(name=st.sampled_from(sorted(PACKS)), said=OVERRIDES)
def test_no_override_permits_what_its_floor_forbids(name: str, said: dict[str, Any]) -> None:
    try:
        found = rules(name, said)
    except BadRules:
        return
    assert never_looser(found.policy, PACKS[name])
    assert name == DEMO or never_looser(found.policy, FLOOR)
    assert {setting: getattr(found.policy, setting) for setting in said} == said


@given(
    name=st.sampled_from(sorted(PACKS)),
    what=st.sampled_from(sorted(DATED)),
    begins=st.integers(0, 7000),
    days=st.integers(1, 400),
    said=OVERRIDES,
)
def test_one_second_after_its_end_a_permission_is_as_if_it_never_was(
    name: str, what: str, begins: int, days: int, said: dict[str, Any]
) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=begins)
    end = start + timedelta(days=days)
    dated = {"what": what, "from": start.isoformat(), "to": end.isoformat(), **WHY}
    try:
        without, found = rules(name, said), rules(name, {**said, "permissions": [dated]})
    except BadRules:
        return
    for moment in (start - timedelta(seconds=1), end + timedelta(seconds=1)):
        assert replace(found.at(moment, "general"), version="") == replace(without.at(moment, "general"), version="")
    within = found.at(end, "general")
    assert getattr(within, what) == getattr(FLOOR, what)
    assert never_looser(within, PACKS[DEMO] if name == DEMO else FLOOR)
    assert replace(found.at(end, "children"), version="") == replace(without.at(end, "children"), version="")


@pytest.mark.parametrize("what", sorted(set(TIGHTER) - DATED))
def test_no_date_permits_what_a_floor_forbids(what: str) -> None:
    with pytest.raises(BadRules, match="is a floor"):
        rules("strict", {"permissions": [{"what": what, **DATES, **WHY}]})


@pytest.mark.parametrize("missing", ["from", "to", "reason", "source", "departments"])
def test_a_permission_without_dates_places_reason_or_source_is_none(missing: str) -> None:
    said: dict[str, Any] = {"what": "follow_up_only", **DATES, **WHY}
    with pytest.raises(BadRules):
        rules("strict", {"permissions": [{name: value for name, value in said.items() if name != missing}]})


def test_a_permission_that_never_ends_or_has_no_zone_is_refused() -> None:
    for dates in ({"from": DATES["to"], "to": DATES["from"]}, {**DATES, "to": "2030-01-31T23:59:59"}, FOR_EVER):
        with pytest.raises(BadRules):
            rules("strict", {"permissions": [{"what": "follow_up_only", **WHY, **dates}]})


def test_the_version_names_what_the_hospital_changed() -> None:
    assert rules("strict").policy.version == "strict-1"
    tighter = rules("strict", {"valid_hours": 12}).policy.version
    assert tighter.startswith("strict-1+")
    assert tighter != rules("strict", {"valid_hours": 6}).policy.version
    assert tighter == rules("strict", {"valid_hours": 12}).policy.version


def test_a_kit_that_loosens_is_refused_and_one_that_tightens_is_in_force() -> None:
    with pytest.raises(BadKit, match="only be tightened"):
        kits.clinic(kit(policy="strict", rules={"valid_hours": 48}))
    with pytest.raises(BadKit, match="one of"):
        kits.clinic(kit(policy="lax"))
    with pytest.raises(BadKit, match="guardian_age: at least 18"):
        kits.clinic(kit(policy="strict", guardian_age=16))
    clinic = kits.clinic(kit(policy="strict", rules={"valid_hours": 12}))
    assert clinic.rules.at(NOW).valid_hours == 12
    assert clinic.policy == clinic.rules.policy.version


@given(st.text(max_size=20))
def test_a_schedule_we_do_not_know_is_never_prescribed(schedule: str) -> None:
    if schedule not in (packs.ORDINARY, packs.ONLY_AGAIN):
        assert all(packs.online(policy, schedule) == NEVER for policy in PACKS.values())


@pytest.mark.parametrize("schedule", packs.BANNED)
def test_r13_what_is_banned_online_is_banned_in_every_pack(schedule: str) -> None:
    assert all(packs.online(policy, schedule) == NEVER for policy in (*PACKS.values(), FLOOR))
