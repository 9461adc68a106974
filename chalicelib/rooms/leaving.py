"""Leaving: how a visit ends before a doctor does it: cancelled by the patient or the desk, expired at closing time."""

from dataclasses import replace
from datetime import datetime

from chalicelib.refusal import Refusal, TooLate
from chalicelib.rooms.queue import ACTIVE, State, Visit

REASON_MAX = 200


def reason(text: str) -> str:
    """Why the desk ends a visit; the patient reads it."""
    if not text.strip():
        raise Refusal("Say in a few words why.", field="why")
    if len(text) > REASON_MAX:
        raise Refusal("At most %(max)s characters.", field="why", max=REASON_MAX)
    return text.strip()


def cancel(visit: Visit, *, why: str, now: datetime) -> Visit:
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
    if visit.state is not State.WAITING:
        _still_active(visit)
        raise TooLate("A doctor has this patient now.")
    return _ended(visit, State.EXPIRED, why, now)


def _still_active(visit: Visit) -> None:
    if visit.state not in ACTIVE:
        raise TooLate("This visit has already ended.")


def _ended(visit: Visit, state: State, why: str, now: datetime) -> Visit:
    return replace(
        visit, state=state, ticket=None, returns_at=None, doctor=None, lease_until=None, ended_at=now, ended_why=why
    )
