"""Whether an allow list has room for one more address, as far as that can be told without looking at AWS. Pure.

Only what requests bring is counted. What others have there comes on top, which the plan of the job counts; so
nothing is refused here that would fit, but for an address that somebody else's rules let in already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sallyport.catalogue import Catalogue
from sallyport.changes.allow_list import AllowList
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.changes.infra_words import ADDRESS
from sallyport.changes.protocol import Held
from sallyport.changes.room import nearly_full, when_it_fits
from sallyport.changes.sources import parse_network
from sallyport.problems import Problem


@dataclass(frozen=True, slots=True)
class Place:
    """A security group or prefix list, as the addresses of one IP version fill it."""

    name: str
    version: int
    unit: str
    limit: int
    each: int  # what one address takes
    remedy: str

    def used(self, held: Iterable[Held]) -> int:
        """Return what the different addresses of *held* take together."""
        addresses = {one.change.address for one in held if isinstance(one.change, InfraWhitelist)}
        return self.each * sum(parse_network(address).version == self.version for address in addresses)

    def problem(self, wish: Held, beside: list[Held]) -> Problem | None:
        """Say why *wish* does not fit beside the others; an address that is let in already takes nothing."""
        used, whole = self.used(beside), self.used([*beside, wish])
        if whole <= self.limit or whole == used:
            return None
        what = (
            f"{self.name} has no room for it: Sallyport's part of it has {used} of {self.limit} {self.unit}, "
            f"and this would make it {whole}"
        )
        when = when_it_fits(wish, beside, lambda held: self.used(held) <= self.limit)
        return Problem(what, f"{when}, or {self.remedy}", field=ADDRESS)

    def hint(self, held: Iterable[Held]) -> str:
        """Say how many addresses still fit beside *held*, where those are few; empty where they are not."""
        used = self.used(held)
        left = max(0, self.limit - used) // self.each
        return nearly_full(f"{self.name} has {used} of {self.limit} {self.unit}", left)


def address_problem(wish: Held, held: Iterable[Held], environment: str, catalogue: Catalogue) -> Problem | None:
    """Say why *wish* does not fit beside what is *held* in the same environment, with numbers; None if it may."""
    beside = list(held)
    problems = (place.problem(wish, beside) for place in _places_of(wish, environment, catalogue))
    return next((problem for problem in problems if problem), None)


def address_hint(wish: Held, held: Iterable[Held], environment: str, catalogue: Catalogue) -> str:
    """Say where few further addresses fit once *wish* is let in beside what is *held*; empty where many do."""
    whole = [*held, wish]
    return " ".join(hint for place in _places_of(wish, environment, catalogue) if (hint := place.hint(whole)))


def address_room(held: Iterable[Held], environment: str, catalogue: Catalogue) -> str:
    """Say where few addresses fit beside what is *held*, before one is named; empty where many do."""
    there = list(held)
    try:
        places = [place for version in (4, 6) for place in _places(version, environment, catalogue)]
    except LookupError:
        return ""
    return " ".join(hint for place in places if (hint := place.hint(there)))


def _places_of(wish: Held, environment: str, catalogue: Catalogue) -> Iterator[Place]:
    """Yield what the address that is wished for takes room of; nothing where it is no address."""
    if isinstance(wish.change, InfraWhitelist):
        yield from _places(parse_network(wish.change.address).version, environment, catalogue)


def _places(version: int, environment: str, catalogue: Catalogue) -> Iterator[Place]:
    """Yield what an address of that IP version takes room of; LookupError where the catalogue has no list."""
    allow_list = AllowList.find(catalogue, environment)
    for group, ports in sorted(allow_list.ports.items()):
        rules = "have AWS raise the quota and let the catalogue say so with rules_per_group"
        unit = f"IPv{version} rules"
        yield Place(f"the security group {group}", version, unit, allow_list.rules_per_group, len(ports), rules)
    if found := allow_list.prefix_lists.get(version):
        entries = "have its owner raise its maximum and let the catalogue say so with max_entries"
        most = allow_list.max_entries[version]
        yield Place(f"the prefix list {found}", version, "entries", most, 1, entries)
