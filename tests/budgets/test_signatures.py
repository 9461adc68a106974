"""What signatures add to the counted budgets, on its own line: bytes in rows that stay one unit, and no request."""

from collections.abc import Callable

import pytest

from chalicelib.refusal import NotFound
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.store import names, records
from chalicelib.visit import checking, sending
from infra.local.signer import Local
from tests.budgets.ledger import UNIT_BYTES, counted, size_of
from tests.budgets.test_counted import Clinic
from tests.builders import ANN, COLE, KIM, SAM, a_clinic, a_line
from tests.visit.walk import CODE, SIGNER, table


@pytest.fixture
def clinic(clinic_on_dynoxide: str) -> Clinic:
    return Clinic(a_clinic())


class Counting(Local):
    """A key that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def sign(self, digest: bytes) -> bytes:
        self.asked.append("sign")
        return super().sign(digest)

    def verify(self, digest: bytes, signature: bytes, *, key: str) -> bool:
        self.asked.append("verify")
        return super().verify(digest, signature, key=key)


def test_a_signature_rides_in_the_row_it_signs(clinic: Clinic, told: list[str]) -> None:
    """What signing adds: bytes in rows that stay one unit, no request to the table, and one to the key for each."""
    clinic.arrive()
    clinic.on_duty()
    id = clinic.take()
    assert id is not None
    signer = Counting()
    clinic.signer = signer
    clinic.finish(id, outcome=Outcome.PRESCRIPTION, lines=(a_line(), a_line("aspirin")))
    assert signer.asked == ["sign", "sign"]
    for sk, name in (("N#001", "note"), ("P#001", "prescription")):
        row = table()[(f"V#{id}", sk)]
        bare = {name: value for name, value in row.items() if name not in ("signature", "policy")}
        told.append(
            f"a signature in a {name}: {size_of(row) - size_of(bare):.0f} bytes of the row's {size_of(row):.0f}"
        )
        assert size_of(row) <= UNIT_BYTES
    signer.asked.clear()
    sending.review(clinic.errand(SAM), id=id, number=1, approve=True, reason="")
    assert signer.asked == ["verify", "sign"], "the doctor's, then the approval"
    approved = table()[(f"V#{id}", "P#001")]
    told.append(f"a prescription with its approval: {size_of(approved):.0f} bytes")
    assert size_of(approved) <= 2 * UNIT_BYTES


# requests to the table, then what is asked of the key: the doctor's signature and the pharmacist's, wherever medicine
# goes on its way. KMS itself is asked once a container about each, see outside/signing.py.
WAY: dict[str, tuple[int, list[str]]] = {
    "order": (4, ["verify", "verify"]),
    "show the packer": (1, ["verify", "verify"]),
    "pack": (2, []),
    "second check": (2, []),
    "hand over": (3, ["verify", "verify"]),
}


def test_on_its_way_both_signatures_are_asked_about_three_times(clinic: Clinic) -> None:
    id = clinic.approved()
    clinic.signer = signer = Counting()
    signer._key = SIGNER._key
    to = {"way": Way.DELIVERY, "address": "1 River Road", "phone": "13800001234", "code": CODE}
    deeds: dict[str, Callable[[], object]] = {
        "order": lambda: sending.choose_delivery(clinic.errand(ANN), id=id, **to),  # type: ignore[arg-type]
        "show the packer": lambda: checking.inside(clinic.errand(SAM), order),
        "pack": lambda: sending.pick(clinic.errand(SAM), id=id),
        "second check": lambda: sending.check(clinic.errand(KIM), id=id),
        "hand over": lambda: sending.hand_over(clinic.errand(COLE), id=id),
    }
    for deed, do in deeds.items():
        signer.asked.clear()
        if deed == "show the packer":
            found = records.newest_order(id)
            assert found
            order = found
        with counted() as bill:
            do()
        assert (bill.requests, signer.asked) == WAY[deed], deed


def test_a_look_at_a_sheet_is_one_request_and_a_guess_none(clinic: Clinic) -> None:
    """Of two rows, as they are now; nothing is written, nothing searched."""
    id = clinic.approved()
    with counted() as bill:
        found, _ = checking.sheet(clinic.errand(), id=id, number=1)
    assert found.signature
    assert (bill.requests, bill.read_units, bill.writes) == (1, 2, 0)
    name = names.sheet_of(id, 1, found.signature.value)
    with counted() as bill, pytest.raises(NotFound):
        names.prescription_of(name[:-1] + ("A" if name[-1] != "A" else "B"))
    assert bill.requests == 0
