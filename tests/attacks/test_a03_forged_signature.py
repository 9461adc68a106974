"""A3: a signature forged at the sign address, copied from elsewhere, or left under words that were changed.

The real case: a portal let patients overwrite a provider's signature (CVE-2026-24890).
"""

import json
from collections.abc import Callable

import pytest

from chalicelib.rooms.prescription import State
from chalicelib.store import records
from chalicelib.store.rows import NoteRow, PrescriptionRow, VisitRow
from chalicelib.visit.sealing import genuine
from infra.local.signer import Local
from tests.attacks import breaks
from tests.doors.stories import SOAP, id_of, seen, taken
from tests.people import Browser, Cast
from tests.visit.walk import table

FINISH = {**SOAP, "outcome": "rest_and_observe", "summary": "Rest.", "epoch": "1"}
OTHERS = ("ann", "eve", "sam", "cole", "dee")


def forged_at_the_address(cast: Cast, who: str) -> None:
    """Somebody who is not the doctor sends the doctor's form."""
    member: Browser = getattr(cast, who)
    before = {key: row for key, row in table().items() if key[0].startswith("V#")}
    for form, fields in (("finish", FINISH), ("amend", SOAP), ("revise", {"medicine_1": "paracetamol-500"})):
        got = member.post(f"/en/doctor/visits/{cast.ann.visit}/{form}", **fields)
        assert got.status in (401, 403)
    assert {key: row for key, row in table().items() if key[0].startswith("V#")} == before


@pytest.mark.parametrize("who", OTHERS)
def test_nobody_else_signs_at_the_doctors_address(cast: Cast, who: str) -> None:
    taken(cast, cast.ann)
    forged_at_the_address(cast, who)


def test_it_would_be_noticed_if_anybody_could(cast: Cast) -> None:
    taken(cast, cast.ann)
    breaks.gets_through(lambda: forged_at_the_address(cast, "sam"), "a03 signing is offered to every role")


def _more_pills(cast: Cast) -> None:
    row = PrescriptionRow.get(f"V#{id_of(cast.ann)}", "P#001")
    (line,) = row.lines
    row.update(actions=[PrescriptionRow.lines.set((type(line)(medicine="aspirin-100", dose="9", per_day=9, days=9),))])


def _renamed(cast: Cast) -> None:
    """The id is as it was signed; what people read under it is not."""
    from dataclasses import replace

    row = PrescriptionRow.get(f"V#{id_of(cast.ann)}", "P#001")
    row.update(actions=[PrescriptionRow.lines.set((replace(row.lines[0], name={"en": "Morphine", "zh": "吗啡"}),))])


def _another_patient(cast: Cast) -> None:
    row = VisitRow.get(f"V#{id_of(cast.ann)}", "V")
    said = json.loads(VisitRow.answers.serialize(row.answers)) | {"name": "Eve"}
    row.update(actions=[VisitRow.answers.set(VisitRow.answers.deserialize(json.dumps(said)))])


def _copied_signature(cast: Cast) -> None:
    """A good signature of this clinic, of the note, under the prescription."""
    note, row = (kind.get(f"V#{id_of(cast.ann)}", sk) for kind, sk in ((NoteRow, "N#001"), (PrescriptionRow, "P#001")))
    row.update(actions=[PrescriptionRow.signature.set(note.signature)])


def _own_key(cast: Cast) -> None:
    """The lines changed, and signed anew with a key of the attacker's own, which the row names."""
    from dataclasses import replace

    from chalicelib.rooms import prescription, seal

    _more_pills(cast)
    file = records.file(id_of(cast.ann))
    words = prescription.words(file.visit, file.prescriptions[0])
    mine = replace(seal.signature(words, Local().sign(seal.digest(words)), "x"), key="arn:aws:kms:eu-west-1:6:key/mine")
    row = PrescriptionRow.get(f"V#{id_of(cast.ann)}", "P#001")
    row.update(actions=[PrescriptionRow.signature.set(mine)])


FORGERIES: list[Callable[[Cast], None]] = [_more_pills, _renamed, _another_patient, _copied_signature, _own_key]


def forged_in_the_table(cast: Cast) -> None:
    """Somebody who can write the table changed it; a pharmacist is asked to approve."""
    at = f"/en/pharmacy/prescriptions/{cast.ann.visit}"
    cast.sam.get(at)
    got = cast.sam.fill("/approve")
    assert got.status == 409
    assert "This is not what the doctor signed" in got.words
    found = records.newest_prescription(id_of(cast.ann))
    assert found
    assert found.state is State.SIGNED


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__.strip("_"))
def test_a_changed_prescription_is_not_approved(cast: Cast, forge: Callable[[Cast], None]) -> None:
    seen(cast, cast.ann, allergies="")
    forge(cast)
    forged_in_the_table(cast)


@pytest.mark.parametrize(
    "broken", ["a03 approval does not look at the signature", "a03 the row says whose key it was, and is believed"]
)
def test_it_would_be_approved_without_a_look_at_the_signature(cast: Cast, broken: str) -> None:
    seen(cast, cast.ann, allergies="")
    _own_key(cast)
    breaks.gets_through(lambda: forged_in_the_table(cast), broken)


def test_a_changed_note_is_found(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    row = NoteRow.get(f"V#{id_of(cast.ann)}", "N#001")
    row.update(actions=[NoteRow.assessment.set("Malingering")])
    file = records.file(id_of(cast.ann))
    assert not genuine(cast.errand("ada"), file.visit, file.notes[0])
    assert genuine(cast.errand("ada"), file.visit, file.prescriptions[0])
