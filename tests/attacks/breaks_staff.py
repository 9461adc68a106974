"""Deliberate breaks of who may come in: staff, their sessions and their tokens; in the manner of `breaks.py`."""

from collections.abc import Callable
from typing import Any

from chalicelib.rooms import permission, staff
from chalicelib.rooms.permission import MAY, STAFF
from chalicelib.store import staff as store
from chalicelib.visit import staffing
from tests.simulation.mutants import Break, around, instead


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _everybody_of_the_house() -> Break:
    return instead(permission, "may", around(lambda real, actor, deed: actor.role in STAFF or real(actor, deed)))


def _inverted() -> Break:
    """The mistake of CVE-2026-32126: the condition the wrong way round, for one deed."""
    return instead(MAY, "dismiss", STAFF - MAY["dismiss"])


def _trusting_sessions() -> Break:
    """A session is believed as it was opened: whoever was dismissed since goes on."""
    return instead(store, "record_of", around(lambda real, kind, row: _as_ever(real(kind, row))))


def _as_ever(found: Any) -> Any:
    if isinstance(found, staff.Member):
        return _Believed(found)
    return found


class _Believed:
    """A member whose row is never asked whether they still work here."""

    active = True

    def __init__(self, member: Any) -> None:
        self.member = member

    def __getattr__(self, name: str) -> Any:
        return getattr(self.member, name)

    @property
    def epoch(self) -> Any:
        return _Any()


class _Any:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]  # equal to everything, so it has none


BREAKS: dict[str, Callable[[], Break]] = {
    "a04 staff may do each other's work": _everybody_of_the_house,
    "a04 one permission is the wrong way round": _inverted,
    "a19 the row of staff is not asked": _trusting_sessions,
    "a19 a dismissal leaves old sessions for a later return": lambda: instead(
        staff, "leaves", around(lambda real, member: staff.replace(real(member), epoch=member.epoch))
    ),
    "a19 signing out everywhere signs nobody out": lambda: instead(staff, "out_everywhere", lambda member: member),
    "a19 the patients of a dismissed doctor are forgotten": lambda: instead(staffing, "_give_back", _nothing),
    "a19 licences are not asked for (R1)": lambda: instead(permission, "licensed", _nothing),
    "a19 the last administrator may go": lambda: instead(staff, "in_charge", lambda all, before, after: all),
}
