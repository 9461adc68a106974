"""Assignment: doctors on duty, how many conversations each can hold, the lease, and handing back."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from chalicelib.refusal import NotAllowed, NotFound, Refusal, TooLate
from chalicelib.rooms import queue
from chalicelib.rooms.permission import Actor, Role, Tie
from chalicelib.rooms.queue import (
    BANDS,
    STEP_BACK_PLACES,
    WITH_DOCTOR,
    Band,
    Call,
    Lane,
    State,
    Ticket,
    Visit,
    Why,
    as_one,
    choose,
    own_lane,
)
from chalicelib.rooms.rules import Clinic
from chalicelib.rooms.staff import plate

CAPACITY_MAX = 10
BREAK = timedelta(minutes=30)  # after a longer one a doctor begins anew, with room to be filled
PRESENCE = timedelta(minutes=15)  # without a sign of life a doctor goes off duty
REASON_MAX = 200
LEASE = timedelta(minutes=10)  # without a sign of life from the doctor the patient goes back to the front
SIGN_OF_LIFE = LEASE / 2  # renewed at half life, riding on traffic that happens anyway
NO_SHOW_AFTER = timedelta(minutes=3)  # an old person needs that long to find the phone and the glasses
LONGEST_WAIT_ONE_IN = 8
# While people wait who asked for a doctor, at least one of this doctor's calls in so many is theirs; the number goes by
# who is next in the departments. They are follow-ups: whoever is called back goes first, and the urgent mostly do.
OWN_ONE_IN = {Band.URGENT: 8, Band.STANDARD: 2, Band.FOLLOW_UP: 2}
TAKE_TRIES_MAX = 30  # numbers drawn in one take: people who left and holes are skipped, each only once ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """A doctor's desk: where on duty, and the visits held at the moment (exactly those that name this doctor)."""

    id: str
    on_duty: bool = False
    departments: tuple[str, ...] = ()
    capacity: int = 1
    own_only: bool = False  # takes only people who asked for this doctor
    others: int = 0  # calls from the departments since the last from the own lane
    most: int = 0  # conversations held at once in this duty
    visits: frozenset[Ticket] = frozenset()
    last_request: str | None = None  # the last "take next", so that a retry finds its own success
    last_visit: Ticket | None = None
    seen_at: datetime | None = None  # the last sign of life that was written down
    closed: bool = False  # this doctor does not work here any more
    works_in: frozenset[str] | None = None  # where the clinic lets them work, once it was changed; none is everywhere
    version: int | None = None


class Claim(Enum):
    """What came of calling a number."""

    TAKEN = "the patient is this doctor's now"
    NOBODY = "the number leads to nobody who waits: left, stepped back, or never joined"
    NO_ROOM = "the doctor went off duty, is full, or does not work any more where this patient waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """To be written with the end of a conversation: the doctor has room for one more."""

    doctor: str
    visit: Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """To be written with going on or off duty: one doctor more (+1) or fewer (-1), told to each of the `lanes` of the
    department."""

    department: str
    lanes: int
    change: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A doctor on a department's roster, with the last sign of life."""

    department: str
    doctor: str
    on_duty: bool
    seen_at: datetime
    own_only: bool = False
    there_at: datetime | None = None  # the last sign of life while there for anybody; None: as it was

    @property
    def last_there(self) -> datetime | None:
        """When this doctor was last there for anybody, as far as the line knows."""
        return self.there_at if self.own_only else self.seen_at


def roster(before: Doctor, after: Doctor) -> list[Seen]:
    """The roster lines of every department the doctor was or is on duty in."""
    assert after.seen_at is not None
    on = set(after.departments) if after.on_duty else set()
    was = set(before.departments) if before.on_duty else set()
    there = _for_anybody(before) | _for_anybody(after)
    return [
        Seen(
            department=d,
            doctor=after.id,
            on_duty=d in on,
            seen_at=after.seen_at,
            own_only=after.own_only,
            there_at=after.seen_at if d in there else None,
        )
        for d in sorted(on | was)
    ]


def seen(doctor: Doctor, now: datetime) -> Doctor:
    """A sign of life anywhere; written only when half of the lease is gone."""
    busy = doctor.on_duty or doctor.visits
    if not busy or (doctor.seen_at and now - doctor.seen_at < SIGN_OF_LIFE):
        return doctor
    return replace(doctor, seen_at=now)


def gone(seen: Seen, held: list[Visit], now: datetime) -> bool:
    """On duty, silent for PRESENCE, and no conversation in hand whose lease is alive."""
    alive = any(v.lease_until and v.lease_until > now for v in held)
    return seen.on_duty and now - seen.seen_at >= PRESENCE and not alive


def presence(before: Doctor, after: Doctor, lanes: int) -> list[Presence]:
    """How the numbers of doctors on duty change; nothing when the same is said twice. Who takes only own patients is
    there for nobody else, so does not count."""
    was, is_now = _for_anybody(before), _for_anybody(after)
    return [Presence(department=d, lanes=lanes, change=1) for d in sorted(is_now - was)] + [
        Presence(department=d, lanes=lanes, change=-1) for d in sorted(was - is_now)
    ]


def _for_anybody(doctor: Doctor) -> set[str]:
    return set(doctor.departments) if doctor.on_duty and not doctor.own_only else set()


def go_on_duty(
    doctor: Doctor,
    *,
    departments: tuple[str, ...],
    capacity: int,
    own_only: bool = False,
    clinic: Clinic,
    now: datetime,
    allowed: frozenset[str] | None = None,
) -> Doctor:
    """On duty in one or more departments with room for `capacity` conversations, for anybody or only for people who
    ask for this doctor; said again, it changes them. `allowed` is where the clinic lets this doctor work; None is
    everywhere."""
    if doctor.closed:  # dismissed since this request came in
        raise NotAllowed("This is not part of your work at the clinic.")
    if doctor.works_in is not None:  # may have changed since this request came in
        allowed = doctor.works_in or None
    if not departments:
        raise Refusal("Choose at least one department.", field="departments")
    if any(clinic.department(d) is None for d in departments):
        raise Refusal("Choose a department.", field="departments")
    if allowed is not None and not set(departments) <= allowed:
        raise Refusal("You do not work in that department. Ask an administrator.", field="departments")
    if not 1 <= capacity <= CAPACITY_MAX:
        raise Refusal("Conversations at a time: from 1 to %(max)s.", field="capacity", max=CAPACITY_MAX)
    has_just_been_there = doctor.seen_at is not None and now - doctor.seen_at < BREAK
    return replace(
        doctor,
        on_duty=True,
        departments=tuple(dict.fromkeys(departments)),
        capacity=capacity,
        own_only=own_only,
        most=max(len(doctor.visits), doctor.most if has_just_been_there else 0),
    )


def fills(desk: Doctor) -> int:
    """How many this doctor holds with one more, if that is into room not used before in this duty; else 0."""
    held = len(desk.visits) + 1
    return held if held > desk.most else 0


def pause(doctor: Doctor) -> Doctor:
    """No new patients; the conversations in hand go on."""
    return replace(doctor, on_duty=False)


def close(doctor: Doctor) -> Doctor:
    """This doctor does not work here any more. Said on the desk too, which whoever goes on duty at this moment writes:
    one of the two comes first, and the other sees it."""
    return replace(pause(doctor), closed=True)


def sent_to(doctor: Doctor, departments: tuple[str, ...]) -> Doctor:
    """The clinic says where this doctor may work, none named is everywhere; on duty elsewhere, they go off duty. Said
    on the desk too, for the same reason as `close`."""
    stays = not departments or set(doctor.departments) <= set(departments)
    return replace(doctor if stays else pause(doctor), works_in=frozenset(departments))


def reopen(doctor: Doctor) -> Doctor:
    """Works here again; not on duty yet."""
    return replace(doctor, closed=False)


def may_take(doctor: Doctor, allowed: frozenset[str] | None = None) -> None:
    if not doctor.on_duty:
        raise TooLate("You are not on duty. Go on duty to take the next patient.")
    if allowed is not None and not set(doctor.departments) <= allowed:
        raise TooLate("Where you work was changed. Go on duty again to take the next patient.")
    if len(doctor.visits) >= doctor.capacity:
        n = len(doctor.visits)
        if n == 1:
            raise TooLate("You already have 1 conversation. Finish it to take the next patient.")
        raise TooLate("You already have %(n)s conversations. Finish one to take the next patient.", n=n)


def in_front(lanes: list[Lane], draw: int) -> list[tuple[Lane, Band, Why]]:
    """What may be called next, given all lanes of the doctor's departments; of several, whoever joined first is next.
    None: nobody waits. `draw` is any number that differs from tap to tap.

    A department's lanes are one queue: which band is called is decided for all of them together, and each lane in
    which somebody waits in it stands to choose. Of several departments the one whose call is due goes first, then the
    most urgent. One tap in LONGEST_WAIT_ONE_IN goes by the time of joining alone, so that no department is left
    behind by a doctor who works in a more urgent one too.

    Looking at two lanes by chance is cheaper and was tried: on JD Health's day with 4 lanes the order was off by 504
    seconds at p99, since each lane fell behind on its own turn.
    """
    found = []
    for department in dict.fromkeys(lane.department for lane in lanes):
        own = [lane for lane in lanes if lane.department == department]
        if chosen := choose(as_one(own)):
            found += [(lane, *chosen) for lane in own if lane.waiting(chosen[0])]
    first = min((_sooner(band, why) for _, band, why in found), default=None)
    if first != _sooner(Band.RECALL, Why.CALLED_BACK) and draw % LONGEST_WAIT_ONE_IN == 0:
        return found
    return [(lane, band, why) for lane, band, why in found if _sooner(band, why) == first]


def _sooner(band: Band, why: Why) -> tuple[bool, bool, Band]:
    """A band that has waited its limit goes first, as within one department: else the urgent people who wait behind
    it would be passed by other departments' people."""
    return band is not Band.RECALL, why is not Why.THEIR_TURN, band


def next_up(desk: Doctor, lanes: list[Lane], draw: int) -> list[tuple[Lane, Band, Why]]:
    """What this doctor may call next, among the own lane and the departments': see `in_front`. The two take turns, see
    OWN_ONE_IN, so that nobody waits for ever because others asked for a doctor, nor because they did themselves."""
    own = [lane for lane in lanes if (lane.department, lane.number) == own_lane(desk.id)]
    anybody = in_front([lane for lane in lanes if lane not in own], draw)
    asked = choose(own[0]) if own else None
    if asked is None:
        return anybody
    band, why = asked
    sooner = min((other for _, other, _ in anybody), default=None)
    turn = sooner in OWN_ONE_IN and desk.others + 1 >= OWN_ONE_IN[sooner]
    if band is Band.RECALL or sooner is None or turn:
        # A band of the own lane whose limit has passed stays a matter of that limit: the call is made on its condition.
        return [(own[0], band, why if why in (Why.CALLED_BACK, Why.THEIR_TURN) else Why.ASKED_FOR)]
    return anybody


def kept_reason(why: Why, ticket: Ticket, lanes: list[Lane]) -> Why:
    """The reason that is kept with a call: nobody was passed, or went first, where only numbers waited that had been
    given up. The caller goes by numbers, the patient by people."""
    bands = {Why.THEIR_TURN: BANDS[: ticket.band], Why.MORE_URGENT: BANDS[ticket.band + 1 :]}.get(why)
    same = [lane for lane in lanes if lane.department == ticket.department]
    if bands is None or any(lane.people(band) for lane in same for band in bands):
        return why
    return Why.ASKED_FOR if queue.asked_for(ticket) else Why.FIRST_COME


def holds(doctor: str, visit: Visit, *, epoch: int) -> None:
    """Only the doctor of the newest assignment may write; anybody else is told what happened."""
    if visit.doctor == doctor and visit.epoch == epoch and visit.state in WITH_DOCTOR:
        return
    if not any(call.doctor == doctor for call in visit.calls):
        raise NotFound()
    if visit.state is State.WAITING:
        raise TooLate("This patient went back to the queue, so this can no longer be saved here.")
    if visit.state in WITH_DOCTOR and visit.doctor == doctor:
        raise TooLate("This page is from an earlier time with this patient. Open the visit again to go on.")
    if visit.state in WITH_DOCTOR:
        raise TooLate("Another doctor has this patient now, so this can no longer be saved here.")
    if visit.state is State.CANCELLED:
        raise TooLate("The patient has left.")
    raise TooLate("This visit has already ended.")


def ties(actor: Actor, visit: Visit) -> frozenset[Tie]:
    """What makes this visit the actor's business: see `permission.WHOSE`."""
    if actor.role is Role.PATIENT:
        return queue.ties(visit, secret=actor.id)
    if visit.restricted:
        return frozenset()
    if actor.role is Role.DOCTOR:
        return frozenset({Tie.CARE} if any(call.doctor == actor.id for call in visit.calls) else ())
    return frozenset({Tie.WORK})


def lease_ran_out(visit: Visit, now: datetime) -> bool:
    """No sign of life in this conversation. Lost only if the doctor's desk shows none either: see `lease_lost`."""
    return visit.state in WITH_DOCTOR and visit.lease_until is not None and visit.lease_until <= now


def lease_lost(visit: Visit, doctor: Doctor, now: datetime) -> bool:
    """The doctor gave no sign of life for LEASE, neither in this conversation nor anywhere else."""
    return lease_ran_out(visit, now) and (doctor.seen_at is None or doctor.seen_at + LEASE <= now)


# Reasons that no doctor wrote: gone home, or seeing nobody here any more.
SIGNED_OUT, GONE = "~signed out", "~gone"


def slipped_away(visit: Visit, doctor: str) -> bool:
    """Waits again because this doctor, the last to have them, gave no sign of life: neither handed back nor missed."""
    last = visit.state is State.WAITING and bool(visit.calls) and visit.calls[-1].doctor == doctor
    return last and not visit.handed_back and not visit.no_shows


def alive(visit: Visit, now: datetime) -> Visit:
    """The doctor gave a sign of life; written only when half of the lease is gone."""
    if visit.lease_until and visit.lease_until - now > SIGN_OF_LIFE:
        return visit
    return replace(visit, lease_until=now + LEASE)


def hand_back(visit: Visit, *, doctor: str, epoch: int, reason: str) -> Visit:
    """The doctor cannot go on; the patient keeps the front of the queue and the whole conversation."""
    holds(doctor, visit, epoch=epoch)
    if not reason.strip():
        raise Refusal("Say in a few words why, for the next doctor.", field="reason")
    if len(reason) > REASON_MAX:
        raise Refusal("At most %(max)s characters.", field="reason", max=REASON_MAX)
    return replace(visit, handed_back=reason.strip())


def may_say_not_here(visit: Visit) -> datetime:
    """From when the doctor may say that the patient does not answer: to the call, or to what the doctor wrote since."""
    called = visit.calls[-1].at
    return max(called, visit.asked_at or called) + NO_SHOW_AFTER


def not_here(visit: Visit, lane: Lane, *, doctor: str, epoch: int, now: datetime) -> Visit:
    """Called and not there: a few people go first, then the patient is at the front again, NO_SHOWS_MAX times.

    Not before NO_SHOW_AFTER, and never over words of the patient that wait to be read.
    """
    holds(doctor, visit, epoch=epoch)
    if visit.heard_in == visit.epoch:
        raise TooLate("The patient has written since you called. Read it first.")
    if now < may_say_not_here(visit):
        raise TooLate("Give the patient %(minutes)s minutes to answer.", minutes=NO_SHOW_AFTER.seconds // 60)
    head = lane.heads[visit.id.band]
    return replace(
        visit,
        state=State.WAITING,
        no_shows=visit.no_shows + 1,
        handed_back=None,
        ticket=None,
        returns_at=min(head + STEP_BACK_PLACES, max(lane.tails[visit.id.band], head)),
        doctor=None,
        lease_until=None,
    )


def call_again(visit: Visit, desk: Doctor, *, by: Actor, now: datetime) -> tuple[Visit, Doctor]:
    """The undo of `not_here`, for the doctor who said it, while nobody else was given the patient."""
    if not visit.calls or visit.calls[-1].doctor != desk.id:
        raise NotFound()
    if not queue.missed(visit):
        raise TooLate("This patient is not away any more. Look at the present state.")
    may_take(replace(desk, departments=(*desk.departments, visit.id.department)), by.departments)
    call = Call(epoch=visit.epoch + 1, doctor=desk.id, at=now, why=Why.CALLED_BACK)
    back = replace(
        visit,
        state=State.ASSIGNED,
        returns_at=None,
        no_shows=visit.no_shows - 1,
        epoch=call.epoch,
        doctor=desk.id,
        lease_until=now + LEASE,
        calls=(*visit.calls, call),
        plates=(*visit.plates, plate(by)),
    )
    return back, replace(desk, visits=desk.visits | {visit.id})
