"""API Gateway on this machine: HTTP outside, proxy events inside, the routes and habits of the deployed template."""

import base64
import contextlib
import gzip
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.deploy.local_lambda import CONNECTIONS_MAX, Function

BODY_BYTES_MAX = 10 * 1024 * 1024
ANSWER_BYTES_MAX = 6 * 1024 * 1024

Template = dict[str, Any]
Answer = tuple[int, list[tuple[str, str]], bytes]


class Gateway:
    """One deployed API: it finds the route, asks the function, and passes on what it says."""

    def __init__(self, runs: Function, template: Template) -> None:
        api = template["Resources"]["RestAPI"]["Properties"]
        body = api["DefinitionBody"]
        self.runs = runs
        self.stage: str = api["StageName"]
        self.paths: dict[str, set[str]] = {path: {m.upper() for m in ways} for path, ways in body["paths"].items()}
        self.binary = set(body.get("x-amazon-apigateway-binary-media-types", ()))
        self.compress_from: int = api["MinimumCompressionSize"]
        self.not_found = api["GatewayResponses"]["MISSING_AUTHENTICATION_TOKEN"]

    def answer(self, method: str, address: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        url = urlsplit(address)
        prefix = f"/{self.stage}"
        if url.path != prefix and not url.path.startswith(f"{prefix}/"):
            return _plain(403, {"message": "Forbidden"})
        path = url.path.removeprefix(prefix) or "/"
        found = self.route(method, path)
        accept = _value(headers, "accept")
        if found is None:
            kind = "text/html" if "text/html" in accept else "application/json"
            text = self.not_found["ResponseTemplates"][kind]
            said = self.not_found["ResponseParameters"]["Headers"]
            headers = [("Content-Type", kind), *((name, value.strip("'")) for name, value in said.items())]
            return self.not_found["StatusCode"], headers, text.encode()
        event = self.event(method, path, found, url.query, headers, body)
        call = self.runs.invoke(json.dumps(event).encode())
        if not call.answered or len(call.said) > ANSWER_BYTES_MAX:
            return _plain(502, {"message": "Internal server error"})
        return self.unpack(json.loads(call.said), accept, _value(headers, "accept-encoding"))

    def route(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """The template's resource for a path, a fixed part winning over a {part}, and what the parts are."""
        parts = path.removesuffix("/").split("/")
        candidates = []
        for resource, methods in self.paths.items():
            pattern = resource.removesuffix("/").split("/")
            if method in methods and len(pattern) == len(parts):
                pairs = list(zip(pattern, parts, strict=True))
                if all(_is_part(want) and have or want == have for want, have in pairs):
                    given = {want[1:-1]: have for want, have in pairs if _is_part(want)}
                    candidates.append((len(given), resource, given))
        return min(candidates)[1:] if candidates else None

    def event(
        self,
        method: str,
        path: str,
        found: tuple[str, dict[str, str]],
        query: str,
        headers: list[tuple[str, str]],
        body: bytes,
    ) -> dict[str, Any]:
        """The REST proxy event, payload version 1.0, as Chalice reads it."""
        resource, given = found
        asked = parse_qs(query, keep_blank_values=True)
        many: dict[str, list[str]] = {}
        for name, value in headers:
            many.setdefault(name, []).append(value)
        kind = _value(headers, "content-type").partition(";")[0].strip()
        is_binary = kind in self.binary
        text = base64.b64encode(body).decode() if is_binary else body.decode("utf-8", errors="replace")
        return {
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": {name: values[-1] for name, values in many.items()},
            "multiValueHeaders": many,
            "queryStringParameters": {name: values[-1] for name, values in asked.items()} or None,
            "multiValueQueryStringParameters": asked or None,
            "pathParameters": given or None,
            "stageVariables": None,
            "body": text if body else None,
            "isBase64Encoded": is_binary and bool(body),
            "requestContext": {
                "apiId": "local",
                "stage": self.stage,
                "path": f"/{self.stage}{path}",
                "resourcePath": resource,
                "httpMethod": method,
                "requestId": str(uuid.uuid4()),
                "domainName": _value(headers, "host"),
                "identity": {"sourceIp": "127.0.0.1", "userAgent": _value(headers, "user-agent")},
            },
        }

    def unpack(self, said: dict[str, Any], accept: str, encodings: str) -> Answer:
        headers = [(name, value) for name, value in (said.get("headers") or {}).items()]
        headers += [(name, value) for name, values in (said.get("multiValueHeaders") or {}).items() for value in values]
        body = (said.get("body") or "").encode()
        first = accept.partition(",")[0].partition(";")[0].strip()
        if said.get("isBase64Encoded") and (first in self.binary or "*/*" in self.binary):
            body = base64.b64decode(body)
        elif len(body) >= self.compress_from and "gzip" in encodings and not _value(headers, "content-encoding"):
            body = gzip.compress(body, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        return said["statusCode"], headers, body


@contextlib.contextmanager
def gateway(runs: Function, template: Template) -> Iterator[str]:
    """Open the API on a free port. Gives its address: http://127.0.0.1:port/stage."""
    api = Gateway(runs, template)
    server = _Server(api)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/{api.stage}"
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, api: Gateway) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def answer(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        if size > BODY_BYTES_MAX:
            self.close_connection = True
            status, headers, body = _plain(413, {"message": "Request Entity Too Large"})
        else:
            asked = list(self.headers.items())
            status, headers, body = self.server.api.answer(self.command, self.path, asked, self.rfile.read(size))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, *_: object) -> None:
        pass


def _is_part(pattern: str) -> bool:
    return pattern.startswith("{")


def _value(headers: list[tuple[str, str]], name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


def _plain(status: int, said: dict[str, str]) -> Answer:
    return status, [("Content-Type", "application/json")], json.dumps(said).encode()
