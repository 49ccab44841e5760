"""What the GitHub client reads of pull requests, and the one comment that it keeps up to date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sallyport.platforms.errors import Refused, TryLater, Unknown
from sallyport.platforms.github import GitHub
from sallyport.platforms.github_pulls import COMMENT_CHARACTERS, MARKER_CHARACTERS
from sallyport.reviews import PullRequest, Review
from tests.loopback import Answer, Drop
from tests.sallyport.test_platform_github import HEAD, NEXT, connected, failure

MERGED = {
    "number": 7,
    "html_url": "https://x/pull/7",
    "title": "Let partners in",
    "user": {"login": "ana"},
    "head": {"sha": HEAD, "ref": "partners"},
    "base": {"ref": "main", "sha": "0" * 40},
    "merged_at": "2026-11-21T09:12:44Z",
    "merge_commit_sha": NEXT,
}
AT = datetime(2026, 11, 21, 9, 12, 44, tzinfo=UTC)
REVIEW = {
    "user": {"login": "lee"},
    "state": "APPROVED",
    "commit_id": HEAD,
    "submitted_at": "2026-11-21T09:12:44Z",
}
MARK = "<!-- plan:7 -->\n"


def comment(number: int, body: str, kind: str = "Bot") -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"type": kind}, "html_url": f"https://x/c/{number}"}


class TestThePullRequestOfACommit:
    def brought_by(self, *pulls: dict[str, Any]) -> PullRequest | None:
        with connected(Answer(list(pulls))) as (github, server):
            found = github.pull_of_commit(NEXT)
            assert server.asked == [f"GET /repos/acme/infra/commits/{NEXT}/pulls"]
        return found

    def test_is_the_one_that_was_merged(self) -> None:
        found = self.brought_by(MERGED)
        assert found == PullRequest(
            7, "https://x/pull/7", "Let partners in", "ana", HEAD, "main", merged_at=AT, merge_commit=NEXT
        )

    def test_is_none_for_a_commit_that_was_pushed_past_any(self) -> None:
        assert self.brought_by() is None

    @pytest.mark.parametrize("other", [{"merged_at": None}, {"base": {"ref": "release"}}])
    def test_is_not_one_that_is_open_or_went_elsewhere(self, other: dict[str, Any]) -> None:
        assert self.brought_by(MERGED | other) is None

    def test_is_the_one_whose_merge_made_it_or_else_the_first(self) -> None:
        later = MERGED | {"number": 8, "merged_at": "2026-11-22T00:00:00Z"}
        earlier = MERGED | {"number": 6, "merged_at": "2026-11-20T00:00:00Z", "merge_commit_sha": HEAD}
        found = self.brought_by(later, earlier, MERGED)
        assert found is not None
        assert found.number == 7
        found = self.brought_by(later | {"merge_commit_sha": HEAD}, earlier)
        assert found is not None
        assert found.number == 6

    @pytest.mark.parametrize(
        "wrong", [{"merge_commit_sha": None}, {"head": {}}, {"merged_at": "2026-11-21T09:00"}]
    )
    def test_that_makes_no_sense_is_unknown(self, wrong: dict[str, Any]) -> None:
        error, _ = failure(lambda github: github.pull_of_commit(NEXT), Answer([MERGED | wrong]))
        assert isinstance(error, Unknown)

    def test_of_a_commit_that_is_not_there_is_refused(self) -> None:
        error, _ = failure(
            lambda github: github.pull_of_commit(NEXT), Answer({"message": "No commit found for SHA"}, 422)
        )
        assert isinstance(error, Refused)


class TestReviews:
    def test_are_read_page_by_page_and_keep_their_order_and_their_commits(self) -> None:
        first = [REVIEW | {"state": "COMMENTED"}] * 100
        with connected(Answer(first), Answer([REVIEW])) as (github, server):
            found = github.reviews(7)
            assert [request.query["page"] for request in server.requests] == ["1", "2"]
        assert len(found) == 101
        assert found[-1] == Review("lee", "APPROVED", HEAD, AT)

    def test_that_are_not_submitted_yet_do_not_count(self) -> None:
        pending = {**REVIEW, "state": "PENDING"}
        del pending["submitted_at"]
        with connected(Answer([pending])) as (github, _):
            assert github.reviews(7) == ()

    def test_of_a_deleted_account_or_a_forgotten_commit_are_nobodys(self) -> None:
        with connected(Answer([REVIEW | {"user": None, "commit_id": None}])) as (github, _):
            assert github.reviews(7) == (Review("ghost", "APPROVED", "", AT),)


class TestTheOneComment:
    def put(self, github: GitHub, body: str = "new") -> str:
        return github.put_comment(7, "plan:7", body)

    def test_is_made_once(self) -> None:
        with connected(Answer([comment(1, "hello")]), Answer(comment(2, ""), 201)) as (github, server):
            assert self.put(github) == "https://x/c/2"
            assert server.asked[1] == "POST /repos/acme/infra/issues/7/comments"
            assert server.requests[1].json == {"body": f"{MARK}new"}

    def test_and_then_edited(self) -> None:
        there = [comment(1, "hello"), comment(2, f"{MARK}old")]
        with connected(Answer(there), Answer(there[1])) as (github, server):
            assert self.put(github) == "https://x/c/2"
            assert server.asked[1] == "PATCH /repos/acme/infra/issues/comments/2"
            assert server.requests[1].json == {"body": f"{MARK}new"}

    def test_is_left_alone_when_it_says_so_already(self) -> None:
        with connected(Answer([comment(2, f"{MARK}one\ntwo".replace("\n", "\r\n"))])) as (github, server):
            assert self.put(github, "one\ntwo\n") == "https://x/c/2"
            assert server.count == 1

    def test_is_found_on_a_later_page(self) -> None:
        full = Answer([comment(1, "hello")] * 100)
        with connected(full, Answer([comment(2, f"{MARK}new")])) as (github, server):
            self.put(github)
            assert server.count == 2

    @pytest.mark.parametrize(
        "other", [comment(1, f"{MARK}old", "User"), comment(1, f"I say: {MARK}"), comment(1, "x") | {"user": None}]
    )
    def test_is_never_somebody_elses(self, other: dict[str, Any]) -> None:
        with connected(Answer([other]), Answer(comment(2, ""), 201)) as (github, server):
            assert self.put(github) == "https://x/c/2"
            assert server.asked[1].startswith("POST")

    def test_that_is_too_long_is_refused_before_anything_is_sent(self) -> None:
        with connected() as (github, server):
            with pytest.raises(Refused, match="65,536"):
                self.put(github, "x" * (COMMENT_CHARACTERS - MARKER_CHARACTERS + 1))
            assert server.count == 0

    @pytest.mark.parametrize("marker", ["", "Plan", "a--b", "a -->", "x" * 99])
    def test_needs_a_marker_that_stays_hidden(self, marker: str) -> None:
        with connected() as (github, _), pytest.raises(ValueError, match="cannot be hidden"):
            github.put_comment(7, marker, "text")

    def test_is_sent_once_and_then_looked_for(self) -> None:
        error, count = failure(self.put, Answer([]), Drop())
        assert (type(error), count) == (Unknown, 2)

    def test_waits_for_a_limit(self) -> None:
        error, _ = failure(self.put, Answer([]), Answer({"message": "limit"}, 403, {"Retry-After": "7"}))
        assert isinstance(error, TryLater)
        assert error.after == 7.0
