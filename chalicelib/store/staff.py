"""Staff: who works here, signing in with a secret, and sessions that end by themselves.

Secrets are kept as scrypt hashes, session tokens as SHA-256 hashes; neither can be read back from the table.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from pynamodb.exceptions import DoesNotExist, PutError, UpdateError

from chalicelib.refusal import Refusal, TooLate
from chalicelib.rooms.permission import Actor, Role
from chalicelib.store.rows import Row, SessionRow, StaffRow
from chalicelib.store.writing import in_reach

IDLE = timedelta(minutes=30)
SESSION = timedelta(hours=12)
FAILURES_MAX = 10
LOCKED = timedelta(minutes=15)
SECRET_MIN, SECRET_MAX = 8, 100
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}  # OWASP's interactive setting that fits 16 MB
_NOBODY = ("0" * 32, "0" * 64)  # compared with when the name is unknown, so that both take the same time
_FAILED = "ConditionalCheckFailedException"


def enrol(*, id: str, name: str, role: Role, secret: str, departments: tuple[str, ...] = (), now: datetime) -> None:
    """Add a member of staff, or leave the one with this id as it is."""
    assert SECRET_MIN <= len(secret) <= SECRET_MAX
    salt = secrets.token_hex(16)
    row = StaffRow(
        f"U#{id}",
        "U",
        id=id,
        name=name,
        role=role.value,
        departments=list(departments),
        salt=salt,
        secret=_hash(secret, salt),
        since=now,
    )
    try:
        with in_reach():
            row.save(condition=Row.pk.does_not_exist())
    except PutError as error:
        if error.cause_response_code != _FAILED:
            raise


def sign_in(*, id: str, secret: str, token_hash: str, now: datetime) -> Actor:
    """Open a session for the right secret; the same refusal for an unknown name, a wrong secret and a leaver."""
    row = _staff(id)
    salt, kept = (row.salt, row.secret) if row else _NOBODY
    right = hmac.compare_digest(_hash(secret[:SECRET_MAX], salt), kept)
    if row and row.locked_until and now < row.locked_until:
        raise TooLate("Too many wrong tries. Please wait 15 minutes.")
    if not (row and right and row.active):
        if row:
            _count_failure(row, now)
        raise Refusal("This name and secret do not belong together.", field="secret")
    with in_reach():
        if row.failures:
            row.update(actions=[StaffRow.failures.set(0), StaffRow.locked_until.remove()])
        SessionRow(
            f"S#{token_hash}",
            "S",
            staff=row.id,
            began_at=now,
            seen_at=now,
            ttl=int((now + SESSION).timestamp()),
        ).save(condition=Row.pk.does_not_exist() | (SessionRow.staff == row.id))  # ours already: a lost reply
    return _actor(row)


def who(*, token_hash: str, now: datetime, by_hand: bool = True) -> Actor | None:
    """The member of staff behind a session, read anew each time; None once idle, too old, or no longer active.

    What a page asks by itself is not `by_hand`: a phone left on the table is idle.
    """
    try:
        with in_reach():
            session = SessionRow.get(f"S#{token_hash}", "S", consistent_read=True)
    except DoesNotExist:
        return None
    if now >= session.began_at + SESSION or now >= session.seen_at + IDLE:
        return None
    row = _staff(session.staff)
    if row is None or not row.active:
        return None
    if by_hand and now - session.seen_at > IDLE / 2:
        _seen(session, now)
    return _actor(row)


def sign_out(*, token_hash: str) -> None:
    with in_reach():
        SessionRow(f"S#{token_hash}", "S").delete()


def _staff(id: str) -> StaffRow | None:
    if not id:
        return None
    try:
        with in_reach():
            return StaffRow.get(f"U#{id}", "U", consistent_read=True)
    except DoesNotExist:
        return None


def _seen(session: SessionRow, now: datetime) -> None:
    try:
        with in_reach():
            session.update(actions=[SessionRow.seen_at.set(now)], condition=SessionRow.pk.exists())
    except UpdateError as error:
        if error.cause_response_code != _FAILED:  # signed out a moment ago on another page
            raise


def _count_failure(row: StaffRow, now: datetime) -> None:
    with in_reach():
        row.update(actions=[StaffRow.failures.add(1)])
        if row.failures >= FAILURES_MAX:
            row.update(actions=[StaffRow.failures.set(0), StaffRow.locked_until.set(now + LOCKED)])


def _hash(secret: str, salt: str) -> str:
    raw = hashlib.scrypt(secret.encode(), salt=bytes.fromhex(salt), **SCRYPT)
    return raw.hex()


def _actor(row: StaffRow) -> Actor:
    return Actor(role=Role(row.role), id=row.id, name=row.name)
