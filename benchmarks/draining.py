"""A thousand requests that are submitted and approved in one minute: how they drain to GitHub within its limits.

On a clock of its own: GitHub answers at once, and a job takes a minute. What counts is how many calls that create
content any minute and any hour sees, in which order entries are committed and jobs started, and until when.
Run by hand: python -m benchmarks.draining [--requests 1000]
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import click
import structlog

from benchmarks.waiting import ask
from coordinator.head import Head
from coordinator.journal import Journal, open_store
from coordinator.lifecycle import Happening, Lane, Move
from coordinator.outside.awaiting import Awaiting
from coordinator.outside.commits import Commits
from coordinator.outside.runs import Runs
from coordinator.outside.watching import Watching
from coordinator.reconciler import Hands, Reconciler
from coordinator.requests import Answer, Decision, State
from sallyport.attestations import Signer, new_key_pair, read_signer
from sallyport.audit import Deed
from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.sources import parse_source
from sallyport.outcomes import CHECK_NAME, Outcome, Result, dump_outcomes
from sallyport.platforms.github_answers import ACTIONS, CheckRun, Run, RunState
from sallyport.policies import Policies, load_policies, read_folder
from sallyport.times import utc_now
from sandbox.installation import PRODUCT

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
JOB_TAKES = MINUTE
ANYWHERE = parse_source("198.51.100.10/32")
LONGEST = HOUR
KINDS = ("commit", "dispatch")
APIS = ("payments", "orders")  # two targets, and a third where a request is for access
_REQUEST = re.compile(r"^Request-Id: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Creation:
    """A call that created content, with the requests that it was for, in its order."""

    at: datetime
    what: str
    ids: tuple[str, ...]


@dataclass(slots=True)
class GitHub:
    """As much of GitHub as commits and jobs need; a job says of each request named to it that it is live."""

    now: datetime
    created: list[Creation] = field(default_factory=list)

    def head(self) -> str:
        return f"{len(self.created):040x}"

    def commit(self, _headline: str, body: str, *_rest: object) -> str:
        self.created.append(Creation(self.now, "commit", tuple(_REQUEST.findall(body))))
        return self.head()

    def dispatch(self, _workflow: str, inputs: Mapping[str, str]) -> Run:
        ids = (inputs["request_id"], *inputs.get("also", "").split())
        self.created.append(Creation(self.now, "dispatch", ids))
        return Run(len(self.created), "url", "url")

    def run(self, number: int) -> RunState:
        begun = self.created[number - 1].at
        over = self.now >= begun + JOB_TAKES
        status, conclusion = ("completed", "success") if over else ("in_progress", None)
        return RunState(number, "url", status, conclusion, str(number), begun)

    def check_runs(self, head_sha: str, _name: str) -> tuple[CheckRun, ...]:
        ids = self.created[int(head_sha) - 1].ids
        text = dump_outcomes([Outcome(one, Result.APPLIED, "It is live.", self.now) for one in ids])
        return (CheckRun(head_sha, "success", CHECK_NAME, "", text, "", ACTIONS),)

    def html_url_of_commit(self, sha: str) -> str:
        return sha


@dataclass(frozen=True, slots=True)
class Course:
    """How it went: the requests in the order of their approval, the calls, and when the last job was started."""

    asked: Sequence[str]
    created: Sequence[Creation]
    took: timedelta

    def most_in_any(self, span: timedelta) -> int:
        """Return the most calls that any such time has seen."""
        moments = [call.at for call in self.created]
        return max(sum(at <= other < at + span for other in moments) for at in moments)

    def order_of(self, what: str) -> list[str]:
        """Return the requests in the order in which they were committed, or jobs started for them."""
        return [one for call in self.created if call.what == what for one in call.ids]


def drain(journal: Journal, policies: Policies, signer: Signer, count: int) -> Course:
    """Submit and approve *count* requests in a minute, and work until all are live.

    RuntimeError if they never are.
    """
    begun = utc_now().replace(microsecond=0)
    github = GitHub(begun)
    reconciler = _reconciler(journal, policies, signer, github)
    asked: list[str] = []
    while github.now < begun + LONGEST:
        while len(asked) < count and len(asked) < count * (github.now - begun + SECOND) / MINUTE:
            asked.append(_approved(journal, len(asked), github.now + len(asked) * timedelta.resolution))
        for lane in (Lane.COMMIT, Lane.DISPATCH):
            _work(reconciler, lane)
        if len(asked) == count and not any(row.kind in KINDS for row in journal.waiting()):
            took = github.now - begun
            github.now += JOB_TAKES
            _work(reconciler, Lane.RUNS)
            return Course(asked, github.created, took)
        github.now += SECOND
    raise RuntimeError("it does not drain")


def _work(reconciler: Reconciler, lane: Lane) -> None:
    while reconciler.step(lane):
        pass


def _approved(journal: Journal, number: int, now: datetime) -> str:
    different = replace(ask(number), submitted_at=now)
    if number % 3:
        change = ApiWhitelisting(APIS[number % 3 - 1], "live", "POST", f"/v1/{number}", ANYWHERE)
        different = replace(different, flow="api-whitelisting", prefix="aw", changes=(change,))
    decision = Decision("lee@example.com", Answer.APPROVE, now)
    approved = Move(Happening(Deed.APPROVED, now, decision.by), State.APPROVED, expires_at=now + 8 * HOUR)
    return journal.decide(journal.submit(different).id, decision, lambda _: approved).id


def _reconciler(journal: Journal, policies: Policies, signer: Signer, github: GitHub) -> Reconciler:
    client, now = cast(Any, github), lambda: github.now
    head = Head(client)
    commits = Commits(client, lambda: signer, lambda: policies, now, head)
    watching, awaiting = Watching(client, now), Awaiting(journal, now)
    runs = Runs(client, lambda: policies, now, lambda *_: None, head, watching, awaiting)
    hands = Hands(
        {"watch": runs.watch},
        {"commit": commits.commit, "dispatch": runs.dispatch},
        lambda about, sentence: click.echo(f"{about}: {sentence}"),
        {"dispatch": runs.place},
    )
    return Reconciler(journal, hands, now)


@click.command()
@click.option("--requests", default=1000, type=click.IntRange(1, 5000))
def main(requests: int) -> None:
    """Say what any minute and hour saw, and when all was live."""
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    private, public = new_key_pair()
    policies = load_policies({**read_folder(PRODUCT / "policies"), "keys/bench.pem": public.encode()}, "bench")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        journal = Journal(open_store(f"sqlite:///{folder}/journal.db"))
        course = drain(journal, policies, read_signer(private, policies.keys), requests)
    for what in ("commit", "dispatch"):
        calls = [call for call in course.created if call.what == what]
        in_order = all(list(call.ids) == sorted(call.ids, key=course.asked.index) for call in calls)
        click.echo(f"{what}: {len(calls)} calls for {requests} requests; each in order of time: {in_order}")
    most = f"{course.most_in_any(MINUTE)} calls in a minute, {course.most_in_any(HOUR)} in an hour"
    click.echo(
        f"at most {most}; the last job was started {course.took.total_seconds():.0f} s after the first was asked"
    )


if __name__ == "__main__":
    main()
