"""X-Ray: one subsegment a deed, named after it, with the visit's opaque name and nothing about anybody."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.outside import tracing
from chalicelib.refusal import TooLate
from chalicelib.store import keys
from tests.people import Cast

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8"
SAMPLED = f"{TRACE};Sampled=1;Lineage=1:a87bd80c:0"


class Kept:
    """Where segments go instead of the daemon."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send_entity(self, entity: Any) -> None:
        self.sent.append(json.loads(entity.serialize()))

    def set_daemon_address(self, address: str) -> None:
        """There is no daemon."""


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setenv("AWS_XRAY_SDK_ENABLED", "true")
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", SAMPLED)
    from aws_xray_sdk import global_sdk_config
    from aws_xray_sdk.core import xray_recorder

    global_sdk_config.set_sdk_enabled(True)
    if hasattr(xray_recorder.emitter, "_socket"):
        xray_recorder.emitter._socket.close()  # the SDK opens one for its daemon as soon as it is imported
    found = Kept()
    xray_recorder.configure(emitter=found, sampling=False, context_missing="IGNORE_ERROR")
    yield found
    xray_recorder.clear_trace_entities()
    global_sdk_config.set_sdk_enabled(False)


def traced(do: Any) -> None:
    from aws_xray_sdk.core import xray_recorder

    with xray_recorder.in_segment("lambda"):
        do()


def test_a_deed_is_one_subsegment_with_the_visits_name(kept: Kept, cast: Cast) -> None:
    cast.ann.join()
    traced(cast.ann.look)
    (segment,) = kept.sent
    (deed,) = segment["subsegments"]
    assert deed["name"] == "see_ticket"
    assert deed["annotations"] == {"visit": cast.ann.visit}
    assert "Ann" not in json.dumps(segment)


def test_a_refusal_marks_the_deed_and_tells_only_its_class(kept: Kept) -> None:
    def refused() -> None:
        with pytest.raises(TooLate), tracing.deed("say", "x" * 32):
            raise TooLate("words")

    traced(refused)
    (deed,) = kept.sent[0]["subsegments"]
    assert deed["error"] is True
    assert deed["metadata"] == {"default": {"refused": "TooLate"}}


@pytest.mark.parametrize("path", ["/", "/en", "/en/staff", "/board/respiratory"])
def test_where_the_address_has_no_visit_the_key_that_opens_names_is_not_read(cast: Cast, path: str) -> None:
    """A container that has just woken up would wait for the table before the front page, for the trace alone."""
    keys.key.cache_clear()
    assert cast.eve.ask("GET", path).status < 400
    assert keys.key.cache_info().currsize == 0


def test_without_a_segment_a_deed_is_only_done(kept: Kept) -> None:
    with tracing.deed("look"):
        pass
    assert kept.sent == []


@pytest.mark.parametrize("header", ["", TRACE, f"{TRACE};Sampled=0", f"{TRACE};Sampled=?"])
def test_what_is_not_sampled_is_only_done(kept: Kept, monkeypatch: pytest.MonkeyPatch, header: str) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)

    def look() -> None:
        with tracing.deed("look"):
            pass

    traced(look)
    assert "subsegments" not in kept.sent[0]


SDK_SEEN = """
import os, sys
import botocore.client
from chalicelib.outside import tracing
def answer(event):
    with tracing.deed("look"):
        return event
for header in sys.argv[1:]:
    os.environ["_X_AMZN_TRACE_ID"] = header
    assert tracing.traced("event", answer) == "event"
    print("aws_xray_sdk" in sys.modules, hasattr(botocore.client, "_xray_enabled"))
"""


def sdk_seen(*headers: str, enabled: str = "true") -> list[str]:
    """Of requests with these headers, one after the other: is the SDK there, and does it see what botocore is asked."""
    env = {"PATH": "", "AWS_XRAY_SDK_ENABLED": enabled, "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000"}
    program = [sys.executable, "-c", SDK_SEEN, *headers]
    return subprocess.run(program, env=env, check=True, capture_output=True, text=True).stdout.splitlines()


def test_the_sdk_comes_with_the_first_request_that_is_sampled_and_stays() -> None:
    unseen, seen = "False False", "True True"
    other = f"{TRACE};Sampled=0"
    assert sdk_seen(other, SAMPLED, other, SAMPLED) == [unseen, seen, seen, seen]


def test_where_tracing_is_off_the_sdk_is_not_even_imported() -> None:
    assert sdk_seen(SAMPLED, enabled="false") == ["False False"]
