"""Deleting and restoring in order, kind after kind, each waited for.

What AWS refuses or does not finish in time is given up with its reason, and so is what has to come after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from actions.executors.protocol import TargetFault
from actions.executors.teardown import wording
from actions.executors.teardown.clusters import Clusters
from actions.executors.teardown.instances import Instances
from actions.executors.teardown.parts import Parts
from actions.executors.teardown.state import DATABASES, Goal, Kind
from actions.executors.waiting import Patience
from actions.pacing import Backoff

# A job that deletes has 30 minutes and one that restores has 60: the sums of the pauses stay below. What takes
# longer is gone on with by the next sweep.
_SNAPSHOT = Backoff(attempts=28, first=5.0, factor=1.3, longest=20.0)  # about eight minutes
_GONE = Backoff(attempts=14, first=3.0, factor=1.3, longest=20.0)  # about three minutes, for each kind
_DELETED = Backoff(attempts=28, first=5.0, factor=1.3, longest=20.0)  # about eight minutes
_CREATED = Backoff(attempts=31, first=3.0, factor=1.3, longest=20.0)  # about eight minutes, for each kind
_RESTORED = Backoff(attempts=75, first=5.0, factor=1.3, longest=20.0)  # about 24 minutes

_STAGES: tuple[tuple[Kind, ...], ...] = (
    (Kind.SERVICE,),
    (Kind.BALANCER,),
    (Kind.GROUP,),
    (Kind.GATEWAY,),
    DATABASES,
)


@dataclass(frozen=True, slots=True)
class Turning:
    """Makes one plan's difference. `given_up` is filled by key."""

    parts: Mapping[Kind, Parts]
    clusters: Clusters
    instances: Instances
    patience: Patience
    given_up: dict[str, str]

    def down(self, goals: Sequence[Goal]) -> None:
        """Delete: databases are saved before anything goes, and go last."""
        databases = [goal for goal in goals if goal.kind in DATABASES]
        self._turn("first snapshots", databases, self._secure, _SNAPSHOT)
        for stage in _STAGES:
            here = [goal for goal in goals if goal.kind in stage]
            if self._may_go_on(goals, here):
                pauses = _DELETED if stage == DATABASES else _GONE
                self._turn("deleted parts", here, lambda goal: self.parts[goal.kind].down(goal), pauses)

    def up(self, goals: Sequence[Goal]) -> None:
        """Restore, in the reverse order."""
        for stage in reversed(_STAGES):
            here = [goal for goal in goals if goal.kind in stage]
            if self._may_go_on(goals, here):
                pauses = _RESTORED if stage == DATABASES else _CREATED
                self._turn("restored parts", here, lambda goal: self.parts[goal.kind].up(goal), pauses)

    def _secure(self, goal: Goal) -> str:
        return self.clusters.secure(goal) if goal.kind is Kind.CLUSTER else self.instances.secure(goal)

    def _turn(self, what: str, goals: Iterable[Goal], advance: Callable[[Goal], str], pauses: Backoff) -> None:
        by_key = {goal.key: goal for goal in goals}

        def look() -> dict[str, str]:
            left = {key: self._advanced(goal, advance) for key, goal in by_key.items() if key not in self.given_up}
            return {key: status for key, status in left.items() if status}

        left = self.patience.until_none_is_left(what, look, pauses)
        self.given_up.update({key: wording.too_late(status) for key, status in left.items()})

    def _advanced(self, goal: Goal, advance: Callable[[Goal], str]) -> str:
        try:
            return advance(goal)
        except TargetFault as fault:
            self.given_up[goal.key] = str(fault).rstrip(".")
            return ""

    def _may_go_on(self, goals: Sequence[Goal], here: Sequence[Goal]) -> bool:
        """Give up what comes after something that was given up."""
        left = [goal.key for goal in goals if goal.key in self.given_up]
        if left:
            self.given_up.update({goal.key: wording.waits_for(left) for goal in here if goal.key not in left})
        return not left
