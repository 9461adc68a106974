""" "I need more time": letting others go first, coming back, and never being forgotten in between."""

import pytest

from chalicelib.refusal import Busy, TooLate
from chalicelib.rooms.leaving import HELD_BY_CHOICE_MAX
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, State, Ticket
from chalicelib.store import lanes, records
from chalicelib.visit import arriving, desk, seeing, sweeping
from tests.builders import ANN, BOB, DEE, refused
from tests.visit.walk import Walk
from tests.visit.weather import Died, death, meanwhile, storm


def held() -> dict[str, int]:
    (lane,) = records.lanes([("general", 0)])
    return dict(lane.held)


def step_back(walk: Walk, id: Ticket) -> arriving.Place:
    return arriving.need_more_time(walk.errand(ANN), id=id)


def ann_and_others(walk: Walk, others: int) -> Ticket:
    id = walk.join().id
    walk.crowd(others)
    return id


def test_three_people_go_first_and_then_it_is_their_turn(walk: Walk) -> None:
    id = ann_and_others(walk, 5)
    place = step_back(walk, id)
    assert (place.ahead, place.visit.returns_at, held()) == (3, 4, {str(id): 4})
    walk.on_duty(capacity=9)
    order = [walk.take() for _ in range(6)]
    assert [ticket.n for ticket in order if ticket] == [2, 3, 4, 1, 5, 6]
    assert walk.take() is None
    assert held() == {}


def test_a_call_that_will_never_be_is_not_waited_for(walk: Walk) -> None:
    """Ann lets pass whoever drew the next number; they give it back, so that call never comes. And a doctor who looked
    between the two writes of her step took its entry on the lane for a leftover.

    The torture lost one person in 43,000 claims; this is the way found in which that could be.
    """
    id = walk.join().id
    drawn = lanes.draw("general", 0, Band.STANDARD)
    place = step_back(walk, id)
    assert place.visit.returns_at == drawn[0].n == 2
    lanes._give_back([drawn])
    records.let_go(("general", 0), id, 2)
    walk.on_duty()
    assert walk.take() is None, "her number leads to nobody, and there is no other"
    swept = sweeping.sweep(walk.errand(SYSTEM))
    assert swept.brought_to_front == 1
    assert walk.take() == id


def test_if_nobody_else_waits_it_is_their_turn_at_once(walk: Walk) -> None:
    id = walk.join().id
    step_back(walk, id)
    walk.on_duty()
    assert walk.take() == id


def test_at_the_front_again_one_may_step_back_again_three_times_in_all(walk: Walk) -> None:
    id = ann_and_others(walk, 12)
    walk.on_duty(capacity=10)
    for times in (1, 2, 3):
        step_back(walk, id)
        with refused("You have already let other people go first", kind=TooLate):
            step_back(walk, id)
        while records.visit(id).ticket is None:
            walk.take()
            walk.place(ANN, id)
        assert records.visit(id).step_backs == times
    with refused("already stepped back 3 times", kind=TooLate):
        step_back(walk, id)


def test_the_patients_own_look_brings_them_back_when_their_moment_has_come(walk: Walk) -> None:
    id = ann_and_others(walk, 5)
    step_back(walk, id)
    walk.on_duty(capacity=9)
    for _ in range(3):
        assert walk.place(ANN, id).visit.ticket is None
        walk.take()
    back = walk.place(ANN, id).visit
    assert back.ticket == Ticket("general", 0, Band.RECALL, 1)
    assert held() == {}
    assert walk.take() == id


def test_who_stepped_back_may_leave_expire_or_be_cancelled(walk: Walk) -> None:
    for end in (
        lambda id: arriving.leave(walk.errand(ANN), id=id),
        lambda id: desk.cancel_visit(walk.errand(DEE), id=id, why="Home."),
    ):
        id = walk.join().id
        step_back(walk, id)
        end(id)
        assert held() == {}
    id = walk.closed_upon().id
    step_back(walk, id)
    desk.expire(walk.errand(DEE), id=id)
    assert held() == {}
    walk.on_duty()
    assert walk.take() is None


def test_the_desk_sees_those_who_stepped_back_too(walk: Walk) -> None:
    id = ann_and_others(walk, 2)
    step_back(walk, id)
    assert {v.id.n for v in desk.see_queue(walk.errand(DEE), department="general").waiting} == {1, 2, 3}


def test_once_called_there_is_no_stepping_back(walk: Walk) -> None:
    id = walk.taken()
    with refused("A doctor is ready for you now", kind=TooLate):
        step_back(walk, id)
    assert held() == {}


def test_taken_while_stepping_back_one_is_taken_and_no_note_is_left(walk: Walk) -> None:
    id = ann_and_others(walk, 3)
    walk.on_duty()
    with meanwhile("TransactWriteItems", walk.take), refused("A doctor is ready for you now", kind=TooLate):
        step_back(walk, id)
    assert records.visit(id).state is State.ASSIGNED
    walk.on_duty(capacity=9)
    while walk.take():
        pass
    assert held() == {}


def test_called_already_but_not_yet_taken_it_is_too_late_to_step_back(walk: Walk) -> None:
    id = ann_and_others(walk, 1)
    walk.on_duty()

    def tap() -> None:
        with refused("You are being called right now", kind=TooLate):
            step_back(walk, id)

    with meanwhile("TransactWriteItems", tap):
        assert walk.take() == id


def test_two_taps_on_two_pages_are_one_step_back_and_nobody_is_forgotten(walk: Walk) -> None:
    """The later tap loses, and must not take the winner's note off the lane."""
    id = ann_and_others(walk, 5)
    with (
        meanwhile("TransactWriteItems", lambda: step_back(walk, id)),
        refused("You have already let other people go first", kind=TooLate),
    ):
        step_back(walk, id)
    assert records.visit(id).returns_at == 4
    assert held() == {str(id): 4}
    assert id in {v.id for v in desk.see_queue(walk.errand(DEE), department="general").waiting}


def test_a_message_in_between_does_not_stop_a_step_back(walk: Walk) -> None:
    id = ann_and_others(walk, 5)
    with meanwhile("TransactWriteItems", lambda: seeing.say(walk.errand(ANN), id=id, text="Wait", epoch=None)):
        place = step_back(walk, id)
    assert place.visit.returns_at == 4
    assert held() == {str(id): 4}


@pytest.mark.parametrize("at", [2, 3])
def test_a_step_back_killed_half_way_leaves_at_most_a_harmless_note(walk: Walk, at: int) -> None:
    id = ann_and_others(walk, 1)
    with pytest.raises(Died), death(at, before=at == 3):
        step_back(walk, id)
    assert held() == {str(id): 2}
    assert records.visit(id).ticket is not None, "the place is still there"
    walk.on_duty()
    assert walk.take() == id
    walk.on_duty(capacity=9)
    assert walk.take() is not None
    assert walk.take() is None
    assert held() == {}


def test_a_throttled_step_back_can_be_done_again(walk: Walk) -> None:
    id = ann_and_others(walk, 5)
    errand = walk.errand(ANN, "slow")
    with pytest.raises(Busy), storm(begins=3):
        arriving.need_more_time(errand, id=id)
    assert arriving.need_more_time(errand, id=id).visit.returns_at == 4
    assert held() == {str(id): 4}


def test_only_twelve_may_step_back_at_once_and_a_doctor_still_says_not_there_of_eight(walk: Walk) -> None:
    id = ann_and_others(walk, 1)
    for n in range(100, 112):
        assert records.hold(("general", 0), Ticket("general", 0, Band.STANDARD, n), 1000, HELD_BY_CHOICE_MAX)
    assert not records.hold(("general", 0), id, 4, HELD_BY_CHOICE_MAX)
    for n in range(112, 120):
        assert records.hold(("general", 0), Ticket("general", 0, Band.STANDARD, n), 1000)
    assert not records.hold(("general", 0), id, 4)
    with refused("Too many people are stepping back", kind=TooLate):
        step_back(walk, id)
    assert records.visit(id).ticket == id


def test_the_twelfth_and_the_thirteenth_at_the_same_moment(walk: Walk) -> None:
    id = ann_and_others(walk, 1)
    for n in range(100, 111):
        records.hold(("general", 0), Ticket("general", 0, Band.STANDARD, n), 1000)
    last = Ticket("general", 0, Band.STANDARD, 111)
    before = records.visit(id)
    with (
        meanwhile("UpdateItem", lambda: records.hold(("general", 0), last, 1000)),
        refused("Too many people are stepping back"),
    ):
        step_back(walk, id)
    assert records.visit(id) == before
    assert len(held()) == HELD_BY_CHOICE_MAX


def test_a_leftover_note_of_somebody_who_is_gone_is_forgotten(walk: Walk) -> None:
    gone = walk.join().id
    arriving.leave(walk.errand(ANN), id=gone)
    records.hold(("general", 0), gone, 1)
    records.hold(("general", 0), Ticket("general", 0, Band.STANDARD, 77), 1)  # nobody at all
    bob = walk.join(BOB)
    walk.on_duty()
    assert walk.take() == bob.id
    while held():
        assert walk.take() is None
    assert records.lanes([("general", 0)])[0].everybody == 0
