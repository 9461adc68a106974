"""A9, jumping the queue: not by a second ticket, not by coming back, not by a field, not by another phone."""

import re

from chalicelib.doors import guests
from tests.doors.test_number import joined_for, with_people
from tests.people import ANN, Cast, Patient


def place(patient: Patient) -> int:
    found = re.search(r"Your place (\d+)", patient.look().words)
    assert found
    return int(found[1])


def one_person_has_one_place(cast: Cast) -> None:
    """Twice on one phone, and once more on another that has proven the same number."""
    with_people(cast.ann)
    first = joined_for(cast.ann, "Ann Smith")
    cast.bob.join()
    assert joined_for(cast.ann, "Ann Smith") == first
    other = Patient(cast.house, ANN)
    cast.clock.forward(minutes=2)
    other.get("/en/number")
    with_number_of(other)
    assert joined_for(other, "Ann Smith") == first
    assert place(cast.bob) == 2


def with_number_of(other: Patient) -> None:
    from tests.doors.test_number import proven

    proven(other)


def coming_back_is_no_short_cut(cast: Cast) -> None:
    """Who leaves and joins again is behind everybody who was there, whatever the clock says."""
    cast.ann.join()
    cast.bob.join()
    assert (place(cast.ann), place(cast.bob)) == (1, 2)
    cast.ann.get(f"/en/visits/{cast.ann.visit}/leave")
    cast.ann.fill("/leave")
    cast.clock.forward(hours=-1)
    cast.ann.join()
    assert (place(cast.bob), place(cast.ann)) == (1, 2)


def no_field_makes_anybody_urgent(cast: Cast) -> None:
    """Fields nobody asked for are refused, so there is none that says how urgent one is."""
    cast.ann.answer()
    for field in ("band", "ticket", "urgent", "joined_at", "person", "verified"):
        got = cast.ann.post("/en/ask/check", consent="yes", **{field: "0"})
        assert got.status == 422, field
    cast.ann.get("/en/ask/check")
    assert cast.ann.fill(consent="yes").status == 200


def test_one_person_has_one_place(cast: Cast) -> None:
    one_person_has_one_place(cast)


def test_wide_letters_are_no_other_person() -> None:
    assert guests.person("phone", "me", "Ｋｉｍ　Ｌｉ") == guests.person("phone", "me", "kim li")
    assert guests.person("phone", "me", "Kim Li") != guests.person("phone", "me", "Kim Lu")


def test_coming_back_is_no_short_cut(cast: Cast) -> None:
    coming_back_is_no_short_cut(cast)


def test_no_field_makes_anybody_urgent(cast: Cast) -> None:
    no_field_makes_anybody_urgent(cast)
