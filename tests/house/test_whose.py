"""Whose: no deed reads one visit without asking the permission table whose it must be."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chalicelib.rooms.permission import MAY, WHOSE
from chalicelib.visit import ACTS
from chalicelib.visit.errand import Errand
from tests.house.test_house import ROOT, calls, tree

VISIT = ROOT / "chalicelib" / "visit"
DOORS = ROOT / "chalicelib" / "doors"
ASKS = ("visit", "visit_and_home", "file", "prescription", "order")  # of an errand: they read, and ask whose it is

# What reads one visit unasked on its way, each with the reason. A list asks nothing of one visit: what gives many
# (`records.visits` and the like) is not meant here.
UNASKED = {
    "arriving.enter": "the ticket that this very request has drawn, or that this person already has there",
    "arriving.bring_to_front": "nobody's wish: what the clinic itself has just moved, read again; told to no stranger",
    "arriving.turn_again": "the same, of somebody whose moment has come",
    "preferring.settle": "the same, of somebody who waited for one doctor in vain",
    "preferring.offer": "the note of this person's own last visit says which doctor it was; nothing else of it is told",
    "checking.inside": "the lines of a parcel that `errand.order` has just given to whoever packs it",
    "checking.sheet": "whoever has the sheet, by its own unguessable name: told neither the patient nor a medicine",
    "telling._to": "where to send what the clinic itself tells this patient",
    "telling._forget": "the same, of a browser that is gone",
    "telling.called": "the table's stream: a doctor has just taken this patient, who is told so",
}


@dataclass(frozen=True)
class Act:
    """One function of an act of the visit, and what its body says."""

    module: str
    name: str
    body: tuple[ast.stmt, ...]

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @functools.cached_property
    def said(self) -> list[tuple[str, ast.Call]]:
        return [found for part in self.body for found in calls(part)]

    @property
    def asked_for(self) -> Iterator[str]:
        """The deeds for which it asks the table."""
        for name, call in self.said:
            of, _, last = name.rpartition(".")
            if (of == "errand" and last in ASKS) or name in ("permission.whose", "preferring.line"):
                yield from (arg.value for arg in _words(call) if isinstance(arg.value, str))

    @property
    def reads(self) -> set[str]:
        return {name for name, _ in self.said if ".records." in name and name.rpartition(".")[2] in _readers()}


def _words(call: ast.Call) -> Iterator[ast.Constant]:
    """Also of `"this" if … else "that"`."""
    for arg in call.args:
        parts = (arg.body, arg.orelse) if isinstance(arg, ast.IfExp) else (arg,)
        yield from (part for part in parts if isinstance(part, ast.Constant))


@functools.cache
def _readers() -> frozenset[str]:
    """What of the store gives something of one visit: see `errand.Records`."""
    (records,) = [n for n in tree(VISIT / "errand.py").body if isinstance(n, ast.ClassDef) and n.name == "Records"]
    return frozenset(
        node.name
        for node in records.body
        if isinstance(node, ast.FunctionDef)
        and any(arg.annotation and ast.unparse(arg.annotation) == "Ticket" for arg in node.args.args[1:2])
        and node.returns is not None
        and ast.unparse(node.returns) not in ("None", "bool")
        and node.name != "claim"  # of a number that was just called
    )


@functools.cache
def _acts() -> dict[str, Act]:
    return {
        f"{module}.{node.name}": Act(module, node.name, tuple(node.body))
        for module in ACTS
        for node in tree(VISIT / f"{module}.py").body
        if isinstance(node, ast.FunctionDef)
    }


def _next(act: Act) -> Iterator[Act]:
    """The acts that this one goes on to."""
    brought = {
        alias.name: str(node.module).rpartition(".")[2]
        for node in tree(VISIT / f"{act.module}.py").body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for name, _ in act.said:
        of, _, last = name.rpartition(".")
        found = _acts().get(f"{of or brought.get(last, act.module)}.{last}")
        if found and found != act:
            yield found


def _unasked(act: Act, seen: frozenset[str] = frozenset()) -> list[str]:
    """The way from this act to a visit that is read without asking; [] if there is none."""
    if any(act.asked_for) or str(act) in seen or str(act) in UNASKED:
        return []
    if act.reads:
        return [f"{act} reads {sorted(act.reads)}"]
    for one in _next(act):
        if way := _unasked(one, seen | {str(act)}):
            return [str(act), *way]
    return []


def _from_doors() -> set[str]:
    """Every act that a door calls."""
    said = {name for path in DOORS.glob("*.py") for name, _ in calls(tree(path))}
    return said & set(_acts())


@pytest.mark.parametrize("name", sorted(_from_doors()))
def test_no_deed_reads_a_visit_without_asking_whose_it_is(name: str) -> None:
    assert _unasked(_acts()[name]) == []


def test_what_is_looked_at_is_there() -> None:
    assert {"visit", "visit_and_home", "file", "newest_prescription", "newest_order", "messages"} <= _readers()
    assert len(_from_doors()) > 60
    assert all(_acts()[name].reads and not any(_acts()[name].asked_for) for name in UNASKED), "the reason is not needed"
    assert all(callable(getattr(Errand, name)) for name in ASKS)


def test_no_door_reads_a_visit_past_the_deeds() -> None:
    for path in DOORS.glob("*.py"):
        for name, _ in calls(tree(path)):
            of, _, last = name.rpartition(".")
            past = of.rpartition(".")[2].lower() == "records" and last in _readers()
            assert not past, f"{Path(path).name} calls {name}"


def test_every_deed_that_asks_is_in_the_table_and_every_deed_of_the_table_asks() -> None:
    asked = {deed for act in _acts().values() for deed in act.asked_for}
    assert asked == set(WHOSE)
    for deed, roles in WHOSE.items():
        assert set(roles) <= MAY[deed], f"{deed}: a tie of somebody who may not do it at all"
