"""The physical limit to compare with: DynamoDB's JSON over one keep-alive socket, with no SDK and no signing."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10


class RawError(Exception):
    """DynamoDB said no; the message is its error type, `answer` all it said."""

    def __init__(self, kind: str, answer: dict[str, Any]) -> None:
        super().__init__(kind)
        self.answer = answer


class Raw:
    """One connection to a local engine that does not check signatures."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.host = f"{parts.hostname}:{parts.port}"
        self.socket = socket.create_connection((parts.hostname, parts.port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.socket.makefile("rb")

    def __call__(self, operation: str, **asked: Any) -> dict[str, Any]:
        body = json.dumps(asked, default=list).encode()
        head = (
            f"POST / HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/x-amz-json-1.0\r\n"
            f"X-Amz-Target: DynamoDB_20120810.{operation}\r\nX-Amz-Date: 20300101T000000Z\r\n"
            "Authorization: AWS4-HMAC-SHA256 Credential=local/20300101/eu-west-1/dynamodb/aws4_request, "
            f"SignedHeaders=host, Signature=0\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)
        status = int(self.answers.readline().split()[1])
        length = 0
        while (line := self.answers.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer: dict[str, Any] = json.loads(self.answers.read(length) or b"{}")
        if status != 200:
            raise RawError(answer.get("__type", str(status)).split("#")[-1], answer)
        return answer

    def close(self) -> None:
        self.answers.close()
        self.socket.close()
