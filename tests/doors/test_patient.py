"""The patient's own page, from the ticket to the parcel: waiting, talking, after; two taps at once, and Eve behind."""

import json

import pytest

from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.prescription import Line
from chalicelib.rooms.queue import Ticket
from chalicelib.store import names
from chalicelib.visit import desk, seeing, sending, taking
from tests.people import ANN, Cast, Patient

PILLS = (Line(medicine="paracetamol-500", dose="500 mg", per_day=3, days=3, advice="After a meal"),)


def id_of(patient: Patient) -> Ticket:
    return names.ticket_of(patient.visit)


def take(cast: Cast, patient: Patient, doctor: str = "ada") -> int:
    """A doctor takes the next patient, who must be this one. Gives the epoch."""
    taking.go_on_duty(cast.errand(doctor), departments=("general",), capacity=5)
    assert taking.take_next(cast.errand(doctor)) == id_of(patient)
    return int(seeing.open_visit(cast.errand(doctor), id=id_of(patient)).visit.epoch)


def finish(cast: Cast, patient: Patient, outcome: Outcome, lines: tuple[Line, ...] = ()) -> None:
    epoch = take(cast, patient)
    seeing.sign(
        cast.errand("ada"),
        id=id_of(patient),
        epoch=epoch,
        soap={"subjective": "", "objective": "", "assessment": "sore throat", "plan": ""},
        outcome=outcome,
        summary="Drink warm water.\nRest.",
        lines=lines,
        stated=("spoke",),
        confirmed=True,
    )


def with_medicine(cast: Cast) -> Patient:
    """Ann after her visit, with a prescription that a pharmacist has approved."""
    cast.ann.join(allergies="")
    finish(cast, cast.ann, Outcome.PRESCRIPTION, PILLS)
    sending.review(cast.errand("sam"), id=id_of(cast.ann), number=1, approve=True, reason="")
    return cast.ann


# Waiting


def test_the_ticket_page_tells_the_truth_about_the_wait(cast: Cast) -> None:
    cast.bob.join()
    cast.ann.join()
    assert "No doctor is on duty at the moment. Your place is kept until we close at 22:00." in cast.ann.look().words
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=3)
    got = cast.ann.look()
    assert "Your place 2 10 to 30 minutes" in got.words
    assert "1 doctor is on duty." in got.words
    take(cast, cast.bob)
    assert "Your place 1" in cast.ann.look().words


def test_a_page_of_clock_times_says_whose_clock(cast: Cast) -> None:
    cast.ann.join()
    waiting = cast.ann.look()
    finish(cast, cast.ann, Outcome.PRESCRIPTION, PILLS)
    for got in (waiting, cast.ann.look(), cast.ann.get(cast.ann.url("visits", cast.ann.visit, "prescription"))):
        assert got.words.count("All times are the clinic’s own (UTC+8).") == 1


def test_the_phone_can_work_out_its_place_from_the_public_board(cast: Cast) -> None:
    """The same sum as in wait.js, on the numbers the page gives it."""
    cast.bob.join()
    cast.ann.join(follow_up="yes", name="Early and gone")
    cast.ann.get(cast.ann.url("visits", cast.ann.visit, "leave"))
    cast.ann.fill("leave")
    cast.ann.join(follow_up="yes")
    place = cast.ann.machine("GET", cast.ann.url("visits", cast.ann.visit)).json["place"]
    watch = place["watch"]
    got = cast.eve.ask("GET", f"/board/{watch['department']}")
    assert got.header("Cache-Control") == "public, max-age=0, s-maxage=5, stale-while-revalidate=30"
    bands = got.json["lanes"][watch["lane"]]
    head, _, gone, *_, back = bands[watch["band"]]
    own = max(0, watch["n"] - head - 1 - sum(n < watch["n"] for n in gone)) + sum(at < watch["until"] for at in back)
    assert own + sum(people for _, people, *_ in bands[: watch["band"]]) == place["ahead"] == 1
    assert cast.ann.visit not in got.body


def test_more_time_lets_people_go_first_but_not_for_ever(cast: Cast) -> None:
    cast.ann.join()
    for i in range(4):
        Patient(cast.house, {**ANN, "name": f"Somebody {i}"}).join()
    cast.ann.look()
    got = cast.ann.fill("more-time")
    assert "You are letting a few people go first." in got.words
    assert cast.ann.machine("GET", got.path).json["place"]["ahead"] >= 3
    assert not [f for f in got.page.forms if f.action.endswith("more-time")]
    got = cast.ann.post(cast.ann.url("visits", cast.ann.visit, "more-time"))
    assert got.status == 409
    assert "You have already let other people go first" in got.words


def test_leaving_asks_first_and_is_for_good(cast: Cast) -> None:
    cast.ann.join()
    got = cast.ann.get(cast.ann.url("visits", cast.ann.visit, "leave"))
    assert "No, keep my place" in got.words
    got = cast.ann.fill("leave")
    assert "You have left the queue" in got.words
    assert "/en/ask/flags" in got.page.links
    assert cast.ann.get(cast.ann.url("visits", cast.ann.visit, "leave")).path.endswith(cast.ann.visit)
    got = cast.ann.post(cast.ann.url("visits", cast.ann.visit, "leave"))
    assert (got.status, "You have already left the queue." in got.words) == (409, True)


def test_who_wants_to_leave_is_told_that_a_doctor_has_come(cast: Cast) -> None:
    cast.ann.join()
    page = cast.ann.url("visits", cast.ann.visit, "leave")
    assert "A doctor is ready for you now." not in cast.ann.get(page).words
    epoch = take(cast, cast.ann)
    got = cast.ann.get(page)
    assert (got.status, got.path) == (200, page)
    assert "A doctor is ready for you now." in got.words
    seeing.say(cast.errand("ada"), id=id_of(cast.ann), text="Hello", epoch=epoch)
    got = cast.ann.get(page)
    assert got.status == 409
    assert "The consultation has begun. Tell the doctor that you want to stop." in got.words
    assert "You and your doctor" in got.words, "and the visit itself is there"


def test_a_ticket_the_clinic_ended_says_so(cast: Cast) -> None:
    cast.ann.join()
    cast.clock.forward(hours=13)
    desk.expire(cast.errand("dee"), id=id_of(cast.ann))
    assert "We have closed for today" in cast.ann.look().words
    cast.bob.join()
    desk.cancel_visit(cast.errand("dee"), id=id_of(cast.bob), why="taken to the ward")
    got = cast.bob.look()
    assert "The clinic has ended this ticket" in got.words
    assert "ward" not in got.body, "what the desk writes down is for the clinic"


# Talking


def test_a_message_can_be_written_before_there_is_a_doctor(cast: Cast) -> None:
    cast.ann.join()
    got = cast.ann.fill("messages", text="I took my temperature:\n37.2 <script>")
    assert "I took my temperature: 37.2 <script>" in got.words
    assert "<script>" not in got.body.replace("<script src=", "")
    take(cast, cast.ann)
    assert "It is your turn" in cast.ann.look().words


def test_one_conversation_one_address(cast: Cast) -> None:
    cast.ann.join()
    epoch = take(cast, cast.ann)
    seeing.say(cast.errand("ada"), id=id_of(cast.ann), text="Does it hurt to swallow?", epoch=epoch)
    got = cast.ann.look()
    assert "You and your doctor" in got.words
    assert "Dr Ada · 10:00 Does it hurt to swallow?" in got.words
    cast.clock.forward(seconds=1)
    got = cast.ann.fill("messages", text="A bit.")
    assert got.words.index("A bit.") > got.words.index("Does it hurt")


@pytest.mark.parametrize(("text", "why"), [("", "Write something first."), ("x" * 1001, "At most 1000 characters.")])
def test_a_message_that_fails_stays_in_its_box(cast: Cast, text: str, why: str) -> None:
    cast.ann.join()
    got = cast.ann.fill("messages", text=text)
    assert got.status == 422
    assert why in got.page.errors["text"]
    assert next(f for f in got.page.forms if f.action.endswith("messages")).fields["text"] == [text]


def test_a_message_too_late_is_still_there_to_copy(cast: Cast) -> None:
    cast.ann.join()
    cast.ann.look()
    cast.clock.forward(hours=13)
    desk.expire(cast.errand("dee"), id=id_of(cast.ann))
    got = cast.ann.fill("messages", text="Are you still there?")
    assert got.status == 409
    assert "This visit has already ended." in got.words
    assert "Are you still there?" in got.words


def test_a_message_from_a_phone_that_has_forgotten_its_ticket_is_still_there(cast: Cast) -> None:
    cast.ann.join()
    cast.ann.look()
    del cast.ann.cookies["tickets"]
    got = cast.ann.fill("messages", text="A long story")
    assert got.status == 404
    assert "A long story" in got.words
    assert cast.ann.fill().status == 404, "trying again is no way in"


def test_two_taps_send_one_message(cast: Cast) -> None:
    cast.ann.join()
    path = cast.ann.url("visits", cast.ann.visit, "messages")
    fields = {"request": "m" * 22, "text": "Hello"}
    assert cast.ann.send(path, fields).status == cast.ann.send(path, fields).status == 303
    assert cast.ann.look().words.count("Hello") == 1


def test_a_machine_polls_for_what_is_new(cast: Cast) -> None:
    cast.ann.join()
    path = cast.ann.url("visits", cast.ann.visit, "messages")
    said = cast.ann.machine("POST", path, {"text": "one"}, idempotency_key="k" * 22).json["message"]
    assert cast.ann.machine("POST", path, {"text": "one"}, idempotency_key="k" * 22).json["message"] == said
    cast.clock.forward(seconds=1)
    cast.ann.machine("POST", path, {"text": "two"})
    new = cast.ann.machine("GET", f"{path}?after={said['id']}&state=yes").json
    assert [m["text"] for m in new["messages"]] == ["two"]
    assert new["state"] == "waiting"
    assert cast.ann.machine("GET", f"{path}?after=%00%ff{'z' * 90}").status == 200


def test_a_doctor_who_stops_does_not_cost_the_place(cast: Cast) -> None:
    cast.ann.join()
    cast.bob.join()
    epoch = take(cast, cast.ann)
    seeing.say(cast.errand("ada"), id=id_of(cast.ann), text="One moment", epoch=epoch)
    seeing.hand_back(cast.errand("ada"), id=id_of(cast.ann), epoch=epoch, reason="needs a lung specialist")
    got = cast.ann.look()
    assert "Your doctor had to stop. You are at the front" in got.words
    assert "Your place 1" in got.words
    assert "One moment" in got.words
    assert "lung specialist" not in got.body


def test_a_doctor_who_vanished_is_noticed_by_the_patients_page(cast: Cast) -> None:
    cast.ann.join()
    take(cast, cast.ann)
    cast.clock.forward(minutes=11)
    assert "Your doctor had to stop." in cast.ann.look().words


# After


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.REST, "Rest, and watch how it goes"),
        (Outcome.SPECIALIST, "See a specialist"),
        (Outcome.IN_PERSON, "Somebody must see you in person"),
        (Outcome.EMERGENCY, "Go to the emergency department now"),
    ],
)
def test_every_outcome_is_said_in_plain_words(cast: Cast, outcome: Outcome, said: str) -> None:
    cast.ann.join()
    finish(cast, cast.ann, outcome)
    got = cast.ann.look()
    assert said in got.words
    assert "Drink warm water. Rest." in got.words
    assert "Your medicine" not in got.words


def test_medicine_is_shown_but_not_ordered_before_a_pharmacist_approved_it(cast: Cast) -> None:
    cast.ann.join(allergies="")
    finish(cast, cast.ann, Outcome.PRESCRIPTION, PILLS)
    got = cast.ann.look()
    assert "A pharmacist is checking it" in got.words
    assert "What the doctor has written, not checked yet" in got.words
    assert "500 mg each time 3 times a day, for 3 days After a meal" in got.words
    assert not any(link.endswith("/prescription") for link in got.page.links), "nothing to show in a shop yet"
    delivery = cast.ann.url("visits", cast.ann.visit, "delivery")
    assert delivery not in got.page.links
    assert cast.ann.get(delivery).path == cast.ann.url("visits", cast.ann.visit)
    got = cast.ann.post(delivery, way="pick_up", address="", phone="13800001234")
    assert got.status == 409
    sending.review(cast.errand("sam"), id=id_of(cast.ann), number=1, approve=False, reason="dose too high for 34 kg")
    got = cast.ann.look()
    assert "The doctor is looking at it again" in got.words
    assert "34 kg" not in got.body


@pytest.mark.parametrize(
    ("language", "approved", "ready"),
    [("en", "Approved", "Ready at the pharmacy’s counter"), ("zh", "审核通过", "药已备好，请到药房窗口取")],
)
def test_ready_is_said_only_of_what_can_be_fetched(cast: Cast, language: str, approved: str, ready: str) -> None:
    ann = with_medicine(cast)
    page = f"/{language}/visits/{ann.visit}"
    assert f">{approved}</strong>" in ann.get(page).body
    ann.post(f"{page}/delivery", way="pick_up", phone="13800001234")
    for step, who in ((sending.pick, "sam"), (sending.check, "dee")):
        assert f">{approved}</strong>" in ann.get(page).body
        step(cast.errand(who), id=id_of(ann))
    assert f">{approved}</strong>" in ann.get(page).body
    sending.hand_over(cast.errand("sam"), id=id_of(ann))
    assert f">{ready}</strong>" in ann.get(page).body


def test_the_parcels_way_is_shown_step_by_step(cast: Cast) -> None:
    ann = with_medicine(cast)
    ann.look()
    got = ann.get(ann.url("visits", ann.visit, "delivery"))
    assert got.page.forms[0].fields["phone"] == ["13800001234"]
    assert set(ann.fill("delivery", way="", phone="").page.errors) == {"way", "phone"}
    assert set(ann.fill("delivery", way="delivery", phone="").page.errors) == {"address", "phone"}
    got = ann.fill("delivery", way="delivery", address="", phone="call me")
    assert set(got.page.errors) == {"address", "phone"}
    assert got.page.forms[0].fields["phone"] == ["call me"]
    got = ann.fill("delivery", address="12 River Road\nflat 4", phone="13800001234")
    assert "The pharmacy has your order" in got.words
    assert "12 River Road flat 4" in got.words
    code = ann.machine("GET", got.path).json["parcel"]["proof"]
    assert f"Show this code to the courier, and to nobody else: {code}" in got.words
    for step, who in ((sending.pick, "dee"), (sending.check, "sam"), (sending.hand_over, "cole")):
        step(cast.errand(who), id=id_of(ann))
    got = ann.look()
    assert "The courier is on the way" in got.words
    assert "Given out" not in got.words, "the medicine is on its way"
    sending.fail_attempt(cast.errand("cole"), id=id_of(ann), reason="Nobody opened the door")
    assert "The courier could not hand it over 10:00 · Nobody opened the door" in ann.look().words
    sending.hand_over(cast.errand("cole"), id=id_of(ann))
    sending.deliver(cast.errand("cole"), id=id_of(ann), code=code)
    got = ann.look()
    assert "You have your medicine" in got.words
    assert code not in got.body


def test_two_taps_on_the_order_make_one_parcel_with_one_code(cast: Cast) -> None:
    ann = with_medicine(cast)
    path = ann.url("visits", ann.visit, "delivery")
    sent = {"way": "pick_up", "address": "", "phone": "13800001234"}
    first = ann.machine("POST", path, sent, idempotency_key="o" * 22).json
    assert ann.machine("POST", path, sent, idempotency_key="o" * 22).json == first
    other = ann.machine("POST", path, sent, idempotency_key="p" * 22)
    assert other.status == 409
    assert other.json["detail"] == "You have already chosen how you get your medicine."


def test_an_order_can_be_cancelled_and_made_again(cast: Cast) -> None:
    ann = with_medicine(cast)
    path = ann.url("visits", ann.visit, "delivery")
    ann.post(path, way="pick_up", address="", phone="13800001234")
    got = ann.fill("cancel")
    assert "The order was cancelled" in got.words
    assert path in got.page.links
    got = ann.post(path, way="delivery", address="12 River Road", phone="13800001234")
    assert "Your parcel" in got.words


def test_a_prescription_to_show_says_whether_it_is_valid(cast: Cast) -> None:
    ann = with_medicine(cast)
    sheet = ann.url("visits", ann.visit, "prescription")
    got = ann.get(sheet)
    assert "Valid" in got.words
    doctor = "Dr Ada, Attending physician, Licence number L-ada"
    assert f"Prescribed by {doctor} · 23 November 2026 Checked by Sam" in got.words
    cast.clock.forward(days=4)
    assert "Out of date" in ann.get(sheet).words
    assert "Out of date" in ann.look().words
    cast.bob.join()
    assert cast.bob.get(cast.bob.url("visits", cast.bob.visit, "prescription")).status == 404


# Strangers


def mine(patient: Patient) -> list[tuple[str, str]]:
    """Every address of a patient's own visit."""
    visit = patient.url("visits", patient.visit)
    gets = ("", "/messages", "/leave", "/prescription", "/delivery")
    posts = ("/messages", "/leave", "/more-time", "/delivery", "/delivery/cancel")
    return [("GET", visit + end) for end in gets] + [("POST", visit + end) for end in posts]


def test_eve_is_refused_at_every_address_of_a_visit(cast: Cast) -> None:
    """A stranger, somebody with a ticket of her own, and staff on the patient's side: not found, all of them."""
    cast.ann.join()
    cast.bob.join()
    for who in (cast.eve, cast.bob, cast.ada, cast.dee):
        for method, path in mine(cast.ann):
            for accept in ("text/html", "application/json"):
                typed = {"content_type": "application/x-www-form-urlencoded"} if method == "POST" else {}
                got = who.ask(method, path, b"text=hi&way=pick_up&phone=12345", accept=accept, **typed)
                assert got.status == 404, (method, path)
                assert "Ann" not in got.body
    assert "Your place 1" in cast.ann.look().words


def test_what_a_machine_reads_holds_no_secret_of_ours(cast: Cast) -> None:
    ann = with_medicine(cast)
    joined = json.loads(ann.machine("GET", ann.url("visits", ann.visit)).body)
    text = json.dumps(joined)
    kept = ann.cookies["tickets"].split("~")[1]
    for secret in (kept, ann.cookies["phone"], "general.0", "V#", "person", "holder", "version"):
        assert secret not in text
    assert joined["medicine"]["lines"][0]["medicine"] == "Paracetamol"
    assert joined["joined_at"].startswith("2026-11-23T02:00:00")
