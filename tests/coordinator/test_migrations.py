"""Migrations: they lead to the tables that the code speaks of, from nothing, twice, and by two at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from coordinator.journal import open_store
from coordinator.journal.tables import metadata
from tests.coordinator.asks import ask
from tests.coordinator.conftest import Store
from tests.coordinator.test_journal import at_once


def differences(engine: sa.Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def test_the_migrated_schema_is_the_one_in_the_code(store: Store) -> None:
    assert differences(store.open()) == []


def test_opening_again_changes_nothing_and_keeps_what_is_there(store: Store) -> None:
    made = store.journal().submit(ask())
    again = store.journal()
    assert again.request(made.id) == made
    assert differences(store.engines[-1]) == []


def test_two_replicas_may_start_on_an_empty_database_at_once(store: Store) -> None:
    opened = at_once(*[store.open] * 4)
    assert [one for one in opened if isinstance(one, Exception)] == []
    assert differences(store.engines[0]) == []


def test_sqlite_keeps_what_was_committed_even_when_the_machine_dies(sqlite: Store) -> None:
    engine = open_store(sqlite.url)
    with engine.connect() as connection:
        pragmas = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in _PRAGMAS}
    engine.dispose()
    assert pragmas == _PRAGMAS


_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
