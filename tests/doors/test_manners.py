"""Manners: hostile, broken and foreign input on every route, and how the clinic says no."""

import base64
import hashlib
import json
import logging
import re
from typing import Any
from urllib.parse import quote

import pytest
from chalice import Blueprint, Chalice

from chalicelib.doors import doctor
from chalicelib.doors.form import BODY_MAX, FORMS, Form, clean, many, text, values_of, whole, yes
from chalicelib.refusal import Busy, Refusal, TooLarge, TooLate
from tests.people import Answer, Browser, Cast, InProcess

FORM_TYPE, JSON_TYPE = FORMS
BODIES: list[tuple[str, bytes]] = [
    (FORM_TYPE, b""),
    (FORM_TYPE, b"%"),
    (FORM_TYPE, b"%zz=%zz&&&===&a"),
    (FORM_TYPE, b"name=%ff%fe"),
    (FORM_TYPE, b"\xff\xfe\x00"),
    (FORM_TYPE, b"text=a&text=b&name=a&name=b&code=1&code=2&flags=none&flags=xyz&consent=yes&consent=yes"),
    (FORM_TYPE, b"request=short"),
    (FORM_TYPE, b"request=" + b"a" * 65),
    (FORM_TYPE, b"request=" + quote("../../etc/passwd AND 1=1").encode()),
    (FORM_TYPE, b"text=" + quote("\x00\x01\u202e<script>alert(1)</script>").encode() + b"&flags=" + b"none" * 50),
    (FORM_TYPE, b"age=99999999999999999999999&number=1e9&epoch=-0&days=NaN&capacity=" + "３".encode()),
    (FORM_TYPE, b"&".join(b"f%d=1" % i for i in range(5000))),
    (FORM_TYPE, b"text=" + b"a" * BODY_MAX),
    (JSON_TYPE, b""),
    (JSON_TYPE, b"null"),
    (JSON_TYPE, b"[]"),
    (JSON_TYPE, b'"text"'),
    (JSON_TYPE, b"{"),
    (JSON_TYPE, b'{"a":1,"a":2}'),
    (JSON_TYPE, b'{"text":NaN}'),
    (JSON_TYPE, b'{"text":"\\ud800"}'),
    (JSON_TYPE, b'{"text":["a",["b"]],"age":true,"name":{"a":1},"flags":{"none":1},"consent":"maybe","way":7}'),
    (JSON_TYPE, b'{"text":null,"age":1.5,"name":5,"flags":[1,null],"department":[],"request":12}'),
    (JSON_TYPE, b'{"__proto__":{"role":"doctor"},"_method":"DELETE","actor":"ada"}'),
    (JSON_TYPE, b'{"text":' * 20000),
    (JSON_TYPE, b"[" * 60000),
    (JSON_TYPE, b'{"age":' + b"9" * 50000 + b"}"),
    (JSON_TYPE, "{“text”: “smart quotes”}".encode()),
    (JSON_TYPE + "; charset=utf-16", '{"text":"x"}'.encode("utf-16")),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n--x--'),
    ("text/plain", b"text=hello"),
    ("application/xml", b"<text>hello</text>"),
    ("", b"text=hello"),
]


def addresses(cast: Cast, visit: str) -> list[tuple[str, str]]:
    """Every method and address there is, with this visit in it."""
    from app import app

    parts = {"lang": "en", "visit": visit, "step": "who", "department": "general", "file": "wait.js", "member": "bo"}
    parts["sheet"] = "x" * 44
    return [(method, path.format(**parts)) for path, methods in app.routes.items() for method in methods]


def everybody(cast: Cast) -> list[Browser]:
    return [cast.eve, cast.ann, cast.ada, cast.sam, cast.cole, cast.dee, cast.max]


def polite(answer: Answer) -> None:
    """What is true of every answer whatever was asked."""
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") == "no-referrer"
    assert "default-src 'none'" in answer.header("Content-Security-Policy")
    assert answer.header("Cache-Control")
    assert "Traceback" not in answer.body


@pytest.mark.slow
def test_nothing_that_is_sent_breaks_a_door(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    visit = cast.ann.join()
    posts = [path for method, path in addresses(cast, visit) if method == "POST"]
    assert len(posts) > 15
    for who in everybody(cast):
        for path in posts:
            for kind, body in BODIES:
                for accept in ("text/html", "application/json"):
                    got = who.ask("POST", path, body, content_type=kind, accept=accept)
                    assert got.status < 500, (path, kind, body[:40], got.body[:200])
                    polite(got)
    assert "unexpected" not in caplog.text


@pytest.mark.slow
def test_no_link_breaks_a_door(cast: Cast) -> None:
    visit = cast.ann.join()
    query = "?after=%ff%00&code=" + "x" * 900 + "&next=//evil.example&department=xyz&a=1&a=2&already=maybe&lost[]=1"
    for who in everybody(cast):
        for method, path in addresses(cast, visit):
            if method == "GET":
                for asked in (path, path + query, path + "?%zz&&=&;"):
                    got = who.ask("GET", asked)
                    assert got.status < 500, (asked, got.body[:200])
                    polite(got)
                    assert "evil.example" not in got.header("Location")


@pytest.mark.parametrize("path", ["/xx", "/EN", "/en/visits/x", "/en/ask/nothing", "/board/nothing", "/s/nothing.js"])
def test_an_address_we_do_not_have_is_not_found(cast: Cast, path: str) -> None:
    got = cast.eve.ask("GET", path)
    assert got.status == 404
    assert "We cannot find that page" in got.words


def test_a_stranger_cannot_tell_a_real_visit_from_a_mistyped_one(cast: Cast) -> None:
    visit = cast.ann.join()
    real = cast.eve.ask("GET", f"/en/visits/{visit}")
    wrong = cast.eve.ask("GET", f"/en/visits/{visit[::-1]}")
    assert (real.status, real.page.words) == (wrong.status, wrong.page.words) == (404, real.page.words)


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "phone=",
        "phone=short",
        "tickets=!!!~~~",
        "phone=" + "é" * 22,
        "a" * 20000,
        "tickets=" + "x~y!" * 999,
        "=;=;",
    ],
)
def test_a_cookie_not_of_our_making_is_no_cookie(cast: Cast, cookie: str) -> None:
    visit = cast.ann.join()
    for path in ("/en", "/en/ask/who", "/en/find", f"/en/visits/{visit}"):
        got = cast.eve.house.ask("GET", path, {"Accept": "text/html", "Cookie": cookie}, b"")
        assert got.status in (200, 303, 404), path


def test_a_ticket_secret_that_is_nearly_right_opens_nothing(cast: Cast) -> None:
    visit = cast.ann.join()
    secret = cast.ann.cookies["tickets"].split("~")[1]
    for wrong in (secret[::-1], secret[:-1] + ("A" if secret[-1] != "A" else "B"), "A" * 22):
        cast.eve.cookies["tickets"] = f"{visit}~{wrong}"
        assert cast.eve.ask("GET", f"/en/visits/{visit}").status == 404
        assert cast.eve.send(f"/en/visits/{visit}/messages", {"text": "hi"}).status == 404


def test_a_form_of_another_site_is_refused(cast: Cast) -> None:
    visit = cast.ann.join()
    path, fields = f"/en/visits/{visit}/leave", b"proof=" + cast.ann.proof(f"/{visit}/").encode()
    for headers in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example", "host": "clinic.example"},
    ):
        assert cast.ann.ask("POST", path, fields, content_type=FORM_TYPE, **headers).status == 403, headers
    assert "Your place" in cast.ann.look().words
    ours = {"origin": "https://clinic.example", "host": "clinic.example"}
    assert cast.ann.ask("POST", path, fields, content_type=FORM_TYPE, **ours).status == 303


def test_a_browser_that_cannot_say_where_a_form_comes_from_brings_a_proof(cast: Cast) -> None:
    """An old browser says nothing, or `Origin: null`: another site's form looks like ours but for the proof."""
    mine, other = cast.ann.join(), cast.bob.join()
    page = cast.ann.look().page
    proofs = {form.fields["proof"][0] for form in page.forms}
    assert proofs == {cast.ann.proof(f"/{mine}/")}
    assert cast.ann.cookies["tickets"].split("~")[1] not in cast.ann.look().body
    path = f"/en/visits/{mine}/leave"
    for wrong in (b"", b"proof=", b"proof=x", b"proof=" + cast.bob.proof(f"/{other}/").encode(), b"proof=%C3%A9"):
        got = cast.ann.ask("POST", path, wrong, content_type=FORM_TYPE)
        assert got.status == 403
        assert "did not come from our page" in got.words
    assert "Your place" in cast.ann.look().words
    vouched = cast.ann.ask("POST", path, b"", content_type=FORM_TYPE, sec_fetch_site="same-origin")
    assert vouched.status == 303, "a browser that knows better needs no proof"


def test_a_form_without_its_proof_comes_back_as_it_was_typed(cast: Cast) -> None:
    visit = cast.ann.join()
    cast.ada.post("/en/doctor/duty", departments="general", capacity="2")
    cast.ada.post("/en/doctor/next", departments="general")
    got = cast.ann.ask("POST", f"/en/visits/{visit}/messages", b"text=It+hurts", content_type=FORM_TYPE)
    assert got.status == 403
    form = next(form for form in got.page.forms if form.action.endswith("/messages"))
    assert form.fields["text"] == ["It hurts"]
    assert form.fields["proof"] == [cast.ann.proof(visit)]
    cast.ann.at = got
    assert "It hurts" in cast.ann.fill("/messages").words


def test_a_format_we_do_not_read_is_said_politely(cast: Cast) -> None:
    got = cast.eve.ask("POST", "/en/ask/flags", b"x", content_type="text/plain")
    assert got.status == 415
    assert "Please use the form on the page" in got.words
    got = cast.eve.ask("POST", "/en/ask/flags", b"x", content_type="text/plain", accept="application/json")
    assert (got.status, got.json["status"]) == (415, 415)
    assert got.header("Content-Type") == "application/problem+json"


def test_a_method_we_do_not_take_is_said_politely(cast: Cast) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        got = cast.eve.ask(method, "/en/waits")
        assert got.status == 405
        assert got.header("Allow") == "GET"
        polite(got)
    got = cast.eve.send("/en/visits/" + cast.ann.join() + "/leave?_method=DELETE", {"_method": "PUT"})
    assert got.status == 404


def test_too_much_is_refused_before_it_is_read(cast: Cast) -> None:
    got = cast.eve.ask("POST", "/en/ask/flags", b"a" * (BODY_MAX + 1), content_type=FORM_TYPE)
    assert got.status == 413
    assert "make it shorter" in got.words
    assert "Go back in your browser, where it may still be" in got.words


@pytest.mark.parametrize("long", ["a" * 200_000, "疼" * 28_000])
def test_a_text_that_is_far_too_long_is_still_there_to_be_made_shorter(cast: Cast, long: str) -> None:
    cast.ann.join()
    cast.ann.look()
    got = cast.ann.fill("/messages", text=long)
    assert got.status == 422
    assert "At most 1000 characters." in got.words
    assert next(f for f in got.page.forms if "text" in f.fields).fields["text"] == [long]


def test_the_fullest_form_there_is_can_be_sent_in_any_script() -> None:
    """A form of a browser has twelve bytes for a letter that needs four."""
    longest = [field.schema.get("maxLength", 0) for field in doctor.SIGN.fields.values()]
    assert sum(12 * most for most in longest if isinstance(most, int)) < BODY_MAX


def test_every_wrong_field_is_named_to_a_machine(cast: Cast) -> None:
    cast.eve.machine("POST", "/en/ask/flags", {"flags": ["none"]})
    got = cast.eve.machine("POST", "/en/ask/who", {"for_whom": "dog", "age": "old", "name": ["a", "b"], "extra": 1})
    assert got.status == 422
    assert {error["field"] for error in got.json["errors"]} == {"for_whom", "age", "name", "extra"}
    assert got.json["title"] == "Unprocessable Entity"


def test_the_style_is_exactly_what_the_policy_allows(cast: Cast) -> None:
    got = cast.eve.get("/en")
    styles = re.findall(r"<style>(.*?)</style>", got.body, re.DOTALL)
    assert styles
    for style in styles:
        mark = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{mark}'" in got.header("Content-Security-Policy")
    assert "style=" not in got.body
    assert "<script>" not in got.body


def test_cookies_are_for_us_alone_and_secure_where_the_line_is(cast: Cast) -> None:
    plain = cast.eve.send("/en/ask/flags", {"flags": "none"}).cookies[0]
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    body = b"flags=none"
    got = cast.eve.ask("POST", "/en/ask/flags", body, content_type=FORM_TYPE, x_forwarded_proto="https")
    assert re.fullmatch(r"__Host-phone=[\w-]{22}; Path=/; HttpOnly; SameSite=Lax; Max-Age=\d+; Secure", got.cookies[0])
    assert got.header("Strict-Transport-Security")


# A house of two rooms, in which things go wrong on purpose.


@pytest.fixture
def broken(cast: Cast) -> Browser:
    from chalicelib.doors.manners import Asked, polite, welcome
    from chalicelib.doors.render import Answer, Page

    door = Blueprint(__name__)
    words = Form(text("text", max=50, lines=True), yes("busy"))

    @door.route("/{lang}/room")
    @polite("look")
    def room(asked: Asked) -> Answer:
        return Page(template="find.html", extras={"tickets": []})

    @door.route("/{lang}/room", methods=["POST"], content_types=FORMS)
    @polite("look", form=words, again=room)
    def write(asked: Asked) -> Answer:
        if asked.given["busy"]:
            raise Busy()
        raise KeyError("Ann has a sore throat")

    @door.route("/{lang}/gone", methods=["POST"], content_types=FORMS)
    @polite("look", form=words)
    def gone(asked: Asked) -> Answer:
        raise TooLate("This visit has already ended.")

    app = Chalice(app_name="broken")
    welcome(app)
    app.register_blueprint(door)
    return Browser(InProcess(app))


def test_our_own_mistake_loses_nothing_and_says_nothing(broken: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    broken.at = broken.send("/en/room", {"text": "a long story\nof two lines", "request": "r" * 22})
    assert broken.at.status == 500
    assert "a long story of two lines" in broken.at.words
    form = broken.at.page.forms[0]
    assert form.fields == {"request": ["r" * 22], "text": ["a long story\nof two lines"]}
    assert "sore throat" not in broken.at.body + caplog.text
    assert "long story" not in caplog.text
    event = next(json.loads(r.getMessage()) for r in caplog.records if "unexpected" in r.getMessage())
    assert event["kind"] == "KeyError"
    assert broken.ask("POST", "/en/room", b"{}", content_type=JSON_TYPE, accept=JSON_TYPE).json["status"] == 500


def test_a_busy_clinic_lets_the_same_request_be_sent_again(broken: Browser) -> None:
    got = broken.send("/en/room", {"text": "hello", "busy": "yes", "request": "q" * 22})
    assert got.status == 503
    assert got.header("Retry-After") == "5"
    assert got.page.forms[0].fields["request"] == ["q" * 22]
    assert got.page.forms[0].fields["text"] == ["hello"]


def test_a_refusal_without_a_page_keeps_what_was_typed(broken: Browser) -> None:
    got = broken.send("/en/gone", {"text": "hello"})
    assert got.status == 409
    assert "This visit has already ended." in got.words
    assert "hello" in got.words


# Forms by themselves.


def read(form: Form, **sent: Any) -> Any:
    return form.read({name: value if isinstance(value, list) else [value] for name, value in sent.items()})


def test_text_is_cleaned_as_people_see_it() -> None:
    form = Form(text("name", max=20), text("story", max=20, lines=True))
    sheet = read(form, name=" e\u0301\x00 a\tb\u202e\ufeff", story="one\r\ntwo\rthree")
    assert sheet.given["name"] == " é a b"
    assert sheet.given["story"] == "one\ntwo\nthree"
    assert clean("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"


def test_a_length_counts_what_a_person_typed_not_how_it_travelled() -> None:
    form = Form(text("story", max=5, lines=True))
    assert not read(form, story="a\r\nb\r\nc").wrong
    assert [(r.field, r.facts) for r in read(form, story="123456").wrong] == [("story", {"max": 5})]


@pytest.mark.parametrize(("sent", "is_"), [("7", 7), (" ３６ ", 36), (0, 0), ("-1", -1), ("007", 7)])
def test_a_whole_number_is_read_as_people_write_it(sent: object, is_: int) -> None:
    assert read(Form(whole("age", missing="?")), age=sent).given["age"] == is_


@pytest.mark.parametrize("sent", ["", "x", "1.5", "1e3", "9" * 10, True, 1.5, None, ["1", "2"], [["1"]], {"a": 1}, "²"])
def test_what_is_no_whole_number_is_refused(sent: object) -> None:
    assert [r.field for r in read(Form(whole("age", missing="?")), age=sent).wrong] == ["age"]


def test_many_answers_are_known_ones_only() -> None:
    form = Form(many("flags", ("a", "b")))
    assert read(form, flags=["b", "a", "b"]).given["flags"] == ("b", "a")
    assert read(form, flags=["a", "z"]).wrong
    assert read(form, flags=[1]).wrong


def test_a_list_is_for_several_answers_only() -> None:
    form = Form(text("name", max=20), yes("busy"), many("flags", ("a", "b")))
    several = form.read({"flags": [["b", "a"]]})
    assert (several.wrong, several.given["flags"], several.typed["flags"]) == ([], ("b", "a"), ["b", "a"])
    assert not form.read({"flags": [None]}).wrong
    for name in ("name", "busy", "request", "proof"):
        for sent in ([], ["x"]):
            assert [wrong.field for wrong in form.read({name: [sent]}).wrong] == [name]


def test_a_password_is_never_shown_again() -> None:
    sheet = read(Form(text("secret", max=50, shown=False), text("id", max=50)), secret="hunter2", id="ada")
    assert sheet.typed == {"secret": [], "id": ["ada"], "request": [], "proof": []}


def test_a_link_may_carry_what_messengers_add() -> None:
    form = Form(text("code", max=50))
    assert not form.read({"code": ["x"], "utm_source": ["chat"]}, strict=False).wrong
    assert form.read({"code": ["x"], "utm_source": ["chat"]}).wrong


def test_a_body_is_read_once_and_refused_whole() -> None:
    assert values_of(b"a=1&a=2&b=", FORM_TYPE) == {"a": ["1", "2"], "b": [""]}
    assert values_of('{"a":[1,2],"b":null}', JSON_TYPE) == {"a": [[1, 2]], "b": [None]}
    with pytest.raises(TooLarge):
        values_of(b"a" * (BODY_MAX + 1), FORM_TYPE)
    for body in (b"[]", b"1", b'{"a":1,"a":2}', b"\xff"):
        with pytest.raises(Refusal):
            values_of(body, JSON_TYPE)
