"""Carries what people do to the app: over one of its open sockets, or as a signed HTTP POST, byte for byte logged.

Waits for the acknowledgement up to three seconds, as Slack does. It must never change state or repeat by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import itertools
import json
import secrets
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

Json = dict[str, Any]
ACK_SECONDS = 3.0
MOST_SOCKETS = 10
TIMED_OUT = "operation_timeout"
UNREACHABLE = "dispatch_failed"
_TAKES_ANSWER = ("slash_commands", "view_submission", "block_suggestion")


@dataclass(frozen=True, slots=True)
class Ack:
    """How the app answered: `error` is empty when it acknowledged in time; `status` is HTTP's (0 for a socket)."""

    body: Any = None
    error: str = ""
    status: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.error


@dataclass(frozen=True, slots=True)
class Delivery:
    """What went over the wire: `wire` is the socket frame or the HTTP body, `headers` are HTTP's."""

    kind: str
    payload: Json
    wire: bytes
    headers: Mapping[str, str]
    envelope_id: str


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's v0 signature over `v0:<timestamp>:<raw body>`."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def http_body(kind: str, payload: Json) -> tuple[bytes, str]:
    """The raw body and its content type: events are JSON, the rest are forms."""
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


@dataclass
class Sockets:
    """The app's open Socket Mode connections; each envelope goes to one of them in turn."""

    app_id: str
    tickets: set[str] = field(default_factory=set)
    _open: dict[str, tuple[WebSocket, asyncio.AbstractEventLoop]] = field(default_factory=dict)
    _waiting: dict[str, Future[Any]] = field(default_factory=dict)
    _turn: itertools.count[int] = field(default_factory=itertools.count)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def ticket(self) -> str:
        ticket = secrets.token_urlsafe(16)
        self.tickets.add(ticket)
        return ticket

    @property
    def count(self) -> int:
        return len(self._open)

    def wait_for(self, count: int, timeout: float) -> bool:
        """Whether there are `count` open sockets before `timeout` seconds have passed."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._open) == count, timeout)

    async def endpoint(self, socket: WebSocket) -> None:
        """One connection, from its single-use ticket to its end."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self.tickets:
            await socket.close(4401, "unknown or used ticket")
            return
        self.tickets.discard(ticket)
        await socket.accept()
        if self.count >= MOST_SOCKETS:
            await socket.send_text(_disconnect("too_many_websockets"))
            await socket.close()
            return
        name = secrets.token_hex(8)
        await socket.send_text(self._hello())
        self._put(name, socket)
        try:
            while True:
                self._acknowledged(json.loads(await socket.receive_text()))
        except WebSocketDisconnect:
            pass
        finally:
            self._drop(name)

    def deliver(self, wire: bytes, envelope_id: str, timeout: float) -> Ack:
        """Send one envelope to the next socket and wait for its acknowledgement."""
        started = time.monotonic()
        with self._changed:
            names = sorted(self._open)
            if not names:
                return Ack(error=UNREACHABLE)
            socket, loop = self._open[names[next(self._turn) % len(names)]]
            answer: Future[Any] = Future()
            self._waiting[envelope_id] = answer
        asyncio.run_coroutine_threadsafe(socket.send_text(wire.decode()), loop)
        try:
            body = answer.result(timeout)
        except NoAnswer:
            return Ack(error=TIMED_OUT, seconds=time.monotonic() - started)
        finally:
            self._waiting.pop(envelope_id, None)
        return Ack(body, seconds=time.monotonic() - started)

    def refresh(self, reason: str = "refresh_requested") -> None:
        """Recycle every connection as Slack does: tell the app, then hang up."""
        with self._changed:
            connections = list(self._open.items())
        for name, (socket, loop) in connections:
            self._drop(name)
            asyncio.run_coroutine_threadsafe(_hang_up(socket, reason), loop)

    def _put(self, name: str, socket: WebSocket) -> None:
        with self._changed:
            self._open[name] = (socket, asyncio.get_running_loop())
            self._changed.notify_all()

    def _drop(self, name: str) -> None:
        with self._changed:
            self._open.pop(name, None)
            self._changed.notify_all()

    def _acknowledged(self, frame: Json) -> None:
        waiting = self._waiting.get(frame.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(frame.get("payload"))

    def _hello(self) -> str:
        return json.dumps(
            {
                "type": "hello",
                "num_connections": self.count + 1,
                "connection_info": {"app_id": self.app_id},
                "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
            }
        )


def _disconnect(reason: str) -> str:
    return json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})


async def _hang_up(socket: WebSocket, reason: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):  # the app may have left already
        await socket.send_text(_disconnect(reason))
        await socket.close()


class Courier:
    """Delivers one payload by the transport in use and keeps what it sent for `replay` and `forge`."""

    def __init__(self, sockets: Sockets, signing_secret: str, request_url: str | None) -> None:
        self.sockets = sockets
        self.request_url = request_url
        self.ack_seconds = ACK_SECONDS
        self.sent: list[Delivery] = []
        self.timeouts: list[Delivery] = []
        self._secret = signing_secret

    def send(self, kind: str, payload: Json) -> Ack:
        """Deliver a new payload; `kind` is Socket Mode's envelope type."""
        delivery = self._signed(kind, payload) if self.request_url else _enveloped(kind, payload)
        self.sent.append(delivery)
        return self.carry(delivery)

    def carry(self, delivery: Delivery) -> Ack:
        """Put a delivery on the wire exactly as it is."""
        if self.request_url:
            ack = _post(self.request_url, delivery.wire, delivery.headers, self.ack_seconds)
        else:
            ack = self.sockets.deliver(delivery.wire, delivery.envelope_id, self.ack_seconds)
        if ack.error == TIMED_OUT:
            self.timeouts.append(delivery)
        return ack

    def forged(self, payload: Json | None, secret: str | None, age: float, headers: Mapping[str, str]) -> Ack:
        """POST a payload (by default the last) with a signature of our choosing."""
        if not self.request_url:
            raise RuntimeError("only HTTP requests carry a signature: set request_url")
        last = self.sent[-1] if self.sent else None
        if payload is None and last is None:
            raise RuntimeError("nothing was delivered yet that could be forged: give a payload")
        if payload is not None:
            kind = "slash_commands" if "command" in payload else "interactive"
            wire, content_type = http_body(kind, payload)
        else:
            assert last is not None
            wire, content_type = last.wire, last.headers["Content-Type"]
        signed = _signed_headers(secret or self._secret, wire, content_type, age)
        return _post(self.request_url, wire, {**signed, **headers}, self.ack_seconds)

    def _signed(self, kind: str, payload: Json) -> Delivery:
        wire, content_type = http_body(kind, payload)
        return Delivery(kind, payload, wire, _signed_headers(self._secret, wire, content_type, 0.0), "")


def _signed_headers(secret: str, wire: bytes, content_type: str, age: float) -> dict[str, str]:
    timestamp = str(int(time.time() - age))
    return {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature(secret, timestamp, wire),
    }


def _enveloped(kind: str, payload: Json) -> Delivery:
    envelope_id = secrets.token_hex(16)
    takes_answer = kind in _TAKES_ANSWER or payload.get("type") in _TAKES_ANSWER
    envelope = {
        "envelope_id": envelope_id,
        "type": kind,
        "accepts_response_payload": takes_answer,
        "payload": payload,
    }
    return Delivery(kind, payload, json.dumps(envelope).encode(), {}, envelope_id)


def _post(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Ack:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    started = time.monotonic()
    try:
        connection.request("POST", parts.path or "/", body, {"User-Agent": "Slackbot 1.0", **headers})
        response = connection.getresponse()
        raw = response.read().decode()
    except TimeoutError:
        return Ack(error=TIMED_OUT, seconds=time.monotonic() - started)
    except OSError:
        return Ack(error=UNREACHABLE, seconds=time.monotonic() - started)
    finally:
        connection.close()
    error = "" if response.status == 200 else UNREACHABLE
    body_read = _answer(raw, response.getheader("Content-Type", ""))
    return Ack(body_read, error, response.status, time.monotonic() - started)


def _answer(raw: str, content_type: str) -> Any:
    if not raw:
        return None
    return json.loads(raw) if content_type.startswith("application/json") else {"text": raw}
