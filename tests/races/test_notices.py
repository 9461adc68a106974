"""Sweeps and people at the same moment, on an engine that is honest about concurrency: each is told once."""

import threading
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.rooms.notice import Kind, Notice, Outcome
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import State
from chalicelib.rooms.rules import Sms
from chalicelib.store import records
from chalicelib.visit import arriving, sweeping, taking
from tests.builders import ADA, ANN, MINUTE, a_clinic
from tests.races.test_races import at_once, refusals
from tests.visit.walk import Walk

SWEEPS, PATIENTS = 4, 4
CLINIC = a_clinic(timezone="UTC", sms=Sms(provider="local", country="+86", desk="+8613900000000"))


@dataclass
class Provider:
    """Says yes to everything, from any thread."""

    asked: list[Notice] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    carries: bool = True
    has_time: bool = True

    def send(self, one: Notice) -> Outcome:
        with self.lock:
            self.asked.append(one)
        return Outcome.SENT


pytestmark = pytest.mark.engine


@pytest.fixture
def clinic(clinic_on_dynoxide: str) -> Walk:
    return Walk(CLINIC)


def sweeps(clinic: Walk, post: Provider) -> None:
    clinic.now += MINUTE
    errands = [clinic.errand(SYSTEM) for _ in range(SWEEPS)]
    answers = at_once(*(lambda e=e: sweeping.sweep(e, post) for e in errands))
    assert not refusals(answers), answers


def test_many_sweeps_at_once_tell_everybody_once(clinic: Walk) -> None:
    clinic.on_duty(ADA, capacity=9)
    for n in range(PATIENTS):
        clinic.join(replace(ANN, id=f"hash-{n}"), text_me=True)
    post = Provider()
    for _ in range(2):
        sweeps(clinic, post)
    assert sorted((one.visit, one.kind) for one in post.asked if one.visit) == sorted(
        {(one.visit, Kind.NEARLY) for one in post.asked if one.visit}
    )
    assert len(post.asked) == PATIENTS


def test_many_sweeps_at_once_alert_the_desk_once(clinic: Walk) -> None:
    clinic.crowd(3)
    clinic.now += 15 * MINUTE
    post = Provider()
    for _ in range(2):
        sweeps(clinic, post)
    assert [one.kind for one in post.asked] == [Kind.NOBODY]


def test_told_taken_and_left_at_once(clinic: Walk) -> None:
    """Writing that somebody was told never keeps a doctor or the patient from what they do."""
    clinic.on_duty(ADA, capacity=10)
    for n in range(6):
        patient, post = replace(ANN, id=f"hash-{n}"), Provider()
        id = clinic.join(patient, text_me=True).id
        clinic.now += MINUTE
        tell, take, leave = clinic.errand(SYSTEM), clinic.errand(ADA), clinic.errand(patient)
        left = [lambda e=leave, i=id: arriving.leave(e, id=i)] if n % 2 else []
        answers = at_once(lambda e=tell, p=post: sweeping.sweep(e, p), lambda e=take: taking.take_next(e), *left)
        assert not refusals(answers), answers
        assert records.visit(id).state is (State.CANCELLED if left else State.ASSIGNED)
        assert len(post.asked) <= 1
