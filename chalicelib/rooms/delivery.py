"""Delivery: the parcel from the pharmacy's shelf into the patient's hands, checked twice, proved by a code."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.refusal import NotAllowed, Refusal, SeveralRefusals, TooLate
from chalicelib.rooms.arrival import NAME_MAX, telephone
from chalicelib.rooms.permission import STAFF, Actor, Role, Tie
from chalicelib.rooms.prescription import STAYS, VALID, Prescription, good_until, usable
from chalicelib.rooms.queue import Ticket

ADDRESS_MAX = 200
ATTEMPTS_MAX = 3
REASON_MAX = 200
CODE_DIGITS = 6
CODE_TRIES_MAX = 5
REACHES_WITHIN = timedelta(days=7)  # of leaving the pharmacy; later the parcel comes back
STEPS_MAX = 40  # entries of one parcel's history


class Way(StrEnum):
    DELIVERY = "delivery"
    PICK_UP = "pick_up"


class State(StrEnum):
    CREATED = "created"
    PICKING = "picking"
    CHECKED = "checked"
    HANDED_OVER = "handed_over"
    FAILED_ATTEMPT = "failed_attempt"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"


WAY_OUT = (State.CREATED, State.PICKING, State.CHECKED, State.HANDED_OVER, State.FAILED_ATTEMPT)
# What whoever is too early with a parcel is told.
NOT_YET = {
    State.CREATED: "This parcel has not been packed yet.",
    State.PICKING: "This parcel has not been checked yet.",
    State.CHECKED: "This parcel has not been handed over yet.",
}
INSIDE = (State.CREATED, State.PICKING, State.CHECKED)  # in the pharmacy still, and may be cancelled
# Out of the pharmacy, or never to leave it.
OVER = frozenset({State.DELIVERED, State.RETURNED, State.CANCELLED})
GONE = OVER | {State.HANDED_OVER, State.FAILED_ATTEMPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened to the parcel, in order; the patient sees it, with the role and not the name."""

    state: State
    at: datetime
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One parcel for one prescription. After a cancelled one the patient may choose again: `number` 2 and so on."""

    visit: Ticket
    number: int
    prescription: int
    doctor: str  # who prescribed it, and hears when it comes back
    patient: str
    medicines: int  # how many; which ones says the prescription alone
    way: Way
    address: str
    phone: str
    code: str  # the patient shows or says it at the door: proof that the right person has the parcel
    created_at: datetime
    state: State = State.CREATED
    picker: str | None = None
    checker: str | None = None
    courier: str | None = None
    attempts: int = 0
    wrong_codes: int = 0
    steps: tuple[Step, ...] = ()
    policy: str | None = None  # under which it was ordered
    until: datetime | None = None  # the prescription is good: by then the medicine has left the pharmacy
    version: int | None = None

    @property
    def erased(self) -> bool:
        """Its patient had the address and phone erased: nobody who works here opens it. Every order has a phone."""
        return not self.phone

    @property
    def codes_left(self) -> int:
        """How often a code may still be tried."""
        return max(0, CODE_TRIES_MAX - self.wrong_codes)


def ties(actor: Actor, found: Prescription | Order) -> frozenset[Tie]:
    """What makes it, read without its visit, the actor's business: see `permission.WHOSE`."""
    if actor.role is Role.DOCTOR:
        return frozenset({Tie.CARE} if found.doctor == actor.id else ())
    return frozenset({Tie.WORK} if actor.role in STAFF else ())


def open_order(
    prescription: Prescription,
    *,
    patient: str,
    way: Way | None,
    address: str,
    phone: str,
    code: str,
    number: int,
    policy: str,
    now: datetime,
) -> Order:
    """The patient chose, after the prescription became effective: never before."""
    usable(prescription, now)
    wrong: list[Refusal] = []
    if way is None:
        wrong.append(Refusal("Choose how you want to get your medicine.", field="way"))
    if way is Way.DELIVERY and not address.strip():
        wrong.append(Refusal("Enter the address for the parcel.", field="address"))
    elif len(address) > ADDRESS_MAX:
        wrong.append(Refusal("At most %(max)s characters.", field="address", max=ADDRESS_MAX))
    try:
        phone = telephone(phone)
    except Refusal as refusal:
        wrong.append(refusal)
    if wrong or way is None:
        raise wrong[0] if len(wrong) == 1 else SeveralRefusals(wrong)
    assert len(code) == CODE_DIGITS
    assert len(patient) <= NAME_MAX
    return Order(
        visit=prescription.visit,
        number=number,
        prescription=prescription.number,
        doctor=prescription.doctor,
        patient=patient,
        medicines=len(prescription.lines),
        way=way,
        address=address.strip() if way is Way.DELIVERY else "",
        phone=phone,
        code=code,
        created_at=now,
        steps=(Step(state=State.CREATED, at=now, by="patient"),),
        policy=policy,
        until=good_until(prescription),
    )


def late(order: Order, now: datetime) -> bool:
    """In the pharmacy still, and the prescription is out of date: it never leaves, and only cancelling is left."""
    return order.state in INSIDE and now > (order.until or order.created_at + VALID)


def out_too_long(order: Order, now: datetime) -> bool:
    """It left the pharmacy longer ago than a medicine may be under way, or lie at the counter."""
    left = [step.at for step in order.steps if step.state is State.HANDED_OVER][:1]
    return order.state not in OVER and any(now > at + REACHES_WITHIN for at in left)


def pick(order: Order, *, by: str, now: datetime) -> Order:
    """Somebody takes the medicines from the shelf."""
    _must_be(order, State.CREATED)
    _in_time(order, now)
    return _now(replace(order, picker=by), State.PICKING, by, now)


def check(order: Order, *, by: str, now: datetime) -> Order:
    """A second person compares the medicines with the prescription."""
    _must_be(order, State.PICKING)
    _in_time(order, now)
    if by == order.picker:
        raise NotAllowed("You packed this parcel, so another person must check it.")
    return _now(replace(order, checker=by), State.CHECKED, by, now)


def hand_over(order: Order, *, by: str, is_courier: bool, now: datetime) -> Order:
    """The courier has it; for a pick-up it lies ready at the counter. Also the next try after a failed one."""
    _must_be(order, State.CHECKED, State.FAILED_ATTEMPT)
    _in_time(order, now)
    if is_courier is (order.way is Way.PICK_UP):
        raise NotAllowed("A courier takes deliveries; the pharmacy hands out pick-ups.")
    if order.state is State.FAILED_ATTEMPT and order.courier != by:
        raise NotAllowed("Another courier has this parcel.")
    return _now(replace(order, courier=by), State.HANDED_OVER, by, now)


def deliver(order: Order, *, by: str, is_courier: bool, code: str, now: datetime) -> tuple[Order, bool]:
    """The order after trying the patient's code, and whether the code was right.

    A wrong try is counted and must be saved too; after CODE_TRIES_MAX the parcel has to come back.
    """
    _must_be(order, State.HANDED_OVER)
    _carries(order, by, is_courier)
    _in_time(order, now)
    if not order.codes_left:
        raise TooLate("The code was wrong too often. Bring the parcel back to the pharmacy.")
    if code.strip() != order.code:
        return replace(order, wrong_codes=order.wrong_codes + 1), False
    return _now(order, State.DELIVERED, by, now), True


def fail_attempt(order: Order, *, by: str, reason: str, now: datetime) -> Order:
    """Nobody at home, wrong address and so on; after ATTEMPTS_MAX the parcel goes back."""
    _must_be(order, State.HANDED_OVER)
    if order.courier != by:
        raise NotAllowed("Another courier has this parcel.")
    if not reason.strip():
        raise Refusal("Say in a few words what happened.", field="reason")
    if len(reason) > REASON_MAX:
        raise Refusal("At most %(max)s characters.", field="reason", max=REASON_MAX)
    order = replace(order, attempts=order.attempts + 1)
    return _now(order, State.FAILED_ATTEMPT, by, now, reason.strip())


def may_go_out_again(order: Order) -> bool:
    return order.state is State.FAILED_ATTEMPT and order.attempts < ATTEMPTS_MAX


def bring_back(order: Order, *, by: str, is_courier: bool, now: datetime) -> Order:
    """The parcel is at the pharmacy again, or was never collected. Never sold again; doctor and pharmacy see it."""
    _must_be(order, State.FAILED_ATTEMPT, State.HANDED_OVER)
    _carries(order, by, is_courier)
    return _now(order, State.RETURNED, by, now)


def cancel(order: Order, *, by: str, now: datetime) -> Order:
    """Before it leaves the pharmacy; afterwards it can only come back."""
    if order.state is State.CANCELLED:
        raise TooLate("This parcel was cancelled already.")
    if order.state not in INSIDE:
        raise TooLate("The parcel has left the pharmacy, so it can no longer be cancelled.")
    return _now(order, State.CANCELLED, by, now)


def _carries(order: Order, by: str, is_courier: bool) -> None:
    """A delivery is in one courier's bag; a pick-up lies at the counter, where any pharmacist hands it out."""
    if is_courier is (order.way is Way.PICK_UP):
        raise NotAllowed("A courier takes deliveries; the pharmacy hands out pick-ups.")
    if order.way is Way.DELIVERY and order.courier != by:
        raise NotAllowed("Another courier has this parcel.")


def _in_time(order: Order, now: datetime) -> None:
    if late(order, now):
        raise TooLate(STAYS)
    if out_too_long(order, now):
        raise TooLate("It left the pharmacy more than %(days)s days ago. Bring it back.", days=REACHES_WITHIN.days)


def _must_be(order: Order, *states: State) -> None:
    if order.state in states:
        if order.state is State.FAILED_ATTEMPT and State.CHECKED in states and not may_go_out_again(order):
            raise TooLate("Three attempts have failed. Bring the parcel back to the pharmacy.")
        return
    if order.state is State.CANCELLED:
        raise TooLate("This parcel was cancelled.")
    if order.state is State.DELIVERED:
        raise TooLate("This parcel has been delivered.")
    if order.state in NOT_YET and WAY_OUT.index(order.state) < min(map(WAY_OUT.index, states)):
        raise TooLate(NOT_YET[order.state])
    raise TooLate("This parcel has moved on. Look at its present state.")


def _now(order: Order, state: State, by: str, now: datetime, note: str = "") -> Order:
    assert len(order.steps) < STEPS_MAX
    return replace(order, state=state, steps=(*order.steps, Step(state=state, at=now, by=by, note=note)))
