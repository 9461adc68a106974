"""The watch's door: who opened a record, for its patient; and how doctors worked in a day, for the privacy officer."""

from datetime import timedelta

from chalice import Blueprint

from chalicelib.doors import words
from chalicelib.doors.form import Form, day, whole
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Page
from chalicelib.doors.staff import signs
from chalicelib.rooms import oversight
from chalicelib.rooms.oversight import Trail
from chalicelib.visit import watching

door = Blueprint(__name__)
PRACTICE = Form(day("day"), whole("from", missing="", optional=True))
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
            "reason": one.reason,
        }
        for one in oversight.openings(found.entries)
    ]


@door.route("/{lang}/practice")
@polite("see_practice", by="staff", form=PRACTICE)
def practice(asked: Asked) -> Answer:
    """Each doctor's day in counts, with what somebody should ask about pointed out."""
    today = words.local(asked.frame.now).date()
    chosen = asked.given.get("day") or today
    found, more = watching.see_practice(asked.errand, day=chosen, first=max(0, asked.given.get("from") or 0))
    rows = [
        {
            "name": doctor.name,
            "taken": one.taken,
            "ended": one.ended,
            "prescribed": one.prescribed,
            "short": one.short,
            "odd": one.odd,
        }
        for doctor, one in found
    ]
    return Page(
        template="glass_practice.html",
        data={"day_chosen": chosen, "doctors": rows, "more": more},
        extras={**signs(asked.errand.actor), "short_minutes": oversight.SHORT // timedelta(minutes=1)},
        values={"day": chosen.isoformat()},
        here="practice",
    )
