"""`python -m bench.cycle`: joins, takes and signatures per second through the real deeds, against the bare engine.

Both do the same requests on the same dynoxide in the same run, in turn, so the ratio holds when the machine is busy.
The bare side is a socket without an SDK: what is left is what Python, botocore and PynamoDB cost.
"""

import contextlib
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import show, write
from bench.raw import Raw
from infra.local import engine
from infra.local.signer import Local

TABLE = "bare"
SIGNER = Local()
ROUNDS = 7
CYCLES = 60  # of each side in one round
GOAL = 0.37
SOAP = {"subjective": "Cough.", "objective": "", "assessment": "Common cold.", "plan": "Rest."}


def main() -> None:
    engine.keep_local()
    with engine.dynoxide() as address:
        sides = {"bare engine": Bare(address), "deeds": Deeds(), "deeds without botocore": Thin(address)}
        speeds: dict[str, list[float]] = {name: [] for name in sides}
        cpu: dict[str, list[float]] = {name: [] for name in sides}
        for cycle in sides.values():
            cycle()  # the first of each pays for imports and connections
        for _ in range(ROUNDS):
            for name, cycle in sides.items():
                used = time.process_time()
                speeds[name].append(_per_second(cycle))
                cpu[name].append((time.process_time() - used) / CYCLES * 1000)
    bare = speeds["bare engine"]
    lines = []
    for name, speed in speeds.items():
        ratios = [one / other for one, other in zip(speed, bare, strict=True)]
        lines.append(
            {
                "side": name,
                "cycles/s": round(statistics.median(speed), 1),
                "ratio": round(statistics.median(ratios), 3),
                "from": round(min(ratios), 3),
                "to": round(max(ratios), 3),
                "client cpu ms": round(statistics.median(cpu[name]), 2),
            }
        )
    show(f"Join, take and sign, {ROUNDS} rounds of {CYCLES}, in turn; goal: {GOAL:g} of the bare engine", lines)
    write("cycle", {"goal": GOAL, "rounds": ROUNDS, "cycles_per_round": CYCLES, "lines": lines})


def _per_second(cycle: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(CYCLES):
        cycle()
    return CYCLES / (time.perf_counter() - start)


class Deeds:
    """One patient joins, one doctor takes and signs: the real deeds with their audit lines."""

    name = "ada"

    def __init__(self) -> None:
        from chalicelib.rooms.permission import Actor, Role
        from chalicelib.store.rows import Row
        from chalicelib.visit import taking

        if not Row.exists():
            Row.create_table(wait=True)
        self.count = 0
        self.ada = Actor(role=Role.DOCTOR, id=self.name, name="Dr Ada")
        taking.go_on_duty(self.errand(self.ada), departments=("respiratory",), capacity=1)

    def errand(self, actor: Any) -> Any:
        from chalicelib.clinic import CLINIC
        from chalicelib.store import records
        from chalicelib.visit.errand import Errand

        self.count += 1
        now = datetime(2030, 1, 7, 9, tzinfo=UTC) + timedelta(milliseconds=self.count)
        return Errand(
            actor=actor, request=f"{self.name}-{self.count:012}", now=now, clinic=CLINIC, records=records, signer=SIGNER
        )

    def __call__(self) -> None:
        from chalicelib.rooms.consult import Outcome
        from chalicelib.rooms.permission import ANYBODY
        from chalicelib.visit import arriving, seeing, taking

        errand = self.errand(ANYBODY)
        one = f"{self.count:0{64 - len(self.name)}x}{self.name}"
        arriving.join(errand, request=_answered(errand), secret=one, person=one, consented=True)
        id = taking.take_next(self.errand(self.ada), departments=("respiratory",))
        assert id is not None
        seeing.sign(
            self.errand(self.ada),
            id=id,
            epoch=1,
            soap=SOAP,
            outcome=Outcome.REST,
            summary="Rest and drink.",
            lines=(),
            confirmed=False,
        )


def _answered(errand: Any) -> Any:
    from chalicelib.rooms.arrival import ForWhom, Getting, HowLong, Request

    return Request(
        id=errand.request,
        holder="holder",
        language="en",
        started_at=errand.now,
        flags=("none",),
        for_whom=ForWhom.ME,
        name="Ann Li",
        age=40,
        department="respiratory",
        why="Cough and fever since Monday",
        how_long=HowLong.DAYS,
        getting=Getting.SAME,
        phone="13800001234",
    )


class Thin(Deeds):
    """The same deeds over a plain socket, unsigned: what PynamoDB and we cost, and so what botocore costs."""

    name = "bo"

    def __init__(self, address: str) -> None:
        from tests.simulation.wire import sender

        self.line = contextlib.ExitStack()
        self.send = self.line.enter_context(sender(address))
        super().__init__()

    def close(self) -> None:
        self.line.close()

    def request(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        return self.send(operation, kwargs)

    def __call__(self) -> None:
        from tests.simulation.wire import connected

        with connected(self):  # type: ignore[arg-type]  # all it needs of a wire is `request`
            super().__call__()


class Bare:
    """The same requests by kind, number and size: 2 for the join, 3 for the take, 2 reads and 1 write to sign."""

    def __init__(self, address: str) -> None:
        self.ask, self.count = Raw(address), 0
        keys = ("pk", "HASH"), ("sk", "RANGE")
        self.ask(
            "CreateTable",
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        )

    def __call__(self) -> None:
        self.count += 1
        visit, guard = f"visit-{self.count}", f"guard-{self.count}"
        self._add("tail")
        self._write(_put(guard, 200, "X"), _put(visit, 900), _update(guard))
        self.ask("BatchGetItem", RequestItems={TABLE: {"Keys": [_at("lane"), _at("doctor")]}})
        self._add("head")
        self._write(_put(visit, 200, "X1"), _update(visit), _update("doctor"))
        self.ask("GetItem", TableName=TABLE, Key=_at(visit), ConsistentRead=True)
        self.ask(
            "Query",
            TableName=TABLE,
            KeyConditionExpression="pk = :p AND begins_with(sk, :n)",
            ExpressionAttributeValues={":p": {"S": visit}, ":n": {"S": "N#"}},
            Limit=1,
        )
        self._write(_put(visit, 200, "X2"), _put(visit, 300, "N#1"), _update(visit), _update("doctor"), _update(guard))

    def _write(self, *items: dict[str, Any]) -> None:
        self.ask("TransactWriteItems", TransactItems=list(items))

    def _add(self, field: str) -> None:
        self.ask(
            "UpdateItem",
            TableName=TABLE,
            Key=_at("lane"),
            UpdateExpression=f"ADD {field} :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="ALL_NEW",
        )


def _at(pk: str, sk: str = "V") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _put(pk: str, size: int, sk: str = "V") -> dict[str, Any]:
    item = {**_at(pk, sk), "body": {"S": "x" * size}}
    return {"Put": {"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def _update(pk: str) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": TABLE,
            "Key": _at(pk),
            "UpdateExpression": "SET st = :s ADD version :one",
            "ExpressionAttributeValues": {":s": {"S": "next"}, ":one": {"N": "1"}},
        }
    }


if __name__ == "__main__":
    main()
