"""Seal: a signed record as bytes, in one spelling for good, and what is kept of the signature over them.

The spelling is canonical JSON (RFC 8785) of texts, whole numbers, yes and no, nothing, lists and objects: keys in
order, no spaces, UTF-8; times are UTC to the microsecond. Signed is the SHA-256 of these bytes, as a message of its own
(ECDSA on P-256 with SHA-256), so that a key which signs at most 4 KB signs a record of any length.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

# Of the spelling, said in the bytes and kept with each signature. In NAMED, each medicine has the name
# and the form that doctor and patient read; a record without them is spelled in FORM, as it was signed.
FORM, NAMED = 1, 2
FORMS = (FORM, NAMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What is kept beside a signed record: who signed, when and under which policy stands in the record itself."""

    form: int
    digest: str  # SHA-256 of the record's bytes, in hexadecimal: tells a changed record from a wrong signature
    value: str  # the signature, DER in base64
    key: str  # the id of the key, which outlives any one deployment


def spelled(kind: str, said: Mapping[str, object], form: int = FORM) -> bytes:
    """The bytes of a record of this kind. The same record gives the same bytes, on every machine and in every year."""
    whole = {"form": form, "kind": kind, **said}
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain).encode()


def _plain(value: object) -> str:
    assert isinstance(value, datetime), f"{type(value).__name__} has no spelling"
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def digest(words: bytes) -> bytes:
    return hashlib.sha256(words).digest()


def signature(words: bytes, value: bytes, key: str) -> Signature:
    return Signature(form=_form(words), digest=digest(words).hex(), value=base64.b64encode(value).decode(), key=key)


def raw(kept: Signature) -> bytes:
    """The signature itself; nothing for one that is not even written like one."""
    try:
        return base64.b64decode(kept.value, validate=True)
    except ValueError:
        return b""


def fits(words: bytes, kept: Signature) -> bool:
    """Whether these are the bytes that were signed; who signed them only the key can tell."""
    return kept.digest == digest(words).hex() and kept.form == _form(words) and kept.form in FORMS


def _form(words: bytes) -> int:
    """Which spelling these bytes say they are in."""
    return int(json.loads(words)["form"])
