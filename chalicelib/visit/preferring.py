"""Preferring: the doctor one had before, asked for, waited for in that doctor's lane, and given up again.

The line of a doctor is left by the patient's own wish, or because it leads nowhere any more: the doctor went off duty,
or the clinic's limit has passed. The patient's own look notices that, and so does the sweep.
"""

import contextlib
from dataclasses import dataclass, replace

from chalicelib.refusal import Busy, Repeated, Stale, TooLate
from chalicelib.rooms import preferred, promise, queue
from chalicelib.rooms.arrival import Request
from chalicelib.rooms.assignment import Doctor
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.preferred import Back, Offer
from chalicelib.rooms.queue import Band, Lane, Moved, State, Ticket, Visit, own_lane
from chalicelib.rooms.staff import plate_of
from chalicelib.visit.errand import Errand, about_visit, once


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A visit with the lane in which it waits, the department's `home` lane, and the desk of a doctor waited for.
    `beside` are the department's other lanes, where somebody is to be told their place."""

    visit: Visit
    lane: Lane
    home: Lane
    desk: Doctor | None = None
    beside: tuple[Lane, ...] = ()

    @property
    def others(self) -> tuple[Lane, ...]:
        """The lanes from which people are called in turn with this one's."""
        return () if self.visit.prefers else self.beside


def line(errand: Errand, id: Ticket, deed: str) -> Line:
    """One request to the database; one more for somebody who waits for one doctor, and one more where the department
    has several lanes. Raises NotFound."""
    visit, home = errand.visit_and_home(id, deed)
    others = [one for one in errand.clinic.lanes_of([id.department]) if one != visit.home]
    beside = tuple(errand.records.lanes(others)) if others and visit.state is State.WAITING else ()
    return replace(lines(errand, home, [visit])[0], beside=beside)


def lines(errand: Errand, home: Lane, visits: list[Visit]) -> list[Line]:
    """The same for visits of one lane that were just read; a moment old, as to the doctors."""
    doctors = errand.records.own_lines({visit.prefers for visit in visits if visit.prefers})
    found = []
    for visit in visits:
        if visit.prefers is None:
            found.append(Line(visit=visit, lane=home, home=home))
        else:
            desk, own = doctors[visit.prefers]
            found.append(Line(visit=visit, lane=preferred.staffed(own, desk), home=home, desk=desk))
    return found


def settle(errand: Errand, line: Line) -> Line:
    """Nobody waits in vain for one doctor. The desk was read a moment old, and nobody is moved for what is not so any
    more: who seems to wait in vain is looked at again."""
    if line.desk is None or not preferred.in_vain(line.visit, line.desk, errand.clinic, errand.now):
        return line
    if not let_down(errand, line.visit):
        return line
    (again,) = lines(errand, line.home, [errand.records.visit(line.visit.id)])
    return replace(again, beside=line.beside)


def let_down(errand: Errand, visit: Visit) -> bool:
    """By the desk as it is now: True if this patient waits in vain for one doctor, and is moved. Happens once: written
    on the condition that the visit is as it was read."""
    why = visit.prefers and preferred.in_vain(visit, errand.records.doctor(visit.prefers), errand.clinic, errand.now)
    if not why:
        return False
    _move(errand, visit, why)
    return True


def _move(errand: Errand, visit: Visit, why: Moved) -> None:
    clock = replace(errand, request=f"move:{visit.version}", actor=SYSTEM)
    with contextlib.suppress(Stale, Repeated):  # moved by another, called, or left, at this very moment
        _to_first_free(clock, visit, why, "move")


def _to_first_free(errand: Errand, visit: Visit, why: Moved, deed: str) -> Visit:
    """To the department's number, or in front if that was called. The doctor's lane is told first: a number too many
    there does no harm."""
    (home,) = errand.records.lanes([visit.home], consistent=True)
    change: object = Back(ticket=visit.id)
    ticket = visit.id
    if preferred.called(home, visit.id):
        ticket, change = errand.records.recall_ticket(visit.home, visit.id)
    if visit.ticket is not None:
        errand.records.given_up(visit.ticket)
    after = preferred.first_free(visit, ticket=ticket, why=why, now=errand.now)
    errand.records.save(after, change, audit=errand.entry(deed, about_visit(visit.id)))
    if visit.returns_at is not None:
        errand.records.let_go(visit.lane, visit.id, visit.returns_at)
    return after


def offer(errand: Errand, request: Request, person: str) -> Offer | None:
    """The doctor this person had last in the department, for somebody who comes back about the same thing.

    Not for the urgent: they are seen by the first free doctor.
    """
    department = errand.clinic.department(request.department)
    if department is None or queue.band_for(request, department) is not Band.FOLLOW_UP:
        return None
    earlier = errand.records.earlier(person, request.department)
    had = max((v for v in earlier if v.state is State.COMPLETED), key=lambda v: v.joined_at, default=None)
    if had is None or had.doctor is None:
        return None
    note = errand.records.newest_note(had.id)
    assert note is not None, "a completed visit has its signed note"
    desk, own = errand.records.own_lines([had.doctor], consistent=True)[had.doctor]
    there = preferred.there(desk, request.department)
    lanes = errand.records.lanes(errand.clinic.lanes_of([request.department]))
    return Offer(
        desk=desk,
        name=note.doctor_name,
        plate=plate_of(had.plates, had.doctor),
        there=there,
        wait=promise.wait_now([preferred.staffed(own, desk)], Band.FOLLOW_UP, errand.now) if there else None,
        first_free=promise.wait_now(lanes, Band.FOLLOW_UP, errand.now),
    )


def drawn_from(home: tuple[str, int], offer: Offer | None) -> list[tuple[str, int]]:
    """The lanes in which a ticket draws its numbers: its department's, then that of the doctor asked for."""
    return [home, own_lane(offer.desk.id)] if offer and offer.there else [home]


def promised(errand: Errand, visit: Visit, drawn: list[tuple[Ticket, Lane]], offer: Offer | None) -> Visit:
    """With the wait that the patient is shown, in the line of the doctor asked for if a number was drawn there."""
    ticket, lane = drawn[-1]
    if offer and ticket != visit.id:
        lane = preferred.staffed(lane, offer.desk)
        visit = replace(visit, ticket=ticket, beside=ticket, prefers=offer.desk.id)
    elif offer:
        visit = replace(visit, moved=Moved.OFF_DUTY)
    return replace(visit, promise=promise.wait(lane, visit, errand.now))


def counted_once(errand: Errand, visit: Visit) -> Visit:
    """For the counts that people are shown: who waits in a doctor's line is not counted in the department's too."""
    if visit.prefers:
        with contextlib.suppress(Busy):
            errand.records.given_up(visit.id)
    return visit


def board(errand: Errand, *, doctor: str, name: str) -> dict[str, object]:
    """The public state of a doctor's own line, under the name it has outside."""
    desk, own = errand.records.own_lines([doctor])[doctor]
    lane = replace(preferred.staffed(own, desk), department=name)
    return promise.board([lane], errand.now)


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def _visit_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Visit:
    return errand.records.visit(id)


@once(about=_about_visit, again=_visit_again)
def first_free(errand: Errand, *, id: Ticket) -> Visit:
    """The patient does not want to wait for one doctor any more."""
    visit = errand.visit(id, "first_free")
    preferred.may_change(visit)
    return _to_first_free(errand, visit, Moved.BY_CHOICE, "first_free")


@once(about=_about_visit, again=_visit_again)
def same_doctor(errand: Errand, *, id: Ticket) -> Visit:
    """The undo of `first_free`, on the number left in the doctor's lane or, once that was called past, on a new one."""
    visit = errand.visit(id, "same_doctor")
    ticket = visit.beside or visit.id
    back = preferred.change_back(visit, ticket)
    if preferred.in_vain(back, errand.records.doctor(back.prefers or ""), errand.clinic, errand.now):
        raise TooLate("This doctor cannot be waited for any more. You keep your place.")
    own = (ticket.department, ticket.lane)
    (lane,) = errand.records.lanes([own], consistent=True)
    change: object = Back(ticket=ticket)
    if preferred.called(lane, ticket):
        ticket, change = errand.records.recall_ticket(own, id, ticket.band)
    if visit.ticket is not None:
        errand.records.given_up(visit.ticket)
    back = replace(back, ticket=ticket, beside=ticket)
    errand.records.save(back, change, audit=errand.entry("same_doctor", about_visit(id)))
    if visit.returns_at is not None:
        errand.records.let_go(visit.lane, visit.id, visit.returns_at)
    return back


def way_back(errand: Errand, visit: Visit) -> bool:
    """Whether the undo is to be offered. One request more for somebody whose doctor went: is that doctor back?"""
    if visit.moved is not Moved.OFF_DUTY or not preferred.may_change_back(visit):
        return preferred.may_change_back(visit)
    doctor = queue.asked_for(visit.beside) if visit.beside else None
    return any(
        preferred.is_back(visit, desk, errand.clinic, errand.now)
        for desk, _ in errand.records.own_lines([doctor] if doctor else []).values()
    )


def waiting_for(errand: Errand, doctor: str) -> list[Visit]:
    """Who waits for this doctor and nobody else, in the order of calling."""
    (lane,) = errand.records.lanes([own_lane(doctor)])
    return errand.records.waiting_for({doctor: lane})
