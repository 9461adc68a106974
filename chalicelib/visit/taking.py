"""Taking: doctors on duty, their work list, and the next patient by the fair order."""

import contextlib
from dataclasses import dataclass, replace
from hashlib import sha256

from chalicelib.refusal import Busy, Refusal, Repeated, Stale, TooLate
from chalicelib.rooms import assignment, queue, spent
from chalicelib.rooms.assignment import LEASE, TAKE_TRIES_MAX, Claim, Doctor
from chalicelib.rooms.consult import PATIENT
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import WITH_DOCTOR, Band, Call, Lane, State, Ticket, Visit, Why, own_lane
from chalicelib.rooms.spent import Front
from chalicelib.visit import preferring
from chalicelib.visit.arriving import Standing, bring_to_front, standings, turn_again, waits
from chalicelib.visit.errand import DECIDE_TRIES_MAX, Errand, about_doctor, look_at_list, once


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A doctor's list."""

    doctor: Doctor
    standings: list[Standing]
    visits: list[Visit]
    unanswered: frozenset[Ticket]
    own: list[Visit]  # who asked for this doctor, and waits
    returned: list[Prescription]
    recent: list[Visit]
    came_back: list[Order]  # parcels that could not be delivered, of this doctor's patients


def _about_me(errand: Errand, **_: object) -> str:
    return about_doctor(errand.actor.id)


def _doctor_again(errand: Errand, answer: str, **_: object) -> Doctor:
    return errand.records.doctor(errand.actor.id)


@once(about=_about_me, again=_doctor_again)
def go_on_duty(errand: Errand, *, departments: tuple[str, ...], capacity: int, own_only: bool = False) -> Doctor:
    before = errand.records.doctor(errand.actor.id)
    after = assignment.go_on_duty(
        before,
        departments=departments,
        capacity=capacity,
        own_only=own_only,
        clinic=errand.clinic,
        now=errand.now,
        allowed=errand.actor.departments,
    )
    return _duty(errand, "go_on_duty", before, after)


@once(about=_about_me, again=_doctor_again)
def pause(errand: Errand) -> Doctor:
    before = errand.records.doctor(errand.actor.id)
    return _duty(errand, "pause", before, assignment.pause(before))


def _duty(errand: Errand, deed: str, before: Doctor, after: Doctor) -> Doctor:
    after = replace(after, seen_at=errand.now)
    changes = [*assignment.presence(before, after, errand.clinic.lanes), *assignment.roster(before, after)]
    errand.records.save(after, *changes, audit=errand.entry(deed, about_doctor(after.id)))
    return after


def work(errand: Errand) -> Work:
    """The doctor's list. Opening it is a sign of life for duty, not for a visit: only the visit's own page is that."""
    look_at_list(errand)
    desk = seen(errand)
    in_hand = sorted(errand.records.visits(desk.visits), key=lambda v: v.calls[-1].at)
    return Work(
        doctor=desk,
        standings=standings(errand, desk.departments) if desk.on_duty else waits(errand),
        visits=in_hand,
        own=preferring.waiting_for(errand, desk.id),
        unanswered=frozenset(v.id for v in in_hand if v.last_word == PATIENT),
        returned=errand.records.returned_to(desk.id),
        came_back=errand.records.orders((OrderState.RETURNED,), doctor=desk.id),
        recent=[
            v for v in errand.records.taken_by(desk.id, errand.today) if v.state not in WITH_DOCTOR and not v.restricted
        ],
    )


def seen(errand: Errand) -> Doctor:
    """The doctor did something: written down now and then, for the roster and for every conversation in hand."""
    desk = errand.records.doctor(errand.actor.id)
    alive = assignment.seen(desk, errand.now)
    if alive is desk:
        return desk
    sign = replace(errand, request=f"seen:{desk.version}")
    try:
        sign.records.save(alive, *assignment.roster(desk, alive), audit=sign.entry("seen", about_doctor(desk.id)))
    except (Repeated, Stale):
        return errand.records.doctor(desk.id)
    return alive


def _taken_again(errand: Errand, answer: str, **_: object) -> Ticket | None:
    return Ticket.of(answer) if answer else None


@once(about=_about_me, again=_taken_again, made_here=frozenset({"departments"}))
def take_next(errand: Errand, *, departments: tuple[str, ...] = ()) -> Ticket | None:
    """The next patient by the fair order, or None if nobody waits. Two doctors never get the same one.

    `departments` is where the page believed the doctor to be on duty: right, it saves a request. Three requests to
    the database, whatever the queue's length: read lane and desk, call a number, write visit, desk and audit. One
    more where people wait in several lanes: to see who of them joined first. A number that leads to nobody uses up
    nobody's turn: the next one is called in its stead.
    """
    desk, lanes = _desk(errand, departments)
    if desk.last_request == errand.request:
        return desk.last_visit
    desk = _sure(errand, desk)
    draw, front = _draw(errand), Front()
    vain: list[Ticket] = []  # called, and led to nobody
    for _ in range(TAKE_TRIES_MAX):
        lanes = _with_returned(errand, lanes)
        front = spent.same_again(front, lanes) or assignment.next_up(desk, lanes, draw)
        if not front:  # the first look may have been a moment old
            lanes = errand.records.lanes(_looked_at(errand, desk), consistent=True)
            if not any(lane.everybody for lane in lanes):
                _nobody(errand)
                return None
            continue
        lane, band, why = front[0] if len(front) == 1 else _joined_first(errand, front)
        whole = queue.as_one([one for one in lanes if one.department == lane.department])
        instead = any(number.department == lane.department for number in vain)
        fills = assignment.fills(desk)
        called = errand.records.call(lane, band, why, errand.now, whole, instead=instead, fills=fills > 0)
        if called is None:
            front, lanes = Front(), _again(errand, lanes)
            continue
        ticket, counted = called
        lanes = _with(lanes, counted)
        why = assignment.kept_reason(why, ticket, lanes)
        taken = _claim(errand, ticket, Call(epoch=0, doctor=desk.id, at=errand.now, why=why), fills)
        if taken is not None:
            return taken
        vain.append(ticket)
        if len(vain) > 1:  # many have left: not one by one
            lanes = _with(lanes, step_over(errand, counted, band) or counted)
    raise TooLate("Many people have just left the queue. Please tap again.")


def step_over(errand: Errand, lane: Lane, band: Band) -> Lane | None:
    """The head of a band past the next numbers, as far as they lead to nobody; no call of anybody. None if they lead to
    somebody, or others were faster."""
    numbers = spent.ahead(lane, band)
    holes: list[Ticket] = []
    broken: list[Ticket] = []
    found = errand.records.visits(numbers, holes=holes, broken=broken, consistent=True)
    over = spent.spent(numbers, found, holes=holes, broken=broken)
    for i, number in enumerate(over):
        if number in holes and not errand.records.tombstone(number):
            over = over[:i]  # whoever drew it is there now
            break
    return errand.records.step_over(lane, over[-1]) if over else None


def _with(lanes: list[Lane], newer: Lane) -> list[Lane]:
    return [newer if (c.department, c.number) == (newer.department, newer.number) else c for c in lanes]


def _nobody(errand: Errand) -> None:
    """Nobody waits; unless this request took somebody long before."""
    if earlier := errand.records.answered(about_doctor(errand.actor.id), errand.request):
        raise earlier


def _claim(errand: Errand, ticket: Ticket, call: Call, fills: int) -> Ticket | None:
    audit = errand.entry("take_next", about_doctor(call.doctor))
    lease, day = errand.now + LEASE, errand.today
    try:
        came, id = errand.records.claim(ticket, call, lease_until=lease, day=day, audit=audit, fills=fills)
    except (Repeated, Busy):
        # The number just called is another patient's, or nobody knows; the sweep finds what cannot be done now.
        with contextlib.suppress(Busy):
            _give_up(errand, ticket)
        raise
    if came is Claim.TAKEN:
        return id
    if came is Claim.NO_ROOM:
        _give_up(errand, ticket)
        desk = errand.records.doctor(call.doctor)
        assignment.may_take(desk, errand.actor.departments)
        if queue.asked_for(ticket):
            return None  # waited for this doctor where the doctor does not work any more: the next one
        if ticket.department not in desk.departments:  # it was read a moment old: begin again with the right one
            raise Stale
        raise TooLate("You are not on duty. Go on duty to take the next patient.")
    return None


def _give_up(errand: Errand, ticket: Ticket) -> None:
    """A number was called and nobody came of it: its patient goes back to the front at once, or to the first free
    doctor where the one they wait for does not take them any more."""
    for _ in range(DECIDE_TRIES_MAX):  # a message written at this moment must not stop it
        lost = [
            v
            for v in errand.records.visits([ticket], consistent=True)
            if v.state is State.WAITING and v.ticket == ticket
        ]
        if not lost:
            return
        if not preferring.let_down(errand, lost[0]):
            bring_to_front(errand, lost[0])


def _sure(errand: Errand, desk: Doctor) -> Doctor:
    """Nobody is refused on a desk that was read a moment old."""
    try:
        assignment.may_take(desk, errand.actor.departments)
    except Refusal:
        desk = errand.records.doctor(errand.actor.id)
        assignment.may_take(desk, errand.actor.departments)
    return desk


def _desk(errand: Errand, departments: tuple[str, ...]) -> tuple[Doctor, list[Lane]]:
    """The desk, and the lanes to be looked at: the doctor's own, and some of the departments'."""
    known = tuple(d for d in departments if errand.clinic.department(d))
    if known:
        looked_at = [own_lane(errand.actor.id), *errand.clinic.lanes_of(known)]
        desk, lanes = errand.records.desk_and_lanes(errand.actor.id, looked_at)
        if set(desk.departments) == set(known):
            return desk, lanes[:1] if desk.own_only else lanes
    desk = errand.records.doctor(errand.actor.id)
    return desk, errand.records.lanes(_looked_at(errand, desk))


def _draw(errand: Errand) -> int:
    """Chance by the request's id: the same tap, sent again, chooses alike."""
    return int.from_bytes(sha256(errand.request.encode()).digest()[:8])


def _looked_at(errand: Errand, desk: Doctor) -> list[tuple[str, int]]:
    """The doctor's own lane, and those of the departments, unless the doctor takes only people who ask for them."""
    return [own_lane(desk.id), *([] if desk.own_only else errand.clinic.lanes_of(desk.departments))]


def _joined_first(errand: Errand, front: list[tuple[Lane, Band, Why]]) -> tuple[Lane, Band, Why]:
    """Of several lanes the one whose next person joined first. A number that leads to nobody is first of all: it is
    stepped over once, and would hold up its lane for ever."""
    numbers = {lane.next_number(band): (lane, band, why) for lane, band, why in front}
    joined = {v.ticket: v.joined_at for v in errand.records.visits(numbers) if v.ticket}
    if unseen := numbers.keys() - joined.keys():  # who has just come may not be there a moment ago
        joined |= {v.ticket: v.joined_at for v in errand.records.visits(sorted(unseen), consistent=True) if v.ticket}
    first = min(numbers, key=lambda number: (number in joined, joined.get(number), number))
    return numbers[first]


def _again(errand: Errand, lanes: list[Lane]) -> list[Lane]:
    return errand.records.lanes([(lane.department, lane.number) for lane in lanes], consistent=True)


def _with_returned(errand: Errand, lanes: list[Lane]) -> list[Lane]:
    """Somebody who stepped back and whose moment has come stands at the front now; the lanes as they are then."""
    held = next(((lane, v) for lane in lanes if (v := lane.held_now())), None)
    if held is None:
        return lanes
    lane, id = held
    key, at = (lane.department, lane.number), lane.held[str(id)]
    came = [v for v in errand.records.visits([id], consistent=True) if v.state is State.WAITING and v.ticket is None]
    if came and (came[0].lane, came[0].returns_at) == (key, at):
        turn_again(errand, came[0])
    else:
        errand.records.let_go(key, id, at)  # a leftover of somebody who left
    return _again(errand, lanes)
