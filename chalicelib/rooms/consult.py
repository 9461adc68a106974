"""The consult: messages, the doctor's note, signing, and how a visit ends. Signed notes never change."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.refusal import NotFound, Refusal, SeveralRefusals, TooLate
from chalicelib.rooms.assignment import holds
from chalicelib.rooms.queue import ACTIVE, State, Ticket, Visit
from chalicelib.rooms.seal import Signature, spelled

MESSAGE_MAX = 1000
MESSAGES_MAX = 300  # of one visit
NOTE_FIELD_MAX = 2000
SUMMARY_MAX = 1000


PATIENT = "patient"  # as the author of a message
BOTH = "dp"  # whose voices: the doctor and the patient have both written


class Kind(StrEnum):
    """What a message carries. Photos, voice and calls come later through the same model."""

    TEXT = "text"


class Outcome(StrEnum):
    REST = "rest_and_observe"
    SPECIALIST = "specialist"
    PRESCRIPTION = "prescription"
    IN_PERSON = "in_person"
    EMERGENCY = "emergency"


NO_MEDICINE_AFTER = frozenset({Outcome.IN_PERSON, Outcome.EMERGENCY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing said. `id` is its number in the conversation, so that "everything after" misses nothing."""

    visit: Ticket
    id: str
    author: str  # "patient" or the doctor's id
    author_name: str
    kind: Kind
    text: str
    at: datetime
    epoch: int


class NoteState(StrEnum):
    DRAFT = "draft"
    SIGNED = "signed"
    AMENDED = "amended"  # signed, and a newer version links back to it
    SET_ASIDE = "set_aside"  # the doctor handed the visit back: kept and readable


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The doctor's record in SOAP form. `number` is 1 for the first; an amendment is number 2 with `replaces` 1."""

    visit: Ticket
    number: int
    doctor: str
    doctor_name: str
    epoch: int
    subjective: str = ""
    objective: str = ""
    assessment: str = ""
    plan: str = ""
    state: NoteState = NoteState.DRAFT
    replaces: int | None = None
    signed_at: datetime | None = None
    policy: str | None = None  # under which it was signed
    signature: Signature | None = None
    page: str | None = None  # the page that wrote it last
    version: int | None = None


SOAP = ("subjective", "objective", "assessment", "plan")
MARK_LETTERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """From which text a page began to write, and which page it is. `base` is "" for whoever does not say."""

    base: str = ""
    page: str = ""


UNSAID = Began()


def say(visit: Visit, *, author: str, author_name: str, text: str, now: datetime) -> tuple[Visit, Message]:
    """A message of the patient (any time while the visit is active) or of the doctor who holds it."""
    if visit.state not in ACTIVE:
        raise TooLate("This visit has already ended.")
    if visit.said >= MESSAGES_MAX:
        raise TooLate("This conversation has reached %(max)s messages.", max=MESSAGES_MAX)
    if not text.strip():
        raise Refusal("Write something first.", field="text")
    if len(text) > MESSAGE_MAX:
        raise Refusal("At most %(max)s characters.", field="text", max=MESSAGE_MAX)
    message = Message(
        visit=visit.id,
        id=f"{visit.said + 1:05d}",
        author=author,
        author_name=author_name,
        kind=Kind.TEXT,
        text=text.strip(),
        at=now,
        epoch=visit.epoch,
    )
    if author == PATIENT:
        spoken = replace(visit, said=visit.said + 1, last_word="patient", heard_in=visit.epoch)
        return _voice(spoken, "p"), message
    return _voice(replace(visit, said=visit.said + 1, last_word="doctor", asked_at=now), "d"), message


def _voice(visit: Visit, whose: str) -> Visit:
    return visit if whose in visit.voices else replace(visit, voices="".join(sorted(visit.voices + whose)))


def begun(visit: Visit) -> Visit:
    """The doctor's first word, note or signature turns an assigned visit into a consult."""
    return replace(visit, state=State.IN_CONSULT) if visit.state is State.ASSIGNED else visit


def mark(soap: Mapping[str, str]) -> str:
    """Tells one text of a note from another."""
    text = repr([soap.get(part, "").strip() for part in SOAP])
    return hashlib.sha256(text.encode()).hexdigest()[:MARK_LETTERS]


def typed_so_far(visit: Visit, note: Note | None) -> dict[str, str]:
    """The text of the note of the doctor who has the visit now; nothing while there is none."""
    open_one = note is not None and note.epoch == visit.epoch and note.state is NoteState.DRAFT
    return {part: getattr(note, part) for part in SOAP} if open_one else {}


def written_elsewhere(visit: Visit, note: Note | None, soap: Mapping[str, str], began: Began) -> bool:
    """Whether `soap` would be written over words its page never showed. What that page itself wrote last, it knows,
    also where the answer to it was lost."""
    kept = mark(typed_so_far(visit, note))
    if not began.base or kept in (began.base, mark(soap)):
        return False
    return not (note and began.page and note.page == began.page)


def draft(
    visit: Visit,
    note: Note | None,
    *,
    doctor: str,
    doctor_name: str,
    epoch: int,
    soap: dict[str, str],
    began: Began = UNSAID,
) -> Note:
    """The note as typed so far, empty or not; saved by itself while the doctor writes."""
    holds(doctor, visit, epoch=epoch)
    wrong = [
        Refusal("At most %(max)s characters.", field=name, max=NOTE_FIELD_MAX)
        for name in SOAP
        if len(soap[name]) > NOTE_FIELD_MAX
    ]
    if wrong:
        raise wrong[0] if len(wrong) == 1 else SeveralRefusals(wrong)
    if written_elsewhere(visit, note, soap, began):
        raise TooLate("This note was changed on another page. Nothing was lost: what you wrote is still in the boxes.")
    if note is None or note.epoch != epoch:
        number = 1 if note is None else note.number + 1
        note = Note(visit=visit.id, number=number, doctor=doctor, doctor_name=doctor_name, epoch=epoch)
    assert note.state is NoteState.DRAFT, "the note of an open visit is a draft"
    return replace(_written(note, soap), page=began.page or None)


def set_aside(note: Note) -> Note:
    return replace(note, state=NoteState.SET_ASIDE)


def kept(notes: Iterable[Note]) -> list[Note]:
    """The notes that are part of the record."""
    return [note for note in notes if note.state is not NoteState.DRAFT]


def last_words(messages: list[Message]) -> list[Message]:
    """What the patient has written since a doctor last wrote."""
    spoken = [at for at, one in enumerate(messages, start=1) if one.author != PATIENT]
    return messages[spoken[-1] if spoken else 0 :]


def unread(visit: Visit, heard: int | None) -> None:
    """Nothing is signed over words the doctor cannot have read. `heard`: how many messages the page showed."""
    if heard is not None and heard > visit.said:
        raise Refusal("Please open the page again.", field="heard")
    if heard is not None and visit.said > heard and visit.last_word == PATIENT:
        raise TooLate("The patient has written since you opened this page. Read it, then sign.", field="heard")


def sign(
    visit: Visit,
    note: Note,
    *,
    doctor: str,
    epoch: int,
    outcome: Outcome | None,
    summary: str,
    policy: str,
    now: datetime,
) -> tuple[Visit, Note]:
    """Note signed and visit completed, in one: there is never one without the other."""
    holds(doctor, visit, epoch=epoch)
    wrong = []
    if not note.assessment:
        wrong.append(Refusal("Write your assessment before you sign.", field="assessment"))
    if outcome is None:
        wrong.append(Refusal("Choose how the visit ends.", field="outcome"))
    if not summary.strip():
        wrong.append(Refusal("Write a summary for the patient in plain words.", field="summary"))
    elif len(summary) > SUMMARY_MAX:
        wrong.append(Refusal("At most %(max)s characters.", field="summary", max=SUMMARY_MAX))
    if wrong or outcome is None:
        raise wrong[0] if len(wrong) == 1 else SeveralRefusals(wrong)
    ended = replace(
        visit,
        state=State.COMPLETED,
        lease_until=None,
        outcome=outcome.value,
        summary=summary.strip(),
        signed_note=note.number,
        ended_at=now,
        last_word=None,  # nobody waits for an answer any more
    )
    return ended, replace(note, state=NoteState.SIGNED, signed_at=now, policy=policy)


def amend(
    visit: Visit, note: Note, *, doctor: str, doctor_name: str, soap: dict[str, str], policy: str, now: datetime
) -> tuple[Visit, Note, Note]:
    """A new signed version that links back; the old one keeps every byte and is marked amended."""
    if visit.doctor != doctor or visit.restricted:
        raise NotFound()
    if note.state is not NoteState.SIGNED:
        raise TooLate("This note was amended already. Open the newest version.")
    if not soap["assessment"].strip():
        raise Refusal("Write your assessment before you sign.", field="assessment")
    for name in SOAP:
        if len(soap[name]) > NOTE_FIELD_MAX:
            raise Refusal("At most %(max)s characters.", field=name, max=NOTE_FIELD_MAX)
    new = Note(
        visit=note.visit,
        number=note.number + 1,
        doctor=doctor,
        doctor_name=doctor_name,
        epoch=note.epoch,
        state=NoteState.SIGNED,
        replaces=note.number,
        signed_at=now,
        policy=policy,
    )
    return replace(visit, signed_note=new.number), replace(note, state=NoteState.AMENDED), _written(new, soap)


def words(visit: Visit, note: Note) -> bytes:
    """What a doctor signs with a note: whose it is, every word of it, how the visit ended, what the patient reads."""
    return spelled(
        "note",
        {
            "visit": str(note.visit),
            "number": int(note.number),
            "replaces": None if note.replaces is None else int(note.replaces),
            "epoch": int(note.epoch),
            "patient": {"name": visit.answers.name, "age": int(visit.answers.age)},
            "doctor": {"id": note.doctor, "name": note.doctor_name},
            **{part: getattr(note, part) for part in SOAP},
            "outcome": visit.outcome,
            "summary": visit.summary,
            "policy": note.policy,
            "signed_at": note.signed_at,
        },
    )


def _written(note: Note, soap: dict[str, str]) -> Note:
    return replace(
        note,
        subjective=soap["subjective"].strip(),
        objective=soap["objective"].strip(),
        assessment=soap["assessment"].strip(),
        plan=soap["plan"].strip(),
    )
