"""Seeing: doctor and patient talk, the doctor writes, signs or hands back."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.refusal import NotFound, Refusal, Repeated, Stale, Together, Unsigned
from chalicelib.rooms import assignment, consult, delivery, prescription, queue
from chalicelib.rooms.assignment import Freed
from chalicelib.rooms.consult import PATIENT, UNSAID, Began, Message, Note, NoteState, Outcome
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.permission import SYSTEM, Actor, Role
from chalicelib.rooms.prescription import Line, Prescription
from chalicelib.rooms.queue import WITH_DOCTOR, Closed, State, Ticket, Visit
from chalicelib.visit import preferring, taking
from chalicelib.visit.errand import Errand, about_visit, look, look_at_others, once
from chalicelib.visit.sealing import sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An earlier visit of the same person."""

    visit: Visit
    notes: list[Note]
    prescription: Prescription | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """One visit with everything the reader may see of it."""

    visit: Visit
    messages: list[Message]
    note: Note | None
    notes: list[Note]
    prescription: Prescription | None
    order: Order | None
    history: list[Past]


def open_visit(errand: Errand, *, id: Ticket) -> Dossier:
    """Everything about one visit, for its patient or a doctor who holds or held it; a doctor's look is written down."""
    is_doctor = errand.actor.role is Role.DOCTOR
    file = errand.file(id, "open_visit" if is_doctor else "see_ticket")
    visit = file.visit
    history: list[Past] = []
    notes: list[Note] = []
    if is_doctor:
        look(errand, visit.id)
        visit = _alive(errand, visit)
        notes = file.notes
        history = _history(errand, visit)
    return Dossier(
        visit=visit,
        messages=file.messages,
        note=notes[-1] if notes else None,
        notes=notes,
        prescription=_still_good(errand, file.prescriptions[-1]) if file.prescriptions else None,
        order=file.orders[-1] if file.orders else None,
        history=history,
    )


def _history(errand: Errand, visit: Visit) -> list[Past]:
    """The same person's earlier visits, for the doctor who has this one; each visit shown has its own audit line.

    Where numbers can be proven, only of somebody of a proven number; else the visits of the same phone.
    """
    if visit.doctor != errand.actor.id or (errand.clinic.proves_phones and not visit.verified):
        return []
    past = errand.records.past(visit.person, before=visit)
    look_at_others(errand, visit.id, [file.visit.id for file in past if not file.visit.restricted])
    return [
        Past(visit=p.visit, notes=p.notes, prescription=p.prescriptions[-1] if p.prescriptions else None)
        for p in past
        if not p.visit.restricted
    ]


def _still_good(errand: Errand, found: Prescription) -> Prescription:
    """Whoever looks at a prescription that ran out of time writes that down."""
    after = prescription.expire(found, errand.now)
    if after is not found:
        notice = replace(errand, request=f"expire:{found.number}", actor=SYSTEM)
        try:
            notice.records.save(after, audit=notice.entry("expire_prescription", about_visit(found.visit)))
        except (Repeated, Stale):
            return the_prescription(errand, found.visit)
    return after


def _alive(errand: Errand, visit: Visit) -> Visit:
    """The doctor is there: renew the lease, at half life, on traffic that happens anyway. Also one that ran out, while
    nobody has taken the patient away: the doctor was in another conversation."""
    if visit.doctor != errand.actor.id or visit.state not in WITH_DOCTOR:
        return visit
    alive = assignment.alive(visit, errand.now)
    if alive is not visit:
        taking.seen(errand)  # one conversation open on the phone is a sign of life for all of them
        renewal = replace(errand, request=f"alive:{visit.version}")
        try:
            renewal.records.save(alive, audit=renewal.entry("alive", about_visit(visit.id)))
        except (Repeated, Stale):
            return errand.records.visit(visit.id)
        return replace(alive, version=(alive.version or 0) + 1)
    return visit


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def _visit_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Visit:
    return errand.records.visit(id)


def _message_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Message:
    return next(m for m in errand.records.messages(id, "") if m.id == answer)


@once(about=_about_visit, again=_message_again)
def say(errand: Errand, *, id: Ticket, text: str, epoch: int | None) -> Message:
    """A message of the patient, or of the doctor who holds the visit; the doctor's first word begins the consult."""
    visit = errand.visit(id, "say")
    actor = errand.actor
    if actor.role is Role.PATIENT:
        author, name = PATIENT, visit.answers.name
    else:
        _holds(actor, visit, epoch)
        author, name = actor.id, actor.name
        visit = assignment.alive(consult.begun(visit), errand.now)
    visit, message = consult.say(visit, author=author, author_name=name, text=text, now=errand.now)
    errand.records.save(visit, message, audit=errand.entry("say", about_visit(id), answer=message.id))
    return message


def _holds(actor: Actor, visit: Visit, epoch: int | None) -> None:
    assignment.holds(actor.id, visit, epoch=-1 if epoch is None else epoch)


def messages(errand: Errand, *, id: Ticket, after: str) -> list[Message]:
    """What was said since; a doctor who listens is alive."""
    visit = errand.visit(id, "read_messages")
    if errand.actor.role is Role.DOCTOR:
        look(errand, id)
        _alive(errand, visit)
    return errand.records.messages(id, after)


def _note_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Note:
    note = errand.records.newest_note(id)
    assert note is not None, "a repeated note was written before"
    return note


def _draft(errand: Errand, visit: Visit, before: Note | None, epoch: int, soap: dict[str, str], began: Began) -> Note:
    me = errand.actor
    return consult.draft(visit, before, doctor=me.id, doctor_name=me.name, epoch=epoch, soap=soap, began=began)


@once(about=_about_visit, again=_note_again)
def save_note(errand: Errand, *, id: Ticket, epoch: int, soap: dict[str, str], began: Began = UNSAID) -> Note:
    """The note as typed so far. The visit is written with it, so that only the holder's text is ever kept."""
    before = errand.records.newest_note(id)  # first: if it is signed meanwhile, the visit read after it says so
    visit = errand.visit(id, "save_note")
    note = _draft(errand, visit, before, epoch, soap, began)
    visit = assignment.alive(consult.begun(visit), errand.now)
    errand.records.save(visit, note, audit=errand.entry("save_note", about_visit(id)))
    return note


@once(about=_about_visit, again=_visit_again)
def hand_back(errand: Errand, *, id: Ticket, epoch: int, reason: str) -> Visit:
    """Back to the front with the whole conversation; the draft note is set aside, kept and readable."""
    visit = errand.visit(id, "hand_back")
    visit = assignment.hand_back(visit, doctor=errand.actor.id, epoch=epoch, reason=reason)
    ticket, alias = errand.records.recall_ticket(visit.home, id)
    front = queue.to_front(visit, ticket=ticket)
    changes: list[object] = [front, alias, Freed(doctor=errand.actor.id, visit=id)]
    note = errand.records.newest_note(id)
    if note and note.epoch == epoch and note.state is NoteState.DRAFT:
        changes.append(consult.set_aside(note))
    errand.records.save(*changes, audit=errand.entry("hand_back", about_visit(id)))
    return front


@once(about=_about_visit, again=_visit_again)
def not_here(errand: Errand, *, id: Ticket, epoch: int) -> Visit:
    """The patient does not answer: back in the queue a few places on, and the doctor is free.

    The lane is told first, as with "I need more time": an entry for nobody does no harm, a visit nobody knows of would.
    """
    line = preferring.line(errand, id, "not_here")
    visit = line.visit
    away = assignment.not_here(visit, line.lane, doctor=errand.actor.id, epoch=epoch, now=errand.now)
    assert away.returns_at is not None
    changes: list[object] = [away, Freed(doctor=errand.actor.id, visit=id)]
    if not errand.records.hold(visit.lane, id, away.returns_at):
        raise Refusal("Too many people are away just now. Hand this patient back instead.")
    note = errand.records.newest_note(id)
    if note and note.epoch == epoch and note.state is NoteState.DRAFT:
        changes.append(consult.set_aside(note))
    errand.records.save(*changes, audit=errand.entry("not_here", about_visit(id)))
    return away


@once(about=_about_visit, again=_visit_again)
def call_again(errand: Errand, *, id: Ticket) -> Visit:
    """The patient is there after all: back to the doctor who had said "not here".

    The lane still holds an entry for the visit, which counts as a person until the next sweep.
    """
    visit = errand.visit(id, "call_again")
    desk = errand.records.doctor(errand.actor.id)
    back, desk = assignment.call_again(visit, desk, by=errand.actor, now=errand.now)
    errand.records.save(back, desk, audit=errand.entry("call_again", about_visit(id)))
    return back


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What would be signed and written: `before` and `draft` as they are until then."""

    before: Visit
    draft: Note
    ended: Visit
    note: Note
    medicine: Prescription | None


def look_over(
    errand: Errand,
    *,
    id: Ticket,
    epoch: int,
    soap: dict[str, str],
    outcome: Outcome | None,
    summary: str,
    lines: tuple[Line, ...],
    confirmed: bool,
    heard: int | None = None,
    stated: tuple[str, ...] = (),
    began: Began = UNSAID,
) -> Finish:
    """The end of a visit as it is filled in, nothing of it written yet. All that is wrong with it is told at once."""
    before = errand.records.newest_note(id)  # first: if it is signed meanwhile, the visit read after it says so
    visit = errand.visit(id, "sign")
    draft = _draft(errand, visit, before, epoch, soap, began)
    me, clinic, now, together = errand.actor, errand.clinic, errand.now, Together()
    with together:
        consult.unread(visit, heard)
    with together:
        ended, note = consult.sign(
            consult.begun(visit),
            draft,
            doctor=me.id,
            epoch=epoch,
            outcome=outcome,
            summary=summary,
            policy=clinic.policy,
            now=now,
        )
    with together:
        medicine = prescription.prescribe(
            visit,
            outcome=outcome,
            lines=lines,
            confirmed=confirmed,
            doctor=me.id,
            doctor_name=me.name,
            clinic=clinic,
            now=now,
            stated=stated,
        )
    together.tell()
    return Finish(before=visit, draft=draft, ended=ended, note=note, medicine=medicine)


@once(about=_about_visit, again=_visit_again)
def sign(errand: Errand, /, *, id: Ticket, **said: Any) -> Visit:
    """Note signed, visit completed, prescription signed, doctor and patient free: all in one write or none of it.
    `said` is what `look_over` asks for."""
    finish = look_over(errand, id=id, **said)
    ended, medicine = finish.ended, finish.medicine
    signed = _sealed(errand, ended, (finish.note, medicine) if medicine else (finish.note,), finish)
    if medicine:
        ended = replace(ended, prescribed=medicine.number)
    free = (
        Freed(doctor=errand.actor.id, visit=id),
        Closed(person=ended.person, department=id.department, visit=id),
    )
    errand.records.save(*signed, ended, *free, audit=errand.entry("sign", about_visit(id)))
    return ended


def _sealed(errand: Errand, ended: Visit, records: tuple[Note | Prescription, ...], finish: Finish) -> list[object]:
    """Signed, all of them. If the key does not answer, what was typed stays as the draft it is, and the same request
    signs it later."""
    try:
        return [sealed(errand, ended, record) for record in records]
    except Unsigned as silent:
        visit, note = assignment.alive(consult.begun(finish.before), errand.now), finish.draft
        # The visit's version: what was typed since the last try of the same form is kept too.
        kept = replace(errand, request=f"{errand.request}-draft-{visit.version or 0}")
        try:
            kept.records.save(visit, note, audit=kept.entry("save_note", about_visit(visit.id)))
        except (Refusal, Repeated, Stale):
            raise silent from None
        raise Unsigned("We cannot sign at the moment. What you wrote is kept. Please try again in a moment.") from None


@once(about=_about_visit, again=_note_again)
def amend(errand: Errand, *, id: Ticket, soap: dict[str, str]) -> Note:
    """A signed correction beside the signed note, which keeps every byte."""
    visit = errand.visit(id, "amend")
    note = errand.records.newest_note(id)
    if note is None or visit.state is not State.COMPLETED:
        raise NotFound()
    visit, old, new = consult.amend(
        visit,
        note,
        doctor=errand.actor.id,
        doctor_name=errand.actor.name,
        soap=soap,
        policy=errand.clinic.policy,
        now=errand.now,
    )
    new = sealed(errand, visit, new)
    errand.records.save(visit, old, new, audit=errand.entry("amend", about_visit(id)))
    return new


def _prescription_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Prescription:
    return the_prescription(errand, id)


def the_prescription(errand: Errand, id: Ticket) -> Prescription:
    """The newest prescription of a visit. Raises NotFound."""
    found = errand.records.newest_prescription(id)
    if found is None:
        raise NotFound()
    return found


@once(about=_about_visit, again=_prescription_again)
def revise(errand: Errand, *, id: Ticket, lines: tuple[Line, ...], confirmed: bool) -> Prescription:
    """The doctor's answer to the pharmacist: the next number, to be checked again."""
    visit = errand.visit(id, "revise")
    old, new = prescription.revise(
        the_prescription(errand, id),
        visit,
        doctor=errand.actor.id,
        lines=lines,
        confirmed=confirmed,
        clinic=errand.clinic,
        now=errand.now,
    )
    new = sealed(errand, visit, new)
    visit = replace(visit, prescribed=new.number)
    errand.records.save(old, new, visit, audit=errand.entry("revise", about_visit(id)))
    return new


@once(about=_about_visit, again=_prescription_again)
def revoke(errand: Errand, *, id: Ticket, reason: str) -> Prescription:
    """Taken back, by its doctor or a pharmacist, before anything was given out."""
    found = errand.prescription(id, "revoke")
    revoked = prescription.revoke(
        found,
        by=errand.actor.id,
        is_doctor=errand.actor.role is Role.DOCTOR,
        reason=reason,
        now=errand.now,
    )
    changes: list[object] = [revoked]
    if found.state is prescription.State.RESERVED:
        parcel = errand.records.newest_order(id)
        if parcel is None or parcel.state in delivery.GONE:
            raise Stale
        changes.append(delivery.cancel(parcel, by=errand.actor.id, now=errand.now))
    errand.records.save(*changes, audit=errand.entry("revoke", about_visit(id)))
    return revoked


def since(visit: Visit) -> datetime:
    """Since when the patient is with this doctor, or waits."""
    return visit.calls[-1].at if visit.state in WITH_DOCTOR else visit.joined_at
