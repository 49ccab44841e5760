"""What a read-back of an allow list proves, in words for people. Pure; it claims only what that look showed."""

from __future__ import annotations

from collections.abc import Iterator

from actions.executors.allow_lists.drift import by_range, drift
from actions.executors.allow_lists.state import ListState, Scene, say


def proof(scene: Scene, state: ListState) -> Iterator[str]:
    """Yield who is let in where and by whose rule, who no longer is, and how full everything is."""
    there = [rule.opening for rule in state.rules if rule.opening]
    standing = {rule.opening for rule in drift(scene.asked, state.rules).standing}
    for cidr in sorted(frozenset[str]().union(*scene.ended.values())):
        holding = scene.holding(cidr)
        left = [opening for opening in there if opening.cidr == cidr]
        if holding:
            yield f"{cidr} stays let in for {', '.join(holding)}"
        elif left:
            yield f"{cidr} is still let in at {say(left)}, by a rule that is not ours"
        else:
            yield f"{cidr} is no longer let in"
    for cidr, found in by_range(opening for opening in there if opening in scene.asked):
        foreign = [opening for opening in found if opening in standing]
        whose = f"; at {say(foreign)} it was already allowed by a rule that is not ours" if foreign else ""
        yield f"{cidr} is let in at {say(found)}{whose}"
    yield from (f"{holder.id} has {holder.counts}" for holder in state.holders.values())
