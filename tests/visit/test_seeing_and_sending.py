"""Seeing and sending at their worst moments: two who decide at once, late writes, codes, and what nobody loses."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.refusal import NotAllowed, NotFound, Refusal, TooLate
from chalicelib.rooms import delivery, prescription
from chalicelib.rooms.consult import NoteState, Outcome
from chalicelib.rooms.delivery import CODE_TRIES_MAX, Way
from chalicelib.rooms.permission import Actor
from chalicelib.rooms.queue import State, Ticket
from chalicelib.store import chain, records
from chalicelib.visit import arriving, seeing, sending, taking, watching
from tests.builders import ADA, ANN, BO, BOB, COLE, CYD, DEE, KIM, SAM, SOAP, a_line, refused
from tests.visit.walk import CODE, Walk, table
from tests.visit.weather import meanwhile


def order(id: Ticket) -> delivery.Order:
    found = records.newest_order(id)
    assert found is not None
    return found


def medicine(id: Ticket) -> prescription.Prescription:
    found = records.newest_prescription(id)
    assert found is not None
    return found


def review(walk: Walk, who: Any, id: Ticket, *, approve: bool, number: int = 1) -> prescription.Prescription:
    return sending.review(walk.errand(who), id=id, number=number, approve=approve, reason="Too much.")


def choose(walk: Walk, id: Ticket, way: Way = Way.DELIVERY, code: str = CODE) -> delivery.Order:
    return sending.choose_delivery(
        walk.errand(ANN), id=id, way=way, address="1 River Road", phone="13800001234", code=code
    )


def test_signing_twice_signs_once(walk: Walk) -> None:
    id = walk.taken()
    with meanwhile("TransactWriteItems", lambda: walk.sign(id)), refused("already ended", kind=TooLate):
        walk.sign(id, summary="Other words.")
    with refused("already ended", kind=TooLate):
        walk.sign(id)
    file = records.file(id)
    assert (file.visit.summary, [n.state for n in file.notes]) == ("Rest and drink.", [NoteState.SIGNED])


def test_a_signature_that_comes_after_the_patient_went_on_is_refused_and_the_words_are_kept(walk: Walk) -> None:
    id = walk.taken()
    seeing.save_note(walk.errand(ADA), id=id, epoch=1, soap={**SOAP, "plan": "My long plan."})
    seeing.hand_back(walk.errand(ADA), id=id, epoch=1, reason="Called away.")
    walk.on_duty(BO)
    assert walk.take(BO) == id
    before = table()
    with refused("Another doctor has this patient now", kind=TooLate):
        walk.sign(id, epoch=1)
    assert table() == before
    (note,) = records.file(id).notes
    assert (note.state, note.plan) == (NoteState.SET_ASIDE, "My long plan.")


def test_a_message_does_not_stop_a_signature_nor_a_signature_a_message(walk: Walk) -> None:
    id = walk.taken()
    with meanwhile("TransactWriteItems", lambda: seeing.say(walk.errand(ANN), id=id, text="Thanks", epoch=None)):
        assert walk.sign(id).state is State.COMPLETED
    bob = walk.taken(BOB)
    with meanwhile("TransactWriteItems", lambda: walk.sign(bob)), refused("already ended", kind=TooLate):
        seeing.say(walk.errand(BOB), id=bob, text="One more thing", epoch=None)


def test_an_autosave_that_meets_the_signature_is_refused(walk: Walk) -> None:
    id = walk.taken()
    seeing.save_note(walk.errand(ADA), id=id, epoch=1, soap=SOAP)
    with meanwhile("TransactWriteItems", lambda: walk.sign(id)), refused("already ended", kind=TooLate):
        seeing.save_note(walk.errand(ADA), id=id, epoch=1, soap={**SOAP, "plan": "-"})
    (note,) = records.file(id).notes
    assert (note.state, note.plan) == (NoteState.SIGNED, "Rest.")


def test_signing_while_the_lease_is_lost_one_of_the_two_happens(walk: Walk) -> None:
    id = walk.taken()
    late = records.visit(id).lease_until
    look = lambda: arriving.see_ticket(walk.errand(ANN, at=late), id=id)  # noqa: E731
    with meanwhile("TransactWriteItems", look), refused("went back to the queue", kind=TooLate):
        walk.sign(id)
    assert records.visit(id).state is State.WAITING
    walk.on_duty(BO)
    assert walk.take(BO) == id
    late = records.visit(id).lease_until
    with meanwhile("TransactWriteItems", lambda: walk.sign(id, by=BO)):
        assert arriving.see_ticket(walk.errand(ANN, at=late), id=id).visit.state is State.COMPLETED


def test_amending_keeps_every_byte_that_was_signed(walk: Walk) -> None:
    id = walk.signed()
    key = (f"V#{id}", "N#001")
    signed = table()[key]
    seeing.amend(walk.errand(ADA), id=id, soap={**SOAP, "plan": "Tea."})
    kept = table()[key]
    assert {name for name in signed if signed[name] != kept[name]} == {"state", "version"}
    assert [(n.state, n.plan, n.replaces) for n in records.file(id).notes] == [
        (NoteState.AMENDED, "Rest.", None),
        (NoteState.SIGNED, "Tea.", 1),
    ]
    with meanwhile("TransactWriteItems", lambda: seeing.amend(walk.errand(ADA), id=id, soap=SOAP)):
        seeing.amend(walk.errand(ADA), id=id, soap={**SOAP, "plan": "Soup."})
    assert [n.replaces for n in records.file(id).notes] == [None, 1, 2, 3], "one after the other, none lost"


def test_amending_needs_a_signed_note(walk: Walk) -> None:
    id = walk.taken()
    with pytest.raises(NotFound):
        seeing.amend(walk.errand(ADA), id=id, soap=SOAP)


def test_a_note_and_a_prescription_are_signed_together_or_not_at_all(walk: Walk) -> None:
    id = walk.taken()
    before = table()
    for wrong in ({"lines": (a_line(days=99),)}, {"soap": {**SOAP, "assessment": ""}}, {"summary": ""}, {"lines": ()}):
        with pytest.raises(Refusal):
            walk.sign(id, **{"outcome": Outcome.PRESCRIPTION, "lines": (a_line(),), **wrong})
    assert table() == before


def test_approving_and_returning_at_once_the_first_decides_and_the_second_is_told_who(walk: Walk) -> None:
    id = walk.prescribed()
    with (
        meanwhile("TransactWriteItems", lambda: review(walk, KIM, id, approve=False)),
        refused("Kim has already returned this prescription", kind=TooLate),
    ):
        review(walk, SAM, id, approve=True)
    assert medicine(id).state is prescription.State.RETURNED


def test_a_pharmacist_decides_about_what_they_saw(walk: Walk) -> None:
    id = walk.returned()
    seeing.revise(walk.errand(ADA), id=id, lines=(a_line(days=1),), confirmed=False)
    with refused("The doctor has changed this prescription", kind=TooLate):
        review(walk, SAM, id, approve=True, number=1)
    assert review(walk, SAM, id, approve=True, number=2).state is prescription.State.EFFECTIVE
    assert [p.state for p in records.file(id).prescriptions] == [
        prescription.State.RETURNED,
        prescription.State.EFFECTIVE,
    ]
    assert records.visit(id).prescribed == 2


def test_returned_ones_are_on_the_doctors_list_until_answered(walk: Walk) -> None:
    id = walk.returned()
    assert [p.visit for p in taking.work(walk.errand(ADA)).returned] == [id]
    assert taking.work(walk.errand(BO)).returned == []
    assert sending.to_review(walk.errand(SAM)) == []
    seeing.revise(walk.errand(ADA), id=id, lines=(a_line(days=1),), confirmed=False)
    assert taking.work(walk.errand(ADA)).returned == []
    assert [p.number for p in sending.to_review(walk.errand(SAM))] == [2]


def test_a_revoked_one_is_on_nobodys_list_and_cannot_be_used(walk: Walk) -> None:
    id = walk.approved()
    with (
        meanwhile("TransactWriteItems", lambda: seeing.revoke(walk.errand(ADA), id=id, reason="Allergy.")),
        refused("cancelled", kind=TooLate),
    ):
        choose(walk, id)
    assert records.newest_order(id) is None
    assert sending.to_review(walk.errand(SAM)) == []


def test_two_orders_at_once_are_one(walk: Walk) -> None:
    id = walk.approved()
    with (
        meanwhile("TransactWriteItems", lambda: choose(walk, id, Way.PICK_UP)),
        refused("You have already chosen", kind=TooLate),
    ):
        choose(walk, id)
    assert [(o.number, o.way) for o in records.file(id).orders] == [(1, Way.PICK_UP)]


def test_a_new_code_does_not_make_a_repeat_another_order(walk: Walk) -> None:
    id = walk.approved()
    errand = walk.errand(ANN, "once")
    typed = {"id": id, "way": Way.DELIVERY, "address": "1 River Road", "phone": "13800001234"}
    first = sending.choose_delivery(errand, **typed, code="111111")
    again = sending.choose_delivery(errand, **typed, code="222222")
    assert first.code == again.code == "111111"


def test_after_a_cancelled_parcel_the_patient_may_choose_again(walk: Walk) -> None:
    id = walk.ordered()
    sending.cancel_order(walk.errand(ANN), id=id)
    assert medicine(id).state is prescription.State.EFFECTIVE
    assert choose(walk, id, Way.PICK_UP).number == 2
    assert medicine(id).state is prescription.State.RESERVED


def test_cancelling_and_packing_at_once(walk: Walk) -> None:
    id = walk.ordered()
    with (
        meanwhile("TransactWriteItems", lambda: sending.cancel_order(walk.errand(ANN), id=id)),
        refused("was cancelled", kind=TooLate),
    ):
        sending.pick(walk.errand(SAM), id=id)
    choose(walk, id)
    with meanwhile("TransactWriteItems", lambda: sending.pick(walk.errand(SAM), id=id)):
        assert sending.cancel_order(walk.errand(ANN), id=id).state is delivery.State.CANCELLED, "still in the pharmacy"


def test_cancelling_a_parcel_that_is_just_leaving(walk: Walk) -> None:
    id = walk.checked()
    with (
        meanwhile("TransactWriteItems", lambda: sending.hand_over(walk.errand(COLE), id=id)),
        refused("has left the pharmacy", kind=TooLate),
    ):
        sending.cancel_order(walk.errand(DEE), id=id)
    assert medicine(id).state is prescription.State.DISPENSED


@pytest.mark.parametrize(
    ("ready", "do"),
    [
        (lambda walk: walk.ordered(), lambda walk, who, id: sending.pick(walk.errand(who), id=id)),
        (lambda walk: walk.picked(Way.PICK_UP), lambda walk, who, id: sending.check(walk.errand(who), id=id)),
        (lambda walk: walk.checked(), lambda walk, who, id: sending.hand_over(walk.errand(who), id=id)),
    ],
    ids=["pick", "check", "hand over"],
)
def test_two_people_at_one_parcel_only_one_has_it(walk: Walk, ready: Callable, do: Callable) -> None:
    id = ready(walk)
    first, second = (CYD, COLE) if order(id).state is delivery.State.CHECKED else (KIM, DEE)
    with meanwhile("TransactWriteItems", lambda: do(walk, first, id)), refused("moved on", kind=TooLate):
        do(walk, second, id)
    assert order(id).steps[-1].by == first.id


def test_whoever_packed_it_does_not_check_it(walk: Walk) -> None:
    id = walk.picked()
    with refused("another person must check it", kind=NotAllowed):
        sending.check(walk.errand(SAM), id=id)


def test_wrong_codes_are_counted_and_the_fifth_ends_it(walk: Walk) -> None:
    id = walk.handed_over()
    for n in range(1, CODE_TRIES_MAX + 1):
        left = CODE_TRIES_MAX - n
        with refused(f"Tries left: {left}." if left else "wrong too often", field="code" if left else None):
            sending.deliver(walk.errand(COLE), id=id, code="000000")
        assert order(id).wrong_codes == n
    with refused("wrong too often", kind=TooLate):
        sending.deliver(walk.errand(COLE), id=id, code=CODE)
    answers = sorted(line.answer for line in records.audit(f"V#{id}") if line.deed == "wrong_code")
    assert answers == [f"wrong code {left}" for left in range(CODE_TRIES_MAX)]
    assert sending.bring_back(walk.errand(COLE), id=id).state is delivery.State.RETURNED


def test_two_wrong_codes_at_once_are_two(walk: Walk) -> None:
    id = walk.handed_over()

    def wrong() -> None:
        with refused("not the patient's code"):
            sending.deliver(walk.errand(COLE), id=id, code="000000")

    with meanwhile("TransactWriteItems", wrong):
        wrong()
    assert order(id).wrong_codes == 2


def test_the_right_code_proves_the_delivery(walk: Walk) -> None:
    id = walk.handed_over()
    assert sending.deliver(walk.errand(COLE), id=id, code=CODE).state is delivery.State.DELIVERED
    assert [line.answer for line in records.audit(f"V#{id}") if line.deed == "deliver"] == ["delivered"]
    for state in delivery.State:
        assert sending.orders(walk.errand(SAM), states=(state,)) == [], "a delivered parcel is on nobody's list"


@pytest.mark.parametrize(
    ("who", "read"),
    [
        (ADA, lambda errand, id: seeing.open_visit(errand, id=id)),
        (ADA, lambda errand, id: seeing.messages(errand, id=id, after="")),
        (SAM, lambda errand, id: sending.see_prescription(errand, id=id)),
        (COLE, lambda errand, id: sending.see_order(errand, id=id)),
    ],
    ids=["visit", "messages", "prescription", "parcel"],
)
def test_whoever_reads_leaves_a_line_and_a_quarter_of_an_hour_later_another(walk: Walk, who: Actor, read: Any) -> None:
    id = walk.ordered()
    looks = lambda: [line.actor.id for line in records.audit(f"V#{id}") if line.deed == "look"]  # noqa: E731
    for _ in range(2):
        read(walk.errand(who), id)
        assert looks() == [who.id]
    read(walk.errand(who, at=walk.now + timedelta(minutes=15)), id)
    assert looks() == [who.id] * 2


def test_a_patients_own_look_is_nobodys_business(walk: Walk) -> None:
    id = walk.ordered()
    seeing.open_visit(walk.errand(ANN), id=id)
    seeing.messages(walk.errand(ANN), id=id, after="")
    assert "look" not in {line.deed for line in records.audit(f"V#{id}")}


def test_there_is_nothing_to_send_before_there_is_a_prescription(walk: Walk) -> None:
    id = walk.signed()
    for ask in (
        lambda: choose(walk, id),
        lambda: sending.see_prescription(walk.errand(SAM), id=id),
        lambda: sending.see_order(walk.errand(SAM), id=id),
        lambda: sending.pick(walk.errand(SAM), id=id),
        lambda: review(walk, SAM, id, approve=True),
        lambda: seeing.revise(walk.errand(ADA), id=id, lines=(a_line(),), confirmed=False),
    ):
        with pytest.raises(NotFound):
            ask()


@pytest.mark.parametrize("after", ["", "0", "M", "~", "~~~", "\U0010ffff", "20300107T090000.000000-r1", "王"])
def test_listening_after_anything_at_all_is_answered(walk: Walk, after: str) -> None:
    """`after` comes from an address line, so it may be anything."""
    id = walk.taken()
    said = seeing.say(walk.errand(ANN), id=id, text="Hello", epoch=None)
    expected = [] if after > said.id else [said.id]
    assert [m.id for m in seeing.messages(walk.errand(ANN), id=id, after=after)] == expected


def test_a_trail_before_its_beginning_is_empty(walk: Walk) -> None:
    id = walk.taken()
    for n in range(2 * chain.TAIL_MAX):
        seeing.open_visit(walk.errand(ADA, at=walk.now + timedelta(hours=n)), id=id)
    for before in (1, 0, -5):
        assert watching.who_opened(walk.errand(ANN), id=id, before=before).entries == ()
