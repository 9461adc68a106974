"""R29: a patient reads who opened the record, when and why, and also who did it outside their care."""

from typing import Any

import pytest

from chalicelib.visit import arriving, sending
from tests.attacks.breaks import BREAKS
from tests.attacks.test_a20_browsing import breaks_in
from tests.doors.stories import id_of, seen
from tests.hiring import STAFF, hired
from tests.people import Cast


@pytest.fixture(autouse=True)
def everybody(cast: Cast) -> None:
    for id in STAFF:
        hired(id, cast.clock())


def told(cast: Cast) -> list[tuple[str, str, str, str]]:
    """Who, with what, why, when on the clinic's own clock: what a machine is told is what the page says."""
    asked = cast.ann.url("visits", cast.ann.visit, "opened")
    found: list[dict[str, Any]] = cast.ann.machine("GET", asked).json["opened"]
    page = cast.ann.get(asked).words
    assert all(one["name"] in page for one in found)
    return [(one["name"], one["deed"], one["reason"], one["at"]) for one in found]


def test_r29_each_opening_is_told_with_who_when_and_why(cast: Cast) -> None:
    seen(cast, cast.ann)
    cast.clock.forward(hours=1)
    sending.see_prescription(cast.errand("sam"), id=id_of(cast.ann))
    cast.clock.forward(hours=1)
    assert breaks_in(cast, cast.bo, "asked").status == 200
    sam = ("Sam", "look", "", "2026-11-23T03:00:00+00:00")
    broken = ("Dr Bo", "break_glass", "asked", "2026-11-23T04:00:00+00:00")
    found = told(cast)
    assert {sam, broken} <= set(found)
    assert found.index(broken) < found.index(sam), "the newest is on top"
    words = cast.ann.get(cast.ann.url("visits", cast.ann.visit, "opened")).words
    assert "Dr Bo Doctor Opened it outside their own care: You, or somebody for you, asked for it 12:00" in words
    assert "Sam Pharmacist Read the prescription or the parcel 11:00" in words


def test_r29_nobody_reads_what_it_cannot_be_told_that_they_read(cast: Cast) -> None:
    """Everybody who may open it, one after the other: each is on the list afterwards."""
    seen(cast, cast.ann)
    name = cast.ann.visit
    for who, path in (
        (cast.ada, f"/en/doctor/visits/{name}"),
        (cast.sam, f"/en/pharmacy/prescriptions/{name}"),
    ):
        assert who.get(path).status == 200, path
    for who, why in ((cast.bo, "stands_in"), (cast.pria, "review")):
        assert breaks_in(cast, who, why).status == 200
    assert {(by, deed) for by, deed, _, _ in told(cast)} >= {
        ("Dr Ada", "look"),
        ("Sam", "look"),
        ("Dr Bo", "read_under_glass"),
        ("Pria", "read_under_glass"),
    }


def test_r29_the_patients_own_looks_are_not_on_the_list(cast: Cast) -> None:
    seen(cast, cast.ann)
    before = told(cast)
    for _ in range(2):
        cast.ann.look()
        cast.clock.forward(minutes=20)
        arriving.waits(cast.errand("dee"))
    assert told(cast) == before


def test_r29_an_opening_that_is_not_told_would_be_noticed(cast: Cast) -> None:
    seen(cast, cast.ann)
    with BREAKS["a20 it is not told to the patient"]():
        breaks_in(cast, cast.bo)
        assert "break_glass" not in [deed for _, deed, _, _ in told(cast)]
