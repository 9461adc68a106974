"""How often open pages ask, as chalicelib/pages/files does it: the one place here that knows the scripts' pace."""

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.surge import replays

# pace.js, of an open conversation that both look at: seconds between two looks at first and at last, by how much
# longer each time, and how old what a page knows of the visit may get
TALK_QUICK, TALK_SLOWER, TALK_MOST, TALK_STATE = 3.0, 1.3, 12.0, 16.0
# work.js
WORK_SECONDS, WORK_LOST_SECONDS = 15.0, 60.0
# wait.js
WAIT_LEAST, WAIT_MOST, WAIT_HIDDEN = 5.0, 600.0, 60.0
WAIT_PART = 20  # of the wait that is left
SPREAD = 0.2  # everybody at their own moment


class Look(NamedTuple):
    """One question of a page, and whether it also asks how the visit stands."""

    at: float
    state: bool


def spread(seconds: float, luck: random.Random) -> float:
    return seconds * luck.uniform(1 - SPREAD, 1 + SPREAD)


def conversation(seconds: float, messages: int, luck: random.Random) -> tuple[list[Look], list[Look]]:
    """The looks of both pages while so many words are said, by either side and at any moment."""
    said = [(luck.uniform(0, seconds), luck.random() < 0.5) for _ in range(messages)]
    ours, theirs = ([at for at, one in sorted(said) if one is side] for side in (True, False))
    return talk(seconds, ours, theirs, luck), talk(seconds, theirs, ours, luck)


def talk(seconds: float, mine: list[float], heard: list[float], luck: random.Random) -> list[Look]:
    """When a page that is open for so long looks for messages. The other side's words make it quick when it sees them,
    one's own while they are typed."""
    looks: list[Look] = []
    typed = sorted(word - ago for word in mine for ago in range(replays.TYPING_SECONDS + 1))
    every, known, before = TALK_QUICK, 0.0, 0.0
    due = spread(every, luck)
    while due < seconds:
        while typed and typed[0] <= due:
            touched, every = typed.pop(0), TALK_QUICK
            if due - touched > TALK_QUICK:
                due = touched + spread(TALK_QUICK, luck)
        slower = min(TALK_MOST, every * TALK_SLOWER)
        state = due - known + slower >= TALK_STATE
        looks.append(Look(due, state=state))
        known = due if state else known
        every = TALK_QUICK if any(before < word <= due for word in heard) else slower
        before, due = due, due + spread(every, luck)
    return looks


def waiting(left: float, hidden: float) -> float:
    """How often a second a phone asks whose wait will be over in `left` seconds; so many of them are hidden."""
    seen = min(WAIT_MOST, max(WAIT_LEAST, left / WAIT_PART))
    return (1 - hidden) / seen + hidden / max(seen, WAIT_HIDDEN)


def told(chance: float, board: Mapping[str, Any]) -> bool:
    """Whether the page of an idle doctor says that somebody came."""
    return bool(chance * max(1, board["on_duty"]) < board["waiting"])
