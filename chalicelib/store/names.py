"""Names: the opaque name a visit has outside, in addresses and links, made from its ticket and unforgeable.

A ticket is a small number, so its name is a MAC of it (HMAC-SHA256, 128 bits) followed by the ticket itself, blinded
with a pad made from that MAC. The MAC is what makes a name unguessable; the pad only keeps the department and the
number out of addresses. This is the order of RFC 5297 (SIV): authenticate, then encrypt under the tag.
The board of a doctor's own line has a name of the same make, of the doctor's id; and a prescription's sheet one of its
visit, number and signature.
The key lies in the table: see `keys`.
"""

import base64
import hashlib
import hmac

from chalicelib.clinic import CLINIC
from chalicelib.refusal import NotFound
from chalicelib.rooms.queue import Band, Ticket
from chalicelib.store.keys import key

TAG_BYTES = 16
NAME_BYTES_MAX = 200
PLAIN_BYTES = 8  # letter 1, lane 2, band 1, number 4
NUMBER_BYTES, SIGNED_BYTES = 2, 7  # of a prescription; of a signature's hash: tells one that was made anew


def name_of(ticket: Ticket) -> str:
    """32 characters, safe in an address; always the same for the same visit."""
    return _sealed(b"tag", _plain(ticket))


def _plain(ticket: Ticket) -> bytes:
    department = CLINIC.department(ticket.department)
    assert department is not None
    return b"".join(
        (
            department.letter.encode(),
            ticket.lane.to_bytes(2, "big"),
            int(ticket.band).to_bytes(1, "big"),
            ticket.n.to_bytes(4, "big"),
        )
    )


def ticket_of(name: str) -> Ticket:
    """The ticket behind a name. Raises NotFound for anything this clinic did not name."""
    return _ticket(_opened(b"tag", name))


def _ticket(plain: bytes) -> Ticket:
    if len(plain) != PLAIN_BYTES:
        raise NotFound()
    letter, lane, band, n = plain[:1].decode(), plain[1:3], plain[3], plain[4:]
    department = next((d for d in CLINIC.departments if d.letter == letter), None)
    if department is None:
        raise NotFound()
    return Ticket(department.id, int.from_bytes(lane, "big"), Band(band), int.from_bytes(n, "big"))


def sheet_of(visit: Ticket, number: int, signature: str) -> str:
    """What is behind the square on a prescription, 44 characters: of this prescription as this signature has it. Its
    tag is made for this use alone, so it opens nothing else, and nobody comes from it to the visit's name."""
    return _sealed(b"sheet", _plain(visit) + number.to_bytes(NUMBER_BYTES, "big") + _signed(signature))


def prescription_of(sheet: str) -> tuple[Ticket, int]:
    """The visit and the number of the prescription; whether it still has that signature says `sheet_of` of its row.
    Raises NotFound, without asking the table, for anything this clinic did not name."""
    plain = _opened(b"sheet", sheet)
    if len(plain) != PLAIN_BYTES + NUMBER_BYTES + SIGNED_BYTES:
        raise NotFound()
    return _ticket(plain[:PLAIN_BYTES]), int.from_bytes(plain[PLAIN_BYTES : PLAIN_BYTES + NUMBER_BYTES], "big")


def _signed(signature: str) -> bytes:
    return hashlib.sha256(signature.encode()).digest()[:SIGNED_BYTES]


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


def first_password(request: str) -> str:
    """What an administrator prints for somebody's first sign-in: the same for the same request, so that a form sent
    twice prints one slip. Sixteen letters and digits that are not mistaken for one another, 78 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    number = int.from_bytes(_mac(b"first", request.encode()), "big")
    said = ""
    for _ in range(16):
        number, at = divmod(number, len(letters))
        said += letters[at]
    return "-".join(said[i : i + 4] for i in range(0, 16, 4))


def known_mark(member: str, nonce: str) -> str:
    """What a browser keeps that was signed in by this name once; nobody else can make it."""
    return f"{nonce}~{_mark(member, nonce)}"


def is_known(member: str, mark: str) -> bool:
    nonce, _, tag = mark.partition("~")
    return hmac.compare_digest(_mark(member, nonce), tag)


def first_mark(member: str, password: str) -> str:
    """Tells the password on this person's slip again, and does not tell what it is."""
    return base64.urlsafe_b64encode(_mac(b"first", f"{member}~{password}".encode())).decode().rstrip("=")


def _mark(member: str, nonce: str) -> str:
    return base64.urlsafe_b64encode(_mac(b"known", f"{member}~{nonce}".encode())).decode().rstrip("=")


def _mac(use: bytes, data: bytes) -> bytes:
    return hmac.new(key("names"), use + data, hashlib.sha256).digest()[:TAG_BYTES]


def _pad(tag: bytes, length: int) -> bytes:
    """As long as what it hides; the first block is all that a ticket needs."""
    blocks = [_mac(b"pad", tag)]
    while len(blocks) * TAG_BYTES < length:
        blocks.append(_mac(b"pad%d" % len(blocks), tag))
    return b"".join(blocks)


def _xor(data: bytes, pad: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, pad, strict=False))
