"""One strict fake for each thing a job talks to: GitHub's API, Slack, JIRA, and an AWS target with its executor.

A fake refuses what the real thing would refuse, and can be told to fail at a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actions.executors.protocol import Before, Claims, Plan, Step, Target, TargetFault, Verb
from sallyport.outcomes import CHECK_NAME, Outcome, load_outcomes
from sallyport.platforms.errors import PlatformError, Unknown
from sallyport.platforms.github import CheckRun, StaleHead
from sallyport.platforms.github_answers import ACTIONS, RunState
from sallyport.platforms.jira import Comment, Issue
from sallyport.platforms.slack import Posted
from sallyport.reviews import PullRequest, Review
from sallyport.times import utc_now
from tests.actions.repository import commit_on, git

if TYPE_CHECKING:
    from tests.actions.pulls import FakePulls

Hook = Callable[[], None]


@dataclass
class FakeGitHub:
    """`createCommitOnBranch` and check runs, on a real bare repository."""

    bare: Path
    pulls: FakePulls
    before_commit: list[Hook] = field(default_factory=list)  # each is run before one commit
    faults: list[PlatformError] = field(default_factory=list)  # each is raised instead of one commit
    check_faults: list[PlatformError] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    sweeps: list[RunState] = field(default_factory=list)  # the scheduled ones, newest first
    applying: list[RunState] = field(default_factory=list)  # those that apply a request, newest first
    run_faults: list[PlatformError] = field(default_factory=list)

    def commit(
        self,
        message_headline: str,
        message_body: str,
        additions: Mapping[str, bytes],
        deletions: Sequence[str],
        expected_head: str,
    ) -> str:
        assert additions or deletions
        assert not set(additions) & set(deletions)
        if self.before_commit:
            self.before_commit.pop(0)()
        if self.faults:
            raise self.faults.pop(0)
        if git(self.bare, "rev-parse", "main") != expected_head:
            raise StaleHead("GitHub", "commit", "is at another commit but expected this one")
        sha = commit_on(self.bare, f"{message_headline}\n\n{message_body}", additions, deletions)
        self.commits.append(message_headline)
        return sha

    def check_run(
        self,
        name: str,
        head_sha: str,
        external_id: str,
        conclusion: str,
        title: str,
        summary: str,
        text: str,
        details_url: str | None = None,
    ) -> int:
        if self.check_faults:
            raise self.check_faults.pop(0)
        assert len(summary.encode()) <= 65_535
        assert len(text.encode()) <= 65_535
        assert conclusion in {"success", "failure"}
        assert len(head_sha) == 40
        self.checks.append(
            {"name": name, "sha": head_sha, "external_id": external_id, "conclusion": conclusion, "title": title}
            | {"summary": summary, "text": text, "url": details_url}
        )
        return len(self.checks)

    def check_runs(self, head_sha: str, name: str) -> tuple[CheckRun, ...]:
        return tuple(
            CheckRun(
                c["external_id"], c["conclusion"], c["title"], c["summary"], c["text"], c["url"] or "", ACTIONS
            )
            for c in self.checks
            if (c["sha"], c["name"]) == (head_sha, name)
        )

    def runs_of(self, workflow: str, created_after: datetime, event: str = "") -> tuple[RunState, ...]:
        runs = {("expire.yml", "schedule"): self.sweeps, ("apply.yml", ""): self.applying}[workflow, event]
        if self.run_faults:
            raise self.run_faults.pop(0)
        return tuple(run for run in runs if run.created_at >= created_after)

    def pull_of_commit(self, sha: str) -> PullRequest | None:
        return self.pulls.pull_of_commit(sha)

    def reviews(self, number: int) -> tuple[Review, ...]:
        return self.pulls.reviews(number)

    def tree(self, sha: str, path: str) -> dict[str, str]:
        return self.pulls.tree(sha, path)

    def file(self, path: str, ref: str) -> bytes | None:
        return self.pulls.file(path, ref)

    def put_comment(self, number: int, marker: str, body: str) -> str:
        return self.pulls.put_comment(number, marker, body)

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What the coordinator reads."""
        ours = (check for check in self.checks if check["name"] == CHECK_NAME)
        return {o.request_id: o for check in ours for o in load_outcomes(check["text"])}


@dataclass
class FakeSlack:
    """Messages by channel and thread; a section of more than 3,000 characters is refused, as by Slack."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    updates: list[tuple[str, str, str]] = field(default_factory=list)  # channel, ts and the new text
    faults: list[PlatformError] = field(default_factory=list)
    link_faults: list[PlatformError] = field(default_factory=list)
    clock: Callable[[], datetime] = utc_now

    def find(
        self, channel: str, marker: str, thread_ts: str | None = None, oldest: str | None = None
    ) -> Posted | None:
        assert thread_ts or oldest, "a channel may hold more messages than anybody reads"
        for post in self.posts:
            place = (post["channel"], post["thread_ts"], post["marker"])
            if place == (channel, thread_ts, marker) and post["at"] >= float(oldest or 0):
                return Posted(channel, "1")
        return None

    def post(
        self,
        channel: str,
        text: str,
        *,
        marker: str,
        blocks: Sequence[Mapping[str, Any]] = (),
        thread_ts: str | None = None,
    ) -> Posted:
        if self.faults:
            raise self.faults.pop(0)
        for block in blocks:
            texts = [block["text"]] if "text" in block else block["elements"]
            assert all(0 < len(one["text"]) <= 3000 for one in texts)
        self.posts.append(
            {
                "channel": channel,
                "text": text,
                "marker": marker,
                "blocks": blocks,
                "thread_ts": thread_ts,
                "at": self.clock().timestamp(),
            }
        )
        return Posted(channel, str(len(self.posts)))

    def update(
        self,
        channel: str,
        ts: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]] = (),
        *,
        marker: str | None = None,
    ) -> Posted:
        if self.faults:
            raise self.faults.pop(0)
        self.updates.append((channel, ts, text))
        return Posted(channel, ts)

    def permalink(self, channel: str, ts: str) -> str:
        if self.link_faults:
            raise self.link_faults.pop(0)
        return f"https://acme.slack.example/archives/{channel}/p{ts.replace('.', '')}"

    def said(self, channel: str) -> str:
        return "\n".join(post["text"] for post in self.posts if post["channel"] == channel)


@dataclass
class FakeJira:
    """Tickets with their labels, links, statuses and comments."""

    by_ticket: dict[str, list[str]] = field(default_factory=dict)
    faults: list[PlatformError] = field(default_factory=list)
    create_faults: list[PlatformError] = field(default_factory=list)  # each is raised instead of a ticket
    lost_answers: int = 0  # of creations that were made
    search_lag: float = 0.0  # seconds until a search shows a ticket
    waited: Callable[[], float] = lambda: 0.0  # seconds that the job has waited so far
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def url_of(self, key: str) -> str:
        return f"https://jira.example/browse/{key}"

    def find_by_label(self, project: str, label: str) -> tuple[str, ...]:
        assert project == "OPS"
        shown = self.waited() - self.search_lag
        return tuple(k for k, one in self.tickets.items() if label in one["labels"] and one["opened"] <= shown)

    def create_issue(
        self,
        project: str,
        issue_type: str,
        summary: str,
        description: str,
        labels: Sequence[str],
        properties: Mapping[str, Any],
    ) -> str:
        if self.create_faults:
            raise self.create_faults.pop(0)
        assert len(summary) <= 255
        assert not any(" " in label for label in labels)
        key = f"{project}-{901 + len(self.tickets)}"
        facts = {"type": issue_type, "summary": summary, "description": description, "status": "Open"}
        self.tickets[key] = facts | {"labels": list(labels), "properties": properties, "opened": self.waited()}
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unknown("JIRA", "open a ticket", "timed out")
        return key

    def link(self, key: str, url: str, title: str, global_id: str) -> None:
        assert title
        assert global_id
        self.links[key] = url

    def issue(self, key: str) -> Issue:
        return Issue(key, self.tickets[key]["status"], "new", None, tuple(self.tickets[key]["labels"]))

    def move(self, key: str, status: str, resolution: str | None = None) -> None:
        self.tickets[key]["status"] = status

    def comments(self, key: str) -> tuple[Comment, ...]:
        return tuple(
            Comment(str(n), body, datetime.now(UTC)) for n, body in enumerate(self.by_ticket.get(key, []))
        )

    def add_comment(self, key: str, body: str) -> str:
        if self.faults:
            raise self.faults.pop(0)
        self.by_ticket.setdefault(key, []).append(body)
        return str(len(self.by_ticket[key]))


@dataclass(frozen=True)
class Seen:
    """What the fake target has: what is drafted, and what of it is published."""

    drafted: frozenset[str]
    live: frozenset[str]


@dataclass
class FakeAws:
    """Targets by lock. A write replaces the draft whole, as a resource policy does, and is then published."""

    drafted: dict[str, frozenset[str]] = field(default_factory=dict)
    live: dict[str, frozenset[str]] = field(default_factory=dict)
    strange: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by lock: what is there and not ours
    standing: set[str] = field(default_factory=set)  # ids whose change somebody had before
    refuses: dict[str, str] = field(default_factory=dict)  # ids that the target says no to
    before_write: list[Hook] = field(default_factory=list)
    between: list[Hook] = field(default_factory=list)  # after the draft, before it is published
    losing: int = 0  # answers to writes that are done and never heard
    away: bool = False  # gives no answer to anything
    no_role: bool = False  # gave the job no role either
    mute: bool = False  # never does nor answers a write
    deaf: bool = False  # takes writes and does nothing
    restore_fault: str = ""
    observe_faults: dict[str, str] = field(default_factory=dict)  # by lock
    writes: list[str] = field(default_factory=list)
    observations: int = 0
    wants_before: bool = False
    untidy: str = ""
    words: str = "Open for"  # how a creation is said
    tidied: list[str] = field(default_factory=list)

    def seen(self, lock: str) -> Seen:
        return Seen(self.drafted.get(lock, frozenset()), self.live.get(lock, frozenset()))

    def write(self, lock: str, wanted: frozenset[str]) -> None:
        if self.before_write:
            self.before_write.pop(0)()
        self.writes.append(lock)
        if self.mute:
            raise TargetFault("AWS did not answer UpdateRestApi.", passing=True)
        if self.deaf:
            return
        self.drafted[lock] = wanted
        if self.between:
            self.between.pop(0)()
        self.live[lock] = wanted
        if self.losing:
            self.losing -= 1
            raise TargetFault("AWS did not answer UpdateRestApi.", passing=True)


@dataclass
class FakeExecutor:
    aws: FakeAws
    targets: tuple[Target, ...] = ()
    width: int = 1

    @property
    def records(self) -> bool:
        return self.aws.wants_before

    def managed_targets(self) -> tuple[Target, ...]:
        return self.targets

    def observe(self, target: Target, claims: Claims) -> Seen:
        self.aws.observations += 1
        if self.aws.away:
            raise TargetFault("AWS did not answer GetRestApi.", passing=True, beyond=self.aws.no_role)
        if target.lock in self.aws.observe_faults:
            raise TargetFault(self.aws.observe_faults[target.lock])
        return self.aws.seen(target.lock)

    def plan(self, target: Target, state: Seen, claims: Claims) -> Plan[Seen]:
        known = (*claims.live, *claims.ended)
        refused = {entry.id: self.aws.refuses[entry.id] for entry in known if entry.id in self.aws.refuses}
        wanted = frozenset(entry.id for entry in claims.live) - refused.keys()
        creates = [Step(Verb.CREATE, f"{self.aws.words} {one}.", (one,)) for one in sorted(wanted - state.live)]
        removes = [Step(Verb.REMOVE, f"Close {one}.", (one,)) for one in sorted(state.live - wanted)]
        if state.drafted != state.live and not creates and not removes:
            creates = [Step(Verb.CREATE, "Publish.", tuple(sorted(wanted)))]
        before: tuple[Before, ...] = ()
        if self.aws.wants_before:
            fresh = sorted(wanted - claims.before.keys())
            before = tuple(Before(one, {target.lock: {"was": one in self.aws.standing}}) for one in fresh)
        return Plan(
            target,
            state,
            Seen(wanted, wanted),
            (*creates, *removes),
            unchanged=wanted & state.live,
            refusals=refused,
            before=before,
            facts=(f"{len(wanted)} statements",),
        )

    def apply(self, plan: Plan[Seen], reference: str) -> tuple[str, ...]:
        assert reference
        self.aws.write(plan.target.lock, plan.wanted.live)
        return (f"deployment {len(self.aws.writes)}",)

    def restore(self, plan: Plan[Seen], reference: str) -> tuple[str, ...]:
        if self.aws.restore_fault:
            raise TargetFault(self.aws.restore_fault)
        self.aws.drafted[plan.target.lock] = plan.observed.drafted
        self.aws.live[plan.target.lock] = plan.observed.live
        return ("restored",)

    def evidence(self, state: Seen, claims: Claims) -> Sequence[str]:
        return (f"live: {', '.join(sorted(state.live)) or 'nothing'}",)

    def strangers(self, target: Target, claims: Claims) -> tuple[str, ...]:
        return self.aws.strange.get(target.lock, ())

    def housekeeping(self, target: Target, claims: Claims) -> tuple[str, ...]:
        if self.aws.untidy:
            raise TargetFault(self.aws.untidy)
        self.aws.tidied.append(target.lock)
        return ("tidied",)
