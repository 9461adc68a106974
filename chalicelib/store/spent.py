"""Spent: numbers that nobody waits under any more, remembered for the counts, and stepped over.

A head goes past them in one step that is no call."""

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import size
from pynamodb.expressions.update import Action

from chalicelib.rooms.queue import BANDS, GONE_MAX, Lane, Ticket
from chalicelib.store.rows import LaneRow
from chalicelib.store.shapes import lane_of, lane_pk
from chalicelib.store.writing import in_reach, patiently

_FAILED = "ConditionalCheckFailedException"


def given_up(ticket: Ticket) -> None:
    """Remember a number that nobody waits under any more; said twice it is the same. Only counts that people are
    shown depend on it: when GONE_MAX are remembered, further ones count as waiting until the head has passed them."""
    row = LaneRow(lane_pk(ticket.department, ticket.lane), "L")
    count = size(LaneRow.gone)  # type: ignore[no-untyped-call]  # PynamoDB gives it no types
    room = LaneRow.gone.does_not_exist() | (count < GONE_MAX)
    try:
        with in_reach():
            row.update(actions=[LaneRow.gone.add({f"{int(ticket.band)}.{ticket.n}"})], condition=room)
    except UpdateError as error:
        if error.cause_response_code != _FAILED:
            raise


def step_over(lane: Lane, until: Ticket) -> Lane | None:
    """Every number of the band up to this one was read, and leads to nobody for good. The pace, and from when each band
    is due, stay: nobody was called. None if somebody called since, or a number was given back; look again.
    """
    band = until.band
    head, tail = getattr(LaneRow, f"h{int(band)}"), getattr(LaneRow, f"t{int(band)}")
    as_read = head == lane.heads[band]
    if not lane.heads[band]:
        as_read = head.does_not_exist() | (head == 0)
    actions: list[Action] = [head.set(until.n)]
    heads = dict(zip(BANDS, lane.heads, strict=True)) | {band: until.n}
    if past := {f"{int(b)}.{n}" for b, n in lane.gone if n <= heads[b]}:
        actions.append(LaneRow.gone.delete(past))
    row = LaneRow(lane_pk(lane.department, lane.number), "L")
    try:
        patiently(lambda: row.update(actions=actions, condition=as_read & (tail >= until.n)))
    except UpdateError as error:
        if error.cause_response_code == _FAILED:
            return None
        raise
    return lane_of(lane.department, lane.number, row)
