"""Watching: who opened a record, for the patient whose record it is."""

from chalicelib.rooms import queue
from chalicelib.rooms.oversight import Trail
from chalicelib.rooms.queue import Ticket
from chalicelib.visit.errand import Errand, about_visit


def who_opened(errand: Errand, *, id: Ticket, before: int | None = None) -> Trail:
    """What was done with the patient's own record, the newest first. Raises NotFound for anybody else."""
    queue.theirs(errand.records.visit(id), secret=errand.actor.id)
    return errand.records.trail(about_visit(id), before)
