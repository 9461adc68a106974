"""Place: how many people are ahead, and letting others go first."""

import random
from dataclasses import replace

import pytest

from chalicelib.refusal import TooLate
from chalicelib.rooms import leaving, promise, queue
from chalicelib.rooms.arrival import Getting
from chalicelib.rooms.leaving import HELD_BY_CHOICE_MAX, STEP_BACK_FROM, STEP_BACKS_MAX
from chalicelib.rooms.permission import Tie
from chalicelib.rooms.queue import ACTIVE, BANDS, Band, Lane, State, Ticket
from tests.builders import (
    ANN,
    EVE,
    NOW,
    a_department,
    a_lane,
    a_queue,
    a_ticket,
    a_visit,
    answers,
    refused,
)


def waits(n: int, band: Band = Band.STANDARD, **changes):
    return a_visit(id=a_ticket(n, band), **changes)


def test_the_band_follows_from_the_answers() -> None:
    assert queue.band_for(answers(), a_department()) is Band.STANDARD
    assert queue.band_for(answers(follow_up=True), a_department()) is Band.FOLLOW_UP
    assert queue.band_for(answers(getting=Getting.WORSE), a_department()) is Band.URGENT
    assert queue.band_for(answers(follow_up=True, getting=Getting.WORSE), a_department()) is Band.URGENT


@pytest.mark.parametrize(
    ("drawn", "of", "band", "refuses"),
    [
        (10, 1, Band.STANDARD, False),  # the tenth
        (11, 1, Band.STANDARD, True),
        (11, 1, Band.FOLLOW_UP, True),
        (11, 1, Band.URGENT, False),
        (6, 2, Band.STANDARD, True),  # five are ahead in this lane of two
    ],
)
def test_who_comes_when_too_many_wait_is_told_so_unless_it_is_urgent(
    drawn: int, of: int, band: Band, refuses: bool
) -> None:
    lane = replace(a_queue(0, 0, drawn), of=of)
    if refuses:
        with refused("come back later", kind=TooLate):
            queue.let_in(lane, band, a_department(waiting_max=10))
    else:
        queue.let_in(lane, band, a_department(waiting_max=10))
    queue.let_in(lane, band, a_department())


@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_ahead_are_those_who_came_before(n: int) -> None:
    assert queue.ahead(a_queue(0, 0, 50), waits(n)) == n - 1


def test_those_who_were_called_are_no_longer_ahead() -> None:
    assert queue.ahead(a_lane(tails=(0, 0, 50, 0), heads=(0, 0, 7, 0)), waits(10)) == 2


def test_everybody_more_urgent_is_ahead_and_nobody_less_urgent() -> None:
    lane = a_queue(1, 2, 4, 8)
    assert queue.ahead(lane, waits(4)) == 3 + 1 + 2
    assert queue.ahead(lane, waits(1, Band.URGENT)) == 1
    assert queue.ahead(lane, waits(8, Band.FOLLOW_UP)) == 7 + 1 + 2 + 4


def test_nobody_is_ahead_of_somebody_being_called() -> None:
    assert queue.ahead(a_lane(tails=(0, 0, 5, 0), heads=(0, 0, 5, 0)), waits(3)) == 0


def test_a_recalled_visit_stands_in_the_recall_band() -> None:
    back = waits(30, ticket=a_ticket(2, Band.RECALL))
    assert queue.ahead(a_queue(2, 9, 9, 9), back) == 1


def test_a_stepped_back_visit_counts_from_the_call_that_brings_it_back() -> None:
    back = waits(1, ticket=None, returns_at=4)
    assert queue.ahead(a_queue(0, 0, 9), back) == 4
    assert queue.ahead(a_lane(tails=(0, 0, 9, 0), heads=(0, 0, 3, 0)), back) == 1


def test_a_lane_counts_everybody_also_those_who_stepped_back() -> None:
    lane = a_lane(tails=(1, 2, 4, 8), heads=(0, 1, 1, 8), held={"general.0.2.1": 4})
    assert [lane.waiting(band) for band in Band] == [1, 1, 3, 0]
    assert lane.everybody == 6


def test_a_code_is_letter_band_and_number() -> None:
    assert queue.code("A", a_ticket(17)) == "A2017"
    assert queue.code("B", a_ticket(4003, Band.URGENT)) == "B14003"
    assert queue.code("A", a_ticket(17, lane=3)) == "A3-2017"


def test_a_ticket_survives_being_written_down() -> None:
    ticket = a_ticket(12, Band.FOLLOW_UP, lane=2)
    assert Ticket.of(str(ticket)) == ticket


@pytest.mark.parametrize(
    ("n", "tail", "head", "returns_at"),
    [
        (1, 10, 0, 4),  # first in line
        (5, 10, 0, 8),  # in the middle
        (8, 10, 0, 10),  # never past the last one who waits
        (10, 10, 0, 10),  # at the end the place stays
        (9, 10, 8, 10),
    ],
)
def test_stepping_back_lets_three_people_past_from_every_position(n: int, tail: int, head: int, returns_at: int):
    lane = a_lane(tails=(0, 0, tail, 0), heads=(0, 0, head, 0))
    back = leaving.step_back(waits(n), lane)
    assert (back.ticket, back.returns_at, back.step_backs, back.state) == (None, returns_at, 1, State.WAITING)
    assert back.id == a_ticket(n), "the visit keeps its name"
    assert not queue.passed(lane, back) or n == tail == head


def test_from_the_front_one_steps_back_behind_the_next_three_of_the_own_band() -> None:
    recalled = waits(2, ticket=a_ticket(1, Band.RECALL))
    back = leaving.step_back(recalled, a_lane(tails=(1, 0, 9, 0), heads=(0, 0, 4, 0)))
    assert back.returns_at == 4 + 3


def test_one_steps_back_one_time_after_the_other_and_at_most_three_times() -> None:
    lane = a_queue(0, 0, 9)
    back = leaving.step_back(waits(1), lane)
    with refused("You have already let other people go first", kind=TooLate):
        leaving.step_back(back, lane)
    again = queue.to_front(back, ticket=a_ticket(1, Band.RECALL))
    assert leaving.step_back(again, lane).step_backs == 2
    with refused(f"already stepped back {STEP_BACKS_MAX} times", kind=TooLate):
        leaving.step_back(waits(1, step_backs=STEP_BACKS_MAX), lane)


def test_no_stepping_back_once_called() -> None:
    with refused("You are being called right now", kind=TooLate):
        leaving.step_back(waits(3), a_lane(tails=(0, 0, 9, 0), heads=(0, 0, 3, 0)))
    for state in set(State) - {State.WAITING}:
        words = "A doctor is ready for you now" if state in ACTIVE else "This visit has already ended."
        with refused(words, kind=TooLate):
            leaving.step_back(waits(3, state=state), a_queue(0, 0, 9))


def test_only_so_many_may_step_back_at_once() -> None:
    held = {str(a_ticket(n)): 39 for n in range(20, 20 + HELD_BY_CHOICE_MAX)}
    with refused("Too many people are stepping back", kind=TooLate):
        leaving.step_back(waits(3), a_lane(tails=(0, 0, 40, 0), held=held))
    held.popitem()
    assert leaving.step_back(waits(3), a_lane(tails=(0, 0, 40, 0), held=held)).returns_at == 6


def test_who_has_time_enough_does_not_take_the_room_of_those_near_the_front() -> None:
    with refused(f"There is time: {STEP_BACK_FROM + 1} people are before you", kind=TooLate):
        leaving.step_back(waits(STEP_BACK_FROM + 2), a_queue(0, 0, 40))
    assert leaving.step_back(waits(STEP_BACK_FROM + 1), a_queue(0, 0, 40)).step_backs == 1


def test_who_lets_others_go_first_is_still_before_those_behind_the_call_that_brings_them_back() -> None:
    held = {str(a_ticket(n)): n + 3 for n in (1, 2, 3)}
    lane = a_lane(tails=(0, 0, 9, 0), heads=(0, 0, 3, 0), held=held)
    assert [queue.ahead(lane, waits(n)) for n in (4, 5, 6, 7)] == [0, 2, 4, 6]
    assert queue.ahead(lane, waits(2, ticket=None, returns_at=5)) == 2 + 1, "4 and 5, and the one who returns at 4"
    assert queue.ahead(lane, waits(1, Band.FOLLOW_UP)) == 6 + 3


def test_a_held_visit_returns_at_its_call_or_when_nobody_else_waits() -> None:
    held = {str(a_ticket(1)): 4, str(a_ticket(2)): 3}
    assert a_lane(tails=(0, 0, 9, 0), heads=(0, 0, 2, 0), held=held).held_now() is None
    assert a_lane(tails=(0, 0, 9, 0), heads=(0, 0, 3, 0), held=held).held_now() == a_ticket(2)
    assert a_lane(tails=(0, 0, 9, 0), heads=(0, 0, 4, 0), held=held).held_now() == a_ticket(2)
    assert a_lane(held={str(a_ticket(1)): 4}).held_now() == a_ticket(1)
    assert a_lane().held_now() is None


def test_a_ticket_is_passed_when_the_head_reached_it() -> None:
    lane = a_lane(tails=(0, 0, 9, 0), heads=(0, 0, 3, 0))
    assert [queue.passed(lane, waits(n)) for n in (2, 3, 4)] == [True, True, False]
    assert [queue.passed(lane, waits(1, ticket=None, returns_at=at)) for at in (2, 3, 4)] == [True, True, False]
    assert not queue.passed(lane, waits(1, state=State.ASSIGNED))
    assert queue.passed(a_lane(heads=(1, 0, 0, 0)), waits(9, ticket=a_ticket(1, Band.RECALL)))


def test_back_at_the_front_the_visit_is_the_same_and_nobody_holds_it() -> None:
    held = waits(4, state=State.IN_CONSULT, said=3, handed_back="not my field")
    front = queue.to_front(held, ticket=a_ticket(1, Band.RECALL))
    assert (front.state, front.ticket, front.doctor, front.lease_until) == (
        State.WAITING,
        a_ticket(1, Band.RECALL),
        None,
        None,
    )
    assert (front.id, front.epoch, front.calls, front.said) == (held.id, 1, held.calls, 3)


def test_the_secret_opens_one_visit_and_no_other() -> None:
    assert queue.ties(a_visit(), secret=ANN.id) == {Tie.OWN}
    for wrong in (EVE.id, "", ANN.id.upper()):
        assert queue.ties(a_visit(), secret=wrong) == set()


@pytest.mark.parametrize("state", [State.WAITING, State.ASSIGNED])
def test_the_patient_leaves_and_the_place_is_free(state: State) -> None:
    gone = leaving.cancel(waits(4, state=state), why="patient", now=NOW)
    assert (gone.state, gone.ticket, gone.doctor, gone.lease_until) == (State.CANCELLED, None, None, None)
    assert (gone.ended_at, gone.ended_why) == (NOW, "patient")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.CANCELLED, "You have already left the queue"),
        (State.IN_CONSULT, "The consultation has begun"),
        (State.COMPLETED, "already ended"),
        (State.EXPIRED, "already ended"),
    ],
)
def test_leaving_too_late_says_what_happened(state: State, words: str) -> None:
    with refused(words, kind=TooLate):
        leaving.cancel(waits(4, state=state), why="patient", now=NOW)


def test_the_desk_is_not_told_that_it_has_left_the_queue() -> None:
    with refused("This patient has already left the queue", kind=TooLate):
        leaving.cancel(waits(4, state=State.CANCELLED), why="Went home by taxi", now=NOW)


def test_at_closing_time_only_those_who_wait_expire() -> None:
    closed = leaving.expire(waits(4, ticket=None, returns_at=7), now=NOW)
    assert (closed.state, closed.returns_at, closed.ended_why) == (State.EXPIRED, None, "closing")
    for state in (State.ASSIGNED, State.IN_CONSULT):
        with refused("A doctor has this patient now", kind=TooLate):
            leaving.expire(waits(4, state=state), now=NOW)
    for state in (State.COMPLETED, State.CANCELLED, State.EXPIRED):
        with refused("already ended", kind=TooLate):
            leaving.expire(waits(4, state=state), now=NOW)


def test_the_desk_gives_its_reason() -> None:
    assert leaving.reason(" Went home. ") == "Went home."
    for empty in ("", "  "):
        with refused("Say in a few words why", field="why"):
            leaving.reason(empty)
    with refused("At most 200 characters", field="why"):
        leaving.reason("x" * (leaving.REASON_MAX + 1))


def test_people_who_left_are_not_in_front_of_anybody() -> None:
    lane = a_queue(0, 0, 6, gone=frozenset({(Band.STANDARD, 2), (Band.STANDARD, 5)}))
    visit = a_visit(id=a_ticket(4))
    assert queue.ahead(lane, visit) == 2
    assert lane.everybody == 4


def test_where_everybody_left_nobody_is_counted() -> None:
    assert a_queue(0, 0, 1, gone=frozenset({(Band.STANDARD, 1)})).everybody == 0


def side_by_side(*waiting: int, band: Band = Band.STANDARD) -> list[Lane]:
    """Lanes of one department, in which so many wait."""
    lanes = [a_lane(number=at, of=len(waiting)) for at in range(len(waiting))]
    return [replace(lane, tails=tuple(n * (b is band) for b in BANDS)) for lane, n in zip(lanes, waiting, strict=True)]


def test_the_last_of_forty_in_four_lanes_has_thirty_nine_before_them() -> None:
    """Doctors call from all lanes, whoever joined first: the own lane alone would say nine."""
    mine, *beside = side_by_side(10, 10, 10, 10)
    assert queue.ahead(mine, waits(10)) == 9
    assert queue.ahead(mine, waits(10), beside) == 39
    assert queue.ahead(mine, waits(1), beside) == 3
    with refused("about 39 people are before you", kind=TooLate):
        leaving.step_back(waits(10), mine, beside)


def test_of_other_lanes_no_more_people_are_counted_than_there_are() -> None:
    mine, *beside = side_by_side(10, 0, 2, 50)
    assert queue.ahead(mine, waits(10), beside) == 9 + 0 + 2 + 10
    urgent = [replace(lane, tails=(1, 2, 0, 0)) for lane in beside]
    assert queue.ahead(mine, waits(10), urgent) == 9 + 3 * 3, "and everybody more urgent, in whatever lane"


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_the_place_in_several_lanes_is_about_the_number_of_calls_to_come(lanes: int) -> None:
    """People are in a lane by chance and called in the order they joined. On average nobody is told too few, and a
    single one is off by what chance does."""
    chance, off = random.Random(lanes), []
    for _ in range(40):
        joined = [chance.randrange(lanes) for _ in range(120)]
        held = side_by_side(*(joined.count(at) for at in range(lanes)))
        for place, at in enumerate(joined):
            n = joined[: place + 1].count(at)
            off.append(queue.ahead(held[at], waits(n), [lane for lane in held if lane.number != at]) - place)
    assert abs(sum(off) / len(off)) < lanes / 2
    assert sum(map(abs, off)) / len(off) < 15, "of 120"


def test_a_phone_counts_the_same_in_several_lanes() -> None:
    """The sum of wait.js on the public board."""
    held = [replace(lane, tails=(1, 2, lane.tails[2], 4)) for lane in side_by_side(10, 3, 7)]
    board = promise.board(held, NOW)["lanes"]
    for band in BANDS:
        for n in range(1, held[0].tails[band] + 1):
            own = n - board[0][band][0] - 1
            others = sum(min(own + 1, other[band][1]) for other in board[1:])
            more_urgent = sum(people for lane in board for _, people, *_ in lane[:band])
            assert own + others + more_urgent == queue.ahead(held[0], waits(n, band), held[1:])
