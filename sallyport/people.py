"""Who is who: one record joins a person's identities, and groups name the people policies speak of.

E-mail addresses are compared without case. A missing or double binding is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

EVERYONE = "everyone"
_IDENTITIES = {
    "email": "e-mail address",
    "slack": "Slack id",
    "jira": "JIRA account",
    "github": "GitHub login",
    "identity_store_name": "name in Identity Center",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One human being; every identity but the e-mail address may be unknown (empty)."""

    email: str
    name: str = ""
    slack: str = ""
    jira: str = ""
    github: str = ""
    identity_center: str = ""  # the userName in the identity store; the e-mail address where it is empty
    aliases: tuple[str, ...] = ()  # other e-mail addresses of the same person

    @property
    def identity_store_name(self) -> str:
        return self.identity_center or self.email

    @property
    def label(self) -> str:
        return self.name or self.email

    def identities(self, kind: str) -> tuple[str, ...]:
        """Return the known identities of one kind, folded: one of each, and the aliases of the address."""
        values = (getattr(self, kind), *(self.aliases if kind == "email" else ()))
        return tuple(dict.fromkeys(value.casefold() for value in values if value))


@dataclass(frozen=True, eq=False)
class People:
    """Everybody policies know, and the groups they are in.

    Who is in an *external* group (a Slack user group, such as the one that an on-call tool keeps) no policy file
    says: it is empty until `with_members` fills it.
    """

    persons: tuple[Person, ...] = ()
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)  # group name to e-mail addresses
    external: Mapping[str, str] = field(default_factory=dict)  # group name to the id of a Slack user group

    def by_email(self, email: str) -> Person | None:
        return self._by_address.get(email.casefold())

    def by_slack(self, user_id: str) -> Person | None:
        return next((p for p in self.persons if p.slack == user_id), None) if user_id else None

    def by_github(self, login: str) -> Person | None:
        return next((p for p in self.persons if p.github.casefold() == login.casefold()), None) if login else None

    def by_jira(self, account: str) -> Person | None:
        return (
            next((p for p in self.persons if p.jira.casefold() == account.casefold()), None) if account else None
        )

    def canonical(self, email: str) -> str:
        """Return the address by which a person is compared, folded: the same for all of that person's."""
        person = self.by_email(email)
        return (person.email if person else email).casefold()

    def is_same(self, one: str, other: str) -> bool:
        """Tell whether two e-mail addresses are one person's."""
        return self.canonical(one) == self.canonical(other)

    def in_groups(self, email: str, groups: Iterable[str]) -> bool:
        """Tell whether the person belongs to any of the *groups* (`everyone` holds every known person)."""
        folded = self.canonical(email)
        return any(folded in self._members.get(group, frozenset()) for group in groups)

    def members(self, groups: Iterable[str]) -> frozenset[str]:
        """Return the e-mail addresses, folded, of all known people who are in any of the *groups*."""
        return frozenset().union(*(self._members.get(group, frozenset()) for group in groups))

    def speaks_for(self, email: str) -> tuple[str, ...]:
        """Return the external groups that a person is in."""
        return tuple(group for group in self.external if self.in_groups(email, (group,)))

    def with_members(self, members: Mapping[str, Iterable[str]]) -> People:
        """Return the people with these members of external groups; other groups are what policies say."""
        if not self.external:
            return self
        found = {group: frozenset(members.get(group, ())) for group in self.external}
        return People(self.persons, {**self.groups, **found}, self.external)

    @cached_property
    def _by_address(self) -> Mapping[str, Person]:
        return {
            address.casefold(): person
            for person in reversed(self.persons)
            for address in (*person.aliases, person.email)
        }

    @cached_property
    def _members(self) -> Mapping[str, frozenset[str]]:
        known = frozenset(person.email.casefold() for person in self.persons)
        groups = {name: frozenset(map(self.canonical, members)) & known for name, members in self.groups.items()}
        return {EVERYONE: known, **groups}

    def doubles(self) -> Iterator[str]:
        """Yield a sentence for each identity that two people share: such a binding is refused."""
        for kind, words in _IDENTITIES.items():
            seen: dict[str, Person] = {}
            for person in self.persons:
                for value in person.identities(kind):
                    other = seen.setdefault(value, person)
                    if other is not person and (
                        kind == "email" or person.email.casefold() != other.email.casefold()
                    ):
                        yield f"{person.email} and {other.email} share the {words} “{value}”"
