"""What git is asked, and what it is never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions.workspace import Workspace, WorkspaceFault
from tests.actions.fakes import git
from tests.actions.world import World


def test_the_token_is_a_header_for_the_remotes_host_alone_and_never_an_argument(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = world.job().workspace.root
    git(root, "remote", "set-url", "origin", "http://localhost:1/acme/infra")
    seen: list[tuple[list[str], dict[str, str]]] = []
    real = __import__("subprocess").run

    def spy(command: list[str], **options: object) -> object:
        seen.append((command, options["env"]))  # type: ignore[arg-type]  # what subprocess takes
        return real(command, **options)

    monkeypatch.setattr("actions.workspace.subprocess.run", spy)
    with pytest.raises(WorkspaceFault):
        Workspace(root, token="s3cret", pause=lambda _: None).refresh()
    fetches = [env for command, env in seen if "fetch" in command]
    assert {env["GIT_CONFIG_KEY_0"] for env in fetches} == {"http.http://localhost:1/.extraheader"}
    assert all("s3cret" not in word for command, _ in seen for word in command)
    assert all("GIT_CONFIG_KEY_0" not in env for command, env in seen if "fetch" not in command)


def test_a_fetch_is_tried_again_a_little(world: World, tmp_path: Path) -> None:
    workspace = world.job().workspace
    git(workspace.root, "remote", "set-url", "origin", str(tmp_path / "gone"))
    with pytest.raises(WorkspaceFault, match="git fetch failed"):
        workspace.refresh()
    assert world.pauses == [1, 2]


def test_a_refresh_sees_what_was_committed_and_leaves_the_working_tree_alone(world: World) -> None:
    workspace = world.job().workspace
    commit = world.add(world.entry())
    assert workspace.refresh() == commit
    assert workspace.head() != commit
    assert not (workspace.root / world.entry().path).exists()


def test_a_file_is_read_as_it_was_at_a_commit(world: World) -> None:
    first = world.commit("One", {"note": b"1"})
    world.commit("Two", {"note": b"2"})
    workspace = world.job().workspace
    assert workspace.file(first, "note") == b"1"
    assert workspace.file(workspace.head(), "note") == b"2"
    assert workspace.file(first, "other") is None
    assert [version.content for version in workspace.versions("note", workspace.head())] == [b"2", b"1"]


def test_a_merge_cannot_hide_that_an_id_had_ended(world: World) -> None:
    """A branch from before the end is merged so that the branch, not main, is the first parent."""
    entry = world.entry()
    begun = world.add(entry)
    ended = world.commit("End", {}, [entry.path])
    tree = git(world.bare, "rev-parse", f"{begun}^{{tree}}")
    for parents in (("-p", ended, "-p", begun), ("-p", begun, "-p", ended)):
        merge = git(world.bare, "commit-tree", tree, *parents, "-m", "Merge")
        git(world.bare, "update-ref", "refs/heads/main", merge)
        workspace = world.job().workspace
        assert "D" in workspace.disturbed(workspace.head(), "requests/")[entry.path]


def test_an_honest_merge_disturbs_nothing(world: World) -> None:
    start = git(world.bare, "rev-parse", "main")
    entry = world.entry()
    added = world.add(entry)
    tree = git(world.bare, "rev-parse", f"{start}^{{tree}}")
    side = git(world.bare, "commit-tree", tree, "-p", start, "-m", "A side branch")
    whole = git(world.bare, "rev-parse", f"{added}^{{tree}}")
    merge = git(world.bare, "commit-tree", whole, "-p", added, "-p", side, "-m", "Merge")
    git(world.bare, "update-ref", "refs/heads/main", merge)
    workspace = world.job().workspace
    assert entry.path not in workspace.disturbed(workspace.head(), "requests/")
