"""What a clinic.toml may hold: every key, of which kind, and which may be missing."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.rooms.packs import PACKS

POLICIES = tuple(PACKS)  # the packs of rules there are


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: how to say it, and what Python makes of it."""

    said: str
    type: type


TEXT = Kind('a text, like "…"', str)
NUMBER = Kind("a whole number", int)
YES_NO = Kind("true or false", bool)
LIST = Kind('a list, like ["…"]', list)
TABLE = Kind("a table, like { … = … }", dict)
WORDS = Kind('a text in every language, like { en = "…", zh = "…" }', dict)
HOUR = Kind('a time, like "08:00"', str)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table."""

    kind: Kind
    needed: bool = True


def optional(kind: Kind) -> Key:
    return Key(kind, needed=False)


CLINIC: dict[str, Key] = {
    "name": Key(WORDS),
    "languages": Key(LIST),
    "timezone": Key(TEXT),
    "region": Key(TEXT),
    "emergency_number": Key(TEXT),
    "phone": Key(TEXT),
    "patients_per_hour": Key(NUMBER),
    "alarm_email": Key(TEXT),
    "brand": Key(TEXT),
    "logo": optional(TEXT),
    "policy": optional(TEXT),
    "consent_version": Key(TEXT),
    "fee": Key(WORDS),
    "guardian_age": Key(NUMBER),
    "lanes": optional(NUMBER),
    "lanes_open": optional(NUMBER),
    "prefer_minutes": optional(NUMBER),
    "architecture": optional(TEXT),
    "formulary": Key(TEXT),
    "medicines": optional(LIST),
    "departments": Key(LIST),
    "red_flags": optional(LIST),
    "texts": optional(TABLE),
    "sms": optional(TABLE),
    "codes": optional(TABLE),
    "push": optional(TABLE),
    "staff": optional(TABLE),
    "keep": optional(TABLE),
    "regulator": optional(TABLE),
    "stack": optional(TABLE),
    "rules": optional(TABLE),
}
DEPARTMENT: dict[str, Key] = {
    "id": Key(TEXT),
    "letter": Key(TEXT),
    "name": Key(WORDS),
    "about": Key(WORDS),
    "opens": Key(HOUR),
    "closes": Key(HOUR),
    "ages": optional(TABLE),
    "urgent": optional(TABLE),
    "waiting_max": optional(NUMBER),
    "fee": optional(WORDS),
}
RED_FLAG: dict[str, Key] = {"id": Key(TEXT), "text": Key(WORDS)}
SMS: dict[str, Key] = {
    "provider": Key(TEXT),
    "country": optional(TEXT),
    "others": optional(LIST),
    "desk": optional(TEXT),
    "per_day": optional(NUMBER),
}
CODES: dict[str, Key] = {
    "on": Key(YES_NO),
    "per_phone": optional(NUMBER),
    "per_address": optional(NUMBER),
    "per_clinic": optional(NUMBER),
    "idle_hours": optional(NUMBER),
    "days": optional(NUMBER),
}
STAFF: dict[str, Key] = {"idle_minutes": optional(NUMBER), "proof_minutes": optional(NUMBER)}
KEEP: dict[str, Key] = {name: optional(NUMBER) for name in ("clinical_years", "process_years", "ticket_days")}
REGULATOR: dict[str, Key] = {"on": Key(YES_NO), "fields": optional(LIST)}
PUSH: dict[str, Key] = {"on": Key(YES_NO)}
FROM_TO: dict[str, Key] = {"from": optional(NUMBER), "to": optional(NUMBER)}
URGENT: dict[str, Key] = {"under": optional(NUMBER), "from": optional(NUMBER)}
MEDICINE: dict[str, Key] = {
    "id": Key(TEXT),
    "name": Key(WORDS),
    "strength": Key(TEXT),
    "form": Key(WORDS),
    "ingredients": Key(LIST),
    "interacts": optional(LIST),
    "doses": Key(LIST),
    "days_max": Key(NUMBER),
    "per_day_max": Key(NUMBER),
    "schedule": Key(TEXT),
}


def problems(said: Mapping[str, Any], keys: Mapping[str, Key]) -> Iterable[tuple[str, str]]:
    """Unknown keys, missing keys and values of another kind: (key or "", what is wrong)."""
    for name in said:
        if name not in keys:
            yield name, f"there is no {name!r} here{meant(name, keys)}"
    for name, key in keys.items():
        if name not in said:
            if key.needed:
                yield "", f"{name} is missing: {key.kind.said}"
        elif not isinstance(said[name], key.kind.type) or (key.kind is NUMBER and isinstance(said[name], bool)):
            yield name, f"{name} must be {key.kind.said}"
        elif key.kind is NUMBER and said[name] < 0:
            yield name, f"{name} must not be below 0"


def meant(name: str, known: Iterable[str]) -> str:
    """Did you mean …, or what there is."""
    names = sorted(known)
    if near := difflib.get_close_matches(name, names, n=1, cutoff=0.6):
        return f"; did you mean {near[0]!r}?"
    return f"; there is {', '.join(names[:12])}{', …' if len(names) > 12 else ''}"
