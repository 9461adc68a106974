"""A17, tokens that are not what they say: none, confused, foreign, late, early, cut, changed. All refused alike."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from chalicelib.outside import identity, tokens
from chalicelib.outside.identity import Pool
from chalicelib.outside.tokens import BadToken, Keys
from chalicelib.refusal import SignInFirst
from tests.attacks.breaks_staff import BREAKS

NOW = 1_800_000_000
POOL, APP = "eu-west-1_clinic", "app-of-the-clinic"
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"
SAID = {
    "iss": ISSUER,
    "client_id": APP,
    "token_use": "access",
    "username": "ada",
    "sub": "7c1",
    "iat": NOW - 10,
    "auth_time": NOW - 10,
    "exp": NOW + 290,
}


@cache
def key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public(name: str) -> bytes:
    kind, form = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.Encoding.PEM
    return key(name).public_key().public_bytes(form, kind)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(said: dict[str, Any] = SAID, *, by: str = "ours", **header: Any) -> str:
    head = {"alg": "RS256", "kid": "k1", **header}
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(said).encode())}"
    return f"{signed}.{b64(key(by).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def jwks(*names: str) -> bytes:
    found = []
    for kid, name in zip(("k1", "k2"), names, strict=False):
        n = key(name).public_key().public_numbers().n
        e = b64((65537).to_bytes(3, "big"))
        found.append({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": b64(n.to_bytes(256, "big")), "e": e})
    return json.dumps({"keys": found}).encode()


def refused(bad: str) -> bool:
    keys = Keys(lambda: jwks("ours"), clock=lambda: NOW)
    try:
        tokens.claims(bad, keys=keys, issuer=ISSUER, client=APP, now=NOW)
    except BadToken:
        return True
    return False


def _none() -> str:
    return ".".join((b64(b'{"alg":"none","kid":"k1"}'), b64(json.dumps(SAID).encode()), ""))


def _confused() -> str:
    """HS256, with the public key as the shared secret."""
    signed = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'k1'}).encode())}.{b64(json.dumps(SAID).encode())}"
    return f"{signed}.{b64(hmac.digest(public('ours'), signed.encode(), hashlib.sha256))}"


def _tampered() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{b64(json.dumps({**SAID, 'username': 'max'}).encode())}.{signature}"


def _bad_signature() -> str:
    head, body, signature = token().split(".")
    return f"{head}.{body}.{signature[:-3]}{'AAA' if signature[-3:] != 'AAA' else 'BBB'}"


def _without(name: str) -> dict[str, Any]:
    return {other: value for other, value in SAID.items() if other != name}


BAD: dict[str, Callable[[], str]] = {
    "no signature (alg none)": _none,
    "HS256 with the public key": _confused,
    "another issuer": lambda: token({**SAID, "iss": f"{ISSUER}x"}),
    "another client": lambda: token({**SAID, "client_id": "another"}),
    "an id token": lambda: token({**SAID, "token_use": "id", "aud": APP}),
    "expired": lambda: token({**SAID, "exp": NOW}),
    "no exp": lambda: token(_without("exp")),
    "not yet (nbf)": lambda: token({**SAID, "nbf": NOW + 3600}),
    "issued in the future": lambda: token({**SAID, "iat": NOW + 3600}),
    "an unknown kid": lambda: token(kid="k9"),
    "a bad signature": _bad_signature,
    "another key under our kid": lambda: token(by="theirs"),
    "changed claims": _tampered,
    "cut": lambda: token()[:-40],
    "empty": lambda: "",
    # and what fourteen did not think of
    "two parts": lambda: token().rpartition(".")[0],
    "five parts": lambda: token() + ".a.b",
    "no kid": lambda: token(kid=None),
    "a key in the header": lambda: token(by="theirs", kid="k2", jwk={"kty": "RSA"}),
    "critical extensions": lambda: token(crit=["b64"], b64=False),
    "RS512 in the header": lambda: token(alg="RS512"),
    "exp as a word": lambda: token({**SAID, "exp": "never"}),
    "exp as true": lambda: token({**SAID, "exp": True}),
    "no iat": lambda: token(_without("iat")),
    "nobody's": lambda: token(_without("username")),
    "a list for claims": lambda: token([SAID]),  # type: ignore[arg-type]  # that is the attack
    "padding in the signature's text": lambda: token() + "==",
    "too long": lambda: token({**SAID, "x": "x" * 9000}),
}


def every_bad_token_is_refused() -> None:
    assert not refused(token()), "the good one is good"
    for name, bad in BAD.items():
        assert refused(bad()), name


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_is_refused(name: str) -> None:
    assert not refused(token())
    assert refused(BAD[name]())


def nobody_comes_in_with_somebody_elses_token() -> None:
    """A good token of the pool, but not of the name that was typed; and every bad one: told the same."""

    class Answers:
        """A Cognito that says yes with this token."""

        def __init__(self, said: str) -> None:
            self.said = said

        def admin_respond_to_auth_challenge(self, **_: Any) -> dict[str, Any]:
            return {"AuthenticationResult": {"AccessToken": self.said, "RefreshToken": "r"}}

    def asked(said: str, id: str = "ada") -> Any:
        keys = Keys(lambda: jwks("ours"), clock=lambda: NOW)
        return Pool(Answers(said), id=POOL, app=APP, keys=keys, clock=lambda: NOW).code(id, "s", "123456")

    assert asked(token()).id == "ada"
    told = set()
    for said, id in ((token(), "max"), *((bad(), "ada") for bad in BAD.values())):
        try:
            asked(said, id)
        except SignInFirst as refusal:
            told.add((refusal.message, refusal.field, refusal.status))
        else:
            raise AssertionError("let in")
    assert len(told) == 1


def test_nobody_comes_in_with_somebody_elses_token() -> None:
    nobody_comes_in_with_somebody_elses_token()
    assert identity.Pool is Pool


def test_keys_are_fetched_once_and_a_stranger_cannot_make_us_ask_again_and_again() -> None:
    now, fetched = [float(NOW)], []

    def fetch() -> bytes:
        fetched.append(1)
        return jwks("ours", *(["theirs"] if len(fetched) > 1 else []))

    keys = Keys(fetch, clock=lambda: now[0])
    keys.named("k1")
    for _ in range(50):
        with pytest.raises(BadToken):
            keys.named("k2")
    assert len(fetched) == 1
    now[0] += tokens.LOOK_AGAIN_SECONDS + 1
    keys.named("k2")  # the pool has a new key
    assert len(fetched) == 2
    now[0] += tokens.KEYS_KEPT_SECONDS + 1
    keys.named("k1")
    assert len(fetched) == 3


def test_a_weak_or_strange_key_of_the_pool_is_no_key() -> None:
    weak = key("weak", 1024).public_key().public_numbers().n.to_bytes(128, "big")
    good = json.loads(jwks("ours"))["keys"][0]
    strange = [
        {**good, "n": b64(weak)},
        {**good, "e": b64(b"\x03")},
        {**good, "kty": "EC"},
        {**good, "alg": "RS512"},
        {**good, "use": "enc"},
    ]
    for one in strange:
        keys = Keys(lambda one=one: json.dumps({"keys": [one]}).encode(), clock=lambda: NOW)  # type: ignore[misc]
        with pytest.raises(BadToken):
            keys.named("k1")


CHECKS: dict[str, Callable[[], None]] = {
    "a17 signatures are not checked": every_bad_token_is_refused,
    "a17 issuer and client are believed": every_bad_token_is_refused,
    "a17 a token without an end has none": every_bad_token_is_refused,
    "a17 Cognito's yes is taken for whose it is": nobody_comes_in_with_somebody_elses_token,
}


def test_every_break_of_it_has_its_check() -> None:
    assert set(CHECKS) == {name for name in BREAKS if name.startswith("a17")}


@pytest.mark.parametrize("name", CHECKS)
def test_a_break_is_noticed(name: str) -> None:
    with BREAKS[name](), pytest.raises(AssertionError):
        CHECKS[name]()
