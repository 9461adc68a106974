"""The patient's door: one address per visit, one page that changes with it, from the ticket to the parcel."""

import secrets

from chalice import Blueprint

from chalicelib.doors import sheet, shown
from chalicelib.doors.form import FORMS, Form, dialled, key, text, yes
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Data, Go, Page
from chalicelib.outside import push
from chalicelib.refusal import NotFound
from chalicelib.rooms import delivery
from chalicelib.rooms.consult import MESSAGE_MAX, Message
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.leaving import not_begun
from chalicelib.rooms.notice import ENDPOINT_MAX
from chalicelib.rooms.prescription import State as Medicine
from chalicelib.rooms.queue import State
from chalicelib.visit import arriving, preferring, seeing, sending, telling
from chalicelib.visit.arriving import Place
from chalicelib.visit.seeing import Dossier

door = Blueprint(__name__)
MESSAGE_ID_MAX = 100
WAY_MAX = max(len(way) for way in Way)
PHONE_MAX = 40  # as typed, with spaces and brackets
TEMPLATES = {
    State.WAITING: "visit_waiting.html",
    State.ASSIGNED: "visit_turn.html",
    State.IN_CONSULT: "visit_turn.html",
    State.COMPLETED: "visit_ended.html",
    State.CANCELLED: "visit_gone.html",
    State.EXPIRED: "visit_gone.html",
}
SAY = Form(text("text", max=MESSAGE_MAX, missing="Write something first.", lines=True))
DELIVERY = Form(
    key("way", max=WAY_MAX),  # all three may be left out here: the room tells at once what is missing
    text("address", max=delivery.ADDRESS_MAX, lines=True),
    dialled("phone", max=PHONE_MAX),
)


@door.route("/{lang}/visits/{visit}")
@polite("see_ticket", by="patient", form=Form(yes("already")))
def see(asked: Asked) -> Answer:
    """The visit as it stands now. Looking also rescues a ticket that was passed over."""
    place = arriving.see_ticket(asked.errand, id=asked.id)
    dossier = seeing.open_visit(asked.errand, id=asked.id)
    place = arriving.place_now(asked.errand, place, dossier.visit)  # between the two looks a doctor may have come
    data = _data(asked, place, dossier)
    waits = dossier.visit.state is State.WAITING
    extras = {"already": asked.sheet.given.get("already", False), "push_key": push.public_key() if waits else ""}
    template = TEMPLATES[dossier.visit.state]
    return Page(template=template, data=data, extras=extras, here=f"visits/{asked.name}")


def _data(asked: Asked, place: Place, dossier: Dossier) -> dict[str, object]:
    visit, now = dossier.visit, asked.frame.now
    medicine = shown.medicine(dossier.prescription, asked.language, now) if dossier.prescription else None
    order = dossier.order
    chosen = order is not None and order.state is not delivery.State.CANCELLED
    return {
        **shown.visit(visit, asked.name, asked.language),
        "place": shown.place(place, now),
        "messages": _messages(asked, dossier.messages),
        "medicine": medicine,
        "parcel": shown.parcel(order, now) if order else None,
        "may_choose": medicine is not None and medicine["state"] is Medicine.EFFECTIVE and not chosen,
    }


def _messages(asked: Asked, said: list[Message]) -> list[dict[str, object]]:
    return [shown.message(one, asked.language, asked.frame.now) for one in said]


@door.route("/{lang}/visits/{visit}/messages")
@polite("read_messages", by="patient", form=Form(key("after", max=MESSAGE_ID_MAX), yes("state")))
def listen(asked: Asked) -> Answer:
    """What was said since; now and then also whether the visit is still going on."""
    found = seeing.messages(asked.errand, id=asked.id, after=asked.given["after"])
    data: dict[str, object] = {"messages": _messages(asked, found)}
    if asked.given["state"]:
        data["state"] = arriving.see_ticket(asked.errand, id=asked.id).visit.state
    return Data(data=data)


@door.route("/{lang}/visits/{visit}/messages", methods=["POST"], content_types=FORMS)
@polite("say", by="patient", form=SAY, again=see)
def say(asked: Asked) -> Answer:
    """A message for the doctor, also before there is one."""
    said = seeing.say(asked.errand, id=asked.id, text=asked.given["text"], epoch=None)
    return Go(to=f"visits/{asked.name}#newest", data={"message": _messages(asked, [said])[0]})


@door.route("/{lang}/visits/{visit}/more-time", methods=["POST"], content_types=FORMS)
@polite("need_more_time", by="patient", again=see)
def more_time(asked: Asked) -> Answer:
    """Let a few people go first."""
    place = arriving.need_more_time(asked.errand, id=asked.id)
    return Go(to=f"visits/{asked.name}", data={"place": shown.place(place, asked.frame.now)})


@door.route("/{lang}/visits/{visit}/here", methods=["POST"], content_types=FORMS)
@polite("here_now", by="patient", again=see)
def here(asked: Asked) -> Answer:
    """Called, not there, and back now: next in the queue."""
    place = arriving.here_now(asked.errand, id=asked.id)
    return Go(to=f"visits/{asked.name}", data={"place": shown.place(place, asked.frame.now)})


@door.route("/{lang}/visits/{visit}/first-free", methods=["POST"], content_types=FORMS)
@polite("first_free", by="patient", again=see)
def first_free(asked: Asked) -> Answer:
    """Not to wait for one doctor any more."""
    visit = preferring.first_free(asked.errand, id=asked.id)
    return Go(to=f"visits/{asked.name}", data={"state": visit.state, "moved": visit.moved})


@door.route("/{lang}/visits/{visit}/same-doctor", methods=["POST"], content_types=FORMS)
@polite("same_doctor", by="patient", again=see)
def same_doctor(asked: Asked) -> Answer:
    """The undo: that doctor after all, at the number that was kept."""
    visit = preferring.same_doctor(asked.errand, id=asked.id)
    return Go(to=f"visits/{asked.name}", data={"state": visit.state, "moved": visit.moved})


@door.route("/{lang}/visits/{visit}/wake", methods=["POST"], content_types=FORMS)
@polite("wake_me", by="patient", form=Form(text("endpoint", max=ENDPOINT_MAX)), again=see)
def wake(asked: Asked) -> Answer:
    """This browser is to be woken when it is nearly the patient's turn."""
    telling.wake_me(asked.errand, id=asked.id, endpoint=asked.given["endpoint"])
    return Go(to=f"visits/{asked.name}", data={"wakes": True})


@door.route("/{lang}/visits/{visit}/leave")
@polite("see_ticket", by="patient", again=see)
def leaving(asked: Asked) -> Answer:
    """Are you sure? A place given up cannot be had back. While they looked for it, a doctor may have come."""
    place = arriving.see_ticket(asked.errand, id=asked.id)
    not_begun(place.visit)
    if place.visit.state not in (State.WAITING, State.ASSIGNED):
        return Go(to=f"visits/{asked.name}", data={"state": place.visit.state})
    return Page(template="leave.html", data={"visit": asked.name, "place": shown.place(place, asked.frame.now)})


@door.route("/{lang}/visits/{visit}/leave", methods=["POST"], content_types=FORMS)
@polite("leave", by="patient", again=see)
def leave(asked: Asked) -> Answer:
    """Out of the queue, and somebody else moves up."""
    visit = arriving.leave(asked.errand, id=asked.id)
    return Go(to=f"visits/{asked.name}", data={"state": visit.state})


@door.route("/{lang}/visits/{visit}/prescription")
@polite("see_ticket", by="patient")
def prescription(asked: Asked) -> Answer:
    """The prescription on one sheet, to show or to print."""
    dossier = seeing.open_visit(asked.errand, id=asked.id)
    if dossier.prescription is None:
        raise NotFound()
    answers = dossier.visit.answers
    data = {
        "visit": asked.name,
        "code": shown.code(asked.id),
        "patient": answers.name,
        "age": answers.age,
        "allergies": answers.allergies,
        "medicine": shown.medicine(dossier.prescription, asked.language, asked.frame.now),
        "doctor": shown.doctor(dossier.visit),
    }
    return Page(
        template="prescription.html", data=data, extras=sheet.square(asked, dossier.visit, dossier.prescription)
    )


@door.route("/{lang}/visits/{visit}/delivery")
@polite("see_ticket", by="patient")
def delivery_choice(asked: Asked) -> Answer:
    """Where to: asked only once the medicine is certain."""
    dossier = seeing.open_visit(asked.errand, id=asked.id)
    ready = dossier.prescription is not None and dossier.prescription.state is Medicine.EFFECTIVE
    if not ready:
        return Go(to=f"visits/{asked.name}", data={"may_choose": False})
    values = {"phone": dossier.visit.answers.phone or ""}
    return Page(template="delivery.html", data={"visit": asked.name, "ways": list(Way)}, values=values)


@door.route("/{lang}/visits/{visit}/delivery", methods=["POST"], content_types=FORMS)
@polite("choose_delivery", by="patient", form=DELIVERY, again=delivery_choice)
def choose_delivery(asked: Asked) -> Answer:
    """The order, with a code that only this patient sees."""
    code = f"{secrets.randbelow(10**delivery.CODE_DIGITS):0{delivery.CODE_DIGITS}d}"
    said = {**asked.given, "way": Way(asked.given["way"]) if asked.given["way"] in set(Way) else None}
    order = sending.choose_delivery(asked.errand, id=asked.id, code=code, **said)
    return Go(to=f"visits/{asked.name}#parcel", data={"parcel": shown.parcel(order, asked.frame.now)})


@door.route("/{lang}/visits/{visit}/delivery/cancel", methods=["POST"], content_types=FORMS)
@polite("cancel_order", by="patient", again=see)
def cancel_delivery(asked: Asked) -> Answer:
    """Another way may be chosen while the parcel has not left."""
    order = sending.cancel_order(asked.errand, id=asked.id)
    return Go(to=f"visits/{asked.name}#parcel", data={"parcel": shown.parcel(order, asked.frame.now)})
