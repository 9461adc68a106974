"""DynamoDB's expressions, as far as our store writes them: conditions, and what an update does. Each is read once."""

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

Item = dict[str, dict[str, Any]]
Names, Values = dict[str, str], dict[str, Any]
Look = Callable[[Item, Names, Values], Any]  # the value at a path or placeholder, None if there is none
Holds = Callable[[Item, Names, Values], bool]
Change = Callable[[Item, Names, Values], None]

_WORDS = re.compile(r"\s*([#:]\w+|\w+|<>|<=|>=|[=<>(),+\[\]-])")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")


@cache
def condition(text: str) -> Holds:
    reader = _Reader(text)
    holds = reader.either()
    assert reader.done, text
    return holds


@cache
def update(text: str) -> Change:
    reader = _Reader(text)
    changes: list[Change] = []
    while not reader.done:
        section = reader.next()
        assert section in _SECTIONS, text
        while True:
            changes.append(getattr(reader, f"change_{section.lower()}")())
            if reader.done or reader.peek != ",":
                break
            reader.next()

    def change(item: Item, names: Names, values: Values) -> None:
        before = dict(item)  # every right-hand side is about the item as it was
        for one in changes:
            one(item, names, values | {"": before})

    return change


class _Reader:
    """Recursive descent over the words of one expression."""

    def __init__(self, text: str) -> None:
        self.words = _WORDS.findall(text)
        assert "".join(self.words) == re.sub(r"\s", "", text), text
        self.at = 0

    @property
    def done(self) -> bool:
        return self.at == len(self.words)

    @property
    def peek(self) -> str:
        return self.words[self.at] if not self.done else ""

    def next(self, expected: str = "") -> str:
        word: str = self.words[self.at]
        assert not expected or word == expected, (word, expected)
        self.at += 1
        return word

    # ---- conditions

    def either(self) -> Holds:
        left = self.both()
        while self.peek == "OR":
            self.next()
            left = (lambda a, b: lambda i, n, v: a(i, n, v) or b(i, n, v))(left, self.both())
        return left

    def both(self) -> Holds:
        left = self.simple()
        while self.peek == "AND":
            self.next()
            left = (lambda a, b: lambda i, n, v: a(i, n, v) and b(i, n, v))(left, self.simple())
        return left

    def simple(self) -> Holds:
        if self.peek == "(":
            self.next()
            inside = self.either()
            self.next(")")
            return inside
        if self.peek in ("attribute_exists", "attribute_not_exists"):
            there = self.next() == "attribute_exists"
            (path,) = self.arguments()
            return lambda i, n, v: (path(i, n, v) is not None) is there
        if self.peek in ("begins_with", "contains"):
            starts = self.next() == "begins_with"
            path, part = self.arguments()
            return _begins(path, part) if starts else _contains(path, part)
        return self.comparison()

    def comparison(self) -> Holds:
        left, word = self.operand(), self.next()
        if word == "BETWEEN":
            low = self.operand()
            self.next("AND")
            high = self.operand()
            return lambda i, n, v: _plain(low(i, n, v)) <= _plain(left(i, n, v)) <= _plain(high(i, n, v))
        if word == "IN":
            several = self.arguments()
            return lambda i, n, v: left(i, n, v) in [one(i, n, v) for one in several]
        compare, right = _COMPARE[word], self.operand()

        def holds(item: Item, names: Names, values: Values) -> bool:
            a, b = left(item, names, values), right(item, names, values)
            return a is not None and b is not None and compare(_plain(a), _plain(b))

        return holds

    def arguments(self) -> list[Look]:
        self.next("(")
        found = [self.operand()]
        while self.next() == ",":
            found.append(self.operand())
        return found

    def operand(self) -> Look:
        word = self.next()
        if word.startswith(":"):
            return lambda i, n, v: v[word]
        if word == "size":
            (path,) = self.arguments()
            return lambda i, n, v: _size(path(i, n, v))
        if word == "if_not_exists":
            path, other = self.arguments()
            return lambda i, n, v: other(i, n, v) if path(i, n, v) is None else path(i, n, v)
        if word == "list_append":
            first, second = self.arguments()
            return lambda i, n, v: {"L": first(i, n, v)["L"] + second(i, n, v)["L"]}
        assert word.startswith("#"), word
        if self.peek != "[":
            return lambda i, n, v: i.get(n[word])
        self.next("[")
        number = int(self.next())
        self.next("]")
        return lambda i, n, v: _element(i.get(n[word]), number)

    # ---- updates

    def change_set(self) -> Change:
        name = self.next()
        self.next("=")
        value = self.operand()
        if self.peek in ("+", "-"):
            value = _sum(value, self.next(), self.operand())
        return lambda i, n, v: i.__setitem__(n[name], _kept(value(v[""], n, v)))

    def change_remove(self) -> Change:
        name = self.next()
        return lambda i, n, v: (i.pop(n[name], None), None)[1]

    def change_add(self) -> Change:
        name, value = self.next(), self.operand()

        def add(item: Item, names: Names, values: Values) -> None:
            was, more = item.get(names[name]), value(item, names, values)
            if "SS" in more:
                item[names[name]] = {"SS": sorted({*(was or {"SS": ()})["SS"], *more["SS"]})}
            else:
                item[names[name]] = {"N": str(_plain(was or {"N": "0"}) + _plain(more))}

        return add

    def change_delete(self) -> Change:
        name, value = self.next(), self.operand()

        def delete(item: Item, names: Names, values: Values) -> None:
            left = {*item.get(names[name], {"SS": ()})["SS"]} - {*value(item, names, values)["SS"]}
            if left:
                item[names[name]] = {"SS": sorted(left)}
            else:
                item.pop(names[name], None)

        return delete


def _plain(value: dict[str, Any]) -> Any:
    ((kind, it),) = value.items()
    if kind == "N":
        return int(it) if it.lstrip("-").isdigit() else Decimal(it)
    return it


def _kept(value: dict[str, Any]) -> dict[str, Any]:
    return {"SS": sorted(value["SS"])} if "SS" in value else value


def _size(value: dict[str, Any] | None) -> dict[str, str] | None:
    return None if value is None else {"N": str(len(next(iter(value.values()))))}


def _element(value: dict[str, Any] | None, number: int) -> Any:
    return value["L"][number] if value and len(value["L"]) > number else None


def _sum(left: Look, sign: str, right: Look) -> Look:
    factor = 1 if sign == "+" else -1
    return lambda i, n, v: {"N": str(_plain(left(i, n, v)) + factor * _plain(right(i, n, v)))}


def _begins(path: Look, part: Look) -> Holds:
    def holds(item: Item, names: Names, values: Values) -> bool:
        there = path(item, names, values)
        return there is not None and there["S"].startswith(part(item, names, values)["S"])

    return holds


def _contains(path: Look, part: Look) -> Holds:
    def holds(item: Item, names: Names, values: Values) -> bool:
        there, wanted = path(item, names, values), part(item, names, values)
        if there is not None and "L" in there:
            return wanted in there["L"]
        return there is not None and wanted["S"] in _plain(there)

    return holds
