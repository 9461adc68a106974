"""A24: a page of another site sends our forms in this browser, with its cookies. Nothing is done."""

import pytest

from tests.attacks.breaks import gets_through
from tests.doors.test_number import BORN, code, proven, with_people
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


def nothing_is_done_with_a_number_for_another_site(cast: Cast) -> None:
    """What a proven number can do, and proving one: whoever could do that would read what the patient does later."""
    cast.bob.get("/en/number")
    cast.bob.fill("/number", phone="139 0000 0000")
    proves = f"code={code()}"
    with_people(cast.ann)
    cast.ann.get("/en/ask/flags")
    page = cast.ann.fill("/flags", flags="none").page
    person = next(form.fields["person"][0] for form in page.forms if form.action.endswith("/ask/person"))
    for who, path, body in (
        (cast.bob, "number/code", proves),
        (cast.ann, "number/people", f"name=Eve&born={BORN}&relation=other"),
        (cast.ann, "number/out", ""),
        (cast.ann, "number/everywhere", ""),
        (cast.ann, "forget", ""),
        (cast.ann, "ask/person", f"person={person}"),
        (cast.ann, "ask/check", "consent=yes"),
    ):
        for proof in ("", "&proof=", f"&proof={cast.eve.proof('/en/number')}", "&proof=AAAAAAAAAAAAAAAAAAAAAA"):
            for origin in ({"origin": "null"}, {}):
                got = who.ask("POST", f"/en/{path}", f"{body}{proof}".encode(), content_type=FORM, **origin)
                assert got.status == 403, (path, proof)
    people = cast.ann.get("/en/number").words
    assert "Mei" in people
    assert "Eve" not in people
    assert "number" not in cast.bob.cookies


def test_nothing_is_done_with_a_number_for_another_site(cast: Cast) -> None:
    nothing_is_done_with_a_number_for_another_site(cast)


@pytest.mark.parametrize("broken", ["a24 a form needs no proof", "a24 a form about a number needs no proof"])
def test_without_the_proof_a_number_would_be_used(cast: Cast, broken: str) -> None:
    gets_through(lambda: nothing_is_done_with_a_number_for_another_site(cast), broken)


def test_no_page_with_a_proof_is_kept_for_others(cast: Cast) -> None:
    """It is this browser's alone."""
    with_people(cast.ann)
    for path in ("number", "number/people", "find", "ask/flags"):
        got = cast.ann.ask("GET", f"/en/{path}")
        assert cast.ann.proof(f"/en/{path}") in got.body
        assert "no-store" in got.header("cache-control"), path


def test_no_other_site_may_read_an_answer(cast: Cast) -> None:
    """Without these headers a browser keeps an answer from another site. That no JSON is taken from there is written
    down in tests/house: no route is declared with CORS."""
    for path in ("/en", "/board/general", "/openapi.json"):
        got = cast.eve.ask("GET", path, origin="https://evil.example")
        assert not [name for name in got.headers if name.lower().startswith("access-control")], path


def test_a_form_shown_before_the_number_was_proven_goes_through(cast: Cast) -> None:
    """Sent twice, the second time with the cookie that the first answer brought; the browser says nothing of itself."""
    cast.ann.get("/en/number")
    at = cast.ann.fill("/number", phone="138 0000 1234")
    sent = next(form.fields for form in at.page.forms if form.action.endswith("/number/code"))
    sent = {**sent, "code": code()}
    assert [cast.ann.send("/en/number/code", sent).status for _ in range(2)] == [303, 303]
    page = cast.ann.get("/en/number").page
    assert {form.fields["proof"][0] for form in page.forms} == {cast.ann.proof("/en/number")} != set(sent["proof"])


def test_a_form_of_before_anything_was_kept_comes_back_once_with_what_was_ticked(cast: Cast) -> None:
    first = cast.ann.get("/en/ask/flags")
    (form,) = first.page.forms
    assert "proof" not in form.fields, "this browser has no secret yet"
    assert cast.ann.send("/en/ask/flags", {**form.fields, "flags": ["none"], "proof": ""}).status == 303
    assert cast.ann.send("/en/ask/flags", {**form.fields, "flags": ["none"], "proof": ""}).status == 303
    proven(cast.ann)
    got = cast.ann.send("/en/ask/flags", {**form.fields, "flags": ["none"], "proof": ""})
    assert got.status == 403
    cast.ann.at = got
    assert cast.ann.fill(flags=["none"]).path == "/en/ask/who"
