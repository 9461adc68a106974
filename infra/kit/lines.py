"""Where each value of a TOML file stands: Python's own reader forgets, and a person needs the line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Path_ = tuple[str | int, ...]
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
# What may hold a bracket that is none, longest first: strings of four kinds, and comments.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""'
    r"|'''.*?'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[\]{}]"
    r"|\n",
    re.DOTALL,
)


@dataclass(slots=True)
class Lines:
    """Line numbers by path, like ("departments", 1, "opens"); the first line is 1."""

    text: list[str]
    first: dict[Path_, int] = field(default_factory=dict)
    last: dict[Path_, int] = field(default_factory=dict)

    def of(self, path: Path_, word: str = "") -> int:
        """The line of a value, else of what it would belong to; with `word` its own line inside a long list."""
        while path and path not in self.first:
            path = path[:-1]
        start = self.first.get(path, 1)
        if word:
            for number in range(start, self.last.get(path, start) + 1):
                if word in self.text[number - 1].partition("=")[2] or (
                    number > start and word in self.text[number - 1]
                ):
                    return number
        return start


def lines_of(text: str) -> Lines:
    """The lines of a text that tomllib has read without complaint."""
    found = Lines(text.split("\n"))
    tables: dict[tuple[str, ...], int] = {}  # arrays of tables -> index of the newest
    here: Path_ = ()
    for start, end in _statements(text):
        line = found.text[start - 1]
        if header := _HEADER.match(line):
            here = _header(header, tables)
            path = here
        elif key := _KEY.match(line):
            path = (*here, *_parts(key[1]))
        else:
            continue
        for depth in range(1, len(path) + 1):  # [texts.en] is also where texts begins
            found.first.setdefault(path[:depth], start)
        found.last[path] = end
    return found


def _header(header: re.Match[str], tables: dict[tuple[str, ...], int]) -> Path_:
    parts = _parts(header[2])
    if header[1] == "[[":
        tables[parts] = tables.get(parts, -1) + 1
    path: list[str | int] = []
    for depth, part in enumerate(parts, start=1):
        path.append(part)
        if parts[:depth] in tables:
            path.append(tables[parts[:depth]])
    return tuple(path)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(text))


def _statements(text: str) -> Iterator[tuple[int, int]]:
    """First and last line of everything that is one statement: a value may go over many lines."""
    number, begun, depth = 1, 1, 0
    for token in _TOKEN.finditer(text + "\n"):
        said = token[0]
        if said in "[{":
            depth += 1
        elif said in "]}":
            depth -= 1
        number += said.count("\n")
        if said == "\n" and depth == 0:
            yield begun, number - 1
            begun = number
