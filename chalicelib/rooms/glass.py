"""Glass: a record opened outside one's care is opened for half an hour, with a reason, and a second person looks at it.

Some day somebody must read what is not theirs to read: the patient cannot speak, or the doctor who had them is ill. The
glass can be broken, never quietly: the patient sees it, the privacy officer has it on a list until it is reviewed, and
whoever does it often is noticed. HL7 calls it breaking the glass; HIPAA 164.312(a)(2)(ii) asks for a procedure.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.refusal import NotAllowed, Refusal, TooLate
from chalicelib.rooms.permission import Actor, Role, Tie
from chalicelib.rooms.phone import Counted
from chalicelib.rooms.queue import Band, Ticket, Visit
from chalicelib.rooms.rules import Clinic

LASTS = timedelta(minutes=30)
WORDS_MAX = 500
DAY_MAX = 40  # records one person can open in this way on one day
UNUSUAL = 20  # as many by one person within WITHIN, and somebody is told
WITHIN = timedelta(hours=24)


class Reason(StrEnum):
    """Why, of a short list: it is read by the patient, in their language."""

    EMERGENCY = "emergency"  # the patient is in danger and cannot say what we must know
    ASKED = "asked"  # the patient, or who speaks for them, asked this doctor
    STANDS_IN = "stands_in"  # for the doctor who had this patient
    REVIEW = "review"  # the privacy officer looks into something


class Verdict(StrEnum):
    IN_ORDER = "in_order"
    NOT_IN_ORDER = "not_in_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """One breaking of the glass: who opened which record, why, and what a second person said of it."""

    visit: Ticket
    by: str
    role: Role
    reason: Reason
    words: str
    at: datetime
    policy: str
    verdict: Verdict | None = None
    reviewer: str | None = None
    remark: str | None = None
    reviewed_at: datetime | None = None
    version: int | None = None


def ticket_said(code: str, clinic: Clinic) -> Ticket:
    """The visit whose code somebody typed, as it is called out and printed: see `queue.code`."""
    found = re.fullmatch(r"([A-Z])(?:([0-9]{1,3})-)?([0-3])([0-9]{3,6})", code.strip().upper())
    department = next((d for d in clinic.departments if found and d.letter == found[1]), None)
    if found is None or department is None:
        raise Refusal("Enter the code on the patient’s ticket, like A2017.", field="code")
    return Ticket(department.id, int(found[2] or 0), Band(int(found[3])), int(found[4]))


def broken(
    actor: Actor, visit: Ticket, ties: frozenset[Tie], *, reason: Reason, words: str, policy: str, now: datetime
) -> Pane:
    """A record is opened to somebody who does not have this patient. Their reason is a word of the list, and words."""
    if Tie.CARE in ties:
        raise Refusal("This is a patient of yours: open them from your list.", field="code")
    if (reason is Reason.REVIEW) is not (actor.role is Role.PRIVACY_OFFICER):
        raise Refusal("Choose a reason that fits your work.", field="reason")
    if not words.strip():
        raise Refusal("Write in a few words why you must read this.", field="words")
    return Pane(visit=visit, by=actor.id, role=actor.role, reason=reason, words=words.strip(), at=now, policy=policy)


def not_closed(visit: Visit) -> None:
    """Whoever had their record closed closed it to everybody who works here, and to this door too: see `erasure`."""
    if visit.restricted:
        raise TooLate("The patient has had this record closed. Nobody who works here can open it.")


def counted(by: str, day: str, now: datetime) -> Counted:
    """One more record of this person on this day of the clinic's calendar, of at most DAY_MAX."""
    return Counted(about=f"glass:{by}:{day}", most=DAY_MAX, until=now + 2 * WITHIN)


def not_too_many(so_far: int) -> None:
    if so_far >= DAY_MAX:
        raise TooLate("You have opened %(max)s records outside your care today. Ask the privacy officer.", max=DAY_MAX)


def is_open(pane: Pane | None, now: datetime) -> bool:
    return pane is not None and pane.at <= now < pane.at + LASTS


def behind(actor: Actor, visit: Visit) -> frozenset[Tie]:
    """Every record lies behind it: to say why one must be read is the work of whoever may break it."""
    return frozenset({Tie.WORK})


def opened(pane: Pane) -> frozenset[Tie]:
    """Every opening is the work of whoever looks at it a second time; never their own: see `reviewed`."""
    return frozenset({Tie.WORK})


def ties(actor: Actor, pane: Pane | None, now: datetime) -> frozenset[Tie]:
    """What a broken glass makes of its visit: this actor's business, to read, until the half hour is over."""
    return frozenset({Tie.GLASS} if pane is not None and pane.by == actor.id and is_open(pane, now) else ())


def reviewed(pane: Pane, *, by: Actor, verdict: Verdict, remark: str, now: datetime) -> Pane:
    """What a second person says of it; never the one who did it, and once."""
    if pane.by == by.id:
        raise NotAllowed("You opened this record yourself: somebody else must look at it.")
    if pane.verdict is not None:
        raise TooLate("Somebody has reviewed this already.")
    if verdict is Verdict.NOT_IN_ORDER and not remark.strip():
        raise Refusal("Write what was not in order.", field="remark")
    return replace(pane, verdict=verdict, reviewer=by.id, remark=remark.strip(), reviewed_at=now)


def most_by_one(panes: Iterable[Pane], now: datetime) -> int:
    """How many records the busiest single person opened outside their care within WITHIN; two looks at one are one."""
    seen = {(pane.by, pane.visit) for pane in panes if now - pane.at <= WITHIN}
    return max(Counter(by for by, _ in seen).values(), default=0)
