"""What each function may do on the table is what it does there: no more, no less."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import time, timedelta

import pytest

from chalicelib.doors import clock
from chalicelib.outside.vault import Double
from chalicelib.rooms.assignment import LEASE, PRESENCE
from chalicelib.rooms.notice import NOBODY, Notice, Outcome
from chalicelib.rooms.permission import SYSTEM
from chalicelib.rooms.queue import Band, Why
from chalicelib.rooms.rules import Sms
from chalicelib.store import records
from chalicelib.visit import sweeping
from chalicelib.visit.sweeping import Swept
from infra.package import ROOT
from tests import engines
from tests.builders import ADA, ANN, BOB, MINUTE, a_clinic, a_department
from tests.deploy.recorder import Recorder, recording
from tests.visit.walk import Walk

DAYTIME = replace(a_department(), opens=time(0), closes=time(23, 59))
CLINIC = a_clinic(
    timezone="UTC", departments=(DAYTIME,), sms=Sms(provider="local", country="+86", desk="+8613900000000")
)
NEEDS_NO_CALL_OF_OURS = {
    "SignRecords": "not the table: tests/deploy/test_outside.py compares it with what is asked of the key",
    "SignRoots": "not the table, and the same key",
    "KeepRoots": "not the table: tests/attacks/test_a21_roots.py puts them into a locked bucket",
    "WriteTheLog": "Lambda writes what the function prints",
    "SendTraces": "X-Ray's daemon sends them",
    "LeaveWhatFailed": "Lambda leaves the letter",
}


def may(function: str) -> dict[str, set[str]]:
    """A function's actions by the name of the statement."""
    policy = json.loads((ROOT / ".chalice" / f"policy-{function}.json").read_text())
    return {one["Sid"]: set(one["Action"]) for one in policy["Statement"]}


@dataclass
class Carrier:
    """A post that always delivers."""

    carries: bool = True
    has_time: bool = True
    sent: list[Notice] = field(default_factory=list)

    def send(self, one: Notice) -> Outcome:
        self.sent.append(one)
        return Outcome.SENT


@dataclass
class Watched:
    """A clinic whose sweeps are written down, call by call."""

    walk: Walk
    recorder: Recorder
    post: Carrier = field(default_factory=Carrier)
    used: set[str] = field(default_factory=set)

    def sweep(self, *, after: timedelta = MINUTE) -> Swept:
        self.walk.now += after
        self.recorder.permissions.clear()
        swept = sweeping.sweep(self.walk.errand(SYSTEM), self.post)
        assert swept.failed == []
        self.used |= self.recorder.permissions
        return swept


@pytest.fixture
def watched(dynoxide: str) -> Iterator[Watched]:
    with recording(dynoxide) as (address, recorder), engines.dynoxide_table(address):
        yield Watched(Walk(CLINIC), recorder)


def test_the_sweep_needs_exactly_what_it_is_permitted(watched: Watched) -> None:
    """Everything a sweep can do, once: alert, rescue, tell, send, count, off duty, home."""
    walk = watched.walk
    walk.join(ANN, text_me=True)
    walk.join(BOB)
    assert watched.sweep(after=NOBODY).desk_alerted == 1
    walk.on_duty(ADA)
    assert watched.sweep().told == 1
    (lane,) = records.lanes([("general", 0)])
    records.call(lane, Band.STANDARD, Why.FIRST_COME, walk.now)  # by a doctor whose Lambda dies here
    assert watched.sweep().brought_to_front == 1
    assert walk.take(ADA)
    watched.sweep()
    gone = [watched.sweep(after=max(LEASE, PRESENCE)), watched.sweep()]
    assert sum(one.off_duty for one in gone) == 1
    closed = replace(DAYTIME, closes=(walk.now + MINUTE).time())
    walk.clinic = replace(CLINIC, departments=(closed,))
    assert watched.sweep(after=timedelta(minutes=5)).sent_home >= 1
    assert len(watched.post.sent) >= 3
    assert watched.used == may("sweep")["RememberTheClinic"]


class Key:
    """Signs nothing: what is permitted on the key is asked elsewhere."""

    key_id = "key"

    def sign(self, digest: bytes) -> bytes:
        return digest


def test_the_anchor_needs_exactly_what_it_is_permitted(watched: Watched) -> None:
    """A root, and the next one."""
    watched.walk.join(ANN)
    watched.recorder.permissions.clear()
    vault = Double()
    assert [clock.anchor(vault, Key()), clock.anchor(vault, Key())] == [1, 1]
    assert watched.recorder.permissions == may("anchor")["RememberTheClinic"]


@pytest.mark.parametrize("function", ["api", "sweep", "anchor"])
def test_what_else_is_permitted_is_named_with_its_reason(function: str) -> None:
    assert set(may(function)) <= {"RememberTheClinic", *NEEDS_NO_CALL_OF_OURS}


def test_only_who_ends_sessions_may_delete() -> None:
    deleting = [path.stem for path in (ROOT / ".chalice").glob("policy-*.json") if "DeleteItem" in path.read_text()]
    assert deleting == ["policy-api"]
