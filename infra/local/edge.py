"""CloudFront on this machine: the deployed distribution's own settings, followed by a small proxy.

It reads the distribution and its cache policies from the local AWS and does what they say: the first behaviour that
fits a path, methods that are allowed, the origin's path and the headers it is shown, and how long an answer may
be kept. Kept is keyed by path alone, as the policies say (no cookie, no header, no query). The small function
that runs at the real edge is done here by hand: ministack keeps its code but does not run it.
"""

import contextlib
import fnmatch
import http.client
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from infra.local.aws import REGION

CONNECTIONS_MAX = 64
HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date"})
Kept = tuple[float, float, int, list[tuple[str, str]], bytes]


class Edge(ThreadingHTTPServer):
    """One distribution. `asked` counts what reached the API, by path."""

    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, cloudfront: Any, distribution: str, aws: str) -> None:
        super().__init__(("127.0.0.1", 0), _Viewer)
        config = cloudfront.get_distribution_config(Id=distribution)["DistributionConfig"]
        (self.origin,) = config["Origins"]["Items"]
        self.behaviors = [*config["CacheBehaviors"]["Items"], {**config["DefaultCacheBehavior"], "PathPattern": "*"}]
        self.longest = {one["CachePolicyId"]: self._longest(cloudfront, one["CachePolicyId"]) for one in self.behaviors}
        self.aws = urlsplit(aws).netloc
        self.kept: dict[str, Kept] = {}
        self.asked: dict[str, int] = {}

    def _longest(self, cloudfront: Any, policy: str) -> int:
        """Seconds. AWS's own policy CachingDisabled is known by its id and is not kept by ministack."""
        try:
            found = cloudfront.get_cache_policy(Id=policy)["CachePolicy"]["CachePolicyConfig"]
        except cloudfront.exceptions.ClientError:
            return 0
        return int(found["MaxTTL"])

    def behavior(self, path: str) -> Any:
        return next(one for one in self.behaviors if fnmatch.fnmatchcase(path, one["PathPattern"]))

    def fetch(self, method: str, address: str, headers: list[tuple[str, str]], body: bytes) -> Kept:
        """Ask the API, as its own host, with what the distribution shows it and what the edge's function adds."""
        path = address.partition("?")[0]
        self.asked[path] = self.asked.get(path, 0) + 1
        host = self.origin["DomainName"].replace(f".{REGION}.amazonaws.com", ".localhost")
        sent = {name: value for name, value in headers if name.lower() not in HOP}
        sent |= {one["HeaderName"]: one["HeaderValue"] for one in self.origin["CustomHeaders"]["Items"]}
        sent |= {"Host": host, "X-Forwarded-Proto": "https", "x-viewer": "203.0.113.7"}
        sent |= {"x-forwarded-host": {n.lower(): v for n, v in headers}["host"]}
        with contextlib.closing(http.client.HTTPConnection(self.aws, timeout=60)) as api:
            api.request(method, self.origin["OriginPath"] + address, body, sent)
            said = api.getresponse()
            told = [(name, value) for name, value in said.getheaders() if name.lower() not in HOP]
            fresh = _fresh({n.lower(): v for n, v in told}.get("cache-control", ""))
            longest = self.longest[self.behavior(path)["CachePolicyId"]] if said.status == 200 else 0
            return time.monotonic(), min(fresh, longest), said.status, told, said.read()


def _fresh(said: str) -> int:
    """Seconds an answer says that a shared cache may keep it."""
    if "private" in said or "no-store" in said:
        return 0
    found = re.search(r"s-maxage=(\d+)", said) or re.search(r"max-age=(\d+)", said)
    return int(found[1]) if found else 0


class _Viewer(BaseHTTPRequestHandler):
    server: Edge
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def answer(self) -> None:
        edge, path = self.server, self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        found, from_ = edge.kept.get(path), "Hit from cloudfront"
        if self.command not in edge.behavior(path)["AllowedMethods"]["Items"]:
            found, from_ = (0, 0, 403, [], b""), "Error from cloudfront"
        elif self.command != "GET" or found is None or time.monotonic() - found[0] >= found[1]:
            found, from_ = edge.fetch(self.command, self.path, list(self.headers.items()), body), "Miss from cloudfront"
            if self.command == "GET" and found[1]:
                edge.kept[path] = found
        _, _, status, headers, said = found
        self.send_response(status)
        for name, value in [*headers, ("X-Cache", from_), ("Content-Length", str(len(said)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def edge(cloudfront: Any, distribution: str, aws: str) -> Iterator[tuple[str, Edge]]:
    """Open it on a free port; gives its address."""
    server = Edge(cloudfront, distribution, aws)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server
    finally:
        server.shutdown()
        server.server_close()
