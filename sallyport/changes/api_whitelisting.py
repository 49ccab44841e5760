"""The change of an API whitelisting: one method and path of a REST API stage opened to one source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Never, Self, cast

from sallyport.catalogue import Catalogue
from sallyport.changes.ip_sets import IpSets, neighbours, read_ip_sets, set_problems
from sallyport.changes.protocol import Access
from sallyport.changes.sources import Source, SourceKind, form_problem, is_public, parse_source, width_problem
from sallyport.documents import JSON
from sallyport.flows import ENVIRONMENT
from sallyport.problems import Problem, Problems, nearest, quoted

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY")
PATH = re.compile(r"/[A-Za-z0-9/._~*{}$+@:,=-]{0,511}")
_PARAMETER = re.compile(r"(?<=/)\{[A-Za-z0-9._-]+\+?\}(?=/|$)")  # {id}, or {proxy+}: a whole segment
APIS = "apis"
ANY, EVERYTHING = "ANY", "/*"  # the method and the path that an IP set lets in


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

    Where *ip_sets* are named, they keep the stage and the API's resource policy does not. The three permissions
    answer cases in which an ordinary change would surprise somebody; see docs/reference/api-whitelisting.md. All
    are off unless the catalogue says otherwise.
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
    ip_sets: IpSets = field(default_factory=dict)

    @classmethod
    def find(cls, catalogue: Catalogue, api: str, environment: str) -> Api:
        """Look *api* up; LookupError says what exists instead."""
        item, facts = catalogue.item(APIS, api, environment)
        found = cls(
            id=item.id,
            title=item.title,
            rest_api=str(facts["rest_api"]),
            stage=str(facts["stage"]),
            endpoint=Endpoint(str(facts.get("endpoint", "regional"))),
            may_close=facts.get("may_close") is True,
            may_edit_deny_list=facts.get("may_edit_deny_list") is True,
            may_publish_others=facts.get("may_publish_others") is True,
            may_be_anywhere=facts.get("may_be_anywhere") is True,
            ip_sets=_sets(facts, environment, catalogue),
        )
        if found.ip_sets and found.endpoint is not Endpoint.REGIONAL:
            raise ValueError(f"ip_sets can keep a regional API only, and it is {found.endpoint}")
        if found.ip_sets and found.may_be_anywhere:
            raise ValueError("ip_sets and may_be_anywhere contradict each other")
        return found

    @classmethod
    def check(cls, catalogue: Catalogue, api: str, environment: str) -> Api:
        """Look *api* up as policies do when they are read: also beside all others. ValueError as `find`."""
        found = cls.find(catalogue, api, environment)
        if found.ip_sets:
            items = catalogue.lists[APIS]
            places = [(item.id, place, facts) for item in items.values() for place, facts in item.places.items()]
            others = (facts for item, place, facts in places if (item, place) != (api, environment))
            if faults := list(neighbours(items[api].places[environment], others)):
                raise ValueError(faults[0])
        return found

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
        return found + _width_problems(self, api) if api.ip_sets else found

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
        api = Api.find(catalogue, self.api, environment)
        what = "any method" if self.method == ANY else self.method
        where = catalogue.environments[environment].title
        sentence = f"Calls from {self.source} may use {what} on {self.path} of {api.title} in {where}."
        return f"{sentence} {_ALL_OF_IT}" if self.is_kept_by_sets(api) else sentence

    def is_kept_by_sets(self, api: Api) -> bool:
        """Tell whether it stands in the IP sets of *api*: what asks for less than they let in never does."""
        if not api.ip_sets or (self.method, self.path) != (ANY, EVERYTHING):
            return False
        return not set_problems(api.title, api.ip_sets, self.source)

    def undo(self) -> str:
        plain = "When it ends, the statement leaves the API's resource policy, and the stage is deployed again"
        if (self.method, self.path) != (ANY, EVERYTHING):
            return f"{plain}."
        return f"{plain}; where a WAF IP set keeps the API, the addresses leave that."


_ALL_OF_IT = (
    "That is everything on the stage: a WAF IP set keeps it, which tells neither methods nor paths apart. AWS "
    "does not end it by itself either: at the deadline a job takes the addresses out."
)


def _width_problems(change: ApiWhitelisting, api: Api) -> list[Problem]:
    """Say what asks for less than an IP set would let in, or has no place in one."""
    kept = f"{api.title} is kept by a WAF IP set, which lets an address use"
    found = []
    if change.method != ANY:
        found.append(Problem(f"{kept} every method", f"choose {ANY} if it may", field="method"))
    if change.path != EVERYTHING:
        found.append(Problem(f"{kept} every path", f"write {EVERYTHING} if it may", field="path"))
    return found + [Problem(text, field="source") for text in set_problems(api.title, api.ip_sets, change.source)]


def _sets(facts: Mapping[str, JSON], environment: str, catalogue: Catalogue) -> IpSets:
    known = "ip_sets" in facts and environment in catalogue.environments
    return read_ip_sets(facts["ip_sets"], access_in(environment, catalogue)) if known else {}


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
