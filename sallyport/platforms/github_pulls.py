"""Pull requests as evidence: which one brought a commit, how it was reviewed, and what we ask or say in one.

It decides nothing about reviews: whose count, and at which commit, is for `sallyport.reviews` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sallyport.platforms.errors import Refused
from sallyport.platforms.github_answers import string, told_apart, whole
from sallyport.platforms.github_requests import Requests
from sallyport.reviews import PullRequest, Review

COMMENT_CHARACTERS = 65_536  # that many GitHub takes in a comment
MARKER_CHARACTERS = 100  # of them are kept for the marker
_MARKER = re.compile(r"[a-z0-9]+(?:[-:][a-z0-9]+)*")
_PENDING = "PENDING"
_GHOST = "ghost"  # GitHub's own name for an account that was deleted


def pull_of_commit(requests: Requests, sha: str, branch: str) -> PullRequest | None:
    """Return the merged pull request that brought *sha* to *branch*; None for one that was pushed past any.

    GitHub names every pull request that holds the commit: open ones, and those merged to other branches, did not
    bring it. Of several, the one whose merge made the commit counts, or else the one merged first.
    """
    with told_apart("find the pull request of a commit"):
        found = map(_pull_of, requests.all(f"/commits/{quote(sha, safe='')}/pulls"))
        merged = [(pull.merged_at, pull) for pull in found if pull.base == branch and pull.merged_at]
    ordered = sorted(merged, key=lambda one: (one[1].merge_commit != sha, one[0]))
    return ordered[0][1] if ordered else None


def pull(requests: Requests, number: int) -> PullRequest:
    """Return a pull request as it stands."""
    with told_apart(f"read #{number}"):
        return _pull_of(requests.get(f"/pulls/{number}"))


def pull_of_branch(requests: Requests, owner: str, branch: str, base: str) -> PullRequest | None:
    """Return the newest pull request of one of our branches, open or not; None if there was none."""
    with told_apart(f"find the pull request of {branch}"):
        found = requests.all("/pulls", head=f"{owner}:{branch}", base=base, state="all")
        return max(map(_pull_of, found), key=lambda pull: pull.number, default=None)


def open_pull(requests: Requests, branch: str, base: str, title: str, body: str) -> PullRequest:
    """Ask to bring *branch* to *base*, and return the pull request; *body* is Markdown."""
    with told_apart(f"open a pull request of {branch}"):
        fields = {"title": title, "body": body, "head": branch, "base": base}
        return _pull_of(requests.post("/pulls", fields))


def edit_pull(requests: Requests, number: int, body: str) -> None:
    """Make *body* the text of a pull request."""
    with told_apart(f"edit #{number}"):
        _pull_of(requests.patch(f"/pulls/{number}", {"body": body}))


def close_pull(requests: Requests, number: int, body: str) -> None:
    """Close a pull request without a merge and make *body* its text; what is closed already stays so."""
    with told_apart(f"close #{number}"):
        _pull_of(requests.patch(f"/pulls/{number}", {"state": "closed", "body": body}))


def reviews(requests: Requests, number: int) -> tuple[Review, ...]:
    """Return every submitted review of a pull request, oldest first, dismissed ones too."""
    with told_apart(f"read the reviews of #{number}"):
        found = requests.all(f"/pulls/{number}/reviews")
        return tuple(_review_of(one) for one in found if string(one, "state") != _PENDING)


def put_comment(requests: Requests, number: int, marker: str, body: str) -> str:
    """Make a pull request's one comment with that *marker* say *body*, and return its address.

    The marker (lower case, digits, `-` and `:`) is the comment's first line, and nobody sees it. Only a bot's
    comment is ever edited: a person may write anybody's marker. Refused if the body is too long for GitHub.
    """
    what = f"comment on #{number}"
    if not _MARKER.fullmatch(marker) or len(marker) > MARKER_CHARACTERS - len(_hidden("")):
        raise ValueError(f"“{marker}” cannot be hidden in a comment")
    if len(body) > COMMENT_CHARACTERS - MARKER_CHARACTERS:
        raise Refused("GitHub", what, f"it has {len(body):,} characters; GitHub takes {COMMENT_CHARACTERS:,}")
    text = f"{_hidden(marker)}{body}"
    with told_apart(what):
        ours = _find(requests.all(f"/issues/{number}/comments"), _hidden(marker))
        if ours is None:
            return string(requests.post(f"/issues/{number}/comments", {"body": text}), "html_url")
        if _same(ours["body"], text):
            return string(ours, "html_url")
        return string(requests.patch(f"/issues/comments/{whole(ours, 'id')}", {"body": text}), "html_url")


def _find(comments: Iterable[Mapping[str, Any]], start: str) -> Mapping[str, Any] | None:
    for one in comments:
        author = one["user"] or {}
        if author.get("type") == "Bot" and (one["body"] or "").replace("\r\n", "\n").startswith(start):
            return one
    return None


def _hidden(marker: str) -> str:
    return f"<!-- {marker} -->\n"


def _same(one: str, other: str) -> bool:
    """Compare as GitHub keeps bodies: it may write line ends anew and trims the last ones."""
    return one.replace("\r\n", "\n").rstrip() == other.rstrip()


def _pull_of(fields: Mapping[str, Any]) -> PullRequest:
    merged_at = fields.get("merged_at")
    return PullRequest(
        number=whole(fields, "number"),
        url=string(fields, "html_url"),
        title=string(fields, "title"),
        author=_login(fields),
        head=string(fields["head"], "sha"),
        base=string(fields["base"], "ref"),
        merged_at=_moment(merged_at) if merged_at else None,
        merge_commit=string(fields, "merge_commit_sha") if merged_at else None,
        closed=fields.get("state") == "closed",
    )


def _review_of(fields: Mapping[str, Any]) -> Review:
    return Review(
        by=_login(fields),
        state=string(fields, "state"),
        commit=str(fields.get("commit_id") or ""),  # GitHub forgets commits that a forced push left behind
        at=_moment(string(fields, "submitted_at")),
    )


def _login(fields: Mapping[str, Any]) -> str:
    user = fields["user"]
    return string(user, "login") if user is not None else _GHOST


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"“{text}” has no time zone")
    return moment.astimezone(UTC)
