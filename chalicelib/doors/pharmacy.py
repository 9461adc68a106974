"""The pharmacy's door: prescriptions to check, and parcels on their way, for pharmacists, couriers and the desk."""

from datetime import datetime

from chalice import Blueprint

from chalicelib.doors import chart, lines, second, shown, words
from chalicelib.doors.form import FORMS, Form, dialled, text, whole
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import Answer, Go, Page
from chalicelib.doors.second import SECOND
from chalicelib.doors.staff import signs
from chalicelib.refusal import Refusal, TooLate, Unsigned
from chalicelib.rooms import arrival, delivery, prescription
from chalicelib.rooms.delivery import ATTEMPTS_MAX, Order, State, Way
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.prescription import Prescription
from chalicelib.store import names
from chalicelib.visit import checking, seeing, sending

door = Blueprint(__name__)

CODE_MAX = 20  # the patient's six digits, with room for the spaces people type between them
NUMBER = whole("number", missing="Please open the page again.")
APPROVE = Form(NUMBER, SECOND)
RETURN = Form(NUMBER, text("reason", max=prescription.REASON_MAX))
REVOKE = Form(text("reason", max=prescription.REASON_MAX))
DELIVER = Form(dialled("code", max=CODE_MAX, missing="Enter the patient’s code."))
FAILED = Form(text("reason", max=delivery.REASON_MAX))

# What a parcel needs next. The list is in this order; a pick-up that lies ready is a group of its own.
GROUPS = ("pick", "check", "hand_over", "counter", "on_the_way", "failed", "back")
OPEN = (State.CREATED, State.PICKING, State.CHECKED, State.HANDED_OVER, State.FAILED_ATTEMPT, State.RETURNED)
PACKING = ("pick", "check", "hand-over")  # what needs the medicines to be known
_GROUP = {
    State.CREATED: "pick",
    State.PICKING: "check",
    State.CHECKED: "hand_over",
    State.HANDED_OVER: "on_the_way",
    State.FAILED_ATTEMPT: "failed",
    State.RETURNED: "back",
}


@door.route("/{lang}/pharmacy")
@polite("see_prescription", by="staff")
def review_list(asked: Asked) -> Answer:
    """What waits for a second pair of eyes, oldest first, and how many parcels need a hand."""
    now = asked.frame.now
    parcels = _parcels(asked)
    return Page(
        template="pharmacy_list.html",
        data={
            "to_review": [_waiting(one, asked) for one in sending.to_review(asked.errand)],
            "parcels": {group: len(parcels[group]) for group in GROUPS},
        },
        extras={**signs(asked.errand.actor), "at": now},
        here="pharmacy",
    )


def _waiting(found: Prescription, asked: Asked) -> dict[str, object]:
    return {
        "visit": names.name_of(found.visit),
        "code": shown.code(found.visit),
        "doctor": found.doctor_name,
        "number": found.number,
        "medicines": [
            "{medicine} {strength}".format(**shown.line(line, asked.language)).strip() for line in found.lines
        ],
        "warned": found.confirmed,
        "minutes": chart.minutes(found.signed_at, asked.frame.now),
    }


@door.route("/{lang}/pharmacy/prescriptions/{visit}")
@polite("see_prescription", by="staff")
def check_page(asked: Asked) -> Answer:
    """One prescription with what is needed to judge it: who, how old, what for, allergies, lines, prescriber."""
    found = sending.see_prescription(asked.errand, id=asked.id)
    assert found.prescription is not None
    visit, now = found.visit, asked.frame.now
    allergies = visit.answers.allergies
    return Page(
        template="pharmacy_check.html",
        data={
            "visit": asked.name,
            "code": shown.code(visit.id),
            "name": visit.answers.name,
            "age": visit.answers.age,
            "guardian": visit.answers.guardian,
            "allergies": arrival.allergic_to(allergies),
            "why": visit.answers.why,
            "assessment": found.note.assessment if found.note else "",
            "prescription": chart.medicine(found.prescription, asked.language),
            "warnings": lines.warnings_for(found.prescription.lines, allergies, asked.language),
            "too_old": now > prescription.good_until(found.prescription),
            "waited": chart.minutes(found.prescription.signed_at, now),
            "order": chart.parcel(found.order) if found.order else None,
        },
        extras={**signs(asked.errand.actor), "ask_second": second.wanted(asked)},
        here=f"pharmacy/prescriptions/{asked.name}",
    )


@door.route("/{lang}/pharmacy/prescriptions/{visit}/approve", methods=["POST"], content_types=FORMS)
@polite("review", by="staff", form=APPROVE, again=check_page)
def approve(asked: Asked) -> Answer:
    """Right: the patient may now order it."""
    second.show_again(asked, "review")
    found = sending.review(asked.errand, id=asked.id, number=asked.given["number"], approve=True, reason="")
    return Go(to="pharmacy", data={"state": found.state})


@door.route("/{lang}/pharmacy/prescriptions/{visit}/return", methods=["POST"], content_types=FORMS)
@polite("review", by="staff", form=RETURN, again=check_page)
def give_back(asked: Asked) -> Answer:
    """Not right: back to the doctor with the reason."""
    found = sending.review(asked.errand, id=asked.id, approve=False, **asked.given)
    return Go(to="pharmacy", data={"state": found.state})


@door.route("/{lang}/pharmacy/prescriptions/{visit}/revoke", methods=["POST"], content_types=FORMS)
@polite("revoke", by="staff", form=REVOKE, again=check_page)
def revoke(asked: Asked) -> Answer:
    """Taken back, while nothing has been given out."""
    found = seeing.revoke(asked.errand, id=asked.id, reason=asked.given["reason"])
    return Go(to=f"pharmacy/prescriptions/{asked.name}", data={"state": found.state})


@door.route("/{lang}/parcels")
@polite("see_order", by="staff")
def parcel_list(asked: Asked) -> Answer:
    """Every parcel under way, grouped by what is to do next. Codes only: names and addresses are on its own page."""
    return Page(
        template="parcel_list.html",
        data={"groups": _parcels(asked)},
        extras={**signs(asked.errand.actor), "order": GROUPS},
        here="parcels",
    )


def _parcels(asked: Asked) -> dict[str, list[dict[str, object]]]:
    me, groups = asked.errand.actor, {group: list[dict[str, object]]() for group in GROUPS}
    for order in sending.orders(asked.errand, states=OPEN):
        if me.role is not Role.COURIER or _concerns_courier(order, me):
            groups[_group(order)].append(_parcel_row(order, asked))
    return groups


def _group(order: Order) -> str:
    """A pick-up that has been "handed over" lies at the counter."""
    at_counter = order.state is State.HANDED_OVER and order.way is Way.PICK_UP
    return "counter" if at_counter else _GROUP[order.state]


def _concerns_courier(order: Order, me: Actor) -> bool:
    """A courier sees what is to be packed or taken along, and what he has; nobody else's round."""
    if order.state in (State.CREATED, State.CHECKED):
        return order.way is Way.DELIVERY
    if order.state is State.PICKING:
        return order.picker == me.id
    return order.courier == me.id and order.state in (State.HANDED_OVER, State.FAILED_ATTEMPT)


def _parcel_row(order: Order, asked: Asked) -> dict[str, object]:
    since = order.steps[-1].at if order.steps else order.created_at
    return {
        "visit": names.name_of(order.visit),
        "code": shown.code(order.visit),
        "state": order.state,
        "way": order.way,
        "medicines": order.medicines,
        "attempts": order.attempts,
        "late": delivery.late(order, asked.frame.now),
        "mine": asked.errand.actor.id in (order.picker, order.courier),
        "minutes": chart.minutes(since, asked.frame.now),
    }


@door.route("/{lang}/parcels/{visit}")
@polite("see_order", by="staff")
def parcel(asked: Asked) -> Answer:
    """One parcel, and the one thing to do with it next."""
    order, me = sending.see_order(asked.errand, id=asked.id), asked.errand.actor
    sees = me.id in (order.courier, order.picker) or me.role is not Role.COURIER
    needs_address = _needs_address(order, me)
    lines_inside, doubt = _inside(asked, order) if _packs(order, me) else ([], "")
    return Page(
        template="parcel_page.html",
        data={
            "visit": asked.name,
            "code": shown.code(order.visit),
            "state": order.state,
            "way": order.way,
            "patient": order.patient if sees else None,
            "address": order.address if needs_address else None,
            "phone": order.phone if needs_address else None,
            "lines": lines_inside,
            "doubt": doubt,
            "attempts": order.attempts,
            "attempts_left": max(0, ATTEMPTS_MAX - order.attempts),
            "codes_left": order.codes_left,
            "late": delivery.late(order, asked.frame.now),
            "too_long": delivery.out_too_long(order, asked.frame.now),
            "may": [deed for deed in _may(order, me, asked.frame.now) if not doubt or deed not in PACKING],
            "waits_for": _waits_for(order, me),
            "steps": [{"state": step.state, "at": step.at, "note": step.note} for step in order.steps],
        },
        extras={**signs(me), "days": delivery.REACHES_WITHIN.days},
        here=f"parcels/{asked.name}",
    )


def _inside(asked: Asked, order: Order) -> tuple[list[dict[str, object]], str]:
    """The medicines, or why they are not shown: without them there is nothing to pack or to compare."""
    try:
        return [shown.line(line, asked.language) for line in checking.inside(asked.errand, order)], ""
    except (TooLate, Unsigned) as refusal:
        return [], words.said(refusal, asked.language)


def _needs_address(order: Order, me: Actor) -> bool:
    """The courier who has the parcel, and whoever packs it and writes the label."""
    carries = order.courier == me.id and order.state in (State.HANDED_OVER, State.FAILED_ATTEMPT)
    labels = me.id in (order.picker, order.checker) and order.state in (State.PICKING, State.CHECKED)
    return carries or labels


def _packs(order: Order, me: Actor) -> bool:
    """What is inside is for those who pack and check it; afterwards a courier carries a closed parcel."""
    return me.role is not Role.COURIER or order.picker == me.id or order.state is State.CREATED


def _may(order: Order, me: Actor, now: datetime) -> list[str]:
    """The deeds that make sense for this person now, the main one first."""
    if delivery.late(order, now):
        return ["cancel"] if me.role is not Role.COURIER else []
    if delivery.out_too_long(order, now):
        return ["bring-back"] if _gives(order, me) else []
    role, state, pick_up = me.role, order.state, order.way is Way.PICK_UP
    carries = order.courier == me.id and role is Role.COURIER
    gives = _gives(order, me)
    found = {
        "pick": state is State.CREATED,
        "check": state is State.PICKING and order.picker != me.id and role in (Role.PHARMACIST, Role.DESK),
        "hand-over": (state is State.CHECKED and role is (Role.PHARMACIST if pick_up else Role.COURIER))
        or (delivery.may_go_out_again(order) and carries),
        "deliver": state is State.HANDED_OVER and gives and order.codes_left > 0,
        "failed": state is State.HANDED_OVER and carries,
        "bring-back": state in (State.HANDED_OVER, State.FAILED_ATTEMPT) and gives,
        "cancel": state in delivery.INSIDE and role is Role.DESK,
    }
    return [deed for deed, makes_sense in found.items() if makes_sense]


def _gives(order: Order, me: Actor) -> bool:
    """Who puts it into the patient's hands: the courier who carries it, or the pharmacy at its counter."""
    at_counter = order.way is Way.PICK_UP and me.role is Role.PHARMACIST
    return at_counter or (me.role is Role.COURIER and order.courier == me.id)


def _waits_for(order: Order, me: Actor) -> str:
    """Whose turn it is when it is not this person's: another, courier, pharmacy, patient; "" at the end."""
    if order.state is State.PICKING:
        return "another" if order.picker == me.id else "pharmacy"
    if order.state is State.CHECKED:
        return "pharmacy" if order.way is Way.PICK_UP else "courier"
    if order.state is State.HANDED_OVER and order.way is Way.PICK_UP:
        return "patient"
    return "courier" if order.state in (State.HANDED_OVER, State.FAILED_ATTEMPT) else ""


def _on(asked: Asked, order: Order) -> Answer:
    return Go(to=f"parcels/{asked.name}", data={"state": order.state})


@door.route("/{lang}/parcels/{visit}/pick", methods=["POST"], content_types=FORMS)
@polite("pick", by="staff", again=parcel)
def pick(asked: Asked) -> Answer:
    return _on(asked, sending.pick(asked.errand, id=asked.id))


@door.route("/{lang}/parcels/{visit}/check", methods=["POST"], content_types=FORMS)
@polite("check", by="staff", again=parcel)
def check(asked: Asked) -> Answer:
    return _on(asked, sending.check(asked.errand, id=asked.id))


@door.route("/{lang}/parcels/{visit}/hand-over", methods=["POST"], content_types=FORMS)
@polite("hand_over", by="staff", again=parcel)
def hand_over(asked: Asked) -> Answer:
    return _on(asked, sending.hand_over(asked.errand, id=asked.id))


@door.route("/{lang}/parcels/{visit}/deliver", methods=["POST"], content_types=FORMS)
@polite("deliver", by="staff", form=DELIVER, again=parcel)
def deliver(asked: Asked) -> Answer:
    """The patient's code proves that the right person has it."""
    code = "".join(asked.given["code"].split())
    if not (len(code) == delivery.CODE_DIGITS and code.isascii() and code.isdigit()):  # no guess: it costs no try
        raise Refusal("The code has %(digits)s digits.", field="code", digits=delivery.CODE_DIGITS)
    return _on(asked, sending.deliver(asked.errand, id=asked.id, code=code))


@door.route("/{lang}/parcels/{visit}/failed", methods=["POST"], content_types=FORMS)
@polite("fail_attempt", by="staff", form=FAILED, again=parcel)
def failed(asked: Asked) -> Answer:
    return _on(asked, sending.fail_attempt(asked.errand, id=asked.id, reason=asked.given["reason"]))


@door.route("/{lang}/parcels/{visit}/bring-back", methods=["POST"], content_types=FORMS)
@polite("bring_back", by="staff", again=parcel)
def bring_back(asked: Asked) -> Answer:
    return _on(asked, sending.bring_back(asked.errand, id=asked.id))


@door.route("/{lang}/parcels/{visit}/cancel", methods=["POST"], content_types=FORMS)
@polite("cancel_order", by="staff", again=parcel)
def cancel(asked: Asked) -> Answer:
    return _on(asked, sending.cancel_order(asked.errand, id=asked.id))
