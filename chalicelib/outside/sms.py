"""Text messages: Amazon SNS, and the double that stands in for it where nothing may leave the machine."""

import functools
import logging
import os
from collections import deque
from collections.abc import Callable
from typing import Any

from chalicelib.rooms.notice import Outcome

CONNECT_SECONDS, ANSWER_SECONDS = 1, 3  # one try: the outbox knows better than the SDK when to try again
KEPT_MAX = 200
NEVER = frozenset({"InvalidParameter", "InvalidParameterValue", "OptedOut", "ValidationException"})
LOG = logging.getLogger("clinic.sms")


def sns(to: str, text: str) -> Outcome:
    """One text by Amazon SNS. Only a message id is a yes."""
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError

    kind = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
    try:
        said = _client().publish(PhoneNumber=to, Message=text, MessageAttributes=kind)
    except ClientError as refused:
        return Outcome.NEVER if refused.response["Error"]["Code"] in NEVER else Outcome.LATER
    except (ReadTimeoutError, ConnectionClosedError):
        return Outcome.NO_ANSWER
    except BotoCoreError:
        return Outcome.LATER  # it was never reached
    return Outcome.SENT if said.get("MessageId") else Outcome.NO_ANSWER


@functools.cache
def _client() -> Any:
    from botocore.config import Config
    from botocore.session import get_session

    once = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return get_session().create_client("sns", region_name=os.environ.get("AWS_REGION"), config=once)


class Double:
    """Sends nothing. Keeps the newest texts, and says each on the log of the machine it runs on."""

    def __init__(self) -> None:
        self.texts: deque[tuple[str, str]] = deque(maxlen=KEPT_MAX)

    def __call__(self, to: str, text: str) -> Outcome:
        self.texts.append((to, text))
        LOG.info("sms to …%s: %s", to[-2:], text)
        return Outcome.SENT


LOCAL = Double()
DRIVERS: dict[str, Callable[[str, str], Outcome]] = {"sns": sns, "local": LOCAL}
