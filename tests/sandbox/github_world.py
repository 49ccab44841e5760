"""A small world around the GitHub stand-in for its tests: a bare repository, a server, and the real PyGithub."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import github as pygithub
from github.Repository import Repository as RemoteRepository

from sandbox.github import GitHubStandIn, Run, Runner, Token
from sandbox.github.repository import Repository, git
from sandbox.serving import Server

BOT = Token("sallyport-bot", {"contents": "write", "actions": "write", "checks": "write"})
READER = Token("ana", {"contents": "read", "actions": "read", "checks": "read"})
TOKENS = {"ghp_bot": BOT, "ghp_reader": READER, "ghp_nothing": Token("kim")}


@dataclass
class World:
    github: GitHubStandIn
    repository: Repository

    def api(self, token: str = "ghp_bot") -> RemoteRepository:
        """The repository as PyGithub sees it, without pauses and without re-sending anything."""
        return pygithub.Github(
            auth=pygithub.Auth.Token(token),
            base_url=self.github.url,
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
        ).get_repo("acme/infra")

    @property
    def head(self) -> str:
        head = self.repository.head("main")
        assert head
        return head

    def write(self, files: Mapping[str, str], message: str = "Change", branch: str = "main") -> tuple[str, str]:
        """A commit made past the API: before and after."""
        before = self.repository.head(branch)
        assert before
        content = {path: dedent(text).encode() for path, text in files.items()}
        options: dict[str, Any] = {"deletions": (), "message": message, "login": "ana"}
        return before, self.repository.commit_on_branch(branch, expected=before, additions=content, **options)

    def commit(self, files: Mapping[str, str], *, token: str = "ghp_bot", **others: Any) -> dict[str, Any]:
        """A commit through the API, as PyGithub sends it."""
        additions = [{"path": path, "contents": encoded(text)} for path, text in files.items()]
        wanted = {
            "branch": {"repositoryNameWithOwner": "acme/infra", "branchName": "main"},
            "message": {"headline": "Add a request", "body": "Request-Id: aw-1"},
            "expectedHeadOid": self.head,
            "fileChanges": {"additions": additions},
            **others,
        }
        requester = self.api(token).requester
        return requester.graphql_named_mutation("createCommitOnBranch", wanted, "commit { oid url }")[1]

    def dispatch(self, file: str, inputs: Mapping[str, Any] | None = None, ref: str = "main") -> int:
        run = (
            self.api()
            .get_workflow(file)
            .create_dispatch(ref, dict(inputs or {}), throw=True, return_run_details=True)
        )
        return run.id

    def finished(self, run_id: int, seconds: float = 30) -> Run:
        self.github.wait_idle(seconds)
        return next(run for run in self.github.runs if run.id == run_id)

    def ran(self, file: str, inputs: Mapping[str, Any] | None = None, ref: str = "main") -> Run:
        return self.finished(self.dispatch(file, inputs, ref))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def empty_bare(place: Path) -> Repository:
    git("init", "--quiet", "--bare", "--initial-branch=main", place)
    tree = git("--git-dir", place, "mktree").decode().strip()
    people = {
        f"GIT_{who}_{what}": "ana@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    first = git("--git-dir", place, "commit-tree", tree, "-m", "Begin", **people).decode().strip()
    git("--git-dir", place, "update-ref", "refs/heads/main", first)
    return Repository(place)


@contextmanager
def github_world(folder: Path, workflows: Mapping[str, str], **runner: Any) -> Iterator[World]:
    """`workflows` maps file names under .github/workflows/, or paths with a slash, to their text."""
    repository = empty_bare(folder / "infra.git")
    made = replace(Runner(python=Path(sys.executable), grace=3.0), **runner)
    stand_in = GitHubStandIn(
        bare=repository.bare, repository="acme/infra", tokens=TOKENS, runner=made, workdir=folder / "work"
    )
    world = World(stand_in, repository)
    paths = {
        name.removeprefix("./") if "/" in name else f".github/workflows/{name}": text
        for name, text in workflows.items()
    }
    if paths:
        world.write(paths, "Seed")
    with Server(stand_in.app) as server:
        stand_in.serve_at(server.url)
        try:
            yield world
        finally:
            stand_in.close()
