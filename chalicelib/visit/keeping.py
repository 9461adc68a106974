"""Keeping: what a clinic owes about its records. A patient takes out their own, and has erased what no duty keeps."""

from dataclasses import replace
from datetime import datetime

from chalicelib.rooms import erasure, queue, retention
from chalicelib.rooms.erasure import Answered, Erasure
from chalicelib.rooms.queue import Ticket, Visit
from chalicelib.visit.errand import Errand, File, about_visit, look_at_record, once

PARCELS_AT_ONCE = 80  # of a transaction, which may have 100 rows


def my_record(errand: Errand, *, id: Ticket) -> File:
    """Everything kept of the patient's own visit; taking it out is written down first. Raises NotFound for others."""
    file = errand.records.file(id)
    queue.theirs(file.visit, secret=errand.actor.id)
    look_at_record(errand, id)
    return file


def asking(errand: Errand, *, id: Ticket) -> tuple[Visit, list[Answered]]:
    """Before and after the patient asks for erasure: what is, or would be, erased and kept. Raises TooLate."""
    file = errand.records.file(id)
    queue.theirs(file.visit, secret=errand.actor.id)
    if not file.visit.restricted:
        erasure.may(file.visit, file.prescriptions, file.orders, errand.now)
    return file.visit, _answer(errand, file)


def _answer(errand: Errand, file: File) -> list[Answered]:
    signed: list[datetime | None] = [note.signed_at for note in file.notes]
    last = retention.last_entry(file.visit, file.messages, signed, file.prescriptions, file.orders)
    return erasure.answer(last, retention.ended(file.visit, file.messages), errand.clinic.keep)


def _about_visit(errand: Errand, *, id: Ticket) -> str:
    return about_visit(id)


def _visit_again(errand: Errand, answer: str, *, id: Ticket) -> Visit:
    return errand.records.visit(id)


def requests(errand: Errand) -> list[Erasure]:
    """What patients asked to be erased, the newest first, for the privacy officer: no name, no word."""
    return errand.records.erasures()


@once(about=_about_visit, again=_visit_again)
def erase(errand: Errand, *, id: Ticket) -> Visit:
    """What no duty keeps is gone, the rest is closed to everybody who works here. Asked again, nothing more happens."""
    file = errand.records.file(id)
    visit = file.visit
    queue.theirs(visit, secret=errand.actor.id)
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
    changes = (erased, asked, *parcels, *notices, *wakes, *lapsed)
    errand.records.save(*changes, audit=errand.entry("erase", about_visit(id)))
    return erased.visit
