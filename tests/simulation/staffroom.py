"""The staffroom: doctors, pharmacists and couriers of one day, their sessions, and what they do next."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.rooms.consult import Outcome as Ending
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.permission import ANYBODY, Actor, Role
from chalicelib.rooms.prescription import Line, Prescription
from chalicelib.rooms.prescription import State as PrescriptionState
from chalicelib.rooms.queue import State, Ticket
from chalicelib.rooms.staff import Member
from chalicelib.store import staff
from chalicelib.store.staff import IDLE, SESSION
from chalicelib.visit import seeing, sending, staffing, taking
from chalicelib.visit.errand import Errand
from tests.simulation.day import Day, Outcome
from tests.simulation.invariants import must

DOCTORS = ("ada", "bo", "cy")
# Ada is a pharmacist too: she must not check what she wrote.
PHARMACISTS = ("sam", "pia", "ada")
COURIERS = ("cole", "cat")
SOAP = {"subjective": "Cough", "objective": "", "assessment": "A cold", "plan": "Rest"}
ENDINGS = (Ending.PRESCRIPTION,) * 5 + (Ending.REST, Ending.SPECIALIST, Ending.IN_PERSON, Ending.EMERGENCY)
SESSIONS_LOOKED_AT = 0.15  # of the staff's requests; every door does it every time
OUTSIDE = (OrderState.HANDED_OVER, OrderState.FAILED_ATTEMPT)
DONE = (OrderState.DELIVERED, OrderState.CANCELLED, OrderState.RETURNED)
RIGHT_CODE, WRONG_CODE = "123456", "000000"


class Staffroom:
    """Everybody who works here today."""

    def __init__(self, day: Day) -> None:
        self.day, self.random, self.mirror = day, day.random, day.mirror
        self.doctors = [Actor(role=Role.DOCTOR, id=id, name=f"Dr {id}") for id in DOCTORS]
        self.pharmacists = [Actor(role=Role.PHARMACIST, id=id, name=id) for id in PHARMACISTS]
        self.couriers = [Actor(role=Role.COURIER, id=id, name=id) for id in COURIERS]
        self.away: dict[str, int] = {}  # doctor -> acts until they are seen again
        self.sessions: dict[str, tuple[str, datetime, datetime]] = {}  # staff id -> token hash, began, last seen
        self.asking: dict[str, datetime] = {}  # staff id -> when they last asked for anything
        deeds: list[tuple[int, Callable[[], object]]] = [
            (3, self.duty),
            (14, self.take),
            (20, self.attend),
            (4, self.afterwards),
            (9, self.review),
            (18, self.parcel),
            (1, self.vanish),
        ]
        self._weights = [weight for weight, _ in deeds]
        self._deeds = [deed for _, deed in deeds]

    def act(self) -> None:
        self.away = {id: left - 1 for id, left in self.away.items() if left > 1}
        self.random.choices(self._deeds, self._weights)[0]()

    def do(self, deed: str, do: Callable[..., Any], actor: Actor, **typed: Any) -> Outcome:
        if self.random.random() < SESSIONS_LOOKED_AT:
            self._session(actor)
        return self.day.run(self.day.job(deed, do, actor, **typed))

    def _session(self, actor: Actor) -> None:
        """As every door: who is this, still? Sessions end by themselves; then one signs in again."""
        now = self.day.now
        if actor.id in self.sessions:
            token, began, seen = self.sessions[actor.id]
            # A request that is interrupted by this one may have been seen, and has not come back to say so.
            seen, self.asking[actor.id] = max(seen, self.asking.get(actor.id, seen)), now
            who = self.day.run(self.day.job("look", _who, actor, id=actor.id, token_hash=token))
            if who.ok and who.answer is None:
                self.sessions.pop(actor.id, None)
            elif actor.id in self.sessions:
                self.sessions[actor.id] = token, began, max(now, self.sessions[actor.id][2])
            if who.ok and who.answer is not None:
                must(who.answer.id == actor.id, f"the session of {actor.id} says {who.answer.id}")
                give = timedelta(seconds=2 * self.day.skew_seconds)
                must(now < began + SESSION + give, f"{actor.id} is signed in since {began}, now {now}")
                must(now < seen + IDLE + give, f"{actor.id} was last seen {seen}, now {now}")
                return
        now, token = self.day.now, f"token-{actor.id}-{self.day.requests}"
        me = next((one for one in self._members() if one.id == actor.id), actor)  # some also do what is not their work
        signed_in = self.day.run(self.day.job("sign_in", _signed_in, me, id=actor.id, token_hash=token))
        if signed_in.ok:
            self.sessions[actor.id] = token, now, now
            self.asking[actor.id] = now

    def _members(self) -> list[Actor]:
        return [*self.doctors, *self.pharmacists[:2], *self.couriers]

    def morning(self) -> None:
        for actor in self._members():
            self.day.run(self.day.job("sign_in", _enrol, ANYBODY, id=actor.id, name=actor.name, role=actor.role))
        for doctor in self.doctors:
            self.do("go_on_duty", taking.go_on_duty, doctor, departments=self._departments(), capacity=2)

    def first_of_the_day(self, doctor: Actor) -> None:
        """As many as there is room for, seen and signed for while all is quiet."""
        for _ in range(2):
            taken = self.do("take_next", taking.take_next, doctor)
            if taken.answer is not None:
                self.sign(doctor, taken.answer, 1)

    # Doctors

    def doctor(self) -> Actor | None:
        here = [d for d in self.doctors if d.id not in self.away]
        return self.random.choice(here) if here else None

    def vanish(self) -> None:
        """The battery, the child at school, the fire alarm: a doctor is not there for a while, or for good."""
        if doctor := self.doctor():
            self.away[doctor.id] = self.random.randint(10, 80)

    def _departments(self) -> tuple[str, ...]:
        both = tuple(d.id for d in self.day.clinic.departments)
        return self.random.choice([both, both, both[:1], both[1:]])

    def duty(self) -> None:
        doctor = self.doctor()
        if doctor is None:
            return
        if self.random.random() < 0.25:
            self.do("pause", taking.pause, doctor)
            return
        departments = self._departments() if self.random.random() < 0.9 else ("surgery",)
        capacity = self.random.choice((1, 1, 2, 2, 3, 0))
        only = self.random.random() < 0.15  # those who ask for this doctor, and nobody else
        self.do("go_on_duty", taking.go_on_duty, doctor, departments=departments, capacity=capacity, own_only=only)

    def take(self) -> None:
        doctor = self.doctor()
        if doctor is None:
            return
        if self.random.random() < 0.1:
            self.do("see_work", taking.work, doctor)
        desk = self.mirror.desks.get(doctor.id)
        if desk and self.random.random() < 0.7:  # mostly people notice why they cannot
            if not desk.on_duty:
                self.duty()
                return
            if len(desk.visits) >= desk.capacity:
                self.attend()
                return
        guess = desk.departments if desk and self.random.random() < 0.7 else self._departments()
        self.do("take_next", taking.take_next, doctor, departments=self.random.choice([guess, guess, ()]))

    def attend(self) -> None:
        """A doctor turns to somebody: in hand, mostly, by the newest epoch, mostly."""
        doctor = self.doctor()
        if doctor is None or not self.mirror.visits:
            return
        desk = self.mirror.desks.get(doctor.id)
        in_hand = sorted(desk.visits) if desk else []
        among = sorted(self.mirror.visits) if self.random.random() < 0.08 else in_hand
        if not among:
            self.take()
            return
        id = self.random.choice(among)
        epoch = self.mirror.visits[id].epoch - (self.random.random() < 0.05)
        ways = [self._look, self._say, self._note, self.sign, self._hand_back, self._not_here]
        self.random.choices(ways, [3, 3, 3, 6, 1, 2])[0](doctor, id, epoch)

    def _look(self, doctor: Actor, id: Ticket, epoch: int) -> None:
        if self.random.random() < 0.7:
            self.do("open_visit", seeing.open_visit, doctor, id=id)
        else:
            self.do("read_messages", seeing.messages, doctor, id=id, after="")

    def _say(self, doctor: Actor, id: Ticket, epoch: int) -> None:
        text = self.random.choice(("How are you?", "Drink a lot.", ""))
        self.do("say", seeing.say, doctor, id=id, text=text, epoch=epoch)

    def _note(self, doctor: Actor, id: Ticket, epoch: int) -> None:
        soap = {**SOAP, "plan": self.random.choice(("Rest", "Rest and tea"))}
        self.do("save_note", seeing.save_note, doctor, id=id, epoch=epoch, soap=soap)

    def _hand_back(self, doctor: Actor, id: Ticket, epoch: int) -> None:
        reason = self.random.choice(("Not my field", "Not my field", ""))
        self.do("hand_back", seeing.hand_back, doctor, id=id, epoch=epoch, reason=reason)

    def _not_here(self, doctor: Actor, id: Ticket, epoch: int) -> None:
        """Sometimes too soon, and sometimes taken back at once."""
        if self.random.random() < 0.8:
            self.day.later(minutes=3)
        self.do("not_here", seeing.not_here, doctor, id=id, epoch=epoch)
        if self.random.random() < 0.4:
            self.do("call_again", seeing.call_again, doctor, id=id)

    def sign(self, doctor: Actor, id: Ticket, epoch: int) -> Outcome:
        ending = self.random.choice(ENDINGS)
        wrong = self.random.random()
        medicine = ending is Ending.PRESCRIPTION if wrong > 0.08 else ending is not Ending.PRESCRIPTION
        return self.do(
            "sign",
            seeing.sign,
            doctor,
            id=id,
            epoch=epoch,
            soap={**SOAP, "assessment": "A cold" if wrong > 0.03 else ""},
            outcome=ending,
            summary="Rest, drink a lot.",
            lines=self.lines() if medicine else (),
            stated=("spoke",),
            confirmed=self.random.random() < 0.9,
        )

    def lines(self) -> tuple[Line, ...]:
        chosen = self.random.sample(self.day.clinic.formulary[:8], self.random.choice((1, 1, 2)))
        return tuple(Line(medicine=m.id, dose=m.doses[0], per_day=1, days=2) for m in chosen)

    def afterwards(self) -> None:
        """Amend the note, answer the pharmacist, take a prescription back."""
        doctor = self.doctor()
        done = sorted(v.id for v in self.mirror.visits.values() if v.state is State.COMPLETED)
        if doctor is None or not done:
            return
        own = [id for id in done if self.mirror.visits[id].doctor == doctor.id]
        id = self.random.choice(own if own and self.random.random() < 0.9 else done)
        newest = self.mirror.newest(id, Prescription)
        if newest is not None and newest.state is PrescriptionState.RETURNED and self.random.random() < 0.8:
            self.do("revise", seeing.revise, doctor, id=id, lines=self.lines(), confirmed=True)
        elif self.random.random() < 0.6:
            soap = {**SOAP, "plan": "More rest"}
            self.do("amend", seeing.amend, doctor, id=id, soap=soap)
        else:
            self.do("revoke", seeing.revoke, doctor, id=id, reason=self.random.choice(("Wrong dose", "")))

    # The pharmacy and the couriers

    def prescribed(self, *states: PrescriptionState) -> list[Prescription]:
        """The newest prescription of each visit, in these states; now and then any."""
        newest = [self.mirror.newest(id, Prescription) for id in sorted(self.mirror.visits)]
        found = [p for p in newest if p is not None]
        fit = [p for p in found if p.state in states]
        return found if self.random.random() < 0.08 else fit

    def review(self) -> None:
        pharmacist = self.random.choice(self.pharmacists)
        if self.random.random() < 0.1:
            self.do("see_prescription", sending.to_review, pharmacist)
        found = self.prescribed(PrescriptionState.SIGNED)
        if not found:
            return
        one = self.random.choice(found)
        if self.random.random() < 0.3:
            self.do("see_prescription", sending.see_prescription, pharmacist, id=one.visit)
        if self.random.random() < 0.06:
            self.do("revoke", seeing.revoke, pharmacist, id=one.visit, reason="Not in stock")
            return
        number = one.number - (self.random.random() < 0.05)
        approve, reason = self.random.random() < 0.75, self.random.choice(("Dose?", "Dose?", ""))
        self.do("review", sending.review, pharmacist, id=one.visit, number=number, approve=approve, reason=reason)

    def parcel(self) -> None:
        """The next step of a parcel; what is on its way is mostly its own courier's."""
        if order := self._an_order():
            bearer = [c for c in self.couriers if order.state in OUTSIDE and c.id == order.courier]
            anybody = [*self.pharmacists, *self.couriers]
            self.parcel_by(self.random.choice(bearer if bearer and self.random.random() < 0.8 else anybody), order)

    def _an_order(self) -> Order | None:
        newest = [self.mirror.newest(id, Order) for id in sorted(self.mirror.visits)]
        orders = [o for o in newest if o is not None]
        to_do = [o for o in orders if o.state not in DONE]
        among = orders if self.random.random() < 0.05 else to_do
        return self.random.choice(among) if among else None

    def parcel_by(self, actor: Actor, order: Order | None = None) -> None:
        """Somebody turns to a parcel that may be theirs."""
        order = order or self._an_order()
        if order is None:
            return
        if self.random.random() < 0.15:
            self.do("see_order", sending.orders, actor, states=(OrderState.CREATED, OrderState.PICKING))
            self.do("see_order", sending.see_order, actor, id=order.visit)
        self.step(order, actor)

    def step(self, order: Order, actor: Actor) -> Outcome:
        code = RIGHT_CODE if self.random.random() < 0.8 else WRONG_CODE
        reason = self.random.choice(("Nobody at home", "Nobody at home", ""))
        roll = self.random.random()
        choices: dict[OrderState, list[tuple[str, Callable[..., Any], dict[str, Any]]]] = {
            OrderState.CREATED: [("pick", sending.pick, {})],
            OrderState.PICKING: [("check", sending.check, {})],
            OrderState.CHECKED: [("hand_over", sending.hand_over, {})] * 9
            + [("cancel_order", sending.cancel_order, {})],
            OrderState.HANDED_OVER: [("deliver", sending.deliver, {"code": code})] * 5
            + [("fail_attempt", sending.fail_attempt, {"reason": reason})] * 6
            + [("bring_back", sending.bring_back, {})],
            OrderState.FAILED_ATTEMPT: [("hand_over", sending.hand_over, {})] * 3
            + [("bring_back", sending.bring_back, {})] * 2,
        }
        anything = [one for some in choices.values() for one in some]
        among = choices.get(order.state, anything) if roll < 0.9 else anything
        deed, do, typed = self.random.choice(among)
        return self.do(deed, do, actor, id=order.visit, **typed)


def _who(errand: Errand, *, id: str, token_hash: str) -> Member | None:
    found = staff.who(id=id, token_hash=token_hash, now=errand.now)
    return found and found[0]


def _signed_in(errand: Errand, *, id: str, token_hash: str) -> Member:
    """What is left to do once somebody has proved who they are."""
    member = staff.member(id)
    staff.open_session(member, token_hash=token_hash, now=errand.now)
    return member


def _enrol(errand: Errand, *, id: str, name: str, role: Role) -> Member:
    licence = {"title": "Physician", "licence": "L", "licence_until": date.max} if role is Role.DOCTOR else {}
    return staffing.add_member(errand, id=id, name=name, role=role, **licence)
