"""What starts workflow runs: a dispatch, a push, a pull request, a tick of the clock.

Decides which workflows an event starts and what their runs are called; the queue decides when they start.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.github import dispatch, expressions, filters
from sandbox.github.contexts import contexts
from sandbox.github.pulls import Pull
from sandbox.github.repository import Repository
from sandbox.github.runs import Claim, Order, Run, RunQueue
from sandbox.github.workflow import FOLDER, Filter, Workflow, WorkflowError, parse

_SKIP = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")


class UnknownWorkflow(Exception):
    """There is no such workflow file on the default branch."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event on one commit, before it is known which workflows care."""

    event: str
    ref: str
    sha: str
    actor: str
    payload: Mapping[str, Any]
    inputs: Mapping[str, str]
    shown: tuple[str, str] | None = None
    from_fork: bool = False


class Triggers:
    """Turns events into runs. Run ids go on from the clock, so that they differ between two starts."""

    def __init__(
        self,
        repository: Repository,
        name: str,
        variables: Mapping[str, str],
        queue: RunQueue,
        url: Callable[[], str],
    ) -> None:
        self._repository = repository
        self._name = name
        self._variables = variables
        self._queue = queue
        self._url = url
        self._ids = itertools.count(int(time.time() * 10))
        self._numbers: dict[str, itertools.count[int]] = {}

    # -- events ------------------------------------------------------------------------------------------

    def dispatch(self, file: str, ref: str, sent: Any, actor: str) -> Run:
        """A workflow_dispatch of the file as it is at `ref`; raises DispatchError or UnknownWorkflow."""
        repository = self._repository
        if file not in self.files(self._head()):
            raise UnknownWorkflow(file)
        full = repository.full_ref(ref)
        sha = repository.resolve(full) if full else None
        if full is None or sha is None:
            raise dispatch.DispatchError(f"No ref found for: {ref}")
        try:
            workflow = self.read(file, sha)
        except WorkflowError as error:
            raise dispatch.DispatchError(str(error)) from error
        if workflow.dispatch_inputs is None:
            raise dispatch.DispatchError("Workflow does not have 'workflow_dispatch' trigger")
        inputs = dispatch.resolve(workflow.dispatch_inputs, sent)
        payload = {"inputs": inputs, "ref": full, "workflow": workflow.path}
        return self._start(workflow, self._happening("workflow_dispatch", full, sha, actor, payload, inputs))

    def push(self, before: str, after: str, branch: str, actor: str) -> list[Run]:
        """The runs of every workflow whose `on: push` lets this push in."""
        head = self._repository.commit(after)
        if any(word in head.message for word in _SKIP):
            return []
        ref = f"refs/heads/{branch}"
        changed = self._repository.changed(before, after)
        payload = {
            "ref": ref,
            "before": before,
            "after": after,
            "head_commit": {"id": after, "message": head.message, "timestamp": head.committer.at},
            "pusher": {"name": actor},
        }
        happening = self._happening("push", ref, after, actor, payload, {})
        return self._spread(happening, lambda workflow: _lets_in(workflow.push, branch, changed))

    def pull_request(self, action: str, pull: Pull, shape: Mapping[str, Any], actor: str) -> list[Run]:
        """The runs of every workflow that asks for this action on a pull request; none while it conflicts.

        They work on the merge of its head into its base, with the workflow files of that merge.
        """
        happening = self._of_a_pull("pull_request", pull, {"action": action, "pull_request": shape}, actor)
        if happening is None:
            return []
        start = self._repository.merge_base(pull.base_sha, pull.head)
        changed = self._repository.changed(start or pull.base_sha, pull.head)

        def asks(workflow: Workflow) -> bool:
            wanted = workflow.pull_request
            return wanted is not None and action in wanted.types and _lets_in(wanted, pull.base, changed)

        return self._spread(happening, asks)

    def reviewed(self, pull: Pull, shape: Mapping[str, Any], review: Mapping[str, Any], actor: str) -> list[Run]:
        """The runs of every workflow that asks for submitted reviews, on the same merge."""
        payload = {"action": "submitted", "pull_request": shape, "review": review}
        happening = self._of_a_pull("pull_request_review", pull, payload, actor)
        if happening is None:
            return []

        def asks(workflow: Workflow) -> bool:
            wanted = workflow.pull_request_review
            return wanted is not None and "submitted" in wanted.types

        return self._spread(happening, asks)

    def _of_a_pull(self, event: str, pull: Pull, payload: Mapping[str, Any], actor: str) -> Happening | None:
        if pull.test_merge is None or not pull.is_open:
            return None
        ref, whole = f"refs/pull/{pull.number}/merge", {"number": pull.number, **payload}
        return replace(
            self._happening(event, ref, pull.test_merge, actor, whole, {}),
            shown=(f"refs/heads/{pull.branch}", pull.head),
            from_fork=pull.is_fork,
        )

    def _spread(self, happening: Happening, asks: Callable[[Workflow], bool]) -> list[Run]:
        """Start every workflow of the commit that asks for it; a broken file fails a run of its own."""
        runs = []
        for file in self.files(happening.sha):
            try:
                workflow = self.read(file, happening.sha)
            except WorkflowError as error:
                order = self._order(file, f"{FOLDER}/{file}", happening)
                runs.append(self._queue.refuse(order, str(error)))
                continue
            if asks(workflow):
                runs.append(self._start(workflow, happening))
        return runs

    def tick(self, file: str) -> Run:
        """The schedule event of a workflow, on the head of the default branch."""
        sha = self._head()
        if file not in self.files(sha):
            raise UnknownWorkflow(file)
        workflow = self.read(file, sha)
        if not workflow.crons:
            raise WorkflowError(f"{file} has no schedule")
        ref = f"refs/heads/{self._repository.default_branch}"
        actor = self._repository.commit(sha).author.name
        payload = {"schedule": workflow.crons[0], "workflow": workflow.path}
        return self._start(workflow, self._happening("schedule", ref, sha, actor, payload, {}))

    # -- workflow files ----------------------------------------------------------------------------------

    def files(self, sha: str) -> list[str]:
        if self._repository.entry(sha, FOLDER) is None:
            return []
        entries = self._repository.tree(f"{sha}:{FOLDER}")
        return [entry.path for entry in entries if entry.path.endswith((".yml", ".yaml"))]

    def read(self, file: str, sha: str) -> Workflow:
        source = self._repository.file(sha, f"{FOLDER}/{file}")
        if source is None:
            raise WorkflowError(f"{file} does not exist at {sha}")
        return parse(file, source.decode())

    def _head(self) -> str:
        head = self._repository.head(self._repository.default_branch)
        if head is None:
            raise WorkflowError("The repository is empty")
        return head

    # -- runs --------------------------------------------------------------------------------------------

    def _happening(
        self, event: str, ref: str, sha: str, actor: str, payload: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> Happening:
        owner, _, name = self._name.partition("/")
        repository = {
            "name": name,
            "full_name": self._name,
            "owner": {"login": owner},
            "default_branch": self._repository.default_branch,
            "html_url": f"{self._url()}/{self._name}",
        }
        return Happening(
            event, ref, sha, actor, {**payload, "repository": repository, "sender": {"login": actor}}, inputs
        )

    def _order(self, file: str, workflow_name: str, happening: Happening) -> Order:
        number = next(self._numbers.setdefault(file, itertools.count(1)))
        return Order(
            workflow=file,
            workflow_name=workflow_name,
            name=workflow_name,
            number=number,
            id=next(self._ids),
            event=happening.event,
            ref=happening.ref,
            head_sha=happening.sha,
            actor=happening.actor,
            inputs=happening.inputs,
            payload=happening.payload,
            shown=happening.shown,
            from_fork=happening.from_fork,
        )

    def _start(self, workflow: Workflow, happening: Happening) -> Run:
        order = self._order(workflow.file, workflow.name, happening)
        known = contexts(order, workflow, repository=self._name, variables=self._variables, url=self._url())
        try:
            order = replace(order, name=self._title(workflow, happening, known), claim=_claim(workflow, known))
        except expressions.ExpressionError as error:
            return self._queue.refuse(order, f"Error: {error}")
        return self._queue.submit(order)

    def _title(self, workflow: Workflow, happening: Happening, known: Mapping[str, Any]) -> str:
        if workflow.run_name:
            return expressions.render(workflow.run_name, known).strip() or workflow.name
        if happening.event == "push":
            return self._repository.commit(happening.sha).headline
        if happening.event in {"pull_request", "pull_request_review"}:
            return str(happening.payload["pull_request"]["title"])
        return workflow.name


def _claim(workflow: Workflow, known: Mapping[str, Any]) -> Claim | None:
    wanted = workflow.concurrency
    if wanted is None:
        return None
    return Claim(expressions.render(wanted.group, known), wanted.cancel_in_progress, wanted.queue_max)


def _lets_in(wanted: Filter | None, branch: str, changed: list[str]) -> bool:
    if wanted is None:
        return False
    if wanted.tags is not None and wanted.branches is None and wanted.branches_ignore is None:
        return False
    if wanted.branches is not None and not filters.matches(wanted.branches, branch):
        return False
    if wanted.branches_ignore is not None and filters.matches(wanted.branches_ignore, branch):
        return False
    if wanted.paths is not None and not filters.any_path_matches(wanted.paths, changed):
        return False
    return wanted.paths_ignore is None or not filters.all_paths_match(wanted.paths_ignore, changed)
