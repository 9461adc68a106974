"""A15: a sharing network as a master key: numbers that can be guessed or worked out open everybody's prescriptions.

The real case: any pharmacy could fetch all open e-prescriptions of a known insurance number (Germany, 2022). Here a
prescription is asked about with a name of 128 secret bits that stands on the sheet alone, and the answer names neither
the patient nor the medicine.
"""

import base64
import random
import secrets

import pytest

from chalicelib.refusal import NotFound
from chalicelib.store import names
from chalicelib.visit import sending
from tests.attacks import breaks
from tests.doors.stories import id_of, seen
from tests.people import Browser, Cast

GUESSES, AT_THE_DOOR = 1000, 20
MALFORMED = ("x", "A2001", "general.0.2.1", "0" * 34, "%00", "王")


def sheet(cast: Cast) -> str:
    return names.sheet_of(id_of(cast.ann), 1)


def approved(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    sending.review(cast.errand("sam"), id=id_of(cast.ann), number=1, approve=True, reason="")


def asked(who: Browser, name: str) -> tuple[int, str]:
    got = who.ask("GET", f"/en/check/{name}")
    return got.status, got.page.title


def _flipped(name: str, at: int) -> str:
    raw = bytearray(base64.urlsafe_b64decode(name))
    raw[at] ^= 1
    return base64.urlsafe_b64encode(bytes(raw)).decode()


def nothing_is_found(cast: Cast) -> None:
    """Changed by one bit at any place, the name of a real sheet is nobody's."""
    real = sheet(cast)
    size = len(base64.urlsafe_b64decode(real))
    unknown = asked(cast.eve, "x")
    assert unknown[0] == 404
    for at in range(size):
        assert asked(cast.eve, _flipped(real, at)) == unknown


def test_a_guess_and_a_mistyped_address_look_the_same(cast: Cast) -> None:
    approved(cast)
    size = len(base64.urlsafe_b64decode(sheet(cast)))
    unknown = {asked(cast.eve, name) for name in MALFORMED}
    assert len(unknown) == 1
    chance = random.Random(15)
    for n in range(GUESSES):
        guess = base64.urlsafe_b64encode(chance.randbytes(size)).decode()
        with pytest.raises(NotFound):
            names.prescription_of(guess)
        if n < AT_THE_DOOR:
            assert asked(cast.eve, guess) in unknown
    nothing_is_found(cast)


def test_it_would_be_found_if_the_tag_were_not_compared(cast: Cast) -> None:
    approved(cast)
    breaks.gets_through(lambda: nothing_is_found(cast), "a15 the tag of a name is not compared")


def test_neither_the_visits_name_nor_its_code_opens_the_sheet_and_the_sheet_opens_no_visit(cast: Cast) -> None:
    approved(cast)
    for known in (cast.ann.visit, "C2001", str(id_of(cast.ann))):
        assert asked(cast.eve, known)[0] == 404
    for path in ("visits", "doctor/visits", "pharmacy/prescriptions", "parcels"):
        assert cast.sam.ask("GET", f"/en/{path}/{sheet(cast)}").status == 404
    assert cast.eve.ask("GET", f"/en/visits/{sheet(cast)}").status == 404


def test_the_answer_names_no_patient_and_no_medicine(cast: Cast) -> None:
    approved(cast)
    for got in (cast.eve.get(f"/en/check/{sheet(cast)}"), cast.eve.machine("GET", f"/en/check/{sheet(cast)}")):
        assert got.status == 200
        for word in ("Ann", "Smith", "34", "aracetamol", "500 mg", "throat", "138"):
            assert word not in (got.words if "<" in got.body else got.body), word
    assert "This prescription is real" in cast.eve.get(f"/en/check/{sheet(cast)}").words
    assert set(cast.eve.machine("GET", f"/en/check/{sheet(cast)}").json) == {
        "state",
        "code",
        "doctor",
        "licence",
        "signed_at",
        "until",
        "lines",
    }


def test_only_a_pharmacist_of_the_clinic_reads_the_lines(cast: Cast) -> None:
    approved(cast)
    path = f"/en/pharmacy/check/{sheet(cast)}"
    assert "Paracetamol" in cast.sam.get(path).words
    assert cast.eve.ask("GET", path).status == 303, "to the sign-in"
    for id in ("ada", "cole", "dee"):
        assert cast.staff(id).ask("GET", path).status == 403
    assert cast.sam.ask("GET", f"/en/pharmacy/check/{secrets.token_urlsafe(26)}").status == 404


def test_every_look_at_a_sheet_is_written_down(cast: Cast) -> None:
    from tests.visit.walk import table

    approved(cast)
    cast.eve.get(f"/en/check/{sheet(cast)}")
    deeds = [row["deed"]["S"] for (pk, sk), row in table().items() if pk == f"V#{id_of(cast.ann)}" and sk[:2] == "X#"]
    assert deeds.count("check_sheet") == 1


def test_what_became_of_it_is_told(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    name = sheet(cast)

    def told() -> str:
        return str(cast.eve.machine("GET", f"/en/check/{name}").json["state"])

    assert told() == "not_approved"
    sending.review(cast.errand("sam"), id=id_of(cast.ann), number=1, approve=True, reason="")
    assert told() == "real"
    cast.clock.forward(days=4)
    assert told() == "expired"
    cast.clock.forward(days=-4)
    cast.sam.get(f"/en/pharmacy/prescriptions/{cast.ann.visit}")
    cast.sam.fill("/revoke", reason="Recalled")
    assert told() == "revoked"


def test_a_sheet_whose_prescription_was_changed_is_not_known(cast: Cast) -> None:
    from tests.attacks.test_a03_forged_signature import _more_pills

    approved(cast)
    _more_pills(cast)
    got = cast.eve.get(f"/en/check/{sheet(cast)}")
    assert got.status == 404
    assert "We do not know this prescription" in got.words
