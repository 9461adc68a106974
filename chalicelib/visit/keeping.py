"""Keeping: what a clinic owes about its records. A patient takes out their own, whole."""

from chalicelib.rooms import queue
from chalicelib.rooms.queue import Ticket
from chalicelib.visit.errand import Errand, File, look_at_record


def my_record(errand: Errand, *, id: Ticket) -> File:
    """Everything kept of the patient's own visit; taking it out is written down first. Raises NotFound for others."""
    file = errand.records.file(id)
    queue.theirs(file.visit, secret=errand.actor.id)
    look_at_record(errand, id)
    return file
