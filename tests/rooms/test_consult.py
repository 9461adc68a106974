"""The consult: messages, the note, signing and its outcome, amending."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotFound, SeveralRefusals, TooLate
from chalicelib.rooms import consult
from chalicelib.rooms.consult import MESSAGE_MAX, MESSAGES_MAX, NOTE_FIELD_MAX, PATIENT, SOAP, Note, NoteState, Outcome
from chalicelib.rooms.queue import ACTIVE, State, Visit
from tests import builders
from tests.builders import ADA, BO, MINUTE, NOW, a_note, a_visit, refused

TYPED = builders.SOAP


def say(visit: Visit, text: str = "Hello", author: str = PATIENT):
    return consult.say(visit, author=author, author_name="Ann Li", text=text, now=NOW)


def draft(visit: Visit, note: Note | None = None, *, doctor: str = ADA.id, epoch: int = 1, **typed: str) -> Note:
    return consult.draft(visit, note, doctor=doctor, doctor_name=doctor.title(), epoch=epoch, soap={**TYPED, **typed})


def sign(visit: Visit, note: Note, **said: object) -> tuple[Visit, Note]:
    typed = {"doctor": ADA.id, "epoch": 1, "outcome": Outcome.REST, "summary": "Rest and drink.", "now": NOW}
    return consult.sign(visit, note, **{**typed, "policy": "demo-1", **said})


def amend(visit: Visit, note: Note, *, doctor: str = ADA.id, **typed: str):
    return consult.amend(
        visit,
        note,
        doctor=doctor,
        doctor_name=doctor.title(),
        soap={**TYPED, **typed},
        policy="demo-1",
        now=NOW + MINUTE,
    )


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_the_patient_may_write_while_the_visit_is_open(state: State) -> None:
    visit, message = say(a_visit(state=state), " My ear too \n")
    assert (message.author, message.text, message.at, message.epoch) == (PATIENT, "My ear too", NOW, visit.epoch)
    assert (visit.said, visit.last_word) == (1, "patient")


@pytest.mark.parametrize("state", sorted(set(State) - ACTIVE))
def test_nobody_writes_into_an_ended_visit(state: State) -> None:
    with refused("already ended", kind=TooLate):
        say(a_visit(state=state))


def test_what_a_doctor_says_is_the_doctors_last_word() -> None:
    visit, message = say(a_visit(state=State.IN_CONSULT, said=4), author=ADA.id)
    assert (visit.last_word, visit.said, message.author) == ("doctor", 5, ADA.id)


def test_messages_are_numbered_in_the_order_they_are_written_whatever_the_clocks_say() -> None:
    visit, first = say(a_visit())
    _, second = consult.say(visit, author=ADA.id, author_name="Dr Ada", text="x", now=NOW - timedelta(seconds=1))
    assert (first.id, second.id) == ("00001", "00002")


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_an_empty_message_is_not_sent(empty: str) -> None:
    with refused("Write something first", field="text"):
        say(a_visit(), empty)


def test_messages_and_conversations_have_a_longest_length() -> None:
    assert say(a_visit(), "王" * MESSAGE_MAX)
    with refused("At most 1000", field="text"):
        say(a_visit(), "x" * (MESSAGE_MAX + 1))
    assert say(a_visit(said=MESSAGES_MAX - 1))
    with refused("has reached 300 messages", kind=TooLate):
        say(a_visit(said=MESSAGES_MAX))


def test_the_doctors_first_act_begins_the_consult() -> None:
    assert consult.begun(a_visit(state=State.ASSIGNED)).state is State.IN_CONSULT
    for state in set(State) - {State.ASSIGNED}:
        assert consult.begun(a_visit(state=state)).state is state


def test_the_first_note_is_number_one_and_belongs_to_the_epoch() -> None:
    note = draft(a_visit(state=State.ASSIGNED), subjective=" a cough ")
    assert (note.number, note.epoch, note.doctor, note.state) == (1, 1, ADA.id, NoteState.DRAFT)
    assert note.subjective == "a cough"


def test_an_empty_note_may_be_kept_while_writing() -> None:
    note = draft(a_visit(state=State.IN_CONSULT), **dict.fromkeys(SOAP, ""))
    assert [getattr(note, name) for name in SOAP] == ["", "", "", ""]


def test_writing_on_keeps_the_number() -> None:
    note = draft(a_visit(state=State.IN_CONSULT), a_note(version=3), plan="Drink.")
    assert (note.number, note.version, note.plan) == (1, 3, "Drink.")


def test_the_next_doctor_begins_a_note_of_their_own() -> None:
    before = a_note(state=NoteState.SET_ASIDE)
    visit = a_visit(state=State.ASSIGNED, epoch=2, doctor=BO.id)
    note = draft(visit, before, doctor=BO.id, epoch=2)
    assert (note.number, note.doctor, note.epoch, note.version) == (2, BO.id, 2, None)


@pytest.mark.parametrize("name", SOAP)
def test_every_part_of_the_note_has_a_longest_length(name: str) -> None:
    assert draft(a_visit(state=State.ASSIGNED), **{name: "王" * NOTE_FIELD_MAX})
    with refused("At most 2000", field=name):
        draft(a_visit(state=State.ASSIGNED), **{name: "x" * (NOTE_FIELD_MAX + 1)})
    with refused("At most 2000", field=name):
        amend(a_visit(state=State.COMPLETED), a_note(state=NoteState.SIGNED), **{name: "x" * (NOTE_FIELD_MAX + 1)})


def test_all_parts_that_are_too_long_are_told_at_once() -> None:
    with pytest.raises(SeveralRefusals) as caught:
        draft(a_visit(state=State.ASSIGNED), **dict.fromkeys(SOAP, "x" * (NOTE_FIELD_MAX + 1)))
    assert [one.field for one in caught.value.refusals] == list(SOAP)


def test_only_the_holder_writes_a_note() -> None:
    with pytest.raises(NotFound):
        draft(a_visit(state=State.ASSIGNED), doctor=BO.id)
    with refused("from an earlier time", kind=TooLate):
        draft(a_visit(state=State.ASSIGNED), epoch=0)


def test_signing_ends_the_visit_and_fixes_the_note_in_one() -> None:
    visit, note = sign(a_visit(state=State.IN_CONSULT), a_note())
    assert (note.state, note.signed_at) == (NoteState.SIGNED, NOW)
    assert (visit.state, visit.ended_at, visit.ended_why) == (State.COMPLETED, NOW, None)
    assert (visit.outcome, visit.summary, visit.signed_note) == ("rest_and_observe", "Rest and drink.", 1)
    assert (visit.doctor, visit.lease_until) == (ADA.id, None)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_kept_as_its_word(outcome: Outcome) -> None:
    assert sign(a_visit(state=State.IN_CONSULT), a_note(), outcome=outcome)[0].outcome == outcome.value


def test_signing_needs_an_assessment_and_a_summary_and_says_both() -> None:
    with pytest.raises(SeveralRefusals) as caught:
        sign(a_visit(state=State.IN_CONSULT), a_note(assessment=""), summary=" ")
    assert [one.field for one in caught.value.refusals] == ["assessment", "summary"]
    with refused("At most 1000", field="summary"):
        sign(a_visit(state=State.IN_CONSULT), a_note(), summary="x" * (consult.SUMMARY_MAX + 1))


def test_only_the_holder_signs_and_only_once() -> None:
    with pytest.raises(NotFound):
        sign(a_visit(state=State.IN_CONSULT), a_note(), doctor=BO.id)
    with refused("already ended", kind=TooLate):
        sign(a_visit(state=State.COMPLETED), a_note())
    with refused("went back to the queue", kind=TooLate):
        sign(replace(a_visit(state=State.IN_CONSULT), state=State.WAITING, doctor=None), a_note())


def test_handed_back_the_draft_is_set_aside_word_for_word() -> None:
    aside = consult.set_aside(a_note(version=2))
    assert aside == a_note(version=2, state=NoteState.SET_ASIDE)


def test_an_amendment_is_a_new_note_beside_the_signed_one() -> None:
    signed = a_note(state=NoteState.SIGNED, signed_at=NOW, version=2)
    visit, old, new = amend(a_visit(state=State.COMPLETED), signed, assessment=" Bronchitis. ")
    assert old == replace(signed, state=NoteState.AMENDED), "not a byte of it changes"
    assert (new.number, new.replaces, new.state, new.signed_at) == (2, 1, NoteState.SIGNED, NOW + MINUTE)
    assert (new.assessment, visit.signed_note) == ("Bronchitis.", 2)


def test_only_the_doctor_who_signed_amends_the_newest_version() -> None:
    with pytest.raises(NotFound):
        amend(a_visit(state=State.COMPLETED), a_note(state=NoteState.SIGNED), doctor=BO.id)
    with refused("was amended already", kind=TooLate):
        amend(a_visit(state=State.COMPLETED), a_note(state=NoteState.AMENDED))
    with refused("Write your assessment", field="assessment"):
        amend(a_visit(state=State.COMPLETED), a_note(state=NoteState.SIGNED), assessment=" ")
