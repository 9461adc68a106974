"""What a patient is shown of a visit, as plain data: the same for the page and for a machine."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib.clinic import CLINIC
from chalicelib.doors import words
from chalicelib.rooms import delivery, preferred, prescription, promise, queue
from chalicelib.rooms.complaint import Complaint
from chalicelib.rooms.consult import PATIENT, Message
from chalicelib.rooms.delivery import Order, Way
from chalicelib.rooms.leaving import STEP_BACKS_MAX, until_closing
from chalicelib.rooms.prescription import Line, Prescription
from chalicelib.rooms.promise import Accuracy
from chalicelib.rooms.queue import ACTIVE, State, Ticket, Visit
from chalicelib.rooms.staff import Plate, plate_of
from chalicelib.store import names
from chalicelib.visit.arriving import MONTH, WEEK, Kept, Place, Standing

# A parcel's way, step by step. Not every step happens, but this is the order.
PARCEL = (
    delivery.State.CREATED,
    delivery.State.PICKING,
    delivery.State.CHECKED,
    delivery.State.HANDED_OVER,
    delivery.State.DELIVERED,
)
CODE_NEEDED = (*delivery.INSIDE, delivery.State.HANDED_OVER, delivery.State.FAILED_ATTEMPT)


def code(id: Ticket) -> str:
    """The short code that is called out and printed."""
    department = CLINIC.department(id.department)
    assert department is not None
    return queue.code(department.letter, id)


def department(id: str, language: str) -> str:
    found = CLINIC.department(id)
    assert found is not None
    return words.in_words(found.name, language)


def standing(one: Standing, language: str, now: datetime) -> dict[str, object]:
    """A department and its wait, as the first page shows it."""
    return {
        "id": one.department.id,
        "name": words.in_words(one.department.name, language),
        "about": words.in_words(one.department.about, language),
        "waiting": queue.everybody(one.lanes),
        "wait": one.wait,
        **_hours(one.department.id, queue.on_duty(one.lanes), now),
    }


def fees(language: str) -> list[dict[str, object]]:
    """What a visit costs: once where it is the same everywhere, else with the departments in which it costs that."""
    found: dict[str, list[str]] = {}
    for one in CLINIC.departments:
        found.setdefault(fee(one.id, language), []).append(words.in_words(one.name, language))
    return [{"fee": said, "departments": where if len(found) > 1 else []} for said, where in found.items()]


def fees_apart(language: str) -> dict[str, object]:
    """Department by department, for who chooses one; nothing where it makes no difference."""
    found = {one.id: fee(one.id, language) for one in CLINIC.departments}
    return {**found} if len(set(found.values())) > 1 else {}


def fee(department: str, language: str) -> str:
    return words.in_words(CLINIC.fee_in(department), language)


def closed(department: str, now: datetime) -> str:
    """When a department that is closed opens, like 08:00; "" for an open one."""
    found = CLINIC.department(department)
    assert found is not None
    return "" if found.is_open(words.local(now)) else f"{found.opens:%H:%M}"


def _hours(id: str, on_duty: int, now: datetime) -> dict[str, object]:
    found = CLINIC.department(id)
    assert found is not None
    return {"on_duty": on_duty, "open": found.is_open(words.local(now)), "opens": f"{found.opens:%H:%M}"}


SOONER = promise.RATIOS.index(0.75) + 1  # so many buckets of ratios are sooner than people were told


def kept(one: Kept, language: str) -> dict[str, object]:
    """How a department kept its promises, in sums and day by day."""
    return {
        "id": one.department.id,
        "name": words.in_words(one.department.name, language),
        "periods": [
            {"of_days": length, **(_accuracy(promise.together(days)) if days else {"called": 0})}
            for length, days in ((WEEK, one.week), (MONTH, one.month))
        ],
        "days": [{"day": day.day, **_accuracy(day)} for day in one.month],
    }


def _accuracy(found: Accuracy) -> dict[str, object]:
    """Of so many called: sooner than promised, in the promised time, later. `half` and `nine_in_ten` are the times
    actual / promised that they stayed within; None where that is more than the last of the edges."""
    sooner = sum(found.ratios[:SOONER])
    half, nine_in_ten = (found.quantile(share) for share in (0.5, 0.9))
    return {
        "called": found.counted,
        "sooner": sooner,
        "in_time": found.in_range - sooner,
        "later": found.counted - found.in_range,
        "half": half if half in promise.RATIOS else None,
        "nine_in_ten": nine_in_ten if nine_in_ten in promise.RATIOS else None,
        "ratios": found.ratios,
    }


def visit(visit: Visit, name: str, language: str) -> dict[str, object]:
    """What is true of a visit whatever its state."""
    return {
        "visit": name,
        "code": code(visit.id),
        "department": department(visit.id.department, language),
        "state": visit.state,
        "patient": visit.answers.name,
        "joined_at": visit.joined_at,
        "active": visit.state in ACTIVE,
        "handed_back": visit.state is State.WAITING and bool(visit.calls),
        "why_now": visit.calls[-1].why if visit.calls else None,
        "outcome": visit.outcome,
        "summary": visit.summary,
        "ended_at": visit.ended_at,
        "ended_why": visit.ended_why,
        "doctor": doctor(visit),
        "fee": visit.answers.fee,
    }


def doctor(visit: Visit) -> dict[str, object] | None:
    """Who sees this patient, or saw them last: as the patient was told then."""
    found = plate_of(visit.plates, visit.doctor) if visit.doctor else None
    return door_plate(found) if found else None


def door_plate(one: Plate) -> dict[str, object]:
    return {"name": one.name, "title": one.title, "licence": one.licence}


def place(found: Place, now: datetime) -> dict[str, object] | None:
    """Where a waiting visit stands; `watch` lets the phone work out its place from the public board."""
    visit = found.visit
    if visit.state is not State.WAITING:
        return None
    ticket = visit.ticket or visit.id
    until = ticket.n if visit.returns_at is None else visit.returns_at  # the call that is this patient's
    n = until if visit.returns_at is None else until + 1
    return {
        "ahead": found.ahead,
        "place": found.ahead + 1,
        "wait": found.wait,
        "stepped_back": visit.ticket is None,
        "missed_at": visit.calls[-1].at if visit.no_shows else None,
        "away": queue.missed(visit),
        "last_call": queue.last_call(visit),
        "may_step_back": visit.ticket is not None and visit.step_backs < STEP_BACKS_MAX,
        "watch": {
            "department": names.board_of(visit.prefers) if visit.prefers else visit.id.department,
            "lane": visit.lane[1],
            "band": int(ticket.band),
            "n": n,
            "until": until,
        },
        "doctor": visit.answers.doctor,
        "waits_for_doctor": visit.prefers is not None,
        "limit": preferred.until(visit, CLINIC) if visit.prefers else None,
        "first_free": found.first_free,
        "moved": visit.moved,
        "may_change_back": found.way_back,
        "closes": closes(visit),
        **_hours(visit.id.department, found.lane.on_duty, now),
    }


def closes(visit: Visit) -> str:
    """When the department closes, like 22:00, for somebody whose place ends with it; "" for everybody else."""
    found = CLINIC.department(visit.id.department)
    assert found is not None
    return f"{found.closes:%H:%M}" if until_closing(visit, found, words.local(visit.joined_at)) else ""


def message(said: Message, language: str, now: datetime) -> dict[str, object]:
    mine = said.author == PATIENT
    return {
        "id": said.id,
        "mine": mine,
        "name": "" if mine else said.author_name,
        "text": said.text,
        "at": said.at,
        "time": words.when(said.at, language, now),
    }


def complaint(one: Complaint) -> dict[str, object]:
    return {
        "number": one.number,
        "about": one.about,
        "text": one.text,
        "filed_at": one.filed_at,
        "closed_at": one.closed_at,
        "word": one.word,
    }


def line(one: Line, language: str) -> dict[str, object]:
    """What was signed, whatever the list says now; the list itself for what was signed without its words."""
    medicine = CLINIC.medicine(one.medicine)
    name, form = (one.name, one.form) if one.name or not medicine else (medicine.name, medicine.form)
    return {
        "medicine": _in(name, language) or one.medicine,
        "strength": one.strength or (medicine.strength if medicine else ""),
        "form": _in(form, language),
        "dose": one.dose,
        "per_day": one.per_day,
        "days": one.days,
        "advice": one.advice,
    }


def _in(said: Mapping[str, str], language: str) -> str:
    """A text that a record keeps: the kit of that day may have had other languages."""
    return said.get(language) or next(iter(said.values()), "")


def medicine(found: Prescription, language: str, now: datetime) -> dict[str, object]:
    """A prescription without the words doctor and pharmacist wrote to each other."""
    return {
        "number": found.number,
        "state": state_of(found, now),
        "doctor": found.doctor_name,
        "pharmacist": found.pharmacist_name if found.state in EFFECTIVE else None,
        "signed_at": found.signed_at,
        "until": prescription.good_until(found),
        "lines": [line(one, language) for one in found.lines],
    }


def state_of(found: Prescription, now: datetime) -> prescription.State:
    """Out of date from that second on, whether anybody has written it down yet or not."""
    in_time = now <= prescription.good_until(found) or found.state not in STILL_TO_COME
    return found.state if in_time else prescription.State.EXPIRED


STILL_TO_COME = (prescription.State.SIGNED, prescription.State.EFFECTIVE, prescription.State.RESERVED)
EFFECTIVE = (prescription.State.EFFECTIVE, prescription.State.RESERVED, prescription.State.DISPENSED)


def parcel(order: Order, now: datetime) -> dict[str, object]:
    """A parcel's way with what is still to come, and the code while it is needed."""
    late = delivery.late(order, now)
    steps = [
        {
            "state": s.state,
            "at": s.at,
            "note": s.note if s.state is delivery.State.FAILED_ATTEMPT else "",
            "mark": "did",
        }
        for s in order.steps
    ]
    if order.state is not delivery.State.DELIVERED:
        steps[-1]["mark"] = "at"
    if late:
        to_come: tuple[delivery.State, ...] = ()
    elif order.state in PARCEL:
        to_come = PARCEL[PARCEL.index(order.state) + 1 :]
    else:
        to_come = PARCEL[-1:] if order.state is delivery.State.FAILED_ATTEMPT else ()
    return {
        "way": order.way,
        "pick_up": order.way is Way.PICK_UP,
        "state": order.state,
        "address": order.address,
        "phone": order.phone,
        "proof": order.code if order.state in CODE_NEEDED and order.codes_left and not late else None,
        "locked": order.state in CODE_NEEDED and not order.codes_left,
        "may_cancel": order.state in delivery.INSIDE,
        "late": late,
        "steps": steps + [{"state": state, "at": None, "note": "", "mark": "next"} for state in to_come],
    }
