"""The clinic's signing key, in KMS: it signs and verifies, and never leaves. ECDSA on P-256 with SHA-256.

What is signed is a SHA-256 digest of ours, sent as the message (KMS hashes it once more): a message may have 4 KB,
what doctors write is longer. SIGNING_KEY names the key; after a change of keys the old ones follow it, parted by
commas, and still verify. Offline the public key is enough: `python -m infra.verify`.
"""

import functools
import os
from collections.abc import Callable
from typing import Any, TypeVar

from chalicelib.refusal import Unsigned

CONNECT_SECONDS, ANSWER_SECONDS, TRIES_MAX = 1, 2, 2  # a doctor waits; two documents must fit into Lambda's 15 seconds
ALGORITHM = "ECDSA_SHA_256"
GOOD_KEPT = 500  # signatures found good, remembered by a container
T = TypeVar("T")


class Kms:
    """Every call raises Unsigned where no key is named, and when KMS is slow, throttles, refuses or is down."""

    @property
    def key_id(self) -> str:
        return _keys()[0]

    def sign(self, digest: bytes) -> bytes:
        """The signature in DER. Each call gives another one, as the curve wants it."""
        request = {"KeyId": self.key_id, "Message": digest, "MessageType": "RAW", "SigningAlgorithm": ALGORITHM}
        signed: bytes = _reached(lambda: _kms().sign(**request))["Signature"]
        return signed

    def verify(self, digest: bytes, signature: bytes, *, key: str) -> bool:
        """Whether this key of ours made this signature. A row may name any key: others are not even asked."""
        if key not in _keys() or not signature:
            return False
        try:
            return _good(key, digest, signature)
        except _Wrong:
            return False

    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo in DER. Asked for once per container."""
        return _public(self.key_id)


class _Wrong(Exception):
    """KMS says that the signature is none of this key."""


def _keys() -> list[str]:
    named = os.environ.get("SIGNING_KEY", "")
    if not named:
        raise Unsigned
    return named.split(",")


def _reached(ask: Callable[[], T]) -> T:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return ask()
    except ClientError as refused:
        if refused.response["Error"]["Code"] == "KMSInvalidSignatureException":
            raise _Wrong from None
        raise Unsigned from refused
    except BotoCoreError as silent:
        raise Unsigned from silent


@functools.lru_cache(GOOD_KEPT)
def _good(key: str, digest: bytes, signature: bytes) -> bool:
    """Once good is always good, so KMS is asked once per container: a sheet that is scanned all day must not use up
    what doctors sign with. Raises _Wrong otherwise, which is not kept."""
    request = {"KeyId": key, "Message": digest, "MessageType": "RAW", "SigningAlgorithm": ALGORITHM}
    said = _reached(lambda: _kms().verify(Signature=signature, **request))
    if not said["SignatureValid"]:
        raise _Wrong
    return True


@functools.cache
def _public(key: str) -> bytes:
    der: bytes = _reached(lambda: _kms().get_public_key(KeyId=key))["PublicKey"]
    return der


@functools.cache
def _kms() -> Any:
    from botocore.config import Config
    from botocore.session import get_session

    brief = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"total_max_attempts": TRIES_MAX, "mode": "standard"},
    )
    return get_session().create_client("kms", region_name=os.environ.get("AWS_REGION"), config=brief)


KMS = Kms()
