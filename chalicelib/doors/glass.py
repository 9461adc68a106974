"""The glass door: a record outside one's care is opened with a reason, read for half an hour, and reviewed."""

from datetime import datetime, timedelta

from chalice import Blueprint

from chalicelib.clinic import CLINIC
from chalicelib.doors import chart, second, shown, words
from chalicelib.doors.form import FORMS, Form, key, one_of, text
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Go, Page
from chalicelib.doors.second import SECOND
from chalicelib.doors.staff import signs
from chalicelib.refusal import NotFound, Refusal
from chalicelib.rooms import glass
from chalicelib.rooms.glass import WORDS_MAX, Pane, Reason, Verdict
from chalicelib.rooms.permission import Role
from chalicelib.rooms.queue import Ticket
from chalicelib.store import names
from chalicelib.visit import watching
from chalicelib.visit.errand import about_visit

door = Blueprint(__name__)

CODE_MAX, OPENING_MAX = 16, 160
BREAK = Form(
    text("code", max=CODE_MAX, missing="Enter the code on the patient’s ticket, like A2017."),
    one_of("reason", Reason, missing="Choose why."),
    text("words", max=WORDS_MAX, missing="Write in a few words why you must read this.", lines=True),
    SECOND,
)
REVIEW = Form(
    key("opening", max=OPENING_MAX, missing="Please open the page again."),
    one_of("verdict", Verdict, missing="Choose whether it was in order."),
    text("remark", max=WORDS_MAX, lines=True),
)


@door.route("/{lang}/glass")
@polite("break_glass", by="staff")
def ask(asked: Asked) -> Answer:
    """Which record, and why. Nothing is read for this page: it is the same for a ticket that is there and one that is
    not."""
    return Page(
        template="glass_ask.html",
        data={"lasts": glass.LASTS // timedelta(minutes=1)},
        extras={
            **signs(asked.errand.actor),
            "officer": asked.errand.actor.role is Role.PRIVACY_OFFICER,
            "ask_second": second.wanted(asked),
        },
        here="glass",
    )


@door.route("/{lang}/glass", methods=["POST"], content_types=FORMS)
@polite("break_glass", by="staff", form=BREAK, again=ask)
def break_glass(asked: Asked) -> Answer:
    """Opened, for half an hour; the code stays out of the address."""
    given = asked.given
    id = glass.ticket_said(given["code"], CLINIC)
    second.show_again(asked, "break_glass", about_visit(id))
    try:
        pane = watching.break_glass(asked.errand, id=id, reason=given["reason"], words=given["words"])
    except NotFound:
        raise Refusal("There is no ticket with this code.", field="code") from None
    name = names.name_of(id)
    return Go(to=f"glass/{name}", data={"visit": name, "until": pane.at + glass.LASTS})


@door.route("/{lang}/glass/{visit}")
@polite("read_under_glass", by="staff")
def read(asked: Asked) -> Answer:
    """Everything of this one visit; nothing can be written here."""
    found = watching.read_under_glass(asked.errand, id=asked.id)
    me = asked.errand.actor
    speaks = found.dossier.visit.answers.language
    return Page(
        template="glass_record.html",
        data={
            **chart.dossier(found.dossier, me.id, asked.frame.now, asked.language),
            "until": found.pane.at + glass.LASTS,
        },
        extras={
            **signs(me),
            "speaks_other": words.CALLED.get(speaks, speaks) if speaks != asked.language else "",
        },
        here=f"glass/{asked.name}",
    )


@door.route("/{lang}/openings")
@polite("see_openings", by="staff")
def openings(asked: Asked) -> Answer:
    """What waits for a second look, the oldest first, and what was looked at."""
    found = watching.see_openings(asked.errand)
    told = asked.sheet.typed.get("opening", [])
    return Page(
        template="glass_openings.html",
        data={
            "to_review": [_row(asked, one, found.names) for one in found.to_review],
            "reviewed": [_row(asked, one, found.names) for one in found.reviewed],
            "more": found.more,
        },
        extras={**signs(asked.errand.actor), "refused": told[0] if told else ""},
        here="openings",
    )


def _row(asked: Asked, one: Pane, called: dict[str, str]) -> dict[str, object]:
    return {
        "opening": f"{names.name_of(one.visit)}~{one.by}~{one.at.isoformat()}",
        "ticket_code": shown.code(one.visit),
        "name": called.get(one.by, one.by),
        "role": one.role,
        "reason": one.reason,
        "words": one.words,
        "at": one.at,
        "mine": one.by == asked.errand.actor.id,
        "verdict": one.verdict,
        "remark": one.remark,
        "reviewer": called.get(one.reviewer or "", one.reviewer),
        "reviewed_at": one.reviewed_at,
    }


@door.route("/{lang}/openings", methods=["POST"], content_types=FORMS)
@polite("review_opening", by="staff", form=REVIEW, again=openings)
def review(asked: Asked) -> Answer:
    """In order or not, said by a second person."""
    id, by, at = _opening(asked.given["opening"])
    verdict, remark = asked.given["verdict"], asked.given["remark"]
    pane = watching.review_opening(asked.errand, id=id, by=by, at=at, verdict=verdict, remark=remark)
    return Go(to="openings", data={"verdict": pane.verdict})


def _opening(said: str) -> tuple[Ticket, str, datetime]:
    """Which opening a form is about. Raises NotFound for anything our page did not write."""
    parts = said.split("~")
    try:
        name, by, when = parts
        at = datetime.fromisoformat(when)
    except ValueError:
        raise NotFound() from None
    if at.tzinfo is None:
        raise NotFound()
    return names.ticket_of(name), by, at
