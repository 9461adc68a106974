"""What a replay showed: one dictionary of figures for machines, and the same as a table for people."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from bench.surge import aws, price, replays
from bench.surge.clinic import World
from bench.surge.crowd import Crowd
from bench.surge.people import Patient
from bench.surge.phones import Polls
from bench.surge.replays import Replay
from bench.surge.table import Bill, Table
from chalicelib.rooms.promise import HIGH, LOW
from chalicelib.rooms.queue import ONE_CALL_IN, Band, State
from chalicelib.store import records
from chalicelib.visit import sweeping

LANE_UNITS = aws.KEY_WRITES / 2  # what one lane is trusted with: half of what its key can take
PROMISE_MINUTES_MIN = 5  # of shorter promises a ratio says little: the range is in whole minutes
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
SMOOTH = 5


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
        "raised": {
            "requests_per_second": replay.api,
            "environments": replay.environments,
            "warm_write_units": replay.warm,
            "warm_read_units": replay.warm * aws.TABLE_READS / aws.TABLE_WRITES,
        },
        "hours": round(world.now / 3600, 2),
        "people": people(world, crowd),
        "waits_minutes": waits(world.patients),
        "tickets_seconds": quantiles(p.joined - p.tried for p in world.patients if p.joined is not None and p.tried),
        "order": order(world.patients),
        "passed_over": {b.name.lower(): {"longest": world.watch.longest[b], "bound": ONE_CALL_IN[b]} for b in Band},
        "promises": promises(world.patients),
        "edge": edge(crowd.polls),
        "limits": limits(replay, table),
        "come_back": come_back(world),
        "dollars_per_1000": price.dollars(world, crowd.polls),
        "use": price.use(world, crowd.polls),
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
    forgotten = [p for p in patients if p.over is None]  # still waits, at the end of everything
    return {
        "came": len(patients) * scale,
        "with_ticket": len(kept) * scale,
        "seen": states[State.COMPLETED] * scale,
        "left": sum(p.left for p in patients) * scale,
        "still_waiting": sum(p.waiting for p in patients) * scale,
        "doctors": len(crowd.doctors) * scale,
        "played": {"patients": len(patients), "doctors": len(crowd.doctors)},
        "lost": states["lost"] + len(wrong) + len(forgotten),
        "doubled": crowd.doubled + len(crowd.by_id) - len({p.number for p in crowd.by_id.values()}),
        "taken_away": crowd.taken_away * scale,
    }


def _agree(patient: Patient, state: State) -> bool:
    """Whether the table says of a visit that is over what its patient saw happen."""
    if patient.left:
        return state is State.CANCELLED
    return patient.over is None or state is State.COMPLETED


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


def edge(minutes: list[Polls]) -> dict[str, Any]:
    """Looks at the board: which part the clinic was not asked for, and which did not wait for it. Behind an old copy it
    is asked too, so the second is the larger and costs the same."""
    polls, busiest = sum(m.asked for m in minutes), max(minutes, key=lambda m: m.asked)

    def left(of: Callable[[Polls], float]) -> dict[str, float]:
        day, peak = sum(map(of, minutes)), of(busiest)
        return {
            "day": round(1 - day / polls, 6) if polls else 1.0,
            "busiest_minute": round(1 - peak / busiest.asked, 6) if busiest.asked else 1.0,
        }

    return {
        "polls": round(polls),
        "polls_per_second_max": round(busiest.asked / 60, 1),
        "answered_at_edge": left(lambda m: m.origin),
        "answered_at_edge_with_shield": left(lambda m: m.shielded_origin),
        "answered_at_once": left(lambda m: m.waited),
        "answered_at_once_with_shield": left(lambda m: m.shielded_waited),
    }


def limits(replay: Replay, table: Table) -> dict[str, Any]:
    """The highest rates the day asked for, beside what lets them through; rates are means over five of its bins."""
    seconds = replay.bin_seconds
    bins = _smooth(table)
    used: dict[str, Callable[[Bill], float]] = {
        "http_per_second": lambda b: b.http / seconds,
        "lambda_at_once": lambda b: b.seconds / seconds,
        "table_writes_per_second": lambda b: b.writes / seconds,
        "table_reads_per_second": lambda b: b.reads / seconds,
        "hottest_lane_writes": lambda b: _hottest(b, "w", "L#") / seconds,
        "hottest_lane_reads": lambda b: _hottest(b, "r", "L#") / seconds,
        "hottest_list_writes": lambda b: _hottest(b, "w", "list:") / seconds,
    }
    most = {name: max(map(rate, bins)) for name, rate in used.items()}
    allowed = {
        "http_per_second": replay.api,
        "lambda_at_once": replay.environments,
        "table_writes_per_second": round(table.whole["w"].bucket.rate),
        "table_reads_per_second": round(table.whole["r"].bucket.rate),
        "hottest_lane_writes": aws.KEY_WRITES,
        "hottest_lane_reads": aws.KEY_READS,
        "hottest_list_writes": aws.KEY_WRITES,
    }
    found: dict[str, Any] = {name: {"peak": round(most[name], 1), "limit": allowed[name]} for name in most}
    found["stack_http_per_second"] = {"peak": round(most["http_per_second"], 1), "limit": aws.STACK_PER_SECOND}
    found["turned_away_by_stack"] = _share(bins, lambda b: b.http / seconds, aws.STACK_PER_SECOND)
    found["turned_away_while_lambda_wakes"] = _by_lambda(bins, seconds, replay.environments)
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


def _share(bins: list[Bill], rate: Callable[[Bill], float], limit: float) -> float:
    over = sum(aws.over(rate(b), limit) * b.http for b in bins)
    return round(over / sum(b.http for b in bins), 4)


def _by_lambda(bins: list[Bill], seconds: float, quota: float) -> float:
    """Worked out beside: the people played feel the quota, and not how fast environments are started."""
    environments, over, all = aws.Environments(quota=quota), 0.0, 0.0
    for bill in bins:
        over += environments.refused(bill.seconds / seconds, seconds) * bill.http
        all += bill.http
    return round(over / all, 4)


def come_back(world: World) -> dict[str, Any]:
    """What people felt of all limits: which part of what they tried, deed by deed, was told to come back. And what
    came of the requests below, most of which are polls."""
    bills = world.table.deeds.values()
    refused, away = sum(b.refused for b in bills), sum(b.turned_away for b in bills)
    shares = {name: n / world.tried[name] for name, n in sorted(world.busy.items())}
    return {
        "tries": {name: round(share, 4) for name, share in shares.items()},
        "deeds": {name: n * world.scale for name, n in sorted(world.busy.items())},
        "too_late": {name: n * world.scale for name, n in sorted(world.refused.items())},
        "http_turned_away": round(away / (away + sum(b.http for b in bills)), 5),
        "table_refused": round(refused / sum(b.requests for b in bills), 5),
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
