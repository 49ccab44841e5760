"""Which new entries fit into the quotas of security groups and prefix lists, and how many will still. Pure.

The oldest approved comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from actions.executors.allow_lists.state import Holder, ListState, Opening, Rule, Scene
from actions.executors.turns import in_turn
from sallyport.changes.room import FEW
from sallyport.entries import Entry

Place = tuple[str, int]  # a holder and an IP version, which have a quota of their own


def without_room(
    new: Mapping[str, frozenset[Opening]], entries: Mapping[str, Entry], state: ListState, freed: Iterable[Rule]
) -> Mapping[str, str]:
    """Return why entries of *new*, which need these openings, do not fit; *freed* are rules that go first."""
    gone = Counter(_place(rule.opening) for rule in freed if rule.opening)
    used = {(h.id, v): h.used[v] - gone[h.id, v] for h in state.holders.values() for v in h.limit}
    taken: set[Opening] = set()
    refusals = {}
    for entry in in_turn(entries[entry_id] for entry_id in new):
        needed = new[entry.id] - taken
        needs = Counter(map(_place, needed))
        full = next((p for p, n in sorted(needs.items()) if used[p] + n > state.holders[p[0]].limit[p[1]]), None)
        if full:
            refusals[entry.id] = _sentence(state.holders[full[0]], full[1], used[full], needs[full])
            continue
        taken |= needed
        for place, count in needs.items():
            used[place] += count
    return refusals


def forecasts(scene: Scene, state: ListState) -> Iterator[tuple[str, str]]:
    """Yield, for each live entry at a place that is nearly full, how many addresses still fit."""
    near = dict(_nearly_full(state))
    for entry_id, asks in scene.asks.items():
        found = [near[place] for place in sorted(set(map(_place, asks))) if place in near]
        if found:
            yield entry_id, " ".join(found)


def _nearly_full(state: ListState) -> Iterator[tuple[Place, str]]:
    for holder in state.holders.values():
        each = len(state.allow_list.ports.get(holder.id, ())) or 1  # rules for one address
        for version, most in holder.limit.items():
            left = max(0, most - holder.used[version]) // each
            if left <= FEW:
                yield (holder.id, version), _forecast(holder, version, left)


def _forecast(holder: Holder, version: int, left: int) -> str:
    kind, what = ("prefix list", "entries") if holder.revision else ("security group", f"IPv{version} rules")
    used = f"{holder.used[version]} of {holder.limit[version]} {what}"
    fit = {0: "no further address fits", 1: "1 more address fits"}.get(left, f"{left} more addresses fit")
    return f"Nearly full: {used} of the {kind} {holder.id} are used, so that {fit}."


def _place(opening: Opening) -> Place:
    return opening.holder, opening.version


def _sentence(holder: Holder, version: int, used: int, needs: int) -> str:
    limit = holder.limit[version]
    if holder.revision:
        return (
            f"The prefix list {holder.id} is full: {used} of {limit} entries are used, and this needs {needs} "
            "more; wait until addresses end, or have the list's owner raise its maximum, which every security "
            "group that names the list counts in full."
        )
    return (
        f"The security group {holder.id} is full: {used} of {limit} IPv{version} rules are used, and this needs "
        f"{needs} more; wait until addresses end, or let the catalogue name a managed prefix list instead, or "
        "have AWS raise the quota and say so with rules_per_group."
    )
