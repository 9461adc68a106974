"""Tokens: whether a JSON Web Token is an access token of our user pool, by its own bytes and the pool's public keys.

RS256 and nothing else. Checking a signature needs no secret, so no library for cryptography is needed: one power modulo
the key, compared as a whole with the one padding that RFC 8017 (8.2.2) allows. A library would weigh 4 MB in the zip
and 60 ms at a sign-in. Everything not expected is refused, and always in the same way.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN_MAX = 8192
BITS_MIN = 2048
EXPONENT = 65537
SKEW_SECONDS = 60  # two clocks of one cloud
KEYS_KEPT_SECONDS = 6 * 3600
LOOK_AGAIN_SECONDS = 60  # for a key nobody knows: a stranger cannot make us ask for every token
_SHA256_DER = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, 9.2, note 1


class BadToken(Exception):
    """Not a token of ours. Why is for the test and for nobody else."""


@dataclass(slots=True)
class Keys:
    """The pool's public keys by their name (kid), fetched when first needed, and again after a while."""

    fetch: Callable[[], bytes]
    clock: Callable[[], float] = time.time
    known: dict[str, int] = field(default_factory=dict)
    at: float = float("-inf")

    def named(self, kid: str) -> int:
        """The modulus of a key. Raises BadToken for a name that the pool does not have."""
        age = self.clock() - self.at
        if age > KEYS_KEPT_SECONDS or (kid not in self.known and age > LOOK_AGAIN_SECONDS):
            self.known = dict(_usable(json.loads(self.fetch())["keys"]))
            self.at = self.clock()
        if kid not in self.known:
            raise BadToken("unknown key")
        return self.known[kid]


def _usable(keys: list[Mapping[str, str]]) -> list[tuple[str, int]]:
    """Keys for signatures of our one kind, of a size that is not broken."""
    found = []
    for key in keys:
        if key.get("kty") != "RSA" or key.get("alg", "RS256") != "RS256" or key.get("use", "sig") != "sig":
            continue
        n = int.from_bytes(_bytes(key["n"]), "big")
        if n.bit_length() >= BITS_MIN and int.from_bytes(_bytes(key["e"]), "big") == EXPONENT:
            found.append((str(key["kid"]), n))
    return found


def claims(token: str, *, keys: Keys, issuer: str, client: str, now: float) -> dict[str, Any]:
    """What an access token of this issuer for this client says. Raises BadToken for anything else."""
    if len(token) > TOKEN_MAX or token.count(".") != 2:
        raise BadToken("not three parts")
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    header = _object(head)
    if header.get("alg") != "RS256" or "crit" in header or not isinstance(header.get("kid"), str):
        raise BadToken("another kind of signature")
    _signed(signed.encode("ascii"), _bytes(signature), keys.named(header["kid"]))
    said = _object(body)
    if (said.get("iss"), said.get("client_id"), said.get("token_use")) != (issuer, client, "access"):
        raise BadToken("for somebody else")
    if _moment(said, "exp") <= now:
        raise BadToken("expired")
    if any(_moment(said, name) > now + SKEW_SECONDS for name in ("iat", "nbf", "auth_time") if name in said):
        raise BadToken("from the future")
    if "iat" not in said or not isinstance(said.get("username"), str) or not said["username"]:
        raise BadToken("does not say who or when")
    return said


def _signed(message: bytes, signature: bytes, n: int) -> None:
    """RSASSA-PKCS1-v1_5: what was signed is written out in full and compared, so that no byte is left to choose."""
    size = (n.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= n:
        raise BadToken("signature of another size")
    tail = _SHA256_DER + hashlib.sha256(message).digest()
    expected = b"\0\1" + b"\xff" * (size - len(tail) - 3) + b"\0" + tail
    if not hmac.compare_digest(pow(number, EXPONENT, n).to_bytes(size, "big"), expected):
        raise BadToken("bad signature")


def _moment(said: Mapping[str, Any], name: str) -> int:
    value = said.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadToken(f"no {name}")
    return value


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(part).decode("utf-8"), object_pairs_hook=_no_name_twice)
    except (ValueError, RecursionError) as broken:
        raise BadToken("not JSON") from broken
    if not isinstance(found, dict):
        raise BadToken("not an object")
    return found


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _bytes(part: str) -> bytes:
    """base64url without padding, in its one spelling."""
    try:
        raw = base64.b64decode(part.encode("ascii") + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError as broken:
        raise BadToken("not base64url") from broken
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != part:
        raise BadToken("not base64url")
    return raw
