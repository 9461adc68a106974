"""Seal: one spelling for good, and no byte of a signed record that could be another one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.rooms import consult, prescription, seal
from chalicelib.rooms.consult import NoteState, Outcome
from infra.local.signer import Local
from infra.verify import verifies
from tests.builders import NOW, a_line, a_note, a_prescription, a_visit, answers, listed

SIGNER = Local()
VISIT = a_visit(
    answers=answers(name="王 Ann", age=5, allergies="“nuts”\n\u0007"), outcome=Outcome.REST, summary="Rest."
)
NOTE = a_note(state=NoteState.SIGNED, signed_at=NOW, policy="strict-1")
MEDICINE = a_prescription(lines=(a_line(strength="500 mg"),), policy="strict-1")

# Written once, never changed: who verifies a signature in fifteen years has these bytes to come to.
SPELLED = (
    '{"confirmed":false,"doctor":{"id":"ada","name":"Dr Ada"},"form":1,"kind":"prescription","lines":[{"advice":"",'
    '"days":3,"dose":"1 tablet","medicine":"paracetamol","per_day":1,"strength":"500 mg"}],"number":1,'
    '"patient":{"age":5,"allergies":"“nuts”\\n\\u0007","name":"王 Ann"},"policy":"strict-1",'
    '"signed_at":"2030-01-07T09:00:00.000000+00:00","visit":"general.0.2.1"}'
)


def test_a_prescription_is_spelled_as_it_always_was() -> None:
    assert prescription.words(VISIT, MEDICINE).decode() == SPELLED


NAMED = a_prescription(
    lines=(replace(listed(a_line()), name={"en": "Paracetamol", "zh": "对乙酰氨基酚"}),), policy="strict-1"
)
SPELLED_WITH_NAMES = (
    '{"confirmed":false,"doctor":{"id":"ada","name":"Dr Ada"},"form":2,"kind":"prescription","lines":[{"advice":"",'
    '"days":3,"dose":"1 tablet","form":{"en":"Tablets"},"medicine":"paracetamol",'
    '"name":{"en":"Paracetamol","zh":"对乙酰氨基酚"},"per_day":1,"strength":"500 mg"}],"number":1,'
    '"patient":{"age":5,"allergies":"“nuts”\\n\\u0007","name":"王 Ann"},"policy":"strict-1",'
    '"signed_at":"2030-01-07T09:00:00.000000+00:00","visit":"general.0.2.1"}'
)


def test_the_name_strength_and_form_that_were_read_are_in_what_is_signed() -> None:
    assert prescription.words(VISIT, NAMED).decode() == SPELLED_WITH_NAMES


def test_each_spelling_verifies_as_itself_and_as_no_other() -> None:
    for made, form in ((MEDICINE, seal.FORM), (NAMED, seal.NAMED)):
        words = prescription.words(VISIT, made)
        kept = seal.signature(words, SIGNER.sign(seal.digest(words)), SIGNER.key_id)
        assert kept.form == form
        assert seal.fits(words, kept)
        for other in {*seal.FORMS, 3} - {form}:
            assert not seal.fits(words, replace(kept, form=other)), "a spelling is named by whoever signed"
    assert b'"form":1,' in consult.words(VISIT, NOTE), "a note is spelled as it always was"


def test_the_same_moment_is_spelled_alike_in_every_zone() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=8)))
    assert consult.words(VISIT, replace(NOTE, signed_at=there)) == consult.words(VISIT, NOTE)
    assert datetime(2030, 1, 7, 9, tzinfo=UTC) == NOW


@pytest.mark.parametrize(
    "changed",
    [
        {"plan": "Operate."},
        {"assessment": "Nothing."},
        {"doctor": "bo"},
        {"doctor_name": "Dr Bo"},
        {"number": 2},
        {"replaces": 1},
        {"epoch": 2},
        {"policy": "loose-1"},
        {"signed_at": NOW + timedelta(microseconds=1)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_part_of_a_note_is_signed(changed: dict[str, object]) -> None:
    assert consult.words(VISIT, replace(NOTE, **changed)) != consult.words(VISIT, NOTE)


@pytest.mark.parametrize("part", ["name", "age"])
def test_whose_it_is_is_signed(part: str) -> None:
    other = replace(VISIT, answers=replace(VISIT.answers, **{part: 7 if part == "age" else "Eve"}))
    assert consult.words(other, NOTE) != consult.words(VISIT, NOTE)
    assert prescription.words(other, MEDICINE) != prescription.words(VISIT, MEDICINE)


@pytest.mark.parametrize(
    "changed",
    [
        *({"medicine": "aspirin"}, {"dose": "9"}, {"per_day": 9}, {"days": 9}, {"advice": "-"}, {"strength": "5 g"}),
        *({"name": {"en": "Aspirin"}}, {"name": {}}, {"form": {"en": "Drops"}}, {"form": {}}),
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_part_of_a_line_is_signed(changed: dict[str, object]) -> None:
    other = replace(NAMED, lines=(replace(NAMED.lines[0], **changed),))
    assert prescription.words(VISIT, other) != prescription.words(VISIT, NAMED)


def test_what_becomes_of_a_prescription_does_not_break_its_signature() -> None:
    used = replace(MEDICINE, state=prescription.State.DISPENSED, pharmacist="sam", dispensed_at=NOW, version=7)
    assert prescription.words(VISIT, used) == prescription.words(VISIT, MEDICINE)


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10**6), flip=st.integers(1, 255), of=st.sampled_from(["words", "signature"]))
def test_a_single_changed_byte_is_found(place: int, flip: int, of: str) -> None:
    words = prescription.words(VISIT, MEDICINE)
    value = SIGNER.sign(seal.digest(words))
    kept = seal.signature(words, value, SIGNER.key_id)
    assert seal.fits(words, kept)
    assert verifies(words, value, SIGNER.public_key())
    changed = bytearray(words if of == "words" else value)
    changed[place % len(changed)] ^= flip
    if of == "words":
        assert not seal.fits(bytes(changed), kept)
        assert not verifies(bytes(changed), value, SIGNER.public_key())
        assert not SIGNER.verify(seal.digest(bytes(changed)), value, key=SIGNER.key_id)
    else:
        assert not verifies(words, bytes(changed), SIGNER.public_key())
        assert not SIGNER.verify(seal.digest(words), bytes(changed), key=SIGNER.key_id)


def test_what_the_doctor_stated_and_until_when_it_is_good_are_signed_since_there_are_packs() -> None:
    made = replace(MEDICINE, stated=("spoke",), until=NOW)
    words = prescription.words(VISIT, made).decode()
    assert '"stated":["spoke"],"until":"2030-01-07T09:00:00.000000+00:00"' in words
    assert words != prescription.words(VISIT, replace(made, stated=())).decode()


def test_what_is_not_written_like_a_signature_is_none() -> None:
    words = prescription.words(VISIT, NAMED)
    kept = seal.signature(words, b"value", "key")
    assert seal.raw(kept) == b"value"
    assert seal.raw(replace(kept, value="not base64!")) == b""
    assert not seal.fits(words, replace(kept, form=3)), "a spelling we do not know proves nothing"
