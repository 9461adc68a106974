"""What a replay showed: one dictionary of figures for machines, and the same as a table for people."""

import statistics
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.surge import aws, replays
from bench.surge.clinic import World
from bench.surge.crowd import Crowd
from bench.surge.people import Patient
from bench.surge.replays import Replay
from bench.surge.table import Bill, Table
from chalicelib.rooms import queue
from chalicelib.rooms.promise import HIGH, LOW
from chalicelib.rooms.queue import ONE_CALL_IN, Band, State
from chalicelib.store import records
from chalicelib.visit import sweeping

PRICES = tomllib.loads((Path(__file__).parents[1] / "prices.toml").read_text(encoding="utf-8"))
POLLS = ("doctor_listens", "patient_listens")
LANE_UNITS = aws.KEY_WRITES / 2  # what one lane is trusted with: half of what its key can take
PROMISE_MINUTES_MIN = 5  # of shorter promises a ratio says little: the range is in whole minutes
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
SMOOTH = 5
MILLION, GIGABYTE = 1e6, 1e9


def quantiles(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * q))], 2) for name, q in QUANTILES.items()}


def figures(world: World, crowd: Crowd, seed: int) -> dict[str, Any]:
    """Everything, at the scale of the platform unless it says played."""
    replay, table = world.replay, world.table
    return {
        "replay": replay.name,
        "title": replay.title,
        "source": replay.source,
        "seed": seed,
        "played_one_in": replay.scale,
        "lanes": replay.lanes,
        "warm_write_units": replay.warm,
        "hours": round(world.now / 3600, 2),
        "people": people(world, crowd),
        "waits_minutes": waits(world.patients),
        "tickets_seconds": quantiles(p.joined - p.tried for p in world.patients if p.joined is not None and p.tried),
        "order": order(world.patients),
        "passed_over": {b.name.lower(): {"longest": world.watch.longest[b], "bound": ONE_CALL_IN[b]} for b in Band},
        "promises": promises(world.patients),
        "edge": edge(world),
        "limits": limits(replay, table),
        "throttled": throttled(world),
        "dollars_per_1000": dollars(world),
        "sweep": sweep(world),
        "deeds": {name: _each(bill) for name, bill in sorted(table.deeds.items()) if bill.http},
    }


def people(world: World, crowd: Crowd) -> dict[str, Any]:
    """Counts, and whether anybody was lost or doubled: what the sampled people know against what the table says."""
    patients, scale = world.patients, world.scale
    with world.table.charged("nobody", 0, http=False):
        kept = {visit.id: visit for visit in records.visits(p.id for p in patients if p.id)}
    states = Counter(kept[p.id].state if p.id in kept else "lost" for p in patients if p.id)
    wrong = [p for p in patients if p.id and p.id in kept and not _agree(p, kept[p.id].state)]
    return {
        "came": len(patients) * scale,
        "with_ticket": len(kept) * scale,
        "seen": states[State.COMPLETED] * scale,
        "left": sum(p.left for p in patients) * scale,
        "still_waiting": sum(p.waiting for p in patients) * scale,
        "doctors": len(crowd.doctors) * scale,
        "played": {"patients": len(patients), "doctors": len(crowd.doctors)},
        "lost": states["lost"] + len(wrong),
        "doubled": crowd.doubled + len(crowd.by_id) - len({p.number for p in crowd.by_id.values()}),
        "taken_away": crowd.taken_away * scale,
    }


def _agree(patient: Patient, state: State) -> bool:
    """Whether the table says of a visit what its patient saw happen."""
    if patient.left:
        return state is State.CANCELLED
    if patient.over is not None:
        return state is State.COMPLETED
    return state in queue.ACTIVE


def waits(patients: list[Patient]) -> dict[str, Any]:
    """From the first tap on "join" to the first call, by band."""
    found: dict[str, Any] = {}
    for band in (None, Band.URGENT, Band.STANDARD, Band.FOLLOW_UP):
        called = [p for p in patients if p.called is not None and band in (None, p.band)]
        minutes = [(p.called - p.tried) / 60 for p in called if p.called is not None and p.tried is not None]
        found[band.name.lower() if band else "everybody"] = {"people": len(called), **quantiles(minutes)}
    return found


def order(patients: list[Patient]) -> dict[str, Any]:
    """How many seconds sooner or later than in exact order people were called, within department and band: by when
    they had their ticket, and by when they first tapped. Who stepped back asked for it and is left out.

    A mistake is by so many people, however many are played: in seconds it is as much longer as they are fewer.
    """
    called = [p for p in patients if p.called is not None and not p.stepped_back]
    by_ticket, by_tap = (_errors(called, came) for came in (lambda p: p.joined, lambda p: p.tried))
    waited = statistics.median([p.called - p.joined for p in called]) if called else 0.0
    share = round(by_ticket["p99"] / waited, 4) if waited else None
    return {"by_ticket_seconds": by_ticket, "by_first_tap_seconds": by_tap, "ticket_p99_of_median_wait": share}


def _errors(called: list[Patient], came: Callable[[Patient], Any]) -> dict[str, float]:
    queues: dict[tuple[str, Band], list[Patient]] = defaultdict(list)
    for p in called:
        queues[p.department, p.band].append(p)
    exact = ((p, at) for q in queues.values() for p, at in zip(sorted(q, key=came), _calls(q), strict=True))
    return quantiles(abs(p.called - at) for p, at in exact if p.called is not None)


def _calls(people: list[Patient]) -> list[float]:
    return sorted(p.called for p in people if p.called is not None)


def promises(patients: list[Patient]) -> dict[str, Any]:
    """Actual wait / promised wait as rooms/promise.py counts it, of those who were promised a wait worth the name."""
    ratios: dict[Band, list[float]] = {band: [] for band in Band}
    in_range, without = 0, 0
    for p in patients:
        if p.visit is None or p.called is None or p.joined is None or p.stepped_back:
            continue
        without += p.visit.promise is None
        if p.visit.promise is None or p.visit.promise[1] < PROMISE_MINUTES_MIN:
            continue
        low, high = p.visit.promise
        actual = (p.called - p.joined) / 60
        ratios[p.band].append(actual / ((low / LOW + high / HIGH) / 2))
        in_range += actual <= high
    all = [ratio for some in ratios.values() for ratio in some]
    share = round(in_range / len(all), 3) if all else None
    by_band = {b.name.lower(): quantiles(some) for b, some in ratios.items() if some}
    return {
        "counted": len(all),
        "in_range_or_sooner": share,
        "without_promise": without,
        **quantiles(all),
        "by_band": by_band,
    }


def edge(world: World) -> dict[str, float]:
    polls, origin = sum(m.edge for m in world.minutes), sum(m.origin for m in world.minutes)
    busiest = max(world.minutes, key=lambda m: m.edge)
    return {
        "polls": round(polls),
        "at_origin": round(origin),
        "answered_at_edge": round(1 - origin / polls, 5) if polls else 1.0,
        "polls_per_second_max": round(busiest.edge / 60, 1),
        "answered_at_edge_in_busiest_minute": round(1 - busiest.origin / busiest.edge, 5) if busiest.edge else 1.0,
    }


def limits(replay: Replay, table: Table) -> dict[str, Any]:
    """The highest rates the day asked for, beside what lets them through; rates are means over five of its bins."""
    seconds = replay.bin_seconds
    bins = _smooth(table)
    used: dict[str, Callable[[Bill], float]] = {
        "http_per_second": lambda b: b.http / seconds,
        "lambda_at_once": lambda b: _lambda_seconds(b) / seconds,
        "table_writes_per_second": lambda b: b.writes / seconds,
        "table_reads_per_second": lambda b: b.reads / seconds,
        "hottest_lane_writes": lambda b: _hottest(b, "w", "L#") / seconds,
        "hottest_lane_reads": lambda b: _hottest(b, "r", "L#") / seconds,
        "hottest_list_writes": lambda b: _hottest(b, "w", "list:") / seconds,
    }
    most = {name: max(map(rate, bins)) for name, rate in used.items()}
    allowed = {
        "http_per_second": aws.API_PER_SECOND,
        "lambda_at_once": aws.ENVIRONMENTS_QUOTA,
        "table_writes_per_second": round(table.whole["w"].bucket.rate),
        "table_reads_per_second": round(table.whole["r"].bucket.rate),
        "hottest_lane_writes": aws.KEY_WRITES,
        "hottest_lane_reads": aws.KEY_READS,
        "hottest_list_writes": aws.KEY_WRITES,
    }
    found: dict[str, Any] = {name: {"peak": round(most[name], 1), "limit": allowed[name]} for name in most}
    found["stack_http_per_second"] = {"peak": round(most["http_per_second"], 1), "limit": aws.STACK_PER_SECOND}
    found["turned_away_by_stack"] = _share(bins, lambda b: b.http / seconds, aws.STACK_PER_SECOND)
    found["turned_away_by_api"] = _share(bins, lambda b: b.http / seconds, aws.API_PER_SECOND)
    found["turned_away_by_lambda"] = _by_lambda(bins, seconds)
    found["lane_writes_by_deed"] = _shares({name: _lanes(b) for name, b in table.deeds.items()})
    return found | lanes_needed(replay)


def _smooth(table: Table) -> list[Bill]:
    """Every bin as the mean of itself and the four before: one person played is a crowd arriving at one moment."""
    smooth = []
    for number in range(max(table.bins) + 1):
        mean = Bill()
        for n in range(max(0, number - SMOOTH + 1), number + 1):
            mean.add(table.bins.get(n, Bill()).times(1 / SMOOTH))
        smooth.append(mean)
    return smooth


def lanes_needed(replay: Replay) -> dict[str, Any]:
    """Counter writes a second in the busiest department, by the curves: one for each join and one for each call."""
    share = max(replay.shares.values())
    joins = max(v for _, v in replay.joins) / 3600 * share
    takes = max(v for _, v in replay.doctors) / replays.CONSULT_MEAN_SECONDS * share
    needed = 1
    while (joins + takes) / needed > LANE_UNITS:
        needed *= 2
    return {"counter_writes_per_second": round(joins + takes, 1), "lanes_needed": needed}


def _hottest(bill: Bill, way: str, prefix: str) -> float:
    return max((units for (key, w), units in bill.keys.items() if w == way and key.startswith(prefix)), default=0.0)


def _lanes(bill: Bill) -> float:
    return sum(units for (key, way), units in bill.keys.items() if way == "w" and key.startswith("L#"))


def _shares(of: dict[str, float]) -> dict[str, float]:
    """The largest first, as parts of the whole; what is hardly anything is left out."""
    whole = sum(of.values()) or 1.0
    shares = sorted(((round(units / whole, 2), name) for name, units in of.items()), reverse=True)
    return {name: share for share, name in shares if share >= 0.01}


def _lambda_seconds(bill: Bill) -> float:
    return bill.http * aws.DOOR_SECONDS + bill.requests * aws.REQUEST_SECONDS


def _share(bins: list[Bill], rate: Callable[[Bill], float], limit: float) -> float:
    over = sum(aws.over(rate(b), limit) * b.http for b in bins)
    return round(over / sum(b.http for b in bins), 4)


def _by_lambda(bins: list[Bill], seconds: float) -> float:
    environments, over, all = aws.Environments(), 0.0, 0.0
    for bill in bins:
        over += environments.refused(_lambda_seconds(bill) / seconds, seconds) * bill.http
        all += bill.http
    return round(over / all, 4)


def throttled(world: World) -> dict[str, Any]:
    """What the modelled table refused while people were being played: tries, and deeds that gave up and said so."""
    bills = world.table.deeds.values()
    refused = sum(b.refused for b in bills)
    return {
        "requests_refused": round(refused),
        "share": round(refused / sum(b.requests for b in bills), 5),
        "deeds_told_to_come_back": {name: n * world.scale for name, n in sorted(world.busy.items())},
        "deeds_too_late": {name: n * world.scale for name, n in sorted(world.refused.items())},
    }


def dollars(world: World) -> dict[str, Any]:
    """List price of 1,000 finished consultations."""
    finished = max(1, sum(p.over is not None and not p.left for p in world.patients)) * world.scale
    total, polls = Bill(), Bill()
    for name, bill in world.table.deeds.items():
        total.add(bill)
        if name in POLLS:
            polls.add(bill)
    asked = sum(m.edge for m in world.minutes)
    bytes_out = (total.http - polls.http) * aws.PAGE_BYTES + (polls.http + asked) * aws.ANSWER_BYTES
    parts = _parts(total) | {
        "edge requests": asked / MILLION * PRICES["cloudfront"]["requests_million"],
        "bytes": bytes_out / GIGABYTE * PRICES["cloudfront"]["gb"],
    }
    each = {name: round(usd / finished * 1000, 4) for name, usd in parts.items()}
    listening = (
        sum(_parts(polls).values()) + polls.http * aws.ANSWER_BYTES / GIGABYTE * PRICES["cloudfront"]["gb"]
    ) / (finished / 1000)
    whole = sum(each.values())
    saved = total.http * (PRICES["api"]["rest_million"] - PRICES["api"]["http_million"]) / MILLION / finished * 1000
    return {
        "total": round(whole, 3),
        "of_which_listening_for_messages": round(listening, 3),
        "without_listening": round(whole - listening, 3),
        "through_an_http_api": round(whole - saved, 3),
        "parts": each,
        "http_requests_per_consultation": round(total.http / finished, 1),
        "write_units_per_consultation": round(total.writes / finished, 1),
        "read_units_per_consultation": round(total.reads / finished, 1),
        "prices_as_of": PRICES["as_of"],
    }


def _parts(bill: Bill) -> dict[str, float]:
    seconds = _lambda_seconds(bill) * aws.MEMORY_GB
    return {
        "table writes": bill.writes / MILLION * PRICES["dynamodb"]["write_units_million"],
        "table reads": bill.reads / MILLION * PRICES["dynamodb"]["read_units_million"],
        "API requests": bill.http / MILLION * PRICES["api"]["rest_million"],
        "Lambda requests": bill.http / MILLION * PRICES["lambda"]["requests_million"],
        "Lambda time": seconds * PRICES["lambda"]["gb_second"],
        "logs": bill.http * aws.LOG_BYTES / GIGABYTE * PRICES["logs"]["gb"],
        "traces": bill.http * aws.TRACED / MILLION * PRICES["xray"]["traces_million"],
    }


def sweep(world: World) -> dict[str, Any]:
    """What once a minute looks after the lost must read and remember in the busiest lane, at the platform's size."""
    share = max(world.replay.shares.values()) / world.replay.lanes
    calls = max(v for _, v in world.replay.doctors) / replays.CONSULT_MEAN_SECONDS * 60 * share
    busy = max(m.in_consult for m in world.minutes) * share
    id_bytes = len("respiratory.0.2.1000000") + 1  # in a list, with its type
    coming = _steepest(world.replay.doctors) / 3600 * max(world.replay.shares.values())  # every lane counts them all
    return {
        "numbers_called_per_minute": round(calls),
        "numbers_looked_at_per_minute": sweeping.NUMBERS_MAX,
        "open_visits_remembered": round(busy),
        "mark_bytes": round(busy * id_bytes),
        "item_bytes_max": aws.ITEM_BYTES_MAX,
        "seconds_to_read_them": round(busy / records.BATCH_MAX * aws.REQUEST_SECONDS, 1),
        "counter_writes_refused_while_doctors_come": round(min(1.0, coming * aws.TRANSACTION_SECONDS), 4),
    }


def _steepest(curve: replays.Curve) -> float:
    """Doctors coming on duty per hour, at the most."""
    steps = zip(curve, curve[1:], strict=False)
    return max([(b[1] - a[1]) / (b[0] - a[0]) for a, b in steps if b[0] > a[0]], default=0.0)


def _each(bill: Bill) -> dict[str, float]:
    """What one of a kind costs, as measured."""
    names = {"requests": bill.requests, "writes": bill.writes, "reads": bill.reads}
    return {"http": round(bill.http), **{name: round(value / bill.http, 2) for name, value in names.items()}}
