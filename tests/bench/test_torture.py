"""The torture of claims in small: a whole clinic comes through, and every broken one is found out."""

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.audit import ENDS, Finding, Journal, Kept, Took, Visit, caught, doubled, lost, out_of_order
from bench.breaks import BETWEEN_LANES, BREAKS, FROM_THE_SIMULATION
from bench.torture import EVERY_STEP_FROM, Whole, asked, shared, torture, tortures
from bench.worker import STEPS, Board, Phones, Plan, Wires, Worker, a_crowded_clinic, every_step
from chalicelib.rooms.permission import SYSTEM
from chalicelib.store.rows import Row
from chalicelib.visit import arriving, seeing, sweeping
from tests.engines import point_at
from tests.simulation.wire import CALM, connected

ROOT = Path(__file__).parents[2]
CLAIMS, THREADS = 40, 6
SEEDS = range(1, 6)
FAULTS = {"killed before", "killed after", "reply lost", "too busy", "sent twice"}
VISIT = Visit(
    person="ann", request="r1", state="completed", doctor="", epoch=1, calls=1, number="g.0.2.1", department="g"
)


@pytest.fixture
def storm(clinic_on_dynoxide: str) -> Callable[..., dict[str, Any]]:
    def play(seed: int, mutant: str = "", claims: int = CLAIMS, lanes: int = 1) -> dict[str, Any]:
        Row.delete_table()
        many: dict[str, int] = {"claims": claims, "processes": 0, "threads": THREADS, "lanes": lanes}
        return torture(**many, seed=seed, address=clinic_on_dynoxide, mutant=mutant)

    return play


@pytest.mark.slow
def test_a_whole_clinic_comes_through_the_storm(storm: Callable[..., dict[str, Any]]) -> None:
    done = storm(1, claims=120)
    assert done["found"] == []
    assert done["counts"]["claims"] >= 120
    assert set(done["journal"].faults) == FAULTS, "everything that can happen did"


@pytest.mark.slow
@pytest.mark.parametrize("mutant", BREAKS)
def test_a_broken_clinic_is_found_out(storm: Callable[..., dict[str, Any]], mutant: str) -> None:
    """By what it does to people: that something raised is not enough."""
    lanes = 4 if mutant == BETWEEN_LANES else 1
    found: list[Finding] = []
    for seed in SEEDS:
        found = storm(seed, mutant, lanes=lanes)["found"]
        if caught(found):
            return
    pytest.fail(f"nobody noticed: {mutant}; last {found[:3]}")


def test_a_clinic_that_only_raises_is_not_caught() -> None:
    assert not caught([Finding("crashed", "take: KeyError()"), Finding("not tried", "take killed after 3")])
    assert all(caught([Finding("crashed", ""), Finding(kind, "")]) for kind in ("doubled", "lost", "out of order"))


@pytest.mark.slow
def test_the_order_between_lanes_is_looked_at(storm: Callable[..., dict[str, Any]]) -> None:
    done = storm(1, claims=10, lanes=4)
    assert done["found"] == []
    assert len({id.split(".")[1] for id in done["journal"].drained}) == 4, "people waited in every lane"


def test_a_quiet_deed_has_the_steps_at_which_a_lambda_must_die(clinic_on_dynoxide: str) -> None:
    wires = Wires()
    plan = Plan(claims=0, threads=8, seed=1, address=clinic_on_dynoxide, began=time.monotonic())
    one = Worker(plan, 0, Phones("ada"), wires, a_crowded_clinic(1), Board(), CALM)
    steps: dict[str, int] = {}

    def noted(done: Any) -> None:
        assert done is None or done
        steps[one.deed] = wires.here.wire.requests - one.request_of_deed

    with connected(wires), one.on_the_wire():  # type: ignore[arg-type]
        me = one.doctor.actor
        for _ in range(2):  # nobody is there yet, so these are the fewest; the first says how many are on duty
            noted(one.attempt("sweep", SYSTEM, sweeping.sweep))
        for _ in range(4):
            noted(one.join())
        noted(one.work())  # comes on duty
        first, second = one.take(me), one.take(me)
        assert first is not None
        assert second is not None
        noted(first)
        noted(one.attempt("look", me, lambda errand: errand.records.doctor(me.id)))
        visit = one.attempt("read", me, lambda errand: errand.records.visit(first))
        noted(visit)
        back = {"id": second, "epoch": 1, "reason": "Not mine."}
        noted(one.attempt("hand back", me, lambda errand: seeing.hand_back(errand, **back)))
        noted(one.sign(me, visit))
        waiting = [who for who in one.recent if who[0] not in {first, second}]
        both = (("step back", arriving.need_more_time), ("leave", arriving.leave))
        for (deed, do), (id, patient) in zip(both, waiting, strict=True):
            noted(one.attempt(deed, patient, lambda errand, id=id, do=do: do(errand, id=id)))
    assert one.journal.refused == {}
    assert one.journal.crashes == []
    assert steps == STEPS


def test_every_break_taken_from_the_simulation_is_there() -> None:
    assert set(FROM_THE_SIMULATION) < set(BREAKS)


def test_runs_are_summed_and_each_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    whole = Whole()
    try:
        tortures(whole, runs=2, seed=7, lanes=(1, 4), claims=1, processes=0, threads=1)
    finally:
        point_at(None)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(", ")[:2] for line in lines] == [["seed 7", "lanes 1"], ["seed 8", "lanes 4"]]
    assert whole.counts["claims"] == sum(run["claims"] for run in whole.runs) >= 2
    assert whole.told()["faults"] == sum(whole.faults.values())
    assert whole.amiss() == []


def a_run(claims: int, *found: Finding, died: frozenset[str] = frozenset()) -> dict[str, Any]:
    journal = Journal(died=set(died))
    return {"seconds": 1.0, "found": list(found), "journal": journal, "counts": {"claims": claims}}


def test_what_any_run_finds_is_found() -> None:
    whole = Whole()
    whole.add(701, 1, a_run(10, Finding("lost", "ann")))
    whole.add(702, 4, a_run(10))
    assert whole.amiss() == [Finding("lost", "seed 701, 1 lane(s): ann")]
    assert whole.told()["lost"] == 1


def test_a_long_torture_in_which_no_lambda_died_at_some_step_has_failed() -> None:
    some = frozenset(every_step() - {"take killed after 3"})
    short, long, complete = Whole(), Whole(), Whole()
    short.add(1, 1, a_run(EVERY_STEP_FROM - 1, died=some))
    long.add(1, 1, a_run(1, died=some))
    long.add(2, 1, a_run(EVERY_STEP_FROM - 1))
    complete.add(1, 1, a_run(EVERY_STEP_FROM, died=some | {"take killed after 3"}))
    assert short.amiss() == complete.amiss() == []
    assert long.amiss() == [Finding("not tried", "take killed after 3")]


def test_claims_are_shared_among_runs() -> None:
    assert shared(100_000, 2_500) == (40, 2_500)
    assert shared(5_000, 2_500) == (2, 2_500)
    assert shared(1_000, 2_500) == (1, 1_000)
    assert shared(3_001, 2_500) == (2, 1_501)


def test_what_the_docs_say_is_what_is_run() -> None:
    docs = (ROOT / "docs/bench.md").read_text(encoding="utf-8")
    command = re.search(r"`python -m bench\.torture (--runs [^`]+)`", docs)
    assert command is not None
    row = asked(command[1].split())
    assert row["runs"] * row["claims"] >= max(100_000, EVERY_STEP_FROM)
    (made,) = re.findall(r"-m bench\.torture (.+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert asked(made.replace('"$(CLAIMS)"', "100000").split()) == row
    assert re.findall(r"(\d+) of (\d+), each within", docs) == [(str(len(BREAKS)),) * 2]


def kept(**visits: Visit) -> Kept:
    """A table in which every visit was taken as often as its epoch says, and signed or left."""
    by_id = {visit.number: visit for visit in visits.values()}
    ended = {(ENDS[visit.state], id) for id, visit in by_id.items() if visit.state in ENDS}
    return Kept(visits=by_id, takes=Counter({id: visit.epoch for id, visit in by_id.items()}), ended=ended)


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


def test_between_lanes_in_order_is_whoever_joined_first() -> None:
    """As one doctor alone was given them: of those in front of each lane."""
    people = {"g.0.2.1": "1", "g.0.2.2": "4", "g.1.2.1": "2", "g.1.2.2": "3", "g.1.3.1": "0"}
    table = Kept(visits={id: VISIT._replace(number=id, joined=at) for id, at in people.items()})

    def wrong(*given: str) -> list[str]:
        found = out_of_order(table, Journal(drained=[f"g.{one}" for one in given]))
        return [words.split()[0] for words in found]

    assert wrong("0.2.1", "1.2.1", "1.3.1", "1.2.2", "0.2.2") == []
    assert wrong("0.2.1", "1.2.1", "0.2.2", "1.2.2") == ["g.0.2.2"]
    assert wrong("1.2.1", "0.2.1", "1.2.2", "0.2.2") == ["g.1.2.1"]
    table.visits["g.1.2.1"] = VISIT._replace(joined="9")
    assert wrong("0.2.1", "0.2.2", "1.2.1", "1.2.2") == [], (
        "numbers go before times in a lane: the next there came later"
    )
    table.moved.add("g.0.2.2")
    assert wrong("0.2.2", "0.2.1", "1.2.1", "1.2.2") == []


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
        (kept(a=VISIT._replace(state="expired")), {}),
        (replace(kept(a=VISIT), ended={("leave", "g.0.2.1")}), {}),
        (replace(kept(a=VISIT._replace(state="cancelled")), ended={("sign", "g.0.2.1")}), {}),
        (replace(kept(a=VISIT), ended={("sign", "g.0.2.2")}), {}),
    ],
)
def test_each_kind_of_loss_is_seen(table: Kept, journal: dict[str, Any]) -> None:
    assert len(list(lost(table, Journal(**journal)))) == 1
