"""Closing time: undisturbed, everything that was begun comes to an end, and nobody is forgotten.

Safety says that nothing bad happened; this says that good things still do. Here people go by what their own pages
and lists show them, as the checks must not help them find what the clinic lost.
"""

from chalicelib.rooms import delivery
from chalicelib.rooms.assignment import LEASE, PRESENCE
from chalicelib.rooms.consult import Outcome as Ending
from chalicelib.rooms.delivery import Order, Way
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.permission import SYSTEM, Actor
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.prescription import State as PrescriptionState
from chalicelib.rooms.queue import ACTIVE, Ticket
from chalicelib.visit import arriving, seeing, sending, sweeping, taking
from tests.simulation.crowd import CODE, Crowd
from tests.simulation.day import Day
from tests.simulation.invariants import must
from tests.simulation.staffroom import SOAP

ROUNDS_MAX = 30  # of everybody polling once and each doctor seeing everybody in hand
STEPS_MAX = 12  # of one parcel
OPEN = (OrderState.CREATED, OrderState.PICKING, OrderState.CHECKED, OrderState.HANDED_OVER, OrderState.FAILED_ATTEMPT)


def close_up(day: Day, crowd: Crowd) -> None:
    """Everybody is seen, every prescription is checked, every parcel arrives. Raises Broken."""
    day.later(seconds=(LEASE + PRESENCE).total_seconds())
    if day.seed % 2:
        day.later(minutes=day.clinic.prefer_minutes)  # no sweep says that a doctor is gone: the limit ends the waiting
        _whoever_got_no_answer_asks_again(day, crowd)
        while any(person.papers for person in crowd.people):
            crowd.scan()  # nobody but a phone of theirs looks for them either
    _everybody_is_seen(day, crowd)
    _everybody_may_come_again(day)
    _prescriptions_are_checked(day, crowd)
    _parcels_arrive(day, crowd)


def _whoever_got_no_answer_asks_again(day: Day, crowd: Crowd) -> None:
    """A ticket whose secret never arrived has nobody who looks at it: the same button brings it."""
    for job in list(day.jobs):
        if job.deed in ("join", "add_person") and job.line and not any(outcome.ok for outcome in job.outcomes):
            outcome = day.run(job)
            must(outcome.ok, f"liveness: {job.request} joined and cannot learn it: {outcome.word}")
            crowd.heard_back(job, outcome)


def _everybody_is_seen(day: Day, crowd: Crowd) -> None:
    """One doctor does not come back today; the others go on until nobody waits."""
    staff = crowd.staff
    gone = day.random.choice(staff.doctors)
    here = [d for d in staff.doctors if d is not gone]
    departments = tuple(d.id for d in day.clinic.departments)
    for doctor in here:
        _sure(crowd, "go_on_duty", taking.go_on_duty, doctor, departments=departments, capacity=3)
    over: set[Ticket] = set()  # visits whose page said that they have ended
    for _ in range(ROUNDS_MAX):
        waiting = _look_after(day, crowd, over)
        took = sum([_see_everybody(crowd, doctor) for doctor in here])
        if not waiting and not took:
            break
    forgotten = sorted(day.mirror.active)
    must(not forgotten, f"liveness: at closing still active: {[day.mirror.visits[id] for id in forgotten]}")


def _look_after(day: Day, crowd: Crowd, over: set[Ticket]) -> int:
    """Whoever is lost is found by their own page on some days, and by the clinic's sweep on the others."""
    if day.seed % 2:
        return _poll(crowd, over)
    day.later(minutes=1)
    return int(_sure(crowd, "sweep", sweeping.sweep, SYSTEM).brought_to_front)


def _poll(crowd: Crowd, over: set[Ticket]) -> int:
    """Everybody who still waits looks at their page once, which looks twice; how many they are."""
    waiting = 0
    for person in crowd.people:
        for id in person.tickets:
            if id not in over:
                place = _sure(crowd, "see_ticket", arriving.see_ticket, me := person.patient(id), id=id)
                again = _sure(crowd, "see_ticket", arriving.place_now, me, seen=place, visit=place.visit)
                must(again == place, f"liveness: nothing has happened, and {id} has another place")
                visit = again.visit
                waiting += visit.state in ACTIVE
                if visit.state not in ACTIVE:
                    over.add(id)
    return waiting


def _see_everybody(crowd: Crowd, doctor: Actor) -> int:
    """A doctor signs for everybody in hand, then takes as many as there is room for."""
    work = _sure(crowd, "see_work", taking.work, doctor)
    for visit in sorted(work.visits, key=lambda visit: visit.id):
        _sure(
            crowd,
            "sign",
            seeing.sign,
            doctor,
            id=visit.id,
            epoch=visit.epoch,
            soap=SOAP,
            outcome=Ending.REST,
            summary="Rest.",
            lines=(),
            confirmed=False,
        )
    crowd.day.later(seconds=30)
    taken = 0
    for _ in range(work.doctor.capacity):
        taken += _sure(crowd, "take_next", taking.take_next, doctor) is not None
    return taken + len(work.visits)


def _everybody_may_come_again(day: Day) -> None:
    for guard in day.mirror.guards.values():
        must(not guard.open, f"liveness: {guard.person} may not come again: {guard}")
    for lane in day.mirror.lanes.values():
        doctor = day.mirror.desks.get(lane.department[1:])
        if doctor and not doctor.on_duty:  # nobody calls the last numbers of this line, and no page counts them
            continue
        must(not lane.held, f"liveness: nobody waits, and {lane.department} still holds {dict(lane.held)}")
        must(not lane.everybody, f"liveness: nobody waits, and the board of {lane.department} counts {lane.everybody}")
    for desk in day.mirror.desks.values():
        must(not desk.visits, f"liveness: {desk.id} still holds {desk.visits}")


def _prescriptions_are_checked(day: Day, crowd: Crowd) -> None:
    """The pharmacists' list empties, and so do the doctors' lists of what came back."""
    sam = crowd.staff.pharmacists[0]
    for _ in range(3):
        for one in _sure(crowd, "see_prescription", sending.to_review, sam):
            word = _review(crowd, sam, one, approve=True)
            if word != "ok":
                must(_review(crowd, sam, one, approve=False) == "ok", f"liveness: nobody can decide about {one}")
        for doctor in crowd.staff.doctors:
            for one in _sure(crowd, "see_work", taking.work, doctor).returned:
                lines = crowd.staff.lines()[:1]
                _sure(crowd, "revise", seeing.revise, doctor, id=one.visit, lines=lines, confirmed=True)
    left = [p for id in day.mirror.visits if (p := day.mirror.newest(id, Prescription)) and p.state in _UNDECIDED]
    must(not left, f"liveness: prescriptions nobody decided about: {left}")


_UNDECIDED = (PrescriptionState.SIGNED, PrescriptionState.RETURNED)


def _review(crowd: Crowd, pharmacist: Actor, one: Prescription, *, approve: bool) -> str:
    typed = {"number": one.number, "approve": approve, "reason": "Too old"}
    return crowd.do("review", sending.review, pharmacist, id=one.visit, **typed).word


def _parcels_arrive(day: Day, crowd: Crowd) -> None:
    for person in crowd.people:
        for id in list(person.tickets):
            page = _sure(crowd, "see_ticket", seeing.open_visit, person.patient(id), id=id)
            if page.prescription and page.prescription.state is PrescriptionState.EFFECTIVE:
                typed = {"way": Way.DELIVERY, "address": "1 Station Road", "phone": "138 0000 1234", "code": CODE}
                _sure(crowd, "choose_delivery", sending.choose_delivery, person.patient(id), id=id, **typed)
    cole = crowd.staff.couriers[0]
    for order in _sure(crowd, "see_order", sending.orders, cole, states=OPEN):
        for _ in range(STEPS_MAX):
            order = day.mirror.newest(order.visit, Order)
            if order.state not in OPEN:
                break
            _move(day, crowd, order)
    for id in day.mirror.visits:
        order = day.mirror.newest(id, Order)
        must(order is None or order.state not in OPEN, f"liveness: a parcel that never ends: {order}")


def _move(day: Day, crowd: Crowd, order: Order) -> None:
    """Its next step, by somebody who may: the courier who has it, or for a pick-up the pharmacy."""
    staff = crowd.staff
    pharmacist = next(p for p in staff.pharmacists if p.id != order.picker)
    outside = (
        pharmacist if order.way is Way.PICK_UP else next(c for c in staff.couriers if order.courier in (None, c.id))
    )
    if order.state in delivery.INSIDE and delivery.late(order, day.now):  # its prescription is good no longer
        _sure(crowd, "cancel_order", sending.cancel_order, pharmacist, id=order.visit)
    elif order.state is OrderState.CREATED:
        _sure(crowd, "pick", sending.pick, staff.pharmacists[0], id=order.visit)
    elif order.state is OrderState.PICKING:
        _sure(crowd, "check", sending.check, pharmacist, id=order.visit)
    elif order.state in (OrderState.CHECKED, OrderState.FAILED_ATTEMPT):
        if crowd.do("hand_over", sending.hand_over, outside, id=order.visit).word != "ok":
            _sure(crowd, "bring_back", sending.bring_back, outside, id=order.visit)
    elif crowd.do("deliver", sending.deliver, outside, id=order.visit, code=CODE).word != "ok":
        _sure(crowd, "bring_back", sending.bring_back, outside, id=order.visit)


def _sure(crowd: Crowd, deed: str, do, actor: Actor, **typed):
    """A deed that must work now; its answer."""
    outcome = crowd.do(deed, do, actor, **typed)
    must(outcome.ok, f"liveness: {actor.id} cannot {deed} {typed.get('id', '')}: {outcome.word}")
    return outcome.answer
