"""The audit after a torture: what people were told and what lies in the table, held against each other.

Nothing here trusts the clinic's own reading: rows are taken as they lie, and every rule is about people.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from bench.raw import Raw
from chalicelib.store.rows import TABLE

ACTIVE = frozenset({"waiting", "assigned", "in_consult"})
WITH_DOCTOR = ACTIVE - {"waiting"}
RELEASES = frozenset({"hand_back", "bring_to_front"})
MOVES = RELEASES | {"need_more_time"}  # after one of these a visit has no claim any more to its first number
ENDS = {"completed": "sign", "cancelled": "leave"}  # all there is in a torture, and the deed that alone leads there
KINDS = ("doubled", "lost", "out of order", "crashed", "not tried")

_TOLD_OF_LANES = {"h0", "h1", "h2", "h3", "t0", "t1", "t2", "t3", "held", "gone"}


class Took(NamedTuple):
    """A doctor was given a visit; the tap came at `start`, the answer at `end`, on one clock for all."""

    visit: str
    request: str
    start: float
    end: float


@dataclass
class Journal:
    """What people were told, in the order each of them heard it."""

    called: list[str] = field(default_factory=list)
    took: list[Took] = field(default_factory=list)
    joined: list[tuple[str, str]] = field(default_factory=list)  # request, visit
    signed: list[str] = field(default_factory=list)
    drained: list[str] = field(default_factory=list)  # visits, as one doctor alone was given them when all was calm
    overfull: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    died: set[str] = field(default_factory=set)  # deed and request before or after which a Lambda ended

    def __add__(self, other: "Journal") -> "Journal":
        both = Journal()
        for f in fields(Journal):
            mine, theirs = getattr(self, f.name), getattr(other, f.name)
            setattr(both, f.name, mine | theirs if isinstance(mine, set) else mine + theirs)
        return both


@dataclass(frozen=True)
class Finding:
    kind: str  # one of KINDS
    words: str


def caught(found: list[Finding]) -> bool:
    """People were harmed, and it was seen. A clinic that only raises has harmed nobody yet."""
    return any(finding.kind in {"doubled", "lost", "out of order"} for finding in found)


class Visit(NamedTuple):
    """Of a visit's row only what the audit asks about."""

    person: str
    request: str
    state: str
    doctor: str
    epoch: int
    calls: int
    number: str  # the ticket it drew
    department: str
    place: str = ""  # the ticket on which it waits, or the call at which it comes back
    joined: str = ""  # when; texts of one length, so they compare as times


@dataclass
class Kept:
    """The table, read once."""

    visits: dict[str, Visit] = field(default_factory=dict)
    desks: dict[str, set[str]] = field(default_factory=dict)
    full: list[str] = field(default_factory=list)
    guards: dict[tuple[str, str], bool] = field(default_factory=dict)
    takes: Counter[str] = field(default_factory=Counter)  # lines that say a doctor took this visit
    releases: Counter[str] = field(default_factory=Counter)
    moved: set[str] = field(default_factory=set)
    ended: set[tuple[str, str]] = field(default_factory=set)  # deed and visit, of those by which a visit may end
    lanes: dict[str, str] = field(default_factory=dict)  # counters, to be printed where somebody is lost

    def add(self, row: dict[str, Any]) -> None:
        kind = row["kind"]["S"] if "kind" in row else ""
        if kind == "audit":
            self._line(row)
        elif kind == "visit":
            id = row["id"]["S"]
            self.visits[id] = Visit(
                person=row["person"]["S"],
                request=row["request"]["S"],
                state=row["state"]["S"],
                doctor=row.get("doctor", {}).get("S", ""),
                epoch=int(row["epoch"]["N"]),
                calls=len(row["calls"]["L"]),
                number=id,
                department=id.split(".")[0],
                place=row.get("ticket", {}).get("S") or row.get("returns_at", {}).get("N", "nowhere"),
                joined=row["joined_at"]["S"],
            )
        elif kind == "lane":
            self.lanes[row["pk"]["S"]] = " ".join(sorted(f"{n}={v}" for n, v in row.items() if n in _TOLD_OF_LANES))
        elif kind == "doctor":
            id, held = row["id"]["S"], set(row.get("visits", {}).get("SS", ()))
            self.desks[id] = held
            if len(held) > int(row["capacity"]["N"]):
                self.full.append(f"{id} has {len(held)} patients at once")
        elif kind == "guard":
            self.guards[row["pk"]["S"][2:], row["sk"]["S"][2:]] = row["open"]["BOOL"]

    def _line(self, row: dict[str, Any]) -> None:
        deed, about = row["deed"]["S"], row["pk"]["S"]
        if deed == "take_next":
            self.takes[row["answer"]["S"]] += 1
        elif deed in MOVES:
            self.releases[about[2:]] += deed in RELEASES
            self.moved.add(about[2:])
        elif deed in ENDS.values():
            self.ended.add((deed, about[2:]))


def read(address: str) -> Kept:
    ask, kept = Raw(address), Kept()
    page: dict[str, Any] = {}
    while True:
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
        page = ask("Scan", TableName=TABLE, ConsistentRead=True, **more)
        for row in page["Items"]:
            kept.add(row)
        if "LastEvaluatedKey" not in page:
            ask.close()
            return kept


def audit(address: str, journal: Journal, *, drained: bool) -> tuple[list[Finding], dict[str, int]]:
    """Everything found, and what was counted. Only a drained clinic can have lost somebody."""
    kept = read(address)
    found = [Finding("doubled", words) for words in doubled(kept, journal)]
    found += [Finding("crashed", words) for words in journal.crashes]
    if drained:
        found += [Finding("lost", words) for words in lost(kept, journal)]
        found += [Finding("out of order", words) for words in out_of_order(kept, journal)]
    counts = {
        "claims": sum(visit.epoch for visit in kept.visits.values()),
        "visits": len(kept.visits),
        "claims answered": len(journal.took),
        "numbers called": len(journal.called),
        "handed back, rescued or stepped back": len(kept.moved),
    }
    return found, counts


def doubled(kept: Kept, journal: Journal) -> Iterator[str]:
    """One patient with two doctors, one number for two callers, one person in two places, one request done twice."""
    yield from (f"number {n} was called {many} times" for n, many in Counter(journal.called).items() if many > 1)
    yield from journal.overfull
    yield from kept.full
    yield from _two_answers("took", {(took.request, took.visit) for took in journal.took})
    yield from _two_answers("joined", set(journal.joined))
    for request, many in Counter(visit.request for visit in kept.visits.values()).items():
        if many > 1:
            yield f"request {request} joined {many} times"
    active = Counter((v.person, v.department) for v in kept.visits.values() if v.state in ACTIVE)
    yield from (f"{person[:8]} waits {many} times" for (person, _), many in active.items() if many > 1)
    yield from _hands(kept)


def _two_answers(what: str, said: set[tuple[str, str]]) -> Iterator[str]:
    for request, many in Counter(request for request, _ in said).items():
        if many > 1:
            yield f"request {request} {what} and was told {many} visits"


def _hands(kept: Kept) -> Iterator[str]:
    """Each visit lies on exactly the desk of its doctor, and was given once for every time it was free."""
    held: dict[str, set[str]] = defaultdict(set)
    for id, visit in kept.visits.items():
        if visit.state in WITH_DOCTOR:
            held[visit.doctor].add(id)
        if not kept.takes[id] == visit.epoch == visit.calls:
            yield f"{id} was taken {visit.epoch} times, {visit.calls} calls and {kept.takes[id]} lines say so"
        if visit.epoch - 1 > kept.releases[id]:
            yield f"{id} was taken {visit.epoch} times and came free {kept.releases[id]} times"
    for doctor in {*kept.desks, *held}:
        if wrong := kept.desks.get(doctor, set()) ^ held[doctor]:
            yield f"{doctor}'s desk and its visits differ: {sorted(wrong)[:5]}"


def lost(kept: Kept, journal: Journal) -> Iterator[str]:
    """Joined and never ended, or ended by nobody who may; told and never written; ended and still barred."""
    yield from (
        f"{id} is still {v.state} ({v.doctor or 'nobody'}) at {v.place}; {kept.lanes}"
        for id, v in kept.visits.items()
        if v.state in ACTIVE
    )
    yield from (
        f"{id} is {v.state} and was neither signed nor left by its patient"
        for id, v in kept.visits.items()
        if v.state not in ACTIVE and (ENDS.get(v.state, ""), id) not in kept.ended
    )
    yield from (
        f"{id} was told to {request} and is not there" for request, id in journal.joined if id not in kept.visits
    )
    yield from (f"{took.visit} was given and no line says so" for took in journal.took if not kept.takes[took.visit])
    signed = (id for id in journal.signed if id not in kept.visits or kept.visits[id].state != "completed")
    yield from (f"{id} was signed and is not completed" for id in signed)
    yield from (f"{person[:8]} may never come again" for (person, _), is_open in kept.guards.items() if is_open)


def out_of_order(kept: Kept, journal: Journal) -> Iterator[str]:
    """Somebody who never lost their number was given before somebody whose turn it was.

    Only those who were never handed back, brought back, or stepped back: the others left their number.
    """
    yield from _in_a_lane(kept, journal.took)
    yield from _between_lanes(kept, journal.drained)


def _in_line(kept: Kept, id: str) -> bool:
    visit = kept.visits.get(id)
    return visit is not None and visit.epoch == 1 and id not in kept.moved


def _in_a_lane(kept: Kept, given: list[Took]) -> Iterator[str]:
    """Within a band of a lane a later number was given and answered before the doctor of an earlier one even tapped.

    Exact, however many call at once: numbers are called in order, so whoever was given the earlier one had tapped by
    then.
    """
    bands: dict[str, list[tuple[int, Took]]] = defaultdict(list)
    for took in given:
        if _in_line(kept, took.visit):
            band, _, n = took.visit.rpartition(".")
            bands[band].append((int(n), took))
    for taken in bands.values():
        soonest: tuple[float, int] = (float("inf"), 0)
        for n, took in sorted(taken, reverse=True):
            if soonest[0] < took.start:
                yield f"number {soonest[1]} was given before anybody tapped for {took.visit}"
            soonest = min(soonest, (took.end, n))


def _between_lanes(kept: Kept, drained: list[str]) -> Iterator[str]:
    """Within a band of a department somebody was given while the next of another lane had joined before.

    Exact for one doctor alone who reads what is there. Two who tap at once may both go by the first of a lane, and the
    second of them is given whoever is behind; so the storm is not asked this.
    """
    ahead: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)  # of each band, by lane: who is given next there
    for id in reversed(drained):
        if _in_line(kept, id):
            department, lane, band, _ = id.split(".")
            lanes, joined = ahead[f"{department} {band}"], kept.visits[id].joined
            lanes[lane] = joined, id
            first, sooner = min(lanes.values())
            if first < joined:
                yield f"{id} was given before {sooner}, who had joined sooner and was the next of another lane"
