"""Checking: whether a prescription is what was signed and approved, for whoever packs it."""

from chalicelib.rooms.delivery import Order
from chalicelib.rooms.prescription import Line
from chalicelib.visit.errand import Errand
from chalicelib.visit.sealing import given_out


def inside(errand: Errand, order: Order) -> tuple[Line, ...]:
    """What is packed and compared: the lines that the doctor signed and a pharmacist approved, or none at all.

    Raises TooLate where they are not what was signed or approved, and Unsigned while nobody can tell.
    """
    visit, found = errand.records.signed(order.visit, order.prescription)
    given_out(errand, visit, found)
    return found.lines
