"""The clock's door: nobody comes in, but once a minute the clinic looks after itself."""

import logging
from dataclasses import fields

from chalicelib.clinic import CLINIC
from chalicelib.doors import manners
from chalicelib.doors.guests import new_secret
from chalicelib.doors.manners import RECORDS, note, note_broken
from chalicelib.doors.post import Post
from chalicelib.outside import tracing
from chalicelib.rooms.permission import SYSTEM
from chalicelib.visit import sweeping
from chalicelib.visit.errand import Errand
from chalicelib.visit.sweeping import Swept


def tick(public: str | None = None) -> Swept:
    """One sweep, and its counts as a coded event. Run twice at once it does what it does once.

    `public` is where people outside reach the clinic, if not as ORIGIN says.
    """
    errand = Errand(actor=SYSTEM, request=new_secret(), now=manners.clock(), clinic=CLINIC, records=RECORDS)
    with tracing.deed("sweep"):
        swept = sweeping.sweep(errand, Post(public))
    for failed in swept.failed:
        note_broken(failed, "sweep")
    counts = {f.name: getattr(swept, f.name) for f in fields(swept)}
    note(logging.INFO, "swept", **{**counts, "failed": len(swept.failed)})
    return swept
