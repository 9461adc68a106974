"""One room per kind of care. Pure: no AWS, no clock, no randomness, no I/O.

A patient walks the rooms in this order, and a room may import only the rooms already walked through
(`rules` and `permission` lie below them all), so knowledge flows one way only.
"""

FOUNDATION = ("rules", "permission")
PATH = ("arrival", "queue", "promise", "notice", "assignment", "consult", "prescription", "delivery")
