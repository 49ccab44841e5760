"""Databases for the journal, policies as the repository has them, and the platforms' stand-ins on loopback."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
import structlog

from coordinator.journal import Journal, open_store
from sallyport.attestations import Signer, new_key_pair, read_signer
from sallyport.policies import Policies, load_policies, read_folder
from sandbox.serving import Server
from tests.coordinator.asks import ROOT
from tests.coordinator.postgres import in_memory, open_postgres

if TYPE_CHECKING:
    from coordinator.requests import Request
    from tests.coordinator.desk import Desk
    from tests.coordinator.office import Office
    from tests.coordinator.tower import Tower


FLOWS = ("api-whitelisting", "prod-access")  # what tests of the coordinator speak of: it knows no flow by itself


@pytest.fixture(autouse=True, scope="session")
def _plain_logs() -> None:
    """Hand what is logged to pytest; drawing tracebacks takes longer than most tests."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer(["event"])],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


@dataclass
class Store:
    """One fresh database; every `open` is another replica's connection to it."""

    url: str
    engines: list[sa.Engine] = field(default_factory=list)

    def open(self) -> sa.Engine:
        engine = open_store(self.url)
        self.engines.append(engine)
        if engine.dialect.name == "sqlite":  # no test pulls the plug, so the disk need not be waited for
            sa.event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
            engine.dispose()
        return engine

    def journal(self) -> Journal:
        return Journal(self.open())

    def close(self) -> None:
        for engine in self.engines:
            engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[..., str]]:
    """A real PostgreSQL; each call makes a fresh database, or a copy of another one, and returns its URL."""
    with open_postgres() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to copy: to migrate one for every test would take longer than most of them."""
    path = tmp_path_factory.mktemp("migrated") / "journal.db"
    engine = open_store(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.commit()
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Callable[..., str]) -> str:
    """The same for PostgreSQL: the database's URL."""
    url = postgres()
    open_store(url).dispose()
    return url


@pytest.fixture
def empty_sqlite_url() -> Iterator[str]:
    """Where a fresh SQLite file may be."""
    with tempfile.TemporaryDirectory(prefix="sqlite-", dir=in_memory()) as folder:
        yield f"sqlite:///{folder}/journal.db"


@pytest.fixture
def sqlite_url(empty_sqlite_url: str, migrated_sqlite: Path) -> str:
    """Where a fresh SQLite file is that was migrated."""
    shutil.copy(migrated_sqlite, empty_sqlite_url.removeprefix("sqlite:///"))
    return empty_sqlite_url


@pytest.fixture
def postgres_url(postgres: Callable[..., str], migrated_postgres: str) -> str:
    """Where a fresh database of PostgreSQL is that was migrated."""
    return postgres(migrated_postgres)


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Store]:
    """A fresh SQLite file."""
    store = Store(sqlite_url)
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A fresh database of each kind that the journal runs on."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite")
        return
    store = Store(request.getfixturevalue("postgres_url"))
    yield store
    store.close()


@pytest.fixture
def journal(store: Store) -> Journal:
    return store.journal()


@dataclass(frozen=True)
class Installed:
    """The repository's own policies of two flows, with a key published as an operator would."""

    files: dict[str, bytes]
    policies: Policies
    signer: Signer
    private_key: str


@pytest.fixture(scope="session")
def installed() -> Installed:
    private, public = new_key_pair()
    all_files = read_folder(ROOT / "policies")
    others = {path for path in all_files if path.startswith("flows/")} - {f"flows/{flow}.yaml" for flow in FLOWS}
    files = {**{path: all_files[path] for path in all_files.keys() - others}, "keys/test.pem": public.encode()}
    policies = load_policies(files, "test")
    return Installed(files, policies, read_signer(private, policies.keys), private)


@pytest.fixture(scope="session")
def policies(installed: Installed) -> Policies:
    return installed.policies


@dataclass
class Place:
    """An address on loopback that serves, for one test after the other, whatever app it is told."""

    url: str = ""
    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Places:
    """Where the stand-ins and the coordinator are reached; starting servers takes longer than most tests."""

    slack: Place
    jira: Place
    coordinator: Place


@contextmanager
def open_places() -> Iterator[Places]:
    """Serve until the block ends."""
    with ExitStack() as stack:
        places = Places(Place(), Place(), Place())
        for place in (places.slack, places.jira, places.coordinator):
            place.url = stack.enter_context(Server(place)).url
        yield places


@pytest.fixture(scope="session")
def places() -> Iterator[Places]:
    with open_places() as places:
        yield places


@pytest.fixture
def desk(sqlite: Store, installed: Installed, places: Places) -> Iterator[Desk]:
    """The coordinator's hands at the stand-ins, without threads."""
    from tests.coordinator.desk import open_desk

    with open_desk(sqlite.journal(), installed, places) as desk:
        yield desk


@pytest.fixture
def tower(desk: Desk, installed: Installed) -> Tower:
    """A lookout and its alerts, beside the desk."""
    from tests.coordinator.tower import Tower

    return Tower(desk, installed)


@pytest.fixture
def active(desk: Desk) -> Request:
    """A request that is live."""
    from tests.coordinator.tower import live

    return live(desk)


@pytest.fixture(params=["http", "socket"])
def office(
    request: pytest.FixtureRequest, sqlite_url: str, installed: Installed, places: Places
) -> Iterator[Office]:
    """The running service, over each of Slack's transports."""
    from tests.coordinator.office import open_office

    with open_office(sqlite_url, installed, places, http=request.param == "http") as office:
        yield office


over_http = pytest.mark.parametrize("office", ["http"], indirect=True)
