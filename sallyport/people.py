"""Who is who: one record joins a person's identities, and groups name the people policies speak of.

E-mail addresses are compared without case. A missing or double binding is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

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

    @property
    def identity_store_name(self) -> str:
        return self.identity_center or self.email

    @property
    def label(self) -> str:
        return self.name or self.email


@dataclass(frozen=True, slots=True)
class People:
    """Everybody policies know, and the groups they are in."""

    persons: tuple[Person, ...] = ()
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)  # group name to e-mail addresses, folded

    def by_email(self, email: str) -> Person | None:
        return next((p for p in self.persons if p.email.casefold() == email.casefold()), None)

    def by_slack(self, user_id: str) -> Person | None:
        return next((p for p in self.persons if p.slack == user_id), None) if user_id else None

    def by_github(self, login: str) -> Person | None:
        return next((p for p in self.persons if p.github.casefold() == login.casefold()), None) if login else None

    def in_groups(self, email: str, groups: Iterable[str]) -> bool:
        """Tell whether the person belongs to any of the *groups* (`everyone` holds every known person)."""
        folded = email.casefold()
        return any(
            folded in self.groups.get(group, frozenset())
            or (group == EVERYONE and self.by_email(email) is not None)
            for group in groups
        )

    def members(self, groups: Iterable[str]) -> frozenset[str]:
        """Return the e-mail addresses, folded, of all who are in any of the *groups*."""
        return frozenset(p.email.casefold() for p in self.persons if self.in_groups(p.email, groups))

    def doubles(self) -> Iterator[str]:
        """Yield a sentence for each identity that two people share: such a binding is refused."""
        for kind, words in _IDENTITIES.items():
            seen: dict[str, Person] = {}
            for person in self.persons:
                value = getattr(person, kind).casefold()
                other = seen.setdefault(value, person)
                if (
                    value
                    and other is not person
                    and (kind == "email" or not same_person(person.email, other.email))
                ):
                    yield f"{person.email} and {other.email} share the {words} “{value}”"


def same_person(one: str, other: str) -> bool:
    """Compare two e-mail addresses as one person's."""
    return one.casefold() == other.casefold()
