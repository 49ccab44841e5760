"""The allow list of an environment, as the catalogue describes it: security groups with ports, or prefix lists.

It says where an address has to be let in. It never says what AWS has there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from sallyport.catalogue import Catalogue
from sallyport.changes.sources import WIDEST, Network
from sallyport.documents import JSON
from sallyport.problems import quoted

ALLOW_LISTS, MAIN = "allow-lists", "main"

RULES_PER_GROUP = 60  # inbound rules of a security group for each IP version, unless AWS has raised the quota
GROUPS_PER_INTERFACE = 5
RULES_PER_INTERFACE = 1000  # what the two quotas may come to when they are multiplied (Amazon VPC quotas)
MAX_ENTRIES = 1000  # of a managed prefix list (Amazon VPC quotas)
BOUNDS = {4: (16, 32), 6: (32, 128)}  # of what a catalogue may call the widest range

_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")
_PREFIX_LIST = re.compile(r"pl-[0-9a-f]{8,17}")


@dataclass(frozen=True, slots=True)
class AllowList:
    """Where the addresses of one environment are let in; either *ports* or *prefix_lists* is empty."""

    title: str
    ports: Mapping[str, tuple[int, ...]]  # TCP ports, by the id of the security group
    prefix_lists: Mapping[int, str]  # ids of managed prefix lists, by IP version
    widest: Mapping[int, int]  # the shortest prefix that may be asked for, by IP version
    rules_per_group: int  # AWS's quota in this account, for each IP version
    max_entries: Mapping[int, int] = field(default_factory=lambda: dict.fromkeys(WIDEST, MAX_ENTRIES))

    @classmethod
    def find(cls, catalogue: Catalogue, environment: str) -> Self:
        """Return the environment's list; LookupError says where there is one, ValueError which fact is wrong."""
        item, facts = catalogue.item(ALLOW_LISTS, MAIN, environment)
        found = cls(
            item.title,
            {group: _ports(ports) for group, ports in _mapping(facts, "security_groups").items()},
            {_version(name): str(one) for name, one in _mapping(facts, "prefix_lists").items()},
            WIDEST | _numbers(facts, "widest"),
            _whole(facts.get("rules_per_group", RULES_PER_GROUP), "rules_per_group"),
            dict.fromkeys(WIDEST, MAX_ENTRIES) | _numbers(facts, "max_entries"),
        )
        _check(found, _whole(facts.get("groups_per_interface", GROUPS_PER_INTERFACE), "groups_per_interface"))
        if shared := sorted(found.ids & frozenset(_ids_elsewhere(catalogue, environment))):
            raise ValueError(f"{', '.join(shared)} is in the allow list of another environment too")
        return found

    @property
    def ids(self) -> frozenset[str]:
        """The security groups and prefix lists that belong to it."""
        return frozenset((*self.ports, *self.prefix_lists.values()))

    def takes(self, network: Network) -> bool:
        """Tell whether there is a place for an address of that IP version."""
        return bool(self.ports) or network.version in self.prefix_lists

    @property
    def where(self) -> str:
        """Say what an address reaches, as the end of a sentence."""
        if self.ports:
            ports = sorted({port for ports in self.ports.values() for port in ports})
            return f"on {'port' if len(ports) == 1 else 'ports'} {', '.join(map(str, ports))}"
        return f"wherever the prefix list {' or '.join(self.prefix_lists.values())} is let in"


def _check(found: AllowList, groups_per_interface: int) -> None:
    if bool(found.ports) == bool(found.prefix_lists):
        raise ValueError("name either security_groups, each with its ports, or prefix_lists")
    for pattern, ids in ((_GROUP, found.ports), (_PREFIX_LIST, found.prefix_lists.values())):
        if wrong := [one for one in ids if not pattern.fullmatch(one)]:
            raise ValueError(f"{quoted(wrong[0])} is no id such as sg-0a1b2c3d4e5f67890 or pl-0a1b2c3d4e5f67890")
    for version, (least, most) in BOUNDS.items():
        if not least <= found.widest[version] <= most:
            raise ValueError(f"widest of ipv{version} must be a prefix length from {least} to {most}")
    if (entries := max(found.max_entries.values())) > MAX_ENTRIES:
        raise ValueError(f"max_entries is {entries}, and a prefix list has at most {MAX_ENTRIES}")
    if found.rules_per_group * groups_per_interface > RULES_PER_INTERFACE:
        raise ValueError(
            f"{found.rules_per_group} rules a group and {groups_per_interface} groups an interface are more than "
            f"the {RULES_PER_INTERFACE} that AWS allows their product to be"
        )


def _ids_elsewhere(catalogue: Catalogue, environment: str) -> Iterator[str]:
    for place, facts in catalogue.lists[ALLOW_LISTS][MAIN].places.items():
        if place != environment:
            yield from _mapping(facts, "security_groups")
            yield from map(str, _mapping(facts, "prefix_lists").values())


def _mapping(facts: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    found = facts.get(name, {})
    if not isinstance(found, dict):
        raise ValueError(f"{name} has no names with values below it")  # noqa: TRY004  # a fault of a file
    return found


def _numbers(facts: Mapping[str, JSON], name: str) -> dict[int, int]:
    return {_version(version): _whole(n, name) for version, n in _mapping(facts, name).items()}


def _ports(ports: JSON) -> tuple[int, ...]:
    found = ports if isinstance(ports, list) else []
    numbers = [port for port in found if isinstance(port, int) and 0 < port < 65536]
    if not numbers or len(set(numbers)) < len(found):
        raise ValueError("the ports of a security group are a list of different numbers from 1 to 65535")
    return tuple(numbers)


def _version(name: str) -> int:
    if name not in ("ipv4", "ipv6"):
        raise ValueError(f"{quoted(name)} is neither ipv4 nor ipv6")
    return int(name[-1])


def _whole(value: JSON, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number above 0")
    return value
