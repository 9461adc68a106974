"""The order it happens in: one function per thing a person does. Load, let the rooms decide, save once.

`sealing` puts the clinic's signature under what is signed, `preferring` is waiting for one doctor, `arriving` the way
to a ticket, `taking` the doctors on duty and their next patient, `seeing` the two together, `sending` the medicine,
`telling` what reaches people outside the page, `desk` what hospital staff do for people, `watching` who opened
a record, `sweeping` what nobody's tap brings about, `staffing` who works here.
Knowledge flows that way only: an act may use the acts before it.
"""

BEFORE = ("errand", "sealing", "preferring")
ACTS = (*BEFORE, "arriving", "taking", "seeing", "sending", "telling", "desk", "watching", "sweeping", "staffing")
