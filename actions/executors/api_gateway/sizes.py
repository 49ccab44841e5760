"""Which new entries fit the policy's size, oldest first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actions.executors.api_gateway.difference import differ
from actions.executors.api_gateway.state import Ask, Scene
from actions.executors.turns import in_turn


def too_big(
    scene: Scene, there: Sequence[Ask], kept: Sequence[Ask], new: Mapping[str, Sequence[Ask]], limit: int
) -> Mapping[str, str]:
    """Return why entries of *new* do not fit beside those that are *there*, by entry id; the newest yield."""
    if size_with(scene, [*there, *(ask for asks in new.values() for ask in asks)], kept) <= limit:
        return {}
    refusals, taken = {}, list(there)
    for entry_id in (entry.id for entry in in_turn(asks[0].entry for asks in new.values())):
        size = size_with(scene, [*taken, *new[entry_id]], kept)
        if size <= limit:
            taken += new[entry_id]
        else:
            used = size_with(scene, taken, kept)
            refusals[entry_id] = _sentence(used, size, limit)
    return refusals


def size_with(scene: Scene, asks: Sequence[Ask], kept: Sequence[Ask]) -> int:
    """Return the characters of the policy that lets in *asks*."""
    policy = differ(scene, asks, kept).policy
    return policy.size(scene.state.arn) if policy else 0


def _sentence(used: int, size: int, limit: int) -> str:
    return (
        f"The API's resource policy is full: {used:,} of {limit:,} characters are used, and this would make it "
        f"{size:,}, which is {size - limit:,} too many; wait until entries end, join their address ranges, or "
        f"keep the stage by WAF IP sets, which the catalogue names."
    )
