"""One job: who it is, what it may talk to, and its clock, made from the environment once and passed on.

Settings are those of the operator's interface; nothing else in this package reads a variable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from actions.books import Books
from actions.events import PullEvent, pull_event
from actions.executors.protocol import Executor
from actions.reconcile import MakeExecutor, Pause
from actions.reporting import Channels
from actions.runner import Runner
from actions.workspace import Workspace
from sallyport.policies import Policies
from sallyport.problems import Problem
from sallyport.settings import Environment
from sallyport.times import utc_now

if TYPE_CHECKING:
    from actions.tickets import Tickets
    from sallyport.platforms.github import GitHub


FAILED_STEP = "failure"  # how GitHub calls the outcome of a step that failed


@dataclass(frozen=True, slots=True)
class Run:
    """The workflow run that this job belongs to; the commit is the one GitHub shows the run at."""

    id: str = "local"
    url: str = ""
    sha: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a command works with."""

    workspace: Workspace
    runner: Runner
    run: Run = field(default_factory=Run)
    github: GitHub | None = None
    channels: Channels = field(default_factory=Channels)
    make_executor: MakeExecutor = field(default_factory=lambda: executors(utc_now, time.sleep))
    clock: Callable[[], datetime] = utc_now
    pause: Pause = time.sleep
    pull: PullEvent | None = None
    tickets: Tickets | None = None  # where a job opens those of pull requests

    @property
    def sha(self) -> str:
        """The commit that the check run goes to: the one the run is shown at."""
        return self.run.sha or self.workspace.head()

    def books(self) -> Books:
        """Open the books at the commit that is checked out."""
        return Books(self.workspace, self.github)

    @property
    def writer(self) -> GitHub:
        """The GitHub client of a job that may write."""
        if self.github is None:
            raise ValueError("this job has no GitHub client")
        return self.github


def reading_job(variables: Mapping[str, str]) -> Job:
    """Return the job of a command that changes nothing. It needs no settings; a token lets it read reviews."""
    settings = Environment(variables)
    branch, token = settings.text("GITHUB_BRANCH", "main"), settings.text("GITHUB_TOKEN")
    repository, api_url = settings.text("GITHUB_REPOSITORY"), settings.text("GITHUB_API_URL")
    settings.check()
    github = _github(repository, branch, token, api_url) if token and repository else None
    workspace, runner = Workspace(Path.cwd(), branch, token), Runner.of(variables)
    return Job(workspace, runner, _run(variables), github, pull=pull_event(variables))


def looking_job(variables: Mapping[str, str]) -> Job:
    """Return the job of a command that changes nothing, and may show in Slack what it has seen."""
    settings = Environment(variables)
    token, url = settings.text("SLACK_BOT_TOKEN"), settings.text("SLACK_API_URL")
    settings.check()
    channels = Channels.connect(token, url, "", "", "", "") if token else Channels()
    return Job(Workspace(Path.cwd()), Runner.of(variables), _run(variables), channels=channels)


def writing_job(variables: Mapping[str, str]) -> Job:
    """Return the job of a command that changes AWS; Problems tells every setting that is missing."""
    settings = Environment(variables)
    repository = settings.required("GITHUB_REPOSITORY", "the repository that holds requests/, as owner/name")
    token = settings.required("GITHUB_TOKEN", "the job's token, with contents: write and checks: write")
    branch = settings.text("GITHUB_BRANCH", "main")
    api_url = settings.text("GITHUB_API_URL")
    slack_token, slack_url = settings.text("SLACK_BOT_TOKEN"), settings.text("SLACK_API_URL")
    jira_url, jira_token = settings.text("JIRA_URL"), settings.text("JIRA_TOKEN")
    jira_project = settings.text("JIRA_PROJECT")
    has_role = settings.text("AWS_ROLE_OUTCOME") != FAILED_STEP
    jira_user, alert = settings.text("JIRA_USER"), settings.text("ALERT_CHANNEL")
    if bool(jira_url) != bool(jira_token):
        settings.refuse(Problem("JIRA_URL and JIRA_TOKEN belong together", "set both or neither"))
    if alert and not slack_token:
        settings.refuse(Problem("ALERT_CHANNEL is set without SLACK_BOT_TOKEN", "nobody would hear an alert"))
    settings.check()
    from actions.tickets import Tickets

    channels = Channels.connect(slack_token, slack_url, jira_url, jira_user, jira_token, alert, jira_project)
    return Job(
        workspace=Workspace(Path.cwd(), branch, token),
        runner=Runner.of(variables),
        run=_run(variables),
        github=_github(repository, branch, token, api_url),
        channels=channels,
        make_executor=executors(utc_now, time.sleep, has_role=has_role),
        tickets=Tickets(channels.jira, jira_project, time.sleep) if channels.jira and jira_project else None,
    )


def surveying(job: Job) -> Job:
    """Return *job* as one that looks at every target there is: it reads no faster than leaves others room."""
    return replace(job, make_executor=executors(job.clock, job.pause, surveys=True))


def executors(
    clock: Callable[[], datetime], pause: Pause, *, has_role: bool = True, surveys: bool = False
) -> MakeExecutor:
    """Return the maker of executors for one job: one for each flow and version of the policies.

    An executor remembers what it has looked up, so it is shared by all targets and by the threads that work on
    them. boto3 is imported with the first.
    """
    lock = Lock()
    clients: list[Any] = []
    made: dict[tuple[str, str], Executor[Any]] = {}

    def make(flow: str, policies: Policies) -> Executor[Any]:
        from actions.executors import executor_for
        from actions.executors.aws import Clients
        from actions.executors.rates import Rates

        key = (flow, policies.version)
        with lock:
            if not clients:
                clients.append(Clients(has_role=has_role, rates=Rates(clock, pause) if surveys else None))
            if key not in made:
                made[key] = executor_for(flow, policies, clients[0], now=clock, wait=pause)
            return made[key]

    return make


def _github(repository: str, branch: str, token: str, api_url: str) -> GitHub:
    from sallyport.platforms.github import GitHub

    return GitHub.connect(repository, branch, token=token, api_url=api_url or None)


def _run(variables: Mapping[str, str]) -> Run:
    run_id = variables.get("GITHUB_RUN_ID", "")
    server, repository = variables.get("GITHUB_SERVER_URL", ""), variables.get("GITHUB_REPOSITORY", "")
    url = f"{server}/{repository}/actions/runs/{run_id}" if run_id and server else ""
    return Run(run_id or "local", url, variables.get("GITHUB_SHA", ""))
