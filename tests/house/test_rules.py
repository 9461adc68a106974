"""The product rules that nothing switches off: each has a test that bears its number, and a line that says where it is.

The list is written here, not read from the page it is to hold.
"""

import re

import pytest

from tests.house.test_house import PYTHON, ROOT, functions

FLOORS = (1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34)
LINE = re.compile(r"^\| R(\d+) \|([^|]+)\|([^|]+)\|([^|]+)\|([^|]*)\|$", re.MULTILINE)
TESTS = [node for path in PYTHON if path.name.startswith("test_") for node in functions(path)]
LINES = {int(n): cells for n, *cells in LINE.findall((ROOT / "docs" / "rules.md").read_text(encoding="utf-8"))}


def named_after(rule: int) -> list[str]:
    return [node.name for node in TESTS if node.name.startswith(f"test_r{rule:02}_")]


@pytest.mark.parametrize("rule", FLOORS)
def test_a_floor_has_a_test_that_bears_its_number(rule: int) -> None:
    assert named_after(rule)


@pytest.mark.parametrize("rule", FLOORS)
def test_a_floor_has_a_line_that_says_where_it_is_and_which_test_holds_it(rule: int) -> None:
    what, kind, where, test = (cell.strip() for cell in LINES[rule])
    assert what
    assert where
    assert kind.startswith("F") or rule == 13, "of R13 the list is the hospital's; that there is one is not"
    assert f"`test_r{rule:02}_*`" in test
    assert "not enforced" not in where


def test_a_number_that_a_test_bears_is_of_a_rule_there_is() -> None:
    assert {int(found[1]) for node in TESTS if (found := re.match(r"test_r(\d\d)_", node.name))} <= set(LINES)
