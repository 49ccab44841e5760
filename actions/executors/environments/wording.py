"""The words that people read about the resources of an environment, each in one place. They decide nothing."""

from __future__ import annotations

from collections.abc import Iterable

from actions.executors.environments.memory import Memory
from actions.executors.environments.state import (
    KIND_NAMES,
    Database,
    Kind,
    Resource,
    Scaling,
    Service,
    named,
)

PRODUCTION = "it is production, which is never stopped, whatever policy says"
BUSY = "only a database that is available can be stopped; the next sweep tries again"
Reasons = Iterable[tuple[str, str]]  # of resources, by key


def stop(found: Resource) -> str:
    if isinstance(found, Service) and found.desired == 0:
        return f"Keep the {named(found.key)} at 0 tasks."
    if isinstance(found, Service):
        return f"Stop the {named(found.key)}, which has {tasks(found.desired)}."
    return f"Stop the {named(found.key)}, which is {found.status}."


def start(found: Resource, goal: Resource) -> str:
    if not isinstance(goal, Service):
        return f"Start the {named(found.key)}, which is {_status(found)}, and wait until it is {goal.status}."
    if isinstance(found, Service) and found.desired == goal.desired == found.running:
        return f"Give the {named(found.key)} its automatic scaling back."
    return f"Start the {named(found.key)} with {tasks(goal.desired)}."


def nothing_stopped(reasons: Reasons) -> str:
    return f"nothing of it can be stopped. {_listed(reasons)}"


def not_started(reasons: Reasons) -> str:
    return f"not everything runs again. {_listed(reasons)}"


def missing(name: str) -> str:
    return f"{name} is in the catalogue, but not in AWS."


def counted_stopped(keys: Iterable[str]) -> str:
    return f"Stopped: {_counts(keys)}."


def counted_running(keys: Iterable[str]) -> str:
    return f"Running again: {_counts(keys)}."


def while_stopped(found: Resource, memory: Memory | None, why_not: str) -> str:
    """Say how a resource is while an entry keeps its environment stopped."""
    name = named(found.key)
    if why_not:
        return f"{name} is {_status(found)}: {why_not}."
    if isinstance(found, Service) and found.is_daemon:
        return f"{name} keeps its {tasks(found.running)}: ECS alone decides how many a DAEMON service has."
    if memory is None:
        return f"{name} is {_status(found)}: it came after the stop had begun, and is left alone."
    if isinstance(found, Service):
        return _service_while_stopped(found, memory)
    if not memory.is_ours:
        since = "was stopped before, and stays so afterwards" if found.is_down else "was started by somebody since"
        return f"{name} is {found.status}: it {since}."
    again = f"; AWS starts it at {memory.restarts_at:%Y-%m-%d %H:%M} UTC" if memory.restarts_at else ""
    return f"{name} is {found.status}{again}{', and it is stopped again then' if again else ''}."


def _service_while_stopped(found: Service, memory: Memory) -> str:
    name = named(found.key)
    if not memory.is_ours:
        return f"{name} has {tasks(found.desired)}, since somebody started it meanwhile; it is left to them."
    if not memory.desired:
        return f"{name} had no task before, and gets none afterwards."
    return f"{name} is {_status(found)}, and comes back with {tasks(memory.desired)}."


def after_start(key: str, found: Resource | None, memory: Memory, *, held: bool) -> str:
    """Say how a resource is after an entry has ended."""
    name = named(key)
    if found is None:
        return f"{name} is gone: somebody deleted it meanwhile."
    if held:
        return f"{name} stays stopped for another request."
    if not memory.is_ours:
        return f"{name} is {_status(found)}, as somebody else left it."
    return f"{name} is {_status(found)}."


def _counts(keys: Iterable[str]) -> str:
    kinds = [key.partition("/")[0] for key in keys]
    counts = {KIND_NAMES[kind]: kinds.count(kind) for kind in Kind if kind in kinds}
    return ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in counts.items()) or "nothing"


def tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _status(found: Resource) -> str:
    if not isinstance(found, Service):
        return found.status
    return "stopped" if found.is_down else running(found)


def _listed(reasons: Reasons) -> str:
    return " ".join(f"{named(key)}: {reason}." for key, reason in reasons)


def running(found: Service) -> str:
    return f"running {found.running} of {tasks(found.desired)}"


def too_late(status: str) -> str:
    return f"it is still {status} after the time that a job waits; the next sweep looks again"


def waits_for(keys: Iterable[str]) -> str:
    return f"it has to wait for {', '.join(map(named, keys))}"


def counted(before: Service, goal: Service, request: str) -> str:
    return (
        f"UpdateService {goal.cluster}/{goal.name} to {tasks(goal.desired)}, from {before.desired}: "
        f"AWS request {request}"
    )


def scaled(goal: Service, scaling: Scaling, request: str) -> str:
    suspended = "suspended" if scaling.is_held else "as it was"
    limits = f"{scaling.minimum} to {scaling.maximum}"
    return f"RegisterScalableTarget {goal.cluster}/{goal.name}, {limits}, {suspended}: AWS request {request}"


def stop_begun(goal: Database, request: str) -> str:
    operation = "StopDBCluster" if goal.kind is Kind.CLUSTER else "StopDBInstance"
    return f"{operation} {goal.name}: AWS request {request}"


def start_begun(goal: Database, request: str) -> str:
    operation = "StartDBCluster" if goal.kind is Kind.CLUSTER else "StartDBInstance"
    return f"{operation} {goal.name}: AWS request {request}"


def read_back(found: Resource) -> str:
    """Say what one read-back resource proves."""
    return f"{named(found.key)} is {_status(found)}"
