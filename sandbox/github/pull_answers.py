"""The JSON shapes of pull requests, their reviews, comments and files. Pure: facts in, dictionaries out."""

from __future__ import annotations

from typing import Any

from sandbox.github.answers import moment
from sandbox.github.pulls import Author, Comment, Merge, Pull, Review


class PullAnswers:
    def __init__(self, url: str, repository: str) -> None:
        self._api = f"{url}/repos/{repository}"
        self._html = f"{url}/{repository}"
        self._name = repository

    def brief(self, pull: Pull) -> dict[str, Any]:
        """As in a list, and as the event of a run carries it."""
        merge, issue = pull.merge, f"{self._api}/issues/{pull.number}"
        closed = merge.at if merge else pull.closed_at
        return {
            "id": pull.number,
            "node_id": f"PR_{pull.number}",
            "number": pull.number,
            "state": "open" if pull.is_open else "closed",
            "title": pull.title,
            "body": pull.body or None,
            "user": self.user(pull.author),
            "draft": False,
            "head": self._side(pull.owner, pull.branch, pull.head, fork=pull.is_fork),
            "base": self._side(self._name.partition("/")[0], pull.base, pull.base_sha, fork=False),
            "merge_commit_sha": merge.after if merge else pull.test_merge,
            "merged_at": moment(merge.at) if merge else None,
            "closed_at": moment(closed) if closed else None,
            "created_at": moment(pull.created_at),
            "url": f"{self._api}/pulls/{pull.number}",
            "html_url": self.page(pull.number),
            "issue_url": issue,
            "comments_url": f"{issue}/comments",
        }

    def full(self, pull: Pull, commits: int, files: int) -> dict[str, Any]:
        return {
            **self.brief(pull),
            "merged": pull.merge is not None,
            "merged_by": self.user(pull.merge.by) if pull.merge else None,
            "mergeable": pull.test_merge is not None if pull.is_open else None,
            "comments": len(pull.comments),
            "commits": commits,
            "changed_files": files,
        }

    def page(self, number: int) -> str:
        return f"{self._html}/pull/{number}"

    def review(self, number: int, review: Review) -> dict[str, Any]:
        return {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": self.user(review.author),
            "body": review.body,
            "state": review.state,
            "commit_id": review.commit,
            "submitted_at": moment(review.at),
            "html_url": f"{self.page(number)}#pullrequestreview-{review.id}",
            "pull_request_url": f"{self._api}/pulls/{number}",
        }

    def comment(self, number: int, comment: Comment) -> dict[str, Any]:
        return {
            "id": comment.id,
            "node_id": f"IC_{comment.id}",
            "user": self.user(comment.author),
            "body": comment.body,
            "created_at": moment(comment.created_at),
            "updated_at": moment(comment.updated_at),
            "url": f"{self._api}/issues/comments/{comment.id}",
            "html_url": f"{self.page(number)}#issuecomment-{comment.id}",
            "issue_url": f"{self._api}/issues/{number}",
        }

    def file(self, path: str, status: str, sha: str, counts: tuple[int, int]) -> dict[str, Any]:
        added, deleted = counts
        numbers = {"additions": added, "deletions": deleted, "changes": added + deleted}
        return {"filename": path, "status": status, "sha": sha, **numbers}

    def merged(self, merge: Merge) -> dict[str, Any]:
        return {"sha": merge.after, "merged": True, "message": "Pull Request successfully merged"}

    def user(self, author: Author) -> dict[str, Any]:
        kind = "Bot" if author.is_bot else "User"
        return {"login": author.login, "type": kind, "html_url": f"{self._html}/{author.login}"}

    def _side(self, owner: str, branch: str, sha: str, *, fork: bool) -> dict[str, Any]:
        name = f"{owner}/{self._name.partition('/')[2]}"
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": {"login": owner},
            "repo": {"full_name": name, "fork": fork},
        }
