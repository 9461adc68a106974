"""What the doors write into the log: one line for each deed, but none for each time an open page asks in vain."""

import json
import logging

import pytest

from tests.people import Cast


def test_asking_for_messages_leaves_a_line_only_where_it_is_refused(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    """Those lines would be most of the log. The API's own log has them; what was said has its line from `say`."""
    caplog.set_level(logging.INFO)
    cast.ann.join()
    path = cast.ann.url("visits", cast.ann.visit, "messages")
    cast.ann.machine("POST", path, {"text": "one"})
    assert cast.ann.machine("GET", path).status == 200
    assert cast.eve.machine("GET", path).status == 404
    deeds = [json.loads(line.getMessage()) for line in caplog.records if line.name == "clinic"]
    assert [(one["deed"], one["status"]) for one in deeds[-2:]] == [("say", 200), ("read_messages", 404)]
