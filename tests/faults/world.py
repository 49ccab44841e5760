"""One run: the coordinator's real service, worked step by step against the stand-ins, on a clock it moves.

Nothing sleeps and nothing runs beside the test's own thread but the servers of the stand-ins.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from actions.reporting import Channels
from coordinator.audit.trail import Trail
from coordinator.clients import Clients, connect
from coordinator.config import Config, read_config
from coordinator.essentials import Essentials
from coordinator.journal import Journal, OutcomeUnknown
from coordinator.lifecycle import Lane
from coordinator.reconciler import Hands, Reconciler
from coordinator.server import web_app
from coordinator.service import Service
from coordinator.worker import ANCHOR_EVERY, Worker
from sallyport.ids import ALPHABET
from sallyport.outcomes import Result
from sallyport.platforms.github import GitHub
from sallyport.platforms.jira import Jira
from sallyport.platforms.slack import Slack
from sandbox.aws import AwsStandIn, sample_world
from sandbox.aws.identity_center import Grant
from sandbox.company import COORDINATOR_TOKEN, JIRA_TOKEN, PEOPLE
from sandbox.github import GitHubStandIn, Runner, Token
from sandbox.jira import JiraStandIn, sample_site
from sandbox.slack import SlackStandIn, sample_workspace
from tests.faults.database import name_commits, tapped_store
from tests.faults.jobs import Executor
from tests.faults.later import Later
from tests.faults.premises import Files, Premises, fresh_journal
from tests.faults.real_jobs import JOBS_TOKEN, RealJobs
from tests.faults.sink import make_bucket, named_anchors, tapped_sink
from tests.faults.wire import REPOSITORY, Call, Died, Mishap, Wire

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RESTART = timedelta(seconds=10)  # what an orchestrator waits before it starts a dead process again
JOB = timedelta(seconds=40)  # how long a job takes
MOST_STEPS = 500  # several times what the longest run takes


class Differs(AssertionError):
    """A run ended otherwise than it should have, or not at all."""


@dataclass
class Replica:
    """One coordinator, in one process and without its threads; `refreshes` is what it does now and then."""

    service: Service
    worker: Worker
    clients: Clients
    afterwards: Later
    refreshes: list[Callable[[], None]]

    @property
    def reconciler(self) -> Reconciler:
        return self.worker.reconciler

    def repeats(self, _pause: timedelta, do: Callable[[], None], *, at_once: bool = False) -> None:
        """Remember what is done now and then; its faults end in the log."""
        self.refreshes.append(do)
        if at_once:
            with suppress(Exception):
                do()

    def close(self) -> None:
        """Close what a process has open, as its end does."""
        self.afterwards.forget()
        self.clients.jira.close()
        self.clients.github.close()
        self.service.journal._engine.dispose()


class World:
    """The stand-ins of one run, and the coordinator, which is started again whenever it has died."""

    def __init__(
        self,
        premises: Premises,
        *,
        applying: Result,
        jobs_tell: bool,
        jobs_are_real: bool = False,
        trail_in_bucket: bool = False,
        policies: Files = (),
        warm: bool = False,  # policies' files are known already
        patience: int | None = None,  # seconds that clients wait for an answer, if not those of the product
    ) -> None:
        self.base = premises.reset(policies)
        shutil.rmtree(premises.folder / "audit", ignore_errors=True)
        self.premises = premises
        self.now = START
        self.deaths: list[str] = []
        self.database = f"sqlite:///{fresh_journal(premises)}"
        self.slack = SlackStandIn(sample_workspace(), premises.app, clock=lambda: self.now.timestamp())
        self.jira = JiraStandIn(sample_site(), clock=lambda: self.now)
        self.runs = Later()
        self._jobs_end: datetime | None = None
        self.github = self._github()
        self.aws = AwsStandIn(sample_world(), clock=lambda: self.now)
        self.grants: list[str] = []  # what was given and taken in Identity Center, in order
        stand_ins = {"slack": self.slack, "jira": self.jira, "github": self.github, "aws": self.aws}
        for name, stand_in in stand_ins.items():
            premises.front[name].app = stand_in.app
        self._trail = make_bucket() if trail_in_bucket else f"file:{premises.folder / 'audit'}"
        for name, place in premises.back.items():
            place.app = stand_ins[name].app._app
        self.slack.url = premises.front["slack"].url
        self.slack.request_url = f"{premises.coordinator.url}/slack/events"
        self.wire = Wire(
            {place.port: name for name, place in premises.front.items()},
            {name: stand_in.faults for name, stand_in in stand_ins.items()},
            meanwhile=self._meanwhile,
        )
        self._applying, self._jobs_tell, self._warm, self._patience = applying, jobs_tell, warm, patience
        self.jobs_are_real = jobs_are_real
        self._replica: Replica | None = None
        self._stack = ExitStack()

    # -- the coordinator's life ---------------------------------------------------------------------------

    @property
    def replica(self) -> Replica:
        """The process that runs now; it is started if there is none, as often as it takes."""
        for _ in range(5):
            if self._replica is not None:
                return self._replica
            self._survive(self._start)
            if self._replica is None:
                self.now += RESTART
        raise AssertionError(f"the coordinator does not start: {self.deaths}")

    @property
    def journal(self) -> Journal:
        return self.replica.service.journal

    def _start(self) -> None:
        clients = connect(self._config())
        if self._patience is not None:
            clients.slack._web.timeout = self._patience
            clients.jira._session.timeout = self._patience
            clients.github._requester._Requester__timeout = self._patience
        try:
            with self.wire.during("start"), tapped_store(self.wire):
                replica = self._made(clients)
        except BaseException:
            clients.jira.close()
            clients.github.close()
            raise
        self._replica = replica
        self.premises.coordinator.app = web_app(replica.service)

    def _made(self, clients: Clients) -> Replica:
        config = self._config()
        essentials = Essentials(config, clients, lambda: self.now)
        service, worker = Service(essentials), Worker(essentials)
        replica = Replica(service, worker, clients, Later(), [])
        object.__setattr__(service.listeners.answering, "afterwards", replica.afterwards)
        if self._warm:  # what a file's sha names is always the same
            service.policies._blobs = dict(self.premises.blobs)
        worker.reconciler._hands = self._named(worker.reconciler._hands)
        name_commits(service.journal, self.wire, lambda death: self._dies(str(death)))
        try:
            with (
                patch.object(worker.reconciler, "start"),  # its threads; `work` does what they do
                patch.object(essentials, "every", replica.repeats),
            ):
                essentials.start()
                worker.start()
                service.start()
            self.premises.blobs.update(service.policies._blobs)
        except BaseException:
            replica.close()
            raise
        return replica

    def _survive(self, do: Callable[[], object]) -> None:
        """Do something in the coordinator's process; if it dies of it, all that it remembered is gone."""
        try:
            do()
        except Died as death:
            self._dies(str(death))
        except Exception as error:
            if self._replica is not None:  # only a start may end the process by an exception
                raise
            self._dies(f"{type(error).__name__}: {error}")

    def _dies(self, why: str) -> None:
        self.deaths.append(why)
        if self._replica is not None:
            self._replica.close()
        self._replica = None

    # -- its work, and time -------------------------------------------------------------------------------

    def refreshes(self) -> None:
        """Let the background refreshes come round once; their faults end in the log."""
        for number in range(len(self.replica.refreshes)):
            self._survive(lambda number=number: self._refresh(number))

    def _refresh(self, number: int) -> None:
        with self.wire.during("refresh"):
            try:
                self.replica.refreshes[number]()
            except Exception:
                return

    def anchors(self) -> None:
        """Let the look for today's anchor come round, as often as it takes until the sink has it."""
        for _ in range(20):
            self._survive(self._anchor)
            kept = Trail(self.journal).anchors()
            if kept and kept[-1].anchor.day == self.now.date().isoformat() and all(one.exported for one in kept):
                return
            self.now += ANCHOR_EVERY
        raise Differs("the sink never has its anchor")

    def _anchor(self) -> None:
        with self.wire.during("anchor"), suppress(Exception):  # its faults end in the log
            self.replica.worker.exporting.anchor()

    def catches_up(self) -> None:
        """Do everything that is due now."""
        for _ in range(MOST_STEPS):
            self._busy = False
            self._survive(self._afterwards)
            for lane in self._lanes():
                self._survive(lambda lane=lane: self._step(lane))
            if not self._busy:
                return
        raise Differs("the coordinator never comes to rest")

    def _lanes(self) -> list[Lane]:
        """Return the lanes that have something to do, or that wait for others."""
        due = {row.lane for row in self.journal.waiting() if max(row.due, row.leased_until) <= self.now}
        return [lane for lane in Lane if lane.value in due]

    def _afterwards(self) -> None:
        with self.wire.during("afterwards"):
            self._busy |= self.replica.afterwards.drain()

    def _step(self, lane: Lane) -> None:
        try:
            self._busy |= self.replica.reconciler.step(lane)
        except Died:
            self._busy = True
            raise
        except OutcomeUnknown:  # the worker logs it, and comes again
            self._busy = True

    def passes(self, until: datetime) -> None:
        """Let time pass, from one thing that is due to the next, among them the end of jobs."""
        for _ in range(MOST_STEPS):
            self.catches_up()
            if self._jobs_end and self.now >= self._jobs_end:
                self._jobs_end = None
                self.runs.drain()
                continue
            moments = [at for at in self._moments() if at > self.now]
            if not moments or min(moments) > until:
                self.now = max(self.now, until)
                return
            self.now = min(moments)
        raise Differs("the coordinator is never done")

    def _moments(self) -> list[datetime]:
        """Return when something becomes due. Looks that would be in vain are left out, to save time."""
        if self.runs:
            self._jobs_end = self._jobs_end or self.now + JOB
        rows = [row for row in self.journal.waiting() if not self._is_in_vain(row.kind)]
        ends = [self._jobs_end] if self._jobs_end else []
        asked_again = [silence.until for silence in self.journal.silences()]
        return [max(row.due, row.leased_until) for row in rows] + asked_again + ends

    def _is_in_vain(self, kind: str) -> bool:
        """Whether a look finds nothing new: a job is known to be at work, or nobody has reviewed what is open."""
        if kind == "confirm":
            return any(pull.is_open and not pull.reviews for pull in self.github._pulls.all())
        return bool(self.runs) and kind.startswith("watch")

    def _meanwhile(self) -> None:
        """A call is slow: seconds pass, in which this replica's other workers do whatever is due."""
        replica = self.replica
        self.now += timedelta(seconds=9)
        with self.wire.during("meanwhile"):
            for lane in Lane:
                replica.reconciler.step(lane)

    # -- how it is put together ---------------------------------------------------------------------------

    @contextmanager
    def begun(self) -> Iterator[World]:
        """Everything of the run, with ids, jitter and the clocks of the platforms under the test's control."""
        now = lambda: self.now  # noqa: E731 - it is given to many

        class Clock:
            @staticmethod
            def now(_zone: object) -> datetime:
                return now()

        with (
            patch("coordinator.journal.journal.new_id", self._next_id),
            patch("coordinator.hearing.random", random.Random(7)),
            patch("sandbox.github.runs.datetime", Clock),
            patch("sandbox.github.pulls.datetime", Clock),
            tapped_sink(self.wire),
            named_anchors(self.wire),
            patch.object(self.aws.identity_center, "_grant", self._changed("given", there=False)),
            patch.object(self.aws.identity_center, "_revoke", self._changed("taken", there=True)),
            self._real_jobs() if self.jobs_are_real else self._played_jobs(),
            self.wire.tapped(),
        ):
            try:
                yield self
            finally:
                if self._replica is not None:
                    self._replica.close()
                self.github.close()

    def _next_id(self, prefix: str) -> str:
        return f"{prefix}-22222{ALPHABET[len(self.journal.ids())]}"

    def _changed(self, how: str, *, there: bool) -> Callable[[Grant], None]:
        """Note a change that Identity Center makes, where it changes something."""
        center = self.aws.identity_center
        do = center._grant if how == "given" else center._revoke

        def noted(grant: Grant) -> None:
            if (grant in center.grants()) is there:
                self.grants.append(f"{how}: {grant.permission_set_arn} to {grant.principal_id} in {grant.account}")
            do(grant)

        return noted

    @contextmanager
    def _real_jobs(self) -> Iterator[None]:
        token = self.slack.workspace.bot_token
        jobs = RealJobs(self.premises, self.wire, token, self.deaths, lambda: self.now, self._waits)
        self.github._queue._execute = jobs
        yield

    def _waits(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @contextmanager
    def _played_jobs(self) -> Iterator[None]:
        back = {name: place.url for name, place in self.premises.back.items()}
        github = GitHub.connect(REPOSITORY, "main", JOBS_TOKEN, None, back["github"])
        jira = Jira.connect(back["jira"], JIRA_TOKEN, project="OPS")
        slack = Slack.connect(self.slack.workspace.bot_token, f"{back['slack']}/api/")
        channels = Channels(slack, jira, "C0ALERTS") if self._jobs_tell else Channels()
        self.github._queue._execute = Executor(
            self.github._git,
            github,
            channels,
            lambda: self.replica.service.policies.current(),
            lambda: self.now,
            self._applying,
        )
        try:
            yield
        finally:
            github.close()
            jira.close()

    def _github(self) -> GitHubStandIn:
        rights = dict.fromkeys(("contents", "actions", "pull-requests"), "write") | {"checks": "read"}
        jobs = {"contents": "write", "checks": "write"}
        stand_in = GitHubStandIn(
            bare=self.premises.bare,
            repository=REPOSITORY,
            tokens={
                COORDINATOR_TOKEN: Token("sallyport-bot", rights),
                JOBS_TOKEN: Token("github-actions[bot]", jobs, of_a_job=True),
                **{f"ghp_{login}": Token(login, {"pull-requests": "write"}) for login in PEOPLE},
            },
            runner=Runner(python=Path("unused")),
            workdir=self.premises.folder / "github",
        )
        stand_in.serve_at(self.premises.front["github"].url)
        stand_in._queue._pool = self.runs
        stand_in._triggers._ids = itertools.count(1001)
        return stand_in

    def _config(self) -> Config:
        front = {name: place.url for name, place in self.premises.front.items()}
        workspace = self.slack.workspace
        return read_config(
            {
                "SLACK_BOT_TOKEN": workspace.bot_token,
                "SLACK_SIGNING_SECRET": workspace.signing_secret,
                "SLACK_API_URL": f"{front['slack']}/api/",
                "JIRA_URL": front["jira"],
                "JIRA_TOKEN": JIRA_TOKEN,
                "JIRA_PROJECT": "OPS",
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_API_URL": front["github"],
                "GITHUB_TOKEN": COORDINATOR_TOKEN,
                "DATABASE_URL": self.database,
                "COORDINATOR_SIGNING_KEY": self.premises.signing_key,
                "ALERT_CHANNEL": "C0ALERTS",
                "AUDIT_URL": self._trail,
            }
        )

    def _named(self, hands: Hands) -> Hands:
        """The same hands, whose calls are named by the effect that they are for."""

        def single(do: Callable[..., object]) -> Callable[..., object]:
            def named(work: object, request: object) -> object:
                with self.wire.during(work.name):
                    return do(work, request)

            return named

        def batch(do: Callable[..., object]) -> Callable[..., object]:
            def named(jobs: object) -> object:
                with self.wire.during(jobs[0][0].name):
                    return do(jobs)

            return named

        return replace(
            hands,
            single={kind: single(do) for kind, do in hands.single.items()},
            batch={kind: batch(do) for kind, do in hands.batch.items()},
        )


__all__ = ["Call", "Mishap", "Replica", "World"]
