"""The counted figures of docs/bench.md are those that tests hold the clinic to, and what falls short is marked so."""

import re
from pathlib import Path

import pytest

from tests.budgets.test_counted import BUDGETS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "bench.md").read_text(encoding="utf-8")
DEEDS = ("join", "take next", "complete")
GOALS = {"requests": (2, 3, 1), "write units, audit apart": (5, 5, 6)}


def cells(first: str) -> list[str]:
    """The cells, without what makes them bold, of the one row whose first cell is this, or this and a goal after it."""
    rows = [[cell.strip().replace("*", "") for cell in line.strip("|").split("|")] for line in TEXT.splitlines()]
    found = [row for row in rows if row[0] == first] or [row for row in rows if row[0].startswith(f"{first}: ")]
    assert len(found) == 1, (first, found)
    return found[0]


def numbers(cell: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", cell)]


def written(deed: str) -> float:
    """All write units of a deed."""
    return sum(BUDGETS[deed][3:])


def audit_apart(deed: str) -> float:
    *_, queue, record, _, _, index = BUDGETS[deed]
    return queue + record + index


@pytest.mark.parametrize("deed", BUDGETS)
def test_the_table_of_costs_is_the_table_of_budgets(deed: str) -> None:
    _, *said = cells(deed)
    assert [float(cell) for cell in said] == [*BUDGETS[deed], written(deed)]


def test_a_goal_that_is_missed_says_so() -> None:
    counted = {
        "requests": tuple(BUDGETS[deed][0] for deed in DEEDS),
        "write units, audit apart": tuple(audit_apart(deed) for deed in DEEDS),
    }
    for of, goal in GOALS.items():
        row = cells(of if of == "write units, audit apart" else f"{of} {' / '.join(DEEDS)}")
        assert tuple(numbers(row[0])) == goal
        assert tuple(numbers(row[1])[:3]) == counted[of]
        missed = any(cost > most for cost, most in zip(counted[of], goal, strict=True))
        assert ("falls short" in row[1]) == missed, of


def test_what_a_cycle_writes_is_the_sum_of_its_deeds() -> None:
    assert f" {sum(map(written, DEEDS)):g} write units," in TEXT


def test_what_the_goals_say_of_units_besides_is_counted_too() -> None:
    queue, whole = (numbers(part) for part in cells("write units, audit apart")[1].split(";")[1:])
    assert queue == [BUDGETS[deed][3] for deed in DEEDS]
    assert whole == [written(deed) for deed in DEEDS]
    thirty_two = cells("take next at 32 doctors to 1")[1]
    assert f"{BUDGETS['take next'][0]} requests, {written('take next')} units" in thirty_two


@pytest.mark.parametrize(("row", "deed"), [("join", "join"), ("take next, 1 doctor", "take next")])
def test_our_side_of_the_peers_is_told_as_it_is_counted(row: str, deed: str) -> None:
    requests, _, _, queue, record, audit, chain, index = BUDGETS[deed]
    assert numbers(cells(f"{row}: requests")[1]) == [requests]
    assert numbers(cells(f"{row}: write units")[1]) == [queue + record, audit + chain, index, written(deed)]


@pytest.mark.parametrize("waiting", ["1,000", "100,000"])
def test_our_side_of_the_peers_is_the_same_with_thirty_two_doctors(waiting: str) -> None:
    crowded = cells(f"take next, 32 doctors, {waiting} waiting: requests / write units")
    assert numbers(crowded[1]) == [BUDGETS["take next"][0], written("take next")]
