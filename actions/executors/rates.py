"""How fast a job that looks at very many targets may read: half of what AWS publishes for an account and region.

The other half is for the jobs and people beside it. Writes are paced where they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Lock
from typing import Any

from actions.pacing import Now, Pacer, Wait

# Calls a second, by the services that share one limit:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html (the whole control plane),
# https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html (all APIs of Identity Center),
# https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html (what refills for each Describe).
PUBLISHED: Mapping[frozenset[str], float] = {
    frozenset({"apigateway"}): 10.0,
    frozenset({"sso-admin", "identitystore"}): 20.0,
    frozenset({"ec2"}): 20.0,
}
SLOWEST = min(PUBLISHED.values())  # for all that publish none


class Rates:
    """The turns of one job's reads. Threads may share it."""

    def __init__(self, now: Now, wait: Wait) -> None:
        self._now = now
        self._wait = wait
        self._lock = Lock()
        self._pacers: dict[frozenset[str], Pacer] = {}

    def turns(self, service: str, region: str) -> Callable[..., None]:
        """Return what botocore is to call before it sends anything to *service*: it returns when it is time."""
        family = next((names for names in PUBLISHED if service in names), frozenset({service}))
        interval = timedelta(seconds=2 / PUBLISHED.get(family, SLOWEST))
        with self._lock:
            pacer = self._pacers.setdefault(family, Pacer(interval, self._now, self._wait))

        def before_send(**_: Any) -> None:
            pacer.turn(region)

        return before_send
