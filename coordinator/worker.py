"""The half of the coordinator that works outside: it makes Slack, JIRA and GitHub match the journal.

It runs in a process of its own, started and watched by `coordinator serve`, so that people's answers never
wait for it. All that it is told is which lanes have work; whatever it misses it finds in the journal.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable

import structlog

from coordinator.alerts import Alerts
from coordinator.clients import connect
from coordinator.config import read_config
from coordinator.essentials import Essentials
from coordinator.lifecycle import Lane
from coordinator.logs import configure_logging
from coordinator.outside.clock import time_out
from coordinator.outside.commits import Commits
from coordinator.outside.messages import Messages
from coordinator.outside.runs import Runs
from coordinator.outside.tickets import Tickets
from coordinator.reconciler import Hands, Reconciler

log = structlog.get_logger()

NICENESS = 10  # where the processor is short, people's answers come first


class Worker:
    """The reconciler of one replica of the coordinator."""

    def __init__(self, essentials: Essentials) -> None:
        self._journal = essentials.journal
        self.reconciler = Reconciler(essentials.journal, _hands(essentials), essentials.now)

    def start(self) -> None:
        """Take back what a dead process had claimed, and start working; the policies have been read before."""
        self._journal.reclaim()
        self.reconciler.start()

    def stop(self) -> None:
        """Finish the calls that are under way, and stop."""
        self.reconciler.stop()


def _hands(essentials: Essentials) -> Hands:
    clients, journal, now, head = essentials.clients, essentials.journal, essentials.now, essentials.head
    policies, signer = essentials.policies.current, essentials.policies.signer
    tickets = Tickets(clients.jira, essentials.config.jira_project, journal, policies, now)
    messages = Messages(clients.slack, journal, policies)
    commits = Commits(clients.github, signer, policies, now, head)
    runs = Runs(clients.github, policies, now, essentials.alerts, head)
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
        alert=essentials.alerts,
    )


def obey(words: Iterable[str], reconciler: Reconciler) -> None:
    """Wake the lanes that each line names, until there are no more lines."""
    for line in words:
        reconciler.wake({Lane(word) for word in line.split()})


def main() -> None:
    """Work until SIGTERM; die at once when whoever started it is gone, which closes standard input."""
    os.nice(NICENESS)
    configure_logging()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for `serve`, which then tells us
    config = read_config(os.environ)
    clients = connect(config)
    essentials = Essentials(config, clients, Alerts(clients.slack, config.alert_channel))
    worker = Worker(essentials)
    essentials.start()
    worker.start()
    threading.Thread(target=_until_orphaned, args=(worker.reconciler,), name="orders", daemon=True).start()
    stopping.wait()
    essentials.stop()
    worker.stop()
    log.info("worker.stopped")


def _until_orphaned(reconciler: Reconciler) -> None:
    obey(sys.stdin, reconciler)
    os._exit(1)  # as if killed with it: another process may be taking over its leases already


if __name__ == "__main__":
    main()
