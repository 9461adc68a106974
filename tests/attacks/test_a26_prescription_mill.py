"""A26, a doctor who is a mill: many patients, hardly a look, always a prescription. The privacy officer is told, alone.

Nothing is refused: a doctor on the worst day of an epidemic must not be stopped by a number. Somebody asks.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.rooms import oversight
from chalicelib.rooms.oversight import Practice, practice
from chalicelib.rooms.permission import MAY, Role
from chalicelib.rooms.queue import State, Visit
from chalicelib.store import records
from tests.attacks.breaks import BREAKS, gets_through
from tests.builders import ADA, BO, NOW, a_visit
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


NOTICED: dict[str, Callable[[], None]] = {
    "a26 no day is odd": always_a_prescription_is_odd,
    "a26 short is not counted": hardly_a_look_is_odd,
    "a26 as many as one likes": very_many_are_odd,
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
