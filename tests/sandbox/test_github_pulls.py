"""Pull requests of the GitHub stand-in: opened, reviewed, commented and merged as GitHub lets one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sallyport.platforms.github import GitHub
from sandbox.github import Token
from sandbox.github.pull_page import rendered
from sandbox.github.repository import git
from tests.sandbox.github_world import TOKENS, World, github_world

PERSON = {"contents": "write", "pull-requests": "write"}
PEOPLE = {f"ghp_{login}": Token(login, PERSON) for login in ("ana", "lee")}
TOKENS_OF_JOBS = {"ghs_job": Token("github-actions[bot]", PERSON, of_a_job=True)}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for value, token in {**PEOPLE, **TOKENS_OF_JOBS}.items():
        monkeypatch.setitem(TOKENS, value, token)
    with github_world(tmp_path, {}) as made:
        made.write({"README.md": "one\n", "requests/old.yaml": "id: old\n"})
        yield made


def call(world: World, method: str, path: str, body: Any = None, token: str = "ghp_ana") -> requests.Response:
    url = f"{world.github.url}/repos/acme/infra{path}"
    return requests.request(method, url, json=body, headers={"Authorization": f"token {token}"}, timeout=10)


def branch(world: World, name: str, *messages: str, **files: str) -> str:
    """A branch off main with a commit for each message; each changes a file of its own, the last *files* too."""
    world.repository.point(f"refs/heads/{name}", world.head)
    for number, message in enumerate(messages, 1):
        extra = files if number == len(messages) else {}
        world.write({f"requests/{name}-{number}.yaml": f"id: {number}\n", **extra}, message, name)
    head = world.repository.head(name)
    assert head
    return head


def opened(world: World, name: str = "topic", *messages: str) -> dict[str, Any]:
    head = branch(world, name, *(messages or ("Let partners in",)))
    body = {"title": "Partners", "body": "Go-live.", "head": name, "base": "main"}
    answer = call(world, "POST", "/pulls", body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["head"]["sha"] == head
    found: dict[str, Any] = answer.json()
    return found


def approved(world: World, number: int, token: str = "ghp_lee", **more: str) -> requests.Response:
    return call(world, "POST", f"/pulls/{number}/reviews", {"event": "APPROVE", **more}, token)


def merged(world: World, number: int, **body: str) -> requests.Response:
    return call(world, "PUT", f"/pulls/{number}/merge", body, "ghp_lee")


def errors(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, f"{answer.json()['message']} {answer.json().get('errors', '')}"


class TestOpening:
    def test_a_pull_request_says_what_it_brings(self, world: World) -> None:
        pull = opened(world)
        seen = call(world, "GET", f"/pulls/{pull['number']}").json()
        assert seen == pull
        assert (pull["state"], pull["merged"], pull["mergeable"], pull["commits"]) == ("open", False, True, 1)
        assert (pull["user"]["login"], pull["user"]["type"]) == ("ana", "User")
        assert (pull["base"]["ref"], pull["base"]["sha"]) == ("main", world.head)
        assert world.repository.ref(f"refs/pull/{pull['number']}/merge") == pull["merge_commit_sha"]

    def test_its_files_are_those_changed_since_it_left_its_base(self, world: World) -> None:
        world.repository.point("refs/heads/topic", world.head)
        world.write({"README.md": "one\ntwo\n", "requests/new.yaml": "id: new\n"}, branch="topic")
        head = world.repository.head("topic")
        assert head
        world.repository.commit_on_branch(
            "topic", expected=head, additions={}, deletions=["requests/old.yaml"], message="Less", login="ana"
        )
        world.write({"docs.md": "of main alone"})
        body = {"title": "Three", "head": "topic", "base": "main"}
        number = call(world, "POST", "/pulls", body).json()["number"]
        files = call(world, "GET", f"/pulls/{number}/files").json()
        assert {file["filename"]: (file["status"], file["additions"], file["deletions"]) for file in files} == {
            "README.md": ("modified", 1, 0),
            "requests/new.yaml": ("added", 1, 0),
            "requests/old.yaml": ("removed", 0, 1),
        }

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"head": "nowhere"}, "'field': 'head', 'code': 'invalid'"),
            ({"base": "nowhere"}, "'field': 'base', 'code': 'invalid'"),
            ({"head": "main"}, "No commits between main and main"),
            ({}, "A pull request already exists for acme:topic."),
        ],
    )
    def test_what_cannot_be_asked_is_refused(self, world: World, wrong: dict[str, str], said: str) -> None:
        opened(world)
        body = {"title": "Again", "head": "topic", "base": "main", **wrong}
        status, text = errors(call(world, "POST", "/pulls", body))
        assert status == 422
        assert said in text

    def test_a_job_may_not_open_one(self, world: World) -> None:
        branch(world, "topic", "Add")
        body = {"title": "Mine", "head": "topic", "base": "main"}
        assert errors(call(world, "POST", "/pulls", body, "ghs_job"))[0] == 403

    def test_who_may_not_see_pull_requests_is_told_so(self, world: World) -> None:
        number = opened(world)["number"]
        assert call(world, "GET", f"/pulls/{number}", token="ghp_reader").status_code == 403
        assert call(world, "GET", "/pulls/99").status_code == 404


class TestReviews:
    def test_a_review_is_bound_to_the_commit_it_saw(self, world: World) -> None:
        pull = opened(world)
        assert approved(world, pull["number"]).json()["commit_id"] == pull["head"]["sha"]
        before, after = world.write({"requests/more.yaml": "id: more\n"}, branch="topic")
        world.github.notify_push(before, after, "ana", branch="topic")
        answer = call(world, "POST", f"/pulls/{pull['number']}/reviews", {"event": "COMMENT", "body": "Why?"})
        assert answer.status_code == 200
        reviews = call(world, "GET", f"/pulls/{pull['number']}/reviews").json()
        assert [(one["user"]["login"], one["state"], one["commit_id"]) for one in reviews] == [
            ("lee", "APPROVED", before),
            ("ana", "COMMENTED", after),
        ]

    def test_a_review_may_name_an_older_commit_of_the_pull_request_and_no_other(self, world: World) -> None:
        pull = opened(world, "topic", "One", "Two")
        first = world.repository.between(world.head, pull["head"]["sha"])[0]
        assert approved(world, pull["number"], commit_id=first).json()["commit_id"] == first
        assert errors(approved(world, pull["number"], commit_id=world.head))[0] == 422

    def test_nobody_approves_their_own(self, world: World) -> None:
        number = opened(world)["number"]
        assert errors(approved(world, number, "ghp_ana")) == (
            422,
            "Unprocessable Entity ['Can not approve your own pull request']",
        )

    def test_a_job_approves_nothing(self, world: World) -> None:
        number = opened(world)["number"]
        assert errors(approved(world, number, "ghs_job"))[0] == 422

    @pytest.mark.parametrize("body", [{"event": "REQUEST_CHANGES"}, {"event": "PRAISE"}, {"body": "pending"}])
    def test_a_review_that_says_nothing_is_refused(self, world: World, body: dict[str, str]) -> None:
        number = opened(world)["number"]
        assert call(world, "POST", f"/pulls/{number}/reviews", body, "ghp_lee").status_code == 422

    def test_reviews_come_in_pages(self, world: World) -> None:
        number = opened(world)["number"]
        for _ in range(3):
            approved(world, number)
        page = call(world, "GET", f"/pulls/{number}/reviews?per_page=2&page=1")
        assert len(page.json()) == 2
        assert 'rel="next"' in page.headers["Link"]


class TestComments:
    def test_a_comment_is_made_read_and_edited(self, world: World) -> None:
        number = opened(world)["number"]
        made = call(world, "POST", f"/issues/{number}/comments", {"body": "plan"}, "ghs_job").json()
        assert (made["user"]["login"], made["user"]["type"]) == ("github-actions[bot]", "Bot")
        edited = call(world, "PATCH", f"/issues/comments/{made['id']}", {"body": "new plan"}, "ghs_job")
        assert edited.status_code == 200
        assert [one["body"] for one in call(world, "GET", f"/issues/{number}/comments").json()] == ["new plan"]

    def test_a_comment_has_a_limit_and_a_text(self, world: World) -> None:
        number = opened(world)["number"]
        status, said = errors(call(world, "POST", f"/issues/{number}/comments", {"body": "x" * 65_537}))
        assert status == 422
        assert "maximum is 65536 characters" in said
        assert call(world, "POST", f"/issues/{number}/comments", {"body": " "}).status_code == 422
        assert call(world, "PATCH", "/issues/comments/99", {"body": "x"}).status_code == 404


class TestMerging:
    def test_a_merge_commit_has_both_sides(self, world: World) -> None:
        pull, before = opened(world, "topic", "One", "Two"), world.head
        answer = merged(world, pull["number"])
        assert answer.json() == {"sha": world.head, "merged": True, "message": "Pull Request successfully merged"}
        commit = world.repository.commit(world.head)
        assert commit.parents == (before, pull["head"]["sha"])
        assert commit.message == f"Merge pull request #{pull['number']} from acme/topic\n\nPartners"
        assert commit.author.name == "lee"

    def test_a_squash_is_one_commit_of_the_author(self, world: World) -> None:
        pull, before = opened(world, "topic", "One", "Two"), world.head
        assert merged(world, pull["number"], merge_method="squash").status_code == 200
        commit = world.repository.commit(world.head)
        assert commit.parents == (before,)
        assert commit.message == f"Partners (#{pull['number']})\n\n* One\n* Two"
        assert world.repository.file(world.head, "requests/topic-2.yaml") == b"id: 2\n"

    def test_a_rebase_brings_every_commit_over(self, world: World) -> None:
        pull = opened(world, "topic", "One", "Two")
        world.write({"docs.md": "meanwhile"}, "Meanwhile")
        assert merged(world, pull["number"], merge_method="rebase").status_code == 200
        log = world.repository.log(world.head, limit=3)
        assert [commit.message for commit in log] == ["Two", "One", "Meanwhile"]
        assert world.repository.file(world.head, "docs.md") == b"meanwhile"

    @pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
    def test_conflicts_are_not_merged(self, world: World, method: str) -> None:
        world.repository.point("refs/heads/topic", world.head)
        world.write({"README.md": "theirs\n"}, branch="topic")
        world.write({"README.md": "ours\n"})
        body = {"title": "Two minds", "head": "topic", "base": "main"}
        pull, head = call(world, "POST", "/pulls", body).json(), world.head
        assert (pull["mergeable"], pull["merge_commit_sha"]) == (False, None)
        assert merged(world, pull["number"], merge_method=method).status_code == 405
        assert world.head == head

    def test_what_moved_since_it_was_seen_is_not_merged(self, world: World) -> None:
        pull = opened(world)
        before, after = world.write({"requests/more.yaml": "id: more\n"}, branch="topic")
        world.github.notify_push(before, after, "ana", branch="topic")
        stale = merged(world, pull["number"], sha=pull["head"]["sha"])
        assert errors(stale)[0] == 409
        assert merged(world, pull["number"], sha=after).status_code == 200

    def test_what_is_merged_is_not_merged_again(self, world: World) -> None:
        number = opened(world)["number"]
        merged(world, number)
        assert merged(world, number).status_code == 405
        assert merged(world, 99).status_code == 404
        assert merged(world, number, merge_method="octopus").status_code == 422


class TestThePullRequestOfACommit:
    @pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
    def test_is_the_one_that_brought_it(self, world: World, method: str) -> None:
        pull = opened(world, "topic", "One", "Two")
        _, pushed = world.write({"docs.md": "meanwhile"}, "Meanwhile")
        merged(world, pull["number"], merge_method=method)
        brought = world.repository.between(pushed, world.head)
        assert len(brought) == {"merge": 3, "squash": 1, "rebase": 2}[method]
        for sha in brought:
            [found] = call(world, "GET", f"/commits/{sha}/pulls").json()
            assert (found["number"], found["merge_commit_sha"]) == (pull["number"], world.head)
        assert call(world, "GET", f"/commits/{pushed}/pulls").json() == [], "it was pushed past any"

    def test_is_the_open_one_while_it_is_not_on_main(self, world: World) -> None:
        pull = opened(world)
        found = call(world, "GET", f"/commits/{pull['head']['sha']}/pulls").json()
        assert [(one["number"], one["merged_at"]) for one in found] == [(pull["number"], None)]

    def test_of_a_commit_that_is_not_there_is_an_error(self, world: World) -> None:
        assert call(world, "GET", f"/commits/{'f' * 40}/pulls").status_code == 422


def test_the_products_client_finds_who_reviewed_what_and_keeps_one_comment(world: World) -> None:
    pull = opened(world, "topic", "One", "Two")
    number = pull["number"]
    approved(world, number)
    github = GitHub.connect("acme/infra", "main", token="ghs_job", api_url=world.github.url)
    try:
        assert github.pull_of_commit(world.head) is None
        first = github.put_comment(number, "plan", "one")
        assert github.put_comment(number, "plan", "two") == first
        assert github.put_comment(number, "plan", "two") == first
        [comment] = call(world, "GET", f"/issues/{number}/comments").json()
        assert comment["body"] == "<!-- plan -->\ntwo"
        merged(world, number, merge_method="rebase")
        found = github.pull_of_commit(world.head)
        assert found is not None
        assert (found.number, found.author, found.head) == (number, "ana", pull["head"]["sha"])
        assert (found.merge_commit, found.base) == (world.head, "main")
        [review] = github.reviews(number)
        assert (review.by, review.state, review.commit) == ("lee", "APPROVED", found.head)
    finally:
        github.close()


class TestThePage:
    def test_shows_what_was_said_and_lets_a_person_approve_and_merge(self, world: World) -> None:
        pull = opened(world)
        url = f"{world.github.url}/acme/infra/pull/{pull['number']}"
        comment = {"body": "<!-- plan -->\n| What |\n|---|\n| **1** <script>x</script> |"}
        call(world, "POST", f"/issues/{pull['number']}/comments", comment)
        shown = requests.get(url, timeout=10).text
        assert "<strong>1</strong> &lt;script&gt;" in shown
        assert "plan --" not in shown
        refused = requests.post(f"{url}/approve", data={"as": "ana"}, timeout=10)
        assert refused.status_code == 422
        assert "Can not approve your own" in refused.text
        assert "approved" in requests.post(f"{url}/approve", data={"as": "lee"}, timeout=10).text
        assert "merged" in requests.post(f"{url}/merge", data={"as": "lee", "method": "squash"}, timeout=10).text
        assert world.repository.commit(world.head).headline == f"Partners (#{pull['number']})"
        assert requests.get(f"{world.github.url}/acme/infra/pull/99", timeout=10).status_code == 404

    def test_offers_branches_that_nobody_asked_to_merge(self, world: World) -> None:
        branch(world, "topic", "Let partners in")
        here = f"{world.github.url}/acme/infra"
        assert "topic" in requests.get(here, timeout=10).text
        shown = requests.post(f"{here}/pulls", data={"as": "ana", "branch": "topic"}, timeout=10).text
        assert "Let partners in #" in shown
        nobody = requests.post(f"{here}/pulls", data={"as": "sallyport-bot", "branch": "topic"}, timeout=10)
        assert nobody.status_code == 422

    def test_looks_for_a_push_past_the_api(self, world: World) -> None:
        pull = opened(world)
        _, after = world.write({"requests/more.yaml": "id: more\n"}, branch="topic")
        url = f"{world.github.url}/acme/infra/pull/{pull['number']}"
        assert after[:7] in requests.post(f"{url}/look", data={"as": "ana"}, timeout=10).text

    def test_markdown_is_shown_without_html_of_anybody(self) -> None:
        assert rendered("<b>bold</b>") == "<p>&lt;b&gt;bold&lt;/b&gt;</p>\n"


def test_a_branch_of_a_fork_is_asked_for_by_its_owner(world: World) -> None:
    branch(world, "topic", "Let partners in")
    git("--git-dir", world.repository.bare, "update-ref", "refs/forks/kim/topic", "refs/heads/topic")
    body = {"title": "From afar", "head": "kim:topic", "base": "main"}
    pull = call(world, "POST", "/pulls", body).json()
    assert (pull["head"]["label"], pull["head"]["repo"]) == (
        "kim:topic",
        {"full_name": "kim/infra", "fork": True},
    )
