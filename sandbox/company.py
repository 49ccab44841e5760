"""The whole product on one machine: stand-ins on loopback, real git, real workflow runs, the real coordinator.

Product code does not know that it runs here: only addresses and tokens differ.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coordinator.slack.manifest import manifest_yaml
from sandbox.aws import AwsStandIn, sample_world
from sandbox.github import Environment, GitHubStandIn, Runner, Token
from sandbox.installation import Installation, install
from sandbox.jira import JiraStandIn, sample_site
from sandbox.serving import Server
from sandbox.slack import SlackStandIn, read_manifest, sample_workspace

REPOSITORY = "acme/infra"
COORDINATOR_TOKEN, COORDINATOR = "ghp_coordinator", "sallyport[bot]"
JIRA_TOKEN = "jira-token"  # of the robot
PEOPLE = ("ana-ruiz", "kimberg", "leewong", "sam-okafor")  # at GitHub; the token of each is ghp_<login>
READY_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Company:
    """Everything that runs, for a script, a test or a visitor."""

    slack: SlackStandIn
    jira: JiraStandIn
    github: GitHubStandIn
    aws: AwsStandIn
    coordinator: Coordinator
    addresses: dict[str, str]
    bare: Path


class Coordinator:
    """The real coordinator in a process of its own, which can be killed and started again."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self._environment['PORT']}"

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def command(self, folder: Path) -> Path:
        """Write a command into *folder* that is `python -m coordinator` with the settings of this one."""
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._environment.items())
        path = folder / "coordinator"
        path.write_text(f'#!/bin/sh\nexec env {settings} {shlex.quote(sys.executable)} -m coordinator "$@"\n')
        path.chmod(0o700)  # it names tokens
        return path

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "coordinator", "serve"],
                env=self._environment,
                cwd=self._environment["HOME"],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the coordinator did not get ready:\n{self.log[-4000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to stop, as a deploy does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it without a word, as a crash does."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextlib.contextmanager
def open_company(
    workdir: Path,
    *,
    lifetime: str = "",
    http: bool = False,
    ports: dict[str, int] | None = None,
    policies: Mapping[str, str] | None = None,
    database: str = "",
    start: bool = True,
) -> Iterator[Company]:
    """Start everything and stop it again, also when the block is interrupted.

    *lifetime* shortens what policies give by default; *http* uses signed requests instead of Socket Mode;
    *ports* fixes the ports of `slack`, `jira`, `github` and `aws`; *policies* are files that replace those of the
    repository, by path; *database* is where the journal is, if not in a file of its own.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    ports = ports or {}
    installation = install(workdir, lifetime, policies)
    with contextlib.ExitStack() as stack:
        slack = SlackStandIn(sample_workspace(), read_manifest(manifest_yaml(installation.policies)))
        jira = JiraStandIn(sample_site())
        aws = AwsStandIn(sample_world())
        aws.identity_center.settle_polls = 0  # it is done when a job looks first, though not at once
        addresses = {
            name: stack.enter_context(Server(app, port=ports.get(name, 0))).url
            for name, app in (("slack", slack.app), ("jira", jira.app), ("aws", aws.app))
        }
        slack.url = addresses["slack"]
        github = _github(workdir, installation, addresses)
        stack.callback(github.close)
        addresses["github"] = stack.enter_context(Server(github.app, port=ports.get("github", 0))).url
        github.serve_at(addresses["github"])
        environment = _environment(workdir, installation, addresses, slack, http=http)
        environment |= {"DATABASE_URL": database} if database else {}
        coordinator = Coordinator(environment, workdir / "coordinator.log")
        if http:
            slack.request_url = f"{coordinator.url}/slack/events"
        stack.callback(coordinator.kill)  # nobody needs what it would still finish
        if start:
            coordinator.start()
        yield Company(slack, jira, github, aws, coordinator, addresses, installation.bare)


def _github(workdir: Path, installation: Installation, addresses: dict[str, str]) -> GitHubStandIn:
    workspace = sample_workspace()
    runner = Runner(
        python=Path(sys.executable),
        environment={"AWS_ENDPOINT_URL": addresses["aws"], "PIP_NO_INDEX": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        secrets={"SLACK_BOT_TOKEN": workspace.bot_token, "JIRA_TOKEN": JIRA_TOKEN},
        variables={
            "SLACK_API_URL": f"{addresses['slack']}/api/",
            "JIRA_URL": addresses["jira"],
            "JIRA_PROJECT": "OPS",
            "COORDINATOR_LOGIN": COORDINATOR,
            "DRIFT_AGAIN_AFTER": "1s",
            "ALERT_CHANNEL": "C0ALERTS",
        },
        environments={name: Environment() for name in ("prod", "non-prod", "staging", "dev")},
    )
    permissions = dict.fromkeys(("contents", "actions", "pull-requests"), "write") | {"checks": "read"}
    personal = {"contents": "write", "actions": "read", "checks": "read", "pull-requests": "write"}
    people = {f"ghp_{login}": Token(login, personal) for login in PEOPLE}
    return GitHubStandIn(
        bare=installation.bare,
        repository=REPOSITORY,
        tokens={COORDINATOR_TOKEN: Token(COORDINATOR, permissions), **people},
        runner=runner,
        workdir=workdir / "github",
    )


def _environment(
    workdir: Path, installation: Installation, addresses: dict[str, str], slack: SlackStandIn, *, http: bool
) -> dict[str, str]:
    """Return the operator's interface, and nothing else of this machine."""
    workspace = slack.workspace
    home = workdir / "home"
    home.mkdir(exist_ok=True)
    key = workdir / "signing-key.pem"
    key.touch(mode=0o600)
    key.write_text(installation.signing_key)
    transport = (
        {"SLACK_SIGNING_SECRET": workspace.signing_secret} if http else {"SLACK_APP_TOKEN": workspace.app_token}
    )
    return {
        "HOME": str(home),
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_API_URL": f"{addresses['slack']}/api/",
        **transport,
        "JIRA_URL": addresses["jira"],
        "JIRA_TOKEN": JIRA_TOKEN,
        "JIRA_PROJECT": "OPS",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_API_URL": addresses["github"],
        "GITHUB_TOKEN": COORDINATOR_TOKEN,
        "DATABASE_URL": f"sqlite:///{workdir / 'journal.db'}",
        "COORDINATOR_SIGNING_KEY_FILE": str(key),
        "ALERT_CHANNEL": "C0ALERTS",
        "AUDIT_URL": f"file:{workdir / 'audit'}",
        "PORT": str(_free_port()),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
