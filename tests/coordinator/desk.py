"""The coordinator's hands at real stand-ins, worked step by step on a clock that a test moves.

Everything is the product's own but GitHub, which is the strict fake unless a test gives a real client.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from coordinator.alerts import Alerts
from coordinator.audit.exporting import Exporting
from coordinator.directory import Directory
from coordinator.head import Head
from coordinator.journal import Journal
from coordinator.lifecycle import Lane
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
from coordinator.reconciler import Reconciler
from coordinator.requests import Request
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.jira import Jira
from sallyport.platforms.slack import Slack
from sandbox.jira import Issue, JiraStandIn, sample_site
from sandbox.slack import Message, SlackStandIn, sample_workspace
from tests.coordinator.asks import LEE, NOW, approve, ask, deny
from tests.coordinator.conftest import Installed, Places
from tests.coordinator.fakes import FakeGitHub, KeptSink

MINUTE = timedelta(minutes=1)


@dataclass
class Desk:
    """One replica without threads."""

    journal: Journal
    installed: Installed
    slack: SlackStandIn
    jira: JiraStandIn
    slack_client: Slack
    jira_client: Jira
    now: datetime = NOW
    alerts: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)  # subjects of alerts
    sink: KeptSink = field(default_factory=KeptSink)
    github: Any = None
    operators: Alerts | None = None  # if any, they are told what the hands tell too

    def __post_init__(self) -> None:
        self.github = self.github or FakeGitHub(lambda: self.now)
        self.build()

    def build(self) -> None:
        """Make the hands anew, as a replica does that starts again: what they remembered is gone."""

        def policies() -> Any:
            return self.installed.policies

        def now() -> datetime:
            return self.now

        def alert(about: str, sentence: str) -> None:
            self.alerts.append(sentence)
            if self.operators:
                self.operators(about, sentence)

        def over(about: str) -> None:
            self.over.append(about)
            if self.operators:
                self.operators.over(about)

        self.exporting = Exporting(self.journal, self.sink, now)
        self.head = Head(self.github)
        self.commits = Commits(self.github, lambda: self.installed.signer, policies, now, self.head)
        awaiting = Awaiting(self.journal, now)
        self.runs = Runs(self.github, policies, now, alert, self.head, Watching(self.github, now), awaiting)
        directory = Directory(self.slack_client, policies)
        handlers = Handlers(
            tickets=Tickets(self.jira_client, "OPS", self.journal, policies, now),
            messages=Messages(self.slack_client, self.journal, policies, "C0ALERTS"),
            reviews=Reviews(self.jira_client, "OPS", policies, now, alert, over),
            commits=self.commits,
            runs=self.runs,
            awaiting=awaiting,
            confirmations=Confirmations(self.github, directory, policies, now, self.head),
            reminders=Reminders(directory, policies, now),
            exporting=self.exporting,
        )
        hands = handlers.hands(alert)
        self.reconciler = Reconciler(self.journal, hands, now)

    # Working

    def work(self, *lanes: Lane) -> None:
        """Do everything that is due now in *lanes* (all of them if none is named)."""
        while sum(self.reconciler.step(lane) for lane in self._with_work(lanes or tuple(Lane))):
            pass

    def _with_work(self, lanes: Sequence[Lane]) -> list[Lane]:
        """Those of *lanes* in which something is due: most are idle, and asking each takes longer than working."""
        backlog = self.journal.backlog(self.now)
        return [lane for lane in lanes if lane in backlog]

    def settle(self, within: timedelta = 10 * MINUTE) -> None:
        """Work, moving the clock to whatever is due next, until nothing more is due *within* that time."""
        end = self.now + within
        self.work()
        while moments := [moment for moment in self._moments() if self.now < moment <= end]:
            self.now = min(moments)
            self.work()

    def _moments(self) -> Iterator[datetime]:
        """When something may be done, or be asked of a platform again."""
        yield from (max(row.due, row.leased_until) for row in self.journal.waiting())
        yield from (silence.until for silence in self.journal.silences())

    # What people and jobs do

    def submit(self, key: str = "view:V1", **different: Any) -> Request:
        return self.journal.submit(
            ask(key, submitted_at=self.now, decide_by=self.now + 8 * 60 * MINUTE, **different)
        )

    def approve(self, request: Request, by: str = LEE) -> Request:
        return approve(self.journal, request.id, by, at=self.now)

    def deny(self, request: Request, by: str = LEE) -> Request:
        return deny(self.journal, request.id, by, at=self.now)

    def job_ends(
        self, request: Request, result: Result, detail: str = "So it ended.", run: str = "dispatch"
    ) -> None:
        """The job that was dispatched for *request* reports and ends."""
        number = self.request(request).result(run)["run"]
        self.github.report(number, Outcome(request.id, result, detail, self.now))
        self.github.complete(number)

    # Looking

    def request(self, request: Request) -> Request:
        return self.journal.request(request.id)

    @property
    def issue(self) -> Issue:
        """The only ticket."""
        (issue,) = self.jira.issues
        return issue

    def statuses(self) -> list[str]:
        """Where the only ticket has been, in order."""
        changes = [
            item.after for change in self.issue.changelog for item in change.items if item.field == "status"
        ]
        return ["To Do", *changes]

    def messages(self, who: str, where: str = "dm") -> list[Message]:
        return self.slack.person(who).messages(where)

    def waiting(self) -> set[str]:
        return {row.name for row in self.journal.waiting()}


@contextmanager
def open_desk(journal: Journal, installed: Installed, places: Places, github: Any = None) -> Iterator[Desk]:
    """Put fresh stand-ins at their places for as long as the block lasts; their clocks are the desk's."""
    desks: list[Desk] = []

    def now() -> datetime:
        return desks[0].now if desks else NOW

    slack = SlackStandIn(sample_workspace(), clock=lambda: now().timestamp())
    jira = JiraStandIn(sample_site(), clock=now)
    places.slack.app, places.jira.app, slack.url = slack.app, jira.app, places.slack.url
    jira_client = Jira.connect(places.jira.url, "jira-token", project="OPS")
    slack_client = Slack.connect(slack.workspace.bot_token, f"{slack.url}/api/")
    desks.append(Desk(journal, installed, slack, jira, slack_client, jira_client, github=github))
    try:
        yield desks[0]
    finally:
        jira_client.close()
