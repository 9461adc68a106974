"""The rows of proven numbers: what a browser claims and has proven, the people of a number, and what was counted."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from chalicelib.rooms.arrival import ForWhom
from chalicelib.rooms.phone import Purpose
from chalicelib.store import values
from chalicelib.store.rows import Row


class ClaimRow(Row, discriminator="claim"):
    holder = UnicodeAttribute()
    phone = UnicodeAttribute()
    number = UnicodeAttribute()
    purpose = values.word(Purpose)
    digest = UnicodeAttribute()
    asked_at = UTCDateTimeAttribute()
    born = values.day(null=True)
    tries = NumberAttribute(default=0)
    last_try = UnicodeAttribute(default="")
    proven = BooleanAttribute(default=False)
    unsent = BooleanAttribute(null=True)


class ProofRow(Row, discriminator="proof"):
    token = UnicodeAttribute()
    phone = UnicodeAttribute()
    number = UnicodeAttribute()
    purpose = values.word(Purpose)
    began_at = UTCDateTimeAttribute()
    seen_at = UTCDateTimeAttribute()
    born = values.day(null=True)
    ended_at = UTCDateTimeAttribute(null=True)


class PhoneRow(Row, discriminator="phone"):
    id = UnicodeAttribute()
    people = NumberAttribute(default=0)
    signed_out_at = UTCDateTimeAttribute(null=True)


class PersonRow(Row, discriminator="person"):
    phone = UnicodeAttribute()
    id = UnicodeAttribute()
    name = UnicodeAttribute()
    born = values.day()
    relation = values.word(ForWhom)
    added_at = UTCDateTimeAttribute()


class DrawnRow(Row, discriminator="drawn"):
    """A ticket that can be found again with the number it was drawn with."""

    visit = values.ticket()


class CounterRow(Row, discriminator="counter"):
    sent = NumberAttribute(default=0)
