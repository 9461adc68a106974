"""Records: finding and saving what a visit needs; with the lanes' steps this is all a deed sees of the store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pynamodb.exceptions import DoesNotExist

from chalicelib.refusal import NotFound, Repeated
from chalicelib.rooms.arrival import Request
from chalicelib.rooms.assignment import Doctor, Seen
from chalicelib.rooms.complaint import Complaint
from chalicelib.rooms.consult import Message, Note
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.permission import Entry
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.promise import Accuracy
from chalicelib.rooms.queue import BANDS, Band, Lane, Mark, State, Ticket, Visit, own_lane
from chalicelib.store import rows
from chalicelib.store.glass import count_of, pane, pane_at, panes
from chalicelib.store.keys import phone_of
from chalicelib.store.lanes import (
    call,
    claim,
    draw,
    hold,
    join,
    let_go,
    recall_ticket,
    tell_on_duty,
    tombstone,
)
from chalicelib.store.lanes import read as lanes
from chalicelib.store.outbox import move, notices_due, notices_lost, notices_of, wake
from chalicelib.store.phones import asking, claim_of, count_try, drawn, phone, proof
from chalicelib.store.rows import AuditRow, GuardRow, Row
from chalicelib.store.shapes import KINDS, SHAPES, lane_of, lane_pk, readable, record_of, sound, visit_pk
from chalicelib.store.spent import given_up, step_over
from chalicelib.store.staff import administrators, is_member, member, members
from chalicelib.store.trail import entry_of, staff_names, trail
from chalicelib.store.worklists import complaints, erasures, orders, returned_to, to_review
from chalicelib.store.writing import in_reach, nothing_more, repeated_row, save, transact

__all__ = ["call", "claim", "draw", "given_up", "hold", "join", "lanes", "let_go", "recall_ticket", "save"]
__all__ += ["move", "tell_on_duty", "tombstone", "notices_due", "notices_lost", "notices_of", "trail"]
__all__ += ["staff_names", "step_over", "wake", "complaints", "erasures", "orders", "returned_to", "to_review"]
__all__ += ["administrators", "is_member", "member", "members"]
__all__ += ["count_of", "pane", "pane_at", "panes"]
__all__ += ["asking", "claim_of", "count_try", "drawn", "phone", "phone_of", "proof"]

T = TypeVar("T")
LIST_MAX = 50
PAGES_MAX = 10  # of a band's numbers looked through for those who wait: more than ask for a doctor in one duty
TAKEN_MAX = 300  # patients of one doctor in one day
HISTORY_SHOWN_MAX = 20
BATCH_MAX = 100  # DynamoDB's own limit


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Everything kept of one visit, oldest first."""

    visit: Visit
    messages: list[Message]
    notes: list[Note]
    prescriptions: list[Prescription]
    orders: list[Order]
    complaints: list[Complaint] = field(default_factory=list)


def visit_in(pk: str) -> Ticket:
    """The ticket in the key of a visit's row, as the table's stream brings it. Raises ValueError."""
    return Ticket.of(pk.removeprefix("V#"))


def visit(id: Ticket) -> Visit:
    """The visit as it is now (consistent read). Raises NotFound."""
    return _get(Visit, visit_pk(id), "V")


def visit_and_home(id: Ticket) -> tuple[Visit, Lane]:
    """A visit and its department's lane, in one request, as they are now. Raises NotFound."""
    keys = [(visit_pk(id), "V"), (lane_pk(id.department, id.lane), "L")]
    with in_reach():
        found = {row.pk: sound(row) for row in Row.batch_get(keys, consistent_read=True)}
    row = found.get(keys[0][0])
    if not isinstance(row, rows.VisitRow):
        raise NotFound()
    return record_of(Visit, row), lane_of(id.department, id.lane, cast(rows.LaneRow | None, found.get(keys[1][0])))


def signed(id: Ticket, number: int) -> tuple[Visit, Prescription]:
    """A visit and one of its prescriptions, what its signature is over, in one request, as they are now. Raises
    NotFound."""
    keys = [(visit_pk(id), "V"), (visit_pk(id), f"P#{int(number):03d}")]
    there = _batch(keys)
    visit_row, row = (sound(there.get(key)) for key in keys)
    if not isinstance(visit_row, rows.VisitRow) or not isinstance(row, rows.PrescriptionRow):
        raise NotFound()
    return record_of(Visit, visit_row), record_of(Prescription, row)


def file(id: Ticket) -> File:
    """The visit with everything in it, in one query, without the audit."""
    with in_reach():
        found: list[Any] = [
            record_of(KINDS[type(row)], row)
            for row in Row.query(visit_pk(id), Row.sk < "W", consistent_read=True)
            if type(sound(row)) in KINDS and type(row) is not rows.AliasRow
        ]
    visits = [record for record in found if isinstance(record, Visit)]
    if not visits:
        raise NotFound()
    return File(
        visit=visits[0],
        messages=[record for record in found if isinstance(record, Message)],
        notes=[record for record in found if isinstance(record, Note)],
        prescriptions=[record for record in found if isinstance(record, Prescription)],
        orders=[record for record in found if isinstance(record, Order)],
        complaints=[record for record in found if isinstance(record, Complaint)],
    )


def messages(id: Ticket, after: str) -> list[Message]:
    """What was said after the message with this id, oldest first."""
    first, last = f"M#{after}", "M#~"
    with in_reach():
        found = rows.MessageRow.query(
            visit_pk(id),
            Row.sk.between(min(first, last), last),  # `after` may be anything, and DynamoDB refuses ends in disorder
            consistent_read=True,
            limit=LIST_MAX * 6,
        )
        return [record_of(Message, row) for row in found if row.id > after]


def newest_note(id: Ticket) -> Note | None:
    return _newest(Note, id, "N#")


def newest_prescription(id: Ticket) -> Prescription | None:
    return _newest(Prescription, id, "P#")


def newest_order(id: Ticket) -> Order | None:
    return _newest(Order, id, "O#")


def _newest(kind: type[T], id: Ticket, prefix: str) -> T | None:
    with in_reach():
        found = SHAPES[kind].row.query(
            visit_pk(id), Row.sk.startswith(prefix), consistent_read=True, scan_index_forward=False, limit=1
        )
        return next((record_of(kind, row) for row in found), None)


def request(holder: str) -> Request:
    """The answers being given on this phone. Raises NotFound."""
    return _get(Request, f"P#{holder}", "R")


def doctor(id: str) -> Doctor:
    """The doctor's desk; one who was never on duty has an empty one."""
    try:
        return _get(Doctor, f"D#{id}", "D")
    except NotFound:
        return Doctor(id=id)


def desk_and_lanes(id: str, wanted: list[tuple[str, int]]) -> tuple[Doctor, list[Lane]]:
    """A doctor's desk and some lanes, in one request. A moment old: what is decided on it is written on condition."""
    keys = [(f"D#{id}", "D"), *((lane_pk(d, n), "L") for d, n in wanted)]
    with in_reach():
        found = {row.pk: sound(row) for row in Row.batch_get(keys)}
    row = found.get(f"D#{id}")
    desk = record_of(Doctor, row) if isinstance(row, rows.DoctorRow) else Doctor(id=id)
    return desk, [lane_of(d, n, cast(rows.LaneRow | None, found.get(lane_pk(d, n)))) for d, n in wanted]


def own_lines(doctors: Iterable[str], *, consistent: bool = False) -> dict[str, tuple[Doctor, Lane]]:
    """The desks of these doctors and their own lanes, a moment old unless said; nothing asked for nobody. Where one of
    the two cannot be read, the doctor counts as off duty: nobody is to wait there."""
    keys = {id: ((f"D#{id}", "D"), (lane_pk(*own_lane(id)), "L")) for id in doctors}
    found = _batch([key for pair in keys.values() for key in pair], consistent=consistent)
    lines = {}
    for id, (at, beside) in keys.items():
        desk, lane = found.get(at), found.get(beside)
        broken = isinstance(desk, rows.BrokenRow) or isinstance(lane, rows.BrokenRow)
        lines[id] = (
            Doctor(id=id) if desk is None or broken else record_of(Doctor, desk),
            lane_of(*own_lane(id), None if broken else lane),
        )
    return lines


def earlier(person: str, department: str) -> list[Visit]:
    """The visits this person has had in a department, as far as they are remembered."""
    try:
        with in_reach():
            guard = GuardRow.get(f"P#{person}", f"A#{department}", consistent_read=True)
    except DoesNotExist:
        return []
    return visits((Ticket.of(id) for id in guard.visits), consistent=True)


def visits(
    ids: Iterable[Ticket],
    *,
    broken: list[Ticket] | None = None,
    holes: list[Ticket] | None = None,
    consistent: bool = False,
) -> list[Visit]:
    """Those of these that exist, in the order asked, a moment old unless said; an alias gives the visit it stands for.
    Those that cannot be read are left out, and added to `broken` for who must come back to them; under `holes` nothing
    was ever written."""
    wanted = list(dict.fromkeys(ids))
    found = _batch([(visit_pk(id), "V") for id in wanted], consistent=consistent)
    aliases = {key[0]: row.visit for key, row in found.items() if isinstance(row, rows.AliasRow)}
    if aliases:
        found |= _batch([(visit_pk(id), "V") for id in set(aliases.values())], consistent=consistent)
    order = [aliases.get(visit_pk(id), id) for id in wanted]
    there = {id: found.get((visit_pk(id), "V")) for id in order}
    read = {
        id: list(readable(Visit, [row])) for id, row in there.items() if isinstance(row, rows.VisitRow | rows.BrokenRow)
    }
    if broken is not None:
        broken += [id for id, visit in read.items() if not visit]
    if holes is not None:
        holes += [id for id in wanted if (visit_pk(id), "V") not in found]
    return [visit for one in read.values() for visit in one]


def waiting(lane: Lane) -> list[Visit]:
    """The next people of a lane, band after band, at most LIST_MAX of each, also behind numbers that lead to nobody;
    and those stepped back. Each band has its share: a crowd of urgent people must not hide who waits longest."""
    there: dict[Band, dict[Ticket, Visit]] = {band: {} for band in BANDS}
    for page in range(PAGES_MAX):
        numbers = [n for band in BANDS if len(there[band]) < LIST_MAX for n in _numbers(lane, band, page)]
        if not numbers:
            break
        for visit in visits(numbers):
            if visit.state is State.WAITING:
                there[(visit.ticket or visit.id).band][visit.id] = visit
    next_ones = {v.id: v for band in BANDS for v in list(there[band].values())[:LIST_MAX]}
    held = {v.id: v for v in visits(_held(lane)) if v.state is State.WAITING}
    return list((next_ones | held).values())


def waiting_for(lines: Mapping[str, Lane]) -> list[Visit]:
    """The next people of doctors' own lanes who wait for that doctor, at most LIST_MAX a band, and those held back.

    Whoever does not wait here any more leaves a number behind, and the head moves only when the doctor calls. So
    numbers that lead to nobody are passed over page by page, at most PAGES_MAX.
    """
    there: dict[Ticket, Visit] = {}
    for page in range(PAGES_MAX):
        numbers = [n for own in lines.values() for band in BANDS for n in _numbers(own, band, page)]
        held = [] if page else [id for own in lines.values() for id in _held(own)]
        found = [v for v in visits([*numbers, *held]) if v.state is State.WAITING and v.prefers in lines]
        there = {v.id: v for v in found} | there
        met = {v.prefers for v in found if v.ticket}
        lines = {doctor: own for doctor, own in lines.items() if doctor not in met}
    return list(there.values())


def _numbers(lane: Lane, band: Band, page: int) -> list[Ticket]:
    """The numbers of a band that are called next, LIST_MAX a page."""
    first = lane.heads[band] + 1 + LIST_MAX * page
    return [
        Ticket(lane.department, lane.number, band, n) for n in range(first, first + LIST_MAX) if n <= lane.tails[band]
    ]


def _held(lane: Lane) -> list[Ticket]:
    return [Ticket.of(id) for id in lane.held]


def past(person: str, before: Visit) -> list[File]:
    """Earlier visits of the same person with their notes and newest prescription, newest first."""
    with in_reach():
        guards = list(GuardRow.query(f"P#{person}", Row.sk.startswith("A#"), limit=LIST_MAX))
    ids = {Ticket.of(id) for guard in guards for id in guard.visits} - {before.id}
    earlier = (v for v in visits(ids) if v.joined_at < before.joined_at)
    seen = sorted(earlier, key=lambda v: v.joined_at, reverse=True)[:HISTORY_SHOWN_MAX]
    keys = [(visit_pk(v.id), f"N#{n:03d}") for v in seen if v.signed_note for n in range(1, v.signed_note + 1)]
    keys += [(visit_pk(v.id), f"P#{v.prescribed:03d}") for v in seen if v.prescribed]
    found = _batch(keys[: BATCH_MAX * 2])
    records: list[Any] = [record_of(KINDS[type(sound(row))], row) for row in found.values()]
    return [
        File(
            visit=v,
            messages=[],
            notes=sorted((r for r in records if isinstance(r, Note) and r.visit == v.id), key=lambda n: n.number),
            prescriptions=[r for r in records if isinstance(r, Prescription) and r.visit == v.id],
            orders=[],
        )
        for v in seen
    ]


def taken_by(doctor: str, day: str) -> list[Visit]:
    """The visits a doctor took on that day of the clinic's calendar, newest first."""
    with in_reach():
        taken = Row.by_stage.query(f"taken#{doctor}#{day}", scan_index_forward=False, limit=LIST_MAX)
        ids = [Ticket.of(row.answer) for row in taken if isinstance(row, AuditRow)]
    return visits(ids[:HISTORY_SHOWN_MAX])


def taken_on(doctor: str, day: str, most: int = TAKEN_MAX) -> tuple[list[Visit], bool]:
    """All visits a doctor took on that day, each once, and whether that was all: `most` are looked through."""
    with in_reach():
        taken = list(Row.by_stage.query(f"taken#{doctor}#{day}", limit=most + 1))
    ids = dict.fromkeys(Ticket.of(row.answer) for row in taken[:most] if isinstance(row, AuditRow))
    return (visits(ids) if ids else []), len(taken) <= most


def complaints_of(id: Ticket) -> list[Complaint]:
    """All of one visit, oldest first."""
    with in_reach():
        found = rows.ComplaintRow.query(visit_pk(id), Row.sk.startswith("C#"), consistent_read=True, limit=LIST_MAX)
        return [record_of(Complaint, row) for row in found]


def mark(department: str, lane: int) -> Mark:
    """How far the sweep of a lane has come; from the beginning if it never ran."""
    try:
        return _get(Mark, lane_pk(department, lane), "S")
    except NotFound:
        return Mark(department=department, lane=lane)


def accuracy(department: str, day: str) -> Accuracy:
    """How the promises of that day were kept so far."""
    try:
        return _get(Accuracy, lane_pk(department, 0), f"W#{day}")
    except NotFound:
        return Accuracy(department=department, day=day)


def accuracies(department: str, since: str) -> list[Accuracy]:
    """The same of every day since then on which anybody was called, the newest first. A moment old."""
    with in_reach():
        days = rows.AccuracyRow.query(
            lane_pk(department, 0), Row.sk.between(f"W#{since}", "W#~"), scan_index_forward=False, limit=LIST_MAX
        )
        return [record_of(Accuracy, row) for row in days]


def roster(department: str, *, consistent: bool = False) -> list[Seen]:
    """The doctors who are or were on duty in a department."""
    with in_reach():
        lines = Row.query(lane_pk(department, 0), Row.sk.startswith("D#"), consistent_read=consistent)
        return list(readable(Seen, lines))


def answered(about: str, request: str) -> Repeated | None:
    """What this request was answered when it had its effect, or None if it had none yet."""
    try:
        with in_reach():
            return repeated_row(AuditRow.get(about, f"X#{request}", consistent_read=True))
    except DoesNotExist:
        return None


def looked(entry: Entry) -> None:
    """Write down that somebody reads clinical data, before it is shown. The same look again is the same line: an open
    page asks every few seconds, and to find that line is cheaper than to be refused to write it."""
    if answered(entry.about, entry.request) is None:
        transact(nothing_more, entry)  # refused: another page of the same reader wrote it just now


def audit(about: str) -> list[Entry]:
    """The audit lines of one visit, person or doctor's desk, for the command that checks them."""
    with in_reach():
        found = AuditRow.query(about, Row.sk.startswith("X#"))
        return [entry_of(row) for row in found]


def _get(kind: type[T], pk: str, sk: str) -> T:
    try:
        with in_reach():
            row = sound(Row.get(pk, sk, consistent_read=True))
    except DoesNotExist as absent:
        raise NotFound() from absent
    if not isinstance(row, SHAPES[kind].row):
        raise NotFound()  # an alias or a tombstone is kept there
    return record_of(kind, row)


def _batch(keys: list[tuple[str, str]], *, consistent: bool = True) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    keys = sorted(keys)  # who asks with a set asks alike each time, so a simulated day can be replayed
    for start in range(0, len(keys), BATCH_MAX):
        with in_reach():
            found |= {
                (row.pk, row.sk): row
                for row in Row.batch_get(keys[start : start + BATCH_MAX], consistent_read=consistent)
            }
    return found
