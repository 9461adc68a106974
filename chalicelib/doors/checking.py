"""The sheet's door: is this prescription real? For whoever holds it, and for the clinic's own pharmacists."""

from typing import Any

from chalice import Blueprint

from chalicelib.doors import origin, pharmacy, shown
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Page
from chalicelib.refusal import NotFound
from chalicelib.rooms.prescription import Prescription, State, good_until
from chalicelib.store import names
from chalicelib.visit import sending

door = Blueprint(__name__)

# What a stranger is told. Kept for an order is used, too: nobody else may give it out.
SAID = {
    State.EFFECTIVE: "real",
    State.RESERVED: "used",
    State.DISPENSED: "used",
    State.REVOKED: "revoked",
    State.EXPIRED: "expired",
    State.SIGNED: "not_approved",
    State.RETURNED: "not_approved",
}


def link(asked: Asked, found: Prescription) -> str:
    """Where the square on the sheet leads."""
    sheet = names.sheet_of(found.visit, found.number)
    return f"{origin.public(asked.request)}{asked.frame.base}/{asked.language}/check/{sheet}"


@door.route("/{lang}/check/{sheet}")
@polite("check_sheet", by="public")
def check(asked: Asked) -> Answer:
    """Real, used, revoked, out of date, or not known: no name of the patient, and no medicine."""
    data: dict[str, Any] = {"state": "unknown"}
    try:
        id, number = names.prescription_of(asked.path["sheet"])
        found = sending.check_sheet(asked.errand, id=id, number=number)
    except NotFound:
        return Page(template="check.html", data=data, extras={"sheet": ""}, status=404)
    data = {
        "state": SAID[found.state],
        "code": shown.code(id),
        "doctor": found.doctor_name,
        "licence": found.licence,
        "signed_at": found.signed_at,
        "until": good_until(found),
        "lines": len(found.lines),
    }
    return Page(
        template="check.html", data=data, extras={"sheet": asked.path["sheet"]}, here=f"check/{asked.path['sheet']}"
    )


@door.route("/{lang}/pharmacy/check/{sheet}")
@polite("see_prescription", by="staff")
def open_sheet(asked: Asked) -> Answer:
    """The same sheet in the hands of one of the clinic's pharmacists: the prescription itself."""
    asked.visit, _ = names.prescription_of(asked.path["sheet"])
    asked.name = names.name_of(asked.visit)
    page: Answer = pharmacy.check_page.view(asked)
    return page
