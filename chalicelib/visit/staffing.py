"""Staffing: the administrator lets people in, changes what they may do, and lets them go, at the next click."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from chalicelib.refusal import Busy, Refusal, TooLate
from chalicelib.rooms import assignment, staff
from chalicelib.rooms.permission import Role
from chalicelib.rooms.queue import Visit
from chalicelib.rooms.staff import MEMBERS_MAX, Member
from chalicelib.visit import taking
from chalicelib.visit.arriving import bring_to_front
from chalicelib.visit.errand import DECIDE_TRIES_MAX, Errand, about_member, once


def _about_member(errand: Errand, *, id: str, **_: object) -> str:
    return about_member(staff.named(id))


def _member_again(errand: Errand, answer: str, *, id: str, **_: object) -> Member:
    return errand.records.member(staff.named(id))


def _handed_on_again(errand: Errand, answer: str, *, id: str, **_: object) -> Member:
    """We may have died between the write and the patients."""
    member = errand.records.member(id)
    if not member.is_doctor:
        give_back(errand, id)
    return member


def see_staff(errand: Errand) -> list[Member]:
    """Everybody who works here, by name; those who no longer do at the end."""
    return sorted(errand.records.members(), key=lambda m: (not m.active, m.name.casefold(), m.id))


def see_member(errand: Errand, *, id: str) -> Member:
    """One of them as they are now: the list may be a moment old, and whoever changes somebody must not see that moment.
    Raises NotFound."""
    return errand.records.member(staff.named(id))


@once(about=_about_member, again=_member_again)
def add_member(
    errand: Errand,
    *,
    id: str,
    name: str,
    role: Role,
    departments: tuple[str, ...] = (),
    title: str = "",
    licence: str = "",
    licence_until: date | None = None,
    practising_since: date | None = None,
) -> Member:
    """Somebody new. A name once given is never given to anybody else: what was signed with it stays theirs."""
    fresh = staff.joins(
        id=id,
        name=name,
        role=role,
        departments=departments,
        title=title,
        licence=licence,
        licence_until=licence_until,
        practising_since=practising_since,
        clinic=errand.clinic,
        now=errand.now,
    )
    staff.licensed(fresh, errand.here.date())
    if errand.records.is_member(fresh.id):
        raise TooLate("This sign-in name is taken. Choose another.", field="id")
    if len(errand.records.members()) >= MEMBERS_MAX:
        raise Refusal("At most %(max)s people can work here.", max=MEMBERS_MAX)
    _save(errand, "add_member", None, fresh)
    return fresh


@once(about=_about_member, again=_handed_on_again)
def change_member(
    errand: Errand,
    *,
    id: str,
    version: int,
    name: str,
    role: Role,
    departments: tuple[str, ...],
    title: str,
    licence: str,
    licence_until: date | None,
    practising_since: date | None,
) -> Member:
    """Role, departments, licence: true from the next click on. A doctor whose work changes goes off duty with it.

    `version` is that of the member as the page showed them; see `staff.as_seen`."""
    before = errand.records.member(id)
    staff.as_seen(before, version)
    after = staff.changes(
        before,
        name=name,
        role=role,
        departments=departments,
        title=title,
        licence=licence,
        licence_until=licence_until,
        practising_since=practising_since,
        clinic=errand.clinic,
    )
    _save(errand, "change_member", before, after)
    if after.role is not Role.DOCTOR:  # also where the role was changed before, and whoever did it saw it fail half way
        give_back(errand, id)
    return after


@once(about=_about_member, again=_handed_on_again)
def dismiss(errand: Errand, *, id: str) -> Member:
    """Out at the next click, off duty, and every conversation in hand is at the front of its queue.

    First nobody can act in this name any more; then the patients are handed on. If we die in between, the same
    request goes on with it, so does any other dismissal of this person, and so does the sweep once the leases run out.
    """
    member = errand.records.member(id)
    if member.active:
        member = _moved(errand, "dismiss", id, staff.leaves)
    elif not still_held(errand, id=id):
        staff.leaves(member)  # nothing is left to be done, and this says so
    give_back(errand, id)
    return member


def still_held(errand: Errand, *, id: str) -> list[Visit]:
    """The conversations that name this doctor now."""
    held = errand.records.visits(errand.records.doctor(id).visits, consistent=True)
    return [visit for visit in held if visit.doctor == id]


def give_back(errand: Errand, id: str, reason: str = assignment.GONE) -> None:
    """Every conversation this doctor holds goes to the front, with all that was said. A word that the patient writes at
    this very moment must not keep it with somebody who is gone; if one still is, the request may be sent again."""
    for _ in range(DECIDE_TRIES_MAX):
        held = still_held(errand, id=id)
        if not held:
            return
        for visit in held:
            bring_to_front(errand, visit, reason)
    raise Busy


def go_home(errand: Errand) -> None:
    """Off duty, and every conversation in hand is at the front of its queue: nobody waits for who is gone."""
    taking.pause(errand)
    give_back(errand, errand.actor.id, assignment.SIGNED_OUT)


@once(about=_about_member, again=_member_again)
def take_back(errand: Errand, *, id: str) -> Member:
    """Works here again: the undo of a dismissal."""
    return _moved(errand, "take_back", id, staff.comes_back)


@once(about=_about_member, again=_member_again)
def sign_out_everywhere(errand: Errand, *, id: str) -> Member:
    """A phone was lost: whoever holds it is out at the next click."""
    return _moved(errand, "sign_out_everywhere", id, staff.out_everywhere)


@once(about=_about_member, again=_member_again)
def reset_sign_in(errand: Errand, *, id: str) -> Member:
    """Password forgotten, or the authenticator app lost: out everywhere, and a new slip is printed."""
    return _moved(errand, "reset_sign_in", id, staff.starts_anew)


def _moved(errand: Errand, deed: str, id: str, move: Callable[[Member], Member]) -> Member:
    before = errand.records.member(id)
    after = move(before)
    _save(errand, deed, before, after)
    return replace(after, version=(after.version or 0) + 1)


def _save(errand: Errand, deed: str, before: Member | None, after: Member) -> None:
    """The person, who is in charge, and the doctor's desk where it is left, opened again or sent elsewhere: one
    write."""
    changes: list[object] = [after]
    all = errand.records.administrators()
    in_charge = staff.in_charge(all, before, after)
    if in_charge is not all:
        changes.append(in_charge)
    if before is not None and _at_the_desk(before) != _at_the_desk(after):
        changes += _desk(errand, before, after)
    errand.records.save(*changes, audit=errand.entry(deed, about_member(after.id)))


def _at_the_desk(member: Member) -> tuple[bool, tuple[str, ...]]:
    """What the desk says of this person."""
    return member.is_doctor, member.departments


def _desk(errand: Errand, before: Member, after: Member) -> list[object]:
    """The desk of somebody who works elsewhere now, is no doctor any more, or is one again. Written with somebody who
    goes also where they are off duty or never were on: they may be going on duty at this very moment."""
    desk = errand.records.doctor(after.id)
    left = desk if before.departments == after.departments else assignment.sent_to(desk, after.departments)
    if before.is_doctor and not after.is_doctor:
        left = assignment.close(left)
    elif after.is_doctor and not before.is_doctor:
        left = assignment.reopen(left)
    if left == desk:
        return []
    left = replace(left, seen_at=desk.seen_at or errand.now)
    return [left, *assignment.presence(desk, left, errand.clinic.lanes), *assignment.roster(desk, left)]
