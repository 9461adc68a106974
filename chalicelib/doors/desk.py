"""The desk's door: who waits, a ticket for somebody without a phone, printing it, and ending a wait with a reason."""

from functools import partial

from chalice import Blueprint

from chalicelib.clinic import CLINIC
from chalicelib.doors import chart, guests, number, origin, shown, words
from chalicelib.doors.form import FORMS, Form, dialled, key, text, yes
from chalicelib.doors.guests import Kept, hashed
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.questions import ASKED, DANGERS
from chalicelib.doors.render import Answer, Go, Page, html
from chalicelib.doors.staff import signs
from chalicelib.refusal import Refusal
from chalicelib.rooms import pocket
from chalicelib.rooms.leaving import REASON_MAX
from chalicelib.rooms.queue import State, Visit
from chalicelib.store import names
from chalicelib.visit import arriving, desk, telling

door = Blueprint(__name__)

DEPARTMENT_MAX, LANGUAGE_MAX, CODE_MAX = 40, 8, 12
WHICH = Form(key("department", max=DEPARTMENT_MAX), key("ended", max=CODE_MAX))
ASKED_ALOUD = {
    name: field for step in ("flags", "who", "what", "how_long") for name, field in ASKED[step].fields.items()
}
ADD = Form(
    *(field for name, field in ASKED_ALOUD.items() if name != "change"),
    dialled("phone", max=40),
    yes("consent"),
    key("language", max=LANGUAGE_MAX),
)
CANCEL = Form(text("why", max=REASON_MAX), key("department", max=DEPARTMENT_MAX))
EXPIRE = Form(key("department", max=DEPARTMENT_MAX))


@door.route("/{lang}/desk")
@polite("see_queue", by="staff", form=WHICH)
def board(asked: Asked) -> Answer:
    """One department's queue in about calling order, and how many wait everywhere."""
    chosen = asked.sheet.given.get("department") or CLINIC.departments[0].id
    now = asked.frame.now
    queue = desk.see_queue(asked.errand, department=chosen)
    standings = arriving.waits(asked.errand)
    found = chart.standings(standings, asked.language, now)
    alone = telling.absences(asked.errand, [one.lanes for one in standings])
    return Page(
        template="desk_board.html",
        data={
            "department": chosen,
            "queues": found,
            "alerts": [chart.absence(one, asked.language, now) for one in alone],
            "unsent": _unsent(asked),
            "waiting": [chart.row(visit, now, asked.language) for visit in queue.waiting],
        },
        extras={
            **signs(asked.errand.actor),
            "here_queue": next(one for one in found if one["id"] == chosen),
            "whole": queue.whole,
            "ended": _code(asked.sheet.given.get("ended", "")),
            "opened": asked.name,  # the row whose form was refused
        },
        here="desk",
    )


def _unsent(asked: Asked) -> list[str]:
    """Codes of people for whom a message was written that could not be sent."""
    lost = telling.unsent(asked.errand)
    return list(dict.fromkeys(shown.code(one.visit) for one in lost if one.visit))


def _code(said: str) -> str:
    """A ticket's code from a link, or nothing: the page repeats no stranger's words."""
    return said if said.replace("-", "").isalnum() and said.isascii() else ""


@door.route("/{lang}/desk/add")
@polite("add_person", by="staff")
def add_page(asked: Asked) -> Answer:
    """All questions on one page, danger signs first, for a clerk who asks them aloud."""
    typed = asked.frame.typed
    danger = [flag for flag in typed.get("flags", []) if flag in DANGERS]
    return Page(
        template="desk_add.html",
        data={"emergency": bool(danger), "flags": danger},
        extras={
            **signs(asked.errand.actor),
            "options": chart.departments(asked.language),
            "fees": shown.fees(asked.language),
            "spoken": [(one, words.CALLED.get(one, one), "") for one in words.LANGUAGES],
        },
        values={"language": asked.language},
        here="desk/add",
    )


@door.route("/{lang}/desk/add", methods=["POST"], content_types=FORMS)
@polite("add_person", by="staff", form=ADD, again=add_page)
def add(asked: Asked) -> Answer:
    """A danger sign is no ticket but an emergency; everybody else gets a ticket to print."""
    given = asked.given
    if any(flag in DANGERS for flag in given["flags"]):
        card: Answer = add_page.view(asked)
        return card
    if given["language"] not in words.LANGUAGES:
        raise Refusal("Choose a language.", field="language")
    secret = names.paper_secret(asked.errand.request)
    visit = desk.add_person(
        asked.errand,
        secret=pocket.paper(hashed(secret)),
        person=guests.person(hashed(secret), given["for_whom"], given["name"]),
        consented=given.pop("consent"),
        found_by=number.found_by(given["phone"]),
        **given,
    )
    name = names.name_of(visit.id)
    return Go(to=f"desk/tickets/{name}", data={"visit": name})


@door.route("/{lang}/desk/tickets/{visit}")
@polite("print_ticket", by="staff")
def ticket(asked: Asked) -> Answer:
    """The paper ticket: code, place, wait, and the link with which a phone can follow."""
    place = desk.print_ticket(asked.errand, id=asked.id)
    visit = place.visit
    kept = Kept(asked.name, names.paper_secret(visit.request))
    link = f"{origin.public(asked.request)}{asked.frame.base}/{visit.answers.language}/back?code={kept.code}"
    data: dict[str, object] = {
        "visit": asked.name,
        "code": shown.code(visit.id),
        "queue": visit.id.department,
        "state": visit.state,
        "place": place.ahead + 1 if visit.state is State.WAITING else None,
        "wait": place.wait,
        "opens": shown.closed(visit.id.department, asked.frame.now),
        "closes": shown.closes(visit),
        "joined_at": visit.joined_at,
        "fee": visit.answers.fee,
    }
    slip = _paper(visit.answers.language, link, data)
    return Page(
        template="desk_ticket.html",
        data=data,
        extras={**signs(asked.errand.actor), "slip": slip},
        here=f"desk/tickets/{asked.name}",
    )


def _paper(language: str, link: str, data: dict[str, object]) -> str:
    """What is printed is in the patient's language, whatever the clerk reads."""
    return html(
        "desk_slip.html",
        language,
        **data,
        html_lang=words.TAGS.get(language, language),
        department=shown.department(str(data["queue"]), language),
        link=link,
        square=_square(link),
        own=partial(words.in_words, language=language),
        minutes=partial(words.minutes, language=language),
        day=partial(words.day, language=language),
        clock=words.clock,
    )


def _square(link: str) -> str:
    """The link as a QR code, inline SVG. Imported here: nothing else in the clinic needs it."""
    import segno

    return str(segno.make_qr(link, error="m").svg_inline(scale=1, border=4, omitsize=True))


@door.route("/{lang}/desk/visits/{visit}/cancel", methods=["POST"], content_types=FORMS)
@polite("cancel_visit", by="staff", form=CANCEL, again=board)
def cancel(asked: Asked) -> Answer:
    """Out of the queue, with a reason that the patient reads."""
    visit = desk.cancel_visit(asked.errand, id=asked.id, why=asked.given["why"])
    return _ended(visit)


@door.route("/{lang}/desk/visits/{visit}/expire", methods=["POST"], content_types=FORMS)
@polite("expire", by="staff", form=EXPIRE, again=board)
def expire(asked: Asked) -> Answer:
    """Closing time."""
    return _ended(desk.expire(asked.errand, id=asked.id))


def _ended(visit: Visit) -> Answer:
    code = shown.code(visit.id)
    return Go(to=f"desk?department={visit.id.department}&ended={code}", data={"state": visit.state})
