"""The whole visit: patient, doctor, pharmacist and courier, each with a phone of their own, from the first page on."""

import re

from playwright.sync_api import expect

from tests.browser.people import A5, WRONG_CODE, Patient
from tests.browser.staff import Courier, Doctor, Pharmacist
from tests.browser.stage import Stage

LONGEST_PAUSE_MS = 60_000  # between two looks at the board of somebody who is next


def whole_visit(stage: Stage) -> None:
    """From the emergency card on the first page to the parcel in the patient's hands."""
    patient, doctor = stage.patient(), stage.doctor()
    doctor.look("work-off-duty")
    doctor.goes_on_duty("respiratory", "children")
    doctor.presses("Take next")
    doctor.reads("Nobody is waiting in your departments. Take a breath; the next patient will be here soon enough.")
    doctor.look("work-nobody")
    arrives(patient)
    is_called(patient, doctor)
    talk(patient, doctor)
    finish(patient, doctor)
    pharmacist = stage.pharmacist()
    reviewed(patient, pharmacist)
    asks_whether_it_is_real(patient)
    orders(patient)
    courier = stage.courier()
    packed(patient, pharmacist, courier)
    delivered(patient, pharmacist, courier)
    reads_prescription(patient)
    sees_who_opened(patient)
    reads_the_record(patient)
    complains(stage, patient)
    looks_back(doctor)
    has_it_erased(stage, patient)


def arrives(patient: Patient, place: int = 1) -> None:
    """The ticket shows a code, a place and a range of minutes."""
    patient.joins()
    patient.place_is(place)
    expect(patient.page.locator("#wait")).to_have_text(re.compile(r"\d"))
    patient.reads("If it gets worse", "Leave the queue")
    patient.look("ticket")
    patient.says(patient.story.more)
    patient.hears(patient.story.more)
    patient.look("ticket-with-message")


def is_called(patient: Patient, doctor: Doctor) -> None:
    """The doctor takes the next; the patient's page turns by itself, or by pressing Refresh without scripts."""
    doctor.sees_list()
    doctor.look("work-waiting")
    patient.opens_ticket()  # a page looks at the board five seconds after it was opened, then as often as it is worth
    doctor.takes_next(patient.name)
    doctor.reads("Allergies")
    doctor.reads_words(patient.story.allergies, patient.story.why)
    doctor.hears(patient.story.more)
    if not patient.phone.script:
        patient.follows("Refresh")
    expect(patient.page.locator("h1")).to_contain_text(patient.t("It is your turn"), timeout=LONGEST_PAUSE_MS)
    patient.look("your-turn")
    doctor.look("visit-new")


def talk(patient: Patient, doctor: Doctor) -> None:
    """Words in both directions, without a reload where there are scripts; the note is saved while it is typed."""
    doctor.says(doctor.story.question)
    patient.catches_up()
    patient.hears(doctor.story.question)
    patient.says(patient.story.answer)
    patient.hears(patient.story.answer)
    doctor.catches_up()
    doctor.hears(patient.story.answer)
    doctor.writes_note()
    patient.opens_ticket()
    patient.heading("You and your doctor")
    patient.look("conversation")
    doctor.look("visit")
    doctor.opens_visit(patient.name)
    doctor.finds_typed(subjective=doctor.story.soap[0], plan=doctor.story.soap[3])


def finish(patient: Patient, doctor: Doctor) -> None:
    """Signed with a prescription; the patient reads the summary in their own words."""
    doctor.goes_to_finish()
    doctor.finishes("prescription", "paracetamol-500")
    doctor.reads("Prescription", "Waiting for the pharmacist")
    doctor.look("visit-signed")
    patient.catches_up()
    patient.heading("You get medicine")
    patient.reads("What your doctor says", "A pharmacist is checking it")
    patient.opens("What the doctor has written, not checked yet")
    patient.reads_words(doctor.story.advice)
    patient.look("after-signed")


def reviewed(patient: Patient, pharmacist: Pharmacist) -> None:
    pharmacist.look("reviews")
    pharmacist.opens_prescription(patient.code)
    pharmacist.reads_words(patient.name, patient.story.allergies)
    pharmacist.look("review")
    pharmacist.approves()
    pharmacist.reads("Nothing to check. Every prescription has been looked at.")
    pharmacist.look("reviews-none")


def asks_whether_it_is_real(patient: Patient) -> None:
    """What a pharmacy reads that points a camera at the square; anything else is not known."""
    patient.opens_ticket()
    patient.follows("Prescription to show or print")
    patient.reads("Is it real?")
    patient.look("prescription-valid")
    patient.follows("See what a pharmacy sees")
    patient.heading("This prescription is real")
    patient.reads("Medicines on it")
    patient.reads_no(patient.name)
    patient.look("sheet-real")
    patient.goes_to("/check/of-nobody")
    patient.heading("We do not know this prescription")
    patient.look("sheet-unknown")


def orders(patient: Patient) -> None:
    """Only now is the patient asked for the address, and shown the code for the door."""
    patient.opens_ticket()
    patient.look("after-approved")
    patient.follows("Choose how you get it")
    patient.heading("How do you want to get your medicine?")
    patient.look("delivery")
    patient.ticks("way", "delivery")
    patient.presses("Order it")
    patient.is_told("Enter the address for the parcel.")
    patient.look("delivery-wrong")
    patient.types(address=patient.story.address)
    patient.presses("Order it")
    patient.reads("Your parcel", "The pharmacy has your order", "Show this code to the courier, and to nobody else:")
    patient.reads_words(patient.story.address)
    patient.look("parcel-ordered")


def packed(patient: Patient, pharmacist: Pharmacist, courier: Courier) -> None:
    """One packs, another checks: never the same person."""
    courier.look("courier-none")
    courier.goes_to(f"/parcels/{patient.visit}")
    courier.look("parcel-to-pack")
    courier.does("I have packed it", "You packed this parcel, so another person must check it.")
    courier.reads_words(patient.story.address)
    courier.look("parcel-packed")
    pharmacist.goes_to("/parcels")
    pharmacist.look("parcels")
    pharmacist.opens_parcel(patient.code)
    pharmacist.look("parcel-second-check")
    pharmacist.does("Checked: it is right", "Ready to go")
    pharmacist.look("parcel-ready")


def delivered(patient: Patient, pharmacist: Pharmacist, courier: Courier) -> None:
    """A wrong code is refused, the right one ends the way of the parcel."""
    courier.opens_parcel(patient.code)
    courier.does("I have taken it", "On the way")
    courier.reads_words(patient.name, patient.story.address)
    courier.look("parcel-on-the-way")
    patient.opens_ticket()
    patient.reads("The courier is on the way")
    patient.look("parcel")
    right = patient.page.locator(".code").inner_text().strip()
    courier.delivers(f"{(int(right) + 1) % 1_000_000:06}")
    courier.is_told(WRONG_CODE, left=4)
    courier.look("parcel-wrong-code")
    courier.delivers(right)
    courier.reads("Delivered")
    courier.reads_no("The patient’s code")
    courier.look("parcel-delivered")
    patient.follows("Refresh")
    patient.reads("You have your medicine")
    patient.look("after-delivered")


def reads_prescription(patient: Patient) -> None:
    patient.follows("Prescription to show or print")
    patient.heading("Prescription %(code)s", code=patient.code)
    patient.reads("Used: the medicine has left the pharmacy")
    patient.look("prescription")
    patient.prints_one_sheet("dl.facts", A5)
    patient.follows("See what a pharmacy sees")
    patient.heading("This prescription has been used")
    patient.look("sheet-used")


def sees_who_opened(patient: Patient) -> None:
    """Everybody who worked on it: the doctor, the pharmacist, the courier."""
    patient.opens_ticket()
    patient.follows("Who opened your record")
    patient.heading("Who opened your record")
    patient.reads("Called you", "Signed the note", "Checked the prescription", "Handed over the medicine")
    patient.look("who-opened")


def reads_the_record(patient: Patient) -> None:
    """All of it on one page, from what was told first to the parcel."""
    patient.opens_ticket()
    patient.follows("My record")
    patient.heading("My record")
    patient.reads("What you told us", "What you and the doctor wrote", "You have your medicine")
    patient.reads_words(patient.story.why, patient.story.more)
    patient.look("record")


def complains(stage: Stage, patient: Patient) -> None:
    """The patient says what went wrong; the privacy officer answers, and the patient reads it."""
    patient.opens_ticket()
    patient.follows("Complain about this visit")
    patient.heading("Complain about this visit")
    patient.presses("Send it")
    patient.is_told("Choose what it is about.", "Write what happened.")
    patient.look("complaint-wrong")
    patient.ticks("about", "care")
    patient.types(text=patient.story.more)
    patient.presses("Send it")
    patient.reads("We have it, and have not answered yet.")
    officer = stage.officer()
    officer.goes_to("/complaints")
    officer.reads_words(patient.story.more)
    officer.look("complaints")
    officer.page.locator('textarea[name="word"]').fill(patient.story.why)
    officer.presses("Close it")
    officer.reads("No complaint is open.")
    patient.opens_ticket()
    patient.follows("Complain about this visit")
    patient.reads("The clinic’s answer")
    patient.look("complaint-answered")


def has_it_erased(stage: Stage, patient: Patient) -> None:
    """What no duty keeps goes; the officer sees that it was asked for."""
    patient.opens_ticket()
    patient.follows("My record")
    patient.follows("Have it erased")
    patient.heading("Have it erased?")
    patient.look("erase")
    patient.presses("Yes, erase what can be erased")
    patient.heading("What became of your request")
    patient.look("erased")
    officer = stage.officer()
    officer.goes_to("/requests")
    officer.reads_words(patient.code)
    officer.look("requests")


def looks_back(doctor: Doctor) -> None:
    doctor.sees_list()
    doctor.reads("Today", "Prescription")
    doctor.look("work-done")
