"""Who is calling: tokens, their logins and their permissions, as GitHub grants them to an App installation.

A job's token lives as long as its run; nothing here may ever widen what a token was given.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

JOBS_LOGIN = "github-actions[bot]"


@dataclass(frozen=True, slots=True)
class Token:
    """What one token may do; `permissions` maps a scope (`contents`, `actions`, …) to `read` or `write`."""

    login: str
    permissions: Mapping[str, str] = field(default_factory=dict)
    of_a_job: bool = False

    @property
    def is_bot(self) -> bool:
        return self.login.endswith("[bot]")

    @property
    def app(self) -> str:
        """The slug of the GitHub App as which it writes."""
        return self.login.removesuffix("[bot]")

    def may(self, scope: str, level: str) -> bool:
        granted = self.permissions.get(scope, "none")
        return granted == "write" or granted == level


class Accounts:
    """The tokens that are valid now: those given at the start and those of running jobs."""

    def __init__(self, tokens: Mapping[str, Token]) -> None:
        self._tokens = dict(tokens)
        self._lock = threading.Lock()

    def holder(self, authorization: str) -> Token | None:
        """The token behind an `Authorization` header; None when it is unknown, expired or malformed."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() not in {"token", "bearer"}:
            return None
        with self._lock:
            return self._tokens.get(value.strip())

    def reviewers(self) -> dict[str, Token]:
        """Everybody who may review, by login; neither jobs nor apps are asked."""
        with self._lock:
            found = [token for token in self._tokens.values() if token.may("pull-requests", "write")]
        return {token.login: token for token in found if not (token.of_a_job or token.is_bot)}

    def mint(self, permissions: Mapping[str, str]) -> str:
        """A new token for the jobs of one run."""
        value = f"ghs_{secrets.token_urlsafe(27)}"
        with self._lock:
            self._tokens[value] = Token(JOBS_LOGIN, dict(permissions), of_a_job=True)
        return value

    def revoke(self, value: str) -> None:
        with self._lock:
            self._tokens.pop(value, None)
