"""FHIR: one patient's record as a bundle of FHIR R4 resources, for the patient to keep and for the next clinic to read.

Resources refer to each other by `fullUrl`. What a doctor signed is a DocumentReference that holds exactly the signed
bytes, and a Provenance with the signature over them, so that `infra.verify` checks an exported record offline.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.rooms import approval, consult, delivery, prescription
from chalicelib.rooms.arrival import allergic_to
from chalicelib.rooms.complaint import Complaint
from chalicelib.rooms.consult import PATIENT, Message, Note, NoteState
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.prescription import Line, Prescription
from chalicelib.rooms.queue import State, Visit
from chalicelib.rooms.resource import (
    Bundle,
    Resource,
    encounter,
    instant,
    named,
    organization,
    part,
    person,
    practitioner,
    qualified,
    telephone,
    to,
)
from chalicelib.rooms.rules import Clinic
from chalicelib.rooms.seal import Signature

KIND = "application/fhir+json"
NAMELESS = "Doctor"  # who called the patient and wrote nothing

_TERMS = "http://terminology.hl7.org/CodeSystem"
_VIRTUAL = {"system": f"{_TERMS}/v3-ActCode", "code": "VR", "display": "virtual"}
_AUTHOR = {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1", "display": "Author's Signature"}
_CONSENT = {"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}
_PRIVACY = {"system": f"{_TERMS}/consentscope", "code": "patient-privacy"}
_ENCOUNTER = {
    State.WAITING: "arrived",
    State.ASSIGNED: "in-progress",
    State.IN_CONSULT: "in-progress",
    State.COMPLETED: "finished",
    State.CANCELLED: "cancelled",
    State.EXPIRED: "cancelled",
}
_MEDICINE = {
    prescription.State.SIGNED: "draft",  # nobody may act on it before a pharmacist has approved it
    prescription.State.RETURNED: "on-hold",
    prescription.State.EFFECTIVE: "active",
    prescription.State.RESERVED: "active",
    prescription.State.DISPENSED: "completed",
    prescription.State.REVOKED: "cancelled",
    prescription.State.EXPIRED: "stopped",
}
_PARCEL = {
    delivery.State.CREATED: "preparation",
    delivery.State.PICKING: "preparation",
    delivery.State.CHECKED: "preparation",
    delivery.State.HANDED_OVER: "in-progress",
    delivery.State.FAILED_ATTEMPT: "in-progress",
    delivery.State.DELIVERED: "completed",
    delivery.State.RETURNED: "stopped",
    delivery.State.CANCELLED: "cancelled",
}


class File(Protocol):
    """Everything kept of one visit."""

    @property
    def visit(self) -> Visit: ...
    @property
    def messages(self) -> list[Message]: ...
    @property
    def notes(self) -> list[Note]: ...
    @property
    def prescriptions(self) -> list[Prescription]: ...
    @property
    def orders(self) -> list[Order]: ...
    @property
    def complaints(self) -> list[Complaint]: ...


def bundle(files: Sequence[File], clinic: Clinic, *, language: str, now: datetime) -> Resource:
    """All that is kept of these visits of one patient. What a doctor is still writing is nobody's yet, and left out."""
    made = Bundle(clinic, language, now)
    made.add(organization(clinic), "Organization", name=made.words(clinic.name), telecom=telephone(clinic.phone))
    for file in files:
        _visit(made, file)
    return made.whole


def _visit(made: Bundle, file: File) -> None:
    visit = file.visit
    _patient(made, visit)
    doctors = [one.doctor for one in visit.calls]
    for id, name in _names(file).items():
        if name != NAMELESS or practitioner(id) not in made.found:
            made.add(practitioner(id), "Practitioner", name=[{"text": name}], **qualified(visit, id))
    made.add(
        encounter(visit),
        "Encounter",
        status=_ENCOUNTER[visit.state],
        class_=_VIRTUAL,
        subject=to(person(visit)),
        serviceType={"text": _department(made, visit)},
        participant=[{"individual": to(practitioner(id)) | named(visit, id)} for id in dict.fromkeys(doctors)],
        period={"start": instant(visit.joined_at), **({"end": instant(visit.ended_at)} if visit.ended_at else {})},
        reasonCode=[{"text": visit.answers.why}] if visit.answers.why else [],
        hospitalization={"dischargeDisposition": {"text": visit.outcome}} if visit.outcome else {},
        serviceProvider=to(organization(made.clinic)),
    )
    _answers(made, visit)
    for message in file.messages:
        _message(made, visit, message)
    for note in consult.kept(file.notes):
        _note(made, visit, note)
    for one in file.prescriptions:
        _prescription(made, visit, one)
    for order in file.orders:
        _order(made, visit, order, file.prescriptions)
    for said in file.complaints:
        _complaint(made, visit, said)


def _patient(made: Bundle, visit: Visit) -> None:
    answers = visit.answers
    made.add(
        person(visit),
        "Patient",
        name=[{"text": answers.name}],
        telecom=telephone(answers.phone),
        birthDate=visit.born.isoformat() if visit.born else None,
        contact=[{"relationship": [{"text": "guardian"}], "name": {"text": answers.guardian}}]
        if answers.guardian
        else [],
        communication=[{"language": {"text": answers.language}}],
    )


def _answers(made: Bundle, visit: Visit) -> None:
    """What the patient said before the ticket, and again as what it means: the allergies, what they agreed to."""
    answers, at = visit.answers, instant(visit.joined_at)
    _questionnaire(made, visit)
    if allergic_to(answers.allergies):
        made.add(
            part(visit, "allergies"),
            "AllergyIntolerance",
            clinicalStatus={"coding": [{"system": f"{_TERMS}/allergyintolerance-clinical", "code": "active"}]},
            verificationStatus={
                "coding": [{"system": f"{_TERMS}/allergyintolerance-verification", "code": "unconfirmed"}]
            },
            code={"text": answers.allergies},
            patient=to(person(visit)),
            encounter=to(encounter(visit)),
            recordedDate=at,
        )
    if answers.consent:
        made.add(
            part(visit, "consent"),
            "Consent",
            status="active",
            scope={"coding": [_PRIVACY]},
            category=[{"coding": [_CONSENT]}],
            patient=to(person(visit)),
            dateTime=instant(answers.consent_at),
            organization=[to(organization(made.clinic))],
            policyRule={"text": f"{answers.consent} ({answers.language})"},
        )


def _questionnaire(made: Bundle, visit: Visit) -> None:
    answers = visit.answers
    said: dict[str, object] = {
        "for_whom": answers.for_whom.value,
        "age": int(answers.age),
        "guardian": answers.guardian,
        "department": _department(made, visit),
        "why": answers.why,
        "allergies": answers.allergies,
        "follow_up": answers.follow_up,
        "how_long": answers.how_long.value,
        "getting": answers.getting.value,
        "fee": answers.fee,
    }
    kinds = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}
    made.add(
        part(visit, "answers"),
        "QuestionnaireResponse",
        status="completed",
        subject=to(person(visit)),
        encounter=to(encounter(visit)),
        authored=instant(visit.joined_at),
        item=[
            {"linkId": name, "text": name, "answer": [{kinds[type(value)]: value}]}
            for name, value in said.items()
            if value not in (None, "")
        ],
    )


def _message(made: Bundle, visit: Visit, message: Message) -> None:
    mine = message.author == PATIENT
    made.add(
        part(visit, "message", message.id),
        "Communication",
        status="completed",
        subject=to(person(visit)),
        encounter=to(encounter(visit)),
        sent=instant(message.at),
        sender=to(person(visit) if mine else practitioner(message.author)),
        recipient=[to(organization(made.clinic) if mine else person(visit))],
        payload=[{"contentString": message.text}],
    )


def _complaint(made: Bundle, visit: Visit, one: Complaint) -> None:
    """Two messages: the patient's, and the clinic's word to it."""
    us, filed = organization(made.clinic), part(visit, "complaint", one.number)
    about = {
        "status": "completed",
        "category": [{"text": f"complaint: {one.about}"}],
        "subject": to(person(visit)),
        "encounter": to(encounter(visit)),
    }
    text = [{"contentString": one.text}]
    sides = {"sender": to(person(visit)), "recipient": [to(us)]}
    made.add(filed, "Communication", **about, **sides, sent=instant(one.filed_at), payload=text)
    if one.closed_at:
        made.add(
            part(visit, "answer", one.number),
            "Communication",
            **about,
            inResponseTo=[to(filed)],
            sender=to(us),
            recipient=[to(person(visit))],
            sent=instant(one.closed_at),
            payload=[{"contentString": one.word}],
        )


def _note(made: Bundle, visit: Visit, note: Note) -> None:
    signed = note.state in (NoteState.SIGNED, NoteState.AMENDED)
    parts = [(part, getattr(note, part)) for part in consult.SOAP]
    if signed and visit.summary:
        parts.append(("for the patient", visit.summary))
    made.add(
        part(visit, "note", note.number),
        "ClinicalImpression",
        status="completed" if signed else "in-progress",  # handed back: another doctor went on
        subject=to(person(visit)),
        encounter=to(encounter(visit)),
        date=instant(note.signed_at) if note.signed_at else None,
        assessor=to(practitioner(note.doctor)),
        summary=note.assessment,
        note=[{"text": f"{part}: {text}"} for part, text in parts if text],
    )
    if note.signature is None or note.signed_at is None:
        return
    before = part(visit, "signed-note", note.replaces) if note.replaces else ""
    signed_as = _Signed("note", note.number, note.doctor, note.signed_at, note.signature, consult.words(visit, note))
    _sealed(made, visit, signed_as, replaces=before, newest=note.state is NoteState.SIGNED)


def _prescription(made: Bundle, visit: Visit, found: Prescription) -> None:
    one = prescription.expire(found, made.now)
    status = "cancelled" if one.next_number is not None else _MEDICINE[one.state]
    for at, line in enumerate(one.lines, start=1):
        made.add(
            part(visit, "medicine", one.number, at),
            "MedicationRequest",
            groupIdentifier={"value": f"{visit.id}/{one.number}"},
            status=status,
            intent="order",
            medicationCodeableConcept=_medicine(made, line),
            subject=to(person(visit)),
            encounter=to(encounter(visit)),
            authoredOn=instant(one.signed_at),
            requester=to(practitioner(one.doctor)),
            dosageInstruction=[_dosage(line)],
        )
    if one.signature is not None:
        words = prescription.words(visit, one)
        signed_as = _Signed("prescription", one.number, one.doctor, one.signed_at, one.signature, words)
        _sealed(made, visit, signed_as, newest=one.next_number is None)
    if one.approval is not None and one.approved_at is not None and one.pharmacist:
        words, by = approval.words(one), one.pharmacist
        _sealed(made, visit, _Signed("approval", one.number, by, one.approved_at, one.approval, words), newest=True)


def _medicine(made: Bundle, line: Line) -> Resource:
    known = made.clinic.medicine(line.medicine)
    name = made.words(line.name or (known.name if known else {})) or line.medicine
    return {"text": f"{name} {line.strength}".strip()}


def _dosage(line: Line) -> Resource:
    text = f"{line.dose}, {int(line.per_day)} x / 1 d, {int(line.days)} d"
    repeat = {
        "boundsDuration": {"value": int(line.days), "system": "http://unitsofmeasure.org", "code": "d"},
        "frequency": int(line.per_day),
        "period": 1,
        "periodUnit": "d",
    }
    advice = {"patientInstruction": line.advice} if line.advice else {}
    return {"text": text, "timing": {"repeat": repeat}, **advice}


def _order(made: Bundle, visit: Visit, order: Order, prescribed: Sequence[Prescription]) -> None:
    """A parcel, line by line. The code that proves a delivery is not in it: it is worth a parcel."""
    arrived = [step.at for step in order.steps if step.state is delivery.State.DELIVERED]
    lines = [line for one in prescribed if one.number == order.prescription for line in one.lines]
    for at, line in enumerate(lines, start=1):
        made.add(
            part(visit, "parcel", order.number, at),
            "MedicationDispense",
            status=_PARCEL[order.state],
            medicationCodeableConcept=_medicine(made, line),
            subject=to(person(visit)),
            context=to(encounter(visit)),
            authorizingPrescription=[to(part(visit, "medicine", order.prescription, at))],
            whenHandedOver=instant(arrived[-1]) if arrived else None,
            destination={"display": order.address} if order.address else {},
        )


@dataclass(frozen=True, slots=True)
class _Signed:
    """Something that was signed, with exactly the bytes that were signed, and by whom."""

    what: str
    number: int
    by: str
    at: datetime
    signature: Signature
    words: bytes


def _sealed(made: Bundle, visit: Visit, signed: _Signed, *, replaces: str = "", newest: bool) -> None:
    who, at = to(practitioner(signed.by)), instant(signed.at)
    document = made.add(
        part(visit, f"signed-{signed.what}", signed.number),
        "DocumentReference",
        status="current" if newest else "superseded",
        docStatus="amended" if replaces else "final",
        type={"text": signed.what},
        subject=to(person(visit)),
        date=at,
        author=[who],
        relatesTo=[{"code": "replaces", "target": to(replaces)}] if replaces else [],
        content=[{"attachment": {"contentType": "application/json", "data": base64.b64encode(signed.words).decode()}}],
        context={"encounter": [to(encounter(visit))]},
    )
    key = signed.signature.key.rpartition("/")[2]
    made.add(
        part(visit, f"proof-{signed.what}", signed.number),
        "Provenance",
        target=[to(document)],
        recorded=at,
        agent=[{"who": who, "onBehalfOf": to(organization(made.clinic))}],
        signature=[
            {
                "type": [_AUTHOR],
                "when": at,
                "who": who,
                "onBehalfOf": {"identifier": {"value": key}, "display": "the clinic's key"},
                "targetFormat": "application/json",
                "sigFormat": "application/octet-stream",
                "data": signed.signature.value,
            }
        ],
    )


def _names(file: File) -> dict[str, str]:
    """The doctors and pharmacists of a visit by their id, as they are called under what they wrote."""
    written = [(one.author, one.author_name) for one in file.messages if one.author != PATIENT]
    written += [(one.doctor, one.doctor_name) for one in file.notes]
    written += [(one.doctor, one.doctor_name) for one in file.prescriptions]
    written += [(one.pharmacist or "", one.pharmacist_name or "") for one in file.prescriptions if one.approval]
    named = {one.doctor: one.name for one in file.visit.plates} | {id: name for id, name in written if name}
    return {call.doctor: NAMELESS for call in file.visit.calls} | named


def _department(made: Bundle, visit: Visit) -> str:
    found = made.clinic.department(visit.id.department)
    return made.words(found.name) if found else visit.id.department
