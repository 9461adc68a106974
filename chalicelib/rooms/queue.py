"""The queue: tickets, bands, place, the bounded fair order, the wait promise, and the public board."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum, StrEnum

from chalicelib.refusal import NotFound, Refusal, TooLate
from chalicelib.rooms.arrival import Answers, is_urgent

STEP_BACK_PLACES = 3
STEP_BACKS_MAX = 3
NO_SHOWS_MAX = 3
REASON_MAX = 200
GONE_MAX = 30  # numbers of one lane remembered as given up; with more the counts are "at most"
HELD_MAX = 20  # people of one lane who may be stepping back at the same time


class Band(IntEnum):
    """How soon: recalled people first, then urgent, standard, follow-up. Lower is sooner."""

    RECALL = 0
    URGENT = 1
    STANDARD = 2
    FOLLOW_UP = 3


BANDS = tuple(Band)
# While somebody waits in the band, at least one call in this many is theirs, give or take doctors tapping at
# the same instant and bands that fall due together. This bounds "most urgent first": nobody starves.
ONE_CALL_IN = {Band.RECALL: 1, Band.URGENT: 2, Band.STANDARD: 4, Band.FOLLOW_UP: 8}


class Why(StrEnum):
    """The reason for the order in which somebody was called, kept with the call for patient and auditor."""

    FIRST_COME = "first_come"  # nobody waited in another band
    MORE_URGENT = "more_urgent"  # called before less urgent people
    THEIR_TURN = "their_turn"  # the band had waited its limit, so it went before more urgent people
    CALLED_BACK = "called_back"  # back at the front: handed back, reconnected, or stepped back earlier


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
    """A number in one band of one lane of a department's queue. Guessable, so never an identity outside."""

    department: str
    lane: int
    band: Band
    n: int

    def __str__(self) -> str:
        return f"{self.department}.{self.lane}.{int(self.band)}.{self.n}"

    @classmethod
    def of(cls, text: str) -> "Ticket":
        department, lane, band, n = text.split(".")
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
    epoch: int = 0
    doctor: str | None = None
    lease_until: datetime | None = None
    calls: tuple[Call, ...] = ()
    promise: tuple[int, int] | None = None  # minutes, as shown when the ticket was drawn
    from_desk: bool = False
    handed_back: str | None = None  # the last doctor's reason, one line for the next one
    said: int = 0  # messages so far
    last_word: str | None = None  # who wrote the newest message: "patient" or "doctor"
    outcome: str | None = None
    summary: str | None = None
    signed_note: int | None = None  # number of the newest signed note
    prescribed: int | None = None  # number of the newest prescription
    ended_at: datetime | None = None
    ended_why: str | None = None
    told: frozenset[str] = frozenset()  # kinds of notice written for this patient, each once
    wakes: bool = False  # a browser of theirs can be woken
    version: int | None = None


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
    low: tuple[int, int, int, int] = (0, 0, 0, 0)
    open: tuple[Ticket, ...] = ()
    alerted: str | None = None  # the stretch of absence for which the desk was alerted
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
    is in one of them by chance, and doctors call from all of them. `on_duty` counts the department's doctors.
    """

    department: str
    number: int = 0
    of: int = 1
    tails: tuple[int, int, int, int] = (0, 0, 0, 0)
    heads: tuple[int, int, int, int] = (0, 0, 0, 0)
    calls: int = 0
    backs: int = 0  # how often a number drawn for nothing was given back
    due: tuple[int, int, int, int] = (0, 0, 0, 0)  # value of `calls` from which the band must be served
    held: Mapping[str, int] = field(default_factory=dict)  # visit id -> call of its band that brings it back
    gone: frozenset[tuple[Band, int]] = frozenset()  # numbers that nobody waits under any more, the first GONE_MAX
    on_duty: int = 0
    window: tuple[datetime, int] | None = None  # when the present rate window began, and `calls` then
    window_before: tuple[datetime, int] | None = None

    def waiting(self, band: Band) -> int:
        """Numbers still to be called: what a caller goes by."""
        return max(0, self.tails[band] - self.heads[band])

    def people(self, band: Band) -> int:
        """People behind those numbers, as far as the lane knows: without those who left. Never none while a number is
        left, so that nobody who waits is overlooked."""
        numbers = self.waiting(band)
        return max(min(1, numbers), numbers - len(self.given_up(band)))

    def given_up(self, band: Band) -> list[int]:
        """The numbers of a band that are still to be called and lead to nobody."""
        return sorted(n for b, n in self.gone if b is band and n > self.heads[band])

    @property
    def everybody(self) -> int:
        return sum(self.people(band) for band in BANDS) + len(self.held)

    def next_number(self, band: Band) -> Ticket:
        """The number that is called next in the band."""
        return Ticket(self.department, self.number, band, self.heads[band] + 1)

    def held_now(self) -> Ticket | None:
        """Somebody who stepped back and whose moment has come: the call they asked for passed, or nobody else waits."""
        due = [(at, id) for id, at in self.held.items() if self.heads[Ticket.of(id).band] >= at]
        if not due and not any(self.waiting(band) for band in BANDS):
            due = [(at, id) for id, at in self.held.items()]
        return Ticket.of(min(due)[1]) if due else None


def band_for(answers: Answers) -> Band:
    if is_urgent(answers):
        return Band.URGENT
    return Band.FOLLOW_UP if answers.follow_up else Band.STANDARD


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


def ahead(lane: Lane, visit: Visit) -> int:
    """How many people are called before this one, by the counters: n - head - 1 plus everybody more urgent."""
    ticket = visit.ticket or visit.id
    n = ticket.n if visit.returns_at is None else visit.returns_at + 1
    left = sum(1 for m in lane.given_up(ticket.band) if m < n)
    own = max(0, n - lane.heads[ticket.band] - 1 - left)
    return own + sum(lane.people(band) for band in BANDS if band < ticket.band)


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


def board(lanes: Sequence[Lane], pace: float | None, now: datetime) -> dict[str, object]:
    """What everybody may see of a department's queue: counts and the pace of one lane, no person. The phone works out
    its own place."""
    return {
        "v": 1,
        "department": lanes[0].department,
        "on_duty": on_duty(lanes),
        "waiting": everybody(lanes),
        "seconds_per_call": round(pace, 1) if pace is not None else None,
        "lanes": [[[lane.heads[b], lane.people(b), lane.given_up(b)] for b in BANDS] for lane in lanes],
        "at": int(now.timestamp()),
    }


def code(letter: str, id: Ticket) -> str:
    """What is called out and printed: A2017 is number 17 of band 2 in department A. Public, and proves nothing."""
    lane = f"{id.lane}-" if id.lane else ""
    return f"{letter}{lane}{int(id.band)}{id.n:03d}"


def step_back(visit: Visit, lane: Lane) -> Visit:
    """ "I need more time": let a few people go first, never to the end of the queue, never out of it."""
    if visit.state is not State.WAITING:
        raise TooLate("A doctor is ready for you now, so you cannot step back any more.")
    if visit.ticket is None:
        raise TooLate("You have already let other people go first. You keep your place.")
    if visit.step_backs >= STEP_BACKS_MAX:
        raise TooLate("You have already stepped back %(times)s times.", times=STEP_BACKS_MAX)
    if len(lane.held) >= HELD_MAX:
        raise TooLate("Too many people are stepping back just now. You keep your place.")
    if passed(lane, visit):
        raise TooLate("You are being called right now.")
    # On a recall ticket the patient stands at the front, so the calls of the visit's own band are counted from now.
    own = visit.id.band
    n = visit.ticket.n if visit.ticket.band is own else lane.heads[own]
    # From the end of the queue there is nobody to let past: the place stays where it is.
    at = min(n + STEP_BACK_PLACES, max(lane.tails[own], n))
    return replace(visit, ticket=None, returns_at=at, step_backs=visit.step_backs + 1)


def missed(visit: Visit) -> bool:
    """Called, not there, and not back yet: the place is kept, and the patient may say "I am here"."""
    return visit.state is State.WAITING and visit.ticket is None and visit.no_shows > 0


def to_front(visit: Visit, *, ticket: Ticket) -> Visit:
    """Back to the front on a recall ticket; the conversation and the visit's id stay."""
    assert visit.state in ACTIVE
    assert ticket.band is Band.RECALL
    return replace(visit, state=State.WAITING, ticket=ticket, returns_at=None, doctor=None, lease_until=None)


def reason(text: str) -> str:
    """Why the desk ends a visit; the patient reads it."""
    if not text.strip():
        raise Refusal("Say in a few words why.", field="why")
    if len(text) > REASON_MAX:
        raise Refusal("At most %(max)s characters.", field="why", max=REASON_MAX)
    return text.strip()


def cancel(visit: Visit, *, why: str, now: datetime) -> Visit:
    if visit.state is State.CANCELLED:
        raise TooLate("You have already left the queue.")
    if visit.state is State.IN_CONSULT:
        raise TooLate("The consultation has begun. Tell the doctor that you want to stop.")
    _still_active(visit)
    return _ended(visit, State.CANCELLED, why, now)


def expire(visit: Visit, *, now: datetime, why: str = "closing") -> Visit:
    """Closing time for somebody who still waits; or "no_show", called NO_SHOWS_MAX times and never there."""
    if visit.state is not State.WAITING:
        _still_active(visit)
        raise TooLate("A doctor has this patient now.")
    return _ended(visit, State.EXPIRED, why, now)


def _still_active(visit: Visit) -> None:
    if visit.state not in ACTIVE:
        raise TooLate("This visit has already ended.")


def _ended(visit: Visit, state: State, why: str, now: datetime) -> Visit:
    return replace(
        visit, state=state, ticket=None, returns_at=None, doctor=None, lease_until=None, ended_at=now, ended_why=why
    )


def theirs(visit: Visit, *, secret: str) -> None:
    """The ticket's secret opens this visit and no other."""
    if visit.secret != secret:
        raise NotFound()
