"""Scenes of parcels off the straight way: nobody at home, three times; the counter; cancelled; too many wrong codes."""

from tests.browser.people import WRONG_CODE, Patient
from tests.browser.staff import Doctor, Pharmacist
from tests.browser.stage import Stage


def approved(stage: Stage, patient: Patient, doctor: Doctor, pharmacist: Pharmacist) -> None:
    """The quick way to a patient who may choose how to get the medicine."""
    patient.has_joined()
    doctor.sees_list()
    doctor.takes_next(patient.name)
    doctor.writes_note()
    doctor.goes_to_finish()
    doctor.finishes("prescription", "paracetamol-500")
    pharmacist.opens_prescription(patient.code)
    pharmacist.approves()
    patient.opens_ticket()
    patient.follows("Choose how you get it")


def nobody_at_home(stage: Stage) -> None:
    """Three failed attempts bring the parcel back; patient, pharmacy and doctor all see it."""
    patient, doctor, pharmacist, courier = stage.patient(), stage.doctor(), stage.pharmacist(), stage.courier()
    doctor.goes_on_duty("respiratory")
    approved(stage, patient, doctor, pharmacist)
    patient.ticks("way", "delivery")
    patient.types(address=patient.story.address)
    patient.presses("Order it")
    patient.reads("Your parcel")
    courier.goes_to(f"/parcels/{patient.visit}")
    courier.does("I have packed it", "You packed this parcel, so another person must check it.")
    pharmacist.opens_parcel(patient.code)
    pharmacist.does("Checked: it is right", "Ready to go")
    courier.goes_to("/parcels")
    courier.look("courier-parcels")
    courier.opens_parcel(patient.code)
    courier.does("I have taken it", "On the way")
    courier.fails("")
    courier.is_told("Say in a few words what happened.")
    courier.look("parcel-failed-wrong")
    for attempt in range(1, 4):
        courier.fails(courier.story.advice)
        courier.reads("Not delivered")
        if attempt == 1:
            courier.look("parcel-failed")
            patient.opens_ticket()
            patient.reads("The courier could not hand it over")
            patient.look("after-failed")
        if attempt < 3:
            courier.does("Take it out again", "On the way")
    courier.look("parcel-failed-often")
    courier.reads("Three attempts have failed. Bring the parcel back to the pharmacy.")
    courier.presses("It is back at the pharmacy")
    patient.opens_ticket()
    patient.reads("It went back to the pharmacy")
    patient.look("after-brought-back")
    doctor.sees_list()
    doctor.look("work-parcel-back")
    pharmacist.goes_to("/parcels")
    pharmacist.reads("Brought back")
    pharmacist.opens_parcel(patient.code)
    pharmacist.look("parcel-brought-back")


def collected(stage: Stage) -> None:
    """The patient cancels, then collects at the counter; the desk can cancel too; five wrong codes are enough."""
    patient, doctor, pharmacist, clerk = stage.patient(), stage.doctor(), stage.pharmacist(), stage.desk()
    doctor.goes_on_duty("respiratory")
    approved(stage, patient, doctor, pharmacist)
    patient.ticks("way", "delivery")
    patient.types(address=patient.story.address)
    patient.presses("Order it")
    patient.presses("Cancel this order")
    patient.reads("The order was cancelled")
    patient.look("after-cancelled")
    patient.follows("Choose how you get it")
    patient.ticks("way", "pick_up")
    patient.presses("Order it")
    patient.reads("Your collection", "Show this code at the counter:")
    patient.look("collection")
    clerk.opens_parcel(patient.code)
    clerk.look("parcel-desk")
    clerk.does("I have packed it", "Second check")
    pharmacist.opens_parcel(patient.code)
    pharmacist.does("Checked: it is right", "Pick-up")
    pharmacist.does("Put it at the counter", "At the counter")
    pharmacist.look("parcel-counter")
    pharmacist.goes_to("/pharmacy")
    pharmacist.look("reviews-parcels")
    pharmacist.opens_parcel(patient.code)
    patient.opens_ticket()
    patient.reads("Ready at the pharmacy’s counter")
    right = int(patient.page.locator(".code").inner_text())
    for tries in range(1, 6):
        pharmacist.delivers(f"{(right + tries) % 1_000_000:06}")
        if tries < 5:
            pharmacist.is_told(WRONG_CODE, left=5 - tries)
    pharmacist.opens_parcel(patient.code)
    pharmacist.reads("The code was wrong too often. Bring the parcel back to the pharmacy.")
    pharmacist.look("parcel-too-many-codes")
