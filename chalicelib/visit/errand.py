"""Errand: one request of one person, and the promise that the same request has one effect and one answer."""

import functools
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from zoneinfo import ZoneInfo

from chalicelib.refusal import Busy, NotFound, Refusal, Repeated, Stale, TooLate, Unsigned
from chalicelib.rooms import assignment, delivery, permission, pocket
from chalicelib.rooms.arrival import Request
from chalicelib.rooms.assignment import Claim, Doctor, Seen
from chalicelib.rooms.complaint import Complaint
from chalicelib.rooms.consult import Message, Note
from chalicelib.rooms.delivery import Order
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.erasure import Erasure
from chalicelib.rooms.glass import Pane
from chalicelib.rooms.notice import Notice, Wake
from chalicelib.rooms.oversight import Trail
from chalicelib.rooms.permission import Actor, Entry, Role, Tie
from chalicelib.rooms.phone import Claim as PhoneClaim
from chalicelib.rooms.phone import Counted, Person, Phone, Proof
from chalicelib.rooms.prescription import Prescription
from chalicelib.rooms.promise import Accuracy
from chalicelib.rooms.queue import HELD_MAX, Alias, Band, Call, Lane, Mark, Ticket, Visit, Why
from chalicelib.rooms.rules import Clinic
from chalicelib.rooms.staff import Administrators, Member

P = ParamSpec("P")
T = TypeVar("T")
Sent = TypeVar("Sent", Notice, Wake, PhoneClaim, Proof)
Ties = Callable[[Actor, Visit], frozenset[Tie]]
LOOK_AGAIN_MINUTES = 15
DECIDE_TRIES_MAX = 6  # how often a deed looks again after somebody else wrote first


class File(Protocol):
    """Everything kept of one visit."""

    @property
    def visit(self) -> Visit: ...
    @property
    def messages(self) -> list[Message]: ...
    @property
    def notes(self) -> list[Note]: ...
    @property
    def prescriptions(self) -> list[Prescription]: ...
    @property
    def orders(self) -> list[Order]: ...
    @property
    def complaints(self) -> list[Complaint]: ...


class Records(Protocol):
    """What deeds need of the store. The module `store.records` is one; tests wrap another around it."""

    def visit(self, id: Ticket) -> Visit: ...
    def visit_and_home(self, id: Ticket) -> tuple[Visit, Lane]: ...
    def signed(self, id: Ticket, number: int) -> tuple[Visit, Prescription]: ...
    def file(self, id: Ticket) -> File: ...
    def messages(self, id: Ticket, after: str) -> list[Message]: ...
    def newest_note(self, id: Ticket) -> Note | None: ...
    def newest_prescription(self, id: Ticket) -> Prescription | None: ...
    def newest_order(self, id: Ticket) -> Order | None: ...
    def request(self, holder: str) -> Request: ...
    def doctor(self, id: str) -> Doctor: ...
    def desk_and_lanes(self, id: str, wanted: list[tuple[str, int]]) -> tuple[Doctor, list[Lane]]: ...
    def own_lines(self, doctors: Iterable[str], *, consistent: bool = False) -> dict[str, tuple[Doctor, Lane]]: ...
    def earlier(self, person: str, department: str) -> list[Visit]: ...
    def visits(
        self,
        ids: Iterable[Ticket],
        *,
        broken: list[Ticket] | None = None,
        holes: list[Ticket] | None = None,
        consistent: bool = False,
    ) -> list[Visit]: ...
    def waiting(self, lane: Lane) -> list[Visit]: ...
    def waiting_for(self, lines: Mapping[str, Lane]) -> list[Visit]: ...
    def past(self, person: str, before: Visit) -> list[Any]: ...  # of File
    def taken_by(self, doctor: str, day: str) -> list[Visit]: ...
    def taken_on(self, doctor: str, day: str) -> tuple[list[Visit], bool]: ...
    def mark(self, department: str, lane: int) -> Mark: ...
    def accuracy(self, department: str, day: str) -> Accuracy: ...
    def accuracies(self, department: str, since: str) -> list[Accuracy]: ...
    def roster(self, department: str, *, consistent: bool = False) -> list[Seen]: ...
    def to_review(self) -> list[Prescription]: ...
    def returned_to(self, doctor: str) -> list[Prescription]: ...
    def orders(self, states: Iterable[OrderState], *, doctor: str | None = None) -> list[Order]: ...
    def member(self, id: str) -> Member: ...
    def is_member(self, id: str) -> bool: ...
    def members(self) -> list[Member]: ...
    def administrators(self) -> Administrators: ...
    def answered(self, about: str, request: str) -> Repeated | None: ...
    def looked(self, entry: Entry) -> None: ...
    def trail(self, about: str, before: int | None = None) -> Trail: ...
    def pane(self, visit: Ticket, by: str) -> Pane | None: ...
    def pane_at(self, visit: Ticket, by: str, at: datetime) -> Pane: ...
    def panes(self, *, reviewed: bool, since: datetime | None = None) -> list[Pane]: ...
    def staff_names(self, ids: Iterable[str]) -> dict[str, str]: ...
    def count_of(self, counted: Counted) -> int: ...
    def phone_of(self, number: str) -> str: ...
    def save(self, *changes: object, audit: Entry) -> None: ...
    def tell_on_duty(self, lane: Lane, on_duty: int, *, of: int) -> None: ...
    def lanes(self, lanes: list[tuple[str, int]], *, consistent: bool = False) -> list[Lane]: ...
    def call(
        self,
        lane: Lane,
        band: Band,
        why: Why,
        now: datetime,
        whole: Lane | None = None,
        *,
        instead: bool = False,
        fills: bool = False,
    ) -> tuple[Ticket, Lane] | None: ...
    def claim(
        self, ticket: Ticket, call: Call, *, lease_until: datetime, day: str, audit: Entry, fills: int = 0
    ) -> tuple[Claim, Ticket]: ...
    def join(
        self,
        lanes: list[tuple[str, int]],
        band: Band,
        *,
        person: str,
        phone: str = "",
        by: Proof | None = None,
        make: Callable[[list[tuple[Ticket, Lane]]], Visit],
        audit: Entry,
    ) -> Ticket: ...
    def hold(self, lane: tuple[str, int], visit: Ticket, at: int, most: int = HELD_MAX) -> bool: ...
    def let_go(self, lane: tuple[str, int], visit: Ticket, at: int) -> None: ...
    def given_up(self, ticket: Ticket) -> None: ...
    def tombstone(self, ticket: Ticket) -> bool: ...
    def step_over(self, lane: Lane, until: Ticket) -> Lane | None: ...
    def recall_ticket(self, lane: tuple[str, int], visit: Ticket, band: Band = Band.RECALL) -> tuple[Ticket, Alias]: ...
    def notices_due(self, now: datetime, most: int) -> list[Notice]: ...
    def notices_lost(self, since: datetime) -> list[Notice]: ...
    def notices_of(self, visit: Ticket) -> list[Notice]: ...
    def complaints(self) -> list[Complaint]: ...
    def complaints_of(self, id: Ticket) -> list[Complaint]: ...
    def erasures(self) -> list[Erasure]: ...
    def move(self, changed: Sent) -> Sent: ...
    def wake(self, visit: Ticket) -> Wake | None: ...
    def asking(
        self, holder: str, counters: tuple[Counted, ...]
    ) -> tuple[PhoneClaim | None, list[tuple[Counted, int]]]: ...
    def claim_of(self, holder: str) -> PhoneClaim | None: ...
    def count_try(self, claim: PhoneClaim, digest: str) -> PhoneClaim | None: ...
    def proof(self, token: str) -> Proof | None: ...
    def phone(self, id: str) -> tuple[Phone, list[Person]]: ...
    def drawn(self, phone: str) -> list[Ticket]: ...


class Signer(Protocol):
    """The clinic's key, in a place that never gives it away. Every call raises Unsigned if it cannot be reached."""

    @property
    def key_id(self) -> str: ...
    def sign(self, digest: bytes) -> bytes: ...
    def verify(self, digest: bytes, signature: bytes, *, key: str) -> bool: ...
    def public_key(self) -> bytes: ...


class NoSigner:
    """An errand that was given no key: whoever goes on it can do everything but sign."""

    @property
    def key_id(self) -> str:
        raise Unsigned

    def sign(self, digest: bytes) -> bytes:
        raise Unsigned

    def verify(self, digest: bytes, signature: bytes, *, key: str) -> bool:
        raise Unsigned

    def public_key(self) -> bytes:
        raise Unsigned


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Who asks, which request it is, when, in which clinic, and where it is written. Made once, at the door."""

    actor: Actor
    request: str
    now: datetime
    clinic: Clinic
    records: Records
    fingerprint: str = ""
    signer: Signer = NoSigner()
    secret: str = field(default="", repr=False)  # of whoever asks; the table has its hash at most

    @property
    def here(self) -> datetime:
        """The present on the clinic's own clock."""
        return self.now.astimezone(ZoneInfo(self.clinic.timezone))

    @property
    def today(self) -> str:
        """The date on the clinic's own clock."""
        return f"{self.here:%Y-%m-%d}"

    # Whoever reads one visit for a deed reads it here: what is not theirs by `permission.WHOSE` is not found. Held by
    # tests/house/test_whose.py.
    def visit(self, id: Ticket, deed: str, *, ties: Ties | None = None) -> Visit:
        """`ties`: what makes it the actor's business, where that is not the ticket, the care or the work."""
        return self._theirs(deed, self.records.visit(id), ties)

    def visit_and_home(self, id: Ticket, deed: str) -> tuple[Visit, Lane]:
        visit, home = self.records.visit_and_home(id)
        return self._theirs(deed, visit), home

    def file(self, id: Ticket, deed: str) -> File:
        file = self.records.file(id)
        self._theirs(deed, file.visit)
        return file

    def prescription(self, id: Ticket, deed: str) -> Prescription:
        """The newest. By its own ties: the visit is not read for it."""
        found = self.records.newest_prescription(id)
        if found is None:
            raise NotFound()
        permission.whose(self.actor, deed, delivery.ties(self.actor, found))
        return found

    def order(self, id: Ticket, deed: str) -> Order:
        """The newest. By its own ties; whether it is a patient's own says the visit, which is read for that."""
        found = self.records.newest_order(id)
        if found is None or found.erased:
            raise NotFound()
        if self.actor.role is Role.PATIENT:
            self.visit(id, deed)
        else:
            permission.whose(self.actor, deed, delivery.ties(self.actor, found))
        return found

    def _theirs(self, deed: str, visit: Visit, ties: Ties | None = None) -> Visit:
        permission.whose(self.actor, deed, (ties or assignment.ties)(self.actor, visit))
        if self.actor.role is Role.PATIENT and pocket.is_over(visit, self.now, self.clinic):
            raise pocket.over(self.clinic)
        return visit

    def entry(self, deed: str, about: str, *, answer: str = "") -> Entry:
        """The audit line of a deed of this errand."""
        return Entry(
            about=about,
            request=self.request,
            actor=self.actor,
            deed=deed,
            at=self.now,
            policy=self.clinic.policy,
            answer=answer,
            fingerprint=self.fingerprint,
        )


def about_visit(id: Ticket) -> str:
    return f"V#{id}"


def about_doctor(id: str) -> str:
    return f"D#{id}"


def about_person(id: str) -> str:
    return f"P#{id}"


def about_member(id: str) -> str:
    return f"U#{id}"


def look(errand: Errand, id: Ticket, deed: str = "look") -> None:
    """The audit line of somebody who reads a visit, written before the answer; if it cannot be, nothing is shown.

    One line per reader and quarter of an hour, however often a page refreshes.
    """
    errand.records.looked(_look(errand, about_visit(id), deed))


def look_at_record(errand: Errand, id: Ticket) -> None:
    """The same for somebody who takes out the whole record, the patient too."""
    look = _look(errand, about_visit(id), "see_record")
    errand.records.looked(replace(look, request=f"record:{look.request}"))


def look_at_others(errand: Errand, id: Ticket, others: list[Ticket]) -> None:
    """The same for visits shown on the page of visit `id`. The line that says so is written last: it being there, so
    are all the others, also if an earlier try ended in between."""
    done = _look(errand, about_visit(id))
    done = replace(done, request=f"others:{done.request}")
    if others and errand.records.answered(done.about, done.request) is None:
        for other in others:
            look(errand, other, "look_back")
        errand.records.looked(done)


def look_at_list(errand: Errand) -> None:
    """The same for a list of people: the line hangs on the reader."""
    errand.records.looked(_look(errand, about_member(errand.actor.id)))


def _look(errand: Errand, about: str, deed: str = "look") -> Entry:
    quarter = int(errand.now.timestamp()) // (LOOK_AGAIN_MINUTES * 60)
    # A colon is in no id that a browser can send, so nobody can write this line before us.
    return replace(errand, request=f"{deed}:{errand.actor.id}:{quarter}").entry(deed, about)


Deed = Callable[Concatenate[Errand, P], T]


def once(
    *, about: Callable[..., str], again: Callable[..., T], made_here: frozenset[str] = frozenset()
) -> Callable[[Deed[P, T]], Deed[P, T]]:
    """Make a deed happen once per request.

    `about(errand, **typed)` names what its audit line hangs on; `again(errand, answer, **typed)` gives the answer of
    a request that had its effect before (a double tap, a lost reply). A deed that finds its subject changed between
    reading and writing starts over with what is true now; one that is refused first makes sure that the refusal is
    not about its own earlier success. `made_here` names arguments that the door makes anew each time (a code, the time
    of consent), so they do not tell a repeat from another form.
    """

    def wrap(deed: Deed[P, T]) -> Deed[P, T]:
        @functools.wraps(deed)
        def do(errand: Errand, /, *args: P.args, **typed: P.kwargs) -> T:
            said = {name: value for name, value in typed.items() if name not in made_here}
            errand = replace(errand, fingerprint=fingerprint(deed.__name__, errand, said))
            for _ in range(DECIDE_TRIES_MAX):
                try:
                    return deed(errand, *args, **typed)
                except Stale:
                    continue
                except Repeated as earlier:
                    return again(errand, _same(errand, earlier), **typed)
                except Refusal:
                    earlier_one = errand.records.answered(about(errand, **typed), errand.request)
                    if earlier_one is None or earlier_one.fingerprint != errand.fingerprint:
                        raise
                    return again(errand, earlier_one.answer, **typed)
            raise Busy

        return do

    return wrap


def fingerprint(deed: str, errand: Errand, typed: dict[str, Any]) -> str:
    """Tells a repeat of a request from another form sent under the same id.

    It stays in the audit when what was typed is erased, so it is made with the sender's own secret: who reads it cannot
    try all phone numbers until one fits.
    """
    text = repr((deed, errand.actor.role, errand.actor.id, sorted(typed.items(), key=lambda pair: pair[0])))
    return hmac.new(errand.secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def _same(errand: Errand, earlier: Repeated) -> str:
    if earlier.fingerprint != errand.fingerprint:
        raise TooLate("This form was sent before with other content. Open the page again and look.")
    return earlier.answer
