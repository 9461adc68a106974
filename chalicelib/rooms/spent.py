"""Spent: numbers in front of the queue that lead to nobody any more, and how it goes on past them.

Whoever leaves, is sent home, or goes on under another number, leaves a number behind. To step over it is no call: it
uses up nobody's turn, and the pace that people are told does not count it.
"""

from collections.abc import Collection, Iterable, Sequence

from chalicelib.rooms.queue import ACTIVE, Band, Lane, Ticket, Visit, Why

Front = list[tuple[Lane, Band, Why]]  # what may be called next, see `assignment.in_front`

PAGE = 100  # numbers looked at together: one request
HOLES_MAX = 25  # numbers on a page under which nobody was ever written, each to be closed for good


def ahead(lane: Lane, band: Band) -> list[Ticket]:
    """The numbers of a band that are called next."""
    head = lane.heads[band]
    return [
        Ticket(lane.department, lane.number, band, n) for n in range(head + 1, min(lane.tails[band], head + PAGE) + 1)
    ]


def kept(visits: Iterable[Visit]) -> set[Ticket]:
    """The numbers under which these visits may still be called. Who asked for a doctor keeps both of theirs for the
    way back, until a doctor has them for good; every other number that was once left never leads to anybody again."""
    numbers: set[Ticket | None] = set()
    for visit in visits:
        if visit.state in ACTIVE:
            numbers.add(visit.ticket)
            if visit.beside and (visit.prefers or not visit.calls):
                numbers |= {visit.id, visit.beside}
    return {number for number in numbers if number}


def spent(
    numbers: Sequence[Ticket], visits: Iterable[Visit], *, holes: Collection[Ticket], broken: Collection[Ticket]
) -> list[Ticket]:
    """Those of these next numbers, from the first on, that lead to nobody: `visits` are all that they lead to, under
    `holes` nobody was ever written, and `broken` cannot be read.

    A hole with nobody behind it is left: somebody may be writing at this moment."""
    stop = kept(visits) | set(broken)
    if set(broken) - set(numbers):  # one of them leads there, nobody knows which
        return []
    first = next((i for i, number in enumerate(numbers) if number in stop), len(numbers))
    written = [i for i, number in enumerate(numbers) if number not in holes]
    run = list(numbers[: min(first, max(written, default=-1) + 1)])
    closed = [i for i, number in enumerate(run) if number in holes]
    return run[: closed[HOLES_MAX]] if len(closed) > HOLES_MAX else run


def same_again(front: Front, lanes: Iterable[Lane]) -> Front:
    """The choice of a call that led to nobody, made once more a number further: it was somebody's turn, and is still.
    Empty where nobody is left of those chosen from."""
    now = {(lane.department, lane.number): lane for lane in lanes}
    found = [(now.get((lane.department, lane.number)), band, why) for lane, band, why in front]
    return [(lane, band, why) for lane, band, why in found if lane and lane.waiting(band)]
