"""The half of the coordinator that works outside: it makes Slack, JIRA and GitHub match the journal.

It runs in a process of its own, started and watched by `coordinator serve`, so that people's answers never
wait for it. All that it is told is which lanes have work; whatever it misses it finds in the journal.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta

import structlog

from coordinator.anchoring import Anchoring
from coordinator.audit.exporting import Exporting
from coordinator.audit.sinks import open_sink
from coordinator.clients import connect
from coordinator.config import read_config
from coordinator.courtesy import SWITCH
from coordinator.drifting import open_findings
from coordinator.early_ends import EarlyEnds
from coordinator.essentials import DIRECTORY_EVERY, GROUPS_EVERY, Essentials
from coordinator.leaving import Leaving
from coordinator.logs import configure_logging
from coordinator.lookout import Lookout
from coordinator.orders import obey
from coordinator.outside.awaiting import Awaiting
from coordinator.outside.commits import Commits
from coordinator.outside.confirmations import Confirmations
from coordinator.outside.handlers import Handlers
from coordinator.outside.messages import Messages
from coordinator.outside.reminders import Reminders
from coordinator.outside.reviews import Reviews
from coordinator.outside.runs import Runs
from coordinator.outside.tickets import Tickets
from coordinator.outside.watching import Watching
from coordinator.reconciler import Hands, Reconciler
from coordinator.routing import Rerouting, Routing
from coordinator.sleeping import Sleeping

log = structlog.get_logger()

LOOK_EVERY = timedelta(minutes=1)
DRIFT_EVERY = timedelta(minutes=5)  # it is looked for three times a day
SCHEDULES_EVERY = timedelta(seconds=10)
ANCHOR_EVERY = timedelta(minutes=10)  # it looks whether today has its anchor, and whether the sink has it
NICENESS = 10  # where the processor is short, people's answers come first


class Worker:
    """The reconciler of one replica of the coordinator."""

    def __init__(self, essentials: Essentials) -> None:
        self._essentials = essentials
        self._directory = essentials.directory
        routing = Routing(self._directory.policies, self._directory)
        self._rerouting = Rerouting(essentials.journal, routing, essentials.now)
        now = essentials.now
        watching = Watching(essentials.clients.github, now)
        self.exporting = Exporting(essentials.journal, open_sink(essentials.config.audit_url, now), now)
        self.lookout = Lookout(
            essentials.journal,
            essentials.clients.github,
            essentials.alerts,
            essentials.policies,
            now,
            now(),
            lambda: open_findings(essentials.clients.jira, essentials.config.jira_project),
            watching,
            EarlyEnds(essentials.journal, watching, now),
        )
        self.anchoring = Anchoring(self.exporting, essentials.alerts)
        self.leaving = Leaving(essentials.journal)
        self.sleeping = Sleeping(essentials.journal, self._directory.policies, now)
        self.reconciler = Reconciler(essentials.journal, _hands(essentials, self.exporting, watching), now)

    def start(self) -> None:
        """Take back what a dead worker had claimed, and start working; the policies have been read before.

        While Slack is away, what needs no Slack goes on.
        """
        self._essentials.journal.reclaim()
        self.reconciler.start()
        self._essentials.every(DIRECTORY_EVERY, self._read_members, at_once=True)
        self._essentials.every(GROUPS_EVERY, self._look_around)
        self._essentials.every(ANCHOR_EVERY, self.anchoring.look)
        self._essentials.every(LOOK_EVERY, self.lookout.look)
        self._essentials.every(LOOK_EVERY, self.leaving.look, at_once=True)
        self._essentials.every(DRIFT_EVERY, self.lookout.look_for_drift)
        self._essentials.every(SCHEDULES_EVERY, self.sleeping.look, at_once=True)

    def _read_members(self) -> None:
        """See who is in Slack at all, and ask others where that changes whose turn it is."""
        self._directory.refresh()
        self._rerouting.look()

    def _look_around(self) -> None:
        """See who is in Slack's groups now, and ask others where that changes whose turn it is."""
        if self._directory.is_read:
            self._directory.refresh_groups()
            self._rerouting.look()

    def stop(self) -> None:
        """Finish the calls that are under way, and stop."""
        self.reconciler.stop()


def _hands(essentials: Essentials, exporting: Exporting, watching: Watching) -> Hands:
    clients, journal, now, head = essentials.clients, essentials.journal, essentials.now, essentials.head
    policies, signer, alerts = essentials.directory.policies, essentials.policies.signer, essentials.alerts
    project, awaiting = essentials.config.jira_project, Awaiting(journal, now)
    handlers = Handlers(
        tickets=Tickets(clients.jira, project, journal, policies, now),
        messages=Messages(clients.slack, journal, policies, essentials.config.alert_channel),
        reviews=Reviews(clients.jira, project, policies, now, alerts, alerts.over),
        commits=Commits(clients.github, signer, policies, now, head),
        runs=Runs(clients.github, policies, now, alerts, head, watching, awaiting),
        awaiting=awaiting,
        confirmations=Confirmations(clients.github, essentials.directory, policies, now, head),
        reminders=Reminders(essentials.directory, policies, now),
        exporting=exporting,
    )
    return handlers.hands(alerts)


def main() -> None:
    """Work until told to stop; end at once when whoever started this process is gone."""
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, signal.SIG_IGN)  # they are for `serve`, which tells us
    os.nice(NICENESS)
    sys.setswitchinterval(SWITCH)
    configure_logging()
    config = read_config(os.environ)
    clients = connect(config)
    essentials = Essentials(config, clients)
    worker = Worker(essentials)
    essentials.start()
    worker.start()
    if not obey(sys.stdin, worker.reconciler.hear):
        os._exit(1)  # as if killed with it: the next one may take over its leases soon
    essentials.stop()
    worker.stop()
    log.info("worker.stopped")


if __name__ == "__main__":
    main()
