"""Sends signed requests at a steady rate and measures each from the moment it was due; a process for itself.

Open loop: a request is sent when it is due, whether or not the earlier ones were answered. Connections are kept
and used again, and opened where all are busy.
"""

from __future__ import annotations

import asyncio
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context

GIVES_UP = 10.0  # seconds; Slack does after three, and what took longer is told
STALE = 2.0  # seconds; uvicorn closes a connection that nothing was sent on for five
BEGINS = 0.5  # seconds before the first request is due

Payload = Callable[[int], dict[str, str]]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: when it was due and how long its answer took from then, in seconds; status 0 is none at all."""

    due: float
    took: float
    status: int
    body: bytes


def send(
    url: str, payload: Payload, sign: Callable[[str], dict[str, str]], rate: int, seconds: int
) -> list[Answered]:
    """Send *rate* requests a second from another process, and return what came of each."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_sent, (url, payload, sign, rate, seconds))


def _sent(
    url: str, payload: Payload, sign: Callable[[str], dict[str, str]], rate: int, seconds: int
) -> list[Answered]:
    return asyncio.run(_Sender(url, payload, sign).send(rate, rate * seconds))


class _Sender:
    def __init__(self, url: str, payload: Payload, sign: Callable[[str], dict[str, str]]) -> None:
        parts = urllib.parse.urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path
        self._payload = payload
        self._sign = sign
        self._free: list[tuple[float, Connection]] = []  # since when, the newest last

    async def send(self, rate: int, count: int) -> list[Answered]:
        start = time.monotonic() + BEGINS
        tasks = []
        for number in range(count):
            due = start + number / rate
            await asyncio.sleep(due - time.monotonic())
            tasks.append(asyncio.create_task(self._one(number, due)))
        answers = await asyncio.gather(*tasks)
        for _, (_, writer) in self._free:
            writer.close()
        return answers

    async def _one(self, number: int, due: float) -> Answered:
        try:
            async with asyncio.timeout(GIVES_UP):
                status, body = await self._ask(urllib.parse.urlencode(self._payload(number)))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            status, body = 0, b""
        return Answered(due, time.monotonic() - due, status, body)

    async def _ask(self, body: str) -> tuple[int, bytes]:
        connection = await self._connection()
        reader, writer = connection
        headers = {"Host": self._host, "Content-Length": str(len(body)), **self._sign(body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST {self._path} HTTP/1.1\r\n{head}\r\n{body}".encode())
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        sizes = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
        answer = await reader.readexactly(int(sizes[0]))
        self._free.append((time.monotonic(), connection))
        return int(status.split()[1]), answer

    async def _connection(self) -> Connection:
        if self._free:
            since, connection = self._free.pop()
            if time.monotonic() - since < STALE:
                return connection
            connection[1].close()
        return await asyncio.open_connection(self._host, self._port)
