"""What the documentation says of the surge days is what was played: tables, rows and figures are made, not typed."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.surge import page
from bench.surge.page import BENCH, DAY, PICTURES, PLAYED, USAGE
from bench.surge.replays import REPLAYS


@pytest.mark.parametrize(("path", "made"), [(DAY, page.day), (BENCH, page.bench), (USAGE, page.usage)])
def test_a_page_says_what_was_played(path: Path, made: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert made(text) == text, "run `make costs`"


def test_a_page_that_says_something_else_is_found() -> None:
    for path, made, said in (
        (DAY, page.day, "| JD Health"),
        (BENCH, page.bench, "| place polls"),
        (USAGE, page.usage, "traced = "),
    ):
        text = path.read_text(encoding="utf-8")
        at = text.index("\n", text.index(said)) - 3
        other = f"{text[:at]}x{text[at + 1 :]}" if path != USAGE else text.replace(said, f"{said}7")
        assert other != text
        assert made(other) != other


def test_every_replay_is_there_with_its_picture_and_every_picture_is_linked() -> None:
    assert {path.stem for path in PLAYED.glob("*.json")} == {*REPLAYS, "seeds"}
    linked = DAY.read_text(encoding="utf-8")
    for name in REPLAYS:
        assert (PICTURES / f"surge-{name}.svg").exists()
        assert f"pictures/surge-{name}.svg" in linked


def test_nobody_was_lost_or_doubled_in_what_is_published() -> None:
    for found in (*page.played().values(), *({"people": one} for one in [page.seeds()])):
        assert (found["people"]["lost"], found["people"]["doubled"]) == (0, 0)


def test_of_seeds_the_middle_and_the_worst_are_shown() -> None:
    def one(seed: int, ratio: float) -> dict[str, Any]:
        quantiles = {"p50": ratio, "p90": 2 * ratio}
        promises = {**quantiles, "by_band": {"urgent": quantiles}}
        return {
            "replay": "x",
            "played_one_in": 5,
            "seed": seed,
            "people": {"lost": 0, "doubled": 1},
            "promises": promises,
        }

    found = page.over_seeds([one(1, 1.0), one(2, 0.5), one(3, 1.1)])
    assert found["doubled"] == 3
    assert found["promises"]["everybody"]["p50"] == {"median": 1.0, "worst": 0.5}, "half is as far from 1 as double"
    assert found["promises"]["urgent"]["p90"] == {"median": 2.0, "worst": 2.2}
    assert found["promises"]["follow_up"]["p50"] == {}
    assert json.loads(json.dumps(found)) == found


def test_no_share_is_rounded_up_to_all_or_down_to_nobody() -> None:
    assert page._down(0.999996) == "99.99"
    assert page._percent(0.00001) == "under 0.1%"
    assert (page._percent(0), page._percent(0.0123)) == ("0", "1.2%")
