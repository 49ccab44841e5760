"""The half of the coordinator that people meet: the listeners, and what lets them answer without waiting.

It records facts and calls Slack alone; everything else outside is the worker's.
"""

from __future__ import annotations

import logging

import structlog
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from coordinator.asking import Asking
from coordinator.config import Config
from coordinator.deciding import Deciding
from coordinator.essentials import DIRECTORY_EVERY, GROUPS_EVERY, Essentials
from coordinator.extending import Extending
from coordinator.nudging import Nudging
from coordinator.routing import Routing
from coordinator.slack.listeners import Listeners
from coordinator.withdrawing import Withdrawing

log = structlog.get_logger()


class Service:
    """The listeners of one replica of the coordinator."""

    def __init__(self, essentials: Essentials) -> None:
        self._essentials = essentials
        self.config = essentials.config
        self.policies = essentials.policies
        self.journal = essentials.journal
        self.directory = essentials.directory
        slack, policies, now = essentials.clients.slack, self.directory.policies, essentials.now
        routing = Routing(policies, self.directory)
        asking = Asking(self.journal, policies, self.directory, routing, now)
        deciding = Deciding(self.journal, routing, self.directory, now)
        withdrawing, nudging = Withdrawing(self.journal, policies, now), Nudging(self.journal, now)
        extending, alerts = Extending(self.journal, asking, now), self.config.alert_channel
        self.listeners = Listeners(
            slack,
            policies,
            asking,
            deciding,
            withdrawing,
            extending,
            nudging,
            essentials.clients.github,
            alerts,
        )
        self.bolt = _bolt(self.config)
        self.listeners.attach(self.bolt)
        self._socket: SocketModeHandler | None = None

    def start(self) -> None:
        """Read who is who, and only then listen to Slack; the policies have been read before."""
        self.directory.refresh()
        self._essentials.every(DIRECTORY_EVERY, self.directory.refresh)
        self._essentials.every(GROUPS_EVERY, self.directory.refresh_groups)
        if self.config.socket_mode:
            self._socket = SocketModeHandler(self.bolt, self.config.slack_app_token)
            self._socket.connect()  # type: ignore[no-untyped-call]  # slack_bolt does not type it
        log.info("coordinator.ready", transport="socket" if self.config.socket_mode else "http")

    def stop(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            self._socket.close()  # type: ignore[no-untyped-call]  # slack_bolt does not type it

    @property
    def is_ready(self) -> bool:
        """Whether people can be served: policies are read, and Slack reaches us."""
        connected = self._socket is None or bool(self._socket.client.is_connected())
        return self.policies.is_ready and connected


def _bolt(config: Config) -> App:
    """Make the Bolt app. A listener's transaction comes before its ack, so the response waits for it."""
    client = WebClient(
        token=config.slack_bot_token,
        base_url=config.slack_api_url or WebClient.BASE_URL,
        timeout=10,
        retry_handlers=[],
    )
    return App(
        client=client,
        signing_secret=config.slack_signing_secret or "unused-in-socket-mode",
        process_before_response=True,
        logger=logging.getLogger("slack_bolt"),
    )
