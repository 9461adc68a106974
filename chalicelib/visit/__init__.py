"""The order it happens in: one function per thing a person does. Load, let the rooms decide, save once.

`sealing` puts the clinic's signature under what is signed, `preferring` is waiting for one doctor, `arriving` the way
to a ticket, `proving` a phone number and its people, `holding` which phones have a ticket, `taking` the doctors on
duty and their next patient, `seeing` the two together, `sending` the medicine, `checking` whether it was signed and
approved, `telling` what reaches people outside the page, `closing` who is sent home in the
evening, `desk` what hospital staff do for people, `watching` who
opened a record, also outside their care, `keeping` what a clinic owes about its records, `sweeping` what nobody's tap
brings about, `staffing` who works here. Knowledge flows that way only: an act may use the acts before it.
"""

BEFORE = ("errand", "sealing", "preferring", "arriving", "proving", "holding")
MEDICINE = ("sending", "checking")
ACTS = (
    *BEFORE,
    "taking",
    "seeing",
    *MEDICINE,
    "telling",
    "closing",
    "desk",
    "watching",
    "keeping",
    "sweeping",
    "staffing",
)
