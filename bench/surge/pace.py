"""How often open pages ask, as chalicelib/pages/files does it: the one place here that knows the scripts' pace."""

import random
from collections.abc import Mapping
from typing import Any

# talk.js and doctor.js: seconds between two looks for new messages
PATIENT_SECONDS, DOCTOR_SECONDS = 4.0, 5.0
# work.js
WORK_SECONDS, WORK_LOST_SECONDS = 15.0, 60.0
# wait.js
WAIT_LEAST, WAIT_MOST, WAIT_HIDDEN = 5.0, 600.0, 60.0
WAIT_PART = 20  # of the wait that is left
SPREAD = 0.2  # everybody at their own moment


def spread(seconds: float, luck: random.Random) -> float:
    return seconds * luck.uniform(1 - SPREAD, 1 + SPREAD)


def waiting(left: float, hidden: float) -> float:
    """How often a second a phone asks whose wait will be over in `left` seconds; so many of them are hidden."""
    seen = min(WAIT_MOST, max(WAIT_LEAST, left / WAIT_PART))
    return (1 - hidden) / seen + hidden / max(seen, WAIT_HIDDEN)


def told(chance: float, board: Mapping[str, Any]) -> bool:
    """Whether the page of an idle doctor says that somebody came."""
    return bool(chance * max(1, board["on_duty"]) < board["waiting"])
