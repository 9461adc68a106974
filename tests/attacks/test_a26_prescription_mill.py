"""A26, a doctor who is a mill: many patients, hardly a look, always a prescription. The privacy officer is told, alone.

Nothing is refused: a doctor on the worst day of an epidemic must not be stopped by a number. Somebody asks.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from chalicelib.doors import clock
from chalicelib.outside import metrics
from chalicelib.rooms import oversight
from chalicelib.rooms.oversight import Practice, practice
from chalicelib.rooms.permission import MAY, SYSTEM, Role
from chalicelib.rooms.queue import State, Visit
from chalicelib.rooms.staff import Member
from chalicelib.store import records
from chalicelib.visit import sweeping, watching
from chalicelib.visit.errand import Errand, Records
from tests.attacks.breaks import BREAKS, gets_through
from tests.builders import ADA, BO, NOW, a_clinic, a_ticket, a_visit
from tests.doors.stories import seen
from tests.people import Cast


def day(*, seconds: int = 600, prescribed: int = 0, visits: int = 12) -> Practice:
    """A day of Dr Ada's: so many visits of so many seconds, the first of them with a prescription."""
    done: list[Visit] = [
        a_visit(
            state=State.COMPLETED, ended_at=NOW + timedelta(seconds=seconds), prescribed=1 if n < prescribed else None
        )
        for n in range(visits)
    ]
    return practice(ADA.id, done)


def always_a_prescription_is_odd() -> None:
    assert day(prescribed=11).odd == ("prescribes",)
    assert day(prescribed=10).odd == ()
    assert day(prescribed=9, visits=9).odd == (), "of so few it says nothing"


def hardly_a_look_is_odd() -> None:
    assert day(seconds=119).odd == ("short",)
    assert day(seconds=120).odd == ()


def very_many_are_odd() -> None:
    assert day(visits=81).odd == ("many",)
    assert day(visits=80).odd == ()
    assert practice(ADA.id, [], whole=False).odd == ("many",), "more than could be looked through"


def one_way_is_an_epidemic_and_two_are_asked_about() -> None:
    assert not any(one.mill for one in (day(prescribed=11), day(seconds=119), day(visits=81)))
    for one in (day(prescribed=12, seconds=119), day(visits=81, seconds=119), day(visits=81, prescribed=81)):
        assert one.mill


@dataclass
class Yesterday:
    """What the night's look asks of the store: who works here, and what one of them did on the day before."""

    doctors: list[str]
    done: list[Visit]
    asked: list[tuple[str, str]] = field(default_factory=list)
    lists: int = 0

    def members(self) -> list[Member]:
        self.lists += 1
        some = [Member(id=id, name=id, role=Role.DOCTOR, added_at=NOW) for id in self.doctors]
        return [*some, Member(id="sam", name="Sam", role=Role.PHARMACIST, added_at=NOW)]

    def taken_on(self, doctor: str, day: str) -> tuple[list[Visit], bool]:
        self.asked.append((doctor, day))
        return (self.done if doctor == ADA.id else []), True

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)


MILL = [
    a_visit(state=State.COMPLETED, ended_at=NOW + timedelta(seconds=30), prescribed=1, id=a_ticket(n))
    for n in range(1, 13)
]
NIGHT = datetime(2030, 1, 8, 3, 0, tzinfo=ZoneInfo(a_clinic().timezone))


def at_night(found: Yesterday, at: datetime) -> Errand:
    return Errand(actor=SYSTEM, request="r", now=at, clinic=a_clinic(), records=cast(Records, found))


def test_every_doctors_day_before_is_looked_at_twice_in_the_night_and_a_few_at_a_time() -> None:
    found = Yesterday([f"d{n:03}" for n in range(90)] + [ADA.id], MILL)
    looked = [watching.mills(at_night(found, NIGHT + timedelta(minutes=n))) for n in range(-5, 150)]
    assert max(days for _, days in looked) == 2, "of ninety-one"
    assert Counter(found.asked) == dict.fromkeys([(id, "2030-01-07") for id in (*found.doctors,)], 2)
    assert sum(mills for mills, _ in looked) == 2


def test_by_day_nothing_is_asked() -> None:
    found = Yesterday([ADA.id], MILL)
    assert watching.mills(at_night(found, NIGHT + timedelta(hours=9))) == (0, 0)
    assert (found.asked, found.lists) == ([], 0), "1,440 sweeps a day"


@pytest.mark.usefixtures("clinic_on_moto")
def test_the_sweep_says_how_many_and_never_who(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLINIC", "riverside")
    swept = sweeping.sweep(at_night(Yesterday([ADA.id], MILL), NIGHT))
    assert (swept.failed, swept.mills, swept.days_looked_at) == ([], 1, 1)
    metrics.put(clock._measured(swept), NIGHT)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["OddDays"] == [1]
    assert ADA.id not in line
    by_day = sweeping.sweep(at_night(Yesterday([ADA.id], MILL), NIGHT + timedelta(hours=9)))
    metrics.put(clock._measured(by_day), NIGHT)
    assert "OddDays" not in capsys.readouterr().out, "a metric is paid for by the hour in which it is said"


NOTICED: dict[str, Callable[[], None]] = {
    "a26 no day is odd": always_a_prescription_is_odd,
    "a26 short is not counted": hardly_a_look_is_odd,
    "a26 as many as one likes": very_many_are_odd,
    "a26 nobody is mailed": one_way_is_an_epidemic_and_two_are_asked_about,
}


@pytest.mark.parametrize("check", NOTICED.values(), ids=lambda one: one.__name__)
def test_an_odd_day_is_pointed_out(check: Callable[[], None]) -> None:
    check()


def test_every_break_of_it_has_its_check() -> None:
    assert set(NOTICED) == {name for name in BREAKS if name.startswith("a26")}


@pytest.mark.parametrize("name", NOTICED)
def test_a_break_is_noticed(name: str) -> None:
    gets_through(NOTICED[name], name)


def test_what_another_doctor_ended_is_not_theirs() -> None:
    other = practice(BO.id, [a_visit(state=State.COMPLETED, prescribed=1)])
    assert (other.taken, other.ended, other.prescribed) == (1, 0, 0)


def test_the_privacy_officer_reads_it_and_nobody_else(cast: Cast) -> None:
    assert (cast.ada.name, cast.bo.name) == ("Dr Ada", "Dr Bo"), "both work here"
    seen(cast, cast.ann)
    assert MAY["see_practice"] == {Role.PRIVACY_OFFICER}
    page = cast.pria.get("/en/practice")
    assert page.status == 200
    ada = next(one for one in cast.pria.machine("GET", "/en/practice").json["doctors"] if one["name"] == "Dr Ada")
    assert (ada["taken"], ada["ended"], ada["prescribed"]) == (1, 1, 1)
    for secret in ("Ann", "paracetamol", cast.ann.visit):
        assert secret not in page.body, "no patient and no medicine"
    before = cast.pria.machine("GET", "/en/practice?day=2020-01-01").json["doctors"]
    assert [one["taken"] for one in before] == [0, 0]
    assert cast.ada.ask("GET", "/en/practice").status == 403
    assert cast.max.ask("GET", "/en/practice").status == 403


def test_a_visit_taken_twice_is_one_patient_and_a_day_has_an_end(cast: Cast) -> None:
    seen(cast, cast.ann)
    found, whole = records.taken_on("ada", cast.errand("ada").today)
    assert (len(found), whole) == (1, True)
    assert oversight.practice("ada", found).odd == ()
