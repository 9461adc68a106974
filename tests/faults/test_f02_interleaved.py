"""F2 and F12: two to four deeds about one visit, interleaved at every request: it is as if one came after the other.

Every pair of deeds that can be done at the same moment meets, a deed with itself too; the seed says who goes on at
each request. Nothing may come of it that would not have come of some order one after the other, whether it is what
people are told or what is written. A failure names the command that plays it again.
"""

import itertools
import random

import pytest

from tests.faults.baton import EVERYBODY, Meeting, Moment, facts, in_order, moments, told
from tests.simulation import wire
from tests.visit.deeds import Typed
from tests.visit.walk import Walk, restore

pytestmark = pytest.mark.engine
SEEDS = range(1)
CROWDS = 60  # meetings of three or four
TRIES_MAX = 12  # seeds until a race was seen to end both ways


class Ground:
    def __init__(self, send: wire.Send) -> None:
        self.walk, self.send = Walk(), send
        self.moments, self.typed = moments(self.walk)

    def meeting(self, moment: Moment, *names: str) -> Meeting:
        typed: list[Typed] = [self.typed[name] for name in names]
        return Meeting(moment, [EVERYBODY[name] for name in names], typed)

    def as_one_after_the_other(self, meeting: Meeting, seeds: range) -> None:
        orders = meeting.every_order(self.walk)
        for seed in seeds:
            answers, there, log = meeting.at_once(self.walk, seed, self.send)
            again = " ".join(f"'{word}'" for word in (meeting.moment.name, *(deed.name for deed in meeting.deeds)))
            said = f"python -m tests.faults.baton {seed} {again}\n" + "\n".join(log)
            # The sweep is many steps, each a deed of its own, so others may come between them: see F11.
            assert "sweep" in again or (list(map(told, answers)), facts(there)) in orders, said
            in_order()


@pytest.fixture(scope="module")
def ground(dynoxide: str, honest: None) -> object:
    with wire.sender(dynoxide) as send:
        yield Ground(send)


def test_every_two_deeds_that_can_meet_leave_what_one_after_the_other_would(ground: Ground) -> None:
    for moment in ground.moments:
        names = [deed.name for deed in moment.possible]
        for one, other in itertools.combinations_with_replacement(names, 2):
            ground.as_one_after_the_other(ground.meeting(moment, one, other), SEEDS)


def test_three_and_four_at_once(ground: Ground) -> None:
    chance = random.Random(1)
    for n in range(CROWDS):
        moment = chance.choice(ground.moments)
        names = [deed.name for deed in chance.choices(moment.possible, k=3 + n % 2)]
        ground.as_one_after_the_other(ground.meeting(moment, *names), range(n, n + 1))


RACES = [
    ("save_note again", "sign", "hand_back"),
    ("leave a doctor", "sign", "leave"),
    ("leave a doctor", "hand_back", "leave"),
    ("leave", "cancel_visit", "expire"),
    ("approve", "approve", "return"),
    ("approve", "approve", "revoke"),
    ("revise", "revise", "revoke"),
    ("revoke", "choose_delivery", "revoke"),
    ("revoke", "choose_delivery", "choose_delivery"),
    ("hand_over", "hand_over", "cancel_order"),
    ("hand_over", "hand_over", "revoke"),
    ("deliver", "deliver", "bring_back"),
    ("deliver", "deliver", "fail_attempt"),
    ("bring_back", "hand_over", "bring_back"),
]


@pytest.mark.parametrize(("where", "one", "other"), RACES, ids=lambda name: name)
def test_exactly_one_of_two_that_exclude_each_other(ground: Ground, where: str, one: str, other: str) -> None:
    moment = next(m for m in ground.moments if m.name == where)
    winners = set()
    for seed in range(TRIES_MAX):
        answers, _, _ = ground.meeting(moment, one, other).at_once(ground.walk, seed, ground.send)
        said = [told(answer) for answer in answers]
        assert sorted(said) == ["done", "refused"], f"python -m tests.faults.baton {seed} '{where}' '{one}' '{other}'"
        winners.add(said.index("done"))
    assert winners == {0, 1} or one == other, "the seeds show both ends of the race"


def test_the_same_seed_is_the_same_meeting(ground: Ground) -> None:
    moment = next(m for m in ground.moments if m.name == "save_note again")
    meeting = ground.meeting(moment, "sign", "hand_back", "say", "sweep")
    one, again, other = (meeting.at_once(ground.walk, seed, ground.send)[2] for seed in (5, 5, 6))
    assert one == again != other
    restore({})
