"""Leaving: how a visit ends before a doctor ends it, cancelled or at closing; and leaving the front for a while."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.refusal import Refusal, TooLate
from chalicelib.rooms import queue
from chalicelib.rooms.queue import ACTIVE, STEP_BACK_PLACES, Lane, State, Visit
from chalicelib.rooms.rules import Department

REASON_MAX = 200
STEP_BACKS_MAX = 3
STEP_BACK_FROM = 10  # with more people ahead there is time, and an entry of the lane would be held for hours
# After closing, since the last sign of life of anybody who was there: as long as a silent doctor stays on duty
# (`assignment.PRESENCE`) and five minutes more. A tap on Pause by mistake, or a dead line, sends nobody home at once.
GRACE = timedelta(minutes=20)
HELD_BY_CHOICE_MAX = 12  # of the HELD_MAX of a lane; the others are for whom a doctor called and did not find


def reason(text: str) -> str:
    """Why the desk ends a visit; the patient reads it."""
    if not text.strip():
        raise Refusal("Say in a few words why.", field="why")
    if len(text) > REASON_MAX:
        raise Refusal("At most %(max)s characters.", field="why", max=REASON_MAX)
    return text.strip()


def cancel(visit: Visit, *, why: str, now: datetime) -> Visit:
    if visit.state is State.CANCELLED and why != "patient":  # the desk ends it, and gives its reason
        raise TooLate("This patient has already left the queue.")
    if visit.state is State.CANCELLED:
        raise TooLate("You have already left the queue.")
    not_begun(visit)
    _still_active(visit)
    return _ended(visit, State.CANCELLED, why, now)


def not_begun(visit: Visit) -> None:
    """Nobody walks out of a consultation without a word."""
    if visit.state is State.IN_CONSULT:
        raise TooLate("The consultation has begun. Tell the doctor that you want to stop.")


def expire(visit: Visit, *, now: datetime, why: str = "closing") -> Visit:
    """Closing time for somebody who still waits; or "no_show", called NO_SHOWS_MAX times and never there."""
    _still_waits(visit)
    return _ended(visit, State.EXPIRED, why, now)


def _still_waits(visit: Visit) -> None:
    if visit.state is not State.WAITING:
        _still_active(visit)
        raise TooLate("A doctor has this patient now.")


def until_closing(visit: Visit, department: Department, joined: datetime) -> bool:
    """Whether the place is kept only until the department has closed and its doctors have gone: of who came while it
    was open (`joined`, on the clinic's own clock). Who came later keeps it for the morning, and who was called before
    has the place in front they were told of. Who waits for one doctor has that doctor first."""
    never_called = visit.state is State.WAITING and not visit.calls
    return never_called and department.opens != department.closes and department.is_open(joined)


def goes_home(visit: Visit, department: Department, joined: datetime, now: datetime) -> bool:
    """Whether somebody's place ends now that the doctors have gone. Whose doctor has just gone, or had no time, is
    given GRACE in the line they were moved to."""
    settled = visit.moved_at is None or now - visit.moved_at >= GRACE
    return settled and not visit.prefers and until_closing(visit, department, joined)


def may_close(visit: Visit, department: Department, joined: datetime, here: datetime) -> None:
    """By the desk, which sees for itself whether the doctors have gone: whom closing sends home, and nobody else.
    `here` and `joined` are on the clinic's own clock."""
    _still_waits(visit)
    if department.is_open(here):
        raise TooLate("The department is open. To take somebody out of the queue, say why.")
    if visit.prefers:
        raise TooLate("This patient waits for one doctor. To take them out of the queue, say why.")
    if not until_closing(visit, department, joined):
        raise TooLate("This patient keeps the place until the department opens. To take them out, say why.")


def doctors_have_gone(last_there: datetime | None, now: datetime) -> bool:
    """With nobody on duty: there was no sign of life for GRACE, or nobody ever was there."""
    return last_there is None or now - last_there >= GRACE


def _still_active(visit: Visit) -> None:
    if visit.state not in ACTIVE:
        raise TooLate("This visit has already ended.")


def _ended(visit: Visit, state: State, why: str, now: datetime) -> Visit:
    return replace(
        visit, state=state, ticket=None, returns_at=None, doctor=None, lease_until=None, ended_at=now, ended_why=why
    )


def step_back(visit: Visit, lane: Lane, beside: Sequence[Lane] = ()) -> Visit:
    """ "I need more time": let a few people go first, never to the end of the queue, never out of it."""
    _still_active(visit)
    if visit.state is not State.WAITING:
        raise TooLate("A doctor is ready for you now, so you cannot step back any more.")
    if visit.ticket is None:
        raise TooLate("You have already let other people go first. You keep your place.")
    if visit.step_backs >= STEP_BACKS_MAX:
        raise TooLate("You have already stepped back %(times)s times.", times=STEP_BACKS_MAX)
    ahead = queue.ahead(lane, visit, beside)
    if ahead > STEP_BACK_FROM and beside:
        raise TooLate("There is time: about %(n)s people are before you. You keep your place.", n=ahead)
    if ahead > STEP_BACK_FROM:
        raise TooLate("There is time: %(n)s people are before you. You keep your place.", n=ahead)
    if len(lane.held) >= HELD_BY_CHOICE_MAX:
        raise TooLate("Too many people are stepping back just now. You keep your place.")
    if queue.passed(lane, visit):
        raise TooLate("You are being called right now.")
    # On a recall ticket the patient stands at the front, so the calls of the visit's own band are counted from now.
    own = visit.id.band
    n = visit.ticket.n if visit.ticket.band is own else lane.heads[own]
    # From the end of the queue there is nobody to let past: the place stays where it is.
    at = min(n + STEP_BACK_PLACES, max(lane.tails[own], n))
    return replace(visit, ticket=None, returns_at=at, step_backs=visit.step_backs + 1)
