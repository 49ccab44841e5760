"""Migrations: they lead to the tables that the code speaks of, from nothing, twice, and by two at once."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from coordinator.journal import Done, Journal, Unheard, open_store
from coordinator.journal.store import MIGRATIONS, NewerDatabase
from coordinator.journal.tables import metadata
from coordinator.lifecycle import Lane
from sallyport.audit import breaks
from tests.coordinator.asks import HOUR, NOW, approve, ask
from tests.coordinator.conftest import Store
from tests.coordinator.test_journal import at_once


@pytest.fixture
def sqlite_url(empty_sqlite_url: str) -> str:
    """Nothing is migrated here before its test does it."""
    return empty_sqlite_url


@pytest.fixture
def postgres_url(postgres: Callable[..., str]) -> str:
    return postgres()


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


def test_a_replica_waits_for_one_that_holds_a_new_sqlite_file(sqlite: Store) -> None:
    """The switch to WAL is refused at once while anybody writes, however long the connection would wait."""
    with contextlib.closing(
        sqlite3.connect(sqlite.url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    ) as first:
        first.execute("CREATE TABLE held (one INTEGER)")
        first.execute("BEGIN IMMEDIATE")
        first.execute("INSERT INTO held VALUES (1)")
        release = threading.Timer(0.3, first.rollback)
        release.start()
        sqlite.open()
        assert not release.is_alive()
        first.execute("DROP TABLE held")
    assert differences(sqlite.engines[0]) == []


def test_a_postgresql_that_vanishes_without_a_word_is_noticed_unless_its_address_says_otherwise(
    postgres_url: str,
) -> None:
    joint = "&" if "?" in postgres_url else "?"
    engine = open_store(f"{postgres_url}{joint}keepalives_idle=99")
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        said = driver.info.get_parameters()
    engine.dispose()
    assert said["keepalives_idle"] == "99"
    assert said["tcp_user_timeout"] == "30000"
    assert said["connect_timeout"] == "10"


def test_sqlite_keeps_what_was_committed_even_when_the_machine_dies(sqlite: Store) -> None:
    engine = open_store(sqlite.url)
    with engine.connect() as connection:
        pragmas = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in _PRAGMAS}
    engine.dispose()
    assert pragmas == _PRAGMAS


_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def steps(engine: sa.Engine, step: Callable[..., None], revision: str) -> None:
    """Let Alembic go to *revision*, as `open_store` does."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        step(config, revision)


def revisions() -> list[str]:
    """All revisions, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def shape(engine: sa.Engine) -> dict[str, dict[str, tuple[str, bool]]]:
    """Each table's columns, with their types and whether something must be written there."""
    inspector = sa.inspect(engine)
    return {
        table: {
            column["name"]: (str(column["type"]), not column["nullable"] and column["default"] is None)
            for column in inspector.get_columns(table)
        }
        for table in inspector.get_table_names()
    }


def rows(engine: sa.Engine, shown: Mapping[str, Iterable[str]]) -> dict[str, set[tuple[str, ...]]]:
    """All rows of those tables and columns, as text."""
    with engine.connect() as connection:
        return {
            table: {
                tuple(map(str, row))
                for row in connection.execute(
                    sa.select(*map(sa.literal_column, columns)).select_from(sa.text(table))
                )
            }
            for table, columns in shown.items()
        }


def waits(journal: Journal) -> list[str]:
    """Requests that wait in every way: asked, decided, in somebody's hands, tried in vain."""
    ids = [journal.submit(ask(f"view:{number}")).id for number in range(8)]
    for request_id in ids[2:]:
        approve(journal, request_id)
    journal.claim(Lane.COMMIT, NOW, 2)
    for work in journal.claim(Lane.JIRA, NOW, 3):
        journal.retry(work, NOW + HOUR, "no connection", uncertain=True, unheard=Unheard(NOW, 1.0))
    return ids


@pytest.mark.parametrize(("before", "after"), list(itertools.pairwise(revisions())))
def test_a_migration_leaves_the_version_before_working(store: Store, before: str, after: str) -> None:
    """What it reads is still there, and it need not write what is new."""
    engine = sa.create_engine(store.url.replace("postgresql://", "postgresql+psycopg://"))
    steps(engine, command.upgrade, before)
    old = shape(engine)
    steps(engine, command.upgrade, after)
    new = shape(engine)
    engine.dispose()
    for table, columns in old.items():
        assert columns.items() <= new[table].items()
        assert not any(must for name, (_, must) in new[table].items() if name not in columns)


def test_what_waits_at_the_revision_before_goes_on_after_the_migration(store: Store) -> None:
    journal, engine = store.journal(), store.engines[0]
    ids = waits(journal)
    steps(engine, command.downgrade, revisions()[-2])
    old = shape(engine)
    shown = {table: sorted(columns) for table, columns in old.items() if table != "alembic_version"}
    before = rows(engine, shown)
    migrated = store.journal()
    assert rows(store.engines[-1], shown) == before
    assert differences(store.engines[-1]) == []
    later = NOW + HOUR
    lanes = (Lane.JIRA, Lane.COMMIT, Lane.SLACK, Lane.AUDIT)
    got = {(work.request_id, work.name) for lane in lanes for work in migrated.claim(lane, later, 100)}
    assert {(one, "ticket") for one in ids} | {(one, "commit") for one in ids[2:]} <= got
    assert all(breaks(migrated.facts(one)) == [] for one in ids)


def newer(monkeypatch: pytest.MonkeyPatch, folder: Path, *statements: str) -> None:
    """From now on stores are opened by a newer version, which has one migration more."""
    versions = folder / "migrations"
    shutil.copytree(MIGRATIONS, versions, ignore=shutil.ignore_patterns("__pycache__"))
    lines = [f"    op.execute({statement!r})" for statement in statements]
    head = ["from alembic import op", 'revision = "9999"', f"down_revision = {revisions()[-1]!r}"]
    script = "\n".join([*head, "def upgrade():", *lines, "def downgrade():", "    pass", ""])
    (versions / "versions" / "9999_newer.py").write_text(script)
    monkeypatch.setattr("coordinator.journal.store.MIGRATIONS", versions)


def test_a_version_that_runs_works_on_while_a_newer_one_migrates_and_after_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = [store.journal(), store.journal()]
    migrated, made, done = threading.Event(), Counter[str](), Counter[str]()

    def works(journal: Journal) -> None:
        number = 0
        while number < 10 or not migrated.is_set():
            made[journal.submit(ask(f"{id(journal)}:{number}")).id] += 1
            for work in journal.claim(Lane.SLACK, NOW, 5):
                journal.finish(work, Done({"channel": "C0INFRA", "ts": "1.1"}))
                done[work.marker] += 1
            number += 1

    def migrates() -> None:
        try:
            store.open()
        finally:
            migrated.set()

    newer(
        monkeypatch,
        tmp_path,
        "CREATE TABLE news (id INTEGER PRIMARY KEY)",
        "ALTER TABLE effects ADD COLUMN news TEXT",
        "ALTER TABLE requests ADD COLUMN news TEXT NOT NULL DEFAULT 'none'",
    )
    assert at_once(*[lambda j=j: works(j) for j in running], migrates) == [None, None, None]
    monkeypatch.undo()
    again = store.journal()  # the version before starts anew, as after a crash or when a deploy is taken back
    rest = [work.marker for work in again.claim(Lane.SLACK, NOW, 10_000)]
    assert set(again.ids()) == set(made)
    assert sorted([*done, *rest]) == sorted(f"{one}:{name}" for one in made for name in ("card:U0LEE", "thread"))
    assert set(done.values()) == {1}


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (("DROP TABLE drafts",), "drafts is gone"),
        (
            ("DROP TABLE drafts", "CREATE TABLE drafts (form VARCHAR(255) PRIMARY KEY, news TEXT NOT NULL)"),
            "drafts.news must be written",
        ),
    ],
)
def test_a_version_that_cannot_work_with_a_newer_database_says_so_and_does_not_start(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statements: tuple[str, ...], why: str
) -> None:
    newer(monkeypatch, tmp_path, *statements)
    store.open()
    monkeypatch.undo()
    with pytest.raises(NewerDatabase, match=f"migrated to 9999 by a newer version.*{why}.*Run the newer version"):
        store.open()
