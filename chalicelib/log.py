"""Log: the one place that writes into it: coded events, and only fields that are on a list.

Whoever has a person's words in hand cannot log them by mistake: a field that is not on the list is left out, and a
value that is not a number, a code or an id of ours is written as a question mark. It never raises.
"""

import json
import logging
import re

LOG = logging.getLogger("clinic")
VALUE_MAX = 120  # characters; WHERE_MAX of a list
WHERE_MAX = 10
FIELDS = frozenset(
    {
        *("deed", "status", "ms"),  # what was asked for, and what came of it
        *("kind", "where"),  # of an error: its class and our lines, never its message
        *("way", "tries", "outcome", "sent"),  # of a notice
        *("roots", "n"),  # of the audit's signed roots
        *("pk", "sk"),  # of a row that cannot be read: tickets, hashes, names to sign in with
        # what one sweep did
        *("looked_at", "brought_to_front", "moved", "sent_home", "off_duty", "longest_wait_seconds", "unreadable"),
        *("failed", "told", "desk_alerted", "given_up", "texts_percent", "waiting", "alone", "promises"),
        *("promises_broken", "outside_care", "days_looked_at", "mills", "not_reached"),
    }
)
_CODE = re.compile(rf"[A-Za-z0-9_.:#~/@+=-]{{0,{VALUE_MAX}}}")


def note(level: int, event: str, **codes: object) -> None:
    """A coded event: names, numbers and ids of ours. Never a word that a person typed."""
    said = {name: _code(value) for name, value in codes.items() if name in FIELDS}
    LOG.log(level, "%s", json.dumps({"event": _code(event), **said}))


def _code(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple):
        return [_code(one) for one in value[:WHERE_MAX]]
    return str(value) if isinstance(value, str) and _CODE.fullmatch(value) else "?"
