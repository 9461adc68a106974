"""The clock's door: nobody comes in, but once a minute the clinic looks after itself."""

import logging
from dataclasses import asdict

from chalicelib.clinic import CLINIC
from chalicelib.doors.guests import new_secret
from chalicelib.doors.manners import RECORDS, clock, note
from chalicelib.outside import tracing
from chalicelib.rooms.permission import SYSTEM
from chalicelib.visit import sweeping
from chalicelib.visit.errand import Errand
from chalicelib.visit.sweeping import Swept


def tick() -> Swept:
    """One sweep, and its counts as a coded event. Run twice at once it does what it does once."""
    errand = Errand(actor=SYSTEM, request=new_secret(), now=clock(), clinic=CLINIC, records=RECORDS)
    with tracing.deed("sweep"):
        swept = sweeping.sweep(errand)
    note(logging.INFO, "swept", **asdict(swept))
    return swept
