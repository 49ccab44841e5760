"""The change of an API whitelisting: one method and path of a REST API stage opened to one source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Never, Self, cast

from sallyport.catalogue import Catalogue
from sallyport.changes.protocol import Access
from sallyport.changes.sources import Source, SourceKind, form_problem, is_public, parse_source, width_problem
from sallyport.documents import JSON
from sallyport.flows import ENVIRONMENT
from sallyport.problems import Problem, Problems, nearest, quoted

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY")
PATH = re.compile(r"/[A-Za-z0-9/._~*{}$+@:,=-]{0,511}")
_PARAMETER = re.compile(r"(?<=/)\{[A-Za-z0-9._-]+\+?\}(?=/|$)")  # {id}, or {proxy+}: a whole segment
APIS = "apis"


class Endpoint(StrEnum):
    """Endpoint types of a REST API, in API Gateway's words."""

    REGIONAL = "regional"
    EDGE = "edge"
    PRIVATE = "private"

    @classmethod
    def _missing_(cls, value: object) -> Never:
        raise ValueError(f"{quoted(str(value))} is no endpoint type; {nearest(str(value), cls)}")


@dataclass(frozen=True, slots=True)
class Api:
    """A REST API in one environment, and what its owners let the executor do with it.

    The three permissions answer cases in which an ordinary change would surprise somebody; see
    docs/reference/api-whitelisting.md. All are off unless the catalogue says otherwise.
    """

    id: str
    title: str
    rest_api: str
    stage: str
    endpoint: Endpoint
    may_close: bool  # may put the first policy on an API that is open to everybody today
    may_edit_deny_list: bool  # may add our addresses to somebody's "Deny NotIpAddress" statement
    may_publish_others: bool  # may deploy although somebody has undeployed changes
    may_be_anywhere: bool  # the source may be left out

    @classmethod
    def find(cls, catalogue: Catalogue, api: str, environment: str) -> Api:
        """Look *api* up; LookupError says what exists instead."""
        item, facts = catalogue.item(APIS, api, environment)
        return cls(
            id=item.id,
            title=item.title,
            rest_api=str(facts["rest_api"]),
            stage=str(facts["stage"]),
            endpoint=Endpoint(str(facts.get("endpoint", "regional"))),
            may_close=facts.get("may_close") is True,
            may_edit_deny_list=facts.get("may_edit_deny_list") is True,
            may_publish_others=facts.get("may_publish_others") is True,
            may_be_anywhere=facts.get("may_be_anywhere") is True,
        )

    def lock(self, environment: str, catalogue: Catalogue) -> str:
        """Name the API as a target."""
        access = access_in(environment, catalogue)
        return f"apigateway/{access.account}/{access.region}/{self.rest_api}"


def access_in(environment: str, catalogue: Catalogue) -> Access:
    """Tell which roles work on the APIs of *environment*."""
    place = catalogue.environments[environment]
    return Access(place.account, place.region, place.role, place.reader)


@dataclass(frozen=True, slots=True)
class ApiWhitelisting:
    """Calls of *method* on *path* of the API's *stage* are let in from *source*."""

    api: str
    stage: str
    method: str
    path: str
    source: Source

    @classmethod
    def from_answers(cls, answers: Mapping[str, str], catalogue: Catalogue) -> Self:
        problems: list[Problem] = []
        environment = answers.get(ENVIRONMENT, "")
        stage, source = "", Source(SourceKind.ANYWHERE)
        try:
            stage = Api.find(catalogue, answers.get("api", ""), environment).stage
        except LookupError as error:
            problems.append(Problem(str(error), field="api"))
        try:
            source = parse_source(answers.get("source", ""))
        except ValueError as error:
            problems.append(Problem(str(error), field="source"))
        path = answers.get("path", "").strip()
        change = cls(answers.get("api", ""), stage, answers.get("method", ""), path, source)
        problems += [
            p for p in change.problems(environment, catalogue) if p.field not in {q.field for q in problems}
        ]
        if problems:
            raise Problems(problems)
        return change

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, JSON]) -> Self:
        return cls(
            api=str(mapping["api"]),
            stage=str(mapping["stage"]),
            method=str(mapping["method"]),
            path=str(mapping["path"]),
            source=Source.from_mapping(cast(dict[str, JSON], mapping["source"])),
        )

    def to_mapping(self) -> dict[str, JSON]:
        return {
            "api": self.api,
            "stage": self.stage,
            "method": self.method,
            "path": self.path,
            "source": self.source.to_mapping(),
        }

    def problems(self, environment: str, catalogue: Catalogue) -> Sequence[Problem]:
        found: list[Problem] = []
        if self.method not in METHODS:
            found.append(
                Problem(
                    f"{quoted(self.method)} is not an HTTP method", nearest(self.method, METHODS), field="method"
                )
            )
        if mend := _path_advice(self.path):
            found.append(Problem(f"{quoted(self.path)} is not a path of an API", mend, field="path"))
        try:
            api = Api.find(catalogue, self.api, environment)
        except LookupError as error:
            return [*found, Problem(str(error), field="api")]
        if self.stage != api.stage:
            found.append(
                Problem(f"{api.title} has no stage “{self.stage}” here", f"it is {api.stage}", field="api")
            )
        found += [Problem(text, field="source") for text in _source_problems(self.source, api)]
        return found

    def lock(self, environment: str, catalogue: Catalogue) -> str:
        return Api.find(catalogue, self.api, environment).lock(environment, catalogue)

    def access(self, environment: str, catalogue: Catalogue) -> Access:
        return access_in(environment, catalogue)

    def owners(self, catalogue: Catalogue) -> frozenset[str]:
        item = catalogue.lists.get(APIS, {}).get(self.api)
        return item.owners if item else frozenset()

    def title(self, catalogue: Catalogue) -> str:
        item = catalogue.lists.get(APIS, {}).get(self.api)
        return f"{self.method} {self.path} on {item.title if item else self.api}"

    def details(self, catalogue: Catalogue) -> Sequence[tuple[str, str]]:
        item = catalogue.lists.get(APIS, {}).get(self.api)
        return (
            ("API", f"{item.title if item else self.api}, stage {self.stage}"),
            ("Method and path", f"{self.method} {self.path}"),
            ("Source", str(self.source)),
        )

    def effect(self, environment: str, catalogue: Catalogue) -> str:
        title = Api.find(catalogue, self.api, environment).title
        what = "any method" if self.method == "ANY" else self.method
        where = catalogue.environments[environment].title
        return f"Calls from {self.source} may use {what} on {self.path} of {title} in {where}."

    def undo(self) -> str:
        return "When it ends, the statement leaves the API's resource policy, and the stage is deployed again."


def _path_advice(path: str) -> str:
    """Say how a path that no API can have is mended; empty if it is one."""
    if not PATH.fullmatch(path):
        return "begin with / and use letters, digits and - . _ ~ { } *; /v1/orders/* covers what lies below"
    if {".", ".."} & set(path.split("/")):
        return "write the path that arrives, without . and .. in it"
    if set("{}") & set(_PARAMETER.sub("", path)):
        return "write a path parameter as a whole segment, such as /orders/{id} or /files/{proxy+}"
    return ""


def _source_problems(source: Source, api: Api) -> list[str]:
    private = api.endpoint is Endpoint.PRIVATE
    match source.kind:
        case SourceKind.ANYWHERE if not api.may_be_anywhere:
            return [
                f"{api.title} needs a source; name the address ranges, VPC endpoint, account or role that calls"
            ]
        case SourceKind.VPC_ENDPOINT if not private:
            return [f"{api.title} is public: calls do not come through a VPC endpoint; name address ranges"]
        case SourceKind.CIDR:
            if malformed := [problem for text in source.values if (problem := form_problem(text))]:
                return malformed
            wide = [problem for network in source.networks if (problem := width_problem(network))]
            unseen = [
                f"{network} is not an address of the internet, and {api.title} is public; "
                "name the public addresses that its callers have there"
                for network in source.networks
                if not private and not wide and not is_public(network)
            ]
            return wide + unseen
        case _:
            return []
