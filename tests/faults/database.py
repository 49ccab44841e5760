"""The coordinator's database as one more place that calls go to: each commit has a name, and may be lost.

A commit that is lost before it was done leaves nothing; after it was done, everything, and nobody heard.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from coordinator.journal import Journal, open_store
from tests.faults.wire import Died, Wire

WORKERS = {"finish", "put_off", "retry"}  # what is recorded of an effect
PEOPLE = {"submit", "decide", "move"}


@contextmanager
def tapped_store(wire: Wire) -> Iterator[None]:
    """Open journals whose commits pass the wire; they do not wait for the disk, since no test pulls the plug."""

    def opened(url: str) -> sa.Engine:
        engine = open_store(url)
        sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        commit = engine.dialect.do_commit
        writes = [False]

        def noted(connection: sa.Connection) -> None:
            writes[0] = not connection.get_execution_options().get("read_only")

        sa.event.listen(engine, "commit", noted)

        def tapped(raw: Any) -> None:
            if wire.recording and writes[0]:
                wire.around("journal", wire.recording, lambda: commit(raw) or True, lost)
            else:
                commit(raw)

        engine.dialect.do_commit = tapped  # type: ignore[method-assign]
        return engine

    with patch("coordinator.essentials.open_store", opened), patch("coordinator.journal.store._migrate_patiently"):
        yield


def lost() -> bool:
    raise sqlite3.OperationalError("the connection was closed")


def name_commits(journal: Journal, wire: Wire, died: Callable[[Died], None]) -> None:
    """Name what the journal commits: by the effect, or as a person's. One who kills it has to hear of it."""

    def worker(name: str) -> Callable[..., object]:
        do = getattr(journal, name)

        def named(work: Any, *rest: Any, **options: Any) -> object:
            with wire.during(work.name), wire.committing(name):
                return do(work, *rest, **options)

        return named

    def person(name: str) -> Callable[..., object]:
        do = getattr(journal, name)

        def named(*arguments: Any) -> object:
            try:
                with wire.during("person"), wire.committing(name):
                    return do(*arguments)
            except Died as death:
                died(death)
                raise

        return named

    def claims(do: Callable[..., object]) -> Callable[..., object]:
        def named(lane: Any, *rest: Any) -> object:
            with wire.during("claim"), wire.committing(str(lane)):
                return do(lane, *rest)

        return named

    for name in WORKERS:
        setattr(journal, name, worker(name))
    for name in PEOPLE:
        setattr(journal, name, person(name))
    journal.claim = claims(journal.claim)  # type: ignore[method-assign,assignment]
