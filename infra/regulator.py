"""`python -m infra.regulator`: the consultations of one day for a regulator, as JSON Lines. Rule R24; off by default.

    python -m infra.regulator --by pria --day 2026-11-24              on the screen
    python -m infra.regulator --by pria --day 2026-11-24 day.jsonl    into a file that is not there yet

It tells what `[regulator]` in the kit lists, and that list can hold nothing but `packs.TOLD`: no name, no number, no
word that anybody typed, no ticket, no time of day. A line is a visit that a doctor had and that is over, on the day it
was last taken; who gave up before a doctor came is in none. What a patient has had closed is left out and counted.
`--by` is an active privacy officer: before anything is told, the audit has a line of it with the day, the number of
lines and the first half of their SHA-256. The same day gives the same bytes while nothing about it has changed.
Reads by the index of who took whom and never the whole table, which is TABLE in the region of AWS_REGION.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from chalicelib.clinic import CLINIC
from chalicelib.refusal import Refusal
from chalicelib.rooms.packs import TOLD
from chalicelib.rooms.permission import Entry, Role
from chalicelib.rooms.prescription import Prescription, State
from chalicelib.rooms.queue import ACTIVE, Visit
from chalicelib.rooms.rules import Clinic
from chalicelib.store import records

OWNER_ONLY = 0o600
VISITS_MAX = 5000  # of one doctor in one day; more are refused and not cut off
BANDS = (0, 1, 6, 18, 45, 65)  # ages at which a band begins; the last has no end


@dataclass(frozen=True, slots=True)
class One:
    """What there is of one visit: the visit, its newest prescription, the licence of whoever ended it."""

    visit: Visit
    prescription: Prescription | None
    licence: str


@dataclass(frozen=True, slots=True)
class Told:
    """The lines, and how many visits are not among them."""

    lines: tuple[str, ...]
    closed: int
    going_on: int

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def age_band(age: int) -> str:
    """Like 18-44; a birthday tells nobody who it is."""
    at = max(n for n, first in enumerate(BANDS) if age >= first)
    return f"{BANDS[at]}+" if BANDS[at] == BANDS[-1] else f"{BANDS[at]}-{BANDS[at + 1] - 1}"


_FIELDS: dict[str, Callable[[One], object]] = {
    "department": lambda one: one.visit.id.department,
    "end": lambda one: one.visit.outcome or one.visit.state.value,
    "follow_up": lambda one: one.visit.answers.follow_up,
    "age_band": lambda one: age_band(one.visit.answers.age),
    "licence": lambda one: one.licence,
    "prescription": lambda one: one.prescription is not None,
    "medicines": lambda one: sorted(line.medicine for line in one.prescription.lines) if one.prescription else [],
    "given_out": lambda one: one.prescription is not None and one.prescription.state is State.DISPENSED,
    "policy": lambda one: one.visit.policy,
}


def tell(day: date, by: str, *, request: str, now: datetime, clinic: Clinic = CLINIC, most: int = VISITS_MAX) -> Told:
    """The day as the kit says. Raises Refusal, having read no visit, where it says nothing or somebody may not."""
    if not clinic.regulator.on:
        raise Refusal("This clinic tells its regulator nothing: [regulator] on = true in its kit would change that.")
    member = records.member(by)
    if member.role is not Role.PRIVACY_OFFICER or not member.active:
        raise Refusal("Only a privacy officer who works here tells the regulator.")
    if day >= now.astimezone(ZoneInfo(clinic.timezone)).date():
        raise Refusal("That day is not over yet.")
    members = records.members()  # whoever was a doctor then may be something else by now
    visits = _taken_on(day, [one.id for one in members], clinic, most)
    licences = {one.id: one.licence for one in members}
    over = [visit for visit in visits if visit.state not in ACTIVE]
    fields = [name for name in TOLD if name in clinic.regulator.fields]
    lines = tuple(sorted(_line(_one(visit, licences), day, fields) for visit in over if visit.restricted is None))
    told = Told(lines, closed=sum(v.restricted is not None for v in over), going_on=len(visits) - len(over))
    digest = hashlib.sha256(told.text.encode()).hexdigest()[:32]
    answer = f"{day.isoformat()} {len(lines)} {digest}"
    line = Entry(
        about=f"U#{by}",
        request=request,
        actor=member.actor,
        deed="tell_regulator",
        at=now,
        policy=clinic.policy,
        answer=answer,
    )
    records.looked(line)
    return told


def _taken_on(day: date, people: list[str], clinic: Clinic, most: int) -> list[Visit]:
    """Each visit once, also one that two doctors took, on the day of its last call. Raises Refusal for too many."""
    found: dict[str, Visit] = {}
    for id in people:
        visits, whole = records.taken_on(id, day.isoformat(), most)
        if not whole:
            raise Refusal(f"One doctor took more than {most} patients on that day: that is not told in part.")
        found |= {str(visit.id): visit for visit in visits}
    zone = ZoneInfo(clinic.timezone)
    return [v for v in found.values() if v.calls and v.calls[-1].at.astimezone(zone).date() == day]


def _one(visit: Visit, licences: dict[str, str]) -> One:
    prescribed = records.newest_prescription(visit.id) if visit.prescribed else None
    return One(visit, prescribed, licences.get(visit.calls[-1].doctor, ""))


def _line(one: One, day: date, fields: list[str]) -> str:
    said = {name: day.isoformat() if name == "day" else _FIELDS[name](one) for name in fields}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def main(argv: list[str] | None = None, clinic: Clinic = CLINIC) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.regulator", description=__doc__.split("\n")[0])
    parser.add_argument("--by", required=True, help="the sign-in name of the privacy officer who answers for it")
    parser.add_argument("--day", type=date.fromisoformat, required=True, help="2026-11-24, on the clinic's calendar")
    parser.add_argument("file", type=Path, nargs="?", help="a file that is not there yet; else the screen")
    wishes = parser.parse_args(argv)
    now = datetime.now(UTC)
    try:  # the file first: what was told and could not be kept would stand in the audit for nothing
        kept = os.open(wishes.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY) if wishes.file else None
    except OSError as why:
        print(f"The file cannot be made: {why.strerror}. Nothing was read.", file=sys.stderr)
        return 1
    try:
        told = tell(wishes.day, wishes.by, request=f"regulator:{wishes.by}:{now.isoformat()}", now=now, clinic=clinic)
    except BaseException as no:
        if kept is not None:
            os.close(kept)
            wishes.file.unlink()
        if not isinstance(no, Refusal):
            raise
        print(no.message, file=sys.stderr)
        return 1
    if kept is None:
        sys.stdout.write(told.text)
    else:
        with os.fdopen(kept, "w", encoding="utf-8") as out:
            out.write(told.text)
    print(
        f"{len(told.lines)} visits told, {told.closed} left out that patients have had closed, "
        f"{told.going_on} left out that go on.",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
