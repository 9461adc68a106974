"""Names: the opaque name a visit has outside, in addresses and links, made from its ticket and unforgeable.

A ticket is a small number, so its name is a MAC of it (HMAC-SHA256, 128 bits) followed by the ticket itself, blinded
with a pad made from that MAC. The MAC is what makes a name unguessable; the pad only keeps the department and the
number out of addresses. This is the order of RFC 5297 (SIV): authenticate, then encrypt under the tag.
The board of a doctor's own line has a name of the same make, of the doctor's id.
The key is made on first use and kept in the table, whose readers could read every visit anyway.
"""

import base64
import functools
import hashlib
import hmac
import secrets

from pynamodb.exceptions import PutError

from chalicelib.clinic import CLINIC
from chalicelib.refusal import NotFound
from chalicelib.rooms.queue import Band, Ticket
from chalicelib.store.rows import KeyRow, Row
from chalicelib.store.writing import in_reach

TAG_BYTES = 16
NAME_BYTES_MAX = 200
PLAIN_BYTES = 8  # letter 1, lane 2, band 1, number 4


def name_of(ticket: Ticket) -> str:
    """32 characters, safe in an address; always the same for the same visit."""
    department = CLINIC.department(ticket.department)
    assert department is not None
    plain = b"".join(
        (
            department.letter.encode(),
            ticket.lane.to_bytes(2, "big"),
            int(ticket.band).to_bytes(1, "big"),
            ticket.n.to_bytes(4, "big"),
        )
    )
    return _sealed(b"tag", plain)


def ticket_of(name: str) -> Ticket:
    """The ticket behind a name. Raises NotFound for anything this clinic did not name."""
    plain = _opened(b"tag", name)
    if len(plain) != PLAIN_BYTES:
        raise NotFound()
    letter, lane, band, n = plain[:1].decode(), plain[1:3], plain[3], plain[4:]
    department = next((d for d in CLINIC.departments if d.letter == letter), None)
    if department is None:
        raise NotFound()
    return Ticket(department.id, int.from_bytes(lane, "big"), Band(band), int.from_bytes(n, "big"))


def board_of(doctor: str) -> str:
    """What the board of a doctor's own line is called: staff ids are names to sign in with, so no patient sees one."""
    return "~" + _sealed(b"line", doctor.encode())


def doctor_of(board: str) -> str:
    """The doctor whose line this board is of. Raises NotFound for anything else."""
    if not board.startswith("~"):
        raise NotFound()
    return _opened(b"line", board[1:]).decode()


def _sealed(use: bytes, plain: bytes) -> str:
    tag = _mac(use, plain)
    return base64.urlsafe_b64encode(tag + _xor(plain, _pad(tag, len(plain)))).decode()


def _opened(use: bytes, name: str) -> bytes:
    try:
        raw = base64.b64decode(name.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError as garbage:
        raise NotFound() from garbage
    # The decoder takes + and / too; a name has one spelling.
    if len(raw) > NAME_BYTES_MAX or base64.urlsafe_b64encode(raw).decode() != name:
        raise NotFound()
    tag, hidden = raw[:TAG_BYTES], raw[TAG_BYTES:]
    plain = _xor(hidden, _pad(tag, len(hidden)))
    if not hmac.compare_digest(tag, _mac(use, plain)):
        raise NotFound()
    return plain


def paper_secret(request: str) -> str:
    """The ticket secret the desk prints for somebody without a phone: the same for the same request, so that a
    form sent twice prints one ticket. 22 characters, 128 bits."""
    return base64.urlsafe_b64encode(_mac(b"paper", request.encode())).decode().rstrip("=")


def _mac(use: bytes, data: bytes) -> bytes:
    return hmac.new(_key(), use + data, hashlib.sha256).digest()[:TAG_BYTES]


def _pad(tag: bytes, length: int) -> bytes:
    """As long as what it hides; the first block is all that a ticket needs."""
    blocks = [_mac(b"pad", tag)]
    while len(blocks) * TAG_BYTES < length:
        blocks.append(_mac(b"pad%d" % len(blocks), tag))
    return b"".join(blocks)


def _xor(data: bytes, pad: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, pad, strict=False))


@functools.cache
def _key() -> bytes:
    """Read once per Lambda container; two that make it at the same moment agree on the first one written."""
    row = KeyRow("K#names", "K", secret=secrets.token_hex(32))
    with in_reach():
        try:
            row.save(condition=Row.pk.does_not_exist())
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            row = KeyRow.get("K#names", "K", consistent_read=True)
    return bytes.fromhex(row.secret)
