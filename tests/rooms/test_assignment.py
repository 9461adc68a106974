"""Assignment: who is on duty, how many conversations fit, the lease, the epoch, and handing back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotFound, TooLate
from chalicelib.rooms import assignment, permission, queue
from chalicelib.rooms.assignment import (
    CAPACITY_MAX,
    LEASE,
    LONGEST_WAIT_ONE_IN,
    PRESENCE,
    REASON_MAX,
    SIGN_OF_LIFE,
    Doctor,
    Presence,
    Seen,
)
from chalicelib.rooms.queue import Band, Call, Lane, State, Visit, Why
from tests.builders import ADA, BO, MINUTE, NOW, a_clinic, a_doctor, a_lane, a_queue, a_ticket, a_visit, refused

CLINIC = a_clinic()


def on_duty(doctor: Doctor, *departments: str, capacity: int = 1) -> Doctor:
    return assignment.go_on_duty(doctor, departments=departments, capacity=capacity, clinic=CLINIC, now=NOW)


def test_on_duty_where_and_for_how_many() -> None:
    doctor = on_duty(Doctor(id="ada"), "general", "children", capacity=3)
    assert (doctor.on_duty, doctor.departments, doctor.capacity) == (True, ("general", "children"), 3)


def test_said_again_it_changes_where_and_how_many() -> None:
    doctor = on_duty(a_doctor(visits=frozenset({a_ticket()})), "children", "children", capacity=1)
    assert (doctor.departments, doctor.capacity, doctor.visits) == (("children",), 1, frozenset({a_ticket()}))


@pytest.mark.parametrize("departments", [(), ("brain",), ("general", "brain")])
def test_only_in_departments_there_are(departments: tuple[str, ...]) -> None:
    with refused("hoose", field="departments"):
        on_duty(Doctor(id="ada"), *departments)


@pytest.mark.parametrize("capacity", [0, -1, CAPACITY_MAX + 1])
def test_a_doctor_has_room_for_one_to_ten(capacity: int) -> None:
    with refused("from 1 to 10", field="capacity"):
        on_duty(Doctor(id="ada"), "general", capacity=capacity)


def test_pausing_keeps_the_conversations_in_hand() -> None:
    paused = assignment.pause(a_doctor(visits=frozenset({a_ticket()})))
    assert not paused.on_duty
    assert paused.visits == {a_ticket()}


def test_the_board_counts_each_doctor_once_in_each_department() -> None:
    away, here = Doctor(id="ada"), a_doctor(departments=("general", "children"))
    assert assignment.presence(away, here, 4) == [
        Presence(department="children", lanes=4, change=1),
        Presence(department="general", lanes=4, change=1),
    ]
    assert assignment.presence(here, here, 1) == []
    moved = replace(here, departments=("general",))
    assert assignment.presence(here, moved, 1) == [Presence(department="children", lanes=1, change=-1)]
    left = assignment.presence(moved, assignment.pause(moved), 1)
    assert left == [Presence(department="general", lanes=1, change=-1)]
    assert assignment.presence(away, away, 1) == []


def test_taking_needs_duty_and_room() -> None:
    assignment.may_take(a_doctor(visits=frozenset({a_ticket()})))
    with refused("You are not on duty", kind=TooLate):
        assignment.may_take(a_doctor(on_duty=False))
    with refused("You already have 2 conversations", kind=TooLate):
        assignment.may_take(a_doctor(visits=frozenset({a_ticket(1), a_ticket(2)})))


def test_one_conversation_is_not_called_several() -> None:
    with refused("You already have 1 conversation. Finish it", kind=TooLate):
        assignment.may_take(a_doctor(capacity=1, visits=frozenset({a_ticket(1)})))


def test_after_going_down_to_less_room_than_in_hand_nobody_is_taken() -> None:
    with refused("You already have 2 conversations", kind=TooLate):
        assignment.may_take(a_doctor(capacity=1, visits=frozenset({a_ticket(1), a_ticket(2)})))


MOST, OLDEST = 1, LONGEST_WAIT_ONE_IN  # draws: the most urgent first, or whoever joined first


def _lanes(found: list[tuple[Lane, Band, Why]]) -> list[Lane]:
    return [lane for lane, _, _ in found]


def test_the_most_urgent_of_several_lanes_first() -> None:
    empty, general, children = a_lane(), a_queue(0, 0, 2), a_queue(0, 0, 5, department="children")
    urgent = a_queue(0, 1, 1, department="tcm")
    recalled = a_queue(1, department="mind")
    assert assignment.in_front([empty], MOST) == []
    assert _lanes(assignment.in_front([empty, general, children], MOST)) == [general, children]
    assert assignment.in_front([general, urgent], MOST) == [(urgent, Band.URGENT, Why.MORE_URGENT)]
    assert _lanes(assignment.in_front([children, urgent, recalled], MOST)) == [recalled]


def test_no_department_is_left_behind_by_a_doctor_who_also_works_in_a_more_urgent_one() -> None:
    general, urgent = a_queue(0, 0, 2), a_queue(0, 1, department="tcm")
    recalled = a_queue(1, department="mind")
    assert _lanes(assignment.in_front([general, urgent], OLDEST)) == [general, urgent]
    assert _lanes(assignment.in_front([general, urgent, recalled], OLDEST)) == [recalled], "these come before all"
    draws = [assignment.in_front([general, urgent], draw) for draw in range(LONGEST_WAIT_ONE_IN * 3)]
    assert [len(found) for found in draws].count(2) == 3


def test_a_band_that_waited_its_limit_goes_before_the_more_urgent_of_another_department() -> None:
    """Else the urgent people who wait behind it are passed by other departments' people."""
    overdue = a_lane(tails=(0, 9, 9, 9), heads=(0, 1, 1, 0), calls=10, due=(0, 12, 13, 10))
    other = a_queue(0, 2, department="tcm")
    assert assignment.in_front([overdue, other], MOST) == [(overdue, Band.FOLLOW_UP, Why.THEIR_TURN)]


def test_the_lanes_of_a_department_stand_to_choose_in_the_band_that_is_called() -> None:
    """The band is decided for all of them; where nobody waits in it nobody is called."""
    first, second, third = (a_queue(0, *people, number=n) for n, people in enumerate([(0, 3, 1), (1, 2), (2, 0, 5)]))
    found = assignment.in_front([first, second, third], MOST)
    assert found == [(second, Band.URGENT, Why.MORE_URGENT), (third, Band.URGENT, Why.MORE_URGENT)]


@pytest.mark.parametrize("state", [State.ASSIGNED, State.IN_CONSULT])
def test_the_doctor_of_the_newest_epoch_writes(state: State) -> None:
    assignment.holds(ADA.id, a_visit(state=state), epoch=1)


def test_a_stranger_cannot_tell_that_the_visit_exists() -> None:
    for state in State:
        with pytest.raises(NotFound):
            assignment.holds(BO.id, a_visit(state=state), epoch=1)
        with pytest.raises(NotFound):
            permission.whose(BO, "open_visit", assignment.ties(BO, a_visit(state=state)))


def taken_over(by: str) -> Visit:
    """Ada had the visit, then it went on."""
    was = Call(epoch=1, doctor=ADA.id, at=NOW, why=Why.FIRST_COME)
    now = Call(epoch=2, doctor=by, at=NOW, why=Why.CALLED_BACK)
    return replace(a_visit(state=State.ASSIGNED), calls=(was, now), epoch=2, doctor=by)


@pytest.mark.parametrize(
    ("visit", "words"),
    [
        (replace(a_visit(state=State.ASSIGNED), state=State.WAITING, doctor=None), "went back to the queue"),
        (taken_over(BO.id), "Another doctor has this patient now"),
        (taken_over(ADA.id), "from an earlier time with this patient"),
        (replace(a_visit(state=State.ASSIGNED), state=State.CANCELLED, doctor=None), "The patient has left"),
        (a_visit(state=State.COMPLETED), "already ended"),
        (replace(a_visit(state=State.ASSIGNED), state=State.EXPIRED), "already ended"),
    ],
    ids=["waiting", "other doctor", "same doctor later", "cancelled", "completed", "expired"],
)
def test_a_doctor_who_lost_the_visit_is_told_what_happened(visit, words: str) -> None:
    with refused(words, kind=TooLate):
        assignment.holds(ADA.id, visit, epoch=1)
    permission.whose(ADA, "open_visit", assignment.ties(ADA, visit))


def test_the_lease_is_lost_when_its_time_is_over() -> None:
    held = a_visit(state=State.IN_CONSULT, lease_until=NOW)
    silent = a_doctor(seen_at=NOW - LEASE)
    assert not assignment.lease_lost(held, silent, NOW - timedelta(microseconds=1))
    assert assignment.lease_lost(held, silent, NOW)
    for state in (State.WAITING, State.COMPLETED, State.CANCELLED):
        assert not assignment.lease_lost(replace(held, state=state), silent, NOW + LEASE)


def test_a_doctor_who_is_busy_with_another_patient_is_not_gone() -> None:
    held = a_visit(state=State.IN_CONSULT, lease_until=NOW)
    busy = a_doctor(seen_at=NOW - timedelta(minutes=4))
    assert not assignment.lease_lost(held, busy, NOW)
    assert assignment.lease_lost(held, busy, NOW + LEASE)


def test_who_is_silent_and_on_duty_is_gone_unless_a_conversation_is_alive() -> None:
    silent = Seen(department="general", doctor=ADA.id, on_duty=True, seen_at=NOW - PRESENCE)
    held = a_visit(state=State.IN_CONSULT, lease_until=NOW)
    assert assignment.gone(silent, [], NOW)
    assert assignment.gone(silent, [held], NOW), "its lease is over as well"
    assert not assignment.gone(silent, [held, replace(held, lease_until=NOW + MINUTE)], NOW)
    assert not assignment.gone(silent, [], NOW - timedelta(seconds=1))
    assert not assignment.gone(replace(silent, on_duty=False), [], NOW)


def test_the_lease_is_renewed_when_half_of_it_is_gone() -> None:
    held = a_visit(state=State.ASSIGNED, lease_until=NOW + LEASE)
    assert assignment.alive(held, NOW) is held
    assert assignment.alive(held, NOW + SIGN_OF_LIFE - timedelta(seconds=1)) is held
    later = NOW + SIGN_OF_LIFE
    assert assignment.alive(held, later).lease_until == later + LEASE
    assert assignment.alive(held, NOW + 2 * LEASE).lease_until == NOW + 3 * LEASE


def test_the_first_time_a_visit_without_a_lease_gets_one() -> None:
    assert assignment.alive(a_visit(), NOW).lease_until == NOW + LEASE


def test_handing_back_needs_a_reason_and_the_visit() -> None:
    held = a_visit(state=State.IN_CONSULT)
    back = assignment.hand_back(held, doctor=ADA.id, epoch=1, reason=" not my field ")
    assert back.handed_back == "not my field"
    for empty in ("", " "):
        with refused("Say in a few words why", field="reason"):
            assignment.hand_back(held, doctor=ADA.id, epoch=1, reason=empty)
    with refused("At most 200", field="reason"):
        assignment.hand_back(held, doctor=ADA.id, epoch=1, reason="x" * (REASON_MAX + 1))
    with refused("from an earlier time", kind=TooLate):
        assignment.hand_back(held, doctor=ADA.id, epoch=0, reason="late")
    with pytest.raises(NotFound):
        assignment.hand_back(held, doctor=BO.id, epoch=1, reason="not mine")


def test_a_lane_of_people_who_all_stepped_back_waits_to_be_asked() -> None:
    """in_front sees tickets only; whoever stepped back is fetched with held_now before it is asked."""
    lane = a_lane(held={"general.0.2.1": 4})
    assert assignment.in_front([lane], MOST) == []
    assert lane.held_now() == a_ticket(1)
    assert queue.choose(lane) is None
    assert lane.everybody == 1


def test_the_lease_outlives_a_slow_page() -> None:
    assert SIGN_OF_LIFE * 2 == LEASE
    assert MINUTE <= SIGN_OF_LIFE
    assert Band.RECALL < Band.URGENT


def test_the_roster_says_when_a_doctor_was_last_there_for_anybody() -> None:
    """For own patients only is not there for the others; until that was said, the doctor was."""
    before, later = a_doctor(seen_at=NOW), NOW + 4 * MINUTE

    def line(before: Doctor, **after: object) -> assignment.Seen:
        (found,) = assignment.roster(before, replace(before, seen_at=later, **after))  # type: ignore[arg-type]
        return found

    own = replace(before, own_only=True)
    assert line(before).last_there == later
    assert line(before, own_only=True).last_there == later, "until now"
    assert line(own, own_only=False).last_there == later, "from now on"
    assert line(before, on_duty=False).last_there == later
    assert line(own).there_at is None, "stays as it was written"
    assert line(own, on_duty=False).there_at is None
    old = assignment.Seen(department="general", doctor="ada", on_duty=True, seen_at=later, own_only=True, there_at=NOW)
    assert old.last_there == NOW
