"""The privacy officer's door: what patients asked for about their records."""

from chalice import Blueprint

from chalicelib.doors import shown
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Page
from chalicelib.doors.staff import signs
from chalicelib.visit import keeping

door = Blueprint(__name__)


@door.route("/{lang}/requests")
@polite("see_requests", by="staff")
def show(asked: Asked) -> Answer:
    """Who had a record erased and closed, the newest first. They were answered at once; nothing is to be done."""
    erasures = [
        {
            "code": shown.code(one.visit),
            "department": shown.department(one.visit.department, asked.language),
            "at": one.asked_at,
        }
        for one in keeping.requests(asked.errand)
    ]
    return Page(
        template="people_requests.html", data={"erasures": erasures}, extras=signs(asked.errand.actor), here="requests"
    )
