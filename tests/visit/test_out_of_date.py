"""Nothing leaves the pharmacy on a prescription that is out of date, and the way back from there is short."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.refusal import NotAllowed, TooLate
from chalicelib.rooms import delivery, prescription
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.permission import Actor
from chalicelib.store import records
from chalicelib.visit import sending
from chalicelib.visit.errand import Errand
from tests.builders import ANN, COLE, DEE, KIM, SAM, refused
from tests.visit.walk import CODE, Walk, differ, table

LATE = timedelta(days=3, minutes=1)
STEPS = [
    (Walk.ordered, sending.pick, SAM),
    (Walk.picked, sending.check, KIM),
    (Walk.checked, sending.hand_over, COLE),
]


def late(walk: Walk, who: Actor) -> Errand:
    errand = walk.errand(who)
    return replace(errand, now=errand.now + LATE)


@pytest.mark.parametrize(("ready", "deed", "who"), STEPS, ids=["pick", "check", "hand over"])
def test_r16_out_of_date_in_the_pharmacy_nothing_is_written_and_it_goes_back(
    walk: Walk, ready: Callable[[Walk], Any], deed: Callable[..., Any], who: Actor
) -> None:
    id = ready(walk)
    before = table()
    with refused("stays in the pharmacy", kind=TooLate):
        deed(late(walk, who), id=id)
    assert not differ(before, table())
    sending.cancel_order(late(walk, SAM), id=id)
    order, kept = records.newest_order(id), records.newest_prescription(id)
    assert order is not None
    assert kept is not None
    assert (order.state, kept.state) == (delivery.State.CANCELLED, prescription.State.EXPIRED)
    assert kept.dispensed_at is None
    with refused("has not approved", kind=TooLate):
        sending.choose_delivery(late(walk, ANN), id=id, way=Way.PICK_UP, address="", phone="13800001234", code=CODE)


@pytest.mark.parametrize("who", [ANN, DEE], ids=["patient", "desk"])
def test_while_it_is_good_a_cancelled_parcel_leaves_it_to_be_used(walk: Walk, who: Actor) -> None:
    id = walk.checked()
    with refused("while its prescription is good", kind=NotAllowed):
        sending.cancel_order(walk.errand(SAM), id=id)
    sending.cancel_order(walk.errand(who), id=id)
    kept = records.newest_prescription(id)
    assert kept is not None
    assert kept.state is prescription.State.EFFECTIVE
