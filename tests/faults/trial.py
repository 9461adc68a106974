"""One deed on the same clinic, as often as there are ways for it to go wrong at any of its requests.

The same request sent again afterwards has its effect once, and the table looks as if nothing had happened. What may
remain are holes in a lane's numbers and a called patient who comes back to the front by looking.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from chalicelib.rooms.queue import ACTIVE
from chalicelib.store import records
from chalicelib.visit import taking
from tests.builders import ADA, ANN
from tests.visit.deeds import DEEDS, Deed, Typed, same
from tests.visit.walk import Walk, differ, restore, table, visits
from tests.visit.weather import watched

each = pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)


class Trial:
    """The same deed on the same clinic, as often as there are ways for it to go wrong."""

    def __init__(self, walk: Walk, deed: Deed) -> None:
        self.walk, self.deed = walk, deed
        self.typed = deed.ready(self.walk)
        self.at = self.walk.now
        self.begun = table()
        self.done_before = _times_done(deed)
        with watched() as asked:
            self.answer = same(self.do(self.walk, self.typed))
        self.asked = asked
        self.calm = table()

    def do(self, walk: Walk, typed: Typed) -> Any:
        """The second try is in the same second, so that the tables can be compared."""
        return self.deed.do(walk.errand(self.deed.who, "once", at=self.at), **typed)

    def fresh(self) -> Iterator[tuple[Walk, Typed]]:
        restore(self.begun)
        yield self.walk, self.typed

    def ends_as_on_a_calm_day(self, answer: Any) -> None:
        if self.deed.draws:
            one_effect(self.deed, self.done_before)
        else:
            assert same(answer) == self.answer
            assert differ(self.calm, table()) == set()


def one_effect(deed: Deed, done_before: int) -> None:
    """What must hold where numbers were drawn twice: one visit, one taking, one conversation handed back."""
    (visit,) = [visit for visit in visits() if visit.state in ACTIVE]
    assert visit.epoch == len(visit.calls)
    assert visit.epoch == (1 if deed.do is taking.take_next or deed.name == "hand_back" else 0)
    desk = records.doctor(ADA.id)
    assert (visit.id in desk.visits) is (visit.doctor == ADA.id)
    assert _times_done(deed) == done_before + 1


def _times_done(deed: Deed) -> int:
    """How often the audit says that it was done, by whomever and under whatever request."""
    return sum(1 for item in table().values() if item.get("deed", {}).get("S") == deed.audited_as)


def through(trial: Trial, what: AbstractContextManager[Any], walk: Walk, typed: Typed) -> Any:
    with what:
        return trial.do(walk, typed)


def rescued(deed: Deed, walk: Walk, answer: Any, typed: Typed) -> Any:
    """A number that was called and lost is its patient's to bring back; then the doctor takes the next again."""
    if deed.do is taking.take_next and answer is None:
        (visit,) = [visit for visit in visits() if visit.state in ACTIVE]
        walk.place(ANN, visit.id)
        return deed.do(walk.errand(deed.who, "once again"), **typed)
    return answer
