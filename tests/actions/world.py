"""A repository with the sample policies and a signing key, people who ask, and jobs that run in fresh clones."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from actions.commands import apply, due, expire, merged, plan, record, target
from actions.job import Job, Run
from actions.pushes import Push
from actions.reporting import Channels
from actions.runner import Runner
from actions.snapshot import take
from actions.tickets import Tickets
from actions.workspace import Workspace
from sallyport.attestations import Signer, new_key_pair, read_public_key, read_signer
from sallyport.catalogue import Catalogue
from sallyport.changes import Change
from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.prod_access import ProdAccess
from sallyport.changes.sources import Source, SourceKind
from sallyport.entries import Approval, Entry, Thread
from sallyport.platforms.github_answers import RunState
from sallyport.policies import read_folder
from tests.actions.fakes import FakeAws, FakeExecutor, FakeGitHub, FakeJira, FakeSlack
from tests.actions.pulls import MERGE, FakePulls
from tests.actions.repository import commit_on, git

NOW = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
PAYMENTS = "apigateway/222222222222/eu-west-1/a1payments"
ORDERS = "apigateway/222222222222/eu-west-1/a1orders"
PROD_ROLE = "arn:aws:iam::222222222222:role/sallyport-apply"
POLICIES = Path(__file__).parents[2] / "policies"
ALERTS = "C0ALERTS"


def whitelisting(api: str = "payments", path: str = "/v1/charges", address: str = "198.51.100.10/32") -> Change:
    return ApiWhitelisting(api, "live", "POST", path, Source(SourceKind.CIDR, (address,)))


def prod_access() -> Change:
    return ProdAccess("prod-main", "ProdReadOnly")


@dataclass
class World:
    """Everything around a job. `now` is the clock of all jobs; each job gets a fresh clone."""

    folder: Path
    now: datetime = NOW
    aws: FakeAws = field(default_factory=FakeAws)
    slack: FakeSlack = field(default_factory=FakeSlack)
    jira: FakeJira = field(default_factory=FakeJira)
    pauses: list[float] = field(default_factory=list)
    run_id: int = 100

    def __post_init__(self) -> None:
        self.bare = self.folder / "acme.git"
        self.bare.mkdir()
        git(self.bare, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        private, public = new_key_pair()
        self.public = public
        self.signer = read_signer(private, {"2026-11": read_public_key(public.encode())})
        files = {f"policies/{path}": content for path, content in read_folder(POLICIES).items()}
        files["policies/keys/2026-11.pem"] = public.encode()
        files |= {f"requests/{flow}/.gitkeep": b"" for flow in ("api-whitelisting", "infra-stop", "prod-access")}
        self.commit("Begin", {p: c for p, c in files.items() if not p.endswith("/keys/.gitkeep")})
        self.slack.clock = lambda: self.now
        self.jira.waited = lambda: sum(self.pauses)
        self.pulls = FakePulls(self.bare, lambda: self.now)
        self.github = FakeGitHub(self.bare, self.pulls)

    # The repository

    def commit(self, message: str, additions: dict[str, bytes], deletions: Sequence[str] = ()) -> str:
        return commit_on(self.bare, message, additions, deletions)

    def entry(self, entry_id: str = "aw-7k3m9q", signer: Signer | None = None, **facts: Any) -> Entry:
        """An approved entry of ana's, for an hour, signed by the coordinator."""
        flow = "prod-access" if entry_id.startswith("pa") else "api-whitelisting"
        made = Entry(
            id=entry_id,
            flow=flow,
            environment="prod",
            requested_by="ana@example.com",
            reason="Partner go-live, contract 4711",
            expires_at=self.now + timedelta(hours=1),
            changes=(prod_access() if flow == "prod-access" else whitelisting(),),
            approvals=(Approval("lee@example.com", self.now - timedelta(minutes=1), "slack"),),
            asked="lee@example.com" if flow == "api-whitelisting" else "",
            ticket="OPS-142",
            thread=Thread("C0INFRA", "1732180364.000200"),
        )
        return (signer or self.signer).sign(replace(made, **facts))

    def add(self, *entries: Entry) -> str:
        """Commit entries as the coordinator does; return the commit."""
        return self.commit("Apply", {entry.path: entry.to_yaml().encode() for entry in entries})

    def written(self, entry_id: str = "aw-7k3m9q", *, expires_in: str = "", **facts: Any) -> dict[str, bytes]:
        """The file of an entry as a person writes it into a pull request: nobody has approved it yet."""
        bare = {"approvals": (), "asked": "", "ticket": None, "thread": None}
        made = replace(self.entry(entry_id, **(bare | facts)), attestation=None)
        text = made.to_yaml().replace("ticket: null\n", "").replace("approvals: []\n", "")
        if expires_in:
            text = re.sub("expires_at: .*", f"expires_in: {expires_in}", text)
        return {made.path: text.encode()}

    def land(self, *files: dict[str, bytes], how: str = MERGE, by: str = "leewong", **facts: Any) -> str:
        """Open a pull request of ana's, have it approved, and merge it; return main's new head."""
        pull = self.pulls.open(*files, **facts)
        self.pulls.review(pull, by)
        return self.pulls.merge(pull, how)

    @property
    def files(self) -> set[str]:
        """What stands below requests/ on main."""
        listed = git(self.bare, "ls-tree", "-r", "--name-only", "main", "requests/").split("\n")
        return {path for path in listed if not path.endswith(".gitkeep")}

    # Jobs

    def job(self, run_id: str | None = None, branch: str = "main") -> Job:
        self.run_id += 1
        clone = self.folder / f"job-{self.run_id}"
        git(self.folder, "clone", "--quiet", f"--branch={branch}", str(self.bare), str(clone))
        sha = git(clone, "rev-parse", "HEAD")
        return Job(
            workspace=Workspace(clone, pause=self.pauses.append),
            runner=Runner(self.folder / "output", self.folder / "summary", annotates=True),
            run=Run(run_id or str(self.run_id), f"https://github.example/runs/{self.run_id}", sha),
            github=cast(Any, self.github),
            channels=Channels(cast(Any, self.slack), cast(Any, self.jira), ALERTS),
            make_executor=lambda _flow, _policies: FakeExecutor(self.aws),
            clock=lambda: self.now,
            pause=self.pauses.append,
            tickets=Tickets(cast(Any, self.jira), "OPS", self.pauses.append),
        )

    def push(self, before: str, after: str) -> int:
        """Run what a push starts: the first look, and a job for each role that has something to do."""
        (self.folder / "output").unlink(missing_ok=True)
        push = Push(before, after)
        codes = [record.run(self.job(), push)]
        for access in json.loads(self.outputs["accesses"]):
            share = expire.Share(access["environment"], access["role"])
            codes.append(merged.run(self.job(), push, share))
        return max(codes)

    def read(self, path: str) -> str:
        """Return a file of main."""
        return git(self.bare, "show", f"main:{path}") + "\n"

    @property
    def head(self) -> str:
        return git(self.bare, "rev-parse", "main")

    def apply(self, entry: Entry, at: str, *, run_id: str | None = None, **wrong: Any) -> int:
        lock = entry.changes[0].lock(entry.environment, self.catalogue)
        order = apply.Order(**{"request_id": entry.id, "commit": at, "environment": "prod", "lock": lock} | wrong)
        job = self.job(run_id)
        self.github.applying.insert(0, self.listed(job))
        return apply.run(job, order)

    def expire(self, role: str = PROD_ROLE, environment: str = "prod", *ids: str) -> int:
        return expire.run(self.job(), expire.Share(environment, role, ids))

    def sweep(self) -> int:
        """Run a scheduled sweep, which GitHub lists from then on."""
        job = self.job()
        self.github.sweeps.insert(0, self.listed(job))
        return expire.run(job, expire.Share("prod", PROD_ROLE))

    def listed(self, job: Job) -> RunState:
        """What GitHub lists of a job's run once it is over."""
        return RunState(int(job.run.id), job.run.url, "completed", "failure", job.sha, self.now)

    def due(self, *ids: str) -> dict[str, str]:
        (self.folder / "output").unlink(missing_ok=True)
        assert due.run(self.job(), ids) == 0
        return self.outputs

    def target(self, entry_id: str, commit: str) -> dict[str, str]:
        (self.folder / "output").unlink(missing_ok=True)
        assert target.run(self.job(), entry_id, commit) == 0
        return self.outputs

    def plan(self, *ids: str) -> int:
        return plan.run(self.job(), ids)

    @property
    def outputs(self) -> dict[str, str]:
        lines = (self.folder / "output").read_text().split("\n")
        return {name.partition("<<")[0]: value for name, value in zip(lines[::3], lines[1::3], strict=False)}

    @property
    def summary(self) -> str:
        return (self.folder / "summary").read_text()

    @property
    def catalogue(self) -> Catalogue:
        """What main's policies name."""
        return _catalogue(self.bare, git(self.bare, "rev-parse", "main:policies"))

    def live(self, lock: str = PAYMENTS) -> frozenset[str]:
        return self.aws.live.get(lock, frozenset())


@lru_cache(maxsize=8)
def _catalogue(bare: Path, _tree: str) -> Catalogue:
    """Read it once for each *_tree* of policies that main has: a job's clone for every question takes long."""
    return take(Workspace(bare), "main").policies.catalogue
