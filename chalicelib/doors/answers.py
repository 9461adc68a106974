"""Answers: what each address gives a program, by the name of its door and view; `/openapi.json` says it.

`tests/doors/test_contract.py` holds every answer to its shape: what was not declared here does not leave.
"""

from chalicelib.doors import gives
from chalicelib.doors.gives import (
    CHANGED,
    COMPLAINT,
    DAY,
    KNOWN,
    LINE,
    MEDICINE_STATE,
    NAME,
    NEXT,
    NOTHING,
    NUMBER,
    PARCEL,
    PARCEL_STATE,
    PLACE,
    PROVEN,
    SENT,
    STATE,
    TEXT,
    TIME,
    VISIT_NAMED,
    WAIT,
    WHOLE,
    YES,
    Shape,
    either,
    maybe,
    some,
    thing,
    without,
    word,
)
from chalicelib.rooms import delivery, prescription
from chalicelib.rooms.complaint import About
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.erasure import What
from chalicelib.rooms.glass import Verdict
from chalicelib.rooms.permission import Role
from chalicelib.rooms.phone import Purpose
from chalicelib.rooms.queue import Moved, State

# Addresses that answer everybody with something else than JSON of ours.
ANYTHING: dict[str, str] = {
    "questions.front": "the way to the first page",
    "board.file": "one of our files",
    "board.worker": "a script",
    "board.openapi": "this document",
    "record.take": "a FHIR R4 bundle, as FHIR describes it",
}
MOVED = thing(state=word(State), moved=maybe(word(Moved)))
PLACE_NOW = thing(place=maybe(PLACE))
PARCEL_NOW = thing(parcel=PARCEL)
COMPLAINT_NOW = thing(complaint=COMPLAINT)
DOSSIER = thing(gives.DOSSIER)
STEP = either(gives.QUESTION, NEXT)
TICKET = thing(visit=NAME, secret=TEXT)

GIVES: dict[str, Shape] = {
    # for everybody
    "board.board": thing(
        v=WHOLE,
        department=TEXT,
        on_duty=WHOLE,
        waiting=WHOLE,
        seconds_per_call=maybe(NUMBER),
        lanes=some(some(some(either(NUMBER, some(WHOLE))))),  # of the third, the numbers given up
        at=WHOLE,
    ),
    "board.health": thing(status=TEXT),
    "board.waits": thing(
        departments=some(
            thing(
                id=TEXT,
                name=TEXT,
                periods=some(
                    without(thing(gives.ACCURACY, of_days=WHOLE), *(one for one in gives.ACCURACY if one != "called"))
                ),
                days=some(thing(gives.ACCURACY, day=DAY)),
            )
        ),
        edges=some(NUMBER),
    ),
    "questions.home": thing(
        departments=some(gives.STANDING),
        tickets=some(thing(visit=NAME, code=TEXT, department=TEXT)),
        fees=gives.FEES,
    ),
    "questions.emergency": thing(number=TEXT, flags=some(TEXT)),
    "questions.question": STEP,
    "questions.check": STEP,
    "questions.answer": NEXT,
    "questions.choose": NEXT,
    "questions.join": TICKET,
    "finding.find": thing(visits=some(NAME), found=maybe(some(gives.FOUND))),
    "finding.look_for": SENT,
    "finding.open_here": TICKET,
    "finding.back": NOTHING,
    "finding.come_back": TICKET,
    "finding.forget": thing(forgotten=YES),
    "number.show": thing(known=maybe(thing(ends=TEXT, people=gives.PEOPLE, most=WHOLE))),
    "number.ask": SENT,
    "number.again": SENT,
    "number.code": either(thing(ends=TEXT, purpose=word(Purpose)), SENT, PROVEN),
    "number.prove": PROVEN,
    "number.adding": either(NOTHING, KNOWN),
    "number.add": thing(name=TEXT),
    "number.out": KNOWN,
    "number.everywhere": KNOWN,
    # for a patient
    "patient.see": thing(
        gives.VISIT,
        place=maybe(PLACE),
        messages=some(gives.MESSAGE),
        medicine=maybe(gives.MEDICINE),
        parcel=maybe(PARCEL),
        may_choose=YES,
    ),
    "patient.listen": without(thing(messages=some(gives.MESSAGE), state=word(State)), "state"),
    "patient.say": thing(message=gives.MESSAGE),
    "patient.more_time": PLACE_NOW,
    "patient.here": PLACE_NOW,
    "patient.first_free": MOVED,
    "patient.same_doctor": MOVED,
    "patient.wake": thing(wakes=YES),
    "patient.leaving": either(thing(visit=NAME, place=maybe(PLACE)), STATE),
    "patient.leave": STATE,
    "patient.prescription": thing(
        visit=NAME,
        code=TEXT,
        patient=TEXT,
        age=WHOLE,
        allergies=TEXT,
        medicine=gives.MEDICINE,
        doctor=maybe(gives.PLATE),
    ),
    "patient.delivery_choice": either(thing(visit=NAME, ways=some(word(Way))), thing(may_choose=YES)),
    "patient.choose_delivery": PARCEL_NOW,
    "patient.cancel_delivery": PARCEL_NOW,
    "record.see": thing(
        gives.VISIT,
        answers=gives.ANSWERS,
        doctors=some(gives.PLATE),
        messages=some(gives.MESSAGE),
        notes=some(gives.NOTE),
        medicines=some(gives.MEDICINE),
        complaints=some(COMPLAINT),
        parcels=some(PARCEL),
    ),
    "record.erasing": thing(
        visit=NAME, asked_at=maybe(TIME), answer=some(thing(what=word(What), erased=YES, until=maybe(DAY)))
    ),
    "record.erase": thing(asked_at=TIME),
    "record.complaining": thing(visit=NAME, complaints=some(COMPLAINT), abouts=some(word(About))),
    "record.complain": COMPLAINT_NOW,
    "watch.opened": thing(visit=NAME, opened=gives.OPENINGS, older=maybe(WHOLE), newest=YES),
    # for people who work here
    "staff.show": thing(signed_in=maybe(TEXT)),
    "staff.sign_in": gives.SIGN_IN,
    "staff.choose_password": gives.SIGN_IN,
    "staff.show_code": thing(name=TEXT, role=word(Role)),
    "staff.sign_out": NOTHING,
    "doctor.work": thing(
        on_duty=YES,
        departments=some(TEXT),
        capacity=WHOLE,
        own_only=YES,
        own_patients=some(gives.ROW),
        boards=some(TEXT),
        own_board=TEXT,
        room=WHOLE,
        queues=some(gives.STANDING),
        visits=some(gives.ROW),
        to_reply=WHOLE,
        returned=some(gives.RETURNED),
        came_back=some(thing(visit=NAME, code=TEXT, at=TIME)),
        recent=some(gives.ROW),
        slipped_away=some(TEXT),
        silent_minutes=WHOLE,
    ),
    "doctor.duty": thing(on_duty=YES, departments=some(TEXT), own_only=YES),
    "doctor.pause": thing(on_duty=YES, departments=some(TEXT)),
    "doctor.take_next": thing(visit=maybe(NAME)),
    "doctor.show": DOSSIER,
    "doctor.finish": DOSSIER,
    "doctor.revise_page": DOSSIER,
    "doctor.say": either(thing(message=gives.SAID), DOSSIER),
    "doctor.messages": thing(messages=some(gives.SAID)),
    "doctor.save_note": thing(saved_at=TIME, clock=TEXT, base=TEXT),
    "doctor.hand_back": STATE,
    "doctor.not_here": STATE,
    "doctor.call_again": STATE,
    "doctor.sign": either(thing(state=word(State), outcome=maybe(word(Outcome))), DOSSIER),
    "doctor.amend": thing(note=gives.NOTE),
    "doctor.revise": thing(number=WHOLE, state=word(prescription.State)),
    "doctor.revoke": MEDICINE_STATE,
    "sheet.check": thing(
        state=TEXT, doctor=TEXT, title=TEXT, licence=TEXT, signed_at=TIME, until=TIME, medicines=WHOLE
    ),
    "pharmacy.review_list": thing(
        to_review=some(
            thing(visit=NAME, code=TEXT, doctor=TEXT, number=WHOLE, medicines=some(TEXT), warned=YES, minutes=WHOLE)
        ),
        parcels=thing(dict.fromkeys(gives.GROUPS, WHOLE)),
    ),
    "pharmacy.check_page": thing(
        {
            name: gives.DOSSIER[name]
            for name in ("visit", "code", "name", "age", "guardian", "allergies", "why", "order")
        },
        assessment=TEXT,
        prescription=gives.SIGNED,
        warnings=gives.WARNINGS,
        too_old=YES,
        waited=WHOLE,
    ),
    "pharmacy.approve": MEDICINE_STATE,
    "pharmacy.give_back": MEDICINE_STATE,
    "pharmacy.revoke": MEDICINE_STATE,
    "pharmacy.parcel_list": thing(groups=thing(dict.fromkeys(gives.GROUPS, some(gives.PARCEL_ROW)))),
    "pharmacy.parcel": thing(
        visit=NAME,
        code=TEXT,
        state=word(delivery.State),
        way=word(Way),
        patient=maybe(TEXT),
        address=maybe(TEXT),
        phone=maybe(TEXT),
        lines=some(LINE),
        doubt=TEXT,
        attempts=WHOLE,
        attempts_left=WHOLE,
        codes_left=WHOLE,
        late=YES,
        too_long=YES,
        may=some(TEXT),
        waits_for=TEXT,
        steps=some(thing(state=word(delivery.State), at=TIME, note=TEXT)),
    ),
    **{
        f"pharmacy.{deed}": PARCEL_STATE
        for deed in ("pick", "check", "hand_over", "deliver", "failed", "bring_back", "cancel")
    },
    "desk.board": thing(
        department=TEXT,
        queues=some(gives.STANDING),
        alerts=some(thing(department=TEXT, name=TEXT, people=WHOLE, since=maybe(TIME), time=TEXT)),
        unsent=some(TEXT),
        waiting=some(gives.ROW),
    ),
    "desk.add_page": thing(emergency=YES, flags=some(TEXT)),
    "desk.add": either(VISIT_NAMED, thing(emergency=YES, flags=some(TEXT))),
    "desk.ticket": thing(
        visit=NAME,
        code=TEXT,
        queue=TEXT,
        state=word(State),
        place=maybe(WHOLE),
        wait=WAIT,
        joined_at=TIME,
        fee=TEXT,
        opens=TEXT,
        closes=TEXT,
    ),
    "desk.cancel": STATE,
    "desk.expire": STATE,
    "glass.ask": thing(lasts=WHOLE),
    "glass.break_glass": thing(visit=NAME, until=TIME),
    "glass.read": thing(gives.DOSSIER, until=TIME),
    "glass.openings": thing(to_review=some(gives.OPENING), reviewed=some(gives.OPENING), more=WHOLE),
    "glass.review": thing(verdict=word(Verdict)),
    "watch.practice": thing(
        day_chosen=DAY,
        doctors=some(thing(name=TEXT, taken=WHOLE, ended=WHOLE, prescribed=WHOLE, short=WHOLE, odd=some(TEXT))),
        more=maybe(WHOLE),
    ),
    "privacy.show": thing(erasures=some(thing(code=TEXT, department=TEXT, at=TIME))),
    "privacy.open_ones": thing(complaints=some(thing(gives.COMPLAINT_PARTS, visit=NAME, code=TEXT))),
    "privacy.close": thing(number=WHOLE),
    "people.show_all": thing(people=some(thing(gives.MEMBER)), more=WHOLE),
    "people.add_page": NOTHING,
    "people.add": gives.SLIP,
    "people.show": thing(gives.MEMBER, version=WHOLE),
    "people.reset": gives.SLIP,
    **{f"people.{deed}": CHANGED for deed in ("change", "dismiss", "take_back", "sign_out")},
}
