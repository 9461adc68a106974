"""A15 at the square: whoever holds a prescription's sheet may ask whether it is real, and a guess learns nothing.

The real case: any pharmacy could fetch all open e-prescriptions of a known insurance number (Germany, 2022). Here the
name is 128 bits of MAC that stand on the sheet alone, and the answer names neither the patient nor a medicine.
"""

import base64
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.outside.signing import KMS
from chalicelib.store import names, records
from chalicelib.store.rows import PrescriptionRow
from chalicelib.visit import keeping, sealing, seeing, sending
from tests.attacks.breaks import gets_through
from tests.attacks.test_a03_forged_signature import _another_patient, _copied_signature, _more_pills, _own_key
from tests.attacks.test_a03_unapproved_medicine import _without
from tests.doors.stories import id_of, ordered, patient_errand, seen, sheet_of
from tests.people import Answer, Browser, Cast
from tests.visit.walk import table

MALFORMED = ("x", "A2001", "general.0.2.1", "general.0.2.1.1", "A" * 44, "A" * 400, "%00", "%E7%8E%8B", "..%2F..")
GUESSES = 100
SECRET = ("Ann", "Smith", "34", "aracetamol", "乙酰", "500 mg", "throat", "138", "After a meal", "A2001")


def approved(cast: Cast) -> str:
    seen(cast, cast.ann, allergies="")
    sending.review(cast.errand("sam"), id=id_of(cast.ann), number=1, approve=True, reason="")
    return sheet_of(cast.ann)


def state(who: Browser, sheet: str) -> str:
    return str(who.machine("GET", f"/en/check/{sheet}").json["state"])


def look(who: Browser, sheet: str) -> tuple[int, str]:
    """What somebody learns: all of the answer but the address they asked for themselves."""
    got = who.ask("GET", f"/en/check/{sheet}")
    return got.status, got.body.replace(sheet, "SHEET")


def flipped(sheet: str, at: int) -> str:
    raw = bytearray(base64.urlsafe_b64decode(sheet))
    raw[at] ^= 1
    return base64.urlsafe_b64encode(bytes(raw)).decode()


def guesses_find_nothing(cast: Cast, sheet: str) -> None:
    """Anything else than the name, and the name with one bit changed at any place, looks like nothing at all."""
    size = len(base64.urlsafe_b64decode(sheet))
    others = [flipped(sheet, at) for at in range(size)]
    others += [base64.urlsafe_b64encode(os.urandom(size)).decode() for _ in range(GUESSES - size)]
    others += [cast.ann.visit, cast.ann.visit + sheet[-12:]]
    (nothing,) = {look(cast.eve, guess) for guess in others}
    assert nothing[0] == 404
    assert "We do not know this prescription" in nothing[1]
    for guess in (*MALFORMED, str(id_of(cast.ann))):
        status, body = look(cast.eve, guess)
        assert (status, "We do not know this prescription" in body) == (404, True), guess


def test_a_guess_a_mistyped_address_and_a_number_look_the_same(cast: Cast) -> None:
    sheet = approved(cast)
    assert state(cast.eve, sheet) == "real"
    guesses_find_nothing(cast, sheet)
    gets_through(lambda: guesses_find_nothing(cast, sheet), "a15 a sheet is found by its number")


def test_a_sheet_opens_no_visit_and_a_visit_no_sheet(cast: Cast) -> None:
    sheet = approved(cast)
    for path in ("visits/{}", "visits/{}/prescription", "visits/{}/record"):
        assert cast.ann.ask("GET", "/en/" + path.format(sheet)).status == 404
    for path in ("pharmacy/prescriptions/{}", "parcels/{}"):
        assert cast.sam.ask("GET", "/en/" + path.format(sheet)).status == 404
    assert cast.eve.ask("GET", f"/en/check/{cast.ann.visit}").status == 404
    raw, visit = (base64.urlsafe_b64decode(name) for name in (sheet, cast.ann.visit))
    assert raw[:16] != visit[:16], "another tag, and so another pad"
    assert raw[16:24] != visit[16:24]


def says_nothing_of_it(cast: Cast, sheet: str) -> None:
    answers: list[Answer] = [who.ask("GET", f"/{lang}/check/{sheet}") for who in (cast.eve,) for lang in ("en", "zh")]
    answers += [cast.eve.machine("GET", f"/en/check/{sheet}")]
    for got in answers:
        assert got.status == 200
        said = got.words if "<" in got.body else got.body
        assert not [word for word in SECRET if word in said.replace(sheet, "")]
        assert got.header("Cache-Control") == "private, no-store"
        assert not got.cookies
    assert set(answers[-1].json) == {"state", "doctor", "title", "licence", "signed_at", "until", "medicines"}


def test_the_answer_names_no_patient_and_no_medicine(cast: Cast) -> None:
    sheet = approved(cast)
    says_nothing_of_it(cast, sheet)
    assert cast.eve.machine("GET", f"/en/check/{sheet}").json["medicines"] == 1
    words = cast.eve.get(f"/en/check/{sheet}").words
    assert all(
        text in words
        for text in ("This prescription is real", "Dr Ada", "Licence number", "Good until 26 November 2026")
    )
    assert "这张处方是真的" in cast.eve.get(f"/zh/check/{sheet}").words
    gets_through(lambda: says_nothing_of_it(cast, sheet), "a15 a sheet tells what is on it")


def test_a_look_writes_nothing(cast: Cast) -> None:
    sheet, readers = approved(cast), (cast.eve, cast.ann, cast.sam)
    before = table()
    for who in readers:
        assert who.get(f"/en/check/{sheet}").status == 200
    assert table() == before


def is_not_known(cast: Cast, sheet: str) -> None:
    assert look(cast.eve, sheet) == look(cast.eve, flipped(sheet, 20))


@pytest.mark.parametrize(
    "forge", [_more_pills, _another_patient, _copied_signature, _own_key, lambda cast: _without(id_of(cast.ann))]
)
def test_what_is_not_as_it_was_signed_is_not_known(cast: Cast, forge: Callable[[Cast], None]) -> None:
    sheet = approved(cast)
    forge(cast)
    is_not_known(cast, sheet)


def test_it_would_be_known_if_nobody_asked_the_key(cast: Cast) -> None:
    sheet = approved(cast)
    _more_pills(cast)
    gets_through(lambda: is_not_known(cast, sheet), "a15 a sheet is real because the row says so")


def test_a_sheet_is_of_the_prescription_that_was_signed_then(cast: Cast) -> None:
    """Another one in its place, good in itself: the sheet that was printed is none of it."""
    sheet = approved(cast)
    file = records.file(id_of(cast.ann))
    other = replace(file.prescriptions[0], lines=(replace(file.prescriptions[0].lines[0], days=1),))
    other = sealing.approved(cast.errand("sam"), sealing.sealed(cast.errand("ada"), file.visit, other))
    row = PrescriptionRow.get(f"V#{id_of(cast.ann)}", "P#001")
    fields = ("lines", "signature", "approval", "approved_at", "approved_under")
    row.update(actions=[getattr(PrescriptionRow, name).set(getattr(other, name)) for name in fields])
    is_not_known(cast, sheet)
    assert state(cast.eve, sheet_of(cast.ann)) == "real"
    gets_through(lambda: is_not_known(cast, sheet), "a15 a sheet stays what it was whatever the row says")


def test_what_became_of_it_is_told(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    sheet, id = sheet_of(cast.ann), id_of(cast.ann)
    assert state(cast.eve, sheet) == "not_yet"
    sending.review(cast.errand("sam"), id=id, number=1, approve=True, reason="")
    assert state(cast.eve, sheet) == "real"
    cast.clock.forward(days=3)
    assert state(cast.eve, sheet) == "real", "to the second"
    cast.clock.forward(seconds=1)
    assert state(cast.eve, sheet) == "out_of_date"
    cast.clock.forward(days=-3)
    seeing.revoke(cast.errand("sam"), id=id, reason="Recalled")
    assert state(cast.eve, sheet) == "cancelled"
    assert "Do not give out any medicine on it." in cast.eve.get(f"/en/check/{sheet}").words


def test_what_was_returned_is_not_valid_and_the_answer_to_it_has_a_sheet_of_its_own(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    first, id = sheet_of(cast.ann), id_of(cast.ann)
    sending.review(cast.errand("sam"), id=id, number=1, approve=False, reason="Too much")
    lines = records.file(id).prescriptions[0].lines
    seeing.revise(cast.errand("ada"), id=id, lines=lines, confirmed=False)
    sending.review(cast.errand("sam"), id=id, number=2, approve=True, reason="")
    assert (state(cast.eve, first), state(cast.eve, sheet_of(cast.ann))) == ("not_yet", "real")


def test_what_a_patient_had_closed_is_not_known_and_has_no_square(cast: Cast) -> None:
    sheet = approved(cast)
    assert sheet in cast.ann.get(f"/en/visits/{cast.ann.visit}/record").body
    seeing.revoke(cast.errand("sam"), id=id_of(cast.ann), reason="Recalled")
    keeping.erase(patient_errand(cast, cast.ann), id=id_of(cast.ann))
    is_not_known(cast, sheet)
    assert sheet not in cast.ann.get(f"/en/visits/{cast.ann.visit}/record").body


def test_the_square_leads_to_this_page_and_is_on_the_sheet_and_on_the_record(cast: Cast) -> None:
    import segno

    ordered(cast, cast.ann)
    sheet = sheet_of(cast.ann)
    link = f"http://clinic.example/en/check/{sheet}"
    drawn = segno.make_qr(link, error="m").svg_inline(scale=1, border=4, omitsize=True)
    for page in ("prescription", "record"):
        got = cast.ann.ask("GET", f"/en/visits/{cast.ann.visit}/{page}", host="clinic.example")
        assert drawn in got.body
        assert f"/en/check/{sheet}" in got.page.links


def test_while_the_key_is_silent_nothing_is_said_of_it(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not "we do not know it": that would send a patient away with a good one."""
    sheet = approved(cast)
    assert KMS.key_id
    monkeypatch.setenv("SIGNING_KEY", "")
    got = cast.eve.get(f"/en/check/{sheet}")
    assert got.status == 503
    assert "cannot be checked at the moment" in got.words
    assert names.prescription_of(sheet) == (id_of(cast.ann), 1)
