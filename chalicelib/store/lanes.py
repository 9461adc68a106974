"""Lanes: drawing and calling tickets. Cost does not grow with the queue, and two doctors never get one number.

A join adds to a tail, a call adds to a head; each gets a number of its own from one atomic step. A number whose
joiner or caller died in between is a hole or an orphan: holes are tombstoned, orphans go back to the front.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from pynamodb.attributes import UnicodeSetAttribute
from pynamodb.constants import ALL_OLD
from pynamodb.exceptions import CancellationReason, PutError, UpdateError
from pynamodb.expressions.condition import size
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.refusal import Busy, Refusal, Unproven
from chalicelib.rooms.assignment import Claim
from chalicelib.rooms.permission import Entry
from chalicelib.rooms.phone import HELD, Proof
from chalicelib.rooms.promise import turned_window
from chalicelib.rooms.queue import (
    BANDS,
    HELD_MAX,
    ONE_CALL_IN,
    Alias,
    Band,
    Call,
    Lane,
    State,
    Ticket,
    Visit,
    Why,
    asked_for,
)
from chalicelib.rooms.staff import plate
from chalicelib.store.phone_rows import DrawnRow
from chalicelib.store.phones import while_it_holds
from chalicelib.store.rows import AliasRow, DoctorRow, GuardRow, LaneRow, Row, TombstoneRow, VisitRow
from chalicelib.store.shapes import SHAPES, call_text, lane_of, lane_pk, plate_text, sound, values_of, visit_pk
from chalicelib.store.spent import given_up
from chalicelib.store.writing import failed, in_reach, nothing_more, patiently, repeated, transact

JOIN_TRIES_MAX = 10
HISTORY_MAX = 50  # visits remembered per person and department
_FAILED = "ConditionalCheckFailedException"


def read(lanes: list[tuple[str, int]], *, consistent: bool = False) -> list[Lane]:
    """The counters of some lanes, in one request. A moment old: what is decided on them is written on condition."""
    keys = [(lane_pk(department, number), "L") for department, number in lanes]
    with in_reach():
        found: dict[str, Any] = {row.pk: sound(row) for row in Row.batch_get(keys, consistent_read=consistent)}
    return [lane_of(d, n, found.get(lane_pk(d, n))) for d, n in lanes]


def draw(department: str, number: int, band: Band) -> tuple[Ticket, Lane]:
    """The next ticket of a band. Drawn and not used, it is a hole that a call steps over."""
    row = LaneRow(lane_pk(department, number), "L")
    tail = getattr(LaneRow, f"t{int(band)}")
    patiently(lambda: row.update(actions=[LaneRow.kind.set(LaneRow), tail.add(1)]))
    lane = lane_of(department, number, row)
    return Ticket(department, number, band, lane.tails[band]), lane


def call(
    lane: Lane,
    band: Band,
    why: Why,
    now: datetime,
    whole: Lane | None = None,
    *,
    instead: bool = False,
    fills: bool = False,
) -> tuple[Ticket, Lane] | None:
    """Call the band's next number: every caller gets another one. None if the choice no longer holds; look again.

    `whole` is the department as one queue, where it has several lanes. Checked in the same step: somebody is left in
    the band, and, unless it is the band's turn by its limit, nobody waits in a more urgent one of this lane. `instead`:
    a call of this department led to nobody, and this one is made in its stead, so it does not count again. `fills`: it
    is into new room, see `promise.paced`.
    """
    head, tail = getattr(LaneRow, f"h{int(band)}"), getattr(LaneRow, f"t{int(band)}")
    condition = (tail > head) | (head.does_not_exist() & (tail > 0))
    if why is not Why.THEIR_TURN:
        for sooner in BANDS[:band]:
            h, t = getattr(LaneRow, f"h{int(sooner)}"), getattr(LaneRow, f"t{int(sooner)}")
            condition &= t.does_not_exist() | (t == 0) | (h >= t)  # 0: drawn once, and given back
    row = LaneRow(lane_pk(lane.department, lane.number), "L")
    try:
        patiently(
            lambda: row.update(actions=_counting(lane, band, now, whole or lane, instead, fills), condition=condition)
        )
    except UpdateError as error:
        if error.cause_response_code == _FAILED:
            return None
        raise
    lane = lane_of(lane.department, lane.number, row)
    return Ticket(lane.department, lane.number, band, lane.heads[band]), lane


def _counting(lane: Lane, band: Band, now: datetime, whole: Lane, instead: bool, fills: bool) -> list[Action]:
    """One call more: the head, the pace, and from when each band is due."""
    actions: list[Action] = [getattr(LaneRow, f"h{int(band)}").add(1)]
    if not instead:
        actions += [LaneRow.calls.add(1), *([LaneRow.fills.add(1)] if fills else _pace(lane, now))]
    if past := {f"{int(b)}.{n}" for b, n in lane.gone if n <= lane.heads[b]}:
        actions.append(LaneRow.gone.delete(past))
    elsewhere = whole.calls - lane.calls - instead
    calls = LaneRow.calls if lane.calls else LaneRow.calls | 0
    for other in BANDS:
        # The limit of a band counts from its last call, or from when somebody first waits in it; where nobody was
        # ever called, from now.
        if other is band or not whole.waiting(other) or not whole.calls:
            due = getattr(LaneRow, f"d{int(other)}")
            actions.append(due.set(calls + (elsewhere + ONE_CALL_IN[other])))
    return actions


def _pace(lane: Lane, now: datetime) -> list[Action]:
    """A window is written when it turns and not with every call: who read a moment late would turn it back."""
    window, before = turned_window(lane, now)
    if window == lane.window:
        return []
    actions: list[Action] = [LaneRow.window_at.set(window[0]), LaneRow.window_calls.set(window[1])]
    actions.append(LaneRow.window_tails.set(window[2]))
    if before:
        actions += [LaneRow.before_at.set(before[0]), LaneRow.before_calls.set(before[1])]
        actions.append(LaneRow.before_tails.set(before[2]))
    return actions


def join(
    lanes: list[tuple[str, int]],
    band: Band,
    *,
    person: str,
    phone: str = "",
    by: Proof | None = None,
    make: Callable[[list[tuple[Ticket, Lane]]], Visit],
    audit: Entry,
) -> Ticket:
    """Draw a ticket and write the visit with its guard: one active visit per person and department.

    The first of `lanes` is the department's; in another one, of the doctor asked for, a second ticket is drawn, which
    leads to the visit too. With a `phone` the ticket can be found again by its number. `by` is the proof by which
    the person is who they are. Returns the visit's id: the new one, or the one the person already has there. Raises
    Repeated for a request that joined before, and Unproven where the proof ended meanwhile.
    """
    trim: GuardRow | None = None
    for _ in range(JOIN_TRIES_MAX):
        drawn = [draw(department, number, band) for department, number in lanes]
        try:
            visit = make(drawn)
        except Refusal:
            _give_back(drawn)
            raise
        line = replace(audit, answer=str(visit.id))
        reasons = transact(_joining(visit, person, trim, phone, by), line, on=visit_pk(visit.id))
        if not reasons:
            return visit.id
        taken = failed(reasons, 1)  # a caller found the number before its visit was written: it is spent
        _give_back(drawn[1:] if taken else drawn)
        if failed(reasons, 0):
            raise repeated(reasons[0])
        if any(failed(reasons, i) for i in range(len(drawn) + 2 + bool(phone), len(reasons))):
            raise Unproven
        if failed(reasons, len(drawn) + 1):
            guard = _guard(reasons[len(drawn) + 1])
            if guard.open:
                return _told(guard.visit, audit)
            trim = guard  # too long a history: cut in the next try
    raise Busy


def _give_back(drawn: list[tuple[Ticket, Lane]]) -> None:
    """Numbers drawn for nothing: taken back while they are the newest and nobody called them, else counted as given
    up."""
    for ticket, lane in drawn:
        _take_back(ticket, lane.backs)


def _take_back(ticket: Ticket, backs: int) -> None:
    """Once, also where the answer is lost and the request is sent again: by then somebody else may have drawn the same
    number and wait on it, which `backs`, as it was when the number was drawn, gives away."""
    tail, head = getattr(LaneRow, f"t{int(ticket.band)}"), getattr(LaneRow, f"h{int(ticket.band)}")
    unchanged = LaneRow.backs == backs if backs else LaneRow.backs.does_not_exist()
    row = LaneRow(lane_pk(ticket.department, ticket.lane), "L")
    try:
        with in_reach():
            row.update(
                actions=[tail.set(ticket.n - 1), LaneRow.backs.set(backs + 1)],
                condition=(tail == ticket.n) & (head.does_not_exist() | (head < ticket.n)) & unchanged,
            )
    except UpdateError as error:
        if error.cause_response_code != _FAILED:
            raise
        if tombstone(ticket):  # nobody is under it, nor can be any more, also if it was given back before
            given_up(ticket)


def _told(visit: Ticket, audit: Entry) -> Ticket:
    """The visit this person has already; written down, so that the same request is told the same when it has ended."""
    reasons = transact(nothing_more, replace(audit, answer=str(visit)), on=visit_pk(visit))
    if failed(reasons, 0):
        raise repeated(reasons[0])
    return visit


def _joining(
    visit: Visit, person: str, trim: GuardRow | None, phone: str, by: Proof | None
) -> Callable[[TransactWrite], None]:
    shape = SHAPES[Visit]
    put = shape.row(
        *shape.key(visit), version=1, **{name: value for name, value in values_of(visit).items() if value is not None}
    )
    free = GuardRow.pk.does_not_exist() | (GuardRow.open == False)  # noqa: E712  # builds an expression
    if trim is None:
        free &= GuardRow.visits.does_not_exist() | (GuardRow.visits[HISTORY_MAX - 1].does_not_exist())
        visits = GuardRow.visits.set((GuardRow.visits | []).append([str(visit.id)]))
    else:
        free &= GuardRow.visit == trim.visit
        visits = GuardRow.visits.set([*trim.visits[1 - HISTORY_MAX :], str(visit.id)])

    def build(transaction: TransactWrite) -> None:
        transaction.save(put, condition=Row.pk.does_not_exist())
        if visit.beside:
            other = Alias(ticket=visit.beside, visit=visit.id)
            transaction.save(AliasRow(*SHAPES[Alias].key(other), **values_of(other)), condition=Row.pk.does_not_exist())
        transaction.update(
            GuardRow(f"P#{person}", f"A#{visit.id.department}"),
            actions=[
                GuardRow.kind.set(GuardRow),
                GuardRow.visit.set(visit.id),
                GuardRow.request.set(visit.request),
                GuardRow.open.set(True),
                visits,
            ],
            condition=free,
            return_values=ALL_OLD,
        )
        if phone:  # after the others: what was refused is told by its number
            until = int((visit.joined_at + HELD).timestamp())
            transaction.update(
                DrawnRow(f"P#{phone}", f"V#{visit.joined_at.isoformat()}#{visit.id}"),
                actions=[DrawnRow.kind.set(DrawnRow), DrawnRow.visit.set(visit.id), DrawnRow.ttl.set(until)],
                condition=DrawnRow.pk.does_not_exist(),
            )
        if by:
            while_it_holds(transaction, by)

    return build


def _guard(reason: CancellationReason | None) -> GuardRow:
    assert reason is not None
    assert reason.raw_item is not None
    return GuardRow.from_raw_data(reason.raw_item)


def claim(
    ticket: Ticket, call: Call, *, lease_until: datetime, day: str, audit: Entry, fills: int = 0
) -> tuple[Claim, Ticket]:
    """Give the patient behind a called number to the doctor: one effect on visit, doctor's desk and audit. `fills`: how
    many the doctor then holds, if never so many before in this duty.

    Returns what came of it and the visit's id. Raises Repeated if this request took somebody before; the
    number just called is then another patient's, to be brought back.
    """
    id = ticket
    for _ in range(3):  # the number itself, then the visit an alias stands for, then a joiner who was just late
        line = replace(audit, answer=str(id))
        claiming = _claiming(id, ticket, call, lease_until, audit, fills)
        reasons = transact(claiming, line, on=visit_pk(id), stage=f"taken#{call.doctor}#{day}", since=call.at)
        if not reasons:
            return Claim.TAKEN, id
        there = reasons[1].raw_item if reasons[1] else None
        # The number is spent whatever comes of this claim: whoever has drawn it and is late must draw another.
        hole = failed(reasons, 1) and there is None and tombstone(ticket)
        if failed(reasons, 0):
            raise repeated(reasons[0])
        if failed(reasons, 2):
            return Claim.NO_ROOM, id
        if hole:
            return Claim.NOBODY, id
        if there is None:
            continue
        row = Row.from_raw_data(there)
        if not isinstance(row, AliasRow) or id != ticket:
            return Claim.NOBODY, id
        id = row.visit
    return Claim.NOBODY, id


def _claiming(
    id: Ticket, ticket: Ticket, call: Call, lease_until: datetime, audit: Entry, fills: int
) -> Callable[[TransactWrite], None]:
    V, D = VisitRow, DoctorRow
    own = asked_for(ticket) == call.doctor
    room = D.visits.does_not_exist() | (_count(D.visits) < D.capacity)
    room &= D.on_duty == True  # noqa: E712  # builds an expression
    if not own or id != ticket:  # a doctor's lane knows no departments, and the desk may have been read a moment old
        room &= D.departments.contains(id.department)

    def build(transaction: TransactWrite) -> None:
        transaction.update(
            V(visit_pk(id), "V"),
            actions=[
                V.state.set(State.ASSIGNED),
                V.doctor.set(call.doctor),
                V.lease_until.set(lease_until),
                V.epoch.add(1),
                V.version.add(1),
                V.calls.set((V.calls | []).append([call_text(call.doctor, call.at, call.why)])),
                V.plates.set((V.plates | []).append([plate_text(plate(audit.actor))])),
                V.ticket.remove(),
            ],
            condition=(V.state == State.WAITING) & (V.ticket == ticket),
            return_values=ALL_OLD,
        )
        transaction.update(
            D(f"D#{call.doctor}", "D"),
            actions=[
                D.visits.add({str(id)}),
                D.last_request.set(audit.request),
                D.last_visit.set(id),
                D.seen_at.set(call.at),  # whoever takes a patient is there
                D.others.remove() if own else D.others.add(1),
                *([D.most.set(fills)] if fills else []),
                D.version.add(1),
            ],
            condition=room,
        )

    return build


def tombstone(ticket: Ticket) -> bool:
    """Close a hole for good: whoever has drawn it and is late must draw another. False: they are there now."""
    try:
        with in_reach():
            TombstoneRow(visit_pk(ticket), "V").save(condition=Row.pk.does_not_exist())
    except PutError as error:
        if error.cause_response_code == _FAILED:
            return False
        raise
    return True


def hold(lane: tuple[str, int], visit: Ticket, at: int, most: int = HELD_MAX) -> bool:
    """Remember on the lane that a stepped-back visit returns at a call of its band. False: `most` are held already."""
    row = LaneRow(lane_pk(*lane), "L")
    room = LaneRow.held.does_not_exist() | (_count(LaneRow.held) < most)
    try:
        with in_reach():
            row.update(actions=[LaneRow.kind.set(LaneRow), LaneRow.held.add({f"{visit}@{at}"})], condition=room)
    except UpdateError as error:
        if error.cause_response_code == _FAILED:
            return False
        raise
    return True


def let_go(lane: tuple[str, int], visit: Ticket, at: int) -> None:
    """Forget a held entry; forgetting twice is the same."""
    row = LaneRow(lane_pk(*lane), "L")
    with in_reach():
        row.update(actions=[LaneRow.held.delete({f"{visit}@{at}"})])


def tell_on_duty(lane: Lane, on_duty: int, *, of: int) -> None:
    """Correct a lane's count of doctors on duty, and of how many lanes it is one, unless it has changed since."""
    row = LaneRow(lane_pk(lane.department, lane.number), "L")
    as_read = LaneRow.on_duty == lane.on_duty
    if not lane.on_duty:  # a lane that was opened while doctors were on duty counts those who go, below nobody
        as_read = LaneRow.on_duty.does_not_exist() | (LaneRow.on_duty <= 0)
    actions: list[Action] = [LaneRow.kind.set(LaneRow), LaneRow.on_duty.set(on_duty), LaneRow.of.set(of)]
    try:
        with in_reach():
            row.update(actions=actions, condition=as_read)
    except UpdateError as error:
        if error.cause_response_code != _FAILED:
            raise


def recall_ticket(lane: tuple[str, int], visit: Ticket, band: Band = Band.RECALL) -> tuple[Ticket, Alias]:
    """A new number for a visit that comes back, at the front, and the alias to be written with the visit's change."""
    ticket, _ = draw(*lane, band)
    return ticket, Alias(ticket=ticket, visit=visit)


def _count(attribute: UnicodeSetAttribute) -> Any:
    """How many are in a set, worked out by the database."""
    return size(attribute)  # type: ignore[no-untyped-call]  # PynamoDB gives it no types
