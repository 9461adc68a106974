"""One room per kind of care. Pure: no AWS, no clock, no randomness, no I/O.

A patient walks the rooms in this order, and a room may import only the rooms already walked through
(`packs`, `rules`, `kit`, `permission`, `staff` and `seal` lie below them all), so knowledge flows one way only.
"""

FOUNDATION = ("packs", "rules", "kit", "permission", "staff", "seal")
BEFORE = ("arrival", "queue", "pocket", "leaving", "phone", "promise", "notice")  # the doctor comes
AFTER = ("oversight", "glass", "retention", "erasure", "complaint", "resource", "fhir")  # what is known of it later
MEDICINE = ("grounds", "dose", "prescription", "approval", "delivery")
PATH = (*BEFORE, "assignment", "preferred", "spent", "consult", *MEDICINE, *AFTER)
