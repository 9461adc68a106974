"""The torture of claims in small: a whole clinic comes through, and every broken one is found out."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bench.audit import Finding, Journal, Kept, Took, Visit, doubled, lost, out_of_order
from bench.breaks import BREAKS, FROM_THE_SIMULATION
from bench.torture import torture
from chalicelib.store.rows import Row

CLAIMS, THREADS = 40, 6
SEEDS = range(1, 6)
FAULTS = {"killed before", "killed after", "reply lost", "too busy", "sent twice"}
VISIT = Visit(
    person="ann", request="r1", state="completed", doctor="", epoch=1, calls=1, number="g.0.2.1", department="g"
)


@pytest.fixture
def storm(clinic_on_dynoxide: str) -> Callable[..., dict[str, Any]]:
    def play(seed: int, mutant: str = "", claims: int = CLAIMS) -> dict[str, Any]:
        Row.delete_table()
        address = clinic_on_dynoxide
        return torture(claims=claims, processes=0, threads=THREADS, seed=seed, address=address, mutant=mutant)

    return play


@pytest.mark.slow
def test_a_whole_clinic_comes_through_the_storm(storm: Callable[..., dict[str, Any]]) -> None:
    done = storm(1, claims=120)
    assert done["found"] == []
    assert done["claims"] >= 120
    assert set(done["journal"].faults) == FAULTS, "everything that can happen did"


@pytest.mark.slow
@pytest.mark.parametrize("mutant", BREAKS)
def test_a_broken_clinic_is_found_out(storm: Callable[..., dict[str, Any]], mutant: str) -> None:
    found: list[Finding] = next(filter(None, (storm(seed, mutant)["found"] for seed in SEEDS)), [])
    assert found, f"nobody noticed: {mutant}"


def test_every_break_taken_from_the_simulation_is_there() -> None:
    assert set(FROM_THE_SIMULATION) < set(BREAKS)


def kept(**visits: Visit) -> Kept:
    """A table in which every visit was taken as often as its epoch says."""
    by_id = {visit.number: visit for visit in visits.values()}
    return Kept(visits=by_id, takes=Counter({id: visit.epoch for id, visit in by_id.items()}))


def test_in_order_is_whoever_came_first_unless_doctors_tapped_at_once() -> None:
    second = replace_visit(n=2)
    in_turn = Journal(took=[Took("g.0.2.1", "a", 1.0, 2.0), Took("g.0.2.2", "b", 3.0, 4.0)])
    at_once = Journal(took=[Took("g.0.2.1", "a", 1.0, 9.0), Took("g.0.2.2", "b", 1.0, 2.0)])
    wrong = Journal(took=[Took("g.0.2.1", "a", 3.0, 4.0), Took("g.0.2.2", "b", 1.0, 2.0)])
    table = kept(first=VISIT, second=second)
    assert list(out_of_order(table, in_turn)) == []
    assert list(out_of_order(table, at_once)) == []
    assert len(list(out_of_order(table, wrong))) == 1
    stepped_back = replace(table, moved={"g.0.2.1"})
    assert list(out_of_order(stepped_back, wrong)) == []


def replace_visit(n: int = 1, **changes: Any) -> Visit:
    number = f"g.0.2.{n}"
    return VISIT._replace(number=number, request=f"r{n}", person=f"person {n}", **changes)


@pytest.mark.parametrize(
    ("table", "journal"),
    [
        (
            kept(a=replace_visit(1, state="waiting"), b=replace_visit(2, state="waiting")._replace(person="person 1")),
            {},
        ),
        (kept(a=replace_visit(1), b=replace_visit(2)._replace(request="r1")), {}),
        (kept(a=replace_visit(1, state="assigned", doctor="ada")), {}),
        (replace(kept(a=VISIT), takes=Counter()), {}),
        (kept(a=VISIT._replace(epoch=2, calls=2)), {}),
        (replace(kept(a=VISIT), desks={"ada": {"g.0.2.1"}}), {}),
        (kept(a=VISIT), {"called": ["g.0.2.1", "g.0.2.1"]}),
        (kept(a=VISIT), {"took": [Took("g.0.2.1", "a", 0, 1), Took("g.0.2.2", "a", 2, 3)]}),
        (kept(a=VISIT), {"joined": [("r1", "g.0.2.1"), ("r1", "g.0.2.2")]}),
    ],
)
def test_each_kind_of_double_is_seen(table: Kept, journal: dict[str, Any]) -> None:
    assert len(list(doubled(table, Journal(**journal)))) == 1


@pytest.mark.parametrize(
    ("table", "journal"),
    [
        (kept(a=VISIT._replace(state="waiting")), {}),
        (kept(), {"joined": [("r1", "g.0.2.1")]}),
        (kept(), {"took": [Took("g.0.2.1", "a", 0, 1)]}),
        (kept(a=VISIT._replace(state="in_consult")), {}),
        (kept(a=VISIT._replace(state="cancelled")), {"signed": ["g.0.2.1"]}),
        (replace(kept(a=VISIT), guards={("ann", "g"): True}), {}),
    ],
)
def test_each_kind_of_loss_is_seen(table: Kept, journal: dict[str, Any]) -> None:
    assert len(list(lost(table, Journal(**journal)))) == 1
