"""The pharmacy's door: a second pair of eyes, a second pair of hands, the courier's round, and who sees an address."""

import pytest

from chalicelib.rooms.delivery import ATTEMPTS_MAX, CODE_TRIES_MAX, Way
from chalicelib.rooms.prescription import Line
from chalicelib.visit import seeing, sending
from tests.doors.stories import CODE, id_of, ordered, packed, seen, taken
from tests.people import Browser, Cast, Patient


def check(patient: Patient, *parts: str) -> str:
    return "/".join(("/en/pharmacy/prescriptions", patient.visit, *parts))


def parcel(patient: Patient, *parts: str) -> str:
    return "/".join(("/en/parcels", patient.visit, *parts))


# Prescriptions


def test_nothing_to_check_is_said_kindly(cast: Cast) -> None:
    assert "Nothing to check. Every prescription has been looked at." in cast.sam.get("/en/pharmacy").words


def test_the_oldest_first_with_minutes_and_no_name(cast: Cast) -> None:
    seen(cast, cast.bob)
    cast.clock.forward(minutes=25)
    seen(cast, cast.ann, allergies="")
    got = cast.sam.get("/en/pharmacy")
    assert got.words.index("C2001") < got.words.index("C2002")
    assert "waiting 25 min" in got.words
    assert "Ann Smith" not in got.words


def test_a_pharmacist_sees_what_is_needed_to_judge_and_no_more(cast: Cast) -> None:
    lines = (Line(medicine="amoxicillin-500", dose="500 mg", per_day=1, days=7),)
    seen(cast, cast.ann, lines=lines, confirmed=True)
    got = cast.sam.get(check(cast.ann))
    for said in ("Ann Smith", "34", "penicillin", "Amoxicillin 500 mg", "1 time a day, for 7 days", "Dr Ada"):
        assert said in got.words
    assert "has seen these warnings" in got.words
    assert "Tonsillitis" in got.words, "what the medicine is for"
    assert "37.9" not in got.body, "not the rest of the note"
    assert cast.sam.get(f"/en/doctor/visits/{cast.ann.visit}").status == 403, "not the conversation"


def test_approved_once_with_two_taps(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    form = next(f for f in cast.sam.get(check(cast.ann)).page.forms if f.action.endswith("/approve"))
    first, second = cast.sam.send(form.action, form.fields), cast.sam.send(form.action, form.fields)
    assert (first.status, second.status) == (303, 303)
    got = cast.sam.get(check(cast.ann))
    assert "Approved" in got.words
    assert not any(f.action.endswith("/approve") for f in got.page.forms)
    late = cast.sam.post(check(cast.ann, "return"), number="1", reason="Too late")
    assert late.status == 409
    assert "Sam has already approved this prescription." in late.words


def test_a_prescription_that_never_was_is_not_found(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    got = cast.sam.post(check(cast.ann, "approve"), number="7")
    assert got.status == 404
    assert "The doctor has changed this prescription" not in got.words
    assert "Approved" not in cast.sam.get(check(cast.ann)).words


def test_returning_needs_a_reason(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    cast.sam.get(check(cast.ann))
    got = cast.sam.fill("/return")
    assert got.status == 422
    assert "reason" in got.page.errors
    got = cast.sam.fill("/return", reason="Which of the two?")
    assert got.path == "/en/pharmacy"
    assert "Which of the two?" in cast.ada.get("/en/doctor").words


def test_an_old_page_does_not_approve_a_changed_prescription(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    cast.sam.post(check(cast.ann, "return"), number="1", reason="Which of the two?")
    cast.ada.get(f"/en/doctor/visits/{cast.ann.visit}/revise")
    assert "Waiting for the pharmacist" in cast.ada.fill("/revise").words
    got = cast.sam.post(check(cast.ann, "approve"), number="1")
    assert got.status == 409
    assert "The doctor has changed this prescription." in got.words


def test_a_pharmacist_can_cancel_it_for_good(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    cast.sam.get(check(cast.ann))
    got = cast.sam.fill("/revoke", reason="The patient has it already")
    assert "Cancelled" in got.words
    assert "The patient has it already" in got.words


def test_a_cancelled_prescription_is_not_said_to_be_cancelled_by_who_approved_it(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    sending.review(cast.errand("sam"), id=id_of(cast.ann), number=1, approve=True, reason="")
    seeing.revoke(cast.errand("ada"), id=id_of(cast.ann), reason="She told me of her kidneys")
    got = cast.sam.get(check(cast.ann))
    assert "Cancelled 10:00 She told me of her kidneys" in got.words
    seen_by_ann = cast.ann.look()
    assert "Your medicine was cancelled" in seen_by_ann.words
    assert "You get medicine" not in seen_by_ann.words
    assert not any(link.endswith("/prescription") for link in seen_by_ann.page.links)


def test_a_visit_without_medicine_has_no_prescription_page(cast: Cast) -> None:
    taken(cast, cast.ann)
    assert cast.sam.get(check(cast.ann)).status == 404


# Parcels


def test_from_the_shelf_to_the_patients_hands(cast: Cast) -> None:
    ordered(cast, cast.ann)
    assert "To be packed (1)" in cast.sam.get("/en/parcels").words
    cast.sam.get(parcel(cast.ann))
    got = cast.sam.fill("/pick")
    assert "You packed this parcel, so another person must check it." in got.words
    assert cast.sam.post(parcel(cast.ann, "check")).status == 403
    cast.dee.get(parcel(cast.ann))
    assert "Ready to go" in cast.dee.fill("/check").words
    cast.cole.get(parcel(cast.ann))
    got = cast.cole.fill("/hand-over")
    assert "18 Garden Road" in got.words
    got = cast.cole.fill("/deliver", code=f"{CODE[:3]} {CODE[3:]}")
    assert "Delivered" in got.words
    assert cast.cole.get("/en/parcels").words.count(got.path) == 0


def test_an_address_is_for_whoever_packs_or_carries(cast: Cast) -> None:
    ordered(cast, cast.ann)
    secret = ("18 Garden Road", "13800001234")

    def reads(who: Browser) -> set[bool]:
        page = who.get(parcel(cast.ann)).body
        data = who.machine("GET", parcel(cast.ann)).body
        return {word in text for word in secret for text in (page, data)}

    assert [reads(who) for who in (cast.sam, cast.cole, cast.dee)] == [{False}] * 3
    sending.pick(cast.errand("sam"), id=id_of(cast.ann))
    assert (reads(cast.sam), reads(cast.dee), reads(cast.cole)) == ({True}, {False}, {False})
    sending.check(cast.errand("dee"), id=id_of(cast.ann))
    assert "Ann Smith" not in cast.cole.get(parcel(cast.ann)).body
    sending.hand_over(cast.errand("cole"), id=id_of(cast.ann))
    assert (reads(cast.cole), reads(cast.sam), reads(cast.dee)) == ({True}, {False}, {False})
    sending.deliver(cast.errand("cole"), id=id_of(cast.ann), code=CODE)
    assert reads(cast.cole) == {False}, "delivered: nobody needs it any more"
    assert CODE not in cast.cole.machine("GET", parcel(cast.ann)).body


def test_a_courier_carries_a_closed_parcel(cast: Cast) -> None:
    packed(cast, cast.ann)
    assert "Paracetamol" in cast.sam.get(parcel(cast.ann)).words
    assert "Paracetamol" not in cast.cole.get(parcel(cast.ann)).words


def test_a_wrong_code_is_counted_and_the_parcel_has_to_come_back(cast: Cast) -> None:
    packed(cast, cast.ann)
    sending.hand_over(cast.errand("cole"), id=id_of(cast.ann))
    cast.cole.get(parcel(cast.ann))
    for no_guess in ("12", "abcdef"):
        assert cast.cole.fill("/deliver", code=no_guess).page.errors["code"].endswith("6 digits.")
    for left in range(CODE_TRIES_MAX - 1, 0, -1):
        got = cast.cole.fill("/deliver", code="000000")
        assert got.status == 422
        assert got.page.errors["code"].endswith(f"Tries left: {left}.")
    got = cast.cole.fill("/deliver", code="000000")
    assert got.status == 409
    after = cast.ann.look()
    assert "A wrong code was entered too often" in after.words
    assert "Show this code" not in after.words
    assert "The code was wrong too often." in got.words
    assert not any(form.action.endswith("/deliver") for form in got.page.forms)
    assert "Brought back" in cast.sam.get("/en/parcels").words or "Back" in cast.cole.fill("/bring-back").words


def test_three_attempts_and_then_home(cast: Cast) -> None:
    packed(cast, cast.ann)
    for attempt in range(ATTEMPTS_MAX):
        sending.hand_over(cast.errand("cole"), id=id_of(cast.ann))
        cast.cole.get(parcel(cast.ann))
        assert "reason" in cast.cole.fill("/failed").page.errors
        got = cast.cole.fill("/failed", reason="Nobody at home")
        assert ("Take it out again" in got.words) is (attempt + 1 < ATTEMPTS_MAX)
    assert "Three attempts have failed." in got.words
    got = cast.cole.fill("/bring-back")
    assert "Back at the pharmacy" in got.words
    assert "Brought back (1)" in cast.sam.get("/en/parcels").words
    assert "Parcels that came back" in cast.ada.get("/en/doctor").words


def test_a_pick_up_lies_at_the_counter(cast: Cast) -> None:
    packed(cast, cast.ann, way=Way.PICK_UP)
    assert "Take along" not in cast.cole.get("/en/parcels").words
    cast.sam.get(parcel(cast.ann))
    got = cast.sam.fill("/hand-over")
    assert "At the counter" in got.words
    assert "Delivered" in cast.sam.fill("/deliver", code=CODE).words


def test_only_the_desk_cancels_and_only_before_it_leaves(cast: Cast) -> None:
    ordered(cast, cast.ann)
    assert cast.sam.post(parcel(cast.ann, "cancel")).status == 403
    cast.dee.get(parcel(cast.ann))
    assert "Cancelled" in cast.dee.fill("/cancel").words
    packed(cast, cast.bob)
    sending.hand_over(cast.errand("cole"), id=id_of(cast.bob))
    got = cast.dee.post(parcel(cast.bob, "cancel"))
    assert got.status == 409
    assert "The parcel has left the pharmacy" in got.words


@pytest.mark.parametrize("deed", ["pick", "check", "hand-over"])
def test_two_taps_are_one_step(cast: Cast, deed: str) -> None:
    {"pick": ordered, "check": ordered, "hand-over": packed}[deed](cast, cast.ann)
    if deed == "check":
        sending.pick(cast.errand("dee"), id=id_of(cast.ann))
    who = {"pick": cast.sam, "check": cast.sam, "hand-over": cast.cole}[deed]
    form = next(f for f in who.get(parcel(cast.ann)).page.forms if f.action.endswith(deed))
    assert [who.send(form.action, form.fields).status for _ in range(2)] == [303, 303]
    assert who.post(parcel(cast.ann, deed)).status == 409, "a new form is a new try"


def test_hostile_input_names_the_field(cast: Cast) -> None:
    packed(cast, cast.ann)
    sending.hand_over(cast.errand("cole"), id=id_of(cast.ann))
    for deed, fields, field in (
        ("deliver", {"code": "9" * 500}, "code"),
        ("deliver", {"code": ""}, "code"),
        ("deliver", {"code": "１２３"}, "code"),
        ("failed", {"reason": "x" * 201}, "reason"),
        ("failed", {"reason": "x", "address": "y"}, "address"),
    ):
        got = cast.cole.machine("POST", parcel(cast.ann, deed), fields)
        assert got.status == 422
        assert [error["field"] for error in got.json["errors"]] == [field]


def test_eve_and_the_wrong_role_are_refused_everywhere(cast: Cast) -> None:
    packed(cast, cast.ann)
    for page in ("/en/pharmacy", "/en/parcels", check(cast.ann), parcel(cast.ann)):
        assert cast.eve.ask("GET", page).header("location").startswith("/en/staff?next=")
        assert cast.ann.machine("GET", page).status == 401
        assert cast.ada.get(page).status == 403
    for other in (cast.cole, cast.dee):
        assert other.get("/en/pharmacy").status == 403
        assert other.get(check(cast.ann)).status == 403
    reviews = [check(cast.ann, deed) for deed in ("approve", "return", "revoke")]
    steps = ("pick", "check", "hand-over", "deliver", "failed", "bring-back", "cancel")
    fields = {"number": "1", "reason": "r", "code": CODE}
    wanted = {"approve": ("number",), "return": ("number", "reason"), "revoke": ("reason",), "deliver": ("code",)}
    wanted["failed"] = ("reason",)
    for to in reviews + [parcel(cast.ann, deed) for deed in steps]:
        sent = {name: fields[name] for name in wanted.get(to.rpartition("/")[2], ())}
        assert cast.eve.post(to, **sent).status == 401, to
        assert cast.bo.post(to, **sent).status in (403, 404), to
    assert cast.cole.post(parcel(cast.ann, "check")).status == 403
    assert cast.dee.post(parcel(cast.ann, "deliver"), code=CODE).status == 403
    assert cast.sam.post(parcel(cast.ann, "failed"), reason="r").status == 403


# Out of date


def test_r16_a_parcel_out_of_date_says_so_to_everybody_and_the_pharmacist_cancels_it(cast: Cast) -> None:
    packed(cast, cast.ann)
    cast.clock.forward(days=3, minutes=1)
    assert "Out of date" in cast.sam.get("/en/parcels").words
    assert "药房取消这个包裹" in cast.cole.get(parcel(cast.ann).replace("/en/", "/zh/")).words
    taken_anyway = cast.cole.post(parcel(cast.ann, "hand-over"))
    assert taken_anyway.status == 409
    assert "the medicine stays in the pharmacy" in taken_anyway.words
    hers = cast.ann.look()
    for said in ("Out of date", "It was good until", "nothing was given out"):
        assert said in hers.words
    assert CODE not in hers.body
    page = cast.sam.get(parcel(cast.ann))
    assert [form.action for form in page.page.forms if "/parcels/" in form.action] == [parcel(cast.ann, "cancel")]
    assert "told to ask for a new visit" in page.words
    cast.sam.fill("/cancel")
    assert "Cancelled" in cast.sam.get(parcel(cast.ann)).words
    after = cast.ann.look()
    assert "Out of date" in after.words
    assert "Choose how you get it" not in after.words


def test_r16_what_lies_at_the_counter_too_long_only_goes_back(cast: Cast) -> None:
    packed(cast, cast.ann, way=Way.PICK_UP)
    sending.hand_over(cast.errand("sam"), id=id_of(cast.ann))
    cast.clock.forward(days=7, minutes=1)
    page = cast.sam.get(parcel(cast.ann))
    assert "more than 7 days ago" in page.words
    assert [form.action for form in page.page.forms if "/parcels/" in form.action] == [parcel(cast.ann, "bring-back")]
    assert cast.sam.post(parcel(cast.ann, "deliver"), code=CODE).status == 409
