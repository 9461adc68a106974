"""The privacy officer's door: what patients asked for about their records, and said went wrong."""

from chalice import Blueprint

from chalicelib.doors import shown
from chalicelib.doors.form import FORMS, Form, text, whole
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Go, Page
from chalicelib.doors.staff import signs
from chalicelib.rooms.complaint import WORD_MAX
from chalicelib.store import names
from chalicelib.visit import keeping

door = Blueprint(__name__)
CLOSE = Form(
    whole("number", missing="Please open the page again."),
    text("word", max=WORD_MAX, missing="Write a word to the patient.", lines=True),
)


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


@door.route("/{lang}/complaints")
@polite("see_complaints", by="staff")
def open_ones(asked: Asked) -> Answer:
    """Every complaint that nobody has answered, the oldest first; an answered one is with its patient."""
    found = [
        {"visit": names.name_of(one.visit), "code": shown.code(one.visit), **shown.complaint(one)}
        for one in keeping.complaints(asked.errand)
    ]
    extras = {**signs(asked.errand.actor), "sent": asked.name}
    return Page(template="people_complaints.html", data={"complaints": found}, extras=extras, here="complaints")


@door.route("/{lang}/complaints/{visit}", methods=["POST"], content_types=FORMS)
@polite("close_complaint", by="staff", form=CLOSE, again=open_ones)
def close(asked: Asked) -> Answer:
    """With a word that the patient reads."""
    given = asked.given
    keeping.close_complaint(asked.errand, id=asked.id, number=given["number"], word=given["word"])
    return Go(to="complaints", data={"number": given["number"]})
