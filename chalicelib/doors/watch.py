"""The watch's door: who opened a record, shown to the patient whose record it is."""

from chalice import Blueprint

from chalicelib.doors.form import Form, whole
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Page
from chalicelib.rooms import oversight
from chalicelib.rooms.oversight import Trail
from chalicelib.visit import watching

door = Blueprint(__name__)
BEFORE = Form(whole("before", missing="", optional=True))


@door.route("/{lang}/visits/{visit}/opened")
@polite("see_opened", by="patient", form=BEFORE)
def opened(asked: Asked) -> Answer:
    """Everybody who works here and opened or changed the record: who and when. The newest, then page by page."""
    found = watching.who_opened(asked.errand, id=asked.id, before=asked.given["before"])
    data = {"visit": asked.name, "opened": openings(found), "older": found.older, "newest": not asked.given["before"]}
    return Page(template="visit_opened.html", data=data, here=f"visits/{asked.name}/opened")


def openings(found: Trail) -> list[dict[str, object]]:
    return [
        {
            "name": found.names.get(one.actor, ""),
            "role": one.role,
            "deed": one.deed,
            "at": one.first,
            "until": one.last,
            "times": one.times,
        }
        for one in oversight.openings(found.entries)
    ]
