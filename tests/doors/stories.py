"""How a story got to where a test begins: deeds behind other doors, done by the people who do them."""

from dataclasses import replace
from typing import Any

from chalicelib.doors import guests
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.prescription import Line
from chalicelib.rooms.queue import Ticket
from chalicelib.store import names, records
from chalicelib.visit import seeing, sending, taking
from tests.people import Cast, Patient

PILLS = (Line(medicine="paracetamol-500", dose="500 mg", per_day=3, days=3, advice="After a meal"),)
SOAP = {"subjective": "Sore throat", "objective": "37.9", "assessment": "Tonsillitis", "plan": "Rest"}
CODE = "482915"


def id_of(patient: Patient) -> Ticket:
    return names.ticket_of(patient.visit)


def sheet_of(patient: Patient) -> str:
    """The name behind the square on the patient's newest prescription."""
    found = records.newest_prescription(id_of(patient))
    assert found
    assert found.signature
    return names.sheet_of(found.visit, found.number, found.signature.value)


def patient_errand(cast: Cast, patient: Patient) -> Any:
    """An errand of the patient: whoever holds the ticket's secret."""
    kept = guests.ticket_of(patient.cookies["tickets"].split("!")[0])
    assert kept is not None
    return replace(cast.errand("sam"), actor=Actor(role=Role.PATIENT, id=guests.hashed(kept.secret)))


def taken(cast: Cast, patient: Patient, doctor: str = "ada", **answers: str) -> int:
    """The patient has come and this doctor has them. Gives the epoch."""
    patient.join(**answers)
    taking.go_on_duty(cast.errand(doctor), departments=("general",), capacity=5)
    assert taking.take_next(cast.errand(doctor)) == id_of(patient)
    return int(seeing.open_visit(cast.errand(doctor), id=id_of(patient)).visit.epoch)


def seen(
    cast: Cast,
    patient: Patient,
    *,
    outcome: Outcome = Outcome.PRESCRIPTION,
    lines: tuple[Line, ...] = PILLS,
    confirmed: bool = False,
    **answers: str,
) -> None:
    """Dr Ada has seen the patient and signed."""
    epoch = taken(cast, patient, **answers)
    seeing.sign(
        cast.errand("ada"),
        id=id_of(patient),
        epoch=epoch,
        soap=SOAP,
        outcome=outcome,
        summary="Rest and drink.",
        lines=lines if outcome is Outcome.PRESCRIPTION else (),
        confirmed=confirmed,
        stated=("spoke",),
    )


def ordered(cast: Cast, patient: Patient, *, way: Way = Way.DELIVERY) -> None:
    """Approved by Sam, and the patient has chosen how to get it."""
    seen(cast, patient, allergies="")
    sending.review(cast.errand("sam"), id=id_of(patient), number=1, approve=True, reason="")
    sending.choose_delivery(
        patient_errand(cast, patient),
        id=id_of(patient),
        way=way,
        address="18 Garden Road" if way is Way.DELIVERY else "",
        phone="138 0000 1234",
        code=CODE,
    )


def packed(cast: Cast, patient: Patient, *, way: Way = Way.DELIVERY) -> None:
    """Picked by Sam and checked by Dee."""
    ordered(cast, patient, way=way)
    sending.pick(cast.errand("sam"), id=id_of(patient))
    sending.check(cast.errand("dee"), id=id_of(patient))
