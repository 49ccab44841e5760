"""Which new entries fit into the quotas of security groups and prefix lists, the oldest approved first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from actions.executors.allow_lists.state import Holder, ListState, Opening, Rule
from actions.executors.turns import in_turn
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
