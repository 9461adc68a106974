"""Who works at the clinic of the stories, and how they come to."""

from datetime import date, datetime
from typing import Any

from chalicelib.rooms.permission import Role

STAFF = {
    "ada": ("Dr Ada", Role.DOCTOR),
    "bo": ("Dr Bo", Role.DOCTOR),
    "sam": ("Sam", Role.PHARMACIST),
    "cole": ("Cole", Role.COURIER),
    "dee": ("Dee", Role.DESK),
    "pria": ("Pria", Role.PRIVACY_OFFICER),
    "max": ("Max", Role.ADMINISTRATOR),
}


def hired(id: str, now: datetime) -> Any:
    """Somebody of the cast works here from now on, if not yet; doctors with a licence for some more years."""
    from chalicelib.clinic import CLINIC
    from chalicelib.rooms.permission import SYSTEM
    from chalicelib.store import records
    from chalicelib.visit import staffing
    from chalicelib.visit.errand import Errand

    name, role = STAFF[id]
    errand = Errand(actor=SYSTEM, request=f"hire:{id}", now=now, clinic=CLINIC, records=records)
    licence = {"licence": f"L-{id}", "licence_until": date(2099, 12, 31)} if role is Role.DOCTOR else {}
    return staffing.add_member(errand, id=id, name=name, role=role, **licence)
