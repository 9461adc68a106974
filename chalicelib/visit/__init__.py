"""The order it happens in: one function per thing a person does. Load, let the rooms decide, save once.

`arriving` is the way to a ticket, `taking` the doctors on duty and their next patient, `seeing` the two together,
`sending` the medicine, `telling` what reaches people outside the page, `desk` what hospital staff do for people,
`sweeping` what nobody's tap brings about.
Knowledge flows that way only: an act may use the acts before it.
"""

ACTS = ("errand", "arriving", "taking", "seeing", "sending", "telling", "desk", "sweeping")
