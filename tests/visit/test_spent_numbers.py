"""Whoever leaves hides nobody, counts as nobody, and uses up nobody's turn, also where no doctor calls past them."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest

from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import GONE_MAX, Band, Lane, State, Ticket, Visit, Why
from chalicelib.rooms.spent import PAGE
from chalicelib.store import records
from chalicelib.store.records import LIST_MAX
from chalicelib.store.rows import LaneRow, Row, TombstoneRow
from chalicelib.visit import arriving, preferring, sweeping, taking
from chalicelib.visit.sweeping import NUMBERS_MAX, STEPS_MAX, Swept
from tests.builders import ADA, ANN, BO, BOB, EVE, MINUTE, NOW, a_clinic, a_department, a_ticket, a_visit
from tests.visit.walk import Walk, table
from tests.visit.weather import meanwhile, watched

MANY = LIST_MAX + 5


def the_lane(lane: tuple[str, int] = ("general", 0)) -> Lane:
    return records.lanes([lane], consistent=True)[0]


def sweep(walk: Walk, at: datetime | None = None) -> Swept:
    swept = sweeping.sweep(walk.errand(SYSTEM, at=at))
    assert swept.failed == []
    return swept


def left(walk: Walk, many: int, band: Band = Band.STANDARD) -> None:
    """So many have drawn a number and gone, told to the lane as far as it remembers."""
    for _ in range(many):
        ticket, _ = records.draw("general", 0, band)
        records.given_up(ticket)
        gone = a_visit(id=ticket, state=State.CANCELLED, version=None, secret=str(ticket))
        records.save(gone, audit=walk.errand(ANN).entry("leave", f"V#{ticket}"))


@pytest.fixture
def nine_to_five(honest_walk: Walk) -> Walk:
    general = replace(a_department(), opens=time(8), closes=time(17))
    honest_walk.clinic = a_clinic(timezone="UTC", departments=(general,))
    return honest_walk


def test_at_closing_time_everybody_goes_home_and_in_the_morning_nobody_waits(nine_to_five: Walk) -> None:
    walk = nine_to_five
    walk.now = NOW.replace(hour=16)
    people = walk.crowd(MANY)
    evening = NOW.replace(hour=17, minute=1)
    assert sum(sweep(walk, evening + n * MINUTE).sent_home for n in range(3)) == MANY
    assert {records.visit(v.id).state for v in people} == {State.EXPIRED}
    lane = the_lane()
    assert (lane.everybody, lane.waiting(Band.STANDARD), lane.gone) == (0, 0, frozenset())

    walk.now = NOW.replace(hour=8, minute=5) + timedelta(days=1)
    (general,) = walk.clinic.departments
    walk.clinic = replace(walk.clinic, departments=(replace(general, waiting_max=MANY - GONE_MAX),))
    walk.on_duty()
    first = walk.join()
    assert walk.place(ANN, first.id).ahead == 0
    assert first.promise == (6, 15), "one doctor, and the guess of one visit"
    assert walk.take() == first.id, "at the first tap"


def test_people_behind_many_who_left_are_seen_in_the_same_minute(honest_walk: Walk) -> None:
    walk = honest_walk
    left(walk, MANY)
    last = walk.join()
    assert [visit.id for visit in records.waiting(the_lane())] == [last.id]
    assert len(records.waiting(replace(the_lane(), held={str(last.id): 99}))) == 1, "once"
    with watched() as asked:
        assert records.waiting(Lane(department="children", tails=(0, 0, 0, 10**6))) == []
    assert len(asked.names) == records.PAGES_MAX, "and not for ever"


def test_the_sweep_steps_over_them_and_calls_nobody(honest_walk: Walk) -> None:
    walk = honest_walk
    walk.crowd(2)
    walk.on_duty(capacity=2)
    walk.take()
    left(walk, GONE_MAX + 3, Band.FOLLOW_UP)
    walk.join(follow_up=True)
    before = the_lane()
    assert before.people(Band.FOLLOW_UP) == 4, "three more than wait"
    sweep(walk)
    after = the_lane()
    assert after.heads == (0, 0, 1, GONE_MAX + 3)
    assert (after.people(Band.FOLLOW_UP), after.gone) == (1, frozenset())
    kept = replace(after, heads=before.heads, gone=before.gone)
    assert kept == before, "no call: the pace, and whose turn it is, stay"
    rows = table()
    sweep(walk)
    assert table()["L#general#0", "L"] == rows["L#general#0", "L"], "nobody else is passed"


def test_one_sweep_passes_no_more_than_it_looks_at_and_the_next_one_the_rest(honest_walk: Walk) -> None:
    most, many = PAGE * STEPS_MAX, PAGE * STEPS_MAX + 7
    with Row.batch_write() as batch:
        for n in range(1, many + 1):
            batch.save(TombstoneRow(f"V#{a_ticket(n)}", "V"))
    LaneRow("L#general#0", "L").update(actions=[LaneRow.kind.set(LaneRow), LaneRow.t2.set(many)])
    visit = honest_walk.join()
    assert most == NUMBERS_MAX
    for passed in (most, many):
        sweep(honest_walk)
        assert the_lane().heads == (0, 0, passed, 0)
        assert records.mark("general", 0).low == (0, 0, passed, 0), "looked at as called numbers are"
    assert records.visit(visit.id).ticket == visit.id


def test_who_let_others_go_first_is_back_when_those_have_left(honest_walk: Walk) -> None:
    walk = honest_walk
    visit = walk.join()
    others = walk.crowd(4)
    arriving.need_more_time(walk.errand(ANN), id=visit.id)
    for other in others[:3]:
        arriving.leave(walk.errand(replace(ANN, id=other.secret)), id=other.id)
    sweep(walk)
    assert records.visit(visit.id).ticket == Ticket("general", 0, Band.RECALL, 1)
    assert the_lane().heads == (0, 0, 4, 0)
    assert records.visit(others[3].id).ticket == others[3].id


def test_nobody_gains_a_place_by_having_asked_for_a_doctor(honest_walk: Walk) -> None:
    """The number in the department is for the way back, and is not passed before a doctor calls past it."""
    walk = honest_walk
    ann, _ = walk.back_to(ADA, ANN, BOB)
    bo = walk.join(EVE, follow_up=True)
    sweep(walk)
    assert the_lane().heads[Band.FOLLOW_UP] < ann.id.n
    back = preferring.first_free(walk.errand(ANN), id=ann.id)
    assert back.ticket == ann.id, "behind nobody, and in front of nobody more urgent"
    assert bo.ticket == bo.id


def test_a_line_of_one_doctor_is_stepped_over_too(honest_walk: Walk) -> None:
    walk = honest_walk
    ann, bob = walk.back_to(ADA, ANN, BOB)
    arriving.leave(walk.errand(ANN), id=ann.id)
    assert the_lane(("~ada", 0)).heads[Band.FOLLOW_UP] == 0
    sweep(walk)
    assert the_lane(("~ada", 0)).heads[Band.FOLLOW_UP] == 1
    assert walk.take() == bob.id


def test_who_is_late_under_a_number_that_was_stepped_over_draws_another(honest_walk: Walk) -> None:
    walk = honest_walk

    def others_come_and_the_sweep() -> None:
        walk.join(BOB)
        sweep(walk)

    with meanwhile("TransactWriteItems", others_come_and_the_sweep):
        visit = walk.join()
    assert the_lane().heads == (0, 0, 1, 0)
    assert visit.ticket == Ticket("general", 0, Band.STANDARD, 3)
    walk.on_duty()
    assert (walk.take(), walk.take()) == (Ticket("general", 0, Band.STANDARD, 2), visit.id)


def test_who_writes_while_their_number_is_being_closed_is_not_stepped_over(honest_walk: Walk) -> None:
    walk = honest_walk
    ticket, _ = records.draw("general", 0, Band.STANDARD)
    walk.join(BOB)
    late = a_visit(id=ticket, ticket=ticket, version=None)
    line = walk.errand(ANN).entry("join", f"V#{ticket}")
    with meanwhile("PutItem", lambda: records.save(late, audit=line)):
        sweep(walk)
    assert the_lane().heads == (0, 0, 0, 0)
    walk.on_duty()
    assert walk.take() == ticket


def test_a_head_that_others_moved_meanwhile_stays_where_they_moved_it(honest_walk: Walk) -> None:
    walk = honest_walk
    left(walk, 3)
    visit = walk.join()
    walk.on_duty()
    seen = the_lane()
    assert walk.take() == visit.id
    assert records.step_over(seen, Ticket("general", 0, Band.STANDARD, 3)) is None
    assert the_lane().heads == (0, 0, 4, 0)


def test_a_number_that_was_given_back_meanwhile_is_not_passed(honest_walk: Walk) -> None:
    left(honest_walk, 2)
    seen = the_lane()
    assert records.step_over(replace(seen, tails=(0, 0, 3, 0)), Ticket("general", 0, Band.STANDARD, 3)) is None
    moved = records.step_over(seen, Ticket("general", 0, Band.STANDARD, 2))
    assert moved == the_lane()
    assert the_lane().heads == (0, 0, 2, 0)


def test_the_turn_of_a_band_is_not_used_up_by_those_who_left(honest_walk: Walk) -> None:
    walk = honest_walk
    left(walk, 10, Band.FOLLOW_UP)
    waiting = [walk.join(BOB, follow_up=True), walk.join(EVE, follow_up=True)]
    walk.crowd(20)
    walk.on_duty(capacity=10)
    taken = [walk.take() for _ in range(10)]
    assert taken.index(waiting[0].id) == 8, "after eight others, as if nobody had left"
    assert records.visit(waiting[0].id).calls[-1].why is Why.THEIR_TURN
    assert None not in taken
    lane = the_lane()
    assert (lane.calls, lane.due[Band.FOLLOW_UP]) == (10, 16), "ten people, ten calls"


def test_a_doctor_taps_once_however_many_left(honest_walk: Walk) -> None:
    walk = honest_walk
    left(walk, 3 * taking.TAKE_TRIES_MAX)
    last: Visit = walk.join()
    walk.on_duty(BO)
    with watched() as asked:
        assert walk.take(BO, departments=("general",)) == last.id
    assert len(asked.names) == 1 + 2 * 2 + 2 + 2, "desk and lane; two called; a look and a step; the third taken"
    assert the_lane().calls == 1
