"""R28: a patient has erased what no duty keeps; the rest is closed, and each category answered with reason and day."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.refusal import Busy, NotFound, TooLate
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.erasure import What
from chalicelib.rooms.glass import Reason
from chalicelib.rooms.notice import Outcome as Sent
from chalicelib.rooms.permission import Actor, Role
from chalicelib.rooms.queue import Ticket
from chalicelib.store import outbox, records
from chalicelib.store.shapes import pane_key, panes_of
from chalicelib.store.staff_rows import PaneRow
from chalicelib.visit import keeping, seeing, sending, telling, watching
from infra import audit
from tests.builders import ADA, ANN, BOB, COLE, KIM, SAM, SOAP, a_clinic, a_line
from tests.doors.stories import id_of, seen
from tests.people import Cast
from tests.visit.walk import CODE, Walk, table

PHONE, ADDRESS, ENDPOINT = "13800001234", "1 River Road", "https://fcm.googleapis.com/fcm/send/abc"


LIU = Actor(role=Role.DOCTOR, id="liu")


@pytest.fixture
def walk(clinic_on_moto: None) -> Walk:
    return Walk(a_clinic(sms=replace(a_clinic().sms, provider="local", country="+86")))


def a_finished_visit(walk: Walk) -> Ticket:
    """Everything a patient can leave behind: a number, an address, a browser, texts, a parcel that came."""
    walk.join(ANN, text_me=True, phone=PHONE)
    walk.on_duty(ADA)
    id = records.visits([Ticket.of("general.0.2.1")])[0].id
    telling.wake_me(walk.errand(ANN), id=id, endpoint=ENDPOINT)
    assert walk.take(ADA) == id
    telling.called(walk.errand(ADA), Silent(), id=id)
    walk.sign(id, outcome=Outcome.PRESCRIPTION, lines=(a_line(),))
    sending.review(walk.errand(SAM), id=id, number=1, approve=True, reason="")
    sending.choose_delivery(walk.errand(ANN), id=id, way=Way.DELIVERY, address=ADDRESS, phone=PHONE, code=CODE)
    sending.pick(walk.errand(SAM), id=id)
    sending.check(walk.errand(KIM), id=id)
    sending.hand_over(walk.errand(COLE), id=id)
    return id


class Silent:
    """A post that carries nothing today."""

    carries, has_time = True, True

    def send(self, one: object) -> Any:
        return Sent.LATER


def _kept() -> str:
    return json.dumps(list(table().values()), ensure_ascii=False)


def test_r28_what_no_duty_keeps_is_gone_and_the_record_stays(walk: Walk) -> None:
    id = a_finished_visit(walk)
    with pytest.raises(TooLate):
        keeping.erase(walk.errand(ANN), id=id)  # a courier has the parcel, and needs the address
    sending.deliver(walk.errand(COLE), id=id, code=CODE)
    before = _kept()
    for word in (PHONE, ADDRESS, ENDPOINT):
        assert word in before
    file = records.file(id)
    keeping.erase(walk.errand(ANN), id=id)
    after = _kept()
    for word in (PHONE, PHONE.lstrip("0"), ADDRESS, ENDPOINT):
        assert word not in after, word
    now = records.file(id)
    assert now.notes == file.notes
    assert now.messages == file.messages
    assert replace(now.visit.answers, phone=PHONE, text_me=True) == file.visit.answers
    assert [one.steps for one in now.orders] == [one.steps for one in file.orders]
    assert records.notices_due(walk.now.replace(year=2099), 50) == [], "nothing is sent any more"
    assert [one.deed for one in records.audit(f"V#{id}")].count("erase") == 1
    assert audit.verify(audit.kept(audit.live())) == []


def test_r28_a_record_opened_often_outside_care_loses_its_numbers_too(walk: Walk) -> None:
    """Who opened it is kept among the same keys as what was sent, and before it."""
    id = a_finished_visit(walk)
    sending.deliver(walk.errand(COLE), id=id, code=CODE)
    pane = watching.break_glass(walk.errand(LIU), id=id, reason=Reason.STANDS_IN, words="For Ada.")
    row = PaneRow.get(*pane_key(id, LIU.id, pane.at))
    for n in range(outbox.LIST_MAX):
        row.sk = f"{panes_of(LIU.id)}{n:03d}"
        row.save()
    assert PHONE in _kept()
    keeping.erase(walk.errand(ANN), id=id)
    for word in (PHONE, PHONE.lstrip("0"), ENDPOINT):
        assert word not in _kept(), word


def test_r28_asked_again_nothing_more_happens(walk: Walk) -> None:
    id = walk.signed()
    errand = walk.errand(ANN)
    first = keeping.erase(errand, id=id)
    after = table()
    assert keeping.erase(errand, id=id).restricted == first.restricted, "a lost reply"
    assert keeping.erase(walk.errand(ANN), id=id).restricted == first.restricted, "and another request"
    assert table() == after


def test_r28_a_visit_that_goes_on_is_not_erased_nor_is_somebody_elses(walk: Walk) -> None:
    id = walk.taken()
    before = table()
    with pytest.raises(TooLate):
        keeping.erase(walk.errand(ANN), id=id)
    with pytest.raises(NotFound):
        keeping.erase(walk.errand(BOB), id=id)
    walk.sign(id)
    after = table()
    assert before != after
    with pytest.raises(NotFound):
        keeping.erase(walk.errand(BOB), id=id)
    assert table() == after


def test_r28_a_prescription_that_is_still_good_is_waited_for(walk: Walk) -> None:
    id = walk.prescribed()
    with pytest.raises(TooLate):
        keeping.erase(walk.errand(ANN), id=id)
    late = walk.now.replace(day=walk.now.day + 4)
    keeping.erase(walk.errand(ANN, at=late), id=id)
    assert records.to_review() == [], "no pharmacist finds it on a list"


def test_r28_nobody_who_works_here_opens_what_is_restricted(walk: Walk) -> None:
    id = a_finished_visit(walk)
    sending.deliver(walk.errand(COLE), id=id, code=CODE)
    assert seeing.open_visit(walk.errand(ADA), id=id).notes
    watching.break_glass(walk.errand(LIU), id=id, reason=Reason.STANDS_IN, words="For Ada.")
    keeping.erase(walk.errand(ANN), id=id)
    for look in (
        lambda: seeing.open_visit(walk.errand(ADA), id=id),
        lambda: seeing.messages(walk.errand(ADA), id=id, after=""),
        lambda: seeing.amend(walk.errand(ADA), id=id, soap=SOAP),
        lambda: sending.see_prescription(walk.errand(SAM), id=id),
        lambda: sending.see_order(walk.errand(COLE), id=id),
    ):
        with pytest.raises(NotFound):
            look()
    for look in (
        lambda: watching.read_under_glass(walk.errand(LIU), id=id),  # broken before it was closed
        lambda: watching.break_glass(walk.errand(LIU), id=id, reason=Reason.STANDS_IN, words="For Ada."),
    ):
        with pytest.raises(TooLate, match="closed"):
            look()
    assert keeping.my_record(walk.errand(ANN), id=id).notes, "its patient does"
    again = walk.taken(ANN)
    assert seeing.open_visit(walk.errand(ADA), id=again).history == []


def _typed_answers() -> list[tuple[str, str]]:
    """Name and number of the answers that lie under phones."""
    rows = (row for row in table().values() if row["kind"]["S"] == "request")
    return [(row["name"]["S"], row["phone"]["S"]) for row in rows]


@pytest.mark.parametrize("later", [False, True], ids=["of this visit", "of a later ticket"])
def test_r28_the_answers_on_the_phone_that_asks_go_too_but_not_those_of_a_later_ticket(cast: Cast, later: bool) -> None:
    seen(cast, cast.ann, outcome=Outcome.REST)
    at = cast.ann.url("visits", cast.ann.visit, "erase")
    if later:
        cast.ann.answer(name="Ann's Child")
    (before,) = _typed_answers()
    cast.ann.get(at)
    assert "This is done." in cast.ann.fill("/erase").words
    assert _typed_answers() == [before if later else ("", "")]
    assert before[0]
    assert audit.verify(audit.kept(audit.live())) == []


def test_r28_each_category_is_answered_with_its_day(walk: Walk) -> None:
    id = walk.signed()
    visit, answers = keeping.asking(walk.errand(ANN), id=id)
    ended = visit.ended_at
    assert ended
    told = {one.what: (one.erased, one.until) for one in answers}
    assert told == {
        What.CONTACT: (True, None),
        What.WAKING: (True, None),
        What.RECORD: (False, ended.replace(year=ended.year + 15)),
        What.CONVERSATION: (False, ended.replace(year=ended.year + 3)),
        What.TRAIL: (False, None),
    }


def test_r28_if_it_cannot_be_written_down_nothing_is_erased(walk: Walk) -> None:
    id = walk.signed()
    before = table()

    class Full:
        """Records in which nothing can be saved."""

        def __getattr__(self, name: str) -> Any:
            return getattr(records, name)

        def save(self, *changes: object, audit: object) -> None:
            raise Busy

    with pytest.raises(Busy):
        keeping.erase(replace(walk.errand(ANN), records=Full()), id=id)
    assert table() == before


def test_r28_a_patient_asks_on_the_page_and_the_officer_sees_it(cast: Cast) -> None:
    seen(cast, cast.ann, allergies="")
    cast.clock.forward(days=5)
    at = cast.ann.url("visits", cast.ann.visit, "erase")
    assert at in cast.ann.get(cast.ann.url("visits", cast.ann.visit, "record")).page.links
    page = cast.ann.get(at)
    assert "You cannot undo this." in page.words
    assert records.visit(id_of(cast.ann)).restricted is None, "looking erases nothing"
    done = cast.ann.fill("/erase")
    for said in ("This is done.", "Erased", "The law asks us to keep medical records.", "Kept until 2041-11-23"):
        assert said in done.words, said
    assert "138" not in cast.ann.get(cast.ann.url("visits", cast.ann.visit, "record")).words
    assert "已删除" in cast.ann.get(f"/zh/visits/{cast.ann.visit}/erase").words
    officer = cast.pria.get("/en/requests")
    assert "C2001" in officer.words
    assert "Ann Smith" not in officer.words
    for other in (cast.ada, cast.sam, cast.dee, cast.max):
        assert other.get("/en/requests").status == 403
    cast.bob.join()
    for who in (cast.eve, cast.bob, cast.ada):
        assert who.post(at).status == 404
