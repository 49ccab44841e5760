"""What a failed call to JIRA means: refused, surely not done, or unknown.

Every exception of the `jira` package and of `requests` below it ends here; none is passed on as it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import requests
from jira.exceptions import JIRAError
from urllib3.exceptions import NewConnectionError

from sallyport.platforms.errors import PlatformError, Refused, TryLater, Unknown

PLATFORM: Final = "JIRA"
_BROKEN: Final = "its answer is not what its API promises"
_LONGEST_DETAIL: Final = 500

_HINTS: Final = {
    401: "check JIRA_TOKEN (and JIRA_USER, for JIRA Cloud)",
    410: "this looks like JIRA Cloud, which needs JIRA_USER",
}
_NEVER_SENT = (
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Run calls to JIRA that together *what* (a phrase such as "open a ticket"), and translate failures."""
    try:
        yield
    except PlatformError:
        raise
    except JIRAError as error:
        raise _answered(what, error) from error
    except requests.RequestException as error:
        raise _unanswered(what, error) from error
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise Unknown(PLATFORM, what, _BROKEN) from error


def _answered(what: str, error: JIRAError) -> PlatformError:
    response: requests.Response | None = error.response
    if response is None:
        return Unknown(PLATFORM, what, "it gave no answer")
    status = response.status_code
    detail, reasons = _explanation(response)
    if status == 429 or (status == 503 and "Retry-After" in response.headers):
        return TryLater(PLATFORM, what, detail, after=_seconds(response.headers.get("Retry-After")))
    if 400 <= status < 500 and status != 408:
        return Refused(PLATFORM, what, detail, status=status, reasons=reasons)
    return Unknown(PLATFORM, what, f"{detail} (HTTP {status})")


def _unanswered(what: str, error: requests.RequestException) -> PlatformError:
    if isinstance(error, _NEVER_SENT):
        return Refused(PLATFORM, what, f"its address cannot be used: {error}")
    if isinstance(error, requests.JSONDecodeError):
        return Unknown(PLATFORM, what, _BROKEN)
    if isinstance(error, requests.TooManyRedirects):
        return Refused(PLATFORM, what, "it redirects to another address; set JIRA_URL to the final one")
    causes = list(_causes(error))
    if certificate := next((each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None):
        return TryLater(PLATFORM, what, f"its certificate is not trusted: {certificate}")
    if isinstance(error, requests.ConnectTimeout) or any(isinstance(each, NewConnectionError) for each in causes):
        return TryLater(PLATFORM, what, "no connection could be made")
    if isinstance(error, requests.Timeout):
        return Unknown(PLATFORM, what, "it did not answer in time")
    return Unknown(PLATFORM, what, "the connection was lost before it answered")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Everything under an exception: requests and urllib3 keep causes in arguments and in `reason`."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        pending += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]


def _explanation(response: requests.Response) -> tuple[str, tuple[str, ...]]:
    """JIRA's own words: one sentence for a person, and `field: reason` for each field."""
    body = _json_object(response)
    messages = body.get("errorMessages")
    errors = body.get("errors")
    reasons = tuple(f"{name}: {why}" for name, why in errors.items()) if isinstance(errors, dict) else ()
    words = [str(each) for each in messages] if isinstance(messages, list) else []
    denied = response.headers.get("X-Authentication-Denied-Reason")
    fallback = body.get("message") or response.reason or "no reason given"
    said = [*words, *reasons, *([denied] if denied else [])] or [str(fallback)]
    if hint := _HINTS.get(response.status_code):
        said.append(hint)
    return "; ".join(said)[:_LONGEST_DETAIL], reasons


def _json_object(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds from now, whether it is a number or a date."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
