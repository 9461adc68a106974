"""Preferred: waiting for the doctor one had before, in that doctor's own lane, with a limit and a way back.

Whoever asks for a doctor holds two numbers from the beginning: one in the doctor's lane and one in the department's. So
the place in the department is kept, whatever becomes of the wish, and nobody gains or loses by having made it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.refusal import TooLate
from chalicelib.rooms import promise, queue
from chalicelib.rooms.assignment import OWN_ONE_IN, Doctor
from chalicelib.rooms.queue import Band, Lane, Moved, State, Ticket, Visit
from chalicelib.rooms.rules import Clinic
from chalicelib.rooms.staff import Plate

UNDONE = (Moved.BY_CHOICE, Moved.OFF_DUTY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The doctor somebody had, and the trade: minutes until that doctor, and until the first free one."""

    desk: Doctor
    name: str
    plate: Plate | None  # title and licence number, as this patient was told them
    there: bool  # on duty in this department: a number can be drawn
    wait: tuple[int, int] | None
    first_free: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """To be written with a visit that goes back to a number it holds: it counts again, and nobody has called it."""

    ticket: Ticket


def staffed(lane: Lane, desk: Doctor) -> Lane:
    """A doctor's lane as its doctor stands to it: one on duty or none, who gives it every call or one in so many."""
    return replace(lane, on_duty=int(desk.on_duty), of=1 if desk.own_only else OWN_ONE_IN[Band.STANDARD])


def there(desk: Doctor, department: str) -> bool:
    """Whether somebody of this department can wait for this doctor now."""
    return desk.on_duty and department in desk.departments


def until(visit: Visit, clinic: Clinic) -> datetime:
    """When waiting for one doctor ends."""
    return visit.joined_at + timedelta(minutes=clinic.prefer_minutes)


def in_vain(visit: Visit, desk: Doctor, clinic: Clinic, now: datetime) -> Moved | None:
    """Why somebody who waits for this doctor is to wait for the first free one instead; None if there is no reason."""
    if visit.state is not State.WAITING or visit.prefers != desk.id:
        return None
    if not there(desk, visit.id.department):
        return Moved.OFF_DUTY
    return Moved.TOO_LONG if now >= until(visit, clinic) else None


def called(lane: Lane, ticket: Ticket) -> bool:
    """The head of the ticket's lane has gone past it."""
    assert (lane.department, lane.number) == (ticket.department, ticket.lane), "a ticket is called from its own lane"
    return lane.heads[ticket.band] >= ticket.n


def first_free(visit: Visit, *, ticket: Ticket, why: Moved, now: datetime) -> Visit:
    """Into the department's line, on the number held there since joining or, once that was called, in front."""
    assert visit.state is State.WAITING
    assert ticket == visit.id or ticket.band is Band.RECALL
    return replace(visit, ticket=ticket, returns_at=None, prefers=None, moved=why, moved_at=now)


def may_change(visit: Visit) -> None:
    """Raises TooLate unless this patient waits for one doctor."""
    if visit.state is not State.WAITING:
        raise TooLate("A doctor is ready for you now.")
    if visit.prefers is None:
        raise TooLate("You already wait for the first free doctor.")


def may_change_back(visit: Visit) -> bool:
    """Whether the change can be undone: the patient's own choice, or the doctor went (a tap on Pause by mistake is soon
    put right), and nobody has called them since."""
    changed = visit.moved in UNDONE and visit.prefers is None and visit.beside is not None
    return visit.state is State.WAITING and changed and not visit.calls


def is_back(visit: Visit, desk: Doctor, clinic: Clinic, now: datetime) -> bool:
    """The doctor who went is on duty again, and there is time left to wait."""
    return in_vain(replace(visit, prefers=desk.id), desk, clinic, now) is None


def change_back(visit: Visit, ticket: Ticket) -> Visit:
    """The undo, on the number that was left in the doctor's lane or, once that was called past, on a new one."""
    if visit.state is not State.WAITING:
        raise TooLate("A doctor is ready for you now.")
    if not may_change_back(visit):
        raise TooLate("This cannot be changed any more. You keep your place.")
    return replace(
        visit,
        ticket=ticket,
        beside=ticket,
        returns_at=None,
        prefers=queue.asked_for(ticket),
        moved=None,
        moved_at=None,
    )


def other_way(visit: Visit, home: Lane, now: datetime) -> tuple[int, int] | None:
    """The wait for the first free doctor of somebody who waits for one doctor; None while nobody is on duty."""
    front = Ticket(home.department, home.number, Band.RECALL, home.tails[Band.RECALL] + 1)
    ticket = front if called(home, visit.id) else visit.id
    return promise.wait(home, first_free(visit, ticket=ticket, why=Moved.BY_CHOICE, now=now), now)
