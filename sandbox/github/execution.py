"""Carrying out one run: a clean clone of its commit, its own token, stubs for its actions, and act.

Nothing of a run outlives it but its log; its token stops working when it ends.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.github import act, actions_stubs, preflight
from sandbox.github.accounts import Accounts
from sandbox.github.contexts import contexts
from sandbox.github.dialect import for_act
from sandbox.github.repository import Repository, git
from sandbox.github.runs import Order, Ticket
from sandbox.github.workflow import Workflow, WorkflowError, parse


@dataclass(frozen=True, slots=True)
class Environment:
    """A deployment environment: what its jobs get beside the repository's own."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Runner:
    """What every job finds: a Python (its folder leads PATH, act is beside it), variables and secrets."""

    python: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    grace: float = act.GRACE_SECONDS


class Executor:
    """Executes tickets of the run queue, in its worker threads."""

    def __init__(
        self,
        repository: Repository,
        name: str,
        accounts: Accounts,
        runner: Runner,
        workdir: Path,
        url: Callable[[], str],
    ) -> None:
        self._repository = repository
        self._name = name
        self._accounts = accounts
        self._runner = runner
        self._workdir = workdir.resolve() / "runs"
        self._url = url

    def __call__(self, ticket: Ticket) -> str:
        """The conclusion of the run; its log and results are in the ticket's transcript."""
        folder = self._workdir / str(ticket.order.id)
        folder.mkdir(parents=True)
        try:
            return self._execute(ticket, folder)
        except WorkflowError as error:
            ticket.transcript.say(f"Error: {error}")
            return "failure"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            (self._workdir / f"{ticket.order.id}.log").write_text(ticket.transcript.log)

    def _execute(self, ticket: Ticket, folder: Path) -> str:
        order = ticket.order
        source = self._source(order)
        workflow = parse(order.workflow, source)
        if order.from_fork:
            workflow = workflow.for_a_fork()
        preflight.check_labels(workflow)
        named = preflight.environments(
            workflow,
            self._runner.environments,
            contexts(order, workflow, repository=self._name, variables=self._runner.variables, url=self._url()),
        )
        uses = preflight.marketplace_actions(workflow, self._repository, order.head_sha)
        stubs = actions_stubs.write(
            uses, folder / "actions", python=self._runner.python, facts=self._facts(order, workflow, named)
        )
        token = self._accounts.mint(workflow.token_permissions)
        try:
            launch = self._launch(order, folder, stubs, named, token)
            self._clone(launch, source)
            return self._run(launch, ticket, workflow)
        finally:
            self._accounts.revoke(token)

    def _source(self, order: Order) -> str:
        content = self._repository.file(order.head_sha, f".github/workflows/{order.workflow}")
        if content is None:
            raise WorkflowError(f"{order.workflow} does not exist at {order.head_sha}")
        return content.decode()

    def _facts(self, order: Order, workflow: Workflow, named: Mapping[str, str]) -> dict[str, Any]:
        """What the stubs must know; permissions and environments are per job."""
        return {
            "bare": str(self._repository.bare),
            "repository": self._name,
            "workflow": workflow.path,
            "ref": order.ref,
            "sha": order.head_sha,
            "event": order.event,
            "actor": order.actor,
            "jobs": {
                job.id: {
                    "contents": job.permissions.get("contents", "none"),
                    "id-token": job.may("id-token", "write"),
                    "environment": named.get(job.id),
                }
                for job in workflow.jobs
            },
        }

    def _launch(
        self, order: Order, folder: Path, stubs: Mapping[str, Path], named: Mapping[str, str], token: str
    ) -> act.Launch:
        clone = folder / "clone"
        secrets, variables = ({}, {}) if order.from_fork else self._given(named)
        return act.Launch(
            event=order.event,
            workflow_path=str(clone / ".github" / "workflows" / order.workflow),
            folder=folder,
            clone=clone,
            payload=order.payload,
            actor=order.actor,
            github=self._variables(order),
            secrets=secrets | {"GITHUB_TOKEN": token},
            variables=variables,
            actions=stubs,
            python=self._runner.python,
            environment=self._runner.environment,
        )

    def _given(self, named: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The secrets and variables of the repository and of the run's environments."""
        chosen = [self._runner.environments[name] for name in sorted(set(named.values()))]
        secrets = _merged("secret", self._runner.secrets, *(one.secrets for one in chosen))
        return secrets, _merged("variable", self._runner.variables, *(one.variables for one in chosen))

    def _variables(self, order: Order) -> dict[str, str]:
        url = self._url()
        return {
            "GITHUB_REPOSITORY": self._name,
            "GITHUB_SERVER_URL": url,
            "GITHUB_API_URL": url,
            "GITHUB_GRAPHQL_URL": f"{url}/graphql",
            "GITHUB_RUN_ID": str(order.id),
            "GITHUB_RUN_NUMBER": str(order.number),
            "GITHUB_RUN_ATTEMPT": "1",
            "SHA_REF": order.head_sha,
        }

    def _clone(self, launch: act.Launch, source: str) -> None:
        sha = launch.github["SHA_REF"]
        git("clone", "--quiet", "--no-checkout", self._repository.bare, launch.clone)
        git("-C", launch.clone, "checkout", "--quiet", "--detach", sha)
        Path(launch.workflow_path).write_text(for_act(source))

    def _run(self, launch: act.Launch, ticket: Ticket, workflow: Workflow) -> str:
        minutes = {job.id: job.timeout_minutes for job in workflow.jobs}
        said = ticket.transcript
        ending = act.run(launch, said, cancelled=ticket.cancelled, minutes=minutes, grace=self._runner.grace)
        said.settle(minutes)
        if ending.timed_out or ticket.cancelled.is_set():
            return "cancelled"
        failed = ending.code != 0 or any(job.conclusion == "failure" for job in said.jobs)
        if failed:
            return "failure"
        return "skipped" if all(job.conclusion == "skipped" for job in said.jobs) else "success"


def _merged(kind: str, own: Mapping[str, str], *others: Mapping[str, str]) -> dict[str, str]:
    """act has one set for the whole run: two environments of one run may not disagree about a name."""
    extra: dict[str, str] = {}
    for name, value in (pair for other in others for pair in other.items()):
        if extra.setdefault(name, value) != value:
            raise WorkflowError(f"The {kind} {name} differs between the environments of one run")
    return dict(own) | extra
