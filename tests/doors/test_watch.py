"""The watch's door: a patient reads who opened the record, when and why, and nobody else does."""

import pytest

from chalicelib.store import trail
from chalicelib.visit import seeing, sending
from tests.doors.stories import id_of, seen, taken
from tests.people import Cast


@pytest.fixture(autouse=True)
def hired(cast: Cast) -> None:
    """Whoever did something here works here."""
    assert (cast.ada.name, cast.sam.name) == ("Dr Ada", "Sam")


def _opened(cast: Cast) -> str:
    return cast.ann.url("visits", cast.ann.visit, "opened")


def test_a_patient_reads_who_opened_the_record_when_and_why(cast: Cast) -> None:
    seen(cast, cast.ann)
    cast.clock.forward(minutes=20)
    sending.see_prescription(cast.errand("sam"), id=id_of(cast.ann))
    after = cast.ann.look()
    assert _opened(cast) in after.page.links, "the page after the visit leads there"
    page = cast.ann.get(_opened(cast))
    assert page.status == 200
    for said in ("Dr Ada Doctor Called you 10:00", "Opened the record", "Signed the note"):
        assert said in page.words
    assert "Sam Pharmacist Read the prescription or the parcel 10:20" in page.words
    assert page.words.index("Sam") < page.words.index("Signed the note"), "the newest is on top"
    chinese = cast.ann.get(f"/zh/visits/{cast.ann.visit}/opened")
    assert "药师" in chinese.words


def test_a_machine_reads_the_same(cast: Cast) -> None:
    seen(cast, cast.ann)
    found = cast.ann.machine("GET", _opened(cast)).json
    assert found["older"] is None
    assert {(one["name"], one["role"], one["deed"]) for one in found["opened"]} >= {
        ("Dr Ada", "doctor", "take_next"),
        ("Dr Ada", "doctor", "look"),
        ("Dr Ada", "doctor", "sign"),
    }


def test_what_is_done_again_and_again_is_told_once_and_a_long_trail_has_pages(cast: Cast) -> None:
    epoch = taken(cast, cast.ann)
    for n in range(trail.LINES_MAX):
        cast.clock.forward(seconds=30)
        soap = {"subjective": f"Cough {n}", "objective": "", "assessment": "", "plan": ""}
        seeing.save_note(cast.errand("ada"), id=id_of(cast.ann), epoch=epoch, soap=soap)
    page = cast.ann.get(_opened(cast))
    assert f"Wrote in the note 10:00 – 10:30 · {trail.LINES_MAX} times" in page.words
    assert "Called you" not in page.words
    earlier = cast.ann.get(next(link for link in page.page.links if "before=" in link))
    assert "Called you" in earlier.words
    assert not [link for link in earlier.page.links if "before=" in link]
    assert "Nobody before that." in cast.ann.get(f"{_opened(cast)}?before=1").words


def test_a_doctor_who_looks_back_from_a_later_visit_is_told_of_as_such(cast: Cast) -> None:
    seen(cast, cast.ann)
    first = _opened(cast)
    cast.clock.forward(days=1)
    taken(cast, cast.ann)
    assert "Read it while treating you in another visit" in cast.ann.get(first).words


def test_nobody_else_reads_it(cast: Cast) -> None:
    seen(cast, cast.ann)
    cast.bob.join()
    for other in (cast.eve, cast.bob, cast.ada, cast.sam, cast.dee):
        assert other.get(_opened(cast)).status == 404
