"""What changes while people work: messages with all their versions, direct messages, one-time passes.

One lock guards everything; whoever waits is woken at each change. It must never talk to the app.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .views import Views

Json = dict[str, Any]
T = TypeVar("T")
TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60
RESPONSE_URL_USES = 5


class Refused(Exception):
    """Slack says no: the error code, and reasons for `response_metadata.messages`."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error, *messages)
        self.error = error
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said from `at` (unix seconds) until it was edited."""

    text: str
    blocks: tuple[Json, ...]
    metadata: Json | None
    at: float


@dataclass(slots=True)
class Posted:
    """A message. `audience` is the only person who sees it, if it is ephemeral; `values` holds menu choices."""

    channel: str
    ts: str
    author: str
    thread_ts: str | None
    audience: str | None
    versions: list[Version]
    values: dict[str, dict[str, dict[str, Json]]] = field(default_factory=dict)  # by user id
    deleted: bool = False

    @property
    def now(self) -> Version:
        return self.versions[-1]

    def visible_to(self, user: str) -> bool:
        return not self.deleted and self.audience in (None, user)


@dataclass(slots=True)
class Trigger:
    """Leave to open one form for one person; `view_id` is the form it was given in, if any."""

    user: str
    view_id: str | None
    at: float
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Leave to answer where something was typed or pressed; `ts` is the pressed message."""

    channel: str
    user: str
    ts: str | None
    at: float
    uses: int = 0


class State:
    """All of it. Read and change only inside `with state.change()`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.messages: list[Posted] = []
        self.direct: dict[str, str] = {}  # channel id -> the person on the other side of the bot
        self.views = Views()
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.revision = 0
        self._changed = threading.Condition(threading.RLock())
        self._last_tick = 0

    @contextmanager
    def change(self) -> Iterator[None]:
        with self._changed:
            yield
            self.revision += 1
            self._changed.notify_all()

    @contextmanager
    def look(self) -> Iterator[None]:
        with self._changed:
            yield

    def wait_for(self, sight: Callable[[], T | None], timeout: float) -> T | None:
        """What `sight` returns as soon as it is not None, or None after `timeout` seconds."""
        with self._changed:
            seen: list[T] = []

            def look() -> bool:
                found = sight()
                if found is not None:
                    seen.append(found)
                return found is not None

            self._changed.wait_for(look, timeout)
            return seen[-1] if seen else None

    def tick(self) -> str:
        """A message timestamp no other message has: unix seconds with six decimals, as Slack's ids are."""
        self._last_tick = max(self._last_tick + 1, int(self.clock() * 1_000_000))
        return f"{self._last_tick // 1_000_000}.{self._last_tick % 1_000_000:06d}"

    def open_direct(self, user: str) -> str:
        channel = "D0" + user.removeprefix("U0")
        self.direct[channel] = user
        return channel

    def post(
        self,
        channel: str,
        author: str,
        text: str,
        blocks: Sequence[Json],
        *,
        metadata: Json | None = None,
        thread_ts: str | None = None,
        audience: str | None = None,
    ) -> Posted:
        version = Version(text, tuple(blocks), metadata, self.clock())
        posted = Posted(channel, self.tick(), author, thread_ts, audience, [version])
        self.messages.append(posted)
        return posted

    def edit(self, posted: Posted, text: str, blocks: Sequence[Json], metadata: Json | None) -> None:
        posted.versions.append(Version(text, tuple(blocks), metadata, self.clock()))

    def find(self, channel: str, ts: str) -> Posted | None:
        """The message the Web API would find: ephemeral ones are not on record there."""
        for posted in self.messages:
            if (posted.channel, posted.ts) == (channel, ts) and posted.audience is None and not posted.deleted:
                return posted
        return None

    def on_record(self, channel: str) -> list[Posted]:
        return [m for m in self.messages if m.channel == channel and m.audience is None and not m.deleted]

    def grant_trigger(self, user: str, view_id: str | None) -> str:
        trigger_id = f"{int(self.clock() * 1000)}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(user, view_id, self.clock())
        return trigger_id

    def use_trigger(self, trigger_id: str) -> Trigger:
        """Spend a trigger. Refused when it is unknown, older than 3 s, or was spent before."""
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if trigger.used:
            raise Refused("exchanged_trigger_id")
        if self.clock() - trigger.at > TRIGGER_SECONDS:
            raise Refused("expired_trigger_id")
        trigger.used = True
        return trigger

    def grant_response_url(self, channel: str, user: str, ts: str | None) -> str:
        token = secrets.token_urlsafe(18)
        self.response_urls[token] = ResponseUrl(channel, user, ts, self.clock())
        return token

    def use_response_url(self, token: str) -> ResponseUrl:
        """Count one use. Refused after 5 uses or 30 minutes."""
        found = self.response_urls.get(token)
        if found is None:
            raise Refused("no_such_url")
        if self.clock() - found.at > RESPONSE_URL_SECONDS:
            raise Refused("expired_url")
        if found.uses >= RESPONSE_URL_USES:
            raise Refused("used_url")
        found.uses += 1
        return found
