"""The JSON shapes of GitHub's REST answers, for the fields that PyGithub reads.

Pure: facts in, dictionaries out. Absolute URLs name the host that was told to the stand-in.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.github.repository import Commit, Person, TreeEntry
from sandbox.github.runs import Run
from sandbox.github.transcript import JobResult
from sandbox.github.workflow import Workflow

MOST_INLINE_BYTES = 1_000_000


class Answers:
    def __init__(self, url: str, repository: str) -> None:
        self._api = f"{url}/repos/{repository}"
        self._html = f"{url}/{repository}"
        self._name = repository

    def repository(self, default_branch: str, permissions: Mapping[str, bool]) -> dict[str, Any]:
        owner, _, name = self._name.partition("/")
        return {
            "id": 1,
            "node_id": "R_1",
            "name": name,
            "full_name": self._name,
            "owner": {"login": owner, "type": "Organization"},
            "private": True,
            "default_branch": default_branch,
            "permissions": permissions,
            "url": self._api,
            "html_url": self._html,
        }

    def branch(self, name: str, head: Commit, *, signed: bool) -> dict[str, Any]:
        return {"name": name, "commit": self.commit(head, signed=signed), "protected": False}

    def ref(self, full: str, sha: str) -> dict[str, Any]:
        target = {"sha": sha, "type": "commit", "url": f"{self._api}/git/commits/{sha}"}
        return {"ref": full, "node_id": f"REF_{full}", "url": f"{self._api}/git/{full}", "object": target}

    def commit(self, commit: Commit, *, signed: bool) -> dict[str, Any]:
        return {
            "sha": commit.sha,
            "node_id": f"C_{commit.sha}",
            "url": f"{self._api}/commits/{commit.sha}",
            "html_url": f"{self._html}/commit/{commit.sha}",
            "commit": {
                "message": commit.message,
                "author": _person(commit.author),
                "committer": _person(commit.committer),
                "tree": {"sha": commit.tree, "url": f"{self._api}/git/trees/{commit.tree}"},
                "url": f"{self._api}/git/commits/{commit.sha}",
                "verification": {"verified": signed, "reason": "valid" if signed else "unsigned"},
            },
            "author": {"login": commit.author.name},
            "committer": {"login": "web-flow" if signed else commit.committer.name},
            "parents": [{"sha": sha, "url": f"{self._api}/commits/{sha}"} for sha in commit.parents],
        }

    def tree(self, sha: str, entries: list[TreeEntry]) -> dict[str, Any]:
        rows = [self._tree_row(entry) for entry in entries]
        return {"sha": sha, "url": f"{self._api}/git/trees/{sha}", "tree": rows, "truncated": False}

    def _tree_row(self, entry: TreeEntry) -> dict[str, Any]:
        row = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
        size = {} if entry.size is None else {"size": entry.size}
        return {**row, **size, "url": f"{self._api}/git/{entry.type}s/{entry.sha}"}

    def blob(self, sha: str, content: bytes) -> dict[str, Any]:
        url = f"{self._api}/git/blobs/{sha}"
        return {"sha": sha, "node_id": f"B_{sha}", "size": len(content), "url": url, **_encoded(content)}

    def content(self, entry: TreeEntry, path: str, ref: str, content: bytes | None) -> dict[str, Any]:
        """A file with its content, or one row of a folder when `content` is None."""
        kind = {"tree": "dir", "blob": "symlink" if entry.mode == "120000" else "file", "commit": "submodule"}
        row: dict[str, Any] = {
            "type": kind[entry.type],
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": entry.sha,
            "size": entry.size or 0,
            "url": f"{self._api}/contents/{path}?ref={ref}",
            "git_url": f"{self._api}/git/{entry.type}s/{entry.sha}",
            "html_url": f"{self._html}/blob/{ref}/{path}",
            "download_url": None,
        }
        if content is None:
            return row
        big = len(content) > MOST_INLINE_BYTES
        return {**row, **({"encoding": "none", "content": ""} if big else _encoded(content))}

    def comparison(self, base: str, head: str, ahead: int, behind: int) -> dict[str, Any]:
        status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}
        return {
            "url": f"{self._api}/compare/{base}...{head}",
            "html_url": f"{self._html}/compare/{base}...{head}",
            "status": status.get((ahead > 0, behind > 0), "identical"),
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
        }

    def workflow(self, workflow: Workflow) -> dict[str, Any]:
        return {
            "id": workflow_id(workflow.file),
            "node_id": f"W_{workflow.file}",
            "name": workflow.name,
            "path": workflow.path,
            "state": "active",
            "url": f"{self._api}/actions/workflows/{workflow_id(workflow.file)}",
            "html_url": f"{self._html}/blob/HEAD/{workflow.path}",
        }

    def dispatched(self, run: Run) -> dict[str, Any]:
        return {"workflow_run_id": run.id, "run_url": self._run_url(run), "html_url": self.run_page(run)}

    def _run_url(self, run: Run) -> str:
        return f"{self._api}/actions/runs/{run.id}"

    def run_page(self, run: Run) -> str:
        return f"{self._html}/actions/runs/{run.id}"

    def run(self, run: Run) -> dict[str, Any]:
        """`name` is the run's title too: GitHub puts an evaluated run-name into both fields."""
        return {
            "id": run.id,
            "node_id": f"WFR_{run.id}",
            "name": run.name if run.event != "push" else run.workflow_name,
            "display_title": run.name,
            "run_number": run.number,
            "run_attempt": run.attempt,
            "event": run.event,
            "status": run.status,
            "conclusion": run.conclusion,
            "head_branch": run.ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
            "head_sha": run.head_sha,
            "path": f".github/workflows/{run.workflow}",
            "workflow_id": workflow_id(run.workflow),
            "actor": {"login": run.actor},
            "triggering_actor": {"login": run.actor},
            "created_at": moment(run.created_at),
            "run_started_at": moment(run.started_at or run.created_at),
            "updated_at": moment(run.completed_at or run.started_at or run.created_at),
            "url": self._run_url(run),
            "html_url": self.run_page(run),
            "jobs_url": f"{self._run_url(run)}/jobs",
            "workflow_url": f"{self._api}/actions/workflows/{workflow_id(run.workflow)}",
        }

    def job(self, run: Run, job: JobResult, place: int) -> dict[str, Any]:
        number = run.id * 100 + place
        steps = [
            {"name": step.name, "number": index, "status": "completed", "conclusion": step.conclusion}
            for index, step in enumerate(job.steps, 1)
        ]
        return {
            "id": number,
            "run_id": run.id,
            "name": job.name,
            "head_sha": run.head_sha,
            "status": "completed" if job.conclusion else "in_progress",
            "conclusion": job.conclusion,
            "started_at": moment(job.started_at) if job.started_at else None,
            "completed_at": moment(job.completed_at) if job.completed_at else None,
            "steps": steps,
            "url": f"{self._api}/actions/jobs/{number}",
            "run_url": self._run_url(run),
            "html_url": f"{self.run_page(run)}#{job.id}",
        }

    def check_run(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        number = facts["id"]
        empty = {
            "conclusion": None,
            "completed_at": None,
            "output": {"title": None, "summary": None, "text": None},
        }
        urls = {"url": f"{self._api}/check-runs/{number}", "html_url": f"{self._html}/runs/{number}"}
        return {**empty, **facts, **urls, "node_id": f"CR_{number}"}


def workflow_id(file: str) -> int:
    """A stable number for a workflow file."""
    return zlib.crc32(file.encode())


def _person(person: Person) -> dict[str, str]:
    at = datetime.fromisoformat(person.at)
    return {"name": person.name, "email": person.email, "date": moment(at)}


def moment(at: datetime) -> str:
    """A time as GitHub writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _encoded(content: bytes) -> dict[str, str]:
    return {"encoding": "base64", "content": base64.encodebytes(content).decode()}
