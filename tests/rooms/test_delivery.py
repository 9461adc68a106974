"""Delivery: the order, the second person, the courier, the patient's code, failed attempts, pick-up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotAllowed, SeveralRefusals, TooLate
from chalicelib.rooms import delivery
from chalicelib.rooms.delivery import ADDRESS_MAX, ATTEMPTS_MAX, CODE_TRIES_MAX, REASON_MAX, Order, State, Way
from chalicelib.rooms.prescription import VALID
from chalicelib.rooms.prescription import State as PrescriptionState
from tests.builders import COLE, CYD, KIM, MINUTE, NOW, SAM, a_line, a_prescription, an_order, refused

LATER = NOW + MINUTE
GOOD = a_prescription(state=PrescriptionState.EFFECTIVE)


def open_order(prescription=GOOD, **said: object) -> Order:
    typed = {"way": Way.DELIVERY, "address": "1 River Road", "phone": "138 0000 1234", "number": 1, "now": NOW}
    return delivery.open_order(prescription, patient="Ann Li", code="123456", policy="demo-1", **{**typed, **said})


def pick_up(state: State = State.CREATED, **changes: object) -> Order:
    return an_order(state=state, way=Way.PICK_UP, address="", **changes)


def test_an_order_is_what_was_approved_and_where_it_goes() -> None:
    assert open_order() == an_order(version=None)


def test_for_a_pick_up_no_address_is_kept() -> None:
    order = open_order(way=Way.PICK_UP, address="not needed")
    assert (order.way, order.address) == (Way.PICK_UP, "")


def test_what_is_missing_is_told_at_once() -> None:
    with pytest.raises(SeveralRefusals) as caught:
        open_order(address=" ", phone="no")
    assert [one.field for one in caught.value.refusals] == ["address", "phone"]
    with refused("At most 200", field="address"):
        open_order(address="x" * (ADDRESS_MAX + 1))
    assert open_order(address="王" * ADDRESS_MAX)
    with refused("Enter a phone number", field="phone"):
        open_order(way=Way.PICK_UP, phone="")


@pytest.mark.parametrize("state", sorted(set(PrescriptionState) - {PrescriptionState.EFFECTIVE}))
def test_no_order_before_it_is_effective_and_none_after_it_was_revoked_or_used(state: PrescriptionState) -> None:
    with refused("was cancelled" if state is PrescriptionState.REVOKED else "has not approved", kind=TooLate):
        open_order(a_prescription(state=state))


def test_no_order_on_one_that_is_out_of_date() -> None:
    with refused("out of date", kind=TooLate):
        open_order(now=NOW + VALID + timedelta(seconds=1))


def test_the_parcels_way_from_the_shelf_to_the_door() -> None:
    order = delivery.pick(an_order(), by=SAM.id, now=LATER)
    assert (order.state, order.picker) == (State.PICKING, SAM.id)
    order = delivery.check(order, by=KIM.id, now=LATER)
    assert (order.state, order.checker) == (State.CHECKED, KIM.id)
    order = delivery.hand_over(order, by=COLE.id, is_courier=True, now=LATER)
    assert (order.state, order.courier) == (State.HANDED_OVER, COLE.id)
    order, right = delivery.deliver(order, by=COLE.id, is_courier=True, code=" 123456 ", now=LATER)
    assert right
    assert order.state is State.DELIVERED
    assert [(step.state, step.by) for step in order.steps] == [
        (State.CREATED, "patient"),
        (State.PICKING, SAM.id),
        (State.CHECKED, KIM.id),
        (State.HANDED_OVER, COLE.id),
        (State.DELIVERED, COLE.id),
    ]


def test_another_person_checks_what_one_packed() -> None:
    with refused("another person must check it", kind=NotAllowed):
        delivery.check(an_order(state=State.PICKING), by=SAM.id, now=LATER)


def test_couriers_take_deliveries_and_the_pharmacy_hands_out_pick_ups() -> None:
    with refused("A courier takes deliveries", kind=NotAllowed):
        delivery.hand_over(an_order(state=State.CHECKED), by=SAM.id, is_courier=False, now=LATER)
    with refused("A courier takes deliveries", kind=NotAllowed):
        delivery.hand_over(pick_up(State.CHECKED), by=COLE.id, is_courier=True, now=LATER)


def test_whoever_is_at_the_counter_hands_out_a_pick_up_for_its_code() -> None:
    ready = delivery.hand_over(pick_up(State.CHECKED), by=SAM.id, is_courier=False, now=LATER)
    given, right = delivery.deliver(ready, by=KIM.id, is_courier=False, code="123456", now=LATER)
    assert right
    assert given.state is State.DELIVERED


def test_a_pick_up_nobody_came_for_is_taken_back_by_whoever_is_there() -> None:
    ready = delivery.hand_over(pick_up(State.CHECKED), by=SAM.id, is_courier=False, now=LATER)
    assert delivery.bring_back(ready, by=KIM.id, is_courier=False, now=LATER).state is State.RETURNED


def test_a_wrong_code_is_counted_and_five_of_them_are_the_end() -> None:
    order = an_order(state=State.HANDED_OVER)
    for n in range(1, CODE_TRIES_MAX + 1):
        order, right = delivery.deliver(order, by=COLE.id, is_courier=True, code="000000", now=LATER)
        assert (right, order.wrong_codes, order.state) == (False, n, State.HANDED_OVER)
    with refused("wrong too often", kind=TooLate):
        delivery.deliver(order, by=COLE.id, is_courier=True, code="123456", now=LATER)
    assert delivery.bring_back(order, by=COLE.id, is_courier=True, now=LATER).state is State.RETURNED


def test_the_right_code_after_four_wrong_ones_is_right() -> None:
    order = an_order(state=State.HANDED_OVER, wrong_codes=CODE_TRIES_MAX - 1)
    assert delivery.deliver(order, by=COLE.id, is_courier=True, code="123456", now=LATER)[1]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "123 456", "１２３４５６"])
def test_nearly_the_code_is_not_the_code(code: str) -> None:
    assert not delivery.deliver(an_order(state=State.HANDED_OVER), by=COLE.id, is_courier=True, code=code, now=LATER)[1]


def test_a_parcel_is_delivered_failed_and_brought_back_by_the_courier_who_has_it() -> None:
    order = an_order(state=State.HANDED_OVER)
    for do in (
        lambda: delivery.deliver(order, by=CYD.id, is_courier=True, code="123456", now=LATER),
        lambda: delivery.fail_attempt(order, by=CYD.id, reason="Nobody there.", now=LATER),
        lambda: delivery.bring_back(order, by=CYD.id, is_courier=True, now=LATER),
    ):
        with refused("Another courier has this parcel", kind=NotAllowed):
            do()


def test_three_attempts_and_then_it_comes_back() -> None:
    order = an_order(state=State.CHECKED)
    for n in range(1, ATTEMPTS_MAX + 1):
        order = delivery.hand_over(order, by=COLE.id, is_courier=True, now=LATER)
        order = delivery.fail_attempt(order, by=COLE.id, reason=" Nobody there. ", now=LATER)
        assert (order.attempts, order.steps[-1].note) == (n, "Nobody there.")
        assert delivery.may_go_out_again(order) is (n < ATTEMPTS_MAX)
    with refused("Three attempts have failed", kind=TooLate):
        delivery.hand_over(order, by=COLE.id, is_courier=True, now=LATER)
    assert delivery.bring_back(order, by=COLE.id, is_courier=True, now=LATER).state is State.RETURNED


def test_the_next_attempt_is_made_by_the_courier_who_has_the_parcel() -> None:
    failed = an_order(state=State.FAILED_ATTEMPT)
    assert delivery.hand_over(failed, by=COLE.id, is_courier=True, now=LATER).courier == COLE.id
    with refused("Another courier has this parcel", kind=NotAllowed):
        delivery.hand_over(failed, by=CYD.id, is_courier=True, now=LATER)


def test_a_courier_has_nothing_to_do_with_what_lies_at_the_counter() -> None:
    ready = an_order(state=State.HANDED_OVER, way=Way.PICK_UP, courier=SAM.id)
    with refused("the pharmacy hands out pick-ups", kind=NotAllowed):
        delivery.deliver(ready, by=COLE.id, is_courier=True, code="123456", now=LATER)
    with refused("the pharmacy hands out pick-ups", kind=NotAllowed):
        delivery.bring_back(ready, by=COLE.id, is_courier=True, now=LATER)


def test_a_failed_attempt_says_what_happened() -> None:
    order = an_order(state=State.HANDED_OVER)
    for empty in ("", " "):
        with refused("Say in a few words what happened", field="reason"):
            delivery.fail_attempt(order, by=COLE.id, reason=empty, now=LATER)
    with refused("At most 200", field="reason"):
        delivery.fail_attempt(order, by=COLE.id, reason="x" * (REASON_MAX + 1), now=LATER)


@pytest.mark.parametrize("state", [State.CREATED, State.PICKING, State.CHECKED])
def test_it_can_be_cancelled_while_it_is_in_the_pharmacy(state: State) -> None:
    assert delivery.cancel(an_order(state=state), by="patient", now=LATER).state is State.CANCELLED


@pytest.mark.parametrize("state", [State.HANDED_OVER, State.FAILED_ATTEMPT, State.DELIVERED, State.RETURNED])
def test_it_cannot_be_cancelled_once_it_has_left(state: State) -> None:
    with refused("has left the pharmacy", kind=TooLate):
        delivery.cancel(an_order(state=state), by="patient", now=LATER)


def test_cancelling_twice_says_so() -> None:
    with refused("was cancelled already", kind=TooLate):
        delivery.cancel(an_order(state=State.CANCELLED), by="patient", now=LATER)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.CANCELLED, "was cancelled"),
        (State.DELIVERED, "has been delivered"),
        (State.RETURNED, "has moved on"),
        (State.CHECKED, "has moved on"),
    ],
)
def test_who_comes_too_late_is_told_what_became_of_the_parcel(state: State, words: str) -> None:
    with refused(words, kind=TooLate):
        delivery.pick(an_order(state=state), by=SAM.id, now=LATER)


def test_who_comes_too_early_is_told_what_is_still_to_be_done() -> None:
    created, picking, checked = (an_order(state=state) for state in (State.CREATED, State.PICKING, State.CHECKED))
    with refused("has not been packed yet", kind=TooLate):
        delivery.deliver(created, by=COLE.id, is_courier=True, code="123456", now=LATER)
    with refused("has not been packed yet", kind=TooLate):
        delivery.check(created, by=KIM.id, now=LATER)
    with refused("has not been checked yet", kind=TooLate):
        delivery.hand_over(picking, by=COLE.id, is_courier=True, now=LATER)
    with refused("has not been handed over yet", kind=TooLate):
        delivery.bring_back(checked, by=COLE.id, is_courier=True, now=LATER)
    with refused("has moved on", kind=TooLate):
        delivery.check(checked, by=KIM.id, now=LATER)


def test_the_patients_parcel_says_how_much_the_prescription_has() -> None:
    two = replace(GOOD, lines=(a_line(), a_line("aspirin")), number=2)
    order = open_order(two, number=3)
    assert (order.medicines, order.prescription, order.number) == (2, 2, 3)
