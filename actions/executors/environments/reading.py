"""What AWS has of an environment, read as a whole: for a job that changes it, and for one that only tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from actions.executors.environments.calls import DatabaseCalls, ServiceCalls
from actions.executors.environments.state import KIND_NAMES, EnvironmentState, Kind, Service
from actions.executors.protocol import Target
from sallyport.catalogue import Catalogue
from sallyport.changes.infra_stop import INFRASTRUCTURE, MAIN, Infrastructure, access_of, lock_of


def managed_environments(catalogue: Catalogue) -> tuple[Target, ...]:
    """Return each environment whose services and databases the catalogue names."""
    item = catalogue.lists.get(INFRASTRUCTURE, {}).get(MAIN)
    accesses = {place: access_of(place, catalogue) for place in (item.places if item else ())}
    return tuple(Target(lock_of(place, access), place, access) for place, access in accesses.items())


def read_environment(
    infrastructure: Infrastructure, services: ServiceCalls, databases: DatabaseCalls, given_up: Mapping[str, str]
) -> EnvironmentState:
    """Read every service and database of an environment. TargetFault if one cannot be read."""
    clusters = {name: services.services(name) for name in infrastructure.ecs_clusters}
    known = {(kind, name): databases.database(kind, name) for kind, name in _databases(infrastructure)}
    missing = [f"ECS cluster {name}" for name, found in clusters.items() if found is None]
    missing += [f"{KIND_NAMES[kind]} {name}" for (kind, name), found in known.items() if found is None]
    return EnvironmentState(
        {service.key: service for found in clusters.values() for service in _by_name(found or ())},
        {database.key: database for database in known.values() if database},
        tuple(missing),
        dict(given_up),
    )


def _by_name(services: Iterable[Service]) -> list[Service]:
    return sorted(services, key=lambda service: service.name)


def _databases(infrastructure: Infrastructure) -> Iterator[tuple[Kind, str]]:
    yield from ((Kind.INSTANCE, name) for name in infrastructure.rds_instances)
    yield from ((Kind.CLUSTER, name) for name in infrastructure.aurora_clusters)
