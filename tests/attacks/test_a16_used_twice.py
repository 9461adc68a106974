"""A16: one prescription, medicine twice: two people give it out at the same instant, or one of them again.

Whoever comes in between runs to the end between the other's look and the other's write, which is the worst instant.
"""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.refusal import Refusal
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.prescription import State
from chalicelib.store import records
from chalicelib.visit import sending
from tests.attacks import breaks
from tests.builders import ANN, COLE, CYD, KIM, SAM
from tests.visit.walk import CODE, Walk

pytestmark = pytest.mark.usefixtures("clinic_on_moto")


class Interrupted:
    """The store, in which somebody else's deed happens just before the first write."""

    def __init__(self, meanwhile: Callable[[], Any]) -> None:
        self.meanwhile: Callable[[], Any] | None = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def save(self, *changes: object, audit: Any) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        records.save(*changes, audit=audit)


def _wins(deed: Callable[[], Any], won: list[str], who: str) -> Callable[[], None]:
    def do() -> None:
        try:
            deed()
        except Refusal:
            return
        won.append(who)

    return do


def handed_out_twice() -> None:
    walk, won = Walk(), list[str]()
    id = walk.checked()
    second = _wins(lambda: sending.hand_over(walk.errand(CYD), id=id), won, "Cyd")
    walk.records = Interrupted(second)  # type: ignore[assignment]
    first = walk.errand(COLE)
    walk.records = records
    _wins(lambda: sending.hand_over(first, id=id), won, "Cole")()
    assert won == ["Cyd"]
    found = records.newest_prescription(id)
    assert found
    assert found.state is State.DISPENSED


def test_two_who_hand_out_one_parcel_at_once_hand_out_one() -> None:
    handed_out_twice()


def test_both_would_if_a_save_forgot_what_it_was_decided_on() -> None:
    breaks.gets_through(handed_out_twice, "a16 a save forgets the version")


def test_two_orders_at_once_are_one() -> None:
    walk, won = Walk(), list[str]()
    id = walk.approved()
    said = {"id": id, "way": Way.PICK_UP, "address": "", "phone": "13800001234", "code": CODE}
    second = _wins(lambda: sending.choose_delivery(walk.errand(ANN), **said), won, "her phone")
    walk.records = Interrupted(second)  # type: ignore[assignment]
    first = walk.errand(ANN)
    walk.records = records
    _wins(lambda: sending.choose_delivery(first, **said), won, "her tablet")()
    assert won == ["her phone"]
    assert len(records.file(id).orders) == 1


def test_what_was_used_is_used_for_everybody() -> None:
    walk = Walk()
    id = walk.handed_over(Way.PICK_UP)
    for who in (SAM, KIM):
        with pytest.raises(Refusal):
            sending.hand_over(walk.errand(who), id=id)
    said = {"id": id, "way": Way.PICK_UP, "address": "", "phone": "13800001234", "code": CODE}
    with pytest.raises(Refusal):
        sending.choose_delivery(walk.errand(ANN), **said)
