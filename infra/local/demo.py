"""`make demo`: a busy morning, played through the same deeds that the pages use, from a seed, in made-up people."""

import contextlib
import heapq
import itertools
import random
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from chalicelib.clinic import CLINIC
from chalicelib.doors import guests, phrases
from chalicelib.outside.signing import KMS
from chalicelib.refusal import Refusal
from chalicelib.rooms import arrival
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong
from chalicelib.rooms.consult import SOAP, Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.prescription import Line, warnings
from chalicelib.rooms.queue import Ticket, Visit
from chalicelib.rooms.rules import Clinic
from chalicelib.visit import arriving, desk, seeing, sending, taking
from chalicelib.visit.errand import Errand, Records
from infra.local.seed import STAFF

BOOK: dict[str, Any] = tomllib.loads((Path(__file__).parent / "morning.toml").read_text(encoding="utf-8"))
MORNING = 88  # minutes before now at which the doctors came
LAST_FINISHED = 20  # nobody is finished later than this many minutes ago
DUTY = {
    "ada": (("respiratory", "general"), 3),
    "bo": (("children", "general"), 2),
    "chen": (("mind", "respiratory"), 2),
}
IN_HAND = {"ada": 2, "bo": 1, "chen": 1}
# How far each approved prescription has come by now, the earliest first.
PARCELS = ("delivered", "returned", "failed", "cancelled", "on_the_way", "counter", "checked", "picking", "created")
ENDINGS = (*PARCELS, "given_back", "review", "effective", "given_back", "review", "revoked", "review")


@dataclass
class Person:
    """Somebody made up, with the secrets that a phone would hold."""

    name: str
    language: str
    age: int
    case: dict[str, Any]
    phone: str
    guardian: str = ""
    why: str = ""
    allergies: str = ""
    follow_up: bool = False
    getting: str = "same"
    child: bool = False
    secret: str = ""
    visit: Ticket | None = None
    said: int = 0

    @property
    def actor(self) -> Actor:
        return Actor(role=Role.PATIENT, id=guests.hashed(self.secret))

    @property
    def whom(self) -> ForWhom:
        return ForWhom.CHILD if self.child else ForWhom.ME


@dataclass
class Morning:
    """What happens next, in order of time. Every deed of it is a real one with a time of its own."""

    records: Records
    clinic: Clinic
    now: datetime
    chance: random.Random
    agenda: list[tuple[float, int, Callable[..., None]]] = field(default_factory=list)
    people: dict[Ticket, Person] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    complaints: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    endings: Iterator[str] = field(default_factory=lambda: itertools.chain(ENDINGS, itertools.repeat("review")))
    count: Iterator[int] = field(default_factory=itertools.count)
    staff: dict[str, Actor] = field(
        default_factory=lambda: {m.id: Actor(role=m.role, id=m.id, name=m.name) for m in STAFF}
    )

    def at(self, minutes_ago: float, what: Callable[..., None], *about: object) -> None:
        """`what(*about, minutes_ago)` when that moment comes."""
        then: Callable[..., None] = partial(what, *about)
        heapq.heappush(self.agenda, (-minutes_ago, next(self.count), then))

    def play(self) -> None:
        while self.agenda:
            when, _, what = heapq.heappop(self.agenda)
            with contextlib.suppress(Refusal):  # somebody was too late, as happens on every morning
                what(-when)

    def errand(self, actor: Actor, minutes_ago: float) -> Errand:
        request = f"{self.chance.getrandbits(128):032x}"
        at = self.now - timedelta(minutes=minutes_ago)
        return Errand(actor=actor, request=request, now=at, clinic=self.clinic, records=self.records, signer=KMS)

    # ---- patients

    def name(self, shelf: str) -> str:
        """Every name once before one comes again."""
        left = self.names.setdefault(shelf, [])
        if not left:
            left += self.chance.sample(BOOK["names"][shelf], len(BOOK["names"][shelf]))
        return left.pop()

    def person(self, department: str, *, late: bool) -> Person:
        """Somebody new with a complaint that this department sees; who comes late is still waiting now."""
        pick = self.chance
        language = pick.choice(("zh", "zh", "en"))
        case = self.late_case(department) if late else self.case(department)
        child = case.get("child", False)
        grown_up = self.name(language)
        allergic = not case.get("no_allergy", False) and pick.random() < 0.25
        return Person(
            name=self.name(f"children_{language}") if child else grown_up,
            language=language,
            age=pick.randint(*case["ages"]),
            case=case,
            phone=f"{pick.getrandbits(128):032x}"[: guests.SECRET_LETTERS],
            guardian=grown_up if child else "",
            why=case["why"][language],
            allergies=BOOK["allergies"][language] if allergic else "",
            follow_up=case.get("follow_up", False),
            getting=case["getting"],
            child=child,
        )

    def case(self, department: str) -> dict[str, Any]:
        """One of the stories told to the end."""
        own = [case for case in BOOK["cases"] if case["department"] == department]
        return dict(self.chance.choice(own))

    def late_case(self, department: str) -> dict[str, Any]:
        """A complaint of its own with a conversation that fits any."""
        shelf = next(shelf for shelf in BOOK["waiting"] if shelf["department"] == department)
        fits_any = next(case for case in BOOK["cases"] if case["id"] == "other")
        left = self.complaints.setdefault(department, [])
        if not left:
            left += self.chance.sample(list(zip(shelf["en"], shelf["zh"], strict=True)), len(shelf["en"]))
        en, zh = left.pop()
        child = shelf.get("child", False)
        return {
            **fits_any,
            "department": department,
            "why": {"en": en, "zh": zh},
            "child": child,
            "ages": [0, 9] if child else [18, 75],
            "getting": self.chance.choice(("same", "same", "same", "worse")),
            "follow_up": not child and self.chance.random() < 0.2,
        }

    def join(self, person: Person, minutes_ago: float) -> None:
        errand = self.errand(Actor(role=Role.PUBLIC, id=""), minutes_ago)
        holder = guests.hashed(person.phone)
        asked = arrival.Request(id=errand.request, holder=holder, language=person.language, started_at=errand.now)
        asked = arrival.red_flags(asked, flags=(arrival.NO_FLAG,))
        asked = arrival.who(
            asked, for_whom=person.whom, name=person.name, age=person.age, guardian=person.guardian, clinic=self.clinic
        )
        asked = arrival.what(
            asked,
            department=person.case["department"],
            why=person.why,
            allergies=person.allergies,
            follow_up=person.follow_up,
            clinic=self.clinic,
        )
        asked = arrival.how_long(asked, how_long=HowLong(person.case["how_long"]), getting=Getting(person.getting))
        asked = arrival.contact(asked, phone=f"138{self.chance.randint(0, 99999999):08d}")
        person.secret = guests.ticket_secret(person.phone, errand.request)
        visit = arriving.join(
            errand,
            request=asked,
            secret=guests.hashed(person.secret),
            person=guests.person(holder, person.whom, person.name),
            consented=True,
        )
        self.came(person, visit)

    def at_the_desk(self, person: Person, minutes_ago: float) -> None:
        errand = self.errand(self.staff["dee"], minutes_ago)
        person.secret = guests.ticket_secret(person.phone, errand.request)
        visit = desk.add_person(
            errand,
            secret=guests.hashed(person.secret),
            person=guests.person(guests.hashed(person.phone), person.whom, person.name),
            for_whom=person.whom,
            how_long=HowLong(person.case["how_long"]),
            getting=Getting(person.getting),
            department=person.case["department"],
            phone="",
            consented=True,
            flags=(arrival.NO_FLAG,),
            **{
                name: getattr(person, name)
                for name in ("name", "age", "guardian", "why", "allergies", "follow_up", "language")
            },
        )
        self.came(person, visit)

    def came(self, person: Person, visit: Visit) -> None:
        person.visit = visit.id
        self.people[visit.id] = person

    # ---- doctors

    def take(self, doctor: str, minutes_ago: float) -> tuple[Person, Visit] | None:
        errand = self.errand(self.staff[doctor], minutes_ago)
        taken = taking.take_next(errand, departments=DUTY[doctor][0])
        return (self.people[taken], self.records.visit(taken)) if taken else None

    def consult(self, doctor: str, minutes_ago: float) -> None:
        """One patient from hello to signature; then the next one, until it is nearly now."""
        found = self.take(doctor, minutes_ago)
        if found is None:
            self.again(doctor, minutes_ago - 3)
            return
        person, visit = found
        end = max(minutes_ago - self.chance.uniform(5, 8), LAST_FINISHED)
        self.talk(doctor, person, visit, minutes_ago, end + 0.5, keep=4)
        self.at(end, self.sign, doctor, person, visit)
        self.again(doctor, end - self.chance.uniform(0.5, 2))

    def again(self, doctor: str, minutes_ago: float) -> None:
        if minutes_ago > LAST_FINISHED + 5:
            self.at(minutes_ago, self.consult, doctor)

    def talk(self, doctor: str, person: Person, visit: Visit, start: float, end: float, keep: int) -> None:
        lines = person.case["talk"][person.language][:keep]
        step = (start - end) / (len(lines) + 1)
        for i, line in enumerate(lines, start=1):
            who, _, words = line.partition(" ")
            self.at(start - i * step, self.say, doctor, person, visit, who, words)

    def say(self, doctor: str, person: Person, visit: Visit, who: str, words: str, minutes_ago: float) -> None:
        actor = self.staff[doctor] if who == "d" else person.actor
        errand = self.errand(actor, minutes_ago)
        seeing.say(errand, id=visit.id, text=words, epoch=visit.epoch if who == "d" else None)

    def sign(self, doctor: str, person: Person, visit: Visit, minutes_ago: float) -> None:
        case, language = person.case, person.language
        summary = phrases.find(phrases.SUMMARIES, case["summary"])
        assert summary is not None
        facts = {"doctor": self.staff[doctor].name, "number": self.clinic.emergency_number}
        lines = tuple(
            Line(medicine=m, dose=dose, per_day=per_day, days=days, advice=case["advice"][language])
            for m, dose, per_day, days in case.get("lines", ())
        )
        errand = self.errand(self.staff[doctor], minutes_ago)
        seeing.sign(
            errand,
            id=visit.id,
            epoch=visit.epoch,
            soap=dict(zip(SOAP, case["note"][language], strict=True)),
            outcome=Outcome(case["outcome"]),
            summary=phrases.said(summary, language, facts),
            lines=lines,
            confirmed=bool(warnings(lines, allergies=person.allergies, clinic=self.clinic)),
        )
        if lines:
            ending = next(self.endings)
            self.at(max(minutes_ago - self.chance.uniform(2, 4), 1), self.review, person, ending)

    # ---- pharmacy

    def review(self, person: Person, ending: str, minutes_ago: float) -> None:
        """The pharmacist's look, and whatever this prescription's story is afterwards."""
        if ending == "review" or person.visit is None:
            return
        zh = person.language == "zh"
        good = ending != "given_back"
        reason = "" if good else ("请核对剂量与年龄" if zh else "Please check the dose against the age")
        sam = self.errand(self.staff["sam"], minutes_ago)
        sending.review(sam, id=person.visit, number=1, approve=good, reason=reason)
        if ending == "revoked":
            errand = self.errand(self.staff["sam"], minutes_ago - 0.5)
            seeing.revoke(errand, id=person.visit, reason="患者已在别处取药" if zh else "The patient has it already")
        elif good and ending != "effective":
            self.at(minutes_ago - 1, self.order, person, ending)

    def order(self, person: Person, ending: str, minutes_ago: float) -> None:
        pick_up = ending in ("counter", "cancelled")
        assert person.visit is not None
        sending.choose_delivery(
            self.errand(person.actor, minutes_ago),
            id=person.visit,
            way=Way.PICK_UP if pick_up else Way.DELIVERY,
            address="" if pick_up else self.chance.choice(BOOK["names"][f"addresses_{person.language}"]),
            phone=f"139{self.chance.randint(0, 99999999):08d}",
            code=f"{self.chance.randint(0, 999999):06d}",
        )
        steps = STEPS[ending]
        room = max(minutes_ago - 1, 0.5) / (len(steps) + 1)
        for i, (who, deed) in enumerate(steps, start=1):
            self.at(minutes_ago - i * room, self.parcel, person, who, deed)

    def parcel(self, person: Person, who: str, deed: str, minutes_ago: float) -> None:
        assert person.visit is not None
        errand = self.errand(person.actor if who == "patient" else self.staff[who], minutes_ago)
        if deed == "deliver":
            code = sending.see_order(errand, id=person.visit).code
            sending.deliver(errand, id=person.visit, code=code)
        elif deed == "fail_attempt":
            reason = "敲门无人应答" if person.language == "zh" else "Nobody opened the door"
            sending.fail_attempt(errand, id=person.visit, reason=reason)
        else:
            getattr(sending, deed)(errand, id=person.visit)


PACKED = (("sam", "pick"), ("dee", "check"))
OUT = (*PACKED, ("cole", "hand_over"))
STEPS: dict[str, tuple[tuple[str, str], ...]] = {
    "created": (),
    "picking": PACKED[:1],
    "checked": PACKED,
    "counter": (*PACKED, ("sam", "hand_over")),
    "on_the_way": OUT,
    "failed": (*OUT, ("cole", "fail_attempt")),
    "returned": (*OUT, ("cole", "fail_attempt"), ("cole", "bring_back")),
    "delivered": (*OUT, ("cole", "deliver")),
    "cancelled": (*PACKED[:1], ("patient", "cancel_order")),
}


def fill(
    records: Records | None = None, clinic: Clinic = CLINIC, now: datetime | None = None, seed: int = 1
) -> Morning:
    """Play the morning that led to `now`. The same seed gives the same people, words and times."""
    if records is None:
        from chalicelib.store import records as kept

        return fill(cast(Records, kept), clinic, now, seed)
    morning = Morning(records, clinic, now or datetime.now(UTC), random.Random(seed))  # noqa: S311  # a story, no secret
    _plan(morning)
    morning.play()
    return morning


def _plan(morning: Morning) -> None:
    pick = morning.chance
    for doctor, (departments, capacity) in DUTY.items():
        errand = morning.errand(morning.staff[doctor], MORNING)
        taking.go_on_duty(errand, departments=departments, capacity=capacity)
        morning.at(MORNING - 1 - pick.random(), morning.consult, doctor)
    places = ("respiratory", "general", "respiratory", "children", "general", "mind", "general", "respiratory", "tcm")
    for i, ago in enumerate(range(MORNING + 8, 1, -2)):
        person = morning.person(places[i % len(places)], late=ago < LAST_FINISHED + 15)
        come = morning.at_the_desk if i % 11 == 10 else morning.join
        morning.at(ago + pick.random(), come, person)
    morning.at(19, _comes_again, morning)
    morning.at(16, _hand_back, morning)
    morning.at(12, _leave, morning)
    for doctor, number in IN_HAND.items():
        for i in range(number):
            morning.at(8.5 - 2 * i - pick.random(), _in_hand, morning, doctor, i)


def _comes_again(morning: Morning, ago: float) -> None:
    """Somebody seen earlier today writes again: the doctor finds the visit before."""
    seen = [p for p in morning.people.values() if p.visit and morning.records.visit(p.visit).outcome == "prescription"]
    for person in seen[:1]:
        why = "药吃了还是不舒服，反而加重了" if person.language == "zh" else "It got worse in spite of the medicine"
        morning.join(replace(person, why=why, follow_up=True, getting="worse", visit=None), ago)


def _hand_back(morning: Morning, ago: float) -> None:
    found = morning.take("bo", ago)
    if found:
        person, visit = found
        reason = (
            "临时有急诊，请同事接手" if person.language == "zh" else "I am called to an emergency, please take over"
        )
        errand = morning.errand(morning.staff["bo"], ago - 1)
        seeing.hand_back(errand, id=visit.id, epoch=visit.epoch, reason=reason)


def _leave(morning: Morning, ago: float) -> None:
    """Somebody could not wait."""
    waiting = [p for p in morning.people.values() if p.visit and morning.records.visit(p.visit).state == "waiting"]
    for person in waiting[-1:]:
        assert person.visit is not None
        arriving.leave(morning.errand(person.actor, ago), id=person.visit)


def _in_hand(morning: Morning, doctor: str, i: int, ago: float) -> None:
    """A conversation that goes on: the first one waits for the doctor's answer, the second for the patient's."""
    if found := morning.take(doctor, ago):
        morning.talk(doctor, *found, ago, 1.0, keep=2 if i == 0 else 1)
