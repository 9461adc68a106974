"""The rows of the one table: which key every record has, and what is kept under it.

Keys (pk / sk):
    V#<ticket>   / V          a visit, under the ticket it drew; or an Alias; or the tombstone of a lost number
                 / M#<id>     a message        / N#<number>  a note
                 / C#<number> a complaint      / E  its patient asked for erasure
                 / O#<number> an order         / P#<number>  a prescription
                 / X#<request> audit rows: after everything else, so that one query reads the visit without them
                 / Y         the chain of the audit lines (on every partition that has lines);  Y#<n> a seal of it
                 / Z#glass#<staff>#<time> it was opened outside somebody's care
                 / Z#<kind>#<way> a notice in the outbox;  Z#wake where the browser can be woken: also after the rest
    L#<department>#<lane> / L the counters of a lane;  / S how far the sweep has read it
    L#~<doctor>#0 / L         the same of a doctor's own lane
                 / W#<day>    how the department's promises of that day were kept (lane 0)
                 / D#<doctor> the department's roster (lane 0);  Z#nobody#<since> an alert to the desk (lane 0)
    D#<doctor>   / D          a doctor's desk  / X#<request> audit rows of taking and duty
    P#<person>   / A#<department>  the guard: one active visit; and which visits there were
    P#<holder>   / R          the answers being given on one phone;  C a number it says is its own, with the code's MAC
    P#<phone>    / T          a number that was proven;  H#<person> somebody it stands for
                 / V#<time>#<ticket> a ticket drawn with it, for some days (ids are MACs or hashes, never a number)
    Q#<counter>  / Q          codes or texts to a number, from an address or network, of the clinic, in a day or hour
    U#<staff>    / U          a member of staff;   T#<staff> / T#<place>  tries to sign in by that name
    T#<network>  / T#any      tries to sign in by any name
                 / X#<request> audit rows of what was done about them;   U / A  who is administrator
    S#<hash>     / S          a session of staff, by its badge;  Z sealed with it;  P a proven number, by its token
    K#<name>     / K          the clinic's own keys;   K#roots / K  the newest signed root of the audit's chains
"""

import os
from typing import Any, TypeVar, cast

from pynamodb.attributes import (
    BooleanAttribute,
    DiscriminatorAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from chalicelib.rooms.arrival import ForWhom, Getting, HowLong, Stage
from chalicelib.rooms.complaint import About
from chalicelib.rooms.consult import Kind, NoteState
from chalicelib.rooms.delivery import State as OrderState
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.prescription import State as PrescriptionState
from chalicelib.rooms.queue import Moved
from chalicelib.rooms.queue import State as VisitState
from chalicelib.store import values

R = TypeVar("R", bound="Row")
TABLE = os.environ.get("TABLE", "clinic")
REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "eu-west-1")


class ByStage(GlobalSecondaryIndex["Row"]):  # type: ignore[no-untyped-call]  # PynamoDB's own
    """Work lists: only rows that somebody has to look at carry a stage, so the index stays as small as the work."""

    class Meta:
        index_name = "by_stage"
        projection = AllProjection()
        billing_mode = "PAY_PER_REQUEST"

    stage = UnicodeAttribute(hash_key=True)
    since = UTCDateTimeAttribute(range_key=True)


class Row(Model):
    """Anything in the table."""

    class Meta:
        table_name = TABLE
        region = REGION
        billing_mode = "PAY_PER_REQUEST"
        # All tries together end before Lambda's 15 seconds do, so that people hear "busy" and not a gateway's error.
        connect_timeout_seconds = 1
        read_timeout_seconds = 2.5
        max_retry_attempts = 3
        max_pool_connections = 20

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    kind = DiscriminatorAttribute()
    version = NumberAttribute(null=True)
    stage = UnicodeAttribute(null=True)
    since = UTCDateTimeAttribute(null=True)
    ttl = NumberAttribute(null=True)
    by_stage = ByStage()

    @classmethod
    def from_raw_data(cls: type[R], data: dict[str, Any]) -> R:
        """Where any kind of row may come, one that cannot be read comes as a BrokenRow: see `shapes.sound`."""
        try:
            row = super().from_raw_data(data)
            if missing := [n for n, a in row.get_attributes().items() if not a.null and getattr(row, n) is None]:
                raise ValueError(missing)
        except Exception:  # whatever PynamoDB's and our own converters say to nonsense
            if cls is not Row:
                raise
            return cast(R, BrokenRow(data["pk"]["S"], data["sk"]["S"]))
        return row


class BrokenRow(Row):
    """A row that does not say what it must: edited by hand, or damaged. Nothing of it is shown."""


class VisitRow(Row, discriminator="visit"):
    id = values.ticket()
    person = UnicodeAttribute()
    secret = UnicodeAttribute()
    request = UnicodeAttribute()
    answers = values.answers()
    joined_at = UTCDateTimeAttribute()
    policy = UnicodeAttribute()
    state = values.word(VisitState)
    ticket = values.ticket(null=True)
    returns_at = NumberAttribute(null=True)
    step_backs = NumberAttribute(null=True)
    no_shows = NumberAttribute(null=True)
    heard_in = NumberAttribute(null=True)
    asked_at = UTCDateTimeAttribute(null=True)
    epoch = NumberAttribute(default=0)
    doctor = UnicodeAttribute(null=True)
    lease_until = UTCDateTimeAttribute(null=True)
    calls: ListAttribute[str] = ListAttribute(default=list)  # "<doctor> <time> <why>"; the first is epoch 1
    plates: ListAttribute[str] = ListAttribute(null=True)
    promise: ListAttribute[int] = ListAttribute(null=True)
    from_desk = BooleanAttribute(null=True)
    handed_back = UnicodeAttribute(null=True)
    said = NumberAttribute(default=0)
    voices = UnicodeAttribute(null=True)
    last_word = UnicodeAttribute(null=True)
    outcome = UnicodeAttribute(null=True)
    summary = UnicodeAttribute(null=True)
    signed_note = NumberAttribute(null=True)
    prescribed = NumberAttribute(null=True)
    ended_at = UTCDateTimeAttribute(null=True)
    ended_why = UnicodeAttribute(null=True)
    told = UnicodeSetAttribute(null=True)
    wakes = BooleanAttribute(null=True)
    prefers = UnicodeAttribute(null=True)
    beside = values.ticket(null=True)
    moved = values.word(Moved, null=True)
    moved_at = UTCDateTimeAttribute(null=True)
    verified = BooleanAttribute(null=True)
    born = values.day(null=True)
    also: ListAttribute[str] = ListAttribute(null=True)
    lent: ListAttribute[str] = ListAttribute(null=True)
    renewed_at = UTCDateTimeAttribute(null=True)
    restricted = UTCDateTimeAttribute(null=True)


class AliasRow(Row, discriminator="alias"):
    visit = values.ticket()


class TombstoneRow(Row, discriminator="tombstone"):
    """A number whose joiner died before writing the visit; the joiner, if only late, draws another."""


class MessageRow(Row, discriminator="message"):
    visit = values.ticket()
    id = UnicodeAttribute()
    author = UnicodeAttribute()
    author_name = UnicodeAttribute()
    message_kind = values.word(Kind)
    text = UnicodeAttribute()
    at = UTCDateTimeAttribute()
    epoch = NumberAttribute()


class NoteRow(Row, discriminator="note"):
    visit = values.ticket()
    number = NumberAttribute()
    doctor = UnicodeAttribute()
    doctor_name = UnicodeAttribute(default="")
    epoch = NumberAttribute()
    subjective = UnicodeAttribute(default="")
    objective = UnicodeAttribute(default="")
    assessment = UnicodeAttribute(default="")
    plan = UnicodeAttribute(default="")
    state = values.word(NoteState)
    replaces = NumberAttribute(null=True)
    signed_at = UTCDateTimeAttribute(null=True)
    policy = UnicodeAttribute(null=True)
    signature = values.signature()
    page = UnicodeAttribute(null=True)


class PrescriptionRow(Row, discriminator="prescription"):
    visit = values.ticket()
    number = NumberAttribute()
    doctor = UnicodeAttribute()
    doctor_name = UnicodeAttribute()
    lines = values.lines()
    signed_at = UTCDateTimeAttribute()
    state = values.word(PrescriptionState)
    confirmed = BooleanAttribute(default=False)
    pharmacist = UnicodeAttribute(null=True)
    pharmacist_name = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    decided_at = UTCDateTimeAttribute(null=True)
    dispensed_at = UTCDateTimeAttribute(null=True)
    next_number = NumberAttribute(null=True)
    policy = UnicodeAttribute(null=True)
    stated = UnicodeAttribute(null=True)
    until = UTCDateTimeAttribute(null=True)
    signature, approval = values.signature(), values.signature()
    approved_at, approved_under = UTCDateTimeAttribute(null=True), UnicodeAttribute(null=True)


class OrderRow(Row, discriminator="order"):
    visit = values.ticket()
    number = NumberAttribute()
    prescription = NumberAttribute()
    doctor = UnicodeAttribute()
    patient = UnicodeAttribute()
    medicines = NumberAttribute(default=0)
    way = values.word(Way)
    address = UnicodeAttribute(default="")
    phone = UnicodeAttribute()
    code = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    state = values.word(OrderState)
    picker, checker, courier = (UnicodeAttribute(null=True) for _ in range(3))
    attempts = NumberAttribute(default=0)
    wrong_codes = NumberAttribute(default=0)
    policy = UnicodeAttribute(null=True)
    until = UTCDateTimeAttribute(null=True)
    steps = values.steps()


class RequestRow(Row, discriminator="request"):
    id = UnicodeAttribute()
    holder = UnicodeAttribute()
    language = UnicodeAttribute()
    started_at = UTCDateTimeAttribute()
    stage_reached = values.word(Stage)
    flags: ListAttribute[str] = ListAttribute(default=list)
    for_whom = values.word(ForWhom, null=True)
    name = UnicodeAttribute(default="")
    age = NumberAttribute(null=True)
    guardian = UnicodeAttribute(default="")
    department = UnicodeAttribute(default="")
    why = UnicodeAttribute(default="")
    allergies = UnicodeAttribute(default="")
    follow_up = BooleanAttribute(default=False)
    how_long = values.word(HowLong, null=True)
    getting = values.word(Getting, null=True)
    phone = UnicodeAttribute(default="")
    text_me = BooleanAttribute(default=False)
    person = UnicodeAttribute(default="")
    born = values.day(null=True)


class DoctorRow(Row, discriminator="doctor"):
    id = UnicodeAttribute()
    on_duty = BooleanAttribute(default=False)
    departments: ListAttribute[str] = ListAttribute(default=list)
    capacity = NumberAttribute(default=1)
    own_only = BooleanAttribute(null=True)
    others = NumberAttribute(null=True)
    most = NumberAttribute(null=True)
    visits = UnicodeSetAttribute(null=True)
    last_request = UnicodeAttribute(null=True)
    last_visit = values.ticket(null=True)
    seen_at = UTCDateTimeAttribute(null=True)
    closed = BooleanAttribute(null=True)
    works_in: ListAttribute[str] = ListAttribute(null=True)


class GuardRow(Row, discriminator="guard"):
    visit = values.ticket()
    request = UnicodeAttribute()
    open = BooleanAttribute()
    visits: ListAttribute[str] = ListAttribute(default=list)


class LaneRow(Row, discriminator="lane"):
    t0, t1, t2, t3 = (NumberAttribute(default=0) for _ in range(4))
    h0, h1, h2, h3 = (NumberAttribute(default=0) for _ in range(4))
    d0, d1, d2, d3 = (NumberAttribute(default=0) for _ in range(4))
    calls = NumberAttribute(default=0)
    fills = NumberAttribute(null=True)
    held = UnicodeSetAttribute(null=True)  # "<visit>@<call>"
    gone = UnicodeSetAttribute(null=True)  # "<band>.<number>"
    backs = NumberAttribute(default=0)  # how often a number was given back
    on_duty = NumberAttribute(default=0)
    of = NumberAttribute(null=True)
    window_at = UTCDateTimeAttribute(null=True)
    window_calls, before_calls = NumberAttribute(default=0), NumberAttribute(default=0)
    before_at = UTCDateTimeAttribute(null=True)
    window_tails, before_tails = values.counts(null=True), values.counts(null=True)


class MarkRow(Row, discriminator="mark"):
    department = UnicodeAttribute()
    lane = NumberAttribute()
    low: ListAttribute[int] = ListAttribute(default=list)
    open: ListAttribute[str] = ListAttribute(default=list)
    alerted = UnicodeAttribute(null=True)
    at = UTCDateTimeAttribute(null=True)


class AccuracyRow(Row, discriminator="accuracy"):
    department = UnicodeAttribute()
    day = UnicodeAttribute()
    counted = NumberAttribute(default=0)
    in_range = NumberAttribute(default=0)
    ratios: ListAttribute[int] = ListAttribute(default=list)


class SeenRow(Row, discriminator="seen"):
    department = UnicodeAttribute()
    doctor = UnicodeAttribute()
    on_duty = BooleanAttribute()
    own_only = BooleanAttribute(null=True)
    seen_at = UTCDateTimeAttribute()
    there_at = UTCDateTimeAttribute(null=True)


class ComplaintRow(Row, discriminator="complaint"):
    visit = values.ticket()
    number = NumberAttribute()
    about = values.word(About)
    text = UnicodeAttribute()
    filed_at = UTCDateTimeAttribute()
    closed_at = UTCDateTimeAttribute(null=True)
    closed_by = UnicodeAttribute(null=True)
    word = UnicodeAttribute(default="")


class ErasureRow(Row, discriminator="erasure"):
    visit = values.ticket()
    asked_at = UTCDateTimeAttribute()


class AuditRow(Row, discriminator="audit"):
    """Who did what, when, under which request. It is also what makes a request happen once."""

    role = UnicodeAttribute()
    actor = UnicodeAttribute()
    deed = UnicodeAttribute()
    at = UTCDateTimeAttribute()
    policy = UnicodeAttribute()
    answer = UnicodeAttribute(default="")
    fingerprint = UnicodeAttribute(default="")


class ChainRow(Row, discriminator="chain"):
    """Where a chain of audit lines ends: `n` lines are sealed with the value `head`, `tail` are the marks since."""

    n = NumberAttribute(default=0)
    head = UnicodeAttribute(null=True)
    tail: ListAttribute[str] = ListAttribute(default=list)


class SealRow(Row, discriminator="seal"):
    """The marks of some lines that follow each other, after the first `n` of the chain, whose value was `before`."""

    n = NumberAttribute()
    before = UnicodeAttribute(null=True)
    marks: ListAttribute[str] = ListAttribute(default=list)


class RootRow(Row, discriminator="root"):
    """Which signed root is the newest."""

    n = NumberAttribute()
    at = UTCDateTimeAttribute()
    digest = UnicodeAttribute()


class KeyRow(Row, discriminator="key"):
    secret = UnicodeAttribute()


Row._get_connection()  # before any subclass is used, so that all of them share one client
