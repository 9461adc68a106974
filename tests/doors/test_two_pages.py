"""One note open on two pages, a laptop and a phone: neither writes over what the other saved; no word is lost."""

import pytest

from chalicelib.rooms import consult
from chalicelib.rooms.consult import Note
from chalicelib.visit import seeing
from tests.doors.stories import SOAP, id_of, taken
from tests.doors.test_doctor import address
from tests.people import Answer, Cast

PHONE = {**SOAP, "assessment": "PHONE: allergic to penicillin!"}
LAPTOP = {**SOAP, "assessment": "LAPTOP: tonsillitis"}
ON_ANOTHER = "This note was changed on another page."


def fields(got: Answer) -> dict[str, str]:
    """What the page's script sends with the note: from which text the page began, and which page it is."""
    form = next(form for form in got.page.forms if "base" in form.fields)
    return {name: form.fields[name][0] for name in ("epoch", "base", "page", "heard") if name in form.fields}


def kept(cast: Cast) -> Note:
    note = seeing.open_visit(cast.errand("ada"), id=id_of(cast.ann)).note
    assert note is not None
    return note


def save(cast: Cast, page: dict[str, str], soap: dict[str, str]) -> Answer:
    return cast.ada.machine("POST", address(cast.ann, "note"), {**page, **soap})


@pytest.mark.parametrize("first", ["nothing", "a note"])
def test_what_another_page_saved_is_not_written_over(cast: Cast, first: str) -> None:
    taken(cast, cast.ann)
    if first == "a note":
        cast.ada.post(address(cast.ann, "note"), epoch="1", **SOAP)
    phone, laptop = (fields(cast.ada.get(address(cast.ann))) for _ in "12")
    assert phone["page"] != laptop["page"]
    assert save(cast, phone, PHONE).status == 200
    got = save(cast, laptop, LAPTOP)
    assert got.status == 409
    assert got.json["detail"].startswith(ON_ANOTHER)
    assert kept(cast).assessment == PHONE["assessment"]


def test_a_page_goes_on_from_what_it_saved_also_where_the_answer_was_lost(cast: Cast) -> None:
    taken(cast, cast.ann)
    page = fields(cast.ada.get(address(cast.ann)))
    base = save(cast, page, PHONE).json["base"]
    assert save(cast, page, LAPTOP).status == 200, "it never heard of the first save, which was its own"
    assert base == consult.mark(PHONE)
    other = fields(cast.ada.get(address(cast.ann)))
    assert save(cast, other, PHONE).status == 200, "this one was shown what it replaces"
    assert save(cast, page, {**LAPTOP, "plan": "Come back"}).status == 409, "and now the first one was not"
    assert save(cast, {**page, "base": base}, LAPTOP).status == 200, "these words it had saved itself: it knows them"


def test_both_texts_are_on_the_page_and_the_next_save_is_made_knowing_both(cast: Cast) -> None:
    """Without a script."""
    taken(cast, cast.ann)
    laptop = fields(cast.ada.get(address(cast.ann)))
    save(cast, fields(cast.ada.get(address(cast.ann))), PHONE)
    got = cast.ada.post(address(cast.ann, "note"), **laptop, **LAPTOP)
    assert got.status == 409
    assert ON_ANOTHER in got.words
    assert PHONE["assessment"] in got.words, "to be copied"
    [form] = [form for form in got.page.forms if "base" in form.fields]
    assert form.fields["assessment"] == [LAPTOP["assessment"]]
    both = {**LAPTOP, "assessment": f"{PHONE['assessment']} {LAPTOP['assessment']}"}
    assert cast.ada.post(address(cast.ann, "note"), **fields(got), **both).status == 200
    assert kept(cast).assessment == both["assessment"]


def test_a_page_refused_for_something_else_shows_what_another_one_saved_too(cast: Cast) -> None:
    """Else its next save, begun from the text kept now, would wipe words nobody was shown here."""
    taken(cast, cast.ann)
    laptop = fields(cast.ada.get(address(cast.ann)))
    save(cast, fields(cast.ada.get(address(cast.ann))), PHONE)
    got = cast.ada.post(address(cast.ann, "note"), **laptop, **{**LAPTOP, "plan": "x" * 2001})
    assert got.status == 422
    assert PHONE["assessment"] in got.words


def test_nobody_signs_over_what_another_page_saved(cast: Cast) -> None:
    taken(cast, cast.ann)
    finish = fields(cast.ada.get(address(cast.ann, "finish")))
    save(cast, fields(cast.ada.get(address(cast.ann))), PHONE)
    end = {"outcome": "rest_and_observe", "summary": "Rest."}
    got = cast.ada.post(address(cast.ann, "finish"), **finish, **LAPTOP, **end)
    assert got.status == 409
    assert ON_ANOTHER in got.words
    assert PHONE["assessment"] in got.words
    assert kept(cast).assessment == PHONE["assessment"]
    assert cast.ada.post(address(cast.ann, "finish"), **fields(got), **LAPTOP, **end).status == 200


def test_a_message_that_went_out_is_not_left_in_its_box_with_a_refused_note(cast: Cast) -> None:
    taken(cast, cast.ann)
    laptop = fields(cast.ada.get(address(cast.ann)))
    save(cast, fields(cast.ada.get(address(cast.ann))), PHONE)
    got = cast.ada.post(address(cast.ann, "messages"), **laptop, **LAPTOP, text="How are you?")
    assert got.status == 409
    [form] = [form for form in got.page.forms if "base" in form.fields]
    assert form.fields["text"] == [""]
    assert len(seeing.messages(cast.errand("ada"), id=id_of(cast.ann), after="")) == 1
