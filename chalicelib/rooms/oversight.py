"""Oversight: who opened a record, as its patient is told, and how doctors worked in a day, for the privacy officer."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.rooms.permission import STAFF, Entry, Role
from chalicelib.rooms.queue import State, Visit

TOGETHER = timedelta(hours=1)  # the same person doing the same again within it is told as one
BROKE_GLASS = "break_glass"
NOT_A_LOOK = frozenset({"alive"})  # the program's own sign that a doctor is still there


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One of the people who work here did one thing with a record, once or `times` times from `first` to `last`."""

    actor: str
    role: Role
    deed: str
    first: datetime
    last: datetime
    times: int = 1
    reason: str = ""  # said by who opened it outside their care: a word of `glass.Reason`


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Part of what is known of a record, the newest first; `older` is where the rest begins, None if that was all."""

    entries: tuple[Entry, ...] = ()
    older: int | None = None
    names: dict[str, str] = field(default_factory=dict)  # of the people in it who work here, by their id


def openings(entries: Iterable[Entry]) -> list[Opening]:
    """What people who work here did, the newest first. What the patient did, and the clinic by itself, is left out."""
    found: list[Opening] = []
    for entry in sorted(entries, key=lambda one: one.at, reverse=True):
        if entry.actor.role not in STAFF or entry.deed in NOT_A_LOOK:
            continue
        who, why = entry.actor, entry.answer if entry.deed == BROKE_GLASS else ""
        new = Opening(actor=who.id, role=who.role, deed=entry.deed, first=entry.at, last=entry.at, reason=why)
        at = next((i for i, one in enumerate(found) if _together(one, new)), None)
        if at is None:
            found.append(new)
        else:
            found[at] = replace(found[at], first=new.first, times=found[at].times + 1)
    return found


def _together(one: Opening, earlier: Opening) -> bool:
    alike = all(getattr(one, name) == getattr(earlier, name) for name in ("actor", "role", "deed", "reason"))
    return alike and one.first - earlier.last <= TOGETHER


SHORT = timedelta(minutes=2)  # from called to signed: hardly time to read what the patient wrote
MANY = 80  # patients of one doctor in a day
ENOUGH = 10  # visits ended, before a share of them says anything
MOSTLY = 0.9
OFTEN_SHORT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A doctor's day in counts. No medicine, no patient: it is for whoever looks after safety, and for nobody's pay."""

    doctor: str
    taken: int  # patients
    ended: int  # of them, signed by this doctor
    prescribed: int  # of those
    short: int  # of those, in less than SHORT
    whole: bool  # False: there were more than could be looked through

    @property
    def odd(self) -> tuple[str, ...]:
        """What somebody should ask about, in codes: many, prescribes, short."""
        enough = self.ended >= ENOUGH
        said = {
            "many": self.taken > MANY or not self.whole,
            "prescribes": enough and self.prescribed >= MOSTLY * self.ended,
            "short": enough and self.short >= OFTEN_SHORT * self.ended,
        }
        return tuple(name for name, true in said.items() if true)

    @property
    def mill(self) -> bool:
        """Two of them at once, which no epidemic brings about by itself: somebody is told and does not have to look."""
        return len(self.odd) > 1


NIGHT = (3, 4)  # hours of the clinic's own clock in which the day before is looked through, twice
_PARTS = 60  # one a minute, so that no sweep has more than a sixtieth of the doctors to look at


def tonight(doctors: Iterable[str], here: datetime) -> list[str]:
    """Whose day before is looked at in this minute: each doctor's once in each hour of the NIGHT, else nobody's."""
    return [id for n, id in enumerate(sorted(doctors)) if here.hour in NIGHT and n % _PARTS == here.minute]


def practice(doctor: str, visits: Iterable[Visit], *, whole: bool = True) -> Practice:
    """What one doctor did with the visits they took on a day; those others went on with are only taken."""
    taken = list(visits)
    ended = [v for v in taken if v.state is State.COMPLETED and v.calls and v.calls[-1].doctor == doctor]
    return Practice(
        doctor=doctor,
        taken=len(taken),
        ended=len(ended),
        prescribed=sum(v.prescribed is not None for v in ended),
        short=sum(v.ended_at is not None and v.ended_at - v.calls[-1].at < SHORT for v in ended),
        whole=whole,
    )
