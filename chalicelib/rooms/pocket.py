"""Pocket: which phones hold a ticket, how one more comes to hold it, and for how long it opens the visit.

Every phone has a secret of its own, made there; the visit keeps the hashes, so one phone can be made to forget and the
others go on. The desk's paper has a secret too. It opens nothing but one pocket: the first phone that brings it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.refusal import NotFound, Over, TooLate
from chalicelib.rooms import queue
from chalicelib.rooms.permission import Tie
from chalicelib.rooms.queue import ACTIVE, State, Visit
from chalicelib.rooms.rules import Clinic

LENT_MAX = 3  # phones that hold a ticket by a link of another phone
FORGOTTEN = "forgotten"  # what stands for the secret of the phone that drew the ticket, once it was made to forget
_PAPER = "paper "


def paper(secret: str) -> str:
    """What a visit keeps of a paper that no phone has opened: its hash, and the word by which it opens no page."""
    return f"{_PAPER}{secret}"


def is_paper(visit: Visit) -> bool:
    """Nobody but the paper of the desk holds this ticket so far."""
    return visit.secret.startswith(_PAPER)


def is_printable(visit: Visit) -> bool:
    """Nobody was called and nothing said, and no phone has opened it: who reads the paper learns of a place."""
    return visit.state is State.WAITING and is_paper(visit) and not visit.calls and not visit.said


def may_print(visit: Visit) -> None:
    """Refuses a paper that would let its reader into what was said, or that has done its work."""
    if visit.state not in ACTIVE:
        raise TooLate("This visit is over, and its ticket is not printed again.")
    if not is_paper(visit):
        raise TooLate(
            "A phone has opened this ticket, so it is not printed again. On that phone “Find my ticket” opens it on "
            "another one. Without that phone the patient keeps the place: call the code."
        )
    if not is_printable(visit):
        raise TooLate(
            "A doctor was called or something was written, so the ticket is not printed again: it opens what is said. "
            "The patient keeps the place: call the code."
        )


def ties(visit: Visit, *, code: str, secret: str) -> frozenset[Tie]:
    """What a code makes of a visit, or a secret that this phone has already: see `permission.WHOSE`."""
    held = queue.is_theirs(visit, secret=code) or queue.is_theirs(visit, secret=secret)
    return frozenset({Tie.OWN} if held or visit.secret == paper(code) else ())


def brought(visit: Visit, *, code: str, secret: str) -> Visit:
    """One phone more holds the ticket, with a secret of its own: of more than LENT_MAX the first no longer does. A
    paper is used up by it. Raises NotFound for a code that is neither this visit's nor its paper's."""
    if visit.secret == paper(code) and secret != code:
        return replace(visit, secret=secret)
    if not queue.is_theirs(visit, secret=code):
        raise NotFound()
    return replace(visit, lent=(*visit.lent, secret)[-LENT_MAX:])


def forgotten(visit: Visit, *, secret: str) -> Visit:
    """This phone holds the ticket no more. Links that it showed carried its secret; they open nothing either."""
    return replace(
        visit,
        secret=FORGOTTEN if visit.secret == secret else visit.secret,
        also=tuple(one for one in visit.also if one != secret),
        lent=tuple(one for one in visit.lent if one != secret),
    )


def signed_out(visit: Visit, *, kept: frozenset[str]) -> Visit:
    """No phone holds it any more by the number it was found with, but those in `kept`."""
    return replace(visit, also=tuple(one for one in visit.also if one in kept))


def is_over(visit: Visit, now: datetime, clinic: Clinic) -> bool:
    """The ticket alone opens the visit no longer: its days after the end are past."""
    if visit.ended_at is None:
        return False
    return now >= (visit.renewed_at or visit.ended_at) + timedelta(days=clinic.keep.ticket_days)


def renewed(visit: Visit, now: datetime) -> Visit:
    """Its patient proved the number: the days begin again."""
    return replace(visit, renewed_at=now)


def over(clinic: Clinic) -> Over:
    """What to do then, in plain words."""
    words = "A ticket opens its visit for %(days)s days after the end, and they are over. The record is kept. "
    if clinic.proves_phones:
        words += (
            "To read it, confirm the phone number of the visit, then open the ticket again. If you cannot, ask the "
            "clinic’s privacy officer: %(phone)s."
        )
    else:
        words += "To get it, ask the clinic’s privacy officer: %(phone)s."
    return Over(words, days=clinic.keep.ticket_days, phone=clinic.phone)
