"""Checking: whether a prescription is what was signed and approved, for whoever packs it or holds its sheet."""

from chalicelib.refusal import NotFound
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.prescription import Line, Prescription, State
from chalicelib.rooms.queue import Ticket
from chalicelib.rooms.staff import Plate, plate_of
from chalicelib.visit.errand import Errand
from chalicelib.visit.sealing import genuine, given_out, is_approved


def inside(errand: Errand, order: Order) -> tuple[Line, ...]:
    """What is packed and compared: the lines that the doctor signed and a pharmacist approved, or none at all.

    Raises TooLate where they are not what was signed or approved, and Unsigned while nobody can tell.
    """
    visit, found = errand.records.signed(order.visit, order.prescription)
    given_out(errand, visit, found)
    return found.lines


def sheet(errand: Errand, *, id: Ticket, number: int) -> tuple[Prescription, Plate | None]:
    """The prescription whose sheet somebody holds, as long as it is what was signed, and approved where it says so;
    and what the patient was told of its doctor.

    Nothing is written down: what a stranger is told names neither the patient nor a medicine. Raises NotFound, and
    Unsigned while nobody can tell.
    """
    visit, found = errand.records.signed(id, number)
    if visit.restricted or not genuine(errand, visit, found):
        raise NotFound()
    if found.state is State.EFFECTIVE and not is_approved(errand, found):
        raise NotFound()
    return found, plate_of(visit.plates, found.doctor)
