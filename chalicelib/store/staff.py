"""Staff: who works here, signing in with a secret, and sessions that end by themselves.

Secrets are kept as scrypt hashes, session tokens as SHA-256 hashes; neither can be read back from the table.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from pynamodb.exceptions import DoesNotExist, UpdateError

from chalicelib.clinic import CLINIC
from chalicelib.refusal import NotFound, Refusal, TooLate
from chalicelib.rooms.staff import MEMBERS_MAX, Administrators, Member
from chalicelib.store.rows import AdministratorsRow, Row, SessionRow, StaffRow
from chalicelib.store.shapes import member_pk, readable, record_of, sound
from chalicelib.store.writing import in_reach

IDLE = timedelta(minutes=CLINIC.staff.idle_minutes)
SESSION = timedelta(hours=12)
SEEN_AGAIN = 5  # a session in use is written down five times in the time after which it would end
FAILURES_MAX = 10
LOCKED = timedelta(minutes=15)
SECRET_MIN, SECRET_MAX = 8, 100
SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}  # OWASP's interactive setting that fits 16 MB
_NOBODY = ("0" * 32, "0" * 64)  # compared with when the name is unknown, so that both take the same time
_FAILED = "ConditionalCheckFailedException"


def member(id: str) -> Member:
    """Somebody who works here, or did. Raises NotFound."""
    row = _staff(id)
    if row is None:
        raise NotFound()
    return record_of(Member, row)


def is_member(id: str) -> bool:
    return _staff(id) is not None


def members() -> list[Member]:
    """Everybody who works here or did, a moment old, at most MEMBERS_MAX."""
    with in_reach():
        found = Row.by_stage.query("staff", limit=MEMBERS_MAX)
        return list(readable(Member, (row for row in found if isinstance(row, StaffRow))))


def administrators() -> Administrators:
    """Those who can let others in, as it is now; nobody in a new clinic."""
    try:
        with in_reach():
            return record_of(Administrators, sound(AdministratorsRow.get("U", "A", consistent_read=True)))
    except DoesNotExist:
        return Administrators()


def give_secret(id: str, secret: str) -> None:
    """The secret with which somebody signs in, unless there is one."""
    assert SECRET_MIN <= len(secret) <= SECRET_MAX
    salt = secrets.token_hex(16)
    try:
        with in_reach():
            StaffRow(member_pk(id), "U").update(
                actions=[StaffRow.salt.set(salt), StaffRow.secret.set(_hash(secret, salt))],
                condition=StaffRow.id.exists() & StaffRow.secret.does_not_exist(),
            )
    except UpdateError as error:
        if error.cause_response_code != _FAILED:
            raise


def sign_in(*, id: str, secret: str, token_hash: str, now: datetime) -> Member:
    """Open a session for the right secret; the same refusal for an unknown name, a wrong secret and a leaver."""
    row = _staff(id)
    salt, kept = (row.salt, row.secret) if row and row.salt and row.secret else _NOBODY
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
    found = record_of(Member, row)
    open_session(found, token_hash=token_hash, now=now)
    return found


def open_session(member: Member, *, token_hash: str, now: datetime) -> None:
    """Somebody has proved who they are: from now on the badge of which this is the hash says so."""
    with in_reach():
        SessionRow(
            f"S#{token_hash}",
            "S",
            staff=member.id,
            epoch=member.epoch,
            began_at=now,
            seen_at=now,
            ttl=int((now + SESSION).timestamp()),
        ).save(condition=Row.pk.does_not_exist() | (SessionRow.staff == member.id))  # ours already: a lost reply


def who(*, id: str, token_hash: str, now: datetime, by_hand: bool = True, idle: timedelta = IDLE) -> Member | None:
    """The member of staff behind a session, read anew each time with it, in one request.

    None once the session is idle or too old, or its owner was dismissed, signed out everywhere or given another role.
    What a page asks by itself is not `by_hand`: a phone left on the table is idle.
    """
    if not id:
        return None
    keys = [(f"S#{token_hash}", "S"), (member_pk(id), "U")]
    with in_reach():
        found = {row.pk: sound(row) for row in Row.batch_get(keys, consistent_read=True)}
    session, row = found.get(keys[0][0]), found.get(keys[1][0])
    if not isinstance(session, SessionRow) or not isinstance(row, StaffRow) or session.staff != id:
        return None
    owner = record_of(Member, row)
    if not owner.active or session.epoch != owner.epoch:
        return None
    if now >= session.began_at + SESSION or now >= session.seen_at + idle:
        return None
    if by_hand and now - session.seen_at > idle / SEEN_AGAIN:
        _seen(session, now)
    return owner


def sign_out(*, token_hash: str) -> None:
    with in_reach():
        SessionRow(f"S#{token_hash}", "S").delete()


def _staff(id: str) -> StaffRow | None:
    if not id:
        return None
    try:
        with in_reach():
            return StaffRow.get(member_pk(id), "U", consistent_read=True)
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
