"""Reads that are a moment old: nobody is moved by what is not so any more."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from chalicelib.rooms.assignment import Doctor
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Lane
from chalicelib.store import records
from chalicelib.visit import arriving, sweeping
from tests.builders import ADA, ANN
from tests.visit.walk import Walk


class Late:
    """The records, with every desk as it was a moment ago where that is all that was asked for: off duty."""

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def own_lines(self, doctors: Iterable[str], *, consistent: bool = False) -> dict[str, tuple[Doctor, Lane]]:
        found = records.own_lines(doctors, consistent=consistent)
        return found if consistent else {id: (replace(desk, on_duty=False), lane) for id, (desk, lane) in found.items()}


def test_nobody_leaves_a_doctors_line_because_of_a_pause_that_is_over(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    place = arriving.see_ticket(replace(walk.errand(ANN), records=Late()), id=visit.id)
    assert place.visit.prefers == "ada"
    assert not sweeping.sweep(replace(walk.errand(SYSTEM), records=Late())).failed
    after = records.visit(visit.id)
    assert (after.prefers, after.moved) == ("ada", None)
