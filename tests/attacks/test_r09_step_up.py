"""R9, nobody signs for somebody else: a session left open is not a signature. The second factor is asked for again."""

from collections.abc import Callable

import pytest

from chalicelib.doors import shown
from chalicelib.doors.guests import hashed
from chalicelib.refusal import Refusal
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.queue import State
from chalicelib.store import records, staff
from tests.attacks.breaks_staff import BREAKS
from tests.doors.stories import SOAP, id_of, seen, taken
from tests.hiring import RIGHT_CODE, TITLE, Porter, hired
from tests.people import Answer, Browser, Cast
from tests.simulation.mutants import instead

NOTE = {**SOAP, "outcome": "rest_and_observe", "summary": "Rest and drink a lot of tea."}


def a_phone_left_on_the_table_signs_nothing(cast: Cast) -> None:
    """Six minutes after the doctor came in, without the app: the note is not signed, with a wrong code neither."""
    epoch = taken(cast, cast.ann)
    cast.ada.get(f"/en/doctor/visits/{cast.ann.visit}/finish")
    cast.clock.forward(minutes=6)
    for code, status in (("", 401), ("000000", 422), ("12345", 422)):
        got = cast.ada.fill("/finish", **NOTE, second=code) if code else _sign(cast.ada, cast, epoch)
        assert got.status == status, got.words
        assert set(got.page.errors) == {"second"}
        kept = next(form.fields for form in got.page.forms if "summary" in form.fields)
        assert kept["summary"] == [NOTE["summary"]], "everything typed is still there"
        assert kept["second"] == [""], "and the code is not"
        assert records.visit(id_of(cast.ann)).state is not State.COMPLETED


def _sign(who: Browser, cast: Cast, epoch: int, **more: str) -> Answer:
    return who.post(f"/en/doctor/visits/{cast.ann.visit}/finish", **{**NOTE, "epoch": str(epoch), "heard": "0", **more})


def nobody_approves_from_a_phone_left_on_the_table(cast: Cast) -> None:
    """The pharmacist's approval is a signature too; returning a prescription is none."""
    seen(cast, cast.ann, outcome=Outcome.PRESCRIPTION, allergies="")
    cast.sam.get("/en/pharmacy")
    cast.clock.forward(minutes=6)
    at = f"/en/pharmacy/prescriptions/{cast.ann.visit}"
    assert cast.sam.machine("POST", f"{at}/approve", {"number": 1}).status == 401
    assert "Six digits" in cast.sam.get(at).words
    assert cast.sam.machine("POST", f"{at}/approve", {"number": 1, "second": "000000"}).status == 422
    found = records.newest_prescription(id_of(cast.ann))
    assert found is not None
    assert found.state == "signed"
    assert cast.sam.machine("POST", f"{at}/approve", {"number": 1, "second": RIGHT_CODE}).status == 200


def nobody_says_who_works_here_from_a_phone_left_on_the_table(cast: Cast) -> None:
    """A new sign-in for a doctor is a way to sign as them: asked at every form that decides who comes in, and as what.
    The sign-out of a lost phone is not."""
    cast.max.get("/en/people")
    hired("bo", cast.clock())
    before = staff.member("bo")
    cast.clock.forward(minutes=6)
    facts = {"name": "Bo", "role": "doctor", "title": TITLE, "licence": "L-bo", "licence_until": "2099-12-31"}
    forms: dict[str, dict[str, object]] = {
        "add": {**facts, "id": "li-wei"},
        "bo": {**facts, "version": before.version},
        "bo/reset": {},
        "bo/dismiss": {},
        "bo/take-back": {},
    }
    for path, form in forms.items():
        for code, status in (({}, 401), ({"second": "000000"}, 422)):
            got = cast.max.machine("POST", f"/en/people/{path}", {**form, **code})
            assert (got.status, [one["field"] for one in got.json.get("errors", [])]) == (status, ["second"]), path
    assert staff.member("bo") == before
    assert not records.is_member("li-wei")
    assert cast.porter.asked == []
    assert cast.max.machine("POST", "/en/people/bo/sign-out", {}).status == 200


def nobody_opens_a_record_outside_their_care_from_a_phone_left_on_the_table(cast: Cast) -> None:
    cast.ann.join()
    cast.bo.get("/en/glass")
    cast.clock.forward(minutes=6)
    form = {"code": shown.code(id_of(cast.ann)), "reason": "emergency", "words": "Unconscious at the desk"}
    for code, status in (({}, 401), ({"second": "000000"}, 422)):
        got = cast.bo.machine("POST", "/en/glass", {**form, **code})
        assert (got.status, [one["field"] for one in got.json.get("errors", [])]) == (status, ["second"])
    assert not records.panes(reviewed=False)


CHECKS: dict[str, Callable[[Cast], None]] = {
    "r09 a session is enough to say who works here": nobody_says_who_works_here_from_a_phone_left_on_the_table,
    "r09 a session is enough to break the glass": (
        nobody_opens_a_record_outside_their_care_from_a_phone_left_on_the_table
    ),
    "r09 a session is enough for a signature": a_phone_left_on_the_table_signs_nothing,
    "r09 a session is enough for an approval": nobody_approves_from_a_phone_left_on_the_table,
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.__name__)
def test_a_session_is_no_signature(cast: Cast, check: Callable[[Cast], None]) -> None:
    check(cast)


@pytest.mark.parametrize("name", CHECKS)
def test_a_break_is_noticed(cast: Cast, name: str) -> None:
    with BREAKS[name](), pytest.raises(AssertionError):
        CHECKS[name](cast)


def test_the_right_code_signs_in_the_same_tap_and_is_good_for_five_minutes(cast: Cast) -> None:
    epoch = taken(cast, cast.ann)
    cast.ada.get("/en/doctor")
    cast.clock.forward(minutes=6)
    cast.ada.get(f"/en/doctor/visits/{cast.ann.visit}/finish")
    got = cast.ada.fill("/finish", **NOTE, second=f"{RIGHT_CODE[:3]} {RIGHT_CODE[3:]}")
    assert got.status == 200, got.words
    assert records.visit(id_of(cast.ann)).state is State.COMPLETED
    cast.clock.forward(minutes=4)
    amended = cast.ada.post(f"/en/doctor/visits/{cast.ann.visit}/amend", **{**SOAP, "plan": "Tea"})
    assert amended.status == 200
    cast.clock.forward(minutes=2)
    again = cast.ada.post(f"/en/doctor/visits/{cast.ann.visit}/amend", **{**SOAP, "plan": "More tea"})
    assert again.status == 401
    assert epoch == 1


def test_the_form_that_was_sent_asks_for_the_code(cast: Cast) -> None:
    """With everything typed still there; the right code does it in the same tap, and a lost answer needs no other."""
    cast.max.get("/en/people")
    hired("bo", cast.clock())
    cast.clock.forward(minutes=6)
    cast.max.get("/en/people/bo")
    got = cast.max.fill("/people/bo", name="Dr Bo Li")
    assert (got.status, set(got.page.errors)) == (401, {"second"})
    assert cast.max.fill("/people/bo/reset").status == 401
    assert cast.max.at is not None
    assert cast.max.at.body.partition("Password forgotten")[0].rpartition("<details")[2].startswith(" open")
    assert cast.max.fill("/people/bo/reset", second=RIGHT_CODE).status == 200
    cast.max.get("/en/people/bo")
    assert cast.max.fill("/people/bo", name="Dr Bo Li").status == 200
    cast.clock.forward(minutes=6)
    form = {"request": "Q" * 22, "second": RIGHT_CODE}
    assert cast.max.send("/en/people/bo/dismiss", form).status == 303
    cast.clock.forward(minutes=6)
    assert cast.max.send("/en/people/bo/dismiss", {**form, "second": ""}).status == 303
    cast.ann.join()
    cast.ada.get("/en/glass")
    cast.clock.forward(minutes=6)
    cast.ada.get("/en/glass")
    said = {"code": shown.code(id_of(cast.ann)), "reason": "emergency", "words": "Unconscious at the desk"}
    got = cast.ada.fill("/glass", **said)
    assert (got.status, set(got.page.errors)) == (401, {"second"})
    assert cast.ada.fill("/glass", second=RIGHT_CODE).status == 200


def test_the_request_of_another_deed_is_no_second_factor(cast: Cast) -> None:
    """Signing a colleague out needs no code; its request id, sent with the reset, must not stand for one."""
    cast.bo.get("/en/doctor")
    cast.max.get("/en/people/bo")
    cast.clock.forward(minutes=6)
    form = {"request": "R" * 22}
    assert cast.max.send("/en/people/bo/sign-out", form).status == 303
    got = cast.max.send("/en/people/bo/reset", form)
    assert (got.status, set(got.page.errors)) == (401, {"second"})
    assert [asked for asked in cast.porter.asked if "shut" in str(asked)] == []


def test_a_form_sent_twice_signs_once(cast: Cast) -> None:
    epoch = taken(cast, cast.ann)
    cast.ada.get("/en/doctor")
    cast.clock.forward(minutes=6)
    answers = [_sign(cast.ada, cast, epoch, second=RIGHT_CODE, request="Q" * 22) for _ in range(2)]
    assert [got.status for got in answers] == [200, 200]


def test_a_lost_answer_is_told_again_without_another_code(cast: Cast) -> None:
    """Signed, the reply was lost, and the same form is sent again when the digits are long used."""
    epoch = taken(cast, cast.ann)
    assert _sign(cast.ada, cast, epoch, request="Q" * 22).status == 200
    cast.clock.forward(minutes=6)
    assert _sign(cast.ada, cast, epoch, request="Q" * 22).status == 200
    other = _sign(cast.ada, cast, epoch, request="Q" * 22, plan="Something else")
    assert other.status == 409, "another form under the same id signs nothing"


def test_a_double_tap_whose_digits_the_first_one_used_goes_on(cast: Cast) -> None:
    """Both taps saw an old session; the first one's proof is good for the second."""
    epoch = taken(cast, cast.ann)
    cast.ada.get("/en/doctor")
    cast.clock.forward(minutes=6)

    def used(self: Porter, id: str, refresh: str, code: str) -> None:
        staff.proved(staff.member(id).actor, token_hash=hashed(cast.ada.cookies["staff"]), now=cast.clock())
        raise Refusal("That code is not right. Wait for the next one and enter it.", field="code")

    with instead(Porter, "code_again", used):
        assert _sign(cast.ada, cast, epoch, second=RIGHT_CODE, request="Q" * 22).status == 200


def test_a_template_is_filled_in_without_a_code(cast: Cast) -> None:
    epoch = taken(cast, cast.ann)
    cast.ada.get("/en/doctor")
    cast.clock.forward(minutes=6)
    typed = {"epoch": str(epoch), "heard": "0", "template": "rest", "speaks": "en"}
    got = cast.ada.post(f"/en/doctor/visits/{cast.ann.visit}/finish", **typed)
    assert got.status in (200, 422)
    assert "second" not in got.page.errors


def test_codes_cannot_be_tried_for_long(cast: Cast) -> None:
    epoch = taken(cast, cast.ann)
    cast.ada.get("/en/doctor")
    cast.clock.forward(minutes=6)
    said = [_sign(cast.ada, cast, epoch, second=f"00000{n}").status for n in range(6)]
    assert said == [422] * 5 + [409]
