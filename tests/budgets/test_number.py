"""What a proven number costs: nothing on the way to the doctor but two write units, and little beside it."""

from datetime import date
from typing import Any

import pytest

from chalicelib.rooms.arrival import ForWhom
from chalicelib.rooms.phone import Purpose
from chalicelib.rooms.rules import Codes, Sms
from chalicelib.visit import proving
from tests.budgets.ledger import Bill, counted
from tests.budgets.test_counted import Clinic, hashed
from tests.builders import a_clinic

# requests, of these reads, read units, then write units: queue, record, audit row, chain, index
BUDGETS: dict[str, tuple[float, ...]] = {
    "join with a ticket that its number finds": (2, 0, 0, 5, 2, 2, 2, 1),
    "ask for a code": (2, 1, 5, 0, 10, 2, 2, 1),
    "prove a number": (3, 1, 1, 0, 5, 2, 2, 1),
    "join by a proof, on the condition that it holds": (2, 0, 0, 5, 6, 2, 2, 1),
}


@pytest.fixture
def clinic(clinic_on_dynoxide: str) -> Clinic:
    return Clinic(a_clinic(sms=Sms(provider="local", country="+86"), codes=Codes(on=True)))


def line(bill: Bill) -> tuple[float, ...]:
    return tuple(list(bill.line().values())[:-1])


def ask_code(clinic: Clinic) -> None:
    proving.ask_code(
        clinic.errand(),
        holder=hashed("phone"),
        phone_id=hashed("number"),
        number="+8613800001234",
        purpose=Purpose.PEOPLE,
        born=None,
        digest=hashed("482915"),
        caller=hashed("here"),
        network=hashed("there"),
    )


def test_a_proven_number_costs_nothing_on_the_way_to_the_doctor(clinic: Clinic) -> None:
    """The ticket's line under its number rides in the join's own transaction, and so does the condition, for somebody
    of a proven number, that the proof holds: four units, and no request. A code is two requests, a proof three."""
    with counted() as join:
        clinic.arrive(found_by=hashed("number"))
    with counted() as ask:
        ask_code(clinic)
    with counted() as prove:
        proof = proving.prove(clinic.errand(), holder=hashed("phone"), digest=hashed("482915"), token=hashed("token"))
    mei: dict[str, Any] = {"id": hashed("Mei"), "name": "Mei", "born": date(2020, 2, 29), "relation": ForWhom.CHILD}
    proving.add_person(clinic.errand(), owner=proof.phone, token=proof.token, **mei)
    with counted() as proven:
        clinic.arrive("Mei", found_by=proof.phone, by=proof)
    assert dict(zip(BUDGETS, (line(join), line(ask), line(prove), line(proven)), strict=True)) == BUDGETS
