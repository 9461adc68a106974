"""F2 and F12: two to four deeds about one visit, interleaved at every request: it is as if one came after the other.

Every pair of deeds that can be done at the same moment meets, a deed with itself too; the seed says who goes on at
each request. Nothing may come of it that would not have come of some order one after the other, whether it is what
people are told or what is written. A failure names the command that plays it again.
"""

import itertools
import random
from dataclasses import replace

import pytest

from chalicelib.rooms.permission import Actor
from chalicelib.rooms.queue import State, Ticket
from chalicelib.store import records
from tests.builders import ADA, BO
from tests.faults.baton import EVERYBODY, Meeting, Moment, in_order, moments, told
from tests.simulation import mutants, wire
from tests.simulation.invariants import Broken
from tests.visit.deeds import Typed
from tests.visit.walk import Walk, restore, table

pytestmark = pytest.mark.engine
SEEDS = range(1)
CROWDS = 30  # meetings of three or four
TRIES_MAX = 8  # seeds until a race was seen to end both ways


class Ground:
    def __init__(self, send: wire.Send) -> None:
        self.walk, self.send = Walk(), send
        self.moments, self.typed = moments(self.walk)

    def meeting(self, moment: Moment, *names: str) -> Meeting:
        typed: list[Typed] = [self.typed[name] for name in names]
        return Meeting(moment, [EVERYBODY[name] for name in names], typed)

    def as_one_after_the_other(self, meeting: Meeting, seeds: range) -> None:
        for seed in seeds:
            answers, there, log = meeting.at_once(self.walk, seed, self.send)
            again = " ".join(f"'{word}'" for word in (meeting.moment.name, *(deed.name for deed in meeting.deeds)))
            said = f"python -m tests.faults.baton {seed} {again}\n" + "\n".join(log)
            in_order()
            # The sweep is many steps, each a deed of its own, so others may come between them: see F11.
            assert "sweep" in again or meeting.is_as_one_after_the_other(self.walk, answers, there), said


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
    ("expire", "cancel_visit", "expire"),
    ("approve", "approve", "return"),
    ("revoke", "choose_delivery", "choose_delivery"),
    ("hand_over", "hand_over", "cancel_order"),
    ("hand_over", "hand_over", "revoke"),
    ("deliver", "deliver", "bring_back"),
    ("deliver", "deliver", "fail_attempt"),
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


@pytest.mark.parametrize("doctors", [(ADA, BO), (ADA, ADA)], ids=["two doctors, one patient", "two taps, room for one"])
def test_a_patient_has_one_doctor_and_a_doctor_no_more_than_there_is_room_for(
    ground: Ground, doctors: tuple[Actor, Actor]
) -> None:
    walk = ground.walk
    restore({})
    waiting = walk.crowd(3 - len(set(doctors)))
    for doctor in set(doctors):
        walk.on_duty(doctor, capacity=1)
    moment = Moment(name="", begun=table(), at=walk.now, clinic=walk.clinic)
    take = [replace(EVERYBODY["take_next"], who=doctor) for doctor in doctors]
    meeting = Meeting(moment, take, [{"departments": ("general",)}] * 2)
    winners = set()
    for seed in range(TRIES_MAX):
        answers, _, _ = meeting.at_once(walk, seed, ground.send)
        (taken,) = [answer for answer in answers if isinstance(answer, Ticket)]
        left = [visit.id for visit in waiting if visit.id != taken]
        assert [records.visit(id).state for id in left] == [State.WAITING] * len(left), f"seed {seed}"
        in_order()
        winners.add(answers.index(taken))
    assert winners == {0, 1}


@pytest.mark.parametrize(
    ("name", "where", "one", "other"),
    [
        ("a save forgets the version", "leave", "leave", "cancel_visit"),
        ("one write after another", "save_note again", "sign", "hand_back"),
        ("nobody is freed", "save_note again", "sign", "hand_back"),
    ],
)
def test_a_deliberate_break_is_noticed(ground: Ground, name: str, where: str, one: str, other: str) -> None:
    """The breaks of the simulated days; a scheduler that finds none of them would find nothing."""
    moment = next(m for m in ground.moments if m.name == where)
    broken = next(m for m in mutants.MUTANTS if m.name == name)
    with broken.broken(), pytest.raises((AssertionError, Broken)):
        ground.as_one_after_the_other(ground.meeting(moment, one, other), range(TRIES_MAX))


def test_the_same_seed_is_the_same_meeting(ground: Ground) -> None:
    moment = next(m for m in ground.moments if m.name == "save_note again")
    meeting = ground.meeting(moment, "sign", "hand_back", "say", "sweep")
    one, again, other = (meeting.at_once(ground.walk, seed, ground.send)[2] for seed in (5, 5, 6))
    assert one == again != other
    restore({})
