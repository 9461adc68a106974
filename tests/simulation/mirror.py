"""The mirror: every row of the table as it was last seen, and what one write changed."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.rooms.arrival import Request
from chalicelib.rooms.assignment import Doctor, Seen
from chalicelib.rooms.consult import Message, Note
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.permission import Entry
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.queue import ACTIVE, Alias, Lane, Ticket, Visit
from chalicelib.store.rows import AuditRow, GuardRow, LaneRow, Row
from chalicelib.store.shapes import KINDS, lane_of, record_of
from chalicelib.store.trail import entry_of

Key = tuple[str, str]
OF_ONE_VISIT = (Message, Note, Prescription, Order)


@dataclass(frozen=True, kw_only=True)
class Guard:
    """One active visit per person and department; and which visits there were."""

    person: str
    department: str
    visit: Ticket
    open: bool
    visits: tuple[str, ...]


PLACES: dict[type, tuple[str, Callable[[Any], Any]]] = {
    Alias: ("aliases", lambda alias: alias.ticket),
    Doctor: ("desks", lambda desk: desk.id),
    Lane: ("lanes", lambda lane: (lane.department, lane.number)),
    Guard: ("guards", lambda guard: (guard.person, guard.department)),
    Seen: ("roster", lambda seen: (seen.department, seen.doctor)),
    Request: ("drafts", lambda draft: draft.holder),
}


@dataclass(frozen=True)
class Other:
    """A row without a record of its own: a tombstone, a session, a key, a member of staff."""

    kind: str


@dataclass(frozen=True)
class Change:
    """One row before and after a write; None is a row that was not there."""

    key: Key
    before: Any
    after: Any

    @property
    def record(self) -> Any:
        return self.before if self.after is None else self.after


class Mirror:
    """The table in memory, record by record, with the few indexes the invariants ask for."""

    def __init__(self) -> None:
        self.raw: dict[Key, dict[str, Any]] = {}
        self.visits: dict[Ticket, Visit] = {}
        self.aliases: dict[Ticket, Alias] = {}
        self.parts: dict[Ticket, dict[type, dict[Any, Any]]] = defaultdict(lambda: {k: {} for k in OF_ONE_VISIT})
        self.desks: dict[str, Doctor] = {}
        self.lanes: dict[tuple[str, int], Lane] = {}
        self.guards: dict[tuple[str, str], Guard] = {}
        self.roster: dict[tuple[str, str], Seen] = {}
        self.drafts: dict[str, Request] = {}
        self.audit: dict[str, dict[str, Entry]] = defaultdict(dict)  # about -> request -> line
        self.by_request: dict[str, list[Entry]] = defaultdict(list)
        self.active: set[Ticket] = set()

    @classmethod
    def of_table(cls) -> "Mirror":
        """Everything that is in the table now, read with one scan."""
        mirror = cls()
        for row in Row.scan(consistent_read=True):
            mirror.take((row.pk, row.sk), row.to_dynamodb_dict())
        return mirror

    def take(self, key: Key, raw: dict[str, Any] | None) -> Change | None:
        """The row as it is now (None if it is gone); what changed, or None if nothing did."""
        if plain(raw) == plain(self.raw.get(key)):
            return None
        before, after = record(self.raw.get(key)), record(raw)
        if raw is None:
            self.raw.pop(key, None)
        else:
            self.raw[key] = raw
        self._index(after)
        return Change(key, before, after)

    def part(self, id: Ticket, kind: type) -> list[Any]:
        """The notes, prescriptions, orders or messages of a visit, oldest first."""
        found = self.parts[id][kind] if id in self.parts else {}
        return [found[number] for number in sorted(found)]

    def newest(self, id: Ticket, kind: type) -> Any:
        return next(reversed(self.part(id, kind)), None)

    def stage(self, about: Prescription | Order) -> str | None:
        """The work list a prescription or an order is on."""
        sk = f"{'P' if isinstance(about, Prescription) else 'O'}#{about.number:03d}"
        value = self.raw[f"V#{about.visit}", sk].get("stage")
        return value["S"] if value else None

    def line(self, about: str, request: str) -> Entry | None:
        return self.audit[about].get(request) if about in self.audit else None

    def _index(self, after: Any) -> None:
        if isinstance(after, OF_ONE_VISIT):
            self.parts[after.visit][type(after)][getattr(after, "number", None) or after.id] = after
        elif isinstance(after, Visit):
            self.visits[after.id] = after
            (self.active.add if after.state in ACTIVE else self.active.discard)(after.id)
        elif isinstance(after, Entry):
            self.audit[after.about][after.request] = after
            self.by_request[after.request].append(after)
        elif (place := PLACES.get(type(after))) is not None:
            name, key = place
            getattr(self, name)[key(after)] = after


def plain(raw: dict[str, Any] | None) -> Any:
    """A row whose sets compare as sets: their order means nothing."""
    if raw is None or not any("SS" in value for value in raw.values()):
        return raw
    return {n: {"SS": sorted(value["SS"])} if "SS" in value else value for n, value in raw.items()}


def record(raw: dict[str, Any] | None) -> Any:
    """The clinic's own record of a raw row."""
    if raw is None:
        return None
    row = Row.from_raw_data(raw)
    if isinstance(row, AuditRow):
        return entry_of(row)
    if isinstance(row, LaneRow):
        _, department, number = row.pk.split("#")
        return lane_of(department, int(number), row)
    if isinstance(row, GuardRow):
        return Guard(
            person=row.pk.removeprefix("P#"),
            department=row.sk.removeprefix("A#"),
            visit=row.visit,
            open=row.open,
            visits=tuple(row.visits),
        )
    kind = KINDS.get(type(row))
    if kind is Alias:
        return Alias(ticket=Ticket.of(row.pk.removeprefix("V#")), visit=row.visit)
    return record_of(kind, row) if kind else Other(raw["kind"]["S"])
