"""The way in: the first page, the questions before a ticket, and the emergency page."""

from dataclasses import asdict, replace
from datetime import timedelta

from chalice import Blueprint

from chalicelib.clinic import CLINIC
from chalicelib.doors import finding, guests, number, shown
from chalicelib.doors.form import FORMS, Form, dialled, key, many, one_of, text, whole, yes
from chalicelib.doors.guests import Kept, hashed
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Go, Page, Raw
from chalicelib.refusal import NotFound, Refusal, TooLate, Unproven
from chalicelib.rooms import arrival, queue
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong, Request, Stage
from chalicelib.rooms.phone import Known, Person
from chalicelib.rooms.queue import Visit
from chalicelib.rooms.rules import AGE_MAX
from chalicelib.store import names
from chalicelib.visit import arriving, preferring, proving

door = Blueprint(__name__)
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
CONSENT = Form(yes("consent"), key("doctor", max=10), key("seen", max=16))


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
        "tickets": finding.tickets(asked),
        "fees": shown.fees(asked.language),
    }
    return Page(template="home.html", data=data)


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
@polite("ask", by="number", form=dict.fromkeys(ASKED, LOOK_AT))
def question(asked: Asked) -> Answer:
    """One question. Nobody reaches a later one around an earlier one."""
    step = asked.path["step"]
    if step != "flags":
        return _in_order(asked, step)
    page = _page(asked, step, None)
    return replace(page, extras={**page.extras, "unfinished": _unfinished(asked)})


@door.route("/{lang}/ask/check")
@polite("ask", by="number")
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
    at = arrival.STEPS.index(step)
    data: dict[str, object] = {"step": step, "number": at + 1, "steps": len(arrival.STEPS)}
    extras: dict[str, object] = {"draft": draft, "before": arrival.STEPS[at - 1] if at else None}
    values: dict[str, object] = {}
    if draft is not None:
        values = {name: getattr(draft, name) for form in ASKED.values() for name in form.fields if hasattr(draft, name)}
        data["answers"] = {name: value for name, value in values.items() if value not in (None, "", ())}
        extras["where"] = shown.department(draft.department, asked.language) if draft.department else ""
        if step == "check":
            data["doctor"] = _had(asked, draft)
            data["no_medicine"] = _no_medicine(asked, draft)
            data["fee"] = shown.fee(draft.department, asked.language)
            data["opens"] = shown.closed(draft.department, asked.frame.now)
            values["doctor"], extras["seen"] = FIRST, _marked(draft)
    else:
        values = {"change": asked.sheet.given.get("change", False)}
        extras["lost"] = asked.sheet.given.get("lost", False)
    if step == "who":
        extras |= _family(asked)
    if step == "what":
        extras["fees"] = shown.fees_apart(asked.language)
        extras["opens"] = {one.id: shown.closed(one.id, asked.frame.now) for one in CLINIC.departments}
    if step == "contact" and draft and not draft.phone and (known := number.known_to(asked, *number.THEIRS)):
        values["phone"] = known.proof.number
    return Page(template=f"ask_{step}.html", data=data, extras=extras, values=values)


def _no_medicine(asked: Asked, draft: Request) -> str:
    """Why no medicine can come of this visit, said before anybody waits for it; "" if it can."""
    policy = CLINIC.rules.at(asked.frame.now, draft.department)
    if policy.follow_up_only and not draft.follow_up:
        return "first"
    if policy.verified and _chosen(asked, draft)[1] is None:
        return "number" if CLINIC.proves_phones else "never"
    return ""


def _marked(draft: Request) -> str:
    """Tells these answers from others: what is agreed to on one page is not what a second page has made of them."""
    return hashed(repr(replace(draft, version=None, stage=Stage.REQUESTED)))[:16]


def _family(asked: Asked) -> dict[str, object]:
    """Who the proven number of this browser stands for, to choose from."""
    known = number.known_to(asked, *number.THEIRS)
    return {"people": number.people(known, asked.errand.here.date()) if known else None}


def _chosen(asked: Asked, draft: Request) -> tuple[Known | None, Person | None]:
    """Somebody of the proven number for whom this draft is. Nobody waits for a code: without it they are typed in."""
    known = number.known_to(asked, *number.THEIRS) if draft.person else None
    return known, known.person(draft.person) if known else None


def _person(asked: Asked, draft: Request, chosen: Person | None) -> str:
    return chosen.id if chosen else guests.person(asked.guest.holder, draft.for_whom or "", draft.name)


def _had(asked: Asked, draft: Request) -> dict[str, object] | None:
    """The doctor they had, with both waits, for somebody who comes back about the same thing."""
    offer = preferring.offer(asked.errand, draft, _person(asked, draft, _chosen(asked, draft)[1]))
    if offer is None:
        return None
    waits = {"wait": offer.wait, "first_free": offer.first_free}
    plate = shown.door_plate(offer.plate) if offer.plate else {"title": "", "licence": ""}
    return {**plate, "name": offer.name, "on_duty": offer.there, "minutes_max": CLINIC.prefer_minutes, **waits}


@polite("ask", by="number")
def choosing(asked: Asked) -> Answer:
    """The question "Who needs the doctor?" again, after a choice that was refused. It has no address of its own."""
    page = _in_order(asked, "who")
    return replace(page, here="ask/who") if isinstance(page, Page) else page


@door.route("/{lang}/ask/person", methods=["POST"], content_types=FORMS)
@polite("ask", by="number", form=Form(key("person", max=64, missing="Choose who needs the doctor.")), again=choosing)
def choose(asked: Asked) -> Answer:
    """Somebody of the proven number: nothing has to be typed again, and the doctor sees their earlier visits."""
    if _draft(asked) is None:
        raise _lost()
    chosen = proving.chosen(asked.errand, by=number.must_know(asked, *number.THEIRS), person=asked.given["person"])
    draft = arriving.answer(asked.errand, holder=asked.guest.holder, step="who", **asdict(chosen))
    return _on(draft)


@door.route("/{lang}/ask/{step}", methods=["POST"], content_types=FORMS)
@polite("ask", by="number", form=ASKED, again=question)
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
    holder, flags = hashed(asked.phone), asked.given["flags"]
    if asked.given["change"] and _draft(asked) is not None:
        draft = arriving.answer(asked.errand, holder=holder, step="flags", flags=flags)
    else:
        draft = arriving.begin(asked.errand, holder=holder, language=asked.language, flags=flags)
    on = _on(draft)
    assert isinstance(on, Go)
    return Go(to=on.to, data=on.data, cookies=(guests.phone_cookie(asked.phone, secure=asked.secure),))


@door.route("/{lang}/ask/check", methods=["POST"], content_types=FORMS)
@polite("join", by="number", form=CONSENT, again=check)
def join(asked: Asked) -> Answer:
    """The ticket. Whoever already waits there is shown the ticket they have."""
    draft = _draft(asked)
    if draft is None:
        raise _lost()
    if asked.given["doctor"] not in ("", FIRST, SAME):
        raise Refusal("Choose from the list.", field="doctor")
    if asked.given["seen"] not in ("", _marked(draft)):
        raise TooLate("Your answers have changed on another page. Please look at them again.")
    guest = asked.guest
    beside = finding.beside(asked, guests.ticket_secret(guest.phone, draft.id))
    known, chosen = _chosen(asked, draft)
    try:
        visit = _joined(asked, draft, known, chosen)
    except Unproven:  # signed out elsewhere at this very moment: as if it had been before
        known, visit = None, _joined(asked, draft, None, None)
    kept = Kept(names.name_of(visit.id), guests.ticket_secret(guest.phone, visit.request))
    if not queue.is_theirs(visit, secret=hashed(kept.secret)):  # drawn on another phone: the same ticket here too
        _find(asked, known, visit, kept)
    cookies = guests.tickets_cookie((kept, *beside), secure=asked.secure)
    already = "?already=yes" if visit.request != draft.id else ""
    return Go(to=f"visits/{kept.visit}{already}", data={"visit": kept.visit, "secret": kept.secret}, cookies=(cookies,))


def _joined(asked: Asked, draft: Request, known: Known | None, chosen: Person | None) -> Visit:
    return arriving.join(
        asked.errand,
        request=draft,
        secret=hashed(guests.ticket_secret(asked.guest.phone, draft.id)),
        person=_person(asked, draft, chosen),
        consented=asked.given["consent"],
        same_doctor=asked.given["doctor"] == SAME,
        by=known.proof if known and chosen else None,
        phone=chosen.phone if chosen else number.found_by(draft.phone),
    )


def _find(asked: Asked, known: Known | None, visit: Visit, kept: Kept) -> None:
    """A cookie that opens nothing would be worse than none: whose ticket cannot be found here is told so."""
    try:
        if known is None:
            raise NotFound()
        proving.find(asked.errand, id=visit.id, secret=hashed(kept.secret), by=known)
    except NotFound:
        raise TooLate("You are already waiting here, with another phone. Your ticket is on that phone.") from None


@door.route("/{lang}/emergency")
@polite("look")
def emergency(asked: Asked) -> Answer:
    """The whole screen says one thing: call now."""
    draft = _draft(asked)
    flags = draft.flags if draft and draft.stage is Stage.EMERGENCY else ()
    return Page(template="emergency.html", data={"number": CLINIC.emergency_number, "flags": flags})
