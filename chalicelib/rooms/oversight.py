"""Oversight: who opened a record, how often and why, as its patient and the privacy officer are told."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.rooms.permission import STAFF, Entry, Role

TOGETHER = timedelta(hours=1)  # the same person doing the same again within it is told as one
NOT_A_LOOK = frozenset({"alive"})  # the program's own sign that a doctor is still there


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One of the people who work here did one thing with a record, once or `times` times from `first` to `last`."""

    actor: str
    role: Role
    deed: str
    first: datetime
    last: datetime
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Part of what is known of a record, the newest first; `older` is where the rest begins, None if that was all."""

    entries: tuple[Entry, ...] = ()
    older: int | None = None
    names: dict[str, str] = field(default_factory=dict)  # of the people in it who work here, by their id


def openings(entries: Iterable[Entry]) -> list[Opening]:
    """What people who work here did, the newest first. What the patient did, and the clinic by itself, is left out."""
    found: list[Opening] = []
    for entry in sorted(entries, key=lambda one: one.at, reverse=True):
        if entry.actor.role not in STAFF or entry.deed in NOT_A_LOOK:
            continue
        new = Opening(actor=entry.actor.id, role=entry.actor.role, deed=entry.deed, first=entry.at, last=entry.at)
        at = next((i for i, one in enumerate(found) if _together(one, new)), None)
        if at is None:
            found.append(new)
        else:
            found[at] = replace(found[at], first=new.first, times=found[at].times + 1)
    return found


def _together(one: Opening, earlier: Opening) -> bool:
    same = (one.actor, one.role, one.deed) == (earlier.actor, earlier.role, earlier.deed)
    return same and one.first - earlier.last <= TOGETHER
