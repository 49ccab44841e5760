"""The lookout of one replica at a desk, and what stands in the alert channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from coordinator.alerts import Alerts
from coordinator.anchoring import Anchoring
from coordinator.drifting import open_findings
from coordinator.early_ends import EarlyEnds
from coordinator.head import Head
from coordinator.lookout import Lookout
from coordinator.outside.watching import Watching
from coordinator.policy_source import PolicySource
from coordinator.requests import Request
from coordinator.standing import Board
from sallyport.outcomes import Outcome, Result
from tests.coordinator.conftest import Installed
from tests.coordinator.desk import MINUTE, Desk

URL = "https://github.test/acme/infra/blob/main/docs/how-to/operate.md"


@dataclass
class Tower:
    """One replica's lookout at a desk, and what stands in the alert channel."""

    desk: Desk
    installed: Installed

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """All that was in memory is gone."""
        desk = self.desk
        board = Board(desk.journal)
        self.alerts = Alerts(board, desk.slack_client, "C0ALERTS", URL, lambda: desk.now)
        files = {f"policies/{path}": content for path, content in self.installed.files.items()}
        desk.github.files |= {path: content for path, content in files.items() if path not in desk.github.files}
        desk.operators = self.alerts
        self.anchoring = Anchoring(desk.exporting, self.alerts)
        self.policies = PolicySource(desk.github, Head(desk.github), self.installed.private_key, self.alerts)
        found = lambda: open_findings(desk.jira_client, "OPS")  # noqa: E731
        watching = Watching(desk.github, lambda: desk.now)
        self.lookout = Lookout(
            desk.journal,
            desk.github,
            self.alerts,
            self.policies,
            lambda: desk.now,
            desk.now,
            found,
            watching,
            EarlyEnds(desk.journal, watching, lambda: desk.now),
        )

    def look(self, later: timedelta = MINUTE) -> list[str]:
        """Let time pass and look; return the first lines that are new in the channel."""
        before = len(self.said)
        self.desk.now += later
        self.lookout.look()
        return [text.partition("\n")[0] for text in self.said[before:]]

    @property
    def said(self) -> list[str]:
        state = self.desk.slack.world.state
        return [message.now.text for message in state.messages if message.channel == "C0ALERTS"]

    def sweeps(self, *outcomes: Outcome) -> None:
        """The schedule strikes, and its run comes to its end."""
        self._ends(self.desk.github.sweeps(), outcomes)

    def runs(self, workflow: str, *outcomes: Outcome) -> None:
        """A run that somebody or something else has begun comes to its end."""
        self._ends(self.desk.github.begins(workflow, "push"), outcomes)

    def _ends(self, run: int, outcomes: tuple[Outcome, ...]) -> None:
        if outcomes:
            self.desk.github.report(run, *outcomes)
        self.desk.github.complete(run)


def live(desk: Desk, **different: Any) -> Request:
    """A request whose job has said that it is in force."""
    request = desk.approve(desk.submit(**different))
    desk.work()
    desk.job_ends(request, Result.APPLIED)
    desk.now += MINUTE
    desk.work()
    return desk.request(request)
