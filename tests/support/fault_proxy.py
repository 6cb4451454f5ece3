"""A real HTTP proxy in front of a real service, that makes requests fail in the ways networks do."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive"}


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    method: str
    path: str  # with the query
    headers: dict[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """An answer to a request."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)


Forward = Callable[[], Answer]
Fault = Callable[[Request, Forward], "Answer | None"]  # None: the connection is closed without an answer


def answer(status: int, body: str = '{"message": "injected"}') -> Fault:
    """The service never sees the request; the client gets this answer."""
    return lambda request, forward: Answer(status, body.encode())


def lost_request() -> Fault:
    """The connection breaks before the service sees the request."""
    return lambda request, forward: None


def lost_response() -> Fault:
    """The service acts on the request, and the connection breaks before its answer arrives."""

    def fault(request: Request, forward: Forward) -> None:
        forward()

    return fault


def held_response(release: threading.Event) -> Fault:
    """The service acts on the request; the answer is held back until `release` is set."""

    def fault(request: Request, forward: Forward) -> Answer:
        received = forward()
        release.wait(60)
        return received

    return fault


def held_request(release: threading.Event) -> Fault:
    """The request is held back until `release` is set, and reaches the service then."""

    def fault(request: Request, forward: Forward) -> Answer:
        release.wait(60)
        return forward()

    return fault


def truncated(share: float) -> Fault:
    """The connection breaks after this share of the answer's body."""

    def fault(request: Request, forward: Forward) -> Answer:
        received = forward()
        length = ("Content-Length", str(len(received.body)))
        return Answer(received.status, received.body[: int(len(received.body) * share)], (*received.headers, length))

    return fault


class FaultProxy:
    """Forwards everything to `target`, except what `inject` says.

    It keeps the Host header, so that links which the service makes lead through the proxy too.

    :param target: base URL of the service
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self.requests: list[Request] = []
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._faults: list[tuple[str, re.Pattern[str], Fault, int | None]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def inject(self, method: str, path: str, fault: Fault, *, times: int | None = 1) -> None:
        """Make the next requests fail; None as `times`: all of them, until `heal`.

        :param path: regular expression, searched in path and query
        """
        with self._lock:
            self._faults.append((method, re.compile(path), fault, times))

    def heal(self) -> None:
        """From now on, let everything through."""
        with self._lock:
            self._faults.clear()

    def count(self, method: str, path: str) -> int:
        """How many matching requests have arrived."""
        return sum(request.method == method and bool(re.search(path, request.path)) for request in self.requests)

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def process(self, request: Request) -> Answer | None:
        """Answer one request."""
        self.requests.append(request)
        fault = self._next_fault(request)
        return fault(request, lambda: self._forward(request)) if fault else self._forward(request)

    def _next_fault(self, request: Request) -> Fault | None:
        with self._lock:
            for index, (method, pattern, fault, times) in enumerate(self._faults):
                if method == request.method and pattern.search(request.path):
                    if times == 1:
                        del self._faults[index]
                    elif times is not None:
                        self._faults[index] = (method, pattern, fault, times - 1)
                    return fault
        return None

    def _forward(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(*self._target, timeout=60)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request(request.method, request.path, body=request.body or None, headers=headers)
            received = connection.getresponse()
            body = received.read()
            kept = [
                (name, value)
                for name, value in received.getheaders()
                if name.lower() not in HOP_BY_HOP | {"content-length"}
            ]
            return Answer(received.status, body, tuple(kept))
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a held response must not hold the test up

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hung up: that is what the tests are about."""


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            received = proxy.process(Request(self.command, self.path, dict(self.headers.items()), body))
            if received is None:
                self.close_connection = True
                return
            self._send(received)

        def _send(self, received: Answer) -> None:
            self.send_response_only(received.status)
            for name, value in received.headers:
                self.send_header(name, value)
            lengths = [int(value) for name, value in received.headers if name.lower() == "content-length"]
            if not lengths:
                self.send_header("Content-Length", str(len(received.body)))
            self.end_headers()
            self.wfile.write(received.body)
            self.close_connection = bool(lengths)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
