"""The logo: what draws is kept, what runs, loads or tracks is refused, with the line."""

import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from infra.kit.picture import BYTES_MAX, PNG, BadPicture, logo

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">'


def drawn(tmp_path: Path, text: str | bytes, name: str = "logo.svg") -> str:
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return logo(file)


def part(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*, side: int = 2, extra: bytes = b"") -> bytes:
    head = part(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    rows = zlib.compress((b"\0" + b"\x10\x20\x30" * side) * side)
    return PNG + head + extra + part(b"IDAT", rows) + part(b"IEND", b"")


def test_shapes_are_kept_and_the_drawing_programs_notes_are_not(tmp_path: Path) -> None:
    text = (
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:i="http://inkscape.example" width="8px" '
        'height="9" i:version="1"><title>Secret draft</title><metadata><i:who>Bob</i:who></metadata>'
        '<defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
        '<i:guide/><g fill="url(#a)" data-name="x"><path d="M0 0h8v8z" class="y"/></g></svg>'
    )
    kept = drawn(tmp_path, text)
    root = ElementTree.fromstring(kept)  # noqa: S314  # ours
    assert root.get("viewBox") == "0 0 8 9"
    assert 'd="M0 0h8v8z"' in kept
    assert "url(#a)" in kept
    for gone in ("Secret", "Bob", "inkscape", "data-name", "class"):
        assert gone not in kept


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ("<script>alert(1)</script>", "has <script>"),
        ("<foreignObject/>", "has <foreignObject>"),
        ("<image href='data:image/png;base64,AA'/>", "has <image>"),
        ("<text>Clinic</text>", "turn text into paths"),
        ("<use href='#a'/>", "has <use>"),
        ("<animate/>", "has <animate>"),
        ("<path onclick='x()'/>", 'has onclick="x()"'),
        ("<path style='fill:url(http://x)'/>", "has style="),
        ("<path fill='url(https://x/y#z)'/>", "has fill="),
        ("<path fill='javascript:x'/>", "has fill="),
        ("<path xmlns:x='http://www.w3.org/1999/xlink' x:href='http://x'/>", "has href="),
        ("<g>" * 501 + "</g>" * 501, "more than 500 shapes"),
        ("<path", "not a whole SVG"),
    ],
)
def test_what_is_more_than_a_picture_is_refused_with_its_line(tmp_path: Path, inside: str, why: str) -> None:
    with pytest.raises(BadPicture, match=r".") as caught:
        drawn(tmp_path, f"{HEAD}\n\n{inside}</svg>")
    assert why in str(caught.value)
    assert caught.value.line == 3


def test_a_bomb_and_a_stranger_are_refused(tmp_path: Path) -> None:
    for text, why in (
        ('<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + HEAD + "&a;</svg>", "DOCTYPE"),
        ("<html/>", "not an SVG"),
        ('<svg xmlns="http://www.w3.org/2000/svg"/>', "no viewBox"),
        ("GIF89a", "not a whole SVG"),
    ):
        with pytest.raises(BadPicture, match=why):
            drawn(tmp_path, text)
    with pytest.raises(BadPicture, match="PNG or an SVG"):
        drawn(tmp_path, "GIF89a", "logo.gif")


def test_sixteen_kilobytes_and_no_more(tmp_path: Path) -> None:
    body = f"{HEAD}<path d='{'M0 0 ' * 3200}'/></svg>"
    full = body.replace("</svg>", " " * (BYTES_MAX - len(body)) + "</svg>")
    assert len(full) == BYTES_MAX
    assert drawn(tmp_path, full)
    with pytest.raises(BadPicture, match=r"16\.0 KB; at most 16 KB"):
        drawn(tmp_path, full + " ")


def test_a_png_is_framed_without_what_its_camera_wrote(tmp_path: Path) -> None:
    framed = drawn(tmp_path, png(extra=part(b"tEXt", b"Author\0Bob") + part(b"eXIf", b"GPS")), "logo.png")
    assert framed == drawn(tmp_path, png(), "plain.png")
    assert framed.startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><image width="2"')


@pytest.mark.parametrize(
    "data", [PNG, png()[:-8], png().replace(b"IDAT", b"IDAX"), png(side=1025), PNG + part(b"IEND", b"")]
)
def test_a_broken_or_huge_png_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadPicture):
        drawn(tmp_path, data, "logo.png")
