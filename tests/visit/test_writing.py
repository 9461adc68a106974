"""Writing: one transaction or nothing, and which of two losers one is: too late, or here before."""

import pytest
from botocore.exceptions import ClientError
from pynamodb.exceptions import UpdateError

from chalicelib.refusal import Busy, Repeated, Stale
from chalicelib.rooms.assignment import Freed
from chalicelib.rooms.permission import Entry
from chalicelib.rooms.queue import Band, Closed, Ticket
from chalicelib.store import records, writing
from tests.builders import ADA, ANN, BOB, a_doctor, a_note, a_visit
from tests.visit.walk import Walk, person, table

ELSEWHERE = Ticket("general", 0, Band.STANDARD, 99)


def entry(walk: Walk, request: str = "r") -> Entry:
    return walk.errand(ADA, request).entry("sign", "D#ada")


@pytest.mark.parametrize(
    "change",
    [
        a_visit(version=None),  # made anew, but it is there
        a_visit(version=7),  # changed as read, but somebody wrote since
        a_visit(id=ELSEWHERE, version=1),  # changed, but it is not there
        a_note(version=3),
        a_doctor(version=9),
        Freed(doctor=ADA.id, visit=ELSEWHERE),  # a visit the doctor does not hold
        Closed(person=person(ANN.id), department="general", visit=ELSEWHERE),  # not the person's open visit
    ],
    ids=lambda change: f"{type(change).__name__} {getattr(change, 'version', '')}",
)
def test_what_is_no_longer_so_is_stale_and_nothing_is_written(walk: Walk, change: object) -> None:
    walk.taken()
    before = table()
    with pytest.raises(Stale):
        records.save(change, audit=entry(walk))
    assert table() == before


def test_one_stale_change_spoils_all_the_others(walk: Walk) -> None:
    walk.taken()
    bob = walk.join(BOB)
    before = table()
    with pytest.raises(Stale):
        records.save(records.visit(bob.id), Freed(doctor=ADA.id, visit=ELSEWHERE), audit=entry(walk))
    assert table() == before


def test_a_request_that_was_here_before_is_told_what_it_was_answered(walk: Walk) -> None:
    visit = walk.join()
    records.save(records.visit(visit.id), audit=entry(walk, "once"))
    before = table()
    with pytest.raises(Repeated) as caught:
        records.save(a_visit(version=7), audit=entry(walk, "once"))
    assert (caught.value.deed, caught.value.actor) == ("sign", ADA.id)
    assert table() == before


def test_each_writing_is_one_version_more(walk: Walk) -> None:
    id = walk.join().id
    for version in (1, 2, 3):
        visit = records.visit(id)
        assert visit.version == version
        records.save(visit, audit=entry(walk, f"r{version}"))


def test_a_counter_held_by_a_transaction_is_written_a_moment_later() -> None:
    held = ClientError({"Error": {"Code": writing.HELD, "Message": ""}}, "UpdateItem")
    told: list[str] = []

    def write(refusals: int) -> None:
        told.append("tried")
        if len(told) <= refusals:
            raise UpdateError(cause=held)

    writing.patiently(lambda: write(3))
    assert len(told) == 4
    told.clear()
    with pytest.raises(Busy):
        writing.patiently(lambda: write(99))
    assert len(told) == writing.CONFLICT_TRIES_MAX
