"""Packs: the rules a clinic obeys, as data; what a hospital may tighten, what it may permit for a time, and no more.

A rule is a fixed floor (F), the hospital's to tighten (C), or permitted only between dates (D). The strictest reading
of the sources in docs/rules.md that a program can test: no pack is a claim of lawfulness anywhere.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

ANY, FOLLOW_UP, NEVER = "any", "follow_up", "never"
STRICTER = (ANY, FOLLOW_UP, NEVER)  # from the loosest to the strictest
ORDINARY, ONLY_AGAIN = "ordinary", "follow_up"  # schedules of medicines that may be prescribed online at all
BANNED = ("narcotic", "psychotropic", "radioactive", "toxic", "vaccine", "blood")  # R13: never online, in any pack
PERMISSIONS_MAX = 20
PERMISSION_TEXT_MAX = 300
PERMISSION_MAX = timedelta(days=366)  # one that never ends is a rule that was switched off


class BadRules(ValueError):
    """The hospital's rules loosen a floor, or say something that we do not know. The message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The values in force. Every one has a direction, in TIGHTER, in which a hospital may move it."""

    version: str
    verified: bool  # R3: a proven person before a prescription
    birth_date: bool  # R4: a birth date, and not the age alone, before a prescription
    guardian_age: int  # R5: below it a guardian is named and there
    follow_up_only: bool  # R6: no prescription on a first visit
    practice_years: int = 0  # R2: of practice on their own, before a doctor takes patients
    exchange: bool = True  # R14: words in both directions before a prescription
    valid_hours: int = 72  # R16: how long a prescription is good
    supply_days: int = 7  # R16: of one medicine
    long_term_days: int = 84  # R16: the same, where the doctor says that the condition is a long-term one
    lines: int = 5  # R16: medicines of one prescription
    ordinary: str = ANY  # R13: medicines of this schedule
    only_again: str = FOLLOW_UP  # R13
    care: bool = True  # False: for showing the clinic, and its pages say so


# Which way a hospital may go: True more (or yes), False less.
TIGHTER = {
    "verified": True,
    "birth_date": True,
    "guardian_age": True,
    "follow_up_only": True,
    "practice_years": True,
    "exchange": True,
    "valid_hours": False,
    "supply_days": False,
    "long_term_days": False,
    "lines": False,
    "ordinary": True,
    "only_again": True,
}
DATED = frozenset({"follow_up_only", "only_again"})  # D: may be loosened between dates, for departments

# What no pack of care, kit or permission goes below.
FLOOR = Policy(
    version="floor",
    verified=True,
    birth_date=True,
    guardian_age=6,
    follow_up_only=False,
    valid_hours=72,
    supply_days=84,
    long_term_days=84,
)
STRICT = Policy(
    version="strict-1",
    verified=True,
    birth_date=True,
    guardian_age=18,
    follow_up_only=True,
    practice_years=3,
    valid_hours=24,
)
LATER = replace(STRICT, follow_up_only=False, practice_years=0, valid_hours=72, supply_days=30)
PACKS: dict[str, Policy] = {
    "strict": STRICT,
    "cn-2022": replace(STRICT, version="cn-2022-1", guardian_age=6, valid_hours=72),
    "in-2020": replace(LATER, version="in-2020-1"),
    "gb-2025": replace(LATER, version="gb-2025-1", guardian_age=16, supply_days=28),
    "us": replace(LATER, version="us-1"),
    "eu": replace(LATER, version="eu-1", guardian_age=16),
}
# For showing the clinic, not for care, and the only one below the floor: nobody has to prove a number. Its pages say
# so, and `./clinic deploy` refuses it unless it is told that the clinic is for showing.
DEMO, DEFAULT = "demo", "strict"
PACKS[DEMO] = replace(
    FLOOR,
    version="demo-1",
    care=False,
    verified=False,
    birth_date=False,
    guardian_age=18,
)


# What a regulator may be told of a visit, and in this order; there is nothing else. R24, `infra.regulator`.
TOLD = (
    "day",
    "department",
    "end",
    "follow_up",
    "age_band",
    "licence",
    "prescription",
    "medicines",
    "given_out",
    "policy",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regulator:
    """What this clinic tells its regulator, one day at a time when asked: nothing, unless the kit says which fields."""

    on: bool = False
    fields: tuple[str, ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Regulator":
        """Raises BadRules for a field that is not on the list, and for a kit that does not say which."""
        on, fields = said.get("on", False), said.get("fields", ())
        if not isinstance(on, bool) or not isinstance(fields, list | tuple) or set(said) - {"on", "fields"}:
            raise BadRules("regulator: on is true or false, fields is a list")
        if unknown := [one for one in fields if one not in TOLD]:
            raise BadRules(f"regulator: {unknown[0]!r} is never told; there is {', '.join(TOLD)}")
        if on and not fields:
            raise BadRules(f"regulator: say which fields; there is {', '.join(TOLD)}")
        return cls(on=on, fields=tuple(fields))


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One thing permitted between two moments, in some departments, with the reason and where it is written."""

    what: str
    since: datetime
    until: datetime
    departments: tuple[str, ...]
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What this clinic obeys: its policy, and what is permitted for a time."""

    policy: Policy
    permissions: tuple[Permission, ...] = field(default=())

    def at(self, now: datetime, department: str = "") -> Policy:
        """The policy in force. A permission ends with its last moment: one second later it is as if it never was."""
        loose = {p.what: getattr(FLOOR, p.what) for p in self.permissions if _covers(p, now, department)}
        return replace(self.policy, **loose) if loose else self.policy


def _covers(permission: Permission, now: datetime, department: str) -> bool:
    return permission.since <= now <= permission.until and department in permission.departments


def rules(name: str, said: Mapping[str, Any] | None = None) -> Rules:
    """The pack of this name, tightened as the kit says; what the kit says marks the version that deeds store.

    Raises BadRules for a value that would loosen anything.
    """
    if name not in PACKS:
        raise BadRules(f"policy {name!r}: one of {', '.join(PACKS)}")
    whole = dict(said or {})
    said = dict(whole)
    permissions = tuple(_permission(one) for one in said.pop("permissions", ()))
    if len(permissions) > PERMISSIONS_MAX:
        raise BadRules(f"rules.permissions: at most {PERMISSIONS_MAX}")
    pack = PACKS[name]
    for setting, value in said.items():
        if setting not in TIGHTER or type(value) is not type(getattr(pack, setting)):
            raise BadRules(f"rules.{setting}: not a rule, or {value!r} is not of its kind")
        if looser(setting, value, getattr(pack, setting)):
            raise BadRules(f"rules.{setting}: may only be tightened, and {name} has {getattr(pack, setting)}")
    changed = json.dumps(whole, sort_keys=True, default=str) if whole else ""
    mark = f"+{hashlib.sha256(changed.encode()).hexdigest()[:8]}" if changed else ""
    return Rules(replace(pack, **said, version=pack.version + mark), permissions)


def looser(setting: str, value: Any, than: Any) -> bool:
    """Whether a value permits anything that the other one forbids."""
    if isinstance(value, str):
        return value not in STRICTER or STRICTER.index(value) < STRICTER.index(than)
    return bool(value < than if TIGHTER[setting] else value > than)


def _permission(said: Mapping[str, Any]) -> Permission:
    """Without dates, departments, a reason and a source there is no permission."""
    try:
        made = Permission(
            what=str(said["what"]),
            since=_moment(said["from"]),
            until=_moment(said["to"]),
            departments=_listed(said["departments"]),
            reason=str(said["reason"]),
            source=str(said["source"]),
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise BadRules(f"rules.permissions: {wrong} is missing or cannot be read") from wrong
    if made.what not in DATED:
        raise BadRules(f"rules.permissions: {made.what} is a floor, and nothing permits what it forbids")
    if not (made.since < made.until and made.departments):
        raise BadRules("rules.permissions: from a moment to a later one, in departments that are named")
    if made.until - made.since > PERMISSION_MAX:
        raise BadRules(f"rules.permissions: at most {PERMISSION_MAX.days} days; say it anew when they are over")
    if not all(0 < len(text.strip()) <= PERMISSION_TEXT_MAX for text in (made.reason, made.source)):
        raise BadRules("rules.permissions: say why, and where it is written")
    return made


def _listed(said: Any) -> tuple[str, ...]:
    if not isinstance(said, list | tuple):
        raise ValueError(f"departments {said!r}: a list")
    return tuple(map(str, said))


def _moment(said: Any) -> datetime:
    if not isinstance(said, str):
        raise ValueError(f"{said}: a moment in quotes")
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is None:
        raise ValueError(f"{said}: a moment with its zone, like 2026-12-31T23:59:59+08:00")
    return moment


def online(policy: Policy, schedule: str) -> str:
    """When a medicine of this schedule may be prescribed online: any, follow_up, never. What we do not know: never."""
    return {ORDINARY: policy.ordinary, ONLY_AGAIN: policy.only_again}.get(schedule, NEVER)
