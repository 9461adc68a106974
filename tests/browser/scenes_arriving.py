"""Scenes of the way in: danger signs, wrong answers, a child, the waiting room, another phone, and pages that refuse.

A scene is played on a stage, with or without scripts in the patients' browsers, and asserts on what people see.
"""

from datetime import timedelta

from playwright.sync_api import expect

from chalicelib.clinic import CLINIC
from chalicelib.doors.finding import NOT_OPENED, STILL_OPEN
from chalicelib.rooms.permission import SYSTEM, Entry
from chalicelib.rooms.promise import Accuracy
from chalicelib.store import records
from tests.browser.people import Patient
from tests.browser.stage import Stage

NUMBER = CLINIC.emergency_number


def danger_sign(stage: Stage) -> None:
    """A red flag opens the emergency page and never a ticket; ticked by mistake, it can be taken back."""
    patient = stage.patient()
    patient.goes_to("/ask/flags")
    patient.ticks("flags", "chest_pain", "none")
    patient.presses("Continue")
    patient.heading("Call %(number)s now", number=NUMBER)
    patient.reads("What you told us can be dangerous. Do not wait for a ticket.")
    patient.look("emergency")
    for way_round in ("who", "what", "check"):
        patient.goes_to(f"/ask/{way_round}")
        patient.heading("Call %(number)s now", number=NUMBER)
    patient.goes_to("/find")
    patient.reads("There is no ticket on this phone.")
    patient.look("find-nothing")
    patient.goes_to("/emergency")
    patient.follows("I ticked something by mistake")
    patient.box("flags", "chest_pain").uncheck()
    patient.ticks("flags", "none")
    patient.presses("Continue")
    patient.heading("Who needs the doctor?")


def wrong_answers(stage: Stage) -> None:
    """A mistake on every page: what is wrong is said on top and at the field, and nothing typed is lost."""
    patient = stage.patient()
    patient.goes_to("/ask/flags")
    patient.presses("Continue")
    patient.is_told('Choose what you have, or "None of these".')
    patient.look("flags-wrong")
    patient.has_no_danger_sign()
    _wrong_who(patient)
    _wrong_what(patient)
    patient.ticks("getting", "worse")
    patient.presses("Continue")
    patient.is_told("Choose how long it has been.")
    assert patient.box("getting", "worse").is_checked()
    patient.look("how-long-wrong")
    patient.says_how_long()
    patient.types(phone="12 ab")
    patient.presses("Continue")
    patient.is_told("Enter a phone number, like 138 0000 1234.")
    patient.finds_typed(phone="12 ab")
    patient.look("contact-wrong")
    patient.gives_phone()
    patient.presses("Get my ticket")
    patient.is_told("We can only help you if you agree.")
    patient.reads_words(patient.story.why)
    patient.look("check-wrong")
    patient.checks_and_agrees()
    patient.has_ticket()
    _wrong_message(patient)


def _wrong_who(patient: Patient) -> None:
    patient.types(name=patient.name, age="12a")
    patient.presses("Continue")
    patient.is_told("Choose who needs the doctor.", "Enter a whole number.")
    patient.finds_typed(name=patient.name, age="12a")
    patient.look("who-wrong")
    patient.says_who()


def _wrong_what(patient: Patient) -> None:
    patient.types(allergies=patient.story.allergies)
    patient.ticks("follow_up", "yes")
    patient.presses("Continue")
    patient.is_told("Say in a few words what is wrong.", "Choose a department.")
    patient.finds_typed(allergies=patient.story.allergies)
    assert patient.box("follow_up", "yes").is_checked()
    patient.look("what-wrong")
    patient.box("follow_up", "yes").uncheck()
    patient.says_what()


def _wrong_message(patient: Patient) -> None:
    """Said at the box at once where there are scripts, else on the page that comes back."""
    patient.presses("Send")
    patient.reads("Write something first.")
    patient.look("ticket-wrong")


def child(stage: Stage) -> None:
    """A child comes with a parent who is named; a child cannot ask alone."""
    patient = stage.patient()
    patient.goes_to("/ask/flags")
    patient.has_no_danger_sign()
    patient.ticks("for_whom", "me")
    patient.types(name=patient.name, age="9")
    patient.presses("Continue")
    patient.is_told("A parent or guardian must ask for a child: choose “My child”.")
    patient.ticks("for_whom", "child")
    patient.presses("Continue")
    patient.is_told("Enter the name of the parent or guardian who is with the child.")
    patient.finds_typed(name=patient.name, age="9")
    patient.look("who-child-wrong")
    patient.types(guardian=patient.story.guardian)
    patient.presses("Continue")
    patient.says_what("children")
    patient.says_how_long()
    patient.gives_phone()
    patient.reads("The parent or guardian stays with the child during the visit.")
    patient.reads_words(patient.story.guardian)
    patient.look("check-child")
    patient.checks_and_agrees()
    patient.has_ticket()


def waiting_room(stage: Stage) -> None:
    """Nobody on duty, more time, the second ticket that is the first, and leaving."""
    first, second, third = stage.patient(), stage.patient("B. B."), stage.patient("C. C.")
    for place, patient in enumerate((first, second, third), start=1):
        patient.has_joined()
        patient.place_is(place)
    first.reads("No doctor is on duty at the moment.")
    first.look("ticket-nobody-on-duty")
    first.presses("I need more time")
    first.reads("You are letting a few people go first. Then you are at the front again.")
    first.look("ticket-stepped-back")
    _same_ticket(second)
    third.follows("Leave the queue")
    third.heading("Leave the queue?")
    third.look("leave")
    third.follows("No, keep my place")
    third.place_is(2)
    third.follows("Leave the queue")
    third.presses("Yes, leave the queue")
    third.heading("You have left the queue")
    third.look("left")
    third.goes_to(f"/visits/{third.visit}/leave")
    third.heading("You have left the queue")


def _same_ticket(patient: Patient) -> None:
    """Who asks again for the same person in the same department is shown the ticket they have."""
    ticket = patient.visit
    patient.starts()
    patient.has_no_danger_sign()
    patient.says_who()
    patient.says_what()
    patient.says_how_long()
    patient.gives_phone()
    patient.checks_and_agrees()
    patient.reads("You already have a ticket here. This is it: your place is kept.")
    patient.look("ticket-already")
    patient.has_ticket()
    assert patient.visit == ticket
    patient.place_is(1)


def other_phone(stage: Stage) -> None:
    """The return link opens the visit on another phone, and only there; a wrong one opens nothing."""
    patient, friend, stranger = stage.patient(), stage.patient(), stage.patient()
    patient.has_joined()
    patient.goes_to("")
    patient.reads("Open your ticket %(code)s", code=patient.code)
    patient.look("home-with-ticket")
    patient.opens_ticket()
    patient.follows("Open this ticket on another phone")
    patient.heading("Find my ticket")
    patient.opens("Open this ticket on another phone")
    patient.look("find")
    link = patient.page.locator("input[readonly]").input_value()
    friend.page.goto(link)
    friend.heading("Open your visit on this phone")
    friend.look("back")
    friend.presses("Open my visit")
    friend.has_ticket()
    friend.place_is(1)
    assert "code=" not in friend.page.url
    stranger.goes_to("/back")
    stranger.types(code=link[:-3] + "xyz")
    stranger.presses("Open my visit")
    stranger.is_told(NOT_OPENED, phone=CLINIC.phone)
    stranger.look("back-wrong")
    stranger.goes_to(f"/visits/{patient.visit}")
    stranger.heading("We cannot find that page")
    stranger.reads_no("Your place")
    stranger.look("not-found")
    patient.goes_to("/find")
    patient.presses("Forget me on this phone")
    patient.is_told(STILL_OPEN)
    patient.look("forget-sure")
    patient.ticks("sure", "yes")
    patient.presses("Forget me on this phone")
    patient.reads("There is no ticket on this phone.")
    friend.goes_to(f"/visits/{patient.visit}")
    friend.place_is(1)


def run_out(stage: Stage) -> None:
    """Long after the end the ticket alone opens nothing, and the page says what does."""
    patient = stage.patient()
    patient.has_joined()
    patient.follows("Leave the queue")
    patient.presses("Yes, leave the queue")
    patient.heading("You have left the queue")
    stage.clinic.clock.passes(days=91)
    patient.opens_ticket()
    patient.heading("This ticket has run out")
    patient.look("run-out")
    patient.presses("Open my visit")
    patient.look("run-out-still")
    patient.follows("Confirm your phone number")
    patient.heading("Confirm your phone number")


def lost_answers(stage: Stage) -> None:
    """A browser without its cookie is told so, and what was typed is kept; answers can be deleted."""
    patient = stage.patient()
    patient.answers_everything()
    patient.goes_to("/ask/what")
    patient.phone.context.clear_cookies()
    patient.presses("Continue")
    patient.reads("We cannot find your earlier answers on this phone. Please start again.")
    patient.reads_words(patient.story.why)
    patient.look("answers-lost")
    patient.goes_to("/ask/check")
    patient.heading("Does the patient have any of these now?")
    patient.look("flags-lost")


def without_a_line(stage: Stage) -> None:
    """The kept ticket, and what any other page says when there is no line."""
    patient = stage.patient()
    patient.has_joined()
    patient.keeps_ticket()
    patient.phone.set_offline(True)
    patient.page.reload()
    patient.reads("You are offline. Keep this ticket: that does not cost you your place.")
    patient.place_is(1)
    patient.look("ticket-offline")
    patient.goes_to("/find")
    patient.heading("You are offline")
    patient.look("offline")


# So many people by how long they waited, as buckets of promise.RATIOS: an ordinary day, a rush, a day gone wrong.
ORDINARY, RUSH, BAD = (
    (0, 2, 5, 6, 5, 4, 3, 2, 1, 0, 0),
    (1, 3, 9, 22, 31, 24, 12, 9, 3, 1, 0),
    (0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 4),
)
KEPT_DAYS = (("respiratory", 0, RUSH), ("respiratory", 1, ORDINARY), ("respiratory", 2, BAD), ("respiratory", 20, RUSH))
KEPT_DAYS += (("children", 12, BAD), ("general", 0, ORDINARY), ("general", 3, ORDINARY))


def how_good_the_times_are(stage: Stage) -> None:
    """Anybody may read how the promised times were kept; first nobody has been called, later there is a month."""
    reader = stage.patient()
    reader.goes_to("")
    reader.follows("How well do we keep our waiting times?")
    reader.heading("How good our waiting times are")
    reader.reads("Nobody who was told a time with the ticket has been called yet.")
    reader.look("waits-nobody")
    for n, (department, ago, ratios) in enumerate(KEPT_DAYS):
        day = f"{stage.clinic.clock() - timedelta(days=ago):%Y-%m-%d}"
        kept = Accuracy(department=department, day=day, counted=sum(ratios), in_range=sum(ratios[:8]), ratios=ratios)
        line = Entry(
            about=f"L#{department}#0",
            request=f"kept:{n}",
            actor=SYSTEM,
            deed="sweep",
            at=stage.clinic.clock(),
            policy="",
        )
        records.save(kept, audit=line)
    reader.goes_to("/waits?again")  # browsers keep the page for a minute
    reader.reads("Nobody was called.", "The last %(days)s days", days=30)
    reader.look("waits")
    reader.opens("Day by day")
    expect(reader.page.locator("table").first.locator("tbody tr")).to_have_count(4)
    reader.look("waits-days")
