"""F3 and F4: a reply is lost after the write, and the SDK, or the person, sends the same again: one effect.

The same tap twice at once is in `tests/races`, the same id with another form in `tests/visit/test_once.py`.
"""

from chalicelib.refusal import Busy
from tests.faults.trial import Trial, each, rescued, through
from tests.visit.deeds import Deed
from tests.visit.weather import lost_replies, silence


@each
def test_a_reply_lost_once_is_not_noticed(trial: Trial, deed: Deed) -> None:
    """The SDK sends the request again: for every write of the deed."""
    for nth in trial.asked.writes:
        for walk, typed in trial.fresh():
            answer = through(trial, lost_replies(nth), walk, typed)
            rescued(deed, walk, answer, typed)
            trial.ends_as_on_a_calm_day(answer)


@each
def test_a_reply_that_never_comes_leaves_one_effect(trial: Trial, deed: Deed) -> None:
    """Either the deed finds its own success, or it says Busy and the same request again finds it."""
    for nth in range(1, len(trial.asked.names) + 1):
        for walk, typed in trial.fresh():
            try:
                answer = through(trial, silence(nth), walk, typed)
            except Busy:
                answer = trial.do(walk, typed)
            answer = rescued(deed, walk, answer, typed)
            trial.ends_as_on_a_calm_day(answer)
