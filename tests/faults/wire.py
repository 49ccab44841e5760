"""The wire between the coordinator and the platforms: it names every call, and lets a mishap befall any of them.

It sits below every client library, in the standard library's HTTP, so that it sees what is really sent and can let
the process die, or time pass, at an exact moment. What platforms do wrong is done by the stand-ins' faults.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, TypeVar
from unittest.mock import patch
from urllib.parse import unquote, urlsplit

from sandbox.faults import Fault, Faults, Kind, Moment

T = TypeVar("T")

REPOSITORY = "acme/infra"
_VARYING = (
    (re.compile(r"\b[0-9a-f]{40}\b"), "SHA"),
    (re.compile(r"\bruns/\d+"), "runs/RUN"),
    (re.compile(r"\bpulls/\d+"), "pulls/NUMBER"),
    (re.compile(r"\bOPS-\d+"), "KEY"),
    (re.compile(r"\b[ap][aw]-[2-9a-z]{6}\b"), "ID"),
    (re.compile(r"^contents/requests/[^/]+/"), "contents/requests/FLOW/"),
    (re.compile(r"\bdeployments/\w+"), "deployments/DEPLOYMENT"),
    (re.compile(r"^response/.+"), "response"),
    (re.compile(r"\banchors/\d{4}-\d\d-\d\d\b"), "anchors/DAY"),
    (re.compile(r"\bID/\d{5}-[\w-]+"), "ID/FACT"),
)
_PREFIXES = ("/api/", "/rest/api/2/", f"/repos/{REPOSITORY}/", "/")


class Died(BaseException):
    """The coordinator's process was killed here; nothing in it may handle this."""


class Mishap(StrEnum):
    """What can befall a call: *before* the platform did what was asked, or *after* it."""

    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    LIMITED_BEFORE = "429-before"  # never after: no platform counts what it has refused as done
    ERROR_BEFORE = "500-before"
    ERROR_AFTER = "500-after"
    GATEWAY_BEFORE = "502-before"
    GATEWAY_AFTER = "502-after"
    MALFORMED_BEFORE = "malformed-before"
    MALFORMED_AFTER = "malformed-after"
    TIMEOUT_BEFORE = "timeout-before"
    TIMEOUT_AFTER = "timeout-after"
    CRASH_BEFORE = "crash-before"
    CRASH_AFTER = "crash-after"  # the answer has come, and is not recorded yet
    SLOW = "slow"  # the call takes seconds, while other workers go on


FAULTS: Mapping[Mishap, Callable[..., Fault]] = {
    Mishap.RESET_BEFORE: lambda **where: Fault(Kind.DROP, **where),
    Mishap.RESET_AFTER: lambda **where: Fault(Kind.DROP, Moment.AFTER, **where),
    Mishap.TIMEOUT_BEFORE: lambda **where: Fault(Kind.DROP, **where),  # nothing comes back in any case
    Mishap.LIMITED_BEFORE: lambda **where: Fault(Kind.STATUS, status=429, retry_after=3, **where),
    Mishap.ERROR_BEFORE: lambda **where: Fault(Kind.STATUS, status=500, **where),
    Mishap.ERROR_AFTER: lambda **where: Fault(Kind.STATUS, Moment.AFTER, status=500, **where),
    Mishap.GATEWAY_BEFORE: lambda **where: Fault(Kind.STATUS, status=502, **where),
    Mishap.GATEWAY_AFTER: lambda **where: Fault(Kind.STATUS, Moment.AFTER, status=502, **where),
    Mishap.MALFORMED_BEFORE: lambda **where: Fault(Kind.MALFORMED, **where),
    Mishap.MALFORMED_AFTER: lambda **where: Fault(Kind.MALFORMED, Moment.AFTER, **where),
}


BEFORE = frozenset(mishap for mishap in Mishap if mishap.endswith("-before"))


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a journey: what the coordinator was doing, and the how manieth of its kind it was in that."""

    doing: str
    platform: str
    route: str
    nth: int

    @property
    def kind(self) -> tuple[str, str, str]:
        """What is asked and for what: calls of one kind differ only in whom and in which state they find."""
        return self.doing.partition(":")[0], self.platform, self.route

    @property
    def is_of_a_job(self) -> bool:
        """Whether a job of GitHub Actions makes it, and not the coordinator."""
        return self.doing.endswith("-job")

    @property
    def goes_to_aws(self) -> bool:
        """Whether it is of those that change AWS, or of those that keep the trail there."""
        return self.is_of_a_job or self.platform == "aws"

    def __str__(self) -> str:
        again = f".{self.nth}" if self.nth > 1 else ""
        return f"{self.doing}.{self.platform}.{self.route}{again}"


def route_of(platform: str, method: str, path: str) -> str:
    """Name a call without what differs from run to run; Slack's methods are all sent by POST."""
    prefix = next(one for one in _PREFIXES if path.startswith(one))
    route = path.removeprefix(prefix)
    for pattern, word in _VARYING:
        route = pattern.sub(word, route)
    return route if platform == "slack" else f"{method}.{route.replace('/', '.')}"


@dataclass
class Sending:
    """A request that is being put together."""

    method: str
    path: str
    operation: str = ""  # of AWS, where the path does not tell it


@dataclass
class Wire:
    """Every call of one run. *befalls* says what happens to a call; it is asked once for each."""

    platforms: Mapping[int, str]  # by port
    faults: Mapping[str, Faults]  # by platform
    befalls: Callable[[Call], Mishap | None] = lambda _: None
    meanwhile: Callable[[], None] = lambda: None  # what happens while a slow call is under way
    calls: list[Call] = field(default_factory=list)
    doing: str = ""
    recording: str = ""  # what is being committed to the journal, if it has a name
    _counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _sending: dict[HTTPConnection, Sending] = field(default_factory=dict)
    _fates: dict[HTTPConnection, BaseException] = field(default_factory=dict)

    @contextmanager
    def during(self, doing: str) -> Iterator[None]:
        """Say what the coordinator is doing, for the names of its calls."""
        outer, self.doing = self.doing, doing
        try:
            yield
        finally:
            self.doing = outer

    @contextmanager
    def committing(self, what: str) -> Iterator[None]:
        """Say what is committed to the journal."""
        outer, self.recording = self.recording, what
        try:
            yield
        finally:
            self.recording = outer

    @contextmanager
    def tapped(self) -> Iterator[None]:
        """See every HTTP call of this process for as long as the block lasts."""
        begin, head = HTTPConnection.putrequest, HTTPConnection.putheader
        send, answer = HTTPConnection.endheaders, HTTPConnection.getresponse

        def begun(connection: HTTPConnection, method: str, url: str, *rest: Any, **named: Any) -> None:
            self._sending[connection] = Sending(method, unquote(urlsplit(url).path))
            begin(connection, method, url, *rest, **named)

        def headed(connection: HTTPConnection, name: str, *values: Any) -> None:
            if name == "X-Amz-Target":
                target = values[0].decode() if isinstance(values[0], bytes) else str(values[0])
                self._sending[connection].operation = target.rpartition(".")[2]
            head(connection, name, *values)

        def sent(connection: HTTPConnection, *body: Any, **named: Any) -> None:
            self._asked(connection, self._sending.pop(connection))
            send(connection, *body, **named)

        def answered(connection: HTTPConnection) -> HTTPResponse:
            fate = self._fates.pop(connection, None)
            if fate is None:
                return answer(connection)
            with suppress(OSError, HTTPException):
                answer(connection).close()
            connection.close()
            raise fate

        with (
            patch.object(HTTPConnection, "putrequest", begun),
            patch.object(HTTPConnection, "putheader", headed),
            patch.object(HTTPConnection, "endheaders", sent),
            patch.object(HTTPConnection, "getresponse", answered),
        ):
            yield

    def around(self, platform: str, route: str, do: Callable[[], T], lost: Callable[[], T]) -> T:
        """Make a call that is no HTTP of this process; *lost* is what its program says of a bad connection."""
        call, mishap = self._named(platform, route)
        if mishap is Mishap.CRASH_BEFORE:
            raise Died(str(call))
        if mishap is Mishap.SLOW:
            self.meanwhile()
        answer = do() if mishap not in BEFORE else None
        if mishap is Mishap.CRASH_AFTER:
            raise Died(str(call))
        return answer if answer is not None and mishap in {None, Mishap.SLOW} else lost()

    def _named(self, platform: str, route: str) -> tuple[Call, Mishap | None]:
        kind = (self.doing, platform, route)
        self._counts[kind] += 1
        call = Call(*kind, self._counts[kind])
        self.calls.append(call)
        return call, self.befalls(call)

    def _asked(self, connection: HTTPConnection, sending: Sending) -> None:
        platform = self.platforms.get(connection.port)
        if platform is None:  # somebody else's call, such as that of a job that is played
            return
        method, path = sending.method, sending.path
        call, mishap = self._named(platform, sending.operation or route_of(platform, method, path))
        if mishap in FAULTS:  # those of the platform
            where = {"method": method, "path": f"^{re.escape(path)}$"}
            self.faults[platform].add(FAULTS[mishap](**where))
        if mishap is Mishap.CRASH_BEFORE:
            raise Died(str(call))
        if mishap is Mishap.CRASH_AFTER:
            self._fates[connection] = Died(str(call))
        elif mishap in {Mishap.TIMEOUT_BEFORE, Mishap.TIMEOUT_AFTER}:
            self._fates[connection] = TimeoutError("timed out")
        elif mishap is Mishap.SLOW:
            self.meanwhile()
