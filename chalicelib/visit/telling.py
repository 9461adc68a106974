"""Telling: what people are told outside the page. Written into the outbox with what it is about, sent by the sweep,
or, when a doctor takes somebody, at once.

A notice is written once per visit and kind. Whoever sends it claims it first, on the condition that nobody else has,
so two sweeps never send the same one. One window remains: a sweep that is killed between the service's yes and our
mark leaves a notice that is claimed and not marked, and after the lease it is sent once more.
"""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol
from zoneinfo import ZoneInfo

from chalicelib.refusal import NotFound, Repeated, Stale, TooLate
from chalicelib.rooms import notice, phone, pocket, queue
from chalicelib.rooms.assignment import Seen
from chalicelib.rooms.notice import IN_THE_HALL, PAPER, SHOWN, Absence, Kind, Notice, Outcome, Sending, Wake, Way
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.phone import Counted
from chalicelib.rooms.queue import ACTIVE, Lane, Ticket, Visit
from chalicelib.visit.errand import Errand, about_visit, once

TOLD_MAX = 100  # people of one lane for whom a notice is written in one sweep
SENT_MAX = 500  # notices sent in one sweep, if the service is quick enough; the rest waits a minute


class Post(Protocol):
    """What carries notices out of the clinic. It keeps the time: a slow service must not outlast the sweep."""

    @property
    def carries(self) -> bool: ...  # False: no service is configured
    @property
    def has_time(self) -> bool: ...
    def send(self, one: Notice) -> Outcome: ...


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def _visit_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Visit:
    return errand.records.visit(id)


@once(about=_about_visit, again=_visit_again)
def wake_me(errand: Errand, *, id: Ticket, endpoint: str) -> Visit:
    """This browser wants to be woken when it is nearly the patient's turn; it takes the place of another one."""
    visit = errand.visit(id, "wake_me")
    if visit.state not in ACTIVE:
        raise TooLate("This visit has already ended.")
    before = errand.records.wake(id)
    wake = Wake(visit=id, endpoint=notice.endpoint(endpoint), at=errand.now, version=before.version if before else None)
    after = replace(visit, wakes=True)
    errand.records.save(after, wake, audit=errand.entry("wake_me", about_visit(id)))
    return after


def tell(errand: Errand, lane: Lane, visits: list[Visit], has_time: Callable[[], bool] = lambda: True) -> int:
    """Write what these patients are to be told now; how many were. Nothing due, nothing asked of the table."""
    told = 0
    for visit in visits:
        ways = notice.ways(visit, errand.clinic)
        kind = notice.due(visit, lane, errand.now) if ways else None
        if kind and told < TOLD_MAX and has_time():
            told += _told(errand, visit, kind, ways) is not None
    return told


def called(errand: Errand, post: Post, *, id: Ticket) -> int:
    """A doctor has just taken this patient: write and send what they asked for; how many were sent. What cannot be
    sent in time the sweep sends, and what it has sent is not sent here."""
    visit = errand.records.visit(id)
    ways = notice.ways(visit, errand.clinic)
    if not (ways and post.carries and notice.called(visit)):
        return 0
    written = _told(errand, visit, Kind.TURN, ways) or []
    return [_sent(errand, post, one, visit) for one in written].count(Sending.SENT)


def _told(errand: Errand, visit: Visit, kind: Kind, ways: tuple[Way, ...]) -> list[Notice] | None:
    """Visit and notices in one transaction: both know, or neither. None: somebody else was first."""
    notices, counted = _notices(errand, visit, kind, ways)
    clock = replace(errand, request=f"tell:{kind}", actor=SYSTEM)
    try:
        told = replace(visit, told=visit.told | {kind})
        clock.records.save(told, *notices, *counted, audit=clock.entry("tell", about_visit(visit.id)))
    except (Stale, Repeated):
        return None  # the patient left, a doctor came, another sweep was here, or a cap was reached this moment
    return [replace(one, version=1) for one in notices if one.state is Sending.WAITING]


def told_with(errand: Errand, visit: Visit, kind: Kind) -> tuple[Visit, list[object]]:
    """For who asked to be told: the visit that knows it, and what is to be written with it."""
    ways = notice.ways(visit, errand.clinic)
    if not ways:
        return visit, [notice.on_paper(visit, kind, errand.now)] if pocket.is_paper(visit) else []
    notices, counted = _notices(errand, visit, kind, ways)
    return replace(visit, told=visit.told | {kind}), [*notices, *counted]


def _notices(
    errand: Errand, visit: Visit, kind: Kind, ways: tuple[Way, ...]
) -> tuple[list[Notice], tuple[Counted, ...]]:
    where = {way: _to(errand, visit, way) for way in ways}
    notices = [notice.to_patient(visit, kind, way, to=to, now=errand.now) for way, to in where.items() if to]
    counted = _counted(errand, where.get(Way.SMS, ""))
    if not counted:
        notices = [notice.capped(one, errand.now) if one.way is Way.SMS else one for one in notices]
    return notices, counted


def _counted(errand: Errand, number: str) -> tuple[Counted, ...]:
    """What a text to this number counts towards; nothing where no more is sent today. The counters are conditions of
    the write, so two at the last moment are one; reading them first lets the visit be marked as told at the cap."""
    if not number:
        return ()
    counters = notice.counters(errand.records.phone_of(number), errand.clinic, errand.here)
    return counters if all(errand.records.count_of(one) < one.most for one in counters) else ()


def texts_percent(errand: Errand) -> int:
    """How much of what the clinic may send in a day is sent, in percent: of codes or of texts, whichever is more. No
    request where it sends none."""
    if not errand.clinic.sms.on:
        return 0
    days = (phone.whole_day(errand.clinic, errand.here), notice.whole_day(errand.clinic, errand.here))
    return max(100 * errand.records.count_of(one) // one.most for one in days)


def _to(errand: Errand, visit: Visit, way: Way) -> str:
    if way is Way.SMS:
        return phone.number(visit.answers.phone or "", errand.clinic)
    wake = errand.records.wake(visit.id)
    return wake.endpoint if wake else ""


def alert(errand: Errand, absence: Absence, waiting: list[Visit]) -> bool:
    """The desk is alerted once in a stretch of absence; the mark of the first lane remembers which one it was."""
    if not notice.to_alert(absence, waiting, errand.now):
        return False
    mark = errand.records.mark(absence.department, 0)
    if mark.alerted == absence.stretch:
        return False
    changes: list[object] = [replace(mark, alerted=absence.stretch)]
    if errand.clinic.sms.on and errand.clinic.sms.desk:
        changes.append(notice.to_desk(absence, errand.clinic, errand.now))
    clock = replace(errand, request=f"alert:{absence.stretch}", actor=SYSTEM)
    try:
        clock.records.save(*changes, audit=clock.entry("alert", f"L#{mark.department}#{mark.lane}"))
    except (Stale, Repeated):
        return False  # another sweep was here
    return True


def absence(errand: Errand, lanes: list[Lane], roster: list[Seen]) -> Absence | None:
    """Whether nobody is on duty in this department though it is open and people wait. A doctor for own patients only
    is no sign of life for them, but was one as long as anybody was taken."""
    department = errand.clinic.department(lanes[0].department)
    if department is None:
        raise NotFound()
    local = errand.now.astimezone(ZoneInfo(errand.clinic.timezone))
    there = [line.last_there for line in roster]
    return notice.absence(lanes, department, [at for at in there if at], local)


def absences(errand: Errand, departments: list[list[Lane]]) -> list[Absence]:
    """Where nobody is on duty though people wait. A roster is asked for only where it may be so."""
    alone = [lanes for lanes in departments if not queue.on_duty(lanes) and queue.everybody(lanes)]
    found = [absence(errand, lanes, errand.records.roster(lanes[0].department)) for lanes in alone]
    return [one for one in found if one is not None]


def unsent(errand: Errand) -> list[Notice]:
    """What could not be sent lately, for the desk: those people do not know. Who has only the paper is not in the hall
    for long."""
    lost = errand.records.notices_lost(errand.now - SHOWN)
    return [one for one in lost if one.why != PAPER or errand.now - one.due_at < IN_THE_HALL]


def send_due(errand: Errand, post: Post) -> tuple[int, int]:
    """Send what is due while there is time; how many were sent and given up. One request if nothing is due."""
    if not post.carries:
        return 0, 0
    due = errand.records.notices_due(errand.now, SENT_MAX)
    about = {one.visit for one in due if one.visit}
    now = {v.id: v for v in errand.records.visits(about, consistent=True)} if about else {}
    ends = [_sent(errand, post, one, now.get(one.visit) if one.visit else None) for one in due]
    return ends.count(Sending.SENT), ends.count(Sending.GIVEN_UP)


def _sent(errand: Errand, post: Post, one: Notice, visit: Visit | None) -> Sending | None:
    """Claim, send, mark, if it is still so. None: left for another sweep, or another sweep has it."""
    records = errand.records
    if not post.has_time:
        return None
    with contextlib.suppress(Stale):
        if notice.untrue(one, visit):
            return records.move(notice.unsaid(one, errand.now)).state
        if notice.hopeless(one, errand.now):
            return records.move(notice.given_up(one, errand.now)).state
        claimed = records.move(notice.claim(one, errand.now))
        outcome = post.send(claimed)
        marked = records.move(notice.after(claimed, outcome, errand.now))
        if outcome is Outcome.NEVER:
            _forget(errand, marked)
        return marked.state
    return None


def _forget(errand: Errand, gone: Notice) -> None:
    """Its push service does not know this browser any more: it is not asked again."""
    if gone.way is not Way.PUSH or gone.visit is None:
        return
    wake = errand.records.wake(gone.visit)
    if wake and wake.endpoint == gone.to:  # not one that the patient gave us since
        with contextlib.suppress(Stale):
            errand.records.move(replace(wake, endpoint=""))
