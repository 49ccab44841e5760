"""What the listeners' process and the worker's both need: the journal, the policies in force, and who is who.

Each process has its own; they share nothing but the database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from coordinator.alerts import Alerts
from coordinator.clients import Clients
from coordinator.config import Config
from coordinator.directory import Directory
from coordinator.head import Head
from coordinator.journal import Journal, open_store
from coordinator.policy_source import PolicySource
from sallyport.times import utc_now

log = structlog.get_logger()

POLICIES_EVERY = timedelta(seconds=15)
DIRECTORY_EVERY = timedelta(minutes=5)
GROUPS_EVERY = timedelta(minutes=1)


class Essentials:
    """The journal, the policies, and what keeps them fresh until `stop`."""

    def __init__(
        self, config: Config, clients: Clients, alerts: Alerts, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.config = config
        self.clients = clients
        self.alerts = alerts
        self.now = now
        self.head = Head(clients.github)
        self.policies = PolicySource(clients.github, self.head, config.signing_key, alerts)
        self.directory = Directory(clients.slack, self.policies.current)
        self.journal = Journal(open_store(config.database_url))
        self._stopping = threading.Event()

    def start(self) -> None:
        """Read the policies and keep them fresh. Problems, or ValueError for the key, if they are not usable."""
        self.policies.refresh()
        self.every(POLICIES_EVERY, self.policies.keep_fresh)

    def stop(self) -> None:
        """End everything that is done `every` now and then."""
        self._stopping.set()

    def every(self, pause: timedelta, do: Callable[[], None], *, at_once: bool = False) -> None:
        """Do something again and again in the background; its faults end in the log."""

        def repeat() -> None:
            wait = 0.0 if at_once else pause.total_seconds()
            while not self._stopping.wait(wait):
                wait = pause.total_seconds()
                try:
                    do()
                except Exception as error:
                    log.warning("refresh.failed", error=str(error))

        threading.Thread(target=repeat, name="refresh", daemon=True).start()
