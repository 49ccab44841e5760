"""The jobs of GitHub Actions as they are: the real commands, in a checkout of main, against AWS's stand-in.

Each command is a process of its own in life: what it remembers ends with it, and a mishap may kill it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from actions.commands import apply, due, expire
from actions.job import Job, Run, executors
from actions.reporting import Channels
from actions.runner import Runner
from actions.workspace import Workspace, WorkspaceFault
from sallyport.platforms.github import GitHub
from sallyport.platforms.jira import Jira
from sallyport.platforms.slack import Slack
from sallyport.problems import Problems
from sandbox.company import JIRA_TOKEN
from sandbox.github.runs import Order, Ticket
from tests.faults.premises import Premises
from tests.faults.wire import REPOSITORY, Died, Wire

JOBS_TOKEN = "ghs_job"


@dataclass(frozen=True)
class RealJobs:
    """Carries out runs of the queue. *slack_token* is what the jobs' secrets hold."""

    premises: Premises
    wire: Wire
    slack_token: str
    deaths: list[str]
    now: Callable[[], datetime]
    wait: Callable[[float], None]

    def __call__(self, ticket: Ticket) -> str:
        """Do what the workflow does, and return the run's conclusion."""
        order = ticket.order
        do = {"apply.yml": self._apply, "expire.yml": self._expire}[order.workflow]
        try:
            with self.wire.during(order.workflow.replace(".yml", "-job")), self._surroundings():
                return "success" if do(order) == 0 else "failure"
        except Died as death:
            self.deaths.append(str(death))
        except (Problems, WorkspaceFault) as fault:
            ticket.transcript.say(str(fault))
        return "failure"

    def _apply(self, order: Order) -> int:
        given = order.inputs
        with self._job(order) as job:
            return apply.run(
                job,
                apply.Order(
                    given["request_id"],
                    given["commit"],
                    given["environment"],
                    given["lock"],
                    tuple(given.get("also", "").split()),
                ),
            )

    def _expire(self, order: Order) -> int:
        ids = tuple(filter(None, [order.inputs.get("request_id")]))
        with self._job(order) as job:
            due.run(job, ids)
            outputs = job.runner.output
            assert outputs is not None
            shares = json.loads(outputs.read_text().split("\n")[1])
        return max((self._share(order, expire.Share(s["environment"], s["role"], ids)) for s in shares), default=0)

    def _share(self, order: Order, share: expire.Share) -> int:
        with self._job(order) as job:
            return expire.run(job, share)

    @contextmanager
    def _job(self, order: Order) -> Iterator[Job]:
        front = {name: place.url for name, place in self.premises.front.items()}
        github = GitHub.connect(REPOSITORY, "main", JOBS_TOKEN, None, front["github"])
        jira = Jira.connect(front["jira"], JIRA_TOKEN, project="OPS")
        slack = Slack.connect(self.slack_token, f"{front['slack']}/api/")
        clone, output = self.premises.checkout(), self.premises.folder / "output"
        output.unlink(missing_ok=True)
        url = f"{github.html_url_of_commit(order.head_sha)}/runs/{order.id}"
        try:
            yield Job(
                workspace=Workspace(clone, pause=self.wait),
                runner=Runner(output),
                run=Run(str(order.id), url, order.head_sha),
                github=github,
                channels=Channels(slack, jira, "C0ALERTS"),
                make_executor=executors(self.now, self.wait),
                clock=self.now,
                pause=self.wait,
            )
        finally:
            github.close()
            jira.close()

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        """Fetches that a mishap can befall, AWS's clients made once, and pauses on the run's clock."""
        run, known = Workspace._run, self.premises.read

        def tapped(workspace: Workspace, words: Any, stdin: bytes | None = None) -> Any:
            if words[0] != "fetch":
                return known(words, stdin, lambda: run(workspace, words, stdin))
            return self.wire.around("git", "fetch", lambda: run(workspace, words, stdin), lost_fetch)

        with (
            patch.object(Workspace, "_run", tapped),
            patch("actions.executors.aws.Clients", lambda **_: self.premises.aws),
            patch("botocore.endpoint.time", SimpleNamespace(sleep=self.wait)),
            redirect_stdout(StringIO()),
            redirect_stderr(StringIO()),
        ):
            yield


def lost_fetch() -> subprocess.CompletedProcess[bytes]:
    """What git says when the server does not answer, or not as it should."""
    return subprocess.CompletedProcess(("git", "fetch"), 128, b"", b"fatal: the remote end hung up unexpectedly")
