"""Keys: the clinic's own secret keys, each made on first use and kept in the table, and what a phone becomes with one.

Who reads the table could read every visit anyway. The pepper keeps phone numbers out of keys of rows, and makes six
digits worth guessing only here: who has a copy of the codes' rows without it cannot try a million codes at home.
"""

import functools
import hashlib
import hmac
import secrets

from pynamodb.exceptions import PutError

from chalicelib.store.rows import KeyRow, Row
from chalicelib.store.writing import in_reach


def phone_of(number: str) -> str:
    """What a number (E.164) is kept under: the same for the same number, not reversible without the pepper."""
    return _mac("phone", number)


def caller_of(address: str) -> str:
    """The same for a network address."""
    return _mac("caller", address)


def digest(phone: str, purpose: str, code: str) -> str:
    """What is kept of a code: HMAC-SHA256 over the phone, what the code is for, and the code."""
    return _mac("code", phone, purpose, code)


def _mac(*parts: str) -> str:
    return hmac.new(key("pepper"), "|".join(parts).encode(), hashlib.sha256).hexdigest()


@functools.cache
def key(name: str) -> bytes:
    """Read once per Lambda container, and made by the clinic's first one."""
    with in_reach():
        try:
            row = KeyRow.get(f"K#{name}", "K")
        except KeyRow.DoesNotExist:
            row = _made(name)
    return bytes.fromhex(row.secret)


def _made(name: str) -> KeyRow:
    """Two that make it at the same moment agree on the first one written."""
    row = KeyRow(f"K#{name}", "K", secret=secrets.token_hex(32))
    try:
        row.save(condition=Row.pk.does_not_exist())
    except PutError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            raise
        row = KeyRow.get(f"K#{name}", "K", consistent_read=True)
    return row
