"""What the GitHub client promises: one request for one call, and a failure named for what may be done next."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sallyport.platforms.errors import PlatformError, Refused, TryLater, Unknown
from sallyport.platforms.github import (
    TIMEOUT,
    AppCredentials,
    CheckRun,
    GitHub,
    Run,
    RunState,
    StaleHead,
)
from tests.loopback import Answer, Drop, Loopback, Raw, Received, Reply, Script, Stall, refused_url

HEAD = "a" * 40
NEXT = "b" * 40
COMMITTED = {"data": {"createCommitOnBranch": {"commit": {"oid": NEXT, "url": "https://x/c"}}}}
BEGUN = {"workflow_run_id": 99, "run_url": "https://api.x/runs/99", "html_url": "https://x/runs/99"}
RUN = {
    "id": 99,
    "url": "https://api.x/runs/99",
    "html_url": "https://x/runs/99",
    "display_title": "apply aw-7k3m9q",
    "status": "completed",
    "conclusion": "success",
    "head_sha": HEAD,
    "created_at": "2026-11-21T09:12:44Z",
    "run_attempt": 2,
}


def do_commit(github: GitHub) -> str:
    return github.commit("Apply aw-1", "For Ana", {"requests/f/aw-1.yaml": b"id: aw-1\n"}, ["old.yaml"], HEAD)


def do_dispatch(github: GitHub) -> Run:
    return github.dispatch("apply.yaml", {"request_id": "aw-1", "commit": NEXT})


def do_check(github: GitHub) -> int:
    return github.check_run("plan", HEAD, "aw-1:plan", "success", "Plan", "1 to add", "details", "https://x")


WRITES: dict[str, Callable[[GitHub], object]] = {
    "commit": do_commit,
    "dispatch": do_dispatch,
    "check": do_check,
}
write = pytest.mark.parametrize("call", WRITES.values(), ids=WRITES.keys())


@contextmanager
def connected(*replies: Script, timeout: int = TIMEOUT) -> Iterator[tuple[GitHub, Loopback]]:
    with Loopback(*replies) as server:
        github = GitHub.connect("acme/infra", "main", token="ghp_1", api_url=server.url, timeout=timeout)
        try:
            yield github, server
        finally:
            github.close()


def failure(call: Callable[[GitHub], object], *replies: Script) -> tuple[PlatformError, int]:
    """How *call* fails, and how many requests reached the server."""
    with connected(*replies, timeout=1) as (github, server):
        with pytest.raises(PlatformError) as raised:
            call(github)
        return raised.value, server.count


def refused_by_graphql(*errors: dict[str, Any]) -> Answer:
    return Answer({"data": {"createCommitOnBranch": None}, "errors": list(errors)})


class TestAWriteIsSentOnce:
    @write
    @pytest.mark.parametrize(
        "reply",
        [
            Answer({"message": "Server Error"}, 502),
            Answer(b"<html>bad gateway</html>", 503),
            Answer([1], 500),
            Drop(),
            Drop(reset=True),
            Stall(),
            Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
            Raw(b"garbage\r\n\r\n"),
            Answer(b"<html>"),
            Answer(b"{"),
            Answer(b"[1]"),
            Answer({}),
            Answer(b""),
        ],
        ids=[
            *("502", "503", "500 list", "drop", "reset", "stall", "cut"),
            *("garbage", "html", "half", "list", "empty object", "empty"),
        ],
    )
    def test_and_its_outcome_is_unknown_after(self, call: Callable[[GitHub], object], reply: Reply) -> None:
        error, count = failure(call, reply)
        assert (type(error), count) == (Unknown, 1)

    @write
    @pytest.mark.parametrize(
        ("status", "headers", "after"),
        [
            (429, {"Retry-After": "7"}, 7.0),
            (403, {"Retry-After": "7"}, 7.0),
            (
                403,
                {
                    "X-RateLimit-Remaining": "0",
                    "X-RateLimit-Reset": "1795252364",
                    "Date": "Sat, 21 Nov 2026 09:12:34 GMT",
                },
                11.0,
            ),
            (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795252364", "Date": "today"}, 60.0),
        ],
        ids=["429", "secondary", "primary", "no clock"],
    )
    def test_and_it_was_surely_not_done_after_a_limit(
        self, call: Callable[[GitHub], object], status: int, headers: dict[str, str], after: float
    ) -> None:
        error, count = failure(call, Answer({"message": "API rate limit exceeded"}, status, headers))
        assert isinstance(error, TryLater)
        assert (error.after, count) == (after, 1)

    @write
    def test_and_it_was_surely_not_done_where_nobody_listens(self, call: Callable[[GitHub], object]) -> None:
        with pytest.raises(TryLater, match="no connection"):
            call(GitHub.connect("acme/infra", "main", token="ghp_1", api_url=refused_url()))

    @write
    @pytest.mark.parametrize("status", [401, 403, 404, 409, 422])
    def test_and_a_no_is_a_refusal_with_githubs_words(self, call: Callable[[GitHub], object], status: int) -> None:
        no = {"message": "Nope", "errors": [{"field": "ref", "code": "invalid"}, "and more"]}
        error, count = failure(call, Answer(no, status))
        assert isinstance(error, Refused)
        assert (error.status, error.reasons, count) == (status, ("Nope", "invalid", "and more"), 1)

    def test_and_a_commit_and_its_dispatch_are_two_requests_in_all(self) -> None:
        with connected(Answer(COMMITTED), Answer(BEGUN)) as (github, server):
            do_commit(github)
            do_dispatch(github)
            assert server.asked == [
                "POST /graphql",
                "POST /repos/acme/infra/actions/workflows/apply.yaml/dispatches",
            ]


class TestFailures:
    def test_messages_name_the_platform_the_deed_and_the_cause(self) -> None:
        error, _ = failure(do_dispatch, Answer({"message": "Unexpected inputs provided"}, 422))
        assert str(error) == "GitHub refused to start apply.yaml: Unexpected inputs provided (HTTP 422)"

    def test_a_refusal_without_words_still_names_its_status(self) -> None:
        error, _ = failure(do_dispatch, Answer(b"<html>", 403))
        assert isinstance(error, Refused)
        assert error.reasons == ("HTTP 403",)

    def test_the_token_is_in_no_message(self) -> None:
        for reply in (Drop(), Answer({"message": "Bad credentials"}, 401)):
            error, _ = failure(do_commit, reply)
            assert "ghp_1" not in repr(error) + str(error)

    def test_a_read_too_is_sent_once_and_never_sleeps_through_a_limit(self) -> None:
        error, count = failure(GitHub.head, Answer({"message": "wait"}, 429, {"Retry-After": "3600"}))
        assert isinstance(error, TryLater)
        assert (error.after, count) == (3600.0, 1)

    def test_every_wait_is_bounded_to_ten_seconds_unless_told_otherwise(self) -> None:
        with connected() as (github, _):
            assert github._client.requester.kwargs["timeout"] == TIMEOUT == 10

    def test_connecting_makes_no_request(self) -> None:
        with connected() as (_, server):
            assert server.count == 0


class TestCommit:
    def test_is_one_mutation_on_the_head_that_was_read(self) -> None:
        with connected(Answer(COMMITTED)) as (github, server):
            assert do_commit(github) == NEXT
            sent = server.requests[0].json
        assert "createCommitOnBranch" in sent["query"]
        assert sent["variables"]["input"] == {
            "branch": {"repositoryNameWithOwner": "acme/infra", "branchName": "main"},
            "message": {"headline": "Apply aw-1", "body": "For Ana"},
            "expectedHeadOid": HEAD,
            "fileChanges": {
                "additions": [
                    {
                        "path": "requests/f/aw-1.yaml",
                        "contents": base64.b64encode(b"id: aw-1\n").decode(),
                    }
                ],
                "deletions": [{"path": "old.yaml"}],
            },
        }

    @pytest.mark.parametrize(
        "error",
        [
            {"type": "STALE_DATA", "message": "Pull and try again."},
            {"message": 'Expected branch to point to "aaa" but it did not.  Pull and try again.'},
            {"type": "UNPROCESSABLE", "message": "Ref refs/heads/main is at bbb but expected aaa"},
        ],
    )
    def test_on_a_branch_that_moved_is_stale_and_not_sent_again(self, error: dict[str, Any]) -> None:
        outcome, count = failure(do_commit, refused_by_graphql(error))
        assert (type(outcome), count) == (StaleHead, 1)

    @pytest.mark.parametrize(
        "error",
        [
            {"type": "FORBIDDEN", "message": "Resource not accessible by integration"},
            {"type": "NOT_FOUND", "message": "Could not resolve to a Repository"},
            {"path": ["createCommitOnBranch"], "message": "A path was requested for deletion which is not there"},
            {"extensions": {"code": "undefinedField"}, "message": "Field 'oops' doesn't exist"},
        ],
    )
    def test_that_github_will_not_make_is_refused(self, error: dict[str, Any]) -> None:
        outcome, count = failure(do_commit, refused_by_graphql(error))
        assert isinstance(outcome, Refused)
        assert (outcome.reasons, count) == ((error["message"],), 1)

    @pytest.mark.parametrize(
        "errors",
        [
            [{"message": "Something went wrong while executing your query. This may be a timeout."}],
            [{"type": "INTERNAL", "message": "oops"}],
            [{"message": "no idea"}],
            [],
            ["not even an object"],
        ],
    )
    def test_that_github_lost_track_of_is_unknown(self, errors: list[Any]) -> None:
        outcome, count = failure(do_commit, Answer({"data": None, "errors": errors}))
        assert (type(outcome), count) == (Unknown, 1)

    def test_beyond_the_hourly_points_may_be_made_later(self) -> None:
        outcome, _ = failure(do_commit, refused_by_graphql({"type": "RATE_LIMITED", "message": "points spent"}))
        assert isinstance(outcome, TryLater)
        assert outcome.after == 60.0

    def test_of_nothing_is_a_mistake_of_the_caller(self) -> None:
        with connected() as (github, server):
            with pytest.raises(ValueError, match="without changes"):
                github.commit("Nothing", "", {}, [], HEAD)
            assert server.count == 0

    def test_goes_to_the_graphql_of_an_enterprise_server(self) -> None:
        with Loopback(Answer(COMMITTED)) as server:
            github = GitHub.connect("acme/infra", "main", token="t", api_url=server.url + "/api/v3/")
            do_commit(github)
            github.close()
            assert server.asked == ["POST /api/graphql"]


class TestDispatch:
    def test_says_which_run_it_began(self) -> None:
        with connected(Answer(BEGUN)) as (github, server):
            assert do_dispatch(github) == Run(99, "https://x/runs/99", "https://api.x/runs/99")
            assert server.requests[0].json == {
                "ref": "main",
                "inputs": {"request_id": "aw-1", "commit": NEXT},
                "return_run_details": True,
            }
            assert server.requests[0].headers["x-github-api-version"] == "2022-11-28"

    def test_can_name_another_ref(self) -> None:
        with connected(Answer(BEGUN)) as (github, server):
            github.dispatch("apply.yaml", {}, ref="v1")
            assert server.requests[0].json["ref"] == "v1"

    def test_that_was_accepted_without_naming_the_run_asks_for_a_look(self) -> None:
        error, count = failure(do_dispatch, Raw(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
        assert (type(error), count) == (Unknown, 1)
        assert "without saying as which run" in str(error)


class TestTheLookBeforeASecondDispatch:
    since = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def test_finds_the_run_by_the_text_in_its_name(self) -> None:
        other = RUN | {"id": 98, "display_title": "apply aw-other"}
        with connected(Answer({"total_count": 2, "workflow_runs": [other, RUN]})) as (github, server):
            found = github.find_run("apply.yaml", "aw-7k3m9q", self.since)
            assert found == Run(99, "https://x/runs/99", "https://api.x/runs/99")
            asked = server.requests[0]
        assert asked.path == "/repos/acme/infra/actions/workflows/apply.yaml/runs"
        assert (asked.query["event"], asked.query["branch"]) == ("workflow_dispatch", "main")
        assert asked.query["created"] == ">=2026-11-21T09:00:00Z"

    def test_says_none_when_all_was_read(self) -> None:
        full = Answer({"workflow_runs": [RUN | {"display_title": "other"}] * 100})
        with connected(full, Answer({"workflow_runs": []})) as (github, server):
            assert github.find_run("apply.yaml", "aw-7k3m9q", self.since) is None
            assert [request.query["page"] for request in server.requests] == ["1", "2"]

    def test_does_not_know_when_there_is_more_than_it_reads(self) -> None:
        full = Answer({"workflow_runs": [RUN | {"display_title": "other"}] * 100})
        error, count = failure(lambda github: github.find_run("apply.yaml", "aw-1", self.since), full)
        assert (type(error), count) == (Unknown, 10)


class TestRuns:
    def test_those_of_a_workflow_since_a_moment_are_listed_whoever_began_them(self) -> None:
        newer = RUN | {"id": 100, "status": "queued", "conclusion": None}
        answer = Answer({"workflow_runs": [newer, RUN]})
        with connected(answer, answer) as (github, server):
            since = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
            assert [run.id for run in github.runs_of("expire.yml", since)] == [100, 99]
            assert [run.id for run in github.runs_of("expire.yml", since, event="schedule")] == [100, 99]
            every, scheduled = server.requests
        assert every.path == "/repos/acme/infra/actions/workflows/expire.yml/runs"
        assert every.query["branch"] == scheduled.query["branch"] == "main"
        assert every.query["created"] == scheduled.query["created"] == ">=2026-11-21T09:00:00Z"
        assert ("event" in every.query, scheduled.query["event"]) == (False, "schedule")

    def test_a_run_says_how_far_it_has_come(self) -> None:
        with connected(Answer(RUN), Answer(RUN | {"status": "queued", "conclusion": None})) as (github, server):
            assert github.run(99) == RunState(
                id=99,
                html_url="https://x/runs/99",
                status="completed",
                conclusion="success",
                head_sha=HEAD,
                created_at=datetime(2026, 11, 21, 9, 12, 44, tzinfo=UTC),
                attempt=2,
            )
            assert github.run(99).conclusion is None
            assert server.asked == ["GET /repos/acme/infra/actions/runs/99"] * 2

    def test_one_is_started_again_under_its_own_id(self) -> None:
        with connected(Answer({}, 201)) as (github, server):
            github.rerun(99)
            assert server.asked == ["POST /repos/acme/infra/actions/runs/99/rerun"]

    def test_one_of_which_something_else_is_said_was_perhaps_not_started_again(self) -> None:
        """A proxy that answers in place of GitHub, for example."""
        error, _ = failure(lambda github: github.rerun(99), Answer({"message": "Back soon"}, 200))
        assert isinstance(error, Unknown)

    def test_one_that_runs_already_was_started_again(self) -> None:
        with connected(Answer({"message": "This workflow is already running"}, 403)) as (github, _):
            github.rerun(99)

    def test_one_that_may_not_be_started_again_is_a_refusal(self) -> None:
        error, _ = failure(lambda github: github.rerun(99), Answer({"message": "Unable to retry"}, 403))
        assert isinstance(error, Refused)

    @pytest.mark.parametrize("wrong", [{"created_at": "2026-11-21T09:12:44"}, {"id": "99"}, {"status": ""}])
    def test_a_run_that_makes_no_sense_is_unknown(self, wrong: dict[str, Any]) -> None:
        error, _ = failure(lambda github: github.run(99), Answer(RUN | wrong))
        assert isinstance(error, Unknown)


class TestChecks:
    def test_a_check_is_one_request(self) -> None:
        with connected(Answer({"id": 5}, 201)) as (github, server):
            assert do_check(github) == 5
            assert server.asked == ["POST /repos/acme/infra/check-runs"]
            assert server.requests[0].json == {
                "name": "plan",
                "head_sha": HEAD,
                "external_id": "aw-1:plan",
                "status": "completed",
                "conclusion": "success",
                "output": {"title": "Plan", "summary": "1 to add", "text": "details"},
                "details_url": "https://x",
            }

    def test_a_check_may_lead_nowhere(self) -> None:
        with connected(Answer({"id": 5}, 201)) as (github, server):
            github.check_run("plan", HEAD, "aw-1:plan", "success", "Plan", "1 to add", "details")
            assert "details_url" not in server.requests[0].json

    def test_all_checks_of_a_name_are_read_superseded_ones_too(self) -> None:
        output = {"title": "Plan", "summary": "1 to add", "text": None}
        found = {"external_id": "aw-1:plan", "conclusion": None, "output": output, "details_url": "https://x"}
        found["app"] = {"slug": "another-app"}
        with connected(Answer({"total_count": 1, "check_runs": [found]})) as (github, server):
            assert github.check_runs(HEAD, "plan") == (
                CheckRun("aw-1:plan", "", "Plan", "1 to add", "", "https://x", "another-app"),
            )
            assert server.requests[0].path == f"/repos/acme/infra/commits/{HEAD}/check-runs"
            assert server.requests[0].query["check_name"] == "plan"
            assert server.requests[0].query["filter"] == "all"


class Trees:
    """A repository with three trees: the root, `requests`, and everything below `requests`."""

    root = (
        {"path": "requests", "type": "tree", "sha": "t1"},
        {"path": "README.md", "type": "blob", "sha": "b0"},
    )
    below = (
        {"path": "aw", "type": "tree", "sha": "t2"},
        {"path": "aw/one.yaml", "type": "blob", "sha": "b1"},
        {"path": "vendored", "type": "commit", "sha": "c1"},
    )

    def __init__(self, *, truncated: bool = False) -> None:
        self.truncated = truncated

    def __call__(self, request: Received) -> Reply:
        sha = request.path.rsplit("/", 1)[1]
        entries = {HEAD: self.root, "t1": self.below}[sha]
        cut = self.truncated and "recursive" in request.query
        return Answer({"sha": sha, "tree": list(entries), "truncated": cut})


class TestReading:
    def test_the_head_is_the_branchs_newest_commit(self) -> None:
        with connected(Answer({"object": {"sha": HEAD, "type": "commit"}})) as (github, server):
            assert github.head() == HEAD
            assert server.asked == ["GET /repos/acme/infra/git/ref/heads/main"]

    def test_a_tree_is_the_files_below_a_folder_and_costs_only_the_way_there(self) -> None:
        with connected(Trees()) as (github, server):
            assert github.tree(HEAD, "requests/") == {"requests/aw/one.yaml": "b1"}
            assert [(request.path.rsplit("/", 1)[1], request.query) for request in server.requests] == [
                (HEAD, {}),
                ("t1", {"recursive": "1"}),
            ]

    def test_a_folder_that_is_not_there_has_no_files(self) -> None:
        with connected(Trees()) as (github, _):
            assert github.tree(HEAD, "README.md") == {}
            assert github.tree(HEAD, "nowhere") == {}

    def test_the_whole_repository_is_a_tree_too(self) -> None:
        with connected(Trees()) as (github, _):
            assert github.tree(HEAD, "") == {"README.md": "b0"}

    def test_a_list_cut_short_is_refused_and_never_taken_for_the_whole(self) -> None:
        error, _ = failure(lambda github: github.tree(HEAD, "requests"), Trees(truncated=True))
        assert isinstance(error, Refused)
        assert "cut short" in str(error)

    def test_a_blob_is_its_bytes(self) -> None:
        wrapped = base64.encodebytes(b"\x00" * 100).decode()
        with connected(Answer({"content": wrapped, "encoding": "base64"})) as (github, _):
            assert github.blob("b1") == b"\x00" * 100

    def test_a_blob_in_an_encoding_nobody_promised_is_unknown(self) -> None:
        error, _ = failure(lambda github: github.blob("b1"), Answer({"content": "x", "encoding": "rot13"}))
        assert isinstance(error, Unknown)

    def test_a_file_is_read_from_our_branch_unless_told_otherwise(self) -> None:
        answer = Answer({"content": base64.b64encode(b"flow: x").decode(), "encoding": "base64", "sha": "b1"})
        with connected(answer) as (github, server):
            assert github.file("policies/a b.yaml") == b"flow: x"
            assert github.file("policies/a b.yaml", HEAD) == b"flow: x"
            assert server.requests[0].path == "/repos/acme/infra/contents/policies/a%20b.yaml"
            assert [request.query["ref"] for request in server.requests] == ["main", HEAD]

    def test_a_large_file_is_read_as_a_blob(self) -> None:
        with connected(
            Answer({"content": "", "encoding": "none", "sha": "b1"}),
            Answer({"content": base64.b64encode(b"large").decode(), "encoding": "base64"}),
        ) as (github, server):
            assert github.file("big") == b"large"
            assert server.asked[1] == "GET /repos/acme/infra/git/blobs/b1"

    def test_a_file_that_is_not_there_is_none_but_a_missing_branch_is_refused(self) -> None:
        with connected(
            Answer({"message": "Not Found"}, 404), Answer({"message": "No commit found for the ref x"}, 404)
        ) as (github, _):
            assert github.file("nowhere") is None
            with pytest.raises(Refused, match="No commit found"):
                github.file("nowhere", "x")

    def test_a_folder_is_no_file(self) -> None:
        error, _ = failure(lambda github: github.file("policies"), Answer([{"path": "policies/a"}]))
        assert isinstance(error, Unknown)

    @pytest.mark.parametrize("relation", ["ahead", "behind", "identical", "diverged"])
    def test_two_commits_stand_in_one_of_four_ways(self, relation: str) -> None:
        with connected(Answer({"status": relation})) as (github, server):
            assert github.compare(HEAD, NEXT) == relation
            assert server.asked == [f"GET /repos/acme/infra/compare/{HEAD}...{NEXT}"]

    def test_and_in_no_fifth(self) -> None:
        error, _ = failure(lambda github: github.compare(HEAD, NEXT), Answer({"status": "sideways"}))
        assert isinstance(error, Unknown)


class TestAddresses:
    @pytest.mark.parametrize(
        ("api_url", "base"),
        [
            (None, "https://github.com"),
            ("https://api.acme.ghe.com", "https://acme.ghe.com"),
            ("https://git.acme.example/api/v3", "https://git.acme.example"),
            ("http://localhost:8080", "http://localhost:8080"),
        ],
    )
    def test_people_are_sent_to_the_site_not_to_the_api(self, api_url: str | None, base: str) -> None:
        github = GitHub.connect("acme/infra", "main", token="t", api_url=api_url)
        assert github.html_url_of_commit(HEAD) == f"{base}/acme/infra/commit/{HEAD}"
        assert (
            github.html_url_of_file("requests/a b.yaml", "main")
            == f"{base}/acme/infra/blob/main/requests/a%20b.yaml"
        )


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class Installation:
    """Hands out installation tokens that live for *life*, and answers with the head to whoever holds one."""

    def __init__(self, life: timedelta) -> None:
        self.life = life

    def __call__(self, request: Received) -> Reply:
        if request.path == "/app/installations/7/access_tokens":
            expires = (datetime.now(UTC) + self.life).strftime("%Y-%m-%dT%H:%M:%SZ")
            return Answer({"token": "ghs_1", "expires_at": expires, "permissions": {}}, 201)
        assert request.headers["authorization"] == "token ghs_1"
        return Answer({"object": {"sha": HEAD}})


class TestApp:
    private_key = pem(rsa.generate_private_key(65537, 2048))

    @pytest.mark.parametrize(("life", "tokens"), [(timedelta(hours=1), 1), (timedelta(seconds=5), 2)])
    def test_an_installation_token_is_used_until_just_before_its_end(self, life: timedelta, tokens: int) -> None:
        app = AppCredentials(1, 7, self.private_key)
        with Loopback(Installation(life)) as server:
            github = GitHub.connect("acme/infra", "main", app=app, api_url=server.url)
            assert [github.head(), github.head()] == [HEAD, HEAD]
            github.close()
            assert sum("access_tokens" in asked for asked in server.asked) == tokens

    @pytest.mark.parametrize("reply", [Drop(), Answer({"message": "oops"}, 502)])
    def test_a_token_is_asked_for_once_and_without_one_nothing_is_sent(self, reply: Reply) -> None:
        app = AppCredentials(1, 7, self.private_key)
        with Loopback(reply) as server:
            github = GitHub.connect("acme/infra", "main", app=app, api_url=server.url)
            with pytest.raises(Unknown):
                do_commit(github)
            github.close()
            assert server.asked == ["POST /app/installations/7/access_tokens"]

    @pytest.mark.parametrize("key", ["", "not a key", pem(ec.generate_private_key(ec.SECP256R1()))])
    def test_a_key_that_cannot_sign_is_named_at_once_and_not_shown(self, key: str) -> None:
        with pytest.raises(ValueError, match="must be an RSA key"):
            GitHub.connect("acme/infra", "main", app=AppCredentials(1, 7, key))

    def test_the_key_is_never_shown(self) -> None:
        assert "PRIVATE" not in repr(AppCredentials(1, 7, self.private_key))

    def test_one_way_to_sign_in_is_needed_and_only_one(self) -> None:
        app = AppCredentials(1, 7, self.private_key)
        for token, credentials in ((None, None), ("t", app)):
            with pytest.raises(ValueError, match="either a token or an app"):
                GitHub.connect("acme/infra", "main", token=token, app=credentials)
