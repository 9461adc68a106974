"""What a proven number costs: nothing on the way to the doctor but two write units, and little beside it."""

import pytest

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
}


@pytest.fixture
def clinic(clinic_on_dynoxide: str) -> Clinic:
    return Clinic(a_clinic(sms=Sms(provider="local", country="+86"), codes=Codes(on=True)))


def line(bill: Bill) -> tuple[float, ...]:
    return tuple(list(bill.line().values())[:-1])


def test_a_proven_number_costs_nothing_on_the_way_to_the_doctor(clinic: Clinic) -> None:
    """The ticket's line under its number rides in the join's own transaction; a code is two requests, a proof three."""
    with counted() as join:
        clinic.arrive(found_by=hashed("number"))
    with counted() as ask:
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
    with counted() as prove:
        proving.prove(clinic.errand(), holder=hashed("phone"), digest=hashed("482915"), token=hashed("token"))
    assert dict(zip(BUDGETS, (line(join), line(ask), line(prove)), strict=True)) == BUDGETS
