"""What one write may change: the arrows of the state machines, who draws them, and what never changes again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.rooms import pocket
from chalicelib.rooms.assignment import Doctor
from chalicelib.rooms.consult import PATIENT, Message, Note, NoteState
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.permission import SYSTEM, Actor, Entry
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import (
    BANDS,
    ONE_CALL_IN,
    WITH_DOCTOR,
    Alias,
    Band,
    Lane,
    State,
    Ticket,
    Visit,
    Why,
    asked_for,
)
from tests.simulation.invariants import must
from tests.simulation.mirror import Change, Guard, Mirror, Other

BANDS_DUE_TOGETHER = 3  # a band that falls due may find the three others due before it

# (before, after) -> the deeds that may do it; everything else is forbidden.
ARROWS: dict[type, dict[tuple[str | None, str], str]] = {
    Visit: {
        (None, "waiting"): "join",
        ("waiting", "waiting"): "need_more_time bring_to_front say first_free same_doctor move come_back let_go",
        ("waiting", "assigned"): "take_next call_again",
        ("waiting", "cancelled"): "leave cancel_visit",
        ("waiting", "expired"): "expire",
        ("assigned", "assigned"): "say alive come_back let_go",
        ("assigned", "in_consult"): "say save_note",
        ("assigned", "waiting"): "hand_back bring_to_front not_here",
        ("assigned", "cancelled"): "leave cancel_visit",
        ("assigned", "completed"): "sign",
        ("in_consult", "in_consult"): "say save_note alive come_back let_go",
        ("in_consult", "waiting"): "hand_back bring_to_front not_here",
        ("in_consult", "completed"): "sign",
        ("completed", "completed"): "amend revise come_back let_go",
        ("cancelled", "cancelled"): "come_back let_go",
        ("expired", "expired"): "come_back let_go",
    },
    Note: {
        (None, "draft"): "save_note",
        ("draft", "draft"): "save_note",
        (None, "signed"): "sign amend",
        ("draft", "signed"): "sign",
        ("draft", "set_aside"): "hand_back bring_to_front not_here",
        ("signed", "amended"): "amend",
    },
    Prescription: {
        (None, "signed"): "sign revise",
        ("signed", "effective"): "review",
        ("signed", "returned"): "review",
        ("returned", "returned"): "revise",
        ("signed", "revoked"): "revoke",
        ("effective", "revoked"): "revoke",
        ("reserved", "revoked"): "revoke",
        ("returned", "revoked"): "revoke",
        ("effective", "expired"): "expire_prescription",
        ("effective", "reserved"): "choose_delivery",
        ("reserved", "effective"): "cancel_order",
        ("reserved", "expired"): "cancel_order",
        ("reserved", "dispensed"): "hand_over",
    },
    Order: {
        (None, "created"): "choose_delivery",
        ("created", "picking"): "pick",
        ("picking", "checked"): "check",
        ("checked", "handed_over"): "hand_over",
        ("failed_attempt", "handed_over"): "hand_over",
        ("handed_over", "handed_over"): "wrong_code",
        ("handed_over", "delivered"): "deliver",
        ("handed_over", "failed_attempt"): "fail_attempt",
        ("handed_over", "returned"): "bring_back",
        ("failed_attempt", "returned"): "bring_back",
        ("created", "cancelled"): "cancel_order revoke",
        ("picking", "cancelled"): "cancel_order revoke",
        ("checked", "cancelled"): "cancel_order revoke",
    },
}
ANSWERED = "id person secret request answers joined_at policy promise from_desk beside"
WRITTEN = "visit number doctor epoch subjective objective assessment plan replaces signed_at"
PRESCRIBED = "visit number doctor doctor_name lines signed_at confirmed"
SENT = "visit number prescription doctor patient medicines way address phone code created_at"
BY_THE_CLINIC = frozenset({"bring_to_front", "expire_prescription", "move"})


@dataclass(eq=False, kw_only=True)
class Frame:
    """One deed being run: whose, under which request, and what the checks must know of it."""

    job: Any  # what is being sent
    deed: str
    actor: Actor
    request: str
    now: datetime
    policy: str
    faults: list[str] = field(default_factory=list)
    called: dict[Ticket, bool] = field(default_factory=dict)  # number -> did a more urgent band wait?
    seen: dict[tuple[str, int], int] = field(default_factory=dict)  # lane -> its count of calls when last read


@dataclass(kw_only=True)
class Steps:
    """The checks of every write, and the little they must remember between writes."""

    mirror: Mirror
    in_flight: set[Ticket] = field(default_factory=set)  # called, and the caller has not finished
    lost: set[Ticket] = field(default_factory=set)  # called by somebody who was hit by a fault
    others: dict[tuple[str, int, Band], tuple[int, int]] = field(default_factory=dict)  # calls since, slack

    def excused(self, visit: Visit) -> bool:
        return visit.ticket in self.in_flight or visit.ticket in self.lost

    def written(self, frame: Frame, changes: list[Change]) -> None:
        """Check one write of this deed. Raises Broken."""
        lines = [c.after for c in changes if isinstance(c.record, Entry)]
        for change in changes:
            i5_nothing_disappears(change)
            i5_every_write_builds_on_the_one_before(change)
            i8_what_was_signed_or_said_stays(change)
            if isinstance(change.after, Lane):
                i7_numbers_are_drawn_and_called_one_by_one(self.mirror, frame, change)
                self.i7_no_band_waits_past_its_limit(frame, change)
        i13_only_the_arrows(changes, lines)
        i14_every_write_has_its_line(self.mirror, frame, changes, lines)
        i4_only_the_newest_doctor_writes(self.mirror, changes)
        i3_nobody_takes_more_than_they_can(frame, changes)
        self.i7_called_in_order(frame, changes)

    def finished(self, frame: Frame) -> None:
        """The deed has ended: the numbers it called were somebody's, or somebody's no more, unless a fault hit it."""
        self.in_flight -= set(frame.called)
        if frame.faults:
            self.lost |= set(frame.called)
            return
        for id in self.mirror.active:
            ticket = self.mirror.visits[id].ticket
            must(ticket not in frame.called, f"I6 {frame.deed} called {ticket} and forgot {id}")

    def i7_no_band_waits_past_its_limit(self, frame: Frame, change: Change) -> None:
        """While a band waits, at least one call in ONE_CALL_IN is its own, give or take callers who decided on an
        older count of calls and bands that fall due together. A call in place of one that led to nobody is the same
        call; to step over numbers is none."""
        before, after = change.before, change.after
        band = called_band(change)
        if before is None or band is None:
            return
        key = before.department, before.number
        self.in_flight.add(ticket := Ticket(*key, band, after.heads[band]))
        frame.called[ticket] = any(before.people(sooner) for sooner in BANDS[:band])
        counted = after.calls - before.calls
        if not counted and after.due == before.due:
            return
        behind = before.calls - frame.seen.get(key, before.calls)
        for other in BANDS:
            calls, slack = self.others.get((*key, other), (0, 0))
            if other is band or not before.waiting(other) or not before.calls:  # limits count from the first call
                self.others[*key, other] = 0, 0
                continue
            calls, slack = calls + counted, slack + (behind + 1 if behind else 0)
            self.others[*key, other] = calls, slack
            limit = ONE_CALL_IN[other] - 1 + BANDS_DUE_TOGETHER + slack
            must(calls <= limit, f"I7 {other.name} of {key} waited {calls} calls of other bands, limit {limit}")

    def i7_called_in_order(self, frame: Frame, changes: list[Change]) -> None:
        """Whoever is taken was called by this deed, under the ticket they waited on, for the reason that is stored."""
        for change in changes:
            before, after = change.before, change.after
            if not isinstance(after, Visit) or before is None or (before.state, after.state) != ("waiting", "assigned"):
                continue
            ticket, why = before.ticket, after.calls[-1].why
            wanted = asked_for(ticket) if ticket else None
            must(wanted in (None, after.doctor), f"I7 {after.id} waited for {wanted}, and {after.doctor} took them")
            if frame.deed == "call_again":  # the one who said "not here" takes it back; no number is called for that
                own = before.calls[-1].doctor == after.doctor
                must(ticket is None and own and why is Why.CALLED_BACK, f"I7 {after.id} was called again: {after}")
                continue
            must(ticket in frame.called, f"I7 {after.id} was taken on {ticket}, this deed called {frame.called}")
            recalled = ticket.band is Band.RECALL
            must(recalled == (why is Why.CALLED_BACK), f"I7 {after.id} taken on {ticket} because {why}")
            must(not frame.called[ticket] or why is Why.THEIR_TURN, f"I7 {after.id}: more urgent waited, says {why}")


def called_band(change: Change) -> Band | None:
    """The band whose next number this write called."""
    before = change.before.heads if change.before else (0, 0, 0, 0)
    return next((band for band in BANDS if change.after.heads[band] != before[band]), None)


def i3_nobody_takes_more_than_they_can(frame: Frame, changes: list[Change]) -> None:
    for change in changes:
        if isinstance(change.after, Doctor):
            before = change.before.visits if change.before else frozenset()
            if change.after.visits - before:
                desk = change.after
                must(desk.id == frame.actor.id, f"I3 {frame.actor.id} took somebody for {desk.id}")
                must(len(desk.visits) <= desk.capacity, f"I3 {desk.id} took {len(desk.visits)} of {desk.capacity}")
                must(desk.on_duty, f"I3 {desk.id} took somebody off duty")


def i4_only_the_newest_doctor_writes(mirror: Mirror, changes: list[Change]) -> None:
    for change in changes:
        before, after = change.before, change.after
        if isinstance(after, Visit):
            raised = after.epoch - (before.epoch if before else 0)
            taken = before is not None and before.state is State.WAITING and after.state is State.ASSIGNED
            must(raised == int(taken), f"I4 {after.id} epoch {after.epoch} after {before and before.epoch}")
            calls = before.calls if before else ()
            must(after.calls[: len(calls)] == calls, f"I4 {after.id}: calls of the past changed")
            continue
        if isinstance(after, Message | Note | Prescription):
            _newest_writes(mirror, before, after)


def _newest_writes(mirror: Mirror, before: Any, after: Any) -> None:
    """A doctor's message, note or signature belongs to the newest assignment at that moment."""
    visit = mirror.visits[after.visit]
    if isinstance(after, Message):
        must(after.epoch == visit.epoch, f"I4 {visit.id}: message of epoch {after.epoch}, now {visit.epoch}")
        holds = after.author == PATIENT or (after.author == visit.doctor and visit.state in WITH_DOCTOR)
        must(holds, f"I4 {visit.id}: {after.author} wrote while {visit.doctor} had the patient")
    elif isinstance(after, Note) and after.state in (NoteState.DRAFT, NoteState.SIGNED):
        must(after.epoch == visit.epoch, f"I4 {visit.id}: note of epoch {after.epoch}, now {visit.epoch}")
        must(after.doctor == visit.doctor, f"I4 {visit.id}: note by {after.doctor}, doctor is {visit.doctor}")
    elif isinstance(after, Prescription) and before is None:
        must(after.doctor == visit.doctor, f"I4 {visit.id}: prescription by {after.doctor}, doctor is {visit.doctor}")


def i5_nothing_disappears(change: Change) -> None:
    must(change.after is not None or isinstance(change.before, Other), f"I5 {change.key} is gone: {change.before}")


def i5_every_write_builds_on_the_one_before(change: Change) -> None:
    """Versions rise one by one: nobody writes over what they have not read."""
    if change.before is not None and (was := getattr(change.before, "version", None)) is not None:
        now = change.after.version
        must(now == was + 1, f"I5 {change.key} was version {was}, now {now}: a write in between is lost")


def i7_numbers_are_drawn_and_called_one_by_one(mirror: Mirror, frame: Frame, change: Change) -> None:
    """Arrival order is the order of drawing, served order the order of calling; both count up, one by one. The newest
    number may be given back as long as nobody has it, and numbers under which nobody may be called are stepped over."""
    before = change.before or Lane(department=change.after.department, number=change.after.number)
    after = change.after
    drawn = [a - b for a, b in zip(after.tails, before.tails, strict=True)]
    called = [a - b for a, b in zip(after.heads, before.heads, strict=True)]
    counted = after.calls - before.calls
    over = sum(called) if not counted else 0
    must(min(called) >= 0 and sum(map(abs, drawn)) + sum(called) <= max(1, over), f"I7 {before} became {after}")
    if over and not (frame.deed == "take_next" and over == 1):  # one may be called in place of another
        _nobody_is_stepped_over(mirror, before, after)
    if min(drawn) < 0:
        band = BANDS[drawn.index(-1)]
        ticket = Ticket(after.department, after.number, band, before.tails[band])
        taken = ticket in mirror.visits or ticket in mirror.aliases
        must(frame.deed in ("join", "add_person") and not taken, f"I7 {frame.deed} gave {ticket} back")
    must(counted in (0, 1), f"I7 {frame.deed} counted {after.calls} calls after {before.calls}")
    for band in BANDS:
        must(after.heads[band] <= after.tails[band], f"I7 {band.name}: {after.heads} called of {after.tails} drawn")


def _nobody_is_stepped_over(mirror: Mirror, before: Lane, after: Lane) -> None:
    over = {
        Ticket(after.department, after.number, band, n)
        for band in BANDS
        for n in range(before.heads[band] + 1, after.heads[band] + 1)
    }
    for id in mirror.active:
        visit = mirror.visits[id]
        again = visit.beside and (visit.prefers or not visit.calls)  # the way back to either number
        may_be_called = {visit.ticket, *((id, visit.beside) if again else ())}
        must(not over & may_be_called, f"I7 {over & may_be_called} of {id} were stepped over")


def i8_what_was_signed_or_said_stays(change: Change) -> None:
    before, after = change.before, change.after
    if before is None or after is None:
        return
    if isinstance(before, Message | Entry | Alias):
        must(before == after, f"I8 {before} became {after}")
    stays: str = {Visit: ANSWERED, Prescription: PRESCRIBED, Order: SENT}.get(type(before), "")
    if isinstance(before, Note) and before.state is not NoteState.DRAFT:
        stays = WRITTEN
    for name in stays.split():
        was, now = getattr(before, name), getattr(after, name)
        if name == "secret" and was.startswith(pocket.paper("")):
            continue  # the first phone that brings the paper has a secret of its own
        must(was == now, f"I8 {change.key} {name} was {was!r}, now {now!r}")
    must(type(before) is type(after), f"I8 {before} became {after}")


def i13_only_the_arrows(changes: list[Change], lines: list[Entry]) -> None:
    deeds = {line.deed for line in lines}
    for change in changes:
        arrows = ARROWS.get(type(change.after))
        if arrows is None:
            continue
        arrow = (change.before and change.before.state.value, change.after.state.value)
        allowed = arrows.get(arrow)
        must(allowed, f"I13 {change.key} went {arrow[0]} -> {arrow[1]} by {deeds}")
        must(deeds & set((allowed or "").split()), f"I13 {change.key} went {arrow[0]} -> {arrow[1]} by {deeds}")


def i14_every_write_has_its_line(mirror: Mirror, frame: Frame, changes: list[Change], lines: list[Entry]) -> None:
    """One line for every write of clinical data, in the same write: who, what, about whom, when, by which policy."""
    about = {f"V#{visit}" for change in changes if (visit := visit_of(change, mirror))}
    must(len(about) <= 1, f"I14 one write about several visits: {about}")
    if about or any(isinstance(c.record, Doctor | Guard) for c in changes):
        must(len(lines) == 1, f"I14 {frame.deed} of {frame.actor.id} wrote {[c.key for c in changes]}, lines: {lines}")
    must(len(lines) <= 1, f"I14 {len(lines)} lines in one write")
    for line in lines:
        by_itself = line.deed in BY_THE_CLINIC or line.request.startswith("gone:")  # the end after the last no-show
        actor = SYSTEM if by_itself else frame.actor
        must((line.actor.role, line.actor.id) == (actor.role, actor.id), f"I14 {line} was done by {actor}")
        must((line.at, line.policy) == (frame.now, frame.policy), f"I14 {line} was at {frame.now}")
        subjects = {"join": {line.about}, "take_next": {f"D#{actor.id}"}}.get(line.deed, about or {line.about})
        must(line.about in subjects, f"I14 {line} is not about {subjects}")
        must(line.deed != "join" or line.about.startswith("P#"), f"I14 {line} is not about a person")


def visit_of(change: Change, mirror: Mirror) -> Ticket | None:
    """The visit a changed row belongs to."""
    if isinstance(change.record, Visit):
        return change.record.id
    if isinstance(change.record, Message | Note | Prescription | Order | Alias):
        return change.record.visit
    return None
