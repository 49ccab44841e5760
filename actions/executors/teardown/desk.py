"""The way to AWS for all kinds of parts: reads that may find nothing, writes that leave evidence. Decides nothing.

Writes are sent once; only a throttled one, of which nothing was done, is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from actions.executors.aws import AwsFault, Clients, ask, insist, request_id
from actions.pacing import Backoff, Wait
from sallyport.changes.protocol import Access

_RETRY = Backoff(attempts=6, first=3.0)
_BUSY = frozenset({"ConcurrentUpdateException"})  # of scaling: somebody else is at the same target


@dataclass(slots=True)
class Desk:
    """Calls with the role of one target. `override`: delete what is protected too; `done`: the evidence."""

    clients: Clients
    access: Access
    wait: Wait
    override: bool = False
    done: list[str] = field(default_factory=list)

    def read(self, service: str, method: str, /, **parameters: Any) -> Any:
        """Return the answer, made of JSON values alone."""
        client = self.clients.reader(service, self.access)
        operation = client.meta.method_to_api_mapping[method]
        return _plain(ask(operation, lambda: getattr(client, method)(**parameters)))

    def find(self, service: str, method: str, member: str, missing: str, /, **parameters: Any) -> Any:
        """Return the one item of the answer's list *member*; None if AWS refuses with the code *missing*."""
        try:
            found = self.read(service, method, **parameters)[member]
        except AwsFault as fault:
            if fault.code == missing:
                return None
            raise
        return found[0] if found else None

    def all(self, service: str, method: str, member: str, /, **parameters: Any) -> list[Any]:
        """Return the items of every page."""
        client = self.clients.reader(service, self.access)
        operation = client.meta.method_to_api_mapping[method]
        if not client.can_paginate(method):
            found: list[Any] = self.read(service, method, **parameters)[member]
            return found
        pages = client.get_paginator(method).paginate(**parameters)
        return [_plain(item) for item in ask(operation, lambda: [i for page in pages for i in page[member]])]

    def write(self, service: str, method: str, what: str, /, **parameters: Any) -> Any:
        """Change something; *what* names it in the evidence."""
        client = self.clients.writer(service, self.access)
        operation = client.meta.method_to_api_mapping[method]
        answer = insist(operation, lambda: getattr(client, method)(**parameters), _RETRY, self.wait, _BUSY)
        self.done.append(f"{operation} {what}: AWS request {request_id(answer)}")
        return answer


def chosen(facts: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return the facts with these names, without those that say nothing."""
    return {name: facts[name] for name in names if facts.get(name) not in (None, "", [], {})}


def own_tags(tags: list[dict[str, str]], key: str = "Key") -> list[dict[str, str]]:
    """Return tags without AWS's own, which nobody may set."""
    return [tag for tag in tags if not tag[key].startswith("aws:")]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
