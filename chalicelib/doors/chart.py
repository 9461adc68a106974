"""Chart: what people who work here are shown of a visit, as plain data: the same for the page and for a machine."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from chalicelib.clinic import CLINIC
from chalicelib.doors import shown, words
from chalicelib.rooms import arrival, assignment, consult, grounds, pocket, queue, staff
from chalicelib.rooms.consult import PATIENT, SOAP, Message, Note
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.notice import Absence
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import WITH_DOCTOR, Band, State, Ticket, Visit
from chalicelib.store import names
from chalicelib.visit.arriving import Standing
from chalicelib.visit.seeing import Dossier, Past
from chalicelib.visit.taking import Work


def minutes(since: datetime, now: datetime) -> int:
    """Whole minutes, never negative: clocks of two machines differ a little."""
    return max(0, int((now - since).total_seconds() // 60))


def band(visit: Visit) -> str:
    """The group the visit waits in, or waited in last: recall, urgent, standard, follow_up."""
    ticket = visit.ticket or visit.id
    return Band(ticket.band).name.lower()


def row(visit: Visit, now: datetime, language: str, unanswered: frozenset[Ticket] = frozenset()) -> dict[str, object]:
    """One line of a list: who, why, and how long already."""
    since = visit.calls[-1].at if visit.calls and visit.state in WITH_DOCTOR else visit.ended_at or visit.joined_at
    return {
        "visit": names.name_of(visit.id),
        "code": shown.code(visit.id),
        "name": visit.answers.name,
        "age": visit.answers.age,
        "department": shown.department(visit.id.department, language),
        "why": visit.answers.why,
        "band": band(visit),
        "state": visit.state,
        "is_new": visit.state is State.ASSIGNED and not visit.last_word,
        "to_reply": visit.id in unanswered,
        "outcome": visit.outcome,
        "from_desk": visit.from_desk,
        "printable": visit.from_desk and pocket.is_printable(visit),
        "waits_for": visit.answers.doctor if visit.prefers and visit.state is State.WAITING else "",
        "closes": "" if visit.prefers else shown.closes(visit),
        "at": since,
        "minutes": minutes(since, now),
    }


def absence(one: Absence, language: str, now: datetime) -> dict[str, object]:
    """Where people wait and nobody is on duty, and since when."""
    return {
        "department": one.department,
        "name": shown.department(one.department, language),
        "people": one.people,
        "since": one.since,
        "time": words.when(one.since, language, now) if one.since else "",
    }


def standings(found: Iterable[Standing], language: str, now: datetime) -> list[dict[str, object]]:
    return [shown.standing(one, language, now) for one in found]


def work(found: Work, now: datetime, language: str) -> dict[str, object]:
    """A doctor's list."""
    return {
        "on_duty": found.doctor.on_duty,
        "departments": found.doctor.departments,
        "capacity": found.doctor.capacity,
        "own_only": found.doctor.own_only,
        "own_patients": [row(visit, now, language) for visit in found.own],
        "boards": [] if found.doctor.own_only else list(found.doctor.departments),
        "own_board": names.board_of(found.doctor.id),
        "room": max(0, found.doctor.capacity - len(found.visits)),
        "queues": standings(found.standings, language, now),
        "visits": [row(visit, now, language, found.unanswered) for visit in found.visits],
        "to_reply": len(found.unanswered),
        "returned": [returned(one, now) for one in found.returned],
        "came_back": [
            {"visit": names.name_of(order.visit), "code": shown.code(order.visit), "at": order.steps[-1].at}
            for order in found.came_back
        ],
        "recent": [row(visit, now, language) for visit in found.recent],
        "slipped_away": [v.answers.name for v in found.recent if assignment.slipped_away(v, found.doctor.id)],
        "silent_minutes": assignment.LEASE.seconds // 60,
    }


def returned(found: Prescription, now: datetime) -> dict[str, object]:
    at = found.decided_at or found.signed_at
    return {
        "visit": names.name_of(found.visit),
        "code": shown.code(found.visit),
        "number": found.number,
        "reason": found.reason,
        "pharmacist": found.pharmacist_name,
        "minutes": minutes(at, now),
    }


def dossier(found: Dossier, me: str, now: datetime, language: str) -> dict[str, object]:
    """Everything a doctor sees of one visit."""
    visit = found.visit
    return {
        **patient(visit, language),
        "epoch": visit.epoch,
        "mine": visit.doctor == me and visit.state in WITH_DOCTOR,
        "ended_by_me": visit.doctor == me and visit.state is State.COMPLETED,
        "why_now": visit.calls[-1].why if visit.calls else None,
        "waited": minutes(visit.joined_at, visit.calls[-1].at) if visit.calls else None,
        "handed_back": visit.handed_back,
        "no_medicine": [one.message for one in grounds.beforehand(visit, CLINIC.rules.at(now, visit.id.department))],
        "had_before": _had_before(visit),
        "heard": int(found.messages[-1].id) if found.messages else 0,  # of what is shown: the visit may be newer
        "not_here_from": assignment.may_say_not_here(visit) if visit.calls and visit.heard_in < visit.epoch else None,
        "no_shows": visit.no_shows,
        "last_call": queue.last_call(visit),
        "may_call_again": queue.missed(visit) and visit.calls[-1].doctor == me,
        "messages": [message(one) for one in found.messages],
        "note": note(found.note) if found.note else None,
        "notes": [note(one) for one in found.notes],
        "prescription": medicine(found.prescription, language) if found.prescription else None,
        "order": parcel(found.order) if found.order else None,
        "history": [past(one, language) for one in found.history],
        "outcome": visit.outcome,
        "summary": visit.summary,
        "ended_at": visit.ended_at,
        "ended_why": visit.ended_why,
    }


def _had_before(visit: Visit) -> str:
    """The name of the doctor who called this patient before the present one; "" if there was none."""
    if len(visit.calls) < 2 or visit.calls[-2].doctor == visit.calls[-1].doctor:
        return ""
    plate = staff.plate_of(visit.plates, visit.calls[-2].doctor)
    return plate.name if plate else visit.calls[-2].doctor


def patient(visit: Visit, language: str) -> dict[str, object]:
    """Who it is and what they answered before the ticket."""
    answers = visit.answers
    return {
        "visit": names.name_of(visit.id),
        "code": shown.code(visit.id),
        "department": shown.department(visit.id.department, language),
        "state": visit.state,
        "band": band(visit),
        "name": answers.name,
        "age": answers.age,
        "for_whom": answers.for_whom,
        "guardian": answers.guardian,
        "allergies": arrival.allergic_to(answers.allergies),
        "why": answers.why,
        "how_long": answers.how_long,
        "getting": answers.getting,
        "follow_up": answers.follow_up,
        "phone": answers.phone,
        "speaks": answers.language,
        "from_desk": visit.from_desk,
        "joined_at": visit.joined_at,
    }


def message(said: Message) -> dict[str, object]:
    return {
        "id": said.id,
        "patient": said.author == PATIENT,
        "author": said.author_name,
        "text": said.text,
        "at": said.at,
        "clock": words.clock(said.at),
    }


def begun_from(found: Dossier, sent: Mapping[str, list[str]]) -> dict[str, object]:
    """The text a page with the note begins from. Where it shows again what was sent from another one, and that one did
    not know the text kept, both are shown."""
    typed = {name: "".join(texts[:1]) for name, texts in sent.items()}
    began = consult.Began(base=typed.get("base", ""), page=typed.get("page", ""))
    elsewhere = consult.written_elsewhere(found.visit, found.note, typed, began)
    return {
        "began": consult.mark(consult.typed_so_far(found.visit, found.note)),
        "other": note(found.note) if found.note and elsewhere else None,
    }


def note(written: Note) -> dict[str, object]:
    return {
        "number": written.number,
        "doctor": written.doctor_name,
        "state": written.state,
        "signed_at": written.signed_at,
        **{part: getattr(written, part) for part in SOAP},
    }


def medicine(found: Prescription, language: str) -> dict[str, object]:
    """A prescription with what doctor and pharmacist wrote to each other."""
    return {
        "number": found.number,
        "state": found.state,
        "doctor": found.doctor_name,
        "by": found.doctor,
        "signed_at": found.signed_at,
        "confirmed": found.confirmed,
        "pharmacist": found.pharmacist_name,
        "decided_at": found.decided_at,
        "reason": found.reason,
        "lines": [shown.line(line, language) for line in found.lines],
    }


def parcel(order: Order) -> dict[str, object]:
    """Where the parcel is; the address is nothing a doctor needs."""
    return {"state": order.state, "way": order.way, "at": order.steps[-1].at if order.steps else order.created_at}


def past(found: Past, language: str) -> dict[str, object]:
    visit = found.visit
    return {
        "department": shown.department(visit.id.department, language),
        "joined_at": visit.joined_at,
        "state": visit.state,
        "why": visit.answers.why,
        "outcome": visit.outcome,
        "summary": visit.summary,
        "notes": [note(one) for one in found.notes],
        "prescription": medicine(found.prescription, language) if found.prescription else None,
    }


def departments(language: str) -> list[tuple[str, str, str]]:
    """As options of a form: id, name, what it is for."""
    return [(d.id, words.in_words(d.name, language), words.in_words(d.about, language)) for d in CLINIC.departments]
