"""Deliberate breaks of who may come in: staff, their sessions and their tokens; in the manner of `breaks.py`."""

import base64
import json
from collections.abc import Callable
from typing import Any

from chalicelib.doors import origin, second
from chalicelib.doors import staff as door
from chalicelib.outside import tokens
from chalicelib.outside.identity import Pool
from chalicelib.rooms import permission, staff
from chalicelib.rooms.permission import MAY, STAFF
from chalicelib.store import staff as store
from chalicelib.store import writing
from chalicelib.visit import staffing
from tests.simulation.mutants import Break, around, both, instead


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


_REMEMBERED: dict[str, Any] = {}


def _cached(real: Any, *, id: str, token_hash: str, **asked: Any) -> Any:
    if token_hash not in _REMEMBERED:
        _REMEMBERED[token_hash] = real(id=id, token_hash=token_hash, **asked)
    return _REMEMBERED[token_hash]


def _believing(real: Any, token: str, **asked: Any) -> Any:
    """Issuer and client are taken from the token itself."""
    said = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return real(token, **{**asked, "issuer": said.get("iss"), "client": said.get("client_id")})


def _unwritten(deed: str) -> Break:
    """The session changes as ever, and nobody can read of it."""

    def put(real: Any, transaction: Any, line: Any) -> None:
        if line.deed != deed:
            real(transaction, line)

    def linked(real: Any, transaction: Any, line: Any, chain: str) -> None:
        if line.deed != deed:
            real(transaction, line, chain)

    return both(instead(writing, "put_audit", around(put)), instead(writing.chain, "link", around(linked)))


def _name_first() -> Break:
    """The row of the name is written, and then it is seen that this network is not heard."""

    def by_name(real: Any, id: str, place: str, now: Any) -> None:
        network = _COUNTING.pop()
        real(id, place, now)
        network()

    def by_network(real: Any, network: str, now: Any) -> None:
        _COUNTING.append(lambda: real(network, now))

    return both(instead(store, "count_try", around(by_name)), instead(store, "count_any", around(by_network)))


def _forgiven(network: str, now: Any) -> None:
    with store.in_reach():
        store.TriesRow(f"T#{network}", store.ANY).delete()


_COUNTING: list[Callable[[], None]] = []

BREAKS: dict[str, Callable[[], Break]] = {
    "a04 staff may do each other's work": _everybody_of_the_house,
    "a04 one permission is the wrong way round": _inverted,
    "a17 signatures are not checked": lambda: instead(tokens, "_signed", _nothing),
    "a17 issuer and client are believed": lambda: instead(tokens, "claims", around(_believing)),
    "a17 a token without an end has none": lambda: instead(
        tokens, "_moment", lambda said, name: said.get(name, 2**40 if name == "exp" else 0)
    ),
    "a17 Cognito's yes is taken for whose it is": lambda: instead(Pool, "_belongs", _nothing),
    "a18 who somebody is is cached for a while": lambda: instead(store, "who", around(_cached)),
    "a27 all names together are not counted": lambda: instead(store, "count_any", _nothing),
    "a27 a network is counted after the name": _name_first,
    "a27 what was right forgives all": lambda: instead(store, "uncount_any", _forgiven),
    "a27 what was right is counted": lambda: instead(store, "uncount_any", _nothing),
    "a27 a browser that was here before is a stranger": lambda: instead(door, "_mark", lambda asked, id: ""),
    "a27 every address is a network": lambda: instead(origin, "CUSTOMER", 128),
    "r09 a session is enough for a signature": lambda: instead(second, "wanted", lambda asked: False),
    "r09 a session is enough for an approval": lambda: instead(second, "wanted", lambda asked: False),
    "r09 a session is enough to say who works here": lambda: instead(second, "wanted", lambda asked: False),
    "r09 a session is enough to break the glass": lambda: instead(second, "wanted", lambda asked: False),
    "r25 signing in leaves no line": lambda: _unwritten("sign_in"),
    "r25 the second factor leaves no line": lambda: _unwritten("prove_again"),
    "r25 signing out leaves no line": lambda: _unwritten("sign_out"),
    "r25 the colleague before is still in": lambda: instead(door, "_earlier_ends", _nothing),
    "a19 the row of staff is not asked": _trusting_sessions,
    "a19 a dismissal leaves old sessions for a later return": lambda: instead(
        staff, "leaves", around(lambda real, member: staff.replace(real(member), epoch=member.epoch))
    ),
    "a19 signing out everywhere signs nobody out": lambda: instead(staff, "out_everywhere", lambda member: member),
    "a19 the patients of a dismissed doctor are forgotten": lambda: instead(staffing, "give_back", _nothing),
    "a19 licences are not asked for (R1)": lambda: instead(permission, "licensed", _nothing),
    "a19 the last administrator may go": lambda: instead(staff, "in_charge", lambda all, before, after: all),
}
