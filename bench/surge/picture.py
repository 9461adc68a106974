"""The picture of a replay: four small charts over the same hours, written as plain SVG."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from bench.surge.clinic import World
from bench.surge.replays import at

BUCKETS = 72
WIDTH, LEFT, RIGHT, TOP, PANEL, GAP = 760, 76, 24, 62, 104, 44
INK, FAINT, FIRST, SECOND = "#1f2933", "#d5dbe1", "#0b6e6e", "#c2410c"
LONG_HOURS = 3.0  # shorter replays are drawn in minutes
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    words: str
    points: Points
    colour: str
    filled: bool = False


@dataclass(frozen=True)
class Panel:
    """One chart: what it shows, in which unit, and its lines."""

    title: str
    lines: tuple[Line, ...]


def panels(world: World) -> tuple[float, list[Panel]]:
    """The hours the picture covers, and what is in it."""
    hours = world.now / 3600
    step = hours / BUCKETS
    middle = [(n + 0.5) * step for n in range(BUCKETS)]
    joined = _counted([p.joined / 3600 for p in world.patients if p.joined is not None], step)
    tickets = [(h, n * world.scale / step) for h, n in zip(middle, joined, strict=True)]
    wanted = [(h, at(world.replay.joins, h) if h < world.replay.hours else 0.0) for h in _fine(hours)]
    minutes = world.minutes
    waits: list[list[float]] = [[] for _ in range(BUCKETS)]
    for p in world.patients:
        if p.called is not None and p.tried is not None:
            waits[min(BUCKETS - 1, int(p.called / 3600 / step))].append((p.called - p.tried) / 60)
    p50, p90 = ([(h, sorted(w)[int(len(w) * q)]) for h, w in zip(middle, waits, strict=True) if w] for q in (0.5, 0.9))
    refused = [0.0] * BUCKETS
    for number, bill in world.table.bins.items():
        place = min(BUCKETS - 1, int(number * world.replay.bin_seconds / 3600 / step))
        refused[place] += bill.refused / (step * 3600)
    return hours, [
        Panel(
            "People joining, an hour",
            (Line("tickets given", tickets, FIRST, filled=True), Line("wanted", wanted, SECOND)),
        ),
        Panel(
            "People waiting, doctors on duty",
            (
                Line("waiting", [(m.at / 3600, m.waiting) for m in minutes], SECOND, filled=True),
                Line("doctors", [(m.at / 3600, m.on_duty) for m in minutes], FIRST),
            ),
        ),
        Panel(
            "Wait of those called then, minutes",
            (Line("nine in ten waited less", p90, SECOND), Line("half waited less", p50, FIRST)),
        ),
        Panel(
            "Requests the table refused, a second",
            (Line("refused", list(zip(middle, refused, strict=True)), SECOND, filled=True),),
        ),
    ]


def _counted(hours: list[float], step: float) -> list[int]:
    counts = [0] * BUCKETS
    for hour in hours:
        counts[min(BUCKETS - 1, int(hour / step))] += 1
    return counts


def _fine(hours: float) -> list[float]:
    return [n * hours / (8 * BUCKETS) for n in range(8 * BUCKETS + 1)]


def svg(world: World) -> str:
    hours, charts = panels(world)
    height = TOP + len(charts) * (PANEL + GAP) + 8
    title = f"{world.replay.title}"
    about = (
        f"One person in {world.scale:,} played on the real code; figures are for everybody. Lanes: {world.replay.lanes}"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="{LEFT}" y="42">{escape(about)}</text>',
    ]
    for n, chart in enumerate(charts):
        parts += _panel(chart, TOP + n * (PANEL + GAP) + 20, hours)
    return "\n".join([*parts, "</svg>", ""])


def _panel(chart: Panel, top: float, hours: float) -> list[str]:
    most = max((v for line in chart.lines for _, v in line.points), default=0.0)
    step = _step(most)
    ceiling = max(step, math.ceil(most / step - 1e-9) * step)
    x = lambda hour: LEFT + hour / hours * (WIDTH - LEFT - RIGHT)  # noqa: E731  # two scales, side by side
    y = lambda value: top + PANEL - value / ceiling * PANEL  # noqa: E731
    parts = [f'<text x="{LEFT}" y="{top - 8}" font-weight="600">{escape(chart.title)}</text>']
    parts += _legend(chart, top)
    for n in range(round(ceiling / step) + 1):
        at_y = y(n * step)
        parts.append(f'<path d="M{LEFT} {at_y:.1f}H{WIDTH - RIGHT}" stroke="{FAINT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at_y + 4:.1f}" text-anchor="end">{_short(n * step)}</text>')
    parts += _hours(x, top, hours)
    for line in chart.lines:
        parts.append(_drawn(line, x, y, top + PANEL))
    return parts


def _legend(chart: Panel, top: float) -> list[str]:
    parts, right = [], float(WIDTH - RIGHT)
    for line in reversed(chart.lines):
        parts.append(f'<text x="{right}" y="{top - 8}" text-anchor="end" fill="{line.colour}">{line.words}</text>')
        right -= 8 * len(line.words) * 0.8 + 20
    return parts


def _hours(x: Callable[[float], float], top: float, hours: float) -> list[str]:
    """The axis of time: hours, or minutes of a short replay."""
    factor, unit = (1, "h") if hours > LONG_HOURS else (60, "min")
    step = _step(hours * factor * 0.45)
    parts = []
    for n in range(int(hours * factor / step) + 1):
        words, place = f"{n * step:g} {unit}", x(n * step / factor)
        anchor = "end" if place > WIDTH - RIGHT - 10 else "middle"  # the last one stays inside
        parts.append(f'<text x="{place:.1f}" y="{top + PANEL + 15}" text-anchor="{anchor}">{words}</text>')
    return parts


def _drawn(line: Line, x: Callable[[float], float], y: Callable[[float], float], floor: float) -> str:
    if not line.points:
        return ""
    path = "L".join(f"{x(hour):.1f} {y(value):.1f}" for hour, value in _thin(line.points))
    first, last = x(line.points[0][0]), x(line.points[-1][0])
    area = f'<path d="M{first:.1f} {floor}L{path}L{last:.1f} {floor}Z" fill="{line.colour}" fill-opacity=".14"/>'
    return f'{area if line.filled else ""}<path d="M{path}" fill="none" stroke="{line.colour}" stroke-width="1.6"/>'


def _thin(points: Points) -> Points:
    """At most a few points for each bucket; of those left out the highest stays."""
    size = max(1, len(points) // (3 * BUCKETS))
    return [max(points[n : n + size], key=lambda point: point[1]) for n in range(0, len(points), size)]


def _step(most: float) -> float:
    """A round distance between two to four lines."""
    if most <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(most / 2))
    return next(power * n for n in (1, 2, 5, 10) if most / (power * n) <= 4)  # type: ignore[no-any-return]


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
