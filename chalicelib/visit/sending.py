"""Sending: a pharmacist checks the prescription, the patient says where to, the parcel comes."""

from dataclasses import replace

from chalicelib.refusal import NotAllowed, NotFound, Refusal, Stale, TooLate
from chalicelib.rooms import approval, delivery, prescription
from chalicelib.rooms.delivery import Order, Way
from chalicelib.rooms.permission import Role
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import Ticket
from chalicelib.visit.errand import Errand, about_visit, look, look_at_list, once
from chalicelib.visit.sealing import approved, genuine, given_out
from chalicelib.visit.seeing import Dossier, the_prescription


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def _prescription_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Prescription:
    return the_prescription(errand, id)


def _order_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Order:
    return _order(errand, id)


def _order(errand: Errand, id: Ticket) -> Order:
    order = errand.records.newest_order(id)
    if order is None or order.erased:
        raise NotFound()
    return order


def to_review(errand: Errand) -> list[Prescription]:
    """Prescriptions that wait for a pharmacist, oldest first."""
    look_at_list(errand)
    return errand.records.to_review()


def see_prescription(errand: Errand, *, id: Ticket) -> Dossier:
    """What a pharmacist needs to check it: lines, allergies, what for, who wrote it. Not the conversation, and of the
    note the assessment alone."""
    file = errand.file(id, "see_prescription")
    if not file.prescriptions:
        raise NotFound()
    look(errand, id)
    signed = next((note for note in reversed(file.notes) if note.signed_at), None)
    return Dossier(
        visit=file.visit,
        messages=[],
        note=signed and replace(signed, subjective="", objective="", plan=""),
        notes=[],
        prescription=file.prescriptions[-1],
        order=file.orders[-1] if file.orders else None,
        history=[],
    )


@once(about=_about_visit, again=_prescription_again)
def review(errand: Errand, *, id: Ticket, number: int, approve: bool, reason: str) -> Prescription:
    """Approve or return, once, by a pharmacist who did not write it."""
    found = errand.prescription(id, "review")
    me, name = errand.actor.id, errand.actor.name
    if approve:
        visit = errand.visit(id, "review")
        found = prescription.approve(found, pharmacist=me, pharmacist_name=name, number=number, now=errand.now)
        if found.signature is None:
            raise TooLate("Nobody’s signature is on this prescription. Return it to the doctor.")
        if not genuine(errand, visit, found):
            raise TooLate(approval.NOT_SIGNED)
        prescription.still_in_formulary(found, errand.clinic)
        found = approved(errand, found)
    else:
        found = prescription.give_back(
            found, pharmacist=me, pharmacist_name=name, number=number, reason=reason, now=errand.now
        )
    errand.records.save(found, audit=errand.entry("review", about_visit(id)))
    return found


@once(about=_about_visit, again=_order_again, made_here=frozenset({"code"}))
def choose_delivery(errand: Errand, *, id: Ticket, way: Way | None, address: str, phone: str, code: str) -> Order:
    """The address or the pick-up, asked for when the medicine is certain; the prescription is kept for this parcel."""
    visit = errand.visit(id, "choose_delivery")
    earlier = errand.records.newest_order(id)
    if earlier and earlier.state is not delivery.State.CANCELLED:
        raise TooLate("You have already chosen how you get your medicine.")
    found = the_prescription(errand, id)
    order = delivery.open_order(
        found,
        patient=visit.answers.name,
        way=way,
        address=address,
        phone=phone,
        code=code,
        number=earlier.number + 1 if earlier else 1,
        policy=errand.clinic.policy,
        now=errand.now,
    )
    kept = prescription.reserve(found, errand.now)
    try:
        given_out(errand, visit, found)
    except TooLate as told_to_staff:
        raise TooLate(approval.CALL_US) from told_to_staff
    errand.records.save(order, kept, audit=errand.entry("choose_delivery", about_visit(id)))
    return order


def orders(errand: Errand, *, states: tuple[delivery.State, ...]) -> list[Order]:
    """Parcels in these states, oldest first."""
    look_at_list(errand)
    return errand.records.orders(states)


def see_order(errand: Errand, *, id: Ticket) -> Order:
    """One parcel; a look at somebody's address is written down."""
    order = errand.order(id, "see_order")
    look(errand, id)
    return order


@once(about=_about_visit, again=_order_again)
def pick(errand: Errand, *, id: Ticket) -> Order:
    return _write(errand, "pick", delivery.pick(errand.order(id, "pick"), by=errand.actor.id, now=errand.now))


@once(about=_about_visit, again=_order_again)
def check(errand: Errand, *, id: Ticket) -> Order:
    return _write(errand, "check", delivery.check(errand.order(id, "check"), by=errand.actor.id, now=errand.now))


@once(about=_about_visit, again=_order_again)
def hand_over(errand: Errand, *, id: Ticket) -> Order:
    """The medicine leaves the shelf for good: with it the prescription is used, once."""
    before = errand.order(id, "hand_over")
    is_courier = _is_courier(errand)
    order = delivery.hand_over(before, by=errand.actor.id, is_courier=is_courier, now=errand.now)
    if before.state is delivery.State.FAILED_ATTEMPT:  # it has left the pharmacy before
        return _write(errand, "hand_over", order)
    visit, found = errand.records.signed(id, order.prescription)
    used = prescription.dispense(_kept(found), errand.now)
    given_out(errand, visit, found)
    return _write(errand, "hand_over", order, used)


DELIVERED = "delivered"


def _delivered_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Order:
    if answer != DELIVERED:
        raise _wrong_code(int(answer.split()[-1]))
    return _order(errand, id)


@once(about=_about_visit, again=_delivered_again)
def deliver(errand: Errand, *, id: Ticket, code: str) -> Order:
    """In the patient's hands, proved by the patient's code; a wrong try is counted, then refused."""
    order, right = delivery.deliver(
        errand.order(id, "deliver"), by=errand.actor.id, is_courier=_is_courier(errand), code=code, now=errand.now
    )
    left = order.codes_left
    deed, answer = ("deliver", DELIVERED) if right else ("wrong_code", f"wrong code {left}")
    errand.records.save(order, audit=errand.entry(deed, about_visit(id), answer=answer))
    if not right:
        raise _wrong_code(left)
    return order


def _wrong_code(left: int) -> Refusal:
    if not left:
        return TooLate("The code was wrong too often. Bring the parcel back to the pharmacy.")
    return Refusal(
        "This is not the patient's code. Ask them to look at their visit page. Tries left: %(left)s.",
        field="code",
        left=left,
    )


@once(about=_about_visit, again=_order_again)
def fail_attempt(errand: Errand, *, id: Ticket, reason: str) -> Order:
    order = delivery.fail_attempt(errand.order(id, "fail_attempt"), by=errand.actor.id, reason=reason, now=errand.now)
    return _write(errand, "fail_attempt", order)


@once(about=_about_visit, again=_order_again)
def bring_back(errand: Errand, *, id: Ticket) -> Order:
    return _write(
        errand,
        "bring_back",
        delivery.bring_back(
            errand.order(id, "bring_back"), by=errand.actor.id, is_courier=_is_courier(errand), now=errand.now
        ),
    )


@once(about=_about_visit, again=_order_again)
def cancel_order(errand: Errand, *, id: Ticket) -> Order:
    """Before the parcel leaves; the prescription can be used for another one while it is good."""
    order = errand.order(id, "cancel_order")
    if errand.actor.role is Role.PHARMACIST and order.state in delivery.INSIDE and not delivery.late(order, errand.now):
        raise NotAllowed("The patient or the desk cancels a parcel while its prescription is good.")
    by = "patient" if errand.actor.role is Role.PATIENT else errand.actor.id
    cancelled = delivery.cancel(order, by=by, now=errand.now)
    released = prescription.expire(prescription.release(_kept(the_prescription(errand, id))), errand.now)
    return _write(errand, "cancel_order", cancelled, released)


def _kept(found: Prescription) -> Prescription:
    """The prescription kept for a parcel in the pharmacy. Raises Stale if the parcel moved on since it was read."""
    if found.state is not prescription.State.RESERVED:
        raise Stale
    return found


def _is_courier(errand: Errand) -> bool:
    return errand.actor.role is Role.COURIER


def _write(errand: Errand, deed: str, order: Order, *others: object) -> Order:
    errand.records.save(order, *others, audit=errand.entry(deed, about_visit(order.visit)))
    return order
