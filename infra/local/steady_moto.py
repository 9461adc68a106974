"""moto's DynamoDB, made fit for a clinic: whole requests one at a time, and no slower when the table has grown.

As it comes, two threads at once lose writes (there is no lock), a transaction copies the whole table for each of its
parts, a query sorts every row there is, every value is asked for all the kinds of value it is not, and the same few
conditions are read again with each request. Nothing here changes what moto answers, only how it gets there.
"""

import contextlib
import copy
import functools
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

Method = Callable[..., Any]

CONDITIONS_MAX = 1024  # texts of conditions kept with their words


@contextlib.contextmanager
def steady() -> Iterator[None]:
    """moto behaves as above inside the block. A block inside another changes nothing."""
    if hasattr(Table, "__deepcopy__"):
        yield
        return
    better: list[tuple[type, str, Callable[[Method], Method]]] = [
        (DynamoHandler, "call_action", _one_at_a_time),
        (DynamoDBBackend, "update_item", _on_a_fresh_item),
        (Table, "query", _on_matching_rows),
        (ConditionExpressionParser, "_lex_condition_expression", _read_once),
        (BaseJSONSerializer, "_serialize_type_structure", _what_is_there),
    ]
    before = [(kind, name, getattr(kind, name)) for kind, name, _ in better]
    for kind, name, improve in better:
        setattr(kind, name, improve(getattr(kind, name)))
    setattr(Table, "__deepcopy__", _snapshot)  # noqa: B010  # there is none yet, so nothing to assign to
    try:
        yield
    finally:
        delattr(Table, "__deepcopy__")
        for kind, name, method in before:
            setattr(kind, name, method)


def _one_at_a_time(call_action: Method) -> Method:
    """moto's one entrance, behind one lock: everything below runs alone."""
    lock = threading.RLock()

    @functools.wraps(call_action)
    def locked(handler: DynamoHandler) -> Any:
        with lock:
            return call_action(handler)

    return locked


def _snapshot(table: Table, memo: dict[int, Any]) -> Table:
    """What a transaction puts back when it fails. Items can be shared: nothing below changes one in place."""
    kept = copy.copy(table)
    kept.items = _rows({pk: dict(rows) for pk, rows in table.items.items()})
    return kept


def _on_a_fresh_item(update_item: Method) -> Method:
    """moto updates an item in place; here it gets a copy to update, and snapshots keep the one before."""

    @functools.wraps(update_item)
    def fresh(backend: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        table = backend.get_table(table_name)
        pk, sk = backend.get_keys_value(table, key)
        if pk in table.items and sk in table.items[pk]:
            table.items[pk][sk] = copy.deepcopy(table.items[pk][sk])
        return update_item(backend, table_name, key, *args, **kwargs)

    return fresh


def _on_matching_rows(query: Method) -> Method:
    """moto sorts the whole table and then looks for the key; here it sees only rows with that key (or index key)."""

    @functools.wraps(query)
    def narrowed(table: Table, hash_key: Any, *args: Any, hash_key_conditions: Any = None, **kwargs: Any) -> Any:
        whole = table.items
        of_index = args[6] if len(args) > 6 else kwargs.get("index_name")
        if of_index is None:
            table.items = _rows({hash_key: whole[hash_key]} if hash_key in whole else {})
        elif hash_key_conditions:
            attribute, value = hash_key_conditions[0]
            table.items = _rows(
                {
                    pk: {
                        sk: item
                        for sk, item in rows.items()
                        if attribute in item.attrs and item.attrs[attribute] == value
                    }
                    for pk, rows in whole.items()
                }
            )
        try:
            return query(table, hash_key, *args, hash_key_conditions=hash_key_conditions, **kwargs)
        finally:
            table.items = whole

    return narrowed


def _what_is_there(serialize: Method) -> Method:
    """A value of an item is of one kind; moto asks for all ten, by every name each could have."""

    @functools.wraps(serialize)
    def direct(serializer: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name != "AttributeValue" or type(value) is not dict:
            serialize(serializer, serialized, value, shape, key)
            return
        kept = serialized[key] = serializer.MAP_TYPE()
        for kind, one in value.items():
            serializer._serialize(kept, one, shape.members[kind], kind)

    return direct


def _read_once(lex: Method) -> Method:
    """The words of a condition depend on its text alone; the values come later."""

    @functools.lru_cache(CONDITIONS_MAX)
    def words(text: str) -> tuple[Any, ...]:
        return tuple(lex(ConditionExpressionParser(text, {}, {})))

    @functools.wraps(lex)
    def known(parser: ConditionExpressionParser) -> deque[Any]:
        return deque(word._replace(children=[]) for word in words(parser.condition_expression))

    return known


def _rows(rows: dict[Any, dict[Any, Any]]) -> Any:
    """In the shape moto keeps them: partition key -> sort key -> item."""
    kept: defaultdict[Any, dict[Any, Any]] = defaultdict(dict)
    kept.update(rows)
    return kept
