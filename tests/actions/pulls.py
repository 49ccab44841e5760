"""Pull requests on a real bare repository: opened from a branch, reviewed, and merged in GitHub's three ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sallyport.platforms.errors import PlatformError, Refused
from sallyport.reviews import APPROVED, PullRequest, Review
from tests.actions.repository import commit_on, git

MERGE, SQUASH, REBASE = "merge", "squash", "rebase"


@dataclass
class FakePulls:
    """What GitHub knows of pull requests. `asked` names each question, so that tests can count them."""

    bare: Path
    clock: Callable[[], datetime]
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    given: dict[int, list[Review]] = field(default_factory=dict)
    brought: dict[str, int] = field(default_factory=dict)  # commit to the pull request it is part of
    comments: dict[tuple[int, str], str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    faults: list[PlatformError] = field(default_factory=list)  # each is raised instead of an answer

    # What people do

    def open(
        self,
        *commits: Mapping[str, bytes],
        deletions: Sequence[str] = (),
        author: str = "ana-ruiz",
    ) -> PullRequest:
        """Open a pull request of one commit for each mapping of *commits*; the last one also deletes."""
        number = len(self.pulls) + 1
        git(self.bare, "update-ref", f"refs/heads/pull-{number}", "main")
        for last, additions in zip([*[False] * (len(commits) - 1), True], commits, strict=True):
            commit_on(self.bare, "Change", additions, deletions if last else (), branch=f"pull-{number}")
        head = git(self.bare, "rev-parse", f"pull-{number}")
        url = f"https://github.example/acme/infra/pull/{number}"
        self.pulls[number] = PullRequest(number, url, "Bulk", author, head, "main")
        self.given[number] = []
        return self.pulls[number]

    def push(self, pull: PullRequest, additions: Mapping[str, bytes]) -> str:
        """Push one more commit to the branch and return it."""
        head = commit_on(self.bare, "Change again", additions, branch=f"pull-{pull.number}")
        self.pulls[pull.number] = replace(pull, head=head)
        return head

    def review(self, pull: PullRequest, by: str = "leewong", state: str = APPROVED, commit: str = "") -> None:
        self.given[pull.number].append(Review(by, state, commit or pull.head, self.clock() - timedelta(minutes=1)))

    def merge(self, pull: PullRequest, how: str = MERGE) -> str:
        """Merge as GitHub does and return main's new head."""
        branch, base = f"pull-{pull.number}", git(self.bare, "merge-base", "main", f"pull-{pull.number}")
        commits = git(self.bare, "rev-list", "--reverse", f"{base}..{branch}").split()
        if how == REBASE:
            landed = [self._land(sha, ()) for sha in commits]
        else:
            landed = [self._land(branch, (pull.head,) if how == MERGE else ())]
        self.brought |= dict.fromkeys((*commits, *landed), pull.number)
        self.pulls[pull.number] = replace(pull, merged_at=self.clock(), merge_commit=landed[-1])
        return landed[-1]

    def _land(self, branch: str, parents: Sequence[str]) -> str:
        tree = git(self.bare, "merge-tree", "--write-tree", "main", branch).split("\n")[0]
        more = [word for parent in parents for word in ("-p", parent)]
        sha = git(self.bare, "commit-tree", tree, "-p", "main", *more, "-m", "Bulk")
        git(self.bare, "update-ref", "refs/heads/main", sha)
        return sha

    # What the GitHub client answers

    def pull_of_commit(self, sha: str) -> PullRequest | None:
        self._ask(f"pull of {sha}")
        number = self.brought.get(sha)
        return self.pulls[number] if number else None

    def reviews(self, number: int) -> tuple[Review, ...]:
        self._ask(f"reviews of {number}")
        if number not in self.given:
            raise Refused("GitHub", "read reviews", "Not Found", status=404)
        return tuple(self.given[number])

    def tree(self, sha: str, path: str) -> dict[str, str]:
        self._ask(f"tree of {sha}")
        rows = git(self.bare, "ls-tree", "-r", sha, f"{path}/").split("\n")
        return {name: facts.split()[2] for facts, _, name in (row.partition("\t") for row in rows if row)}

    def file(self, path: str, ref: str) -> bytes | None:
        self._ask(f"{path} at {ref}")
        if ref not in git(self.bare, "rev-list", "--all").split():
            raise Refused("GitHub", f"read {path}", f"No commit found for the ref {ref}", status=404)
        held = git(self.bare, "ls-tree", "-r", "--name-only", ref, path)
        return f"{git(self.bare, 'show', f'{ref}:{path}')}\n".encode() if held else None

    def put_comment(self, number: int, marker: str, body: str) -> str:
        assert len(body) <= 65_436
        self.comments[number, marker] = body
        return f"{self.pulls[number].url}#issuecomment-1"

    def _ask(self, question: str) -> None:
        self.asked.append(question)
        if self.faults:
            raise self.faults.pop(0)
