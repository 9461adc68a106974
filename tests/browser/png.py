"""PNG, smaller: the same picture with its colours in a palette. Nothing but the standard library.

A page has a few colours and the shades between them at the edges of letters: 256 are more than an eye can tell apart.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS_MAX = 256
TRUE_COLOUR, PALETTE = 2, 3


def smaller(png: bytes) -> bytes:
    """A true-colour picture of Chromium's as a palette picture. Colours beyond 256 become their nearest neighbour."""
    chunks = dict(_chunks(png))
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, kind) == (8, TRUE_COLOUR), "Chromium writes opaque pages as eight-bit true colour"
    rows = _rows(zlib.decompress(chunks[b"IDAT"]), width, height)
    pixels = [[row[i : i + 3] for i in range(0, len(row), 3)] for row in rows]
    palette, place = _palette(Counter(colour for row in pixels for colour in row))
    packed = b"".join(b"\0" + bytes(place[colour] for colour in row) for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, PALETTE, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(packed, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(name, body) for name, body in parts)


def _palette(seen: Counter[bytes]) -> tuple[list[bytes], dict[bytes, int]]:
    kept = [colour for colour, _ in seen.most_common(COLOURS_MAX)]
    place = {colour: i for i, colour in enumerate(kept)}
    for colour in seen:
        if colour not in place:
            place[colour] = min(
                range(len(kept)), key=lambda i: sum((a - b) ** 2 for a, b in zip(kept[i], colour, strict=True))
            )
    return kept, place


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every kind of chunk once; the picture's own data joined together."""
    at, data = len(SIGNATURE), bytearray()
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        if name == b"IDAT":
            data += body
        else:
            yield name, body
        at += 12 + length
    yield b"IDAT", bytes(data)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _rows(raw: bytes, width: int, height: int) -> Iterator[bytes]:
    """The lines of the picture with PNG's prediction undone."""
    size = width * 3
    before = bytes(size)
    for y in range(height):
        start = y * (size + 1)
        before = _undone(raw[start], bytearray(raw[start + 1 : start + 1 + size]), before)
        yield before


def _undone(kind: int, line: bytearray, above: bytes) -> bytes:
    """One line as it was. Its first pixel has nothing to the left."""
    predict = PREDICT[kind]
    for i in range(len(line)):
        left, corner = (line[i - 3], above[i - 3]) if i >= 3 else (0, 0)
        line[i] = (line[i] + predict(left, above[i], corner)) & 255
    return bytes(line)


def _paeth(a: int, b: int, c: int) -> int:
    """The neighbour (left, above, corner) that is nearest to left + above - corner."""
    near_a, near_b, near_c = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    if near_a <= near_b and near_a <= near_c:
        return a
    return b if near_b <= near_c else c


# How PNG's five filters guess a value from its neighbours: left, above, and above on the left.
PREDICT = (lambda a, b, c: 0, lambda a, b, c: a, lambda a, b, c: b, lambda a, b, c: (a + b) // 2, _paeth)
