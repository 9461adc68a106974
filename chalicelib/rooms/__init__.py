"""One room per kind of care. Pure: no AWS, no clock, no randomness, no I/O.

A patient walks the rooms in this order, and a room may import only the rooms already walked through
(`rules`, `permission`, `staff` and `seal` lie below them all), so knowledge flows one way only.
"""

FOUNDATION = ("rules", "permission", "staff", "seal")
BEFORE = ("arrival", "queue", "leaving", "promise", "notice")  # the doctor comes
PATH = (*BEFORE, "assignment", "preferred", "consult", "prescription", "delivery", "oversight")
