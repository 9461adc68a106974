"""Erasure: what a patient may have erased, what a duty keeps, and what is owed as the answer. Rule R28.

How to reach the patient has no duty once the visit is over: phone numbers, the address of a parcel, where the browser
can be woken. The record itself must be kept (see `retention`), so it is restricted: nobody who works here opens it.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.refusal import TooLate
from chalicelib.rooms import delivery, prescription, retention
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.notice import Notice, Sending, Wake
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import ACTIVE, Ticket, Visit
from chalicelib.rooms.retention import Sort
from chalicelib.rooms.rules import Keep

TO_COME = frozenset({prescription.State.SIGNED, prescription.State.RETURNED, prescription.State.EFFECTIVE})


class What(StrEnum):
    """What is kept of a visit, as a patient is told of it."""

    CONTACT = "contact"  # phone numbers, and the address of a parcel
    WAKING = "waking"  # where the browser can be woken, and what was sent there or by text
    RECORD = "record"
    CONVERSATION = "conversation"
    TRAIL = "trail"  # who opened the record


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of one category: erased, or restricted until then; None where it is kept for good."""

    what: What
    erased: bool
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A patient asked for it. Kept with the visit, and the privacy officer sees it."""

    visit: Ticket
    asked_at: datetime
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """To be written: the visit with answers that lost the phone number; else nobody ever changes answers."""

    visit: Visit


def may(visit: Visit, prescriptions: list[Prescription], orders: list[Order], now: datetime) -> None:
    """Refuse while the clinic still has to reach the patient."""
    if visit.state in ACTIVE:
        raise TooLate("Your visit is still going on. You can ask for this when it is over.")
    newest = prescriptions[-1] if prescriptions else None
    good = newest is not None and newest.state in TO_COME and now <= newest.signed_at + prescription.VALID
    if good or any(order.state not in delivery.OVER for order in orders):
        raise TooLate("Your medicine is still to come. You can ask for this when that is over.")


def erase(visit: Visit, now: datetime) -> tuple[Erased, Erasure]:
    """The visit without a way to reach its patient, and closed to everybody who works here."""
    answers = replace(visit.answers, phone=None, text_me=False)
    return (
        Erased(visit=replace(visit, answers=answers, wakes=False, restricted=now)),
        Erasure(visit=visit.id, asked_at=now),
    )


def erase_parcel(order: Order) -> Order:
    return replace(order, phone="", address="")


def lapse(one: Prescription) -> Prescription:
    """A prescription out of its time, on nobody's list any more."""
    return replace(one, state=prescription.State.EXPIRED)


def erase_notice(one: Notice) -> Notice:
    """One that is still to be sent is not sent any more."""
    over = one.state in (Sending.SENT, Sending.UNTRUE)
    return replace(one, to="", state=one.state if over else Sending.GIVEN_UP)


def erase_wake(wake: Wake) -> Wake:
    return replace(wake, endpoint="")


def answer(last: datetime | None, ended: datetime | None, keep: Keep) -> list[Answered]:
    """Category by category, with the day from which on the rest may be deleted; both times are those of `retention`."""
    assert last is not None, "the visit is over"
    assert ended is not None
    return [
        Answered(what=What.CONTACT, erased=True),
        Answered(what=What.WAKING, erased=True),
        Answered(what=What.RECORD, erased=False, until=retention.until(Sort.CLINICAL, last, keep)),
        Answered(what=What.CONVERSATION, erased=False, until=retention.until(Sort.PROCESS, ended, keep)),
        Answered(what=What.TRAIL, erased=False),
    ]
