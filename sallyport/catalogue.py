"""What can be asked for: environments, and lists of things (APIs, accounts, …) that exist in them.

A catalogue list is a file `policies/catalogue/<list>.yaml`; its items are generic here, and each flow's
change gives the facts of its items a type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sallyport.documents import JSON
from sallyport.problems import nearest


@dataclass(frozen=True, slots=True)
class Environment:
    """A place changes happen in: an AWS account and region with the roles that jobs assume there.

    `reader` is for jobs that only look, `channel` is where in Slack those who work there are warned; each is empty
    where there is none.
    """

    id: str
    title: str
    account: str
    region: str
    role: str
    reader: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a catalogue list; `places` maps an environment to the item's facts there."""

    id: str
    title: str
    owners: frozenset[str] = frozenset()
    places: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()  # what rules may be chosen by, such as `pci`


@dataclass(frozen=True, slots=True)
class Option:
    """One line of a select: the value that is recorded and the words that are shown."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All environments and lists."""

    environments: Mapping[str, Environment] = field(default_factory=dict)
    lists: Mapping[str, Mapping[str, Item]] = field(default_factory=dict)

    def item(self, name: str, item_id: str, environment: str) -> tuple[Item, Mapping[str, JSON]]:
        """Return an item of the list *name* with its facts in *environment*; LookupError says what exists."""
        items = self.lists.get(name, {})
        if item_id not in items:
            raise LookupError(f"“{item_id}” is not in the catalogue of {name}: {nearest(item_id, items)}")
        item = items[item_id]
        if environment not in item.places:
            raise LookupError(f"{item.title} does not exist in {environment}: {nearest(environment, item.places)}")
        return item, item.places[environment]

    def options(self, name: str, environment: str) -> tuple[Option, ...]:
        """Return what a form may offer from the list *name* in *environment*."""
        if name == "environments":
            return tuple(Option(e.id, e.title) for e in self.environments.values())
        here = (item for item in self.lists.get(name, {}).values() if environment in item.places)
        return tuple(Option(item.id, item.title) for item in sorted(here, key=lambda item: item.title.casefold()))
