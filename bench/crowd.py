"""Queues of several lengths in one table: a department for each, with one who joined and many copies of that one."""

from datetime import timedelta
from typing import Any

from bench.raw import Raw
from chalicelib.rooms.permission import ANYBODY, Actor, Role
from chalicelib.rooms.queue import Band, Ticket, Visit
from chalicelib.rooms.rules import Clinic
from chalicelib.store import records
from chalicelib.store.rows import TABLE
from chalicelib.visit import arriving
from chalicelib.visit.errand import Errand
from infra.local.signer import Local
from tests.builders import NOW, a_clinic, a_department, a_request

SIGNER = Local()
BATCH = 25  # DynamoDB's limit
TAKEN_MAX = 1_000  # people of one queue who are taken in a run
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def department(waiting: int) -> str:
    return f"w{waiting}"


class Crowd:
    """A clinic with one queue for each number of people waiting."""

    def __init__(self, address: str, sizes: tuple[int, ...]) -> None:
        self.sizes, self.count = sizes, 0
        self.ask = Raw(address)
        self.clinic: Clinic = a_clinic(
            departments=tuple(a_department(department(n), LETTERS[i]) for i, n in enumerate(sizes))
        )
        for waiting in sizes:
            self.fill(waiting)

    def close(self) -> None:
        self.ask.close()

    def errand(self, actor: Actor = ANYBODY) -> Errand:
        self.count += 1
        now = NOW + timedelta(milliseconds=self.count)
        request = f"request-{self.count:014}"
        return Errand(actor=actor, request=request, now=now, clinic=self.clinic, records=records, signer=SIGNER)

    def join(self, waiting: int) -> tuple[Visit, Actor]:
        """One more person at the end of that queue."""
        errand = self.errand()
        person = f"{self.count:064x}"
        patient = Actor(role=Role.PATIENT, id=person)
        asked = a_request(id=errand.request, holder=person, department=department(waiting))
        return arriving.join(errand, request=asked, secret=person, person=person, consented=True), patient

    def fill(self, waiting: int) -> None:
        """So many wait: one who joined, and copies beside, those who will be taken with their guards."""
        visit, _ = self.join(waiting)
        first = visit.id
        row, guard = self._row(f"V#{first}"), self._row(f"P#{visit.person}", f"A#{first.department}")
        puts: list[dict[str, Any]] = []
        for n in range(2, waiting + 1):
            id, person = str(Ticket(first.department, first.lane, first.band, n)), f"{first.department}-{n:050}"
            named = {"id": {"S": id}, "ticket": {"S": id}, "person": {"S": person}}
            puts.append({**row, **_key(f"V#{id}"), **named})
            if n <= TAKEN_MAX:
                whose = _key(f"P#{person}", f"A#{first.department}")
                puts.append({**guard, **whose, "visit": {"S": id}, "visits": {"L": [{"S": id}]}})
        for start in range(0, len(puts), BATCH):
            batch = [{"PutRequest": {"Item": item}} for item in puts[start : start + BATCH]]
            self.ask("BatchWriteItem", RequestItems={TABLE: batch})
        self.ask(
            "UpdateItem",
            TableName=TABLE,
            Key=_key(f"L#{first.department}#{first.lane}", "L"),
            UpdateExpression=f"SET t{int(Band.STANDARD)} = :n",
            ExpressionAttributeValues={":n": {"N": str(waiting)}},
        )

    def _row(self, pk: str, sk: str = "V") -> dict[str, Any]:
        row: dict[str, Any] = self.ask("GetItem", TableName=TABLE, Key=_key(pk, sk))["Item"]
        return row


def _key(pk: str, sk: str = "V") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}
