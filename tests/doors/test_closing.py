"""Closing time as people meet it: nobody reads that the place is safe and is then sent home; and a sweep's time."""

import json
import logging
from pathlib import Path

import pytest

from chalicelib.doors import clock
from chalicelib.doors.clock import QUEUES_MS, SWEEP_MS, TRY_MS
from chalicelib.doors.post import Post, text
from chalicelib.outside import sms
from chalicelib.rooms.leaving import GRACE
from chalicelib.rooms.notice import Kind, Way, to_patient
from chalicelib.visit import seeing, taking
from tests.builders import NOW, a_ticket, a_visit, answers
from tests.doors.stories import id_of, taken
from tests.people import BOB, Answer, Cast, Member

PUBLIC = "https://clinic.example.org"


def test_before_and_after_the_sweep_the_page_says_the_same_thing(cast: Cast) -> None:
    """Ten o'clock in the morning, nobody on duty; the clinic closes at ten in the evening."""
    cast.ann.join()
    got = cast.ann.look().words
    assert "Your place is kept until we close at 22:00. It goes on as soon as a doctor comes." in got
    assert "place is safe" not in got.lower()
    cast.clock.forward(hours=12, seconds=30)
    got = cast.ann.look().words
    assert "We closed at 22:00. If no doctor comes back soon, your visit ends here;" in got
    assert "place is safe" not in got.lower(), "nor in what is shown only without a line"
    clock.tick()
    assert "We have closed for today" in cast.ann.look().words


def test_who_comes_after_closing_is_told_that_the_place_is_safe_and_it_is(cast: Cast) -> None:
    cast.clock.forward(hours=12, minutes=1)
    cast.ann.join()
    clock.tick()
    assert "General medicine opens at 08:00. Your place is safe." in cast.ann.look().words


def test_also_while_a_doctor_is_still_there(cast: Cast) -> None:
    cast.clock.forward(hours=12, minutes=1)
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=1)
    cast.ann.join()
    got = cast.ann.look().words
    assert "We are closed, but doctors are still here." in got
    assert "your place is safe until we open at 08:00." in got


def test_while_doctors_go_on_after_closing_the_page_says_how_long(cast: Cast) -> None:
    cast.ann.join()
    cast.clock.forward(hours=12, minutes=1)
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=1)
    got = cast.ann.look().words
    assert "We closed at 22:00, and the doctors who are here go on." in got
    assert "Your place is kept; come back" not in got
    taking.pause(cast.errand("ada"))
    cast.clock.forward(minutes=GRACE.seconds // 60 - 1)
    assert clock.tick().sent_home == 0
    cast.clock.forward(minutes=1)
    assert clock.tick().sent_home == 1


def test_who_may_still_be_sent_home_reads_until_when_the_place_is_kept(cast: Cast) -> None:
    """Ten minutes before closing, with a doctor on duty: on the page and on the paper."""
    cast.clock.forward(hours=11, minutes=50)
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=1)
    cast.ann.join()
    said = "lace is kept until we close at 22:00, and longer while doctors are here."
    assert said in cast.ann.look().words
    assert "Your place is kept; come back" not in cast.ann.look().words
    assert said in on_paper(cast).words


def test_who_has_only_the_paper_is_called_out_by_the_desk(cast: Cast) -> None:
    """Nobody without a phone sits in the hall all night, while the board says that nobody waits."""
    on_paper(cast)
    cast.clock.forward(hours=12, minutes=1)
    assert clock.tick().sent_home == 1
    board = Member(cast.house, "dee", cast.clock()).get("/en/desk?department=general").words
    assert "Not told by a message today: C2001. Call these codes out" in board


def on_paper(cast: Cast) -> Answer:
    said = {**BOB, "consent": "yes", "language": "en", "flags": "none", "name": "Lee", "phone": ""}
    return Member(cast.house, "dee", cast.clock()).post("/en/desk/add", **said)


def test_the_text_says_so_too(cast: Cast) -> None:
    sms.LOCAL.texts.clear()
    cast.ann.join(text_me="yes")
    cast.clock.forward(hours=12, minutes=1)
    clock.tick(PUBLIC)
    ((_, said),) = sms.LOCAL.texts
    assert said.startswith("Riverside Clinic: we have closed, and no doctor could see you. Ticket C2001. ")
    visit = a_visit(id=a_ticket(17), answers=answers(language="zh"))
    assert "我们已停诊" in text(to_patient(visit, Kind.CLOSED, Way.SMS, to="+86138", now=NOW), "")


def test_after_the_third_time_the_page_says_that_it_was_the_last(cast: Cast) -> None:
    taken(cast, cast.ann)
    for times in (1, 2, 3):
        cast.clock.forward(minutes=4)
        if times == 3:
            cast.bob.join()  # somebody to let past
        seeing.not_here(cast.errand("ada"), id=id_of(cast.ann), epoch=times)
        assert times == 3 or taking.take_next(cast.errand("ada")) == id_of(cast.ann)
    got = cast.ann.look().words
    assert "This was the last time. Tap now if you are here" in got
    assert "then you are called again" not in got
    assert "You are at the front again." in cast.ann.fill("/here").words


def test_a_sweep_without_time_says_what_it_left(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    swept = clock.tick(left=lambda: QUEUES_MS)
    assert swept.not_reached == len(cast.errand("ada").clinic.departments)
    assert clock._measured(swept)["Failed"] == swept.not_reached
    (event,) = [
        e for r in caplog.records if r.name == "clinic" and (e := json.loads(r.getMessage()))["event"] == "swept"
    ]
    assert event["not_reached"] == swept.not_reached
    assert clock.tick(left=lambda: QUEUES_MS + 1).not_reached == 0


class Context:
    """Lambda's own, of a sweep that has begun late in its time."""

    def get_remaining_time_in_millis(self) -> int:
        return QUEUES_MS


def test_the_schedule_hands_over_how_long_lambda_lets_it_run(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    from app import sweep

    caplog.set_level(logging.INFO)
    asked = ("version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources")
    sweep(dict.fromkeys(asked, ""), Context())
    said = [json.loads(record.getMessage()) for record in caplog.records if record.name == "clinic"]
    assert [event["not_reached"] > 0 for event in said if event["event"] == "swept"] == [True]


def test_the_post_has_no_more_time_than_the_sweep() -> None:
    assert Post(PUBLIC, lambda: True).has_time
    assert not Post(PUBLIC, lambda: False).has_time


def test_the_sweep_knows_how_long_lambda_lets_it_run() -> None:
    config = json.loads((Path(__file__).parents[2] / ".chalice" / "config.json").read_text(encoding="utf-8"))
    assert config["lambda_timeout"] * 1000 == SWEEP_MS > QUEUES_MS > TRY_MS
