"""A peer: the queue as sorted items of one partition, as AWS's own articles on DynamoDB queues build it.

The same client, and of our promises these: one active visit a person, no more patients than a doctor can see, an audit
line that makes a request happen once, linked to the visit's chain, which an index finds, all in one transaction. Not
ours: a wait that is promised, bands that take turns, stepping back, a doctor's list of whom they took. Whoever loses a
race looks again after a pause that grows and is never the same twice. `spread` lets a doctor pick at random among the
first few instead: fewer collisions, and no longer first come, first called.
"""

import random
import time
import zlib
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.store import chain

TABLE = "sorted"
BATCH = 25  # DynamoDB's limit
TAKEN_MAX = 1_000  # people of one queue who are taken in a run
TRIES_MAX = 200
PAUSE_SECONDS, PAUSE_DOUBLINGS_MAX = 0.005, 5
THIS_HOUR = "2030-01-07T09:00:00.000000+0000"


class SortedQueue:
    def __init__(self, client: Any, *, spread: int = 1) -> None:
        self.client, self.spread = client, spread

    def create(self) -> None:
        keys = ("pk", "HASH"), ("sk", "RANGE")
        index = ("stage", "HASH"), ("since", "RANGE")  # in which changed chains are found
        self.client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in (*keys, *index)],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by_stage",
                    "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in index],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )

    def fill(self, department: str, waiting: int) -> None:
        """So many entries, and the visits of those who will be taken."""
        items = [_entry(department, n) for n in range(1, waiting + 1)]
        items += [_visit(department, n) for n in range(1, min(waiting, TAKEN_MAX) + 1)]
        puts = [{"PutRequest": {"Item": item}} for item in items]
        for start in range(0, len(puts), BATCH):
            self.client.batch_write_item(RequestItems={TABLE: puts[start : start + BATCH]})

    def on_duty(self, doctor: str, capacity: int) -> None:
        self.client.put_item(TableName=TABLE, Item={**_at(f"D#{doctor}", "D"), "room": {"N": str(capacity)}})

    def join(self, department: str, n: int, request: str) -> None:
        """One request: the place in the queue, the visit, the guard, the audit line and its link."""
        guard = {
            "TableName": TABLE,
            "Key": _at(f"P#{department}{n}", department),
            "UpdateExpression": "SET visit = :v, is_open = :yes",
            "ConditionExpression": "attribute_not_exists(pk) OR is_open = :no",
            "ExpressionAttributeValues": {
                ":v": {"S": f"{department}{n}"},
                ":yes": {"BOOL": True},
                ":no": {"BOOL": False},
            },
        }
        line = _line(f"P#{n}", request, str(n))
        new = [_new(_entry(department, n)), _new(_visit(department, n)), _new(line)]
        link = _linked(line, f"V#{department}{n}")
        self.client.transact_write_items(TransactItems=[*new, {"Update": guard}, link])

    def take(self, department: str, doctor: str, request: str) -> str | None:
        """Two requests when nobody else is about: read who is first, take them in one transaction."""
        for attempt in range(TRIES_MAX):
            there = self.client.query(
                TableName=TABLE,
                KeyConditionExpression="pk = :q",
                ExpressionAttributeValues={":q": {"S": f"Q#{department}"}},
                Limit=self.spread,
            )["Items"]
            if not there:
                return None
            entry = random.choice(there)
            try:
                self._claim(entry, doctor, request)
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                doublings = min(attempt, PAUSE_DOUBLINGS_MAX)
                time.sleep(random.random() * PAUSE_SECONDS * 2**doublings)
                continue
            visit: str = entry["visit"]["S"]
            return visit
        raise RuntimeError("nobody gets through")

    def _claim(self, entry: dict[str, Any], doctor: str, request: str) -> None:
        visit = entry["visit"]["S"]
        out = {"TableName": TABLE, "Key": {"pk": entry["pk"], "sk": entry["sk"]}}
        given = {
            "TableName": TABLE,
            "Key": _at(f"V#{visit}", "V"),
            "UpdateExpression": "SET st = :a, doctor = :d ADD epoch :one",
            "ConditionExpression": "st = :w",
            "ExpressionAttributeValues": {
                ":a": {"S": "assigned"},
                ":w": {"S": "waiting"},
                ":d": {"S": doctor},
                ":one": {"N": "1"},
            },
        }
        desk = {
            "TableName": TABLE,
            "Key": _at(f"D#{doctor}", "D"),
            "UpdateExpression": "ADD visits :v",
            "ConditionExpression": "attribute_not_exists(visits) OR size(visits) < room",
            "ExpressionAttributeValues": {":v": {"SS": [visit]}},
        }
        line = _line(f"D#{doctor}", request, visit)
        self.client.transact_write_items(
            TransactItems=[
                {"Delete": {**out, "ConditionExpression": "attribute_exists(pk)"}},
                {"Update": given},
                {"Update": desk},
                _new(line),
                _linked(line, f"V#{visit}"),
            ]
        )

    def place(self, department: str, n: int) -> int:
        """How many stand before: counted by reading them, page after page."""
        ahead, page = 0, {}
        while True:
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
            page = self.client.query(
                TableName=TABLE,
                Select="COUNT",
                KeyConditionExpression="pk = :q AND sk < :me",
                ExpressionAttributeValues={":q": {"S": f"Q#{department}"}, ":me": _entry(department, n)["sk"]},
                **more,
            )
            ahead += page["Count"]
            if "LastEvaluatedKey" not in page:
                return ahead


def _at(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _entry(department: str, n: int) -> dict[str, Any]:
    """As short as it can be: its size is what counting a place reads."""
    return {**_at(f"Q#{department}", f"2#{n:010}"), "visit": {"S": f"{department}{n}"}}


def _visit(department: str, n: int) -> dict[str, Any]:
    return {**_at(f"V#{department}{n}", "V"), "st": {"S": "waiting"}, "answers": {"S": "x" * 600}}


def _line(about: str, request: str, answer: str) -> dict[str, Any]:
    return {**_at(about, f"X#{request}"), "answer": {"S": answer}, "said": {"S": "x" * 150}}


def _linked(line: dict[str, Any], visit: str) -> dict[str, Any]:
    """The line's mark at the end of the visit's chain, as `chain.link` appends it. Joined and taken are two lines, so
    no tail here is ever full and sealed."""
    names = {"#tail": "tail", "#n": "n", "#stage": "stage", "#since": "since"}
    values = {
        ":most": {"N": str(chain.TAIL_MAX)},
        ":none": {"L": []},
        ":mark": {"L": [{"S": chain.mark_of(line, visit)}]},
        ":zero": {"N": "0"},
        ":stage": {"S": chain.stage(zlib.crc32(visit.encode()) % chain.SHARDS)},
        ":since": {"S": THIS_HOUR},
    }
    tail = "#tail = list_append(if_not_exists(#tail, :none), :mark)"
    return {
        "Update": {
            "TableName": TABLE,
            "Key": _at(visit, "Y"),
            "UpdateExpression": f"SET {tail}, #n = if_not_exists(#n, :zero), #stage = :stage, #since = :since",
            "ConditionExpression": "attribute_not_exists(#tail) OR size(#tail) < :most",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
    }


def _new(item: dict[str, Any]) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
