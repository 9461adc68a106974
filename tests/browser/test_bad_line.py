"""A bad line and impatient fingers: slow links, no link, double taps, Back, reload and forms sent twice."""

import contextlib
import urllib.error
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Request, TimeoutError, expect

from chalicelib.doors.words import LANGUAGES
from tests.browser.conftest import NewStage
from tests.browser.people import Patient
from tests.browser.phones import Phone
from tests.browser.staff import Doctor

SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}  # 400 kbit/s
CPU_TIMES_SLOWER = 4
BYTES_MAX, REQUESTS_MAX = 30_000, 4  # as they leave this server, which does not compress
TIMES = """() => { const paint = performance.getEntriesByName('first-contentful-paint')[0],
  page = performance.getEntriesByType('navigation')[0], files = performance.getEntriesByType('resource');
  return { paint: paint ? paint.startTime : 0, load: page.loadEventEnd, requests: 1 + files.length,
    bytes: files.reduce((n, f) => n + f.encodedBodySize, page.encodedBodySize) } }"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_first_loads_on_a_slow_link(new_stage: NewStage, told: list[str], language: str) -> None:
    """The times are printed, not judged; what is judged does not depend on the machine."""
    patient = new_stage(language).patient()
    patient.has_joined()
    wire = patient.phone.context.new_cdp_session(patient.page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    wire.send("Network.emulateNetworkConditions", SLOW)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": CPU_TIMES_SLOWER})
    for name, path in (("home", ""), ("ticket", f"/visits/{patient.visit}")):
        patient.goes_to(path)
        took: dict[str, Any] = patient.page.evaluate(TIMES)
        told.append(
            f"400 ms, 400 kbit/s, CPU x{CPU_TIMES_SLOWER}: {name}-{language} readable after {took['paint']:.0f} ms, "
            f"loaded after {took['load']:.0f} ms, {took['requests']} requests, {took['bytes']} bytes uncompressed"
        )
        assert took["requests"] <= REQUESTS_MAX
        assert took["bytes"] <= BYTES_MAX


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ticket_offline(new_stage: NewStage, language: str) -> None:
    """Without a link the ticket says that the place is safe, and goes on by itself when the link is back."""
    patient = new_stage(language).patient()
    patient.has_joined()
    offline = patient.page.locator(".offline")
    expect(offline).to_be_hidden()
    patient.phone.set_offline(True)
    expect(offline).to_be_visible()
    expect(offline).to_have_text(patient.t("You are offline. Keep this ticket: that does not cost you your place."))
    patient.place_is(1)
    patient.phone.set_offline(False)
    expect(offline).to_be_hidden()
    patient.place_is(1)


def test_a_message_written_offline_stays_and_goes_out_once(new_stage: NewStage) -> None:
    stage = new_stage("en")
    patient, doctor = stage.patient(), stage.doctor()
    patient.has_joined()
    doctor.goes_on_duty("respiratory")
    doctor.takes_next(patient.name)
    patient.heading("It is your turn")
    patient.phone.set_offline(True)
    patient.says(patient.story.more)
    patient.reads("Not sent.")
    patient.hears(patient.story.more)
    patient.presses("Try again")
    patient.reads("Not sent.")
    patient.phone.set_offline(False)
    with contextlib.suppress(TimeoutError):  # it may also go out by itself
        patient.button("Try again").click(timeout=2000)
    expect(patient.page.locator("#talk .lost")).to_have_count(0)
    patient.opens_ticket()
    patient.hears(patient.story.more)
    doctor.catches_up()
    doctor.hears(patient.story.more)


def test_a_doctors_words_survive_a_lost_line(new_stage: NewStage) -> None:
    """The note says that it is not saved, and saves itself when the line is back; a message stays in its box."""
    stage = new_stage("en")
    patient, doctor = stage.patient(), stage.doctor()
    patient.has_joined()
    doctor.goes_on_duty("respiratory")
    doctor.takes_next(patient.name)
    doctor.phone.set_offline(True)
    doctor.types(assessment=doctor.story.soap[2], text=doctor.story.question)
    doctor.reads("Not saved, will try again")
    doctor.presses("Send")
    doctor.reads("Not sent. Your text is still here.")
    doctor.finds_typed(text=doctor.story.question)
    doctor.phone.set_offline(False)
    expect(doctor.page.locator("#saved")).to_contain_text("Saved")
    doctor.hears(doctor.story.question)
    doctor.opens_visit(patient.name)
    doctor.finds_typed(assessment=doctor.story.soap[2])
    doctor.hears(doctor.story.question)


def test_a_doctor_who_lost_the_patient_meanwhile_is_offered_what_was_written(new_stage: NewStage) -> None:
    """Eleven minutes without a line: another doctor has the patient, and the words lie in this tab alone."""
    stage = new_stage("en")
    patient, doctor, next_doctor = stage.patient(), stage.doctor("ada"), stage.doctor("bo")
    patient.has_joined()
    doctor.goes_on_duty("respiratory")
    doctor.takes_next(patient.name)
    doctor.phone.set_offline(True)
    doctor.types(assessment="Typed while the line was away", text="And a message")
    doctor.reads("Not saved, will try again")
    stage.clinic.clock.passes(minutes=11)
    patient.opens_ticket()
    next_doctor.goes_on_duty("respiratory")
    next_doctor.takes_next(patient.name)
    doctor.phone.set_offline(False)
    doctor.page.reload()
    for words in ("Another doctor has this patient now", "What you wrote is still here"):
        doctor.reads(words)
    expect(doctor.page.locator("#left .kept")).to_have_text(["Typed while the line was away", "And a message"])
    doctor.presses("Delete it")
    doctor.page.reload()
    doctor.reads("Another doctor has this patient now")
    expect(doctor.page.locator("#left")).to_be_hidden()


def test_a_note_typed_just_before_finishing_is_not_lost(new_stage: NewStage) -> None:
    """Nobody waits a second and a half for the note to be saved before going on."""
    stage = new_stage("en")
    patient, doctor = stage.patient(), stage.doctor()
    patient.has_joined()
    doctor.goes_on_duty("respiratory")
    doctor.takes_next(patient.name)
    for plan in ("Rest", "Rest and drink", "Rest, drink, sleep"):
        doctor.types(assessment=f"Cold. {plan}", plan=plan)
        doctor.goes_to_finish()
        doctor.finds_typed(assessment=f"Cold. {plan}", plan=plan)
        doctor.opens_visit(patient.name)
        doctor.finds_typed(assessment=f"Cold. {plan}", plan=plan)


def test_double_taps_have_one_effect(new_stage: NewStage) -> None:
    """One ticket, one message, one patient taken, one signature, one parcel: however often the button is tapped."""
    stage = new_stage("en")
    patient, other, doctor = stage.patient(), stage.patient("Bob Moss"), stage.doctor()
    other.answers_everything()
    other.ticks("consent", "yes")
    other.button("Get my ticket").dblclick()
    other.has_ticket()
    other.place_is(1)
    patient.has_joined()
    patient.place_is(2)
    assert _waiting(patient.phone) == 2
    patient.types(text=patient.story.more)
    patient.button("Send").dblclick()
    patient.opens_ticket()
    patient.hears(patient.story.more)
    doctor.goes_on_duty("respiratory", capacity="3")
    doctor.button("Take next").dblclick()
    doctor.heading_words(other.name)
    assert _waiting(patient.phone) == 1
    doctor.takes_on(patient.name)
    doctor.writes_note()
    doctor.goes_to_finish()
    _signs_twice(doctor)
    pharmacist = stage.pharmacist()
    pharmacist.opens_prescription(patient.code)
    pharmacist.button("Approve").dblclick()
    pharmacist.heading("Prescriptions to check")
    _orders_twice(patient)


def _signs_twice(doctor: Doctor) -> None:
    doctor.ticks("outcome", "prescription")
    doctor.prescribes()
    doctor.ticks("stated", "spoke")
    doctor.presses("Medicine")
    doctor.button("Sign and finish").dblclick()
    doctor.reads("Waiting for the pharmacist")


def _orders_twice(patient: Patient) -> None:
    patient.opens_ticket()
    patient.follows("Choose how you get it")
    patient.ticks("way", "pick_up")
    patient.button("Order it").dblclick()
    patient.reads("Your collection")
    expect(patient.page.locator(".way li.at")).to_have_count(1)
    expect(patient.page.locator(".code")).to_have_count(1)


def _waiting(phone: Phone, department: str = "respiratory") -> int:
    """How many wait, as the public board says."""
    board = phone.context.request.get(f"{phone.address}/board/{department}").json()
    return int(board["waiting"])


def test_back_and_reload_lose_and_double_nothing(new_stage: NewStage) -> None:
    patient = new_stage("en").patient()
    patient.answers_everything()
    patient.heading("Check your answers")
    patient.page.go_back()
    patient.heading("Which number can we call?")
    assert patient.page.locator("#phone").input_value().replace(" ", "") == patient.story.phone.replace(" ", "")
    patient.page.go_back()
    patient.heading("How long has it been like this?")
    assert patient.box("how_long", "days").is_checked()
    patient.ticks("how_long", "week")
    patient.presses("Continue")
    patient.heading("Check your answers")
    patient.reads("About a week")
    patient.page.reload()
    patient.checks_and_agrees()
    patient.has_ticket()
    patient.page.reload()
    patient.place_is(1)
    ticket = patient.visit
    patient.page.go_back()
    patient.reads_no("We cannot find your earlier answers on this phone. Please start again.")
    patient.goes_to("")
    patient.follows("Open your ticket %(code)s", code=patient.code)
    patient.has_ticket()
    assert patient.visit == ticket
    assert _waiting(patient.phone) == 1


def test_a_refused_form_may_be_reloaded(new_stage: NewStage) -> None:
    """The browser sends it again, and nothing happens but the same refusal."""
    patient = new_stage("en").patient()
    patient.answers_everything()
    patient.presses("Get my ticket")
    patient.is_told("We can only help you if you agree.")
    patient.page.reload()
    patient.is_told("We can only help you if you agree.")
    patient.checks_and_agrees()
    patient.has_ticket()
    patient.place_is(1)


def test_every_form_sent_again_has_no_second_effect(new_stage: NewStage) -> None:
    """What the browser posted on the way to the ticket and to the doctor is posted again, byte for byte."""
    stage = new_stage("en", script=False)
    patient, doctor = stage.patient(), stage.doctor()
    posted: list[Request] = []
    for person in (patient, doctor):
        person.phone.context.on("request", lambda one: posted.append(one) if one.method == "POST" else None)
    patient.joins()
    patient.says(patient.story.more)
    patient.hears(patient.story.more)
    doctor.sees_list()
    doctor.goes_on_duty("respiratory", capacity="3")
    doctor.takes_next(patient.name)
    doctor.says(doctor.story.question)
    assert len(posted) >= 9
    for request in posted:
        _send_again(request)
    assert _waiting(patient.phone) == 0
    patient.opens_ticket()
    patient.heading("You and your doctor")
    patient.hears(patient.story.more, doctor.story.question)
    doctor.opens_visit(patient.name)
    doctor.hears(patient.story.more, doctor.story.question)


def _send_again(request: Request) -> None:
    """The same bytes with the same cookies; any answer but a failure of ours will do."""
    headers = {name: value for name, value in request.all_headers().items() if not name.startswith(":")}
    headers = {name: value for name, value in headers.items() if name not in ("content-length", "host")}
    again = urllib.request.Request(request.url, data=request.post_data_buffer, headers=headers, method="POST")
    try:
        status = urllib.request.urlopen(again, timeout=10).status
    except urllib.error.HTTPError as refused:
        status = refused.code
    assert status < 500
