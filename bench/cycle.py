"""`python -m bench.cycle`: joins, takes and signatures per second, through the clinic and as bare requests, in one run.

Four sides, in turn. The bare engine is sent, byte for byte, what a real cycle had asked, over a socket without an SDK
and on an engine of its own: what the others take longer is Python, PynamoDB, botocore and the door.
"""

import contextlib
import json
import secrets
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

from bench import show, write
from bench.raw import Raw
from infra.local import engine
from infra.local.signer import Local

SIGNER = Local()  # KMS would be a request to another service, and as slow on every side but the bare one
ROUNDS = 7
CYCLES = 60  # of each side in one round
FIRST = 2  # cycles before the clock starts
GOAL = 0.37
DEPARTMENT = "respiratory"  # never closes
SOAP = {"subjective": "Cough.", "objective": "", "assessment": "Common cold.", "plan": "Rest."}
SUMMARY = "Rest and drink."
NOT_OF_A_CYCLE = frozenset({"DescribeTable"})  # PynamoDB looks whether there is a table
Asked = list[tuple[str, dict[str, Any]]]


class Side(Protocol):
    """Something that does cycles; `sent` counts requests that do not go through botocore."""

    sent: int

    def prepare(self, cycles: int) -> None: ...
    def __call__(self) -> None: ...


def main() -> None:
    engine.keep_local()
    from chalicelib.outside import signing

    signing.KMS = SIGNER  # type: ignore[assignment]  # what the door signs with
    with engine.dynoxide() as bare, engine.dynoxide() as address:
        before, cycles = recorded(FIRST + ROUNDS * CYCLES)
        sides = {
            "bare engine": Bare(bare, before, cycles),
            "deeds": Deeds(),
            "deeds without botocore": Thin(address),
            "through the door": Door(),
        }
        requests = {name: _first(side) for name, side in sides.items()}
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        cpu: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, side in sides.items():
                side.prepare(CYCLES)
                used = time.process_time()
                speeds[name].append(_per_second(side))
                cpu[name].append((time.process_time() - used) / CYCLES * 1000)
    lines = [_line(name, speeds, requests[name], cpu[name]) for name in sides]
    show(f"Join, take and sign, {ROUNDS} rounds of {CYCLES}, in turn; goal: {GOAL:g} of the bare engine", lines)
    write("cycle", {"goal": GOAL, "rounds": ROUNDS, "cycles_per_round": CYCLES, "lines": lines})


def _first(side: Side) -> int:
    """The first cycle pays for imports, connections and the clinic's keys; how many requests the second is."""
    from tests.engines import metered

    side.prepare(FIRST)
    side()
    before = side.sent
    with metered() as meter:
        side()
    return meter.requests + side.sent - before


def _per_second(side: Side) -> float:
    start = time.perf_counter()
    for _ in range(CYCLES):
        side()
    return CYCLES / (time.perf_counter() - start)


def _line(name: str, speeds: dict[str, list[float]], requests: int, cpu: list[float]) -> dict[str, Any]:
    ratios = [one / other for one, other in zip(speeds[name], speeds["bare engine"], strict=True)]
    return {
        "side": name,
        "requests": requests,
        "cycles/s": round(statistics.median(speeds[name]), 1),
        "ratio": round(statistics.median(ratios), 3),
        "from": round(min(ratios), 3),
        "to": round(max(ratios), 3),
        "client cpu ms": round(statistics.median(cpu), 2),
    }


def recorded(cycles: int) -> tuple[Asked, list[Asked]]:
    """What the real deeds send to the table, as it leaves botocore: before the first cycle, and in each."""
    with _heard() as before:
        deeds = Deeds("once")
    found = []
    for _ in range(cycles):
        with _heard() as cycle:
            deeds()
        found.append(cycle)
    return before, found


@contextlib.contextmanager
def _heard() -> Iterator[Asked]:
    from chalicelib.store.rows import Row

    heard: Asked = []

    def hear(request: Any, **_: Any) -> None:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).partition(".")[2]
        if operation not in NOT_OF_A_CYCLE:
            heard.append((operation, json.loads(request.body)))

    events = Row._get_connection().connection.client.meta.events
    events.register("before-send.dynamodb", hear)
    try:
        yield heard
    finally:
        events.unregister("before-send.dynamodb", hear)


class Bare:
    """A real cycle's requests once more, on an engine that has seen all of those before and nothing else."""

    def __init__(self, address: str, before: Asked, cycles: list[Asked]) -> None:
        self.ask, self.cycles, self.sent = Raw(address), iter(cycles), 0
        for operation, asked in before:
            self.ask(operation, **asked)

    def prepare(self, cycles: int) -> None:
        """Everything was recorded before."""

    def __call__(self) -> None:
        for operation, asked in next(self.cycles):
            self.sent += 1
            self.ask(operation, **asked)


class Deeds:
    """One patient joins, one doctor takes and signs: the real deeds with their audit lines, without the door."""

    def __init__(self, name: str = "deeds") -> None:
        from chalicelib.rooms.permission import Actor, Role
        from chalicelib.store.rows import Row
        from chalicelib.visit import taking

        if not Row.exists():
            Row.create_table(wait=True)
        self.name, self.count, self.sent = name, 0, 0
        self.doctor = Actor(role=Role.DOCTOR, id=name, name="Dr Ada")
        taking.go_on_duty(self.errand(self.doctor), departments=(DEPARTMENT,), capacity=1)

    def errand(self, actor: Any) -> Any:
        self.count += 1
        return _errand(actor, f"{self.name}-{self.count:012}")

    def prepare(self, cycles: int) -> None:
        """A deed is given its answers."""

    def __call__(self) -> None:
        from chalicelib.rooms.consult import Outcome
        from chalicelib.rooms.permission import ANYBODY
        from chalicelib.visit import arriving, seeing, taking

        errand = self.errand(ANYBODY)
        one = f"{self.count:0{64 - len(self.name)}x}{self.name}"
        arriving.join(errand, request=_answered(errand, "holder"), secret=one, person=one, consented=True)
        id = taking.take_next(self.errand(self.doctor), departments=(DEPARTMENT,))
        assert id is not None
        seeing.sign(
            self.errand(self.doctor),
            id=id,
            epoch=1,
            soap=SOAP,
            outcome=Outcome.REST,
            summary=SUMMARY,
            lines=(),
            confirmed=False,
        )


def _errand(actor: Any, request: str) -> Any:
    from chalicelib.clinic import CLINIC
    from chalicelib.store import records
    from chalicelib.visit.errand import Errand

    now = datetime.now(UTC)
    return Errand(actor=actor, request=request, now=now, clinic=CLINIC, records=records, signer=SIGNER)


def _answered(errand: Any, holder: str) -> Any:
    from chalicelib.rooms.arrival import ForWhom, Getting, HowLong, Request

    return Request(
        id=errand.request,
        holder=holder,
        language="en",
        started_at=errand.now,
        flags=("none",),
        for_whom=ForWhom.ME,
        name="Ann Li",
        age=40,
        department=DEPARTMENT,
        why="Cough and fever since Monday",
        how_long=HowLong.DAYS,
        getting=Getting.SAME,
        phone="13800001234",
    )


class Thin(Deeds):
    """The same deeds over a plain socket, unsigned: what PynamoDB and we cost, and so what botocore costs."""

    def __init__(self, address: str) -> None:
        from tests.simulation.wire import sender

        self.line = contextlib.ExitStack()
        self.send = self.line.enter_context(sender(address))
        super().__init__("thin")

    def close(self) -> None:
        self.line.close()

    def request(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        self.sent += 1
        return self.send(operation, kwargs)

    def __call__(self) -> None:
        from tests.simulation.wire import connected

        with connected(self):  # type: ignore[arg-type]  # all it needs of a wire is `request`
            super().__call__()


class Door:
    """The same three deeds as Lambda is asked for them: an event in JSON, Chalice, the door, its answer in JSON.

    The questions before the ticket were answered before the clock starts. The doctor is looked up with each request,
    as staff are. A form of the page costs the same and is answered by a redirect; the page after it is not in here.
    """

    sent = 0

    def __init__(self) -> None:
        from app import app
        from tests.people import Member

        self.app, self.waiting = app, list[str]()
        doctor = Member(None, "ada", datetime.now(UTC))  # type: ignore[arg-type]  # only what it signs in with
        self.badge = f"staff={doctor.cookies['staff']}"
        self.ask("/{lang}/doctor/duty", self.badge, departments=[DEPARTMENT], capacity=1)

    def prepare(self, cycles: int) -> None:
        """So many phones with their answers."""
        from chalicelib.doors.guests import hashed, new_secret
        from chalicelib.rooms.permission import ANYBODY
        from chalicelib.store import records

        for _ in range(cycles):
            phone = new_secret()
            errand = _errand(ANYBODY, new_secret())
            records.save(_answered(errand, hashed(phone)), audit=errand.entry("ask", f"P#{hashed(phone)}"))
            self.waiting.append(f"phone={phone}")

    def __call__(self) -> None:
        phone = self.waiting.pop()
        visit = self.ask("/{lang}/ask/check", phone, consent=True)["visit"]
        assert self.ask("/{lang}/doctor/next", self.badge, departments=[DEPARTMENT])["visit"] == visit
        said = {"epoch": 1, "heard": 0, **SOAP, "outcome": "rest_and_observe", "summary": SUMMARY, "stated": ["spoke"]}
        self.ask("/{lang}/doctor/visits/{visit}/finish", self.badge, visit=visit, **said)

    def ask(self, route: str, cookie: str, visit: str = "", **said: Any) -> dict[str, Any]:
        """A POST as API Gateway hands it over."""
        given = {"lang": "en"} | ({"visit": visit} if visit else {})
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Cookie": cookie}
        event = {
            "resource": route,
            "path": route.format(**given),
            "httpMethod": "POST",
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "pathParameters": given,
            "stageVariables": None,
            "body": json.dumps({"request": secrets.token_urlsafe(16), **said}),
            "isBase64Encoded": False,
            "requestContext": {
                "path": f"/api{route.format(**given)}",
                "resourcePath": route,
                "httpMethod": "POST",
                "identity": {"sourceIp": "127.0.0.1"},
            },
        }
        answer = json.loads(json.dumps(self.app(json.loads(json.dumps(event)), None)))
        assert answer["statusCode"] == 200, answer["body"]
        body: dict[str, Any] = json.loads(answer["body"])
        return body


if __name__ == "__main__":
    main()
