"""A workflow file as far as the stand-in has to read it: triggers, inputs, concurrency, permissions, jobs.

What the stand-in does not carry out as GitHub would is refused here by name, never skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

FOLDER = ".github/workflows"
DEFAULT_TIMEOUT_MINUTES = 360.0
DEFAULT_PERMISSIONS = {"contents": "read"}  # a new repository's default for a file without `permissions:`
DEFAULT_TYPES = ("opened", "synchronize", "reopened")  # of a pull request
REVIEW_TYPES = ("submitted", "edited", "dismissed")
_SCOPES = ("actions", "checks", "contents", "deployments", "id-token", "issues", "pull-requests", "statuses")
_KNOWN_TOP = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
_REFUSED_IN_JOB = ("container", "services", "uses", "continue-on-error")


class WorkflowError(Exception):
    """The file is not a workflow, or asks for what the stand-in does not do; the message says which."""


@dataclass(frozen=True, slots=True)
class Input:
    name: str
    type: str = "string"
    required: bool = False
    default: str | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which pushes, or which pull requests by their base branch, a workflow asks for; `types` are actions."""

    branches: tuple[str, ...] | None = None
    branches_ignore: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    paths_ignore: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    types: tuple[str, ...] = DEFAULT_TYPES


@dataclass(frozen=True, slots=True)
class Concurrency:
    """`group` is still a template; `queue_max` keeps up to 100 runs waiting instead of one."""

    group: str
    cancel_in_progress: bool = False
    queue_max: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    uses: str | None
    inputs: tuple[str, ...]  # names given under `with:`


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    name: str
    labels: tuple[str, ...]
    environment: str | None
    permissions: Mapping[str, str]
    timeout_minutes: float
    steps: tuple[Step, ...]

    def may(self, scope: str, level: str) -> bool:
        return self.permissions.get(scope) in {"write", level}


@dataclass(frozen=True, slots=True)
class Workflow:
    file: str
    name: str
    run_name: str | None
    dispatch_inputs: tuple[Input, ...] | None
    push: Filter | None
    pull_request: Filter | None
    pull_request_review: Filter | None
    crons: tuple[str, ...]
    concurrency: Concurrency | None
    jobs: tuple[Job, ...]

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.file}"

    @property
    def token_permissions(self) -> dict[str, str]:
        """The union over the jobs: act gives one token to the whole run, GitHub one to each job."""
        union: dict[str, str] = {}
        for scope, level in (pair for job in self.jobs for pair in job.permissions.items()):
            union[scope] = "write" if "write" in {level, union.get(scope)} else level
        return union

    def for_a_fork(self) -> Workflow:
        """The same with what GitHub leaves a pull request from a fork: reading, and no identity for AWS."""
        return replace(self, jobs=tuple(replace(job, permissions=_reading(job.permissions)) for job in self.jobs))


def parse(file: str, source: str) -> Workflow:
    """The workflow in `source`; raises WorkflowError."""
    raw = _load(file, source)
    triggers = _triggers(raw["on"])
    top = _permissions(raw["permissions"]) if "permissions" in raw else DEFAULT_PERMISSIONS
    jobs = _mapping(raw.get("jobs"), "jobs")
    if not jobs:
        raise WorkflowError(f"{file}: there are no jobs")
    return Workflow(
        file=file,
        name=str(raw.get("name") or f"{FOLDER}/{file}"),
        run_name=raw.get("run-name"),
        dispatch_inputs=_inputs(triggers["workflow_dispatch"]) if "workflow_dispatch" in triggers else None,
        push=_push(triggers["push"]) if "push" in triggers else None,
        pull_request=_pull_request(triggers["pull_request"]) if "pull_request" in triggers else None,
        pull_request_review=_review(triggers["pull_request_review"])
        if "pull_request_review" in triggers
        else None,
        crons=tuple(str(entry["cron"]) for entry in triggers.get("schedule") or ()),
        concurrency=_concurrency(raw.get("concurrency")) or _concurrency_of_jobs(file, jobs),
        jobs=tuple(_job(name, _mapping(job, f"job '{name}'"), top) for name, job in jobs.items()),
    )


def _load(file: str, source: str) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise WorkflowError(f"failed to parse workflow: {file}: {error}") from error
    if not isinstance(raw, dict):
        raise WorkflowError(f"failed to parse workflow: {file} is not a mapping")
    if True in raw:  # YAML 1.1 reads the key `on` as a boolean
        raw["on"] = raw.pop(True)
    if unknown := set(raw) - _KNOWN_TOP:
        raise WorkflowError(
            f"failed to parse workflow: {file}: unexpected {', '.join(map(repr, sorted(unknown)))}"
        )
    if not raw.get("on"):
        raise WorkflowError(f"failed to parse workflow: {file}: no event triggers defined in `on`")
    return raw


def _triggers(raw: Any) -> dict[str, Any]:
    if isinstance(raw, str):
        return {raw: None}
    if isinstance(raw, list):
        return dict.fromkeys(raw)
    return dict(_mapping(raw, "on"))


def _inputs(raw: Any) -> tuple[Input, ...]:
    inputs = _mapping((raw or {}).get("inputs") or {}, "inputs")
    return tuple(_input(name, _mapping(facts or {}, f"input '{name}'")) for name, facts in inputs.items())


def _input(name: str, facts: Mapping[str, Any]) -> Input:
    kind = facts.get("type", "string")
    if kind not in {"string", "boolean", "number", "choice", "environment"}:
        raise WorkflowError(f"input '{name}' has the unknown type '{kind}'")
    options = tuple(str(option) for option in facts.get("options") or ())
    return Input(name, kind, bool(facts.get("required")), _as_input(facts.get("default")), options)


def _as_input(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _push(raw: Any) -> Filter:
    facts = dict(_mapping(raw or {}, "on.push"))
    tags = _patterns(facts.pop("tags", None)) or _patterns(facts.pop("tags-ignore", None))
    return replace(_filter(facts, "on.push"), tags=tags)


def _pull_request(raw: Any) -> Filter:
    facts = dict(_mapping(raw or {}, "on.pull_request"))
    types = _patterns(facts.pop("types", None))
    return replace(_filter(facts, "on.pull_request"), types=types or DEFAULT_TYPES)


def _review(raw: Any) -> Filter:
    facts = dict(_mapping(raw or {}, "on.pull_request_review"))
    types = _patterns(facts.pop("types", None)) or REVIEW_TYPES
    if facts:
        raise WorkflowError(f"on.pull_request_review: unexpected {', '.join(sorted(facts))}")
    return Filter(types=types)


def _filter(facts: dict[str, Any], where: str) -> Filter:
    known = {
        key: _patterns(facts.pop(key, None)) for key in ("branches", "branches-ignore", "paths", "paths-ignore")
    }
    if facts:
        raise WorkflowError(f"{where}: unexpected {', '.join(sorted(facts))}")
    for kind in ("branches", "paths"):
        if known[kind] is not None and known[f"{kind}-ignore"] is not None:
            raise WorkflowError(f"{where}: both {kind} and {kind}-ignore are given")
    return Filter(known["branches"], known["branches-ignore"], known["paths"], known["paths-ignore"])


def _patterns(raw: Any) -> tuple[str, ...] | None:
    if raw is None:
        return None
    return (raw,) if isinstance(raw, str) else tuple(str(pattern) for pattern in raw)


def _concurrency(raw: Any) -> Concurrency | None:
    if raw is None:
        return None
    if isinstance(raw, str):
        return Concurrency(raw)
    facts = _mapping(raw, "concurrency")
    cancel, queue = facts.get("cancel-in-progress", False), facts.get("queue", "single")
    if set(facts) - {"group", "cancel-in-progress", "queue"} or not isinstance(facts.get("group"), str):
        raise WorkflowError("concurrency: a group, and nothing but cancel-in-progress and queue beside it")
    if not isinstance(cancel, bool):
        raise WorkflowError("concurrency: the stand-in takes only true or false for cancel-in-progress")
    if queue not in {"single", "max"} or (queue == "max" and cancel):
        raise WorkflowError("concurrency: queue is 'single' or 'max', and 'max' excludes cancel-in-progress")
    return Concurrency(facts["group"], cancel, queue == "max")


def _concurrency_of_jobs(file: str, jobs: Mapping[str, Any]) -> Concurrency | None:
    """One group for all runs of a workflow whose jobs have groups: GitHub lets more of them run side by side."""
    found = [_concurrency(_mapping(job, "job").get("concurrency")) for job in jobs.values()]
    if not any(found):
        return None
    return Concurrency(f"the jobs of {file}", queue_max=all(one is None or one.queue_max for one in found))


def _job(name: str, raw: Mapping[str, Any], top: Mapping[str, str]) -> Job:
    for key in _REFUSED_IN_JOB:
        if key in raw:
            raise WorkflowError(f"job '{name}': the stand-in does not support '{key}' in a job")
    if "runs-on" not in raw:
        raise WorkflowError(f"job '{name}': required property is missing: runs-on")
    return Job(
        id=name,
        name=str(raw.get("name") or name),
        labels=_labels(name, raw["runs-on"]),
        environment=_environment(raw.get("environment")),
        permissions=_permissions(raw["permissions"]) if "permissions" in raw else top,
        timeout_minutes=_minutes(name, raw.get("timeout-minutes", DEFAULT_TIMEOUT_MINUTES)),
        steps=steps(raw.get("steps"), f"job '{name}'"),
    )


def steps(raw: Any, where: str) -> tuple[Step, ...]:
    """The steps of a job or of a composite action."""
    if not isinstance(raw, list) or not raw:
        raise WorkflowError(f"{where}: there are no steps")
    return tuple(_step(_mapping(step, f"a step of {where}"), where) for step in raw)


def _step(raw: Mapping[str, Any], where: str) -> Step:
    if not isinstance(raw.get("timeout-minutes", 1), int):
        raise WorkflowError(f"a step of {where}: act ignores a timeout-minutes that is not a whole number")
    return Step(raw.get("uses"), tuple(raw.get("with") or ()))


def _labels(name: str, raw: Any) -> tuple[str, ...]:
    if isinstance(raw, str):
        return (raw,)
    if isinstance(raw, list):
        return tuple(map(str, raw))
    raise WorkflowError(f"job '{name}': the stand-in takes a label or a list of labels for runs-on")


def _environment(raw: Any) -> str | None:
    return str(raw["name"]) if isinstance(raw, Mapping) else raw


def _minutes(name: str, raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise WorkflowError(f"job '{name}': the stand-in takes only a number for timeout-minutes")
    return float(raw)


def _permissions(raw: Any) -> dict[str, str]:
    if raw in ("read-all", "write-all"):
        return dict.fromkeys(_SCOPES, raw.removesuffix("-all"))
    given = {str(scope): str(level) for scope, level in _mapping(raw or {}, "permissions").items()}
    if wrong := [scope for scope, level in given.items() if scope not in _SCOPES or level not in _LEVELS]:
        raise WorkflowError(f"permissions: the stand-in does not know {', '.join(wrong)} with that level")
    return {scope: level for scope, level in given.items() if level != "none"}


def _reading(permissions: Mapping[str, str]) -> dict[str, str]:
    return {scope: "read" for scope in permissions if scope != "id-token"}


_LEVELS: Sequence[str] = ("read", "write", "none")


def _mapping(raw: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(raw, Mapping):
        raise WorkflowError(f"{where}: a mapping was expected")
    return raw
