"""The crowd: who comes to the clinic today, and what they take it into their heads to do next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.rooms import arrival, leaving, pocket, preferred, queue
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong, Request, Stage
from chalicelib.rooms.delivery import Order, Way
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.permission import ANYBODY, SYSTEM, Actor, Role
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.prescription import State as PrescriptionState
from chalicelib.rooms.queue import ACTIVE, State, Ticket, Visit
from chalicelib.visit import arriving, desk, holding, preferring, seeing, sending, sweeping
from chalicelib.visit.arriving import Place
from chalicelib.visit.errand import Errand
from tests.simulation.day import Day, Job, Outcome
from tests.simulation.mischief import Mischief
from tests.simulation.staffroom import Staffroom

PEOPLE = 12
SEEN_BEFORE = 5
RUSH = 0.3
CODE = "123456"
SOME = ("Cough and fever since Monday", "It hurts", "Repeat medicine", "")
PHONES = ("138 0000 1234", "+44 20 7946 0000", "139 0000 4321", "none")


@dataclass(eq=False, kw_only=True)
class Person:
    """Somebody with a phone or two. `tickets` are the visits whose secret this person has."""

    name: str
    id: str  # hash of the phone number and so on; the clinic never sees more
    age: int
    guardian: str
    phones: tuple[str, ...]
    tickets: dict[Ticket, str] = field(default_factory=dict)
    papers: dict[Ticket, str] = field(default_factory=dict)  # of the desk, that no phone has opened

    def patient(self, id: Ticket) -> Actor:
        return Actor(role=Role.PATIENT, id=self.tickets[id])


class Crowd:
    """Everybody. `act` is one thing somebody does, sensible mostly, with whoever stands behind it interrupting."""

    def __init__(self, day: Day) -> None:
        self.day, self.random, self.mirror = day, day.random, day.mirror
        self.people = [self._person(n) for n in range(PEOPLE)]
        self.staff = Staffroom(day)
        self.mischief = Mischief(day, self)
        self.desk = [Actor(role=Role.DESK, id=id) for id in ("dee", "dan")]
        day.act = self.act
        deeds: list[tuple[int, Callable[[], object]]] = [
            (10, self.arrive),
            (7, self.poll),
            (4, self.talk),
            (3, self.step_back),
            (2, self.turn_up),
            (3, self.other_line),
            (1, self.leave),
            (2, self.read),
            (6, self.choose_delivery),
            (1, self.cancel_order),
            (1, self.look_around),
            (1, self.change_mind),
            (4, self.at_the_desk),
            (2, self.add_person),
            (2, self.time_passes),
            (2, self.sweep),
            (10, self.mischief.act),
            (50, self.staff.act),
        ]
        self._weights = [weight for weight, _ in deeds]
        self._deeds = [deed for _, deed in deeds]
        self._rush: dict[str, Callable[[], object]] = {
            "join": self.arrive,
            "add_person": self.add_person,
            "see_ticket": self.poll,
            "need_more_time": self.step_back,
            "choose_delivery": self.choose_delivery,
            "take_next": self.staff.take,
            "review": self.staff.review,
        } | dict.fromkeys(("say", "save_note", "sign", "hand_back"), self.staff.attend)
        self._rush |= dict.fromkeys(("pick", "check", "hand_over", "deliver", "cancel_order"), self.staff.parcel)

    def _person(self, n: int) -> Person:
        child = n % 5 == 4
        return Person(
            name=f"Person {n}",
            id=f"{n:08x}" + "0" * 56,
            age=self.random.choice([0, 3, 11]) if child else self.random.choice([18, 40, 77]),
            guardian=f"Parent {n}" if child else "",
            phones=(f"phone{n}", f"tablet{n}")[: 1 + n % 2],
        )

    def open_up(self) -> None:
        """The first doctors come before the first patients. Some people were here before, and ask for their doctor."""
        self.staff.morning()
        for person in self.people[:SEEN_BEFORE]:
            self.add_person(person)
        for doctor in self.staff.doctors:
            self.staff.first_of_the_day(doctor)

    def act(self, near: str = "") -> None:
        """`near` is the deed that is interrupted: what others do at the same moment is often the same."""
        self.day.later(seconds=self.random.randint(1, 90))
        if near in self._rush and self.random.random() < RUSH:
            self._rush[near]()
        else:
            self.random.choices(self._deeds, self._weights)[0]()

    def do(self, deed: str, do: Callable[..., Any], actor: Actor, **typed: Any) -> Outcome:
        return self.day.run(self.day.job(deed, do, actor, **typed))

    # Coming in

    def arrive(self) -> None:
        """Somebody goes on with the questions on one of their phones, usually to the end."""
        person = self.random.choice(self.people)
        holder = self.random.choice(person.phones)
        if any(id in self.mirror.active for id in person.tickets) and self.random.random() < 0.6:
            return
        for _ in range(2 * len(arrival.STEPS)):
            if not self._next_answer(person, holder) or self.random.random() < 0.04:
                return

    def _next_answer(self, person: Person, holder: str) -> bool:
        """One question. False when there is no more to do: joined, refused, or the phone died."""
        draft = self.mirror.drafts.get(holder)
        used = draft is not None and any(j.deed == "join" and j.request == draft.id and j.line for j in self.day.jobs)
        gone = draft is None or self.day.now - draft.started_at > arrival.KEPT
        if gone or used or draft.stage is not Stage.REQUESTED:
            none = (arrival.NO_FLAG,)
            flags = self.random.choices([none, (arrival.RED_FLAGS[0],), ()], [92, 4, 4])[0]
            return self.do("ask", arriving.begin, ANYBODY, holder=holder, language="en", flags=flags).ok
        step = arrival.next_step(draft)
        if step == "check":
            self.join(person, draft)
            return False
        wrong = self.random.random() < 0.04
        typed = self._answers(person, wrong)[step]
        return self.do("ask", arriving.answer, ANYBODY, holder=holder, step=step, **typed).ok or wrong

    def _answers(self, person: Person, wrong: bool) -> dict[str, dict[str, Any]]:
        child = person.age < self.day.clinic.guardian_age
        department, follow_up = self._about_what(person)
        return {
            "flags": {"flags": (arrival.NO_FLAG,)},
            "who": {
                "for_whom": ForWhom.CHILD if child else ForWhom.ME,
                "name": "" if wrong else person.name,
                "age": person.age,
                "guardian": person.guardian,
            },
            "what": {
                "department": "surgery" if wrong else department,
                "why": self.random.choice(SOME[:3]),
                "allergies": self.random.choice(("", "penicillin")),
                "follow_up": follow_up,
            },
            "how_long": {
                "how_long": HowLong.DAYS,
                "getting": self.random.choice((Getting.SAME, Getting.SAME, Getting.BETTER, Getting.WORSE)),
            },
            "contact": {"phone": PHONES[3] if wrong else PHONES[0]},
        }

    def _about_what(self, person: Person) -> tuple[str, bool]:
        """A department, and whether it is about the same thing again: whoever was seen mostly comes back for that."""
        mine = [visit for visit in self.mirror.visits.values() if visit.person == person.id]
        seen = sorted({visit.id.department for visit in mine if visit.state is State.COMPLETED})
        if seen and self.random.random() < 0.8:
            return self.random.choice(seen), self.random.random() < 0.9
        return self.random.choice(self.day.clinic.departments).id, self.random.random() < 0.3

    def join(self, person: Person, draft: Request) -> None:
        """The button on the last page. Pressed again it is the same request, with the same form or another."""
        typed = {"request": draft, "secret": f"secret-{draft.id}", "person": person.id}
        typed["consented"] = self.random.random() < 0.95
        typed["same_doctor"] = draft.follow_up and self.random.random() < 0.9
        earlier = [job for job in self.day.jobs if job.request == draft.id and job.deed == "join"]
        job = next((job for job in earlier if job.typed == typed), None)
        if job is None:
            job = self.day.job("join", arriving.join, ANYBODY, **typed)
            job.request, job.rivals = draft.id, earlier[0].rivals if earlier else []
            job.rivals.append(job)
        self.heard_back(job, self.day.run(job))

    def heard_back(self, job: Job, outcome: Outcome) -> None:
        """Whoever drew a ticket keeps its secret, also when the answer came on the second try."""
        if job.deed in ("join", "add_person") and outcome.ok and outcome.answer.secret == job.typed["secret"]:
            person = next(p for p in self.people if p.id == job.typed["person"])
            if pocket.is_paper(outcome.answer):
                person.papers[outcome.answer.id] = outcome.answer.secret.removeprefix(pocket.paper(""))
            else:
                person.tickets[outcome.answer.id] = outcome.answer.secret

    def add_person(self, person: Person | None = None) -> None:
        """Somebody without a phone, or with a dead one, at the desk."""
        person, desk_hand = person or self.random.choice(self.people), self.random.choice(self.desk)
        typed = self._answers(person, wrong=self.random.random() < 0.05)
        job = self.day.job(
            "add_person",
            desk.add_person,
            desk_hand,
            secret=pocket.paper(f"{self.day.requests}"),
            person=person.id,
            **typed["who"],
            **typed["what"],
            **typed["how_long"],
            phone="",
            consented=True,
            language="en",
            flags=(arrival.NO_FLAG,) if self.random.random() < 0.9 else (arrival.RED_FLAGS[1],),
        )
        self.heard_back(job, self.day.run(job))

    # Waiting and talking

    def mine(self, wanted: Callable[[Visit], bool]) -> tuple[Person, Ticket] | None:
        """Somebody's own visit, one that fits if there is one; now and then any."""
        all_of = [(person, id) for person in self.people for id in person.tickets]
        fit = [(person, id) for person, id in all_of if wanted(self.mirror.visits[id])]
        among = all_of if self.random.random() < 0.1 else fit
        return self.random.choice(among) if among else None

    def _for_my(self, deed: str, do: Callable[..., Any], wanted: Callable[[Visit], bool], **typed: Any) -> None:
        if found := self.mine(wanted):
            person, id = found
            self.do(deed, do, person.patient(id), id=id, **typed)

    def poll(self) -> None:
        self.scan()
        look = arriving.see_ticket if self.random.random() < 0.5 else _open_page
        self._for_my("see_ticket", look, lambda v: v.state in ACTIVE)

    def talk(self) -> None:
        text = self.random.choice(("It started on Monday.", "Thank you", " "))
        self._for_my("say", seeing.say, lambda v: v.state in ACTIVE, text=text, epoch=None)

    def read(self) -> None:
        if self.random.random() < 0.5:
            self._for_my("read_messages", seeing.messages, lambda v: v.said > 0, after="")
        else:
            self._for_my("see_ticket", seeing.open_visit, lambda v: v.state is State.COMPLETED)

    def step_back(self) -> None:
        self._for_my("need_more_time", arriving.need_more_time, lambda v: v.state is State.WAITING)

    def turn_up(self) -> None:
        """ "I am here now", after having been called in vain."""
        self._for_my("here_now", arriving.here_now, queue.missed)

    def other_line(self) -> None:
        """Who waits for one doctor wants the first free one after all, or takes that back."""
        if self.random.random() < 0.7:
            self._for_my("first_free", preferring.first_free, lambda v: v.prefers is not None)
        if self.random.random() < 0.5:
            self._for_my("same_doctor", preferring.same_doctor, preferred.may_change_back)

    def leave(self) -> None:
        self._for_my("leave", arriving.leave, lambda v: v.state in ACTIVE)

    def look_around(self) -> None:
        self.do("look", arriving.waits, ANYBODY)
        self.do("look", arriving.kept, ANYBODY)
        self.do("look", arriving.board, ANYBODY, department=self.random.choice(("general", "general", "surgery")))
        doctor = self.random.choice(self.staff.doctors).id
        self.do("look", preferring.board, ANYBODY, doctor=doctor, name="opaque")

    def change_mind(self) -> None:
        """Deletes the answers, reads them, or follows the return link with another phone."""
        person = self.random.choice(self.people)
        holder = self.random.choice(person.phones)
        if self.random.random() < 0.3:
            self.do("forget", arriving.forget, ANYBODY, holder=holder)
        elif self.random.random() < 0.5:
            self.do("ask", arriving.draft, ANYBODY, holder=holder)
        elif found := self.mine(lambda v: True):
            whose, id = found
            self._other_phone(whose, id)

    def _other_phone(self, whose: Person, id: Ticket) -> None:
        """The link is opened on another phone, and that may be made to forget it again."""
        other = Actor(role=Role.PATIENT, id=f"another-{self.day.requests}")
        opened = self.do("come_back", holding.come_back, other, id=id, code=whose.tickets[id], secret=other.id)
        if opened.ok:
            self.do("forget", holding.still_open, other, held={id: other.id})
            self.do("forget", holding.let_go, other, id=id, secret=other.id)

    def scan(self) -> None:
        """Somebody of the desk finds a phone after all."""
        if printed := [(person, id) for person in self.people for id in person.papers]:
            person, id = self.random.choice(printed)
            code = person.papers[id]
            phone = Actor(role=Role.PATIENT, id=f"phone-{code}")
            if self.do("come_back", holding.come_back, phone, id=id, code=code, secret=phone.id).ok:
                person.tickets[id] = phone.id
                person.papers.pop(id, None)  # somebody else may have acted in between

    # The parcel

    def choose_delivery(self) -> None:
        impatient = self.random.random() < 0.25  # whoever does not wait for the pharmacist, or asks again

        def can(visit: Visit) -> bool:
            newest = self.mirror.newest(visit.id, Prescription)
            return newest is not None and (impatient or newest.state is PrescriptionState.EFFECTIVE)

        way = self.random.choice((Way.DELIVERY, Way.DELIVERY, Way.PICK_UP))
        address = self.random.choice(("1 Station Road", "1 Station Road", ""))
        phone = self.random.choice(PHONES)
        typed = {"way": way, "address": address, "phone": phone, "code": CODE}
        self._for_my("choose_delivery", sending.choose_delivery, can, **typed)

    def cancel_order(self) -> None:
        def can(visit: Visit) -> bool:
            newest = self.mirror.newest(visit.id, Order)
            return newest is not None and newest.state in (OrderState.CREATED, OrderState.CHECKED)

        self._for_my("cancel_order", sending.cancel_order, can)

    # The desk, and the clock

    def at_the_desk(self) -> None:
        actor = self.random.choice(self.desk)
        department = self.random.choice(self.day.clinic.departments).id
        roll = self.random.random()
        active = sorted(self.mirror.active)
        to_close = [id for id in active if self._is_over_for(self.mirror.visits[id])]
        if roll < 0.3 or not active:
            self.do("see_queue", desk.see_queue, actor, department=department)
        elif roll < 0.4:
            paper = [id for id in active if pocket.is_printable(self.mirror.visits[id])]
            self.do("print_ticket", desk.print_ticket, actor, id=self.random.choice(paper or active))
        elif roll < 0.55:
            why = self.random.choice(("Went to the emergency room", ""))
            self.do("cancel_visit", desk.cancel_visit, actor, id=self.random.choice(active), why=why)
        elif roll < (0.8 if to_close else 0.6):
            self.do("expire", desk.expire, actor, id=self.random.choice(to_close or active))
        else:
            self.staff.parcel_by(actor)

    def _is_over_for(self, visit: Visit) -> bool:
        """Whether the desk's page has the button."""
        department, zone = self.day.clinic.department(visit.id.department), ZoneInfo(self.day.clinic.timezone)
        assert department is not None
        kept = leaving.until_closing(visit, department, visit.joined_at.astimezone(zone))
        return kept and not department.is_open(self.day.now.astimezone(zone))

    def sweep(self) -> Outcome:
        """The clinic looks after itself, as it does every minute."""
        return self.do("sweep", sweeping.sweep, SYSTEM)

    def time_passes(self) -> None:
        """A quiet quarter of an hour: leases end, sessions end. Seldom days: prescriptions end."""
        roll = self.random.random()
        if roll < 0.06:
            self.day.later(days=self.random.randint(1, 4))
        else:
            self.day.later(minutes=self.random.randint(3, 25))


def _open_page(errand: Errand, *, id: Ticket) -> Place:
    """What the page of a visit does: the place, then the visit, which may have moved on between the two."""
    place = arriving.see_ticket(errand, id=id)
    return arriving.place_now(errand, place, seeing.open_visit(errand, id=id).visit)
