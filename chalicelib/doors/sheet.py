"""The sheet's door: is this prescription real? For whoever holds one, of this clinic or not."""

from chalice import Blueprint
from markupsafe import Markup

from chalicelib.doors import origin, qr, shown
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Page
from chalicelib.refusal import NotFound
from chalicelib.rooms.prescription import Prescription, State, good_until
from chalicelib.rooms.queue import Visit
from chalicelib.rooms.staff import Plate
from chalicelib.store import names
from chalicelib.visit import checking

door = Blueprint(__name__)

# What a stranger is told of each state.
SAID = {
    State.SIGNED: "not_yet",
    State.RETURNED: "not_yet",
    State.EFFECTIVE: "real",
    State.RESERVED: "kept",
    State.DISPENSED: "used",
    State.REVOKED: "cancelled",
    State.EXPIRED: "out_of_date",
}


@door.route("/{lang}/check/{sheet}")
@polite("check_sheet")
def check(asked: Asked) -> Answer:
    """Real, kept, used, cancelled, out of date, or not known: no name of the patient, and no medicine. A guess, a
    mistyped address and a prescription that is not as it was signed look the same."""
    sheet = asked.path["sheet"]
    try:
        found = _of(asked, sheet)
    except NotFound:
        if asked.frame.machine:
            raise
        return Page(template="sheet.html", data={"state": "unknown"}, status=404)
    return Page(template="sheet.html", data=_said(asked, *found), here=f"check/{sheet}")


def _of(asked: Asked, sheet: str) -> tuple[Prescription, Plate | None]:
    id, number = names.prescription_of(sheet)
    found, plate = checking.sheet(asked.errand, id=id, number=number)
    if found.signature is None or names.sheet_of(id, number, found.signature.value) != sheet:
        raise NotFound()  # signed anew since the sheet was made
    return found, plate


def _said(asked: Asked, found: Prescription, plate: Plate | None) -> dict[str, object]:
    """What to compare with the sheet; the rest stands there alone."""
    return {
        "state": SAID[shown.state_of(found, asked.frame.now)],
        "doctor": found.doctor_name,
        "title": plate.title if plate else "",
        "licence": plate.licence if plate else "",
        "signed_at": found.signed_at,
        "until": good_until(found),
        "medicines": len(found.lines),
    }


def square(asked: Asked, visit: Visit, found: Prescription | None) -> dict[str, object]:
    """For a page with a prescription: where it can be checked, and the same as a picture. Nothing for one that nobody
    signed, or that the patient has had closed."""
    if found is None or found.signature is None or visit.restricted:
        return {"sheet": None, "picture": None}
    sheet = names.sheet_of(found.visit, int(found.number), found.signature.value)
    link = f"{origin.public(asked.request)}{asked.frame.url('check', sheet)}"
    return {"sheet": sheet, "picture": Markup(qr.picture(link))}  # noqa: S704  # nosec B704
