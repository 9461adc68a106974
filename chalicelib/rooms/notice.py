"""Notices: who is told what outside the page, when a message is tried again, and when the desk is alerted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.refusal import Refusal
from chalicelib.rooms import promise, queue
from chalicelib.rooms.phone import Counted, number
from chalicelib.rooms.queue import WITH_DOCTOR, Lane, State, Ticket, Visit
from chalicelib.rooms.rules import Clinic, Department

NEARLY_AHEAD = 3  # people ahead: near enough to go back to the phone
NEARLY_MINUTES = 10  # or the promised wait begins within this
NOBODY = timedelta(minutes=10)  # people wait, the department is open and nobody is on duty: the desk is alerted
TRIES_MAX = 5
BACK_OFF = (1, 2, 4, 8)  # minutes to the next try, after the first, second, ... that failed
LEASE = timedelta(minutes=5)  # whoever sends has the notice for so long; longer than any sweep runs
USEFUL = timedelta(minutes=30)  # "nearly your turn" said later than this is no longer true
NUMBER_DAY = 6  # texts to one number in a day, of three visits: whoever typed it need not be its owner
CAPPED, PAPER = "capped", "paper"  # why a text was not tried: above what is sent; nobody to send it to
KEPT = timedelta(days=7)  # how long the outbox remembers what was sent, with the number it went to
SHOWN = timedelta(days=1)  # how long the desk is shown what could not be sent
IN_THE_HALL = timedelta(hours=3)  # and whom to call out after closing
ENDPOINT_MAX = 1000
# The push services of the browsers. We write only there, so nobody can make the clinic knock on other doors.
PUSH_HOSTS = ("fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com")
PUSH_HOSTS_BELOW = (".notify.windows.com", ".push.apple.com")
_ADDRESS_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?=&%+,;@!$'()*")
_HOST_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")


class Kind(StrEnum):
    NEARLY = "nearly"  # to the patient: it is nearly your turn
    TURN = "turn"  # to the patient: a doctor has taken you
    CLOSED = "closed"  # to the patient: we have closed, and no doctor could see you
    NOBODY = "nobody"  # to the desk: people wait and nobody is on duty


class Way(StrEnum):
    SMS = "sms"
    PUSH = "push"


class Sending(StrEnum):
    """How far a notice is. It ends in `sent`, `given_up` or `untrue`, and stays there."""

    WAITING = "waiting"
    FAILED = "failed"  # tried, and to be tried again
    SENT = "sent"
    GIVEN_UP = "given_up"
    UNTRUE = "untrue"  # not so any more when it could be sent: a doctor has come, or the visit is over


class Outcome(StrEnum):
    """What came of one try, as the driver of the service outside saw it."""

    SENT = "sent"  # the service said yes
    LATER = "later"  # it said no, or could not be reached: certainly not sent, so it may be tried again
    NEVER = "never"  # no such number, opted out, unsubscribed
    NO_ANSWER = "no_answer"  # asked, and never answered: perhaps sent, so it is not tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one person in the outbox. Its key is what it is about and its kind, so it is written once."""

    kind: Kind
    way: Way
    department: str
    visit: Ticket | None = None  # None: it is for the desk
    stretch: str = ""  # for the desk: which stretch of absence
    people: int = 0
    to: str  # a phone number with its country, or the address of a browser's subscription
    language: str
    written_at: datetime
    due_at: datetime  # when to try next; when it was given up
    state: Sending = Sending.WAITING
    tries: int = 0
    why: str | None = None  # the outcome of the last try that failed
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Where the browser of a visit's patient can be woken; "" after its push service has forgotten it."""

    visit: Ticket
    endpoint: str
    at: datetime
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Nobody is on duty in an open department while people wait; `since` is None if nobody ever was."""

    department: str
    people: int
    since: datetime | None

    @property
    def stretch(self) -> str:
        """Names this stretch of absence: the same as long as it lasts, whoever waits meanwhile."""
        return self.since.isoformat() if self.since else "never"


def due(visit: Visit, lane: Lane, now: datetime) -> Kind | None:
    """What this patient is to be told now and has not been told before."""
    if visit.state in WITH_DOCTOR:
        return Kind.TURN if called(visit) else None
    if visit.state is not State.WAITING or Kind.NEARLY in visit.told:
        return None
    ahead = queue.ahead(lane, visit)
    if not visit.prefers:
        ahead = (ahead + 1) * lane.of - 1  # the other lanes are called from in turn, and are not read for this
    wait = promise.wait(lane, visit, now)
    if wait is None:  # nobody is on duty: whatever the place, it is not nearly anybody's turn
        return None
    return Kind.NEARLY if ahead <= NEARLY_AHEAD or wait[0] <= NEARLY_MINUTES else None


def called(visit: Visit) -> bool:
    """A doctor has taken this patient, who has neither been told nor come by themselves."""
    talking = visit.state is State.IN_CONSULT and visit.last_word == "patient"
    return visit.state in WITH_DOCTOR and Kind.TURN not in visit.told and not talking


def ways(visit: Visit, clinic: Clinic) -> tuple[Way, ...]:
    """The ways this patient asked for. Each is served by itself: a text does not replace a push, nor the other way."""
    texts = clinic.sms.on and visit.answers.text_me and bool(number(visit.answers.phone or "", clinic))
    return tuple(way for way, wanted in ((Way.SMS, texts), (Way.PUSH, visit.wakes)) if wanted)


def counters(phone: str, clinic: Clinic, here: datetime) -> tuple[Counted, ...]:
    """What a text to a patient counts towards: its number's day, and the clinic's. `phone` is the number as a MAC."""
    about = f"told#{phone}#{here:%Y-%m-%d}"
    return Counted(about=about, most=NUMBER_DAY, until=here + timedelta(days=2)), whole_day(clinic, here)


def whole_day(clinic: Clinic, here: datetime) -> Counted:
    """The texts to patients of the whole clinic in a day, codes not among them."""
    return Counted(about=f"told#{here:%Y-%m-%d}", most=clinic.sms.per_day, until=here + timedelta(days=2))


def to_patient(visit: Visit, kind: Kind, way: Way, *, to: str, now: datetime) -> Notice:
    return Notice(
        kind=kind,
        way=way,
        department=visit.id.department,
        visit=visit.id,
        to=to,
        language=visit.answers.language,
        written_at=now,
        due_at=now,
    )


def to_desk(absence: Absence, clinic: Clinic, now: datetime) -> Notice:
    return Notice(
        kind=Kind.NOBODY,
        way=Way.SMS,
        department=absence.department,
        stretch=absence.stretch,
        people=absence.people,
        to=clinic.sms.desk,
        language=clinic.languages[0],
        written_at=now,
        due_at=now,
    )


def claim(notice: Notice, now: datetime) -> Notice:
    """Taken to be sent. It is due again after LEASE, should whoever took it never come back."""
    return replace(notice, tries=notice.tries + 1, due_at=now + LEASE)


def hopeless(notice: Notice, now: datetime) -> bool:
    """Tried often enough, or so late that it would say something untrue."""
    return notice.tries >= TRIES_MAX or now - notice.written_at >= USEFUL


def untrue(notice: Notice, visit: Visit | None) -> bool:
    """What it says of this visit is not so any more."""
    if visit is None:
        return False
    if notice.kind is Kind.CLOSED:
        return visit.state is not State.EXPIRED
    return visit.state is not State.WAITING if notice.kind is Kind.NEARLY else visit.state not in WITH_DOCTOR


def unsaid(notice: Notice, now: datetime) -> Notice:
    return replace(notice, state=Sending.UNTRUE, due_at=now)


def after(notice: Notice, outcome: Outcome, now: datetime) -> Notice:
    """What a try makes of a claimed notice."""
    if outcome is Outcome.SENT:
        return replace(notice, state=Sending.SENT, why=None)
    again = outcome is Outcome.LATER and notice.tries < TRIES_MAX
    if not again:
        return given_up(replace(notice, why=outcome), now)
    return replace(
        notice, state=Sending.FAILED, due_at=now + timedelta(minutes=BACK_OFF[notice.tries - 1]), why=outcome
    )


def capped(notice: Notice, now: datetime) -> Notice:
    """A text above what is sent: a dead letter from the beginning, so the desk reads whom to call out."""
    return given_up(replace(notice, why=CAPPED), now)


def on_paper(visit: Visit, kind: Kind, now: datetime) -> Notice:
    """For whom no message reaches: the desk reads whom to call out."""
    return given_up(replace(to_patient(visit, kind, Way.SMS, to="", now=now), why=PAPER), now)


def given_up(notice: Notice, now: datetime) -> Notice:
    """The dead letter: kept and shown to the desk, never tried again."""
    return replace(notice, state=Sending.GIVEN_UP, due_at=now, why=notice.why or Outcome.LATER)


def absence(
    lanes: Sequence[Lane], department: Department, last_seen: Iterable[datetime], local: datetime
) -> Absence | None:
    """People wait in an open department and nobody is on duty, since the last doctor went or since it opened.

    `lanes` are all of the department, `last_seen` the last signs of life on its roster, and `local` is now on the
    clinic's own clock.
    """
    people = queue.everybody(lanes)
    if queue.on_duty(lanes) or not people or not department.is_open(local):
        return None
    begins = list(last_seen)
    if department.opens != department.closes:
        opened = local.replace(hour=department.opens.hour, minute=department.opens.minute, second=0, microsecond=0)
        begins.append(opened if opened <= local else opened - timedelta(days=1))
    return Absence(department=department.id, people=people, since=max(begins, default=None))


def to_alert(absence: Absence, waiting: Iterable[Visit], now: datetime) -> bool:
    """It has lasted NOBODY, with somebody waiting all that time."""
    since = min((visit.joined_at for visit in waiting), default=now)
    return now - max(since, absence.since or since) >= NOBODY


def endpoint(typed: str) -> str:
    """The address of a browser's subscription, if it is one of a known push service. Raises Refusal."""
    scheme, _, rest = typed.partition("://")
    host, slash, path = rest.partition("/")
    known = host in PUSH_HOSTS or (host.endswith(PUSH_HOSTS_BELOW) and _HOST_LETTERS.issuperset(host))
    whole = scheme == "https" and bool(slash and path) and _ADDRESS_LETTERS.issuperset(path)
    if not (known and whole and len(typed) <= ENDPOINT_MAX):
        raise Refusal("We cannot reach this browser. Leave the page open instead.", field="endpoint")
    return typed
