"""How an environment is at this moment, for people and for programs. It only shows what was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from actions.executors.environments.state import KIND_NAMES, Database, EnvironmentState, Kind, Service
from actions.markdown import inert, table
from sallyport.catalogue import Environment
from sallyport.changes.infra_words import ADDRESS
from sallyport.documents import JSON
from sallyport.entries import Entry
from sallyport.people import People
from sallyport.schedules import said_of
from sallyport.times import format_moment

_DATABASES = (KIND_NAMES[Kind.INSTANCE], KIND_NAMES[Kind.CLUSTER])


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """What AWS has of an environment at the moment `at` (UTC), and the live entries that keep it stopped."""

    environment: Environment
    state: EnvironmentState
    stops: tuple[Entry, ...]
    at: datetime
    addresses: tuple[Entry, ...] = ()  # the live entries that let one in
    teardowns: tuple[Entry, ...] = ()  # the live entries that keep it torn down
    people: People = field(default_factory=People)

    @property
    def is_gone(self) -> bool:
        """Whether it is torn down, and nothing of it is there."""
        return bool(self.teardowns) and not (self.state.services or self.state.databases)

    def why_missing(self, name: str) -> str:
        """Say why one of `state.missing` is, as the end of a sentence; a teardown keeps the clusters of ECS."""
        if self.teardowns and name.startswith(_DATABASES):
            return "is deleted, and comes back when the teardown ends"
        return "is in the catalogue, but not in AWS"

    def to_mapping(self) -> dict[str, JSON]:
        """Return it as JSON for whoever posts it; moments are UTC."""
        return {
            "environment": self.environment.id,
            "title": self.environment.title,
            "at": format_moment(self.at),
            "services": [_service(found) for found in self.state.services.values()],
            "databases": [_database(found) for found in self.state.databases.values()],
            "missing": list(self.state.missing),
            "stops": [_stop(entry) for entry in self.stops],
            "teardowns": [_stop(entry) for entry in self.teardowns],
            "addresses": [{**_stop(entry), "address": address_of(entry)} for entry in self.addresses],
        }

    def to_markdown(self) -> str:
        """Return it as a page for a job's summary or a terminal."""
        title = f"### {inert(self.environment.title)} ({inert(self.environment.id)})"
        parts = [title, *(f"> {inert(line)}" for line in self._held())]
        services = [_service_row(found) for found in self.state.services.values()]
        databases = [_database_row(found) for found in self.state.databases.values()]
        parts += _section("ECS services", ("Service", "State", "Running", "Desired"), services)
        parts += _section("Databases", ("Database", "State", "AWS starts it by itself"), databases)
        parts += [f"- {inert(name)} {self.why_missing(name)}." for name in self.state.missing]
        parts += _section(
            "Addresses let in", ("Address", "For", "Until"), [_let_in(one) for one in self.addresses]
        )
        return "\n\n".join([*parts, f"As read from AWS at {_moment(self.at)}."]) + "\n"

    def _held(self) -> Iterator[str]:
        held = [*(("Torn down", entry) for entry in self.teardowns), *(("Stopped", entry) for entry in self.stops)]
        for done, entry in held:
            until = f"until {_moment(entry.expires_at)}" if entry.expires_at else "without a deadline"
            yield f"{done} for {said_of(entry.requested_by)} ({entry.id}) {until}."


def state_of(found: Service) -> str:
    """Name a service's state in a word that a screen reader can say."""
    if found.is_daemon:
        return "daemon"
    if found.is_down:
        return "stopped"
    return "running" if found.running == found.desired else "changing"


def _section(title: str, head: Sequence[str], rows: list[tuple[str, ...]]) -> list[str]:
    return [f"#### {title}", table(head, rows)] if rows else []


def _service_row(found: Service) -> tuple[str, ...]:
    return inert(f"{found.cluster}/{found.name}"), state_of(found), str(found.running), str(found.desired)


def _database_row(found: Database) -> tuple[str, ...]:
    restart = _moment(found.restarts_at) if found.restarts_at else "–"
    return inert(f"{found.name} ({KIND_NAMES[found.kind]})"), inert(found.status), restart


def _service(found: Service) -> JSON:
    return {
        "cluster": found.cluster,
        "name": found.name,
        "state": state_of(found),
        "running": found.running,
        "desired": found.desired,
    }


def _database(found: Database) -> JSON:
    return {
        "kind": found.kind.value,
        "name": found.name,
        "state": found.status,
        "restarts_at": format_moment(found.restarts_at) if found.restarts_at else None,
        "never_stopped_because": found.obstacle or None,
    }


def address_of(entry: Entry) -> str:
    """Name what an entry lets in."""
    return ", ".join(str(change.to_mapping()[ADDRESS]) for change in entry.changes)


def _let_in(entry: Entry) -> tuple[str, ...]:
    until = _moment(entry.expires_at) if entry.expires_at else "–"
    return inert(address_of(entry)), inert(entry.requested_by), until


def _stop(entry: Entry) -> dict[str, JSON]:
    expires_at = format_moment(entry.expires_at) if entry.expires_at else None
    return {"id": entry.id, "requested_by": entry.requested_by, "expires_at": expires_at}


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
