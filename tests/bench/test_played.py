"""How the people of the surge simulator behave: by the pages' own pace, within limits that are divided as they are."""

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.surge import aws, clinic, pace, replays
from bench.surge.crowd import Crowd
from bench.surge.engine import Engine
from bench.surge.people import Patient, somebody
from bench.surge.replays import REPLAYS
from bench.surge.table import Table, connected
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Ticket, Why
from chalicelib.store import lanes, records
from chalicelib.visit import arriving, sweeping
from infra.kit import ROOT
from tests.builders import ANN, refused
from tests.visit.walk import Walk

DAY = replace(REPLAYS["jd"].quick(), shares={"general": 1.0})
FILES = ROOT / "chalicelib" / "pages" / "files"


@pytest.fixture
def table() -> Iterator[Table]:
    below = Table(Engine(), scale=DAY.scale, warm=aws.TABLE_WRITES, bin_seconds=60)
    with connected(below):
        yield below


@pytest.fixture
def crowd(table: Table) -> Crowd:
    return Crowd(clinic.World(DAY, 1, table))


def joined(crowd: Crowd) -> Patient:
    """Somebody with a ticket, who waits for ever."""
    world = crowd.world
    patient = replace(somebody(world.luck, len(world.patients), "general"), patience=None, steps_back=False)
    world.patients.append(patient)
    crowd._joins(patient)
    return patient


def first(patient: Patient) -> Ticket:
    assert patient.id is not None
    return patient.id


# ---- phones and lists


def test_a_phone_whose_number_went_by_looks_and_is_at_the_front(crowd: Crowd) -> None:
    """A doctor's call that came to nothing: nobody else looks."""
    gone, waits = joined(crowd), joined(crowd)
    (lane,) = records.lanes([("general", 0)])
    assert lanes.call(lane, first(gone).band, Why.THEIR_TURN, crowd.world.clock) is not None
    crowd.phones.minute({"general": 0}, crowd.with_doctor)
    assert gone.page is not None
    assert gone.page.ticket is not None
    assert gone.page.ticket.band is Band.RECALL
    assert waits.page is not None
    assert waits.page.ticket == waits.id


def test_a_doctor_whose_patient_is_with_another_one_takes_the_next(crowd: Crowd) -> None:
    """However the first one lost them: a doctor who was silent for too long does not sit there for ever."""
    patient = joined(crowd)
    crowd._comes("general")
    crowd.world.run(60, lambda: patient.called is not None)
    (doctor,) = crowd.doctors
    patient.calls += 1
    crowd.with_doctor[first(patient)] = replace(doctor, name="another")
    crowd.world.run(3600, lambda: doctor.patient is None)
    assert doctor.patient is None
    assert crowd.taken_away == 1


def test_an_idle_doctor_comes_by_what_the_page_says_and_not_before(crowd: Crowd) -> None:
    crowd._comes("general")
    crowd.world.run(30, lambda: bool(crowd.idle["general"]))
    (doctor,) = crowd.idle["general"]
    taps, began = doctor.taps, crowd.world.now
    crowd.world.run(began + 200, lambda: doctor.taps != taps)
    assert doctor.taps == taps, "nobody waits, so nothing is said"
    patient = joined(crowd)
    began = crowd.world.now
    crowd.world.run(began + 60, lambda: patient.called is not None)
    assert patient.called is not None
    assert patient.called - began <= pace.WORK_SECONDS * (1 + pace.SPREAD) * 2 + aws.EDGE_SECONDS


def test_of_forty_idle_doctors_one_is_told_of_one_patient() -> None:
    luck, board = random.Random(1), {"on_duty": 40, "waiting": 1}
    told = sum(pace.told(luck.random(), board) for _ in range(40_000))
    assert told == pytest.approx(1_000, rel=0.1)
    assert not pace.told(0.0, {"on_duty": 40, "waiting": 0})
    assert pace.told(0.99, {"on_duty": 0, "waiting": 1})


def test_the_pace_is_that_of_the_scripts() -> None:
    said = {name: (FILES / f"{name}.js").read_text(encoding="utf-8") for name in ("wait", "work", "pace")}
    assert "Math.random() * Math.max(1, one.on_duty) < one.waiting" in said["work"]
    for script, name, value in (
        ("work", "EVERY", pace.WORK_SECONDS),
        ("wait", "LEAST", pace.WAIT_LEAST),
        ("wait", "MOST", pace.WAIT_MOST),
        ("wait", "HIDDEN", pace.WAIT_HIDDEN),
        ("pace", "QUICK", pace.TALK_QUICK),
        ("pace", "SLOWER", pace.TALK_SLOWER),
        ("pace", "MOST", pace.TALK_MOST),
        ("pace", "STATE", pace.TALK_STATE),
        ("pace", "SPREAD", pace.SPREAD),
    ):
        found = re.search(rf"\b{name} = ([\d.]+)", said[script])
        assert found, name
        assert float(found[1]) == value, name
    assert f"seconds / {pace.WAIT_PART}" in said["wait"]
    assert all("(0.8 + Math.random() * 0.4)" in said[name] for name in ("wait", "work"))
    assert "next(every = fresh ? QUICK : slower());" in said["pace"]
    assert (1 - pace.SPREAD, 2 * pace.SPREAD) == (0.8, 0.4)


def test_a_phone_that_was_told_to_come_back_with_its_first_page_looks_too(crowd: Crowd) -> None:
    table, room = crowd.world.table, crowd.world.table.api
    table.api = aws.Bucket(1e-6, 1e6)  # of one request: the ticket
    patient = joined(crowd)
    (lane,) = records.lanes([("general", 0)])
    assert lanes.call(lane, first(patient).band, Why.THEIR_TURN, crowd.world.clock) is not None
    table.api = room
    crowd.phones.minute({"general": 0}, crowd.with_doctor)
    assert patient.page is not None
    assert patient.page.ticket is not None
    assert patient.page.ticket.band is Band.RECALL


def gaps(looks: list[pace.Look]) -> list[float]:
    return [after.at - before.at for before, after in itertools.pairwise(looks)]


def test_a_silent_conversation_is_asked_ever_less_often() -> None:
    looks = pace.talk(600, [], [], random.Random(1))
    assert looks[0].at < pace.TALK_QUICK * 1.2
    assert all(gap < pace.TALK_MOST * 1.2 for gap in gaps(looks))
    assert all(gap > pace.TALK_MOST * 0.8 for gap in gaps(looks)[6:])
    known = [0.0, *(look.at for look in looks if look.state)]
    assert all(b - a < pace.TALK_STATE + pace.TALK_MOST * pace.SPREAD for a, b in itertools.pairwise(known))


def test_a_word_makes_the_next_question_quick_whoever_said_it() -> None:
    """Heard, when it is seen; one's own from when it is typed."""
    quick = pace.TALK_QUICK * 1.2
    heard = pace.talk(600, [], [300.0], random.Random(1))
    at = next(n for n, look in enumerate(heard) if look.at > 300)
    assert heard[at + 1].at - heard[at].at < quick < heard[at].at - heard[at - 1].at
    typed = pace.talk(600, [300.0], [], random.Random(1))
    began = 300.0 - replays.TYPING_SECONDS
    assert next(look.at for look in typed if look.at > began) < began + quick
    assert sum(began < look.at < 300 + quick for look in typed) >= 3


# ---- what the code allows, divided


def test_who_may_step_back_at_once_is_divided(table: Table) -> None:
    walk = Walk()
    people = [replace(ANN, id=f"p{n}") for n in range(3)]
    ids = [walk.join(who).id for who in people]
    with clinic.scaled(6):
        for who, id in zip(people[:2], ids, strict=False):
            arriving.need_more_time(walk.errand(who), id=id)
        with refused("Too many people are stepping back"):
            arriving.need_more_time(walk.errand(people[2]), id=ids[2])
    arriving.need_more_time(walk.errand(people[2]), id=ids[2])


def test_how_many_a_sweep_looks_at_and_remembers_is_divided(table: Table) -> None:
    walk = Walk()
    walk.crowd(8)
    walk.on_duty(capacity=9)
    for _ in range(8):
        walk.take()
    seen = []
    with clinic.scaled(1_000):
        for _ in range(7):
            sweeping.sweep(walk.errand(SYSTEM))
            mark = records.mark("general", 0)
            seen.append((mark.low[Band.STANDARD], len(mark.open)))
    assert seen == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (5, 5), (5, 5)], "one a minute, and five in sight"
    sweeping.sweep(walk.errand(SYSTEM))
    assert len(records.mark("general", 0).open) == 8


def test_how_many_numbers_are_remembered_as_given_up_is_divided(table: Table) -> None:
    walk = Walk()
    people = [replace(ANN, id=f"p{n}") for n in range(4)]
    ids = [walk.join(who).id for who in people]
    with clinic.scaled(10):
        for who, id in zip(people, ids, strict=True):
            arriving.leave(walk.errand(who), id=id)
    assert len(records.lanes([("general", 0)])[0].gone) == 3


# ---- what is charged


def test_a_signature_is_charged(crowd: Crowd) -> None:
    with crowd.world.table.charged("sign", 2):
        crowd.world.signer.sign(b"digest")
    assert crowd.world.table.deeds["sign"].signatures == 2 * DAY.scale
