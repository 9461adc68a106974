"""Reads that are a moment old: nobody is moved by what is not so any more."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from chalicelib.refusal import Busy
from chalicelib.rooms.assignment import Doctor
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Lane, State, Ticket, Visit, Why
from chalicelib.store import records
from chalicelib.visit import arriving, staffing, sweeping, taking
from tests.builders import ADA, ANN, BOB
from tests.visit.walk import Walk


class Late:
    """The records, with every desk as it was a moment ago where that is all that was asked for: off duty."""

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def own_lines(self, doctors: Iterable[str], *, consistent: bool = False) -> dict[str, tuple[Doctor, Lane]]:
        found = records.own_lines(doctors, consistent=consistent)
        return found if consistent else {id: (replace(desk, on_duty=False), lane) for id, (desk, lane) in found.items()}


class Elsewhere:
    """The records, with the desk that "take next" reads as it was before the doctor changed departments; once."""

    def __init__(self) -> None:
        self.old = True

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def desk_and_lanes(self, doctor: str, lanes: list[tuple[str, int]]) -> tuple[Doctor, list[Lane]]:
        desk, found = records.desk_and_lanes(doctor, lanes)
        old, self.old = self.old, False
        return (replace(desk, departments=("general",)) if old else desk), found


def test_nobody_is_taken_where_the_doctor_does_not_work_any_more(walk: Walk) -> None:
    ann, bob = walk.join(), walk.join(BOB, department="children")
    walk.on_duty(ADA, "children")
    tap = replace(walk.errand(ADA), records=Elsewhere())
    assert taking.take_next(tap, departments=("general",)) == bob.id
    kept = records.visit(ann.id)
    assert (kept.state, kept.ticket and kept.ticket.band) == (State.WAITING, Band.RECALL), "next in her own queue"


def test_nobody_leaves_a_doctors_line_because_of_a_pause_that_is_over(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    place = arriving.see_ticket(replace(walk.errand(ANN), records=Late()), id=visit.id)
    assert place.visit.prefers == "ada"
    assert not sweeping.sweep(replace(walk.errand(SYSTEM), records=Late())).failed
    after = records.visit(visit.id)
    assert (after.prefers, after.moved) == ("ada", None)


class Before:
    """The records, with every visit as it waited a moment ago where that is all that was asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def visits(self, ids: Iterable[Ticket], *, consistent: bool = False, **more: Any) -> list[Visit]:
        found = records.visits(ids, consistent=consistent, **more)
        return found if consistent else [replace(visit, doctor=None, state=State.WAITING) for visit in found]


def test_who_signs_out_right_after_a_take_still_has_a_patient(walk: Walk) -> None:
    id = walk.taken()
    errand = replace(walk.errand(ADA), records=Before())
    assert [visit.id for visit in staffing.still_held(errand, id=ADA.id)] == [id]


class Unwritable:
    """The records, in which this one person cannot be written, whatever the reason."""

    def __init__(self, person: Ticket) -> None:
        self.person = person

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def save(self, *changes: object, **how: Any) -> None:
        if any(isinstance(change, Visit) and change.id == self.person for change in changes):
            raise KeyError
        records.save(*changes, **how)


def test_one_who_asked_for_a_doctor_and_cannot_be_written_holds_up_nobody_else(walk: Walk) -> None:
    first, second = walk.back_to(ADA, ANN, BOB)
    taking.pause(walk.errand(ADA))
    swept = sweeping.sweep(replace(walk.errand(SYSTEM), records=Unwritable(first.id)))
    assert {type(failed) for failed in swept.failed} == {KeyError}
    assert [records.visit(one.id).prefers for one in (first, second)] == ["ada", None]


class Hindered:
    """The records; the table is too busy to write down a visit, or its lanes are as they were a moment ago."""

    def __init__(self, *, before: list[Lane] | None = None) -> None:
        self.before = before

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def lanes(self, keys: list[tuple[str, int]], *, consistent: bool = False) -> list[Lane]:
        found = records.lanes(keys, consistent=consistent)
        return found if consistent or self.before is None or found[0].department != "general" else self.before

    def save(self, *changes: object, **how: Any) -> None:
        if self.before is None and any(isinstance(change, Visit) for change in changes):
            raise Busy
        records.save(*changes, **how)


def test_who_could_not_be_brought_to_the_front_is_not_forgotten_for_a_lane_of_a_moment_ago(walk: Walk) -> None:
    """By that lane the number is not called yet, and would be looked at when it is: but it was looked at already."""
    id = walk.join().id
    before = records.lanes([("general", 0)])
    records.call(before[0], Band.STANDARD, Why.FIRST_COME, walk.now)
    busy = sweeping.sweep(replace(walk.errand(SYSTEM), records=Hindered()))
    assert [type(failed) for failed in busy.failed] == [Busy]
    sweeping.sweep(replace(walk.errand(SYSTEM), records=Hindered(before=before)))
    sweeping.sweep(walk.errand(SYSTEM))
    ticket = records.visit(id).ticket
    assert ticket is not None
    assert ticket.band is Band.RECALL
