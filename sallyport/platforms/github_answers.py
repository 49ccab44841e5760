"""What GitHub answers, as values, and every way in which it or the road to it can fail, told apart.

It never guesses: an answer that lacks a field it must have tells nothing about what was done.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from github.GithubException import GithubException, RateLimitExceededException
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from sallyport.platforms.errors import NotYet, PlatformError, Refused, TryLater, Unknown

ACTIONS = "github-actions"  # the app as which the jobs of workflows write

_STALE = re.compile(r"Expected branch to point to|is at \S+ but expected")
_UNSURE = re.compile(r"Something went wrong|couldn't respond to your request in time|timed? ?out", re.IGNORECASE)
_MINUTE = 60.0
_UNSURE_TYPES = frozenset({"INTERNAL", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"})


class StaleHead(NotYet):
    """The branch moved after it was read: read its head again and decide anew."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A workflow run that a dispatch began."""

    id: int
    html_url: str
    api_url: str


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run has come; `conclusion` is None until `status` is `completed`."""

    id: int
    html_url: str
    status: str
    conclusion: str | None
    head_sha: str
    created_at: datetime
    attempt: int = 1  # how often it was started


@dataclass(frozen=True, slots=True)
class CheckRun:
    """A check on a commit, whoever wrote it: anybody with `checks: write` can use any name.

    GitHub itself says which app wrote it; `github-actions` is every workflow of the repository, not only ours.
    """

    external_id: str
    conclusion: str
    title: str
    summary: str
    text: str
    details_url: str
    app: str


def string(fields: Mapping[str, Any], name: str) -> str:
    """Return a field that must be there and must say something."""
    value = fields[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"“{name}” says nothing")
    return value


def whole(fields: Mapping[str, Any], name: str) -> int:
    """Return a whole number that must be there."""
    value = fields[name]
    if not isinstance(value, int):
        raise ValueError(f"“{name}” is no number")  # noqa: TRY004 - the answer is at fault, not a type of ours
    return value


def content(fields: Mapping[str, Any]) -> bytes:
    """Return the bytes of a blob or a file, which GitHub wraps in lines of base64."""
    if fields["encoding"] != "base64":
        raise ValueError(f"the encoding is “{fields['encoding']}”, not base64")
    return base64.b64decode(fields["content"])


def run_of(fields: Mapping[str, Any]) -> Run:
    """Return the run that a run object describes."""
    return Run(whole(fields, "id"), string(fields, "html_url"), string(fields, "url"))


def dispatched(fields: Mapping[str, Any]) -> Run:
    """Return the run that a dispatch says it began."""
    return Run(whole(fields, "workflow_run_id"), string(fields, "html_url"), string(fields, "run_url"))


def state_of(fields: Mapping[str, Any]) -> RunState:
    """Return how far the run has come that a run object describes."""
    created_at = datetime.fromisoformat(string(fields, "created_at"))
    if created_at.tzinfo is None:
        raise ValueError("“created_at” has no time zone")
    return RunState(
        id=whole(fields, "id"),
        html_url=string(fields, "html_url"),
        status=string(fields, "status"),
        conclusion=fields.get("conclusion") or None,
        head_sha=string(fields, "head_sha"),
        created_at=created_at,
        attempt=whole(fields, "run_attempt"),
    )


def check_of(fields: Mapping[str, Any]) -> CheckRun:
    """Return the check that a check-run object describes."""
    output = fields.get("output") or {}
    return CheckRun(
        external_id=str(fields.get("external_id") or ""),
        conclusion=str(fields.get("conclusion") or ""),
        title=str(output.get("title") or ""),
        summary=str(output.get("summary") or ""),
        text=str(output.get("text") or ""),
        details_url=str(fields.get("details_url") or ""),
        app=str((fields.get("app") or {}).get("slug") or ""),
    )


@contextmanager
def told_apart(what: str) -> Iterator[None]:
    """Translate everything that PyGithub lets out while it was asked to do *what*."""
    try:
        yield
    except GithubException as error:
        raise _said_no(what, error) from error
    except OSError as error:  # as every exception of requests is
        if _never_sent(error):
            raise TryLater("GitHub", what, f"no connection ({error})") from error
        raise Unknown("GitHub", what, f"no answer ({type(error).__name__}: {error})") from error
    except (ValueError, KeyError, AttributeError, TypeError, RuntimeError, OverflowError) as error:
        raise Unknown("GitHub", what, f"the answer makes no sense ({type(error).__name__}: {error})") from error


def _never_sent(error: OSError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError | ConnectTimeoutError)


def _said_no(what: str, error: GithubException) -> PlatformError:
    status, headers = int(error.status), error.headers or {}
    data = error.data if isinstance(error.data, dict) else {}
    words = str(error.message or data.get("message") or f"HTTP {status}")
    if _is_limit(error, headers):
        return TryLater("GitHub", what, words, after=_wait(headers))
    if status >= 500 or status == 408:
        return Unknown("GitHub", what, f"HTTP {status}")
    errors = data.get("errors")
    found = errors if isinstance(errors, list) else []
    if "errors" in data and "message" not in data:
        return _graphql_said_no(what, [one for one in found if isinstance(one, dict)], headers)
    return Refused("GitHub", what, words, status=status, reasons=(words, *map(_reason, found)))


def _graphql_said_no(what: str, errors: list[dict[str, Any]], headers: Mapping[str, str | int]) -> PlatformError:
    """GraphQL refuses with HTTP 200 and a list of errors, of which only some have a type."""
    messages = tuple(str(one.get("message") or one.get("type")) for one in errors)
    types = {str(one.get("type")) for one in errors}
    words = "; ".join(messages)
    if "STALE_DATA" in types or _STALE.search(words):
        return StaleHead("GitHub", what, words)
    if "RATE_LIMITED" in types:
        return TryLater("GitHub", what, words, after=_wait(headers))
    placed = [one for one in errors if one.get("type") or one.get("path") or one.get("extensions")]
    if not placed or types & _UNSURE_TYPES or _UNSURE.search(words):
        return Unknown("GitHub", what, words or "an error without words")
    return Refused("GitHub", what, words, reasons=messages)


def _reason(error: object) -> str:
    """Return what a 422 says about one field."""
    return str(error.get("message") or error.get("code")) if isinstance(error, dict) else str(error)


def _is_limit(error: GithubException, headers: Mapping[str, str | int]) -> bool:
    if error.status == 403:
        spent = headers.get("x-ratelimit-remaining") == "0"
        return isinstance(error, RateLimitExceededException) or "retry-after" in headers or spent
    return error.status == 429


def _wait(headers: Mapping[str, str | int]) -> float:
    """Return the seconds that GitHub asks for, by its own clock; a minute if it names none, as its manual says."""
    asked, reset = str(headers.get("retry-after", "")), str(headers.get("x-ratelimit-reset", ""))
    if asked.isdecimal():
        return float(asked)
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        try:
            return max(0.0, int(reset) - parsedate_to_datetime(str(headers.get("date"))).timestamp()) + 1
        except (ValueError, OverflowError):
            return _MINUTE
    return _MINUTE
