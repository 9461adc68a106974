"""Notices: what is due for whom, how a try ends, and when the desk is alerted."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from chalicelib.rooms import notice
from chalicelib.rooms.notice import BACK_OFF, NOBODY, TRIES_MAX, USEFUL, Kind, Outcome, Sending, Way
from chalicelib.rooms.queue import State
from chalicelib.rooms.rules import Sms
from tests.builders import MINUTE, NOW, a_clinic, a_department, a_lane, a_queue, a_ticket, a_visit, answers, refused

TEXTS = a_clinic(timezone="UTC", sms=Sms(provider="local", country="+86", others=("+44",), desk="+8613800000000"))
ASKED = answers(text_me=True)


def a_notice(**changes: object) -> notice.Notice:
    made = notice.to_patient(a_visit(), Kind.NEARLY, Way.SMS, to="+8613800001234", now=NOW)
    return replace(made, version=1, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("n", "kind"), [(1, Kind.NEARLY), (4, Kind.NEARLY), (40, None)])
def test_nearly_is_a_place_near_the_front(n: int, kind: Kind | None) -> None:
    assert notice.due(a_visit(id=a_ticket(n)), a_queue(0, 0, 50), NOW) is kind


def test_nearly_is_also_a_short_wait_with_many_ahead() -> None:
    """Forty doctors: a dozen people ahead are called within minutes."""
    visit = a_visit(id=a_ticket(12))
    assert notice.due(visit, a_queue(0, 0, 50), NOW) is None
    assert notice.due(visit, a_queue(0, 0, 50, on_duty=40), NOW) is Kind.NEARLY


def test_it_is_nobodys_turn_while_nobody_is_on_duty() -> None:
    assert notice.due(a_visit(), a_queue(0, 0, 1, on_duty=0), NOW) is None


def test_we_have_closed_is_true_of_a_visit_that_has_ended_so() -> None:
    closed = notice.to_patient(a_visit(), Kind.CLOSED, Way.SMS, to="+8613800001234", now=NOW)
    assert not notice.untrue(closed, a_visit(state=State.EXPIRED))
    assert notice.untrue(closed, a_visit(state=State.ASSIGNED))


def test_each_kind_is_due_once() -> None:
    assert notice.due(a_visit(told=frozenset({"nearly"})), a_queue(0, 0, 1), NOW) is None
    with_doctor = a_visit(state=State.ASSIGNED, told=frozenset({"nearly"}))
    assert notice.due(with_doctor, a_lane(), NOW) is Kind.TURN
    assert notice.due(replace(with_doctor, told=frozenset({"turn"})), a_lane(), NOW) is None


def test_a_patient_who_is_already_talking_is_told_nothing() -> None:
    assert notice.due(a_visit(state=State.IN_CONSULT, last_word="doctor"), a_lane(), NOW) is Kind.TURN
    assert notice.due(a_visit(state=State.IN_CONSULT, last_word="patient"), a_lane(), NOW) is None
    assert notice.due(a_visit(state=State.COMPLETED), a_lane(), NOW) is None


def test_only_what_was_asked_for_and_can_be_sent() -> None:
    assert notice.ways(a_visit(), TEXTS) == ()
    assert notice.ways(a_visit(answers=ASKED), TEXTS) == (Way.SMS,)
    assert notice.ways(a_visit(answers=ASKED, wakes=True), TEXTS) == (Way.SMS, Way.PUSH)
    assert notice.ways(a_visit(answers=ASKED), a_clinic()) == ()
    assert notice.ways(a_visit(answers=replace(ASKED, phone=None)), TEXTS) == ()


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("13800001234", "+8613800001234"),
        ("013800001234", "+8613800001234"),
        ("+44700900123", "+44700900123"),
        ("0044700900123", "+44700900123"),
        ("00000", ""),
        ("12345", ""),
        ("138000012345", ""),  # one digit too many for a mobile number
        ("01012345678", ""),  # a land line
        ("+44700900", ""),
        ("+447009001", "+447009001"),
        ("+1234567890123456", ""),
    ],
)
def test_numbers_get_their_country(typed: str, number: str) -> None:
    assert notice.number(typed, TEXTS) == number


def test_a_no_is_tried_again_later_and_later_and_then_given_up() -> None:
    one, now = a_notice(), NOW
    for tries in range(1, TRIES_MAX):
        one = notice.after(notice.claim(one, now), Outcome.LATER, now)
        assert (one.state, one.tries, one.due_at) == (Sending.FAILED, tries, now + BACK_OFF[tries - 1] * MINUTE)
        now = one.due_at
    one = notice.after(notice.claim(one, now), Outcome.LATER, now)
    assert (one.state, one.why, one.due_at) == (Sending.GIVEN_UP, Outcome.LATER, now)


@pytest.mark.parametrize("outcome", [Outcome.NEVER, Outcome.NO_ANSWER])
def test_what_cannot_work_or_may_have_worked_is_not_tried_again(outcome: Outcome) -> None:
    ended = notice.after(notice.claim(a_notice(), NOW), outcome, NOW)
    assert (ended.state, ended.why) == (Sending.GIVEN_UP, outcome)


def test_late_news_is_no_news() -> None:
    assert not notice.hopeless(a_notice(), NOW + USEFUL - MINUTE)
    assert notice.hopeless(a_notice(), NOW + USEFUL)
    assert notice.hopeless(a_notice(tries=TRIES_MAX), NOW)
    assert sum(BACK_OFF) * MINUTE < USEFUL, "every try may be made"
    assert len(BACK_OFF) == TRIES_MAX - 1


def test_an_absence_is_an_open_department_with_people_and_nobody() -> None:
    department, lane = a_department(), a_queue(0, 0, 4, on_duty=0)
    gone = NOW - 20 * MINUTE
    found = notice.absence([lane], department, [gone - MINUTE, gone], NOW)
    assert found == notice.Absence(department="general", people=4, since=gone)
    assert notice.absence([replace(lane, on_duty=1)], department, [gone], NOW) is None
    assert notice.absence([a_lane(on_duty=0)], department, [gone], NOW) is None
    assert notice.absence([lane], replace(department, opens=time(10), closes=time(11)), [gone], NOW) is None


def test_an_absence_begins_no_earlier_than_the_opening() -> None:
    lane, early = a_queue(0, 0, 1, on_duty=0), NOW - timedelta(hours=14)
    day = replace(a_department(), opens=time(8), closes=time(17))
    night = replace(a_department(), opens=time(22), closes=time(6))
    found = notice.absence([lane], day, [early], NOW)
    assert found is not None
    assert found.since == NOW.replace(hour=8)
    small_hours = notice.absence([lane], night, [early], NOW.replace(hour=3))
    assert small_hours is not None
    assert small_hours.since == NOW.replace(hour=22) - timedelta(days=1)
    never = notice.absence([lane], a_department(), [], NOW)
    assert never is not None
    assert (never.since, never.stretch) == (None, "never")


def test_the_desk_is_alerted_when_both_have_lasted() -> None:
    absence = notice.Absence(department="general", people=1, since=NOW - 2 * NOBODY)
    long, short = a_visit(joined_at=NOW - NOBODY), a_visit(joined_at=NOW - MINUTE)
    assert notice.to_alert(absence, [short, long], NOW)
    assert not notice.to_alert(absence, [short], NOW)
    assert not notice.to_alert(absence, [], NOW)
    assert not notice.to_alert(replace(absence, since=NOW - MINUTE), [long], NOW)
    assert notice.to_alert(replace(absence, since=None), [long], NOW)


@pytest.mark.parametrize(
    "good",
    [
        "https://fcm.googleapis.com/fcm/send/abc:APA91b-_x",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://web.push.apple.com/QGuw",
        "https://wns2-par02p.notify.windows.com/w/?token=BQ%2b",
    ],
)
def test_browsers_are_woken_through_their_own_push_services(good: str) -> None:
    assert notice.endpoint(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com",
        "https://fcm.googleapis.com/",
        "https://fcm.googleapis.com:8443/x",
        "https://me@fcm.googleapis.com/x",
        "https://fcm.googleapis.com@169.254.169.254/x",
        "https://fcm.googleapis.com\\@evil.example/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evil.example/?.notify.windows.com/x",
        "https://evil.example?.notify.windows.com/x",
        "https://169.254.169.254/latest/meta-data",
        "https://fcm.googleapis.com/x\r\nHost: evil",
        "https://fcm.googleapis.com/" + "x" * 1000,
        "HTTPS://FCM.GOOGLEAPIS.COM/x",
    ],
)
def test_and_no_other_door_is_knocked_on(bad: str) -> None:
    with refused("cannot reach", field="endpoint"):
        notice.endpoint(bad)


def test_the_first_people_of_each_of_several_lanes_are_not_all_nearly_there() -> None:
    """With four lanes, three ahead in one of them are some fifteen people."""
    lane = a_queue(0, 0, 50, of=4)
    assert notice.due(a_visit(id=a_ticket(2)), lane, NOW) is None
    assert notice.due(a_visit(id=a_ticket(1)), lane, NOW) is Kind.NEARLY
    mine = a_visit(id=a_ticket(2), ticket=a_ticket(2, department="~ada"), prefers="ada")
    assert notice.due(mine, a_queue(0, 0, 50, of=2, department="~ada"), NOW) is Kind.NEARLY, "a doctor has one lane"
