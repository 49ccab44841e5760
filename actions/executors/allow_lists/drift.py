"""How AWS differs from what live entries ask of an allow list. Pure: it judges nothing and repairs nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from actions.executors.allow_lists.state import Opening, Rule, say


@dataclass(frozen=True, slots=True)
class Drift:
    """The differences, and the openings that are there by somebody else's rule."""

    missing: tuple[Opening, ...]  # asked for, and nobody lets it in
    extra: tuple[Rule, ...]  # ours, and nobody asks for it any more
    changed: tuple[Rule, ...]  # ours, and edited into something that we never write
    standing: tuple[Rule, ...]  # asked for and there, by a rule that is not ours and never will be

    @property
    def is_none(self) -> bool:
        return not (self.missing or self.extra or self.changed)

    def sentences(self) -> Iterator[str]:
        """Say each difference, for a report."""
        for cidr, found in by_range(self.missing):
            yield f"{cidr} is missing at {say(found)}, where it is asked for."
        for cidr, found in by_range(rule.opening for rule in self.extra if rule.opening):
            yield f"{cidr} is let in at {say(found)} by rules of ours, and nobody asks for it."
        for rule in self.changed:
            yield f"The rule {rule.id} of {rule.holder} is ours, and is not as we wrote it."


def drift(asked: Collection[Opening], rules: Iterable[Rule]) -> Drift:
    """Compare the openings that live entries ask for with the rules that AWS has."""
    found = tuple(rules)
    there = {rule.opening: rule for rule in found if rule.opening}
    return Drift(
        missing=tuple(sorted(set(asked) - there.keys())),
        extra=tuple(r for r in found if r.ours and r.opening and r.opening not in asked),
        changed=tuple(r for r in found if r.ours and r.opening is None),
        standing=tuple(r for r in there.values() if not r.ours and r.opening in asked),
    )


def by_range(found: Iterable[Opening]) -> list[tuple[str, tuple[Opening, ...]]]:
    """Group openings by their range."""
    groups: dict[str, list[Opening]] = {}
    for opening in sorted(found, key=lambda o: (o.version, o.cidr, o)):
        groups.setdefault(opening.cidr, []).append(opening)
    return [(cidr, tuple(openings)) for cidr, openings in groups.items()]
