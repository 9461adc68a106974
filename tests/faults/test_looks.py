"""F1, F3, F5 of what no form brings about once: a look that rescues, "I am here", a lease that is renewed.

Killed at any request, left without an answer, or throttled, it is done by the next look, and once.
"""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.refusal import Busy
from chalicelib.rooms.assignment import LEASE, NO_SHOW_AFTER, SIGN_OF_LIFE
from chalicelib.rooms.queue import Band, Why
from chalicelib.store import records
from chalicelib.visit import arriving, desk, seeing
from tests.builders import ADA, ANN, DEE, MINUTE
from tests.faults.baton import facts, in_order
from tests.visit.deeds import Deed, Typed
from tests.visit.walk import Walk, at_the_desk, restore, table
from tests.visit.weather import Died, death, silence, storm, watched


def _called_and_lost(walk: Walk) -> Typed:
    visit = walk.join()
    walk.crowd(2)
    records.call(records.lanes([("general", 0)])[0], Band.STANDARD, Why.FIRST_COME, walk.now)
    return {"id": visit.id}


def _vanished(walk: Walk) -> Typed:
    id = walk.taken()
    walk.now += LEASE + MINUTE
    return {"id": id}


def _half_a_lease(walk: Walk) -> Typed:
    id = walk.taken()
    walk.now += SIGN_OF_LIFE + MINUTE
    return {"id": id}


def _away(walk: Walk) -> Typed:
    id = walk.taken()
    walk.crowd(4)
    walk.now += NO_SHOW_AFTER
    seeing.not_here(walk.errand(ADA), id=id, epoch=1)
    return {"id": id}


def _on_paper(walk: Walk) -> Typed:
    return {"id": desk.add_person(walk.errand(DEE), **at_the_desk()).id}


LOOKS = [
    Deed("a called number", arriving.see_ticket, ANN, _called_and_lost),
    Deed("a vanished doctor", arriving.see_ticket, ANN, _vanished),
    Deed("here now", arriving.here_now, ANN, _away),
    Deed("half a lease", seeing.open_visit, ADA, _half_a_lease),
    Deed("messages under half a lease", lambda e, id: seeing.messages(e, id=id, after=""), ADA, _half_a_lease),
    Deed("the paper", desk.print_ticket, DEE, _on_paper),
]


class Look:
    def __init__(self, walk: Walk, deed: Deed) -> None:
        self.walk, self.deed = walk, deed
        self.typed = deed.ready(walk)
        self.begun, self.at = table(), walk.now
        with watched() as asked:
            self.look()
        self.requests = len(asked.names)
        self.calm = self.left()
        assert table() != self.begun, "it writes"

    def look(self) -> Any:
        return self.deed.do(self.walk.errand(self.deed.who, "once", at=self.at), **self.typed)

    def left(self) -> Any:
        visit = records.visit(self.typed["id"])
        rescues = [line for line in records.audit(f"V#{visit.id}") if line.deed == "bring_to_front"]
        return facts(table()), visit.ticket and visit.ticket.band, visit.returns_at, visit.lease_until, len(rescues)

    def through(self, weather: AbstractContextManager[Any], bad: type[BaseException]) -> None:
        restore(self.begun)
        try:
            with weather:
                self.look()
        except bad:
            pass
        self.look()
        assert self.left() == self.calm
        in_order()


@pytest.fixture(params=LOOKS, ids=lambda deed: deed.name)
def look(honest_walk: Walk, request: pytest.FixtureRequest) -> Look:
    return Look(honest_walk, request.param)


def test_killed_at_any_request_the_next_look_does_it(look: Look) -> None:
    for at in range(1, look.requests + 1):
        for before in (True, False):
            look.through(death(at, before=before), Died)


def test_without_an_answer_or_throttled_the_next_look_does_it(look: Look) -> None:
    for at in range(1, look.requests + 1):
        look.through(silence(at), Busy)
        look.through(storm(at), Busy)


def test_here_now_is_not_swallowed_by_a_message_of_the_same_moment(honest_walk: Walk) -> None:
    walk = honest_walk
    typed = _away(walk)
    look = walk.errand(ANN)

    class Talkative:
        """The records, of which the visit changes between being read and being written; once."""

        said = False

        def __getattr__(self, name: str) -> Any:
            return getattr(records, name)

        def recall_ticket(self, *about: Any) -> Any:
            if not self.said:
                self.said = True
                seeing.say(walk.errand(ANN), id=typed["id"], text="I was asleep.", epoch=None)
            return records.recall_ticket(*about)

    place = arriving.here_now(replace(look, records=Talkative()), **typed)
    assert place.visit.ticket
    assert place.visit.ticket.band is Band.RECALL, "the number drawn in vain before it counts until it is called"
