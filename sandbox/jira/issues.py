"""Issues as frozen values: what a test or a page may look at, and what a write replaces as a whole.

A reader never sees half a write, because no issue is ever changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

FieldValue = str | datetime


def frozen(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """A read-only copy."""
    return MappingProxyType(dict(mapping))


@dataclass(frozen=True, slots=True)
class Comment:
    id: str
    author: str
    body: str
    created: datetime
    properties: Mapping[str, Any] = field(default_factory=lambda: frozen({}))


@dataclass(frozen=True, slots=True)
class ChangeItem:
    """One field's change; values as people read them, "" for empty."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the history: who changed what, and when."""

    id: str
    author: str
    created: datetime
    items: tuple[ChangeItem, ...]


@dataclass(frozen=True, slots=True)
class RemoteLink:
    id: int
    url: str
    title: str
    global_id: str | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """One ticket. `fields` holds the custom fields by name: users and options as text, times in UTC."""

    id: int
    key: str
    type: str
    summary: str
    description: str
    labels: tuple[str, ...]
    status: str
    reporter: str
    created: datetime
    updated: datetime
    assignee: str | None = None
    resolution: str | None = None
    resolved: datetime | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=lambda: frozen({}))
    properties: Mapping[str, Any] = field(default_factory=lambda: frozen({}))
    comments: tuple[Comment, ...] = ()
    changelog: tuple[Change, ...] = ()
    links: tuple[RemoteLink, ...] = ()

    @property
    def number(self) -> int:
        return int(self.key.rpartition("-")[2])
