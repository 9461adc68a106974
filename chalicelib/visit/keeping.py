"""Keeping: what a clinic owes about its records.

A patient takes out their own, has erased what no duty keeps, and says what went wrong.
"""

from dataclasses import replace

from chalicelib.refusal import NotFound
from chalicelib.rooms import arrival, complaint, erasure, retention
from chalicelib.rooms.arrival import Request
from chalicelib.rooms.complaint import About, Complaint
from chalicelib.rooms.erasure import Answered, Erasure
from chalicelib.rooms.queue import Ticket, Visit
from chalicelib.visit.errand import Errand, File, about_visit, look, look_at_list, look_at_record, once

PARCELS_AT_ONCE = 80  # of a transaction, which may have 100 rows


def my_record(errand: Errand, *, id: Ticket) -> File:
    """Everything kept of the patient's own visit; taking it out is written down first. Raises NotFound for others."""
    file = errand.file(id, "see_record")
    look_at_record(errand, id)
    return file


def asking(errand: Errand, *, id: Ticket) -> tuple[Visit, list[Answered]]:
    """Before and after the patient asks for erasure: what is, or would be, erased and kept. Raises TooLate."""
    file = errand.file(id, "erase")
    if not file.visit.restricted:
        erasure.may(file.visit, file.prescriptions, file.orders, errand.now)
    return file.visit, _answer(errand, file)


def _answer(errand: Errand, file: File) -> list[Answered]:
    signed = [note.signed_at for note in file.notes]
    signed += [at for one in file.complaints for at in (one.filed_at, one.closed_at)]
    last = retention.last_entry(file.visit, file.messages, signed, file.prescriptions, file.orders)
    return erasure.answer(last, retention.ended(file.visit, file.messages), errand.clinic.keep)


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def requests(errand: Errand) -> list[Erasure]:
    """What patients asked to be erased, the newest first, for the privacy officer: no name, no word."""
    return errand.records.erasures()


def _complaint_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Complaint:
    return next(one for one in errand.records.complaints_of(id) if str(one.number) == answer)


def my_complaints(errand: Errand, *, id: Ticket) -> list[Complaint]:
    """What the patient said went wrong, and what the clinic answered."""
    errand.visit(id, "complain")
    return errand.records.complaints_of(id)


@once(about=_about_visit, again=_complaint_again)
def complain(errand: Errand, *, id: Ticket, about: About | None, text: str) -> Complaint:
    """At any time of the visit and after it, also when the record is closed."""
    visit = errand.visit(id, "complain")
    one = complaint.file(id, errand.records.complaints_of(id), about=about, text=text, now=errand.now)
    # The visit too, one version more: a deletion that looked at the record before must look again.
    errand.records.save(one, visit, audit=errand.entry("complain", about_visit(id), answer=str(one.number)))
    return one


def complaints(errand: Errand) -> list[Complaint]:
    """Those nobody has answered yet, the oldest first; without the words that a patient had closed. Whose words are
    shown reads it in their trail: the line of a list does not say who was on it."""
    look_at_list(errand)
    found = errand.records.complaints()
    visits = (
        {visit.id: visit for visit in errand.records.visits((one.visit for one in found), consistent=True)}
        if found
        else {}
    )
    told = [complaint.to_staff(one, visits.get(one.visit)) for one in found]
    for visit in dict.fromkeys(one.visit for one in told if one.text):
        look(errand, visit, "see_complaints")
    return told


@once(about=_about_visit, again=_complaint_again)
def close_complaint(errand: Errand, *, id: Ticket, number: int, word: str) -> Complaint:
    """With a word that the patient reads. Raises NotFound, and TooLate where somebody else was first."""
    found = next((one for one in errand.records.complaints_of(id) if one.number == number), None)
    if found is None:
        raise NotFound()
    visit = errand.visit(id, "close_complaint", ties=complaint.ties)
    closed = complaint.close(found, by=errand.actor.id, word=word, now=errand.now)
    errand.records.save(closed, visit, audit=errand.entry("close_complaint", about_visit(id), answer=str(number)))
    return closed


def _erased_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Visit:
    return errand.records.visit(id)


@once(about=_about_visit, again=_erased_again, made_here=frozenset({"holder"}))
def erase(errand: Errand, *, id: Ticket, holder: str = "") -> Visit:
    """What no duty keeps is gone, the rest is closed to everybody who works here. Asked again, nothing more happens.

    `holder` is the phone on which it is asked: the answers that were given on it for this visit go too.
    """
    file = errand.file(id, "erase")
    visit = file.visit
    if visit.restricted:
        return visit
    erasure.may(visit, file.prescriptions, file.orders, errand.now)
    parcels = [erasure.erase_parcel(one) for one in file.orders if not one.erased]
    while len(parcels) > PARCELS_AT_ONCE:  # somebody chose and cancelled all day: the oldest first
        part, parcels = parcels[:PARCELS_AT_ONCE], parcels[PARCELS_AT_ONCE:]
        first = replace(errand, request=f"{errand.request}-{part[0].number}")
        first.records.save(*part, audit=first.entry("erase_parcels", about_visit(id)))
    erased, asked = erasure.erase(visit, errand.now)
    notices = [erasure.erase_notice(one) for one in errand.records.notices_of(id)]
    wake = errand.records.wake(id)
    wakes = [erasure.erase_wake(wake)] if wake else []
    lapsed = [erasure.lapse(one) for one in file.prescriptions[-1:] if one.state in erasure.TO_COME]
    changes = (erased, asked, *parcels, *notices, *wakes, *lapsed, *_answers_of(errand, visit, holder))
    errand.records.save(*changes, audit=errand.entry("erase", about_visit(id)))
    return erased.visit


def _answers_of(errand: Errand, visit: Visit, holder: str) -> list[Request]:
    """The answers to the questions, emptied, where they lie under this phone; those of a later ticket stay."""
    if not holder:
        return []
    try:
        found = errand.records.request(holder)
    except NotFound:
        return []
    return [arrival.forget(found)] if found.id == visit.request else []
