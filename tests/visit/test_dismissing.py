"""Dismissing a doctor: out for good, and no patient stays with somebody who is gone, whatever happens meanwhile."""

from datetime import date
from typing import Any

import pytest

from chalicelib.refusal import Busy, NotAllowed, TooLate
from chalicelib.rooms.permission import Role
from chalicelib.rooms.queue import State, Ticket
from chalicelib.store import records
from chalicelib.visit import seeing, staffing, taking
from tests.builders import ADA, ANN, BO, BOB, MAX, refused
from tests.hiring import hired
from tests.visit.walk import Walk
from tests.visit.weather import Died, meanwhile


def says(walk: Walk, id: Ticket) -> None:
    """Ann writes, so her visit is another one than was read."""
    seeing.say(walk.errand(ANN), id=id, text="Are you there?", epoch=None)


def dismiss(walk: Walk, request: str = "") -> Any:
    return staffing.dismiss(walk.errand(MAX, request), id="ada")


def die() -> None:
    raise Died


def handed_on(id: Ticket) -> None:
    kept = records.visit(id)
    assert (kept.state, kept.doctor) == (State.WAITING, None)
    assert not records.doctor("ada").visits


def test_a_patient_who_writes_at_that_moment_does_not_stay_with_who_is_gone(walk: Walk) -> None:
    hired("ada", walk.now)
    id, bob = walk.taken(), walk.taken(BOB)
    with meanwhile("TransactWriteItems", lambda: says(walk, id), nth=2):
        dismiss(walk)
    handed_on(id)
    handed_on(bob)
    walk.on_duty(BO)
    assert {walk.take(BO), walk.take(BO)} == {id, bob}


@pytest.mark.parametrize("request_id", ["the same", "another"])
def test_pressing_again_goes_on_with_it(walk: Walk, request_id: str) -> None:
    hired("ada", walk.now)
    id = walk.taken()
    with pytest.raises(Died), meanwhile("TransactWriteItems", die, nth=2):
        dismiss(walk, "the same")
    assert records.visit(id).doctor == "ada"
    assert not dismiss(walk, request_id).active
    handed_on(id)
    with refused("This person was deactivated before.", kind=TooLate):
        dismiss(walk)


def test_a_patient_who_never_stops_writing_makes_it_busy_and_not_done(walk: Walk) -> None:
    hired("ada", walk.now)
    id = walk.taken()
    walk.records = _Restless(walk, id)
    with pytest.raises(Busy):
        dismiss(walk)
    walk.records = records  # type: ignore[assignment]  # the module is one
    dismiss(walk)
    handed_on(id)


@pytest.mark.parametrize("before", ["never on duty", "off duty", "on duty"])
@pytest.mark.parametrize("gone", ["dismissed", "no doctor"])
@pytest.mark.parametrize("first", ["duty", "dismissal"])
def test_nobody_comes_on_duty_while_being_dismissed(walk: Walk, before: str, gone: str, first: str) -> None:
    """The door let the doctor in a moment ago; whichever is written first, the other one sees it."""
    hired("ada", walk.now)
    if before != "never on duty":
        walk.on_duty(capacity=1)
    if before == "off duty":
        taking.pause(walk.errand(ADA))
    goes = (lambda: dismiss(walk)) if gone == "dismissed" else (lambda: becomes(walk, Role.DESK))
    if first == "duty":
        with meanwhile("TransactWriteItems", walk.on_duty):
            goes()
    else:
        with meanwhile("TransactWriteItems", goes), pytest.raises(NotAllowed):
            walk.on_duty()
    desk = records.doctor("ada")
    assert (desk.on_duty, desk.closed) == (False, True)
    assert [line for line in records.roster("general") if line.on_duty] == []
    assert records.lanes([("general", 0)])[0].on_duty == 0
    if gone == "dismissed":
        staffing.take_back(walk.errand(MAX), id="ada")
    else:
        becomes(walk, Role.DOCTOR)
    assert not records.doctor("ada").on_duty
    walk.on_duty()
    assert records.lanes([("general", 0)])[0].on_duty == 1, "and back at work"


@pytest.mark.parametrize("first", ["duty", "change"])
def test_nobody_comes_on_duty_where_they_may_not_work_any_more(walk: Walk, first: str) -> None:
    """The door read where the doctor may work a moment ago; whichever is written first, the other one sees it."""
    hired("ada", walk.now)
    if first == "duty":
        with meanwhile("TransactWriteItems", walk.on_duty):
            becomes(walk, Role.DOCTOR, "children")
    else:
        with (
            meanwhile("TransactWriteItems", lambda: becomes(walk, Role.DOCTOR, "children")),
            refused("You do not work in that department."),
        ):
            walk.on_duty()
    assert not records.doctor("ada").on_duty
    assert records.lanes([("general", 0)])[0].on_duty == 0
    walk.on_duty(ADA, "children")
    becomes(walk, Role.DOCTOR, "children", "general")
    assert records.doctor("ada").on_duty, "more departments send nobody off duty"
    walk.on_duty()
    becomes(walk, Role.DOCTOR)
    walk.on_duty(ADA, "children", "general")


def becomes(walk: Walk, role: Role, *departments: str) -> None:
    licence = {"title": "Physician", "licence": "L-ada", "licence_until": date(2099, 12, 31), "practising_since": None}
    said = {**licence, "name": "Dr Ada", "departments": departments, "version": records.member("ada").version}
    staffing.change_member(walk.errand(MAX), id="ada", role=role, **said)


class _Restless:
    """Records beside which Ann writes before every save about her visit."""

    def __init__(self, walk: Walk, id: Ticket) -> None:
        self.walk, self.id = walk, id

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def save(self, *changes: object, audit: Any) -> None:
        if audit.deed == "bring_to_front":
            says(self.walk, self.id)
        records.save(*changes, audit=audit)
