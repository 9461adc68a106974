"""What requests cost, in three parts: the queue itself, its audit (each line and its link in the chain), the index.

The engine reports units of the table and of the index. Of the table's, a line and a link are less than 1 KB each and so
one unit, in a transaction two; the rest is the queue. DynamoDB bills a refused write like one that came through and no
engine here reports it, so it is added: a unit an item, in a transaction two, and nothing for the index.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.engines import READS

HOOKS = {"before-parameter-build.dynamodb": "begin", "after-call.dynamodb": "end"}


@dataclass
class Split:
    requests: int = 0
    read_units: float = 0.0
    queue: float = 0.0
    audit: float = 0.0
    index: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "INDEXES"
        context["written"] = [] if model.name in READS else _written(params)

    def end(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        said = parsed.get("ConsumedCapacity") or []
        reported = said if isinstance(said, list) else [said]
        each = 2 if model.name == "TransactWriteItems" else 1
        written = context["written"]
        audit = each * sum(sk.startswith(("X#", "Y")) for sk in written)
        with self._lock:
            self.requests += 1
            if model.name in READS:
                self.read_units += sum(part["CapacityUnits"] for part in reported)
                return
            refused = "Error" in parsed
            table = each * len(written) if refused else sum(part["Table"]["CapacityUnits"] for part in reported)
            self.audit += audit
            self.queue += table - audit
            for part in reported:
                self.index += sum(i["CapacityUnits"] for i in part.get("GlobalSecondaryIndexes", {}).values())


def _written(params: dict[str, Any]) -> list[str]:
    """The sort key of each item that a write is about: it says what lies there."""
    items = params.get("TransactItems")
    writes = [next(iter(item.values())) for item in items] if items else [params]
    return [(write.get("Key") or write["Item"])["sk"]["S"] for write in writes]


@contextlib.contextmanager
def split(client: Any) -> Iterator[Split]:
    """Count all that this client asks of single items in the block, from any thread."""
    found = Split()
    hooks = {event: getattr(found, name) for event, name in HOOKS.items()}
    for event, hook in hooks.items():
        client.meta.events.register(event, hook)
    try:
        yield found
    finally:
        for event, hook in hooks.items():
            client.meta.events.unregister(event, hook)
