"""`make demo`: the busy morning is there from its seed, in every state that a newcomer should see."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chalicelib.rooms.delivery import State as Parcel
from chalicelib.rooms.queue import State
from chalicelib.store import records
from infra.local.demo import BOOK, DUTY, IN_HAND, Morning, fill
from infra.local.seed import seed
from tests import engines

NOW = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)
UNDER_WAY = {
    Parcel.CREATED,
    Parcel.PICKING,
    Parcel.CHECKED,
    Parcel.HANDED_OVER,
    Parcel.FAILED_ATTEMPT,
    Parcel.RETURNED,
}


@pytest.fixture(scope="module")
def morning() -> Iterator[Morning]:
    """One for all tests: it takes a while, and they only look."""
    with engines.moto_table():
        seed()
        yield fill(now=NOW, seed=1)


@pytest.mark.slow
def test_there_is_something_to_see_for_everybody(morning: Morning) -> None:
    visits = [records.visit(id) for id in morning.people]
    states = {visit.state for visit in visits}
    assert states >= {State.WAITING, State.IN_CONSULT, State.COMPLETED, State.CANCELLED}
    waiting = [visit for visit in visits if visit.state is State.WAITING]
    assert {visit.answers.department for visit in waiting} == {d.id for d in morning.clinic.departments}
    assert any(visit.from_desk for visit in visits)
    assert any(visit.handed_back for visit in visits)
    assert {doctor: len(records.doctor(doctor).visits) for doctor in DUTY} == IN_HAND
    assert {order.state for order in records.orders(UNDER_WAY)} == UNDER_WAY
    assert len(records.to_review()) >= 2
    assert any(records.returned_to(doctor) for doctor in DUTY)
    assert all(visit.joined_at < NOW for visit in visits)


@pytest.mark.slow
def test_the_same_seed_is_the_same_morning(morning: Morning) -> None:
    people = [(p.name, p.why, p.visit) for p in morning.people.values()]
    engines._empty_table()
    seed()
    assert [(p.name, p.why, p.visit) for p in fill(now=NOW, seed=1).people.values()] == people


def test_every_medicine_of_the_book_is_in_the_formulary_with_that_dose() -> None:
    from chalicelib.clinic import CLINIC

    for case in BOOK["cases"]:
        for id, dose, per_day, days in case.get("lines", ()):
            medicine = CLINIC.medicine(id)
            assert medicine is not None, id
            assert dose in medicine.doses
            assert per_day <= medicine.per_day_max
            assert days <= medicine.days_max
