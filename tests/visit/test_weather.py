"""Bad weather for every deed: replies lost, requests throttled, Lambda killed, at every single request of it.

The same request sent again afterwards has its effect once, and the table looks as if nothing had happened. What may
remain are holes in a lane's numbers and a called patient who comes back to the front by looking.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from chalicelib.refusal import Busy
from chalicelib.rooms.queue import ACTIVE
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, sending, taking
from tests.builders import ADA, ANN, SAM
from tests.visit.deeds import DEEDS, Deed, Typed, same
from tests.visit.walk import Key, Walk, differ, restore, table, visits
from tests.visit.weather import TRIES, Died, conflicts, death, gusts, lost_replies, silence, storm, watched

each = pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
Table = dict[Key, dict[str, Any]]


class Day:
    """The same deed on the same clinic, as often as there are ways for it to go wrong."""

    def __init__(self, walk: Walk, deed: Deed) -> None:
        self.walk, self.deed = walk, deed
        self.typed = deed.ready(self.walk)
        self.at = self.walk.now
        self.begun = table()
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
            one_effect(self.deed)
        else:
            assert same(answer) == self.answer
            assert differ(self.calm, table()) == set()


def one_effect(deed: Deed) -> None:
    """What must hold where numbers were drawn twice: one visit, one taking, one conversation handed back."""
    (visit,) = [visit for visit in visits() if visit.state in ACTIVE]
    assert visit.epoch == len(visit.calls)
    assert visit.epoch == (1 if deed.name in ("take_next", "hand_back") else 0)
    desk = records.doctor(ADA.id)
    assert (visit.id in desk.visits) is (visit.doctor == ADA.id)
    lines = [line for pk in {key[0] for key in table()} for line in records.audit(pk)]
    done = [line for line in lines if line.deed == deed.audited_as]
    assert len(done) == 1


@pytest.fixture
def day(honest_walk: Walk, deed: Deed) -> Day:
    return Day(honest_walk, deed)


def _through(day: Day, what: AbstractContextManager[Any], walk: Walk, typed: Typed) -> Any:
    with what:
        return day.do(walk, typed)


@each
def test_a_reply_lost_once_is_not_noticed(day: Day, deed: Deed) -> None:
    """The SDK sends the request again: for every write of the deed."""
    for nth in day.asked.writes:
        for walk, typed in day.fresh():
            answer = _through(day, lost_replies(nth), walk, typed)
            _rescued(deed, walk, answer, typed)
            day.ends_as_on_a_calm_day(answer)


@each
def test_a_reply_that_never_comes_leaves_one_effect(day: Day, deed: Deed) -> None:
    """Either the deed finds its own success, or it says Busy and the same request again finds it."""
    for nth in range(1, len(day.asked.names) + 1):
        for walk, typed in day.fresh():
            try:
                answer = _through(day, silence(nth), walk, typed)
            except Busy:
                answer = day.do(walk, typed)
            answer = _rescued(deed, walk, answer, typed)
            day.ends_as_on_a_calm_day(answer)


@each
def test_throttled_for_good_nothing_is_half_done_and_later_it_works(day: Day, deed: Deed) -> None:
    for begins in range(1, len(day.asked.names) + 1):
        for walk, typed in day.fresh():
            before = table()
            with pytest.raises(Busy):
                _through(day, storm(begins), walk, typed)
            assert {key for key in differ(before, table()) if key[1] != "L"} == set(), "only counters may have moved"
            answer = _rescued(deed, walk, day.do(walk, typed), typed)
            if deed.do is arriving.need_more_time:
                continue  # told to the lane already: see test_stepping_back
            day.ends_as_on_a_calm_day(answer)


@each
def test_killed_before_or_after_any_request_it_can_be_done_again(day: Day, deed: Deed) -> None:
    for at in range(1, len(day.asked.names) + 1):
        for before in (True, False):
            for walk, typed in day.fresh():
                with pytest.raises(Died):
                    _through(day, death(at, before=before), walk, typed)
                answer = _rescued(deed, walk, day.do(walk, typed), typed)
                day.ends_as_on_a_calm_day(answer)


def _rescued(deed: Deed, walk: Walk, answer: Any, typed: Typed) -> Any:
    """A number that was called and lost is its patient's to bring back; then the doctor takes the next again."""
    if deed.do is taking.take_next and answer is None:
        (visit,) = visits()
        walk.place(ANN, visit.id)
        return deed.do(walk.errand(deed.who, "once again"), **typed)
    return answer


@each
def test_throttled_now_and_then_is_not_noticed(day: Day, deed: Deed) -> None:
    """Once, and as often as the SDK tries but once: at the first and the last request of every deed."""
    for nth in {1, len(day.asked.names)}:
        for times in (1, TRIES - 1):
            for walk, typed in day.fresh():
                day.ends_as_on_a_calm_day(_through(day, gusts(nth, times), walk, typed))


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError", "RequestLimitExceeded"])
def test_whatever_name_the_storm_has_it_is_busy(honest_walk: Walk, code: str) -> None:
    walk = honest_walk
    walk.on_duty()
    with pytest.raises(Busy), storm(1, code):
        walk.take()


def test_a_conflict_with_another_transaction_is_waited_out(honest_walk: Walk) -> None:
    walk = honest_walk
    visit = walk.join()
    with conflicts(3) as refused:
        seeing.say(walk.errand(ANN), id=visit.id, text="Hello", epoch=None)
    assert len(refused) == 3
    with conflicts(99) as refused, pytest.raises(Busy):
        seeing.say(walk.errand(ANN), id=visit.id, text="Hello", epoch=None)
    assert [m.text for m in records.messages(visit.id, "")] == ["Hello"]


def test_what_cannot_be_written_down_is_not_shown(honest_walk: Walk) -> None:
    """Reading clinical data needs its audit line first."""
    walk = honest_walk
    id = walk.ordered()
    for look in (
        lambda: seeing.open_visit(walk.errand(ADA), id=id),
        lambda: seeing.messages(walk.errand(ADA), id=id, after=""),
        lambda: sending.see_prescription(walk.errand(SAM), id=id),
        lambda: sending.see_order(walk.errand(SAM), id=id),
    ):
        with pytest.raises(Busy), storm(begins=2):
            look()
