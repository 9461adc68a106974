"""The arrows: every state machine as a table, compared with what the rooms really do from every state."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

import pytest

from chalicelib.refusal import Refusal
from chalicelib.rooms import arrival, assignment, consult, delivery, leaving, prescription, queue
from chalicelib.rooms.arrival import Stage
from chalicelib.rooms.consult import NoteState, Outcome
from chalicelib.rooms.delivery import ATTEMPTS_MAX, Way
from chalicelib.rooms.delivery import State as Parcel
from chalicelib.rooms.prescription import VALID
from chalicelib.rooms.prescription import State as Rx
from chalicelib.rooms.queue import ACTIVE, WITH_DOCTOR, Band, State, Visit
from tests.builders import (
    ADA,
    COLE,
    KIM,
    NOW,
    SAM,
    SOAP,
    a_clinic,
    a_doctor,
    a_line,
    a_note,
    a_prescription,
    a_queue,
    a_request,
    a_ticket,
    a_visit,
    an_order,
)

Table = Mapping[StrEnum, set[StrEnum]]
CLINIC = a_clinic()
FRONT = a_ticket(9, Band.RECALL)
LATE = NOW + 2 * VALID

ASKING: Table = {
    Stage.REQUESTED: {Stage.REQUESTED, Stage.EMERGENCY, Stage.CANCELLED},  # or a visit that waits
    Stage.EMERGENCY: {Stage.REQUESTED, Stage.EMERGENCY, Stage.CANCELLED},  # "I pressed the wrong one"
    Stage.CANCELLED: {Stage.REQUESTED, Stage.EMERGENCY, Stage.CANCELLED},  # asked anew from the first question
}
VISIT: Table = {
    State.WAITING: {State.WAITING, State.ASSIGNED, State.CANCELLED, State.EXPIRED},
    State.ASSIGNED: {State.IN_CONSULT, State.WAITING, State.CANCELLED, State.COMPLETED},
    State.IN_CONSULT: {State.IN_CONSULT, State.WAITING, State.COMPLETED},
    State.COMPLETED: set(),
    State.CANCELLED: set(),
    State.EXPIRED: set(),
}
NOTE: Table = {
    NoteState.DRAFT: {NoteState.DRAFT, NoteState.SIGNED, NoteState.SET_ASIDE},
    NoteState.SIGNED: {NoteState.AMENDED},
    NoteState.AMENDED: set(),
    NoteState.SET_ASIDE: set(),
}
PRESCRIPTION: Table = {
    Rx.SIGNED: {Rx.EFFECTIVE, Rx.RETURNED, Rx.REVOKED},
    Rx.RETURNED: {Rx.RETURNED, Rx.REVOKED},  # answered by the next number: that one is signed
    Rx.EFFECTIVE: {Rx.RESERVED, Rx.REVOKED, Rx.EXPIRED},
    Rx.RESERVED: {Rx.EFFECTIVE, Rx.DISPENSED, Rx.REVOKED},
    Rx.DISPENSED: set(),
    Rx.REVOKED: set(),
    Rx.EXPIRED: set(),
}
PARCEL: Table = {
    Parcel.CREATED: {Parcel.PICKING, Parcel.CANCELLED},
    Parcel.PICKING: {Parcel.CHECKED, Parcel.CANCELLED},
    Parcel.CHECKED: {Parcel.HANDED_OVER, Parcel.CANCELLED},
    Parcel.HANDED_OVER: {Parcel.HANDED_OVER, Parcel.DELIVERED, Parcel.FAILED_ATTEMPT, Parcel.RETURNED},
    Parcel.FAILED_ATTEMPT: {Parcel.HANDED_OVER, Parcel.RETURNED},
    Parcel.DELIVERED: set(),
    Parcel.RETURNED: set(),
    Parcel.CANCELLED: set(),
}


def arrows(things: Iterable[tuple[StrEnum, Any]], deeds: Iterable[Callable[[Any], StrEnum]]) -> dict[StrEnum, set]:
    """Do every deed to a thing in every state; where each one led."""
    led: dict[StrEnum, set[StrEnum]] = {}
    for state, thing in things:
        led.setdefault(state, set())
        for deed in deeds:
            try:
                led[state].add(deed(thing))
            except (Refusal, AssertionError):
                continue  # this arrow does not exist; an assert is a deed that no door leads to
    return led


ASK = {"clinic": CLINIC}
REQUEST_DEEDS: list[Callable[..., Stage]] = [
    lambda r: arrival.red_flags(r, flags=("none",)).stage,
    lambda r: arrival.red_flags(r, flags=("stroke",)).stage,
    lambda r: arrival.who(r, for_whom=arrival.ForWhom.ME, name="Ann", age=40, guardian="", **ASK).stage,
    lambda r: arrival.what(r, department="general", why="x", allergies="", follow_up=False, **ASK).stage,
    lambda r: arrival.contact(r, phone="13800001234").stage,
    lambda r: arrival.forget(r).stage,
]


def _taken(visit: Visit) -> State:
    """What the store writes when a doctor takes a visit: only on the condition that it waits with this ticket."""
    assert visit.state is State.WAITING
    assert visit.ticket is not None
    return State.ASSIGNED


def _away(visit: Visit) -> Visit:
    """As it would lie in the queue after "not there"."""
    return replace(visit, ticket=None, returns_at=3, no_shows=1) if visit.state is State.WAITING else visit


VISIT_DEEDS: list[Callable[[Visit], State]] = [
    _taken,
    lambda v: leaving.step_back(v, a_queue(0, 0, 9)).state,
    lambda v: queue.to_front(v, ticket=FRONT).state,
    lambda v: queue.to_front(assignment.hand_back(v, doctor=ADA.id, epoch=1, reason="x"), ticket=FRONT).state,
    lambda v: assignment.not_here(v, a_queue(0, 0, 9), doctor=ADA.id, epoch=1, now=LATE).state,
    lambda v: assignment.call_again(_away(v), a_doctor(), by=ADA, now=NOW)[0].state,
    lambda v: leaving.cancel(v, why="patient", now=NOW).state,
    lambda v: leaving.expire(v, now=NOW).state,
    lambda v: _writing(v).state,
    lambda v: _signed(v)[0].state,
]


def _writing(visit: Visit) -> Visit:
    consult.draft(visit, None, doctor=ADA.id, doctor_name=ADA.name, epoch=1, soap=SOAP)
    return consult.begun(visit)


def _signed(visit: Visit, note: consult.Note | None = None) -> tuple[Visit, consult.Note]:
    draft = consult.draft(visit, note, doctor=ADA.id, doctor_name=ADA.name, epoch=1, soap=SOAP)
    return consult.sign(
        visit, draft, doctor=ADA.id, epoch=1, outcome=Outcome.REST, summary="x", policy="demo-1", now=NOW
    )


OPEN, DONE = a_visit(state=State.IN_CONSULT), a_visit(state=State.COMPLETED)
NOTE_DEEDS: list[Callable[[consult.Note], NoteState]] = [
    lambda n: consult.draft(OPEN, n, doctor=ADA.id, doctor_name=ADA.name, epoch=1, soap=SOAP).state,
    lambda n: _signed(OPEN, n)[1].state,
    lambda n: _aside(n).state,
    lambda n: consult.amend(DONE, n, doctor=ADA.id, doctor_name=ADA.name, soap=SOAP, policy="demo-1", now=NOW)[1].state,
]


def _aside(note: consult.Note) -> consult.Note:
    assert note.state is NoteState.DRAFT, "handing back and rescuing set only a draft aside"
    return consult.set_aside(note)


BY_SAM = {"pharmacist": SAM.id, "pharmacist_name": SAM.name, "number": 1}
RX_DEEDS: list[Callable[..., Rx]] = [
    lambda p: prescription.approve(p, now=NOW, **BY_SAM).state,
    lambda p: prescription.give_back(p, reason="x", now=NOW, **BY_SAM).state,
    lambda p: prescription.revise(p, DONE, doctor=ADA.id, lines=(a_line(),), confirmed=True, now=NOW, **ASK)[0].state,
    lambda p: prescription.revoke(p, by=ADA.id, is_doctor=True, reason="x", now=NOW).state,
    lambda p: _expired(p).state,
    lambda p: prescription.reserve(p, NOW).state,
    lambda p: prescription.release(p).state,
    lambda p: prescription.dispense(p, NOW).state,
]


def _expired(found: prescription.Prescription) -> prescription.Prescription:
    after = prescription.expire(found, LATE)
    assert after is not found
    return after


PARCEL_DEEDS: list[Callable[..., Parcel]] = [
    lambda o: delivery.pick(o, by=SAM.id, now=NOW).state,
    lambda o: delivery.check(o, by=KIM.id, now=NOW).state,
    lambda o: delivery.hand_over(o, by=COLE.id, is_courier=True, now=NOW).state,
    lambda o: delivery.deliver(o, by=COLE.id, is_courier=True, code=o.code, now=NOW)[0].state,
    lambda o: delivery.deliver(o, by=COLE.id, is_courier=True, code="wrong", now=NOW)[0].state,
    lambda o: delivery.fail_attempt(o, by=COLE.id, reason="x", now=NOW).state,
    lambda o: delivery.bring_back(o, by=COLE.id, is_courier=True, now=NOW).state,
    lambda o: delivery.cancel(o, by="patient", now=NOW).state,
]
STATES_OF_NOTE = [(s, a_note(state=s)) for s in NoteState]
MACHINES = {
    "asking": (ASKING, Stage.REQUESTED, [(s, a_request(stage=s)) for s in Stage], REQUEST_DEEDS),
    "visit": (VISIT, State.WAITING, [(s, a_visit(state=s)) for s in State], VISIT_DEEDS),
    "note": (NOTE, NoteState.DRAFT, STATES_OF_NOTE, NOTE_DEEDS),
    "prescription": (PRESCRIPTION, Rx.SIGNED, [(s, a_prescription(state=s)) for s in Rx], RX_DEEDS),
    "parcel": (PARCEL, Parcel.CREATED, [(s, an_order(state=s)) for s in Parcel], PARCEL_DEEDS),
}
machines = pytest.mark.parametrize("name", MACHINES)


@machines
def test_the_rooms_know_these_arrows_and_no_others(name: str) -> None:
    table, _, things, deeds = MACHINES[name]
    assert arrows(things, deeds) == table


@machines
def test_every_state_can_be_reached(name: str) -> None:
    table, start, _, _ = MACHINES[name]
    reached, edge = {start}, {start}
    while edge:
        edge = set().union(*(table[state] for state in edge)) - reached
        reached |= edge
    assert reached == set(table)


@machines
def test_from_every_state_there_is_a_way_to_an_end(name: str) -> None:
    table, _, _, _ = MACHINES[name]
    ends = {state for state, to in table.items() if not to - {state}}
    leads = set(ends) or set(table)  # somebody who asks may ask for as long as they like
    while more := {state for state, to in table.items() if to & leads} - leads:
        leads |= more
    assert leads == set(table)


def test_an_ended_visit_stays_as_it_is() -> None:
    assert {state for state, to in VISIT.items() if not to} == set(State) - ACTIVE
    assert {s for s in State if State.WAITING in VISIT[s]} == {State.WAITING, *WITH_DOCTOR}


def test_a_pick_up_goes_the_same_way_but_for_the_courier() -> None:
    things = [(state, an_order(state=state, way=Way.PICK_UP, courier=SAM.id)) for state in Parcel]
    counter = [
        lambda o: delivery.hand_over(o, by=SAM.id, is_courier=False, now=NOW).state,
        lambda o: delivery.deliver(o, by=SAM.id, is_courier=False, code=o.code, now=NOW)[0].state,
        lambda o: delivery.deliver(o, by=SAM.id, is_courier=False, code="wrong", now=NOW)[0].state,
        lambda o: delivery.bring_back(o, by=SAM.id, is_courier=False, now=NOW).state,
    ]
    led = arrows(things, [*PARCEL_DEEDS, *counter])
    assert led[Parcel.CHECKED] == PARCEL[Parcel.CHECKED]
    assert led[Parcel.HANDED_OVER] == PARCEL[Parcel.HANDED_OVER] - {Parcel.FAILED_ATTEMPT}


def test_after_the_last_attempt_the_only_way_is_back() -> None:
    last = an_order(state=Parcel.FAILED_ATTEMPT, attempts=ATTEMPTS_MAX)
    assert arrows([(Parcel.FAILED_ATTEMPT, last)], PARCEL_DEEDS) == {Parcel.FAILED_ATTEMPT: {Parcel.RETURNED}}


def test_the_answer_to_a_returned_prescription_starts_the_same_way_again() -> None:
    found = a_prescription(state=Rx.RETURNED)
    _, new = prescription.revise(found, DONE, doctor=ADA.id, lines=(a_line(),), confirmed=True, now=NOW, **ASK)
    assert new.state is Rx.SIGNED
    answered = replace(found, next_number=2)
    assert arrows([(Rx.RETURNED, answered)], RX_DEEDS) == {Rx.RETURNED: {Rx.REVOKED}}
