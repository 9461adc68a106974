"""What people are told outside the page: once, or a dead letter, whatever the service outside does (F13)."""

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.refusal import NotFound, TooLate
from chalicelib.rooms.notice import BACK_OFF, LEASE, TRIES_MAX, USEFUL, Kind, Notice, Outcome, Sending, Way
from chalicelib.rooms.permission import SYSTEM, Actor
from chalicelib.rooms.queue import State, Ticket
from chalicelib.rooms.rules import Sms
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, sweeping, taking, telling
from chalicelib.visit.sweeping import Swept
from tests.builders import ADA, ANN, EVE, MINUTE, a_clinic, refused
from tests.visit.walk import Walk, table
from tests.visit.weather import Died, meanwhile, watched

DESK = "+8613900000000"
CLINIC = a_clinic(timezone="UTC", sms=Sms(provider="local", country="+86", desk=DESK))
ENDPOINT = "https://fcm.googleapis.com/fcm/send/anns-browser"


@dataclass
class Provider:
    """A service outside that does what the test says, try by try; the last answer is repeated."""

    answers: Iterable[Outcome | BaseException | Callable[[], Outcome]] = (Outcome.SENT,)
    tries_in_time: int = 1000
    carries: bool = True
    asked: list[Notice] = field(default_factory=list)

    @property
    def has_time(self) -> bool:
        return len(self.asked) < self.tries_in_time

    def send(self, one: Notice) -> Outcome:
        self.asked.append(one)
        answers = list(self.answers)
        said = answers[min(len(self.asked), len(answers)) - 1]
        if isinstance(said, BaseException):
            raise said
        return said() if callable(said) else said


@pytest.fixture
def clinic(walk: Walk) -> Walk:
    walk.clinic = CLINIC
    return walk


def sweep(clinic: Walk, post: Provider, *, after: timedelta = timedelta(0)) -> Swept:
    clinic.now += after
    return sweeping.sweep(clinic.errand(SYSTEM, f"sweep-{clinic.count}"), post)


def notices() -> list[tuple[str, str, int]]:
    """Kind and state of everything in the outbox, and the tries."""
    found = [item for item in table().values() if item["kind"]["S"] == "notice"]
    return sorted((i["notice_kind"]["S"], i["state"]["S"], int(i["tries"]["N"])) for i in found)


def asks_for_texts(clinic: Walk, who: Actor = ANN, **said: Any) -> Ticket:
    return clinic.join(who, text_me=True, **said).id


def test_a_patient_is_told_twice_nearly_and_now(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    id, post = asks_for_texts(clinic), Provider()
    for _ in range(3):
        sweep(clinic, post, after=MINUTE)
    assert clinic.take(ADA) == id
    for _ in range(3):
        sweep(clinic, post, after=MINUTE)
    assert [(one.kind, one.to, one.visit) for one in post.asked] == [
        (Kind.NEARLY, "+8613800001234", id),
        (Kind.TURN, "+8613800001234", id),
    ]
    assert notices() == [("nearly", "sent", 1), ("turn", "sent", 1)]
    assert records.visit(id).told == {"nearly", "turn"}


def call(clinic: Walk, id: Ticket, post: Provider) -> int:
    """What the table's stream brings about as soon as a doctor has taken this patient."""
    return telling.called(clinic.errand(SYSTEM), post, id=id)


def test_a_patient_is_told_at_once_and_not_again_by_the_sweep_or_a_record_that_comes_twice(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    id, post = asks_for_texts(clinic), Provider()
    assert clinic.take(ADA) == id
    assert [call(clinic, id, post), call(clinic, id, post)] == [1, 0]
    assert sweep(clinic, post, after=MINUTE).sent == 0
    assert [one.kind for one in post.asked] == [Kind.TURN]
    assert notices() == [("turn", "sent", 1)]


@pytest.mark.parametrize("meanwhile", ["left", "waits again", "swept", "did not ask", "no service", "no time"])
def test_what_is_no_longer_so_is_not_said_and_what_cannot_be_said_now_is_left_to_the_sweep(
    clinic: Walk, meanwhile: str
) -> None:
    clinic.on_duty(ADA)
    id = asks_for_texts(clinic) if meanwhile != "did not ask" else clinic.join(ANN).id
    assert clinic.take(ADA) == id
    if meanwhile == "left":
        arriving.leave(clinic.errand(ANN), id=id)
    elif meanwhile == "waits again":
        seeing.hand_back(clinic.errand(ADA), id=id, epoch=1, reason="Not mine")
    elif meanwhile == "swept":
        assert sweep(clinic, Provider()).sent == 1
    post = Provider(carries=meanwhile != "no service", tries_in_time=0 if meanwhile == "no time" else 9)
    assert call(clinic, id, post) == 0
    assert post.asked == []
    after = Provider()
    sweep(clinic, after, after=MINUTE)
    assert (Kind.TURN in [one.kind for one in after.asked]) is (meanwhile in ("no service", "no time"))


@pytest.mark.parametrize("tries", [1, 2])
def test_telling_that_dies_is_finished_by_the_sweep(clinic: Walk, tries: int) -> None:
    """Died before the service was asked, or never answered: never twice, and never silently lost."""
    clinic.on_duty(ADA)
    id = asks_for_texts(clinic)
    assert clinic.take(ADA) == id
    post = Provider([Died()] if tries == 1 else [Outcome.LATER, Outcome.SENT])
    with contextlib.suppress(Died):
        call(clinic, id, post)
    sweep(clinic, Provider(), after=LEASE)
    assert [state for _, state, _ in notices()] == ["sent"]


def test_who_did_not_ask_is_told_nothing_and_nothing_is_kept(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    clinic.join(ANN)
    post = Provider()
    sweep(clinic, post)
    assert not post.asked
    assert notices() == []


def test_where_no_texts_are_sent_the_wish_is_not_kept(clinic: Walk) -> None:
    clinic.clinic = a_clinic()
    assert not records.visit(asks_for_texts(clinic)).answers.text_me


def test_far_from_the_front_nothing_is_said_yet(clinic: Walk) -> None:
    clinic.on_duty(ADA, capacity=9)
    clinic.crowd(9)
    id, post = asks_for_texts(clinic), Provider()
    sweep(clinic, post)
    assert notices() == []
    for _ in range(6):
        clinic.take(ADA)
    sweep(clinic, post)
    assert [one.visit for one in post.asked] == [id]


def test_down_then_up(clinic: Walk) -> None:
    """Nothing is lost while the service is away: tried later and later, sent once."""
    clinic.on_duty(ADA)
    asks_for_texts(clinic)
    post = Provider([Outcome.LATER, Outcome.LATER, Outcome.SENT])
    for _ in range(20):
        sweep(clinic, post, after=MINUTE)
        clinic.on_duty(ADA)
    assert [one.tries for one in post.asked] == [1, 2, 3]
    assert notices() == [("nearly", "sent", 3)]


def test_down_for_good_is_a_dead_letter_that_the_desk_sees(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    id, post, given_up = asks_for_texts(clinic), Provider([Outcome.LATER]), 0
    for _ in range(sum(BACK_OFF) + 10):
        given_up += sweep(clinic, post, after=MINUTE).given_up
        clinic.on_duty(ADA)
    assert len(post.asked) == TRIES_MAX
    assert given_up == 1
    (lost,) = telling.unsent(clinic.errand())
    assert (lost.visit, lost.state, lost.why) == (id, Sending.GIVEN_UP, Outcome.LATER)
    assert records.visit(id).state is State.WAITING, "the place has nothing to do with it"


def test_slow_and_never_answering_is_not_asked_twice(clinic: Walk) -> None:
    """Perhaps it was sent. Two texts are worse than one that the desk hears of."""
    clinic.on_duty(ADA)
    asks_for_texts(clinic)
    post = Provider([Outcome.NO_ANSWER])
    for _ in range(8):
        sweep(clinic, post, after=MINUTE)
    assert len(post.asked) == 1
    assert notices() == [("nearly", "given_up", 1)]


def test_a_slow_service_takes_only_its_share_of_a_sweep(clinic: Walk) -> None:
    """What there was no time for is neither claimed nor lost, and the lanes were looked after before."""
    clinic.on_duty(ADA)
    asks_for_texts(clinic)
    asks_for_texts(clinic, replace(ANN, id="hash-2"))
    asks_for_texts(clinic, replace(ANN, id="hash-3"))
    slow = Provider(tries_in_time=1)
    assert sweep(clinic, slow, after=MINUTE).sent == 1
    assert notices() == [("nearly", "sent", 1), ("nearly", "waiting", 0), ("nearly", "waiting", 0)]
    post = Provider()
    assert sweep(clinic, post, after=MINUTE).sent == 2


def test_whatever_is_too_old_to_be_true_is_not_said(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    asks_for_texts(clinic)
    sweep(clinic, Provider(tries_in_time=0))
    post = Provider()
    sweep(clinic, post, after=USEFUL)
    assert not [one for one in post.asked if one.kind is Kind.NEARLY]
    assert ("nearly", "given_up", 0) in notices()


def test_two_sweeps_at_once_send_once(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    asks_for_texts(clinic)
    post = Provider()
    sweep(clinic, Provider(tries_in_time=0))  # written, not sent
    with meanwhile("UpdateItem", lambda: sweep(clinic, post)):  # just before the claim
        sweep(clinic, post)
    assert len(post.asked) == 1
    assert notices() == [("nearly", "sent", 1)]


def test_two_sweeps_at_once_write_once(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    asks_for_texts(clinic)
    post = Provider()
    with meanwhile("TransactWriteItems", lambda: sweep(clinic, post)):  # just before it is written
        sweep(clinic, post)
    assert len(post.asked) == 1
    assert notices() == [("nearly", "sent", 1)]


def test_killed_after_the_claim_it_is_sent_after_the_lease_and_not_before(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    asks_for_texts(clinic)
    with pytest.raises(Died):
        sweep(clinic, Provider([Died()]))
    post = Provider()
    sweep(clinic, post, after=MINUTE)
    assert not post.asked
    sweep(clinic, post, after=LEASE)
    assert [one.tries for one in post.asked] == [2]
    assert notices() == [("nearly", "sent", 2)]


def test_the_one_window_that_remains(clinic: Walk) -> None:
    """Killed between the service's yes and our mark: sent once more after the lease, and then never again."""
    clinic.on_duty(ADA)
    asks_for_texts(clinic)
    said: list[str] = []

    def yes_and_killed() -> Outcome:
        said.append("nearly")
        raise Died

    with pytest.raises(Died):
        sweep(clinic, Provider([yes_and_killed]))
    post = Provider()
    for _ in range(10):
        sweep(clinic, post, after=MINUTE)
    assert len(said) + len(post.asked) == 2


def test_killed_every_time_it_ends_as_a_dead_letter(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    asks_for_texts(clinic)
    for _ in range(TRIES_MAX):
        with pytest.raises(Died):
            sweep(clinic, Provider([Died()]), after=LEASE)
        clinic.on_duty(ADA)
    post = Provider()
    sweep(clinic, post, after=LEASE)
    assert not [one for one in post.asked if one.kind is Kind.NEARLY]
    assert ("nearly", "given_up", TRIES_MAX) in notices()


def test_who_leaves_while_it_is_written_is_told_nothing(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    id, post = asks_for_texts(clinic), Provider()
    leave = clinic.errand(ANN)
    with meanwhile("TransactWriteItems", lambda: arriving.leave(leave, id=id)):
        sweep(clinic, post)
    assert not post.asked
    assert notices() == []


def test_nothing_due_asks_the_table_once_more_and_nothing_configured_not_at_all(clinic: Walk) -> None:
    clinic.on_duty(ADA, capacity=9)
    clinic.crowd(20)
    asks_for_texts(clinic)
    sweep(clinic, Provider())  # the mark is written
    with watched() as without:
        sweeping.sweep(clinic.errand(SYSTEM))
    with watched() as idle:
        sweep(clinic, Provider())
    with watched() as off:
        sweep(clinic, Provider(carries=False))
    assert len(idle.names) == len(without.names) + 1
    assert len(off.names) == len(without.names)
    assert not idle.writes


# The desk


def test_an_hour_without_a_doctor_everybody_keeps_the_place_and_the_desk_is_alerted_once(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    ids = [visit.id for visit in clinic.crowd(4)]
    before = [visit.ticket for visit in records.visits(ids)]
    taking.pause(clinic.errand(ADA))
    post, alerted = Provider(), []
    for minute in range(1, 61):
        alerted += [minute] * sweep(clinic, post, after=MINUTE).desk_alerted
    assert alerted == [10]
    assert [(one.kind, one.to, one.people) for one in post.asked] == [(Kind.NOBODY, DESK, 4)]
    assert [visit.ticket for visit in records.visits(ids)] == before
    assert all(visit.state is State.WAITING for visit in records.visits(ids))


def test_the_next_absence_is_another_one(clinic: Walk) -> None:
    clinic.crowd(3)
    post = Provider()
    sweep(clinic, post, after=11 * MINUTE)
    clinic.on_duty(ADA)
    sweep(clinic, post, after=MINUTE)
    taking.pause(clinic.errand(ADA))
    for _ in range(15):
        sweep(clinic, post, after=MINUTE)
    assert [one.kind for one in post.asked] == [Kind.NOBODY, Kind.NOBODY]
    assert post.asked[0].stretch == "never"


def test_without_a_number_the_alert_is_on_the_desks_page_alone(clinic: Walk) -> None:
    clinic.clinic = replace(CLINIC, sms=Sms())
    clinic.crowd(2)
    departments = [records.lanes([(department, 0)]) for department in ("general", "children")]
    (absence,) = telling.absences(clinic.errand(), departments)
    assert (absence.department, absence.people, absence.since) == ("general", 2, None), "at once"
    post = Provider()
    assert [sweep(clinic, post, after=11 * MINUTE).desk_alerted for _ in range(3)] == [1, 0, 0]
    assert not post.asked


def test_an_alert_that_was_given_costs_nothing_more(clinic: Walk) -> None:
    clinic.crowd(2)
    sweep(clinic, Provider(), after=11 * MINUTE)
    with watched() as alerted:
        sweep(clinic, Provider(), after=MINUTE)
    assert not alerted.writes


# Waking a browser


def test_a_browser_is_woken_and_forgotten_when_its_service_forgets_it(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    id = clinic.join(ANN).id
    telling.wake_me(clinic.errand(ANN), id=id, endpoint=ENDPOINT)
    post = Provider([Outcome.NEVER])
    sweep(clinic, post)
    assert [(one.way, one.to) for one in post.asked] == [(Way.PUSH, ENDPOINT)]
    wake = records.wake(id)
    assert wake is not None
    assert wake.endpoint == ""
    clinic.take(ADA)
    sweep(clinic, post, after=MINUTE)
    assert len(post.asked) == 1
    telling.wake_me(clinic.errand(ANN), id=id, endpoint=f"{ENDPOINT}-2")
    assert records.wake(id) != wake


def test_both_ways_are_sent_by_themselves(clinic: Walk) -> None:
    clinic.on_duty(ADA)
    id = asks_for_texts(clinic)
    telling.wake_me(clinic.errand(ANN), id=id, endpoint=ENDPOINT)
    post = Provider()
    sweep(clinic, post)
    sweep(clinic, post, after=MINUTE)
    assert sorted(one.way for one in post.asked) == [Way.PUSH, Way.SMS]


def test_only_the_patient_and_only_while_the_visit_lasts(clinic: Walk) -> None:
    id = clinic.join(ANN).id
    with pytest.raises(NotFound):
        telling.wake_me(clinic.errand(EVE), id=id, endpoint=ENDPOINT)
    with refused("cannot reach", field="endpoint"):
        telling.wake_me(clinic.errand(ANN), id=id, endpoint="https://169.254.169.254/x")
    arriving.leave(clinic.errand(ANN), id=id)
    with pytest.raises(TooLate):
        telling.wake_me(clinic.errand(ANN), id=id, endpoint=ENDPOINT)
