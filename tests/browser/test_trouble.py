"""A clinic that cannot answer for a while: no page leads to one that has no script, and asks no more."""

from playwright.sync_api import expect

from chalicelib.doors import render
from tests.browser.conftest import NewStage
from tests.browser.people import Patient
from tests.browser.stage import Stage
from tests.browser.test_waiting_room import Watch

SAYS = "We cannot reach the clinic just now. You lose nothing by it: this page tries again by itself."


def in_trouble(stage: Stage, patient: Patient, status: int, page: str = "Busy") -> None:
    """From now on every page of a visit is refused; with 0 it is as before."""
    patient.phone.trouble = status or patient.phone.trouble
    stage.clinic.trouble.status, stage.clinic.trouble.page = status, page


def test_whoever_is_called_while_the_clinic_cannot_answer_hears_of_it_when_it_can(new_stage: NewStage) -> None:
    """The ticket stays, says so, and asks less and less often."""
    stage = new_stage("en")
    patient, doctor = stage.patient(), stage.doctor()
    doctor.goes_on_duty("respiratory")
    watch = Watch(patient)
    patient.has_joined()
    doctor.takes_next(patient.name)
    in_trouble(stage, patient, 503)
    watch.looks_after(5)
    for seconds in (10, 20, 40):
        patient.reads(SAYS)
        patient.place_is(1)
        watch.looks_after(seconds)
    in_trouble(stage, patient, 0)
    patient.page.clock.run_for(82_000)
    patient.heading("It is your turn")


def test_a_conversation_stays_on_its_page_while_the_next_one_cannot_be_shown(new_stage: NewStage) -> None:
    stage = new_stage("en")
    patient, doctor = stage.patient(), stage.doctor()
    patient.has_joined()
    doctor.goes_on_duty("respiratory")
    doctor.takes_next(patient.name)
    patient.opens_ticket()
    patient.heading("It is your turn")
    patient.phone.trouble = 503
    patient.phone.context.route(f"**/visits/{patient.visit}", lambda route: route.fulfill(status=503, body="Busy"))
    doctor.says("Good day.")
    patient.catches_up()
    patient.reads_words("Good day.")
    patient.catches_up()
    expect(patient.page.locator("html")).to_have_class("is-offline")
    patient.heading("It is your turn")
    patient.phone.context.unroute(f"**/visits/{patient.visit}")
    patient.catches_up()
    patient.heading("You and your doctor")


def test_a_ticket_that_is_kept_stands_in_for_a_clinic_in_trouble(new_stage: NewStage) -> None:
    """Also for who loads the page by hand; and it goes on by itself."""
    stage = new_stage("en")
    patient = stage.patient()
    patient.has_joined()
    patient.keeps_ticket()
    in_trouble(stage, patient, 429)
    patient.page.reload()
    patient.place_is(1)
    patient.reads(SAYS)
    patient.reads_no("Leave the queue")
    in_trouble(stage, patient, 0)
    patient.reads("Leave the queue")
    assert patient.keeps_ticket()


def test_a_page_that_says_sorry_opens_the_visit_once_it_can(new_stage: NewStage) -> None:
    """Where no ticket is kept: it asks again by itself."""
    stage = new_stage("en")
    patient = stage.patient()
    patient.has_joined()
    here = f"visits/{patient.visit}"
    frame = render.Frame(
        language="en", base="", here=here, secure=False, machine=False, now=stage.clinic.clock(), problems=()
    )
    extras = {"status": 503, "typed": {}, "written": (), "request": "", "posted": False, "code": ""}
    sorry = render.respond(render.Page(template="sorry.html", extras=extras, status=503), frame)
    patient.page.evaluate("navigator.serviceWorker.ready.then(one => one.unregister())")
    in_trouble(stage, patient, 503, str(sorry.body))
    patient.opens_ticket()
    patient.heading("The clinic is very busy")
    patient.reads("This page tries again by itself.")
    in_trouble(stage, patient, 0)
    patient.has_ticket()
