"""What machines read: plain JSON of our values, without anything that is ours alone."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum

from chalicelib.rooms.queue import Ticket
from chalicelib.store import names

# Proofs, hashes and the store's own marks: nobody outside has a use for them. `code` proves a delivery.
HIDDEN = frozenset(
    {"secret", "holder", "person", "request", "version", "ticket", "returns_at", "held", "code", "wrong_codes"}
    | {"last_request", "last_visit"}
)


def plain(value: object) -> object:
    """JSON values only: times as ISO 8601, choices as words, a ticket as the visit's opaque name."""
    if isinstance(value, Enum):
        return value.value if isinstance(value.value, str) else value.name.lower()
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Ticket):
        return names.name_of(value)
    return _plain_many(value)


def _plain_many(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.name not in HIDDEN}
    if isinstance(value, frozenset | set):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no plain form")


def to_json(value: object) -> str:
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
