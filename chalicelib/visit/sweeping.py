"""Sweeping: what nobody's tap brings about. Once a minute the clinic looks for the lost, the silent and the late.

Every step is a deed that others do too, written on the condition that nothing has changed, so two sweeps at once,
or one that dies in the middle, do no harm: the next one finds what is left.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from chalicelib.refusal import Refusal, Repeated, Stale
from chalicelib.rooms import assignment, promise, queue, spent
from chalicelib.rooms.assignment import Doctor, Seen
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import ACTIVE, BANDS, WITH_DOCTOR, Lane, Mark, State, Ticket, Visit
from chalicelib.visit import closing, preferring, telling, watching
from chalicelib.visit.arriving import doctor_is_gone, turn_again
from chalicelib.visit.errand import Errand, about_doctor
from chalicelib.visit.preferring import Line
from chalicelib.visit.taking import step_over
from chalicelib.visit.telling import Post

NUMBERS_MAX = 400  # called numbers looked at in one sweep of a lane; the rest waits a minute
STEPS_MAX = 4  # pages of numbers that lead to nobody, passed in one sweep of a band: as many as are looked at
OPEN_MAX = 5000  # visits of a lane kept in sight, in one row of the table: 15,000 would still fit
SLACK = timedelta(minutes=1)  # as old the time of a sweep may be that has run for a while
AWAY = timedelta(days=2)  # so long after they were on duty nobody is looked for in the lines of doctors

DOCTORS = -1  # the part of a department that is no lane
One = TypeVar("One")


@dataclass(slots=True)
class Swept:
    """What one sweep did, for the log and the dashboard: counts, and what could not be done."""

    looked_at: int = 0
    brought_to_front: int = 0
    moved: int = 0  # from the line of a doctor to the first free one
    sent_home: int = 0
    off_duty: int = 0
    longest_wait_seconds: int = 0
    unreadable: int = 0
    failed: list[Exception] = field(default_factory=list)
    not_reached: int = 0  # departments, lanes and people left to the next sweep for want of time
    told: int = 0
    desk_alerted: int = 0
    sent: int = 0
    given_up: int = 0
    texts_percent: int = 0  # of the codes or texts that the clinic may send in a day
    waiting: int = 0  # people without a doctor, in all queues
    alone: int = 0  # open departments where people wait and nobody is on duty
    promises: int = 0  # waits that came to their end since the last sweep
    promises_broken: int = 0  # of them, longer than was said
    outside_care: int = 0  # records opened outside their care by one person in a day, the most
    days_looked_at: int = 0  # doctors' days, in the night after
    mills: int = 0  # of them, days that somebody should ask about
    has_time: Callable[[], bool] = field(default=lambda: True, repr=False, compare=False)

    def in_time(self) -> bool:
        """Whether there is time for one more; what is not reached is counted, and the next sweep finds it."""
        there = self.has_time()
        self.not_reached += not there
        return there


def sweep(errand: Errand, post: Post | None = None, has_time: Callable[[], bool] = lambda: True) -> Swept:
    """All lanes of all departments while there is time, then who is sent home, then the post: a service outside that is
    slow or down holds up nothing else. Each minute another department is the first, and each time another of its lanes
    and doctors, so none is always the last."""
    swept = Swept(has_time=has_time)
    evening: list[tuple[list[Lane], list[Visit]]] = []
    minute = int(errand.now.timestamp()) // 60
    for department in _in_turn([department.id for department in errand.clinic.departments], minute):
        if swept.in_time():
            with _in_spite_of(swept):
                evening.append(_department(errand, department, minute // len(errand.clinic.departments), swept))
    for lanes, waiting in evening:
        with _in_spite_of(swept):
            _closing(errand, lanes, waiting, swept)
    with _in_spite_of(swept):
        swept.outside_care = watching.outside_care(errand)
    with _in_spite_of(swept):
        swept.mills, swept.days_looked_at = watching.mills(errand)
    if post is not None:
        with _in_spite_of(swept):
            swept.sent, swept.given_up = telling.send_due(errand, post)
    with _in_spite_of(swept):
        swept.texts_percent = telling.texts_percent(errand)
    return swept


def _in_turn(all_of_them: Sequence[One], nth: int) -> Sequence[One]:
    first = nth % max(1, len(all_of_them))
    return (*all_of_them[first:], *all_of_them[:first])


def _department(errand: Errand, department: str, turn: int, swept: Swept) -> tuple[list[Lane], list[Visit]]:
    """Its lanes, and who waits in them for the first free doctor. `turn` says how often it has been the first."""
    parts = (*range(errand.clinic.lanes), DOCTORS)
    lanes: list[Lane] = []
    waiting: list[Visit] = []
    roster: list[Seen] = []
    for part in _in_turn(parts, turn):
        with _in_spite_of(swept):
            if part == DOCTORS:
                roster = _doctors(errand, department, turn // len(parts), swept)
            elif swept.in_time():
                lane, there = _lane(errand, department, part, swept)
                lanes.append(lane)
                waiting += [visit for visit in there if not visit.prefers]  # the others have their doctor
    with _in_spite_of(swept):
        _told_on_duty(errand, lanes, roster)
    with _in_spite_of(swept):
        if lanes:
            _alone(errand, department, lanes, waiting, swept)
    return lanes, waiting


def _alone(errand: Errand, department: str, lanes: list[Lane], waiting: list[Visit], swept: Swept) -> None:
    """The desk is told once, and how many wait in all lanes, also where there was no time for each of them."""
    every = errand.clinic.lanes_of([department])
    for absence in telling.absences(errand, [lanes if len(lanes) == len(every) else errand.records.lanes(every)]):
        swept.alone += 1
        swept.desk_alerted += telling.alert(errand, absence, waiting)


@contextlib.contextmanager
def _in_spite_of(swept: Swept) -> Iterator[None]:
    """One row that cannot be read, or one queue that is too busy, does not keep the clinic from looking at the rest."""
    try:
        yield
    except Exception as failed:
        swept.failed.append(failed)


def _lane(errand: Errand, department: str, number: int, swept: Swept) -> tuple[Lane, list[Visit]]:
    mark = errand.records.mark(department, number)
    # As it is now: by an older one a number that was looked at seems not to be called yet, and nobody looks again.
    (lane,) = _stepped(errand, errand.records.lanes([(department, number)], consistent=True), swept)
    numbers, low = _called_since(mark, lane)
    broken: list[Ticket] = []  # to be looked at again until somebody has mended them
    found = _found(errand, [*numbers, *mark.open], broken)
    swept.unreadable += len(broken)
    swept.looked_at += len(numbers) + len(mark.open)
    seen = [_rescued(errand, line, swept) for line in preferring.lines(errand, lane, found)]
    with _in_spite_of(swept):
        _held(errand, lane, swept)
    still_open = (*(line.visit.id for line in seen if _may_be_lost_yet(line)), *broken)
    _remember(errand, mark, replace(mark, low=low, open=still_open), found, swept)
    there = preferring.lines(errand, lane, errand.records.waiting(lane))
    there = [_rescued(errand, line, swept) if line.visit.prefers else line for line in there]
    waiting = [line.visit for line in there]
    swept.waiting += queue.everybody([lane])
    oldest = min((v.joined_at for v in waiting), default=errand.now)
    swept.longest_wait_seconds = max(swept.longest_wait_seconds, int((errand.now - oldest).total_seconds()))
    with _in_spite_of(swept):
        mine = [line.visit for line in (*seen, *there) if line.lane == lane]
        swept.told += telling.tell(errand, lane, mine, swept.has_time)
    for line in (*seen, *there):
        if line.lane != lane:
            with _in_spite_of(swept):
                swept.told += telling.tell(errand, line.lane, [line.visit], swept.has_time)
    return lane, waiting


def _stepped(errand: Errand, lanes: list[Lane], swept: Swept) -> list[Lane]:
    """The lanes with their heads past the numbers in front that lead to nobody. With nobody on duty nobody calls them,
    and they would hide who waits behind, and count as people. They are looked at as called ones are."""
    fronts = [lane.next_number(band) for lane in lanes for band in BANDS if lane.waiting(band)]
    kept = spent.kept(errand.records.visits(fronts))
    return [_past(errand, lane, kept, swept) for lane in lanes]


def _past(errand: Errand, lane: Lane, kept: set[Ticket], swept: Swept) -> Lane:
    with _in_spite_of(swept):
        for band in BANDS:
            spent_in_front = lane.waiting(band) and lane.next_number(band) not in kept
            for _ in range(STEPS_MAX if spent_in_front and swept.in_time() else 0):
                before, lane = lane, step_over(errand, lane, band) or lane
                if lane.heads[band] < before.heads[band] + spent.PAGE:
                    break
    return lane


def _found(errand: Errand, numbers: list[Ticket], broken: list[Ticket]) -> list[Visit]:
    """The visits under these numbers, as they are now: a called number is looked at only once, and one that a read of
    a moment ago showed with nobody, or still with a doctor, would be lost. For the same reason a number under which
    nobody is yet is closed: somebody may have drawn it and not come to write, and would wait under it for ever."""
    holes: list[Ticket] = []
    found = errand.records.visits(numbers, broken=broken, holes=holes, consistent=True)
    late = [number for number in holes if not errand.records.tombstone(number)]
    return found + (errand.records.visits(late, broken=broken, consistent=True) if late else [])


def _doctors(errand: Errand, department: str, turn: int, swept: Swept) -> list[Seen]:
    """Whoever works there, and their patients: all desks together, so that the requests do not grow with the doctors
    one by one. Gives the roster as it was."""
    roster = errand.records.roster(department)
    near = _in_turn([one for one in roster if one.on_duty or errand.now - one.seen_at < AWAY], turn)
    desks = errand.records.own_lines(dict.fromkeys(line.doctor for line in near))
    own = _stepped(errand, [lane for _, lane in desks.values()], swept)
    waiting = errand.records.waiting_for(dict(zip(desks, own, strict=True)))
    in_hand = sorted({id for desk, _ in desks.values() for id in desk.visits} - {visit.id for visit in waiting})
    held = errand.records.visits(in_hand)
    with _in_spite_of(swept):
        mine = [visit for visit in (*waiting, *held) if visit.prefers and visit.id.department == department]
        _asked_for(errand, _in_turn(mine, turn), swept)
    for line in near:
        if swept.in_time():
            with _in_spite_of(swept):
                _silent(errand, line, desks[line.doctor][0], {visit.id: visit for visit in held}, swept)
    return roster


def _asked_for(errand: Errand, mine: Sequence[Visit], swept: Swept) -> None:
    """Who asked for one doctor, waiting or with that doctor. The head of the department's lane may be far from their
    number, so nobody would miss them if that doctor vanished."""
    for home in errand.records.lanes(list(dict.fromkeys(visit.home for visit in mine))) if mine else []:
        here = [visit for visit in mine if visit.home == (home.department, home.number)]
        for line in preferring.lines(errand, home, here):
            with _in_spite_of(swept):
                line = _rescued(errand, line, swept)
                swept.told += telling.tell(errand, line.lane, [line.visit], swept.has_time)


def _rescued(errand: Errand, line: Line, swept: Swept) -> Line:
    """Back to the front if nobody has this patient; the visit as it is then, as a doctor may just have come. Without
    time for it they stay in sight, see `_may_be_lost_yet`."""
    if not swept.in_time():
        return line
    with _in_spite_of(swept):
        settled = preferring.settle(errand, line)
        swept.moved += settled is not line
        line = settled
        if queue.passed(line.lane, line.visit) or doctor_is_gone(errand, line.visit):
            front = turn_again(errand, line.visit)
            swept.brought_to_front += 1
            (line,) = preferring.lines(errand, line.home, [front])
    return line


def _may_be_lost_yet(line: Line) -> bool:
    """To be looked at again: with a doctor who may vanish, waiting for one, stepped back, or written while this sweep
    looked."""
    visit = line.visit
    for_one = visit.prefers is not None and visit.state is State.WAITING
    return visit.state in WITH_DOCTOR or for_one or visit.returns_at is not None or queue.passed(line.lane, visit)


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
    for visit in errand.records.visits([Ticket.of(id) for id in lane.held], consistent=True):
        if not swept.in_time():
            break
        if visit.lane == (lane.department, lane.number) and queue.passed(lane, visit):
            turn_again(errand, visit)
            swept.brought_to_front += 1
        elif _is_over(errand, lane, visit):
            errand.records.let_go((lane.department, lane.number), visit.id, lane.held[str(visit.id)])


def _is_over(errand: Errand, lane: Lane, visit: Visit) -> bool:
    """Whether nobody comes back by what the lane holds of this visit. The lane is told first, so the visit may just be
    written: who waits steps back, or their doctor finds nobody there, which no doctor may say at once. SLACK less than
    that, as this sweep has its time from its beginning."""
    if visit.lane != (lane.department, lane.number) or visit.state not in ACTIVE:
        return True
    answered = visit.state in WITH_DOCTOR and errand.now + SLACK < assignment.may_say_not_here(visit)
    return answered or lane.heads[visit.id.band] >= lane.held[str(visit.id)]


def _remember(errand: Errand, before: Mark, after: Mark, found: list[Visit], swept: Swept) -> None:
    """How far this sweep read, and how the promises of those called since were kept; nothing new, nothing written."""
    called = [v for v in found if _just_called(v, before) or _just_ended(v, before)]
    if after == before and not called:
        return
    moments = [v.calls[0].at if v.calls else v.ended_at or errand.now for v in called]
    after = replace(after, at=max([errand.now, *moments]))  # one may have come meanwhile
    accuracy = errand.records.accuracy(before.department, errand.today)
    counted = promise.kept(accuracy, called)
    changes: list[object] = [after] if counted == accuracy else [after, counted]
    about = f"L#{before.department}#{before.lane}"
    once = replace(errand, request=f"sweep:{before.version or 0}", actor=SYSTEM)
    try:
        errand.records.save(*changes, audit=once.entry("sweep", about))
    except (Stale, Repeated):
        return  # another sweep was here at the same moment, and wrote the same
    swept.promises += counted.counted - accuracy.counted
    swept.promises_broken += counted.counted - counted.in_range - accuracy.counted + accuracy.in_range


def _just_called(visit: Visit, before: Mark) -> bool:
    """Called for the first time since the mark was written: under a number that is looked at now, or by the doctor they
    waited for, or given back and called again meanwhile."""
    if len(visit.calls) == 1 and visit.id not in before.open:
        return True
    return bool(visit.calls) and before.at is not None and visit.calls[0].at > before.at


def _just_ended(visit: Visit, before: Mark) -> bool:
    """Ended before anybody called them: under their own number, looked at now for the first time, or since the mark."""
    if visit.calls or visit.ended_at is None:
        return False
    return visit.id.n > before.low[visit.id.band] or (before.at is not None and visit.ended_at > before.at)


def _closing(errand: Errand, lanes: list[Lane], waiting: list[Visit], swept: Swept) -> None:
    """Closed, and the doctors have gone: nobody is sent home while one comes back."""
    for n, visit in enumerate(closing.going_home(errand, lanes, waiting) if lanes else ()):
        if not swept.in_time() or (
            n % closing.LOOK_EVERY == 0 and not closing.nobody_is_there(errand, lanes[0].department)
        ):
            break
        close = replace(errand, request=f"closing:{visit.version}", actor=SYSTEM)
        # Refused or stale: a doctor came, or the patient left, at this very moment.
        with _in_spite_of(swept), contextlib.suppress(Stale, Repeated, Refusal):
            closing.send_home(close, visit)
            swept.sent_home += 1


def _silent(errand: Errand, line: Seen, desk: Doctor, held: dict[Ticket, Visit], swept: Swept) -> None:
    """A doctor who vanished goes off duty, so that the board does not promise them. Desk and visits were read a moment
    old: who seems to be gone is looked at again."""
    if not _is_gone(line, desk, [held[id] for id in desk.visits if id in held], errand):
        return
    doctor = errand.records.doctor(line.doctor)
    # Another sweep may have been here since the roster was read.
    if doctor.on_duty and _is_gone(line, doctor, errand.records.visits(doctor.visits), errand):
        _off_duty(errand, doctor)
        swept.off_duty += 1


def _is_gone(line: Seen, desk: Doctor, held: list[Visit], errand: Errand) -> bool:
    seen_at = max(line.seen_at, desk.seen_at or line.seen_at)
    return assignment.gone(replace(line, seen_at=seen_at), held, errand.now)


def _told_on_duty(errand: Errand, lanes: list[Lane], roster: list[Seen]) -> None:
    """Every lane says how many doctors are on duty. One that a bigger clinic has just opened does not know them yet."""
    there = _for_anybody(roster)
    if all((lane.on_duty, lane.of) == (there, errand.clinic.lanes) for lane in lanes):
        return
    keys = [(lane.department, lane.number) for lane in lanes]
    for lane in errand.records.lanes(keys, consistent=True):  # before the roster: whoever comes in between is refused
        there = _for_anybody(errand.records.roster(lane.department, consistent=True))
        if (lane.on_duty, lane.of) != (there, errand.clinic.lanes):
            errand.records.tell_on_duty(lane, there, of=errand.clinic.lanes)


def _for_anybody(roster: list[Seen]) -> int:
    return sum(line.on_duty and not line.own_only for line in roster)


def _off_duty(errand: Errand, doctor: Doctor) -> None:
    """Off duty as the doctor was last seen: this is no sign of life, so lost conversations go on being found."""
    after = assignment.pause(doctor)
    changes = [*assignment.presence(doctor, after, errand.clinic.lanes), *assignment.roster(doctor, after)]
    silent = replace(errand, request=f"silent:{doctor.version}", actor=SYSTEM)
    with contextlib.suppress(Stale, Repeated):  # alive after all, or another sweep was here
        silent.records.save(after, *changes, audit=silent.entry("pause", about_doctor(doctor.id)))
