"""Envelopes: what the table keeps for one browser and cannot read itself, because the key is the browser's own secret.

Of that secret the table has only a hash, so whoever reads the table or a backup opens nothing. Encrypt, then
authenticate, with HMAC-SHA256 for both: in counter mode it is a stream (as in NIST SP 800-108), over nonce and text it
is a MAC. Standard library only.
"""

import base64
import hashlib
import hmac
import secrets

NONCE_BYTES, TAG_BYTES, BLOCK_BYTES = 16, 32, 32


def closed(secret: str, text: str) -> str:
    plain, nonce = text.encode(), secrets.token_bytes(NONCE_BYTES)
    hidden = _stream(secret, nonce, plain)
    return base64.b64encode(nonce + _tag(secret, nonce + hidden) + hidden).decode()


def opened(secret: str, kept: str) -> str | None:
    """What was sealed under this secret; None if it was another secret or another text."""
    raw = base64.b64decode(kept)
    nonce, tag, hidden = raw[:NONCE_BYTES], raw[NONCE_BYTES : NONCE_BYTES + TAG_BYTES], raw[NONCE_BYTES + TAG_BYTES :]
    if not hmac.compare_digest(tag, _tag(secret, nonce + hidden)):
        return None
    return _stream(secret, nonce, hidden).decode()


def _stream(secret: str, nonce: bytes, data: bytes) -> bytes:
    key = _key(secret, b"stream")
    blocks = range(-(-len(data) // BLOCK_BYTES))
    pad = b"".join(hmac.digest(key, nonce + n.to_bytes(4, "big"), hashlib.sha256) for n in blocks)
    return bytes(a ^ b for a, b in zip(data, pad, strict=False))


def _tag(secret: str, data: bytes) -> bytes:
    return hmac.digest(_key(secret, b"tag"), data, hashlib.sha256)


def _key(secret: str, use: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"envelope " + use, hashlib.sha256)
