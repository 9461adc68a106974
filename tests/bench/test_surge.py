"""The surge simulator: its limits limit, its engine counts as DynamoDB does, and nobody in it is lost or doubled."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from bench.raw import Raw, RawError
from bench.surge import __main__ as surge
from bench.surge import aws, report
from bench.surge.engine import Engine
from bench.surge.replays import CONSULT_MEAN_SECONDS, REPLAYS, area, at
from bench.surge.table import Table, connected
from chalicelib.doors.render import PUBLIC_BOARD
from chalicelib.refusal import Busy
from chalicelib.rooms.promise import MINUTES_PER_VISIT_GUESS
from chalicelib.rooms.queue import Band
from chalicelib.store import lanes, records

FEW = replace(REPLAYS["jd"].quick(), hours=0.4)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def quick() -> tuple[dict[str, Any], str]:
    return surge.play(REPLAYS["jd"].quick(), seed=1)


def test_nobody_is_lost_and_nobody_has_two_doctors(quick: tuple[dict[str, Any], str]) -> None:
    found, _ = quick
    people = found["people"]
    assert people["played"]["patients"] > 100
    assert people["lost"] == people["doubled"] == 0
    assert people["with_ticket"] == people["came"], "nothing is refused on so small a day"
    assert people["seen"] + people["left"] == people["came"], "nobody is forgotten"
    assert people["seen"] > 0.85 * people["came"]


def test_whoever_still_waits_when_all_is_over_is_lost() -> None:
    people = surge.play(replace(FEW, hours=0.2, rest_hours=0), seed=1)[0]["people"]
    assert people["lost"] > 0
    assert people["lost"] * FEW.scale + people["seen"] + people["left"] == people["came"]


def test_every_band_is_called_within_its_bound(quick: tuple[dict[str, Any], str]) -> None:
    """Give or take the other bands that fall due at the same call."""
    for band, passed in quick[0]["passed_over"].items():
        assert passed["longest"] < passed["bound"] + len(Band), band


def test_the_same_seed_is_the_same_day(quick: tuple[dict[str, Any], str]) -> None:
    """To the last figure; another seed is another day."""
    again, other = surge.play(FEW, seed=1), surge.play(FEW, seed=2)
    assert surge.play(FEW, seed=1) == again
    assert again[0]["waits_minutes"] != other[0]["waits_minutes"]


def test_the_picture_is_well_formed_and_says_what_it_shows(quick: tuple[dict[str, Any], str]) -> None:
    root = ElementTree.fromstring(quick[1])  # noqa: S314  # our own
    assert root.tag == f"{SVG}svg"
    words = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
    for said in ("joining, an hour", "waiting", "doctors", "minutes", "refused"):
        assert said in words
    width, height = (float(root.get(side, "0")) for side in ("width", "height"))
    for path in root.iter(f"{SVG}path"):
        numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", path.get("d", ""))]
        assert all(-1 <= n <= max(width, height) for n in numbers), "a line leaves the picture"


def test_the_figures_are_json(quick: tuple[dict[str, Any], str]) -> None:
    assert json.loads(json.dumps(quick[0])) == quick[0]


@pytest.mark.parametrize("name", REPLAYS)
def test_a_replay_adds_up_to_what_the_platform_reported(name: str) -> None:
    replay = REPLAYS[name]
    people = area(replay.joins, replay.hours)
    assert 500 <= people / replay.scale <= 7_000, "enough people to show something, few enough to play"
    reported = {"alihealth": 72_000, "pingan": 729_000, "stress": 600_000}.get(name)
    assert reported is None or people == pytest.approx(reported, rel=0.05)
    assert sum(replay.shares.values()) == pytest.approx(1)


def test_the_shape_of_a_day() -> None:
    step = REPLAYS["haodf"]
    assert at(step.joins, 2) == 10 * at(step.joins, 0.5)
    assert max(v for _, v in step.doctors) == 20_000
    assert max(v for _, v in REPLAYS["fifty"].doctors) == 50_000
    assert max(v for _, v in REPLAYS["stress"].joins) == 10_000 * 3600
    assert max(v for _, v in REPLAYS["jd"].joins) == 30_000
    assert pytest.approx(MINUTES_PER_VISIT_GUESS * 60, rel=0.02) == CONSULT_MEAN_SECONDS


# ---- what AWS lets through


def test_a_bucket_lets_through_its_rate_and_no_more() -> None:
    bucket = aws.Bucket(rate=1_000, seconds=10)
    sent = 0
    for second in range(100):
        for _ in range(20):
            if bucket.open(second):
                bucket.spend(100)
                sent += 100
    assert sent == pytest.approx(1_000 * 100 + 1_000 * 10, rel=0.02)


def test_a_table_doubles_half_an_hour_after_a_peak_and_not_before() -> None:
    table = aws.OnDemand(warm=aws.TABLE_WRITES)
    rates = []
    for second in range(0, 3 * 3600):
        if table.open(second):
            table.spend(20_000)  # a second; always more than it takes
        rates.append(table.bucket.rate)
    assert max(rates[: 30 * 60]) == 4_000
    assert rates[20 * 60] < rates[45 * 60] < rates[80 * 60]
    assert max(rates) == aws.TABLE_QUOTA
    idle = aws.OnDemand(warm=aws.TABLE_WRITES)
    for second in range(0, 3 * 3600, 10):
        assert idle.open(second)
        idle.spend(10 * 1_500)
    assert idle.bucket.rate == 4_000, "half of what it can take makes no new peak"


def test_lambda_starts_a_thousand_in_ten_seconds_up_to_the_quota() -> None:
    function = aws.Environments(quota=3_000)
    assert function.refused(wanted=2_000, seconds=10) == 0.5
    assert function.running == 1_000
    assert function.refused(wanted=2_000, seconds=10) == 0
    assert function.refused(wanted=6_000, seconds=60) == pytest.approx(0.5)
    assert function.running == 3_000


def test_a_rate_over_a_limit_loses_what_is_above_it() -> None:
    assert aws.over(20_000, aws.API_PER_SECOND) == 0.5
    assert aws.over(9_000, aws.API_PER_SECOND) == 0


def test_the_edge_asks_once_in_its_time_however_many_ask_it() -> None:
    assert f"s-maxage={aws.EDGE_SECONDS}, stale-while-revalidate={aws.EDGE_STALE_SECONDS}" in PUBLIC_BOARD
    most = aws.EDGE_CACHES / aws.EDGE_SECONDS
    assert aws.origin_rate(1e6) == pytest.approx(most, rel=1e-4)
    assert aws.origin_rate(1e6, aws.SHIELDED) == pytest.approx(most / aws.EDGE_CACHES, rel=1e-4)
    assert aws.origin_rate(0.001) == pytest.approx(0.001, rel=1e-2), "with few phones every poll is the first"


def test_behind_an_old_copy_nobody_waits_for_the_next_one() -> None:
    """By chance, with what a day of real polls at one edge would be: asked one by one, cache by cache."""
    luck, now, copies, waited, asked = random.Random(1), 0.0, [-100.0] * aws.EDGE_CACHES, 0, 0
    for _ in range(200_000):
        now += luck.expovariate(0.2)
        cache = luck.randrange(aws.EDGE_CACHES)
        age = now - copies[cache]
        waited += age > aws.EDGE_SECONDS + aws.EDGE_STALE_SECONDS
        if age > aws.EDGE_SECONDS:
            asked, copies[cache] = asked + 1, now
    assert asked / now == pytest.approx(aws.origin_rate(0.2), rel=0.02)
    assert waited / now == pytest.approx(aws.waiting_rate(0.2), rel=0.02)
    assert aws.waiting_rate(10) < 1e-6 < aws.origin_rate(10)


@pytest.fixture
def table() -> Iterator[Table]:
    below = Table(Engine(), scale=1, warm=aws.TABLE_WRITES, bin_seconds=60)
    with connected(below):
        yield below


def tickets_given(lane: int, department: str = "respiratory") -> int:
    """How many are drawn before the table refuses."""
    for given in range(10_000):
        try:
            lanes.draw(department, lane, Band.STANDARD)
        except Busy:
            return given
    raise AssertionError("it never refuses")


def test_one_lane_gives_a_thousand_tickets_a_second_and_several_give_more(table: Table) -> None:
    with table.charged("join", 100):
        for number in (0, 1):
            assert tickets_given(number) * 100 == aws.KEY_WRITES * aws.KEY_BURST_SECONDS
        table.now = 1.0
        assert tickets_given(0) * 100 == aws.KEY_WRITES
    assert table.deeds["join"].refused == 300


def test_the_whole_table_has_its_limit_too(table: Table) -> None:
    with table.charged("join", 1_000):
        given = [tickets_given(0, department=f"department{n}") for n in range(100)]
    assert sum(given) * 1_000 == aws.TABLE_WRITES * aws.TABLE_BURST_SECONDS


def test_what_is_not_charged_is_never_refused(table: Table) -> None:
    with table.charged("nobody", 0):
        for _ in range(20):
            lanes.draw("respiratory", 0, Band.STANDARD)
    assert records.lanes([("respiratory", 0)])[0].tails[Band.STANDARD] == 20
    assert table.deeds["nobody"].writes == 0


def test_the_api_takes_so_many_and_tells_the_others_to_come_back(table: Table) -> None:
    table.api = aws.Bucket(500, aws.GATE_SECONDS)

    def come() -> None:
        with table.charged("home", 100):
            pass

    for _ in range(500 * aws.GATE_SECONDS // 100):
        come()
    with pytest.raises(Busy):
        come()
    assert (table.deeds["home"].http, table.deeds["home"].turned_away) == (500 * aws.GATE_SECONDS, 100)
    with table.charged("nobody", 0):
        pass
    table.now = 1.0
    come()


def test_whoever_works_long_leaves_no_environment_to_others(table: Table) -> None:
    table.environments = aws.Bucket(10, aws.GATE_SECONDS)
    with table.charged("home", 10 * aws.GATE_SECONDS / aws.DOOR_SECONDS):
        pass
    with pytest.raises(Busy), table.charged("home", 1):
        pass


def test_through_the_stack_as_delivered_most_are_told_to_come_back_and_nobody_is_lost() -> None:
    found, _ = surge.play(replace(FEW, api=aws.STACK_PER_SECOND), seed=1)
    assert found["people"]["lost"] == found["people"]["doubled"] == 0
    assert found["come_back"]["tries"]["join"] > 0.05
    assert 0 < found["come_back"]["http_turned_away"] < 1


def test_lanes_are_needed_only_far_above_what_any_platform_reported() -> None:
    needed = {name: report.lanes_needed(replay)["lanes_needed"] for name, replay in REPLAYS.items()}
    assert needed.pop("stress") >= 16
    assert set(needed.values()) == {1}


# ---- the engine in this process


def test_the_engine_refuses_what_it_does_not_know() -> None:
    with pytest.raises(AttributeError):
        Engine()("Scan", TableName="clinic")
    with pytest.raises(AssertionError):
        Engine()("PutItem", Item={"pk": {"S": "a"}, "sk": {"S": "b"}}, ConditionExpression="attribute_type(#0, :0)")


def test_a_condition_that_does_not_hold_writes_nothing() -> None:
    engine, item = Engine(), {"pk": {"S": "a"}, "sk": {"S": "b"}}
    put = {"Item": item, "ConditionExpression": "attribute_not_exists (#0)", "ExpressionAttributeNames": {"#0": "pk"}}
    engine("PutItem", **put)
    with pytest.raises(RawError, match="ConditionalCheckFailed"):
        engine("PutItem", **put)
    other = {"Put": {"Item": {"pk": {"S": "a"}, "sk": {"S": "c"}}}}
    with pytest.raises(RawError, match="TransactionCanceled") as refused:
        engine("TransactWriteItems", TransactItems=[other, {"Put": put}])
    assert [reason["Code"] for reason in refused.value.answer["CancellationReasons"]] == [
        "None",
        "ConditionalCheckFailed",
    ]
    assert engine("GetItem", Key={"pk": {"S": "a"}, "sk": {"S": "c"}}).get("Item") is None


@pytest.mark.slow
def test_the_engine_is_dynamodb_to_the_unit(clinic_on_dynoxide: str) -> None:
    """The same people on dynoxide: every deed, request, refusal and unit, and every wait, is the same."""
    assert surge.play(FEW, seed=3) == surge.play(FEW, seed=3, engine=Raw(clinic_on_dynoxide))
