"""The signing key of a machine without KMS: the same curve and the same answers, in this process or over HTTP.

`Local` is for deeds that are called directly. `kms` answers what botocore's KMS client asks, for programs that know
nothing of this one, such as the unpacked zip. With a file the key outlives the process, as the data it signed does.
"""

import base64
import contextlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

KEY = "local-signing-key"
SHA256 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)  # RFC 6979: days are replayed to the byte


class Local:
    """A `Signer` whose key lies in this process."""

    key_id = KEY

    def __init__(self, file: Path | None = None) -> None:
        self._key = _kept(file) if file else ec.generate_private_key(ec.SECP256R1())

    def sign(self, digest: bytes) -> bytes:
        return self._key.sign(digest, SHA256)

    def verify(self, digest: bytes, signature: bytes, *, key: str) -> bool:
        if key != self.key_id:
            return False
        try:
            self._key.public_key().verify(signature, digest, SHA256)
        except InvalidSignature:
            return False
        return True

    def public_key(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(serialization.Encoding.DER, form)


def _kept(file: Path) -> ec.EllipticCurvePrivateKey:
    """The key in this file, made on first use and readable by its owner alone."""
    if not file.exists():
        fresh = ec.generate_private_key(ec.SECP256R1())
        pem = fresh.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            made.write(pem)
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


@contextlib.contextmanager
def kms(file: Path | None = None) -> Iterator[str]:
    """A KMS with one key, on a port of this machine, for the length of the block. Gives its address."""
    signer = Local(file)

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, said = _answer(signer, self.headers["X-Amz-Target"].rpartition(".")[2], asked)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _answer(signer: Local, operation: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """As KMS answers; blobs travel as base64."""
    if asked["KeyId"] != KEY:
        return 400, {"__type": "NotFoundException"}
    if operation == "GetPublicKey":
        return 200, {"KeyId": KEY, "PublicKey": base64.b64encode(signer.public_key()).decode()}
    message = base64.b64decode(asked["Message"])
    if operation == "Sign":
        return 200, {"KeyId": KEY, "Signature": base64.b64encode(signer.sign(message)).decode()}
    if operation == "Verify" and signer.verify(message, base64.b64decode(asked["Signature"]), key=KEY):
        return 200, {"KeyId": KEY, "SignatureValid": True}
    return 400, {"__type": "KMSInvalidSignatureException" if operation == "Verify" else "UnsupportedOperation"}
