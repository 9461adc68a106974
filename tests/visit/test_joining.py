"""Joining: one open visit per person and department, holes in the numbers, and the way out."""

import itertools

import pytest

from chalicelib.refusal import NotFound, TooLate
from chalicelib.rooms.arrival import KEPT, ForWhom, Stage
from chalicelib.rooms.queue import Band, State, Ticket, Visit
from chalicelib.store import lanes, records
from chalicelib.store.lanes import HISTORY_MAX
from chalicelib.store.rows import GuardRow, LaneRow
from chalicelib.visit import arriving
from tests.builders import ADA, ANN, BOB, EVE, a_visit, refused
from tests.visit.walk import Walk, person, table, visits
from tests.visit.weather import meanwhile

LANE = ("L#general#0", "L")


def kind_at(ticket: Ticket) -> str:
    return str(table()[(f"V#{ticket}", "V")]["kind"]["S"])


def standard(n: int) -> Ticket:
    return Ticket("general", 0, Band.STANDARD, n)


def test_numbers_are_drawn_one_after_the_other_in_each_band_and_department(walk: Walk) -> None:
    walk.crowd(2)
    walk.crowd(1, Band.URGENT)
    walk.crowd(1, Band.FOLLOW_UP)
    walk.crowd(1, department="children")
    assert [str(visit.id) for visit in visits()] == [
        "general.0.2.1",
        "general.0.2.2",
        "general.0.1.1",
        "general.0.3.1",
        "children.0.2.1",
    ]


def test_somebody_who_waits_already_is_shown_their_visit(walk: Walk) -> None:
    first = walk.join()
    again = walk.join(why="I forgot that I asked")
    assert again.id == first.id
    assert again.answers.why == first.answers.why
    assert len(visits()) == 1


def test_while_the_doctor_has_them_it_is_still_the_same_visit(walk: Walk) -> None:
    id = walk.taken()
    assert walk.join().id == id


def test_one_waits_in_two_departments_but_not_twice_in_one(walk: Walk) -> None:
    assert walk.join().id != walk.join(department="children").id
    assert len(visits()) == 2


def test_after_a_visit_has_ended_one_may_come_again(walk: Walk) -> None:
    first = walk.signed()
    second = walk.join()
    assert second.id != first
    arriving.leave(walk.errand(ANN), id=second.id)
    assert walk.join().id not in (first, second.id)


def test_the_request_of_an_ended_visit_still_leads_to_that_visit(walk: Walk) -> None:
    request = walk.request()
    first = walk.join(request=request)
    arriving.leave(walk.errand(ANN), id=first.id)
    again = walk.join(request=request)
    assert (again.id, again.state) == (first.id, State.CANCELLED)
    assert len(visits()) == 1


def test_of_many_visits_the_newest_are_remembered(walk: Walk) -> None:
    old = [str(standard(n)) for n in range(1000, 1000 + HISTORY_MAX)]
    GuardRow(f"P#{person(ANN.id)}", "A#general", visit=Ticket.of(old[-1]), request="r", open=False, visits=old).save()
    new = walk.join()
    guard = GuardRow.get(f"P#{person(ANN.id)}", "A#general")
    assert guard.visits == [*old[1:], str(new.id)]


def test_a_number_whose_patient_never_arrived_is_stepped_over_for_good(walk: Walk) -> None:
    hole, _ = records.draw("general", 0, Band.STANDARD)
    bob = walk.join(BOB)
    walk.on_duty()
    assert walk.take() == bob.id
    assert kind_at(hole) == "tombstone"
    assert walk.take() is None


def test_a_patient_who_was_only_late_draws_again(walk: Walk) -> None:
    """The number is called between its drawing and the writing of its visit."""
    walk.on_duty()
    called: list[Ticket | None] = []
    with meanwhile("TransactWriteItems", lambda: called.append(walk.take())):
        visit = walk.join()
    assert called == [None]
    assert visit.id == standard(2)
    assert kind_at(standard(1)) == "tombstone"
    assert walk.take() == visit.id


def test_a_patient_who_arrives_while_the_tombstone_is_on_its_way_is_taken(walk: Walk) -> None:
    """The doctor finds nobody behind the number; before the tombstone is there, the visit is."""
    walk.on_duty()
    ticket, _ = records.draw("general", 0, Band.STANDARD)
    visit = a_visit(id=ticket, person=person(ANN.id), version=None)

    def the_slow_joiner_arrives() -> None:
        line = walk.errand(ANN, visit.request).entry("join", f"P#{visit.person}")
        records.join([("general", 0)], Band.STANDARD, person=visit.person, make=lambda *_: visit, audit=line)

    with meanwhile("PutItem", the_slow_joiner_arrives):
        assert walk.take() == ticket
    assert records.visit(ticket).doctor == ADA.id


def test_somebody_else_who_joins_at_the_same_moment_gets_another_number(walk: Walk) -> None:
    with meanwhile("TransactWriteItems", lambda: walk.join(BOB)):
        ann = walk.join()
    assert ann.id == standard(1)
    assert sorted(visit.id.n for visit in visits()) == [1, 2]


def test_the_same_person_on_two_phones_at_once_has_one_visit(walk: Walk) -> None:
    others: list[Visit] = []
    with meanwhile("TransactWriteItems", lambda: others.append(walk.join())):
        mine = walk.join()
    assert mine.id == others[0].id
    assert len(visits()) == 1


def test_who_leaves_is_out_and_cannot_leave_twice(walk: Walk) -> None:
    visit = walk.join()
    gone = arriving.leave(walk.errand(ANN), id=visit.id)
    assert (gone.state, gone.ended_why) == (State.CANCELLED, "patient")
    with refused("already left", kind=TooLate):
        arriving.leave(walk.errand(ANN), id=visit.id)
    walk.on_duty()
    assert walk.take() is None


def test_the_promise_made_at_the_door_is_kept_with_the_visit(walk: Walk) -> None:
    walk.on_duty()
    walk.join(BOB)
    visit = walk.join()
    assert visit.promise == (10, 30)  # one doctor, one person ahead, 8 minutes each: 12.8 to 25.6
    assert records.visit(visit.id).promise == (10, 30)


def test_a_number_drawn_for_nothing_while_others_draw_is_not_counted_as_a_person(walk: Walk) -> None:
    """Two forms of one person at the same moment: one of the numbers cannot be taken back any more."""
    first = walk.join()
    lost = lanes.draw("general", 0, Band.STANDARD)
    bob = walk.join(BOB)
    lanes._give_back([lost])
    assert (lost[0].n, bob.id.n) == (2, 3)
    (lane,) = records.lanes([("general", 0)])
    assert lane.people(Band.STANDARD) == 2
    assert walk.place(BOB, bob.id).ahead == 1
    walk.on_duty()
    assert [walk.take(), walk.take()] == [first.id, bob.id]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_several_taps_at_the_same_moment_leave_nobody_who_is_counted(walk: Walk, order: tuple[int, ...]) -> None:
    """In whatever order the numbers come back of which none was needed."""
    ann = walk.join()
    lost = [lanes.draw("general", 0, Band.STANDARD) for _ in order]
    bob = walk.join(BOB)
    for n in order:
        lanes._give_back([lost[n]])
    (lane,) = records.lanes([("general", 0)])
    assert lane.people(Band.STANDARD) == 2
    eve = walk.join(EVE)
    assert [walk.place(who, visit.id).ahead for who, visit in ((BOB, bob), (EVE, eve))] == [1, 2]
    walk.on_duty(capacity=3)
    assert [walk.take() for _ in range(3)] == [ann.id, bob.id, eve.id]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_same_without_anybody_behind_them(walk: Walk, order: tuple[int, ...]) -> None:
    walk.join()
    lost = [lanes.draw("general", 0, Band.STANDARD) for _ in order]
    for n in order:
        lanes._give_back([lost[n]])
    (lane,) = records.lanes([("general", 0)])
    assert lane.people(Band.STANDARD) == 1
    bob = walk.join(BOB)
    assert walk.place(BOB, bob.id).ahead == 1


def test_a_lane_is_one_small_item_whatever_waits_in_it(walk: Walk) -> None:
    walk.crowd(5)
    assert set(table()[LANE]) <= {*LaneRow.get_attributes()}
    (lane,) = records.lanes([("general", 0)])
    assert lane.tails == (0, 0, 5, 0)


def test_answers_nobody_went_on_with_are_gone_after_two_days_and_can_still_be_deleted(walk: Walk) -> None:
    """The table may take days to remove them; nobody can go on with them, and deleting twice is told the same."""
    arriving.begin(walk.errand(), holder="phone", language="en", flags=("none",))
    walk.now += KEPT
    with pytest.raises(NotFound):
        arriving.answer(walk.errand(), holder="phone", step="who", for_whom=ForWhom.ME, name="Ann", age=40, guardian="")
    once, again = (arriving.forget(walk.errand(request="forget"), holder="phone") for _ in range(2))
    assert once.stage is again.stage is Stage.CANCELLED


def test_a_number_given_back_again_by_a_repeated_request_stays_whose_it_is_now(walk: Walk) -> None:
    """The answer to a give-back is lost and it is sent again; meanwhile somebody drew the same number, and waits."""
    lost = lanes.draw("general", 0, Band.STANDARD)
    lanes._give_back([lost])
    ann = walk.join()
    assert ann.id == lost[0], "the same number, drawn again"
    lanes._give_back([lost])
    (lane,) = records.lanes([("general", 0)])
    assert lane.people(Band.STANDARD) == 1, "and she is counted"
    walk.on_duty()
    assert walk.take() == ann.id, "nobody else need come for her to be called"


def test_a_number_given_back_twice_is_not_counted_as_less_than_nobody(walk: Walk) -> None:
    """The lane counted -1 people then, and told a doctor that many had just left."""
    lost = lanes.draw("general", 0, Band.STANDARD)
    lanes._give_back([lost])
    lanes._give_back([lost])
    (lane,) = records.lanes([("general", 0)])
    assert lane.everybody == 0
    walk.on_duty()
    assert walk.take() is None
