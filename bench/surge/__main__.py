"""`python -m bench.surge [replay ...] --seed N`: replays a great day and prints what the clinic did on it.

Without a name all replays are played, one after the other. Figures go to out/bench-surge-<replay>.json, the picture
beside it; --pictures keeps it for the documentation.
"""

import argparse
import gc
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.local import engine

if __name__ == "__main__":
    engine.keep_local()

from bench.surge import clinic, crowd, picture, report, table
from bench.surge.engine import Engine
from bench.surge.replays import REPLAYS, Replay
from bench.surge.told import told

ROOT = Path(__file__).resolve().parents[2]
OUT, PICTURES = ROOT / "out", ROOT / "docs" / "pictures"
EXIT_NOBODY_KNOWS = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.surge", description=__doc__.split("\n")[0])
    parser.add_argument("replays", nargs="*", help=f"of {', '.join(REPLAYS)}; all of them if none is named")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, help="lanes of each department")
    parser.add_argument("--scale", type=int, help="one person in so many is played; fewer takes longer and is finer")
    parser.add_argument("--warm", type=float, help="write units a second the table can take at the start")
    parser.add_argument("--quick", action="store_true", help="the fullest ninety minutes with a few people")
    parser.add_argument("--pictures", action="store_true", help="put the pictures into docs/pictures too")
    wishes = parser.parse_args()
    if unknown := set(wishes.replays) - set(REPLAYS):
        print(f"There is no replay {', '.join(sorted(unknown))}, only {', '.join(REPLAYS)}.", file=sys.stderr)
        return EXIT_NOBODY_KNOWS
    for name in wishes.replays or REPLAYS:
        chosen = REPLAYS[name].quick() if wishes.quick else REPLAYS[name]
        given = {name: value for name in ("lanes", "scale", "warm") if (value := getattr(wishes, name))}
        chosen = replace(chosen, **given)
        started = time.process_time()
        found, drawn = play(chosen, wishes.seed)
        found["cpu_seconds"] = round(time.process_time() - started, 1)
        print(told(found))
        _keep(found, drawn, pictures=wishes.pictures)
    return 0


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


def _keep(found: dict[str, Any], drawn: str, *, pictures: bool) -> None:
    OUT.mkdir(exist_ok=True)
    name, lanes = found["replay"], found["lanes"]
    if lanes != REPLAYS[name].lanes:
        name += f"-{lanes}-lanes"
    (OUT / f"bench-surge-{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (OUT / f"bench-surge-{name}.svg").write_text(drawn, encoding="utf-8")
    if pictures:
        (PICTURES / f"surge-{name}.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
