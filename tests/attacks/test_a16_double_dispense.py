"""A16, one prescription given out twice: whoever hands it over at the same moment, exactly one has done it."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.refusal import Refusal
from chalicelib.rooms.delivery import State as Parcel
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.prescription import State
from chalicelib.rooms.queue import Ticket
from chalicelib.store import records
from chalicelib.visit import sending
from tests.attacks.breaks import gets_through
from tests.builders import ANN, COLE, CYD, KIM, SAM
from tests.doors.stories import id_of, packed, sheet_of
from tests.people import Cast
from tests.visit.walk import CODE, Walk
from tests.visit.weather import meanwhile

WAYS = {Way.DELIVERY: (COLE, CYD), Way.PICK_UP: (SAM, KIM)}


def given_out(walk: Walk, way: Way) -> Ticket:
    """Two people hand the same parcel over, the second between the first one's look and write."""
    id = walk.checked(way)
    first, second = WAYS[way]
    done: list[str] = []

    def hand_over(who: Any) -> None:
        try:
            sending.hand_over(walk.errand(who), id=id)
            done.append(who.id)
        except Refusal:
            pass

    with meanwhile("TransactWriteItems", lambda: hand_over(second)):
        hand_over(first)
    assert done == [second.id], "exactly one wins, and the other is told"
    return id


def once_at_the_same_moment(walk: Walk, way: Way) -> None:
    id = given_out(walk, way)
    prescribed, parcel = records.newest_prescription(id), records.newest_order(id)
    assert prescribed is not None
    assert parcel is not None
    assert prescribed.state is State.DISPENSED
    assert WAYS[way][0].id not in [step.by for step in parcel.steps if step.state is Parcel.HANDED_OVER]


def never_a_second_time(walk: Walk) -> None:
    """After it was given out: no other hand-over, no other parcel, nothing to pack."""
    id = walk.handed_over()
    to = {"address": "2 River Road", "phone": "13800001234", "code": CODE}
    again: list[Callable[[], object]] = [
        lambda: sending.hand_over(walk.errand(CYD), id=id),
        lambda: sending.choose_delivery(walk.errand(ANN), id=id, way=Way.DELIVERY, **to),
        lambda: sending.pick(walk.errand(KIM), id=id),
    ]
    for deed in again:
        with pytest.raises(Refusal):
            deed()


@pytest.mark.parametrize("way", WAYS)
def test_it_is_given_out_once(walk: Walk, way: Way) -> None:
    once_at_the_same_moment(walk, way)


def test_it_is_not_given_out_again(walk: Walk) -> None:
    never_a_second_time(walk)


def test_a_write_without_its_condition_is_noticed(walk: Walk) -> None:
    gets_through(lambda: once_at_the_same_moment(walk, Way.DELIVERY), "a16 a parcel is written without its condition")


def is_told_to_be_used(cast: Cast) -> None:
    said = [cast.eve.machine("GET", f"/en/check/{sheet_of(cast.ann)}").json["state"]]
    sending.hand_over(cast.errand("cole"), id=id_of(cast.ann))
    said.append(cast.eve.machine("GET", f"/en/check/{sheet_of(cast.ann)}").json["state"])
    assert said == ["kept", "used"]


def test_a_sheet_that_is_shown_elsewhere_is_used_from_the_second_it_was_given_out(cast: Cast) -> None:
    packed(cast, cast.ann)
    is_told_to_be_used(cast)


def test_a_used_sheet_that_says_real_is_noticed(cast: Cast) -> None:
    packed(cast, cast.ann)
    gets_through(lambda: is_told_to_be_used(cast), "a16 a used sheet is real")
