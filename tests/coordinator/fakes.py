"""A strict GitHub in memory with the methods that the coordinator calls, and nothing more; and a sink.

Failures are told beforehand: one that strikes `before` the work, or `after` it, when only the answer is lost.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from coordinator.audit.records import Record
from coordinator.audit.sink import Found
from coordinator.journal import Journal
from sallyport.outcomes import CHECK_NAME, Outcome, dump_outcomes
from sallyport.platforms.errors import PlatformError, Refused, Unknown
from sallyport.platforms.github_answers import ACTIONS, CheckRun, Run, RunState, StaleHead
from sallyport.reviews import APPROVED, PullRequest, Review

T = TypeVar("T")
OPTIONAL = {"also"}  # of apply.yml
WORKFLOWS = {
    "apply.yml": {"request_id", "commit", "environment", "lock"},
    "expire.yml": {"request_id"},
    "refresh.yml": {"environment", "lock", "channel", "message"},
    "status.yml": {"environment", "channel", "message", "offers", "coming"},
}


def lost(what: str) -> Unknown:
    """The work was done or not; nobody heard."""
    return Unknown("GitHub", what, "no answer")


@dataclass
class Dispatched:
    """One run as GitHub has it."""

    state: RunState
    workflow: str
    inputs: Mapping[str, str]
    event: str = "workflow_dispatch"


@dataclass
class FakeGitHub:
    """One branch of one repository. `commits` are (headline, body, files) in order."""

    now: Callable[[], datetime]
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[tuple[str, str, dict[str, bytes]]] = field(default_factory=list)
    runs: list[Dispatched] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    checks: dict[str, list[CheckRun]] = field(default_factory=dict)
    away: PlatformError | None = None  # what every call ends with while GitHub is away
    branches: dict[str, dict[str, bytes]] = field(default_factory=dict)  # of our own, with what each adds
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    shown: dict[str, dict[str, bytes]] = field(default_factory=dict)  # by commit, also once its branch is gone
    said: dict[int, list[Review]] = field(default_factory=dict)
    words: dict[int, str] = field(default_factory=dict)  # the text of each pull request
    lists_after: timedelta = timedelta()  # until a run that was started is found
    _faults: list[tuple[str, PlatformError, bool]] = field(default_factory=list)
    _pushed: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    # What a test does

    def waits_for_runs(self, count: int, timeout: float = 10) -> Dispatched:
        """Wait until that many runs were started, and return the last."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.runs) >= count, timeout), f"{len(self.runs)} runs"
            return self.runs[count - 1]

    def fail(self, method: str, error: PlatformError, *, after: bool = False, times: int = 1) -> None:
        """Let the next calls of *method* fail, with *after* only once the work is done."""
        self._faults += [(method, error, after)] * times

    def push(self, files: Mapping[str, bytes]) -> None:
        """Somebody else commits."""
        self.files.update(files)
        self._pushed += 1

    def delete(self, path: str) -> None:
        """A job commits that an entry is gone."""
        del self.files[path]
        self._pushed += 1

    def review(self, number: int, by: str = "leewong", state: str = APPROVED, commit: str = "") -> None:
        """Somebody reviews a pull request, at its head unless a *commit* is named."""
        self.said[number].append(Review(by, state, commit or self.pulls[number].head, self.now()))

    def push_to(self, number: int) -> None:
        """Somebody pushes to the branch of a pull request."""
        pull = self.pulls[number]
        [branch] = self.branches
        self.branches[branch]["proposals/more.yaml"] = b"more"
        self.pulls[number] = replace(pull, head=self._head_of(branch))

    def sweeps(self) -> int:
        """The schedule of expire.yml strikes; return the run."""
        return self.begins("expire.yml", "schedule")

    def begins(self, workflow: str, event: str) -> int:
        """GitHub starts a run that nobody has dispatched; return it."""
        number = len(self.runs) + 1
        url = f"https://github.test/acme/infra/actions/runs/{number}"
        state = RunState(number, url, "in_progress", None, self._head(), self.now())
        self.runs.append(Dispatched(state, workflow, {"request_id": ""}, event))
        return number

    def complete(self, run_id: int, conclusion: str = "success") -> RunState:
        """A run is over."""
        run = self._run(run_id)
        run.state = replace(run.state, status="completed", conclusion=conclusion)
        return run.state

    def report(
        self,
        run_id: int,
        *outcomes: Outcome,
        text: str | None = None,
        external_id: str | None = None,
        app: str = ACTIONS,
    ) -> None:
        """A job reports what it did, as a check on its head commit."""
        check = CheckRun(
            external_id=str(run_id) if external_id is None else external_id,
            conclusion="success",
            title="",
            summary="",
            text=dump_outcomes(outcomes) if text is None else text,
            details_url="",
            app=app,
        )
        self.checks.setdefault(self._run(run_id).state.head_sha, []).append(check)

    # What the product does

    def head(self, branch: str = "") -> str:
        return self._do("head", lambda: self._head_of(branch))

    def tree(self, sha: str, path: str) -> dict[str, str]:
        self._at_head(sha)
        below = {p: _sha(c) for p, c in self.files.items() if p.startswith(f"{path}/")}
        return self._do("tree", lambda: below)

    def blob(self, sha: str) -> bytes:
        found = [content for content in self.files.values() if _sha(content) == sha]
        return self._do("blob", lambda: found[0])

    def file(self, path: str, ref: str | None = None) -> bytes | None:
        heads = {self._head_of(name): files for name, files in self.branches.items()}
        assert ref is None or ref in heads, "the coordinator looks at branches as they are"
        return self._do("file", lambda: (self.files if ref is None else heads[ref]).get(path))

    def start_branch(self, name: str, sha: str) -> None:
        assert sha == self._head(), "a branch begins at the newest commit"
        self._do("start_branch", lambda: self.branches.setdefault(name, {}))

    def drop_branch(self, name: str) -> None:
        self._do("drop_branch", lambda: self.branches.pop(name, None))

    def open_pull(self, branch: str, title: str, body: str) -> PullRequest:
        def do() -> PullRequest:
            if self._pull_of(branch):
                said = ("Validation Failed", f"A pull request already exists for acme:{branch}.")
                raise Refused("GitHub", "open a pull request", said[0], status=422, reasons=said)
            assert self.branches[branch], "GitHub takes no pull request without commits"
            number = len(self.pulls) + 12
            url = f"https://github.test/acme/infra/pull/{number}"
            pull = PullRequest(number, url, title, "sallyport[bot]", self._head_of(branch), "main")
            self.pulls[number], self.said[number], self.words[number] = pull, [], body
            return pull

        return self._do("open_pull", do)

    def pull_of_branch(self, branch: str) -> PullRequest | None:
        return self._do("pull_of_branch", lambda: self._pull_of(branch))

    def pull(self, number: int) -> PullRequest:
        return self._do("pull", lambda: self.pulls[number])

    def reviews(self, number: int) -> tuple[Review, ...]:
        return self._do("reviews", lambda: tuple(self.said[number]))

    def edit_pull(self, number: int, body: str) -> None:
        self._do("edit_pull", lambda: self.words.update({number: body}))

    def close_pull(self, number: int, body: str) -> None:
        def do() -> None:
            self.pulls[number] = replace(self.pulls[number], closed=True)
            self.words[number] = body

        self._do("close_pull", do)

    def commit(
        self,
        message_headline: str,
        message_body: str,
        additions: Mapping[str, bytes],
        deletions: Sequence[str],
        expected_head: str,
        branch: str = "",
    ) -> str:
        assert additions, "a commit without changes"
        assert not deletions, "the coordinator deletes nothing"
        assert "\n" not in message_headline

        def do() -> str:
            if expected_head != self._head_of(branch):
                raise StaleHead("GitHub", "commit", f"is at {self._head_of(branch)} but expected {expected_head}")
            if branch:
                self.branches[branch] |= additions
                commit = self._head_of(branch)
                self.shown[commit] = dict(self.branches[branch])
                return commit
            self.files.update(additions)
            self.commits.append((message_headline, message_body, dict(additions)))
            return self._head()

        return self._do("commit", do)

    def dispatch(self, workflow: str, inputs: Mapping[str, str], ref: str | None = None) -> Run:
        assert ref is None, "the coordinator dispatches on the branch"
        assert set(inputs) - OPTIONAL == WORKFLOWS[workflow], f"{workflow} takes {WORKFLOWS[workflow]}"
        assert all(isinstance(value, str) for value in inputs.values())

        def do() -> Run:
            number = len(self.runs) + 1
            url = f"https://github.test/acme/infra/actions/runs/{number}"
            state = RunState(number, url, "in_progress", None, self._head(), self.now())
            self.runs.append(Dispatched(state, workflow, dict(inputs)))
            return Run(number, url, url)

        return self._do("dispatch", do)

    def rerun(self, run_id: int) -> None:
        def do() -> None:
            run = self._run(run_id)
            assert run.state.status == "completed"
            run.state = replace(run.state, status="in_progress", conclusion=None, attempt=run.state.attempt + 1)

        self._do("rerun", do)

    def find_run(self, workflow: str, text_in_name: str, created_after: datetime) -> Run | None:
        def do() -> Run | None:
            for run in reversed(self.runs):
                named = text_in_name in run.inputs["request_id"]
                since = created_after <= run.state.created_at <= self.now() - self.lists_after
                if run.workflow == workflow and named and since:
                    return Run(run.state.id, run.state.html_url, run.state.html_url)
            return None

        return self._do("find_run", do)

    def runs_of(self, workflow: str, created_after: datetime, event: str = "") -> tuple[RunState, ...]:
        def do() -> tuple[RunState, ...]:
            since = [
                run for run in self.runs if run.workflow == workflow and run.state.created_at >= created_after
            ]
            return tuple(run.state for run in reversed(since) if run.event == event or not event)

        return self._do("runs_of", do)

    def run(self, run_id: int) -> RunState:
        return self._do("run", lambda: self._run(run_id).state)

    def check_runs(self, head_sha: str, name: str) -> tuple[CheckRun, ...]:
        assert name == CHECK_NAME
        return self._do("check_runs", lambda: tuple(self.checks.get(head_sha, ())))

    def html_url_of_commit(self, sha: str) -> str:
        return f"https://github.test/acme/infra/commit/{sha}"

    def html_url_of_file(self, path: str, ref: str) -> str:
        return f"https://github.test/acme/infra/blob/{ref}/{path}"

    # Inside

    def _do(self, method: str, do: Callable[[], T]) -> T:
        with self._changed:
            self.calls.append(method)
            self._changed.notify_all()
            if self.away is not None:
                raise self.away
            fault = next((f for f in self._faults if f[0] == method), None)
            if fault is None:
                return do()
            self._faults.remove(fault)
            if fault[2]:
                do()
            raise fault[1]

    def _head_of(self, branch: str) -> str:
        if branch and branch not in self.branches:
            raise Refused("GitHub", "read the branch", "Not Found", status=404)
        added = repr(sorted(self.branches[branch].items())) if branch else ""
        return _sha(f"{branch}:{added}".encode()) if added else self._head()

    def _pull_of(self, branch: str) -> PullRequest | None:
        return next((p for p in self.pulls.values() if branch.rpartition("/")[2] in p.title), None)

    def _head(self) -> str:
        return _sha(f"{self._pushed}:{len(self.commits)}".encode())

    def _at_head(self, sha: str) -> None:
        assert sha == self._head(), "policies are read at the head that was just asked for"

    def _run(self, run_id: int) -> Dispatched:
        if not 1 <= run_id <= len(self.runs):
            raise Refused("GitHub", "read a run", "Not Found", status=404)
        return self.runs[run_id - 1]


@dataclass
class KeptSink:
    """A strict sink in memory: it takes a record once, in order, and can be away."""

    records: dict[str, Record] = field(default_factory=dict)
    fault: PlatformError | None = None

    def put(self, records: Sequence[Record]) -> None:
        for record in records:
            if self.fault is not None:
                raise self.fault
            assert self.records.setdefault(record.key, record) == record, f"{record.key} was another one before"

    def read(self) -> Iterator[Found]:
        return (Found(key, record.line) for key, record in self.records.items())


class Interrupted:
    """A replica's journal: at the moment in which it would write, somebody else is faster."""

    def __init__(self, journal: Journal, meanwhile: Callable[[], None]) -> None:
        self._journal = journal
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        if name in {"decide", "move"}:
            self._meanwhile()
        return getattr(self._journal, name)


def _sha(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
