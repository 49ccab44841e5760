"""Run an ASGI or WSGI stand-in on a loopback port, in a thread, for as long as a `with` block lasts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from types import TracebackType
from typing import Any

import uvicorn

PATIENCE = 120.0  # seconds to wait for what happens by itself; a machine may be slow


class _Stoppable(uvicorn.Server):
    """uvicorn looks ten times a second whether it shall stop; this one is told, since tests start very many."""

    _told: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def main_loop(self) -> None:
        told = asyncio.Event()
        self._told, ticks = (asyncio.get_running_loop(), told), 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), 0.1)

    def stop(self) -> None:
        """Stop at once, whoever is connected."""
        self.should_exit = self.force_exit = True
        if self._told is not None:
            loop, told = self._told
            loop.call_soon_threadsafe(told.set)


class Server:
    """One stand-in on `http://localhost:<port>`; `port=0` picks a free one.

    PyGithub insists that answers name the host it asked, so the host is the word `localhost`.
    """

    def __init__(self, app: Any, *, port: int = 0, wsgi: bool = False) -> None:
        self._socket = socket.create_server(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or each answer waits 40 ms
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            lifespan="off",
            interface="wsgi" if wsgi else "auto",
            log_level="critical",
            access_log=False,
        )
        self._server = _Stoppable(config)
        self._thread = threading.Thread(target=self._run, name=f"stand-in:{self.port}", daemon=True)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def __enter__(self) -> Server:
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join(5)
        self._socket.close()
