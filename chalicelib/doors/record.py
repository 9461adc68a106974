"""The record's door: what the clinic keeps of a visit, for its patient to read, to print and to take along."""

from chalice import Blueprint

from chalicelib.clinic import CLINIC
from chalicelib.doors import sheet, shown, words
from chalicelib.doors.form import FORMS, Form, one_of, text
from chalicelib.doors.machine import to_json
from chalicelib.doors.manners import Asked, polite
from chalicelib.doors.render import PRIVATE, Answer, Go, Page, Raw
from chalicelib.rooms import consult
from chalicelib.rooms.complaint import TEXT_MAX, About
from chalicelib.rooms.consult import Note
from chalicelib.rooms.erasure import Answered
from chalicelib.visit import keeping
from chalicelib.visit.errand import File

door = Blueprint(__name__)
COMPLAINT = Form(
    one_of("about", About, missing="Choose what it is about."),
    text("text", max=TEXT_MAX, missing="Write what happened.", lines=True),
)


@door.route("/{lang}/visits/{visit}/record")
@polite("see_record", by="patient")
def see(asked: Asked) -> Answer:
    """All of it on one page. What a doctor is still writing is not in it yet."""
    file = keeping.my_record(asked.errand, id=asked.id)
    square = sheet.square(asked, file.visit, file.prescriptions[-1] if file.prescriptions else None)
    data, here = _data(asked, file), f"visits/{asked.name}/record"
    return Page(template="visit_record.html", data=data, extras=square, here=here)


@door.route("/{lang}/visits/{visit}/record/fhir")
@polite("see_record", by="patient")
def take(asked: Asked) -> Answer:
    """The same as a FHIR R4 bundle, which another clinic's program can read; a browser saves it as a file."""
    from chalicelib.rooms import fhir  # few take it, and nothing else needs a bundle

    file = keeping.my_record(asked.errand, id=asked.id)
    made = fhir.bundle([file], CLINIC, language=asked.language, now=asked.frame.now)
    headers = {
        "Content-Type": fhir.KIND,
        "Content-Disposition": f'attachment; filename="record-{shown.code(asked.id)}.json"',
        "Cache-Control": PRIVATE,
    }
    return Raw(body=to_json(made), headers=headers)


@door.route("/{lang}/visits/{visit}/erase")
@polite("erase", by="patient", again=see)
def erasing(asked: Asked) -> Answer:
    """Are you sure? Afterwards: what became of it, category by category."""
    visit, answered = keeping.asking(asked.errand, id=asked.id)
    data = {"visit": asked.name, "asked_at": visit.restricted, "answer": [_answered(one) for one in answered]}
    return Page(template="visit_erase.html", data=data, here=f"visits/{asked.name}/erase")


@door.route("/{lang}/visits/{visit}/erase", methods=["POST"], content_types=FORMS)
@polite("erase", by="patient", again=see)
def erase(asked: Asked) -> Answer:
    """What no duty keeps is gone for good."""
    visit = keeping.erase(asked.errand, id=asked.id, holder=asked.guest.holder)
    return Go(to=f"visits/{asked.name}/erase", data={"asked_at": visit.restricted})


@door.route("/{lang}/visits/{visit}/complaint")
@polite("complain", by="patient")
def complaining(asked: Asked) -> Answer:
    """What went wrong, and what the clinic said to it."""
    found = keeping.my_complaints(asked.errand, id=asked.id)
    data = {"visit": asked.name, "complaints": [shown.complaint(one) for one in found], "abouts": list(About)}
    return Page(template="visit_complaint.html", data=data, here=f"visits/{asked.name}/complaint")


@door.route("/{lang}/visits/{visit}/complaint", methods=["POST"], content_types=FORMS)
@polite("complain", by="patient", form=COMPLAINT, again=complaining)
def complain(asked: Asked) -> Answer:
    """It is kept, whatever becomes of the visit."""
    one = keeping.complain(asked.errand, id=asked.id, **asked.given)
    return Go(to=f"visits/{asked.name}/complaint", data={"complaint": shown.complaint(one)})


def _answered(one: Answered) -> dict[str, object]:
    """`until` is the clinic's own day, with its year: it is far away."""
    return {"what": one.what, "erased": one.erased, "until": words.local(one.until).date() if one.until else None}


def _data(asked: Asked, file: File) -> dict[str, object]:
    visit, now = file.visit, asked.frame.now
    return {
        **shown.visit(visit, asked.name, asked.language),
        "answers": visit.answers,
        "doctors": [shown.door_plate(one) for one in dict.fromkeys(visit.plates)],
        "messages": [shown.message(one, asked.language, now) for one in file.messages],
        "notes": [_note(one) for one in consult.kept(file.notes)],
        "medicines": [shown.medicine(one, asked.language, now) for one in file.prescriptions],
        "complaints": [shown.complaint(one) for one in file.complaints],
        "parcels": [shown.parcel(one, now) for one in file.orders],
    }


def _note(note: Note) -> dict[str, object]:
    return {
        "number": note.number,
        "state": note.state,
        "doctor": note.doctor_name,
        "signed_at": note.signed_at,
        **{part: getattr(note, part) for part in consult.SOAP},
    }
