"""The waiting room in a pocket: the ticket that is kept for when there is no line, and how often the board is asked."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Request, expect

from chalicelib.doors import clock as clock_door
from chalicelib.doors.words import LANGUAGES
from tests.browser import live
from tests.browser.conftest import NewStage
from tests.browser.people import Patient, Person
from tests.browser.stage import Stage

WORKERS = "navigator.serviceWorker.getRegistrations().then(all => all.map(one => new URL(one.scope).pathname))"
OFFLINE = "You are offline. Keep this ticket: that does not cost you your place."
HIDE = """hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  document.dispatchEvent(new Event('visibilitychange')) }"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ticket_opens_without_a_line(new_stage: NewStage, language: str) -> None:
    """Also in a browser that was closed: the last place, when that was, and that it is safe. It goes on by itself."""
    stage = new_stage(language)
    patient, other = stage.patient(), stage.patient("B. B.")
    other.has_joined()
    patient.has_joined()
    patient.keeps_ticket()
    patient.phone.set_offline(True)
    patient.page.reload()
    patient.place_is(2)
    patient.reads(OFFLINE)
    expect(patient.page.locator("#then")).to_be_visible()
    patient.reads_no("Send", "Leave the queue")
    patient.goes_to("/find")
    patient.heading("You are offline")
    patient.follows("Open your ticket %(code)s", code=patient.code)
    patient.place_is(2)
    patient.phone.set_offline(False)
    patient.reads("Leave the queue")
    expect(patient.page.locator(".offline")).to_be_hidden()
    patient.keeps_ticket()


def test_what_is_kept_says_nothing_about_the_patient(new_stage: NewStage) -> None:
    """A place, a code and a department: no word that was written, no name, no form, nothing that opens the visit."""
    patient = new_stage("en").patient()
    patient.has_joined()
    patient.says(patient.story.more)
    patient.hears(patient.story.more)
    patient.opens_ticket()
    patient.hears(patient.story.more)
    secret = next(one["value"] for one in patient.phone.context.cookies() if one["name"] == "tickets").split("~")[1]
    story = patient.story
    kept = patient.keeps_ticket()
    assert set(kept) == {f"/kept/{patient.visit}", "/offline?en"}
    for text in kept.values():
        for word in (story.more, story.why, story.allergies, story.name, story.phone, secret, "<form", "messages"):
            assert word not in text


@pytest.mark.parametrize("how", ["left", "forgotten", "called"])
def test_nothing_is_kept_once_the_wait_is_over(new_stage: NewStage, how: str) -> None:
    stage = new_stage("en")
    patient = stage.patient()
    patient.has_joined()
    patient.keeps_ticket()
    if how == "left":
        patient.follows("Leave the queue")
        patient.presses("Yes, leave the queue")
        patient.heading("You have left the queue")
    elif how == "forgotten":
        patient.goes_to("/find")
        patient.presses("Forget me on this phone")
        patient.ticks("sure", "yes")
        patient.presses("Forget me on this phone")
        patient.reads("There is no ticket on this phone.")
        assert patient.page.evaluate(WORKERS) == []
    else:
        doctor = stage.doctor()
        doctor.goes_on_duty("respiratory")
        doctor.takes_next(patient.name)
        patient.opens_ticket()
        patient.heading("It is your turn")
    assert patient.kept() == {}


def test_a_second_ticket_stays_when_the_first_is_given_up(new_stage: NewStage) -> None:
    """A mother's phone with her own ticket and her child's."""
    patient = new_stage("en").patient()
    patient.has_joined("general")
    patient.keeps_ticket()
    first = patient.visit
    patient.has_joined("respiratory")
    patient.goes_to(f"/visits/{first}/leave")
    patient.presses("Yes, leave the queue")
    patient.heading("You have left the queue")
    patient.phone.set_offline(True)
    patient.goes_to("")
    patient.heading("You are offline")
    patient.follows("Open your ticket %(code)s", code=patient.code)
    patient.reads(OFFLINE)
    patient.keeps_ticket()


def test_below_a_stage_of_the_gateway(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a domain of its own the clinic lives below /api, and so does what it keeps."""
    monkeypatch.setenv("BASE_PATH", "/api")
    with live.clinic("/api") as clinic:
        stage = Stage(browser, clinic, "en")
        patient = stage.patient()
        patient.joins()
        assert set(patient.keeps_ticket()) == {f"/api/kept/{patient.visit}", "/api/offline?en"}
        assert patient.page.evaluate(WORKERS) == ["/api/"]
        patient.phone.set_offline(True)
        patient.page.reload()
        patient.place_is(1)
        patient.reads(OFFLINE)
        patient.goes_to("/find")
        patient.heading("You are offline")
        assert stage.complaints() == []
        stage.close()


def test_an_idle_doctor_is_told_that_somebody_came_and_forty_idle_ones_are_not_all_told(new_stage: NewStage) -> None:
    """Where thirty-nine of the forty are busy, the one who is not hears of it all the same, in two minutes at most."""
    stage = new_stage("en")
    doctor = stage.doctor()
    doctor.page.add_init_script("Math.random = () => 0.5")
    doctor.page.clock.install(time=live.OPENS)
    doctor.goes_on_duty("respiratory")
    told = doctor.page.locator("#came")
    expect(told).to_be_hidden()

    def tell(route: Any) -> None:
        board = route.fetch().json()
        route.fulfill(json={**board, "on_duty": 40})

    doctor.phone.context.route("**/board/respiratory", tell)
    stage.patient().joins()
    for _ in range(6):
        expect(told).to_be_hidden()
        with doctor.page.expect_response("**/board/respiratory"):
            doctor.page.clock.run_for(16_000)
    expect(told).to_have_text("Somebody is waiting now. Tap “Take next” when you are ready.")


def test_a_doctor_whose_duty_ended_in_silence_reads_so_on_the_open_page(new_stage: NewStage) -> None:
    """Looking at the board is no sign of life. Nobody taps on an empty list, so the page itself says it."""
    stage = new_stage("en")
    doctor = stage.doctor()
    doctor.page.clock.install(time=live.OPENS)
    doctor.goes_on_duty("respiratory")
    stage.clinic.clock.passes(minutes=14)
    doctor.page.clock.run_for(14 * 60_000)
    over = doctor.page.locator("#over")
    expect(over).to_be_hidden()
    stage.clinic.clock.passes(minutes=2)
    clock_door.tick()
    with doctor.page.expect_response("**/board/~*"):
        doctor.page.clock.run_for(2 * 60_000)
    expect(over).to_contain_text("You are not on duty any more.")
    expect(over).to_contain_text("duty ends after 15 minutes")
    expect(doctor.button("Take next")).to_be_hidden()


class Watch:
    """A page whose seconds the test lets pass, with the jitter stilled; counts looks at the board, or at `where`."""

    def __init__(self, person: Person, where: str = "/board/") -> None:
        self.person, self.where, self.asked, self.answered = person, where, 0, 0
        person.page.add_init_script("Math.random = () => 0.5")
        person.page.clock.install(time=live.OPENS)
        person.page.clock.pause_at(live.OPENS + timedelta(seconds=1))
        context = person.phone.context
        context.on("request", lambda one: self._count(one, "asked"))
        context.on("requestfinished", lambda one: self._count(one, "answered"))
        context.on("requestfailed", lambda one: self._count(one, "answered"))

    def _count(self, request: Request, what: str) -> None:
        if self.where in request.url and request.method == "GET":
            setattr(self, what, getattr(self, what) + 1)

    def looks_in(self, seconds: float) -> int:
        """How often the phone asks in so many seconds."""
        before, page = self.asked, self.person.page
        page.clock.run_for(round(seconds * 1000))
        page.evaluate("fetch('/health').then(() => 1, () => 0)")  # what was asked before has been noticed by then
        while self.answered < self.asked:
            page.wait_for_timeout(20)
        page.evaluate("fetch('/health').then(() => 1, () => 0)")
        return self.asked - before

    def hides(self, hidden: bool) -> None:
        self.person.page.evaluate(HIDE, hidden)

    def looks_after(self, seconds: float) -> None:
        """Not sooner, and once. An answer may come before the second it was asked in is over or after it, and what is
        left of that second adds up: hence a whole one."""
        assert [self.looks_in(seconds - 1), self.looks_in(1.1)] == [0, 1]


def board_of(patient: Patient, ahead: int, pace: float) -> None:
    """Let the board tell of so many more urgent people, and one doctor."""

    def tell(route: Any) -> None:
        board = route.fetch().json()
        board.update(on_duty=1, seconds_per_call=pace)
        board["lanes"][0][0] = [0, ahead, [], 0, 1, 1, []]
        board["lanes"][0][2][3:6] = [ahead, 1, ahead + 1]
        route.fulfill(json=board)

    patient.phone.context.route("**/board/*", tell)


def test_people_of_other_lanes_are_before_one_too(new_stage: NewStage) -> None:
    """At most as many as are there, and about as many as in one's own; with everybody who is more urgent."""
    patient = new_stage("en").patient()

    def tell(route: Any) -> None:
        board = route.fetch().json()
        bands = board["lanes"][0]
        for urgent, standard in ((2, 50), (0, 0)):
            board["lanes"].append([bands[0], [0, urgent, *bands[1][2:]], [0, standard, *bands[2][2:]], bands[3]])
        route.fulfill(json=board)

    patient.phone.context.route("**/board/*", tell)
    watch = Watch(patient)
    patient.has_joined()
    patient.place_is(1)
    watch.looks_after(5)
    patient.place_is(1 + 2 + 1 + 0)


@pytest.mark.parametrize(("ahead", "pace", "seconds"), [(0, 30.0, 5), (100, 60.0, 303), (900, 60.0, 600)])
def test_how_often_it_asks_follows_how_long_it_will_be(
    new_stage: NewStage, ahead: int, pace: float, seconds: float
) -> None:
    """A twentieth of the wait, but at least five seconds and at most ten minutes."""
    stage = new_stage("en")
    stage.doctor().goes_on_duty("respiratory")
    patient = stage.patient()
    board_of(patient, ahead, pace)
    watch = Watch(patient)
    patient.has_joined()
    watch.looks_after(5)
    patient.place_is(ahead + 1)
    watch.looks_after(seconds)
    watch.looks_after(seconds)


def test_a_page_that_nobody_sees_asks_once_a_minute(new_stage: NewStage) -> None:
    """From the moment it is hidden; and looking away and back again in a moment asks nothing."""
    patient = new_stage("en").patient()
    watch = Watch(patient)
    patient.has_joined()
    watch.looks_after(5)
    watch.hides(True)
    watch.looks_after(60)
    watch.looks_after(60)
    before = watch.asked
    for hidden in (False, True, False):
        watch.hides(hidden)
    assert watch.looks_in(0.1) == watch.asked - before == 0
    watch.looks_after(19.9)
    watch.hides(True)
    assert watch.looks_in(30) == 0
    before = watch.asked
    watch.hides(False)
    watch.looks_in(0.1)
    assert watch.asked - before == 1


def test_without_a_line_it_asks_less_and_less(new_stage: NewStage) -> None:
    patient = new_stage("en").patient()
    watch = Watch(patient)
    patient.has_joined()
    watch.looks_after(5)
    patient.phone.set_offline(True)
    expect(patient.page.locator(".offline")).to_be_visible()  # at once: the phone itself says so
    patient.place_is(1)
    for seconds in (10, 20, 40, 80, 120, 120):
        watch.looks_after(seconds)
    patient.phone.set_offline(False)
    watch.looks_after(1)
    expect(patient.page.locator(".offline")).to_be_hidden()
    watch.looks_after(20)


def test_a_clinic_in_trouble_is_not_a_phone_without_a_line(new_stage: NewStage) -> None:
    patient = new_stage("en").patient()
    patient.phone.context.route("**/board/*", lambda route: route.fulfill(status=429, body="{}"))
    watch = Watch(patient)
    patient.has_joined()
    watch.looks_after(5)
    patient.place_is(1)
    expect(patient.page.locator("#then")).to_be_visible()
    expect(patient.page.locator(".offline")).to_be_hidden()
    watch.looks_after(10)
    watch.looks_after(20)


def test_whoever_is_taken_out_while_the_page_is_open_is_told(new_stage: NewStage) -> None:
    """Not only when a doctor would have called that number, which may be hours later."""
    stage = new_stage("en")
    patient, desk = stage.patient(), stage.desk()
    watch = Watch(patient)
    patient.has_joined()
    watch.looks_after(5)
    desk.sees_queue()
    desk.opens_row(patient.code)
    desk.types(why="Went home by taxi")
    desk.presses("Take out of the queue")
    patient.page.clock.run_for(21_000)
    patient.heading("The clinic has ended this ticket")


def test_a_number_that_only_seems_to_be_given_up_is_asked_about_once_a_minute(new_stage: NewStage) -> None:
    """The lane is told first, and the write that was to follow may have failed: the patient waits on."""
    patient = new_stage("en").patient()
    number = [0]

    def tell(route: Any) -> None:
        board = route.fetch().json()
        board["lanes"][0][2][2] = number
        route.fulfill(json=board)

    patient.phone.context.route("**/board/*", tell)
    watch = Watch(patient)
    patient.has_joined()
    number[0] = int(patient.page.locator("#ticket").get_attribute("data-n") or 0)
    pages: list[str] = []
    patient.phone.context.on("request", lambda one: pages.append(one.url) if "/visits/" in one.url else None)
    for seconds in (5, 60, 60):
        with patient.page.expect_event("requestfinished", lambda one: "/visits/" in one.url):
            watch.looks_after(seconds)
        patient.page.evaluate("fetch('/health').then(() => 1)")
        patient.place_is(1)
    assert len(pages) == 3, "and none of them was loaded anew"
