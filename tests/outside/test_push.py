"""Web push: what a push service is sent, that its signature is right, and what each of its answers means."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPSConnection
from types import SimpleNamespace
from typing import Any, cast

import botocore.session
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from chalicelib.outside import push
from chalicelib.rooms.notice import Outcome
from infra.local import engine

ENDPOINT = "https://fcm.googleapis.com/fcm/send/anns-browser"
NOW = 1_900_000_000.0


def forget() -> None:
    for kept in (push._kms, push._point, push._token):
        kept.cache_clear()


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A key in moto's KMS, which really signs."""
    with engine.moto():
        kms = botocore.session.get_session().create_client("kms", region_name="eu-west-1")
        made: str = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        monkeypatch.setenv("PUSH_KEY", made)
        monkeypatch.setenv("ORIGIN", "https://clinic.example.org")
        forget()
        yield made
        forget()


@dataclass
class Service:
    """A push service that answers with a status, or not at all."""

    status: int = 201
    broken: Exception | None = None
    asked: list[tuple[str, str, str, bytes, dict[str, str]]] = field(default_factory=list)
    host: str = ""

    def __call__(self, host: str) -> HTTPSConnection:
        self.host = host
        return cast(HTTPSConnection, self)

    def request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
        self.asked.append((self.host, method, path, body, headers))
        if self.broken:
            raise self.broken

    def getresponse(self) -> Any:
        return SimpleNamespace(status=self.status)

    def close(self) -> None:
        """Nothing is open."""


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_nobody_is_woken_where_there_is_no_key() -> None:
    assert not push.is_on()
    assert push.public_key() == ""


def test_a_push_says_nothing_and_proves_who_sends_it(key: str) -> None:
    service = Service()
    assert push.wake(ENDPOINT, service, lambda: NOW) is Outcome.SENT
    ((host, method, path, body, headers),) = service.asked
    assert (host, method, path, body) == ("fcm.googleapis.com", "POST", "/fcm/send/anns-browser", b"")
    assert (headers["TTL"], headers["Urgency"], headers["Topic"]) == ("900", "high", "turn")
    scheme, token, public = headers["Authorization"].replace(",", "").split(" ")
    assert scheme == "vapid"
    header, claims, signature = token.removeprefix("t=").split(".")
    assert json.loads(unpacked(header)) == {"typ": "JWT", "alg": "ES256"}
    said = json.loads(unpacked(claims))
    assert (said["aud"], said["sub"]) == ("https://fcm.googleapis.com", "https://clinic.example.org")
    assert 3600 < said["exp"] - NOW < 24 * 3600
    assert public.removeprefix("k=") == push.public_key()
    verifier = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unpacked(push.public_key()))
    raw = unpacked(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    verifier.verify(der, f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))


def test_one_signature_serves_a_push_service_for_hours(key: str) -> None:
    signed: list[str] = []
    push._kms().meta.events.register("before-call.kms.Sign", lambda **_: signed.append("once"))
    service = Service()
    for n in range(50):
        push.wake(f"{ENDPOINT}-{n}", service, lambda: NOW)
    assert len(signed) == 1
    push.wake("https://web.push.apple.com/Q", service, lambda: NOW)
    push.wake(ENDPOINT, service, lambda: NOW + push.TOKEN_SECONDS)
    assert len(signed) == 3


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (201, Outcome.SENT),
        (202, Outcome.SENT),
        (301, Outcome.LATER),
        (307, Outcome.LATER),
        (403, Outcome.NEVER),
        (404, Outcome.NEVER),
        (410, Outcome.NEVER),
        (429, Outcome.LATER),
        (500, Outcome.LATER),
        (503, Outcome.LATER),
    ],
)
def test_what_a_push_service_answers(key: str, status: int, outcome: Outcome) -> None:
    service = Service(status)
    assert push.wake(ENDPOINT, service, lambda: NOW) is outcome
    assert len(service.asked) == 1, "nowhere else, whatever it says"


def test_a_push_service_that_is_down(key: str) -> None:
    assert push.wake(ENDPOINT, Service(broken=TimeoutError()), lambda: NOW) is Outcome.LATER


def test_a_kms_that_is_down_shows_no_button_and_loses_no_push(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUSH_KEY", "00000000-0000-0000-0000-000000000000")
    assert push.public_key() == ""
    service = Service()
    assert push.wake(ENDPOINT, service, lambda: NOW) is Outcome.LATER
    assert not service.asked


@pytest.mark.parametrize("numbers", [(1, 2**255), (2**256 - 1, 127), (128, 2**200)])
def test_signatures_of_every_length_become_64_bytes(numbers: tuple[int, int]) -> None:
    raw = push._raw(encode_dss_signature(*numbers))
    assert (int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"), len(raw)) == (*numbers, 64)
