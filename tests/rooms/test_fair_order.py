"""The fair order: most urgent first, but nobody waits past the limit of their band, and the reason is kept."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.rooms import assignment, queue, spent
from chalicelib.rooms.queue import BANDS, ONE_CALL_IN, Band, Lane, Ticket, Why
from tests.builders import a_lane, a_queue, called, joined

# What may happen to a lane: somebody joins a band, or a doctor calls.
EVENTS = st.lists(st.one_of(st.sampled_from(BANDS), st.just("call")), max_size=200)
# The same, and of those who wait in a band one leaves: the number stays, and leads to nobody.
LEAVING = st.lists(
    st.one_of(st.sampled_from(BANDS), st.just("call"), st.tuples(st.sampled_from(BANDS), st.integers(0, 30))),
    max_size=200,
)
# A rush: so many wait in each band, and then doctors only call.
RUSH = st.tuples(*(st.integers(0, 30) for _ in BANDS))


@dataclass
class Watched:
    """A lane, and for each band how many others were called while somebody waited in it."""

    lane: Lane
    passed_over: dict[Band, int] = field(default_factory=lambda: dict.fromkeys(BANDS, 0))

    def call(self) -> tuple[Band, Why]:
        chosen = queue.choose(self.lane)
        assert chosen is not None
        there = [band for band in BANDS if self.lane.waiting(band)]
        self.lane = called(self.lane, chosen[0])
        for band in BANDS:
            self.passed_over[band] = self.passed_over[band] + 1 if band in there and band is not chosen[0] else 0
        return chosen


@dataclass
class People(Watched):
    """The same for people: some numbers lead to nobody, and a tap goes on past them, as `taking.take_next` does."""

    gone: set[tuple[Band, int]] = field(default_factory=set)

    def leave(self, band: Band, nth: int) -> None:
        if there := self.people(band):
            self.gone.add((band, there[nth % len(there)]))

    def people(self, band: Band) -> list[int]:
        numbers = range(self.lane.heads[band] + 1, self.lane.tails[band] + 1)
        return [n for n in numbers if (band, n) not in self.gone]

    def tap(self) -> Band | None:
        there = [band for band in BANDS if self.people(band)]
        front: spent.Front = []
        instead = False
        while front := spent.same_again(front, [self.lane]) or assignment.in_front([self.lane], draw=1):
            band = front[0][1]
            self.lane = called(self.lane, band, instead=instead)
            if instead := (band, self.lane.heads[band]) in self.gone:
                continue
            for other in BANDS:
                passed = other in there and other is not band
                self.passed_over[other] = self.passed_over[other] + 1 if passed else 0
            return band
        return None


def test_nobody_waits_nobody_is_called() -> None:
    assert queue.choose(a_lane()) is None
    assert queue.choose(a_lane(tails=(0, 3, 0, 0), heads=(0, 3, 0, 0))) is None


def test_alone_in_the_queue_is_first_come() -> None:
    for band in (Band.URGENT, Band.STANDARD, Band.FOLLOW_UP):
        assert queue.choose(joined(a_lane(), band)) == (band, Why.FIRST_COME)
    assert queue.choose(joined(a_lane(), Band.RECALL)) == (Band.RECALL, Why.CALLED_BACK)


def test_the_more_urgent_go_first_and_it_is_said() -> None:
    assert queue.choose(a_queue(0, 1, 1, 1)) == (Band.URGENT, Why.MORE_URGENT)
    assert queue.choose(a_queue(1, 1, 1, 1)) == (Band.RECALL, Why.CALLED_BACK)


def test_a_band_that_has_waited_its_limit_goes_before_more_urgent_people() -> None:
    lane = a_lane(tails=(0, 9, 9, 0), heads=(0, 1, 1, 0), calls=10, due=(0, 12, 10, 0))
    assert queue.choose(lane) == (Band.STANDARD, Why.THEIR_TURN)


def test_of_two_overdue_bands_the_longer_overdue_goes_first() -> None:
    lane = a_lane(tails=(0, 9, 9, 9), calls=20, due=(0, 19, 18, 17))
    assert queue.choose(lane) == (Band.FOLLOW_UP, Why.THEIR_TURN)


def test_a_rush_on_a_lane_that_never_called_anybody_starts_with_the_most_urgent() -> None:
    """Nobody has waited past a limit when the very first doctor begins."""
    watched = Watched(a_queue(0, 9, 9, 9))
    first = [watched.call() for _ in range(4)]
    assert first[:2] == [(Band.URGENT, Why.MORE_URGENT)] * 2
    assert (Band.FOLLOW_UP, Why.THEIR_TURN) not in first


@given(rush=RUSH, events=EVENTS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_every_band_is_served_within_its_limit_and_otherwise_the_most_urgent_goes_first(
    rush: tuple[int, int, int, int], events: list[Band | str]
) -> None:
    watched = Watched(a_lane(tails=rush))
    for event in [*events, *["call"] * sum(rush)]:
        if isinstance(event, Band):
            watched.lane = joined(watched.lane, event)
            continue
        there = [band for band in BANDS if watched.lane.waiting(band)]
        if not there:
            assert queue.choose(watched.lane) is None
            continue
        waited = dict(watched.passed_over)
        band, why = watched.call()
        assert band in there, "somebody waits in the band that is called"
        _the_reason_is_true(band, why, there, waited)
        for other in BANDS:
            together = len(BANDS) - 1  # bands that fall due at the same call take turns
            assert watched.passed_over[other] <= ONE_CALL_IN[other] - 1 + together


@given(rush=RUSH, events=LEAVING)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_whoever_leaves_uses_up_nobodys_turn(
    rush: tuple[int, int, int, int], events: list[Band | str | tuple[Band, int]]
) -> None:
    """People are called within the limit of their band, however many numbers before theirs lead to nobody."""
    watched = People(a_lane(tails=rush))
    for event in [*events, *["call"] * sum(rush)]:
        if isinstance(event, Band):
            watched.lane = joined(watched.lane, event)
        elif isinstance(event, tuple):
            watched.leave(*event)
        else:
            somebody = any(watched.people(band) for band in BANDS)
            assert (watched.tap() is not None) == somebody
            for other in BANDS:
                assert watched.passed_over[other] <= ONE_CALL_IN[other] - 1 + len(BANDS) - 1


def test_ten_who_left_hold_up_nobody_behind_them() -> None:
    watched = People(a_queue(0, 0, 110, 12))
    for n in range(1, 11):
        watched.gone.add((Band.FOLLOW_UP, n))
    bands = [watched.tap() for _ in range(24)]
    assert [n for n, band in enumerate(bands, start=1) if band is Band.FOLLOW_UP] == [9, 17]
    assert watched.lane.calls == 24, "to call past a number is no call"


def _the_reason_is_true(band: Band, why: Why, there: list[Band], waited: dict[Band, int]) -> None:
    if band is Band.RECALL:
        assert why is Why.CALLED_BACK
    elif there == [band]:
        assert why is Why.FIRST_COME
    elif band is there[0]:
        assert why is Why.MORE_URGENT
    else:
        assert why is Why.THEIR_TURN
        assert waited[band] >= ONE_CALL_IN[band] - 1, f"{band!r} had waited for {waited[band]} calls only"


@given(rush=RUSH)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_within_a_band_the_order_is_the_order_of_arrival(rush: tuple[int, int, int, int]) -> None:
    watched = Watched(a_lane(tails=rush))
    order = []
    for _ in range(sum(rush)):
        band, _ = watched.call()
        order.append((band, watched.lane.heads[band]))
    assert sorted(order) == [(band, n) for band in BANDS for n in range(1, rush[band] + 1)]
    for band in BANDS:
        own = [n for b, n in order if b is band]
        assert own == sorted(own)


@given(
    lanes=st.integers(2, 5),
    events=st.lists(st.one_of(st.tuples(st.sampled_from(BANDS), st.integers(0, 4)), st.just("call")), max_size=200),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_several_lanes_are_called_exactly_as_one(lanes: int, events: list[tuple[Band, int] | str]) -> None:
    """The same people, in one lane and by chance in several: everybody is called at the same moment for the same
    reason, if of those in front whoever joined first is called."""
    one = a_lane()
    several = [a_lane(number=n) for n in range(lanes)]
    people: dict[Ticket, int] = {}
    alone: dict[Ticket, int] = {}
    for event in events:
        if not isinstance(event, str):
            band, number = event[0], event[1] % lanes
            one, several[number] = joined(one, band), joined(several[number], band)
            people[Ticket(one.department, number, band, several[number].tails[band])] = len(people)
            alone[Ticket(one.department, 0, band, one.tails[band])] = len(alone)
        elif chosen := queue.choose(one):
            front = assignment.in_front(several, draw=1)
            numbers = {lane.next_number(band): (lane, band, why) for lane, band, why in front}
            lane, *as_chosen = numbers[first := min(numbers, key=people.__getitem__)]
            assert tuple(as_chosen) == chosen
            assert people[first] == alone[one.next_number(chosen[0])]
            several[lane.number] = called(lane, chosen[0], whole=queue.as_one(several))
            one = called(one, chosen[0])
        else:
            assert assignment.in_front(several, draw=1) == []
