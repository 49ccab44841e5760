"""What AWS has of an environment, read as a whole: what the catalogue names, and what records remember."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from actions.executors.teardown import wording
from actions.executors.teardown.balancers import Balancers
from actions.executors.teardown.clusters import Clusters
from actions.executors.teardown.desk import Desk
from actions.executors.teardown.gateways import Gateways
from actions.executors.teardown.groups import TargetGroups, referred
from actions.executors.teardown.instances import Instances
from actions.executors.teardown.memory import Memories, Memory
from actions.executors.teardown.parts import Parts
from actions.executors.teardown.services import Services
from actions.executors.teardown.state import DATABASES, EstateState, Kind, Part, kind_of
from sallyport.changes.infra_teardown import Estate


@dataclass(frozen=True, slots=True)
class Everything:
    """All kinds of parts of one target, over one desk."""

    desk: Desk

    @property
    def parts(self) -> dict[Kind, Parts]:
        return {
            Kind.SERVICE: Services(self.desk),
            Kind.BALANCER: Balancers(self.desk),
            Kind.GROUP: TargetGroups(self.desk),
            Kind.GATEWAY: Gateways(self.desk),
            Kind.CLUSTER: Clusters(self.desk),
            Kind.INSTANCE: Instances(self.desk),
        }

    def read(self, estate: Estate, recorded: Iterable[Memories], given_up: Mapping[str, str]) -> EstateState:
        """Read every part. TargetFault if one cannot be read."""
        records = {key: memory for memories in recorded for key, memory in memories.items()}
        named = list(self._named(estate))
        keys = list(dict.fromkeys([*named, *records]))
        found = {key: self._find(key, records.get(key)) for key in _in_order(keys)}
        parts = _without_tasks({key: part for key, part in found.items() if part})
        absent = [key for key in named if key not in parts and key not in records]
        clusters = [name for name in estate.infrastructure.ecs_clusters if Services(self.desk).names(name) is None]
        missing = (*map(wording.missing_cluster, clusters), *map(wording.missing, absent))
        return EstateState(parts, missing, self._snapshots(records, parts), dict(given_up))

    def _named(self, estate: Estate) -> Iterator[str]:
        """Yield the keys of what the catalogue gives to the environment."""
        for cluster in estate.infrastructure.ecs_clusters:
            yield from (f"{Kind.SERVICE}/{name}" for name in Services(self.desk).names(cluster) or ())
        for balancer in estate.load_balancers:
            yield f"{Kind.BALANCER}/{balancer}"
            if arn := Balancers(self.desk).arn(balancer):
                yield from (f"{Kind.GROUP}/{name}" for name in TargetGroups(self.desk).used_by(arn))
        yield from (f"{Kind.GATEWAY}/{name}" for name in estate.nat_gateways)
        yield from (f"{Kind.CLUSTER}/{name}" for name in estate.infrastructure.aurora_clusters)
        yield from (f"{Kind.INSTANCE}/{name}" for name in estate.infrastructure.rds_instances)

    def _find(self, key: str, memory: Memory | None) -> Part | None:
        name = key.partition("/")[2]
        return self.parts[kind_of(key)].find(name, memory.definition if memory else None)

    def _snapshots(self, records: Mapping[str, Memory], parts: Mapping[str, Part]) -> dict[str, str]:
        """Return the status of the final snapshots of databases that are gone."""
        instances, clusters = Instances(self.desk).snapshots, Clusters(self.desk).snapshots
        return {
            memory.snapshot: (clusters if kind_of(key) is Kind.CLUSTER else instances).status(memory.snapshot)
            for key, memory in records.items()
            if kind_of(key) in DATABASES and key not in parts
        }


def _in_order(keys: Iterable[str]) -> list[str]:
    order = list(Kind)
    return sorted(keys, key=lambda key: (order.index(kind_of(key)), key))


def _without_tasks(parts: Mapping[str, Part]) -> dict[str, Part]:
    """Leave out the targets of the groups in which ECS registers its tasks by itself."""
    services = [part.definition["service"] for part in parts.values() if part.kind is Kind.SERVICE]
    of_ecs = {f"{Kind.GROUP}/{name}" for service in services for name in referred(dict(service))}
    return {
        key: replace(part, definition={**part.definition, "targets": {}}) if key in of_ecs else part
        for key, part in parts.items()
    }
