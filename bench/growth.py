"""`python -m bench.growth`: does anything cost more when more people wait? Requests, units and time, 10 to 100,000.

All queues are in one table and are asked in turn, so time is compared within one run. The exponent is the slope of
the straight line through log(cost) over log(waiting): 0 is the same at any length, 1 is twice for twice as many.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from infra.local import engine

engine.keep_local()  # before chalicelib is imported

from bench import show, write  # noqa: E402
from bench.crowd import Crowd, department  # noqa: E402
from chalicelib.rooms.consult import Outcome  # noqa: E402
from chalicelib.rooms.permission import Actor, Role  # noqa: E402
from chalicelib.store.rows import Row  # noqa: E402
from chalicelib.visit import arriving, seeing, taking  # noqa: E402
from tests.builders import SOAP  # noqa: E402
from tests.engines import metered  # noqa: E402

SIZES = (10, 100, 1_000, 10_000, 100_000)
ROUNDS = 60
TIME_GOAL = 0.05
DEEDS = ("join", "place", "board", "take next", "complete")
Cost = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--most", type=int, default=max(SIZES), help="people in the longest queue")
    wishes = parser.parse_args()
    sizes = tuple(n for n in SIZES if n <= wishes.most)
    with engine.dynoxide() as address:
        Row.create_table(wait=True)
        measured = measure(Crowd(address, sizes), wishes.rounds)
    lines = [{"deed": deed, "waiting": n, **measured[deed, n]} for deed in DEEDS for n in sizes]
    show(f"Cost of one deed, {wishes.rounds} of each in turn", lines)
    slopes = exponents(measured, sizes)
    show(f"Exponents; goal: 0, and at most {TIME_GOAL:g} in time", [{"deed": d, **slopes[d]} for d in DEEDS])
    write("growth", {"rounds": wishes.rounds, "lines": lines, "exponents": slopes})


def measure(crowd: Crowd, rounds: int) -> dict[tuple[str, int], Cost]:
    """Every deed at every length: requests and units of one, and the median of its milliseconds."""
    costs: dict[tuple[str, int], Cost] = {}
    spent: dict[tuple[str, int], list[float]] = {}

    def count(deed: str, waiting: int, do: Callable[[], Any]) -> Any:
        with metered() as meter:
            answer = do()
        costs[deed, waiting] = {
            "requests": float(meter.requests),
            "read units": meter.read_units,
            "write units": meter.write_units,
        }
        return answer

    def clock(deed: str, waiting: int, do: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        answer = do()
        spent.setdefault((deed, waiting), []).append((time.perf_counter() - start) * 1000)
        return answer

    doctors = {n: _on_duty(crowd, n) for n in crowd.sizes}
    for one in (count, *[clock] * rounds):
        for waiting in crowd.sizes:
            _one_visit(crowd, waiting, doctors[waiting], one)
    return {key: {**cost, "ms": round(statistics.median(spent[key]), 3)} for key, cost in costs.items()}


def _on_duty(crowd: Crowd, waiting: int) -> Actor:
    doctor = Actor(role=Role.DOCTOR, id=f"dr-{waiting}", name="Dr Ada")
    taking.go_on_duty(crowd.errand(doctor), departments=(department(waiting),), capacity=2)
    return doctor


def _one_visit(crowd: Crowd, waiting: int, doctor: Actor, one: Callable[..., Any]) -> None:
    """Somebody joins and looks at their place; somebody else is taken and signed, so the length stays."""
    errands = {deed: crowd.errand(doctor) for deed in ("take next", "complete")}
    visit, patient = one("join", waiting, lambda: crowd.join(waiting))
    look = crowd.errand(patient)
    place = one("place", waiting, lambda: arriving.see_ticket(look, id=visit.id))
    assert place.ahead == waiting
    one("board", waiting, lambda: arriving.board(look, department=department(waiting)))
    id = one("take next", waiting, lambda: taking.take_next(errands["take next"], departments=(department(waiting),)))
    said: dict[str, Any] = {"soap": SOAP, "outcome": Outcome.REST, "summary": "Rest.", "lines": (), "confirmed": False}
    one("complete", waiting, lambda: seeing.sign(errands["complete"], id=id, epoch=1, **said))


def exponents(measured: dict[tuple[str, int], Cost], sizes: Sequence[int]) -> dict[str, Cost]:
    """How each deed's costs grow with the number waiting."""
    names = list(next(iter(measured.values())))
    return {
        deed: {name: round(slope(sizes, [measured[deed, n][name] for n in sizes]), 3) for name in names}
        for deed in DEEDS
    }


def slope(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Least squares on the logarithms. What costs nothing anywhere does not grow."""
    if not any(costs):
        return 0.0
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(cost) for cost in costs]).slope


if __name__ == "__main__":
    main()
