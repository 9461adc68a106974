"""`python -m bench.surge [replay ...] --seed N`: replays a great day and prints what the clinic did on it.

Without a name all replays are played, one after the other. Figures go to out/bench-surge-<replay>.json, the picture
beside it; with --publish both are kept for the documentation, which `make costs` writes anew. --seeds plays the same
day from the first so many seeds, and says how the promises were kept in the middle and in the worst of them.
"""

import argparse
import gc
import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local import engine

if __name__ == "__main__":
    engine.keep_local()

from bench.surge import aws, clinic, crowd, page, picture, report, table
from bench.surge.engine import Engine
from bench.surge.replays import REPLAYS, Replay
from bench.surge.told import told, told_seeds

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "out"
EXIT_NOBODY_KNOWS = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.surge", description=__doc__.split("\n")[0])
    parser.add_argument("replays", nargs="*", help=f"of {', '.join(REPLAYS)}; all of them if none is named")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, help="lanes of each department")
    parser.add_argument("--scale", type=int, help="one person in so many is played; fewer takes longer and is finer")
    parser.add_argument("--seeds", type=int, help="play seeds 1 to so many")
    parser.add_argument("--warm", type=float, help="write units a second the table can take at the start")
    parser.add_argument("--api", type=float, help="requests a second that come in; else as raised for the day")
    parser.add_argument(
        "--delivered", action="store_const", dest="api", const=aws.STACK_PER_SECOND, help="the stack as delivered: 500"
    )
    parser.add_argument("--quick", action="store_true", help="the fullest ninety minutes with a few people")
    parser.add_argument("--publish", action="store_true", help="keep figures and picture for the documentation")
    wishes = parser.parse_args()
    if unknown := set(wishes.replays) - set(REPLAYS):
        print(f"There is no replay {', '.join(sorted(unknown))}, only {', '.join(REPLAYS)}.", file=sys.stderr)
        return EXIT_NOBODY_KNOWS
    if wishes.publish and (wishes.quick or wishes.lanes or wishes.warm or wishes.api):
        parser.error("--publish is for the days as they are")
    for name in wishes.replays or REPLAYS:
        chosen = REPLAYS[name].quick() if wishes.quick else REPLAYS[name]
        given = {name: value for name in ("lanes", "scale", "warm", "api") if (value := getattr(wishes, name))}
        chosen = replace(chosen, **given)
        if not wishes.seeds:
            _one(chosen, wishes.seed, publish=wishes.publish)
            continue
        found = page.over_seeds([_one(chosen, seed, publish=False) for seed in range(1, wishes.seeds + 1)])
        print(told_seeds(found))
        _write(f"{name}-seeds", found)
        if wishes.publish:
            page.put("seeds", found)
    return 0


def _one(chosen: Replay, seed: int, *, publish: bool) -> dict[str, Any]:
    started = time.process_time()
    found, drawn = play(chosen, seed)
    found["cpu_seconds"] = round(time.process_time() - started, 1)
    print(told(found), flush=True)
    _keep(found, drawn, publish=publish)
    return found


def play(chosen: Replay, seed: int, engine: Any = None) -> tuple[dict[str, Any], str]:
    """One replay to its end: its figures and its picture. The same seed gives the same of both."""
    limits = {"warm": chosen.warm, "api": chosen.api, "environments": chosen.environments}
    below = table.Table(engine or Engine(), scale=chosen.scale, bin_seconds=chosen.bin_seconds, **limits)
    with table.connected(below):
        world = clinic.World(chosen, seed, below)
        people = crowd.Crowd(world)
        with clinic.scaled(chosen.scale):
            people.open_up()
            gc.disable()  # nothing here goes round in circles, and looking for it takes a tenth of the time
            world.run(people.end + chosen.rest_hours * 3600, people.over)
        return report.figures(world, people, seed), picture.svg(world)


def _keep(found: dict[str, Any], drawn: str, *, publish: bool) -> None:
    name, lanes = found["replay"], found["lanes"]
    if lanes != REPLAYS[name].lanes:
        name += f"-{lanes}-lanes"
    if found["raised"]["requests_per_second"] == aws.STACK_PER_SECOND:
        name += "-delivered"
    _write(name, found)
    (OUT / f"bench-surge-{name}.svg").write_text(drawn, encoding="utf-8")
    if publish:
        (page.PICTURES / f"surge-{found['replay']}.svg").write_text(drawn, encoding="utf-8")
        page.keep(found, f"{datetime.now(UTC):%Y-%m-%d}")


def _write(name: str, found: dict[str, Any]) -> None:
    OUT.mkdir(exist_ok=True)
    (OUT / f"bench-surge-{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
