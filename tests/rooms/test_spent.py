"""Numbers that lead to nobody: which they are, and that none is passed under which somebody may still be called."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.rooms import spent
from chalicelib.rooms.queue import Band, Moved, State, Ticket, Visit, Why, own_lane
from chalicelib.rooms.spent import HOLES_MAX, PAGE
from tests.builders import a_lane, a_queue, a_ticket, a_visit

NUMBERS = [a_ticket(n) for n in range(1, 7)]


def over(*visits: Visit, holes: list[Ticket] | None = None, broken: list[Ticket] | None = None) -> int:
    """How many of the six next numbers are passed."""
    return len(spent.spent(NUMBERS, visits, holes=holes or [], broken=broken or []))


def asked_for_ada(n: int, **changes: object) -> Visit:
    """Waits in Dr Ada's lane, on another number than the one kept in the department."""
    beside = Ticket(*own_lane("ada"), Band.FOLLOW_UP, 9)
    return replace(a_visit(id=a_ticket(n), ticket=beside, beside=beside, prefers="ada"), **changes)  # type: ignore[arg-type]


def test_the_next_numbers_are_those_behind_the_head_a_page_at_most() -> None:
    lane = a_lane(tails=(0, 0, 9, 0), heads=(0, 0, 6, 0))
    assert [ticket.n for ticket in spent.ahead(lane, Band.STANDARD)] == [7, 8, 9]
    assert len(spent.ahead(a_queue(0, 0, PAGE + 1), Band.STANDARD)) == PAGE


def test_whoever_waits_is_never_passed() -> None:
    ended = [a_visit(id=a_ticket(n), state=State.EXPIRED) for n in (1, 2, 4)]
    assert over(*ended, a_visit(id=a_ticket(3))) == 2
    assert over(*ended) == 6, "tombstones, and whoever is called under another number"
    assert over(a_visit(id=a_ticket(77), ticket=a_ticket(2))) == 1, "brought back on a number of their own"


@pytest.mark.parametrize(
    "gone",
    [
        lambda: a_visit(id=a_ticket(1), state=State.CANCELLED),
        lambda: a_visit(id=a_ticket(1), state=State.ASSIGNED),
        lambda: a_visit(id=a_ticket(1), ticket=None, returns_at=4),
        lambda: a_visit(id=a_ticket(1), ticket=a_ticket(1, Band.RECALL)),
        lambda: asked_for_ada(1, state=State.COMPLETED),
        lambda: asked_for_ada(1, state=State.ASSIGNED, prefers=None, calls=a_visit(state=State.ASSIGNED).calls),
    ],
)
def test_a_number_that_was_left_for_good_is_passed(gone: Callable[[], Visit]) -> None:
    assert over(gone(), a_visit(id=a_ticket(2))) == 1


@pytest.mark.parametrize(
    "back",
    [
        lambda: asked_for_ada(1),
        lambda: asked_for_ada(1, ticket=None, returns_at=9),
        lambda: asked_for_ada(1, state=State.ASSIGNED, calls=a_visit(state=State.ASSIGNED).calls),
        lambda: asked_for_ada(1, prefers=None, moved=Moved.BY_CHOICE, ticket=a_ticket(5, Band.RECALL)),
    ],
)
def test_who_asked_for_a_doctor_keeps_the_way_back(back: Callable[[], Visit]) -> None:
    """Passed before anybody was called past it, the number would lead to the front: a gain for having asked."""
    assert over(back()) == 0
    own = back().beside
    assert own is not None
    assert spent.spent([own], [back()], holes=[], broken=[]) == []


def test_a_hole_with_nobody_behind_it_is_left_to_whoever_may_be_writing() -> None:
    assert over(holes=NUMBERS) == 0
    assert over(holes=NUMBERS[3:]) == 3
    assert over(a_visit(id=NUMBERS[4]), holes=NUMBERS[:4]) == 4


def test_no_more_holes_than_are_closed_at_once() -> None:
    numbers = [a_ticket(n) for n in range(1, PAGE)]
    found = spent.spent(numbers, [a_visit(id=numbers[-1])], holes=numbers[:-1], broken=[])
    assert len(found) == HOLES_MAX


def test_what_cannot_be_read_is_not_passed() -> None:
    assert over(broken=[NUMBERS[2]]) == 2
    assert over(broken=[a_ticket(77)]) == 0, "one of the numbers leads to it, and nobody knows which"


def test_the_same_choice_is_made_again_a_number_further() -> None:
    lane, children = a_queue(0, 0, 2), a_queue(0, 0, 1, department="children")
    front = [(lane, Band.STANDARD, Why.THEIR_TURN), (children, Band.STANDARD, Why.THEIR_TURN)]
    further = replace(lane, heads=(0, 0, 1, 0), tails=(0, 3, 2, 0))
    empty = replace(children, heads=(0, 0, 1, 0))
    assert spent.same_again(front, [further, empty]) == [(further, Band.STANDARD, Why.THEIR_TURN)]
    assert spent.same_again(front, [empty]) == []
    assert spent.same_again([], [lane]) == []
