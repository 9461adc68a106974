"""What must be true of the clinic's table at any moment, however bad the day. `python -m tests.simulation.invariants`
reads the table the environment points at and checks it.

Each invariant is a function named after it (see the visit's design: I1 to I21). Those here look at the table as it
stands, so they hold for a live clinic too; what a single write may change is in `steps`.
"""

import sys
from collections.abc import Callable, Iterable

from chalicelib.rooms.arrival import ForWhom
from chalicelib.rooms.assignment import CAPACITY_MAX
from chalicelib.rooms.consult import NO_MEDICINE_AFTER, PATIENT, Message, Note, NoteState
from chalicelib.rooms.delivery import ATTEMPTS_MAX, CODE_TRIES_MAX, Order
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.leaving import STEP_BACKS_MAX
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.prescription import State as PrescriptionState
from chalicelib.rooms.queue import ACTIVE, WITH_DOCTOR, Band, Lane, State, Ticket, Visit, asked_for
from infra import audit
from tests.simulation.mirror import Mirror

IN_THE_PHARMACY = frozenset({OrderState.CREATED, OrderState.PICKING, OrderState.CHECKED})
GUARDIAN_AGE_MIN = 14  # no policy pack goes below this; the kit's own age is checked when the clinic is known
Excused = Callable[[Visit], bool]


class Broken(BaseException):
    """An invariant does not hold. The message names it and says what was found. No deed may catch this."""


def must(holds: object, words: str) -> None:
    if not holds:
        raise Broken(words)


def nobody(visit: Visit) -> bool:
    return False


def anybody(visit: Visit) -> bool:
    """On a live table somebody's claim may be in flight, and an orphan waits for the next poll."""
    return True


def check(
    mirror: Mirror, ids: Iterable[Ticket] | None = None, *, guardian_age: int = GUARDIAN_AGE_MIN, excused: Excused
) -> None:
    """Everything of this module, for these visits or for all. `excused`: may this visit's ticket have been called
    without the claim being written yet? Raises Broken."""
    for id in list(mirror.visits if ids is None else ids):
        i1_one_active_visit_per_person_and_department(mirror, id)
        i4_calls_and_epochs_agree(mirror, id)
        i6_a_ticket_is_live_iff_the_visit_waits(mirror, id, excused)
        i10_another_person_checks(mirror, id)
        i11_used_once(mirror, id)
        i12_no_order_without_an_effective_prescription(mirror, id)
        i13_signed_and_completed_are_one(mirror, id)
        i17_the_policy_is_stored(mirror, id)
        i18_consent_and_guardian(mirror, id, guardian_age)
        i21_no_medicine_when_seen_in_person(mirror, id)
        work_lists_show_what_is_to_be_done(mirror, id)
    i2_a_doctors_list_is_the_inverse_of_the_visits(mirror)
    i3_load_is_bounded(mirror)
    the_board_counts_doctors_on_duty(mirror)


def i1_one_active_visit_per_person_and_department(mirror: Mirror, id: Ticket) -> None:
    visit = mirror.visits[id]
    key = visit.person, id.department
    active = [a for a in mirror.active if a.department == id.department and mirror.visits[a].person == visit.person]
    must(len(active) <= 1, f"I1 {visit.person} has {len(active)} active visits in {id.department}: {active}")
    guard = mirror.guards.get(key)
    must(guard, f"I1 {id} has no guard")
    assert guard is not None
    must(guard.open == bool(active), f"I1 guard of {key} open={guard.open}, active visits {active}")
    must(not active or guard.visit == active[0], f"I1 guard of {key} is about {guard.visit}, active is {active}")
    must(str(guard.visit) in guard.visits, f"I1 the guard of {key} does not remember its own visit {guard.visit}")


def i2_a_doctors_list_is_the_inverse_of_the_visits(mirror: Mirror) -> None:
    held: dict[str, set[Ticket]] = {}
    for id in mirror.active:
        visit = mirror.visits[id]
        must((visit.doctor is not None) == (visit.state in WITH_DOCTOR), f"I2 {id} {visit.state} has {visit.doctor}")
        if visit.doctor is not None:
            held.setdefault(visit.doctor, set()).add(id)
    for doctor in {*held, *mirror.desks}:
        desk = mirror.desks.get(doctor)
        listed = set(desk.visits) if desk else set()
        must(listed == held.get(doctor, set()), f"I2 {doctor} lists {listed}, visits name {held.get(doctor, set())}")


def i3_load_is_bounded(mirror: Mirror) -> None:
    for desk in mirror.desks.values():
        must(1 <= desk.capacity <= CAPACITY_MAX, f"I3 capacity of {desk.id} is {desk.capacity}")
        must(len(desk.visits) <= CAPACITY_MAX, f"I3 {desk.id} holds {len(desk.visits)}")


def i4_calls_and_epochs_agree(mirror: Mirror, id: Ticket) -> None:
    visit = mirror.visits[id]
    must(len(visit.calls) == visit.epoch, f"I4 {id} epoch {visit.epoch} after {len(visit.calls)} calls")
    newest = visit.calls[-1].doctor if visit.calls else None
    if visit.state in WITH_DOCTOR or visit.state is State.COMPLETED:
        must(visit.doctor == newest, f"I4 {id} is with {visit.doctor}, last called by {newest}")
    for note in mirror.part(id, Note):
        must(1 <= note.epoch <= visit.epoch, f"I4 {id} note {note.number} of epoch {note.epoch} of {visit.epoch}")
        doctor = visit.calls[note.epoch - 1].doctor
        must(note.doctor == doctor, f"I4 {id} note {note.number} by {note.doctor} in the epoch of {doctor}")
        signed = note.state in (NoteState.SIGNED, NoteState.AMENDED)
        must(not signed or note.epoch == visit.epoch, f"I4 {id} note {note.number} signed in an old epoch")
    messages = mirror.part(id, Message)
    must(visit.said == len(messages), f"I4 {id} counts {visit.said} messages, there are {len(messages)}")
    for message in messages:
        if message.author != PATIENT:
            doctor = visit.calls[message.epoch - 1].doctor if 1 <= message.epoch <= visit.epoch else None
            must(message.author == doctor, f"I4 {id} message by {message.author} in the epoch of {doctor}")
    for prescription in mirror.part(id, Prescription):
        must(prescription.doctor == newest, f"I4 {id} prescription by {prescription.doctor}, assigned was {newest}")


def i6_a_ticket_is_live_iff_the_visit_waits(mirror: Mirror, id: Ticket, excused: Excused) -> None:
    visit = mirror.visits[id]
    stepped_back = visit.returns_at is not None
    if visit.state is not State.WAITING:
        must(visit.ticket is None and not stepped_back, f"I6 {id} is {visit.state} with a live ticket {visit.ticket}")
        must((visit.lease_until is not None) == (visit.state in WITH_DOCTOR), f"I6 {id} {visit.state}: lease")
        must((visit.ended_at is None) == (visit.state in ACTIVE), f"I6 {id} {visit.state}: end")
        return
    must((visit.ticket is None) == stepped_back, f"I6 {id} waits with ticket {visit.ticket}, back {visit.returns_at}")
    must(visit.step_backs <= STEP_BACKS_MAX, f"I6 {id} stepped back {visit.step_backs} times")
    lane = mirror.lanes[visit.lane]
    if visit.returns_at is not None:
        on_lane = lane.held.get(str(id)) == visit.returns_at or _held_twice(mirror, lane, visit)
        reached = lane.heads[id.band] >= visit.returns_at
        must(on_lane or reached, f"I6 {id} stepped back to call {visit.returns_at} and the lane forgot: {lane.held}")
        return
    ticket = visit.ticket
    assert ticket is not None
    held = visit.beside and asked_for(visit.beside)
    must(visit.prefers in (None, held), f"I6 {id} waits for {visit.prefers} and holds a number of {held}")
    must((ticket.department, ticket.lane) == visit.lane, f"I6 {id} waits in another queue: {ticket}")
    must(ticket.n <= lane.tails[ticket.band], f"I6 {id} has {ticket}, a number never drawn")
    must(ticket.band in (Band.RECALL, id.band), f"I6 {id} waits in a band that is not its own: {ticket}")
    if ticket != id:
        leads = mirror.aliases.get(ticket)
        must(leads is not None and leads.visit == id, f"I6 {id} waits on {ticket}, which leads to {leads}")
    must(ticket.n > lane.heads[ticket.band] or excused(visit), f"I6 {id} called as {ticket} and forgotten")


def _held_twice(mirror: Mirror, lane: Lane, visit: Visit) -> bool:
    """A leftover entry of the same visit may hide the right one in `lane.held`, which has one call per visit."""
    row = mirror.raw[f"L#{lane.department}#{lane.number}", "L"]
    return f"{visit.id}@{visit.returns_at}" in row.get("held", {}).get("SS", [])


def i10_another_person_checks(mirror: Mirror, id: Ticket) -> None:
    for prescription in mirror.part(id, Prescription):
        must(prescription.pharmacist != prescription.doctor, f"I10 {id}: {prescription.doctor} checked their own")
        approved = prescription.state in (
            PrescriptionState.EFFECTIVE,
            PrescriptionState.RESERVED,
            PrescriptionState.DISPENSED,
        )
        must(prescription.pharmacist or not approved, f"I10 {id}: nobody checked prescription {prescription.number}")
        must(prescription.approval or not approved, f"I10 {id}: approved unsigned, prescription {prescription.number}")
    for order in mirror.part(id, Order):
        must(
            order.checker is None or order.checker != order.picker, f"I10 {id}: {order.picker} checked their own parcel"
        )
        gone = order.state not in (*IN_THE_PHARMACY, OrderState.CANCELLED)
        must(order.checker or not gone, f"I10 {id}: parcel {order.number} left unchecked")


def i11_used_once(mirror: Mirror, id: Ticket) -> None:
    prescriptions = {p.number: p for p in mirror.part(id, Prescription)}
    open_orders = [o for o in mirror.part(id, Order) if o.state is not OrderState.CANCELLED]
    must(len(open_orders) <= 1, f"I11 {id} has {len(open_orders)} parcels")
    for order in mirror.part(id, Order):
        prescription = prescriptions.get(order.prescription)
        must(
            prescription and len(prescription.lines) == order.medicines,
            f"I11 {id}: the parcel is not what was prescribed",
        )
        must(order.attempts <= ATTEMPTS_MAX, f"I11 {id}: {order.attempts} attempts")
        must(order.wrong_codes <= CODE_TRIES_MAX, f"I11 {id}: {order.wrong_codes} wrong codes")


def i12_no_order_without_an_effective_prescription(mirror: Mirror, id: Ticket) -> None:
    """Kept for exactly one parcel while it is packed, used when it leaves; a revoked one has no parcel."""
    orders = {o.prescription: o.state for o in mirror.part(id, Order) if o.state is not OrderState.CANCELLED}
    for prescription in mirror.part(id, Prescription):
        order, state = orders.pop(prescription.number, None), prescription.state
        packed = order in IN_THE_PHARMACY
        must(packed == (state is PrescriptionState.RESERVED), f"I12 {id}: prescription {state}, parcel {order}")
        left = order is not None and not packed
        must(left == (state is PrescriptionState.DISPENSED), f"I12 {id}: prescription {state}, parcel {order}")
    must(not orders, f"I12 {id}: parcels without a prescription: {orders}")


def i13_signed_and_completed_are_one(mirror: Mirror, id: Ticket) -> None:
    """A completed visit has exactly one newest signed note and an outcome; no other visit has either."""
    visit, notes = mirror.visits[id], mirror.part(id, Note)
    signed = [note.number for note in notes if note.state is NoteState.SIGNED]
    if visit.state is State.COMPLETED:
        must(signed == [visit.signed_note], f"I13 {id} completed with signed notes {signed}, says {visit.signed_note}")
        must(visit.outcome and visit.summary, f"I13 {id} completed without outcome or summary")
    else:
        must(not signed and visit.signed_note is None, f"I13 {id} is {visit.state} with a signed note")
        must(visit.outcome is None, f"I13 {id} is {visit.state} with an outcome")
    drafts = [n for n in notes if n.state is NoteState.DRAFT]
    must(not drafts or visit.state is State.IN_CONSULT, f"I13 {id} is {visit.state} with an open draft")
    must(len(drafts) <= 1, f"I13 {id} has {len(drafts)} open drafts")
    newest = mirror.newest(id, Prescription)
    must(visit.prescribed == (newest.number if newest else None), f"I13 {id} prescribed {visit.prescribed}: {newest}")
    must((visit.outcome == "prescription") == (newest is not None), f"I13 {id} {visit.outcome}, prescription {newest}")


def i14_every_chain_verifies(mirror: Mirror) -> None:
    """Every line of the audit is in one chain, as it was written. Asked of a whole table, as it reads all of it."""
    bad = audit.verify(audit.kept(mirror.raw.values()))
    must(not bad, f"I14 {bad[:1]}")


def i17_the_policy_is_stored(mirror: Mirror, id: Ticket) -> None:
    must(mirror.visits[id].policy, f"I17 {id} has no policy")
    for line in mirror.audit.get(f"V#{id}", {}).values():
        must(line.policy, f"I17 {line} has no policy")


def i18_consent_and_guardian(mirror: Mirror, id: Ticket, guardian_age: int) -> None:
    visit = mirror.visits[id]
    answers = visit.answers
    must(answers.consent and answers.consent_at <= visit.joined_at, f"I18 {id} joined before consent")
    if answers.age < guardian_age:
        must(answers.guardian and answers.for_whom is not ForWhom.ME, f"I18 {id}: a child of {answers.age} alone")


def i21_no_medicine_when_seen_in_person(mirror: Mirror, id: Ticket) -> None:
    if mirror.visits[id].outcome in NO_MEDICINE_AFTER:
        must(not mirror.part(id, Prescription), f"I21 {id} {mirror.visits[id].outcome}, and medicine")


def work_lists_show_what_is_to_be_done(mirror: Mirror, id: Ticket) -> None:
    """Nothing can be forgotten that somebody has to look at, and nothing done stays on a list."""
    for one in mirror.part(id, Prescription):
        wanted = None
        if one.state is PrescriptionState.SIGNED:
            wanted = "review"
        elif one.state is PrescriptionState.RETURNED and one.next_number is None:
            wanted = f"returned#{one.doctor}"
        must(mirror.stage(one) == wanted, f"I12 {id}: prescription {one.state} is on the list {mirror.stage(one)}")
    for order in mirror.part(id, Order):
        done = order.state in (OrderState.DELIVERED, OrderState.CANCELLED)
        wanted = None if done else f"order#{order.state}"
        must(mirror.stage(order) == wanted, f"I12 {id}: parcel {order.state} is on the list {mirror.stage(order)}")


def the_board_counts_doctors_on_duty(mirror: Mirror) -> None:
    """The lane's count, the department's roster and the doctors' own desks say the same."""
    for (department, _), lane in mirror.lanes.items():
        if department.startswith("~"):  # a doctor's own line says nothing of who is on duty
            continue
        there = {desk.id for desk in mirror.desks.values() if desk.on_duty and department in desk.departments}
        anybodys = {id for id in there if not mirror.desks[id].own_only}
        must(lane.on_duty == len(anybodys), f"the board of {department} says {lane.on_duty} doctors, not {anybodys}")
        listed = {line.doctor for line in mirror.roster.values() if line.on_duty and line.department == department}
        must(listed == there, f"the roster of {department} says {listed}, on duty are {there}")


def main() -> None:
    mirror = Mirror.of_table()
    found = []
    for id in mirror.visits:
        try:
            check(mirror, [id], excused=anybody)
        except Broken as broken:
            found.append(str(broken))
    print(*found, f"{len(mirror.visits)} visits, {len(found)} broken", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
