"""The two databases keep the same promises, and the meter tells the truth about them."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import engines

Call = Callable[..., dict[str, Any]]
THREADS = 8


@pytest.fixture(params=["moto", pytest.param("dynoxide", marks=pytest.mark.engine)])
def call(request: pytest.FixtureRequest) -> Call:
    """Any DynamoDB operation, on either engine, through the client that the store uses."""
    request.getfixturevalue(f"clinic_on_{request.param}")
    from chalicelib.store.rows import Row

    client = Row._get_connection().connection.client

    def made(operation: str, **asked: Any) -> dict[str, Any]:
        return getattr(client, operation)(**asked)

    return made


def key(pk: str, sk: str = "a") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def add_one(pk: str, **more: Any) -> dict[str, Any]:
    update = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    return {"TableName": "clinic", "Key": key(pk), **update, **more}


def n_of(call: Call, pk: str) -> str | None:
    item = call("get_item", TableName="clinic", Key=key(pk), ConsistentRead=True).get("Item")
    return item["n"]["N"] if item else None


def test_a_refused_transaction_changes_nothing(call: Call) -> None:
    for pk in ("there", "gone", "old"):
        call("update_item", **add_one(pk))
    parts = [
        {"Update": add_one("there")},
        {"Delete": {"TableName": "clinic", "Key": key("gone")}},
        {"Put": {"TableName": "clinic", "Item": {**key("old"), "n": {"N": "9"}}}},
        {"Update": add_one("new")},
        {"Put": {"TableName": "clinic", "Item": key("x"), "ConditionExpression": "attribute_exists(pk)"}},
    ]
    with pytest.raises(ClientError, match="TransactionCanceled"):
        call("transact_write_items", TransactItems=parts)
    assert [n_of(call, pk) for pk in ("there", "gone", "old", "new", "x")] == ["1", "1", "1", None, None]
    call("transact_write_items", TransactItems=parts[:4])
    assert [n_of(call, pk) for pk in ("there", "gone", "old", "new")] == ["2", None, "9", "1"]


def test_a_query_sees_its_partition_in_order_and_page_by_page(call: Call) -> None:
    for pk in ("p", "q"):
        for sk in ("c", "a", "b"):
            call("put_item", TableName="clinic", Item={**key(pk, sk), "stage": {"S": pk}, "since": {"S": sk}})
    call("put_item", TableName="clinic", Item=key("p", "d"))
    assert sks(call, "pk = :k") == ["a", "b", "c", "d"]
    assert sks(call, "pk = :k", ScanIndexForward=False) == ["d", "c", "b", "a"]
    assert sks(call, "stage = :k", IndexName="by_stage") == ["a", "b", "c"]


def sks(call: Call, condition: str, **more: Any) -> list[str]:
    found, start = [], {}
    while True:
        asked = {"KeyConditionExpression": condition, "ExpressionAttributeValues": {":k": {"S": "p"}}, "Limit": 2}
        page = call("query", TableName="clinic", **asked, **more, **start)
        found += [item["sk"]["S"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def test_people_at_the_same_moment_never_share_what_there_is_once(call: Call) -> None:
    call("update_item", **add_one("counter"))
    start, won = threading.Barrier(THREADS), []

    def take(i: int) -> None:
        start.wait()
        for sequence in range(5):
            parts = [
                {"Update": add_one("counter", ConditionExpression="n < :limit") | limit(20)},
                {"Put": {"TableName": "clinic", "Item": key(f"{i}-{sequence}")}},
            ]
            with contextlib.suppress(ClientError):
                call("transact_write_items", TransactItems=parts)
                won.append(i)

    threads = [threading.Thread(target=take, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 19
    assert n_of(call, "counter") == "20"


def limit(n: int) -> dict[str, Any]:
    return {"ExpressionAttributeValues": {":one": {"N": "1"}, ":limit": {"N": str(n)}}}


def test_the_meter_counts_requests_units_and_refusals(clinic_on_dynoxide: str) -> None:
    from chalicelib.store.rows import KeyRow, Row

    with engines.metered() as meter:
        KeyRow("one", "a", secret="x" * 3000).save()
        list(Row.query("one"))
        with pytest.raises(Exception, match="conditional"):
            KeyRow("one", "a", secret="x").save(condition=Row.pk.does_not_exist())
    assert (meter.requests, meter.refused) == (3, 1)
    assert (meter.write_units, meter.read_units) == (3, 0.5)
    assert meter.by_operation["PutItem"].requests == 2
