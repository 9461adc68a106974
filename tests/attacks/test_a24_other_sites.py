"""A24: a page of another site sends our forms in this browser, with its cookies. Nothing is done."""

from tests.attacks.breaks import gets_through
from tests.people import Cast

FORM = "application/x-www-form-urlencoded"


def nothing_is_done_for_another_site(cast: Cast) -> None:
    """A new browser says which site sends; an old one says nothing, and the form lacks what only our page knows."""
    visit = cast.ann.join()
    for headers in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example", "host": "clinic.example"},
        {"origin": "null", "host": "clinic.example"},
        {},
    ):
        for body in (b"", b"proof=", b"proof=AAAAAAAAAAAAAAAAAAAAAA"):
            got = cast.ann.ask("POST", f"/en/visits/{visit}/leave", body, content_type=FORM, **headers)
            assert got.status == 403, headers
    for who, path in ((cast.ada, "/en/doctor/pause"), (cast.sam, "/en/staff/out")):
        got = who.ask("POST", path, b"", content_type=FORM, origin="null")
        assert got.status == 403, path
    assert "Your place" in cast.ann.look().words


def test_nothing_is_done_for_another_site(cast: Cast) -> None:
    nothing_is_done_for_another_site(cast)


def test_without_the_proof_it_would_be_done(cast: Cast) -> None:
    gets_through(lambda: nothing_is_done_for_another_site(cast), "a24 a form needs no proof")


def test_no_other_site_may_read_an_answer(cast: Cast) -> None:
    """Without these headers a browser keeps an answer from another site. That no JSON is taken from there is written
    down in tests/house: no route is declared with CORS."""
    for path in ("/en", "/board/general", "/openapi.json"):
        got = cast.eve.ask("GET", path, origin="https://evil.example")
        assert not [name for name in got.headers if name.lower().startswith("access-control")], path
