"""Taking: the fair order on the real counters, numbers called for nobody, and everybody who comes back to the front."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotFound, TooLate
from chalicelib.rooms import promise
from chalicelib.rooms.assignment import BREAK, LEASE, SIGN_OF_LIFE, TAKE_TRIES_MAX
from chalicelib.rooms.consult import NoteState
from chalicelib.rooms.promise import MINUTES_PER_VISIT_GUESS, WINDOW
from chalicelib.rooms.queue import Band, Lane, State, Ticket, Why, as_one, choose
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, taking
from tests.builders import ADA, ANN, BO, BOB, NOW, SOAP, a_lane, called, joined, refused
from tests.visit.walk import Walk, table, waiting
from tests.visit.weather import Died, death, meanwhile


def the_lane() -> Lane:
    (lane,) = records.lanes([("general", 0)])
    return lane


def orphan(walk: Walk) -> Ticket:
    """A patient whose number was called by a doctor who died before taking them."""
    visit = walk.join()
    lane = the_lane()
    assert records.call(lane, Band.STANDARD, Why.FIRST_COME, walk.now)
    return visit.id


@pytest.mark.parametrize("many", [1, 3])
def test_the_counters_move_as_the_rooms_say(walk: Walk, many: int) -> None:
    """The store's one-step call and the plain sum of the fair order agree, whatever comes, in one lane or several."""
    luck = random.Random(7)
    lanes, now = [a_lane(number=n, on_duty=0) for n in range(many)], NOW
    for _ in range(60):
        now += timedelta(seconds=luck.choice((1, 30, 200)))
        whole = as_one(lanes)
        if luck.random() < 0.55 or not (chosen := choose(whole)):
            n, band = luck.randrange(many), luck.choice(list(Band))
            ticket, kept = records.draw("general", n, band)
            lanes[n] = joined(lanes[n], band)
            assert ticket.n == lanes[n].tails[band]
        else:
            n = luck.choice([lane.number for lane in lanes if lane.waiting(chosen[0])])
            instead = whole.calls > 0 and luck.random() < 0.3
            fills = luck.random() < 0.3
            moved = records.call(lanes[n], *chosen, now, whole, instead=instead, fills=fills)
            assert moved is not None
            ticket, kept = moved
            lanes[n] = called(lanes[n], chosen[0], now, whole, instead=instead, fills=fills)
            assert ticket.n == lanes[n].heads[chosen[0]]
        assert kept == lanes[n]


def test_a_doctor_who_takes_many_at_once_is_no_pace(walk: Walk) -> None:
    """Five in a minute, and then one for each that is over. In the morning everybody would read of a fifth of the wait,
    and see it grow."""
    people = walk.crowd(12)
    walk.on_duty(capacity=5)
    begun = [walk.take() for _ in range(5)]
    last = replace(ANN, id=people[-1].secret)
    assert walk.place(last, people[-1].id).wait == promise.said(7 * MINUTES_PER_VISIT_GUESS)
    walk.now += timedelta(minutes=8)
    for id in begun[:2]:
        assert id
        walk.sign(id)
        walk.take()
    assert promise.paced(the_lane()) == 2
    assert promise.seconds_per_call(the_lane(), walk.now) == pytest.approx(60 * MINUTES_PER_VISIT_GUESS / 2, rel=0.02)


def test_one_after_the_other_is_told_as_it_is_from_the_first_call_that_counts(walk: Walk) -> None:
    """Visits of eight minutes, one at a time, with a pause after each to write it up."""
    walk.crowd(9)
    walk.on_duty(capacity=1)
    for _ in range(5):
        id = walk.take()
        assert id
        assert promise.seconds_per_call(the_lane(), walk.now) == pytest.approx(8 * 60, rel=0.02)
        walk.now += timedelta(minutes=7)
        walk.sign(id)
        taking.pause(walk.errand(ADA))
        walk.now += timedelta(minutes=1)
        walk.on_duty(capacity=1)


def test_after_a_long_break_the_room_is_filled_anew(walk: Walk) -> None:
    walk.crowd(4)
    walk.on_duty()
    for rest in (BREAK - timedelta(minutes=1), BREAK):
        id = walk.take()
        assert id
        walk.sign(id)
        taking.pause(walk.errand(ADA))
        walk.now += rest
        walk.on_duty()
    before = promise.paced(the_lane())
    assert walk.take()
    assert (before, promise.paced(the_lane())) == (1, 1)


def test_a_choice_that_no_longer_holds_is_made_again(walk: Walk) -> None:
    walk.crowd(1)
    seen = the_lane()
    walk.crowd(1, Band.URGENT)
    assert records.call(seen, Band.STANDARD, Why.FIRST_COME, NOW) is None, "somebody more urgent came"
    assert records.call(seen, Band.STANDARD, Why.THEIR_TURN, NOW) is not None, "it is their turn, whoever came"
    assert records.call(seen, Band.STANDARD, Why.THEIR_TURN, NOW) is None, "nobody is left there"
    assert records.call(a_lane(department="children"), Band.RECALL, Why.CALLED_BACK, NOW) is None


def test_a_caller_who_read_a_moment_late_does_not_turn_the_rate_window_back(walk: Walk) -> None:
    walk.crowd(4)
    assert records.call(the_lane(), Band.STANDARD, Why.FIRST_COME, NOW)
    seen, turns = the_lane(), NOW + WINDOW
    assert records.call(seen, Band.STANDARD, Why.FIRST_COME, turns)
    assert records.call(seen, Band.STANDARD, Why.FIRST_COME, turns - timedelta(seconds=1))
    lane = the_lane()
    assert lane.window == (turns, 1, seen.tails)
    assert lane.window_before == seen.window


def test_patients_are_taken_in_the_fair_order_and_know_why(walk: Walk) -> None:
    walk.crowd(2)
    walk.crowd(5, Band.URGENT)
    walk.on_duty(capacity=7)
    taken = [walk.take() for _ in range(7)]
    assert None not in taken
    calls = [records.visit(id).calls[-1] for id in taken if id]
    assert [(id.band, call.why) for id, call in zip(taken, calls, strict=True) if id] == [
        *[(Band.URGENT, Why.MORE_URGENT)] * 4,
        (Band.STANDARD, Why.THEIR_TURN),
        (Band.URGENT, Why.MORE_URGENT),
        (Band.STANDARD, Why.FIRST_COME),
    ]
    assert {(call.epoch, call.doctor) for call in calls} == {(1, ADA.id)}
    assert {records.visit(id).ticket for id in taken if id} == {None}, "who is with a doctor has no place in the queue"


def test_nobody_is_said_to_have_been_passed_who_had_left(walk: Walk) -> None:
    walk.crowd(3)
    urgent = walk.crowd(6, Band.URGENT)
    walk.on_duty(capacity=9)
    for _ in range(4):
        walk.take()
    for visit in urgent[4:]:
        arriving.leave(walk.errand(replace(ANN, id=visit.secret)), id=visit.id)
    taken = [id for id in (walk.take() for _ in range(3)) if id]
    assert [id.band for id in taken] == [Band.STANDARD] * 3
    assert {records.visit(id).calls[-1].why for id in taken} == {Why.FIRST_COME}


def test_nobody_waits(walk: Walk) -> None:
    walk.on_duty()
    before = table()
    assert walk.take() is None
    assert table() == before


def test_a_doctor_takes_only_on_duty_with_room_and_where_on_duty(walk: Walk) -> None:
    walk.crowd(3)
    walk.crowd(1, department="children")
    with refused("You are not on duty", kind=TooLate):
        walk.take()
    walk.on_duty(ADA, "children", capacity=1)
    id = walk.take(departments=("general",))  # the page was wrong about where the doctor is
    assert id is not None
    assert id.department == "children"
    with refused("You already have 1 conversation", kind=TooLate):
        walk.take()
    taking.pause(walk.errand(ADA))
    with refused("You are not on duty", kind=TooLate):
        walk.take()
    assert records.doctor(ADA.id).visits == {id}


def test_a_repeated_tap_gets_the_same_patient_and_calls_nobody_else(walk: Walk) -> None:
    walk.crowd(3)
    walk.on_duty()
    first = taking.take_next(walk.errand(ADA, "tap"))
    before = table()
    assert taking.take_next(walk.errand(ADA, "tap")) == first
    assert table() == before


def test_a_tap_repeated_after_a_later_one_gets_its_own_patient_and_loses_nobody(walk: Walk) -> None:
    people = walk.crowd(4)
    walk.on_duty(capacity=4)
    first, second = (taking.take_next(walk.errand(ADA, tap)) for tap in ("one", "two"))
    assert taking.take_next(walk.errand(ADA, "one")) == first
    assert records.doctor(ADA.id).visits == {first, second}
    assert {walk.take(), walk.take()} == {visit.id for visit in people[2:]}


def test_the_board_counts_doctors_as_they_come_and_go(walk: Walk) -> None:
    walk.on_duty(ADA, "general", "children")
    walk.on_duty(BO, "general")
    walk.on_duty(BO, "general", capacity=5)
    assert [lane.on_duty for lane in records.lanes([("general", 0), ("children", 0)])] == [2, 1]
    taking.pause(walk.errand(ADA))
    taking.pause(walk.errand(ADA))
    assert [lane.on_duty for lane in records.lanes([("general", 0), ("children", 0)])] == [1, 0]


def test_many_numbers_of_people_who_left_are_stepped_over_in_one_tap(walk: Walk) -> None:
    for _ in range(TAKE_TRIES_MAX - 1):
        records.draw("general", 0, Band.STANDARD)
    last = walk.join()
    walk.on_duty()
    assert walk.take() == last.id


def test_very_many_are_stepped_over_together(walk: Walk) -> None:
    for _ in range(TAKE_TRIES_MAX + 1):
        records.draw("general", 0, Band.STANDARD)
    last = walk.join()
    walk.on_duty()
    assert walk.take() == last.id
    assert the_lane().calls == 1, "of one person"


def test_one_tap_does_not_look_for_ever(walk: Walk) -> None:
    """Numbers that were drawn and not yet written under, with nobody behind them, are called one by one."""
    for _ in range(TAKE_TRIES_MAX + 1):
        records.draw("general", 0, Band.STANDARD)
    walk.on_duty()
    with refused("Please tap again", kind=TooLate):
        walk.take()
    assert walk.take() is None


def test_a_patient_whose_doctor_died_while_calling_comes_to_the_front_by_looking(walk: Walk) -> None:
    id = orphan(walk)
    walk.join(BOB)
    place = walk.place(ANN, id)
    assert (place.visit.state, place.visit.ticket, place.ahead) == (
        State.WAITING,
        Ticket("general", 0, Band.RECALL, 1),
        0,
    )
    before = table()
    assert walk.place(ANN, id).visit.ticket == place.visit.ticket
    assert table() == before, "looking again changes nothing"
    walk.on_duty()
    assert walk.take() == id, "the same visit under its own name"
    call = records.visit(id).calls[-1]
    assert (call.epoch, call.why) == (1, Why.CALLED_BACK)


def test_two_looks_at_once_bring_them_to_the_front_once(walk: Walk) -> None:
    id = orphan(walk)
    with meanwhile("TransactWriteItems", lambda: walk.place(ANN, id)):
        walk.place(ANN, id)
    aliases = [key for key, item in table().items() if item["kind"]["S"] == "alias"]
    assert len(aliases) == 1
    assert records.visit(id).ticket == Ticket("general", 0, Band.RECALL, 2), "the first to write, with its own number"
    walk.on_duty()
    assert walk.take() == id, "the unused number is stepped over"
    assert walk.take() is None


def test_a_doctor_killed_between_calling_and_taking_loses_nobody(walk: Walk) -> None:
    visit = walk.join()
    walk.on_duty()
    for before in (False, True):
        with pytest.raises(Died), death(3 if before else 2, before=before):
            walk.take(departments=("general",))
        assert records.visit(visit.id).state is State.WAITING
        assert walk.take() is None, "nobody is left to call"
        assert walk.place(ANN, visit.id).visit.ticket is not None
    assert walk.take() == visit.id


def test_a_rescue_killed_half_way_is_done_by_the_next_look(walk: Walk) -> None:
    id = orphan(walk)
    for at in (1, 2, 3):
        with pytest.raises(Died), death(at, before=True):
            walk.place(ANN, id)
    assert walk.place(ANN, id).ahead <= 2
    walk.on_duty()
    assert walk.take() == id


def test_who_leaves_while_being_taken_is_not_taken(walk: Walk) -> None:
    visit, bob = walk.join(), walk.join(BOB)
    walk.on_duty()
    with meanwhile("TransactWriteItems", lambda: arriving.leave(walk.errand(ANN), id=visit.id)):
        assert walk.take() == bob.id
    assert records.visit(visit.id).state is State.CANCELLED
    assert records.doctor(ADA.id).visits == {bob.id}


def test_who_is_taken_while_leaving_leaves_and_the_doctor_is_free(walk: Walk) -> None:
    visit = walk.join()
    walk.on_duty()
    with meanwhile("TransactWriteItems", walk.take):
        gone = arriving.leave(walk.errand(ANN), id=visit.id)
    assert gone.state is State.CANCELLED
    assert records.doctor(ADA.id).visits == frozenset()
    with refused("The patient has left", kind=TooLate):
        seeing.say(walk.errand(ADA), id=visit.id, text="Hello?", epoch=1)


@pytest.mark.parametrize("how", ["pause", "full"])
def test_a_doctor_who_has_no_room_after_all_gives_the_patient_back_at_once(walk: Walk, how: str) -> None:
    visit, bob = walk.join(), walk.join(BOB)
    walk.on_duty(capacity=1)
    on_the_other_page = {"pause": lambda: taking.pause(walk.errand(ADA)), "full": walk.take}[how]
    words = {"pause": "You are not on duty", "full": "You already have 1"}[how]
    with meanwhile("TransactWriteItems", on_the_other_page), refused(words, kind=TooLate):
        walk.take()
    assert records.visit(visit.id).ticket == Ticket("general", 0, Band.RECALL, 1)
    assert records.doctor(ADA.id).visits == ({bob.id} if how == "full" else frozenset())
    walk.on_duty(BO)
    assert walk.take(BO) == visit.id, "the next doctor gets them first"


def test_handed_back_the_patient_is_next_with_the_whole_conversation(walk: Walk) -> None:
    id = walk.taken()
    walk.join(BOB)
    seeing.say(walk.errand(ADA), id=id, text="Hello", epoch=1)
    seeing.save_note(walk.errand(ADA), id=id, epoch=1, soap=SOAP)
    front = seeing.hand_back(walk.errand(ADA), id=id, epoch=1, reason="Not my field.")
    assert (front.state, front.doctor, front.handed_back) == (State.WAITING, None, "Not my field.")
    assert records.doctor(ADA.id).visits == frozenset()
    with refused("went back to the queue", kind=TooLate):
        seeing.say(walk.errand(ADA), id=id, text="One more thing", epoch=1)
    walk.on_duty(BO)
    assert walk.take(BO) == id
    with refused("Another doctor has this patient now", kind=TooLate):
        seeing.save_note(walk.errand(ADA), id=id, epoch=1, soap=SOAP)
    dossier = seeing.open_visit(walk.errand(BO), id=id)
    assert [m.text for m in dossier.messages] == ["Hello"]
    assert [(n.number, n.state, n.assessment) for n in dossier.notes] == [(1, NoteState.SET_ASIDE, "A cold.")]
    assert (dossier.visit.epoch, [c.doctor for c in dossier.visit.calls]) == (2, [ADA.id, BO.id])
    assert seeing.save_note(walk.errand(BO), id=id, epoch=2, soap=SOAP).number == 2


def test_a_doctor_who_vanished_loses_the_patient_when_the_lease_is_over(walk: Walk) -> None:
    id = walk.taken()
    seeing.save_note(walk.errand(ADA), id=id, epoch=1, soap=SOAP)
    held = records.visit(id).lease_until
    assert held is not None
    assert arriving.see_ticket(walk.errand(ANN, at=held - timedelta(seconds=1)), id=id).visit.doctor == ADA.id
    back = arriving.see_ticket(walk.errand(ANN, at=held), id=id).visit
    assert (back.state, back.doctor, back.ticket) == (State.WAITING, None, Ticket("general", 0, Band.RECALL, 1))
    assert records.doctor(ADA.id).visits == frozenset()
    note = records.newest_note(id)
    assert note is not None
    assert (note.state, note.assessment) == (NoteState.SET_ASIDE, "A cold."), "kept and readable"
    with refused("went back to the queue", kind=TooLate):
        walk.sign(id)


def test_a_doctor_on_the_visits_page_keeps_the_patient(walk: Walk) -> None:
    id = walk.taken()
    began = records.visit(id).lease_until
    assert began is not None
    later = began - LEASE + SIGN_OF_LIFE
    for look in (
        lambda at: seeing.open_visit(walk.errand(ADA, at=at), id=id),
        lambda at: seeing.messages(walk.errand(ADA, at=at), id=id, after=""),
        lambda at: seeing.say(walk.errand(ADA, at=at), id=id, text="Hello", epoch=1),
        lambda at: seeing.save_note(walk.errand(ADA, at=at), id=id, epoch=1, soap=SOAP),
    ):
        look(later)
        assert records.visit(id).lease_until == later + LEASE
        later += SIGN_OF_LIFE
    seeing.open_visit(walk.errand(ADA, at=later - SIGN_OF_LIFE), id=id)
    assert [line.deed for line in records.audit(f"V#{id}")].count("alive") == 2, "only when half of it is gone"


def test_a_visit_that_does_not_exist_is_not_brought_back(walk: Walk) -> None:
    with pytest.raises(NotFound):
        walk.place(ANN, Ticket("general", 0, Band.STANDARD, 5))
    assert waiting() == []
