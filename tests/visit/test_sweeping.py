"""The sweep finds whom nobody's tap would find: orphans, the patients of vanished doctors, closing time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.rooms import assignment
from chalicelib.rooms.assignment import LEASE, PRESENCE
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.permission import SYSTEM, Actor, Role
from chalicelib.rooms.queue import Band, Lane, Mark, State, Ticket, Visit, Why
from chalicelib.rooms.rules import Clinic
from chalicelib.store import records
from chalicelib.visit import arriving, seeing, sweeping, taking
from chalicelib.visit.errand import Errand
from chalicelib.visit.sweeping import NUMBERS_MAX, OPEN_MAX
from infra.local.signer import Local
from tests.builders import ADA, BO, MINUTE, NOW, PUBLIC, a_clinic, a_department, a_request, a_visit
from tests.visit.weather import meanwhile

pytestmark = pytest.mark.usefixtures("clinic_on_moto")
NINE_TO_FIVE = a_clinic(
    timezone="UTC", departments=(replace(a_department(), opens=time(8), closes=time(17)), a_department("children", "B"))
)
Make = Callable[..., Errand]


@pytest.fixture
def errand() -> Make:
    count = 0

    def make(actor: Actor, now: datetime = NOW, clinic: Clinic | None = None) -> Errand:
        nonlocal count
        count += 1
        return Errand(
            actor=actor, request=f"request-{count}", now=now, clinic=clinic or a_clinic(timezone="UTC"), records=records
        )

    return make


def join(errand: Make, who: int, now: datetime = NOW) -> Visit:
    request = a_request(id=f"join-{who}", holder=f"holder-{who}")
    person = f"{who:064x}"
    return arriving.join(errand(PUBLIC, now), request=request, secret=person, person=person, consented=True)


def test_a_patient_whose_number_was_called_by_a_doctor_who_died_is_at_the_front_after_one_sweep(errand: Make) -> None:
    visit = join(errand, 1)
    (lane,) = records.lanes([("general", 0)])
    records.call(lane, Band.STANDARD, Why.FIRST_COME, NOW)  # and the caller's Lambda dies here

    swept = sweeping.sweep(errand(SYSTEM))

    assert swept.brought_to_front == 1
    assert records.visit(visit.id).ticket == Ticket("general", 0, Band.RECALL, 1)
    assert sweeping.sweep(errand(SYSTEM)).brought_to_front == 0, "once is enough"


def test_a_number_called_by_a_doctor_who_died_before_its_joiner_had_written_is_not_looked_at_too_soon(
    errand: Make,
) -> None:
    """The sweep finds nobody under it. Who writes under it a moment later would wait for ever: they draw another."""

    def called_in_vain_and_swept() -> None:
        (lane,) = records.lanes([("general", 0)])
        records.call(lane, Band.STANDARD, Why.FIRST_COME, NOW)
        sweeping.sweep(errand(SYSTEM))

    with meanwhile("TransactWriteItems", called_in_vain_and_swept):
        visit = join(errand, 1)

    assert visit.ticket == Ticket("general", 0, Band.STANDARD, 2)
    taking.go_on_duty(errand(ADA), departments=("general",), capacity=1)
    assert taking.take_next(errand(ADA)) == visit.id


def test_a_joiner_who_writes_while_the_sweep_closes_the_number_is_found_at_once(errand: Make) -> None:
    ticket, lane = records.draw("general", 0, Band.STANDARD)
    records.call(lane, Band.STANDARD, Why.FIRST_COME, NOW)
    late = a_visit(id=ticket, ticket=ticket, version=None)
    line = errand(PUBLIC).entry("join", f"V#{ticket}")

    with meanwhile("PutItem", lambda: records.save(late, audit=line)):
        assert sweeping.sweep(errand(SYSTEM)).brought_to_front == 1


def test_a_vanished_doctor_goes_off_duty_and_the_patient_goes_to_the_front(errand: Make) -> None:
    visit = join(errand, 1)
    taking.go_on_duty(errand(ADA), departments=("general",), capacity=1)
    assert taking.take_next(errand(ADA)) == visit.id
    sweeping.sweep(errand(SYSTEM, NOW + MINUTE))

    swept = sweeping.sweep(errand(SYSTEM, NOW + max(LEASE, PRESENCE)))
    later = sweeping.sweep(errand(SYSTEM, NOW + max(LEASE, PRESENCE) + MINUTE))

    assert (swept.brought_to_front, swept.off_duty + later.off_duty) == (1, 1)
    assert records.visit(visit.id).state is State.WAITING
    assert not records.doctor("ada").on_duty
    assert records.lanes([("general", 0)])[0].on_duty == 0


def test_a_doctor_who_only_takes_patients_stays_on_duty(errand: Make) -> None:
    """A program may never open the list."""
    taking.go_on_duty(errand(ADA), departments=("general",), capacity=1)
    for who in range(4):
        now = NOW + who * 10 * MINUTE
        visit = join(errand, who, now)
        assert taking.take_next(errand(ADA, now)) == visit.id
        arriving.leave(errand(Actor(role=Role.PATIENT, id=visit.secret), now), id=visit.id)
        sweeping.sweep(errand(SYSTEM, now + MINUTE))
    assert records.doctor("ada").on_duty


def test_what_is_kept_in_sight_fits_in_a_row() -> None:
    lane = Lane(department="general", tails=(0, 0, 900, 0), heads=(0, 0, 900, 0))
    full = Mark(department="general", lane=0, open=tuple(Ticket("general", 0, Band.URGENT, n) for n in range(OPEN_MAX)))
    numbers, low = sweeping._called_since(full, lane)
    assert (numbers, low) == ([], (0, 0, 0, 0))
    numbers, low = sweeping._called_since(replace(full, open=full.open[7:]), lane)
    assert (len(numbers), low) == (7, (0, 0, 7, 0))
    numbers, low = sweeping._called_since(replace(full, open=()), lane)
    assert (len(numbers), low) == (NUMBERS_MAX, (0, 0, NUMBERS_MAX, 0))


def test_a_doctor_who_looks_at_the_list_now_and_then_stays_on_duty(errand: Make) -> None:
    taking.go_on_duty(errand(ADA), departments=("general",), capacity=1)
    taking.go_on_duty(errand(BO), departments=("general",), capacity=1)
    for minutes in range(5, 60, 5):
        taking.work(errand(ADA, NOW + minutes * MINUTE))
        sweeping.sweep(errand(SYSTEM, NOW + minutes * MINUTE))
    assert records.doctor("ada").on_duty
    assert not records.doctor("bo").on_duty


def test_two_sweeps_at_once_do_what_one_does(errand: Make) -> None:
    visits = [join(errand, n) for n in range(3)]
    (lane,) = records.lanes([("general", 0)])
    records.call(lane, Band.STANDARD, Why.FIRST_COME, NOW)
    one, other = errand(SYSTEM), errand(SYSTEM)

    sweeping.sweep(one)
    sweeping.sweep(other)

    assert [records.visit(v.id).ticket for v in visits][0] == Ticket("general", 0, Band.RECALL, 1)
    assert sum(v.ticket is not None for v in records.visits(v.id for v in visits)) == 3


def test_nobody_is_taken_from_a_doctor_who_comes_back_to_their_page_in_time(errand: Make) -> None:
    """Two conversations; the lease of the second ran out while the doctor listened in the first."""
    for who in (1, 2):
        join(errand, who)
    taking.go_on_duty(errand(ADA), departments=("general",), capacity=2)
    first, second = (taking.take_next(errand(ADA)) for _ in range(2))
    assert first
    assert second
    for minute in range(31):
        now = NOW + minute * MINUTE
        seeing.messages(errand(ADA, now), id=first if minute < 11 else second, after="")
        if minute % 5 == 1:
            assert sweeping.sweep(errand(SYSTEM, now)).brought_to_front == 0, minute


def test_the_next_doctor_reads_the_reason_of_the_one_just_before_and_of_nobody_earlier(errand: Make) -> None:
    visit = join(errand, 1)
    taking.go_on_duty(errand(ADA), departments=("general",), capacity=1)
    taking.take_next(errand(ADA))
    seeing.hand_back(errand(ADA), id=visit.id, epoch=1, reason="Not my field.")
    taking.pause(errand(ADA))
    taking.go_on_duty(errand(BO), departments=("general",), capacity=1)
    assert taking.take_next(errand(BO)) == visit.id
    assert records.visit(visit.id).handed_back == "Not my field."
    sweeping.sweep(errand(SYSTEM, NOW + LEASE))
    lost = records.visit(visit.id)
    assert (lost.state, lost.handed_back) == (State.WAITING, None)
    assert assignment.slipped_away(lost, BO.id), "and Bo is told"


def test_who_waited_for_one_doctor_is_in_the_published_accuracy_too(errand: Make) -> None:
    """Called past their number in the department's line, and by their doctor only later."""
    taking.go_on_duty(errand(ADA), departments=("general",), capacity=1)
    first = join(errand, 1)
    taking.take_next(errand(ADA))
    _finish(errand, first, NOW)
    busy = join(errand, 3)
    taking.take_next(errand(ADA))
    again = a_request(id="again", holder="holder-1", follow_up=True)
    person = f"{1:064x}"
    waits = arriving.join(errand(PUBLIC), request=again, secret=person, person=person, consented=True, same_doctor=True)
    assert waits.prefers == ADA.id
    taking.go_on_duty(errand(BO), departments=("general",), capacity=5)
    taking.take_next(errand(BO))
    for minute in range(1, 5):
        sweeping.sweep(errand(SYSTEM, NOW + minute * MINUTE))
    before = records.accuracy("general", f"{NOW:%Y-%m-%d}").counted
    _finish(errand, busy, NOW + 5 * MINUTE)
    assert taking.take_next(errand(ADA, NOW + 5 * MINUTE)) == waits.id
    for minute in range(6, 9):
        sweeping.sweep(errand(SYSTEM, NOW + minute * MINUTE))
    assert records.accuracy("general", f"{NOW:%Y-%m-%d}").counted == before + 1, "once"


def _finish(errand: Make, visit: Visit, now: datetime) -> None:
    seeing.sign(
        replace(errand(ADA, now), signer=Local()),
        id=visit.id,
        epoch=1,
        soap={"subjective": "Cough.", "objective": "", "assessment": "Cold.", "plan": "Rest."},
        outcome=Outcome.REST,
        summary="Rest and drink.",
        lines=(),
        confirmed=False,
    )


class Behind:
    """The store, whose eventually consistent reads of visits have not seen anything yet."""

    def __getattr__(self, name: str) -> Any:
        return getattr(records, name)

    def visits(self, ids: Any, *, consistent: bool = False, **how: Any) -> list[Visit]:
        return records.visits(ids, consistent=True, **how) if consistent else []


def test_nobody_is_lost_to_a_read_that_is_a_moment_old(errand: Make) -> None:
    """A called number is looked at once: two of 86,389 people of a torture were lost where the table answered late."""
    visit = join(errand, 1)
    (lane,) = records.lanes([("general", 0)])
    records.call(lane, Band.STANDARD, Why.FIRST_COME, NOW)  # and the caller's Lambda dies here
    sweeping.sweep(replace(errand(SYSTEM), records=Behind()))
    assert records.visit(visit.id).ticket == Ticket("general", 0, Band.RECALL, 1)


def test_at_closing_those_who_came_while_it_was_open_are_told_and_those_who_came_later_keep_the_place(
    errand: Make,
) -> None:
    afternoon, evening = NOW.replace(hour=16), NOW.replace(hour=18)
    early, late = join(errand, 1, afternoon), join(errand, 2, evening)

    before = sweeping.sweep(errand(SYSTEM, NOW.replace(hour=16, minute=59), NINE_TO_FIVE))
    swept = sweeping.sweep(errand(SYSTEM, evening + MINUTE, NINE_TO_FIVE))

    assert (before.sent_home, swept.sent_home) == (0, 1)
    assert records.visit(early.id).state is State.EXPIRED
    assert records.visit(late.id).state is State.WAITING


def test_at_closing_who_was_handed_back_keeps_the_place_in_front(errand: Make) -> None:
    afternoon, evening = NOW.replace(hour=16), NOW.replace(hour=18)
    visit = join(errand, 1, afternoon)
    taking.go_on_duty(errand(ADA, evening), departments=("general",), capacity=1)
    assert taking.take_next(errand(ADA, evening)) == visit.id
    seeing.hand_back(errand(ADA, evening), id=visit.id, epoch=1, reason="Not my field.")
    taking.pause(errand(ADA, evening))
    assert sweeping.sweep(errand(SYSTEM, evening + MINUTE, NINE_TO_FIVE)).sent_home == 0
    assert records.visit(visit.id).ticket == Ticket("general", 0, Band.RECALL, 1)


def test_nobody_is_sent_home_while_a_doctor_is_still_on_duty(errand: Make) -> None:
    visit = join(errand, 1, NOW.replace(hour=16))
    evening = NOW.replace(hour=18)
    taking.go_on_duty(errand(ADA, evening), departments=("general",), capacity=1)
    sweeping.sweep(errand(SYSTEM, evening + MINUTE, NINE_TO_FIVE))
    assert records.visit(visit.id).state is State.WAITING


def test_promises_are_counted_once_per_patient_and_day(errand: Make) -> None:
    taking.go_on_duty(errand(ADA), departments=("general",), capacity=10)
    for n in range(4):
        join(errand, n)
    for n in range(4):
        taking.take_next(errand(ADA, NOW + timedelta(minutes=2 * (n + 1))))
        sweeping.sweep(errand(SYSTEM, NOW + timedelta(minutes=2 * (n + 1))))

    kept = records.accuracy("general", f"{NOW:%Y-%m-%d}")

    assert kept.counted == 4
    assert kept.in_range == 4
    assert (kept.quantile(0.5) or 9) <= 0.5  # eight minutes each were promised, and it took two


def test_a_promise_counts_on_the_day_of_the_clinics_own_calendar(errand: Make) -> None:
    """One o'clock in the night in Shanghai is still yesterday in UTC."""
    night = NOW.replace(hour=17)
    here = a_clinic(timezone="Asia/Shanghai")
    taking.go_on_duty(errand(ADA, night, here), departments=("general",), capacity=1)
    join(errand, 1, night)
    taking.take_next(errand(ADA, night + MINUTE, here))
    sweeping.sweep(errand(SYSTEM, night + MINUTE, here))

    (today,) = arriving.kept(errand(PUBLIC, night + MINUTE, here))[0].month

    assert (today.day, today.counted) == (f"{NOW + timedelta(days=1):%Y-%m-%d}", 1)
