"""docs/security.md: every attack of the table has its line, every test that is named is there, and none is left out."""

import re
from pathlib import Path

from tests.attacks.breaks import BREAKS
from tests.attacks.breaks_of_patients import BREAKS as OF_PATIENTS
from tests.attacks.breaks_staff import BREAKS as OF_STAFF
from tests.house.test_house import ROOT

ATTACKS = 31
SAID = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
TABLE = SAID.partition("## A patient's number")[0]
LINES = {int(found[1]): found[0] for found in re.finditer(r"^\| A(\d+) .*\|$", TABLE, re.MULTILINE)}


def _tests(said: str) -> set[Path]:
    return {ROOT / name for name in re.findall(r"`(tests/[\w/]+\.py)", said)}


def test_every_test_that_is_named_is_there() -> None:
    assert len(_tests(SAID)) > ATTACKS
    assert [path for path in _tests(SAID) if not path.is_file()] == []


def test_every_attack_has_its_line_and_its_test() -> None:
    assert set(LINES) == set(range(1, ATTACKS + 1))
    for number, line in LINES.items():
        own = {path for path in _tests(line) if path.name.startswith(f"test_a{number:02d}_")}
        assert own, f"A{number} names no test of its own"
        assert all(re.search(r"^def test_", path.read_text("utf-8"), re.MULTILINE) for path in own)


def test_no_test_of_an_attack_is_left_out() -> None:
    there = set((ROOT / "tests" / "attacks").glob("test_[ar][0-9][0-9]_*.py"))
    assert there - _tests(SAID) == set()


def test_every_attack_has_a_break_that_its_test_must_notice() -> None:
    named = {int(found[1]) for name in (*BREAKS, *OF_STAFF) if (found := re.match(r"a(\d\d) ", name))}
    named |= {int(one.attack[6:8]) for one in OF_PATIENTS}
    assert named == set(LINES), "a test that is not known to fail"
