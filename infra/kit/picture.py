"""The hospital's logo: small, and nothing but a picture. What could run, load or track is refused."""

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

BYTES_MAX = 16 * 1024
PIXELS_MAX = 1024
ELEMENTS_MAX = 500
SVG = "http://www.w3.org/2000/svg"
PNG = b"\x89PNG\r\n\x1a\n"
PNG_PARTS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA"})  # no words, no dates
DROPPED = frozenset({"metadata", "title", "desc"})  # what drawing programs add; the picture stands beside the name
_SHAPES = "svg g path circle ellipse rect line polyline polygon defs linearGradient radialGradient stop clipPath"
_PAINT = (
    "id viewBox width height x y x1 y1 x2 y2 cx cy r rx ry fx fy d points transform opacity offset "
    "fill fill-opacity fill-rule clip-path clip-rule clipPathUnits gradientUnits gradientTransform spreadMethod "
    "stop-color stop-opacity stroke stroke-width stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity "
    "stroke-dasharray stroke-dashoffset preserveAspectRatio"
)
ELEMENTS, ATTRIBUTES = frozenset(_SHAPES.split(" ")), frozenset(_PAINT.split(" "))
_OUTSIDE = re.compile(r"url\(\s*['\"]?(?!#)|[a-z]+:", re.IGNORECASE)


class BadPicture(ValueError):
    """Why the logo cannot be used, and in which line of it."""

    def __init__(self, why: str, line: int = 1) -> None:
        super().__init__(why)
        self.line = line


def logo(path: Path) -> str:
    """The logo as one safe SVG. Raises BadPicture."""
    data = path.read_bytes()
    if len(data) > BYTES_MAX:
        raise BadPicture(f"the logo has {len(data) / 1024:.1f} KB; at most {BYTES_MAX // 1024} KB travel well")
    if data.startswith(PNG):
        return _framed(data)
    if path.suffix.lower() == ".svg":
        return _Drawing().read(data)
    raise BadPicture("the logo must be a PNG or an SVG")


class _Drawing:
    """Writes an SVG anew while reading it: only shapes and their paint are carried over."""

    def __init__(self) -> None:
        self._written: list[str] = []
        self._skipping = 0
        self._elements = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype  # entities could grow without end

    def read(self, data: bytes) -> str:
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as wrong:
            raise BadPicture(f"the logo is not a whole SVG: {expat.ErrorString(wrong.code)}", wrong.lineno) from wrong
        return "".join(self._written)

    def _refuse(self, why: str) -> BadPicture:
        return BadPicture(f"the logo {why}", self._parser.CurrentLineNumber)

    def _doctype(self, *_: object) -> None:
        raise self._refuse("has a DOCTYPE: save it as plain SVG")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        space, _, plain = name.rpartition(" ")
        self._elements += 1
        if self._elements > ELEMENTS_MAX:
            raise self._refuse(f"has more than {ELEMENTS_MAX} shapes")
        if self._elements == 1 and name != f"{SVG} svg":
            raise self._refuse("is not an SVG")
        if self._skipping or space != SVG or plain in DROPPED:
            self._skipping += 1
            return
        if plain not in ELEMENTS:
            raise self._refuse(f"has <{plain}>: only shapes are safe (turn text into paths)")
        if self._elements == 1:
            attributes = {**_size(attributes, self._refuse("has no viewBox")), "xmlns": SVG}
        kept = "".join(f" {key}={quoteattr(value)}" for key, value in self._kept(plain, attributes))
        self._written.append(f"<{escape(plain)}{kept}>")

    def _kept(self, element: str, attributes: dict[str, str]) -> Iterator[tuple[str, str]]:
        for key, value in attributes.items():
            if key == "xmlns" or (key in ATTRIBUTES and not _OUTSIDE.search(value)):
                yield key, value
            elif key == "style" or key.lower().startswith("on") or key.endswith("href") or key in ATTRIBUTES:
                raise self._refuse(f'has {key.split(" ")[-1]}="{value[:40]}" in <{element}>: save it as plain SVG')

    def _end(self, name: str) -> None:
        if self._skipping:
            self._skipping -= 1
        else:
            self._written.append(f"</{name.rpartition(' ')[2]}>")


def _size(attributes: dict[str, str], refused: BadPicture) -> dict[str, str]:
    """A viewBox, so that the picture takes the height it is given."""
    if "viewBox" in attributes:
        return attributes
    sides = [re.fullmatch(r"([0-9.]+)(px)?", attributes.get(side, "")) for side in ("width", "height")]
    if not all(sides):
        raise refused
    return {**attributes, "viewBox": "0 0 " + " ".join(side[1] for side in sides if side)}


def _framed(data: bytes) -> str:
    """A PNG inside an SVG: all our files are text, which is what API Gateway carries without being told more."""
    parts = [(kind, body) for kind, body in _parts(data) if kind in PNG_PARTS]
    if not parts or parts[0][0] != b"IHDR" or parts[-1][0] != b"IEND" or len(parts[0][1]) != 13:
        raise BadPicture("the logo is not a whole PNG")
    width, height = struct.unpack(">II", parts[0][1][:8])
    if not (0 < width <= PIXELS_MAX and 0 < height <= PIXELS_MAX):
        raise BadPicture(f"the logo has {width} x {height} pixels; at most {PIXELS_MAX} a side")
    plain = PNG + b"".join(_part(kind, body) for kind, body in parts)
    at = f'width="{width}" height="{height}"'
    inside = base64.b64encode(plain).decode()
    return (
        f'<svg xmlns="{SVG}" viewBox="0 0 {width} {height}"><image {at} href="data:image/png;base64,{inside}"/></svg>'
    )


def _parts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if data[at + 8 + length : at + 12 + length] != struct.pack(">I", zlib.crc32(kind + body)):
            raise BadPicture("the logo is not a whole PNG")
        yield kind, body
        at += 12 + length


def _part(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
