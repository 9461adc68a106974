"""`python -m bench.cold`: what a cold start costs, in CPU, from nothing to the first answer, against a bare hello.

Both are packaged as they are deployed and run as Lambda runs them, by Amazon's runtime client, with a request that
X-Ray samples and one that it does not. CPU seconds and not the clock's, hello and clinic in turn, so that a busy
machine does not decide.
"""

import argparse
import compileall
import itertools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from bench import show, write
from infra.local import engine
from infra.package import ROOT
from tests.deploy.local_gateway import Gateway
from tests.deploy.local_lambda import Call, Function, function

ROUNDS = 9
GOAL = 5.0
HELLO_ALONE, HELLO_COMPILED = "hello", "hello with bytecode"
NO_DAEMON = "127.0.0.1:2000"  # set in every function that Lambda traces; what is told there nobody need hear
PAGES = ("/", "/board/respiratory", "/en", "/en/staff")
HELLO = """
from chalice import Chalice
app = Chalice("hello")
@app.route("/health")
def hello():
    return {}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cold")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    engine.keep_local()
    with tempfile.TemporaryDirectory(prefix="cold-") as folder, engine.dynoxide() as address:
        task, template = unpacked(Path(folder))
        make_table()
        bare, compiled = hello(task, Path(folder, "hello")), hello(task, Path(folder, "compiled"))
        compileall.compile_dir(compiled, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        settings = {"AWS_ENDPOINT_URL_DYNAMODB": address}
        spent: dict[tuple[str, bool], list[float]] = defaultdict(list)
        for _ in range(rounds):
            spent[HELLO_ALONE, False].append(first_answer(bare, template, "/health"))
            spent[HELLO_COMPILED, False].append(first_answer(compiled, template, "/health"))
            for page, sampled in itertools.product(PAGES, (False, True)):
                spent[page, sampled].append(first_answer(task, template, page, sampled=sampled, **settings))
    typical = {asked: statistics.median(seconds) for asked, seconds in spent.items()}
    lines = [
        {
            "first request": page,
            "traced": "yes" if sampled else "no",
            "cpu ms": round(seconds * 1000, 1),
            "hellos": round(seconds / typical[HELLO_ALONE, False], 2),
            "hellos with bytecode": round(seconds / typical[HELLO_COMPILED, False], 2),
        }
        for (page, sampled), seconds in typical.items()
    ]
    show(f"Cold start of the zip, {rounds} each in turn; goal: at most {GOAL:g} hellos", lines)
    write("cold", {"goal": GOAL, "rounds": rounds, "lines": lines})


def unpacked(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The package built from the files as they lie here, unpacked as Lambda has it, and its template."""
    built = [sys.executable, "-m", "infra.package", "--tree", "--out", str(folder)]
    subprocess.run(built, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(folder / "deployment.zip") as packed:
        packed.extractall(folder / "task")  # made a line ago
    return folder / "task", json.loads((folder / "sam.json").read_text())


def make_table() -> None:
    from chalicelib.store.rows import Row

    Row.create_table(wait=True)


def hello(task: Path, folder: Path) -> Path:
    """The smallest Chalice app there is, as Chalice packages it: without bytecode."""
    shutil.copytree(task / "chalice", folder / "chalice", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "app.py").write_text(HELLO)
    return folder


def first_answer(task: Path, template: dict[str, Any], path: str, *, sampled: bool = False, **settings: str) -> float:
    """CPU seconds of a fresh worker until it has answered once."""
    with function(task, AWS_XRAY_DAEMON_ADDRESS=NO_DAEMON, **settings) as runs:
        ask(runs, template, path, sampled=sampled)
        return runs.cpu_seconds()


def ask(runs: Function, template: dict[str, Any], path: str, *, sampled: bool) -> Call:
    api = Gateway(runs, template)
    found = api.route("GET", path)
    assert found is not None, path
    call = runs.invoke(json.dumps(api.event("GET", path, found, "", [], b"")).encode(), sampled=sampled)
    assert call.answered, call.said
    return call


if __name__ == "__main__":
    main()
