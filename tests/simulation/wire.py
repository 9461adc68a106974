"""The wire between the deeds and their table: every request goes over it, and things happen to requests there.

It stands in the place of botocore's client, under PynamoDB and the whole store, so the deeds and the store are the
real ones. Before and after a request somebody else may do a whole errand, the Lambda may be killed, the answer may
get lost, the table may be too busy, the SDK may send a request twice, a read may be a moment old.
"""

import contextlib
import http.client
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.store import writing
from chalicelib.store.rows import TABLE, Row

Send = Callable[[str, dict[str, Any]], dict[str, Any]]
Key = tuple[str, str]
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
STALE_REQUESTS_MAX = 40  # how many requests old an eventually consistent answer may be
ANSWER_SECONDS_MAX = 30
BETWEEN_SENDS = 6  # times as likely that somebody acts between the SDK's tries as after a request: they take longer
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20300101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20300101/eu-west-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=unsigned",
}


class Killed(BaseException):
    """The Lambda ended in the middle: no except, no finally of ours had a say on AWS, so no deed may catch this."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How often things happen to a request; chances from 0 to 1."""

    interrupted_before: float = 0.0
    interrupted_after: float = 0.0
    killed_before: float = 0.0
    killed_after: float = 0.0
    reply_lost: float = 0.0
    too_busy: float = 0.0
    conflict: float = 0.0
    sent_twice: float = 0.0
    stale: float = 0.0


CALM = Weather()
ROUGH = Weather(
    interrupted_before=0.09,
    interrupted_after=0.06,
    killed_before=0.004,
    killed_after=0.006,
    reply_lost=0.006,
    too_busy=0.004,
    conflict=0.01,
    sent_twice=0.008,
    stale=0.05,
)


@dataclass
class Wire:
    """`watched(operation, keys)` is told after every write that had an effect; `interrupt()` lets somebody else act;
    `fault(what)` is told what befell the errand that is being run; `heard(operation, answer)` hears every answer."""

    send: Send
    random: random.Random
    watched: Callable[[str, list[Key]], None]
    interrupt: Callable[[], None]
    fault: Callable[[str], None]
    heard: Callable[[str, dict[str, Any]], None]
    weather: Weather = CALM

    def __post_init__(self) -> None:
        self.requests = 0
        self._answers: dict[str, tuple[int, str]] = {}

    def request(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        """One request of a deed, with whatever happens to it."""
        self.requests += 1
        self._before(operation)
        if (old := self._stale(operation, kwargs)) is not None:
            answer = old
        else:
            answer = self._really(operation, kwargs)
            if operation in WRITES and operation != "TransactWriteItems" and self._chance(self.weather.sent_twice):
                # The SDK saw a broken connection and sent it again. (A transaction carries a token against that.)
                self.fault("sent twice")
                if self._chance(self.weather.interrupted_after * BETWEEN_SENDS):
                    self.interrupt()
                answer = self._really(operation, kwargs)
        self.heard(operation, answer)
        self._after()
        return answer

    def _before(self, operation: str) -> None:
        if self._chance(self.weather.interrupted_before):
            self.interrupt()
        if self._chance(self.weather.killed_before):
            self.fault("killed before")
            raise Killed
        if self._chance(self.weather.too_busy):
            self.fault("too busy")
            raise error("ThrottlingException", operation)
        if operation == "TransactWriteItems" and self._chance(self.weather.conflict):
            raise error(
                "TransactionCanceledException", operation, CancellationReasons=[{"Code": "TransactionConflict"}]
            )

    def _after(self) -> None:
        if self._chance(self.weather.reply_lost):
            self.fault("reply lost")
            raise ReadTimeoutError(endpoint_url="the table")
        if self._chance(self.weather.killed_after):
            self.fault("killed after")
            raise Killed
        if self._chance(self.weather.interrupted_after):
            self.interrupt()

    def _really(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        answer = self.send(operation, kwargs)
        if operation in WRITES:
            self.watched(operation, keys_of(operation, kwargs))
        return answer

    def _stale(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any] | None:
        """What the same eventually consistent read was answered a moment ago, now and then."""
        if operation in WRITES or _is_consistent(kwargs):
            return None
        asked = json.dumps([operation, kwargs], sort_keys=True, default=str)
        since, old = self._answers.get(asked, (0, ""))
        if old and self.requests - since <= STALE_REQUESTS_MAX and self._chance(self.weather.stale):
            return json.loads(old)
        answer = self._really(operation, kwargs)
        self._answers[asked] = self.requests, json.dumps(answer, default=list)
        return answer

    def _chance(self, of: float) -> bool:
        return of > 0 and self.random.random() < of


def _is_consistent(kwargs: dict[str, Any]) -> bool:
    tables = kwargs.get("RequestItems", {})
    return bool(kwargs.get("ConsistentRead")) or any(t.get("ConsistentRead") for t in tables.values())


def keys_of(operation: str, kwargs: dict[str, Any]) -> list[Key]:
    """The rows a write is about."""
    if operation == "TransactWriteItems":
        inner = [next(iter(item.values())) for item in kwargs["TransactItems"]]
    else:
        inner = [kwargs]
    rows = [one.get("Item") or one["Key"] for one in inner]
    return [(row["pk"]["S"], row["sk"]["S"]) for row in rows]


def rows_at(send: Send, keys: list[Key]) -> dict[Key, dict[str, Any]]:
    """The rows at these keys as they are now."""
    wanted = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in dict.fromkeys(keys)]
    answer = send("BatchGetItem", {"RequestItems": {TABLE: {"Keys": wanted, "ConsistentRead": True}}})
    return {(row["pk"]["S"], row["sk"]["S"]): row for row in answer["Responses"][TABLE]}


class Client:
    """What PynamoDB takes for its botocore client."""

    def __init__(self, real: Any, wire: Wire) -> None:
        self._real, self._wire = real, wire

    def _make_api_call(self, operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        return self._wire.request(operation, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@contextlib.contextmanager
def connected(wire: Wire) -> Iterator[None]:
    """The store's requests go over this wire for the length of the block, and conflicts are not waited out."""
    connection = Row._get_connection().connection
    real, pause = connection.client, writing.BACK_OFF_SECONDS
    connection._client = Client(real, wire)
    writing.BACK_OFF_SECONDS = 0
    try:
        yield
    finally:
        connection._client = real
        writing.BACK_OFF_SECONDS = pause


@contextlib.contextmanager
def sender(address: str | None) -> Iterator[Send]:
    """How requests reach the table: straight to the process at `address`, or by botocore to moto in this one.

    Straight means without botocore's own work, which would be most of a day's time.
    """
    if address is None:
        yield Row._get_connection().connection.client._make_api_call
        return
    line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=ANSWER_SECONDS_MAX)

    def send(operation: str, kwargs: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(kwargs, default=list)
        line.request("POST", "/", body, {**HEADERS, "X-Amz-Target": f"DynamoDB_20120810.{operation}"})
        reply = line.getresponse()
        said = json.loads(reply.read())
        if reply.status == 200:
            return said
        code = said.pop("__type", str(reply.status)).split("#")[-1]
        raise error(code, operation, message=said.pop("message", said.pop("Message", "")), **said)

    with contextlib.closing(line):
        yield send


def error(code: str, operation: str, message: str = "", **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, **more}, operation)
