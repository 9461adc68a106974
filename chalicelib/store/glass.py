"""Glass: which records were opened outside somebody's care, and how often by one person."""

from datetime import datetime

from pynamodb.exceptions import DoesNotExist

from chalicelib.refusal import NotFound
from chalicelib.rooms.glass import Pane
from chalicelib.rooms.phone import Counted
from chalicelib.rooms.queue import Ticket
from chalicelib.store.phone_rows import CounterRow
from chalicelib.store.rows import BrokenRow, Row
from chalicelib.store.shapes import pane_key, pane_stage, panes_of, readable, record_of, sound, visit_pk
from chalicelib.store.staff_rows import PaneRow
from chalicelib.store.writing import in_reach

LISTED_MAX = 400  # openings looked through for one page, or in one sweep


def pane(visit: Ticket, by: str) -> Pane | None:
    """The newest time that this person opened this record outside their care."""
    of = panes_of(by)
    with in_reach():
        found = Row.query(
            visit_pk(visit), Row.sk.startswith(of), consistent_read=True, scan_index_forward=False, limit=1
        )
        return next((record_of(Pane, sound(row)) for row in found), None)


def pane_at(visit: Ticket, by: str, at: datetime) -> Pane:
    """The one of that moment. Raises NotFound."""
    try:
        with in_reach():
            return record_of(Pane, sound(PaneRow.get(*pane_key(visit, by, at), consistent_read=True)))
    except DoesNotExist as absent:
        raise NotFound() from absent


def panes(*, reviewed: bool, since: datetime | None = None) -> list[Pane]:
    """Those that a second person has looked at, or has not, a moment old: the oldest first, at most LISTED_MAX; of
    those looked at the newest first."""
    later = Row.since >= since if since else None
    with in_reach():
        found = Row.by_stage.query(
            pane_stage(reviewed), later, limit=LISTED_MAX, scan_index_forward=not (reviewed or since)
        )
        return list(readable(Pane, (row for row in found if isinstance(row, PaneRow | BrokenRow))))


def count_of(counted: Counted) -> int:
    """How far a counter is now."""
    try:
        with in_reach():
            return int(CounterRow.get(f"Q#{counted.about}", "Q", consistent_read=True).sent)
    except DoesNotExist:
        return 0
