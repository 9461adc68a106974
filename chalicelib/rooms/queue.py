"""The queue: tickets, bands, place, the bounded fair order, the wait promise, and the public board."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import IntEnum, StrEnum

from chalicelib.refusal import TooLate
from chalicelib.rooms.arrival import Answers, Request, is_urgent
from chalicelib.rooms.permission import Tie
from chalicelib.rooms.rules import Department
from chalicelib.rooms.staff import Plate

STEP_BACK_PLACES = 3
NO_SHOWS_MAX = 3
GONE_MAX = 30  # numbers of one lane remembered as given up; with more the counts are "at most"
HELD_MAX = 20  # people of one lane who may be stepping back at the same time


class Band(IntEnum):
    """How soon: recalled people first, then urgent, standard, follow-up. Lower is sooner."""

    RECALL = 0
    URGENT = 1
    STANDARD = 2
    FOLLOW_UP = 3


BANDS = tuple(Band)
Counts = tuple[int, int, int, int]  # one for each band
Since = tuple[datetime, int, Counts]  # when a rate window began, and the `calls` and `tails` of then
# While somebody waits in the band, at least one call in this many is theirs, give or take doctors tapping at
# the same instant and bands that fall due together. This bounds "most urgent first": nobody starves.
ONE_CALL_IN = {Band.RECALL: 1, Band.URGENT: 2, Band.STANDARD: 4, Band.FOLLOW_UP: 8}


class Why(StrEnum):
    """The reason for the order in which somebody was called, kept with the call for patient and auditor."""

    FIRST_COME = "first_come"  # nobody waited in another band
    MORE_URGENT = "more_urgent"  # called before less urgent people
    THEIR_TURN = "their_turn"  # the band had waited its limit, so it went before more urgent people
    ASKED_FOR = "asked_for"  # came back to this doctor, and waited for nobody else
    CALLED_BACK = "called_back"  # back at the front: handed back, reconnected, or stepped back earlier


class Moved(StrEnum):
    """Why somebody who had asked for a doctor waits for the first free one."""

    OFF_DUTY = "off_duty"  # that doctor is not on duty any more
    TOO_LONG = "too_long"  # the clinic's limit for waiting for one doctor has passed
    BY_CHOICE = "by_choice"


class State(StrEnum):
    WAITING = "waiting"
    ASSIGNED = "assigned"
    IN_CONSULT = "in_consult"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


ACTIVE = frozenset({State.WAITING, State.ASSIGNED, State.IN_CONSULT})
WITH_DOCTOR = frozenset({State.ASSIGNED, State.IN_CONSULT})


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """A number in one band of one lane of a department's queue, or of a doctor's (see `own_lane`). Guessable, so never
    an identity outside."""

    department: str
    lane: int
    band: Band
    n: int

    def __str__(self) -> str:
        return f"{self.department}.{self.lane}.{int(self.band)}.{self.n}"

    @classmethod
    def of(cls, text: str) -> "Ticket":
        department, lane, band, n = text.rsplit(".", 3)
        return cls(department, int(lane), Band(int(band)), int(n))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One time a doctor took this visit."""

    epoch: int
    doctor: str
    at: datetime
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One patient's way through the clinic. `id` is the ticket drawn at the door and never changes.

    `ticket` is the live place in the queue, held if and only if the visit waits; while the patient steps
    back it is None and `returns_at` says which call of the own band brings them to the front again.

    Who asks for the doctor they had holds two numbers: `id`, the department's, and `beside`, in that doctor's lane. The
    patient waits in one lane at a time, `lane`; the other number is the place to go back to.
    """

    id: Ticket
    person: str
    secret: str  # hash of the ticket's secret
    request: str
    answers: Answers
    joined_at: datetime
    policy: str
    state: State = State.WAITING
    ticket: Ticket | None = None
    returns_at: int | None = None
    step_backs: int = 0
    no_shows: int = 0  # times called and not there
    heard_in: int = 0  # the epoch in which the patient last wrote
    asked_at: datetime | None = None  # when a doctor last wrote
    epoch: int = 0
    doctor: str | None = None
    lease_until: datetime | None = None
    calls: tuple[Call, ...] = ()
    plates: tuple[Plate, ...] = ()  # whom the patient was told they see, with each call
    promise: tuple[int, int] | None = None  # minutes, as shown when the ticket was drawn
    from_desk: bool = False
    handed_back: str | None = None  # the last doctor's reason, one line for the next one
    said: int = 0  # messages so far
    voices: str = ""  # who has written: "p" patient, "d" doctor
    last_word: str | None = None  # who wrote the newest message: "patient" or "doctor"
    outcome: str | None = None
    summary: str | None = None
    signed_note: int | None = None  # number of the newest signed note
    prescribed: int | None = None  # number of the newest prescription
    ended_at: datetime | None = None
    ended_why: str | None = None  # where no doctor ended it
    told: frozenset[str] = frozenset()  # kinds of notice written for this patient, each once
    wakes: bool = False  # a browser of theirs can be woken
    prefers: str | None = None  # the doctor asked for, while the patient waits for nobody else
    beside: Ticket | None = None
    moved: Moved | None = None  # why it is the first free doctor after all
    moved_at: datetime | None = None
    verified: bool = False  # `person` is somebody of a phone number that was proven
    born: date | None = None  # as the person of a proven phone was entered
    also: tuple[str, ...] = ()  # hashes of the secrets of phones on which this ticket was found again
    lent: tuple[str, ...] = ()  # of phones that came with a link of another phone
    renewed_at: datetime | None = None  # when its patient proved the number again, after the ticket's days were over
    restricted: datetime | None = None  # its patient asked for erasure then: nobody who works here opens it
    version: int | None = None

    @property
    def home(self) -> tuple[str, int]:
        """The department's lane in which the visit's own number is."""
        return self.id.department, self.id.lane

    @property
    def lane(self) -> tuple[str, int]:
        """The lane in which the patient waits, or waited last."""
        return own_lane(self.prefers) if self.prefers else self.home


def own_lane(doctor: str) -> tuple[str, int]:
    """Where people wait who asked for this doctor: a lane like any other, of a queue that only this doctor calls
    from. No department's id begins with a tilde."""
    return f"~{doctor}", 0


def asked_for(ticket: Ticket) -> str | None:
    """The doctor in whose lane this number is; None for a number of a department."""
    return ticket.department[1:] if ticket.department.startswith("~") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A recall ticket: it stands for a visit that was drawn under another number."""

    ticket: Ticket
    visit: Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far the sweep of one lane has read: every called number up to `low` was looked at once.

    `open` are the visits found there that were not over; they are looked at again in every sweep.
    """

    department: str
    lane: int
    low: Counts = (0, 0, 0, 0)
    open: tuple[Ticket, ...] = ()
    alerted: str | None = None  # the stretch of absence for which the desk was alerted
    at: datetime | None = None  # when it was written: whose first call came later is not counted yet
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """To be written with the end of a visit: the person may join this department again."""

    person: str
    department: str
    visit: Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The counters of one lane: tickets drawn (`tails`) and called (`heads`) per band. All start at 0.

    A department has one lane, or on very great days `of` lanes side by side, each with its own numbers: whoever joins
    is in one of them by chance, and doctors call from all of them. `on_duty` counts the department's doctors, and
    `due` the department's calls.
    """

    department: str
    number: int = 0
    of: int = 1
    tails: Counts = (0, 0, 0, 0)
    heads: Counts = (0, 0, 0, 0)
    calls: int = 0
    fills: int = 0  # of the calls, those into room that a doctor had not used before in this duty
    backs: int = 0  # how often a number drawn for nothing was given back
    due: Counts = (0, 0, 0, 0)  # calls of all lanes from which the band must be served
    held: Mapping[str, int] = field(default_factory=dict)  # visit id -> call of its band that brings it back
    gone: frozenset[tuple[Band, int]] = frozenset()  # numbers that nobody waits under any more, the first GONE_MAX
    on_duty: int = 0
    window: Since | None = None  # the present rate window
    window_before: Since | None = None

    def waiting(self, band: Band) -> int:
        """Numbers still to be called: what a caller goes by."""
        return max(0, self.tails[band] - self.heads[band])

    def people(self, band: Band) -> int:
        """People behind those numbers, as far as the lane knows: without those who left."""
        return self.waiting(band) - len(self.given_up(band))

    def present(self, band: Band) -> int:
        """The same with those who let others go first: they will be called too."""
        return self.people(band) + len(self.back_at(band))

    def back_at(self, band: Band) -> list[int]:
        """The calls of the band that bring back who let others go first."""
        return sorted(at for id, at in self.held.items() if Ticket.of(id).band is band)

    def given_up(self, band: Band) -> list[int]:
        """The numbers of a band that are still to be called and lead to nobody."""
        return sorted(n for b, n in self.gone if b is band and self.heads[band] < n <= self.tails[band])

    @property
    def everybody(self) -> int:
        return sum(self.present(band) for band in BANDS)

    def next_number(self, band: Band) -> Ticket:
        """The number that is called next in the band."""
        return Ticket(self.department, self.number, band, self.heads[band] + 1)

    def held_now(self) -> Ticket | None:
        """Somebody who stepped back and whose moment has come: the call they asked for passed, or nobody else waits."""
        due = [(at, id) for id, at in self.held.items() if self.heads[Ticket.of(id).band] >= at]
        if not due and not any(self.waiting(band) for band in BANDS):
            due = [(at, id) for id, at in self.held.items()]
        return Ticket.of(min(due)[1]) if due else None


def band_for(answers: Answers | Request, department: Department) -> Band:
    if is_urgent(answers, department):
        return Band.URGENT
    return Band.FOLLOW_UP if answers.follow_up else Band.STANDARD


def let_in(lane: Lane, band: Band, department: Department) -> None:
    """Refuses who comes when as many wait as the hospital can see; urgent people are always let in.

    Every lane counts for itself: of several lanes each holds its share.
    """
    most = department.waiting_max
    ahead = lane.everybody - 1  # the number just drawn is counted already
    if most and band > Band.URGENT and ahead * lane.of >= most:
        raise TooLate("So many people are waiting that we cannot promise you a doctor. Please come back later.")


def as_one(lanes: Sequence[Lane]) -> Lane:
    """The lanes of a department as a single one, to decide which band is called. A call from any of them counts, and
    of what they say about whose turn it is the newest holds. Its numbers are nobody's."""
    if len(lanes) == 1:
        return lanes[0]
    return Lane(
        department=lanes[0].department,
        of=len(lanes),
        tails=_over_bands(sum, [lane.tails for lane in lanes]),
        heads=_over_bands(sum, [lane.heads for lane in lanes]),
        calls=sum(lane.calls for lane in lanes),
        due=_over_bands(max, [lane.due for lane in lanes]),
    )


def _over_bands(total: Callable[[Sequence[int]], int], counters: Sequence[Counts]) -> Counts:
    a, b, c, d = map(total, zip(*counters, strict=True))
    return a, b, c, d


def choose(lane: Lane) -> tuple[Band, Why] | None:
    """Which band is called next: the most overdue one, else the most urgent. None if nobody waits."""
    there = [band for band in BANDS if lane.waiting(band)]
    if not there:
        return None
    overdue = [band for band in there if lane.due[band] <= lane.calls]
    band = min(overdue, key=lambda b: (lane.due[b], b)) if overdue else there[0]
    if band is Band.RECALL:
        return band, Why.CALLED_BACK
    if len(there) == 1:
        return band, Why.FIRST_COME
    return band, Why.MORE_URGENT if band is there[0] else Why.THEIR_TURN


def ahead(lane: Lane, visit: Visit, beside: Sequence[Lane] = ()) -> int:
    """How many people are called before this one, by the counters: n - head - 1 plus everybody more urgent. Of other
    lanes of the department about as many in the band as of this one, and this one's own place once more: who joined
    when is not in the counters. No more than there are."""
    own, band = ahead_in_band(lane, visit), (visit.ticket or visit.id).band
    others = sum(min(own + 1, other.present(band)) for other in beside)
    return own + others + sum(more_urgent(one, band) for one in (lane, *beside))


def ahead_in_band(lane: Lane, visit: Visit) -> int:
    ticket = visit.ticket or visit.id
    call = ticket.n if visit.returns_at is None else visit.returns_at
    n = call + (visit.returns_at is not None)
    left = sum(m < n for m in lane.given_up(ticket.band))
    return max(0, n - lane.heads[ticket.band] - 1 - left) + sum(at < call for at in lane.back_at(ticket.band))


def more_urgent(lane: Lane, band: Band) -> int:
    return sum(lane.present(other) for other in BANDS if other < band)


def passed(lane: Lane, visit: Visit) -> bool:
    """The head went past this waiting ticket, or reached the call at which a stepped-back patient returns."""
    if visit.state is not State.WAITING:
        return False
    if visit.ticket is None:
        # Where nobody is left to let past, the moment has come too: the call they asked for may never be, if it was to
        # be that of a number which has been given back since.
        nobody_else = not any(lane.waiting(band) for band in BANDS)
        return visit.returns_at is not None and (nobody_else or lane.heads[visit.id.band] >= visit.returns_at)
    return lane.heads[visit.ticket.band] >= visit.ticket.n


def everybody(lanes: Sequence[Lane]) -> int:
    """How many people wait in a department."""
    return sum(lane.everybody for lane in lanes)


def on_duty(lanes: Sequence[Lane]) -> int:
    """How many doctors are on duty in a department. All its lanes say so; one that is new does not know it yet."""
    return max(lane.on_duty for lane in lanes)


def code(letter: str, id: Ticket) -> str:
    """What is called out and printed: A2017 is number 17 of band 2 in department A. Public, and proves nothing."""
    return f"{letter}{f'{id.lane}-' if id.lane else ''}{int(id.band)}{id.n:03d}"


def missed(visit: Visit) -> bool:
    """Called, not there, and not back yet: the place is kept, and the patient may say "I am here"."""
    return visit.state is State.WAITING and visit.ticket is None and visit.no_shows > 0


def last_call(visit: Visit) -> bool:
    """Away, and as often as one may be: if they say nothing until their next moment, the visit ends there."""
    return missed(visit) and visit.no_shows >= NO_SHOWS_MAX


def front_lane(visit: Visit) -> tuple[str, int]:
    """Where somebody is brought to the front: who still waits, in the same lane. A doctor who could not go on is not
    waited for again."""
    return visit.lane if visit.state is State.WAITING else visit.home


def to_front(visit: Visit, *, ticket: Ticket) -> Visit:
    """Back to the front on a recall ticket; the conversation and the visit's id stay."""
    assert visit.state in ACTIVE
    assert ticket.band is Band.RECALL
    free = replace(visit, state=State.WAITING, returns_at=None, doctor=None, lease_until=None)
    return replace(free, ticket=ticket, prefers=asked_for(ticket))


def is_theirs(visit: Visit, *, secret: str) -> bool:
    """The ticket's secret opens this visit and no other; so does that of every other phone that holds it."""
    return secret in (visit.secret, *visit.also, *visit.lent)


def ties(visit: Visit, *, secret: str) -> frozenset[Tie]:
    """What a ticket's secret makes of a visit: see `permission.WHOSE`."""
    return frozenset({Tie.OWN} if is_theirs(visit, secret=secret) else ())
