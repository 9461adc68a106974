"""Finding: how somebody comes back to a ticket, by this browser, a link, or a proven number; and being forgotten."""

import contextlib

from chalice import Blueprint
from markupsafe import Markup

from chalicelib.clinic import CLINIC
from chalicelib.doors import guests, number, origin, qr, shown
from chalicelib.doors.form import FORMS, Form, key, text, yes
from chalicelib.doors.guests import Kept, hashed
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Go, Page
from chalicelib.refusal import NotFound, Refusal, TooLate
from chalicelib.rooms import phone
from chalicelib.rooms.phone import Known, Purpose
from chalicelib.rooms.queue import Ticket
from chalicelib.store import names
from chalicelib.visit import arriving, holding, proving

door = Blueprint(__name__)
CODE_MAX = 500  # a whole link pasted, with room for what a messenger added to it
NAME_MAX = 64  # of a visit, as in its address
NOT_OPENED = (
    "This does not open a visit. Copy the whole link or code once more. A paper ticket opens on one phone, once: if "
    "that was not you, call us: %(phone)s."
)
STILL_OPEN = (
    "A visit on this phone is not over yet, and this phone will not open it any more. Links that no other phone has "
    "opened stop working too. Open the ticket on another phone first, or tick the box below."
)


def tickets(asked: Asked) -> list[dict[str, str]]:
    """The tickets in this browser, without asking the store: a name says which queue it is of."""
    found = []
    for kept in asked.guest.tickets:
        try:
            id = names.ticket_of(kept.visit)
        except NotFound:
            continue
        department = shown.department(id.department, asked.language)
        found.append({"visit": kept.visit, "code": shown.code(id), "department": department})
    return found


def beside(asked: Asked, secret: str) -> tuple[Kept, ...]:
    """The tickets that this browser keeps with the one of this secret. Where there is no room an old one that is over
    makes it, and never one that goes on: its patient would lose their place. The store is asked only then. Raises
    TooLate."""
    kept = asked.guest.tickets
    if len(kept) < guests.TICKETS_MAX or any(one.secret == secret for one in kept):
        return kept
    open = {names.name_of(visit.id) for visit in holding.still_open(asked.errand, held=_secrets(kept))}
    over = [one for one in kept if one.visit not in open]
    if not over:
        raise TooLate("This phone holds %(max)s tickets that are still open. End one of them first.", max=len(kept))
    return tuple(one for one in kept if one is not over[-1])


def _secrets(kept: tuple[Kept, ...]) -> dict[Ticket, str]:
    mine: dict[Ticket, str] = {}
    for one in kept:
        with contextlib.suppress(NotFound):
            mine[names.ticket_of(one.visit)] = hashed(one.secret)
    return mine


def _patients(asked: Asked) -> dict[str, str]:
    """Who the tickets in this browser are for, by one read: a family's look alike. Without an answer of the store the
    page does without the names."""
    held = _secrets(asked.guest.tickets)
    try:
        found = holding.patients(asked.errand, held=held) if held else {}
    except Refusal:
        return {}
    return {names.name_of(id): patient for id, patient in found.items()}


@door.route("/{lang}/find")
@polite("look", by="number")
def find(asked: Asked) -> Answer:
    """The tickets of this phone and how to open one on another; and those of the number that was proven here."""
    public = origin.public(asked.request)
    here: list[dict[str, str]] = []
    patients = _patients(asked)
    for ticket in tickets(asked):
        if kept := asked.guest.ticket(ticket["visit"]):
            link = f"{public}{asked.frame.url('back')}?code={kept.code}"
            picture = Markup(qr.picture(link))  # noqa: S704  # nosec B704
            here.append({**ticket, "link": link, "picture": picture, "patient": patients.get(kept.visit, "")})
    known = number.known_to(asked)
    data = {"visits": [ticket["visit"] for ticket in here], "found": _found(asked, known) if known else None}
    return Page(template="find.html", extras={"tickets": here}, data=data, here="find")


def _found(asked: Asked, known: Known) -> list[dict[str, object]]:
    """The tickets of the proven number that are not in this browser yet."""
    found = proving.tickets(asked.errand, by=known)
    named = [(names.name_of(visit.id), visit) for visit in found]
    return [
        {
            "visit": name,
            "code": shown.code(visit.id),
            "department": shown.department(visit.id.department, asked.language),
            "joined_at": visit.joined_at,
        }
        for name, visit in named
        if asked.guest.ticket(name) is None
    ]


@door.route("/{lang}/find", methods=["POST"], content_types=FORMS)
@polite("ask_code", by="number", form=Form(number.NUMBER, number.BORN), again=find)
def look_for(asked: Asked) -> Answer:
    """By number and birth date: first the number is proven. Nothing is looked up before that."""
    born = phone.birth_date(asked.given["born"], asked.errand.here.date())
    return number.send(asked, typed=asked.given["phone"], purpose=Purpose.FIND, born=born)


@door.route("/{lang}/find/open", methods=["POST"], content_types=FORMS)
@polite("find", by="number", form=Form(key("visit", max=NAME_MAX)), again=find)
def open_here(asked: Asked) -> Answer:
    """The same ticket on this phone too; the one that drew it keeps it."""
    known = number.must_know(asked)
    id = names.ticket_of(asked.given["visit"])
    secret = guests.found_secret(asked.guest.phone, asked.given["visit"])
    proving.find(asked.errand, id=id, secret=hashed(secret), by=known)
    kept = Kept(names.name_of(id), secret)
    cookie = guests.tickets_cookie((kept, *beside(asked, kept.secret)), secure=asked.secure)
    return Go(to=f"visits/{kept.visit}", data={"visit": kept.visit, "secret": secret}, cookies=(cookie,))


@door.route("/{lang}/back")
@polite("look", form=Form(text("code", max=CODE_MAX)))
def back(asked: Asked) -> Answer:
    """A return link opens this page; only its button opens the visit, so a messenger's preview does not. The browser is
    given its own secret here: what it is given with the visit can be lost on the way, and is asked for again."""
    cookies = () if asked.guest.phone else (guests.phone_cookie(asked.phone, secure=asked.secure),)
    return Page(template="back.html", values={"code": asked.sheet.given.get("code", "")}, cookies=cookies, here="back")


@door.route("/{lang}/back", methods=["POST"], content_types=FORMS)
@polite("come_back", form=Form(text("code", max=CODE_MAX, missing="Paste the code or the link here.")), again=back)
def come_back(asked: Asked) -> Answer:
    """Whoever brings a ticket's secret is its patient too, on a phone with a secret of its own; paper does so once."""
    brought = guests.ticket_of(asked.given["code"])
    try:
        if brought is None:
            raise NotFound()
        kept = _opened(asked, brought)
    except NotFound as unknown:
        raise Refusal(NOT_OPENED, field="code", phone=CLINIC.phone) from unknown
    cookies = (
        guests.phone_cookie(asked.phone, secure=asked.secure),
        guests.tickets_cookie((kept, *beside(asked, kept.secret)), secure=asked.secure),
    )
    return Go(to=f"visits/{kept.visit}", data={"visit": kept.visit, "secret": kept.secret}, cookies=cookies)


def _opened(asked: Asked, brought: Kept) -> Kept:
    """What this browser holds from now on: the ticket it has, while that opens the visit; else one of its own."""
    held = asked.guest.ticket(brought.visit)
    token = hashed(asked.guest.number) if asked.guest.number else ""
    id, new = names.ticket_of(brought.visit), Kept(brought.visit, guests.found_secret(asked.phone, brought.visit))
    for kept, code in ((held, held), (new, brought)):
        with contextlib.suppress(NotFound):
            if kept and code:
                said = {"code": hashed(code.secret), "secret": hashed(kept.secret)}
                holding.come_back(asked.errand, id=id, token=token, **said)
                return kept
    raise NotFound()


@door.route("/{lang}/forget", methods=["POST"], content_types=FORMS)
@polite("forget", by="number", form=Form(yes("sure")), again=find)
def forget(asked: Asked) -> Answer:
    """A borrowed phone keeps nothing, and what was copied from it opens nothing: no answers, no tickets, no proven
    number. The visits themselves go on; of one that is not over yet the patient is told so first."""
    held = _secrets(asked.guest.tickets)
    if holding.still_open(asked.errand, held=held) and not asked.given["sure"]:
        raise TooLate(STILL_OPEN, field="sure")
    for id, secret in held.items():
        with contextlib.suppress(NotFound):
            holding.let_go(asked.errand, id=id, secret=secret)
    with contextlib.suppress(NotFound):
        if asked.guest.phone:
            arriving.forget(asked.errand, holder=asked.guest.holder)
    if known := number.known_to(asked):
        proving.sign_out(asked.errand, owner=known.phone.id, token=known.proof.token)
    cookies = (
        guests.phone_cookie("", secure=asked.secure),
        guests.tickets_cookie((), secure=asked.secure),
        guests.number_cookie("", secure=asked.secure),
    )
    return Go(to="find", data={"forgotten": True}, cookies=cookies)
