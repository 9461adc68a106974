"""Work lists: what stands at a stage and waits for somebody, found by the index, so a moment old."""

from collections.abc import Iterable
from typing import TypeVar

from chalicelib.rooms.complaint import Complaint
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.erasure import Erasure
from chalicelib.rooms.prescription import Prescription
from chalicelib.store import rows
from chalicelib.store.rows import Row
from chalicelib.store.shapes import SHAPES, readable
from chalicelib.store.writing import in_reach

T = TypeVar("T")
LIST_MAX = 50
SEARCHED_MAX = 500  # rows of a work list looked through for one person's


def to_review() -> list[Prescription]:
    return _by_stage(Prescription, "review")


def returned_to(doctor: str) -> list[Prescription]:
    return _by_stage(Prescription, f"returned#{doctor}")


def orders(states: Iterable[OrderState], *, doctor: str | None = None) -> list[Order]:
    """Parcels in these states, oldest first, at most LIST_MAX of each; of those that came back the newest.

    With `doctor`, only those of this doctor's patients.
    """
    found: list[Order] = []
    for state in states:
        newest = state is OrderState.RETURNED  # nothing happens to these any more, so the list only grows
        all = _by_stage(Order, f"order#{state}", newest=newest, most=SEARCHED_MAX)
        found += [order for order in all if doctor in (None, order.doctor) and not order.erased][:LIST_MAX]
    return sorted(found, key=lambda order: order.created_at)


def complaints() -> list[Complaint]:
    """What patients say went wrong and nobody has answered yet, the oldest first."""
    return _by_stage(Complaint, "complaint")


def erasures() -> list[Erasure]:
    """What patients asked to be erased, the newest first."""
    return _by_stage(Erasure, "erasure", newest=True)


def _by_stage(kind: type[T], stage: str, *, newest: bool = False, most: int = LIST_MAX) -> list[T]:
    row = SHAPES[kind].row
    with in_reach():
        found = Row.by_stage.query(stage, limit=most, scan_index_forward=not newest)
        return list(readable(kind, (r for r in found if isinstance(r, row | rows.BrokenRow))))
