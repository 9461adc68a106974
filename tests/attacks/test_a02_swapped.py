"""A2: somebody's own valid form, with another's id in it: nothing is written, byte for byte.

In the address, as the request's id, or in the body: which fields of a body are an id is written down here.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest

from app import app
from chalicelib.doors import form, manners, shown
from chalicelib.rooms.permission import MAY, Role
from chalicelib.rooms.prescription import LINES_MAX
from tests.attacks.breaks import BREAKS
from tests.attacks.world import NOBODYS, World, addresses, nobodys, world
from tests.doors.stories import id_of
from tests.doors.test_number import code, proven
from tests.people import ANN, BOB, Browser, Cast
from tests.visit.walk import table


@pytest.fixture
def clinic(cast: Cast) -> World:
    return world(cast)


def a_patients_form_with_another_visits_name(clinic: World) -> None:
    """The ticket in the pocket is Bob's, the visit in the address is Ann's, and the other way round; or made up."""
    before = table()
    for address in addresses():
        if address.method == "POST" and address.view.by == "patient":
            for who, visit in (("bob", "ann"), ("ann", "bob"), ("mal", "ann"), ("mal", "cy")):
                assert address.ask(clinic.browsers[who], clinic.visits[visit]).status == 404, address
    assert table() == before


def a_request_id_that_was_somebody_elses(clinic: World) -> None:
    """A request happens once, for whoever sent it: its id in another's hands brings neither answer nor effect."""
    before = table()
    used = [sk[2:] for _, sk in before if sk.startswith("X#") and 16 <= len(sk) - 2 <= 64 and ":" not in sk]
    for address in addresses():
        if address.method != "POST":
            continue
        for who in ("bo", "eve", "bob", "mal"):
            if clinic.may(who, address, "ann") or (who in ("bob", "mal") and address.view.by != "patient"):
                continue
            reaches = who == "mal" or clinic.role[who] in MAY[address.view.deed]  # the visit; else one id is enough
            for request in used if reaches else used[:1]:
                answer = address.ask(clinic.browsers[who], clinic.visits["ann"], request=request)
                assert answer.status in (303, 401, 403, 404), (str(address), who)
                if answer.status == 303:
                    assert "/staff?next=" in answer.header("location")
    assert table() == before


def a_colleague_with_an_epoch_that_is_right(clinic: World) -> None:
    """Dr Bo knows the epoch of Dr Ada's conversation; every form of hers, sent by him, is for nothing."""
    before = table()
    for address in addresses():
        if address.method == "POST" and clinic.may("ada", address, "bob"):
            assert address.ask(clinic.browsers["bo"], clinic.visits["bob"]).status == 404, address
    assert clinic.role["bo"] is Role.DOCTOR
    assert table() == before


def born_on(browser: Browser, phone: str, born: str) -> None:
    """This browser proves a number, and says when somebody of it was born, as if to find a ticket."""
    browser.get("/en/find")
    browser.fill("/find", phone=phone, born=born)
    assert browser.fill("/number/code", code=code()).path.endswith("/find")


def a_ticket_of_another_number(clinic: World) -> None:
    """/find/open: whoever has Bob's number names Ann's visit, and whoever has Ann's does not know her birth date."""
    for number, born in ((BOB["phone"], "1955-05-06"), (ANN["phone"], "1960-01-01")):
        clinic.cast.clock.forward(minutes=2)
        eve = Browser(clinic.cast.house)
        born_on(eve, number, born)
        before = table()
        assert eve.post("/en/find/open", visit=clinic.visits["ann"]).status == 404
        assert table() == before


def a_person_of_another_number(clinic: World) -> None:
    """/ask/person: Bob has people of his own, and names Ann's child."""
    ann, bob = clinic.cast.ann, clinic.cast.bob
    for who, phone, name in ((ann, ANN["phone"], "Mei"), (bob, BOB["phone"], "Bob")):
        clinic.cast.clock.forward(minutes=2)
        proven(who, phone)
        who.get("/en/number/people")
        who.fill("/number/people", name=name, born="1980-02-03", relation="other")
    ann.get("/en/ask/flags")
    ann.fill("/flags", flags="none")
    assert ann.at
    (hers,) = (f.fields["person"][0] for f in ann.at.page.forms if f.action.endswith("/ask/person"))
    bob.get("/en/ask/flags")
    bob.fill("/flags", flags="none")
    before = table()
    assert bob.post("/en/ask/person", person=hers).status == 404
    assert table() == before


def an_opening_that_is_another(clinic: World) -> None:
    """/openings: the privacy officer's own, by another's name in it, of another visit, at another time."""
    cast = clinic.cast
    for who, reason in ((cast.bo, "emergency"), (cast.pria, "review")):
        at = who.post("/en/glass", code=shown.code(id_of(cast.ann)), reason=reason, words="Must be read")
        assert at.status == 200, at.words
    openings = re.findall(r'name="opening" value="([^"]+)"', cast.pria.get("/en/openings").body)
    (said,) = [one for one in openings if "~bo~" in one]
    visit, by, when = said.split("~")
    strangers = (cast.bo, cast.dee, cast.max, cast.eve)
    before = table()
    for other in (
        f"{visit}~pria~{when}",
        f"{visit}~ada~{when}",
        f"{clinic.visits['bob']}~{by}~{when}",
        f"{nobodys()}~{by}~{when}",
        f"{visit}~{by}~{when.replace('2026', '2025')}",
    ):
        typed = {"opening": other, "verdict": "in_order", "remark": ""}
        assert cast.pria.machine("POST", "/en/openings", typed).status in (403, 404), other
    for who in strangers:
        assert who.machine("POST", "/en/openings", {"opening": said, "verdict": "in_order"}).status in (401, 403)
    assert table() == before


def a_code_that_is_not_for_them(clinic: World) -> None:
    """/glass: whose work it is not, and a doctor whose patient it is; a code of a ticket that never was."""
    cast = clinic.cast
    strangers = (cast.sam, cast.cole, cast.dee, cast.max, cast.eve)
    before = table()
    typed = {"code": shown.code(id_of(cast.ann)), "reason": "emergency", "words": "Must be read"}
    for who in strangers:
        assert who.machine("POST", "/en/glass", typed).status in (401, 403)
    assert cast.ada.machine("POST", "/en/glass", typed).status == 422
    assert cast.bo.machine("POST", "/en/glass", {**typed, "code": shown.code(NOBODYS)}).status == 422
    assert table() == before


def a_link_with_anothers_visit(clinic: World) -> None:
    """/back: the secret is Bob's, the visit is Ann's."""
    secret = clinic.cast.bob.cookies["tickets"].partition("~")[2].partition("!")[0]
    before = table()
    assert clinic.cast.eve.machine("POST", "/en/back", {"code": f"{clinic.visits['ann']}~{secret}"}).status == 422
    assert table() == before


# Every field of a body that says what a form is about, and the check that puts another's into it.
IDS: dict[tuple[str, str], Callable[[World], None]] = {
    ("/{lang}/find/open", "visit"): a_ticket_of_another_number,
    ("/{lang}/ask/person", "person"): a_person_of_another_number,
    ("/{lang}/openings", "opening"): an_opening_that_is_another,
    ("/{lang}/glass", "code"): a_code_that_is_not_for_them,
    ("/{lang}/back", "code"): a_link_with_anothers_visit,
}
# Other fields that are no words of a person's own, each with what they are.
NO_IDS = {
    "department": "one of ours",
    "language": "one of ours",
    "speaks": "one of ours",
    "phrase": "one of ours",
    "template": "one of ours",
    "outcome": "one of ours",
    "way": "one of ours",
    "for": "one of ours",
    "doctor": "the same or the first free one: whose doctor that is, the visits before say",
    "confirmed": "the warnings that were on the page",
    "next": "a page of ours to go on with",
    "id": "who signs in: the pool's session, beside it, is that person's (A17)",
    "session": "the pool's",
    "seed": "the pool's",
    "first": "a MAC of the password on the slip, which must not be the new one",
    "seen": "a hash of the answers that were shown: others are refused",
    "base": "a hash of the note that was shown: another is refused",
    "page": "which page wrote the note last; nothing is found by it",
}
NO_IDS |= {f"medicine_{n}": "of the formulary" for n in range(1, LINES_MAX + 1)}
CHECKS: dict[str, Callable[[World], None]] = {
    check.__name__: check
    for check in (
        a_patients_form_with_another_visits_name,
        a_request_id_that_was_somebody_elses,
        a_colleague_with_an_epoch_that_is_right,
        *IDS.values(),
    )
}


@pytest.mark.parametrize("name", CHECKS)
def test_anothers_id_brings_nothing(clinic: World, name: str) -> None:
    CHECKS[name](clinic)


def test_every_field_of_a_body_is_an_id_that_is_tried_or_is_none() -> None:
    """A form that names what it is about in its body is added to IDS with its check, or it is not added at all."""
    found = set()
    for path, methods in app.routes.items():
        if "POST" in methods:
            view = methods["POST"].view_function
            forms = [view.form] if isinstance(view.form, form.Form) else view.form.values()
            keys = {one.name for f in forms for one in f.fields.values() if not one.written and _free(one.schema)}
            found |= {(path, name) for name in keys - set(NO_IDS) - manners.OURS}
    assert found <= set(IDS), found - set(IDS)
    codes = {(path, name) for path, name in IDS if name == "code"}  # typed in, so a person's own words
    assert found == set(IDS) - codes


def _free(schema: Any) -> bool:
    """Any string at all, not one of a list."""
    return "string" in schema.get("type", ()) and "enum" not in schema


@pytest.mark.parametrize("name", [name for name in BREAKS if name.startswith("a02")])
def test_a_break_is_noticed(cast: Cast, name: str) -> None:
    clinic, (_, _, check) = world(cast), name.partition(": ")
    with BREAKS[name](), pytest.raises(AssertionError):
        CHECKS[check](clinic)
