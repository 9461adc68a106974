"""A25, words that become a command: none is ever part of an expression, a query language or a path.

OpenEMR had both in 2026: CVE-2026-24908 (SQL in a REST parameter) and -24488 (a path in a file's name).
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.store.rows import Row
from tests.attacks.breaks import gets_through
from tests.house.test_house import HOUSE, short, tree
from tests.people import Cast

# DynamoDB's own languages. PynamoDB writes expressions with placeholders for names and values; nobody here writes one.
LANGUAGES = ("execute_statement", "batch_execute_statement", "execute_transaction", "ExecuteStatement", "PartiQL")
EXPRESSIONS = ("ConditionExpression", "FilterExpression", "UpdateExpression", "ProjectionExpression")
RUNS = {"eval", "exec", "compile", "os.system", "os.popen", "pickle.loads", "yaml.load", "subprocess.run", "__import__"}
SAID = "x' OR exists(pk) -- {{7*7}} #n0 :0 ../../passwd"


def commands(module: ast.Module) -> Iterator[str]:
    """What in a file could make a command of words."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in RUNS:
            yield f"runs {ast.unparse(node.func)}"
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in LANGUAGES:
            yield f"speaks {name}"
        if isinstance(node, ast.keyword | ast.Constant):
            word = node.arg if isinstance(node, ast.keyword) else node.value
            if word in EXPRESSIONS or (word == "KeyConditionExpression"):
                yield f"writes a {word}"


@pytest.mark.parametrize("path", HOUSE, ids=short)
def test_nothing_in_lambda_makes_a_command_of_words(path: Path) -> None:
    assert not list(commands(tree(path)))


@pytest.mark.parametrize(
    "said",
    [
        "client.execute_statement(Statement=f\"SELECT * FROM clinic WHERE pk='{name}'\")",
        "client.query(KeyConditionExpression=f'pk = {name}')",
        "client.put_item(**{'ConditionExpression': 'name = ' + name})",
        "eval(name)",
        "os.system('convert ' + name)",
    ],
)
def test_the_scan_sees_one(said: str) -> None:
    assert list(commands(ast.parse(said)))


def only_placeholders(sent: list[dict[str, Any]]) -> None:
    """In what was really sent to the database, an expression is names #n, values :n and DynamoDB's own words."""
    plain = re.compile(r"[#:]?[A-Za-z0-9_]+|[\s().,=<>+-]|\[[0-9]+\]")
    for request in sent:
        for expression in _expressions(request):
            assert not plain.sub("", expression), expression
            assert "passwd" not in expression


def _expressions(said: Any) -> Iterator[str]:
    if isinstance(said, dict):
        for name, value in said.items():
            if name.endswith("Expression") and isinstance(value, str):
                yield value
            else:
                yield from _expressions(value)
    elif isinstance(said, list):
        for one in said:
            yield from _expressions(one)


def words_reach_the_database_as_values_only(cast: Cast) -> None:
    sent: list[dict[str, Any]] = []

    def listen(params: dict[str, Any], **_: Any) -> None:
        sent.append(params)

    events = Row._get_connection().connection.client.meta.events
    events.register("provide-client-params.dynamodb", listen)
    try:
        visit = cast.ann.join(name=SAID, why=SAID, allergies=SAID)
        cast.ann.post(f"/en/visits/{visit}/messages", text=SAID)
        cast.ann.ask("GET", f"/en/visits/{visit}/messages?after=%23n0%20OR%20%3A0")
        cast.max.post("/en/people/add", id=SAID, name=SAID, role="desk")
    finally:
        events.unregister("provide-client-params.dynamodb", listen)
    assert sum(1 for request in sent for _ in _expressions(request)) > 10
    assert SAID in str(sent), "the words did travel"
    only_placeholders(sent)


def test_words_reach_the_database_as_values_only(cast: Cast) -> None:
    words_reach_the_database_as_values_only(cast)


def test_words_in_an_expression_would_be_noticed(cast: Cast) -> None:
    with pytest.raises(AssertionError):
        only_placeholders([{"TransactItems": [{"Update": {"UpdateExpression": "SET why = 'x' OR 1"}}]}])
    gets_through(lambda: words_reach_the_database_as_values_only(cast), "a25 words are written into an expression")


@pytest.mark.parametrize(
    "name",
    ["../clinic.json", "..%2f..%2fclinic.json", "%2e%2e/app.py", "/etc/passwd", "wait.js/../../app.py", ".."],
)
def test_a_file_is_one_of_ours_or_not_found(cast: Cast, name: str) -> None:
    got = cast.eve.ask("GET", f"/s/{name}")
    assert got.status in (403, 404)
    assert "department" not in got.body.casefold()
