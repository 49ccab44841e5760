"""What GitHub Actions tells a job about the event that started it, read once from the event's file.

Only numbers, commits and logins are taken: titles and branch names are anybody's words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sallyport.problems import Problem, Problems
from sallyport.reviews import PullRequest


@dataclass(frozen=True, slots=True)
class PullEvent:
    """The pull request that a job checks: nobody has merged it yet.

    `is_fork` if its branch is in another repository.
    """

    number: int
    url: str
    author: str
    head: str
    base: str
    is_fork: bool

    @property
    def as_seen(self) -> PullRequest:
        return PullRequest(self.number, self.url, "", self.author, self.head, self.base)


def pull_event(variables: Mapping[str, str]) -> PullEvent | None:
    """Return the pull request of the event, or None if it is about none; Problems if its file is no event."""
    path = variables.get("GITHUB_EVENT_PATH", "")
    if not variables.get("GITHUB_EVENT_NAME", "").startswith("pull_request") or not path:
        return None
    try:
        return _pull_of(json.loads(Path(path).read_bytes())["pull_request"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problems([Problem(f"the event of this job cannot be read: {error!r}")]) from error


def _pull_of(fields: Mapping[str, Any]) -> PullEvent:
    head, base = fields["head"], fields["base"]
    return PullEvent(
        number=int(fields["number"]),
        url=str(fields["html_url"]),
        author=str(fields["user"]["login"]),
        head=str(head["sha"]),
        base=str(base["ref"]),
        is_fork=head["repo"] is None or head["repo"]["full_name"] != base["repo"]["full_name"],
    )
