"""Sweeping: what nobody's tap brings about. Once a minute the clinic looks for the lost, the silent and the late.

Every step is a deed that others do too, written on the condition that nothing has changed, so two sweeps at once,
or one that dies in the middle, do no harm: the next one finds what is left.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from chalicelib.refusal import Refusal, Repeated, Stale
from chalicelib.rooms import assignment, promise, queue
from chalicelib.rooms.assignment import Doctor, Seen
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import BANDS, WITH_DOCTOR, Lane, Mark, State, Ticket, Visit
from chalicelib.visit import telling
from chalicelib.visit.arriving import doctor_is_gone, end, turn_again
from chalicelib.visit.errand import Errand, about_doctor
from chalicelib.visit.telling import Post

NUMBERS_MAX = 400  # called numbers looked at in one sweep of a lane; the rest waits a minute
OPEN_MAX = 5000  # visits of a lane kept in sight, in one row of the table: 15,000 would still fit
CLOSE_MAX = 100  # people sent home in one sweep of a lane


@dataclass(slots=True)
class Swept:
    """What one sweep did, for the log and the dashboard: counts, and what could not be done."""

    looked_at: int = 0
    brought_to_front: int = 0
    sent_home: int = 0
    off_duty: int = 0
    longest_wait_seconds: int = 0
    unreadable: int = 0
    failed: list[Exception] = field(default_factory=list)
    told: int = 0
    desk_alerted: int = 0
    sent: int = 0
    given_up: int = 0


def sweep(errand: Errand, post: Post | None = None) -> Swept:
    """All lanes of all departments, then the post: a service outside that is slow or down holds up nothing else."""
    swept = Swept()
    for department in errand.clinic.departments:
        marks: list[Mark] = []
        lanes: list[Lane] = []
        waiting: list[Visit] = []
        for number in range(errand.clinic.lanes):
            with _in_spite_of(swept):
                mark, lane, there = _lane(errand, department.id, number, swept)
                marks.append(mark)
                lanes.append(lane)
                waiting += there
        with _in_spite_of(swept):
            roster = _roster(errand, department.id, swept)
            _told_on_duty(errand, lanes, roster)
            if lanes:
                absence = telling.absence(errand, lanes, roster)
                swept.desk_alerted += telling.alert(errand, marks[0], absence, waiting)
    if post is not None:
        with _in_spite_of(swept):
            swept.sent, swept.given_up = telling.send_due(errand, post)
    return swept


@contextlib.contextmanager
def _in_spite_of(swept: Swept) -> Iterator[None]:
    """One row that cannot be read, or one queue that is too busy, does not keep the clinic from looking at the rest."""
    try:
        yield
    except Exception as failed:
        swept.failed.append(failed)


def _lane(errand: Errand, department: str, number: int, swept: Swept) -> tuple[Mark, Lane, list[Visit]]:
    mark = errand.records.mark(department, number)
    (lane,) = errand.records.lanes([(department, number)])
    numbers, low = _called_since(mark, lane)
    broken: list[Ticket] = []  # to be looked at again until somebody has mended them
    found = errand.records.visits([*numbers, *mark.open], broken=broken)
    swept.unreadable += len(broken)
    swept.looked_at += len(numbers) + len(mark.open)
    seen = [_rescued(errand, lane, visit, swept) for visit in found]
    with _in_spite_of(swept):
        _held(errand, lane, swept)
    still_open = (*(v.id for v in seen if _may_be_lost_yet(lane, v)), *broken)
    first_seen = [v for v in found if v.id not in mark.open]
    _remember(errand, mark, replace(mark, low=low, open=still_open), first_seen)
    waiting = errand.records.waiting(lane)
    _closing(errand, lane, waiting, swept)
    with _in_spite_of(swept):
        swept.told += telling.tell(errand, lane, [*seen, *waiting])
    return mark, lane, waiting


def _rescued(errand: Errand, lane: Lane, visit: Visit, swept: Swept) -> Visit:
    """Back to the front if nobody has this patient; the visit as it is then, as a doctor may just have come."""
    with _in_spite_of(swept):
        if queue.passed(lane, visit) or doctor_is_gone(errand, visit):
            visit = turn_again(errand, visit)
            swept.brought_to_front += 1
    return visit


def _may_be_lost_yet(lane: Lane, visit: Visit) -> bool:
    """To be looked at again: with a doctor who may vanish, stepped back, or written while this sweep looked."""
    return visit.state in WITH_DOCTOR or visit.returns_at is not None or queue.passed(lane, visit)


def _called_since(mark: Mark, lane: Lane) -> tuple[list[Ticket], tuple[int, int, int, int]]:
    """The numbers called and not yet looked at, at most NUMBERS_MAX, and how far that reads. While OPEN_MAX are in
    sight nothing is added: who comes after them is rescued by their own phone alone."""
    numbers: list[Ticket] = []
    most = max(0, min(NUMBERS_MAX, OPEN_MAX - len(mark.open)))
    low = list(mark.low)
    for band in BANDS:
        until = min(lane.heads[band], low[band] + most - len(numbers))
        numbers += [Ticket(lane.department, lane.number, band, n) for n in range(low[band] + 1, until + 1)]
        low[band] = max(low[band], until)
    return numbers, (low[0], low[1], low[2], low[3])


def _held(errand: Errand, lane: Lane, swept: Swept) -> None:
    """Stepped-back people whose moment passed while no doctor looked, and leftovers of those who left."""
    for visit in errand.records.visits([Ticket.of(id) for id in lane.held]):
        if queue.passed(lane, visit):
            turn_again(errand, visit)
            swept.brought_to_front += 1
        elif visit.state is not State.WAITING or lane.heads[visit.id.band] >= lane.held[str(visit.id)]:
            errand.records.let_go(visit.id, lane.held[str(visit.id)])  # before its turn the visit may just be written


def _remember(errand: Errand, before: Mark, after: Mark, first_seen: list[Visit]) -> None:
    """How far this sweep read, and how the promises of those called since were kept; nothing new, nothing written."""
    if after == before:
        return
    called = [v for v in first_seen if v.calls and len(v.calls) == 1]
    accuracy = errand.records.accuracy(before.department, errand.today)
    counted = promise.kept(accuracy, called)
    changes: list[object] = [after] if counted == accuracy else [after, counted]
    about = f"L#{before.department}#{before.lane}"
    once = replace(errand, request=f"sweep:{before.version or 0}", actor=SYSTEM)
    try:
        errand.records.save(*changes, audit=once.entry("sweep", about))
    except (Stale, Repeated):
        return  # another sweep was here at the same moment, and wrote the same


def _closing(errand: Errand, lane: Lane, waiting: list[Visit], swept: Swept) -> None:
    """Closed, and nobody on duty any more: whoever came while it was open is told; who came later keeps the place."""
    if waiting:
        oldest = min(v.joined_at for v in waiting)
        swept.longest_wait_seconds = max(swept.longest_wait_seconds, int((errand.now - oldest).total_seconds()))
    department = errand.clinic.department(lane.department)
    zone = ZoneInfo(errand.clinic.timezone)
    if department is None or department.is_open(errand.now.astimezone(zone)) or lane.on_duty:
        return
    for visit in waiting[:CLOSE_MAX]:
        if department.is_open(visit.joined_at.astimezone(zone)):
            close = replace(errand, request=f"closing:{visit.version}", actor=SYSTEM)
            # Refused or stale: a doctor came, or the patient left, at this very moment.
            with _in_spite_of(swept), contextlib.suppress(Stale, Repeated, Refusal):
                end(close, "expire", visit, queue.expire(visit, now=errand.now))
                swept.sent_home += 1


def _roster(errand: Errand, department: str, swept: Swept) -> list[Seen]:
    """Doctors who vanished go off duty, so that the board does not promise them. Gives the roster as it was."""
    roster = errand.records.roster(department)
    for line in roster:
        if not line.on_duty or errand.now - line.seen_at < assignment.PRESENCE:
            continue
        with _in_spite_of(swept):
            doctor = errand.records.doctor(line.doctor)
            line = replace(line, seen_at=max(line.seen_at, doctor.seen_at or line.seen_at))
            # Another sweep may have been here since the roster was read.
            if doctor.on_duty and assignment.gone(line, errand.records.visits(doctor.visits), errand.now):
                _off_duty(errand, doctor)
                swept.off_duty += 1
    return roster


def _told_on_duty(errand: Errand, lanes: list[Lane], roster: list[Seen]) -> None:
    """Every lane says how many doctors are on duty. One that a bigger clinic has just opened does not know them yet."""
    there = sum(line.on_duty for line in roster)
    if all((lane.on_duty, lane.of) == (there, errand.clinic.lanes) for lane in lanes):
        return
    keys = [(lane.department, lane.number) for lane in lanes]
    for lane in errand.records.lanes(keys, consistent=True):  # before the roster: whoever comes in between is refused
        there = sum(line.on_duty for line in errand.records.roster(lane.department, consistent=True))
        if (lane.on_duty, lane.of) != (there, errand.clinic.lanes):
            errand.records.tell_on_duty(lane, there, of=errand.clinic.lanes)


def _off_duty(errand: Errand, doctor: Doctor) -> None:
    """Off duty as the doctor was last seen: this is no sign of life, so lost conversations go on being found."""
    after = assignment.pause(doctor)
    changes = [*assignment.presence(doctor, after, errand.clinic.lanes), *assignment.roster(doctor, after)]
    silent = replace(errand, request=f"silent:{doctor.version}", actor=SYSTEM)
    with contextlib.suppress(Stale, Repeated):  # alive after all, or another sweep was here
        silent.records.save(after, *changes, audit=silent.entry("pause", about_doctor(doctor.id)))
