"""Whoever waits for one doctor is let down by nobody: not by where that doctor works, nor by how long the line is."""

from dataclasses import replace

import pytest

from chalicelib.rooms.queue import Band, Moved, Ticket
from chalicelib.store import records
from chalicelib.visit import arriving
from tests.builders import ADA, ANN, BO, BOB
from tests.visit.walk import Walk


@pytest.mark.parametrize("own_only", [False, True])
def test_no_line_leads_a_doctor_into_a_department_where_they_do_not_work_any_more(walk: Walk, own_only: bool) -> None:
    """Before any sweep and before the patients look: the lane knows no departments, so the call asks the desk."""
    ann, bob = walk.back_to(ADA, ANN, BOB)
    (child,) = walk.crowd(1, department="children")
    walk.on_duty(ADA, "children", own_only=own_only)
    only_children = replace(ADA, departments=frozenset({"children"}))
    assert walk.take(only_children, departments=("children",)) == (None if own_only else child.id)
    assert walk.take(only_children) is None
    walk.on_duty(BO)
    for id in (ann.id, bob.id):
        found = records.visit(id)
        assert (found.prefers, found.moved, found.ticket) == (None, Moved.OFF_DUTY, id), (
            "at the place held since joining"
        )
        assert found.calls == ()
        assert walk.take(BO) == id


def test_stepped_back_and_brought_up_again_nobody_comes_to_a_doctor_who_works_elsewhere(walk: Walk) -> None:
    """The number at the front is of the same lane, and is asked the same."""
    (ann,) = walk.back_to(ADA)
    arriving.need_more_time(walk.errand(ANN), id=ann.id)
    walk.on_duty(BO)
    assert walk.take(BO) is None, "Dr Bo calls past Ann's number in the department"
    walk.on_duty(ADA, "children")
    assert walk.take(ADA) is None
    found = records.visit(ann.id)
    assert (found.prefers, found.moved, found.ticket) == (None, Moved.OFF_DUTY, Ticket("general", 0, Band.RECALL, 1))
    assert walk.take(BO) == ann.id
