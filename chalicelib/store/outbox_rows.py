"""The rows of the outbox: messages to patients and to the desk, and where a browser can be woken."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from chalicelib.rooms.notice import Kind, Sending, Way
from chalicelib.store import values
from chalicelib.store.rows import Row


class NoticeRow(Row, discriminator="notice"):
    """A message in the outbox; `since` is when it is due."""

    notice_kind = values.word(Kind)
    way = values.word(Way)
    department = UnicodeAttribute()
    visit = values.ticket(null=True)
    stretch = UnicodeAttribute(default="")
    people = NumberAttribute(default=0)
    to = UnicodeAttribute()
    language = UnicodeAttribute()
    written_at = UTCDateTimeAttribute()
    state = values.word(Sending)
    tries = NumberAttribute(default=0)
    why = UnicodeAttribute(null=True)


class WakeRow(Row, discriminator="wake"):
    visit = values.ticket()
    endpoint = UnicodeAttribute()
    at = UTCDateTimeAttribute()
