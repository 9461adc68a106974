"""Permission: actor x deed -> allowed, or why not. Deny by default; one table; nothing else decides who may.

Two questions are asked. `may` at the door, before anything is read: do people in this role do this at all?
`whose` once the visit is known: is it one of theirs? A test asks every address for everybody's visits, and holds what
comes back against the two tables (tests/attacks/test_a01_matrix.py).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from chalicelib.refusal import NotAllowed, NotFound, SignInFirst
from chalicelib.rooms.packs import Policy


class Role(StrEnum):
    """Who is at the door. A patient proves a ticket's secret; staff have a session; the public has neither."""

    PUBLIC = "public"
    PATIENT = "patient"
    DOCTOR = "doctor"
    PHARMACIST = "pharmacist"
    COURIER = "courier"
    DESK = "desk"
    PRIVACY_OFFICER = "privacy_officer"
    ADMINISTRATOR = "administrator"


STAFF = frozenset(Role) - {Role.PUBLIC, Role.PATIENT}
EVERYBODY = frozenset(Role)
_PATIENT, _DOCTOR, _PHARMACIST = frozenset({Role.PATIENT}), frozenset({Role.DOCTOR}), frozenset({Role.PHARMACIST})
_COURIER, _DESK = frozenset({Role.COURIER}), frozenset({Role.DESK})
_ADMINISTRATOR, _PRIVACY_OFFICER = frozenset({Role.ADMINISTRATOR}), frozenset({Role.PRIVACY_OFFICER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is asking. `id` is the staff id, or the hash of the patient's secret; never a name.

    The rest is what the door read about a member of staff with this very request. `departments` None: everywhere.
    """

    role: Role
    id: str
    name: str = ""
    departments: frozenset[str] | None = None
    title: str = ""
    licence: str = ""
    licence_until: date | None = None
    practising_since: date | None = None


ANYBODY = Actor(role=Role.PUBLIC, id="")
SYSTEM = Actor(role=Role.PUBLIC, id="clinic")  # a clock or a poll noticed something; no person decided it


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the audit, written together with what it is about: a visit, a person or a doctor's desk.

    It also makes a request happen once: a second entry of the same request about the same thing is refused, and
    `answer` tells what the first one was answered. `fingerprint` tells a repeat from another form with the same id.
    """

    about: str
    request: str
    actor: Actor
    deed: str
    at: datetime
    policy: str
    answer: str = ""
    fingerprint: str = ""


MAY: dict[str, frozenset[Role]] = {
    # coming in
    "look": EVERYBODY,  # public pages and the board
    "ask": EVERYBODY,  # answer the questions before a ticket
    "forget": EVERYBODY,  # the answers on one's own phone
    "join": EVERYBODY,
    "see_people": EVERYBODY,  # of the number that was proven in this browser
    "ask_code": EVERYBODY,
    "prove": EVERYBODY,
    "add_me": EVERYBODY,
    "sign_out_here": EVERYBODY,
    "out_everywhere": EVERYBODY,  # the same, with it
    "find": EVERYBODY,  # a ticket by a proven number: on this phone too
    "see_ticket": _PATIENT,
    "see_opened": _PATIENT,
    "see_record": _PATIENT,  # all of it, to keep
    "complain": _PATIENT,
    "erase": _PATIENT,  # what no duty keeps
    "leave": _PATIENT,
    "need_more_time": _PATIENT,
    "here_now": _PATIENT,
    "first_free": _PATIENT,  # not to wait for one doctor any more
    "same_doctor": _PATIENT,  # the undo
    "wake_me": _PATIENT,
    "let_go": EVERYBODY,  # part of "forget": each ticket of the phone
    "come_back": EVERYBODY,  # with a return link: whoever holds the secret becomes the patient
    # being seen
    "sign_in": EVERYBODY,
    "sign_out": STAFF,  # and a doctor goes off duty
    "see_work": _DOCTOR,  # the list of one's own patients; the other lists are those of the deeds done from them
    "go_on_duty": _DOCTOR,
    "pause": _DOCTOR,
    "take_next": _DOCTOR,
    "open_visit": _DOCTOR,
    "say": _PATIENT | _DOCTOR,
    "read_messages": _PATIENT | _DOCTOR,
    "save_note": _DOCTOR,
    "hand_back": _DOCTOR,
    "not_here": _DOCTOR,
    "call_again": _DOCTOR,
    "sign": _DOCTOR,
    "amend": _DOCTOR,
    "revise": _DOCTOR,
    "revoke": _DOCTOR | _PHARMACIST,
    # sending medicine
    "check_sheet": EVERYBODY,  # who holds a prescription asks whether it is real; nobody reads what is on it
    "see_prescription": _PHARMACIST,
    "review": _PHARMACIST,
    "choose_delivery": _PATIENT,
    "see_order": _PHARMACIST | _COURIER | _DESK,
    "pick": _PHARMACIST | _COURIER | _DESK,
    "check": _PHARMACIST | _DESK,
    "hand_over": _COURIER | _PHARMACIST,
    "deliver": _COURIER | _PHARMACIST,
    "fail_attempt": _COURIER,
    "bring_back": _COURIER | _PHARMACIST,
    "cancel_order": _PATIENT | _DESK | _PHARMACIST,
    # the desk
    "see_queue": _DESK,
    "add_person": _DESK,
    "print_ticket": _DESK,
    "cancel_visit": _DESK,
    "expire": _DESK,
    # a record outside one's care: see rooms/glass.py
    "break_glass": _DOCTOR | _PRIVACY_OFFICER,
    "read_under_glass": _DOCTOR | _PRIVACY_OFFICER,
    "see_openings": _PRIVACY_OFFICER,
    "review_opening": _PRIVACY_OFFICER,
    "see_practice": _PRIVACY_OFFICER,  # and nobody who pays or ranks (R19)
    # what is owed about records
    "see_requests": _PRIVACY_OFFICER,
    "see_complaints": _DESK | _PRIVACY_OFFICER,
    "close_complaint": _DESK | _PRIVACY_OFFICER,
    # who works here
    "see_staff": _ADMINISTRATOR | _PRIVACY_OFFICER,
    "see_member": _ADMINISTRATOR | _PRIVACY_OFFICER,
    "add_member": _ADMINISTRATOR,
    "change_member": _ADMINISTRATOR,
    "dismiss": _ADMINISTRATOR,
    "take_back": _ADMINISTRATOR,
    "sign_out_everywhere": _ADMINISTRATOR,
    "reset_sign_in": _ADMINISTRATOR,
}
# Taking a patient, putting one's name under something, and reading somebody else's patient: only with a licence that is
# valid on that day (R1).
NEEDS_LICENCE = frozenset({"go_on_duty", "take_next", "call_again", "sign", "amend", "revise", "review", "break_glass"})

# Of these, what gives a doctor a patient: only who can be named to them (R21), and has practised for long enough (R2).
TAKES = frozenset({"go_on_duty", "take_next", "call_again"})


class Tie(StrEnum):
    """What makes a visit somebody's business."""

    OWN = "own"  # the ticket's secret is theirs
    CARE = "care"  # a doctor who has this patient, or had
    GLASS = "glass"  # who broke the glass, for half an hour, to read
    NUMBER = "number"  # whoever proved the number under which the ticket was drawn
    WORK = "work"  # the part of every visit that is this role's work: a prescription, a parcel, a place in the queue


_OWN, _CARE, _WORK = frozenset({Tie.OWN}), frozenset({Tie.CARE}), frozenset({Tie.WORK})
_GLASS, _NUMBER = frozenset({Tie.GLASS}), frozenset({Tie.NUMBER})
# Deed x role -> the visits it may be done with. Without one of these ties there is no such visit: 404. Who holds
# a visit just now, and who checked what already, is a question of the moment, which the rooms answer after this one.
WHOSE: dict[str, dict[Role, frozenset[Tie]]] = {
    "find": {Role.PUBLIC: _NUMBER},
    "come_back": {Role.PUBLIC: _OWN, Role.PATIENT: _OWN},
    "let_go": {Role.PUBLIC: _OWN, Role.PATIENT: _OWN},
    "see_ticket": {Role.PATIENT: _OWN},
    "see_opened": {Role.PATIENT: _OWN},
    "see_record": {Role.PATIENT: _OWN},
    "complain": {Role.PATIENT: _OWN},
    "close_complaint": {Role.DESK: _WORK, Role.PRIVACY_OFFICER: _WORK},
    "erase": {Role.PATIENT: _OWN},
    "leave": {Role.PATIENT: _OWN},
    "need_more_time": {Role.PATIENT: _OWN},
    "here_now": {Role.PATIENT: _OWN},
    "first_free": {Role.PATIENT: _OWN},
    "same_doctor": {Role.PATIENT: _OWN},
    "wake_me": {Role.PATIENT: _OWN},
    "choose_delivery": {Role.PATIENT: _OWN},
    "open_visit": {Role.DOCTOR: _CARE},
    "say": {Role.PATIENT: _OWN, Role.DOCTOR: _CARE},
    "read_messages": {Role.PATIENT: _OWN, Role.DOCTOR: _CARE},
    "break_glass": {Role.DOCTOR: _WORK, Role.PRIVACY_OFFICER: _WORK},
    "read_under_glass": {Role.DOCTOR: _GLASS, Role.PRIVACY_OFFICER: _GLASS},
    "review_opening": {Role.PRIVACY_OFFICER: _WORK},
    "save_note": {Role.DOCTOR: _CARE},
    "hand_back": {Role.DOCTOR: _CARE},
    "not_here": {Role.DOCTOR: _CARE},
    "call_again": {Role.DOCTOR: _CARE},
    "sign": {Role.DOCTOR: _CARE},
    "amend": {Role.DOCTOR: _CARE},
    "revise": {Role.DOCTOR: _CARE},
    "revoke": {Role.DOCTOR: _CARE, Role.PHARMACIST: _WORK},
    "see_prescription": {Role.PHARMACIST: _WORK},
    "review": {Role.PHARMACIST: _WORK},
    "see_order": {Role.PHARMACIST: _WORK, Role.COURIER: _WORK, Role.DESK: _WORK},
    "pick": {Role.PHARMACIST: _WORK, Role.COURIER: _WORK, Role.DESK: _WORK},
    "check": {Role.PHARMACIST: _WORK, Role.DESK: _WORK},
    "hand_over": {Role.COURIER: _WORK, Role.PHARMACIST: _WORK},
    "deliver": {Role.COURIER: _WORK, Role.PHARMACIST: _WORK},
    "fail_attempt": {Role.COURIER: _WORK},
    "bring_back": {Role.COURIER: _WORK, Role.PHARMACIST: _WORK},
    "cancel_order": {Role.PATIENT: _OWN, Role.DESK: _WORK, Role.PHARMACIST: _WORK},
    "print_ticket": {Role.DESK: _WORK},
    "cancel_visit": {Role.DESK: _WORK},
    "expire": {Role.DESK: _WORK},
}


def whose(actor: Actor, deed: str, ties: frozenset[Tie]) -> None:
    """Raise NotFound unless this deed may be done with a visit to which the actor has these ties."""
    if not WHOSE.get(deed, {}).get(actor.role, frozenset()) & ties:
        raise NotFound()


def may(actor: Actor, deed: str) -> None:
    """Raise SignInFirst or NotAllowed unless people in this role do this deed."""
    allowed = MAY.get(deed, frozenset())
    if actor.role in allowed:
        return
    if actor.role is Role.PUBLIC and allowed:
        raise SignInFirst("Please sign in to continue.")
    raise NotAllowed("This is not part of your work at the clinic.")


def qualified(actor: Actor, deed: str, today: date, policy: Policy) -> None:
    """Raise NotAllowed where a deed asks more of this actor than the role: a licence, and to take patients also what
    they must be told of their doctor, and enough practice."""
    licensed(actor, deed, today)
    takes(actor, deed, today, policy.practice_years)


def licensed(actor: Actor, deed: str, today: date) -> None:
    """Raise NotAllowed where the deed needs a licence and this actor's does not cover `today`, on the clinic's clock.

    A doctor must have one; a pharmacist's is held to if the clinic wrote one down. Rule R1 of the product rules, from
    the 2022 Chinese rules for internet hospitals; a licence is valid on the day that is written on it.
    """
    if deed not in NEEDS_LICENCE:
        return
    if actor.licence_until is None:
        if actor.role is Role.DOCTOR:
            raise NotAllowed("Your licence is not written down here. Ask an administrator.")
    elif today > actor.licence_until:
        raise NotAllowed(
            "Your licence was valid until %(day)s. Ask an administrator. You can still hand patients back.",
            day=actor.licence_until.isoformat(),
        )


def takes(actor: Actor, deed: str, today: date, years: int) -> None:
    """Raise NotAllowed where a doctor would take a patient who could not be told by whom they are seen (R21), or has
    practised on their own for less than the `years` this clinic asks for (R2). A day that nobody wrote down is no day.
    """
    if deed not in TAKES or actor.role is not Role.DOCTOR:
        return
    if not (actor.name and actor.title and actor.licence):
        raise NotAllowed(
            "Patients must see your title and your licence number, and one of them is not written down here. "
            "Ask an administrator. You can still hand patients back."
        )
    if not years:
        return
    if actor.practising_since is None:
        raise NotAllowed("Since when you practise on your own is not written down here. Ask an administrator.")
    if _whole_years(actor.practising_since, today) < years:
        raise NotAllowed(
            "Here a doctor needs %(years)s years of practice on their own, and you have practised since %(day)s.",
            years=years,
            day=actor.practising_since.isoformat(),
        )


def _whole_years(since: date, today: date) -> int:
    """Who began on 29 February has a year more on 1 March."""
    return today.year - since.year - ((today.month, today.day) < (since.month, since.day))
