"""What never changes of a visit is written with it and never again: every later write is so much shorter."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chalicelib
from chalicelib.rooms.queue import Visit
from chalicelib.store.rows import Row
from chalicelib.store.shapes import SHAPES
from tests.builders import ADA
from tests.visit.walk import Walk, table

ONCE = {"id", "person", "request", "answers", "joined_at", "policy", "from_desk", "verified", "born"}
OTHER_RECORDS = {"request", "errand", "note", "look", "done", "FLOOR"}  # what `replace` is given that is no visit


def replaced() -> Iterator[tuple[str, set[str | None]]]:
    """Of what the rooms, deeds and store make another one, and which fields differ; None stands for **."""
    for part in ("rooms", "visit", "store"):
        for file in (Path(chalicelib.__file__).parent / part).glob("*.py"):
            for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "replace":
                    yield ast.unparse(call.args[0]), {keyword.arg for keyword in call.keywords}


def test_nothing_that_is_written_once_is_ever_replaced() -> None:
    assert SHAPES[Visit].once == ONCE
    found = list(replaced())
    assert len(found) > 50
    assert {what for what, names in found if names & ONCE - {"answers"}} <= OTHER_RECORDS
    assert {what for what, names in found if "answers" in names} == {"visit"}, "an erasure, which writes them itself"
    assert not [what for what, names in found if None in names and "visit" in what]


def test_a_later_write_of_a_visit_leaves_it_out(walk: Walk) -> None:
    id = walk.taken()
    before = table()[f"V#{id}", "V"]
    written: list[set[str]] = []

    def hear(params: dict[str, Any], **_: Any) -> None:
        for item in params.get("TransactItems", ()):
            update = item.get("Update", {})
            if update.get("Key") == {"pk": {"S": f"V#{id}"}, "sk": {"S": "V"}}:
                written.append(set(update["ExpressionAttributeNames"].values()))

    events = Row._get_connection().connection.client.meta.events
    events.register("before-parameter-build.dynamodb", hear)
    try:
        walk.sign(id, by=ADA)
    finally:
        events.unregister("before-parameter-build.dynamodb", hear)
    (names,) = written
    assert {"state", "summary", "ended_at"} <= names
    assert not names & ONCE
    after = table()[f"V#{id}", "V"]
    assert after["state"] == {"S": "completed"}
    assert {name: after.get(name) for name in ONCE} == {name: before.get(name) for name in ONCE}
