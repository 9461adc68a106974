"""Desk: what hospital staff do for people: see who waits, queue somebody without a phone, print, cancel, close."""

from dataclasses import dataclass, replace
from itertools import zip_longest

from chalicelib.refusal import NotFound, TooLate
from chalicelib.rooms import arrival, leaving, pocket
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong, Request, Stage
from chalicelib.rooms.queue import BANDS, Ticket, Visit
from chalicelib.rooms.rules import Department
from chalicelib.visit import closing, preferring
from chalicelib.visit.arriving import Place, end, enter, place
from chalicelib.visit.errand import Errand, about_visit, look, look_at_list, once

FIRST_PRINT = "print:first"  # of a visit: a colon is in no id that a browser can send
SHOWN_OF_BAND = 25  # people of each band on the desk's page, which is the heaviest the clinic has
NO_PHONE = "00000"  # the question is answered: this person has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Who waits in one department, in about the order in which they are called: band after band, lane by lane, the
    first SHOWN_OF_BAND of each."""

    department: Department
    waiting: list[Visit]
    whole: bool  # nobody is left out


def see_queue(errand: Errand, *, department: str) -> Queue:
    """Raises NotFound for a department this clinic does not have."""
    found = errand.clinic.department(department)
    if found is None:
        raise NotFound()
    look_at_list(errand)
    lanes = errand.records.lanes(errand.clinic.lanes_of([department]))
    side_by_side = zip_longest(*(errand.records.waiting(lane) for lane in lanes))
    people = [visit for next_ones in side_by_side for visit in next_ones if visit]
    bands = [[v for v in people if (v.ticket or v.id).band is band] for band in BANDS]
    shown = [visit for band in bands for visit in band[:SHOWN_OF_BAND]]
    return Queue(department=found, waiting=shown, whole=len(shown) == len(people))


def add_person(
    errand: Errand,
    *,
    secret: str,
    person: str,
    for_whom: ForWhom,
    name: str,
    age: int,
    guardian: str,
    department: str,
    why: str,
    allergies: str,
    follow_up: bool,
    how_long: HowLong,
    getting: Getting,
    phone: str,
    consented: bool,
    language: str,
    flags: tuple[str, ...],
    found_by: str = "",
) -> Visit:
    """A ticket for somebody without a phone, by the same questions and rules as everybody's. `secret` is of the paper:
    see `pocket.paper`."""
    asked = Request(id=errand.request, holder=person, language=language, started_at=errand.now)
    asked = arrival.red_flags(asked, flags=flags, own=errand.clinic.own_flags)
    if asked.stage is Stage.EMERGENCY:
        raise TooLate("This is an emergency: no ticket. Help the patient now.")
    asked = arrival.who(asked, for_whom=for_whom, name=name, age=age, guardian=guardian, clinic=errand.clinic)
    asked = arrival.what(
        asked, department=department, why=why, allergies=allergies, follow_up=follow_up, clinic=errand.clinic
    )
    asked = arrival.how_long(asked, how_long=how_long, getting=getting)
    asked = arrival.contact(asked, phone=phone or NO_PHONE)
    answers = arrival.agree(asked, consented=consented, clinic=errand.clinic, now=errand.now)
    answers = replace(answers, phone=asked.phone if phone else None)
    asked = replace(asked, started_at=errand.now.min)  # a repeat is the same form at another time
    return enter(errand, asked=asked, answers=answers, secret=secret, person=person, phone=found_by, form=asked)


def print_ticket(errand: Errand, *, id: Ticket) -> Place:
    """What the paper ticket shows; only of people the desk queued, while they wait and no phone has opened it."""
    line = preferring.line(errand, id, "print_ticket")
    if not line.visit.from_desk:
        raise NotFound()
    pocket.may_print(line.visit)
    _printed(errand, id)
    return place(errand, line)


def _printed(errand: Errand, id: Ticket) -> None:
    """Written down before it is shown: the first paper of a visit once, whoever opens another one by name."""
    before = errand.records.answered(about_visit(id), FIRST_PRINT)
    if before is None:
        errand.records.looked(replace(errand, request=FIRST_PRINT).entry("print_ticket", about_visit(id)))
        before = errand.records.answered(about_visit(id), FIRST_PRINT)
        if before is not None and before.actor == errand.actor.id:
            return
    look(errand, id, "print_again")


def _about_visit(errand: Errand, *, id: Ticket, **_: object) -> str:
    return about_visit(id)


def _visit_again(errand: Errand, answer: str, *, id: Ticket, **_: object) -> Visit:
    return errand.records.visit(id)


@once(about=_about_visit, again=_visit_again)
def cancel_visit(errand: Errand, *, id: Ticket, why: str) -> Visit:
    """The desk takes somebody out of the queue, with the reason."""
    visit = errand.visit(id, "cancel_visit")
    return end(errand, "cancel_visit", visit, leaving.cancel(visit, why=leaving.reason(why), now=errand.now))


@once(about=_about_visit, again=_visit_again)
def expire(errand: Errand, *, id: Ticket) -> Visit:
    """Closing time for somebody who still waits, by `leaving.may_close`; their page tells them, and a message, if they
    asked for one."""
    return closing.by_hand(errand, errand.visit(id, "expire"))
