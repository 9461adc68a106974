"""The people of a replay: patients and doctors as the event loop knows them, and what a patient answers."""

import base64
import hashlib
import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.surge import replays
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong, Request
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.queue import Band, Ticket, Visit
from chalicelib.rooms.rules import Clinic
from chalicelib.visit import arriving

WHY = "Cough and fever since Monday, worse at night."
SOAP = {
    "subjective": "Cough with some phlegm for three days, fever of 38.2 yesterday, no shortness of breath.",
    "objective": "Speaks in whole sentences, throat a little red.",
    "assessment": "Acute bronchitis, most likely viral.",
    "plan": "Rest, drink, paracetamol when needed. Come back if the fever lasts longer than three days.",
}
SUMMARY = "You have a bronchitis. It gets better by itself. Rest and drink; come back if the fever stays past Thursday."


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def opaque(text: str) -> str:
    """As long as the ids that a door makes: 22 letters."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:22]


@dataclass(eq=False)
class Patient:
    """One person. Times are seconds since the replay began; None is not yet."""

    number: int
    department: str
    band: Band
    patience: float | None  # seconds; None waits for ever
    steps_back: bool
    no_show: bool
    medicine: bool
    parcel: bool
    tried: float | None = None  # tapped "join" for the first time
    joined: float | None = None
    called: float | None = None
    over: float | None = None
    left: bool = False
    visit: Visit | None = None  # as it was when the ticket was drawn
    page: Visit | None = None  # as their own page showed it last
    stepped_back: bool = False
    calls: int = 0

    @property
    def name(self) -> str:
        return f"p{self.number}"

    @property
    def actor(self) -> Actor:
        return Actor(role=Role.PATIENT, id=hashed(f"secret {self.name}"))

    @property
    def holder(self) -> str:
        return hashed(f"phone {self.name}")

    @property
    def waiting(self) -> bool:
        return self.visit is not None and not self.past_waiting

    @property
    def past_waiting(self) -> bool:
        return self.called is not None or self.left

    @property
    def id(self) -> Ticket | None:
        return self.visit.id if self.visit else None


@dataclass(eq=False)
class Doctor:
    """One doctor, one conversation at a time."""

    name: str
    department: str
    patient: Patient | None = None
    on_duty: bool = False
    leaving: bool = False
    taps: int = 0  # on "take next"

    @property
    def actor(self) -> Actor:
        return Actor(role=Role.DOCTOR, id=self.name, name=f"Dr {self.name}")


def somebody(luck: random.Random, number: int, department: str) -> Patient:
    band = luck.choices(
        (Band.URGENT, Band.STANDARD, Band.FOLLOW_UP),
        (replays.URGENT, 1 - replays.URGENT - replays.FOLLOW_UP, replays.FOLLOW_UP),
    )[0]
    leaves = luck.random() < replays.LEAVERS
    return Patient(
        number=number,
        department=department,
        band=band,
        patience=luck.expovariate(1 / (replays.PATIENCE_MINUTES * 60)) if leaves else None,
        steps_back=luck.random() < replays.STEP_BACKS,
        no_show=luck.random() < replays.NO_SHOWS,
        medicine=luck.random() < replays.PRESCRIPTIONS,
        parcel=luck.random() < replays.PARCELS,
    )


def answered(patient: Patient) -> list[tuple[str, dict[str, Any]]]:
    """The questions after the first, with what this patient says."""
    worse = Getting.WORSE if patient.band is Band.URGENT else Getting.SAME
    follow_up = patient.band is Band.FOLLOW_UP
    who: dict[str, Any] = {"for_whom": ForWhom.ME, "age": 40, "guardian": ""}
    if patient.department == "children":
        who = {"for_whom": ForWhom.CHILD, "age": 9, "guardian": "Mei Li"}
    return [
        ("who", {"name": f"Ann {patient.name}", **who}),
        (
            "what",
            {"department": patient.department, "why": WHY, "allergies": "penicillin", "follow_up": follow_up},
        ),
        ("how_long", {"how_long": HowLong.DAYS, "getting": worse}),
        ("contact", {"phone": "13800001234"}),
    ]


def filled_in(patient: Patient, clinic: Clinic, now: datetime) -> Request:
    """The answered questions, put together by the room itself."""
    request = Request(id=opaque(patient.name), holder=patient.holder, language="en", started_at=now, flags=("none",))
    for step, typed in answered(patient):
        clinics = {"clinic": clinic} if step in arriving.NEEDS_CLINIC else {}
        request = arriving.ROOMS[step](request, **typed, **clinics)
    return request
