"""What stands around every listener: people go first, a fault is told in true words, the rest happens afterwards.

What follows an acknowledgement cannot take it back: Bolt loses an ack when its listener raises right after it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from coordinator.courtesy import Courtesy
from coordinator.journal import OutcomeUnknown
from coordinator.slack import replies
from sallyport.platforms.slack import Slack

log = structlog.get_logger()

Ack = Callable[..., object]  # Bolt's own takes whatever Slack takes as an answer
Body = Mapping[str, Any]
Listener = Callable[[Ack, Body], None]


@dataclass(slots=True)
class Once:
    """An ack that knows whether it was given: what was acknowledged is recorded, whatever fails after it."""

    ack: Ack
    given: bool = False

    def __call__(self, *arguments: Any, **named: Any) -> None:
        self.ack(*arguments, **named)
        self.given = True


@dataclass(frozen=True, slots=True)
class Answering:
    """How listeners are run, and how people are answered after the acknowledgement."""

    slack: Slack
    courtesy: Courtesy = field(default_factory=Courtesy)
    afterwards: Executor = field(default_factory=lambda: ThreadPoolExecutor(8, thread_name_prefix="afterwards"))

    def guarded(self, listener: Listener) -> Listener:
        """Wrap *listener*: whoever waits for it hears of a fault, and what it has acknowledged stands."""

        def guarded(ack: Ack, body: Body) -> None:
            once = Once(ack)
            try:
                with self.courtesy.serving():
                    listener(once, body)
            except Exception as error:
                fault = secrets.token_hex(3)
                log.exception("listener.failed", listener=listener.__name__, fault=fault)
                if not once.given:
                    self._say_broken(ack, body, _broken(error, fault))

        return guarded

    def later(self, do: Callable[..., object], *arguments: object) -> None:
        """Do something once nobody waits; its faults end in the log."""
        self.afterwards.submit(self._politely(do), *arguments)

    def answer(self, body: Body, text: str) -> None:
        """Tell the person where they are; the home tab has no place for words, so there they get a message."""
        url = body.get("response_url")
        if url:
            self.later(self.slack.respond, url, text)
        else:
            self.later(self._message, user_of(body), text)

    def _message(self, user: str, text: str) -> None:
        self.slack.post(user, text, marker=f"answer:{user}")

    def _politely(self, do: Callable[..., object]) -> Callable[..., object]:
        def politely(*arguments: object) -> None:
            self.courtesy.give_way()
            try:
                do(*arguments)
            except Exception as error:
                log.warning("afterwards.failed", call=getattr(do, "__name__", str(do)), error=str(error))

        return politely

    def _say_broken(self, ack: Ack, body: Body, text: str) -> None:
        """Tell the person what became of it; a form stays open with all that was typed."""
        view = body.get("view")
        if body.get("type") == "view_submission" and view is not None:
            first = next(iter(view["state"]["values"]))
            ack(response_action="errors", errors={first: text})
        elif "command" in body:
            ack(text)
        elif body.get("type") == "block_suggestion":
            ack(options=[])
        else:
            ack()
            if body.get("type") in {"block_actions", "shortcut"}:  # an ack carries no words to who pressed
                with suppress(RuntimeError):  # we are stopping
                    self.answer(body, text)


def user_of(body: Body) -> str:
    """Return the Slack id of who typed, pressed or did something."""
    if "event" in body:
        return str(body["event"]["user"])
    return str(body["user_id"] if "command" in body else body["user"]["id"])


def _broken(error: Exception, fault: str) -> str:
    return replies.unsure(fault) if isinstance(error, OutcomeUnknown) else replies.broken(fault)
