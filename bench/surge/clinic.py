"""The sampled clinic: one in so many of a replay's patients and doctors do the real deeds, on a virtual clock.

What is decided here is only when somebody does something. Who is called, what is promised, what is refused: that is
rooms, visit and store.
"""

import contextlib
import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from bench.surge import replays
from bench.surge.people import Patient, opaque
from bench.surge.replays import Replay
from bench.surge.table import Table
from chalicelib.clinic import CLINIC
from chalicelib.refusal import Busy
from chalicelib.rooms import leaving
from chalicelib.rooms.permission import ANYBODY, SYSTEM, Actor
from chalicelib.rooms.queue import BANDS, Band
from chalicelib.rooms.rules import Clinic
from chalicelib.store import records, spent, staff
from chalicelib.visit import sweeping
from chalicelib.visit.errand import Errand
from infra.local.signer import Local

SIGNER = Local()
BEGAN = datetime(2030, 1, 7, tzinfo=UTC)
TICK_SECONDS = 60
PER_LANE = (
    (spent, "GONE_MAX"),
    (leaving, "HELD_BY_CHOICE_MAX"),  # not queue.HELD_MAX: how long somebody is held goes by calls, fewer too
    (sweeping, "NUMBERS_MAX"),
    (sweeping, "OPEN_MAX"),
)


class Counted:
    """The signing key, and a note of everything that would be asked of KMS. It takes no time here."""

    key_id = SIGNER.key_id

    def __init__(self, table: Table) -> None:
        self.table = table

    def sign(self, digest: bytes) -> bytes:
        self.table.signed()
        return SIGNER.sign(digest)

    def verify(self, digest: bytes, signature: bytes, *, key: str) -> bool:
        self.table.signed()
        return SIGNER.verify(digest, signature, key=key)

    def public_key(self) -> bytes:
        return SIGNER.public_key()


@dataclass
class Watch:
    """What is seen of the lanes' counters as they change: how long each band was passed over while somebody waited.

    A call in place of one that led to nobody is the same call, and to step over numbers is none."""

    run: dict[tuple[str, Band], int] = field(default_factory=lambda: defaultdict(int))
    longest: dict[Band, int] = field(default_factory=lambda: defaultdict(int))
    before: dict[str, tuple[list[int], list[int], int]] = field(default_factory=dict)

    def __call__(self, key: str, row: dict[str, Any]) -> None:
        heads, tails, due = ([int(row.get(f"{c}{int(b)}", {}).get("N", 0)) for b in BANDS] for c in "htd")
        calls = int(row.get("calls", {}).get("N", 0))
        nothing = [0] * len(BANDS)
        were, was_due, were_calls = self.before.get(key, (nothing, nothing, 0))
        self.before[key] = heads, due, calls
        if calls == were_calls and due == was_due:
            return
        for band in BANDS:
            if heads[band] > were[band]:
                self.run[key, band] = 0
            elif tails[band] > heads[band]:
                self.run[key, band] += calls - were_calls
                self.longest[band] = max(self.longest[band], self.run[key, band])


@dataclass(frozen=True)
class Minute:
    """The clinic at one moment, in people of the whole platform."""

    at: float
    waiting: float
    on_duty: float
    in_consult: float


class World:
    """The clock, what happens next, and how a deed is done and charged."""

    def __init__(self, replay: Replay, seed: int, table: Table) -> None:
        self.replay, self.table, self.luck = replay, table, random.Random(seed)
        self.scale = replay.scale
        departments = [d for d in CLINIC.departments if d.id in replay.shares]
        always = [replace(d, opens=time(0), closes=time(0)) for d in departments]
        self.clinic: Clinic = replace(CLINIC, departments=tuple(always), lanes=replay.lanes)
        self.now = 0.0
        self.order = itertools.count()
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.watch = table.watched = Watch()
        self.patients: list[Patient] = []
        self.minutes: list[Minute] = []
        self.signer = Counted(table)
        self.tried: dict[str, int] = defaultdict(int)
        self.busy: dict[str, int] = defaultdict(int)  # of these, told to come back
        self.refused: dict[str, int] = defaultdict(int)  # deeds that came too late
        self.badges: dict[str, str] = {}  # of staff: the session they are in

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (self.now + seconds, next(self.order), act))

    def run(self, until: float, done: Callable[[], bool]) -> None:
        """Everything that happens, in order, until nobody is left or the time is over."""
        while self.agenda and self.agenda[0][0] <= until and not done():
            self.now, _, act = heapq.heappop(self.agenda)
            self.table.now = self.now
            act()

    @property
    def clock(self) -> datetime:
        return BEGAN + timedelta(seconds=self.now)

    def errand(self, actor: Actor = ANYBODY, request: str = "") -> Errand:
        return Errand(
            actor=actor,
            request=opaque(request or f"{self.replay.name} {next(self.order)}"),
            now=self.clock,
            clinic=self.clinic,
            records=records,  # type: ignore[arg-type]  # a module has every function of the protocol
            signer=self.signer,
        )

    def deed(
        self,
        name: str,
        do: Callable[..., Any],
        actor: Actor = ANYBODY,
        /,
        *,
        request: str = "",
        times: float = 1,
        http: bool = True,
        over: float = 0,
        **typed: Any,
    ) -> Any:
        """One deed as its door would do it, standing for `times` of its kind. Raises Refusal as the deed does."""
        self.tried[name] += 1
        try:
            with self.table.charged(name, times, http=http, over=over):
                self._let_in(actor)
                return do(self.errand(actor, request), **typed)
        except Busy:
            self.busy[name] += 1
            raise

    def _let_in(self, actor: Actor) -> None:
        """Staff show their session with every request."""
        if actor.role not in ("doctor", "pharmacist", "courier"):
            return
        badge = self.badges.get(actor.id, actor.id)
        if not staff.who(id=actor.id, token_hash=badge, now=self.clock):
            badge = self.badges[actor.id] = f"{actor.id} {next(self.order)}"
            with self.table.charged("sign_in", 1):
                staff.open_session(staff.member(actor.id), token_hash=badge, now=self.clock)

    def until_done(self, act: Callable[[], None]) -> None:
        """Whoever is told that the clinic is very busy does the same again a little later."""
        try:
            act()
        except Busy:
            wait = replays.TRY_AGAIN_SECONDS * self.luck.uniform(0.8, 1.2)
            self.later(wait, lambda: self.until_done(act))

    def sweep(self) -> None:
        with contextlib.suppress(Busy):
            self.deed("sweep", sweeping.sweep, SYSTEM, http=False)


@contextlib.contextmanager
def scaled(scale: int) -> Iterator[None]:
    """What the code allows so and so many of in one lane is divided too: there are fewer people in it."""
    kept = [(module, name, getattr(module, name)) for module, name in PER_LANE]
    try:
        for module, name, most in kept:
            setattr(module, name, max(1, round(most / scale)))
        yield
    finally:
        for module, name, most in kept:
            setattr(module, name, most)
