"""The hospital's account: who is signed in, the bucket that code goes through, and putting something into it once."""

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import is_valid_endpoint_url

from infra.clinic.trouble import Trouble, code_of, told

BUCKET_TRIES_MAX = 3
TRIES_MAX = 5  # of one request; botocore waits longer each time
CONNECT_SECONDS_MAX, READ_SECONDS_MAX = 10, 60
MISSING = frozenset({"404", "NoSuchBucket", "NotFound", "NoSuchKey"})


@dataclass(slots=True)
class Account:
    """One AWS account and region, as signed in. `seconds` is the wait between two looks; `endpoint` is a local AWS,
    which is never shown who is signed in here."""

    region: str
    endpoint: str | None = None
    seconds: float = 3.0
    tries: int = TRIES_MAX
    session: Any = field(default_factory=botocore.session.get_session)
    _clients: dict[str, Any] = field(default_factory=dict)
    _id: str = ""

    def __post_init__(self) -> None:
        if self.endpoint:
            self.session.set_credentials("local", "local")

    def client(self, service: str) -> Any:
        if service not in self._clients:
            retries = {"total_max_attempts": self.tries, "mode": "standard"}
            config = Config(retries=retries, connect_timeout=CONNECT_SECONDS_MAX, read_timeout=READ_SECONDS_MAX)
            self._clients[service] = self.session.create_client(
                service, region_name=self.region, endpoint_url=self.endpoint, config=config
            )
        return self._clients[service]

    @property
    def id(self) -> str:
        """The account's number. The first thing asked of AWS: wrong credentials show here, before anything is made."""
        if not self._id:
            with told("asking AWS who you are"):
                self._id = str(self.client("sts").get_caller_identity()["Account"])
        return self._id

    def wait(self) -> None:
        time.sleep(self.seconds)


def local(endpoint: str) -> str:
    """The address of a local AWS as it was typed. Raises Trouble if it is none."""
    try:
        good = re.match("https?://", endpoint) and is_valid_endpoint_url(endpoint) and urlsplit(endpoint).port != 0
    except ValueError:  # a port that there cannot be
        good = False
    if not good:
        raise Trouble(
            f"--endpoint: {endpoint!r} is not an address. Nothing was changed.",
            "Write an address like http://127.0.0.1:4566, or leave it out for your AWS account.",
        )
    return endpoint.rstrip("/")


def bucket(account: Account, stack: str) -> str:
    """The bucket this clinic's code goes through, made if it is not there: private, encrypted, versioned, for TLS only.

    Names of buckets are shared by everybody on AWS; when somebody else has ours, the next one is tried.
    """
    for attempt in range(BUCKET_TRIES_MAX):
        name = _bucket_name(account, stack, attempt)
        with told(f"looking for the bucket {name}"):
            if _own(account, name) or _made(account, name):
                _close(account, name)
                return name
    raise Trouble(
        f"Every bucket name like {_bucket_name(account, stack, 0)} belongs to somebody else. Nothing was changed.",
        "Choose another stack name: ./clinic deploy NAME --stack ANOTHER",
    )


def _bucket_name(account: Account, stack: str, attempt: int) -> str:
    plain = f"{stack}-code-{account.id}-{account.region}"
    tail = f"-{hashlib.sha256(f'{plain}{attempt}'.encode()).hexdigest()[:6]}" if attempt else ""
    return plain[: 63 - len(tail)].rstrip("-") + tail


def _own(account: Account, name: str) -> bool:
    try:
        account.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=account.id)
    except ClientError as error:
        if code_of(error) in MISSING:
            return False
        if code_of(error) in {"403", "AccessDenied"} and not _mine(account, name):
            return False  # somebody else's: the next name
        raise
    return True


def _mine(account: Account, name: str) -> bool:
    """Whether a bucket that we may not look into is ours: then a permission is missing, and it must be said."""
    return any(one["Name"] == name for one in account.client("s3").list_buckets().get("Buckets", []))


def _made(account: Account, name: str) -> bool:
    elsewhere = {} if account.region == "us-east-1" else {"LocationConstraint": account.region}
    try:
        wanted = {"CreateBucketConfiguration": elsewhere} if elsewhere else {}
        account.client("s3").create_bucket(Bucket=name, **wanted)
    except ClientError as error:
        if code_of(error) == "BucketAlreadyOwnedByYou":
            return True  # two deploys at once
        if code_of(error) == "BucketAlreadyExists":
            return False
        raise
    return True


def _close(account: Account, name: str) -> None:
    """To everybody else, each time anew: an earlier attempt may have stopped in between."""
    s3 = account.client("s3")
    closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(closed, True))
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if not account.endpoint:  # a local AWS is asked without TLS, by ourselves
        _only_encrypted(account, name)


def _only_encrypted(account: Account, name: str) -> None:
    """No request without TLS, from nobody. What else the hospital says about the bucket stays."""
    s3, arn = account.client("s3"), f"arn:{account.session.get_partition_for_region(account.region)}:s3:::{name}"
    ours = {
        "Sid": "OnlyEncryptedOnTheWay",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    except ClientError as error:
        if code_of(error) != "NoSuchBucketPolicy":
            raise
        policy = {"Version": "2012-10-17", "Statement": []}
    said = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    if ours not in said:
        kept = [one for one in said if one.get("Sid") != ours["Sid"]]
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps({**policy, "Statement": [*kept, ours]}))


def upload(account: Account, bucket: str, key: str, file: Path, *, note: Mapping[str, str] | None = None) -> bool:
    """Put a file there whole or not at all; False if the same is there already. The key holds the hash of it."""
    data = file.read_bytes()
    s3 = account.client("s3")
    with told(f"uploading {file.name}", left="The clinic that runs was not touched; half a file is never used."):
        try:
            there = s3.head_object(Bucket=bucket, Key=key)
            if there["ContentLength"] == len(data):
                return False
        except ClientError as error:
            if code_of(error) not in MISSING:
                raise
        s3.put_object(Bucket=bucket, Key=key, Body=data, Metadata=dict(note or {}))
    return True


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
