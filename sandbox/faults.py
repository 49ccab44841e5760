"""Faults that a test or a visitor can switch on in any stand-in: late, refused, broken or lost answers.

A fault is taken from the queue by the first call that matches it. `before` faults answer instead of doing
the work; `after` faults do the work and then spoil the answer, which is how a client loses track of a write.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Moment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class Kind(StrEnum):
    DELAY = "delay"  # answer `seconds` late
    DROP = "drop"  # close the connection without an answer
    STATUS = "status"  # answer with `status`, and with Retry-After if it is 429 or `retry_after` says so
    MALFORMED = "malformed"  # 200 with a body that is not what the API promises


@dataclass(frozen=True, slots=True)
class Fault:
    """One spoilt answer for the next call whose method and path match; `times` such calls."""

    kind: Kind
    moment: Moment = Moment.BEFORE
    method: str = ".*"
    path: str = ".*"
    status: int = 502
    seconds: float = 0.0
    retry_after: int | None = None  # seconds
    times: int = 1

    def matches(self, method: str, path: str) -> bool:
        return bool(re.fullmatch(self.method, method) and re.search(self.path, path))


@dataclass
class Faults:
    """The faults waiting in one stand-in, a log of every call it got, and the seconds that each answer took."""

    waiting: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self.waiting.extend([fault] * fault.times)

    def clear(self) -> None:
        with self._lock:
            self.waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self.calls.append((method, path))
            for fault in self.waiting:
                if fault.matches(method, path):
                    self.waiting.remove(fault)
                    return fault
        return None


class FaultyApp:
    """ASGI middleware, outermost, that lets `faults` spoil answers of `app`."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.take(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            start = time.monotonic()
            await self._app(scope, receive, send)
            self._faults.seconds.append(time.monotonic() - start)
            return
        if fault.moment is Moment.AFTER:
            await self._app(scope, receive, _discard)
        await self._spoil(fault, scope, receive, send)

    async def _spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        match fault.kind:
            case Kind.DELAY:
                await asyncio.sleep(fault.seconds)
                if fault.moment is Moment.BEFORE:
                    await self._app(scope, receive, send)
                    return
                _abort(send)
            case Kind.DROP:
                _abort(send)
            case Kind.STATUS:
                after = 1 if fault.retry_after is None and fault.status == 429 else fault.retry_after
                headers = {} if after is None else {"Retry-After": str(after)}
                answer = JSONResponse({"message": "fault"}, status_code=fault.status, headers=headers)
                await answer(scope, receive, send)
            case Kind.MALFORMED:
                await JSONResponse("not what was promised")(scope, receive, send)


async def _discard(message: Message) -> None:
    """Swallow an answer: the work is done, nobody will hear of it."""


def _abort(send: Send) -> None:
    """Cut the TCP connection under uvicorn's request cycle, whose `send` this is."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]  # uvicorn offers no public way
