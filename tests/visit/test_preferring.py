"""The doctor one had before: asked for, waited for in that doctor's line, and given up without losing anything."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotFound, Repeated, TooLate
from chalicelib.rooms import assignment
from chalicelib.rooms.arrival import Getting
from chalicelib.rooms.assignment import LEASE, PRESENCE, Doctor
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Lane, Moved, State, Ticket, Visit, Why, own_lane
from chalicelib.store import records
from chalicelib.visit import arriving, desk, preferring, seeing, sweeping, taking
from tests.builders import ADA, ANN, BO, BOB, DEE, EVE, MINUTE, refused
from tests.visit.walk import Walk
from tests.visit.weather import meanwhile

HOUR = timedelta(minutes=60)
AT_ONCE = Ticket("~ada", 0, Band.FOLLOW_UP, 1)


def first_free(walk: Walk, id: Ticket) -> Visit:
    return preferring.first_free(walk.errand(ANN), id=id)


def sweep(walk: Walk) -> sweeping.Swept:
    swept = sweeping.sweep(walk.errand(SYSTEM))
    assert not swept.failed
    return swept


def test_whoever_had_a_doctor_may_wait_for_that_doctor(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    assert (visit.prefers, visit.ticket, visit.beside) == ("ada", AT_ONCE, AT_ONCE)
    assert visit.id == Ticket("general", 0, Band.FOLLOW_UP, 1), "the number in the department is held too"
    walk.on_duty(BO)
    assert walk.take(BO) is None, "others do not get this patient"
    assert walk.take(ADA) == visit.id
    assert records.visit(visit.id).calls[-1].why is Why.ASKED_FOR
    assert walk.sign(visit.id).state is State.COMPLETED


def test_only_a_doctor_one_had_and_only_when_it_is_not_urgent(walk: Walk) -> None:
    walk.on_duty(ADA)
    assert walk.join(ANN, follow_up=True, same_doctor=True).prefers is None, "nobody was had"
    arriving.leave(walk.errand(ANN), id=walk.join(ANN).id)
    for said in ({"follow_up": False}, {"follow_up": True, "getting": Getting.WORSE}):
        walk.sign(walk.taken(ANN))
        visit = walk.join(ANN, same_doctor=True, **said)
        assert (visit.prefers, visit.moved) == (None, None)
        arriving.leave(walk.errand(ANN), id=visit.id)


def test_the_offer_shows_the_trade_and_whether_the_doctor_is_there(walk: Walk) -> None:
    walk.signed()
    walk.crowd(3)
    person = records.visit(Ticket("general", 0, Band.STANDARD, 1)).person
    asked = walk.request(follow_up=True)
    offer = preferring.offer(walk.errand(), asked, person)
    assert offer
    assert (offer.desk.id, offer.name, offer.there) == ("ada", "Dr Ada", True)
    assert offer.wait
    assert offer.first_free
    taking.pause(walk.errand(ADA))
    offer = preferring.offer(walk.errand(), asked, person)
    assert offer
    assert (offer.there, offer.wait) == (False, None)
    visit = walk.join(ANN, request=asked, same_doctor=True)
    assert (visit.prefers, visit.moved, visit.answers.doctor) == (None, Moved.OFF_DUTY, "Dr Ada"), "told, not tricked"


def test_the_two_lines_take_turns_and_the_urgent_go_first(walk: Walk) -> None:
    """One call in two is for those who asked for this doctor, however long the department's queue is."""
    ann, _, _ = walk.back_to(ADA, ANN, BOB, EVE)
    walk.crowd(4)
    walk.on_duty(ADA, capacity=10)
    why = [records.visit(id).calls[-1].why for id in iter(lambda: walk.take(ADA), None)]
    asked = [n for n, reason in enumerate(why) if reason is Why.ASKED_FOR]
    assert (len(why), len(asked)) == (7, 3)
    assert [b - a for a, b in zip(asked, asked[1:], strict=False)] == [2, 2]
    for id in records.doctor("ada").visits:
        walk.sign(id)
    again = walk.join(ANN, follow_up=True, same_doctor=True)
    assert (again.prefers, again.id == ann.id) == ("ada", False)
    urgent = walk.crowd(8, Band.URGENT)
    assert [walk.take(ADA) for _ in range(8)] == [*(v.id for v in urgent[:5]), again.id, urgent[5].id, urgent[6].id]


def test_the_page_shows_both_waits(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    walk.crowd(5)
    place = walk.place(ANN, visit.id)
    assert place.ahead == 0
    assert place.wait == (10, 30), "half of this doctor's calls are for those who asked"
    assert place.first_free == (35, 80), "nothing is known of the pace: the doctor has only begun"
    assert walk.place(ANN, visit.id).visit.promise == place.wait


def test_a_change_of_mind_costs_nothing_and_can_be_undone(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    (other,) = walk.crowd(1, Band.FOLLOW_UP)
    changed = first_free(walk, visit.id)
    assert (changed.ticket, changed.prefers, changed.moved) == (visit.id, None, Moved.BY_CHOICE)
    assert walk.place(ANN, visit.id).ahead == 0, "before whoever joined later"
    with refused("You already wait for the first free doctor", kind=TooLate):
        first_free(walk, visit.id)
    back = preferring.same_doctor(walk.errand(ANN), id=visit.id)
    assert (back.ticket, back.prefers, back.moved) == (AT_ONCE, "ada", None)
    first_free(walk, visit.id)
    walk.on_duty(BO)
    assert [walk.take(BO), walk.take(BO)] == [visit.id, other.id]
    with refused("A doctor is ready for you now", kind=TooLate):
        preferring.same_doctor(walk.errand(ANN), id=visit.id)


def test_the_undo_has_an_end(walk: Walk) -> None:
    visit, bob = walk.back_to(ADA, ANN, BOB)
    first_free(walk, visit.id)
    assert walk.take(ADA) == bob.id, "Ann's number in Dr Ada's line is stepped over"
    back = preferring.same_doctor(walk.errand(ANN), id=visit.id)
    assert back.ticket == back.beside == Ticket("~ada", 0, Band.FOLLOW_UP, 3), "behind who waits there now"
    first_free(walk, visit.id)
    assert preferring.same_doctor(walk.errand(ANN), id=visit.id).ticket == back.ticket
    assert walk.take(ADA) == visit.id
    with refused("A doctor is ready for you now", kind=TooLate):
        preferring.same_doctor(walk.errand(ANN), id=visit.id)
    with refused("This cannot be changed any more", kind=TooLate):
        preferring.same_doctor(walk.errand(EVE), id=walk.join(EVE, follow_up=True).id)


def test_only_the_patient_changes_the_line(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    for deed in (preferring.first_free, preferring.same_doctor):
        with pytest.raises(NotFound):
            deed(walk.errand(EVE), id=visit.id)


def test_whoever_is_called_past_in_the_department_comes_to_its_front(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    late = walk.crowd(2, Band.FOLLOW_UP)
    walk.on_duty(BO, capacity=5)
    assert walk.take(BO) == late[0].id
    changed = first_free(walk, visit.id)
    assert changed.ticket == Ticket("general", 0, Band.RECALL, 1)
    assert [walk.take(BO), walk.take(BO)] == [visit.id, late[1].id]
    assert records.visit(visit.id).calls[-1].why is Why.CALLED_BACK


@pytest.mark.parametrize("who", ["patient", "sweep"])
def test_after_the_limit_it_is_the_first_free_doctor(walk: Walk, who: str) -> None:
    """At the place held since joining; and never again the other way."""
    (visit,) = walk.back_to(ADA)
    walk.crowd(2, Band.FOLLOW_UP)
    walk.now += HOUR - 2 * MINUTE
    assert walk.place(ANN, visit.id).visit.prefers == "ada"
    walk.now += 2 * MINUTE
    walk.on_duty(ADA)  # a sign of life
    if who == "sweep":
        assert (sweep(walk).moved, sweep(walk).moved) == (1, 0)
    place = walk.place(ANN, visit.id)
    assert (place.visit.prefers, place.visit.ticket, place.visit.moved) == (None, visit.id, Moved.TOO_LONG)
    assert place.ahead == 0
    with refused("This cannot be changed any more", kind=TooLate):
        preferring.same_doctor(walk.errand(ANN), id=visit.id)
    walk.on_duty(BO)
    assert walk.take(BO) == visit.id


@pytest.mark.parametrize("how", ["pause", "vanish"])
@pytest.mark.parametrize("who", ["patient", "sweep"])
def test_a_doctor_who_goes_leaves_nobody_waiting_in_vain(walk: Walk, how: str, who: str) -> None:
    (visit,) = walk.back_to(ADA)
    if how == "pause":
        taking.pause(walk.errand(ADA))
    else:
        walk.now += PRESENCE
        sweep(walk)
    if who == "sweep":
        sweep(walk)
        assert records.visit(visit.id).moved is Moved.OFF_DUTY
    place = walk.place(ANN, visit.id)
    assert (place.visit.prefers, place.visit.moved, place.wait) == (None, Moved.OFF_DUTY, None)
    assert place.visit.ticket == visit.id


def test_moved_and_changed_at_once_happens_once(walk: Walk) -> None:
    """The limit passes, the sweep comes, and the patient taps, all at the same moment."""
    (visit,) = walk.back_to(ADA)
    walk.now += HOUR
    with meanwhile("TransactWriteItems", lambda: walk.place(ANN, visit.id)), pytest.raises(TooLate):
        first_free(walk, visit.id)
    assert records.visit(visit.id).moved is Moved.TOO_LONG
    walk.on_duty(BO)
    walk.sign(walk.take(BO) or visit.id, BO)
    (changed,) = walk.back_to(ADA, BOB)
    walk.now += HOUR
    with meanwhile("TransactWriteItems", lambda: preferring.first_free(walk.errand(BOB), id=changed.id)):
        walk.place(BOB, changed.id)
    assert records.visit(changed.id).moved is Moved.BY_CHOICE


def test_called_at_the_very_moment_of_going_back_to_a_number(walk: Walk) -> None:
    """The number in the department was free when it was looked at, and was called before the visit was written."""
    (visit,) = walk.back_to(ADA)
    walk.on_duty(BO)
    with meanwhile("TransactWriteItems", lambda: walk.take(BO)):
        changed = first_free(walk, visit.id)
    assert changed.ticket == Ticket("general", 0, Band.RECALL, 1), "in front, not on a number that is over"
    assert walk.take(BO) == visit.id


def test_nobody_else_gets_a_patient_whose_doctor_calls_at_the_same_moment(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    with (
        meanwhile("TransactWriteItems", lambda: walk.take(ADA)),
        refused("A doctor is ready for you now", kind=TooLate),
    ):
        first_free(walk, visit.id)
    found = records.visit(visit.id)
    assert (found.state, found.doctor) == (State.ASSIGNED, "ada")


def test_letting_others_go_first_works_in_a_doctors_line_too(walk: Walk) -> None:
    visit, *others = walk.back_to(ADA, ANN, BOB, EVE)
    place = arriving.need_more_time(walk.errand(ANN), id=visit.id)
    assert (place.ahead, place.visit.ticket) == (2, None)
    walk.on_duty(ADA, capacity=9)
    assert [walk.take(ADA) for _ in range(4)] == [*(v.id for v in others), visit.id, None]


def test_who_steps_back_and_is_let_down_comes_to_the_departments_line(walk: Walk) -> None:
    visit, _ = walk.back_to(ADA, ANN, BOB)
    arriving.need_more_time(walk.errand(ANN), id=visit.id)
    taking.pause(walk.errand(ADA))
    place = walk.place(ANN, visit.id)
    assert (place.visit.ticket, place.visit.returns_at) == (visit.id, None)
    (own,) = records.lanes([own_lane("ada")])
    assert not own.held


def test_handed_back_it_is_the_first_free_doctor(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    assert walk.take(ADA) == visit.id
    back = seeing.hand_back(walk.errand(ADA), id=visit.id, epoch=1, reason="I have to go")
    assert (back.prefers, back.ticket) == (None, Ticket("general", 0, Band.RECALL, 1))
    walk.on_duty(BO)
    assert walk.take(BO) == visit.id


def test_a_doctor_who_vanishes_is_missed_though_the_departments_line_stands_still(walk: Walk) -> None:
    """Nobody in the department calls anybody, so the patient's own number there is never reached."""
    (visit,) = walk.back_to(ADA)
    walk.crowd(3)
    walk.on_duty(ADA, own_only=True)
    assert walk.take(ADA) == visit.id
    walk.now += PRESENCE + LEASE
    assert sweep(walk).brought_to_front == 1
    again = records.visit(visit.id)
    assert (again.state, again.prefers, again.doctor) == (State.WAITING, None, None)


def test_a_doctor_is_waited_for_only_where_that_doctor_works(walk: Walk) -> None:
    walk.signed()
    person = records.visit(Ticket("general", 0, Band.STANDARD, 1)).person
    walk.on_duty(ADA, "children")
    asked = walk.request(follow_up=True)
    offer = preferring.offer(walk.errand(), asked, person)
    assert offer
    assert (offer.there, offer.wait) == (False, None)
    walk.on_duty(ADA, "children", "general")
    visit = walk.join(ANN, request=asked, same_doctor=True)
    assert visit.prefers == "ada"
    walk.on_duty(ADA, "children")
    assert sweep(walk).moved == 1
    assert records.visit(visit.id).moved is Moved.OFF_DUTY


def test_a_band_that_is_due_in_a_doctors_own_line_is_called(walk: Walk) -> None:
    """The limit of a band holds there too, with more urgent people of the same line before it."""
    own = Lane(department="~ada", tails=(0, 2, 2, 0), calls=40, due=(0, 99, 40, 0))
    desk = Doctor(id="ada", on_duty=True, departments=("general",), others=1)
    ((lane, band, why),) = assignment.next_up(desk, [own], 1)
    assert (lane, band, why) == (own, Band.STANDARD, Why.THEIR_TURN)


def test_not_there_one_keeps_the_place_in_the_doctors_line(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    assert walk.take(ADA) == visit.id
    walk.now += 3 * MINUTE
    away = seeing.not_here(walk.errand(ADA), id=visit.id, epoch=1)
    assert away.prefers == "ada"
    assert arriving.here_now(walk.errand(ANN), id=visit.id).visit.ticket == Ticket("~ada", 0, Band.RECALL, 1)
    assert walk.take(ADA) == visit.id


def test_called_by_a_doctor_who_died_the_patient_is_next_in_the_same_line(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    (own,) = records.lanes([own_lane("ada")])
    records.call(own, Band.FOLLOW_UP, Why.ASKED_FOR, walk.now)
    found = walk.place(ANN, visit.id).visit
    assert (found.prefers, found.ticket) == ("ada", Ticket("~ada", 0, Band.RECALL, 1))
    (own,) = records.lanes([own_lane("ada")])
    records.call(own, Band.RECALL, Why.CALLED_BACK, walk.now)
    assert sweep(walk).brought_to_front == 1, "and without a phone too"
    assert walk.take(ADA) == visit.id


def test_leaving_leaves_both_lines(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    arriving.leave(walk.errand(ANN), id=visit.id)
    walk.on_duty(BO)
    assert (walk.take(ADA), walk.take(BO)) == (None, None)
    assert walk.join(ANN).id != visit.id


def test_the_numbers_people_are_shown_count_each_patient_once(walk: Walk) -> None:
    walk.back_to(ADA, ANN, BOB)
    (stranger,) = walk.crowd(1, Band.FOLLOW_UP)
    (general,) = arriving.standings(walk.errand(), ["general"])
    assert sum(lane.everybody for lane in general.lanes) == 1
    assert walk.place(replace(ANN, id=stranger.secret), stranger.id).ahead == 0
    board = preferring.board(walk.errand(), doctor="ada", name="~x")
    assert (board["department"], board["waiting"], board["on_duty"]) == ("~x", 2, 1)
    assert [v.secret for v in taking.work(walk.errand(ADA)).own] == [ANN.id, BOB.id]
    assert len(desk.see_queue(walk.errand(DEE), department="general").waiting) == 3, "the desk sees them all"


def test_sent_twice_it_is_one_visit_with_two_numbers(walk: Walk) -> None:
    walk.signed()
    asked = walk.request(follow_up=True)
    both = [walk.join(request=asked, same_doctor=True), walk.join(request=asked, same_doctor=True)]
    assert both[0].id == both[1].id
    assert walk.take(ADA) == both[0].id
    assert walk.take(ADA) is None


def test_called_before_the_visit_was_written_it_is_another_number(walk: Walk) -> None:
    """The doctor calls the number that was just drawn, finds nobody and closes it; the late joiner draws another."""
    walk.signed()
    with meanwhile("TransactWriteItems", lambda: walk.take(ADA)):
        visit = walk.join(follow_up=True, same_doctor=True)
    assert visit.ticket == Ticket("~ada", 0, Band.FOLLOW_UP, 2)
    assert walk.take(ADA) == visit.id
    assert walk.take(ADA) is None


# Doctors who take only people who ask for them


def test_a_doctor_for_own_patients_takes_nobody_else(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    (stranger,) = walk.crowd(1)
    walk.on_duty(ADA, own_only=True, capacity=5)
    assert [walk.take(ADA, departments=("general",)) for _ in range(2)] == [visit.id, None]
    assert walk.take(ADA) is None
    walk.on_duty(ADA, capacity=5)
    assert walk.take(ADA) == stranger.id


def test_a_doctor_for_own_patients_is_on_duty_for_nobody_else(walk: Walk) -> None:
    (visit,) = walk.back_to(ADA)
    stranger = walk.crowd(1)[0]
    walk.on_duty(ADA, own_only=True)
    (general,) = arriving.standings(walk.errand(), ["general"])
    assert (general.lanes[0].on_duty, general.wait) == (0, None), "strangers are promised nothing"
    assert walk.place(replace(ANN, id=stranger.secret), stranger.id).wait is None
    place = walk.place(ANN, visit.id)
    assert (place.wait, place.first_free) == ((6, 15), None), "every call is for those who asked"
    sweep(walk)
    assert records.lanes([("general", 0)])[0].on_duty == 0, "and the sweep does not count them either"
    walk.on_duty(ADA)
    assert records.lanes([("general", 0)])[0].on_duty == 1
    walk.on_duty(ADA, own_only=True)
    taking.pause(walk.errand(ADA))
    assert records.lanes([("general", 0)])[0].on_duty == 0


def test_a_department_with_only_doctors_for_their_own_alerts_the_desk_for_strangers_alone(walk: Walk) -> None:
    walk.back_to(ADA)
    walk.on_duty(ADA, own_only=True)
    for _ in range(3):
        walk.now += 8 * MINUTE
        taking.work(walk.errand(ADA))
        assert sweep(walk).desk_alerted == 0
    walk.crowd(1)
    walk.now += 11 * MINUTE
    taking.work(walk.errand(ADA))
    assert sweep(walk).desk_alerted == 1


def test_the_same_duty_sent_twice_counts_once(walk: Walk) -> None:
    errand = walk.errand(ADA)
    for _ in range(2):
        taking.go_on_duty(errand, departments=("general",), capacity=2, own_only=False)
    assert records.lanes([("general", 0)])[0].on_duty == 1
    assert isinstance(records.answered("D#ada", errand.request), Repeated)
