"""F5: the table is too busy, for a moment or for good: it is not noticed, or it is Busy and nothing is half done."""

import pytest

from chalicelib.refusal import Busy
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, sending, staffing
from infra import audit
from tests.builders import ADA, ANN, SAM
from tests.faults.trial import Trial, each, rescued, through
from tests.visit.deeds import Deed
from tests.visit.walk import Walk, differ, table
from tests.visit.weather import TRIES, conflicts, gusts, storm

# True from its first write on, though its patients may still be on the way: nobody must act in that name meanwhile.
IN_PARTS = (staffing.dismiss,)


@each
def test_throttled_for_good_nothing_is_half_done_and_later_it_works(trial: Trial, deed: Deed) -> None:
    last = len(trial.asked.names) - deed.name.endswith("for one doctor")  # the last is only counting: not waited for
    for begins in range(1, last + 1):
        for walk, typed in trial.fresh():
            before = table()
            with pytest.raises(Busy):
                through(trial, storm(begins), walk, typed)
            moved = {key for key in differ(before, table()) if key[1][0] not in "LY"}
            if deed.do not in IN_PARTS:
                assert moved == set(), "only counters may have moved, and marks been sealed"
            assert audit.verify(audit.kept(table().values())) == []
            answer = rescued(deed, walk, trial.do(walk, typed), typed)
            if deed.do is arriving.need_more_time:
                continue  # told to the lane already: see test_stepping_back
            trial.ends_as_on_a_calm_day(answer)


@each
def test_throttled_now_and_then_is_not_noticed(trial: Trial, deed: Deed) -> None:
    """Once, and as often as the SDK tries but once: at the first and the last request of every deed."""
    for nth in {1, len(trial.asked.names)}:
        for times in (1, TRIES - 1):
            for walk, typed in trial.fresh():
                trial.ends_as_on_a_calm_day(through(trial, gusts(nth, times), walk, typed))


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
