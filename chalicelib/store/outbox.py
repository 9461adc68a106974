"""The outbox: messages written together with what they are about, found when due, and moved on one step at a time."""

from datetime import datetime
from typing import TypeVar

from pynamodb.exceptions import UpdateError

from chalicelib.refusal import Stale
from chalicelib.rooms.notice import Kind, Notice, Wake, Way
from chalicelib.rooms.phone import Claim, Proof
from chalicelib.rooms.queue import Ticket
from chalicelib.store.outbox_rows import NoticeRow, WakeRow
from chalicelib.store.rows import Row
from chalicelib.store.shapes import SHAPES, record_of, visit_pk
from chalicelib.store.writing import actions_of, in_reach

T = TypeVar("T", Notice, Wake, Claim, Proof)
LIST_MAX = 200  # as many as closing sends home from a department at once


def notices_due(now: datetime, most: int) -> list[Notice]:
    """What is to be sent by now, the longest due first. A moment old: sending begins with a `move`."""
    with in_reach():
        found = Row.by_stage.query("outbox", Row.since <= now, limit=most)
        return [record_of(Notice, row) for row in found if isinstance(row, NoticeRow)]


def notices_lost(since: datetime) -> list[Notice]:
    """The dead letters: what was given up after `since`, the newest first."""
    with in_reach():
        found = Row.by_stage.query("unsent", Row.since > since, scan_index_forward=False, limit=LIST_MAX)
        return [record_of(Notice, row) for row in found if isinstance(row, NoticeRow)]


def notices_of(visit: Ticket) -> list[Notice]:
    """What was written to the patient of this visit, as far as the outbox remembers it."""
    keys = [(visit_pk(visit), f"Z#{kind}#{way}") for kind in Kind for way in Way]  # of each, one row, written over
    with in_reach():
        found = Row.batch_get(keys, consistent_read=True)
        return [record_of(Notice, row) for row in found if isinstance(row, NoticeRow)]


def move(changed: T) -> T:
    """Write one step of something that was read, and give it as it is then. Raises Stale if another was first."""
    shape = SHAPES[type(changed)]
    row = shape.row(*shape.key(changed))
    try:
        with in_reach():
            row.update(actions=actions_of(changed), condition=shape.row.version == changed.version)
    except UpdateError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            raise Stale from error
        raise
    return record_of(type(changed), row)


def wake(visit: Ticket) -> Wake | None:
    """Where this patient's browser can be woken."""
    with in_reach():
        try:
            return record_of(Wake, WakeRow.get(visit_pk(visit), "Z#wake", consistent_read=True))
        except WakeRow.DoesNotExist:
            return None
