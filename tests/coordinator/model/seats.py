"""Whose yes counts, worked out by trying everything: the product's own judgement is compared with it.

It shares no code with the product, and would be far too slow for more than a handful of people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product


@dataclass(frozen=True)
class Seats:
    """A stage: who may speak, by group, how many are needed, and whether each must speak for another group."""

    groups: Mapping[str, frozenset[str]]
    quorum: int = 1
    apart: bool = False

    @property
    def members(self) -> frozenset[str]:
        return frozenset().union(*self.groups.values())

    def are_taken_by(self, people: Sequence[str]) -> bool:
        """Tell whether these people, as many as there are seats, may sit here together."""
        if not set(people) <= self.members:
            return False
        spoken_for = [[group for group, members in self.groups.items() if one in members] for one in people]
        return not self.apart or any(len(set(groups)) == len(people) for groups in product(*spoken_for))


@dataclass(frozen=True)
class View:
    """What a replica knows: the stages, whether a Slack id must be bound, who is active, on call, may ask."""

    stages: tuple[Seats, ...]
    bound: bool
    active: set[str]
    on_call: frozenset[str]
    may_ask: frozenset[str]

    def person(self, slack_id: str) -> str | None:
        """Return who it is that counts under this account; None if that is nobody."""
        is_max = slack_id in {"U0MAX", "U0MAXOPS"}
        if slack_id not in self.active or (is_max and self.bound):
            return None
        return "max" if is_max else slack_id.removeprefix("U0").lower()

    def seats_for(self, requester: str) -> tuple[Seats, ...]:
        """Return the stages with those who can be reached, and without *requester*."""
        reached = {name for slack_id in self.active - {"U0MAXOPS"} if (name := self.person(slack_id))} - {
            requester
        }
        return tuple(
            Seats(
                {
                    group: (self.on_call if group == "on-call" else members) & reached
                    for group, members in seats.groups.items()
                },
                seats.quorum,
                seats.apart,
            )
            for seats in self.stages
        )

    def turn(self, requester: str, approved_by: Iterable[str]) -> frozenset[str] | None:
        """Return whose decision is waited for; None once there are enough."""
        stages, voters = self.seats_for(requester), frozenset(approved_by)
        for number, seats in enumerate(stages, 1):
            if not _filled(stages[:number], voters):
                return seats.members
        return None

    def confirmers(self, requester: str) -> frozenset[str]:
        """Return whose review confirms in GitHub: whom the files of policies name, whatever Slack says of them.

        Where nobody needs to approve, that is whoever may ask.
        """
        named = [seats.members for seats in self.stages] or [self.may_ask]
        return frozenset().union(*named) - {requester}

    def can_be_approved(self, requester: str) -> bool:
        """Tell whether everybody together could approve it, which is asked before it is recorded."""
        return self.turn(requester, {"ana", "lee", "sam", "kim", "max"}) is None


def _filled(stages: Sequence[Seats], voters: frozenset[str]) -> bool:
    """Tell whether *voters* can sit on every seat, nobody on two."""
    ends = [sum(seats.quorum for seats in stages[:number]) for number in range(len(stages) + 1)]
    return any(
        all(seats.are_taken_by(order[ends[n] : ends[n + 1]]) for n, seats in enumerate(stages))
        for order in permutations(sorted(voters), ends[-1])
    )
