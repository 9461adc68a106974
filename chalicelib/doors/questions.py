"""The way in: the first page, the questions before a ticket, the emergency page, and coming back to a ticket."""

from dataclasses import replace
from datetime import timedelta

from chalice import Blueprint
from markupsafe import Markup

from chalicelib.clinic import CLINIC
from chalicelib.doors import guests, origin, qr, shown
from chalicelib.doors.form import FORMS, Form, dialled, key, many, one_of, text, whole, yes
from chalicelib.doors.guests import Kept, hashed
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Go, Page, Raw
from chalicelib.refusal import NotFound, Refusal, TooLate
from chalicelib.rooms import arrival
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong, Request, Stage
from chalicelib.rooms.rules import AGE_MAX
from chalicelib.store import names
from chalicelib.visit import arriving, preferring

door = Blueprint(__name__)
CODE_MAX = 500  # a whole link pasted, with room for what a messenger added to it
GO_ON = timedelta(hours=12)  # answers about an illness that are older are no longer true
CHANGE = yes("change")  # the red flags of this request are answered anew, not of a new one
DANGERS = (*arrival.RED_FLAGS, *CLINIC.own_flags)
ASKED: dict[str, Form] = {
    "flags": Form(CHANGE, many("flags", (*DANGERS, arrival.NO_FLAG))),
    "who": Form(
        one_of("for_whom", ForWhom, missing="Choose who needs the doctor."),
        text("name", max=arrival.NAME_MAX, missing="Enter the patient's name."),
        whole("age", missing="Enter the age in years, from 0 to %(max)s.", max=AGE_MAX),
        text("guardian", max=arrival.NAME_MAX),
    ),
    "what": Form(
        text("why", max=arrival.WHY_MAX, missing="Say in a few words what is wrong.", lines=True),
        key("department", max=40, missing="Choose a department."),
        text("allergies", max=arrival.ALLERGIES_MAX),
        yes("follow_up"),
    ),
    "how_long": Form(
        one_of("how_long", HowLong, missing="Choose how long it has been."),
        one_of("getting", Getting, missing="Choose whether it is getting better or worse."),
    ),
    "contact": Form(dialled("phone", max=40, missing="Enter a phone number, like 138 0000 1234."), yes("text_me")),
}
LOOK_AT = Form(CHANGE, yes("lost"))
FIRST, SAME = "first", "same"  # which doctor: the first free one, or the one they had
CONSENT = Form(yes("consent"), key("doctor", max=10))


@door.route("/")
@polite("look")
def front(asked: Asked) -> Answer:
    """To the first page in the language the browser asks for."""
    return Raw(status=302, headers={"Location": asked.frame.url(), "Vary": "Accept-Language"})


@door.route("/{lang}")
@polite("look")
def home(asked: Asked) -> Answer:
    """What to do in an emergency, how long the wait is, and the way in."""
    waits = arriving.waits(asked.errand)
    data = {
        "departments": [shown.standing(one, asked.language, asked.frame.now) for one in waits],
        "tickets": _tickets(asked),
    }
    return Page(template="home.html", data=data)


def _tickets(asked: Asked) -> list[dict[str, str]]:
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


def _draft(asked: Asked) -> Request | None:
    """The answers so far on this phone; None if there are none, or they were deleted."""
    if not asked.guest.phone:
        return None
    try:
        draft = arriving.draft(asked.errand, holder=asked.guest.holder)
    except NotFound:
        return None
    return None if draft.stage is Stage.CANCELLED else draft


@door.route("/{lang}/ask/{step}")
@polite("ask", form=dict.fromkeys(ASKED, LOOK_AT))
def question(asked: Asked) -> Answer:
    """One question. Nobody reaches a later one around an earlier one."""
    step = asked.path["step"]
    if step != "flags":
        return _in_order(asked, step)
    page = _page(asked, step, None)
    return replace(page, extras={**page.extras, "unfinished": _unfinished(asked)})


@door.route("/{lang}/ask/check")
@polite("ask")
def check(asked: Asked) -> Answer:
    """All the answers once more, and what the patient agrees to."""
    return _in_order(asked, "check")


def _unfinished(asked: Asked) -> str:
    """Where somebody stopped, like with an empty battery: the question to go on with. "" if there is nothing."""
    draft = None if asked.sheet.given.get("change") else _draft(asked)
    if draft is None or draft.stage is not Stage.REQUESTED or asked.frame.now - draft.started_at > GO_ON:
        return ""
    drawn = guests.ticket_secret(asked.guest.phone, draft.id)
    return "" if any(kept.secret == drawn for kept in asked.guest.tickets) else arrival.next_step(draft)


def _in_order(asked: Asked, step: str) -> Answer:
    draft = _draft(asked)
    if draft is None:
        return Go(to="ask/flags?lost=yes", data={"next": "flags"})
    if draft.stage is Stage.EMERGENCY:
        return Go(to="emergency", data={"next": "emergency"})
    first = arrival.next_step(draft)
    if arrival.STEPS.index(step) > arrival.STEPS.index(first):
        return Go(to=f"ask/{first}", data={"next": first})
    return _page(asked, step, draft)


def _page(asked: Asked, step: str, draft: Request | None) -> Page:
    number = arrival.STEPS.index(step) + 1
    data: dict[str, object] = {"step": step, "number": number, "steps": len(arrival.STEPS)}
    extras: dict[str, object] = {"draft": draft, "before": arrival.STEPS[number - 2] if number > 1 else None}
    values: dict[str, object] = {}
    if draft is not None:
        values = {name: getattr(draft, name) for form in ASKED.values() for name in form.fields if hasattr(draft, name)}
        data["answers"] = {name: value for name, value in values.items() if value not in (None, "", ())}
        extras["where"] = shown.department(draft.department, asked.language) if draft.department else ""
        if step == "check":
            data["doctor"] = _had(asked, draft)
            values["doctor"] = FIRST
    else:
        values = {"change": asked.sheet.given.get("change", False)}
        extras["lost"] = asked.sheet.given.get("lost", False)
    return Page(template=f"ask_{step}.html", data=data, extras=extras, values=values)


def _person(asked: Asked, draft: Request) -> str:
    return guests.person(asked.guest.holder, draft.for_whom or "", draft.name)


def _had(asked: Asked, draft: Request) -> dict[str, object] | None:
    """The doctor they had, with both waits, for somebody who comes back about the same thing."""
    offer = preferring.offer(asked.errand, draft, _person(asked, draft))
    if offer is None:
        return None
    waits = {"wait": offer.wait, "first_free": offer.first_free}
    return {"name": offer.name, "on_duty": offer.there, "minutes_max": CLINIC.prefer_minutes, **waits}


@door.route("/{lang}/ask/{step}", methods=["POST"], content_types=FORMS)
@polite("ask", form=ASKED, again=question)
def answer(asked: Asked) -> Answer:
    """One answer, kept as it is given: a dead battery loses nothing."""
    step = asked.path["step"]
    if step == "flags":
        return _flags(asked)
    if _draft(asked) is None:
        raise _lost()
    draft = arriving.answer(asked.errand, holder=asked.guest.holder, step=step, **asked.given)
    return _on(draft)


def _lost() -> Refusal:
    return TooLate("We cannot find your earlier answers on this phone. Please start again.")


def _on(draft: Request) -> Answer:
    if draft.stage is Stage.EMERGENCY:
        return Go(to="emergency", data={"next": "emergency"})
    step = arrival.next_step(draft)
    return Go(to=f"ask/{step}", data={"next": step})


def _flags(asked: Asked) -> Answer:
    """The first answer begins a request, unless the person came back to change it."""
    phone = asked.guest.phone or guests.new_secret()
    holder, flags = hashed(phone), asked.given["flags"]
    if asked.given["change"] and _draft(asked) is not None:
        draft = arriving.answer(asked.errand, holder=holder, step="flags", flags=flags)
    else:
        draft = arriving.begin(asked.errand, holder=holder, language=asked.language, flags=flags)
    on = _on(draft)
    assert isinstance(on, Go)
    return Go(to=on.to, data=on.data, cookies=(guests.phone_cookie(phone, secure=asked.secure),))


@door.route("/{lang}/ask/check", methods=["POST"], content_types=FORMS)
@polite("join", form=CONSENT, again=check)
def join(asked: Asked) -> Answer:
    """The ticket. Whoever already waits there is shown the ticket they have."""
    draft = _draft(asked)
    if draft is None:
        raise _lost()
    guest = asked.guest
    visit = arriving.join(
        asked.errand,
        request=draft,
        secret=hashed(guests.ticket_secret(guest.phone, draft.id)),
        person=_person(asked, draft),
        consented=asked.given["consent"],
        same_doctor=asked.given["doctor"] == SAME,
    )
    kept = Kept(names.name_of(visit.id), guests.ticket_secret(guest.phone, visit.request))
    cookies = guests.tickets_cookie((kept, *guest.tickets), secure=asked.secure)
    already = "?already=yes" if visit.request != draft.id else ""
    return Go(to=f"visits/{kept.visit}{already}", data={"visit": kept.visit, "secret": kept.secret}, cookies=(cookies,))


@door.route("/{lang}/emergency")
@polite("look")
def emergency(asked: Asked) -> Answer:
    """The whole screen says one thing: call now."""
    draft = _draft(asked)
    flags = draft.flags if draft and draft.stage is Stage.EMERGENCY else ()
    return Page(template="emergency.html", data={"number": CLINIC.emergency_number, "flags": flags})


@door.route("/{lang}/find")
@polite("look")
def find(asked: Asked) -> Answer:
    """The tickets of this phone, and how to open one on another."""
    public = origin.public(asked.request)
    tickets: list[dict[str, str]] = []
    for ticket in _tickets(asked):
        if kept := asked.guest.ticket(ticket["visit"]):
            link = f"{public}{asked.frame.url('back')}?code={kept.code}"
            tickets.append({**ticket, "link": link, "picture": Markup(qr.picture(link))})  # noqa: S704  # nosec B704
    data = {"visits": [ticket["visit"] for ticket in tickets]}
    return Page(template="find.html", extras={"tickets": tickets}, data=data, here="find")


@door.route("/{lang}/back")
@polite("look", form=Form(text("code", max=CODE_MAX)))
def back(asked: Asked) -> Answer:
    """A return link opens this page; only its button opens the visit, so a messenger's preview does not."""
    return Page(template="back.html", values={"code": asked.sheet.given.get("code", "")}, here="back")


@door.route("/{lang}/back", methods=["POST"], content_types=FORMS)
@polite("come_back", form=Form(text("code", max=CODE_MAX, missing="Paste the code or the link here.")), again=back)
def come_back(asked: Asked) -> Answer:
    """Whoever holds a ticket's secret is its patient, on any phone."""
    kept = guests.ticket_of(asked.given["code"])
    try:
        if kept is None:
            raise NotFound()
        arriving.come_back(asked.errand, id=names.ticket_of(kept.visit), secret=hashed(kept.secret))
    except NotFound as unknown:
        raise Refusal("This does not open a visit. Copy the whole link or code once more.", field="code") from unknown
    cookie = guests.tickets_cookie((kept, *asked.guest.tickets), secure=asked.secure)
    return Go(to=f"visits/{kept.visit}", data={"visit": kept.visit}, cookies=(cookie,))


@door.route("/{lang}/forget", methods=["POST"], content_types=FORMS)
@polite("forget", again=find)
def forget(asked: Asked) -> Answer:
    """A borrowed phone keeps nothing: no answers, no tickets. The visits themselves go on."""
    if _draft(asked) is not None:
        arriving.forget(asked.errand, holder=asked.guest.holder)
    cookies = (guests.phone_cookie("", secure=asked.secure), guests.tickets_cookie((), secure=asked.secure))
    return Go(to="find", data={"forgotten": True}, cookies=cookies)
