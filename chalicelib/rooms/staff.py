"""Staff: who works here, as what, until when licensed; joining, changing, leaving, and somebody left in charge."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from chalicelib.refusal import Refusal, TooLate
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.rules import Clinic

ID_MAX, NAME_MAX, TITLE_MAX, LICENCE_MAX = 40, 60, 60, 40
MEMBERS_MAX = 2000  # people of one clinic; all of them are read for the administrator's list
ROLES = (Role.DOCTOR, Role.PHARMACIST, Role.COURIER, Role.DESK, Role.PRIVACY_OFFICER, Role.ADMINISTRATOR)
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_OF_AN_ID = _LETTERS | frozenset("0123456789-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody who works here. One name, one person, one role: who has two jobs has two names, so that the audit says
    in which of them something was done.

    `departments` are where a doctor may be on duty, none named is everywhere; `epoch` counts how often all sessions
    were ended at once: those opened under an older one are over.
    """

    id: str
    name: str
    role: Role
    added_at: datetime
    departments: tuple[str, ...] = ()
    title: str = ""  # as patients see it, like "Attending physician"
    licence: str = ""
    licence_until: date | None = None
    practising_since: date | None = None  # on their own
    active: bool = True
    epoch: int = 0
    version: int | None = None

    @property
    def is_doctor(self) -> bool:
        """Works here, as a doctor."""
        return self.active and self.role is Role.DOCTOR

    @property
    def actor(self) -> Actor:
        """Who asks, when this person asks."""
        return Actor(
            role=self.role,
            id=self.id,
            name=self.name,
            departments=frozenset(self.departments) or None,
            title=self.title,
            licence=self.licence,
            licence_until=self.licence_until,
            practising_since=self.practising_since,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """What a patient is told of a doctor, as it stood at the door when their visit was taken: what is changed about the
    member later does not change it (R21)."""

    doctor: str
    name: str
    title: str
    licence: str


def plate(actor: Actor) -> Plate:
    """Of this doctor, now."""
    name, title, licence = (" ".join(said.split()) for said in (actor.name, actor.title, actor.licence))
    return Plate(doctor=actor.id, name=name, title=title, licence=licence)


def plate_of(plates: Sequence[Plate], doctor: str) -> Plate | None:
    """What this doctor's patient was told, the last time; None of a visit that was taken before it was kept."""
    return next((one for one in reversed(plates) if one.doctor == doctor), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrators:
    """Those who can let others in. Written together with each of them, so that there is always one left."""

    ids: frozenset[str] = frozenset()
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody is signed in: since when, and when the second factor was shown last."""

    began_at: datetime
    proved_at: datetime


def fresh(session: Session, now: datetime, minutes: int) -> bool:
    """Whether the second factor was shown so lately that one may sign."""
    return now - session.proved_at < timedelta(minutes=minutes)


def named(typed: str) -> str:
    """A sign-in name as it is kept."""
    return typed.strip().casefold()


def joins(
    *,
    id: str,
    name: str,
    role: Role,
    departments: tuple[str, ...],
    title: str,
    licence: str,
    licence_until: date | None,
    practising_since: date | None,
    clinic: Clinic,
    now: datetime,
) -> Member:
    """Somebody new. Raises Refusal for a name that cannot be one, or a doctor without a title or a licence."""
    id = named(id)
    if not 2 <= len(id) <= ID_MAX or id[0] not in _LETTERS or not _OF_AN_ID.issuperset(id):
        raise Refusal("Small letters, digits and hyphens, beginning with a letter, like li-wei.", field="id")
    fresh = Member(id=id, name=name.strip(), role=role, added_at=now)
    return changes(
        fresh,
        name=name,
        role=role,
        departments=departments,
        title=title,
        licence=licence,
        licence_until=licence_until,
        practising_since=practising_since,
        clinic=clinic,
    )


def changes(
    member: Member,
    *,
    name: str,
    role: Role,
    departments: tuple[str, ...],
    title: str,
    licence: str,
    licence_until: date | None,
    practising_since: date | None,
    clinic: Clinic,
) -> Member:
    """What the clinic writes down about somebody. Another role ends their sessions: no page of the old one is kept."""
    if not name.strip():
        raise Refusal("Enter the name that patients and colleagues see.", field="name")
    if role not in ROLES:
        raise Refusal("Choose what this person does here.", field="role")
    if any(clinic.department(d) is None for d in departments):
        raise Refusal("Choose a department.", field="departments")
    for field, typed, most in (
        ("name", name, NAME_MAX),
        ("title", title, TITLE_MAX),
        ("licence", licence, LICENCE_MAX),
    ):
        if len(typed) > most:
            raise Refusal("At most %(max)s characters.", field=field, max=most)
    if role is Role.DOCTOR:
        _of_a_doctor(title, licence, licence_until)
    return replace(
        member,
        name=name.strip(),
        role=role,
        departments=tuple(dict.fromkeys(departments)) if role is Role.DOCTOR else (),
        title=title.strip(),
        licence=licence.strip(),
        licence_until=licence_until,
        practising_since=practising_since,
        epoch=member.epoch + (role is not member.role),
    )


def _of_a_doctor(title: str, licence: str, licence_until: date | None) -> None:
    """What patients are told of a doctor (R21), and the licence (R1)."""
    if not title.strip():
        raise Refusal("A doctor needs a title that patients see, like Attending physician.", field="title")
    if not licence.strip():
        raise Refusal("A doctor needs a licence number.", field="licence")
    if licence_until is None:
        raise Refusal("Enter the day until which the licence is valid.", field="licence_until")


def licensed(member: Member, today: date) -> None:
    """Nobody new comes with a licence that has ended; of who works here already it is only said, since it may end."""
    if member.role is Role.DOCTOR and member.licence_until and member.licence_until < today:
        raise Refusal("This licence has ended. Enter the day until which it is valid now.", field="licence_until")


def as_seen(member: Member, version: int) -> None:
    """Raises TooLate where somebody changed this person since the page was opened: what they did is not to be undone by
    a form that does not know of it."""
    if member.version != version:
        raise TooLate("Somebody changed this meanwhile. Look at it again, then change it.")


def leaves(member: Member) -> Member:
    """No longer works here: every session is over. Whatever they wrote and signed stays theirs."""
    if not member.active:
        raise TooLate("This person was deactivated before.")
    return replace(member, active=False, epoch=member.epoch + 1)


def comes_back(member: Member) -> Member:
    """Works here again, with the same name; has to sign in anew."""
    if member.active:
        raise TooLate("This person works here already.")
    return replace(member, active=True)


def out_everywhere(member: Member) -> Member:
    return replace(member, epoch=member.epoch + 1)


def starts_anew(member: Member) -> Member:
    """A new way in is made for somebody: nothing that was opened by the old one stays open."""
    if not member.active:
        raise TooLate("This person does not work here any more.")
    return out_everywhere(member)


def in_charge(all: Administrators, before: Member | None, after: Member) -> Administrators:
    """Who is administrator once `before` has become `after`; the same object where nothing changes.

    Raises TooLate rather than leave the clinic with nobody who can let others in.
    """
    ids = all.ids | {after.id} if after.active and after.role is Role.ADMINISTRATOR else all.ids - {after.id}
    if ids == all.ids:
        return all
    if not ids and before is not None:
        raise TooLate("This is the last administrator. Make somebody else an administrator first.")
    return replace(all, ids=ids)
