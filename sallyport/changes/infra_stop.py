"""The change of a stop: what runs in one environment is stopped, and started again when the entry ends.

What belongs to an environment is a list of names in the catalogue. Production is never stopped, whatever policy
says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sallyport.catalogue import Catalogue
from sallyport.changes.infra_words import stop_answers
from sallyport.changes.protocol import Access, Announcement
from sallyport.documents import JSON
from sallyport.flows import ENVIRONMENT
from sallyport.problems import Problem, Problems

INFRASTRUCTURE, MAIN = "infrastructure", "main"  # the list of the catalogue, and its one item


ANNOUNCEMENT = Announcement(
    will="will be stopped",
    doing="is being stopped",
    done="is stopped",
    undoing="is being started",
    undone="is up again",
    spared="stays up",
    spare="Keep it up",
    spare_for_a_while="Keep it up until…",
)


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """What belongs to an environment, by name; nothing else is ever read or changed."""

    production: bool
    ecs_clusters: tuple[str, ...]  # all services of these
    rds_instances: tuple[str, ...]
    aurora_clusters: tuple[str, ...]

    @classmethod
    def find(cls, catalogue: Catalogue, environment: str) -> Infrastructure:
        """Read the environment's facts. KeyError names one that is missing, ValueError says which is wrong."""
        _, facts = catalogue.item(INFRASTRUCTURE, MAIN, environment)
        production = facts["production"]
        if not isinstance(production, bool):
            raise ValueError("“production” is true or false")  # noqa: TRY004  # a fact that is wrong
        names = (names_in(facts, name) for name in ("ecs_clusters", "rds_instances", "aurora_clusters"))
        return cls(production, *names)


@dataclass(frozen=True, slots=True)
class InfraStop:
    """The ECS services and databases of *environment* are stopped."""

    environment: str

    @classmethod
    def from_answers(cls, answers: Mapping[str, str], catalogue: Catalogue) -> Self:
        change = cls(answers.get(ENVIRONMENT, ""))
        if found := change.problems(change.environment, catalogue):
            raise Problems(found)
        return change

    @classmethod
    def answers_from_words(cls, text: str, typed_at: datetime) -> Mapping[str, str]:
        return stop_answers(text, typed_at)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, JSON]) -> Self:
        return cls(str(mapping["environment"]))

    def to_mapping(self) -> dict[str, JSON]:
        return {"environment": self.environment}

    def problems(self, environment: str, catalogue: Catalogue) -> Sequence[Problem]:
        return environment_problems(self.environment, environment, catalogue, "stopped")

    def lock(self, environment: str, catalogue: Catalogue) -> str:
        access = self.access(environment, catalogue)
        return lock_of(environment, access)

    def access(self, environment: str, catalogue: Catalogue) -> Access:
        return access_of(environment, catalogue)

    def owners(self, catalogue: Catalogue) -> frozenset[str]:
        return owners_of(catalogue)

    def title(self, catalogue: Catalogue) -> str:  # noqa: ARG002  # the environment is told beside it
        return "Stop of ECS services and databases"

    def details(self, catalogue: Catalogue) -> Sequence[tuple[str, str]]:
        return parts_of(Infrastructure.find(catalogue, self.environment))

    def effect(self, environment: str, catalogue: Catalogue) -> str:
        title = catalogue.environments[environment].title
        return f"Nothing that runs in {title} ({environment}) can be used until the stop ends."

    def announcement(self) -> Announcement:
        return ANNOUNCEMENT

    def undo(self) -> str:
        return (
            "When it ends, databases are started first, then every ECS service with the number of tasks it had; "
            "what somebody started meanwhile is left as it is."
        )


def access_of(environment: str, catalogue: Catalogue) -> Access:
    """Return the role that changes an environment; LookupError if there is no such environment."""
    place = catalogue.environments[environment]
    return Access(place.account, place.region, place.role, place.reader)


def lock_of(environment: str, access: Access) -> str:
    """Name an environment's infrastructure as a target: whatever stops, starts or removes it holds this lock."""
    return f"infra/{access.account}/{access.region}/{environment}"


def environment_problems(named: str, environment: str, catalogue: Catalogue, done: str) -> Sequence[Problem]:
    """Tell why the environment that a change names cannot be *done*, such as “stopped”."""
    if named != environment:
        what = f"the change names {named}, and its entry {environment}"
        return [Problem(what, "name one environment", field=ENVIRONMENT)]
    try:
        found = Infrastructure.find(catalogue, environment)
    except LookupError as error:
        return [Problem(str(error), field=ENVIRONMENT)]
    if found.production:
        return [Problem(f"{environment} is production, which is never {done}", field=ENVIRONMENT)]
    return []


def owners_of(catalogue: Catalogue) -> frozenset[str]:
    """Return the e-mail addresses of those who own the infrastructure."""
    item = catalogue.lists.get(INFRASTRUCTURE, {}).get(MAIN)
    return item.owners if item else frozenset()


def parts_of(found: Infrastructure) -> tuple[tuple[str, str], ...]:
    """Return what belongs to an environment as (label, names), for cards and tickets."""
    shown = (
        ("ECS services", ", ".join(f"all of {name}" for name in found.ecs_clusters)),
        ("RDS instances", ", ".join(found.rds_instances)),
        ("Aurora clusters", ", ".join(found.aurora_clusters)),
    )
    return tuple((label, value) for label, value in shown if value)


def names_in(facts: Mapping[str, JSON], name: str) -> tuple[str, ...]:
    """Return the list of names that a fact of the catalogue is. KeyError or ValueError says that it is none."""
    found = facts[name]
    if not isinstance(found, list) or not all(isinstance(item, str) and item for item in found):
        raise ValueError(f"“{name}” is a list of names, [] for none")
    return tuple(map(str, found))
