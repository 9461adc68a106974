"""How good our waiting times are: a public page, the same for everybody, of what was promised and what came of it."""

from datetime import timedelta

import pytest

from chalicelib.clinic import CLINIC
from chalicelib.doors import clock
from chalicelib.rooms.permission import SYSTEM, Entry
from chalicelib.rooms.promise import RATIOS, Accuracy
from chalicelib.store import records
from chalicelib.visit import taking
from tests.people import Cast, Patient

IN_TIME, LATE = RATIOS.index(1.0), len(RATIOS)


def on_day(cast: Cast, ago: int, *, in_time: int, late: int = 0, department: str = "general") -> None:
    """So many people were called on that day, as the sweep would have written it."""
    ratios = [0] * (len(RATIOS) + 1)
    ratios[IN_TIME], ratios[LATE] = in_time, late
    day = f"{cast.clock() - timedelta(days=ago):%Y-%m-%d}"
    kept = Accuracy(department=department, day=day, counted=in_time + late, in_range=in_time, ratios=tuple(ratios))
    about = f"L#{department}#0"
    line = Entry(about=about, request=f"sweep:{ago}", actor=SYSTEM, deed="sweep", at=cast.clock(), policy="")
    records.save(kept, audit=line)


def told(cast: Cast, department: str = "general") -> dict[str, object]:
    """What a machine is told of one department."""
    found = cast.eve.machine("GET", cast.eve.url("waits")).json["departments"]
    return next(one for one in found if one["id"] == department)


def test_before_anybody_was_called(cast: Cast) -> None:
    got = cast.eve.get(cast.eve.url("waits"))
    assert got.status == 200
    assert got.words.count("Nobody who was told a time with the ticket has been called yet.") == len(CLINIC.departments)
    assert told(cast)["days"] == []


def test_whoever_is_called_is_counted_with_what_they_were_told(cast: Cast) -> None:
    """Ann was told 6 to 15 minutes and waited ten; Bob, told 10 to 30, waited forty."""
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=5)
    cast.ann.join()
    cast.bob.join()
    cast.clock.forward(minutes=10)
    assert taking.take_next(cast.errand("ada"))
    cast.clock.forward(minutes=30)
    assert taking.take_next(cast.errand("ada"))
    clock.tick()
    week, month = told(cast)["periods"]  # type: ignore[misc]  # JSON
    assert (month["called"], month["sooner"] + month["in_time"], month["later"]) == (2, 1, 1)
    assert {**week, "of_days": 30} == month
    assert "1 of 2 were called in the time we told them, or sooner." in cast.eve.get(cast.eve.url("waits")).words


def test_of_a_few_people_nothing_is_said_of_how_long_the_others_wait(cast: Cast) -> None:
    on_day(cast, 0, in_time=9)
    assert "half of the people" not in cast.eve.get(cast.eve.url("waits")).words
    on_day(cast, 1, in_time=1)
    assert "half of the people" in cast.eve.get(cast.eve.url("waits")).words


def test_a_week_a_month_and_each_day(cast: Cast) -> None:
    for ago, in_time in ((0, 8), (6, 1), (7, 2), (29, 4), (30, 100), (400, 100)):
        on_day(cast, ago, in_time=in_time)
    on_day(cast, 3, in_time=0, late=1)
    on_day(cast, 0, in_time=50, department="children")
    found = told(cast)
    week, month = found["periods"]  # type: ignore[misc]  # JSON
    assert (week["of_days"], week["called"], week["in_time"], week["later"]) == (7, 10, 9, 1)
    assert (month["of_days"], month["called"], month["later"]) == (30, 16, 1)
    assert (week["half"], week["nine_in_ten"]) == (1.0, 1.0)
    assert [day["called"] for day in found["days"]] == [8, 1, 1, 2, 4]  # type: ignore[attr-defined]  # JSON
    got = cast.eve.get(cast.eve.url("waits")).words
    assert "9 of 10 were called" in got
    assert "“15 to 35 minutes”, half of the people are called within 20 minutes and nine in ten within 20." in got


@pytest.mark.parametrize(
    ("in_time", "late", "english", "chinese"),
    [
        (8, 2, "but one in ten waits longer than 60.", "但每十人中至少有一人等了超过 60 分钟。"),
        (1, 9, "half of the people wait longer than 60 minutes.", "一半的人等了超过 60 分钟。"),
    ],
)
def test_a_bad_month_is_told_as_it_was(cast: Cast, in_time: int, late: int, english: str, chinese: str) -> None:
    on_day(cast, 1, in_time=in_time, late=late)
    assert english in cast.eve.get("/en/waits").words
    assert chinese in cast.eve.get("/zh/waits").words
    assert told(cast)["periods"][0]["nine_in_ten"] is None  # type: ignore[index]  # JSON


def test_it_says_the_same_to_everybody_and_may_be_kept_on_the_way(cast: Cast) -> None:
    on_day(cast, 0, in_time=3)
    cast.ann.join()
    seen: set[str] = set()
    for reader in (cast.eve, cast.ann, cast.ada):
        got = reader.ask("GET", "/en/waits")
        assert got.header("Cache-Control") == "public, max-age=60, s-maxage=60, stale-while-revalidate=600"
        assert got.header("Vary") == "Accept, Content-Type"
        assert got.cookies == []
        seen.add(got.body)
    assert len(seen) == 1
    assert cast.eve.ask("GET", "/xx/waits").header("Cache-Control") == "private, no-store"


def test_people_find_it_from_the_first_page_and_from_their_ticket(cast: Cast) -> None:
    ann: Patient = cast.ann
    ann.join()
    for page in (ann.get("/en"), ann.look()):
        assert "/en/waits" in page.page.links
