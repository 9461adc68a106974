"""Builders: one of everything a room decides about, complete and plausible; a test says only what it is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.refusal import Refusal, SeveralRefusals
from chalicelib.rooms import packs, promise, queue
from chalicelib.rooms.arrival import Answers, ForWhom, Getting, HowLong, Request
from chalicelib.rooms.assignment import LEASE, Doctor
from chalicelib.rooms.consult import Note
from chalicelib.rooms.delivery import Order, Step, Way
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.permission import ANYBODY, Actor, Role
from chalicelib.rooms.prescription import VALID, Line, Prescription
from chalicelib.rooms.prescription import State as PrescriptionState
from chalicelib.rooms.queue import ACTIVE, WITH_DOCTOR, Band, Call, Lane, State, Ticket, Visit, Why
from chalicelib.rooms.rules import Clinic, Department, Medicine
from chalicelib.rooms.staff import plate

NOW = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)

# The cast as the deeds see it: a patient is the hash of a ticket's secret, staff are their id.
ANN = Actor(role=Role.PATIENT, id="hash-of-anns-secret")
BOB = Actor(role=Role.PATIENT, id="hash-of-bobs-secret")
EVE = Actor(role=Role.PATIENT, id="hash-of-some-other-secret")
ADA = Actor(role=Role.DOCTOR, id="ada", name="Dr Ada", title="Attending physician", licence="L-ada")
BO = Actor(role=Role.DOCTOR, id="bo", name="Dr Bo", title="Chief physician", licence="L-bo")
SAM = Actor(role=Role.PHARMACIST, id="sam", name="Sam")
KIM = Actor(role=Role.PHARMACIST, id="kim", name="Kim")
COLE = Actor(role=Role.COURIER, id="cole", name="Cole")
CYD = Actor(role=Role.COURIER, id="cyd", name="Cyd")
DEE = Actor(role=Role.DESK, id="dee", name="Dee")
MAX = Actor(role=Role.ADMINISTRATOR, id="max", name="Max")
PUBLIC = ANYBODY

PARACETAMOL, PENICILLIN, ASPIRIN, WARFARIN = "paracetamol", "amoxicillin", "aspirin", "warfarin"
SOAP = {"subjective": "Cough for three days.", "objective": "", "assessment": "A cold.", "plan": "Rest."}


def a_medicine(id: str = PARACETAMOL, **changes: Any) -> Medicine:
    made = Medicine(
        id=id,
        name={"en": id.capitalize()},
        strength="500 mg",
        form={"en": "Tablets"},
        ingredients=(id,),
        interacts=(),
        doses=("1 tablet",),
        days_max=5,
        per_day_max=4,
        schedule=packs.ORDINARY,
    )
    return replace(made, **changes)


def a_department(id: str = "general", letter: str = "A", **changes: Any) -> Department:
    made = Department(
        id=id, letter=letter, name={"en": id.capitalize()}, about={"en": ""}, opens=time(0), closes=time(0)
    )
    return replace(made, **changes)


def a_clinic(**changes: Any) -> Clinic:
    made = Clinic(
        name={"en": "Riverside Clinic"},
        languages=("en",),
        timezone="Asia/Shanghai",
        emergency_number="120",
        phone="+861000000000",
        brand="#0b6e6e",
        departments=(a_department(), a_department("children", "B")),
        formulary=(
            a_medicine(),
            a_medicine(PENICILLIN, ingredients=("amoxicillin", "penicillin", "青霉素"), days_max=10, per_day_max=3),
            a_medicine(ASPIRIN, interacts=(WARFARIN,), days_max=30, per_day_max=1),
            a_medicine(WARFARIN, days_max=28, per_day_max=1),
        ),
        policy="demo-1",
        rules=packs.rules("demo"),
        consent_version="2026-11",
        fee={"en": "Free of charge"},
        guardian_age=18,
        lanes=1,
    )
    return replace(made, **changes)


def a_request(**changes: Any) -> Request:
    """Every question answered, ready for consent."""
    made = Request(
        id="request-1",
        holder="holder-1",
        language="en",
        started_at=NOW,
        flags=("none",),
        for_whom=ForWhom.ME,
        name="Ann Li",
        age=40,
        department="general",
        why="Cough and fever since Monday",
        allergies="",
        how_long=HowLong.DAYS,
        getting=Getting.SAME,
        phone="13800001234",
    )
    return replace(made, **changes)


def answers(**changes: Any) -> Answers:
    made = Answers(
        for_whom=ForWhom.ME,
        name="Ann Li",
        age=40,
        guardian=None,
        department="general",
        why="Cough and fever since Monday",
        allergies="",
        follow_up=False,
        how_long=HowLong.DAYS,
        getting=Getting.SAME,
        phone="13800001234",
        language="en",
        consent="2026-11",
        consent_at=NOW,
        fee="Free of charge",
    )
    return replace(made, **changes)


def a_ticket(n: int = 1, band: Band = Band.STANDARD, *, department: str = "general", lane: int = 0) -> Ticket:
    return Ticket(department, lane, band, n)


def a_visit(**changes: Any) -> Visit:
    """A waiting visit; with another `state`, the fields that belong to it. Versions are as if it had been read."""
    id = changes.pop("id", a_ticket())
    state = changes.get("state", State.WAITING)
    made = Visit(
        id=id,
        ticket=id if state is State.WAITING else None,
        person="ab" * 32,
        secret=ANN.id,
        request="request-1",
        answers=answers(department=id.department),
        joined_at=NOW,
        policy="demo-1",
        voices="dp",
        asked_at=NOW,
        state=state,
        version=1,
    )
    if state in WITH_DOCTOR:
        call = Call(epoch=1, doctor=ADA.id, at=NOW, why=Why.FIRST_COME)
        made = replace(made, doctor=ADA.id, epoch=1, calls=(call,), plates=(plate(ADA),), lease_until=NOW + LEASE)
    if state is State.COMPLETED:
        call = Call(epoch=1, doctor=ADA.id, at=NOW, why=Why.FIRST_COME)
        made = replace(made, doctor=ADA.id, epoch=1, calls=(call,), plates=(plate(ADA),), signed_note=1)
        made = replace(made, outcome="rest_and_observe")
    if state not in ACTIVE:
        made = replace(made, ended_at=NOW, ended_why=None if state is State.COMPLETED else "patient")
    return replace(made, **changes)


def a_lane(**changes: Any) -> Lane:
    """An empty lane with one doctor on duty."""
    return replace(Lane(department="general", on_duty=1), **changes)


def a_queue(*waiting: int, **changes: Any) -> Lane:
    """A lane in which so many wait: recalled, urgent, standard, follow-up."""
    return a_lane(tails=tuple([*waiting, 0, 0, 0, 0][:4]), **changes)


def a_doctor(**changes: Any) -> Doctor:
    made = Doctor(id=ADA.id, on_duty=True, departments=("general",), capacity=2, version=1)
    return replace(made, **changes)


def a_note(**changes: Any) -> Note:
    made = Note(visit=a_ticket(), number=1, doctor=ADA.id, doctor_name=ADA.name, epoch=1, version=1, **SOAP)
    return replace(made, **changes)


def a_line(medicine: str = PARACETAMOL, **changes: Any) -> Line:
    return replace(Line(medicine=medicine, dose="1 tablet", per_day=1, days=3), **changes)


def listed(line: Line) -> Line:
    """The same as it is signed: with the words of the list."""
    medicine = a_medicine(line.medicine)
    return replace(line, name=medicine.name, strength=medicine.strength, form=medicine.form)


def a_prescription(**changes: Any) -> Prescription:
    """Signed by Dr Ada; approved by Sam where the state says so."""
    made = Prescription(
        visit=a_ticket(), number=1, doctor=ADA.id, doctor_name=ADA.name, lines=(a_line(),), signed_at=NOW, version=1
    )
    state = changes.get("state", PrescriptionState.SIGNED)
    if state is not PrescriptionState.SIGNED:
        made = replace(made, pharmacist=SAM.id, pharmacist_name=SAM.name, decided_at=NOW)
    return replace(made, **changes)


def an_order(**changes: Any) -> Order:
    """A parcel to be delivered; picked by Sam, checked by Kim, carried by Cole as far as its state says."""
    made = Order(
        visit=a_ticket(),
        number=1,
        prescription=1,
        doctor=ADA.id,
        patient="Ann Li",
        medicines=1,
        way=Way.DELIVERY,
        address="1 River Road",
        phone="13800001234",
        code="123456",
        created_at=NOW,
        steps=(Step(state=OrderState.CREATED, at=NOW, by="patient"),),
        policy="demo-1",
        until=NOW + VALID,
        version=1,
    )
    state = changes.get("state", OrderState.CREATED)
    if state is not OrderState.CREATED:
        made = replace(made, picker=SAM.id)
    if state not in (OrderState.CREATED, OrderState.PICKING):
        made = replace(made, checker=KIM.id)
    if state in (OrderState.HANDED_OVER, OrderState.FAILED_ATTEMPT, OrderState.DELIVERED, OrderState.RETURNED):
        made = replace(made, courier=COLE.id)
    if state is OrderState.FAILED_ATTEMPT:
        made = replace(made, attempts=1)
    return replace(made, **changes)


def called(
    lane: Lane,
    band: Band,
    now: datetime = NOW,
    whole: Lane | None = None,
    *,
    instead: bool = False,
    fills: bool = False,
) -> Lane:
    """The lane after a call in this band: what the store writes, worked out here for tests that need no store."""
    assert lane.waiting(band), "somebody must wait there"
    whole = whole or lane
    heads = tuple(head + (b is band) for b, head in zip(Band, lane.heads, strict=True))
    anew = [b is band or not whole.waiting(b) or not whole.calls for b in Band]
    due = tuple(whole.calls - instead + queue.ONE_CALL_IN[b] if anew[b] else lane.due[b] for b in Band)
    if instead:
        return replace(lane, heads=heads, due=due)
    window, before = (lane.window, None) if fills else promise.turned_window(lane, now)
    before = before or lane.window_before
    counted = replace(lane, calls=lane.calls + 1, fills=lane.fills + fills, window=window, window_before=before)
    return replace(counted, heads=heads, due=due)


def joined(lane: Lane, band: Band) -> Lane:
    """The lane after somebody drew a ticket of this band."""
    return replace(lane, tails=tuple(tail + (b is band) for b, tail in zip(Band, lane.tails, strict=True)))


@contextmanager
def refused(words: str, *, field: str | None = None, kind: type[Refusal] = Refusal) -> Iterator[None]:
    """What happens inside is refused with a message that contains these words, about this field."""
    with pytest.raises(kind) as caught:
        yield
    refusals = caught.value.refusals if isinstance(caught.value, SeveralRefusals) else [caught.value]
    said = [(one.message % one.facts if one.facts else one.message, one.field) for one in refusals]
    assert any(words in message for message, _ in said), said
    if field is not None:
        assert field in [of for message, of in said if words in message], said


def plain(value: Any) -> Any:
    """An answer without the version it was read at: what two askers must agree on."""
    return replace(value, version=None) if hasattr(value, "version") else value
