"""REST calls about workflows and their runs: dispatch, list, look, start again."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime, time

from sandbox.github.answers import Answers, workflow_id
from sandbox.github.dispatch import DispatchError
from sandbox.github.repository import Repository
from sandbox.github.rest import Answer, Call, Endpoint, Refusal, not_found, paged
from sandbox.github.runs import Run, RunQueue
from sandbox.github.triggers import Triggers, UnknownWorkflow
from sandbox.github.workflow import WorkflowError

_LIST = frozenset({"actor", "branch", "event", "status", "created", "head_sha", "exclude_pull_requests"})
_SIGNS: dict[str, Callable[[datetime, datetime], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_DISPATCH = {"ref", "inputs", "return_run_details"}


class ActionsCalls:
    def __init__(
        self, repository: Repository, triggers: Triggers, queue: RunQueue, answers: Callable[[], Answers]
    ) -> None:
        self._repository = repository
        self._triggers = triggers
        self._queue = queue
        self._answers = answers

    def endpoints(self) -> list[Endpoint]:
        one = "/actions/workflows/{workflow}"
        run = "/actions/runs/{run:int}"
        return [
            Endpoint("GET", one, self.workflow, "actions"),
            Endpoint("GET", f"{one}/runs", self.workflow_runs, "actions", query=_LIST, paged=True),
            Endpoint("POST", f"{one}/dispatches", self.dispatch, "actions", "write"),
            Endpoint("GET", "/actions/runs", self.runs, "actions", query=_LIST, paged=True),
            Endpoint("GET", run, self.run, "actions"),
            Endpoint("POST", f"{run}/rerun", self.rerun, "actions", "write"),
            Endpoint("GET", f"{run}/jobs", self.jobs, "actions", query=frozenset({"filter"}), paged=True),
        ]

    def workflow(self, call: Call) -> Answer:
        file, head = self._file(call)
        try:
            return Answer(self._answers().workflow(self._triggers.read(file, head)))
        except WorkflowError as error:
            raise Refusal(422, str(error)) from error

    def _file(self, call: Call) -> tuple[str, str]:
        """The workflow file on the default branch that the path names, by file name or id."""
        head = self._repository.head(self._repository.default_branch)
        for file in self._triggers.files(head) if head else ():
            if call.path["workflow"] in (file, str(workflow_id(file))):
                return file, str(head)
        raise Refusal(404, "Not Found")

    def dispatch(self, call: Call) -> Answer:
        if not isinstance(call.body, dict) or not isinstance(call.body.get("ref"), str):
            raise Refusal(422, 'Invalid request.\n\n"ref" wasn\'t supplied.')
        if unknown := sorted(set(call.body) - _DISPATCH):
            raise Refusal(422, f'Invalid request.\n\n"{unknown[0]}" is not a permitted key.')
        file, _ = self._file(call)
        try:
            run = self._triggers.dispatch(file, call.body["ref"], call.body.get("inputs") or {}, call.token.login)
        except UnknownWorkflow:
            not_found()
        except DispatchError as error:
            raise Refusal(422, str(error)) from error
        if call.body.get("return_run_details"):
            return Answer(self._answers().dispatched(run))
        return Answer(None, 204)

    def workflow_runs(self, call: Call) -> Answer:
        file, _ = self._file(call)
        return self._listed(call, [run for run in self._queue.runs() if run.workflow == file])

    def runs(self, call: Call) -> Answer:
        return self._listed(call, self._queue.runs())

    def _listed(self, call: Call, runs: list[Run]) -> Answer:
        within = _created_within(call.query.get("created", "*..*"))
        wanted = [run for run in reversed(runs) if _is_wanted(run, call) and within(run.created_at)]
        answers = self._answers()
        return paged(
            call,
            wanted,
            lambda page: {"total_count": len(wanted), "workflow_runs": [answers.run(run) for run in page]},
        )

    def run(self, call: Call) -> Answer:
        return Answer(self._answers().run(self._run(call)))

    def rerun(self, call: Call) -> Answer:
        run = self._run(call)
        if not self._queue.rerun(run.id):
            raise Refusal(403, "This workflow is already running")
        return Answer({}, 201)

    def jobs(self, call: Call) -> Answer:
        if call.query.get("filter", "latest") not in {"latest", "all"}:
            raise Refusal(422, "filter is latest or all")
        run = self._run(call)
        shown = [self._answers().job(run, job, place) for place, job in enumerate(run.jobs)]
        return paged(call, shown, lambda page: {"total_count": len(shown), "jobs": page})

    def _run(self, call: Call) -> Run:
        found = self._queue.run(int(call.path["run"]))
        if found is None:
            not_found()
        return found


def _is_wanted(run: Run, call: Call) -> bool:
    facts = {
        "actor": (run.actor,),
        "branch": (run.ref.removeprefix("refs/heads/"),),
        "event": (run.event,),
        "status": (run.status, run.conclusion),
        "head_sha": (run.head_sha,),
    }
    return all(call.query[name] in values for name, values in facts.items() if name in call.query)


def _created_within(wanted: str) -> Callable[[datetime], bool]:
    """GitHub's date search: `>=T`, `>T`, `<=T`, `<T`, `A..B`, or a day. Times count in whole seconds."""
    for sign, holds in _SIGNS.items():
        if wanted.startswith(sign):
            limit = _moment(wanted.removeprefix(sign), at_end=sign in {"<=", ">"})
            return lambda at: holds(at.replace(microsecond=0), limit)
    first, dots, last = wanted.partition("..")
    start = _EVER[0] if first == "*" else _moment(first)
    end = _EVER[1] if last == "*" else _moment(last if dots else first, at_end=True)
    return lambda at: start <= at.replace(microsecond=0) <= end


def _moment(text: str, *, at_end: bool = False) -> datetime:
    """A time, or the first or last second of a day."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(422, f"created: the stand-in cannot read the date {text!r}") from error
    if len(text) == len("2026-01-01") and at_end:
        moment = datetime.combine(moment, time(23, 59, 59))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
