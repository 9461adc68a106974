"""A kit as it was read: what the hospital said, where it said it, and everything that is wrong with it at once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.kit.lines import Lines, Path_, lines_of

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"  # the kits that come with the software
CLINICS = ROOT / "clinics"  # the hospital's own
FILE = "clinic.toml"
BYTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing to change: in which file, in which line, and why."""

    file: Path
    line: int
    why: str

    def __str__(self) -> str:
        return f"{shown(self.file)}:{self.line}: {self.why}"


class KitRefused(Exception):
    """The kit cannot be used. All of it was looked at, so `wrongs` is everything there is to change."""

    def __init__(self, wrongs: list[Wrong]) -> None:
        super().__init__("\n".join(map(str, wrongs)))
        self.wrongs = wrongs


@dataclass(slots=True)
class Sheet:
    """One TOML file, and what is found wrong with it."""

    file: Path
    said: dict[str, Any]
    lines: Lines
    wrongs: list[Wrong] = field(default_factory=list)

    def wrong(self, path: Path_, why: str, word: str = "") -> None:
        self.wrongs.append(Wrong(self.file, self.lines.of(path, word), why))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """A kit without a fault. `compiled` is what the clinic reads; the rest of `said` is for the stack."""

    name: str
    folder: Path
    said: Mapping[str, Any]
    compiled: Mapping[str, Any]
    logo: str  # one safe SVG, or ""
    pages: Mapping[str, str]  # the hospital's own pages


def sheet(file: Path) -> Sheet:
    """Read one TOML file. Raises KitRefused if it cannot be read at all."""
    try:
        data = file.read_bytes()
    except OSError as missing:
        raise KitRefused([Wrong(file, 1, f"the file cannot be read: {missing.strerror}")]) from missing
    if len(data) > BYTES_MAX:
        raise KitRefused([Wrong(file, 1, "the file is too large")])
    try:
        text = data.decode()
        return Sheet(file, tomllib.loads(text), lines_of(text))
    except UnicodeDecodeError as wrong:
        line = data[: wrong.start].count(b"\n") + 1
        raise KitRefused([Wrong(file, line, "not UTF-8: save the file as UTF-8")]) from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise KitRefused([Wrong(file, _line_said(str(wrong), data), f"not TOML: {wrong}")]) from wrong


def _line_said(message: str, data: bytes) -> int:
    """tomllib says "(at line 3, column 5)", or "(at end of document)"."""
    digits = message.partition("at line ")[2].partition(",")[0]
    return int(digits) if digits.isdigit() else data.count(b"\n") + 1


def folder_of(name: str) -> Path:
    """Where the kit of this name lies: the hospital's own before those that come with the software."""
    own = CLINICS / name
    return own if (own / FILE).is_file() else TEMPLATES / name


def names() -> list[str]:
    """Every kit there is, the hospital's own first."""
    found = [sorted(folder.parent.name for folder in place.glob(f"*/{FILE}")) for place in (CLINICS, TEMPLATES)]
    return list(dict.fromkeys(found[0] + found[1]))


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
