"""A clinic in the middle of its day, and everybody who might knock at every address of it: for A1, A2 and A5.

Ann was seen by Dr Ada, has a prescription, and her parcel is being packed; she also waits for nothing any more. Bob is
with Dr Ada in the same department, in another conversation; the child Cy is in another department. Dr Bo is on duty in
Ann's department and has seen none of them. What each address may answer comes from the permission table alone.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chalice.app import RouteEntry

from app import app
from chalicelib.doors.manners import Polite
from chalicelib.rooms.permission import MAY, WHOSE, Role, Tie
from chalicelib.rooms.queue import Band, Ticket
from chalicelib.store import names
from chalicelib.visit import taking
from tests.doors.stories import SOAP, seen, taken
from tests.people import ANN, Answer, Browser, Cast, Patient

NOBODYS = Ticket("general", 0, Band.STANDARD, 99_999)  # a name that is well made, of a visit that never was
DENIED = (401, 403, 404)

# A body that each deed understands, so that what is refused is refused for who asks and not for how.
BODIES: dict[str, dict[str, Any]] = {
    "say": {"text": "Hello", "epoch": "1"},
    "save_note": {"epoch": "1", **SOAP},
    "hand_back": {"epoch": "1", "reason": "End of shift"},
    "not_here": {"epoch": "1"},
    "sign": {"epoch": "1", "heard": "0", **SOAP, "outcome": "rest_and_observe", "summary": "Rest."},
    "amend": SOAP,
    "revise": {"medicine_1": "paracetamol-500", "dose_1": "500 mg", "per_day_1": "3", "days_1": "3"},
    "revoke": {"reason": "Wrong dose"},
    "deliver": {"code": "000000"},
    "fail_attempt": {"reason": "Nobody there"},
    "choose_delivery": {"way": "delivery", "address": "1 River Road", "phone": "13800001234"},
    "cancel_visit": {"why": "Went home", "department": "general"},
    "expire": {"department": "general"},
    "complain": {"about": "care", "text": "Nobody told me"},
    "close_complaint": {"number": "1", "word": "We are sorry"},
    "wake_me": {"endpoint": "https://fcm.googleapis.com/fcm/send/abc"},
}
RETURNED = {"number": "1", "reason": "Too much"}


@dataclass(frozen=True)
class Address:
    """One address of one visit, and how it is used."""

    method: str
    path: str
    view: Polite

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def body(self) -> dict[str, Any]:
        if self.method == "GET":
            return {}
        number = (
            RETURNED if self.path.endswith("/return") else {"number": "1"} if self.path.endswith("/approve") else {}
        )
        patient = {"epoch"} if self.view.by == "patient" else set()
        said = {name: value for name, value in BODIES.get(self.view.deed, {}).items() if name not in patient}
        return {"request": secrets.token_urlsafe(16), **said, **number}

    def ask(self, who: Browser, visit: str, **more: str) -> Answer:
        path = self.path.replace("{lang}", "en").replace("{visit}", visit)
        return who.ask("GET", path) if self.method == "GET" else who.send(path, {**self.body(), **more})


def addresses() -> Iterator[Address]:
    for path, methods in sorted(app.routes.items()):
        for method, entry in sorted(methods.items()):
            assert isinstance(entry, RouteEntry)
            if "{visit}" in path:
                yield Address(method, path, entry.view_function)


@dataclass
class World:
    """Everybody at the door, and the three visits they ask for."""

    cast: Cast
    cy: Patient
    role: dict[str, Role]
    browsers: dict[str, Browser]
    ties: dict[tuple[str, str], frozenset[Tie]]

    @property
    def visits(self) -> dict[str, str]:
        return {"ann": self.cast.ann.visit, "bob": self.cast.bob.visit, "cy": self.cy.visit}

    def may(self, who: str, address: Address, visit: str) -> bool:
        """By the table alone: does this role do this deed, and is the visit one that they may do it with?"""
        role, deed = self.role[who], address.view.deed
        if role not in MAY[deed] or (address.view.by == "patient") != (role is Role.PATIENT):
            return False
        return bool(self.ties.get((who, visit), frozenset()) & WHOSE[deed].get(role, frozenset()))


def world(cast: Cast) -> World:
    seen(cast, cast.ann)
    cast.sam.post(f"/en/pharmacy/prescriptions/{cast.ann.visit}/approve", number="1")
    cast.ann.post(f"/en/visits/{cast.ann.visit}/delivery", **BODIES["choose_delivery"])
    taken(cast, cast.bob)
    cy = Patient(cast.house, {**ANN, "name": "Cy Lee", "department": "respiratory"})
    cy.join()
    for patient in (cast.ann, cast.bob, cy):
        patient.post(f"/en/visits/{patient.visit}/complaint", **BODIES["complain"])
    taking.go_on_duty(cast.errand("bo"), departments=("general",), capacity=5)
    staff = {id: cast.staff(id) for id in ("ada", "bo", "sam", "cole", "dee", "pria")}
    mal = Browser(cast.house)  # knows the visits' names, and made tickets for them
    mal.cookies["tickets"] = "!".join(
        f"{one}~{'x' * 22}" for one in (cast.ann.visit, cast.bob.visit, cy.visit, nobodys())
    )
    patients: dict[str, Browser] = {"ann": cast.ann, "bob": cast.bob, "mal": mal, "eve": cast.eve}
    work = {
        (id, visit): frozenset({Tie.WORK}) for id in ("sam", "cole", "dee", "pria") for visit in ("ann", "bob", "cy")
    }
    ties = {
        ("ann", "ann"): frozenset({Tie.OWN}),
        ("bob", "bob"): frozenset({Tie.OWN}),
        ("ada", "ann"): frozenset({Tie.CARE}),
        ("ada", "bob"): frozenset({Tie.CARE}),
        **work,
    }
    roles = {
        "ann": Role.PATIENT,
        "bob": Role.PATIENT,
        "mal": Role.PATIENT,
        "eve": Role.PUBLIC,
        "ada": Role.DOCTOR,
        "bo": Role.DOCTOR,
    }
    roles |= {"sam": Role.PHARMACIST, "cole": Role.COURIER, "dee": Role.DESK, "pria": Role.PRIVACY_OFFICER}
    return World(cast, cy, roles, {**patients, **staff}, ties)


def said(answer: Answer, visit: str) -> tuple[int, str]:
    """What somebody learns from an answer: without the visit's own name, and ids made anew for every page."""
    body = answer.body.replace(visit, "VISIT")
    return answer.status, re.sub(r'(name="request" value=")[^"]*', r"\1", body)


def nobodys() -> str:
    return names.name_of(NOBODYS)
