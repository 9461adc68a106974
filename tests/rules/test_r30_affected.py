"""R30: after a breach one command lists whose records were touched in a time, and by whom, without naming a patient."""

from datetime import timedelta

import pytest

from chalicelib.store import records
from chalicelib.visit import seeing
from infra import audit
from tests.builders import ADA, ANN, BO, BOB, NOW
from tests.visit.walk import Walk, table

HOUR = timedelta(hours=1)


@pytest.fixture
def morning(clinic_on_moto: None) -> tuple[str, str]:
    """Ann is Dr Ada's at nine, Bob is Dr Bo's at eleven, and Dr Ada looks at Ann again at noon."""
    walk = Walk()
    ann = walk.taken()
    walk.sign(ann)
    walk.now = NOW + 2 * HOUR
    bob = walk.taken(BOB, by=BO)
    seeing.open_visit(walk.errand(BO), id=bob)
    walk.now = NOW + 3 * HOUR
    seeing.open_visit(walk.errand(ADA), id=ann)
    return str(ann), str(bob)


def visits(since: int, until: int, actor: str = "") -> set[str]:
    """Whose visits were touched between these hours of the morning."""
    kept = audit.kept(table().values())
    found = audit.affected(kept, since=NOW + since * HOUR, until=NOW + until * HOUR, actor=actor)
    assert all(kept.people[one.visit] == one.person for one in found if one.visit), "each with the person it belongs to"
    return {one.visit for one in found if one.visit}


def test_r30_by_time(morning: tuple[str, str]) -> None:
    ann, bob = morning
    assert visits(0, 24) == {ann, bob}
    assert visits(0, 1) == {ann}
    assert visits(2, 3) == {bob}
    assert visits(3, 4) == {ann}
    assert visits(1, 2) == visits(4, 24) == set()


def test_r30_by_who_it_was(morning: tuple[str, str]) -> None:
    ann, bob = morning
    assert visits(0, 24, "ada") == {ann}
    assert visits(0, 24, "bo") == {bob}
    assert visits(2, 3, "ada") == set()
    assert visits(0, 24, "nobody") == set()


def test_r30_the_ends_of_the_time(morning: tuple[str, str]) -> None:
    """From the first moment on, up to the last and without it."""
    kept = audit.kept(table().values())
    (look,) = [one for one in audit.affected(kept, since=NOW + 3 * HOUR, until=NOW + 4 * HOUR) if one.visit]
    at = look.at
    moment = type(NOW).fromisoformat(at)
    second = timedelta(seconds=1)
    assert [one.at for one in audit.affected(kept, since=moment, until=moment + second)] == [at]
    assert not [one for one in audit.affected(kept, since=moment - second, until=moment) if one.at == at]


def test_r30_the_command_names_visits_and_who_opened_them_and_no_patient(
    morning: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    ann, bob = morning
    assert audit.main(["affected", "--from", "2030-01-07T00:00", "--to", "2030-01-09", "--actor", "ada"]) == 0
    said = capsys.readouterr().out
    assert ann in said
    assert bob not in said
    person = records.visit(records.visit_in(f"V#{ann}")).person
    assert person[:16] in said, "somebody of the clinic can find them again"
    assert not [word for word in ("Ann", "Bob", "13800001234", ANN.id, BOB.id) if word in said]
