"""REST calls about pull requests: open, look, review, comment, merge, close."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.github.accounts import Token
from sandbox.github.pull_answers import PullAnswers
from sandbox.github.pulls import STATES, Pull, Pulls, Review, check_method
from sandbox.github.repository import Repository
from sandbox.github.rest import Answer, Call, Endpoint, Refusal, paged

SCOPE, ISSUES = "pull-requests", "issues"
Opened = Callable[[Pull, Token], object]
Reviewed = Callable[[Pull, Review, Token], object]
Pushed = Callable[[str, str, str, Token], object]  # before, after, branch, who


class PullCalls:
    """`opened`, `reviewed` and `pushed` are told of what starts workflows."""

    def __init__(
        self,
        repository: Repository,
        pulls: Pulls,
        answers: Callable[[], PullAnswers],
        opened: Opened,
        reviewed: Reviewed,
        pushed: Pushed,
    ) -> None:
        self._repository = repository
        self._pulls = pulls
        self._answers = answers
        self._opened = opened
        self._reviewed = reviewed
        self._pushed = pushed

    def endpoints(self) -> list[Endpoint]:
        one, talk = "/pulls/{number:int}", "/issues/{number:int}/comments"
        edit = "/issues/comments/{comment:int}"
        listed = frozenset({"head", "base", "state"})
        return [
            Endpoint("POST", "/pulls", self.open, SCOPE, "write"),
            Endpoint("GET", "/pulls", self.pulls, SCOPE, query=listed, paged=True),
            Endpoint("PATCH", one, self.edit, SCOPE, "write"),
            Endpoint("GET", one, self.pull, SCOPE),
            Endpoint("GET", f"{one}/files", self.files, SCOPE, paged=True),
            Endpoint("GET", f"{one}/reviews", self.reviews, SCOPE, paged=True),
            Endpoint("POST", f"{one}/reviews", self.review, SCOPE, "write"),
            Endpoint("PUT", f"{one}/merge", self.merge, "contents", "write"),
            Endpoint("GET", "/commits/{sha}/pulls", self.of_commit, SCOPE, paged=True),
            Endpoint("GET", talk, self.comments, SCOPE, paged=True, or_scope=ISSUES),
            Endpoint("POST", talk, self.comment, SCOPE, "write", or_scope=ISSUES),
            Endpoint("PATCH", edit, self.edit_comment, SCOPE, "write", or_scope=ISSUES),
        ]

    def open(self, call: Call) -> Answer:
        body = _given(call, {"title", "head", "base", "body"}, {"title", "head", "base"})
        if call.token.of_a_job:
            raise Refusal(403, "GitHub Actions is not permitted to create or approve pull requests.")
        pull = self._pulls.open(body["title"], body.get("body") or "", body["head"], body["base"], call.token)
        self._opened(pull, call.token)
        return Answer(self._full(pull), 201)

    def pulls(self, call: Call) -> Answer:
        """Newest first, as on GitHub; without a state, those that are open."""
        wanted, head, base = (call.query.get(name, "") for name in ("state", "head", "base"))
        found = [
            pull
            for pull in reversed(self._pulls.all())
            if wanted == "all" or pull.is_open == (wanted != "closed")
            if head in {"", f"{pull.owner}:{pull.branch}"} and base in {"", pull.base}
        ]
        return paged(call, [self._answers().brief(pull) for pull in found], lambda page: page)

    def edit(self, call: Call) -> Answer:
        body = _given(call, {"title", "body", "state"}, set())
        if body.get("state") not in {None, "closed"}:
            raise Refusal(400, "The stand-in does not open a pull request again")
        pull = self._of(call)
        edited = self._pulls.edit(pull.number, body.get("title"), body.get("body"), close="state" in body)
        return Answer(self._full(edited))

    def pull(self, call: Call) -> Answer:
        return Answer(self._full(self._of(call)))

    def _full(self, pull: Pull) -> dict[str, Any]:
        commits = self._repository.between(pull.base_sha, pull.head)
        return self._answers().full(pull, len(commits), len(self._files(pull)))

    def files(self, call: Call) -> Answer:
        return paged(call, self._files(self._of(call)), list)

    def _files(self, pull: Pull) -> list[dict[str, Any]]:
        """What the pull request changes since it left its base; a renamed file is one gone and one new."""
        start = self._repository.merge_base(pull.base_sha, pull.head)
        if start is None:
            return []
        before = {entry.path: entry for entry in self._repository.tree(start, recursive=True)}
        after = {entry.path: entry for entry in self._repository.tree(pull.head, recursive=True)}
        rows = []
        for path, counts in self._repository.line_counts(start, pull.head).items():
            status = "added" if path not in before else "modified" if path in after else "removed"
            rows.append(self._answers().file(path, status, (after.get(path) or before[path]).sha, counts))
        return rows

    def reviews(self, call: Call) -> Answer:
        pull = self._of(call)
        return paged(call, [self._answers().review(pull.number, one) for one in pull.reviews], list)

    def review(self, call: Call) -> Answer:
        body = _given(call, {"event", "body", "commit_id"}, {"event"})
        if body["event"] not in STATES:
            raise Refusal(422, "Unprocessable Entity", [f"{body['event']} is not a valid event"])
        if body["event"] != "APPROVE" and not body.get("body"):
            raise Refusal(422, "Unprocessable Entity", ["body can't be blank"])
        number = self._of(call).number
        review = self._pulls.review(
            number, body["event"], body.get("body") or "", body.get("commit_id"), call.token
        )
        self._reviewed(self._pulls.get(number), review, call.token)
        return Answer(self._answers().review(number, review))

    def merge(self, call: Call) -> Answer:
        body = _given(call, {"commit_title", "commit_message", "sha", "merge_method"}, set())
        method = check_method(body.get("merge_method", "merge"))
        pull, words = self._of(call), (body.get("commit_title") or "", body.get("commit_message") or "")
        merge = self._pulls.merge(pull.number, method, body.get("sha"), words, call.token)
        self._pushed(merge.before, merge.after, pull.base, call.token)
        return Answer(self._answers().merged(merge))

    def of_commit(self, call: Call) -> Answer:
        sha = self._repository.resolve(call.path["sha"])
        if sha is None:
            raise Refusal(422, f"No commit found for SHA: {call.path['sha']}")
        return paged(call, [self._answers().brief(pull) for pull in self._pulls.of_commit(sha)], list)

    def comments(self, call: Call) -> Answer:
        pull = self._of(call)
        return paged(call, [self._answers().comment(pull.number, one) for one in pull.comments], list)

    def comment(self, call: Call) -> Answer:
        body, number = _given(call, {"body"}, {"body"}), self._of(call).number
        comment = self._pulls.comment(number, body["body"], call.token)
        return Answer(self._answers().comment(number, comment), 201)

    def edit_comment(self, call: Call) -> Answer:
        body = _given(call, {"body"}, {"body"})
        number, comment = self._pulls.edit_comment(int(call.path["comment"]), body["body"])
        return Answer(self._answers().comment(number, comment))

    def _of(self, call: Call) -> Pull:
        return self._pulls.get(int(call.path["number"]))


def _given(call: Call, known: set[str], needed: set[str]) -> dict[str, Any]:
    """The body: an object of texts with nothing that the stand-in does not know."""
    if not isinstance(call.body, dict):
        raise Refusal(422, "Invalid request.\n\nThe body is not an object.")
    if unknown := sorted(set(call.body) - known):
        raise Refusal(400, f"The stand-in does not support the field {unknown[0]} here")
    if missing := sorted(name for name in needed if not call.body.get(name)):
        raise Refusal(422, f'Invalid request.\n\n"{missing[0]}" wasn\'t supplied.')
    if wrong := sorted(name for name, value in call.body.items() if not isinstance(value, str | None)):
        raise Refusal(422, f"Invalid request.\n\nFor 'properties/{wrong[0]}', the value is not a string.")
    return dict(call.body)
