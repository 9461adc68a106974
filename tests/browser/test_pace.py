"""How often an open conversation asks what is new: often while somebody talks, seldom while nobody does."""

import pytest
from playwright.sync_api import Request, Route, expect

from tests.browser.conftest import NewStage
from tests.browser.test_waiting_room import Watch

SLOWER = [3, 3.9, 5.1, 6.6, 8.6, 11.1, 12, 12]  # seconds, after the last word
EITHER = pytest.mark.parametrize("side", ["patient", "doctor"])


class Talk:
    """A patient and their doctor, both with the conversation before them; the page of one `side` is watched."""

    def __init__(self, new_stage: NewStage, side: str) -> None:
        self.stage = new_stage("en")
        self.patient, self.doctor = self.stage.patient(), self.stage.doctor()
        self.me, self.other = (self.patient, self.doctor) if side == "patient" else (self.doctor, self.patient)
        self.patient.has_joined()
        self.doctor.goes_on_duty("respiratory")
        self.doctor.takes_next(self.patient.name)
        self.doctor.says("Good day.")  # the patient's page is loaded anew when the consult begins
        self.watch = Watch(self.me, "/messages?")
        self.box = self.me.page.locator("#text")
        self.patient.opens_ticket()
        self.patient.heading("You and your doctor")
        self.doctor.page.reload()

    def is_seen_again(self) -> None:
        """And asks at once."""
        before = self.watch.asked
        self.watch.hides(False)
        self.watch.looks_in(0.1)
        assert self.watch.asked == before + 1


@EITHER
def test_a_word_after_a_long_silence_is_there_in_twelve_seconds_and_makes_it_quick(
    new_stage: NewStage, side: str
) -> None:
    """So does touching the box, each key, and sending; but none puts off what is asked soon anyway."""
    talk = Talk(new_stage, side)
    for seconds in SLOWER:
        talk.watch.looks_after(seconds)
    talk.other.says("Are you there?")
    talk.watch.looks_after(12)
    talk.me.hears("Are you there?")
    for seconds in SLOWER[:3]:
        talk.watch.looks_after(seconds)
    talk.box.focus()
    talk.watch.looks_after(3)
    typed = []
    for _ in range(7):
        talk.box.press_sequentially("x")
        typed.append(talk.watch.looks_in(1))
    assert sum(typed) == 2
    for seconds in SLOWER[2:5]:
        talk.watch.looks_in(seconds)
    talk.me.presses("Send")
    talk.me.hears("x" * 7)
    talk.watch.looks_after(3)


def test_a_patients_page_that_nobody_sees_asks_once_a_minute(new_stage: NewStage) -> None:
    talk = Talk(new_stage, "patient")
    talk.watch.hides(True)
    for seconds in (3, 60, 60):
        talk.watch.looks_after(seconds)
    talk.is_seen_again()
    talk.watch.looks_after(3.9)


def test_a_doctor_who_looks_at_something_else_keeps_the_patient_until_signed_out(new_stage: NewStage) -> None:
    """Also for longer than the lease, since the hidden page goes on asking; after that it asks no more."""
    talk = Talk(new_stage, "doctor")
    talk.watch.hides(True)
    talk.watch.looks_after(3)
    for _ in range(3):
        talk.stage.clinic.clock.passes(minutes=4)
        talk.watch.looks_after(60)
    talk.patient.opens_ticket()
    talk.patient.heading("You and your doctor")
    talk.doctor.phone.context.route("**/messages?*", lambda route: route.fulfill(status=401, body="{}"))
    talk.watch.looks_after(60)
    assert talk.watch.looks_in(200) == 0
    talk.is_seen_again()
    talk.watch.looks_after(20)


@pytest.mark.parametrize(("side", "again"), [("patient", (8, 16, 32, 64, 120)), ("doctor", (20, 20))])
def test_a_clinic_in_trouble_is_left_in_peace_whatever_is_typed(
    new_stage: NewStage, side: str, again: tuple[float, ...]
) -> None:
    talk = Talk(new_stage, side)
    talk.me.phone.context.route("**/messages?*", lambda route: route.fulfill(status=429, body="{}"))
    talk.watch.looks_after(3)
    for seconds in again:
        talk.box.press_sequentially("x")
        talk.watch.looks_after(seconds)
    talk.me.phone.context.unroute("**/messages?*")
    talk.watch.looks_after(again[-1])
    if side == "patient":
        expect(talk.patient.page.locator(".offline")).to_be_hidden()
    talk.watch.looks_after(3.9)


@EITHER
def test_an_answer_that_never_comes_is_given_up_after_a_minute(new_stage: NewStage, side: str) -> None:
    talk = Talk(new_stage, side)
    page, hung = talk.me.page, list[Route]()
    page.route("**/messages?*", lambda route: hung.append(route))
    for seconds, asked in ((4, 1), (58, 1), (3, 1), (20, 2)):  # never a second one beside it
        page.clock.run_for(seconds * 1000)
        page.wait_for_timeout(200)
        assert len(hung) == asked, seconds
    page.unroute("**/messages?*")
    page.clock.run_for(60_000)
    talk.other.says("Are you there?")
    page.clock.run_for(41_000)
    talk.me.hears("Are you there?")


def test_a_quiet_conversation_asks_seldom_a_lively_one_often_and_both_soon_how_the_visit_stands(
    new_stage: NewStage,
) -> None:
    """Requests of a minute each. At a fixed pace of four seconds it were fifteen, and the end of a visit was known
    after 19 seconds, after 48 in a quiet one."""
    talk = Talk(new_stage, "patient")
    seconds, knew = 0, [0]

    def note(request: Request) -> None:
        if "state=yes" in request.url:
            knew.append(seconds)

    talk.patient.phone.context.on("request", note)
    counted: list[int] = []
    for every in (0, 10):
        counted.append(0)
        for _ in range(60):
            seconds += 1
            if every and seconds % every == 0:
                talk.doctor.says(f"Word {seconds}.")
            counted[-1] += talk.watch.looks_in(1)
    quiet, lively = counted
    assert quiet <= 7
    assert quiet < lively < 15
    assert max(b - a for a, b in zip(knew, knew[1:], strict=False)) <= 18
