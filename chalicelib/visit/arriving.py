"""Arriving: from the first question to the ticket, the wait, and leaving before a doctor came."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from chalicelib.refusal import Busy, NotFound, Refusal, Repeated, Stale
from chalicelib.rooms import arrival, assignment, leaving, preferred, promise, queue
from chalicelib.rooms.arrival import Answers, Request
from chalicelib.rooms.assignment import Freed
from chalicelib.rooms.consult import set_aside
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.phone import Proof, textable
from chalicelib.rooms.preferred import Offer
from chalicelib.rooms.promise import Accuracy
from chalicelib.rooms.queue import Band, Closed, Lane, State, Ticket, Visit
from chalicelib.rooms.rules import Department
from chalicelib.visit import preferring
from chalicelib.visit.errand import DECIDE_TRIES_MAX, Errand, about_person, about_visit, once
from chalicelib.visit.preferring import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a visit stands: people ahead, and the range of minutes (None while nobody is on duty). `first_free` is
    that of the first free doctor, for somebody who waits for one doctor."""

    line: Line
    ahead: int
    wait: tuple[int, int] | None
    first_free: tuple[int, int] | None = None
    way_back: bool = False  # to the doctor asked for

    @property
    def visit(self) -> Visit:
        return self.line.visit

    @property
    def lane(self) -> Lane:
        return self.line.lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One department as everybody may see it."""

    department: Department
    lanes: list[Lane]
    wait: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a department kept its promises: the days on which anybody was called, the newest first."""

    department: Department
    week: tuple[Accuracy, ...]
    month: tuple[Accuracy, ...]


ROOMS: dict[str, Callable[..., Request]] = {
    "flags": arrival.red_flags,
    "who": arrival.who,
    "what": arrival.what,
    "how_long": arrival.how_long,
    "contact": arrival.contact,
}
WEEK, MONTH = 7, 30  # days of which it is told how the promises were kept, today among them
NEEDS_CLINIC = frozenset({"who", "what"})


def draft(errand: Errand, *, holder: str) -> Request:
    """The answers so far on this phone. Raises NotFound, also for answers older than KEPT."""
    found = errand.records.request(holder)
    if errand.now - found.started_at > arrival.KEPT:
        raise NotFound()
    return found


def _about_draft(errand: Errand, *, holder: str, **_: object) -> str:
    return about_person(holder)


def _draft_again(errand: Errand, answer: str, *, holder: str, **_: object) -> Request:
    return draft(errand, holder=holder)


@once(about=_about_draft, again=_draft_again)
def begin(errand: Errand, *, holder: str, language: str, flags: tuple[str, ...]) -> Request:
    """A new request with its first answer; it takes the place of an older one on the same phone."""
    new = Request(id=errand.request, holder=holder, language=language, started_at=errand.now)
    new = arrival.red_flags(new, flags=flags, own=errand.clinic.own_flags)
    with contextlib.suppress(NotFound):
        new = replace(new, version=errand.records.request(holder).version)
    errand.records.save(new, audit=errand.entry("ask", about_person(holder)))
    return new


@once(about=_about_draft, again=_draft_again)
def answer(errand: Errand, /, *, holder: str, step: str, **typed: Any) -> Request:
    """One answer kept, to be gone on with on the next page or after a dead battery."""
    assert step in ROOMS, "the door offers only the steps there are"
    before = draft(errand, holder=holder)
    if step in NEEDS_CLINIC:
        typed["clinic"] = errand.clinic
    if step == "flags":
        typed["own"] = errand.clinic.own_flags
    after = ROOMS[step](before, **typed)
    if step == "contact":
        textable(after, errand.clinic)
    errand.records.save(after, audit=errand.entry("ask", about_person(holder)))
    return after


def _forgotten_again(errand: Errand, answer: str, *, holder: str, **_: object) -> Request:
    return errand.records.request(holder)  # also of answers older than KEPT: they may be deleted before they go


@once(about=_about_draft, again=_forgotten_again)
def forget(errand: Errand, *, holder: str) -> Request:
    """Delete the answers on this phone; a ticket that was drawn with them stays."""
    emptied = arrival.forget(errand.records.request(holder))
    errand.records.save(emptied, audit=errand.entry("forget", about_person(holder)))
    return emptied


def _about_holder(errand: Errand, *, asked: Request, **_: object) -> str:
    """On the phone, not on the person: whoever corrects a name after a lost reply has joined all the same."""
    return about_person(asked.holder)


def _visit_answered(errand: Errand, answer: str, **_: object) -> Visit:
    return errand.records.visit(Ticket.of(answer))


def join(
    errand: Errand,
    *,
    request: Request,
    secret: str,
    person: str,
    consented: bool,
    same_doctor: bool = False,
    by: Proof | None = None,
    phone: str = "",
) -> Visit:
    """Draw the ticket. The request's own id makes it happen once, however often the button is pressed.

    `person` is who it is for: `by` a proof somebody of its number, else known to this phone only; Unproven where that
    proof has just ended. With a `phone` the ticket can be found again by that number. `same_doctor`: to wait for the
    doctor this person had; where that cannot be, it is the first free one.
    """
    answers = arrival.agree(request, consented=consented, clinic=errand.clinic, now=errand.now)
    offer = preferring.offer(errand, request, person) if same_doctor else None
    if offer:
        answers = replace(answers, doctor=offer.name)
    errand = replace(errand, request=f"{request.id}:join")  # beside the line of the first answer, which has the same id
    known = replace(request, born=request.born if by else None)
    return enter(errand, asked=known, answers=answers, secret=secret, person=person, by=by, phone=phone, offer=offer)


MADE_AT_THE_DOOR = frozenset({"answers", "asked", "person", "by", "phone", "offer"})


@once(about=_about_holder, again=_visit_answered, made_here=MADE_AT_THE_DOOR)
def enter(
    errand: Errand,
    *,
    asked: Request,
    answers: Answers,
    secret: str,
    person: str,
    by: Proof | None = None,
    phone: str = "",
    form: Request | None = None,
    offer: Offer | None = None,
) -> Visit:
    """Into the queue with finished answers; the visit this person already has there, if one is open.

    The request's id and the ticket's secret tell a repeat from another form. What was typed on a phone does not: with
    answers corrected after a lost reply it is that ticket. The desk sends all in one `form`; another one is refused.
    """
    department = errand.clinic.department(answers.department)
    assert department is not None, "whoever made the answers has looked"
    band = queue.band_for(answers, department)
    made: dict[Ticket, Visit] = {}

    def make(drawn: list[tuple[Ticket, Lane]]) -> Visit:
        ticket, lane = drawn[0]
        queue.let_in(lane, band, department)
        visit = Visit(
            id=ticket,
            ticket=ticket,
            person=person,
            secret=secret,
            request=asked.id,
            answers=answers,
            joined_at=errand.now,
            policy=errand.clinic.policy,
            from_desk=form is not None,
            verified=asked.born is not None,
            born=asked.born,
        )
        made[ticket] = preferring.promised(errand, visit, drawn, offer)
        return made[ticket]

    home = answers.department, errand.clinic.lane_for(person)
    lanes, audit = preferring.drawn_from(home, offer), errand.entry("join", about_person(asked.holder))
    id = errand.records.join(lanes, band, person=person, phone=phone, by=by, make=make, audit=audit)
    return preferring.counted_once(errand, made.get(id) or errand.records.visit(id))


def waits(errand: Errand) -> list[Standing]:
    """Every department with its present wait, in the clinic's order. One request to the database."""
    return standings(errand, [d.id for d in errand.clinic.departments])


def standings(errand: Errand, departments: Sequence[str]) -> list[Standing]:
    """Some departments of the clinic, in its order. One request to the database."""
    lanes = errand.records.lanes(errand.clinic.lanes_of(departments))
    found = []
    for department in errand.clinic.departments:
        own = [lane for lane in lanes if lane.department == department.id]
        if own:
            wait = promise.wait_now(own, Band.STANDARD, errand.now)
            found.append(Standing(department=department, lanes=own, wait=wait))
    return found


def kept(errand: Errand) -> list[Kept]:
    """How every department's promises were kept, in the clinic's order: one small query each, for a public answer."""
    first = [f"{errand.here - timedelta(days=days - 1):%Y-%m-%d}" for days in (WEEK, MONTH)]
    found = []
    for department in errand.clinic.departments:
        month = tuple(errand.records.accuracies(department.id, first[1]))
        week = tuple(one for one in month if one.day >= first[0])
        found.append(Kept(department=department, week=week, month=month))
    return found


def board(errand: Errand, *, department: str) -> dict[str, object]:
    """The public, cacheable state of one queue. Raises NotFound."""
    if errand.clinic.department(department) is None:
        raise NotFound()
    lanes = errand.records.lanes(errand.clinic.lanes_of([department]))
    return promise.board(lanes, errand.now)


def see_ticket(errand: Errand, *, id: Ticket) -> Place:
    """The patient's place. Looking also rescues: a ticket the head went past, a doctor who vanished, or one who is
    waited for in vain. That a page is open is no sign that somebody is there: see `turn_again`."""
    line = preferring.line(errand, id, "see_ticket")
    line = preferring.settle(errand, line)
    if queue.passed(line.lane, line.visit) or doctor_is_gone(errand, line.visit):
        return _place_of(errand, turn_again(errand, line.visit), line)
    return place(errand, line)


def doctor_is_gone(errand: Errand, visit: Visit) -> bool:
    """The lease ran out, and the doctor's desk shows no sign of life either (read only then)."""
    if visit.doctor is None or not assignment.lease_ran_out(visit, errand.now):
        return False
    return assignment.lease_lost(visit, errand.records.doctor(visit.doctor), errand.now)


def place(errand: Errand, line: Line) -> Place:
    ahead = queue.ahead(line.lane, line.visit, line.others)
    wait = promise.wait(line.lane, line.visit, errand.now)
    for_one = line.visit.prefers and line.visit.state is State.WAITING
    other = preferred.other_way(line.visit, line.home, errand.now) if for_one else None
    back = preferring.way_back(errand, line.visit)
    return Place(line=line, ahead=ahead, wait=wait, first_free=other, way_back=back)


def place_now(errand: Errand, seen: Place, visit: Visit) -> Place:
    """The place of a visit that was read again since: a doctor may have come, or the patient wait in another lane."""
    return _place_of(errand, visit, seen.line)


def _place_of(errand: Errand, visit: Visit, line: Line) -> Place:
    if visit.lane != (line.lane.department, line.lane.number):
        return place(errand, preferring.line(errand, visit.id, "see_ticket"))
    return place(errand, replace(line, visit=visit))


def bring_to_front(errand: Errand, visit: Visit, reason: str | None = None) -> Visit:
    """Nobody is lost: called by a doctor who died, or held by one who did, the patient is next. `reason` is for the
    next doctor to read, where the one before had one.

    Happens once: it is written on the condition that the visit is still as it was read.
    """
    ticket, alias = errand.records.recall_ticket(queue.front_lane(visit), visit.id)
    front = queue.to_front(visit, ticket=ticket)
    changes: list[object] = [front, alias]
    if visit.doctor:
        changes[0] = replace(front, handed_back=reason)  # an older one was that of a doctor before
        changes.append(Freed(doctor=visit.doctor, visit=visit.id))
        note = errand.records.newest_note(visit.id)
        if note and note.epoch == visit.epoch:
            changes.append(set_aside(note))
    rescue = replace(errand, request=f"front:{visit.version}", actor=SYSTEM)
    try:
        rescue.records.save(*changes, audit=rescue.entry("bring_to_front", about_visit(visit.id)))
    except (Stale, Repeated):
        return errand.records.visit(visit.id)  # somebody else brought it back, or a doctor came
    if visit.returns_at is not None:
        errand.records.let_go(visit.lane, visit.id, visit.returns_at)
    return errand.records.visit(visit.id)


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def _visit_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Visit:
    return errand.records.visit(id)


@once(about=_about_visit, again=_visit_again)
def leave(errand: Errand, *, id: Ticket) -> Visit:
    """The patient goes; the doctor, if one had just been given, is free again."""
    visit = errand.visit(id, "leave")
    return end(errand, "leave", visit, leaving.cancel(visit, why="patient", now=errand.now))


def end(errand: Errand, deed: str, visit: Visit, ended: Visit, *also: object) -> Visit:
    """Write a visit that ends without a consult. The lane is told first: a number too many there does no harm."""
    if visit.ticket is not None:
        errand.records.given_up(visit.ticket)
    closed = Closed(person=visit.person, department=visit.id.department, visit=visit.id)
    changes: list[object] = [ended, closed, *also]
    if visit.doctor:
        changes.append(Freed(doctor=visit.doctor, visit=visit.id))
    errand.records.save(*changes, audit=errand.entry(deed, about_visit(visit.id)))
    if visit.returns_at is not None:
        errand.records.let_go(visit.lane, visit.id, visit.returns_at)
    return ended


def _place_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Place:
    return place(errand, preferring.line(errand, id, "need_more_time"))


@once(about=_about_visit, again=_place_again)
def need_more_time(errand: Errand, *, id: Ticket) -> Place:
    """Let a few people go first. Told to the lane before the visit, so that nobody can be forgotten in between.

    What the lane was told stays even if the visit cannot be written: it may be what the same button, pressed twice,
    counts on, and an entry for nobody is forgotten at its turn.
    """
    line = preferring.line(errand, id, "need_more_time")
    visit, lane = line.visit, line.lane
    back = leaving.step_back(visit, lane, line.others)
    assert back.returns_at is not None
    if not errand.records.hold(visit.lane, id, back.returns_at, leaving.HELD_BY_CHOICE_MAX):
        raise Refusal("Too many people are stepping back just now. You keep your place.")
    if visit.ticket is not None:
        errand.records.given_up(visit.ticket)
    errand.records.save(back, audit=errand.entry("need_more_time", about_visit(id)))
    given_up = {(visit.ticket.band, visit.ticket.n)} if visit.ticket else set()
    return place(errand, replace(line, visit=back, lane=replace(lane, gone=lane.gone | given_up)))


def here_now(errand: Errand, *, id: Ticket) -> Place:
    """ "I am here": whoever was called and not there is at the front again; said twice it does no harm."""
    line = preferring.line(errand, id, "here_now")
    visit = line.visit
    for _ in range(DECIDE_TRIES_MAX):  # a message written at this moment must not swallow it
        if not queue.missed(visit):
            break
        visit = bring_to_front(errand, visit)
    if queue.missed(visit):
        raise Busy
    return _place_of(errand, visit, line)


def turn_again(errand: Errand, visit: Visit) -> Visit:
    """The moment of somebody who let others go first: next, unless called NO_SHOWS_MAX times and never there."""
    if not queue.missed(visit) or visit.no_shows < queue.NO_SHOWS_MAX:
        return bring_to_front(errand, visit)
    close = replace(errand, request=f"gone:{visit.version}", actor=SYSTEM)
    try:
        return end(close, "expire", visit, leaving.expire(visit, now=errand.now, why="no_show"))
    except (Stale, Repeated):
        return errand.records.visit(visit.id)  # there at the last moment
