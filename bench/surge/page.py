"""`make costs`: what the documentation says of great days, made from the replays that were played with --publish.

The tables of docs/surge-day.md, rows of docs/bench.md and the figures of infra/clinic/usage.toml.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench.surge.aws import STACK_PER_SECOND
from bench.surge.replays import REPLAYS

ROOT = Path(__file__).resolve().parents[2]
PLAYED, DOCS = Path(__file__).with_name("played"), ROOT / "docs"
PICTURES = DOCS / "pictures"
DAY, BENCH, USAGE = DOCS / "surge-day.md", DOCS / "bench.md", ROOT / "infra" / "clinic" / "usage.toml"
PART = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
REMARK = re.compile(r"^(\w+ = [\d_.]+) *(#.*)$", re.MULTILINE)
LEFT_OUT = "deeds", "source", "cpu_seconds"  # of the figures of a replay: nothing here shows them
RESERVE = 4 / 3
SHOWN = {"alihealth": "AliHealth", "jd": "JD Health", "pingan": "Ping An", "haodf": "Haodf", "fifty": "50,000 doctors"}
SHOWN |= {"stress": "10,000 joins/s"}
RAISED = "jd", "haodf", "fifty"
FELT = {"join": "ticket", "take_next": "take next", "sign": "sign", "save_note": "save note", "say": "message"}
FELT |= {"go_on_duty": "on duty", "see_visit": "own page"}
BANDS = "urgent", "standard", "follow_up"
Found = dict[str, dict[str, Any]]


def keep(found: dict[str, Any], on: str) -> None:
    """One replay's figures, to be shown."""
    kept = {"played_on": on} | {name: value for name, value in found.items() if name not in LEFT_OUT}
    put(found["replay"], kept)


def put(name: str, kept: dict[str, Any]) -> None:
    PLAYED.mkdir(exist_ok=True)
    (PLAYED / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def played() -> Found:
    """Of every replay, in their order."""
    return {name: json.loads((PLAYED / f"{name}.json").read_text(encoding="utf-8")) for name in REPLAYS}


def seeds() -> dict[str, Any]:
    """The ten-fold step from several seeds."""
    found: dict[str, Any] = json.loads((PLAYED / "seeds.json").read_text(encoding="utf-8"))
    return found


def over_seeds(all: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the promises of some plays of one day: the median seed and the worst one, for everybody and band by band."""
    first = all[0]
    ratios = {"everybody": [f["promises"] for f in all]}
    ratios |= {band: [f["promises"]["by_band"].get(band, {}) for f in all] for band in BANDS}
    return {
        "replay": first["replay"],
        "played_one_in": first["played_one_in"],
        "seeds": [f["seed"] for f in all],
        "lost": sum(f["people"]["lost"] for f in all),
        "doubled": sum(f["people"]["doubled"] for f in all),
        "promises": {who: {q: _middle_and_worst(some, q) for q in ("p50", "p90")} for who, some in ratios.items()},
    }


def _middle_and_worst(some: list[dict[str, float]], quantile: str) -> dict[str, float]:
    """The worst is the farthest from 1, as a factor."""
    values = [one[quantile] for one in some if one.get(quantile)]
    if not values:
        return {}
    return {"median": round(median(values), 2), "worst": max(values, key=lambda v: max(v, 1 / v))}


def day(text: str) -> str:
    """docs/surge-day.md as it must be."""
    made = _tables(played(), seeds())
    return PART.sub(lambda found: f"{found[1]}{made[found[2]]}\n{found[3]}", text)


def bench(text: str) -> str:
    """docs/bench.md: the rows of its table of goals that a replay measures."""
    rows = {row.split(" | ")[0]: row for row in _goals(played(), seeds())}
    return "\n".join(rows.get(line.split(" | ")[0], line) for line in text.split("\n"))


def usage(text: str) -> str:
    """infra/clinic/usage.toml with the figures of JD Health's day; its remarks stay."""
    found = played()["jd"]
    values = {name: f"{much:_g}" if much < 10_000 else f"{round(much):_}" for name, much in found["use"].items()}
    values["as_of"] = f'"{found["played_on"]}"'
    for name, value in values.items():
        line = re.compile(rf"^({name} = )\S+(\s*?)(?=$| #)", re.MULTILINE)
        text = line.sub(rf"\g<1>{value}", text)
    return REMARK.sub(lambda found: f"{found[1]:<27}{found[2]}", text)


def _tables(found: Found, many: dict[str, Any]) -> dict[str, str]:
    parts: dict[str, Callable[[Found], Iterator[str]]] = {
        "days": _days,
        "pictures": _pictures,
        "felt": _felt,
        "order": _order,
        "edge": _edge,
        "raise": _raise,
        "price": _price,
    }
    return {name: "\n".join(make(found)) for name, make in parts.items()} | {"promises": "\n".join(_promises(many))}


def _table(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield "|" + "---|" * len(names)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _days(found: Found) -> Iterator[str]:
    dates = sorted({one["played_on"] for one in found.values()})
    yield f"Played {' to '.join(dict.fromkeys((dates[0], dates[-1])))}, seed 1.\n"
    at_once = "at once: requests/s, table writes/s, reads/s"
    yield from _table(
        "replay (one in)", "people", "doctors", "lost, doubled", "wait p50 / p90, min", "urgent p90", "follow-up p90",
        at_once, "lane row, of 1,000 writes and 3,000 reads/s", "list of prescriptions, of 1,000 writes/s",
        "$ per 1,000",
    )  # fmt: skip
    for one in found.values():
        waits, people = one["waits_minutes"], one["people"]
        peaks = (_peak(one, name) for name in ("http_per_second", "table_writes_per_second", "table_reads_per_second"))
        yield _row(
            f"{one['title'].replace(' an hour', '/h')} ({one['played_one_in']:,})",
            f"{people['came']:,}",
            f"{max(v for _, v in REPLAYS[one['replay']].doctors):,.0f}",
            f"{people['lost']}, {people['doubled']}",
            f"{_minutes(waits['everybody']['p50'])} / {_minutes(waits['everybody']['p90'])}",
            _minutes(waits["urgent"].get("p90")),
            _minutes(waits["follow_up"].get("p90")),
            ", ".join(f"{peak:,.0f}" for peak in peaks),
            f"{_peak(one, 'hottest_lane_writes'):,.0f}, {_peak(one, 'hottest_lane_reads'):,.0f}",
            f"{_peak(one, 'hottest_list_writes'):,.0f}",
            f"{one['dollars_per_1000']['total']:.2f}",
        )


def _peak(one: dict[str, Any], name: str) -> float:
    peak: float = one["limits"][name]["peak"]
    return peak


def _minutes(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _pictures(found: Found) -> Iterator[str]:
    """One shown, the others a tap away."""
    yield (
        '<img src="pictures/surge-haodf.svg" width="760" alt="Ten times the patients at once: joins, people waiting, '
        'waits and refused requests over six hours">'
    )
    others = ", ".join(f"[{SHOWN[name]}](pictures/surge-{name}.svg)" for name in found if name != "haodf")
    yield f"\nThe same of the other days: {others}."


def _felt(found: Found) -> Iterator[str]:
    yield from _table("told to come back, of the tries", *FELT.values(), "of all at the API", "at the table")
    for name, one in found.items():
        felt = one["come_back"]
        of_all = (_percent(felt[where]) for where in ("http_turned_away", "table_refused"))
        yield _row(SHOWN[name], *(_percent(felt["tries"].get(deed, 0.0)) for deed in FELT), *of_all)


def _percent(share: float, digits: int = 1) -> str:
    if not share:
        return "0"
    least = 10.0 ** -(digits + 2)
    return f"{share:.{digits}%}" if share >= least else f"under {least:.{digits}%}"


def _order(found: Found) -> Iterator[str]:
    yield from _table("seconds out of order, by ticket", "p50", "p99", "most", "p99, of the median wait")
    for name, one in found.items():
        by = one["order"]["by_ticket_seconds"]
        share = one["order"]["ticket_p99_of_median_wait"]
        yield _row(SHOWN[name], *(f"{by[q]:,.1f}" for q in ("p50", "p99", "max")), _percent(share or 0.0))


def _edge(found: Found) -> Iterator[str]:
    yield from _table(
        "boards over a day", "asked, a second at most", "clinic not asked", "with `EdgeShield`", "answered at once",
        "with `EdgeShield`",
    )  # fmt: skip
    for name, one in found.items():
        edge = one["edge"]
        kinds = "answered_at_edge", "answered_at_edge_with_shield", "answered_at_once", "answered_at_once_with_shield"
        shares = (f"{_down(edge[kind]['day'])} %" for kind in kinds)
        yield _row(SHOWN[name], f"{edge['polls_per_second_max']:,.0f}", *shares)


def _down(share: float) -> str:
    """In percent, never rounded up to all."""
    return f"{int(min(share, 0.99999) * 10_000) / 100:.2f}"


def _raise(found: Found) -> Iterator[str]:
    """What each of these days asked of every limit, and a third more."""
    days = [found[name] for name in RAISED]
    yield from _table("what", "as it is", *(f"for {_doctors(one):,.0f} doctors" for one in days))
    rows = (
        (f"`RequestsPerSecond` (`RequestsAtOnce`: twice that): **enough for {_per_doctor(found):,} doctors**",
         f"{STACK_PER_SECOND}", "http_per_second", 0),
        ("API Gateway, requests a second in the region (quota)", "10,000", "http_per_second", 10_000),
        ("Lambda, environments at once (quota); **a new account may have 10**", "1,000", "lambda_at_once", 1_000),
        ("DynamoDB warm throughput, writes a second", "4,000", "table_writes_per_second", 4_000),
        ("DynamoDB warm throughput, reads a second", "12,000", "table_reads_per_second", 12_000),
        ("DynamoDB quota of one table, writes a second", "40,000", "table_writes_per_second", 40_000),
        ("DynamoDB quota of one table, reads a second", "40,000", "table_reads_per_second", 40_000),
    )  # fmt: skip
    for what, there, name, enough in rows:
        yield _row(what, there, *(_needed(_peak(one, name), enough) for one in days))
    yield _row("lanes of a department", "1", *(str(one["limits"]["lanes_needed"]) for one in days))


def _doctors(one: dict[str, Any]) -> float:
    return max(v for _, v in REPLAYS[one["replay"]].doctors)


def _per_doctor(found: Found) -> int:
    """How many busy doctors the stack carries as it is delivered."""
    one = found["haodf"]
    return int(STACK_PER_SECOND / (_peak(one, "http_per_second") / _doctors(one)) // 100 * 100)


def _needed(peak: float, enough: float) -> str:
    wanted = peak * RESERVE
    step = 10 ** max(2, len(f"{wanted:.0f}") - 2)
    return "enough" if wanted <= enough else f"{-(-wanted // step) * step:,.0f}"


def _price(found: Found) -> Iterator[str]:
    parts = list(found["haodf"]["dollars_per_1000"]["parts"])
    yield from _table("USD for 1,000", *(SHOWN[name] for name in found))
    for part in parts:
        yield _row(part, *(f"{one['dollars_per_1000']['parts'][part]:.2f}" for one in found.values()))
    for what, name in (("**together**", "total"), ("of it listening for messages", "of_which_listening_for_messages"),
                       ("through an HTTP API", "through_an_http_api")):  # fmt: skip
        yield _row(what, *(f"{one['dollars_per_1000'][name]:.2f}" for one in found.values()))


def _promises(many: dict[str, Any]) -> Iterator[str]:
    yield from _table(
        f"actual to promised wait, {len(many['seeds'])} seeds",
        "median: middle seed",
        "worst",
        "p90: middle seed",
        "worst",
    )
    for who, ratios in many["promises"].items():
        cells = (ratios[q].get(which) for q in ("p50", "p90") for which in ("median", "worst"))
        yield _row(who.replace("_", "-"), *("-" if cell is None else f"{cell:.2f}" for cell in cells))


def _of_middle_seed(ratios: dict[str, dict[str, float]]) -> str:
    return ", ".join(f"{one['median']:.2f}" for one in ratios.values() if one) or "not counted"


def _short(*, ok: bool) -> str:
    return "" if ok else ": **falls short**"


def _goals(found: Found, many: dict[str, Any]) -> Iterator[str]:
    ratios, scale = many["promises"], many["played_one_in"]
    p50, p90 = (ratios["everybody"][q] for q in ("p50", "p90"))
    bands = "; ".join(f"{band.replace('_', '-')} {_of_middle_seed(ratios[band])}" for band in BANDS)
    yield _row(
        "actual to promised wait, ten-fold step: median 0.9 to 1.15, p90 at most 1.6",
        f"of {len(many['seeds'])} seeds the middle one: median {p50['median']:.2f}, p90 {p90['median']:.2f}; the "
        f"worst: {p50['worst']:.2f}, {p90['worst']:.2f}. By band: {bands}. One person in {scale:,} played"
        + _short(ok=0.9 <= p50["median"] <= 1.15 and p90["median"] <= 1.6),
        f"`python -m bench.surge haodf --seeds {len(many['seeds'])}`",
    )
    kinds = "answered_at_edge", "answered_at_edge_with_shield", "answered_at_once", "answered_at_once_with_shield"
    low, shield, once, both = ([one["edge"][kind]["day"] for one in found.values()] for kind in kinds)
    yield _row(
        "place polls answered at the edge: at least 99.9 %",
        f"clinic not asked {_down(min(low))} to {_down(max(low))} %, with `EdgeShield` {_down(min(shield))} to "
        f"{_down(max(shield))} %; not kept waiting for the clinic, by a copy at most 35 s old, {_down(min(once))} to "
        f"{_down(max(once))} %, with `EdgeShield` {_down(min(both))} to {_down(max(both))} %. Modelled"
        + _short(ok=min(low) >= 0.999),
        "`python -m bench.surge`",
    )
    totals = [one["dollars_per_1000"]["total"] for one in found.values()]
    yield _row(
        "list price of 1,000 consultations: at most 0.20 USD, 0 USD an hour standing",
        f"{min(totals):.2f} to {max(totals):.2f} USD; standing, mostly alarms, metrics and keys: "
        '"if nobody comes" in [costs.md](costs.md)' + _short(ok=False),
        "the same, `bench/prices.toml`",
    )
    days = [found[name] for name in ("jd", "pingan", "haodf", "fifty")]
    refused = ", ".join(_percent(one["come_back"]["tries"].get("join", 0.0)) for one in days)
    takes = ", ".join(_percent(one["come_back"]["tries"].get("take_next", 0.0)) for one in days)
    lost, doubled = (sum(one["people"][what] for one in days) for what in ("lost", "doubled"))
    fifty = found["fifty"]
    yield _row(
        "scale, on the real code: 30,000 joins/h, 729,000 visits a day, ten-fold step, 50,000 doctors",
        f"played, {lost} lost, {doubled} doubled; told to come back {refused} of the tries to join, {takes} of those "
        f"to take. 50,000 doctors ask for {_peak(fifty, 'http_per_second'):,.0f} requests/s of an account's 10,000 "
        f"and a table warmed for {fifty['raised']['warm_write_units']:,.0f} writes and "
        f"{fifty['raised']['warm_read_units']:,.0f} reads/s",
        "the same",
    )


def main() -> int:
    for path, made in ((DAY, day), (BENCH, bench), (USAGE, usage)):
        path.write_text(made(path.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"{path.relative_to(ROOT)} is of what lies in {PLAYED.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
