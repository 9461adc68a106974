"""How each record becomes a row and comes back, name for name; the differences are listed here."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, TypeVar

from chalicelib.log import note
from chalicelib.rooms.arrival import KEPT, Request
from chalicelib.rooms.assignment import Doctor, Seen
from chalicelib.rooms.complaint import Complaint
from chalicelib.rooms.consult import Message, Note
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.erasure import Erasure
from chalicelib.rooms.glass import Pane
from chalicelib.rooms.notice import KEPT as NOTICE_KEPT
from chalicelib.rooms.notice import Notice, Sending, Wake
from chalicelib.rooms.phone import CLAIM_KEPT, PROOF_KEPT, Claim, Person, Phone, Proof
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.prescription import State as PrescriptionState
from chalicelib.rooms.promise import Accuracy
from chalicelib.rooms.queue import Alias, Band, Call, Counts, Lane, Mark, Since, Ticket, Visit, Why
from chalicelib.rooms.staff import Administrators, Member, Plate
from chalicelib.store import outbox_rows, phone_rows, rows, staff_rows
from chalicelib.store.rows import Row

T = TypeVar("T")


def visit_pk(id: Ticket) -> str:
    return f"V#{id}"


def member_pk(id: str) -> str:
    return f"U#{id}"


def lane_pk(department: str, number: int) -> str:
    return f"L#{department}#{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The row of one kind of record: its key, fields under another name, and values written differently."""

    row: type[Row]
    key: Callable[[Any], tuple[str, str]]
    renamed: dict[str, str] = field(default_factory=dict)
    write: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    read: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    marks: Callable[[Any], dict[str, Any]] = lambda record: {}
    once: frozenset[str] = frozenset()  # written with the row and never again: it never changes


def call_text(doctor: str, at: datetime, why: Why) -> str:
    return f"{doctor} {at.isoformat()} {why}"


def _calls(texts: list[str] | None) -> tuple[Call, ...]:
    split = [text.split(" ") for text in texts or []]
    return tuple(
        Call(epoch=i, doctor=doctor, at=datetime.fromisoformat(at), why=Why(why))
        for i, (doctor, at, why) in enumerate(split, start=1)
    )


def plate_text(plate: Plate) -> str:
    """None of the four holds a tab."""
    return "\t".join((plate.doctor, plate.name, plate.title, plate.licence))


def _plate(text: str) -> Plate:
    doctor, name, title, licence = text.split("\t")
    return Plate(doctor=doctor, name=name, title=title, licence=licence)


def _order_stage(order: Order) -> dict[str, Any]:
    done = order.state in (OrderState.DELIVERED, OrderState.CANCELLED)
    return {"stage": None if done else f"order#{order.state}", "since": order.created_at}


def _prescription_stage(prescription: Prescription) -> dict[str, Any]:
    stage = None
    if prescription.state is PrescriptionState.SIGNED:
        stage = "review"
    elif prescription.state is PrescriptionState.RETURNED and prescription.next_number is None:
        stage = f"returned#{prescription.doctor}"
    return {"stage": stage, "since": prescription.signed_at}


def pane_key(visit: Ticket, by: str, at: datetime) -> tuple[str, str]:
    return visit_pk(visit), f"{panes_of(by)}{at:%Y%m%dT%H%M%S.%f}"


def panes_of(by: str) -> str:
    """Beneath the rest of a visit, one person's openings of it together, the newest last."""
    return f"Z#glass#{by}#"


def pane_stage(reviewed: bool) -> str:
    return "glass#reviewed" if reviewed else "glass"


def _notice_key(notice: Notice) -> tuple[str, str]:
    if notice.visit is None:
        return lane_pk(notice.department, 0), f"Z#{notice.kind}#{notice.stretch}"
    return visit_pk(notice.visit), f"Z#{notice.kind}#{notice.way}"


def _notice_stage(notice: Notice) -> dict[str, Any]:
    stage = {Sending.SENT: None, Sending.UNTRUE: None, Sending.GIVEN_UP: "unsent"}.get(notice.state, "outbox")
    return {"stage": stage, "ttl": int((notice.written_at + NOTICE_KEPT).timestamp())}


SHAPES: dict[type, Shape] = {
    Visit: Shape(
        row=rows.VisitRow,
        key=lambda visit: (visit_pk(visit.id), "V"),
        write={
            "calls": lambda calls: [call_text(c.doctor, c.at, c.why) for c in calls],
            "plates": lambda plates: [plate_text(one) for one in plates] or None,
            "promise": lambda p: list(p) if p else None,
            "step_backs": lambda times: times or None,
            "from_desk": lambda desk: desk or None,
            "told": lambda told: set(told) or None,
            "wakes": lambda wakes: wakes or None,
            "voices": lambda voices: voices or None,
            "verified": lambda verified: verified or None,
            "also": lambda secrets: list(secrets) or None,
            "lent": lambda secrets: list(secrets) or None,
            "no_shows": lambda times: times or None,
            "heard_in": lambda epoch: epoch or None,
        },
        read={
            "calls": _calls,
            "plates": lambda texts: tuple(_plate(text) for text in texts or ()),
            "step_backs": lambda times: int(times or 0),
            "from_desk": bool,
            "promise": lambda p: (int(p[0]), int(p[1])) if p else None,
            "told": lambda told: frozenset(told or ()),
            "wakes": bool,
            "voices": lambda voices: voices or "",
            "verified": bool,
            "also": lambda secrets: tuple(secrets or ()),
            "lent": lambda secrets: tuple(secrets or ()),
            "no_shows": lambda times: int(times or 0),
            "heard_in": lambda epoch: int(epoch or 0),
        },
        once=frozenset({"id", "person", "request", "answers", "joined_at", "policy", "from_desk", "verified", "born"}),
    ),
    Alias: Shape(row=rows.AliasRow, key=lambda alias: (visit_pk(alias.ticket), "V")),
    Message: Shape(
        row=rows.MessageRow,
        key=lambda message: (visit_pk(message.visit), f"M#{message.id}"),
        renamed={"kind": "message_kind"},
    ),
    Note: Shape(row=rows.NoteRow, key=lambda note: (visit_pk(note.visit), f"N#{note.number:03d}")),
    Prescription: Shape(
        row=rows.PrescriptionRow,
        key=lambda prescription: (visit_pk(prescription.visit), f"P#{prescription.number:03d}"),
        marks=_prescription_stage,
        write={"stated": lambda stated: " ".join(stated) or None},
        read={"stated": lambda stated: tuple((stated or "").split())},
        once=frozenset({"lines", "policy", "signature", "stated", "until"}),
    ),
    Order: Shape(
        row=rows.OrderRow,
        key=lambda order: (visit_pk(order.visit), f"O#{order.number:03d}"),
        marks=_order_stage,
        once=frozenset({"medicines", "until"}),
    ),
    Mark: Shape(
        row=rows.MarkRow,
        key=lambda mark: (lane_pk(mark.department, mark.lane), "S"),
        write={"low": list, "open": lambda ids: [str(id) for id in ids]},
        read={"low": lambda low: tuple(int(n) for n in low), "open": lambda ids: tuple(Ticket.of(id) for id in ids)},
    ),
    Accuracy: Shape(
        row=rows.AccuracyRow,
        key=lambda accuracy: (lane_pk(accuracy.department, 0), f"W#{accuracy.day}"),
        write={"ratios": list},
        read={"ratios": lambda ratios: tuple(int(n) for n in ratios)},
    ),
    Notice: Shape(
        row=outbox_rows.NoticeRow,
        key=_notice_key,
        renamed={"kind": "notice_kind", "due_at": "since"},
        marks=_notice_stage,
    ),
    Complaint: Shape(
        row=rows.ComplaintRow,
        key=lambda complaint: (visit_pk(complaint.visit), f"C#{complaint.number:03d}"),
        marks=lambda complaint: {
            "stage": None if complaint.closed_at else "complaint",
            "since": complaint.filed_at,
        },
        once=frozenset({"about", "text", "filed_at"}),
    ),
    Erasure: Shape(
        row=rows.ErasureRow,
        key=lambda erasure: (visit_pk(erasure.visit), "E"),
        marks=lambda erasure: {"stage": "erasure", "since": erasure.asked_at},
    ),
    Wake: Shape(row=outbox_rows.WakeRow, key=lambda wake: (visit_pk(wake.visit), "Z#wake")),
    Seen: Shape(
        row=rows.SeenRow,
        key=lambda seen: (lane_pk(seen.department, 0), f"D#{seen.doctor}"),
        write={"own_only": lambda only: only or None},
        read={"own_only": bool},
    ),
    Request: Shape(
        row=rows.RequestRow,
        key=lambda request: (f"P#{request.holder}", "R"),
        renamed={"stage": "stage_reached"},
        write={"flags": list},
        read={"flags": tuple},
        marks=lambda request: {"ttl": int((request.started_at + KEPT).timestamp())},
    ),
    Claim: Shape(
        row=phone_rows.ClaimRow,
        key=lambda claim: (f"P#{claim.holder}", "C"),
        write={"unsent": lambda unsent: unsent or None},
        read={"unsent": bool},
        marks=lambda claim: {"ttl": int((claim.asked_at + CLAIM_KEPT).timestamp())},
    ),
    Proof: Shape(
        row=phone_rows.ProofRow,
        key=lambda proof: (f"S#{proof.token}", "P"),
        marks=lambda proof: {"ttl": int((proof.began_at + PROOF_KEPT).timestamp())},
    ),
    Phone: Shape(row=phone_rows.PhoneRow, key=lambda phone: (f"P#{phone.id}", "T")),
    Person: Shape(row=phone_rows.PersonRow, key=lambda person: (f"P#{person.phone}", f"H#{person.id}")),
    Doctor: Shape(
        row=rows.DoctorRow,
        key=lambda doctor: (f"D#{doctor.id}", "D"),
        write={
            "departments": list,
            "visits": lambda visits: {str(v) for v in visits} or None,
            "own_only": lambda only: only or None,
            "others": lambda calls: calls or None,
            "most": lambda held: held or None,
            "closed": lambda closed: closed or None,
            "works_in": lambda named: None if named is None else sorted(named),
        },
        read={
            "departments": tuple,
            "visits": lambda visits: frozenset(Ticket.of(v) for v in visits or ()),
            "own_only": bool,
            "others": lambda calls: int(calls or 0),
            "most": lambda held: int(held or 0),
            "closed": bool,
            "works_in": lambda named: None if named is None else frozenset(named),
        },
    ),
    Member: Shape(
        row=staff_rows.StaffRow,
        key=lambda member: (member_pk(member.id), "U"),
        renamed={"added_at": "since"},
        write={"departments": list, "licence_until": lambda day: day.isoformat() if day else None},
        read={
            "departments": tuple,
            "licence_until": lambda day: date.fromisoformat(day) if day else None,
            "epoch": int,
        },
        marks=lambda member: {"stage": "staff"},
        once=frozenset({"id", "added_at"}),
    ),
    Pane: Shape(
        row=staff_rows.PaneRow,
        key=lambda pane: pane_key(pane.visit, pane.by, pane.at),
        renamed={"at": "since"},
        marks=lambda pane: {"stage": pane_stage(pane.verdict is not None)},
        once=frozenset({"visit", "by", "role", "reason", "words", "since", "policy"}),
    ),
    Administrators: Shape(
        row=staff_rows.AdministratorsRow,
        key=lambda all: ("U", "A"),
        write={"ids": lambda ids: set(ids) or None},
        read={"ids": lambda ids: frozenset(ids or ())},
    ),
}
KINDS: dict[type[Row], type] = {shape.row: kind for kind, shape in SHAPES.items()}


class Unreadable(Exception):
    """Somebody needs just this row, and it is broken. Not a refusal: somebody has to mend it."""


def sound(row: T) -> T:
    """The row itself, unless it is broken: then nothing is decided and nothing shown. Raises Unreadable."""
    if isinstance(row, rows.BrokenRow):
        raise _unreadable(row)
    return row


def _unreadable(row: Row) -> Unreadable:
    """Written down by the key, which holds nothing a person typed; never by the row's contents."""
    note(logging.ERROR, "unreadable", pk=row.pk, sk=row.sk)
    return Unreadable()


@contextmanager
def reading(row: Row) -> Iterator[None]:
    """Making a record of a row: what goes wrong there is the row's fault. Raises Unreadable."""
    sound(row)
    try:
        yield
    except Exception:
        raise _unreadable(row) from None  # the cause may quote the row


def values_of(record: Any) -> dict[str, Any]:
    """Attribute name -> value to write, None for one to remove; without the version, which the writer counts."""
    shape = SHAPES[type(record)]
    values = {}
    for f in fields(record):
        if f.name == "version":
            continue
        value = getattr(record, f.name)
        write = shape.write.get(f.name)
        values[shape.renamed.get(f.name, f.name)] = write(value) if write else value
    if type(record) is Alias:
        del values["ticket"]  # it is the key
    return values | shape.marks(record)


def record_of(kind: type[T], row: Row) -> T:
    """The record a row was made from. Raises Unreadable."""
    shape = SHAPES[kind]
    values = {}
    with reading(row):
        for f in fields(kind):  # type: ignore[arg-type]  # every kind here is a dataclass
            value = getattr(row, shape.renamed.get(f.name, f.name))
            read = shape.read.get(f.name)
            values[f.name] = read(value) if read else value
    return kind(**values)


def readable(kind: type[T], found: Iterable[Row]) -> Iterator[T]:
    """For lists: the records of those that can be read. One broken row does not take the others off a list."""
    for row in found:
        with suppress(Unreadable):
            yield record_of(kind, row)


def lane_of(department: str, number: int, row: rows.LaneRow | None) -> Lane:
    """The counters; a lane nobody joined yet has no row and counts from zero."""
    if row is None:
        return Lane(department=department, number=number)
    held = dict(entry.rsplit("@", 1) for entry in row.held or ())
    tails = int(row.t0 or 0), int(row.t1 or 0), int(row.t2 or 0), int(row.t3 or 0)
    return Lane(
        department=department,
        number=number,
        tails=tails,
        heads=(row.h0 or 0, row.h1 or 0, row.h2 or 0, row.h3 or 0),  # type: ignore[arg-type]
        due=(row.d0 or 0, row.d1 or 0, row.d2 or 0, row.d3 or 0),  # type: ignore[arg-type]
        gone=frozenset((Band(int(entry[0])), int(entry[2:])) for entry in row.gone or ()),
        calls=int(row.calls or 0),
        fills=int(row.fills or 0),
        backs=int(row.backs or 0),
        held={visit: int(at) for visit, at in held.items()},
        on_duty=max(0, int(row.on_duty or 0)),
        of=int(row.of or 1),
        window=_since(row.window_at, row.window_calls, row.window_tails, tails),
        window_before=_since(row.before_at, row.before_calls, row.before_tails, tails),
    )


def _since(at: datetime | None, calls: float | None, tails: Counts | None, now: Counts) -> Since | None:
    """When a rate window began. One of a program that did not count tickets yet has seen nobody come."""
    return (at, int(calls or 0), tails or now) if at else None
