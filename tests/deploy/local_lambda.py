"""AWS on this machine, as far as the deployed zip can tell: Lambda's runtime API with real workers, and API Gateway.

A worker is Amazon's own runtime client (awslambdaric) on the unpacked zip, without this checkout's libraries: what
is missing from the zip is missing here. The gateway speaks HTTP outside and proxy events inside, knows the routes
from the template that is deployed, lives under the stage's name, and keeps API Gateway's habits, including the
unhelpful ones (only the first type in Accept decides whether bytes come back as bytes).
"""

import contextlib
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

ANSWER_SECONDS_MAX = 30
CONNECTIONS_MAX = 128
RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot_restore_py", "runtime_client")


@dataclass
class Call:
    """One event on its way through a worker."""

    event: bytes
    sampled: bool = True  # X-Ray keeps its trace
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace: str = field(default_factory=lambda: f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}")
    done: threading.Event = field(default_factory=threading.Event)
    answered: bool = False  # by the function itself; else `said` is the runtime's report of an error
    said: bytes = b""


class Function:
    """A Lambda function with its workers. Each takes one event at a time, as Lambda's do."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.workers: list[subprocess.Popen[bytes]] = []
        self.waiting: queue.Queue[Call] = queue.Queue()
        self.underway: dict[str, Call] = {}
        self.broken: list[bytes] = []  # what a worker said when it could not even start

    def invoke(self, event: bytes, *, sampled: bool = True) -> Call:
        """Run one event through whichever worker is free. Raises TimeoutError when none answers."""
        call = Call(event, sampled)
        self.underway[call.id] = call
        self.waiting.put(call)
        until = time.monotonic() + ANSWER_SECONDS_MAX
        while not call.done.wait(0.1):
            if time.monotonic() > until or self.broken or all(w.poll() is not None for w in self.workers):
                raise TimeoutError(f"{self.broken}\n{self.log.read_text(errors='replace')[-2000:]}")
        return call

    def cpu_seconds(self) -> float:
        """What the workers have used so far, all threads, to the nanosecond (Linux)."""
        threads = [thread for worker in self.workers for thread in Path(f"/proc/{worker.pid}/task").iterdir()]
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


@contextlib.contextmanager
def function(task: Path, *, workers: int = 1, handler: str = "app.app", **settings: str) -> Iterator[Function]:
    """The zip unpacked in `task`, running. `settings` go into its environment, beside what Lambda puts there."""
    with tempfile.TemporaryDirectory(prefix="lambda-") as folder:
        runs = Function(Path(folder, "log"))
        api = _RuntimeApi(runs)
        threading.Thread(target=api.serve_forever, args=(0.05,), daemon=True).start()
        environment = _lambda_environment(task, Path(folder), api.server_address[1], handler) | settings
        log = runs.log.open("wb")
        command = [sys.executable, "-S", "-m", "awslambdaric", handler]
        try:
            runs.workers = [
                subprocess.Popen(command, cwd=task, env=environment, stdout=log, stderr=subprocess.STDOUT)
                for _ in range(workers)
            ]
            yield runs
        finally:
            for worker in runs.workers:
                worker.kill()
                worker.wait()
            log.close()
            api.shutdown()
            api.server_close()


@contextlib.contextmanager
def traces() -> Iterator[tuple[str, list[bytes]]]:
    """Where X-Ray's daemon would listen, and everything it was told, for a function's AWS_XRAY_DAEMON_ADDRESS."""
    told: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(0.1)
        closing = threading.Event()

        def listen() -> None:
            while not closing.is_set():
                with contextlib.suppress(TimeoutError):
                    told.append(ear.recv(65536).partition(b"\n")[2])

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield f"127.0.0.1:{ear.getsockname()[1]}", told
        finally:
            closing.set()
            listener.join()


class _RuntimeApi(ThreadingHTTPServer):
    """Lambda's runtime API, version 2018-06-01: a worker asks for the next event and posts what came of it."""

    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, runs: Function) -> None:
        super().__init__(("127.0.0.1", 0), _Worker)
        self.runs = runs

    def handle_error(self, request: object, client_address: object) -> None:
        """A worker that was stopped hangs up; that is how it ends."""


class _Worker(BaseHTTPRequestHandler):
    """One worker's connection."""

    server: _RuntimeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        call = self.server.runs.waiting.get()
        self.send_response(200)
        deadline = int((time.time() + ANSWER_SECONDS_MAX) * 1000)
        for name, value in (
            ("Aws-Request-Id", call.id),
            ("Deadline-Ms", str(deadline)),
            ("Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:clinic-api"),
            ("Trace-Id", f"Root={call.trace};Parent={uuid.uuid4().hex[:16]};Sampled={int(call.sampled)}"),
        ):
            self.send_header(f"Lambda-Runtime-{name}", value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(call.event)))
        self.end_headers()
        self.wfile.write(call.event)

    def do_POST(self) -> None:
        said = self._body()
        *_, id, outcome = self.path.split("/")
        if call := self.server.runs.underway.pop(id, None):
            call.answered, call.said = outcome == "response", said
            call.done.set()
        else:
            self.server.runs.broken.append(said)
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *_: object) -> None:
        pass


def _lambda_environment(task: Path, folder: Path, port: int, handler: str) -> dict[str, str]:
    """What Lambda sets for every function. The runtime client lies apart from the checkout's libraries."""
    client = folder / "runtime"
    client.mkdir()
    for name in RUNTIME_CLIENT:
        spec = find_spec(name)
        assert spec is not None, f"{name} is not installed"
        assert spec.origin is not None
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, client / origin.parent.name)
        else:
            shutil.copyfile(origin, client / origin.name)
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": f"{task}{os.pathsep}{client}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(task),
        "_HANDLER": handler,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": "clinic-api",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/clinic-api",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "TABLE": "clinic",
    }
