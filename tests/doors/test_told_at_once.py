"""What the table's stream brings: told at once, a record that cannot be handled holds up nobody, and no word of it."""

import json
import logging

import pytest

from app import app
from chalicelib.doors import clock
from chalicelib.outside import sms
from chalicelib.visit import taking
from tests.people import Cast
from tests.visit.walk import table

TEXTS = "Riverside Clinic: it is your turn, a doctor is ready for you"


@pytest.fixture(autouse=True)
def nothing_sent_yet() -> None:
    sms.LOCAL.texts.clear()


def taken(cast: Cast) -> str:
    """Ann wants a text and a doctor has taken her; gives the key that the stream brings."""
    cast.ann.join(text_me="yes")
    taking.go_on_duty(cast.errand("ada"), departments=("general",), capacity=5)
    id = taking.take_next(cast.errand("ada"))
    return f"V#{id}"


def test_the_patient_is_told_while_the_doctor_waits(cast: Cast) -> None:
    key = taken(cast)
    assert clock.tell([("1", key)]) == {"batchItemFailures": []}
    assert clock.tell([("1", key)]) == {"batchItemFailures": []}, "a record may come twice"
    assert [said.split(".")[0] for _, said in sms.LOCAL.texts] == [TEXTS]


def test_after_a_record_that_cannot_be_handled_the_rest_is_handled(cast: Cast) -> None:
    key = taken(cast)
    failures = clock.tell([("1", key), ("2", "V#nonsense"), ("3", key)])
    assert failures == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert len(sms.LOCAL.texts) == 1


def test_a_first_record_that_cannot_be_handled_is_an_error_without_words(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    """A row damaged by hand: the log says where, and nobody's words."""
    key = taken(cast)
    damage(key)
    with caplog.at_level(logging.INFO, "clinic"), pytest.raises(clock.NotTold, match="^$"):
        clock.tell([("1", key), ("2", key)])
    assert {json.loads(line.message)["event"] for line in caplog.records} >= {"unexpected"}
    assert not [word for word in ("Ann Smith", "throat", "0000", "garbled") if word in caplog.text]
    assert not sms.LOCAL.texts


def damage(key: str) -> None:
    from chalicelib.store.rows import Row

    (row,) = [item for (pk, sk), item in table().items() if (pk, sk) == (key, "V")]
    row["answers"] = {"S": "garbled Ann"}
    Row._get_connection().connection.client.put_item(TableName="clinic", Item=row)


def test_the_door_takes_what_lambda_brings(cast: Cast) -> None:
    key = taken(cast)
    record = {"eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1"}
    change = {
        "Keys": {"pk": {"S": key}, "sk": {"S": "V"}},
        "SequenceNumber": "17",
        "ApproximateCreationDateTime": 1795516633,
        "SizeBytes": 900,
        "StreamViewType": "NEW_IMAGE",
    }
    event = {"Records": [{**record, "dynamodb": change, "eventSourceARN": "arn:aws:dynamodb:eu-west-1:1:table/clinic"}]}
    handler = app.handler_map["tell"]
    assert handler(event, None) == {"batchItemFailures": []}
    assert len(sms.LOCAL.texts) == 1
