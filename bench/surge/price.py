"""What a replay would have cost, by bench/prices.toml, and what one consultation used of it all."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.surge import aws
from bench.surge.clinic import World
from bench.surge.phones import Polls
from bench.surge.table import Bill

PRICES = tomllib.loads((Path(__file__).parents[1] / "prices.toml").read_text(encoding="utf-8"))
POLLS = ("doctor_listens", "patient_listens")
MILLION, GIGABYTE = 1e6, 1e9


def dollars(world: World, minutes: Iterable[Polls]) -> dict[str, Any]:
    """List price of 1,000 finished consultations."""
    finished, (total, polls, viewed, sent) = _finished(world), _used(world, minutes)
    parts = _parts(total) | _edge(viewed, sent)
    each = {name: round(usd / finished * 1000, 4) for name, usd in parts.items()}
    heard = _parts(polls) | _edge(polls.http + polls.turned_away, polls.http * aws.ANSWER_BYTES)
    listening = sum(heard.values()) / finished * 1000
    whole = sum(each.values())
    saved = total.http * (PRICES["api"]["rest_million"] - PRICES["api"]["http_million"]) / MILLION / finished * 1000
    return {
        "total": round(whole, 3),
        "of_which_listening_for_messages": round(listening, 3),
        "without_listening": round(whole - listening, 3),
        "through_an_http_api": round(whole - saved, 3),
        "parts": each,
        "prices_as_of": PRICES["as_of"],
    }


def use(world: World, minutes: Iterable[Polls]) -> dict[str, float]:
    """Of one finished consultation, as infra/clinic/usage.toml names it."""
    finished, (total, _, viewed, sent) = _finished(world), _used(world, minutes)
    much = {
        "http_requests": total.http,
        "edge_requests": viewed,
        "write_units": total.writes,
        "read_units": total.reads,
        "gb_seconds": total.seconds * aws.MEMORY_GB,
        "signatures": total.signatures,
        "log_bytes": total.http * aws.LOG_BYTES,
        "traced": total.http * aws.TRACED,
        "out_bytes": sent,
    }
    return {name: _rounded(value / finished) for name, value in much.items()}


def _rounded(value: float) -> float:
    return round(value, -3) if value >= 10_000 else round(value, 2 if value < 10 else 1)


def _finished(world: World) -> int:
    return max(1, sum(p.over is not None and not p.left for p in world.patients)) * world.scale


def _used(world: World, minutes: Iterable[Polls]) -> tuple[Bill, Bill, float, float]:
    """Everything; what listening for messages is of it; requests of viewers and bytes to them. All come through
    CloudFront, and what it asks of the clinic for a board is no viewer's request."""
    total, polls = Bill(), Bill()
    for name, bill in world.table.deeds.items():
        total.add(bill)
        if name in POLLS:
            polls.add(bill)
    boards = sum(m.asked for m in minutes)
    pages = total.http - world.table.deeds["board"].http
    sent = (pages - polls.http) * aws.PAGE_BYTES + (polls.http + boards) * aws.ANSWER_BYTES
    return total, polls, pages + total.turned_away + boards, sent


def _edge(requests: float, sent: float) -> dict[str, float]:
    edge = PRICES["cloudfront"]
    return {
        "edge requests": requests / MILLION * edge["requests_million"],
        "edge function": requests / MILLION * edge["functions_million"],
        "bytes": sent / GIGABYTE * edge["gb"],
    }


def _parts(bill: Bill) -> dict[str, float]:
    return {
        "table writes": bill.writes / MILLION * PRICES["dynamodb"]["write_units_million"],
        "table reads": bill.reads / MILLION * PRICES["dynamodb"]["read_units_million"],
        "API requests": bill.http / MILLION * PRICES["api"]["rest_million"],
        "Lambda requests": bill.http / MILLION * PRICES["lambda"]["requests_million"],
        "Lambda time": bill.seconds * aws.MEMORY_GB * PRICES["lambda"]["gb_second"],
        "signatures": bill.signatures / MILLION * PRICES["kms"]["signatures_million"],
        "logs": bill.http * aws.LOG_BYTES / GIGABYTE * PRICES["logs"]["gb"],
        "traces": bill.http * aws.TRACED / MILLION * PRICES["xray"]["traces_million"],
    }
