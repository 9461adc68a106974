"""The web server of `make run`: Chalice's own, made quick, quiet and polite."""

import sys
import time
import traceback
from http import HTTPStatus
from pathlib import Path
from typing import Any

from chalice import Chalice
from chalice.config import Config
from chalice.local import ChaliceRequestHandler, LocalDevServer, ThreadedHTTPServer

BODY_BYTES_MAX = 6 * 1024 * 1024  # Lambda takes no more
IDLE_SECONDS_MAX = 60
WAITING_CONNECTIONS_MAX = 128
SORRY = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<title>{title}</title><h1>{title}</h1><p>{text}<p><a href=/>Start again</a>"
)


class PortTaken(Exception):
    """Somebody else is listening there."""


class Handler(ChaliceRequestHandler):
    """One connection. Differs from Chalice's in manners only; what is asked and answered goes through Chalice."""

    # 44 ms become 0.2 ms a request: one write per answer, sent at once
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = IDLE_SECONDS_MAX
    server_version, sys_version = "clinic", ""

    def _generic_handle(self) -> None:
        started = time.perf_counter()
        self.answered = 0
        try:
            self._serve()
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True  # the person went away
        except Exception as broken:
            self._say_where(broken)
            self.close_connection = True
            if not self.answered:
                self._sorry(
                    HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong", "It is not your fault. Please try again."
                )
        # No query string: people type into it.
        path = self.path.partition("?")[0]
        print(
            f"{self.command:4} {path} {self.answered} {1000 * (time.perf_counter() - started):.0f} ms", file=sys.stderr
        )

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle

    def _serve(self) -> None:
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._refuse_body(HTTPStatus.BAD_REQUEST, "We could not read that")
        elif int(length) > BODY_BYTES_MAX:
            self._refuse_body(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is too large")
        else:
            super()._generic_handle()

    def _refuse_body(self, status: HTTPStatus, title: str) -> None:
        self.close_connection = True  # the body is still on its way; nothing after it can be trusted
        self._sorry(status, title, "Please go back and try again.")

    def _send_error_response(self, error: Any) -> None:
        # API Gateway says "Missing Authentication Token" for an address that does not exist; people deserve better.
        # infra/stack/api.json words it the same way in the cloud.
        if error.body and b"Missing Authentication Token" in error.body:
            self._sorry(HTTPStatus.NOT_FOUND, "We cannot find that page", "The address may be mistyped.")
        else:
            super()._send_error_response(error)

    def _send_http_response_with_body(self, code: int, headers: dict[str, Any], body: str | bytes) -> None:
        if self.command == "HEAD":
            self._send_http_response_no_body(code, headers)
        else:
            super()._send_http_response_with_body(code, headers, body)

    def _sorry(self, status: HTTPStatus, title: str, text: str) -> None:
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
        if self.close_connection:
            headers["Connection"] = "close"
        self._send_http_response_with_body(status.value, headers, SORRY.format(title=title, text=text))

    def _say_where(self, broken: Exception) -> None:
        """The kind of error and where it was, for the developer. Never its message: that may hold a patient's words."""
        print(f"{type(broken).__name__} while answering {self.command}", file=sys.stderr)
        for frame in traceback.extract_tb(broken.__traceback__)[-4:]:
            print(f"  {frame.filename}:{frame.lineno} in {frame.name}", file=sys.stderr)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.answered = int(code)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadedHTTPServer):
    request_queue_size = WAITING_CONNECTIONS_MAX

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke before it asked anything is nobody's news."""


def open_clinic(app: Chalice, root: Path, host: str, port: int, handler: type[Handler] = Handler) -> LocalDevServer:
    """Listen at host:port (a port of 0 takes a free one). Raises PortTaken."""
    config = Config.create(project_dir=str(root), chalice_app=lambda: app, lambda_timeout=30, lambda_memory_size=512)
    try:
        return LocalDevServer(app, config, host, port, handler_cls=handler, server_cls=Server)
    except OSError as why:
        raise PortTaken from why
