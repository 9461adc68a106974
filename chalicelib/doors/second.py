"""The second factor, asked for again by whoever signs, says who works here, or opens a record outside their care.

A session that was left open is not enough for that.

One proof covers some minutes (the kit says how many, at most five). After that the page with the signature asks for the
six digits in the same form; everything typed stays, and the right digits sign in the same tap. Needs no script.
"""

from dataclasses import replace

from chalicelib.clinic import CLINIC
from chalicelib.doors.form import Form, dialled
from chalicelib.doors.guests import hashed
from chalicelib.doors.manners import Asked
from chalicelib.outside import identity
from chalicelib.refusal import Refusal, SignInFirst
from chalicelib.rooms.staff import fresh
from chalicelib.store import staff
from chalicelib.visit.errand import about_visit

DIGITS = 6
SECOND = replace(
    dialled("second", max=2 * DIGITS), shown=False, written=False
)  # a field of every form that asks for it
SHOWN = Form(SECOND)


class ProveAgain(Refusal):
    """We know who it is, and want to know once more that it is not somebody else at the same phone."""

    status = 401


def wanted(asked: Asked) -> bool:
    """Whether a page with such a form on it should show the field."""
    return asked.session is not None and not fresh(asked.session, asked.frame.now, CLINIC.staff.proof_minutes)


def show_again(asked: Asked, deed: str, about: str = "") -> None:
    """To be called before anything is signed, or done `about` somebody. Raises ProveAgain, or a Refusal of the field
    `second`.

    A request by which the same person did this very deed before is not asked: the deed says again what it said, and
    signs nothing. The id of another request opens nothing."""
    if not wanted(asked) or _done_before(asked, deed, about or about_visit(asked.id)):
        return
    code = asked.sheet.given["second"].replace(" ", "")
    if not code and about:
        raise ProveAgain("Enter the six digits from your authenticator app, and send this again.", field="second")
    if not code:
        raise ProveAgain("Enter the six digits from your authenticator app, and sign again.", field="second")
    if not (code.isdigit() and len(code) == DIGITS):
        raise Refusal("Enter the six digits.", field="second")
    assert asked.session is not None
    who, badge, now = asked.errand.actor, asked.guest.staff, asked.frame.now
    refresh = staff.opened(badge, token_hash=hashed(badge))
    if refresh is None:
        raise SignInFirst("Please sign in to continue.")
    staff.count_try(who.id, hashed(badge), now)
    try:
        identity.pool().code_again(who.id, refresh, code)
    except Refusal as refusal:
        if _proved_meanwhile(asked):
            return  # a double tap: these digits were used a moment ago, by the same form
        refusal.field = "second" if refusal.field else None
        raise
    staff.forget_tries(who.id, hashed(badge))
    staff.proved(who, token_hash=hashed(badge), now=now)
    asked.session = replace(asked.session, proved_at=now)


def _done_before(asked: Asked, deed: str, about: str) -> bool:
    earlier = asked.errand.records.answered(about, asked.errand.request)
    return earlier is not None and (earlier.deed, earlier.actor) == (deed, asked.errand.actor.id)


def _proved_meanwhile(asked: Asked) -> bool:
    """The session as it is now, not as it was when this request came in."""
    found = staff.who(id=asked.guest.member, token_hash=hashed(asked.guest.staff), now=asked.frame.now)
    if found is None:
        return False
    asked.session = found[1]
    return not wanted(asked)
