"""How a call to Slack, JIRA, GitHub or the audit bucket can fail, told apart by what the caller may do next.

The clients translate every failure of their libraries into one of these and never let another one out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LETS_NOBODY_IN: Final = "not-let-in"  # a reason of ours, where a platform has many words for it
_CREDENTIALS: Final = frozenset(
    {LETS_NOBODY_IN, "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"}
)
LONGEST_WAIT: Final = 86_400.0  # seconds; a platform that names more is not believed


class PlatformError(Exception):
    """*platform* was asked to do *what* (a phrase such as "post a message") and did not say that it did."""

    __slots__ = ("detail", "platform", "what")

    def __init__(self, platform: str, what: str, detail: str) -> None:
        super().__init__(platform, what, detail)
        self.platform: Final = platform
        self.what: Final = what
        self.detail: Final = detail

    def __str__(self) -> str:
        return f"{self.platform} did not {self.what}: {self.detail}"


class Refused(PlatformError):
    """The platform understood and will not: asking again unchanged is useless."""

    __slots__ = ("reasons", "status")

    def __init__(
        self,
        platform: str,
        what: str,
        detail: str,
        *,
        status: int | None = None,
        reasons: tuple[str, ...] = (),
    ) -> None:
        super().__init__(platform, what, detail)
        self.status: Final = status
        self.reasons: Final = reasons

    @property
    def is_of_credentials(self) -> bool:
        """Whether the platform refuses whoever has this token: then it refuses everything, whatever is asked."""
        return self.status == 401 or not _CREDENTIALS.isdisjoint(self.reasons)

    def __str__(self) -> str:
        status = f" (HTTP {self.status})" if self.status is not None else ""
        return f"{self.platform} refused to {self.what}: {self.detail}{status}"


class TryLater(PlatformError):
    """Surely not done: ask again, *after* that many seconds, a day at most, if the platform named a number."""

    __slots__ = ("after",)

    def __init__(self, platform: str, what: str, detail: str, *, after: float | None = None) -> None:
        super().__init__(platform, what, detail)
        self.after: Final = None if after is None or math.isnan(after) else min(after, LONGEST_WAIT)

    def __str__(self) -> str:
        when = f"; try again in {self.after:g} s" if self.after is not None else ""
        return f"{self.platform} cannot {self.what} now: {self.detail}{when}"


class NotYet(TryLater):
    """It answered, and this one thing cannot be done yet: nothing else need wait for it."""

    __slots__ = ()


class Unknown(PlatformError):
    """May or may not have been done: look before asking again."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self.platform} may or may not have managed to {self.what}: {self.detail}"


@contextmanager
def a_look() -> Iterator[None]:
    """Run calls that only read, before one that writes: whatever becomes of them, nothing was done."""
    try:
        yield
    except Unknown as error:
        raise TryLater(error.platform, error.what, error.detail) from error
