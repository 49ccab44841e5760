"""What GitHub checks before a job starts and act does not: runner labels, environments, actions.

Raises WorkflowError with a sentence about the first thing that cannot be carried out; starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from sandbox.github import actions_stubs, expressions
from sandbox.github.act import LABELS
from sandbox.github.repository import Repository
from sandbox.github.workflow import Job, Step, Workflow, WorkflowError, steps

_MARKETPLACE = re.compile(r"([\w.-]+/[\w.-]+)@[\w./-]+")


def check_labels(workflow: Workflow) -> None:
    for job in workflow.jobs:
        for label in job.labels:
            if label not in LABELS:
                raise WorkflowError(
                    f"job '{job.id}': no runner has the label '{label}'; known: {', '.join(LABELS)}"
                )


def environments(workflow: Workflow, known: Mapping[str, Any], contexts: Mapping[str, Any]) -> dict[str, str]:
    """The environment of every job that names one, except by its matrix, which only the run itself knows."""
    fixed = [job for job in workflow.jobs if job.environment is not None and "matrix." not in job.environment]
    named = {job.id: _environment(job, contexts) for job in fixed}
    for job_id, name in named.items():
        if name not in known:
            raise WorkflowError(
                f"job '{job_id}': there is no environment '{name}'; known: {', '.join(known) or 'none'}"
            )
    return named


def _environment(job: Job, contexts: Mapping[str, Any]) -> str:
    try:
        return expressions.render(job.environment or "", contexts)
    except expressions.ExpressionError as error:
        raise WorkflowError(f"job '{job.id}': environment: {error}") from error


def marketplace_actions(workflow: Workflow, repository: Repository, sha: str) -> set[str]:
    """Every `owner/repo@ref` that the jobs use, through local composite actions too."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [step for job in workflow.jobs for step in job.steps]
    while waiting:
        step = waiting.pop()
        if step.uses is None:
            continue
        if step.uses.startswith("./"):
            if step.uses not in seen:
                waiting.extend(_local_steps(step.uses, repository, sha))
            seen.add(step.uses)
            continue
        _check_marketplace(step)
        found.add(step.uses)
    return found


def _local_steps(uses: str, repository: Repository, sha: str) -> tuple[Step, ...]:
    folder = uses.removeprefix("./").rstrip("/")
    for name in ("action.yml", "action.yaml"):
        source = repository.file(sha, f"{folder}/{name}")
        if source is not None:
            runs = (yaml.safe_load(source) or {}).get("runs") or {}
            if runs.get("using") != "composite":
                raise WorkflowError(f"uses: {uses}: the stand-in runs only composite actions")
            return steps(runs.get("steps"), f"action {uses}")
    raise WorkflowError(f"Can't find 'action.yml' or 'action.yaml' under '{folder}' at {sha}")


def _check_marketplace(step: Step) -> None:
    match = _MARKETPLACE.fullmatch(step.uses or "")
    if match is None or not actions_stubs.is_known(match.group(1)):
        raise WorkflowError(f"uses: {step.uses}: the stand-in knows only {actions_stubs.names()}")
    if unknown := actions_stubs.unknown_inputs(match.group(1), step.inputs):
        raise WorkflowError(f"uses: {step.uses}: the stand-in does not support with: {', '.join(unknown)}")
