"""Opens the journal's database: SQLite in WAL mode by default, PostgreSQL where there is more than one replica."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from coordinator.journal.tables import metadata

log = structlog.get_logger()

MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 7_266_255_973  # an arbitrary number that replicas share while they migrate
_LOCK_WAIT = "500ms"  # for a table: shorter than what PostgreSQL takes to find a deadlock and to choose who loses
_ALIVE = {  # a server that vanished without a word is noticed within half a minute, and not in two hours
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",  # in milliseconds, where all others are in seconds
}
_GIVEN_WAY = {"55P03", "40P01"}  # lock_not_available, deadlock_detected
_ATTEMPTS = 60


def open_store(url: str) -> sa.Engine:
    """Connect to *url* (`sqlite:///path` or `postgresql+psycopg://…`) and bring its schema up to date."""
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    where = sa.make_url(url)
    if where.get_backend_name() == "postgresql":
        where = where.set(query=_ALIVE | dict(where.query))
    engine = sa.create_engine(where, pool_pre_ping=not url.startswith("sqlite"), pool_size=16, max_overflow=16)
    if engine.dialect.name == "sqlite":
        _make_sqlite_safe(engine)
    try:
        _migrate_patiently(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _make_sqlite_safe(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=2000")  # Slack waits for three seconds
        connection.execute("PRAGMA foreign_keys=ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        read_only = connection.get_execution_options().get("read_only")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


class NewerDatabase(ValueError):
    """A newer version has migrated the database to what this one cannot work with; the sentence says what."""


def _migrate_patiently(engine: sa.Engine) -> None:
    """Migrate while other replicas are at work: it is the migration that gives way, and is tried again."""
    for attempt in range(_ATTEMPTS):
        try:
            return _migrate(engine)
        except OperationalError as error:
            if not _gave_way(error) or attempt + 1 == _ATTEMPTS:
                raise
            log.info("database.busy", attempt=attempt)
            time.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - not a secret
    return None


def _gave_way(error: OperationalError) -> bool:
    """Say whether somebody else had what was wanted; SQLite's switch to WAL does not wait for its turn."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the low byte, without the finer reason
    return getattr(error.orig, "sqlstate", None) in _GIVEN_WAY


def _migrate(engine: sa.Engine) -> None:
    """Bring the schema up to date; one that a newer version has migrated is worked with, if it can be."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'"))
        config.attributes["connection"] = connection
        revision = MigrationContext.configure(connection).get_current_revision()
        newest, *older = _revisions(MIGRATIONS)
        if revision is None or revision in older:
            command.upgrade(config, "head")
        elif revision != newest:
            _get_along_with(connection, revision)


@cache
def _revisions(migrations: Path) -> tuple[str, ...]:
    """Return the revisions that this version knows, newest first."""
    scripts = ScriptDirectory(str(migrations))
    return tuple(script.revision for script in scripts.walk_revisions())


def _get_along_with(connection: sa.Connection, revision: str) -> None:
    """Go on with a newer schema that has everything we read, and wants nothing that we do not write."""
    faults = list(_missed(connection))
    if faults:
        raise NewerDatabase(
            f"The database was migrated to {revision} by a newer version of Sallyport, with which this one cannot "
            f"work: {'; '.join(faults)}. Run the newer version."
        )
    log.warning("database.newer", revision=revision)


def _missed(connection: sa.Connection) -> Iterator[str]:
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    for table in metadata.sorted_tables:
        if table.name not in there:
            yield f"{table.name} is gone"
            continue
        columns = {column["name"]: column for column in inspector.get_columns(table.name)}
        yield from (f"{table.name}.{name} is gone" for name in table.columns.keys() - columns.keys())
        for name in sorted(columns.keys() - table.columns.keys()):
            if not columns[name]["nullable"] and columns[name]["default"] is None:
                yield f"{table.name}.{name} must be written"
