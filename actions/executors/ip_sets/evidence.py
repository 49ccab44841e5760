"""What a read-back of IP sets proves, in words for people. Pure; it claims only what that look showed."""

from __future__ import annotations

from collections.abc import Iterator

from actions.executors.ip_sets.planning import is_there
from actions.executors.ip_sets.state import Ask, Scene
from sallyport.changes.ip_sets import CAPACITY
from sallyport.times import format_moment


def proof(scene: Scene) -> Iterator[str]:
    """Yield how full each set is, who is in it and until when, and who no longer is."""
    for found in scene.state.sets.values():
        if found.exists:
            yield f"IP set {found.spec.name} has {len(found.addresses):,} of {CAPACITY:,} addresses"
    for ask in scene.live:
        if is_there(scene, ask):
            yield f"IP set {ask.spec.name} lets {', '.join(sorted(ask.addresses))} use all of {_until(ask)}"
    for entry in scene.claims.ended:
        for addition in scene.records.get(entry.id, ()):
            if kept := scene.state.sets.get(addition.arn):
                yield from _gone(scene, kept.spec.name, addition.addresses, addition.arn)


def _gone(scene: Scene, name: str, addresses: frozenset[str], arn: str) -> Iterator[str]:
    left = scene.state.sets[arn].addresses
    holders = {a: ask.entry.id for ask in scene.live if ask.spec.arn == arn for a in ask.addresses}
    for address in sorted(addresses):
        if address not in left:
            yield f"{address} is no longer in the IP set {name}"
        elif address in holders:
            yield f"{address} stays in the IP set {name} for {holders[address]}"


def _until(ask: Ask) -> str:
    if ask.entry.expires_at is None:
        return f"stage {ask.stage}, without a deadline"
    return f"stage {ask.stage}, until a job takes it out at {format_moment(ask.entry.expires_at)}"
