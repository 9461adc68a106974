"""Values of ours as text in one attribute of a row: a word, a ticket, the answers, the lines of a prescription."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import date, datetime
from enum import Enum
from typing import Any, Generic, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.constants import STRING

from chalicelib.rooms.arrival import Answers, ForWhom, Getting, HowLong
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.delivery import Step
from chalicelib.rooms.prescription import Line
from chalicelib.rooms.queue import Counts, Ticket
from chalicelib.rooms.seal import Signature

MAY_MISS = ("text_me", "doctor", "fee")
T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class Written(Attribute[T], Generic[T]):
    """A value of ours kept as text, by a pair of functions that undo each other."""

    attr_type = STRING

    def __init__(self, write: Callable[[T], str], read: Callable[[str], T], **options: Any) -> None:
        super().__init__(**options)
        self.write, self.read = write, read

    def serialize(self, value: Any) -> str:
        return self.write(value)

    def deserialize(self, value: Any) -> T:
        return self.read(value)


def word(kind: type[E], *, null: bool = False) -> Written[E]:
    return Written(lambda value: str(value.value), kind, null=null)


def ticket(*, null: bool = False) -> Written[Ticket]:
    return Written(str, Ticket.of, null=null)


def counts(*, null: bool = False) -> Written[Counts]:
    return Written(lambda four: " ".join(map(str, four)), _counts, null=null)


def day(*, null: bool = False) -> Written[date]:
    return Written(date.isoformat, date.fromisoformat, null=null)


def answers() -> Written[Answers]:
    return Written(_said, _answers)


def lines() -> Written[tuple[Line, ...]]:
    return _many(lambda said: Line(**_known(Line, said)))


def steps() -> Written[tuple[Step, ...]]:
    return _many(_step)


def signature() -> Written[Signature]:
    """In four words: a signed note of ordinary length stays under one unit."""
    return Written(lambda s: f"{s.form} {s.digest} {s.value} {s.key}", _signature, null=True)


def _signature(text: str) -> Signature:
    form, digest, value, key = text.split(" ")
    return Signature(form=int(form), digest=digest, value=value, key=key)


def _many(read: Callable[[dict[str, Any]], T]) -> Written[tuple[T, ...]]:
    return Written(
        lambda values: _json([asdict(v) for v in values]),  # type: ignore[call-overload]  # a tuple of dataclasses
        lambda text: tuple(read(v) for v in json.loads(text)),
        default=(),
    )


def _known(kind: Any, said: dict[str, Any]) -> dict[str, Any]:
    """Without what a newer program wrote beside it; that stays in the table, see `Shape.once`."""
    return {f.name: said[f.name] for f in fields(kind) if f.name in said}


def _said(answers: Answers) -> str:
    """A wish that was not made takes no room: every byte of a visit is paid for at every write of it."""
    said = asdict(answers)
    return _json({name: value for name, value in said.items() if value or name not in MAY_MISS})


def _answers(text: str) -> Answers:
    said = _known(Answers, json.loads(text))
    said["for_whom"], said["how_long"] = ForWhom(said["for_whom"]), HowLong(said["how_long"])
    said["getting"], said["consent_at"] = Getting(said["getting"]), datetime.fromisoformat(said["consent_at"])
    return Answers(**said)


def _step(said: dict[str, Any]) -> Step:
    said = _known(Step, said)
    return Step(**{**said, "state": OrderState(said["state"]), "at": datetime.fromisoformat(said["at"])})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _counts(said: str) -> Counts:
    a, b, c, d = map(int, said.split())
    return a, b, c, d
