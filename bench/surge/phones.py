"""The pages that ask the public board: phones that wait, and the lists of doctors who have nobody."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench.surge import aws, pace, replays
from bench.surge.clinic import TICK_SECONDS, World
from bench.surge.people import Patient
from chalicelib.refusal import Busy
from chalicelib.rooms import promise, queue
from chalicelib.rooms.queue import Lane
from chalicelib.store import records
from chalicelib.visit import arriving


@dataclass
class Polls:
    """Looks at the board of the whole platform, and what became of them: asked of the clinic, and kept waiting for it;
    both with the caches of one country and with the one behind them."""

    asked: float = 0.0
    origin: float = 0.0
    waited: float = 0.0
    shielded_origin: float = 0.0
    shielded_waited: float = 0.0

    def add(self, asked: float, seconds: float) -> None:
        """So many a second of one board, for so long."""
        self.asked += asked * seconds
        self.origin += aws.origin_rate(asked) * seconds
        self.waited += aws.waiting_rate(asked) * seconds
        self.shielded_origin += aws.origin_rate(asked, aws.SHIELDED) * seconds
        self.shielded_waited += aws.waiting_rate(asked, aws.SHIELDED) * seconds


class Phones:
    """Looked at once a minute, for that minute. `looks` opens a patient's own page."""

    def __init__(self, world: World, looks: Callable[[Patient], None]) -> None:
        self.world, self.looks = world, looks
        self.boards: dict[str, tuple[float, dict[str, Any]]] = {}
        self.done = 0  # so many of the first patients are over

    def minute(self, idle: dict[str, int], with_doctor: Iterable[Any]) -> tuple[Polls, int]:
        """All polls of this minute, and how many people wait. Whose turn went by without a doctor, looks."""
        world, polls, there = self.world, Polls(), set(with_doctor)
        patients = [p for p in world.patients[self._first() :] if p.over is None and p.id]
        waiting = [p for p in patients if p.waiting]
        for department in world.clinic.departments:
            with world.table.charged("nobody", 0, http=False):
                lanes = records.lanes(world.clinic.lanes_of([department.id]))
            now = Polls()
            now.add(self._a_second([p for p in waiting if p.department == department.id], lanes, idle), 1)
            polls.add(now.asked, TICK_SECONDS)
            with contextlib.suppress(Busy):
                times = now.origin * TICK_SECONDS / world.scale
                world.deed("board", arriving.board, times=times, department=department.id)
            for p in patients:
                if p.department == department.id and p.id not in there and _passed(p, lanes):
                    self.looks(p)
        return polls, len(waiting)

    def board(self, department: str) -> dict[str, Any]:
        """As the edge has it. What it costs is counted with all that ask it."""
        world = self.world
        at, kept = self.boards.get(department, (-aws.EDGE_SECONDS, {}))
        if world.now - at >= aws.EDGE_SECONDS:
            with world.table.charged("nobody", 0, http=False):
                kept = arriving.board(world.errand(), department=department)
            self.boards[department] = world.now, kept
        return kept

    def _first(self) -> int:
        """Patients before this one are all over; the list is in order of coming."""
        patients = self.world.patients
        while self.done < len(patients) and patients[self.done].over is not None:
            self.done += 1
        return self.done

    def _a_second(self, waiting: list[Patient], lanes: list[Lane], idle: dict[str, int]) -> float:
        """How often a second the whole platform asks for this board: phones that wait and doctors without patients."""
        seconds = promise.pace(lanes, self.world.clock) or 60
        asked = idle[lanes[0].department] / pace.WORK_SECONDS
        for p in waiting:
            if p.id and p.page:
                left = promise.calls(lanes[p.id.lane], p.page, self.world.clock) * seconds
                asked += pace.waiting(left, replays.HIDDEN)
        return self.world.scale * asked


def _passed(patient: Patient, lanes: list[Lane]) -> bool:
    """wait.js: the head is at the phone's number, and no doctor has come."""
    return bool(patient.id and patient.page and queue.passed(lanes[patient.id.lane], patient.page))
