"""Scenes of those who work here, away from the straight way: mistakes, warnings, second thoughts, closing time."""

from playwright.sync_api import expect

from tests.browser.people import A6, Patient
from tests.browser.scenes_number import BORN, code
from tests.browser.staff import Doctor
from tests.browser.stage import Stage

CLOSES_IN = {"hours": 12}  # from Monday morning to after ten at night


def signing_in(stage: Stage) -> None:
    """A wrong secret, somebody else's page, being brought back to where one wanted to go, and signing out."""
    doctor = Doctor(stage.phone(), stage.look, id="bo")
    doctor.goes_to("/staff")
    doctor.types(id="bo", secret="not-the-secret")
    doctor.presses("Go on")
    doctor.is_told("This name and password do not belong together.")
    doctor.finds_typed(id="bo", secret="")
    doctor.look("sign-in-wrong")
    doctor.signs_in_by_hand()
    doctor.goes_to("/desk")
    doctor.heading("You cannot open this page")
    doctor.look("not-allowed")
    doctor.goes_to("/staff")
    doctor.reads("You are signed in as %(name)s.", name=doctor.name)
    doctor.look("signed-in")
    doctor.presses("Sign out")
    doctor.heading("Staff sign in")
    doctor.goes_to("/doctor")
    doctor.heading("Staff sign in")


def on_duty(stage: Stage) -> None:
    """On duty nowhere is refused; then full; pausing; and the way out, asked about first with a patient in hand."""
    patient, doctor = stage.patient(), stage.doctor()
    patient.has_joined()
    doctor.presses("Go on duty")
    doctor.is_told("Choose at least one department.")
    doctor.look("work-wrong")
    doctor.goes_on_duty("respiratory")
    doctor.takes_next(patient.name)
    doctor.sees_list()
    doctor.reads("New", "You have %(n)s of %(n)s conversations.", n=1)
    doctor.look("work-full")
    doctor.presses("Pause")
    doctor.reads("Not on duty")
    doctor.reads_words(patient.name)
    doctor.look("work-paused")
    doctor.presses("Sign out")
    doctor.reads("Give them back and sign out")
    doctor.look("work-leaving")
    doctor.presses("Give them back and sign out")
    doctor.heading("Staff sign in")
    patient.opens_ticket()
    patient.reads("You are at the front: the next doctor takes you first and can read everything you wrote.")


def handed_back(stage: Stage) -> None:
    """Back to the front of the queue with a reason; the next doctor reads it, and the first can only read."""
    patient, first, second = stage.patient(), stage.doctor("ada"), stage.doctor("bo")
    patient.has_joined()
    first.goes_on_duty("respiratory")
    first.takes_next(patient.name)
    first.says(first.story.question)
    first.writes_note()
    first.hands_back("")
    first.is_told("Say in a few words why, for the next doctor.")
    first.look("visit-wrong")
    first.hands_back(first.story.advice)
    first.reads("Handed back. This patient is next in the queue, and the next doctor reads your reason.")
    first.look("work-handed-back")
    patient.opens_ticket()
    patient.reads("Your doctor had to stop.")
    patient.look("ticket-handed-back")
    second.goes_on_duty("respiratory")
    second.takes_next(patient.name)
    second.reads("Handed back by the doctor before you")
    second.reads_words(first.story.advice)
    second.finds_typed(subjective="", plan="")  # those words stand under the first doctor's name
    second.opens("Note of the doctor before you")
    second.reads_words(first.story.soap[0], first.story.soap[3])
    second.look("visit-handed-back")
    first.goes_to(f"/doctor/visits/{patient.visit}")
    first.reads("Another doctor has this patient now. You can read, but not write.")
    first.look("visit-read-only")
    second.writes_note()
    second.goes_to_finish()
    second.presses("Sign and finish")
    second.is_told("Choose how the visit ends.", "Write a summary for the patient in plain words.")
    second.look("finish-wrong")


def warned(stage: Stage) -> None:
    """A medicine the patient is allergic to is stopped until the doctor has seen the warning."""
    patient, doctor = stage.patient(), stage.doctor()
    patient.has_joined()
    doctor.goes_on_duty("respiratory")
    doctor.takes_next(patient.name)
    doctor.writes_note()
    doctor.goes_to_finish()
    doctor.ticks("outcome", "prescription")
    doctor.prescribes("amoxicillin-500")
    doctor.ticks("stated", "spoke")
    doctor.presses("Medicine")
    doctor.signs_wrongly()
    doctor.is_told("Look at the warnings, then confirm that you want to prescribe this.")
    doctor.reads("Look again")
    doctor.look("finish-warned")
    doctor.page.locator("#confirmed").check()
    doctor.signs()
    doctor.reads("Waiting for the pharmacist")
    _returned_and_changed(stage, patient, doctor)


def _returned_and_changed(stage: Stage, patient: Patient, doctor: Doctor) -> None:
    """The pharmacist has a second thought; the doctor changes it, takes it back, and corrects the note."""
    pharmacist = stage.pharmacist()
    pharmacist.look("reviews-warned")
    pharmacist.opens_prescription(patient.code)
    pharmacist.look("review-warned")
    pharmacist.opens("Return it to the doctor")
    pharmacist.presses("Return")
    pharmacist.is_told("Say why, so that the other person knows what to do.")
    pharmacist.look("review-wrong")
    pharmacist.returns(patient.story.allergies)
    patient.opens_ticket()
    patient.reads("The doctor is looking at it again")
    patient.look("after-returned")
    doctor.sees_list()
    doctor.reads("Prescriptions that came back")
    doctor.look("work-returned")
    doctor.page.locator("a.row", has_text=patient.story.allergies).click()
    doctor.heading("Change the prescription")
    doctor.look("revise")
    doctor.types(dose_1="")
    doctor.presses("Sign the change")
    doctor.is_told("Enter the dose.", "Look at the warnings, then confirm that you want to prescribe this.")
    doctor.look("revise-wrong")
    doctor.prescribes("paracetamol-500")
    doctor.presses("Sign the change")
    doctor.reads("Waiting for the pharmacist")
    _corrected(patient, doctor)


def _corrected(patient: Patient, doctor: Doctor) -> None:
    doctor.opens("Correct the note")
    doctor.types(assessment="")
    doctor.presses("Sign the correction")
    doctor.is_told("Write your assessment before you sign.")
    doctor.look("amend-wrong")
    doctor.types(assessment=doctor.story.soap[2] * 2)
    doctor.presses("Sign the correction")
    doctor.reads("Version %(n)s", n=1)
    doctor.opens("Cancel the prescription")
    doctor.types(reason=doctor.story.advice)
    doctor.presses("Cancel the prescription")
    doctor.reads("Cancelled")
    doctor.look("visit-corrected")
    patient.opens_ticket()
    patient.reads("Cancelled")
    patient.look("after-revoked")


def outcomes(stage: Stage) -> None:
    """Every other way a visit can end, as the patient reads it; the doctor meets the same patient again."""
    doctor = stage.doctor()
    doctor.goes_on_duty("respiratory", capacity="3")
    patient = stage.patient()
    patient.has_proven(BORN["self"], code)
    for outcome, says in (
        ("rest_and_observe", "Rest, and watch how it goes"),
        ("specialist", "See a specialist"),
        ("in_person", "Somebody must see you in person"),
        ("emergency", "Go to the emergency department now"),
    ):
        patient.has_joined()
        doctor.sees_list()
        doctor.takes_next(patient.name)
        doctor.writes_note()
        if outcome == "emergency":
            doctor.reads("Earlier visits")
            doctor.look("visit-with-history")
        doctor.goes_to_finish()
        doctor.finishes(outcome)
        if outcome == "emergency":
            doctor.look("visit-ended")
        patient.opens_ticket()
        patient.heading(says)
        patient.look(f"after-{outcome}")


def desk(stage: Stage) -> None:
    """Somebody without a phone: danger signs first, mistakes, the ticket on paper, and out of the queue again."""
    clerk, patient = stage.desk(), stage.patient()
    clerk.look("desk-nobody")
    clerk.follows("Add a person")
    clerk.heading("Add a person")
    clerk.look("desk-add")
    clerk.ticks("flags", "breathing")
    clerk.types(name=clerk.story.name)
    clerk.presses("Draw the ticket")
    clerk.reads("Emergency: no ticket")
    clerk.finds_typed(name=clerk.story.name)
    clerk.look("desk-emergency")
    clerk.sees_queue()
    clerk.reads("Nobody is waiting here. A good moment for a cup of tea.")
    clerk.adds(clerk.story.guardian)
    clerk.types(age="")
    clerk.presses("Draw the ticket")
    clerk.is_told("Enter the age in years, from 0 to %(max)s.", max=120)
    clerk.finds_typed(name=clerk.story.guardian, why=clerk.story.why)
    clerk.look("desk-add-wrong")
    clerk.types(age="71")
    clerk.draws_ticket()
    clerk.look("desk-ticket")
    clerk.prints_one_sheet(".slip", A6)
    _paper_ticket_opens(clerk.page.locator(".slip").inner_text(), patient)
    patient_2 = stage.patient()
    patient_2.has_joined()
    clerk.sees_queue()
    clerk.reads_words(clerk.story.guardian, patient_2.name)
    clerk.look("desk-queue")
    _taken_out(stage, patient_2)


def _paper_ticket_opens(slip: str, patient: Patient) -> None:
    """The link on the paper opens the same visit on a phone."""
    link = next(word for word in slip.split() if "/back?code=" in word)
    patient.page.goto(link if "://" in link else f"http://{link}")
    patient.presses("Open my visit")
    patient.has_ticket()
    patient.place_is(1)


def _taken_out(stage: Stage, patient: Patient) -> None:
    clerk = stage.desk()
    clerk.sees_queue()
    clerk.opens_row(patient.code)
    clerk.presses("Take out of the queue")
    clerk.is_told("Say in a few words why.")
    clerk.look("desk-queue-wrong")
    clerk.page.locator("#why").fill(clerk.story.advice)
    clerk.presses("Take out of the queue")
    clerk.reads("%(code)s is no longer in the queue. The patient’s page says so.", code=patient.code)
    clerk.look("desk-queue-ended")
    patient.opens_ticket()
    patient.heading("The clinic has ended this ticket")
    patient.look("ended-by-clinic")


def closing_time(stage: Stage) -> None:
    """Somebody still waits when the department closes; they are told, and when it opens again."""
    patient, late, clerk = stage.patient(), stage.patient("N. N."), stage.desk()
    patient.has_joined("general")
    stage.clinic.clock.passes(**CLOSES_IN)
    patient.goes_to("")
    patient.reads("closed, opens at %(time)s", time="08:00")
    patient.look("home-closed")
    patient.opens_ticket()
    patient.reads("No doctor is on duty now.")
    patient.look("ticket-closed")
    late.has_joined("general")
    clerk.signs_in()
    clerk.sees_queue("general")
    clerk.look("desk-closed")
    clerk.opens_row(patient.code)
    clerk.presses("Close: the clinic is closed")
    clerk.reads("%(code)s is no longer in the queue. The patient’s page says so.", code=patient.code)
    patient.opens_ticket()
    patient.heading("We have closed for today")
    patient.look("closed")


def vanished(stage: Stage) -> None:
    """A doctor who gives no sign of life loses the patient, who is at the front again; what was written is kept."""
    patient, doctor, next_doctor = stage.patient(), stage.doctor("ada"), stage.doctor("bo")
    patient.has_joined()
    doctor.goes_on_duty("respiratory")
    doctor.takes_next(patient.name)
    stage.clinic.clock.passes(minutes=11)
    patient.opens_ticket()
    patient.reads("Your doctor had to stop.")
    next_doctor.goes_on_duty("respiratory")
    next_doctor.takes_next(patient.name)
    doctor.types(text=doctor.story.question)
    doctor.presses("Send")
    doctor.reads("Another doctor has this patient now, so this can no longer be saved here.")
    expect(doctor.page.get_by_text(doctor.story.question).or_(doctor.page.locator("#text"))).not_to_have_count(0)
    doctor.look("visit-lost")


def staffing(stage: Stage) -> None:
    """Somebody new, with a mistake first; found by name; a lost phone; out at the next click, and back again."""
    doctor, max = stage.doctor("bo"), stage.administrator()
    max.look("people")
    max.follows("Add somebody")
    max.heading("Add somebody")
    max.look("people-add")
    max.types(id="li-wei", name=max.story.name)
    max.ticks("role", "doctor")
    max.ticks("departments", "respiratory")
    max.presses("Add")
    max.is_told("A doctor needs a title that patients see, like Attending physician.")
    max.finds_typed(id="li-wei", name=max.story.name)
    max.look("people-add-wrong")
    max.types(title="Attending physician 主治医师", licence="110", licence_until="2099-12-31")
    max.presses("Add")
    max.heading("The first sign-in")
    max.follows("Done")
    max.heading_words(max.story.name)
    max.look("people-member")
    max.goes_to("/people?find=nobody")
    max.reads("Nobody here has a name like that.")
    max.look("people-nobody")
    max.opens_member(doctor.name)
    max.opens("%(name)s no longer works here", name=doctor.name)
    max.presses("Deactivate %(name)s", name=doctor.name)
    max.reads("Deactivated")
    max.look("people-gone")
    doctor.goes_to("/doctor")
    doctor.heading("Staff sign in")
    max.presses("Let %(name)s work here again", name=doctor.name)
    max.opens("A phone was lost")
    max.presses("Sign out everywhere")
    max.heading_words(doctor.name)
