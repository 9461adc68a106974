"""How fast it is: commands that print a table and write JSON under out/. Times are ratios taken in one run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

OUT = Path(__file__).resolve().parents[1] / "out"


def show(title: str, lines: Sequence[dict[str, Any]]) -> None:
    """Print lines of one shape as a table; the first column is what a line is about."""
    names = list(lines[0])
    cells = [names, *([_cell(line[name]) for name in names] for line in lines)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    print(f"\n{title}")
    for first, *rest in cells:
        print(
            first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)), sep="  "
        )


def _cell(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def write(name: str, found: dict[str, Any]) -> None:
    """Keep what was measured as out/bench-<name>.json."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"bench-{name}.json"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"out/{path.name}", flush=True)
