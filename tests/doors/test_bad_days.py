"""Bad days, as the people in them see them. (A signature after the lease was lost: test_doctor and
tests/visit/test_seeing_and_sending. An hour without a doctor: tests/visit/test_telling.)"""

import pytest

from chalicelib.store import records
from tests.doors.stories import id_of, seen, taken
from tests.people import Browser, Cast
from tests.visit.walk import visits
from tests.visit.weather import storm


@pytest.mark.parametrize("meanwhile", ["nothing", "called", "seen"])
def test_two_hours_later_on_another_phone_it_is_the_same_visit_as_it_is_now(cast: Cast, meanwhile: str) -> None:
    story = {"nothing": lambda: cast.ann.join(), "called": lambda: taken(cast, cast.ann)}
    story.get(meanwhile, lambda: seen(cast, cast.ann))()
    code = cast.ann.cookies["tickets"].split("!")[0]
    cast.clock.forward(hours=2)
    other = Browser(cast.house)
    other.get(f"/en/back?code={code}")
    got = other.fill("back")
    assert got.path == f"/en/visits/{cast.ann.visit}"
    assert [visit.id for visit in visits()] == [id_of(cast.ann)]
    # A doctor who gave no sign of life for two hours has lost the patient, who is next.
    words = {"nothing": "No doctor is on duty", "called": "You are at the front", "seen": "Rest and drink."}[meanwhile]
    assert words in got.words


def test_ten_seconds_without_writing_nobody_types_again_and_nothing_is_half_done(cast: Cast) -> None:
    cast.ann.answer(why="It began on Monday")
    with storm(begins=0):
        got = cast.ann.fill(consent="yes")
    assert got.status == 503
    assert "Please try again in a moment." in got.words
    assert visits() == []
    cast.clock.forward(seconds=10)
    assert cast.ann.fill().status == 200, "the same button, with nothing typed"
    (visit,) = visits()
    assert visit.answers.why == "It began on Monday"


def test_what_a_doctor_says_while_nothing_can_be_written_is_said_by_the_same_button(cast: Cast) -> None:
    taken(cast, cast.ann)
    cast.ada.get(f"/en/doctor/visits/{cast.ann.visit}")
    before = len(records.messages(id_of(cast.ann), ""))
    with storm(begins=0):
        got = cast.ada.fill("/messages", text="Does it hurt when you swallow?")
    assert got.status == 503
    assert len(records.messages(id_of(cast.ann), "")) == before
    cast.clock.forward(seconds=10)
    cast.ada.fill()
    assert [m.text for m in records.messages(id_of(cast.ann), "")][before:] == ["Does it hurt when you swallow?"]
