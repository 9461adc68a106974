"""Text messages against moto's Amazon SNS, and against one that refuses, hangs up or lies."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from chalicelib.outside import sms
from chalicelib.rooms.notice import Outcome
from infra.local import engine

NUMBER, TEXT = "+8613800001234", "Riverside Clinic: it is nearly your turn. Ticket A2017."


@pytest.fixture
def client() -> Iterator[Any]:
    with engine.moto():
        sms._client.cache_clear()
        yield sms._client()
        sms._client.cache_clear()


def test_a_text_reaches_sns_as_it_is(client: Any) -> None:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.sns import sns_backends

    assert sms.sns(NUMBER, TEXT) is Outcome.SENT
    sent = sns_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"].sms_messages
    assert [(to, said) for to, said, *_ in sent.values()] == [(NUMBER, TEXT)]


def test_it_is_marked_as_one_that_matters(client: Any) -> None:
    seen: list[dict[str, Any]] = []
    client.meta.events.register("before-parameter-build.sns.Publish", lambda params, **_: seen.append(dict(params)))
    sms.sns(NUMBER, TEXT)
    assert seen[0]["MessageAttributes"]["AWS.SNS.SMS.SMSType"]["StringValue"] == "Transactional"


def test_an_impossible_number_is_never_tried_again(client: Any) -> None:
    assert sms.sns("nobody", TEXT) is Outcome.NEVER


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("Throttling", Outcome.LATER), ("InternalError", Outcome.LATER), ("OptedOut", Outcome.NEVER)],
)
def test_a_no_says_whether_to_try_again(client: Any, code: str, outcome: Outcome) -> None:
    answer = SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {}}
    client.meta.events.register("before-call.sns.Publish", lambda **_: answer)
    assert sms.sns(NUMBER, TEXT) is outcome


@pytest.mark.parametrize(
    ("broken", "outcome"),
    [
        (EndpointConnectionError(endpoint_url="https://sns"), Outcome.LATER),
        (ConnectTimeoutError(endpoint_url="https://sns"), Outcome.LATER),
        (ReadTimeoutError(endpoint_url="https://sns"), Outcome.NO_ANSWER),
    ],
)
def test_never_reached_and_never_answered_are_two_things(client: Any, broken: Exception, outcome: Outcome) -> None:
    def fail(**_: Any) -> None:
        raise broken

    client.meta.events.register("before-call.sns.Publish", fail)
    assert sms.sns(NUMBER, TEXT) is outcome


def test_a_yes_without_a_message_id_is_no_yes(client: Any) -> None:
    answer = SimpleNamespace(status_code=200), {"ResponseMetadata": {}}
    client.meta.events.register("before-call.sns.Publish", lambda **_: answer)
    assert sms.sns(NUMBER, TEXT) is Outcome.NO_ANSWER


def test_the_sdk_tries_once(client: Any) -> None:
    assert client.meta.config.retries["total_max_attempts"] == 1
    assert client.meta.config.read_timeout <= 3


def test_the_double_keeps_the_text_and_shows_no_whole_number(caplog: pytest.LogCaptureFixture) -> None:
    double = sms.Double()
    with caplog.at_level("INFO", "clinic.sms"):
        assert double(NUMBER, TEXT) is Outcome.SENT
    assert list(double.texts) == [(NUMBER, TEXT)]
    assert TEXT in caplog.text
    assert NUMBER[:-2] not in caplog.text
