"""Staff: who works here, sessions that end by themselves, and how often somebody may be wrong at the door.

A session is kept under the hash of its badge; what it needs of Cognito lies in an envelope closed with the badge.
Neither can be read back from the table. Passwords and second factors are Cognito's (chalicelib/outside/identity.py).
Signing in, the second factor shown again and signing out have an audit line about the member, by the badge's hash.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pynamodb.exceptions import DoesNotExist, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.clinic import CLINIC
from chalicelib.refusal import NotFound, Stale, TooLate
from chalicelib.rooms.permission import Actor, Entry
from chalicelib.rooms.staff import MEMBERS_MAX, Administrators, Member, Session
from chalicelib.store import envelope
from chalicelib.store.rows import Row
from chalicelib.store.shapes import member_pk, readable, record_of, sound
from chalicelib.store.staff_rows import AdministratorsRow, EnvelopeRow, SessionRow, StaffRow, TriesRow
from chalicelib.store.writing import failed, in_reach, transact

IDLE = timedelta(minutes=CLINIC.staff.idle_minutes)
SESSION = timedelta(hours=12)
SEEN_AGAIN = 5  # a session in use is written down five times in the time after which it would end
TRIES_MAX = 5  # wrong passwords or codes of one name from one place in TRIES_WITHIN; Cognito slows down after as many
NETWORK_TRIES_MAX = 100  # of all names together from one network: a whole hospital may be one address
TRIES_WITHIN = timedelta(minutes=15)
ANY = "T#any"  # no place: those are hashes
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


def open_session(member: Member, *, token_hash: str, now: datetime) -> None:
    """Somebody has proved who they are, with both factors and just now: the badge of which this is the hash says so.

    A badge opens one session: the same again is a lost reply, and somebody else's is Stale.
    """
    row = SessionRow(
        f"S#{token_hash}",
        "S",
        staff=member.id,
        epoch=member.epoch,
        began_at=now,
        seen_at=now,
        proved_at=now,
        ttl=int((now + SESSION).timestamp()),
    )

    def build(transaction: TransactWrite) -> None:
        transaction.save(row, condition=Row.pk.does_not_exist())

    reasons = transact(build, _line("sign_in", member.actor, f"in:{token_hash}", now))
    if reasons and not failed(reasons, 0):
        raise Stale


def who(
    *, id: str, token_hash: str, now: datetime, by_hand: bool = True, idle: timedelta = IDLE
) -> tuple[Member, Session] | None:
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
    if not isinstance(session, SessionRow) or not isinstance(row, StaffRow):
        return None
    if session.staff != id or session.ended_at:
        return None
    owner = record_of(Member, row)
    if not owner.active or session.epoch != owner.epoch:
        return None
    if now >= session.began_at + SESSION or now >= session.seen_at + idle:
        return None
    if by_hand and now - session.seen_at > idle / SEEN_AGAIN:
        _note(token_hash, [SessionRow.seen_at.set(now)])
    return owner, Session(began_at=session.began_at, proved_at=session.proved_at)


def proved(who: Actor, *, token_hash: str, now: datetime) -> None:
    """The second factor was shown again. Nothing is written of a session that was signed out a moment ago on another
    page, nor twice in a minute: that is the same proof."""
    minute = int(now.timestamp()) // 60
    shown = [SessionRow.proved_at.set(now), SessionRow.seen_at.set(now)]
    line = _line("prove_again", who, f"again:{token_hash}:{minute}", now)
    transact(lambda transaction: _change(transaction, who, token_hash, shown), line)


def sign_out(who: Actor, *, token_hash: str, now: datetime) -> None:
    """The session is over, and its rows go. Nothing is written of one that was over before, or never was.

    It ends by an update: a deletion would stand before the line in the transaction, which tells the repeat by being
    first. Who dies before the deletions leaves an ended session, which the table forgets by itself.
    """
    row, ended = SessionRow(f"S#{token_hash}", "S"), [SessionRow.ended_at.set(now)]
    with in_reach():
        EnvelopeRow(f"S#{token_hash}", "Z").delete()
    line = _line("sign_out", who, f"out:{token_hash}", now)
    transact(lambda transaction: _change(transaction, who, token_hash, ended), line)
    with in_reach():
        row.delete()


def _line(deed: str, who: Actor, request: str, now: datetime) -> Entry:
    """A colon is in no id that a browser can send, so nobody can write this line before us."""
    return Entry(about=member_pk(who.id), request=request, actor=who, deed=deed, at=now, policy=CLINIC.policy)


def _change(transaction: TransactWrite, who: Actor, token_hash: str, actions: Sequence[Action]) -> None:
    """Something of a session that is this person's and is not over."""
    theirs = (SessionRow.staff == who.id) & SessionRow.ended_at.does_not_exist()
    transaction.update(SessionRow(f"S#{token_hash}", "S"), actions=list(actions), condition=theirs)


def keep_closed(badge: str, text: str, *, token_hash: str, now: datetime) -> None:
    """Beside the session, for asking Cognito again: read by nobody but who shows the badge."""
    ends = int((now + SESSION).timestamp())
    row = EnvelopeRow(f"S#{token_hash}", "Z", text=envelope.closed(badge, text), ttl=ends)
    with in_reach():
        row.save(condition=Row.pk.does_not_exist())


def opened(badge: str, *, token_hash: str) -> str | None:
    try:
        with in_reach():
            row = EnvelopeRow.get(f"S#{token_hash}", "Z", consistent_read=True)
    except DoesNotExist:
        return None
    return envelope.opened(badge, row.text)


def count_try(id: str, place: str, now: datetime) -> None:
    """One more try for this name from this place, counted before it is made, so that fifty at once are counted too.

    Raises TooLate after TRIES_MAX in TRIES_WITHIN. A place is a network address, or a browser that has been signed in
    with this name before: a stranger shuts the door to the stranger's own place.
    """
    _count(TriesRow(f"T#{id}", f"T#{place}"), TRIES_MAX, now)


def count_any(network: str, now: datetime) -> None:
    """The same for all names together from one network: one password tried on every name is counted there alone."""
    _count(TriesRow(f"T#{network}", ANY), NETWORK_TRIES_MAX, now)


def uncount_any(network: str, now: datetime) -> None:
    """That one was not wrong. The others stay counted: who knows one password has not guessed the rest any less."""
    row, counted = TriesRow(f"T#{network}", ANY), (TriesRow.since > now - TRIES_WITHIN) & (TriesRow.tries > 0)
    _written(row, [TriesRow.tries.add(-1)], counted)


def _count(row: TriesRow, most: int, now: datetime) -> None:
    began = now - TRIES_WITHIN
    ttl = int((now + TRIES_WITHIN).timestamp())
    more = (TriesRow.since > began) & (TriesRow.tries < most)
    if _written(row, [TriesRow.tries.add(1)], more):
        return
    afresh = Row.pk.does_not_exist() | (TriesRow.since <= began)
    start = [TriesRow.kind.set(TriesRow), TriesRow.tries.set(1), TriesRow.since.set(now), TriesRow.ttl.set(ttl)]
    if not _written(row, start, afresh) and not _written(row, [TriesRow.tries.add(1)], more):
        raise TooLate("Too many wrong tries. Please wait 15 minutes.")


def forget_tries(id: str, place: str) -> None:
    """It was right."""
    with in_reach():
        TriesRow(f"T#{id}", f"T#{place}").delete()


def _staff(id: str) -> StaffRow | None:
    if not id:
        return None
    try:
        with in_reach():
            return StaffRow.get(member_pk(id), "U", consistent_read=True)
    except DoesNotExist:
        return None


def _note(token_hash: str, actions: Sequence[Action]) -> None:
    """Something about a session, unless it was signed out a moment ago on another page."""
    _written(SessionRow(f"S#{token_hash}", "S"), actions, SessionRow.pk.exists())


def _written(row: Row, actions: Sequence[Action], condition: Condition) -> bool:
    try:
        with in_reach():
            row.update(actions=list(actions), condition=condition)
    except UpdateError as error:
        if error.cause_response_code != _FAILED:
            raise
        return False
    return True
