"""Watching: who opened a record, for its patient; opening one outside one's care; and the second look at that."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.rooms import assignment, glass, oversight, permission
from chalicelib.rooms.glass import Pane, Reason, Verdict
from chalicelib.rooms.oversight import BROKE_GLASS, Practice, Trail
from chalicelib.rooms.queue import Ticket
from chalicelib.rooms.staff import Member
from chalicelib.visit.errand import Errand, about_visit, look, look_at_list, once
from chalicelib.visit.seeing import Dossier

OPENINGS_SHOWN_MAX = 50
PRACTICE_SHOWN_MAX = 30


def who_opened(errand: Errand, *, id: Ticket, before: int | None = None) -> Trail:
    """What was done with the patient's own record, the newest first. Raises NotFound for anybody else."""
    errand.visit(id, "see_opened")
    return errand.records.trail(about_visit(id), before)


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def _broken_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Pane:
    found = errand.records.pane(id, errand.actor.id)
    assert found is not None, "a glass broken before"
    return found


@once(about=_about_visit, again=_broken_again)
def break_glass(errand: Errand, *, id: Ticket, reason: Reason, words: str) -> Pane:
    """Half an hour in which this one record can be read. Whoever says the same again stays in the half hour they have;
    another reason is another opening, for the patient and the second person to read."""
    visit, me = errand.visit(id, "break_glass", ties=glass.behind), errand.actor
    glass.not_closed(visit)
    before = errand.records.pane(id, me.id)
    said = (reason, words.strip())
    if before is not None and glass.is_open(before, errand.now) and (before.reason, before.words) == said:
        return before
    ties = assignment.ties(me, visit)
    pane = glass.broken(me, id, ties, reason=reason, words=words, policy=errand.clinic.policy, now=errand.now)
    counted = glass.counted(me.id, errand.today, errand.now)
    glass.not_too_many(errand.records.count_of(counted))
    errand.records.save(pane, counted, audit=errand.entry(BROKE_GLASS, about_visit(id), answer=pane.reason.value))
    return pane


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderGlass:
    """One visit as it was opened, and until when."""

    dossier: Dossier
    pane: Pane


def read_under_glass(errand: Errand, *, id: Ticket) -> UnderGlass:
    """Everything of this one visit, to read, while the half hour lasts; each look is written down. Raises NotFound."""
    pane = errand.records.pane(id, errand.actor.id)
    permission.whose(errand.actor, "read_under_glass", glass.ties(errand.actor, pane, errand.now))
    assert pane is not None
    file = errand.records.file(id)
    glass.not_closed(file.visit)
    look(errand, id, "read_under_glass")
    dossier = Dossier(
        visit=file.visit,
        messages=file.messages,
        note=file.notes[-1] if file.notes else None,
        notes=file.notes,
        prescription=file.prescriptions[-1] if file.prescriptions else None,
        order=file.orders[-1] if file.orders else None,
        history=[],
    )
    return UnderGlass(dossier=dossier, pane=pane)


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """What waits for a second look, the oldest first, and what was looked at, the newest first."""

    to_review: list[Pane]
    reviewed: list[Pane]
    more: int  # that wait and are not shown
    names: dict[str, str]  # of everybody in them, by their id


def see_openings(errand: Errand) -> Openings:
    """For the privacy officer. It says which records were opened, so the look is written down."""
    look_at_list(errand)
    waiting = errand.records.panes(reviewed=False)
    shown, done = waiting[:OPENINGS_SHOWN_MAX], errand.records.panes(reviewed=True)[:OPENINGS_SHOWN_MAX]
    people = {id for pane in (*shown, *done) for id in (pane.by, pane.reviewer) if id}
    return Openings(
        to_review=shown,
        reviewed=done,
        more=len(waiting) - len(shown),
        names=errand.records.staff_names(sorted(people)),
    )


def _reviewed_again(errand: Errand, answer: str, *, id: Ticket, by: str, at: datetime, **_: object) -> Pane:
    return errand.records.pane_at(id, by, at)


@once(about=_about_visit, again=_reviewed_again)
def review_opening(errand: Errand, *, id: Ticket, by: str, at: datetime, verdict: Verdict, remark: str) -> Pane:
    """A second person says whether it was in order. Raises NotFound, and NotAllowed for whoever did it."""
    pane = errand.records.pane_at(id, by, at)
    permission.whose(errand.actor, "review_opening", glass.opened(pane))
    pane = glass.reviewed(pane, by=errand.actor, verdict=verdict, remark=remark, now=errand.now)
    errand.records.save(pane, audit=errand.entry("review_opening", about_visit(id), answer=verdict.value))
    return pane


def see_practice(errand: Errand, *, day: date, first: int = 0) -> tuple[list[tuple[Member, Practice]], int | None]:
    """How doctors worked on a day, PRACTICE_SHOWN_MAX of them by name from `first` on, and where the rest begins. No
    record is shown; that they were counted is written down."""
    look_at_list(errand)
    doctors = sorted((m for m in errand.records.members() if m.is_doctor), key=lambda m: (m.name.casefold(), m.id))
    shown = doctors[first : first + PRACTICE_SHOWN_MAX]
    found = []
    for doctor in shown:
        visits, whole = errand.records.taken_on(doctor.id, day.isoformat())
        found.append((doctor, oversight.practice(doctor.id, visits, whole=whole)))
    after = first + PRACTICE_SHOWN_MAX
    return found, after if after < len(doctors) else None


def mills(errand: Errand) -> tuple[int, int]:
    """Of the doctors whose day before is looked at in this minute: how many days somebody should ask about, and how
    many were looked at. From the index, as for the privacy officer's page, which says whose it was."""
    if errand.here.hour not in oversight.NIGHT:
        return 0, 0
    doctors = [member.id for member in errand.records.members() if member.is_doctor]
    yesterday = (errand.here.date() - timedelta(days=1)).isoformat()
    looked_at = oversight.tonight(doctors, errand.here)
    days = [(id, *errand.records.taken_on(id, yesterday)) for id in looked_at]
    return sum(oversight.practice(id, visits, whole=whole).mill for id, visits, whole in days), len(days)


def outside_care(errand: Errand) -> int:
    """How many records one person opened outside their care in the last day, of the person with the most."""
    since = errand.now - glass.WITHIN
    panes: Iterable[Pane] = [
        *errand.records.panes(reviewed=False, since=since),
        *errand.records.panes(reviewed=True, since=since),
    ]
    return glass.most_by_one(panes, errand.now)
