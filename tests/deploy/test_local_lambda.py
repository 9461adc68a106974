"""The real zip, run as Lambda runs it: it starts, answers, keeps its logs clean, and starts cheaply."""

import json
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import cold
from tests.deploy.local_gateway import gateway
from tests.deploy.local_lambda import Function, function, traces

COLD_HELLOS_MAX = 6  # as Chalice packages it, a clinic costs more than 8
TRIES = 3
TRACED_SECONDS_MAX = 5

pytestmark = [pytest.mark.zip, pytest.mark.slow]


@pytest.fixture
def running(task: Path, clinic_on_dynoxide: str) -> Iterator[Function]:
    with function(task, AWS_ENDPOINT_URL_DYNAMODB=clinic_on_dynoxide) as runs:
        yield runs


@pytest.fixture
def address(running: Function, package: Path) -> Iterator[str]:
    with gateway(running, json.loads((package / "sam.json").read_text())) as address:
        yield address


def get(address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, dict(answer.headers), answer.read()


def test_the_deployed_zip_serves_the_front_page(address: str) -> None:
    status, headers, body = get(f"{address}/", Accept="text/html")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert b"<html" in body


def test_an_address_that_does_not_exist_is_answered_in_words(address: str) -> None:
    status, headers, body = get(f"{address}/no/such/page/here", Accept="text/html")
    assert status == 404
    assert b"We cannot find that page" in body
    assert headers["Content-Security-Policy"].startswith("default-src;")


def test_a_reload_of_what_only_a_form_is_sent_to_comes_to_the_page(address: str) -> None:
    status, _, body = get(f"{address}/en/staff/code", Accept="text/html")
    assert status == 200
    assert b"Staff sign in" in body


@pytest.mark.parametrize("sampled", [(True, False, True), (False, False, True, True)])
def test_a_request_is_traced_down_to_the_table_if_it_is_sampled_and_only_then(
    task: Path, package: Path, clinic_on_dynoxide: str, sampled: tuple[bool, ...]
) -> None:
    """Whichever comes first to the worker: the SDK is imported by the first that needs it."""
    template = json.loads((package / "sam.json").read_text())
    settings = {"AWS_ENDPOINT_URL_DYNAMODB": clinic_on_dynoxide}
    with traces() as (daemon, told), function(task, **settings, AWS_XRAY_DAEMON_ADDRESS=daemon) as runs:
        calls = [cold.ask(runs, template, "/board/respiratory", sampled=one) for one in sampled]
        deadline = time.monotonic() + TRACED_SECONDS_MAX
        while len(told) < 2 * sum(sampled) and time.monotonic() < deadline:
            time.sleep(0.01)
    found = {call.trace: [] for call in calls}
    for document in map(json.loads, told):
        found[document["trace_id"]].append((document["name"], document.get("aws", {}).get("operation")))
    expected = [("dynamodb", "BatchGetItem"), ("look", None)]
    assert list(found.values()) == [expected if one else [] for one in sampled]


def test_a_cold_start_costs_a_few_hellos(task: Path, package: Path, clinic_on_dynoxide: str, tmp_path: Path) -> None:
    """CPU from nothing to the first answer that reads the table, against a bare hello as Chalice packages it."""
    template = json.loads((package / "sam.json").read_text())
    bare = cold.hello(task, tmp_path / "hello")
    hello = statistics.median(cold.first_answer(bare, template, "/health") for _ in range(TRIES))
    settings = {"AWS_ENDPOINT_URL_DYNAMODB": clinic_on_dynoxide}
    board = (cold.first_answer(task, template, "/board/respiratory", **settings) for _ in range(TRIES))
    clinic = statistics.median(board)
    assert clinic <= COLD_HELLOS_MAX * hello, f"{clinic:.3f} s is {clinic / hello:.1f} times {hello:.3f} s"
