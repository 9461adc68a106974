"""F1: Lambda is killed before and after every request of every deed; the same request again completes it."""

import pytest

from tests.faults.trial import Trial, each, rescued, through
from tests.visit.deeds import Deed
from tests.visit.weather import Died, death


@each
def test_killed_before_or_after_any_request_it_can_be_done_again(trial: Trial, deed: Deed) -> None:
    for at in range(1, len(trial.asked.names) + 1):
        for before in (True, False):
            for walk, typed in trial.fresh():
                with pytest.raises(Died):
                    through(trial, death(at, before=before), walk, typed)
                answer = rescued(deed, walk, trial.do(walk, typed), typed)
                trial.ends_as_on_a_calm_day(answer)
