"""What Slack answers, as values, and every way in which it or the road to it can fail, told apart.

It never guesses: an answer that lacks a field it must have tells nothing about what was done.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError

from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookResponse

from sallyport.platforms.errors import PlatformError, Refused, TryLater, Unknown

EVENT_TYPE = "sallyport"  # of the metadata on every message of ours

_UNSURE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_LATER = frozenset({"ratelimited", "rate_limited"})
_CODE = re.compile(r"[A-Za-z0-9_.:-]+")
_NEVER_SENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)

Fields = SlackResponse | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message of ours stands; the two together name it for ever."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class SlackUser:
    """A member as Slack sees them; `email` is empty without the scope or where the profile has none."""

    id: str
    team_id: str
    name: str
    real_name: str
    email: str
    is_bot: bool
    deleted: bool
    is_guest: bool
    is_stranger: bool
    tz: str
    enterprise_id: str = ""  # in an Enterprise Grid: the organisation, and the workspaces of it
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Home:
    """The workspace that the app is installed in, our bot, and the organisation around it (none outside a Grid).

    Slack's `is_stranger` is false for somebody of another company who shares a channel with us (docs.slack.dev,
    “User object”), so only this tells who is one of ours.
    """

    team_id: str
    enterprise_id: str = ""
    bot_user_id: str = ""  # ours

    def holds(self, user: SlackUser) -> bool:
        """Tell whether *user* is a member here, and not somebody of another company in a shared channel."""
        same_organisation = bool(self.enterprise_id) and user.enterprise_id == self.enterprise_id
        return same_organisation or self.team_id in (user.team_id, *user.teams)


def string(fields: Fields, name: str) -> str:
    """Return a field that must be there and must say something."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"no “{name}” in it")
    return value


def part(fields: Fields, name: str) -> Mapping[str, Any]:
    """Return an object that must be there."""
    value = fields.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"no “{name}” in it")  # noqa: TRY004 - the answer is at fault, not a type of ours
    return value


def listed(fields: Fields, name: str) -> list[Any]:
    """Return a list that must be there."""
    value = fields.get(name)
    if not isinstance(value, list):
        raise ValueError(f"no “{name}” in it")  # noqa: TRY004 - the answer is at fault, not a type of ours
    return value


def next_cursor(answer: SlackResponse) -> str | None:
    """Return where the next page starts, or None on the last page."""
    return (answer.get("response_metadata") or {}).get("next_cursor") or None


def posted(answer: SlackResponse) -> Posted:
    """Return where the message stands that this answer is about."""
    return Posted(string(answer, "channel"), string(answer, "ts"))


def marker_of(message: Mapping[str, Any]) -> object:
    """Return the marker that we, or somebody who claims to be us, put on *message*."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    return (metadata.get("event_payload") or {}).get("effect")


def member(fields: Mapping[str, Any]) -> SlackUser:
    """Return the person or bot that a user object describes."""
    profile, grid = fields.get("profile") or {}, fields.get("enterprise_user") or {}
    return SlackUser(
        id=string(fields, "id"),
        team_id=str(fields.get("team_id") or ""),
        name=str(fields.get("name") or ""),
        real_name=str(profile.get("real_name") or fields.get("real_name") or ""),
        email=str(profile.get("email") or ""),
        is_bot=bool(fields.get("is_bot")),
        deleted=bool(fields.get("deleted")),
        is_guest=bool(fields.get("is_restricted") or fields.get("is_ultra_restricted")),
        is_stranger=bool(fields.get("is_stranger")),
        tz=str(fields.get("tz") or ""),
        enterprise_id=str(grid.get("enterprise_id") or ""),
        teams=tuple(map(str, grid.get("teams") or ())),
    )


@contextmanager
def told_apart(what: str) -> Iterator[None]:
    """Translate everything that slack_sdk lets out while it was asked to do *what*."""
    try:
        yield
    except SlackApiError as error:
        raise _said_no(what, error.response) from error
    except URLError as error:
        if isinstance(error.reason, _NEVER_SENT):
            raise TryLater("Slack", what, f"no connection ({error.reason})") from error
        raise Unknown("Slack", what, f"the connection failed ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise Unknown("Slack", what, f"no answer ({error or type(error).__name__})") from error
    except (ValueError, KeyError, AttributeError, TypeError, RuntimeError, OverflowError) as error:
        raise Unknown("Slack", what, f"the answer makes no sense ({error})") from error


def accepted(what: str, answer: WebhookResponse) -> None:
    """Raise unless a response_url took the text; unlike the API it answers in words, not in JSON."""
    status, words = answer.status_code, str(answer.body)[:200].strip()
    if status == 429:
        raise TryLater("Slack", what, "too many requests", after=_retry_after(answer.headers))
    if 400 <= status < 500:
        raise Refused("Slack", what, words or f"HTTP {status}", status=status, reasons=(words,))
    if status != 200:
        raise Unknown("Slack", what, f"HTTP {status}")


def _said_no(what: str, answer: SlackResponse) -> PlatformError:
    status = int(answer.status_code)
    data = answer.data if isinstance(answer.data, dict) else {}
    code = str(data.get("error") or "")
    if status == 429 or code in _LATER:
        return TryLater("Slack", what, "too many requests", after=_retry_after(answer.headers))
    if status >= 500 or code in _UNSURE:
        return Unknown("Slack", what, f"HTTP {status}, {code}" if _CODE.fullmatch(code) else f"HTTP {status}")
    if _CODE.fullmatch(code):
        reasons = (code, *_messages(data))
        return Refused("Slack", what, "; ".join(reasons), status=status, reasons=reasons)
    if status >= 400:
        return Refused("Slack", what, "no reason given", status=status)
    return Unknown("Slack", what, "the answer makes no sense (it is not JSON from Slack)")


def _messages(data: Mapping[str, Any]) -> list[str]:
    """Return the sentences that Slack adds to codes such as `invalid_blocks`."""
    metadata = data.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    return [str(message) for message in messages] if isinstance(messages, list) else []


def _retry_after(headers: Mapping[str, Any]) -> float | None:
    seconds = {name.lower(): value for name, value in headers.items()}.get("retry-after")
    return float(seconds) if isinstance(seconds, str) and seconds.isdecimal() else None
