"""What is observed of one environment's allow list, and what entries ask of it. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from actions.executors.protocol import Claims
from sallyport.changes.allow_list import AllowList
from sallyport.changes.infra_whitelist import InfraWhitelist
from sallyport.changes.sources import parse_network
from sallyport.entries import Entry


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """One range let in at a TCP port of a security group, or by an entry of a prefix list, which has no port."""

    holder: str  # the id of the group or list
    cidr: str
    port: int = 0

    @property
    def version(self) -> int:
        """The IP version, by which AWS counts."""
        return 6 if ":" in self.cidr else 4


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a group, or entry of a list. No id in a plan's `wanted` means one that is still to be made."""

    id: str  # of the rule; the range of an entry
    holder: str
    opening: Opening | None  # None where it has a shape that we never write
    ours: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """A security group or prefix list with its quota, by IP version: what counts, and what may."""

    id: str
    used: Mapping[int, int]
    limit: Mapping[int, int]
    revision: int = 0  # of a prefix list: the version that a change must name

    @property
    def counts(self) -> str:
        """Say how full it is."""
        kind = "entries" if self.revision else "rules"
        return ", ".join(f"{self.used[v]} of {most} IPv{v} {kind}" for v, most in sorted(self.limit.items()))


@dataclass(frozen=True, slots=True)
class ListState:
    """All rules that matter: those of the catalogue's groups and lists, and ours in groups that it has lost."""

    allow_list: AllowList
    holders: Mapping[str, Holder]
    rules: tuple[Rule, ...]
    unusable: Mapping[str, str]  # groups and lists of the catalogue, with the sentence that says why


@dataclass(frozen=True, slots=True)
class Scene:
    """What the repository says about one allow list."""

    allow_list: AllowList
    live: Mapping[str, Entry]  # by id
    asks: Mapping[str, frozenset[Opening]]  # of the live entries, by id
    ended: Mapping[str, frozenset[str]]  # ranges that ended entries asked for, by id

    @property
    def asked(self) -> frozenset[Opening]:
        """What any live entry asks for: the union of all leases."""
        return frozenset(opening for openings in self.asks.values() for opening in openings)

    def holding(self, cidr: str) -> tuple[str, ...]:
        """Return the live entries that ask for a range."""
        return tuple(i for i, openings in self.asks.items() if any(o.cidr == cidr for o in openings))


def set_scene(allow_list: AllowList, claims: Claims) -> Scene:
    """Bring together what the live and the ended entries ask of *allow_list*."""
    return Scene(
        allow_list,
        {entry.id: entry for entry in claims.live},
        {entry.id: frozenset(openings(allow_list, _cidrs(entry))) for entry in claims.live},
        {entry.id: _cidrs(entry) for entry in claims.ended},
    )


def openings(allow_list: AllowList, cidrs: Iterable[str]) -> Iterator[Opening]:
    """Yield every opening by which *allow_list* lets *cidrs* in."""
    for cidr in cidrs:
        for group, ports in allow_list.ports.items():
            yield from (Opening(group, cidr, port) for port in ports)
        if found := allow_list.prefix_lists.get(parse_network(cidr).version):
            yield Opening(found, cidr)


def say(found: Iterable[Opening]) -> str:
    """Name where openings are: `sg-1 (ports 80, 443), sg-2 (port 7233)`."""
    ports: dict[str, list[int]] = {}
    for holder, port in sorted({(opening.holder, opening.port) for opening in found}):
        ports.setdefault(holder, []).append(port)
    return ", ".join(f"{holder}{_say_ports(numbers)}" for holder, numbers in ports.items())


def _say_ports(numbers: Sequence[int]) -> str:
    if numbers == [0]:
        return ""
    return f" ({'port' if len(numbers) == 1 else 'ports'} {', '.join(map(str, numbers))})"


def _cidrs(entry: Entry) -> frozenset[str]:
    return frozenset(change.address for change in entry.changes if isinstance(change, InfraWhitelist))
