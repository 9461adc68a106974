"""A walk through the clinic by its real deeds, as far as a test wants to go, on whatever table is in front."""

import hashlib
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

from chalicelib.rooms import pocket
from chalicelib.rooms.arrival import ForWhom, Getting, HowLong, Request
from chalicelib.rooms.consult import Outcome
from chalicelib.rooms.delivery import Way
from chalicelib.rooms.permission import Actor
from chalicelib.rooms.queue import Band, State, Ticket, Visit
from chalicelib.rooms.rules import Clinic
from chalicelib.store import keys, records
from chalicelib.store.rows import TABLE, Row
from chalicelib.visit import arriving, desk, seeing, sending, taking
from chalicelib.visit.errand import Errand, Records, Signer
from infra.local.signer import Local
from tests.builders import ADA, ANN, COLE, DEE, KIM, NOW, PUBLIC, SAM, SOAP, a_clinic, a_line, a_request

CODE = "123456"
SIGNER = Local()
BATCH = 25  # DynamoDB's limit
Key = tuple[str, str]


class Walk:
    """One clinic. Every errand is a second later than the one before, and has a request id of its own."""

    def __init__(self, clinic: Clinic | None = None, records: Records = records) -> None:
        self.clinic = clinic or a_clinic()
        self.records = records
        self.signer: Signer = SIGNER
        self.now = NOW
        self.count = 0

    def errand(self, who: Actor = PUBLIC, request: str = "", *, at: datetime | None = None) -> Errand:
        self.count += 1
        self.now += timedelta(seconds=1)
        return Errand(
            actor=who,
            request=request or f"r{self.count}",
            now=at or self.now,
            clinic=self.clinic,
            records=self.records,
            signer=self.signer,
        )

    def request(self, who: Actor = ANN, **said: Any) -> Request:
        """The answered questions of this patient; each time another request."""
        self.count += 1
        return a_request(id=f"q{self.count}", holder=f"phone-{who.id}", **said)

    def join(
        self,
        who: Actor = ANN,
        request: Request | None = None,
        *,
        same_doctor: bool = False,
        found_by: str = "",
        **said: Any,
    ) -> Visit:
        return arriving.join(
            self.errand(),
            request=request or self.request(who, **said),
            secret=who.id,
            person=person(who.id),
            consented=True,
            same_doctor=same_doctor,
            phone=found_by,
        )

    def closed_upon(self, who: Actor = ANN) -> Visit:
        """Somebody joined, and the department closed before a doctor came."""
        visit, closes = self.join(who), (self.now + timedelta(minutes=1)).time()
        general = replace(self.clinic.departments[0], opens=time(0), closes=closes)
        self.clinic = replace(self.clinic, timezone="UTC", departments=(general, *self.clinic.departments[1:]))
        self.now += timedelta(minutes=2)
        return visit

    def back_to(self, doctor: Actor = ADA, *people: Actor) -> list[Visit]:
        """People whom this doctor has seen come back about the same thing, and ask for the doctor."""
        for who in people or (ANN,):
            self.sign(self.taken(who, by=doctor), by=doctor)
        return [self.join(who, follow_up=True, same_doctor=True) for who in people or (ANN,)]

    def place(self, who: Actor, id: Ticket) -> arriving.Place:
        """The patient looks, as their phone does by itself."""
        return arriving.see_ticket(self.errand(who), id=id)

    def on_duty(self, who: Actor = ADA, *departments: str, capacity: int = 2, own_only: bool = False) -> None:
        departments = departments or ("general",)
        taking.go_on_duty(self.errand(who), departments=departments, capacity=capacity, own_only=own_only)

    def take(self, who: Actor = ADA, **typed: Any) -> Ticket | None:
        return taking.take_next(self.errand(who), **typed)

    def taken(self, who: Actor = ANN, by: Actor = ADA, **said: Any) -> Ticket:
        """A patient joined and a doctor took them."""
        self.join(who, **said)
        self.on_duty(by)
        id = self.take(by)
        assert id is not None
        return id

    def sign(self, id: Ticket, by: Actor = ADA, **typed: Any) -> Visit:
        said = {
            "epoch": records.visit(id).epoch,
            "soap": SOAP,
            "outcome": Outcome.REST,
            "summary": "Rest and drink.",
            "lines": (),
            "confirmed": False,
            "stated": ("spoke",),
            **typed,
        }
        return seeing.sign(self.errand(by), id=id, **said)

    def signed(self, who: Actor = ANN, **typed: Any) -> Ticket:
        id = self.taken(who)
        self.sign(id, **typed)
        return id

    def prescribed(self, who: Actor = ANN) -> Ticket:
        return self.signed(who, outcome=Outcome.PRESCRIPTION, lines=(a_line(),))

    def approved(self, who: Actor = ANN) -> Ticket:
        id = self.prescribed(who)
        sending.review(self.errand(SAM), id=id, number=1, approve=True, reason="")
        return id

    def returned(self) -> Ticket:
        id = self.prescribed()
        sending.review(self.errand(SAM), id=id, number=1, approve=False, reason="Too much.")
        return id

    def ordered(self, who: Actor = ANN, way: Way = Way.DELIVERY) -> Ticket:
        id = self.approved(who)
        sending.choose_delivery(
            self.errand(who), id=id, way=way, address="1 River Road", phone="13800001234", code=CODE
        )
        return id

    def picked(self, way: Way = Way.DELIVERY) -> Ticket:
        id = self.ordered(way=way)
        sending.pick(self.errand(SAM), id=id)
        return id

    def checked(self, way: Way = Way.DELIVERY) -> Ticket:
        id = self.picked(way)
        sending.check(self.errand(KIM), id=id)
        return id

    def handed_over(self, way: Way = Way.DELIVERY) -> Ticket:
        id = self.checked(way)
        sending.hand_over(self.errand(COLE if way is Way.DELIVERY else SAM), id=id)
        return id

    def printed(self) -> dict[str, Any]:
        """Somebody the desk queued: the ticket, and what is on the paper."""
        return {"id": desk.add_person(self.errand(DEE), **at_the_desk()).id, "code": "paper"}

    def crowd(self, count: int, band: Band = Band.STANDARD, department: str = "general") -> list[Visit]:
        """So many people join, one after the other."""
        said: dict[str, Any] = {"department": department, "follow_up": band is Band.FOLLOW_UP}
        if band is Band.URGENT:
            said["age"], said["for_whom"], said["guardian"] = 0, "child", "Mei Li"
        people = [replace(ANN, id=f"hash-{department}-{band}-{n}") for n in range(count)]
        return [self.join(who, **said) for who in people]


def person(id: str) -> str:
    """Who is the same patient, as a door would hash it."""
    return hashlib.sha256(id.encode()).hexdigest()


def at_the_desk(_: object = None) -> dict[str, Any]:
    """Somebody without a phone, as the desk writes them down."""
    return {
        "secret": pocket.paper("paper"),
        "person": person("paper"),
        "for_whom": ForWhom.OTHER,
        "name": "Old Wu",
        "age": 88,
        "guardian": "",
        "department": "general",
        "why": "Dizzy",
        "allergies": "",
        "follow_up": False,
        "how_long": HowLong.TODAY,
        "getting": Getting.SAME,
        "phone": "",
        "consented": True,
        "language": "zh",
        "flags": ("none",),
    }


def table() -> dict[Key, dict[str, Any]]:
    """Everything that is kept, as it lies in the table."""
    client = Row._get_connection().connection.client
    found: dict[Key, dict[str, Any]] = {}
    page: dict[str, Any] = {}
    while True:
        page = client.scan(
            TableName=TABLE,
            ConsistentRead=True,
            **({"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}),
        )
        found |= {(item["pk"]["S"], item["sk"]["S"]): item for item in page["Items"]}
        if "LastEvaluatedKey" not in page:
            return {key: _in_order(item) for key, item in found.items()}


def restore(kept: dict[Key, dict[str, Any]]) -> None:
    """Make the table what it was before."""
    Row.delete_table()
    Row.create_table(wait=True)
    keys.key.cache_clear()  # it lies in the table
    client, puts = Row._get_connection().connection.client, [{"PutRequest": {"Item": item}} for item in kept.values()]
    for start in range(0, len(puts), BATCH):
        left = client.batch_write_item(RequestItems={TABLE: puts[start : start + BATCH]})
        assert not left.get("UnprocessedItems")


def _in_order(item: dict[str, Any]) -> dict[str, Any]:
    """Sets have no order of their own."""
    return {name: {"SS": sorted(value["SS"])} if "SS" in value else value for name, value in item.items()}


def differ(before: dict[Key, Any], after: dict[Key, Any]) -> set[Key]:
    """The keys of everything that is not, byte for byte, as it was."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def visits() -> list[Visit]:
    """Every visit in the table."""
    ids = [Ticket.of(pk[2:]) for (pk, sk), item in table().items() if sk == "V" and item["kind"]["S"] == "visit"]
    return sorted(records.visits(sorted(ids)), key=lambda visit: visit.joined_at)


def waiting() -> list[Visit]:
    return [visit for visit in visits() if visit.state is State.WAITING]
