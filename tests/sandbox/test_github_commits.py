"""createCommitOnBranch: atomic, compare-and-swap, in the name of the token; any other GraphQL is an error."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import github as pygithub
import pytest

from tests.sandbox.github_world import World, encoded, github_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with github_world(tmp_path, {"requests/aw-1.yaml": "id: aw-1\n"}) as made:
        yield made


def refusal(world: World, files: dict[str, str], **others: Any) -> dict[str, Any]:
    """The one error that GitHub gives; nothing must have changed."""
    before = world.head
    with pytest.raises(pygithub.GithubException) as refused:
        world.commit(files, **others)
    assert world.head == before
    data: dict[str, Any] = refused.value.data
    return dict(data["errors"][0])


def test_a_commit_adds_and_deletes_files_at_once_and_is_verified(world: World) -> None:
    changes = {
        "additions": [{"path": "requests/aw-2.yaml", "contents": encoded("id: aw-2\n")}],
        "deletions": [{"path": "requests/aw-1.yaml"}],
    }
    answer = world.commit({}, fileChanges=changes)
    assert answer["commit"] == {"oid": world.head, "url": f"{world.github.url}/acme/infra/commit/{world.head}"}
    made = world.api().get_commit(world.head)
    assert made.commit.message == "Add a request\n\nRequest-Id: aw-1"
    assert (made.commit.author.name, made.commit.verification.verified) == ("sallyport-bot", True)
    assert [entry.path for entry in world.repository.tree(f"{world.head}:requests")] == ["aw-2.yaml"]


def test_a_stale_head_is_refused_with_githubs_error(world: World) -> None:
    before, _ = world.write({"other.txt": "x"})
    error = refusal(world, {"a.txt": "a"}, expectedHeadOid=before)
    assert error["type"] == "STALE_DATA"
    assert error["message"].startswith(f'Expected branch to point to "{before}" but it did not.')


def test_of_many_writers_with_the_same_head_exactly_one_wins(world: World) -> None:
    head = world.head

    def attempt(number: int) -> bool:
        try:
            world.commit({f"{number}.txt": "x"}, expectedHeadOid=head)
        except pygithub.GithubException:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(6))) == 1
    assert world.repository.commit(world.head).parents == (head,)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"deletions": [{"path": "requests/aw-9.yaml"}]}, "UNPROCESSABLE"),
        ({"additions": [{"path": "/etc/x", "contents": ""}]}, "UNPROCESSABLE"),
        ({"additions": [{"path": "a/../x", "contents": ""}]}, "UNPROCESSABLE"),
        ({"additions": [{"path": ".git/x", "contents": ""}]}, "UNPROCESSABLE"),
        ({"additions": [{"path": "x", "contents": ""}] * 2}, "UNPROCESSABLE"),
        ({"additions": [{"path": "x", "contents": "not base64!"}]}, "INVALID_VARIABLE"),
        ({"additions": [{"path": ".github/workflows/x.yml", "contents": ""}]}, "FORBIDDEN"),
        ({"renames": []}, "INVALID_VARIABLE"),
    ],
)
def test_wrong_changes_abort_the_whole_commit(world: World, changes: dict[str, Any], kind: str) -> None:
    assert refusal(world, {}, fileChanges=changes)["type"] == kind


def test_a_commit_needs_a_known_branch_the_expected_head_and_the_permission(world: World) -> None:
    elsewhere = {"repositoryNameWithOwner": "acme/infra", "branchName": "nope"}
    with pytest.raises(pygithub.UnknownObjectException):
        world.commit({}, branch=elsewhere)
    assert "expectedHeadOid" in refusal(world, {}, expectedHeadOid=None)["message"]
    assert refusal(world, {"a": "a"}, token="ghp_reader")["type"] == "FORBIDDEN"


def test_any_other_query_or_field_is_an_error(world: World) -> None:
    requester = world.api().requester
    for query in ("query { viewer { login } }", "mutation M($input: XInput!) { addStar(input: $input) { x } }"):
        with pytest.raises(pygithub.GithubException) as refused:
            requester.graphql_query(query, {})
        assert "createCommitOnBranch" in refused.value.data["errors"][0]["message"]
    wanted = {
        "branch": {"repositoryNameWithOwner": "acme/infra", "branchName": "main"},
        "message": {"headline": "x"},
        "expectedHeadOid": world.head,
    }
    with pytest.raises(pygithub.GithubException, match="400"):
        requester.graphql_named_mutation("createCommitOnBranch", wanted, "commit { author { name } }")
