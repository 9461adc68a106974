"""Weather: what DynamoDB does to us on bad days, and what other people do at the worst moment.

Everything is done on the events of the one client the store has, so the code under test is the code that is shipped.
Requests are counted from 1 inside each block; nothing that happens inside a `meanwhile` is counted or disturbed.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.retries.standard import register_retry_handler

from chalicelib.store.rows import Row

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
TRIES = 1 + Row.Meta.max_retry_attempts
THROTTLED = "ProvisionedThroughputExceededException"


class Died(BaseException):
    """Lambda was killed here."""


def _client() -> Any:
    return Row._get_connection().connection.client


@contextmanager
def _hooked(event: str, hook: Callable[..., Any], *, first: bool = False) -> Iterator[None]:
    events = _client().meta.events
    (events.register_first if first else events.register)(event, hook)
    try:
        yield
    finally:
        events.unregister(event, hook)


class Requests:
    """The names of the operations asked for, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def next(self, name: str) -> int:
        self.names.append(name)
        return len(self.names)

    @property
    def writes(self) -> list[int]:
        return [n for n, name in enumerate(self.names, start=1) if name in WRITES]


@contextmanager
def watched() -> Iterator[Requests]:
    """What is asked of the table."""
    seen = Requests()
    with _hooked("before-call.dynamodb", lambda model, **_: seen.next(model.name) and None):
        yield seen


@contextmanager
def meanwhile(operation: str, do: Callable[[], object], nth: int = 1) -> Iterator[None]:
    """Just before the nth request of this kind somebody else does something, from beginning to end."""
    seen, busy = Requests(), []

    def before(model: Any, **_: Any) -> None:
        if busy or model.name != operation or seen.next(operation) != nth:
            return
        busy.append(True)
        do()

    with _hooked("before-call.dynamodb", before):
        yield
    assert busy, f"there were only {len(seen.names)} requests of kind {operation}"


@contextmanager
def storm(begins: int, code: str = THROTTLED) -> Iterator[Requests]:
    """From the request with this number on, DynamoDB refuses everything, the SDK's own tries included."""
    seen = Requests()

    def refuse(model: Any, **_: Any) -> Any:
        if seen.next(model.name) < begins:
            return None
        return SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {}}

    with _hooked("before-call.dynamodb", refuse):
        yield seen


@contextmanager
def conflicts(times: int) -> Iterator[list[bool]]:
    """So many transactions meet another one that holds the same item."""
    refused: list[bool] = []

    def refuse(model: Any, **_: Any) -> Any:
        if model.name != "TransactWriteItems" or len(refused) >= times:
            return None
        refused.append(True)
        error = {"Code": "TransactionCanceledException", "Message": "[None, TransactionConflict]"}
        reasons = [{"Code": "None"}, {"Code": "TransactionConflict", "Message": ""}]
        said = {"Error": error, "CancellationReasons": reasons, "ResponseMetadata": {}}
        return SimpleNamespace(status_code=400), said

    with _hooked("before-call.dynamodb", refuse):
        yield refused


@contextmanager
def silence(after: int) -> Iterator[None]:
    """The request with this number has its effect, but the answer never comes, however long the SDK waits."""
    seen = Requests()

    def lose(model: Any, **_: Any) -> None:
        if seen.next(model.name) == after:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    with _hooked("after-call.dynamodb", lose):
        yield


@contextmanager
def death(at: int, *, before: bool) -> Iterator[None]:
    """Lambda is killed just before or just after the request with this number."""
    seen = Requests()

    def die(model: Any, **_: Any) -> None:
        if seen.next(model.name) == at:
            raise Died

    with _hooked("before-call.dynamodb" if before else "after-call.dynamodb", die):
        yield


@contextmanager
def lost_replies(nth: int) -> Iterator[None]:
    """The answer of the request with this number is lost on the way, and the SDK sends the request again."""
    seen = Requests()

    def again(operation: Any, attempts: int, **_: Any) -> float | None:
        return 0 if attempts == 1 and seen.next(operation.name) == nth else None

    with _hooked("needs-retry.dynamodb", again, first=True):
        yield


@contextmanager
def gusts(nth: int, times: int, code: str = THROTTLED) -> Iterator[None]:
    """The request with this number is refused so many times, then let through. Only on an engine behind HTTP.

    The SDK tries again as it does in the cloud, without waiting as long.
    """
    client, seen, tries = _client(), Requests(), []

    def count(model: Any, **_: Any) -> None:
        seen.next(model.name)

    def blow(request: Any, **_: Any) -> AWSResponse | None:
        if len(seen.names) != nth or len(tries) >= times:
            return None
        tries.append(True)
        body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": ""}}'.encode()
        return AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.0"}, _Body(body))

    retries = register_retry_handler(client, TRIES)

    def at_once(**asked: Any) -> float | None:
        return None if retries.needs_retry(**asked) is None else 0

    with (
        _hooked("before-call.dynamodb", count),
        _hooked("before-send.dynamodb", blow, first=True),
        _hooked("needs-retry.dynamodb", at_once, first=True),
    ):
        yield
    assert len(tries) == times, f"refused only {len(tries)} times"


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()
