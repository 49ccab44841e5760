"""Reviews of a pull request as approvals of the entries it brings: values, and pure decisions over them.

All logins are as GitHub gives them; a person is whoever `policies/people.yaml` binds a login to, and nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

APPROVED = "APPROVED"  # GitHub's own words for the state of a review
CHANGES_REQUESTED = "CHANGES_REQUESTED"
DISMISSED = "DISMISSED"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as GitHub shows it; `author` is the login of the account that opened it.

    `head` is the newest commit of its branch, which is the one that was merged; `base` names the branch it goes to.
    `merged_at` (UTC) and `merge_commit` are None until it is merged; after a rebase, `merge_commit` is the last of
    the commits that it brought.
    """

    number: int
    url: str
    title: str
    author: str
    head: str
    base: str
    merged_at: datetime | None = None
    merge_commit: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """One submitted review: by which login, its state in GitHub's words, of which commit, and when (UTC)."""

    by: str
    state: str
    commit: str
    at: datetime
