"""What signatures add to the counted budgets, on its own line: bytes in rows that stay one unit, and no request."""

import pytest

from chalicelib.rooms.consult import Outcome
from infra.local.signer import Local
from tests.budgets.ledger import UNIT_BYTES, size_of
from tests.budgets.test_counted import Clinic
from tests.builders import a_clinic, a_line
from tests.visit.walk import table


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
