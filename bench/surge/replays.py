"""The days that are replayed, and how the people in them behave: every assumption by name, with where it comes from.

The platforms published totals, not curves: shapes of days, staffing and behaviour are ours, chosen plain.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import exp

from bench.surge import aws

Curve = tuple[tuple[float, float], ...]  # (hour, value), straight lines in between

# ---- patients
URGENT, FOLLOW_UP = 0.10, 0.15  # shares; who says "worse" or brings an infant is urgent, see rooms/arrival.py
ASKING_SECONDS = 90  # from the first question to the ticket
LEAVERS = (
    0.10  # share who would not wait for ever; hospitals' "left without being seen" is 2 to 10 % and more in a rush
)
PATIENCE_MINUTES = 30  # and how long these wait on average
STEP_BACKS = 0.02  # share who tap "I need more time" once
NO_SHOWS = 0.03  # share who are not there when called
NO_SHOW_SECONDS = 120  # how long the doctor waits for them before handing back
HIDDEN = 0.5  # share of waiting phones whose screen is off or elsewhere: they ask once a minute at most (wait.js)
# ---- the conversation
CONSULT_MEDIAN_SECONDS, CONSULT_SIGMA = 366, 0.75  # log-normal; the mean is 8.1 minutes, as rooms/promise.py guesses
CONSULT_MEAN_SECONDS = CONSULT_MEDIAN_SECONDS * exp(CONSULT_SIGMA**2 / 2)
MESSAGES = 20  # of one consult, both sides together
TYPING_SECONDS = 10  # of one message
NOTE_SAVES = 6  # how often a note saves itself while it is typed (doctor.js: 1.5 s after the last key)
PRESCRIPTIONS, PARCELS = 0.6, 0.4  # shares of consults: with medicine, with medicine sent home
# ---- doctors
TAP_SECONDS = 5  # between two patients
IDLE_LOOK_SECONDS = 60  # how often a doctor without patients opens the work list; between, the page asks the board
# ---- everybody
TRY_AGAIN_SECONDS = 5  # after "very busy": our own Retry-After

SHARES = {"respiratory": 0.60, "general": 0.25, "children": 0.15}  # JD: about 60 % went to one department


@dataclass(frozen=True, kw_only=True)
class Replay:
    """One day. `joins` an hour and `doctors` on duty are of the whole platform; one in `scale` of both is played."""

    name: str
    title: str
    source: str
    hours: float
    joins: Curve
    doctors: Curve
    scale: int
    home_views: float = 2.0  # of the first page, for each person who joins
    shares: dict[str, float] = field(default_factory=lambda: SHARES)
    bin_seconds: int = 60  # over which rates are taken
    lanes: int = 1
    warm: float = aws.TABLE_WRITES  # write units a second the table can take at the start; of reads three times as many
    api: float = aws.API_PER_SECOND  # requests a second, as raised for the day: RequestsPerSecond and AWS's quota
    environments: float = aws.ENVIRONMENTS_QUOTA  # of Lambda at once
    rest_hours: float = 6.0  # at most so long to serve whoever still waits after `hours`

    def quick(self) -> "Replay":
        """Ninety minutes around the fullest one, with some 150 people: for a test."""
        peak = max(self.joins, key=lambda point: point[1])[0]
        start = max(0.0, min(peak - 0.75, self.hours - 1.5))
        hours = min(1.5, self.hours)
        joins, doctors = cut(self.joins, start, hours), cut(self.doctors, start, hours)
        scale = max(1, round(area(joins, hours) / 150))
        return replace(self, hours=hours, joins=joins, doctors=doctors, scale=scale)


def at(curve: Curve, hour: float) -> float:
    if hour <= curve[0][0]:
        return curve[0][1]
    for (h0, v0), (h1, v1) in zip(curve, curve[1:], strict=False):
        if hour <= h1:
            return v0 + (v1 - v0) * (hour - h0) / (h1 - h0)
    return curve[-1][1]


def cut(curve: Curve, start: float, hours: float) -> Curve:
    inside = [(h - start, v) for h, v in curve if start < h < start + hours]
    return ((0.0, at(curve, start)), *inside, (hours, at(curve, start + hours)))


def area(curve: Curve, hours: float) -> float:
    points = cut(curve, 0, hours)
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in zip(points, points[1:], strict=False))


def totalling(total: float, shape: Curve) -> Curve:
    """The shape, so that the day adds up to `total`."""
    factor = total / area(shape, shape[-1][0])
    return tuple((h, v * factor) for h, v in shape)


def doctors_for(joins: Curve, staffing: Callable[[float], float]) -> Curve:
    """On duty every half hour: what `staffing` makes of the doctors needed for the joins of that hour."""
    steps = [n / 2 for n in range(int(joins[-1][0] * 2) + 1)]
    return tuple((h, staffing(at(joins, h) * CONSULT_MEAN_SECONDS / 3600)) for h in steps)


# A day in hours: quiet at night, full in the morning and after work.
_DAY: Curve = ((0, 4), (2, 2), (5, 2), (8, 9), (10, 12), (12, 10), (14, 10), (16, 9), (19, 12), (21, 11), (24, 4))
_ALI = totalling(72_000, _DAY)
_PING = totalling(729_000, _DAY)
_JD: Curve = ((0, 9_000), (2, 12_000), (2.5, 30_000), (4.5, 30_000), (5.5, 15_000), (8, 10_000))
_STEP: Curve = ((0, 12_750), (1, 12_750), (1.02, 127_500), (6, 127_500))
_FIFTY: Curve = ((0, 34_000), (1, 340_000), (3, 340_000), (4, 120_000))
_BURST: Curve = ((0, 0), (0.099, 0), (0.0995, 36_000_000), (0.0995 + 1 / 60, 36_000_000), (0.1167, 0), (0.5, 0))

REPLAYS = {
    replay.name: replay
    for replay in (
        Replay(
            name="alihealth",
            title="AliHealth: 400,000 visits to the page in 24 hours, 3,000 joins an hour",
            source="Global Times, Feb 2020: about 400,000 homepage visits in the first 24 h, 3,000 people an hour",
            hours=24,
            joins=_ALI,
            doctors=doctors_for(_ALI, lambda need: max(60.0, min(600.0, need * 1.03))),
            scale=60,
            home_views=400_000 / 72_000,
        ),
        Replay(
            name="jd",
            title="JD Health: 30,000 joins an hour, 60 % of them in one department",
            source="Global Times, Feb 2020: tens of thousands an hour at the peak, about 60 % seen by one department",
            hours=8,
            joins=_JD,
            doctors=((0, 1_300), (2, 1_700), (3.5, 3_600), (8, 3_600)),
            scale=120,
        ),
        Replay(
            name="pingan",
            title="Ping An Good Doctor: 729,000 consultations in a day",
            source="People's Daily, Mar 2020: 729,000 inquiries a day",
            hours=24,
            joins=_PING,
            doctors=doctors_for(_PING, lambda need: max(1_200.0, min(5_300.0, need * 1.03))),
            scale=600,
        ),
        Replay(
            name="haodf",
            title="Haodf: ten times the patients at once, 20,000 doctors",
            source="People's Daily, Mar 2020: traffic ten-fold, about 20,000 doctors online; here all of them are busy",
            hours=6,
            joins=_STEP,
            doctors=((0, 2_000), (1, 2_000), (2.5, 20_000), (6, 20_000)),
            scale=100,
            api=15_000,
        ),
        Replay(
            name="fifty",
            title="A day of 50,000 doctors",
            source="WeDoctor, Feb 2020: more than 50,000 doctors offered free consultations; here all of them are busy",
            hours=4,
            joins=_FIFTY,
            doctors=((0, 5_000), (1, 45_000), (1.5, 50_000), (4, 50_000)),
            scale=800,
            warm=60_000,  # nobody gathers 50,000 doctors unprepared: see docs/surge-day.md
            api=40_000,
        ),
        Replay(
            name="stress",
            title="Stress: 10,000 joins a second for a minute, one department",
            source="no platform has reported it: 120 times the worst day above, the target of issue 3",
            hours=0.5,
            joins=_BURST,
            doctors=((0, 50_000), (0.5, 50_000)),
            scale=1_000,
            warm=40_000,
            api=150_000,  # no account has that; it is the clinic behind it that is tried
            environments=5_000,
            shares={"respiratory": 1.0},
            bin_seconds=10,
            rest_hours=3,
        ),
    )
}
