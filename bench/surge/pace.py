"""How often open pages ask, as chalicelib/pages/files does it: the one place here that knows the scripts' pace."""

import random
from collections.abc import Mapping
from typing import Any

# talk.js, doctor.js: seconds between two looks for messages, for so long after one; then so much longer each time
TALK_FIRST, TALK_STAYS, TALK_GROWS, TALK_MOST = 3.0, 30.0, 1.3, 12.0
# work.js
WORK_SECONDS, WORK_LOST_SECONDS = 15.0, 60.0
# wait.js
WAIT_LEAST, WAIT_MOST, WAIT_HIDDEN = 5.0, 600.0, 60.0
WAIT_PART = 20  # of the wait that is left
SPREAD = 0.2  # everybody at their own moment


def spread(seconds: float, luck: random.Random) -> float:
    return seconds * luck.uniform(1 - SPREAD, 1 + SPREAD)


def talk(seconds: float, spoken: list[float], luck: random.Random) -> list[float]:
    """When a page that is open for so long looks for messages; `spoken` are the moments of messages, in order. One of
    the other side is heard at the next look, one's own at once: half of them are taken for each."""
    looks: list[float] = []
    at, every, fast_until, heard = 0.0, TALK_FIRST, TALK_STAYS, 0
    while (at := at + spread(every, luck)) < seconds:
        looks.append(at)
        news = heard
        while heard < len(spoken) and spoken[heard] <= at:
            heard += 1
        if heard > news:
            fast_until = at + TALK_STAYS
        every = TALK_FIRST if at < fast_until else min(TALK_MOST, every * TALK_GROWS)
    return looks


def waiting(left: float, hidden: float) -> float:
    """How often a second a phone asks whose wait will be over in `left` seconds; so many of them are hidden."""
    seen = min(WAIT_MOST, max(WAIT_LEAST, left / WAIT_PART))
    return (1 - hidden) / seen + hidden / max(seen, WAIT_HIDDEN)


def told(chance: float, board: Mapping[str, Any]) -> bool:
    """Whether the page of an idle doctor says that somebody came."""
    return bool(chance * max(1, board["on_duty"]) < board["waiting"])
