"""Gives: the shapes of what a program is given, as JSON Schema; `answers` says which address gives which."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from chalicelib.outside.identity import Step
from chalicelib.rooms import delivery, prescription
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong
from chalicelib.rooms.complaint import About
from chalicelib.rooms.consult import SOAP, NoteState, Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.glass import Reason, Verdict
from chalicelib.rooms.permission import Role
from chalicelib.rooms.queue import Band, Moved, State, Why

Shape = dict[str, Any]
TEXT: Shape = {"type": "string"}
WHOLE: Shape = {"type": "integer"}
NUMBER: Shape = {"type": "number"}
YES: Shape = {"type": "boolean"}
TIME: Shape = {"type": "string", "format": "date-time"}
DAY: Shape = {"type": "string", "format": "date"}
NAME: Shape = {"type": "string", "minLength": 8, "maxLength": 64, "description": "The opaque name of a visit."}


def thing(parts: Mapping[str, Shape] | None = None, **more: Shape) -> Shape:
    """All of these, and nothing else."""
    both = {**(parts or {}), **more}
    return {"type": "object", "additionalProperties": False, "required": list(both), "properties": both}


def some(shape: Shape, *, exactly: int | None = None) -> Shape:
    found: Shape = {"type": "array", "items": shape}
    return found if exactly is None else {**found, "minItems": exactly, "maxItems": exactly}


def maybe(shape: Shape) -> Shape:
    return {"anyOf": [shape, {"type": "null"}]}


def either(*shapes: Shape) -> Shape:
    return {"anyOf": list(shapes)}


def word(kind: type[Enum]) -> Shape:
    """One word of a list of ours, as `machine.plain` says it."""
    return {"enum": [one.value if isinstance(one.value, str) else one.name.lower() for one in kind]}


def without(shape: Shape, *names: str) -> Shape:
    """Of which these may be missing."""
    return {**shape, "required": [name for name in shape["required"] if name not in names]}


NOTHING = thing()
STATE, VISIT_NAMED = thing(state=word(State)), thing(visit=NAME)
WAIT = maybe(some(WHOLE, exactly=2))  # minutes, from and to
PLATE = thing(name=TEXT, title=TEXT, licence=TEXT)
FEES = some(thing(fee=TEXT, departments=some(TEXT)))
STANDING = thing(id=TEXT, name=TEXT, about=TEXT, waiting=WHOLE, wait=WAIT, on_duty=WHOLE, open=YES, opens=TEXT)
LINE = thing(medicine=TEXT, strength=TEXT, form=TEXT, dose=TEXT, per_day=WHOLE, days=WHOLE, advice=TEXT)
NOTE = thing(dict.fromkeys(SOAP, TEXT), number=WHOLE, doctor=TEXT, state=word(NoteState), signed_at=maybe(TIME))

# What a patient is shown: see `shown`.
VISIT: dict[str, Shape] = {
    "visit": NAME,
    "code": TEXT,
    "department": TEXT,
    "state": word(State),
    "patient": TEXT,
    "joined_at": TIME,
    "active": YES,
    "handed_back": YES,
    "why_now": maybe(word(Why)),
    "outcome": maybe(word(Outcome)),
    "summary": maybe(TEXT),
    "ended_at": maybe(TIME),
    "ended_why": maybe(TEXT),
    "doctor": maybe(PLATE),
    "fee": TEXT,
}
PLACE = thing(
    ahead=WHOLE,
    place=WHOLE,
    wait=WAIT,
    stepped_back=YES,
    missed_at=maybe(TIME),
    away=YES,
    last_call=YES,
    may_step_back=YES,
    watch=thing(department=TEXT, lane=WHOLE, band=WHOLE, n=WHOLE, until=WHOLE),
    doctor=TEXT,
    waits_for_doctor=YES,
    limit=maybe(TIME),
    first_free=WAIT,
    moved=maybe(word(Moved)),
    may_change_back=YES,
    closes=TEXT,
    on_duty=WHOLE,
    open=YES,
    opens=TEXT,
)
MESSAGE = thing(id=TEXT, mine=YES, name=TEXT, text=TEXT, at=TIME, time=TEXT)
MEDICINE = thing(
    number=WHOLE,
    state=word(prescription.State),
    doctor=TEXT,
    pharmacist=maybe(TEXT),
    signed_at=TIME,
    until=TIME,
    lines=some(LINE),
)
PARCEL = thing(
    way=word(Way),
    pick_up=YES,
    state=word(delivery.State),
    address=TEXT,
    phone=TEXT,
    proof=maybe(TEXT),
    locked=YES,
    may_cancel=YES,
    late=YES,
    steps=some(thing(state=word(delivery.State), at=maybe(TIME), note=TEXT, mark={"enum": ["did", "at", "next"]})),
)
COMPLAINT_PARTS = {
    "number": WHOLE,
    "about": word(About),
    "text": TEXT,
    "filed_at": TIME,
    "closed_at": maybe(TIME),
    "word": TEXT,
}
COMPLAINT = thing(COMPLAINT_PARTS)
ANSWERS = thing(
    for_whom=word(ForWhom),
    name=TEXT,
    age=WHOLE,
    guardian=maybe(TEXT),
    department=TEXT,
    why=TEXT,
    allergies=TEXT,
    follow_up=YES,
    how_long=word(HowLong),
    getting=word(Getting),
    phone=maybe(TEXT),
    language=TEXT,
    consent=TEXT,
    consent_at=TIME,
    text_me=YES,
    doctor=TEXT,
    fee=TEXT,
)
ACCURACY = dict.fromkeys(("called", "sooner", "in_time", "later"), WHOLE)
ACCURACY |= {"half": maybe(NUMBER), "nine_in_ten": maybe(NUMBER), "ratios": some(WHOLE)}
FOUND = thing(visit=NAME, code=TEXT, department=TEXT, joined_at=TIME)
ASKED = thing(step=TEXT, number=WHOLE, steps=WHOLE)
OFFER = thing(title=TEXT, licence=TEXT, name=TEXT, on_duty=YES, minutes_max=WHOLE, wait=WAIT, first_free=WAIT)
DRAFT = {
    "flags": some(TEXT),
    "for_whom": word(ForWhom),
    "name": TEXT,
    "age": WHOLE,
    "guardian": TEXT,
    "why": TEXT,
    "department": TEXT,
    "allergies": TEXT,
    "follow_up": YES,
    "how_long": word(HowLong),
    "getting": word(Getting),
    "phone": TEXT,
    "text_me": YES,
}
QUESTION = without(
    thing(
        ASKED["properties"],
        answers={**thing(DRAFT), "required": []},
        doctor=maybe(OFFER),
        fee=TEXT,
        no_medicine=TEXT,
        opens=TEXT,
    ),
    *("answers", "doctor", "fee", "no_medicine", "opens"),
)
NEXT, KNOWN = thing(next=TEXT), thing(known={"type": "null"})
SENT, PROVEN = thing(sent=YES), thing(proven=YES)
PEOPLE = some(thing(choice=TEXT, name=TEXT, age=WHOLE, relation=word(ForWhom)))
OPENINGS = some(thing(name=TEXT, role=word(Role), deed=TEXT, at=TIME, until=TIME, times=WHOLE, reason=TEXT))

# What people who work here are shown: see `chart`.
ROW = thing(
    visit=NAME,
    code=TEXT,
    name=TEXT,
    age=WHOLE,
    department=TEXT,
    why=TEXT,
    band=word(Band),
    state=word(State),
    is_new=YES,
    to_reply=YES,
    outcome=maybe(word(Outcome)),
    from_desk=YES,
    printable=YES,
    waits_for=TEXT,
    closes=TEXT,
    at=TIME,
    minutes=WHOLE,
)
SAID = thing(id=TEXT, patient=YES, author=TEXT, text=TEXT, at=TIME, clock=TEXT)
SIGNED = thing(
    number=WHOLE,
    state=word(prescription.State),
    doctor=TEXT,
    by=TEXT,
    signed_at=TIME,
    confirmed=YES,
    pharmacist=maybe(TEXT),
    decided_at=maybe(TIME),
    reason=maybe(TEXT),
    lines=some(LINE),
)
ORDER = thing(state=word(delivery.State), way=word(Way), at=TIME)
PAST = thing(
    department=TEXT,
    joined_at=TIME,
    state=word(State),
    why=TEXT,
    outcome=maybe(word(Outcome)),
    summary=maybe(TEXT),
    notes=some(NOTE),
    prescription=maybe(SIGNED),
)
DOSSIER: dict[str, Shape] = {
    **{name: VISIT[name] for name in ("visit", "code", "department", "state", "why_now", "joined_at")},
    **{name: VISIT[name] for name in ("outcome", "summary", "ended_at", "ended_why")},
    **{name: ANSWERS["properties"][name] for name in ("name", "age", "for_whom", "guardian", "allergies", "why")},
    **{name: ANSWERS["properties"][name] for name in ("how_long", "getting", "follow_up", "phone")},
    "band": word(Band),
    "speaks": TEXT,
    "from_desk": YES,
    "epoch": WHOLE,
    "mine": YES,
    "ended_by_me": YES,
    "waited": maybe(WHOLE),
    "handed_back": maybe(TEXT),
    "had_before": TEXT,
    "no_medicine": some(TEXT),
    "heard": WHOLE,
    "not_here_from": maybe(TIME),
    "no_shows": WHOLE,
    "last_call": YES,
    "may_call_again": YES,
    "messages": some(SAID),
    "note": maybe(NOTE),
    "notes": some(NOTE),
    "prescription": maybe(SIGNED),
    "order": maybe(ORDER),
    "history": some(PAST),
}
MEMBER: dict[str, Shape] = {
    "id": TEXT,
    "name": TEXT,
    "role": word(Role),
    "active": YES,
    "departments": some(TEXT),
    "title": TEXT,
    "licence": TEXT,
    "licence_until": maybe(DAY),
    "practising_since": maybe(DAY),
    "licence_ends": {"enum": ["", "soon", "over"]},
}
CHANGED = thing(id=TEXT, active=YES, role=word(Role))
SLIP = thing(id=TEXT, name=TEXT, first_password=TEXT)
OPENING = thing(
    opening=TEXT,
    ticket_code=TEXT,
    name=TEXT,
    role=word(Role),
    reason=word(Reason),
    words=TEXT,
    at=TIME,
    mine=YES,
    verdict=maybe(word(Verdict)),
    remark=maybe(TEXT),
    reviewer=maybe(TEXT),
    reviewed_at=maybe(TIME),
)
PARCEL_ROW = thing(
    visit=NAME,
    code=TEXT,
    state=word(delivery.State),
    way=word(Way),
    medicines=WHOLE,
    attempts=WHOLE,
    late=YES,
    mine=YES,
    minutes=WHOLE,
)
GROUPS = ("pick", "check", "hand_over", "counter", "on_the_way", "failed", "back")
RETURNED = thing(visit=NAME, code=TEXT, number=WHOLE, reason=maybe(TEXT), pharmacist=maybe(TEXT), minutes=WHOLE)
WARNINGS = some(thing(kind=TEXT, medicine=TEXT, other=TEXT))
SIGN_IN = thing(step=word(Step), session=TEXT, seed=TEXT)
PARCEL_STATE, MEDICINE_STATE = thing(state=word(delivery.State)), thing(state=word(prescription.State))
