"""The counted budgets of design: join 2 requests and 5 units, take next 3 and 5, complete 1 and 6, a place nothing.

Exact, and the same whether 10, 1,000 or 10,000 people wait. Audit rows ride in the same transactions; their units, and
the record's own (note, prescription), are counted on their own lines and held to as well. Everything measured is also
written to out/budgets.json.
"""

import base64
import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.rooms.consult import NOTE_FIELD_MAX, SOAP, SUMMARY_MAX, Outcome
from chalicelib.rooms.permission import SYSTEM, Actor, Role
from chalicelib.rooms.phone import Proof
from chalicelib.rooms.promise import RATIOS, Accuracy
from chalicelib.rooms.queue import GONE_MAX, HELD_MAX, Band, Ticket
from chalicelib.store import chain, records
from chalicelib.store.lanes import HISTORY_MAX
from chalicelib.store.rows import TABLE, GuardRow, LaneRow, Row
from chalicelib.visit import arriving, seeing, sweeping, taking
from chalicelib.visit.errand import Errand
from chalicelib.visit.preferring import Line
from tests.budgets.ledger import UNIT_BYTES, Bill, counted, size_of
from tests.builders import ADA, ANN, PUBLIC, a_clinic, a_line, a_request
from tests.engines import metered
from tests.visit.walk import Walk, restore, table

OUT = Path(__file__).parents[2] / "out" / "budgets.json"
SIZES = (10, 1_000, 10_000)
DOCTORS, TAKES = 32, 5
RATIO_MAX = {(Band.STANDARD,): 1.0, (Band.URGENT, Band.STANDARD, Band.FOLLOW_UP): 1.25}
SECONDS_MAX = 60
TYPED = {
    "subjective": "Cough with some phlegm for three days, fever of 38.2 yesterday evening, no shortness of breath.",
    "objective": "Speaks in whole sentences on video, throat a little red.",
    "assessment": "Acute bronchitis, most likely viral.",
    "plan": "Rest, drink, paracetamol when needed. Come back if the fever lasts longer than three days.",
}
SUMMARY = "You have a bronchitis. It gets better by itself. Rest and drink; come back if the fever stays past Thursday."
LONGEST = {"why": "王" * 500, "allergies": "王" * 200, "name": "王" * 60, "guardian": "王" * 60, "age": 5}

# requests, of these reads, read units, then write units: queue, record, audit row, the row's chain, and what the index
# takes: one for the chain that has changed, and one for a row's entry in a work list
# Of the 1.5 read units of take next, 1 is the queue's (lane and desk); half a unit is the lane of people who ask for
# this doctor, read in the same request.
BUDGETS: dict[str, tuple[float, ...]] = {
    "join": (2, 0, 0, 5, 0, 2, 2, 1),
    "take next": (3, 1, 1.5, 5, 0, 2, 2, 2),
    "board": (1, 1, 0.5, 0, 0, 0, 0, 0),
    "the patient's own look": (1, 1, 2, 0, 0, 0, 0, 0),
    "complete": (3, 2, 2, 6, 2, 2, 2, 1),
    "complete with medicine": (3, 2, 2, 6, 4, 2, 2, 2),
}
BEYOND: dict[str, tuple[float, ...]] = {
    "join with the longest answers": (2, 0, 0, 9, 0, 2, 2, 1),
    "take next with the longest answers": (3, 1, 1.5, 11, 0, 2, 2, 2),
    "complete with the longest of everything": (3, 2, 7, 18, 48, 2, 2, 1),
    "join as somebody with fifty visits": (2, 0, 0, 7, 0, 2, 2, 1),
    "take next past a hole": (6, 1, 1.5, 7, 0, 2, 2, 2),
}
_lines: dict[str, dict[str, float]] = {}
_ratios: dict[str, dict[str, float]] = {}
_bytes: dict[str, int] = {}


@pytest.fixture(scope="module", autouse=True)
def written_down() -> Iterator[None]:
    """The table of all that was measured, for whoever reads the run and for machines."""
    for kept in (_lines, _ratios, _bytes):
        kept.clear()
    yield
    OUT.parent.mkdir(exist_ok=True)
    found = {"costs": _lines, "ratios": _ratios, "bytes": _bytes}
    OUT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    names = list(Bill().line())
    rows = [["".ljust(50), *names]]
    rows += [[deed.ljust(50), *(f"{line[n]:g}".rjust(len(n)) for n in names)] for deed, line in _lines.items()]
    rows += [[what.ljust(50), ", ".join(f"{n} {r:.3g}x" for n, r in ratio.items())] for what, ratio in _ratios.items()]
    rows += [[what.ljust(50), f"{size} bytes"] for what, size in _bytes.items()]
    sys.stdout.write("\n".join(["", *("  ".join(row) for row in rows), ""]))


def opaque(text: str) -> str:
    """As long as the ids that a door makes: 22 letters."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()[:22]


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Clinic(Walk):
    """A clinic whose ids are as long as in life."""

    def errand(self, who: Actor = PUBLIC, request: str = "", **at: Any) -> Errand:
        errand = super().errand(who, **at)
        return replace(errand, request=request or opaque(errand.request))

    def arrive(self, name: str = "Ann Li", found_by: str = "", by: Proof | None = None, **said: Any) -> Ticket:
        answers = {"why": "Cough and fever since Monday, worse at night.", "allergies": "penicillin", **said}
        request = a_request(id=opaque(name), holder=hashed(f"phone {name}"), **{"name": name, **answers})
        who = {"secret": patient(name).id, "person": hashed(name), "phone": found_by}
        return arriving.join(self.errand(), request=request, consented=True, by=by, **who).id

    def finish(self, id: Ticket, **typed: Any) -> None:
        said = {
            "soap": TYPED,
            "outcome": Outcome.REST,
            "summary": SUMMARY,
            "lines": (),
            "confirmed": False,
            "stated": ("spoke",),
            **typed,
        }
        seeing.sign(self.errand(ADA), id=id, epoch=1, **said)


def patient(name: str) -> Actor:
    return Actor(role=Role.PATIENT, id=hashed(f"secret of {name}"))


def fill(clinic: Clinic, count: int) -> Ticket:
    """A lane in which so many wait: one who joined, and copies of their visit written beside. Gives the first."""
    first = clinic.arrive("Somebody 1")
    visit = table()[(f"V#{first}", "V")]
    client = Row._get_connection().connection.client
    others = [f"{first.department}.{first.lane}.{int(first.band)}.{n}" for n in range(2, count + 1)]
    copies = [
        {"PutRequest": {"Item": {**visit, "pk": {"S": f"V#{id}"}, "id": {"S": id}, "ticket": {"S": id}}}}
        for id in others
    ]
    for start in range(0, len(copies), 25):
        client.batch_write_item(RequestItems={TABLE: copies[start : start + 25]})
    LaneRow(f"L#{first.department}#{first.lane}", "L").update(actions=[LaneRow.t2.set(count)])
    (lane,) = records.lanes([(first.department, first.lane)])
    assert lane.waiting(Band.STANDARD) == count
    return first


def noted(deed: str, bill: Bill) -> tuple[float, ...]:
    _lines[deed] = bill.line()
    return tuple(list(bill.line().values())[:-1])


@pytest.fixture
def clinic(clinic_on_dynoxide: str) -> Clinic:
    return Clinic(a_clinic())


@pytest.mark.parametrize("waiting", SIZES)
def test_what_the_queue_costs_does_not_depend_on_its_length(clinic: Clinic, waiting: int) -> None:
    fill(clinic, waiting)
    taking.go_on_duty(clinic.errand(ADA), departments=("general",), capacity=9)
    with counted() as bill:
        last = clinic.arrive("Ann Li")
    assert last.n == waiting + 1
    assert noted(f"join, {waiting} waiting", bill) == BUDGETS["join"]
    assert bill.units == {"lane": 1, "visit": 2, "guard": 2, "audit": 2, "chain": 2}
    with counted() as bill:
        place = arriving.see_ticket(clinic.errand(patient("Ann Li")), id=last)
    assert place.ahead == waiting
    assert noted(f"the patient's own look, {waiting} waiting", bill) == BUDGETS["the patient's own look"]
    with counted() as bill:
        board = arriving.board(clinic.errand(), department="general")
    assert board["waiting"] == waiting + 1
    assert noted(f"board, {waiting} waiting", bill) == BUDGETS["board"]
    assert len(json.dumps(board, separators=(",", ":"))) < 230
    with counted() as bill:
        id = taking.take_next(clinic.errand(ADA), departments=("general",))
    assert id is not None
    assert noted(f"take next, {waiting} waiting", bill) == BUDGETS["take next"]
    assert bill.units == {"lane": 1, "visit": 2, "doctor": 2, "audit": 2, "chain": 2}
    seeing.save_note(clinic.errand(ADA), id=id, epoch=1, soap=TYPED)
    with counted() as bill:
        clinic.finish(id)
    assert noted(f"complete, {waiting} waiting", bill) == BUDGETS["complete"]
    assert bill.writes == 1, "one write, all or nothing"
    assert bill.units == {"visit": 2, "doctor": 2, "guard": 2, "note": 2, "audit": 2, "chain": 2}


def test_a_place_costs_nothing_at_the_origin(clinic: Clinic) -> None:
    """A phone works its place out from the board, with the sum the room uses."""
    fill(clinic, 10)
    board = arriving.board(clinic.errand(), department="general")
    visit = records.visit(Ticket("general", 0, Band.STANDARD, 7))
    with counted() as bill:
        (counts,) = board["lanes"]  # type: ignore[misc]  # a list of lanes
        ahead = 7 - counts[Band.STANDARD][0] - 1 + sum(counts[band][1] for band in Band if band < Band.STANDARD)
    assert bill.requests == 0
    (lane,) = records.lanes([("general", 0)])
    assert arriving.place(clinic.errand(), Line(visit=visit, lane=lane, home=lane)).ahead == ahead == 6


def test_signing_with_medicine_adds_the_prescription_and_its_place_on_the_pharmacists_list(clinic: Clinic) -> None:
    clinic.arrive()
    clinic.on_duty()
    id = clinic.take()
    assert id is not None
    seeing.save_note(clinic.errand(ADA), id=id, epoch=1, soap=TYPED)
    with counted() as bill:
        clinic.finish(id, outcome=Outcome.PRESCRIPTION, lines=(a_line(), a_line("aspirin")))
    assert noted("complete with medicine", bill) == BUDGETS["complete with medicine"]
    assert bill.writes == 1


ORDINARY = {
    "English": (
        "Alexandra Featherstonehaugh",
        "My chest hurts when I cough, I have had a fever since Monday.",
        SUMMARY,
    ),
    "Chinese": (
        "欧阳小明",
        "咳嗽三天，有痰，昨晚开始发烧，三十八度五。",
        "考虑急性支气管炎。多休息，多喝水，三天后仍发烧请再来。",
    ),
}


@pytest.mark.parametrize("language", ORDINARY)
def test_an_ordinary_visit_is_one_unit_from_beginning_to_end(clinic: Clinic, language: str) -> None:
    """What people type who say what is wrong in a sentence or two: the visit and all that happens to it fit 1 KB."""
    name, why, summary = ORDINARY[language]
    clinic.arrive(name, why=why)
    clinic.on_duty()
    id = clinic.take()
    assert id is not None
    seeing.say(clinic.errand(ADA), id=id, text="Hello", epoch=1)
    clinic.finish(id, summary=summary)
    visit = table()[(f"V#{id}", "V")]
    _bytes[f"an ordinary visit at its end, {language}"] = size_of(visit)
    assert size_of(visit) <= UNIT_BYTES


def test_the_longest_answers_cost_what_they_weigh(clinic: Clinic) -> None:
    with counted() as bill:
        clinic.arrive(for_whom="child", **LONGEST)
    assert noted("join with the longest answers", bill) == BEYOND["join with the longest answers"]
    clinic.on_duty()
    with counted() as bill:
        id = taking.take_next(clinic.errand(ADA), departments=("general",))
    assert id is not None
    assert noted("take next with the longest answers", bill) == BEYOND["take next with the longest answers"]
    soap = dict.fromkeys(SOAP, "王" * NOTE_FIELD_MAX)
    seeing.save_note(clinic.errand(ADA), id=id, epoch=1, soap=soap)
    with counted() as bill:
        clinic.finish(id, soap=soap, summary="王" * SUMMARY_MAX)
    deed = "complete with the longest of everything"
    assert noted(deed, bill) == BEYOND[deed]
    assert bill.writes == 1


def test_a_long_history_costs_one_unit_more_and_no_longer_grows(clinic: Clinic) -> None:
    old = [f"general.0.2.{n}" for n in range(10_000, 10_000 + HISTORY_MAX)]
    guard = GuardRow(f"P#{hashed('Ann Li')}", "A#general", visit=Ticket.of(old[-1]), request="r", open=False)
    guard.visits = old[:-1]
    guard.save()
    with counted() as bill:
        id = clinic.arrive()
    deed = "join as somebody with fifty visits"
    assert noted(deed, bill) == BEYOND[deed]
    arriving.leave(clinic.errand(patient("Ann Li")), id=id)
    kept = table()[(f"P#{hashed('Ann Li')}", "A#general")]
    assert len(kept["visits"]["L"]) == HISTORY_MAX


def test_a_hole_is_paid_for_once(clinic: Clinic) -> None:
    """A number drawn by somebody who never came: its tombstone is one write, and nobody calls it again."""
    records.draw("general", 0, Band.STANDARD)
    clinic.arrive()
    clinic.on_duty()
    with counted() as bill:
        assert taking.take_next(clinic.errand(ADA), departments=("general",))
    assert noted("take next past a hole", bill) == BEYOND["take next past a hole"]
    assert bill.refused == 1, "DynamoDB charges for a refused write too, and no engine reports it"


def test_a_lane_is_one_unit_even_when_as_many_as_may_be_stepped_back_or_left(clinic: Clinic) -> None:
    far = 99_000  # as many have come to this department as come in years
    big = {f"{counter}{band}": far + 100 for counter in "thd" for band in range(4)}
    times = {"window_at": clinic.now, "before_at": clinic.now, "window_calls": 4 * far, "before_calls": 4 * far}
    LaneRow("L#respiratory#0", "L", calls=4 * far, on_duty=500, version=far, **big, **times).save()
    for n in range(HELD_MAX):
        assert records.hold(("respiratory", 0), Ticket("respiratory", 0, Band.STANDARD, far + n), far + n + 3)
    for n in range(GONE_MAX):
        records.given_up(Ticket("respiratory", 0, Band.STANDARD, far + n))
    with counted() as bill:
        records.draw("respiratory", 0, Band.STANDARD)
    _bytes["the fullest lane"] = bill.largest
    assert bill.units == {"lane": 1}
    assert bill.largest <= UNIT_BYTES


def test_every_ninth_line_seals_those_before_it(clinic: Clinic) -> None:
    """What the chain costs when its row is full: found out by being refused, read, sealed, done. Ids as long as any."""
    id = clinic.arrive()
    clinic.on_duty()
    assert clinic.take() == id
    for n in range(chain.TAIL_MAX - 2):
        records.looked(replace(clinic.errand(ADA), request=f"look:{'a' * 40}:{n:07}").entry("look", f"V#{id}"))
    full = size_of(table()[(f"V#{id}", "Y")])
    _bytes["the fullest chain"] = full
    assert full <= UNIT_BYTES
    with counted() as bill:
        seeing.say(clinic.errand(patient("Ann Li")), id=id, text="Hello", epoch=None)
    assert noted("a message that meets a full chain", bill) == (5, 2, 2, 2, 2, 2, 6, 2)
    assert bill.refused == 1


@pytest.mark.parametrize("bands", RATIO_MAX, ids=len)
def test_thirty_two_doctors_at_once_cost_no_more_each_than_one_alone(clinic: Clinic, bands: tuple[Band, ...]) -> None:
    """Nobody collides with anybody: every caller gets a number of their own. Where the fair order goes from one band
    to another, those who are calling at that instant look again."""
    doctors = [replace(ADA, id=f"doctor-{n}") for n in range(DOCTORS)]
    for doctor in doctors:
        clinic.on_duty(doctor, capacity=TAKES)
    for band in bands:
        clinic.crowd((DOCTORS + 1) * TAKES // len(bands), band)
    with metered() as alone:
        first = [_take(clinic, doctors[0]) for _ in range(TAKES)]
    clinic.on_duty(doctors[0], capacity=2 * TAKES)
    with metered() as together, ThreadPoolExecutor(DOCTORS) as room:
        ready = threading.Barrier(DOCTORS)
        taken = list(room.map(lambda doctor: _take_all(clinic, doctor, ready), doctors))
    everybody = [*first, *(id for ids in taken for id in ids)]
    assert None not in everybody
    assert len(set(everybody)) == (DOCTORS + 1) * TAKES, "nobody was taken twice"
    ratio = {
        "requests": together.requests / alone.requests / DOCTORS,
        "write units": (together.write_units + together.refused) / alone.write_units / DOCTORS,
        "read units": together.read_units / alone.read_units / DOCTORS,
    }
    _ratios[f"take next, {DOCTORS} doctors to 1, {len(bands)} bands"] = ratio
    assert alone.requests == 3 * TAKES
    assert max(ratio.values()) <= RATIO_MAX[bands], ratio


def _take(clinic: Clinic, doctor: Actor) -> Ticket | None:
    return taking.take_next(clinic.errand(doctor), departments=("general",))


def _take_all(clinic: Clinic, doctor: Actor, ready: threading.Barrier) -> list[Ticket | None]:
    ready.wait(SECONDS_MAX)
    return [_take(clinic, doctor) for _ in range(TAKES)]


def test_opening_the_clinics_first_page_asks_once(clinic: Clinic) -> None:
    with counted() as bill:
        arriving.waits(clinic.errand())
    assert (bill.requests, bill.writes) == (1, 0)


def test_how_promises_were_kept_is_one_small_query_a_department(clinic: Clinic) -> None:
    """A month in which people were called every day, long ones and short ones."""
    for n in range(30):
        day = f"{clinic.now - timedelta(days=n):%Y-%m-%d}"
        ratios = (12_345,) * (len(RATIOS) + 1)
        kept = Accuracy(department="general", day=day, counted=150_000, in_range=120_000, ratios=ratios)
        records.save(kept, audit=clinic.errand().entry("sweep", f"L#general#0#{n}"))
    with counted() as bill:
        found = arriving.kept(clinic.errand())
    assert [len(one.month) for one in found] == [30, 0]
    assert [len(one.week) for one in found] == [7, 0]
    assert (bill.requests, bill.read_units, bill.writes) == (2, 1.5, 0)


def test_a_sweep_asks_no_more_for_ten_doctors_more(clinic: Clinic) -> None:
    """Each has a patient, and one more who came back and waits for them; none has opened the list for a quarter of an
    hour. One request after the other for each of them ended the sweep of a great clinic in its first departments."""
    asked = []
    for many in (2, 12):
        restore({})
        doctors = [replace(ADA, id=opaque(f"doctor {n}")) for n in range(many)]
        had = {doctor: replace(ANN, id=hashed(f"had by {doctor.id}")) for doctor in doctors}
        for doctor, who in had.items():
            clinic.sign(clinic.taken(who, by=doctor), by=doctor)
        clinic.now += timedelta(minutes=16)
        for doctor, who in had.items():
            clinic.join(replace(ANN, id=hashed(f"new to {doctor.id}")))
            assert clinic.take(doctor)
            assert clinic.join(who, follow_up=True, same_doctor=True).prefers == doctor.id
        sweeping.sweep(clinic.errand(SYSTEM))
        with counted() as bill:
            sweeping.sweep(clinic.errand(SYSTEM))
        assert bill.writes == 0
        asked.append(bill.requests)
    assert asked[1] <= asked[0] + 1, "the one: somebody who waits for a doctor was called past their other number"
