"""Web push without a payload: wakes a browser through its push service, signed by a key in KMS (VAPID, RFC 8292).

Nothing about anybody passes the push service: the browser is woken, and shows a text of its own. The key never
leaves KMS, so no library for cryptography is needed: JWT by hand, signature by KMS.
"""

import base64
import functools
import json
import os
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPSConnection
from typing import Any

from chalicelib.rooms.notice import Outcome

SECONDS = 3  # for one push; a push too many replaces the one before it, so it may safely be tried again
TOKEN_SECONDS = 11 * 3600  # push services take no token that lives longer than a day
WAITS_SECONDS = 900  # how long a push service keeps it for a phone that is off
GONE = frozenset({400, 403, 404, 410})  # this subscription will never work again
POINT_BYTES = 65  # the public key on the curve P-256, uncompressed, at the end of its DER
Connect = Callable[[str], HTTPSConnection]


def is_on() -> bool:
    return bool(_key_id())


def _key_id() -> str:
    return os.environ.get("PUSH_KEY", "")


def public_key() -> str:
    """What the browser subscribes with; "" where nobody can be woken, also while KMS does not answer."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _point() if is_on() else ""
    except (BotoCoreError, ClientError):
        return ""


@functools.cache
def _point() -> str:
    """Asked for once per container."""
    der: bytes = _kms().get_public_key(KeyId=_key_id())["PublicKey"]
    return _base64(der[-POINT_BYTES:])


def _connect(host: str) -> HTTPSConnection:
    return HTTPSConnection(host, timeout=SECONDS)


def wake(endpoint: str, connect: Connect = _connect, now: Callable[[], float] = time.time) -> Outcome:
    """Wake the browser behind `endpoint`, which is known to be at a push service. Redirects are not followed."""
    from botocore.exceptions import BotoCoreError, ClientError

    host, _, path = endpoint.removeprefix("https://").partition("/")
    try:
        who = f"vapid t={_token(host, int(now()) // TOKEN_SECONDS)}, k={_point()}"
    except (BotoCoreError, ClientError):
        return Outcome.LATER
    headers = {
        "Authorization": who,
        "TTL": str(WAITS_SECONDS),
        "Urgency": "high",
        "Topic": "turn",
        "Content-Length": "0",
    }
    connection = connect(host)
    try:
        connection.request("POST", f"/{path}", b"", headers)
        status = connection.getresponse().status
    except (OSError, HTTPException):
        return Outcome.LATER
    finally:
        connection.close()
    if status in GONE:
        return Outcome.NEVER
    return Outcome.SENT if status in (200, 201, 202, 204) else Outcome.LATER


@functools.lru_cache(maxsize=16)
def _token(host: str, period: int) -> str:
    """Who we are, for one push service and some hours: signed once, used for everybody who is there."""
    claims = {
        "aud": f"https://{host}",
        "exp": (period + 2) * TOKEN_SECONDS,
        "sub": os.environ.get("ORIGIN") or "mailto:clinic@example.org",
    }
    said = ".".join(_base64(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    signed = _kms().sign(KeyId=_key_id(), Message=said.encode(), SigningAlgorithm="ECDSA_SHA_256")
    return f"{said}.{_base64(_raw(signed['Signature']))}"


def _raw(der: bytes) -> bytes:
    """The two numbers of an ECDSA signature side by side, 32 bytes each, as JWT wants them; KMS gives them as DER."""
    numbers, at = [], 2
    for _ in range(2):
        size = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2 : at + 2 + size], "big").to_bytes(32, "big"))
        at += 2 + size
    return b"".join(numbers)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@functools.cache
def _kms() -> Any:
    from botocore.config import Config
    from botocore.session import get_session

    brief = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
    return get_session().create_client("kms", region_name=os.environ.get("AWS_REGION"), config=brief)
