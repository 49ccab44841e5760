"""A raw server on loopback that keeps every request it read and then answers, or fails, as it was told.

It says how often a client really asked: no client library stands between the wire and the count.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Received:
    """One request, read to its last byte before anything was answered; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with this status, body (anything but bytes is sent as JSON) and headers."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def wire(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json", "Connection": "close", **self.headers}
        lines = [f"HTTP/1.1 {self.status} Said", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Raw:
    """Write these bytes, HTTP or not, and close."""

    wire: bytes


@dataclass(frozen=True, slots=True)
class Drop:
    """Close without a word after reading the request: politely (FIN) or with a reset (RST)."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """Read the request and say nothing until the server stops."""


Reply = Answer | Raw | Drop | Stall
Script = Reply | Callable[[Received], Reply]


class Loopback:
    """Serve *replies* in turn, the last one for ever; a reply may be a function of the request."""

    def __init__(self, *replies: Script) -> None:
        self._replies = list(replies) or [Answer()]
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.requests: list[Received] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://localhost:{self._server.server_address[1]}"

    @property
    def count(self) -> int:
        """How many requests have been read so far."""
        return len(self.requests)

    @property
    def asked(self) -> list[str]:
        """Method and path of each request, in order."""
        return [f"{request.method} {request.path}" for request in self.requests]

    def reply_to(self, request: Received) -> Reply:
        with self._lock:
            self.requests.append(request)
            script = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return script(request) if callable(script) else script

    def wait_until_stopped(self) -> None:
        self._stopped.wait(30)

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def refused_url() -> str:
    """Return the address of a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://localhost:{listener.getsockname()[1]}"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _handler(loopback: Loopback) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            request = _read(self)
            if request is not None:
                _do(loopback.reply_to(request), self.connection, loopback)

    return Handler


def _read(handler: socketserver.StreamRequestHandler) -> Received | None:
    first = handler.rfile.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := handler.rfile.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = handler.rfile.read(int(headers.get("content-length", "0")))
    return Received(first[0], first[1], headers, body)


def _do(reply: Reply, connection: socket.socket, loopback: Loopback) -> None:
    if isinstance(reply, Stall):
        loopback.wait_until_stopped()
    elif isinstance(reply, Drop):
        if reply.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    else:
        connection.sendall(reply.wire)
