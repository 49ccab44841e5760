"""Pull requests with their reviews and comments, kept in memory over real branches.

A branch of a fork is a ref `refs/forks/<owner>/<branch>` of the same bare repository. Rules that GitHub answers
with an error are raised as `Refusal`; who may call at all is for the routes.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sandbox.github import merging
from sandbox.github.accounts import Token
from sandbox.github.merging import METHODS, Conflict
from sandbox.github.repository import Repository, StaleHead
from sandbox.github.rest import Refusal, not_found

MOST_CHARACTERS = 65_536  # of a body
STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote something: a login, and whether it is a person's."""

    login: str
    is_bot: bool


@dataclass(frozen=True, slots=True)
class Review:
    id: int
    author: Author
    state: str
    body: str
    commit: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    author: Author
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Merge:
    """How a pull request was merged: what stood on its base before and after."""

    by: Author
    at: datetime
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull request as it stands now. `owner` has the branch: the repository's own, or a fork's."""

    number: int
    title: str
    body: str
    author: Author
    owner: str
    branch: str
    is_fork: bool
    head: str
    base: str
    base_sha: str
    created_at: datetime
    merge: Merge | None = None
    closed_at: datetime | None = None  # without a merge
    test_merge: str | None = None  # the commit that its runs work on; None where it conflicts
    reviews: tuple[Review, ...] = ()
    comments: tuple[Comment, ...] = ()

    @property
    def ref(self) -> str:
        return f"refs/forks/{self.owner}/{self.branch}" if self.is_fork else f"refs/heads/{self.branch}"

    @property
    def is_open(self) -> bool:
        return self.merge is None and self.closed_at is None


class Pulls:
    """All pull requests of one repository."""

    def __init__(self, repository: Repository, owner: str, now: Callable[[], datetime] | None = None) -> None:
        self._repository = repository
        self._owner = owner
        self._now = now or (lambda: datetime.now(UTC))
        self._pulls: dict[int, Pull] = {}
        self._ids = itertools.count(1)
        self._lock = threading.RLock()

    # -- looks -------------------------------------------------------------------------------------------

    def all(self) -> list[Pull]:
        with self._lock:
            return list(self._pulls.values())

    def get(self, number: int) -> Pull:
        with self._lock:
            return self._pulls.get(number) or not_found()

    def of_commit(self, sha: str) -> list[Pull]:
        """The merged one that brought a commit to the default branch, or else all that hold it."""
        default = self._repository.head(self._repository.default_branch)
        on_default = default is not None and self._holds(default, sha)
        return [pull for pull in self.all() if self._brought(pull, sha, on_default=on_default)]

    def _brought(self, pull: Pull, sha: str, *, on_default: bool) -> bool:
        if on_default:
            return pull.merge is not None and sha in self._repository.between(pull.merge.before, pull.merge.after)
        return sha in self._repository.between(pull.base_sha, pull.head)

    def _holds(self, head: str, sha: str) -> bool:
        return self._repository.merge_base(head, sha) == sha

    # -- changes -----------------------------------------------------------------------------------------

    def open(self, title: str, body: str, head: str, base: str, token: Token) -> Pull:
        """Ask for `head` (`branch`, or `owner:branch` of a fork) to go to `base`."""
        owner, _, branch = head.rpartition(":")
        is_fork = owner not in {"", self._owner}
        draft = Pull(
            0, title, body, _author(token), owner or self._owner, branch, is_fork, "", base, "", self._now()
        )
        sha, base_sha = self._repository.ref(draft.ref), self._repository.head(base)
        if sha is None or base_sha is None:
            wrong = "head" if sha is None else "base"
            raise _invalid({"resource": "PullRequest", "field": wrong, "code": "invalid"})
        if not self._repository.between(base_sha, sha):
            raise _invalid(_custom(f"No commits between {base} and {branch}"))
        with self._lock:
            if any(one.is_open and (one.ref, one.base) == (draft.ref, base) for one in self._pulls.values()):
                raise _invalid(_custom(f"A pull request already exists for {draft.owner}:{branch}."))
            return self._at(replace(draft, number=next(self._ids)), sha, base_sha)

    def follow(self, ref: str) -> list[Pull]:
        """The open pull requests whose branch has moved, at its new head."""
        sha = self._repository.ref(ref)
        with self._lock:
            moved = [one for one in self._pulls.values() if one.is_open and one.ref == ref and one.head != sha]
            return [self._at(one, sha, self._repository.head(one.base) or one.base_sha) for one in moved if sha]

    def review(self, number: int, event: str, body: str, commit: str | None, token: Token) -> Review:
        with self._lock:
            pull = self.get(number)
            if event != "COMMENT" and pull.author == _author(token):
                verb = "approve" if event == "APPROVE" else "request changes on"
                raise Refusal(422, "Unprocessable Entity", [f"Can not {verb} your own pull request"])
            if event == "APPROVE" and token.of_a_job:
                said = "GitHub Actions is not permitted to approve pull requests."
                raise Refusal(422, "Unprocessable Entity", [said])
            if commit is not None and commit not in self._repository.between(pull.base_sha, pull.head):
                raise Refusal(422, "Unprocessable Entity", ["commit_id is not part of the pull request"])
            number_of_review = next(self._ids)
            review = Review(
                number_of_review, _author(token), STATES[event], body, commit or pull.head, self._now()
            )
            self._keep(replace(pull, reviews=(*pull.reviews, review)))
            return review

    def edit(self, number: int, title: str | None, body: str | None, *, close: bool) -> Pull:
        """Change the words of a pull request, and close it; what was merged stays so."""
        with self._lock:
            pull = self.get(number)
            words = replace(pull, title=title or pull.title, body=pull.body if body is None else body)
            return self._keep(replace(words, closed_at=self._now()) if close and words.is_open else words)

    def comment(self, number: int, body: str, token: Token) -> Comment:
        with self._lock:
            pull, now = self.get(number), self._now()
            comment = Comment(next(self._ids), _author(token), _body(body), now, now)
            self._keep(replace(pull, comments=(*pull.comments, comment)))
            return comment

    def edit_comment(self, comment_id: int, body: str) -> tuple[int, Comment]:
        """The pull request's number and the comment as it reads now."""
        with self._lock:
            for pull in self._pulls.values():
                for one in pull.comments:
                    if one.id == comment_id:
                        edited = replace(one, body=_body(body), updated_at=self._now())
                        kept = tuple(edited if other is one else other for other in pull.comments)
                        self._keep(replace(pull, comments=kept))
                        return pull.number, edited
        return not_found()

    def merge(self, number: int, method: str, head: str | None, words: tuple[str, str], token: Token) -> Merge:
        """Merge; `words` are the commit's title and message, empty for GitHub's own."""
        with self._lock:
            pull = self.get(number)
            if not pull.is_open:
                raise Refusal(405, "Pull Request is not mergeable")
            if head is not None and head != pull.head:
                raise Refusal(409, "Head branch was modified. Review and try the merge again.")
            base = self._repository.head(pull.base) or not_found()
            after = self._merged(pull, base, method, words, token.login)
            try:
                self._repository.advance(pull.base, after, base)
            except StaleHead as error:
                raise Refusal(405, "Base branch was modified. Review and try the merge again.") from error
            if method != "rebase":  # GitHub does not sign the commits of others
                self._repository.sign(after)
            merge = Merge(_author(token), self._now(), base, after)
            self._keep(replace(pull, merge=merge))
            return merge

    # -- inside ------------------------------------------------------------------------------------------

    def _merged(self, pull: Pull, base: str, method: str, words: tuple[str, str], login: str) -> str:
        title, message = words
        try:
            if method == "rebase":
                return merging.rebase(self._repository, base, pull.head)
            if method == "squash":
                parts = self._repository.between(base, pull.head)
                listed = "\n".join(f"* {self._repository.commit(sha).headline}" for sha in parts)
                text = f"{title or f'{pull.title} (#{pull.number})'}\n\n{message or listed}"
                return merging.squash(self._repository, base, pull.head, text, pull.author.login)
            default = f"Merge pull request #{pull.number} from {pull.owner}/{pull.branch}"
            text = f"{title or default}\n\n{message or pull.title}"
            return merging.merge(self._repository, base, pull.head, text, login)
        except Conflict as error:
            said = "This branch can't be rebased" if method == "rebase" else "Pull Request is not mergeable"
            raise Refusal(405, said) from error

    def _at(self, pull: Pull, head: str, base: str) -> Pull:
        """Keep a pull request at a head, with the refs and the test merge that its runs work on."""
        message = f"Merge {head} into {base}"
        try:
            test = merging.merge(self._repository, base, head, message, pull.author.login)
        except Conflict:
            test = None
        self._repository.point(f"refs/pull/{pull.number}/head", head)
        if test:
            self._repository.point(f"refs/pull/{pull.number}/merge", test)
        return self._keep(replace(pull, head=head, base_sha=base, test_merge=test))

    def _keep(self, pull: Pull) -> Pull:
        self._pulls[pull.number] = pull
        return pull


def check_method(method: object) -> str:
    """One of GitHub's three ways to merge."""
    if method not in METHODS:
        raise Refusal(422, f"Invalid request.\n\nFor 'properties/merge_method', {method!r} is not a way to merge.")
    return str(method)


def _author(token: Token) -> Author:
    return Author(token.login, token.is_bot)


def _body(text: str) -> str:
    if not text.strip():
        raise _invalid({"resource": "IssueComment", "field": "body", "code": "missing_field"})
    if len(text) > MOST_CHARACTERS:
        said = f"body is too long (maximum is {MOST_CHARACTERS} characters)"
        raise _invalid({"resource": "IssueComment", "field": "body", "code": "custom", "message": said})
    return text


def _invalid(error: dict[str, str]) -> Refusal:
    return Refusal(422, "Validation Failed", [error])


def _custom(message: str) -> dict[str, str]:
    return {"resource": "PullRequest", "code": "custom", "message": message}
