"""REST APIs as they are kept: what is defined now, and the snapshots that stages serve.

A change to an API is invisible to callers until a deployment takes a snapshot and a stage serves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sandbox.aws.policies import Document, minified, parse_api_policy
from sandbox.aws.world import Api

PARTITION = "arn:aws:execute-api"


@dataclass(frozen=True, slots=True)
class Resource:
    """One path of an API; `methods` maps verbs to authorization types. Parents may have no methods."""

    id: str
    path: str
    parent_id: str | None
    methods: Mapping[str, str]

    @property
    def part(self) -> str:
        return self.path.rsplit("/", 1)[1]

    def serves(self, path: str) -> bool:
        """Whether a request for `path` comes here; `{id}` takes one part, `{proxy+}` the rest."""
        mine, theirs = self.path.strip("/").split("/"), path.strip("/").split("/")
        if mine[-1].endswith("+}"):
            return len(theirs) >= len(mine) and _parts_match(mine[:-1], theirs)
        return len(theirs) == len(mine) and _parts_match(mine, theirs)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A snapshot of the whole API."""

    id: str
    description: str | None
    created: datetime
    policy: Document | None
    resources: tuple[Resource, ...]


@dataclass(slots=True)
class Stage:
    name: str
    deployment_id: str
    created: datetime
    updated: datetime


@dataclass(slots=True)
class RestApi:
    """One API with its stages and its history of deployments; never without a root resource."""

    spec: Api
    region: str
    created: datetime
    policy: Document | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The ARN under which callers invoke this API."""
        return f"{PARTITION}:{self.region}:{self.spec.account}:{self.spec.id}"

    def define(self, path: str, verb: str, authorization: str) -> None:
        """Add or change a method, and the resources on the way to it."""
        parent: str | None = None
        for prefix in _prefixes(path):
            known = self.resources.get(prefix)
            if known is None:
                known = Resource(self._resource_id(), prefix, parent, MappingProxyType({}))
            if prefix == path:
                methods = MappingProxyType({**known.methods, verb: authorization})
                known = Resource(known.id, known.path, known.parent_id, methods)
            self.resources[prefix] = known
            parent = known.id

    def __post_init__(self) -> None:
        self.resources["/"] = Resource(self._resource_id(), "/", None, MappingProxyType({}))

    def has_methods(self) -> bool:
        return any(resource.methods for resource in self.resources.values())

    def deploy(self, deployment_id: str, stage: str | None, description: str | None, at: datetime) -> Deployment:
        """Snapshot everything; let `stage`, which is made when it is new, serve the snapshot."""
        made = Deployment(deployment_id, description, at, self.policy, tuple(self.resources.values()))
        self.deployments[made.id] = made
        if stage is not None:
            self.serve(stage, made.id, at)
        return made

    def serve(self, stage: str, deployment_id: str, at: datetime) -> None:
        known = self.stages.setdefault(stage, Stage(stage, deployment_id, at, at))
        known.deployment_id, known.updated = deployment_id, at

    def in_force(self, stage: str) -> Deployment:
        return self.deployments[self.stages[stage].deployment_id]

    def _resource_id(self) -> str:
        return f"{self.spec.id[:2]}r{len(self.resources):03}"


def new_api(spec: Api, region: str, at: datetime) -> RestApi:
    """The API of a world, with its policy normalised as if it had been saved, deployed nowhere yet."""
    api = RestApi(spec, region, at)
    for name, authorization in spec.methods.items():
        verb, path = name.split(" ", 1)
        api.define(path, verb, authorization)
    if spec.policy is not None:
        api.policy = parse_api_policy(minified(spec.policy), api.root)
    return api


def served_authorization(resources: Iterable[Resource], verb: str, path: str) -> str | None:
    """The authorization type of the method that answers, literal paths before parameters; None for 403."""
    found = sorted((r for r in resources if r.serves(path)), key=lambda r: (r.path.count("{"), -len(r.path)))
    if not found:
        return None
    return found[0].methods.get(verb, found[0].methods.get("ANY"))


def summary(resources: Iterable[Resource]) -> dict[str, Any]:
    """`apiSummary` of GetDeployment: paths, verbs, authorization types."""
    return {
        resource.path: {
            verb: {"authorizationType": authorization, "apiKeyRequired": False}
            for verb, authorization in resource.methods.items()
        }
        for resource in resources
        if resource.methods
    }


def _parts_match(mine: list[str], theirs: list[str]) -> bool:
    return all(want.startswith("{") or want == got for want, got in zip(mine, theirs, strict=False))


def _prefixes(path: str) -> list[str]:
    """`/v1/charges` as `/`, `/v1`, `/v1/charges`."""
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))]
