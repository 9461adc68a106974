"""Complaint: what a patient says went wrong, an adverse event too. Kept with the visit, never lost. Rule R32."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.refusal import Refusal, TooLate
from chalicelib.rooms.permission import Actor, Tie
from chalicelib.rooms.queue import Ticket, Visit

TEXT_MAX = 1000
WORD_MAX = 500
COMPLAINTS_MAX = 5  # of one visit


class About(StrEnum):
    """What it is about."""

    HARM = "harm"  # an adverse event: the treatment or the medicine did harm
    CARE = "care"  # something else that went wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One complaint about a visit. Its text never changes; closing it adds the clinic's word."""

    visit: Ticket
    number: int
    about: About
    text: str
    filed_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    word: str = ""
    version: int | None = None


def file(visit: Ticket, before: list[Complaint], *, about: About | None, text: str, now: datetime) -> Complaint:
    if about is None:
        raise Refusal("Choose what it is about.", field="about")
    if not text.strip():
        raise Refusal("Write what happened.", field="text")
    if len(text) > TEXT_MAX:
        raise Refusal("At most %(max)s characters.", field="text", max=TEXT_MAX)
    if len(before) >= COMPLAINTS_MAX:
        raise TooLate("You have told us %(times)s times. Please call us.", times=COMPLAINTS_MAX)
    return Complaint(visit=visit, number=len(before) + 1, about=about, text=text.strip(), filed_at=now)


def to_staff(one: Complaint, visit: Visit | None) -> Complaint:
    """As people who work here read it. A patient who had the record closed closed these words with it; what they wrote
    since is to us. That there is one, when and what about stays, so that somebody answers. A visit that cannot be read
    may be a closed one."""
    open_to_us = visit is not None and (visit.restricted is None or one.filed_at > visit.restricted)
    return one if open_to_us else replace(one, text="")


def ties(actor: Actor, visit: Visit) -> frozenset[Tie]:
    """A complaint is to be answered also where the record was closed: see `permission.WHOSE`."""
    return frozenset({Tie.WORK})


def close(one: Complaint, *, by: str, word: str, now: datetime) -> Complaint:
    """Answered with a word for the patient, once."""
    if one.closed_at:
        raise TooLate("This complaint was closed already.")
    if not word.strip():
        raise Refusal("Write a word to the patient.", field="word")
    if len(word) > WORD_MAX:
        raise Refusal("At most %(max)s characters.", field="word", max=WORD_MAX)
    return replace(one, closed_at=now, closed_by=by, word=word.strip())
