"""R32: a complaint or adverse event can be filed on a visit at any time, is never lost, and is answered once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.refusal import NotFound, Stale, TooLate
from chalicelib.rooms import complaint
from chalicelib.rooms.complaint import COMPLAINTS_MAX, TEXT_MAX, WORD_MAX, About
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.rules import Keep
from chalicelib.store import records
from chalicelib.visit import keeping
from infra import audit, retain
from tests.builders import ANN, BOB, DEE, MINUTE, NOW, a_ticket, a_visit, refused
from tests.doors.stories import id_of, patient_errand, seen
from tests.people import Cast
from tests.visit.walk import Walk, table


@pytest.fixture
def walk(clinic_on_moto: None) -> Walk:
    return Walk()


def test_r32_what_is_too_long_or_empty_is_told_and_five_are_enough() -> None:
    one = complaint.file(a_ticket(), [], about=About.HARM, text=" It burnt ", now=NOW)
    assert one.text == "It burnt"
    for about, text, field in (
        (None, "x", "about"),
        (About.CARE, " ", "text"),
        (About.CARE, "x" * (TEXT_MAX + 1), "text"),
    ):
        with refused("", field=field):
            complaint.file(a_ticket(), [], about=about, text=text, now=NOW)
    with refused("Please call us", kind=TooLate):
        complaint.file(a_ticket(), [one] * COMPLAINTS_MAX, about=About.CARE, text="x", now=NOW)
    for word in ("", "x" * (WORD_MAX + 1)):
        with refused("", field="word"):
            complaint.close(one, by="dee", word=word, now=NOW)
    closed = complaint.close(one, by="dee", word="Sorry", now=NOW)
    assert replace(closed, closed_at=None, closed_by=None, word="") == one, "what was said is what was said"
    with refused("closed already", kind=TooLate):
        complaint.close(closed, by="dee", word="Again", now=NOW)


def test_r32_it_is_filed_in_every_state_of_a_visit_and_also_when_it_is_closed_to_staff(walk: Walk) -> None:
    id = walk.join().id
    say = {"id": id, "about": About.CARE}
    keeping.complain(walk.errand(ANN), text="I wait", **say)
    walk.on_duty()
    assert walk.take() == id
    keeping.complain(walk.errand(ANN), text="He shouts", **say)
    walk.sign(id)
    keeping.complain(walk.errand(ANN), text="It was wrong", **say)
    assert [one.text for one in keeping.complaints(walk.errand(DEE))] == ["I wait", "He shouts", "It was wrong"]
    keeping.erase(walk.errand(ANN), id=id)
    keeping.complain(walk.errand(ANN), text="And still", **say)
    assert [one.text for one in keeping.my_complaints(walk.errand(ANN), id=id)][0] == "I wait", "the patient's own stay"
    with pytest.raises(NotFound):
        keeping.complain(walk.errand(BOB), text="Not mine", **say)


def test_r32_what_the_patient_had_closed_is_on_the_list_without_its_words(walk: Walk) -> None:
    id = walk.signed()
    keeping.complain(walk.errand(ANN), id=id, about=About.HARM, text="A rash")
    keeping.erase(walk.errand(ANN), id=id)
    keeping.complain(walk.errand(ANN), id=id, about=About.CARE, text="And nobody answers")
    found = keeping.complaints(walk.errand(DEE))
    assert [(one.about, one.text) for one in found] == [(About.HARM, ""), (About.CARE, "And nobody answers")]
    keeping.close_complaint(walk.errand(DEE), id=id, number=1, word="Please call us")
    assert [(one.text, one.word) for one in records.complaints_of(id)][0] == ("A rash", "Please call us"), "kept whole"
    assert [one.text for one in keeping.complaints(walk.errand(DEE))] == ["And nobody answers"]


def test_r32_of_a_visit_that_cannot_be_read_no_word_is_shown() -> None:
    one = complaint.file(a_ticket(), [], about=About.HARM, text="It burnt", now=NOW)
    assert complaint.to_staff(one, a_visit()) == one
    assert complaint.to_staff(one, None).text == ""
    for closed, text in ((NOW - MINUTE, "It burnt"), (NOW, ""), (NOW + MINUTE, "")):
        assert complaint.to_staff(one, a_visit(restricted=closed)).text == text


def test_r32_sent_twice_it_is_one_and_two_who_close_it_are_not_both_right(walk: Walk) -> None:
    id = walk.signed()
    errand = walk.errand(ANN)
    first = keeping.complain(errand, id=id, about=About.HARM, text="A rash")
    assert keeping.complain(errand, id=id, about=About.HARM, text="A rash").number == first.number
    assert len(keeping.complaints(walk.errand(DEE))) == 1
    mine = walk.errand(DEE)
    keeping.close_complaint(mine, id=id, number=1, word="Stop taking it")
    assert keeping.close_complaint(mine, id=id, number=1, word="Stop taking it").word == "Stop taking it"
    with pytest.raises(TooLate):
        keeping.close_complaint(walk.errand(DEE), id=id, number=1, word="Other words")
    with pytest.raises(NotFound):
        keeping.close_complaint(walk.errand(DEE), id=id, number=2, word="None such")
    assert keeping.complaints(walk.errand(DEE)) == []
    assert [one.word for one in keeping.my_complaints(walk.errand(ANN), id=id)] == ["Stop taking it"]


def test_r32_it_lasts_as_long_as_the_record_and_makes_the_record_last(walk: Walk) -> None:
    id = walk.signed()
    walk.now += timedelta(days=80)
    filed = keeping.complain(walk.errand(ANN), id=id, about=About.HARM, text="Only now").filed_at
    row = table()[f"V#{id}", "C#001"]
    assert "ttl" not in row
    term = filed.replace(year=filed.year + 15)
    assert retain.retain(audit.live(), now=term - timedelta(seconds=1), delete=True, keep=Keep()).records == 0
    assert records.complaints_of(id)[0].text == "Only now"
    assert retain.retain(audit.live(), now=term, delete=True, keep=Keep()).records == 1
    assert audit.verify(audit.kept(audit.live())) == []


def test_r32_a_complaint_and_its_answer_keep_the_record_from_a_deletion_that_is_under_way(walk: Walk) -> None:
    id = walk.signed()
    late = walk.now.replace(year=walk.now.year + 15, month=12)
    say = {"id": id, "about": About.HARM, "text": "Only now"}
    for happens in (
        lambda: keeping.complain(walk.errand(ANN), **say),
        lambda: keeping.close_complaint(walk.errand(DEE), id=id, number=1, word="Sorry"),
    ):
        read = records.visit(id).version
        happens()
        with pytest.raises(Stale):
            retain._delete(read, f"V#{id}", [(f"V#{id}", "N#001"), (f"V#{id}", "V")], late)
    assert records.file(id).notes


def test_r32_a_patient_complains_on_the_page_and_reads_the_answer(cast: Cast) -> None:
    seen(cast, cast.ann)
    at = cast.ann.url("visits", cast.ann.visit, "complaint")
    assert at in cast.ann.look().page.links
    assert "Choose what it is about." in cast.ann.post(at, text="A rash").words
    assert "A rash" in cast.ann.post(at, about="harm", text="A rash").words
    for who in (cast.dee, cast.pria):
        assert "A rash" in who.get("/en/complaints").words
    empty = cast.dee.fill(f"/{cast.ann.visit}", word=" ")
    assert "Write a word to the patient." in empty.words
    assert "No complaint is open." in cast.dee.fill(f"/{cast.ann.visit}", word="Please stop taking it").words
    assert "Please stop taking it" in cast.ann.get(at).words
    assert "Answered your complaint" in cast.ann.get(cast.ann.url("visits", cast.ann.visit, "opened")).words
    assert "医院答复" in cast.ann.get(f"/zh/visits/{cast.ann.visit}/complaint").words
    for other in (cast.ada, cast.sam, cast.cole, cast.max):
        assert other.get("/en/complaints").status == 403
        assert other.post(f"/en/complaints/{cast.ann.visit}", number="1", word="x").status == 403
    for who in (cast.eve, cast.bob):
        assert who.get(at).status == 404
    assert len(records.complaints_of(id_of(cast.ann))) == 1


def test_r32_who_reads_a_complaint_on_the_list_stands_in_the_trail_of_its_visit(cast: Cast) -> None:
    """Once in a quarter of an hour, each reader of each visit whose words are shown, and of no other."""
    seen(cast, cast.ann)
    seen(cast, cast.bob, outcome=Outcome.REST)
    for who in (cast.ann, cast.bob):
        who.post(who.url("visits", who.visit, "complaint"), about="harm", text="A rash")
    keeping.erase(patient_errand(cast, cast.bob), id=id_of(cast.bob))
    for _ in range(2):
        cast.dee.get("/en/complaints")
        cast.pria.get("/en/complaints")
    read = [
        [line.actor.id for line in records.audit(f"V#{id_of(who)}") if line.deed == "see_complaints"]
        for who in (cast.ann, cast.bob)
    ]
    assert [sorted(one) for one in read] == [["dee", "pria"], []]
    assert "Read your complaint" in cast.ann.get(cast.ann.url("visits", cast.ann.visit, "opened")).words


def test_r32_the_page_says_why_the_words_are_missing(cast: Cast) -> None:
    seen(cast, cast.ann, outcome=Outcome.REST)
    at = cast.ann.url("visits", cast.ann.visit, "complaint")
    cast.ann.post(at, about="harm", text="A rash")
    keeping.erase(patient_errand(cast, cast.ann), id=id_of(cast.ann))
    for who in (cast.dee, cast.pria):
        page = who.get("/en/complaints")
        assert "The patient has had this record closed" in page.words
        assert "A rash" not in page.body
        assert "A rash" not in who.machine("GET", "/en/complaints").body
    assert "关闭这份病历" in cast.dee.get("/zh/complaints").words
    assert "A rash" in cast.ann.get(at).words
