"""The change of an address whitelisting: one address or range let into an environment's allow list."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sallyport.catalogue import Catalogue
from sallyport.changes.allow_list import ALLOW_LISTS, MAIN, AllowList
from sallyport.changes.infra_words import ADDRESS, DESCRIPTION, whitelist_answers
from sallyport.changes.protocol import Access
from sallyport.changes.sources import WIDEST, Network, form_problem, is_public, parse_network, width_problem
from sallyport.documents import JSON
from sallyport.flows import ENVIRONMENT
from sallyport.problems import Problem, Problems

DESCRIPTION_LONGEST = 100


@dataclass(frozen=True, slots=True)
class InfraWhitelist:
    """Calls from *address*, in canonical form, are let in; *description* is a person's words for it, or empty."""

    address: str
    description: str = ""

    @classmethod
    def from_answers(cls, answers: Mapping[str, str], catalogue: Catalogue) -> Self:
        environment, typed = answers.get(ENVIRONMENT, ""), answers.get(ADDRESS, "").strip()
        description = " ".join(answers.get(DESCRIPTION, "").split())
        try:
            widest = AllowList.find(catalogue, environment).widest
        except LookupError:
            widest = WIDEST
        try:
            change = cls(str(parse_network(typed, widest)), description)
        except ValueError as error:
            unread = Problem(str(error) if typed else _NO_ADDRESS, field=ADDRESS)
            rest = cls("", description).problems(environment, catalogue)
            raise Problems([unread, *(p for p in rest if p.field != ADDRESS)]) from error
        if found := change.problems(environment, catalogue):
            raise Problems(found)
        return change

    @classmethod
    def answers_from_words(cls, text: str, typed_at: datetime) -> Mapping[str, str]:
        return whitelist_answers(text, typed_at)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, JSON]) -> Self:
        return cls(str(mapping[ADDRESS]), str(mapping.get(DESCRIPTION, "")))

    def to_mapping(self) -> dict[str, JSON]:
        described: dict[str, JSON] = {DESCRIPTION: self.description} if self.description else {}
        return {ADDRESS: self.address, **described}

    def problems(self, environment: str, catalogue: Catalogue) -> Sequence[Problem]:
        found = [Problem(text, field=DESCRIPTION) for text in _description_problems(self.description)]
        try:
            allow_list = AllowList.find(catalogue, environment)
        except LookupError as error:
            return [*found, Problem(str(error), field=ENVIRONMENT)]
        if text := _address_problem(self.address, allow_list):
            found.append(Problem(text, field=ADDRESS))
        return found

    def lock(self, environment: str, catalogue: Catalogue) -> str:
        AllowList.find(catalogue, environment)  # says what exists where there is none
        return lock_of(environment, self.access(environment, catalogue))

    def access(self, environment: str, catalogue: Catalogue) -> Access:
        return access_of(environment, catalogue)

    def owners(self, catalogue: Catalogue) -> frozenset[str]:
        item = catalogue.lists.get(ALLOW_LISTS, {}).get(MAIN)
        return item.owners if item else frozenset()

    def title(self, catalogue: Catalogue) -> str:  # noqa: ARG002  # the address says it all
        return self.address + (f" ({self.description})" if self.description else "")

    def details(self, catalogue: Catalogue) -> Sequence[tuple[str, str]]:  # noqa: ARG002
        described = (("Description", self.description),) if self.description else ()
        return (("Address", self.address), *described)

    def effect(self, environment: str, catalogue: Catalogue) -> str:
        where = catalogue.environments[environment].title
        who = f"Calls from {self.address} ({_count(parse_network(self.address))})"
        return f"{who} reach {where} {AllowList.find(catalogue, environment).where}."

    def undo(self) -> str:
        return "When it ends, the address is no longer let in, unless another request still holds it."


def access_of(environment: str, catalogue: Catalogue) -> Access:
    """Tell which roles work on the allow list of an environment."""
    place = catalogue.environments[environment]
    return Access(place.account, place.region, place.role, place.reader)


def lock_of(environment: str, access: Access) -> str:
    """Name an environment's allow list as a target."""
    return f"allow-list/{access.account}/{access.region}/{environment}"


_NO_ADDRESS = "an address is needed; write one such as 198.51.100.10 or 2001:db8::10"


def _address_problem(address: str, allow_list: AllowList) -> str | None:
    if problem := form_problem(address):
        return problem
    network = parse_network(address)
    if problem := width_problem(network, allow_list.widest):
        return problem
    if not is_public(network):
        return (
            f"{network} is not an address of the internet, so that calls never come from it; name the public "
            "address that they come from, which your network's gateway or VPN knows"
        )
    if not allow_list.takes(network):
        other = 4 if network.version == 6 else 6
        return f"{allow_list.title} takes only IPv{other} addresses here; name the one that calls come from"
    return None


def _description_problems(description: str) -> list[str]:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in description):
        return ["the description has a character that cannot be shown; type it anew"]
    if len(description) > DESCRIPTION_LONGEST:
        return [f"the description has {len(description)} characters; say it in {DESCRIPTION_LONGEST}"]
    return []


def _count(network: Network) -> str:
    return "one address" if network.num_addresses == 1 else f"{network.num_addresses} addresses"
