"""Writing: everything of one deed in one transaction with its audit line, or nothing.

A record read with a version is updated attribute by attribute (what a newer program wrote beside them stays) on the
condition that nobody wrote since; one without a version must not exist yet. Losing to somebody else is `Stale`,
meeting our own earlier success is `Repeated`, and a database that cannot answer is `Busy`: the same request may be
sent again, and happens once. The line is linked to its chain in the same transaction (see `chain`).
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError
from pynamodb.constants import ALL_OLD
from pynamodb.exceptions import CancellationReason, PynamoDBException, TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.refusal import Busy, Repeated, Stale
from chalicelib.rooms.assignment import Freed, Presence, Seen
from chalicelib.rooms.erasure import Erased
from chalicelib.rooms.permission import Entry
from chalicelib.rooms.phone import Counted, Holding
from chalicelib.rooms.preferred import Back
from chalicelib.rooms.queue import Closed, Visit
from chalicelib.store import chain
from chalicelib.store.phone_rows import CounterRow, ProofRow
from chalicelib.store.rows import AuditRow, ChainRow, DoctorRow, GuardRow, LaneRow, Row, SeenRow, VisitRow
from chalicelib.store.shapes import SHAPES, lane_pk, values_of

CONFLICT_TRIES_MAX = 8
SEAL_TRIES_MAX = 4  # full tails of one chain met in one write
BACK_OFF_SECONDS = 0.01
HELD = "TransactionConflictException"  # a single write met a transaction
TRY_LATER = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
        "TransactionInProgressException",
        HELD,
    }
)
CONFLICT = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
FAILED = "ConditionalCheckFailed"

Reasons = list[CancellationReason | None]
Build = Callable[[TransactWrite], None]


@contextmanager
def in_reach() -> Iterator[None]:
    """Turn a database that is throttled, slow or out of reach into Busy; anything else stays a bug."""
    try:
        yield
    except PynamoDBException as error:
        # A request without an answer first: PynamoDB cannot tell the code of an error that has no response.
        if isinstance(error.cause, BotoCoreError) or error.cause_response_code in TRY_LATER:
            raise Busy from error
        raise


def patiently(write: Callable[[], object]) -> None:
    """Write one row, waiting out transactions that hold it a few times, then Busy. A write refused for such a
    conflict had no effect, so it may be done again."""
    for attempt in range(CONFLICT_TRIES_MAX):
        try:
            with in_reach():
                write()
            return
        except Busy as busy:
            if getattr(busy.__cause__, "cause_response_code", "") != HELD:
                raise
        time.sleep(random.random() * BACK_OFF_SECONDS * 2**attempt)  # noqa: S311  # jitter, not a secret
    raise Busy


def transact(build: Build, audit: Entry, *, on: str = "", **marks: Any) -> Reasons:
    """Run one transaction with its audit line; the empty list is success, else why each item was refused: the line
    first, then puts, then updates. `on` is the chain of a line that hangs elsewhere than the visit it is about."""
    line = audit_row(audit, **marks)
    whose = on or audit.about

    def with_line(transaction: TransactWrite) -> None:
        put_audit(transaction, line)
        build(transaction)
        chain.link(transaction, line, whose)

    for _ in range(SEAL_TRIES_MAX):
        *reasons, linked = _transact(with_line) or [None]
        if linked is None or any(failed(reasons, i) for i in range(len(reasons))):
            return reasons
        _seal(whose)
    raise Busy


def nothing_more(transaction: TransactWrite) -> None:
    """For a line that stands alone, as of a look."""


def _seal(whose: str) -> None:
    """Make room on a chain. Losing to somebody who does it at the same moment is as good."""
    with in_reach():
        row = ChainRow.get(whose, "Y", consistent_read=True)
    if len(row.tail) >= chain.TAIL_MAX:
        _transact(lambda transaction: chain.seal(transaction, row))


def _transact(build: Build) -> Reasons:
    """Conflicts with other transactions and throttles are waited out a few times, then Busy."""
    for attempt in range(CONFLICT_TRIES_MAX):
        try:
            with in_reach(), TransactWrite(connection=Row._get_connection().connection) as transaction:
                build(transaction)
            return []
        except TransactWriteError as error:
            reasons = error.cancellation_reasons
            if any(reason and reason.code == FAILED for reason in reasons):
                return reasons
            if not any(reason and reason.code in CONFLICT for reason in reasons):
                raise
        time.sleep(random.random() * BACK_OFF_SECONDS * 2**attempt)  # noqa: S311  # jitter, not a secret
    raise Busy


def failed(reasons: Reasons, i: int) -> bool:
    reason = reasons[i] if i < len(reasons) else None
    return reason is not None and reason.code == FAILED


def save(*changes: object, audit: Entry) -> None:
    """Write all changes and the audit line, or raise Repeated, Stale or Busy having written nothing."""

    def build(transaction: TransactWrite) -> None:
        for change in changes:
            write = _SPECIAL.get(type(change), _write_record)
            write(transaction, change)

    reasons = transact(build, audit)
    if failed(reasons, 0):
        raise repeated(reasons[0])
    if reasons:
        raise Stale


def put_audit(transaction: TransactWrite, line: AuditRow) -> None:
    transaction.save(line, condition=AuditRow.pk.does_not_exist(), return_values=ALL_OLD)


def audit_row(entry: Entry, **marks: Any) -> AuditRow:
    return AuditRow(
        entry.about,
        f"X#{entry.request}",
        role=entry.actor.role.value,
        actor=entry.actor.id,
        deed=entry.deed,
        at=entry.at,
        policy=entry.policy,
        answer=entry.answer,
        fingerprint=entry.fingerprint,
        **marks,
    )


def repeated(reason: CancellationReason | None) -> Repeated:
    assert reason is not None
    assert reason.raw_item is not None
    return repeated_row(AuditRow.from_raw_data(reason.raw_item))


def repeated_row(row: AuditRow) -> Repeated:
    return Repeated(row.answer, deed=row.deed, actor=row.actor, fingerprint=row.fingerprint)


def _write_record(transaction: TransactWrite, record: Any) -> None:
    shape = SHAPES[type(record)]
    row, values = shape.row, values_of(record)
    key = shape.key(record)
    version = getattr(record, "version", None)
    if version is None:
        put = row(*key, version=1, **{name: value for name, value in values.items() if value is not None})
        transaction.save(put, condition=Row.pk.does_not_exist())
        return
    transaction.update(row(*key), actions=actions_of(record), condition=row.version == version)


def actions_of(record: Any) -> list[Action]:
    """Attribute by attribute: what is written, what is taken away, and one version more."""
    shape = SHAPES[type(record)]
    row = shape.row
    actions: list[Action] = [row.version.set(record.version + 1)]
    values = values_of(record)
    for name in values.keys() - shape.once:
        attribute, value = getattr(row, name), values[name]
        actions.append(attribute.remove() if value is None else attribute.set(value))
    return actions


def _free_doctor(transaction: TransactWrite, freed: Freed) -> None:
    id = str(freed.visit)
    transaction.update(
        DoctorRow(f"D#{freed.doctor}", "D"),
        actions=[DoctorRow.visits.delete({id}), DoctorRow.version.add(1)],
        condition=DoctorRow.visits.contains(id),
    )


def _close_guard(transaction: TransactWrite, closed: Closed) -> None:
    transaction.update(
        GuardRow(f"P#{closed.person}", f"A#{closed.department}"),
        actions=[GuardRow.open.set(False)],
        condition=GuardRow.visit == closed.visit,
    )


def _go_back(transaction: TransactWrite, back: Back) -> None:
    """The number was given up for counting only, see `spent.given_up`; it must be ahead of the head still."""
    ticket = back.ticket
    head = getattr(LaneRow, f"h{int(ticket.band)}")
    transaction.update(
        LaneRow(lane_pk(ticket.department, ticket.lane), "L"),
        actions=[LaneRow.gone.delete({f"{int(ticket.band)}.{ticket.n}"})],
        condition=head.does_not_exist() | (head < ticket.n),
    )


def _count_presence(transaction: TransactWrite, presence: Presence) -> None:
    for number in range(presence.lanes):
        transaction.update(
            LaneRow(lane_pk(presence.department, number), "L"),
            actions=[
                LaneRow.kind.set(LaneRow),
                LaneRow.on_duty.add(presence.change),
                LaneRow.of.set(presence.lanes),
            ],
        )


def _write_seen(transaction: TransactWrite, seen: Seen) -> None:
    """A roster line is the newest sign of life, whatever stood there; the doctor's own desk is the condition. When the
    doctor was last there for anybody stays until it is said anew."""
    values = values_of(seen)
    if seen.there_at is None:
        del values["there_at"]
    actions: list[Action] = [SeenRow.kind.set(SeenRow)]
    for name, value in values.items():
        attribute = getattr(SeenRow, name)
        actions.append(attribute.remove() if value is None else attribute.set(value))
    transaction.update(SeenRow(*SHAPES[Seen].key(seen)), actions=actions)


def _count(transaction: TransactWrite, counted: Counted) -> None:
    transaction.update(
        CounterRow(f"Q#{counted.about}", "Q"),
        actions=[
            CounterRow.kind.set(CounterRow),
            CounterRow.sent.add(1),
            CounterRow.ttl.set(int(counted.until.timestamp())),
        ],
        condition=CounterRow.pk.does_not_exist() | (CounterRow.sent < counted.most),
    )


def hold_proof(transaction: TransactWrite, holding: Holding) -> None:
    """An update that changes nothing, and no check: that would stand before the line among the reasons."""
    transaction.update(
        ProofRow(f"S#{holding.token}", "P"),
        actions=[ProofRow.kind.set(ProofRow)],
        condition=ProofRow.pk.exists() & ProofRow.ended_at.does_not_exist(),
    )


def _erase(transaction: TransactWrite, erased: Erased) -> None:
    """The one write that changes what the patient said."""
    visit = erased.visit
    transaction.update(
        VisitRow(*SHAPES[Visit].key(visit)),
        actions=[*actions_of(visit), VisitRow.answers.set(visit.answers)],
        condition=VisitRow.version == visit.version,
    )


_SPECIAL: dict[type, Callable[[TransactWrite, Any], None]] = {
    Freed: _free_doctor,
    Closed: _close_guard,
    Back: _go_back,
    Presence: _count_presence,
    Seen: _write_seen,
    Counted: _count,
    Holding: hold_proof,
    Erased: _erase,
}
