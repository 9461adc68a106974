"""`python -m bench.workers`: the real zip with 1, 2 and 4 workers, as Lambda runs it: cold and warm, as ratios to one.

Amazon's runtime client, one event at a time per worker, dynoxide behind them. What is compared is taken in turn, round
after round, and the median is shown. On a machine of two processors four workers cannot be quicker than two; what must
hold there is that they are not slower, and that a request costs the same however many workers there are.
"""

import argparse
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import show, write
from bench.cold import make_table, unpacked
from infra.local import engine
from tests.deploy.local_gateway import Gateway
from tests.deploy.local_lambda import Function, function

ROUNDS = 3
REQUESTS = 200
WORKERS = (1, 2, 4)
PATHS = ("/board/respiratory", "/en", "/board/children", "/en/staff")  # half of them read the table


@dataclass
class Served:
    """One round with some workers."""

    cold_seconds: float  # as many requests at once as workers, all of them asleep, until the last answer
    cold_cpu: float  # of one of them
    warm_seconds: float  # of all the requests that follow, each worker always busy
    warm_cpu: float  # of one of them


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.workers")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    wishes = parser.parse_args()
    engine.keep_local()
    with tempfile.TemporaryDirectory(prefix="workers-") as folder, engine.dynoxide() as address:
        task, template = unpacked(Path(folder))
        make_table()
        rounds = [
            {n: served(task, template, n, wishes.requests, AWS_ENDPOINT_URL_DYNAMODB=address) for n in WORKERS}
            for _ in range(wishes.rounds)
        ]
    lines = [line(n, rounds, wishes.requests) for n in WORKERS]
    show(f"The zip with several workers, {wishes.rounds} rounds of {wishes.requests} requests; one worker = 1", lines)
    write("workers", {"rounds": wishes.rounds, "requests": wishes.requests, "lines": lines})


def served(task: Path, template: dict[str, Any], workers: int, requests: int, **settings: str) -> Served:
    with function(task, workers=workers, **settings) as runs, ThreadPoolExecutor(workers) as clients:
        events = itertools.cycle(list(made(runs, template)))
        begun = time.perf_counter()
        ask(clients, runs, list(itertools.islice(events, workers)))
        awake, woken = time.perf_counter(), runs.cpu_seconds()
        ask(clients, runs, list(itertools.islice(events, requests)))
        done, spent = time.perf_counter(), runs.cpu_seconds()
    return Served(awake - begun, woken / workers, done - awake, (spent - woken) / requests)


def made(runs: Function, template: dict[str, Any]) -> Iterator[bytes]:
    """The events as API Gateway would make them."""
    api = Gateway(runs, template)
    for path in PATHS:
        found = api.route("GET", path)
        assert found is not None, path
        yield json.dumps(api.event("GET", path, found, "", [("Accept", "text/html")], b"")).encode()


def ask(clients: ThreadPoolExecutor, runs: Function, events: list[bytes]) -> None:
    for call in clients.map(runs.invoke, events):
        assert call.answered, call.said
        assert json.loads(call.said)["statusCode"] == 200, call.said


def line(workers: int, rounds: list[dict[int, Served]], requests: int) -> dict[str, object]:
    def ratio(of: str) -> float:
        return round(statistics.median(getattr(each[workers], of) / getattr(each[1], of) for each in rounds), 2)

    per_second = statistics.median(requests / each[workers].warm_seconds for each in rounds)
    return {
        "workers": workers,
        "served warm": round(1 / ratio("warm_seconds"), 2),
        "cpu a warm request": ratio("warm_cpu"),
        "all awake after": ratio("cold_seconds"),
        "cpu a cold start": ratio("cold_cpu"),
        "a second, here": round(per_second),
    }


if __name__ == "__main__":
    main()
