"""The vault: what was put in can be read, and for years neither changed nor taken away, by anybody (S3 Object Lock).

The lock is the bucket's own: mode COMPLIANCE, so not even the account's root user can shorten it. The driver only ever
puts a name that is not there yet. ROOTS_BUCKET names the bucket; without it nothing is locked away.
"""

import functools
import os
from typing import Any, Protocol

CONNECT_SECONDS, ANSWER_SECONDS, TRIES_MAX = 2, 20, 3


class Vault(Protocol):
    def put(self, name: str, body: bytes) -> bool: ...  # False: there is something under that name already
    def get(self, name: str) -> bytes: ...


class Bucket:
    """A bucket with Object Lock. Errors of S3 go through: the next hour tries again, and nothing is lost."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def put(self, name: str, body: bytes) -> bool:
        from botocore.exceptions import ClientError

        said = {"Bucket": self.bucket, "Key": name, "Body": body, "ContentType": "application/json"}
        try:
            _s3().put_object(**said, IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        except ClientError as refused:
            if refused.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                return False
            raise
        return True

    def get(self, name: str) -> bytes:
        body: bytes = _s3().get_object(Bucket=self.bucket, Key=name)["Body"].read()
        return body


class Double:
    """Keeps what it was given for as long as the process lives, and lets nobody change it."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, name: str, body: bytes) -> bool:
        return self.kept.setdefault(name, body) is body

    def get(self, name: str) -> bytes:
        return self.kept[name]


@functools.cache
def _s3() -> Any:
    from botocore.config import Config
    from botocore.session import get_session

    patient = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"total_max_attempts": TRIES_MAX, "mode": "standard"},
    )
    return get_session().create_client("s3", region_name=os.environ.get("AWS_REGION"), config=patient)


LOCAL = Double()


def vault() -> Vault | None:
    """Where roots are kept; None where no bucket is named."""
    named = os.environ.get("ROOTS_BUCKET", "")
    if not named:
        return None
    return LOCAL if named == "local" else Bucket(named)
