"""Retention: how long what is kept must be kept, and from when on it may be deleted. Rule R22 of the product rules.

A kit may keep for longer and never for shorter (`rules.Keep`). The audit holds no word of a patient, a hole in it could
not be told from a crime, and so it is kept for good. So is each opening of a record outside somebody's care (`glass`),
with the few words of who did it: a deletion must not spare anybody the review.
"""

from datetime import datetime
from enum import StrEnum

from chalicelib.rooms.consult import Message
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import ACTIVE, Visit
from chalicelib.rooms.rules import Keep


class Sort(StrEnum):
    """What is kept, by what the law asks of it."""

    CLINICAL = "clinical"  # answers, notes, prescriptions, how the medicine was handed over, complaints
    PROCESS = "process"  # the conversation


def until(sort: Sort, last: datetime, keep: Keep) -> datetime:
    """The moment from which on it may be deleted, if it was written last then. 29 February ends on 1 March."""
    years = last.year + {Sort.CLINICAL: keep.clinical_years, Sort.PROCESS: keep.process_years}[sort]
    try:
        return last.replace(year=years)
    except ValueError:
        return last.replace(year=years, month=3, day=1)


def over(sort: Sort, last: datetime | None, keep: Keep, now: datetime) -> bool:
    """Whether it may be deleted. What has no end is kept."""
    return last is not None and now >= until(sort, last, keep)


def ended(visit: Visit, messages: list[Message]) -> datetime | None:
    """When the conversation was over; None as long as the visit goes on."""
    if visit.state in ACTIVE or visit.ended_at is None:
        return None
    return max([visit.ended_at, *(one.at for one in messages)])


def last_entry(
    visit: Visit,
    messages: list[Message],
    signed: list[datetime | None],
    prescriptions: list[Prescription],
    orders: list[Order],
) -> datetime | None:
    """When the newest thing was written into a record; None as long as the visit goes on.

    `signed` are the times of what else was written: notes, corrections, complaints and their answers.
    """
    end = ended(visit, messages)
    if end is None:
        return None
    later: list[datetime | None] = [*signed]
    later += [at for one in prescriptions for at in (one.signed_at, one.decided_at, one.dispensed_at)]
    later += [at for one in orders for at in (one.created_at, *(step.at for step in one.steps))]
    return max([end, *(at for at in later if at is not None)])
