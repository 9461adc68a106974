"""A12, a malicious file: nobody can send one. The clinic takes words and choices; there is no attachment to check.

Whoever adds attachments takes this test away, and has to put in its place what the research asks for: the first bytes
looked at, a size, a key made by the server, a bucket of their own, `Content-Disposition: attachment`.
"""

import re

from tests.attacks.breaks import gets_through
from tests.house.test_house import ROOT
from tests.people import Browser, Cast

BOUNDARY = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="text"; filename="../../run.php"\r\n\r\n%PDF-1.7\r\n--x--'
FILES = [
    (BOUNDARY, PART),
    ("application/pdf", b"%PDF-1.7"),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
    ("application/octet-stream", b"MZ\x90\x00"),
    ("application/zip", b"PK\x03\x04"),
]


def no_address_takes_a_file(cast: Cast) -> None:
    from app import app

    visit = cast.ann.join()
    parts = {"lang": "en", "visit": visit, "step": "who", "member": "bo", "sheet": "x"}
    who: dict[str, Browser] = {"patient": cast.ann, "staff": cast.ada, "public": cast.eve, "number": cast.ann}
    for path, methods in app.routes.items():
        for kind, body in (FILES if path.endswith("/messages") else FILES[:1]) if "POST" in methods else ():
            got = who[methods["POST"].view_function.by].ask("POST", path.format(**parts), body, content_type=kind)
            assert got.status == 415, (path, kind, got.status)


def test_no_address_takes_a_file(cast: Cast) -> None:
    no_address_takes_a_file(cast)


def test_no_page_asks_for_one() -> None:
    for page in (ROOT / "chalicelib" / "pages").glob("*.html"):
        said = page.read_text("utf-8")
        assert not re.search(r'type="?file|enctype|type=.file', said), page.name


def test_it_would_be_noticed_if_one_did(cast: Cast) -> None:
    gets_through(lambda: no_address_takes_a_file(cast), "a12 any format is taken")
