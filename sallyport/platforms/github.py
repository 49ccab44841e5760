"""The one GitHub repository that holds the requests: its files, its workflows, its checks.

It never sends a write a second time: PyGithub's own retries, which re-send POSTs, are off.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github import Auth, Github

from sallyport.platforms import github_pulls
from sallyport.platforms.errors import Refused, Unknown
from sallyport.platforms.github_answers import (
    CheckRun,
    Run,
    RunState,
    StaleHead,
    check_of,
    content,
    dispatched,
    run_of,
    state_of,
    string,
    told_apart,
    whole,
)
from sallyport.platforms.github_requests import Requests
from sallyport.reviews import PullRequest, Review
from sallyport.times import format_moment

__all__ = ["AppCredentials", "CheckRun", "GitHub", "Run", "RunState", "StaleHead"]

API_URL = "https://api.github.com"
API_VERSION = "2022-11-28"
DISPATCHED = "workflow_dispatch"  # the event of runs that we begin
TIMEOUT = 10  # seconds to connect, and again for each wait on a part of the answer

Relation = Literal["ahead", "behind", "identical", "diverged"]


@dataclass(frozen=True, slots=True)
class AppCredentials:
    """A GitHub App and its installation; the key is a PEM text and is never shown."""

    id: int | str
    installation_id: int
    private_key: str = field(repr=False)


class GitHub:
    """One repository and one branch of it. Its methods fail with Refused, TryLater or Unknown."""

    def __init__(self, client: Github, repository: str, branch: str, html_base: str) -> None:
        self._client = client
        self._requests = Requests(client.requester, repository)
        self._html = f"{html_base}/{repository}"
        self.repository = repository
        self.branch = branch

    @classmethod
    def connect(
        cls,
        repository: str,
        branch: str,
        token: str | None = None,
        app: AppCredentials | None = None,
        api_url: str | None = None,
        *,
        timeout: int = TIMEOUT,
    ) -> GitHub:
        """Return a client that sends every request once; it makes no request yet.

        `retry=None`, for `GithubRetry` sleeps through rate limits in our thread and loses the status when it gives
        up. No pause between writes either: PyGithub's would hold a worker's lease for nothing, since many entries
        make one commit and one dispatch, and GitHub says when that is still too fast.
        """
        base_url = (api_url or API_URL).rstrip("/")
        client = Github(
            auth=_auth(token, app),
            base_url=base_url,
            timeout=timeout,
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=0,
            api_version=API_VERSION,
        )
        return cls(client, repository, branch, _html_base(base_url))

    def close(self) -> None:
        """Close the connections that are kept open between calls."""
        self._client.close()

    # Reading the repository

    def head(self, branch: str = "") -> str:
        """Return the sha of the newest commit of a branch, ours if none is named."""
        with told_apart("read the branch"):
            answer = self._requests.get(f"/git/ref/heads/{quote(branch or self.branch)}")
            return string(answer["object"], "sha")

    def tree(self, sha: str, path: str) -> dict[str, str]:
        """Return, as of commit *sha*, the blob sha of every file below the folder *path*, by its full path.

        Only the folders on the way are listed, so that the rest of the repository costs nothing. A folder that is
        not there has no files. Refused if GitHub cuts the list short (100 000 entries or 7 MB).
        """
        with told_apart(f"list {path}"):
            tree_sha = sha
            for name in filter(None, path.split("/")):
                below = [one for one in self._entries(tree_sha) if one["path"] == name and one["type"] == "tree"]
                if not below:
                    return {}
                tree_sha = string(below[0], "sha")
            prefix = f"{path.strip('/')}/".lstrip("/")
            entries = self._entries(tree_sha, recursive="1")
            return {prefix + one["path"]: string(one, "sha") for one in entries if one["type"] == "blob"}

    def _entries(self, tree_sha: str, **parameters: str) -> list[dict[str, Any]]:
        answer = self._requests.get(f"/git/trees/{quote(tree_sha)}", **parameters)
        if answer["truncated"]:
            raise Refused("GitHub", "list a folder", f"the list of {tree_sha} is cut short: too many files")
        return list(answer["tree"])

    def blob(self, sha: str) -> bytes:
        """Return the bytes of a file by its blob sha."""
        with told_apart("read a file"):
            return content(self._requests.get(f"/git/blobs/{quote(sha)}"))

    def file(self, path: str, ref: str | None = None) -> bytes | None:
        """Return the bytes of a file at *ref* (our branch if not given), or None if it is not there.

        GitHub gives the same 404 for a repository that we cannot see; `head` tells the two apart.
        """
        try:
            with told_apart(f"read {path}"):
                answer = self._requests.get(f"/contents/{quote(path)}", ref=ref or self.branch)
                large = answer["encoding"] == "none"  # above 1 MB
                return self.blob(string(answer, "sha")) if large else content(answer)
        except Refused as refusal:
            if refusal.status == 404 and refusal.detail.lower() in {"not found", "http 404"}:
                return None
            raise

    def compare(self, base: str, head: str) -> Relation:
        """Return where *head* stands as seen from *base*."""
        with told_apart("compare two commits"):
            path = f"/compare/{quote(base, safe='')}...{quote(head, safe='')}"
            status = string(self._requests.get(path, per_page="1"), "status")
            if status not in {"ahead", "behind", "identical", "diverged"}:
                raise ValueError(f"“{status}” is no relation of two commits")
            return cast("Relation", status)

    # Writing

    def commit(
        self,
        message_headline: str,
        message_body: str,
        additions: Mapping[str, bytes],
        deletions: Sequence[str],
        expected_head: str,
        branch: str = "",
    ) -> str:
        """Make one verified commit on a branch, ours if none is named, and return its sha; all of it or nothing.

        StaleHead if the branch is no longer at *expected_head*. That makes the same call safe to repeat after an
        unknown outcome: if the first one was done, the second is stale.
        """
        if not additions and not deletions:
            raise ValueError("a commit without changes")
        changes = {
            "additions": [
                {"path": path, "contents": base64.b64encode(data).decode()} for path, data in additions.items()
            ],
            "deletions": [{"path": path} for path in deletions],
        }
        mutation = {
            "branch": {"repositoryNameWithOwner": self.repository, "branchName": branch or self.branch},
            "message": {"headline": message_headline, "body": message_body},
            "expectedHeadOid": expected_head,
            "fileChanges": changes,
        }
        with told_apart("commit"):
            _, answer = self._client.requester.graphql_named_mutation(
                "createCommitOnBranch", mutation, "commit { oid url }"
            )
            return string(answer["commit"], "oid")

    def start_branch(self, name: str, sha: str) -> None:
        """Begin a branch at a commit; one of that name stays as it is."""
        try:
            with told_apart(f"begin the branch {name}"):
                string(self._requests.post("/git/refs", {"ref": f"refs/heads/{name}", "sha": sha}), "ref")
        except Refused as refusal:
            if "already exists" not in refusal.detail:
                raise

    def drop_branch(self, name: str) -> None:
        """Remove a branch; its commits stay where a pull request had them. One that is gone stays so."""
        try:
            with told_apart(f"remove the branch {name}"):
                self._requests.delete(f"/git/refs/heads/{quote(name)}")
        except Refused as refusal:
            if "does not exist" not in refusal.detail:
                raise

    def dispatch(self, workflow: str, inputs: Mapping[str, str], ref: str | None = None) -> Run:
        """Start *workflow* (its file name) and return its run.

        Unknown also where GitHub starts it but does not say which run it is: `find_run` tells.
        """
        what = f"start {workflow}"
        body = {"ref": ref or self.branch, "inputs": dict(inputs), "return_run_details": True}
        with told_apart(what):
            answer = self._requests.post(f"{self._workflow(workflow)}/dispatches", body)
            if answer is None:
                raise Unknown("GitHub", what, "it was accepted, without saying as which run")
            return dispatched(answer)

    def rerun(self, run_id: int) -> None:
        """Start every job of a completed run again, under the same id and with the same inputs.

        Nothing is done if it runs already, whoever started it. Its `attempt` tells whether this was done, so look
        at the run before repeating it.
        """
        try:
            with told_apart("start a run again"):
                if answer := self._requests.post(f"/actions/runs/{run_id}/rerun", {}):  # it is empty, says GitHub
                    raise ValueError(f"an answer where there is none: {answer!r:.80}")
        except Refused as refusal:
            if "already running" not in refusal.detail:
                raise

    def check_run(
        self,
        name: str,
        head_sha: str,
        external_id: str,
        conclusion: str,
        title: str,
        summary: str,
        text: str,
        details_url: str | None = None,
    ) -> int:
        """Put a completed check on a commit and return its id; only a GitHub App may."""
        output = {"title": title, "summary": summary, "text": text}
        body = {
            "name": name,
            "head_sha": head_sha,
            "external_id": external_id,
            "status": "completed",
            "conclusion": conclusion,
            "output": output,
        }
        if details_url is not None:
            body["details_url"] = details_url
        with told_apart("report a check"):
            return whole(self._requests.post("/check-runs", body), "id")

    # Looking

    def find_run(self, workflow: str, text_in_name: str, created_after: datetime) -> Run | None:
        """Return the newest dispatched run whose name contains *text_in_name*, or None.

        The look before a second dispatch. Runs of other branches, where anybody may have changed the workflow's
        file, do not count. GitHub may list a run some seconds after it began.
        """
        since = f">={format_moment(created_after)}"
        with told_apart(f"look for a run of {workflow}"):
            path = f"{self._workflow(workflow)}/runs"
            for one in self._requests.all(
                path, "workflow_runs", branch=self.branch, event=DISPATCHED, created=since
            ):
                if text_in_name in one["display_title"]:
                    return run_of(one)
        return None

    def runs_of(self, workflow: str, created_after: datetime, event: str = "") -> tuple[RunState, ...]:
        """Return our branch's runs of *workflow* since then, newest first; *event* keeps those that it began."""
        chosen = {"branch": self.branch, **({"event": event} if event else {})}
        with told_apart(f"list the runs of {workflow}"):
            path = f"{self._workflow(workflow)}/runs"
            since = f">={format_moment(created_after)}"
            return tuple(map(state_of, self._requests.all(path, "workflow_runs", created=since, **chosen)))

    def run(self, run_id: int) -> RunState:
        """Return how far a run has come."""
        with told_apart("read a run"):
            return state_of(self._requests.get(f"/actions/runs/{run_id}"))

    def check_runs(self, head_sha: str, name: str) -> tuple[CheckRun, ...]:
        """Return every check of that name on a commit, superseded ones too."""
        path = f"/commits/{quote(head_sha, safe='')}/check-runs"
        with told_apart("read the checks"):
            return tuple(map(check_of, self._requests.all(path, "check_runs", check_name=name, filter="all")))

    # Pull requests

    def pull_of_commit(self, sha: str) -> PullRequest | None:
        """Return the merged pull request that brought a commit to our branch; None if it was pushed past any."""
        return github_pulls.pull_of_commit(self._requests, sha, self.branch)

    def reviews(self, number: int) -> tuple[Review, ...]:
        """Return every submitted review of a pull request, oldest first, dismissed ones too."""
        return github_pulls.reviews(self._requests, number)

    def pull(self, number: int) -> PullRequest:
        """Return a pull request as it stands."""
        return github_pulls.pull(self._requests, number)

    def pull_of_branch(self, branch: str) -> PullRequest | None:
        """Return the newest pull request that asked to bring a branch to ours, open or not; None if none did."""
        return github_pulls.pull_of_branch(self._requests, self.repository.partition("/")[0], branch, self.branch)

    def open_pull(self, branch: str, title: str, body: str) -> PullRequest:
        """Ask to bring a branch to ours, and return the pull request."""
        return github_pulls.open_pull(self._requests, branch, self.branch, title, body)

    def edit_pull(self, number: int, body: str) -> None:
        """Make *body* the text of a pull request."""
        github_pulls.edit_pull(self._requests, number, body)

    def close_pull(self, number: int, body: str) -> None:
        """Close a pull request without a merge, and make *body* its text."""
        github_pulls.close_pull(self._requests, number, body)

    def put_comment(self, number: int, marker: str, body: str) -> str:
        """Make the one comment of ours with *marker*, which nobody sees, say *body*; return its address."""
        return github_pulls.put_comment(self._requests, number, marker, body)

    # Addresses for people

    def html_url_of_commit(self, sha: str) -> str:
        """Return a commit's address for a browser."""
        return f"{self._html}/commit/{quote(sha, safe='')}"

    def html_url_of_file(self, path: str, ref: str) -> str:
        """Return a file's address for a browser."""
        return f"{self._html}/blob/{quote(ref)}/{quote(path)}"

    def _workflow(self, workflow: str) -> str:
        return f"/actions/workflows/{quote(workflow, safe='')}"


def _auth(token: str | None, app: AppCredentials | None) -> Auth.Auth:
    if (token is None) == (app is None):
        raise ValueError("GitHub needs either a token or an app, and not both")
    if app is None:
        return Auth.Token(cast("str", token))
    _check_key(app.private_key)
    return Auth.AppAuth(app.id, app.private_key).get_installation_auth(app.installation_id)


def _check_key(pem: str) -> None:
    """Fail now rather than at the first call, and without showing the key."""
    with suppress(ValueError, TypeError):
        if isinstance(load_pem_private_key(pem.encode(), password=None), RSAPrivateKey):
            return
    raise ValueError("the GitHub App's private key must be an RSA key in PEM form, without a password")


def _html_base(api_url: str) -> str:
    """Return where people read what *api_url* serves: `api.` and `/api/v3` are for programs."""
    parts = urlsplit(api_url)
    return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}{parts.path.removesuffix('/api/v3')}"
