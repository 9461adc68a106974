"""The real clinic on a free port of this machine, empty but for its staff, for the length of a block."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from infra.local import engine
from tests import engines

HOST = "127.0.0.1"
OPENS = datetime(2026, 11, 23, 2, 24, tzinfo=UTC)  # a Monday morning, 10:24 at the clinic: every department is open
INSTANT = timedelta(milliseconds=1)


class Clock:
    """The clinic's clock: begins on a Monday morning, runs like any other, and can be moved on or stopped."""

    def __init__(self) -> None:
        self.ahead = OPENS - datetime.now(UTC)
        self.stopped: datetime | None = None

    def __call__(self) -> datetime:
        if self.stopped is None:
            return datetime.now(UTC) + self.ahead
        self.stopped += INSTANT
        return self.stopped

    def stops(self, at: datetime = OPENS) -> None:
        """From now on only a moment passes between two looks at it, so that two days look the same."""
        self.stopped = at

    def passes(self, **time: float) -> None:
        """So much time has gone by: `passes(minutes=20)`."""
        self.ahead += timedelta(**time)
        if self.stopped is not None:
            self.stopped += timedelta(**time)


@dataclass
class Trouble:
    """While there is a `status`, every page of a visit is answered with it, and with `page`."""

    status: int = 0
    page: str = "Busy"


@dataclass(frozen=True)
class Clinic:
    address: str
    clock: Clock = field(default_factory=Clock)
    trouble: Trouble = field(default_factory=Trouble)


@contextlib.contextmanager
def clinic(base: str = "") -> Iterator[Clinic]:
    """Everything between the browser and DynamoDB is the real thing; moto plays DynamoDB.

    With a `base` like "/api" it stands below that path, as straight at the gateway; BASE_PATH must then say so too.
    """
    with engines.moto_table():
        from app import app
        from chalicelib.doors import manners
        from infra.local.identity import stand_in
        from infra.local.seed import give_ways_in, seed
        from infra.local.server import Handler, open_clinic

        class Below(Handler):
            def _serve(self) -> None:
                self.path = self.path.removeprefix(base)
                trouble = open_one.trouble
                if trouble.status and "/visits/" in self.path:
                    self._send_http_response_with_body(trouble.status, {"Content-Type": "text/html"}, trouble.page)
                else:
                    super()._serve()

        seed()
        give_ways_in(stand_in())
        server = open_clinic(app, engine.ROOT, HOST, 0, Below).server
        open_one = Clinic(f"http://{HOST}:{server.server_address[1]}{base}")
        listening = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        real_clock, manners.clock = manners.clock, open_one.clock  # the one place where time comes in
        listening.start()
        try:
            yield open_one
        finally:
            server.shutdown()
            server.server_close()
            listening.join(timeout=5)
            manners.clock = real_clock
