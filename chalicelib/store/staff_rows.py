"""The rows of people who work here: who they are, their sessions, tries to sign in, and records opened outside care."""

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)

from chalicelib.rooms.glass import Reason, Verdict
from chalicelib.rooms.permission import Role
from chalicelib.store import values
from chalicelib.store.rows import Row


class StaffRow(Row, discriminator="staff"):
    id = UnicodeAttribute()
    name = UnicodeAttribute()
    role = values.word(Role)
    departments: ListAttribute[str] = ListAttribute(default=list)
    title = UnicodeAttribute(default="")
    licence = UnicodeAttribute(default="")
    licence_until = UnicodeAttribute(null=True)
    practising_since = values.day(null=True)
    active = BooleanAttribute(default=True)
    epoch = NumberAttribute(default=0)


class SessionRow(Row, discriminator="session"):
    staff = UnicodeAttribute()
    epoch = NumberAttribute()
    began_at = UTCDateTimeAttribute()
    seen_at = UTCDateTimeAttribute()
    proved_at = UTCDateTimeAttribute()
    ended_at = UTCDateTimeAttribute(null=True)


class EnvelopeRow(Row, discriminator="envelope"):
    """What a session needs of Cognito; only the browser that shows the badge can have it opened."""

    text = UnicodeAttribute()


class TriesRow(Row, discriminator="tries"):
    """How often somebody tried to sign in by one name from one place, since when."""

    tries = NumberAttribute(default=0)


class PaneRow(Row, discriminator="pane"):
    """`since` is when the glass was broken."""

    visit = values.ticket()
    by = UnicodeAttribute()
    role = values.word(Role)
    reason = values.word(Reason)
    words = UnicodeAttribute()
    policy = UnicodeAttribute()
    verdict = values.word(Verdict, null=True)
    reviewer = UnicodeAttribute(null=True)
    remark = UnicodeAttribute(null=True)
    reviewed_at = UTCDateTimeAttribute(null=True)


class AdministratorsRow(Row, discriminator="administrators"):
    ids = UnicodeSetAttribute(null=True)
