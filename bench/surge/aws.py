"""The modelled AWS: how much it lets through, by its published rules. No clock of its own: seconds come in.

Real DynamoDB is kinder than this in places (it splits a hot partition, lends unused capacity) and harsher in none
that is known here; nothing was checked against a real account.
"""

from collections import deque
from dataclasses import dataclass, field
from math import exp

KEY_WRITES, KEY_READS = 1_000, 3_000  # units a second for one partition key
KEY_BURST_SECONDS = 10  # how much of that may come at once here: one person played writes for up to a thousand
TABLE_WRITES, TABLE_READS = 4_000, 12_000  # a new on-demand table, at once
TABLE_QUOTA = 40_000  # of one table, each way; raised on request
TABLE_BURST_SECONDS = 60
DOUBLES_AFTER_SECONDS = 30 * 60  # a table serves twice the peak it has had for so long
ENVIRONMENTS_STEP, STEP_SECONDS = 1_000, 10  # a function may start so many environments in so many seconds
ENVIRONMENTS_QUOTA = 1_000  # of an account at once; raised on request
API_PER_SECOND = 10_000  # of an account and region; raised on request
STACK_PER_SECOND = 500  # RequestsPerSecond of our own stack, as delivered
GATE_SECONDS = 60  # so much of a limit may be used at once: one person played asks for a crowd at one moment
EDGE_SECONDS, EDGE_STALE_SECONDS = 5, 30  # how long the edge keeps a board, and gives it while it asks for the next
EDGE_CACHES, SHIELDED = 3, 1  # caches that ask for themselves: of one country; the one behind them with EdgeShield
ITEM_BYTES_MAX = 400 * 1024

# What a request is taken to last and to weigh, as nothing here can measure it: our own door and page, then each request
# to the table one after the other, at 1,024 MB on arm64.
DOOR_SECONDS, REQUEST_SECONDS, MEMORY_GB = 0.015, 0.006, 1.0
PAGE_BYTES, ANSWER_BYTES = 6_000, 700  # a page, compressed; a poll's or the edge's answer; both with their headers
LOG_BYTES = 900 + 350  # our one line for each request and Lambda's own, and the API's line about it
TRACED = 0.05  # X-Ray's default rule
TRANSACTION_SECONDS = 0.010  # how long an item is held by a transaction, so that a plain write of it is refused


@dataclass
class Bucket:
    """So many a second, of which `seconds` may come at once. What is taken is paid afterwards, so it may owe."""

    rate: float
    seconds: float
    level: float = 0.0
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.rate * self.seconds

    def open(self, now: float) -> bool:
        """Whether something is let through at this moment."""
        if now > self.at:
            self.level = min(self.rate * self.seconds, self.level + (now - self.at) * self.rate)
            self.at = now
        return self.level > 0

    def spend(self, units: float) -> None:
        self.level -= units


@dataclass
class OnDemand:
    """An on-demand table's throughput one way: twice the highest minute that is at least half an hour ago."""

    warm: float
    used: float = 0.0  # since `since`
    since: float = 0.0
    recent: deque[tuple[float, float]] = field(default_factory=deque)  # minutes not yet half an hour ago

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.warm, TABLE_BURST_SECONDS)
        self.quota = max(TABLE_QUOTA, self.warm)  # whoever asked for a warmer table has raised it

    def open(self, now: float) -> bool:
        if now >= self.since + 60:
            self.recent.append((now, self.used / (now - self.since)))
            self.used, self.since = 0.0, now
        while self.recent and now - self.recent[0][0] >= DOUBLES_AFTER_SECONDS:
            self.bucket.rate = max(self.bucket.rate, min(self.quota, 2 * self.recent.popleft()[1]))
        return self.bucket.open(now)

    def spend(self, units: float) -> None:
        self.used += units
        self.bucket.spend(units)


@dataclass
class Environments:
    """Lambda's environments of one function: a thousand more every ten seconds, up to the account's quota."""

    quota: float = ENVIRONMENTS_QUOTA
    running: float = 0.0

    def refused(self, wanted: float, seconds: float) -> float:
        """The share of what is wanted at once (environments busy) that is turned away during the next `seconds`."""
        steps = max(1, int(seconds / STEP_SECONDS))
        turned_away = 0.0
        for _ in range(steps):
            self.running = max(self.running, min(self.quota, wanted, self.running + ENVIRONMENTS_STEP))
            turned_away += max(0.0, wanted - self.running)
        return turned_away / steps / wanted if wanted else 0.0


def over(wanted: float, limit: float) -> float:
    """The share of a steady rate that a limit turns away."""
    return max(0.0, wanted - limit) / wanted if wanted else 0.0


def origin_rate(polls: float, caches: int = EDGE_CACHES) -> float:
    """How often a second the edge asks the origin for one board, when pages ask the edge `polls` times a second.

    Each cache asks again with the first poll after its copy is too old: with random polls that is one every
    `EDGE_SECONDS` plus the time to the next poll.
    """
    return polls / (1 + polls / caches * EDGE_SECONDS)


def waiting_rate(polls: float, caches: int = EDGE_CACHES) -> float:
    """How many of these polls wait for the origin. The others get the copy there is, also while a new one is fetched:
    only after `EDGE_STALE_SECONDS` more without any poll is it too old for that."""
    return origin_rate(polls, caches) * exp(-polls / caches * EDGE_STALE_SECONDS)
