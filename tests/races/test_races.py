"""At once: whoever taps at the same moment, there is one effect, and the loser is told what happened."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.refusal import Busy, Refusal, TooLate
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.permission import Actor
from chalicelib.rooms.prescription import State as PrescriptionState
from chalicelib.rooms.queue import State, Ticket
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, sending, taking
from chalicelib.visit.errand import Errand
from tests.builders import ADA, ANN, BO, KIM, SAM, SOAP
from tests.visit.deeds import DEEDS, Deed, same
from tests.visit.walk import CODE, Walk, differ, table

ROUNDS = 6
SECONDS_MAX = 60
TO = {"address": "1 River Road", "phone": "13800001234", "code": CODE}
DOCTORS = [replace(ADA, id=f"dr-{n}") for n in range(8)]

pytestmark = pytest.mark.engine


@pytest.fixture
def walk(clinic_on_dynoxide: str) -> Walk:
    return Walk()


def at_once(*doings: Callable[[], Any]) -> list[Any]:
    """Everybody starts at one signal; gives what each was answered or refused."""
    ready = threading.Barrier(len(doings))
    answers: list[Any] = [None] * len(doings)

    def do(i: int, doing: Callable[[], Any]) -> None:
        ready.wait(SECONDS_MAX)
        try:
            answers[i] = doing()
        except Refusal as refusal:
            answers[i] = refusal

    threads = [threading.Thread(target=do, args=(i, doing), daemon=True) for i, doing in enumerate(doings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS_MAX)
        assert not thread.is_alive(), "somebody is still waiting for an answer"
    return answers


def refusals(answers: list[Any]) -> list[Refusal]:
    return [a for a in answers if isinstance(a, Refusal)]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_two_taps_at_the_same_moment_have_one_effect_and_one_answer(walk: Walk, deed: Deed) -> None:
    typed = deed.ready(walk)
    errands = [walk.errand(deed.who, "tap") for _ in range(3)]

    answers = at_once(*(lambda e=e: deed.do(e, **typed) for e in errands))

    assert not refusals(answers), answers
    lines = [line for line in records.audit(deed.about(typed)) if line.request == deed.request("tap", typed)]
    assert len(lines) == 1
    before = table()
    again = deed.do(walk.errand(deed.who, "tap"), **typed)
    told = [answer for answer in answers if not (deed.do is taking.take_next and answer is None)]
    # A second tap while the first is still being written may find nobody left; the patient is on the list it leads to.
    assert told
    assert all(same(answer) == same(again) for answer in told)
    assert {key for key in differ(before, table()) if not (deed.draws and key[1] == "L")} == set()


def test_two_doctors_take_the_only_patient(walk: Walk) -> None:
    for n in range(ROUNDS):
        patient = replace(ANN, id=f"hash-{n}")
        id = walk.join(patient).id
        for doctor in (ADA, BO):
            walk.on_duty(doctor, capacity=10)
        ada, bo = walk.errand(ADA), walk.errand(BO)
        answers = at_once(lambda e=ada: taking.take_next(e), lambda e=bo: taking.take_next(e))
        assert sorted(answers, key=str) == sorted([id, None], key=str), (
            "one has the patient, nobody is left for the other"
        )
        winner = records.visit(id).doctor
        assert [id in records.doctor(d).visits for d in ("ada", "bo")] == [winner == "ada", winner == "bo"]


def test_a_crowd_of_doctors_and_patients_meets_each_exactly_once(walk: Walk) -> None:
    ids = [visit.id for visit in walk.crowd(24)]
    for doctor in DOCTORS:
        walk.on_duty(doctor, capacity=10)

    def work(doctor: Actor) -> list[Ticket]:
        taken: list[Ticket] = []
        while (id := taking.take_next(walk.errand(doctor), departments=("general",))) is not None:
            taken.append(id)
        return taken

    taken = at_once(*(lambda d=d: work(d) for d in DOCTORS))

    assert not refusals(taken), taken
    assert sorted(id for each in taken for id in each) == sorted(ids)


def test_a_patient_leaves_while_being_taken(walk: Walk) -> None:
    walk.on_duty(ADA, capacity=10)
    for n in range(ROUNDS):
        patient = replace(ANN, id=f"hash-{n}")
        id = walk.join(patient).id
        leave, take = walk.errand(patient), walk.errand(ADA)

        left, taken = at_once(lambda i=id, e=leave: arriving.leave(e, id=i), lambda e=take: taking.take_next(e))

        assert not isinstance(left, Refusal), "leaving is always heard"
        visit = records.visit(id)
        assert visit.state is State.CANCELLED
        assert id not in records.doctor("ada").visits
        assert taken in (id, None)


def test_approve_and_return_at_once(walk: Walk) -> None:
    for n in range(ROUNDS):
        id = walk.prescribed(replace(ANN, id=f"hash-{n}"))
        sam, kim = walk.errand(SAM), walk.errand(KIM)

        answers = at_once(
            lambda i=id, e=sam: sending.review(e, id=i, number=1, approve=True, reason=""),
            lambda i=id, e=kim: sending.review(e, id=i, number=1, approve=False, reason="Too much."),
        )

        (loser,) = refusals(answers)
        found = records.newest_prescription(id)
        assert found is not None
        winner = {PrescriptionState.EFFECTIVE: "Sam", PrescriptionState.RETURNED: "Kim"}[found.state]
        assert loser.facts == {"who": winner}, "the loser is told who was first"


def test_two_parcels_are_ordered_on_one_prescription(walk: Walk) -> None:
    for n in range(ROUNDS):
        patient = replace(ANN, id=f"hash-{n}")
        id = walk.approved(patient)
        errands = walk.errand(patient), walk.errand(patient)

        answers = at_once(
            lambda i=id, e=errands[0]: sending.choose_delivery(e, id=i, way=Way.DELIVERY, **TO),
            lambda i=id, e=errands[1]: sending.choose_delivery(e, id=i, way=Way.PICK_UP, **TO),
        )

        assert [type(a) for a in refusals(answers)] == [TooLate]
        assert len(records.file(id).orders) == 1


def test_signing_and_handing_back_at_once(walk: Walk) -> None:
    for n in range(ROUNDS):
        id = walk.taken(replace(ANN, id=f"hash-{n}"))
        sign, back = walk.errand(ADA), walk.errand(ADA)

        answers = at_once(
            lambda i=id, e=sign: _sign(e, i),
            lambda i=id, e=back: seeing.hand_back(e, id=i, epoch=1, reason="Not my field"),
        )

        assert len(refusals(answers)) == 1
        assert not any(isinstance(a, Busy) for a in answers)
        visit = records.visit(id)
        assert visit.state is (State.COMPLETED if visit.signed_note else State.WAITING)
        if visit.state is State.WAITING:
            arriving.leave(walk.errand(replace(ANN, id=f"hash-{n}")), id=id)


def _sign(errand: Errand, id: Ticket) -> Any:
    return seeing.sign(
        errand, id=id, epoch=1, soap=SOAP, outcome=Outcome.REST, summary="Rest.", lines=(), confirmed=False
    )


def test_doctor_and_patient_write_at_once_and_both_are_heard(walk: Walk) -> None:
    id = walk.taken()
    patients = [walk.errand(ANN) for _ in range(3)]
    doctors = [walk.errand(ADA) for _ in range(3)]

    answers = at_once(
        *(lambda e=e: seeing.say(e, id=id, text=f"p {e.request}", epoch=None) for e in patients),
        *(lambda e=e: seeing.say(e, id=id, text=f"d {e.request}", epoch=1) for e in doctors),
    )

    busy = [a for a in refusals(answers) if isinstance(a, Busy)]
    assert len(refusals(answers)) == len(busy), "nothing but a busy moment keeps a word back"
    assert len(records.messages(id, "")) == len(answers) - len(busy)
    assert records.visit(id).said == len(answers) - len(busy)


def test_on_duty_said_twice_at_once_counts_one_doctor(walk: Walk) -> None:
    errands = [walk.errand(ADA) for _ in range(4)]
    at_once(*(lambda e=e: taking.go_on_duty(e, departments=("general", "children"), capacity=2) for e in errands))
    assert [lane.on_duty for lane in records.lanes([("general", 0), ("children", 0)])] == [1, 1]
    errands = [walk.errand(ADA) for _ in range(4)]
    at_once(*(lambda e=e: taking.pause(e) for e in errands))
    assert [lane.on_duty for lane in records.lanes([("general", 0), ("children", 0)])] == [0, 0]
