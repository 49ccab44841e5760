"""Puts the coordinator together and keeps it running: listeners, reconciler, and the background refreshes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from coordinator.alerts import Alerts
from coordinator.asking import Asking
from coordinator.config import Config
from coordinator.courtesy import Courtesy
from coordinator.deciding import Deciding
from coordinator.directory import Directory
from coordinator.head import Head
from coordinator.journal import Journal, open_store
from coordinator.outside.clock import time_out
from coordinator.outside.commits import Commits
from coordinator.outside.messages import Messages
from coordinator.outside.runs import Runs
from coordinator.outside.tickets import Tickets
from coordinator.policy_source import PolicySource
from coordinator.reconciler import Hands, Reconciler
from coordinator.routing import Rerouting, Routing
from coordinator.slack.listeners import Listeners
from coordinator.withdrawing import Withdrawing
from sallyport.platforms.github import GitHub
from sallyport.platforms.jira import Jira
from sallyport.platforms.slack import Slack
from sallyport.times import utc_now

log = structlog.get_logger()

POLICIES_EVERY = timedelta(seconds=15)
DIRECTORY_EVERY = timedelta(minutes=5)
GROUPS_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Clients:
    """The outside world, as far as the coordinator speaks with it."""

    slack: Slack
    jira: Jira
    github: GitHub


def connect(config: Config) -> Clients:
    """Make the clients; none of them calls anybody yet."""
    return Clients(
        slack=Slack.connect(config.slack_bot_token, config.slack_api_url or None),
        jira=Jira.connect(config.jira_url, config.jira_token, config.jira_user or None, config.jira_project),
        github=GitHub.connect(
            config.github_repository,
            config.github_branch,
            config.github_token or None,
            config.github_app,
            config.github_api_url or None,
        ),
    )


class Service:
    """One replica of the coordinator."""

    def __init__(self, config: Config, clients: Clients, now: Callable[[], datetime] = utc_now) -> None:
        self.config = config
        self._now = now
        self.alerts = Alerts(clients.slack, config.alert_channel)
        self.head = Head(clients.github)
        self.policies = PolicySource(clients.github, self.head, config.signing_key, self.alerts)
        self.directory = Directory(clients.slack, self.policies.current)
        self.journal = Journal(open_store(config.database_url))
        policies = self.directory.policies
        routing = Routing(policies, self.directory)
        self.rerouting = Rerouting(self.journal, routing, now)
        asking = Asking(self.journal, policies, self.directory, routing, now)
        deciding = Deciding(self.journal, routing, self.directory, now)
        courtesy = Courtesy()
        self.reconciler = Reconciler(self.journal, self._hands(clients), now, courtesy)
        withdrawing = Withdrawing(self.journal, now)
        self.listeners = Listeners(clients.slack, policies, asking, deciding, withdrawing, courtesy)
        self.bolt = self._bolt()
        self.listeners.attach(self.bolt)
        self._socket: SocketModeHandler | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Read policies and people, start working, and only then listen to Slack."""
        self.policies.refresh()
        self.directory.refresh()
        self.journal.reclaim()
        self.reconciler.start()
        self._every(POLICIES_EVERY, self.policies.keep_fresh)
        self._every(DIRECTORY_EVERY, self.directory.refresh)
        self._every(GROUPS_EVERY, self._look_around)
        if self.config.socket_mode:
            self._socket = SocketModeHandler(self.bolt, self.config.slack_app_token)
            self._socket.connect()  # type: ignore[no-untyped-call]  # slack_bolt does not type it
        log.info("coordinator.ready", transport="socket" if self.config.socket_mode else "http")

    def stop(self) -> None:
        """Stop listening, finish what is under way, and stop."""
        self._stopping.set()
        if self._socket is not None:
            self._socket.close()  # type: ignore[no-untyped-call]  # slack_bolt does not type it
        self.reconciler.stop()
        log.info("coordinator.stopped")

    def _look_around(self) -> None:
        """See who is in Slack's groups now, and ask others where that changes whose turn it is."""
        self.directory.refresh_groups()
        self.rerouting.look()

    @property
    def is_ready(self) -> bool:
        """Whether people can be served: policies are read, and Slack reaches us."""
        connected = self._socket is None or bool(self._socket.client.is_connected())
        return self.policies.is_ready and connected

    def _hands(self, clients: Clients) -> Hands:
        policies = self.directory.policies
        tickets = Tickets(clients.jira, self.config.jira_project, self.journal, policies, self._now)
        messages = Messages(clients.slack, self.journal, policies)
        commits = Commits(clients.github, self.policies.signer, policies, self._now, self.head)
        runs = Runs(clients.github, policies, self._now, self.alerts, self.head)
        return Hands(
            single={
                "ticket": tickets.open,
                "comment": tickets.comment,
                "move": tickets.move,
                "thread": messages.thread,
                "reply": messages.reply,
                "card": messages.card,
                "tell": messages.tell,
                "dispatch": runs.dispatch,
                "watch": runs.watch,
                "watch-expiry": runs.watch_expiry,
                "timeout": time_out,
            },
            batch={"commit": commits.commit, "withdraw": commits.withdraw, "expire": runs.expire},
            alert=self.alerts,
        )

    def _bolt(self) -> App:
        """Make the Bolt app. A listener's transaction comes before its ack, so the response waits for it."""
        client = WebClient(
            token=self.config.slack_bot_token,
            base_url=self.config.slack_api_url or WebClient.BASE_URL,
            timeout=10,
            retry_handlers=[],
        )
        return App(
            client=client,
            signing_secret=self.config.slack_signing_secret or "unused-in-socket-mode",
            process_before_response=True,
            logger=logging.getLogger("slack_bolt"),
        )

    def _every(self, pause: timedelta, do: Callable[[], None]) -> None:
        def repeat() -> None:
            while not self._stopping.wait(pause.total_seconds()):
                try:
                    do()
                except Exception as error:
                    log.warning("refresh.failed", error=str(error))

        threading.Thread(target=repeat, name="refresh", daemon=True).start()
