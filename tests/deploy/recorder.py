"""A listener between a function and its table: passes everything on, and notes what IAM would have to permit."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

IN_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
CONNECTIONS_MAX = 128


class Recorder(ThreadingHTTPServer):
    """`permissions` are the IAM actions that were needed, `tables` and `indexes` where."""

    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, engine: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.engine = urlsplit(engine).netloc
        self.permissions: set[str] = set()
        self.tables: set[str] = set()
        self.indexes: set[str] = set()

    def note(self, operation: str, asked: dict[str, object]) -> None:
        """A transaction needs no permission of its own: each of its parts does."""
        parts = asked.get("TransactItems")
        if isinstance(parts, list):
            for part in parts:
                ((kind, inner),) = part.items()
                self.note(IN_TRANSACTION[kind], inner)
            return
        self.permissions.add(f"dynamodb:{operation}")
        batch = asked.get("RequestItems")
        self.tables |= set(batch) if isinstance(batch, dict) else {str(asked["TableName"])}
        if "IndexName" in asked:
            self.indexes.add(str(asked["IndexName"]))


class _Passing(BaseHTTPRequestHandler):
    server: Recorder
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.note(self.headers["x-amz-target"].partition(".")[2], json.loads(body))
        with contextlib.closing(http.client.HTTPConnection(self.server.engine)) as engine:
            engine.request("POST", "/", body, dict(self.headers))
            answer = engine.getresponse()
            said = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def recording(engine: str) -> Iterator[tuple[str, Recorder]]:
    """Gives the address to use instead of the engine's own, and what has been noted."""
    recorder = Recorder(engine)
    threading.Thread(target=recorder.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{recorder.server_address[1]}", recorder
    finally:
        recorder.shutdown()
        recorder.server_close()
