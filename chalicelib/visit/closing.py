"""Closing: whoever came while it was open, and whom no doctor could see, is told so once the doctors have gone."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.refusal import TooLate
from chalicelib.rooms import leaving, queue
from chalicelib.rooms.notice import Kind
from chalicelib.rooms.queue import Lane, Visit
from chalicelib.visit import telling
from chalicelib.visit.arriving import end
from chalicelib.visit.errand import Errand

CLOSE_MAX = 200  # people of a department sent home in one sweep
ROUNDS_MAX = 4  # looks at who waits next: each shows only the first of a band
LOOK_EVERY = 10  # of them: then it is read again whether a doctor has come


def going_home(errand: Errand, lanes: list[Lane], waiting: list[Visit]) -> Iterator[Visit]:
    """One after the other, also who waits behind those who have gone meanwhile."""
    left = CLOSE_MAX
    for _ in range(ROUNDS_MAX):
        people = to_go_home(errand, lanes, waiting)[:left]
        yield from people
        left -= len(people)
        if not people or not left:
            return
        waiting = [visit for lane in lanes for visit in errand.records.waiting(lane)]


def to_go_home(errand: Errand, lanes: list[Lane], waiting: list[Visit]) -> list[Visit]:
    """Of these people in a department, those whose place ends now. No request while it is open, somebody is on duty, or
    nobody is to go."""
    department = errand.clinic.department(lanes[0].department)
    if department is None or department.is_open(errand.here) or queue.on_duty(lanes):
        return []
    mine = [v for v in waiting if leaving.goes_home(v, department, _joined(errand, v), errand.now)]
    return mine if mine and _have_gone(errand, department.id) else []


def _joined(errand: Errand, visit: Visit) -> datetime:
    return visit.joined_at.astimezone(ZoneInfo(errand.clinic.timezone))


def _have_gone(errand: Errand, department: str) -> bool:
    """By the roster as it is now: by an older one who has just tapped on Pause has been away for minutes."""
    there = [line.last_there for line in errand.records.roster(department, consistent=True)]
    return leaving.doctors_have_gone(max((at for at in there if at), default=None), errand.now)


def nobody_is_there(errand: Errand, department: str) -> bool:
    """Whether nobody is on duty, as it is now."""
    return not queue.on_duty(errand.records.lanes(errand.clinic.lanes_of([department]), consistent=True))


def by_hand(errand: Errand, visit: Visit) -> Visit:
    """The same rule, without the wait for doctors who may come back."""
    department = errand.clinic.department(visit.id.department)
    assert department is not None, "nobody finds a visit of a department that is not there"
    leaving.may_close(visit, department, _joined(errand, visit), errand.here)
    if not nobody_is_there(errand, department.id):
        raise TooLate("A doctor is on duty here. To take somebody out of the queue, say why.")
    return send_home(errand, visit)


def send_home(errand: Errand, visit: Visit) -> Visit:
    """The visit ends, and who asked to be told is told, in one write; of who has only the paper the desk is told."""
    told, notices = telling.told_with(errand, visit, Kind.CLOSED)
    return end(errand, "expire", visit, leaving.expire(told, now=errand.now), *notices)
