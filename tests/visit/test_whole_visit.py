"""A whole visit, from the first question to the parcel at the door, and every line the audit keeps of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotFound, TooLate
from chalicelib.rooms import delivery, pocket, prescription, queue
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong
from chalicelib.rooms.consult import NoteState, Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.queue import Band, State, Ticket
from chalicelib.store import records
from chalicelib.visit import arriving, desk, holding, seeing, sending, taking
from chalicelib.visit.errand import about_visit
from tests.builders import ADA, ANN, BO, BOB, COLE, DEE, EVE, KIM, PENICILLIN, SAM, SOAP, a_line, refused
from tests.visit.walk import CODE, Walk, at_the_desk, person


def test_a_patient_walks_through_the_whole_clinic(walk: Walk) -> None:
    id = _from_the_first_question_to_the_ticket(walk)
    taking.go_on_duty(walk.errand(ADA), departments=("general",), capacity=1)
    assert taking.take_next(walk.errand(ADA), departments=("general",)) == id
    _in_the_consult(walk, id)
    _to_the_door(walk, id)
    lines = records.audit(f"V#{id}")
    assert [(line.deed, line.actor.id) for line in sorted(lines, key=lambda line: line.at)] == [
        ("look", ADA.id),
        ("say", ADA.id),
        ("say", ANN.id),
        ("save_note", ADA.id),
        ("sign", ADA.id),
        ("look", SAM.id),
        ("review", SAM.id),
        ("choose_delivery", ANN.id),
        ("pick", SAM.id),
        ("check", KIM.id),
        ("hand_over", COLE.id),
        ("deliver", COLE.id),
    ]
    assert {line.policy for line in lines} == {"demo-1"}


def _from_the_first_question_to_the_ticket(walk: Walk) -> Ticket:
    arriving.begin(walk.errand(), holder="phone", language="en", flags=("none",))
    answer = {
        "who": {"for_whom": ForWhom.ME, "name": "Ann Li", "age": 40, "guardian": ""},
        "what": {"department": "general", "why": "Cough", "allergies": "penicillin", "follow_up": False},
        "how_long": {"how_long": HowLong.DAYS, "getting": Getting.SAME},
        "contact": {"phone": "138 0000 1234"},
    }
    for step, typed in answer.items():
        request = arriving.answer(walk.errand(), holder="phone", step=step, **typed)
    assert arriving.draft(walk.errand(), holder="phone").phone == "13800001234"
    visit = arriving.join(walk.errand(), request=request, secret=ANN.id, person=person("ann"), consented=True)
    assert (visit.id, visit.state, visit.policy) == (Ticket("general", 0, Band.STANDARD, 1), State.WAITING, "demo-1")
    place = arriving.see_ticket(walk.errand(ANN), id=visit.id)
    assert (place.ahead, place.wait) == (0, None)
    return visit.id


def _in_the_consult(walk: Walk, id: Ticket) -> None:
    dossier = seeing.open_visit(walk.errand(ADA), id=id)
    assert dossier.visit.state is State.ASSIGNED
    seeing.say(walk.errand(ADA), id=id, text="How are you?", epoch=1)
    seeing.say(walk.errand(ANN), id=id, text="Better", epoch=None)
    assert [m.text for m in seeing.messages(walk.errand(ANN), id=id, after="")] == ["How are you?", "Better"]
    assert taking.work(walk.errand(ADA)).unanswered == {id}
    seeing.save_note(walk.errand(ADA), id=id, epoch=1, soap={**SOAP, "assessment": ""})
    with refused("Look at the warnings"):
        walk.sign(id, outcome=Outcome.PRESCRIPTION, lines=(a_line(PENICILLIN),))
    done = walk.sign(id, outcome=Outcome.PRESCRIPTION, lines=(a_line(PENICILLIN),), confirmed=True)
    assert (done.state, done.summary, done.prescribed) == (State.COMPLETED, "Rest and drink.", 1)
    assert records.doctor(ADA.id).visits == frozenset()


def _to_the_door(walk: Walk, id: Ticket) -> None:
    assert [p.visit for p in sending.to_review(walk.errand(SAM))] == [id]
    dossier = sending.see_prescription(walk.errand(SAM), id=id)
    assert (dossier.messages, dossier.notes) == ([], []), "a pharmacist does not read the conversation"
    sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="")
    order = sending.choose_delivery(
        walk.errand(ANN), id=id, way=Way.DELIVERY, address="1 River Road", phone="13800001234", code=CODE
    )
    assert order.medicines == 1
    sending.pick(walk.errand(SAM), id=id)
    sending.check(walk.errand(KIM), id=id)
    sending.hand_over(walk.errand(COLE), id=id)
    assert sending.deliver(walk.errand(COLE), id=id, code=CODE).state is delivery.State.DELIVERED
    mine = seeing.open_visit(walk.errand(ANN), id=id)
    assert mine.prescription is not None
    assert mine.prescription.state is prescription.State.DISPENSED
    assert mine.notes == [], "the note is the doctor's; the patient has the summary"


def test_the_next_doctor_reads_the_earlier_visits_of_the_same_person(walk: Walk) -> None:
    first = walk.prescribed()
    second = walk.taken(by=BO)
    history = seeing.open_visit(walk.errand(BO), id=second).history
    assert [(past.visit.id, [n.state for n in past.notes]) for past in history] == [(first, [NoteState.SIGNED])]
    assert history[0].prescription is not None
    assert [v.id for v in taking.work(walk.errand(ADA)).recent] == [first]


def test_a_stranger_finds_nothing_of_a_visit(walk: Walk) -> None:
    id = walk.handed_over()
    for ask in (
        lambda: seeing.open_visit(walk.errand(EVE), id=id),
        lambda: seeing.open_visit(walk.errand(BO), id=id),
        lambda: arriving.see_ticket(walk.errand(EVE), id=id),
        lambda: holding.come_back(walk.errand(), id=id, code=EVE.id, secret=EVE.id),
        lambda: seeing.messages(walk.errand(EVE), id=id, after=""),
        lambda: seeing.messages(walk.errand(BO), id=id, after=""),
        lambda: seeing.say(walk.errand(EVE), id=id, text="x", epoch=None),
        lambda: seeing.say(walk.errand(BO), id=id, text="x", epoch=1),
        lambda: seeing.amend(walk.errand(BO), id=id, soap=SOAP),
        lambda: arriving.leave(walk.errand(EVE), id=id),
        lambda: arriving.need_more_time(walk.errand(EVE), id=id),
        lambda: sending.cancel_order(walk.errand(EVE), id=id),
        lambda: desk.print_ticket(walk.errand(DEE), id=id),
        lambda: arriving.board(walk.errand(), department="brain"),
        lambda: desk.see_queue(walk.errand(DEE), department="brain"),
        lambda: arriving.draft(walk.errand(), holder="nobody"),
        lambda: seeing.open_visit(walk.errand(ANN), id=Ticket("general", 0, Band.STANDARD, 99)),
    ):
        with pytest.raises(NotFound):
            ask()


def test_the_return_link_opens_the_visit_on_another_phone(walk: Walk) -> None:
    """It has a secret of its own from then on: what one phone forgets, the other still has."""
    id, other = walk.join().id, replace(ANN, id="another phone")
    assert holding.come_back(walk.errand(), id=id, code=ANN.id, secret=other.id).lent == (other.id,)
    version = records.visit(id).version
    assert holding.come_back(walk.errand(), id=id, code=ANN.id, secret=other.id).version == version, "nothing to write"
    holding.let_go(walk.errand(), id=id, secret=ANN.id)
    for _ in range(2):
        with pytest.raises(NotFound):
            arriving.see_ticket(walk.errand(ANN), id=id)
    assert arriving.see_ticket(walk.errand(other), id=id).visit.secret == pocket.FORGOTTEN
    for n in range(pocket.LENT_MAX):
        holding.come_back(walk.errand(), id=id, code=other.id if n == 0 else "0", secret=str(n))
    assert records.visit(id).lent == ("0", "1", "2"), "of more than that the first no longer holds it"


def test_everybody_sees_how_long_the_queues_are_and_nobody_in_them(walk: Walk) -> None:
    walk.crowd(3)
    walk.on_duty(ADA)
    waits = {s.department.id: (queue.everybody(s.lanes), s.wait) for s in arriving.waits(walk.errand())}
    assert waits == {"general": (3, (25, 55)), "children": (0, None)}
    board = arriving.board(walk.errand(), department="general")
    assert (board["waiting"], board["on_duty"]) == (3, 1)
    assert "Ann" not in str(board)


def test_a_person_without_a_phone_is_queued_by_the_same_rules(walk: Walk) -> None:
    typed = at_the_desk()
    with refused("no ticket. Help the patient now", kind=TooLate):
        desk.add_person(walk.errand(DEE), **{**typed, "flags": ("stroke",)})
    with refused("only help you if you agree"):
        desk.add_person(walk.errand(DEE), **{**typed, "consented": False})
    visit = desk.add_person(walk.errand(DEE), **typed)
    assert visit.from_desk
    assert visit.answers.phone is None
    assert desk.print_ticket(walk.errand(DEE), id=visit.id).ahead == 0
    assert [one.actor.id for one in records.audit(about_visit(visit.id)) if one.deed == "print_ticket"] == [DEE.id]
    walk.join(BOB)
    assert [v.answers.name for v in desk.see_queue(walk.errand(DEE), department="general").waiting] == [
        "Old Wu",
        "Ann Li",
    ]


def test_the_paper_with_the_way_in_is_not_printed_again_when_the_visit_is_over(walk: Walk) -> None:
    """Its link opens the visit as the patient, whom no list of openings names."""
    visit = desk.add_person(walk.errand(DEE), **at_the_desk())
    desk.cancel_visit(walk.errand(DEE), id=visit.id, why="Went home.")
    with refused("not printed again", kind=TooLate):
        desk.print_ticket(walk.errand(DEE), id=visit.id)


def test_the_desk_cancels_with_a_reason_and_closes_for_the_day(walk: Walk) -> None:
    visit = walk.join()
    with refused("Say in a few words why"):
        desk.cancel_visit(walk.errand(DEE), id=visit.id, why=" ")
    gone = desk.cancel_visit(walk.errand(DEE), id=visit.id, why="Went home.")
    assert (gone.state, gone.ended_why) == (State.CANCELLED, "Went home.")
    late = walk.closed_upon(BOB)
    assert desk.expire(walk.errand(DEE), id=late.id).state is State.EXPIRED
    assert arriving.see_ticket(walk.errand(BOB), id=late.id).visit.ended_why == "closing"


def test_a_prescription_that_ran_out_of_time_is_written_down_by_whoever_looks(walk: Walk) -> None:
    id = walk.approved()
    late = walk.now + prescription.VALID + timedelta(minutes=1)
    for _ in range(2):
        seen = seeing.open_visit(walk.errand(ANN, at=late), id=id).prescription
        assert seen is not None
        assert seen.state is prescription.State.EXPIRED
    kept = records.newest_prescription(id)
    assert kept is not None
    assert kept.state is prescription.State.EXPIRED
    assert [line.deed for line in records.audit(f"V#{id}")].count("expire_prescription") == 1
    with refused("has not approved", kind=TooLate):
        sending.choose_delivery(
            walk.errand(ANN, at=late), id=id, way=Way.PICK_UP, address="", phone="13800001234", code=CODE
        )


def test_a_parcel_that_came_back_is_on_its_doctors_list(walk: Walk) -> None:
    id = walk.handed_over()
    sending.fail_attempt(walk.errand(COLE), id=id, reason="Nobody there.")
    sending.bring_back(walk.errand(COLE), id=id)
    assert [o.visit for o in taking.work(walk.errand(ADA)).came_back] == [id]
    assert taking.work(walk.errand(BO)).came_back == []
    assert [o.visit for o in sending.orders(walk.errand(SAM), states=(delivery.State.RETURNED,))] == [id]
