"""The change of a teardown: all that costs money in one environment is deleted, and restored when the entry ends.

What belongs to an environment is a list of names in the catalogue. Production is never torn down, whatever policy
says, and nothing is torn down for somebody who has not typed its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sallyport.catalogue import Catalogue
from sallyport.changes.infra_stop import (
    INFRASTRUCTURE,
    MAIN,
    Infrastructure,
    access_of,
    environment_problems,
    lock_of,
    names_in,
    owners_of,
    parts_of,
)
from sallyport.changes.protocol import Access
from sallyport.documents import JSON
from sallyport.flows import ENVIRONMENT
from sallyport.problems import Problem, Problems

CONFIRM = "confirm"  # the form's field in which the environment's name is typed
STAYS = "VPC and subnets, addresses of NAT gateways, S3, secrets, IAM, ECS clusters, every snapshot"


@dataclass(frozen=True, slots=True)
class Estate:
    """What a teardown deletes, by name; nothing else is ever changed."""

    infrastructure: Infrastructure
    load_balancers: tuple[str, ...]
    nat_gateways: tuple[str, ...]  # by their tag Name, since their ids change
    override_deletion_protection: bool  # whether what is protected from deletion is deleted all the same

    @classmethod
    def find(cls, catalogue: Catalogue, environment: str) -> Estate:
        """Read the environment's facts. KeyError names one that is missing, ValueError says which is wrong."""
        infrastructure = Infrastructure.find(catalogue, environment)
        _, facts = catalogue.item(INFRASTRUCTURE, MAIN, environment)
        known = {"load_balancers": [], "nat_gateways": [], "override_deletion_protection": False, **facts}
        override = known["override_deletion_protection"]
        if not isinstance(override, bool):
            raise ValueError(  # noqa: TRY004  # a fact that is wrong
                "“override_deletion_protection” is true or false"
            )
        return cls(infrastructure, names_in(known, "load_balancers"), names_in(known, "nat_gateways"), override)


@dataclass(frozen=True, slots=True)
class InfraTeardown:
    """What the catalogue lists of *environment* is deleted. `confirm` is what was typed for its name."""

    environment: str
    confirm: str

    @classmethod
    def from_answers(cls, answers: Mapping[str, str], catalogue: Catalogue) -> Self:
        change = cls(answers.get(ENVIRONMENT, ""), answers.get(CONFIRM, "").strip())
        if found := change.problems(change.environment, catalogue):
            raise Problems(found)
        return change

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, JSON]) -> Self:
        return cls(str(mapping["environment"]), str(mapping["confirm"]))

    @classmethod
    def foretell(cls, environment: str, catalogue: Catalogue) -> str:
        parts = _dies(Estate.find(catalogue, environment))
        return "\n".join(
            [
                f"⚠️ A full teardown of {catalogue.environments[environment].title} ({environment}) deletes:",
                *(f"• {label}: {value}" for label, value in parts),
                "The data of databases is kept in snapshots, and all of it is restored when the teardown ends.",
                f"It keeps: {STAYS}.",
            ]
        )

    def to_mapping(self) -> dict[str, JSON]:
        return {"environment": self.environment, "confirm": self.confirm}

    def problems(self, environment: str, catalogue: Catalogue) -> Sequence[Problem]:
        if found := environment_problems(self.environment, environment, catalogue, "torn down"):
            return found
        if self.confirm != environment:
            what = f"this is not the name of the environment that is to be torn down, {environment}"
            return [Problem(what, f"type {environment}, or cancel", field=CONFIRM)]
        return []

    def lock(self, environment: str, catalogue: Catalogue) -> str:
        return lock_of(environment, self.access(environment, catalogue))

    def access(self, environment: str, catalogue: Catalogue) -> Access:
        return access_of(environment, catalogue)

    def owners(self, catalogue: Catalogue) -> frozenset[str]:
        return owners_of(catalogue)

    def title(self, catalogue: Catalogue) -> str:  # noqa: ARG002  # the environment is told beside it
        return "Full teardown"

    def details(self, catalogue: Catalogue) -> Sequence[tuple[str, str]]:
        return (*_dies(Estate.find(catalogue, self.environment)), ("Stays", STAYS))

    def effect(self, environment: str, catalogue: Catalogue) -> str:
        title = catalogue.environments[environment].title
        dies = "; ".join(f"{label}: {value}" for label, value in self.details(catalogue)[:-1])
        return (
            f"{title} ({environment}) is deleted until the teardown ends: {dies}; with the listeners, rules and "
            f"target groups of the load balancers, and automated backups of clusters. What stays: {STAYS}."
        )

    def undo(self) -> str:
        return (
            "When it ends, all of it is restored from its record, in order: databases from their final snapshots, "
            "NAT gateways with their addresses, target groups, load balancers (whose DNS names change), and ECS "
            "services."
        )


def _dies(estate: Estate) -> tuple[tuple[str, str], ...]:
    """Return what is deleted as (label, names)."""
    others = (
        ("Load balancers", ", ".join(estate.load_balancers)),
        ("NAT gateways", ", ".join(estate.nat_gateways)),
    )
    return (*parts_of(estate.infrastructure), *((label, value) for label, value in others if value))
