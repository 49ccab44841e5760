"""Which executor makes which flow's changes. A new flow adds one function and one line below.

The executors are imported when one is made, so that commands which need none stay fast. Make one executor a
job: it remembers whom it has looked up and what it has provisioned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from actions.executors.protocol import Executor
from sallyport.problems import nearest

if TYPE_CHECKING:
    from actions.executors.aws import Clients
    from actions.pacing import Now, Wait
    from sallyport.policies import Policies

Factory = Callable[["Policies", "Clients", "Now", "Wait"], Executor[Any]]


def _apis(policies: Policies, aws: Clients, now: Now, wait: Wait) -> Executor[Any]:
    from actions.executors.apis import Apis

    return Apis(policies, aws, now=now, wait=wait)


def _environments(policies: Policies, aws: Clients, now: Now, wait: Wait) -> Executor[Any]:  # noqa: ARG001
    from actions.executors.environments.executor import Environments

    return Environments(policies, aws, wait)


def _identity_center(policies: Policies, aws: Clients, now: Now, wait: Wait) -> Executor[Any]:
    from actions.executors.identity_center.executor import IdentityCenter

    return IdentityCenter(policies, aws, now=now, wait=wait)


def _allow_lists(policies: Policies, aws: Clients, now: Now, wait: Wait) -> Executor[Any]:  # noqa: ARG001  # no clock
    from actions.executors.allow_lists.executor import AllowLists

    return AllowLists(policies, aws, wait=wait)


def _removal_overrides(policies: Policies, aws: Clients, now: Now, wait: Wait) -> Executor[Any]:
    from actions.executors.removal_override import RemovalOverrides

    return RemovalOverrides(lambda flow: executor_for(flow, policies, aws, now=now, wait=wait).managed_targets())


def _teardown(policies: Policies, aws: Clients, now: Now, wait: Wait) -> Executor[Any]:  # noqa: ARG001  # no clock
    from actions.executors.teardown.executor import Teardown

    return Teardown(policies, aws, wait)


EXECUTORS: Mapping[str, Factory] = {
    "api-whitelisting": _apis,
    "infra-whitelist": _allow_lists,
    "infra-stop": _environments,
    "infra-teardown": _teardown,
    "prod-access": _identity_center,
    "removal-override": _removal_overrides,
}


# AWS undoes these by itself after a while: a sweep looks at their live entries too.
UNDONE_BY_AWS = frozenset({"infra-stop"})

# Taking these back takes many minutes: they get jobs of their own, for which no other end waits.
SLOW_TO_END = frozenset({"infra-stop", "infra-teardown"})

# These may take longer than one job: a sweep goes on with the live entries that have a record.
LONGER_THAN_A_JOB = frozenset({"infra-teardown"})


def executor_for(flow: str, policies: Policies, aws: Clients, *, now: Now, wait: Wait) -> Executor[Any]:
    """Make the executor of *flow*; LookupError says which flows have one."""
    if flow not in EXECUTORS:
        raise LookupError(f"the flow “{flow}” has no executor: {nearest(flow, EXECUTORS)}")
    return EXECUTORS[flow](policies, aws, now, wait)
