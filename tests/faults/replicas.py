"""Two coordinators on one PostgreSQL that are killed over and over while people ask and decide.

Everything is real but the platforms, which are the sandbox's stand-ins, and the jobs, which are played.
A long one by hand: python -m tests.faults.replicas [--seconds 180] [--seed 1] [--rate 1]
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from actions.reporting import Channels
from coordinator.journal import Journal, open_store
from coordinator.outside.tickets import label_of
from coordinator.requests import State
from sallyport.audit import breaks
from sallyport.platforms.github import GitHub
from sallyport.policies import load_policies, read_folder
from sallyport.times import utc_now
from sandbox.company import REPOSITORY, Company, Coordinator, _free_port, open_company
from sandbox.github import Token
from sandbox.github.accounts import JOBS_LOGIN
from sandbox.github.runs import Run
from sandbox.slack.delivery import signature
from tests.coordinator.postgres import open_postgres
from tests.faults.jobs import Executor
from tests.faults.real_jobs import JOBS_TOKEN
from tests.faults.story import last_line, marker_of

SHORT_LEASE = 15  # seconds; on loopback no call takes that long, and the test would wait for the real one
PATIENCE = 240.0  # seconds until everything must have come to its end after the last kill
KINDS = ("all", "worker", "deploy")
FINAL = {State.ACTIVE, State.DENIED}


@dataclass
class Pair:
    """Two replicas and what is around them."""

    company: Company
    replicas: list[Coordinator]
    database: str
    dice: random.Random
    answers: dict[str, str] = field(default_factory=dict)  # to what was asked: "Approve" or "Deny", by its reason
    kills: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)

    # -- people -------------------------------------------------------------------------------------------

    def ask(self, number: int) -> None:
        """Send a form, and again, as Slack's client does for a person who tries again, until it was taken."""
        reason = f"load-{number:04}-end"
        self.answers[reason] = "Deny" if number % 4 == 3 else "Approve"
        body = urllib.parse.urlencode({"payload": json.dumps(_form(number, reason))}).encode()
        while not self._post(body):
            time.sleep(0.2)

    def _post(self, body: bytes) -> bool:
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(self.company.slack.workspace.signing_secret, stamp, body),
        }
        url = f"{self.dice.choice(self.replicas).url}/slack/events"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=3) as answer:
                said = answer.read()
        except OSError:
            return False
        assert b"errors" not in said or b"not answer" in said or b"database" in said.lower(), said
        return said == b""

    def decide(self) -> None:
        """Lee goes through the cards, and answers each one that has buttons left."""
        for card in self.company.slack.person("lee").messages():
            if self._stop.is_set():
                return
            reason = next((one for one in list(self.answers) if card.shows(one)), "")
            wanted = self.answers.get(reason, "")
            button = next((label for label in card.buttons if label.startswith(wanted)), "") if wanted else ""
            if not button:
                continue
            self.company.slack.request_url = f"{self.dice.choice(self.replicas).url}/slack/events"
            with suppress(AssertionError):  # it may have changed while we looked
                if card.press(button).ok and wanted == "Deny":
                    self._deny()

    def _deny(self) -> None:
        form = self.company.slack.person("lee").waits_for_form("Deny", timeout=2)
        form.fill("Reason", "Not today")
        form.submit()

    # -- what befalls the replicas ------------------------------------------------------------------------

    def befall(self) -> None:
        """Kill one of the two: all of it, its worker alone, or by a deploy in good order; and start it again."""
        replica = self.dice.choice(self.replicas)
        how = self.dice.choice([one for one in KINDS if not self.kills[one]] or KINDS)
        self.kills[how] += 1
        if how == "worker":
            for pid in _children(replica):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        if how == "all":
            replica.kill()
        else:
            replica.stop()
        _start(replica)

    # -- a run --------------------------------------------------------------------------------------------

    def run(self, seconds: float, rate: float) -> None:
        """Let people ask and decide for that long while replicas die, and wait until all has come to its end."""
        end = time.monotonic() + seconds
        asking = threading.Thread(target=self._asking, args=(end, rate))
        deciding = threading.Thread(target=self._deciding)
        asking.start()
        deciding.start()
        try:
            while time.monotonic() < end or len(self.kills) < len(KINDS):
                time.sleep(self.dice.uniform(1.0, 4.0))
                self.befall()
            asking.join(PATIENCE)
            self._settle()
        finally:
            self._stop.set()
            deciding.join(30)

    def _asking(self, end: float, rate: float) -> None:
        number = 0
        while time.monotonic() < end:
            self.ask(number)
            number += 1
            time.sleep(1 / rate)

    def _deciding(self) -> None:
        while not self._stop.wait(0.5):
            self.decide()

    def _settle(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while open_ends := list(self._open_ends()):
            assert time.monotonic() < deadline, f"after {PATIENCE:.0f} s there still is: {open_ends[:20]}"
            time.sleep(1)

    def _open_ends(self) -> Iterator[str]:
        with self.journal() as journal:
            found = [journal.request(one) for one in journal.ids()]
            yield from (f"{one.id} {one.state}" for one in found if one.state not in FINAL)
            now = utc_now()
            yield from (f"{r.request_id}:{r.name} {r.error}" for r in journal.waiting() if r.due <= now)
        yield from (
            f"run {run.name} {run.status}" for run in self.company.github.runs if run.status != "completed"
        )

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """Look at the journal as a third process would."""
        engine = open_store(self.database)
        try:
            yield Journal(engine)
        finally:
            engine.dispose()

    # -- what must be so ----------------------------------------------------------------------------------

    def faults(self) -> list[str]:
        """Return what is not as if nothing had befallen anybody: nothing lost, nothing twice."""
        return list(self._faults())

    def _faults(self) -> Iterator[str]:
        company = self.company
        markers = Counter(map(marker_of, (m for m in company.slack.world.state.messages if not m.deleted)))
        yield from (
            f"{count} messages {marker}" for marker, count in markers.items() if count > 1 and ":" in marker
        )
        git = company.github._git
        messages = [commit.message for commit in git.log(git.head("main") or "", limit=10_000)]
        with self.journal() as journal:
            found = {one.reason: one for one in (journal.request(request_id) for request_id in journal.ids())}
            if len(journal.ids()) != len(self.answers) or set(found) != set(self.answers):
                yield f"{len(journal.ids())} requests for {len(self.answers)} forms"
            for reason, request in found.items():
                approved = self.answers[reason] == "Approve"
                expected = State.ACTIVE if approved else State.DENIED
                commits = sum(f"Request-Id: {request.id}" in message for message in messages)
                runs = sum(request.id in _asked_for_by(run) for run in company.github.runs)
                issues = [one for one in company.jira.issues if label_of(request.id) in one.labels]
                comments = Counter(last_line(comment.body) for issue in issues for comment in issue.comments)
                cards = markers[f"{request.id}:card:U0LEE"]
                counted = (request.state, commits, runs, len(issues), cards, markers[f"{request.id}:thread"])
                if counted != (expected, int(approved), int(approved), 1, 1, 1):
                    yield f"{request.id}: {counted}"
                yield from (f"{request.id}: {count} comments {c}" for c, count in comments.items() if count > 1)
                facts = journal.facts(request.id)
                if len(comments) != len(facts) - 1:
                    yield f"{request.id}: {len(comments)} comments on {len(facts)} facts"
                yield from (f"{request.id}: {sentence}" for sentence in breaks(facts))


def _asked_for_by(run: Run) -> list[str]:
    """Return the requests that a run of apply.yml is for: approvals of one moment share one."""
    if not run.name.startswith("apply "):
        return []
    return [run.inputs["request_id"], *run.inputs.get("also", "").split()]


@contextmanager
def open_pair(folder: Path, database: str, seed: int, *, lease: int | None = None) -> Iterator[Pair]:
    """Start two replicas on *database*; a *lease* in seconds takes the place of the product's own."""
    with open_company(folder, http=True, start=False) as company:
        _play_the_jobs(company, folder)
        common = {**company.coordinator._environment, "DATABASE_URL": database}
        if lease is not None:
            common["PYTHONPATH"] = f"{_shortened(folder, lease)}:{common['PYTHONPATH']}"
        replicas = [
            Coordinator({**common, "PORT": str(_free_port())}, folder / f"replica-{number}.log")
            for number in (1, 2)
        ]
        try:
            for replica in replicas:
                replica.start()
            yield Pair(company, replicas, database, random.Random(seed))
        finally:
            for replica in replicas:
                replica.kill()


def _shortened(folder: Path, lease: int) -> Path:
    """Return where Python finds what makes leases shorter in the replicas' processes, before anything else."""
    place = folder / "shortened"
    place.mkdir()
    lines = ("from datetime import timedelta", "from coordinator.journal import effects")
    (place / "sitecustomize.py").write_text("\n".join([*lines, f"effects.LEASE = timedelta(seconds={lease})", ""]))
    return place


def _play_the_jobs(company: Company, folder: Path) -> None:
    jobs = Token(JOBS_LOGIN, {"contents": "write", "checks": "write"}, of_a_job=True)
    company.github._accounts._tokens[JOBS_TOKEN] = jobs
    github = GitHub.connect(REPOSITORY, "main", JOBS_TOKEN, None, company.addresses["github"])
    policies = load_policies(read_folder(folder / "repository" / "policies"))
    company.github._queue._execute = Executor(company.github._git, github, Channels(), lambda: policies, utc_now)


def _start(replica: Coordinator) -> None:
    """Start it as an orchestrator does: again, where it was not ready in time."""
    for _ in range(2):
        with suppress(RuntimeError):
            return replica.start()
    return replica.start()


def _children(replica: Coordinator) -> list[int]:
    process = replica._process
    asked = ["pgrep", "-P", str(process.pid)] if process else ["true"]
    return [int(pid) for pid in subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()]


def _form(number: int, reason: str) -> dict[str, object]:
    """A whitelisting form as Slack sends it; a form that is sent again has the same view."""
    chosen = {
        "environment": "prod",
        "method:prod": "POST",
        "api:prod": "payments",
        "duration:prod": "30d",
        "approver:prod": "U0LEE",
    }
    typed = {"path": "/v1/charges", "source": f"198.51.100.{number % 250 + 1}/32", "reason": reason}
    values: dict[str, object] = {
        block: {f"answer:{block.split(':')[0]}": {"type": "static_select", "selected_option": {"value": value}}}
        for block, value in chosen.items()
    }
    values |= {block: {f"answer:{block}": {"type": "plain_text_input", "value": v}} for block, v in typed.items()}
    view = {
        "id": f"V{number:06}",
        "type": "modal",
        "callback_id": "ask",
        "private_metadata": json.dumps({"flow": "api-whitelisting", "environment": "prod"}),
        "state": {"values": values},
        "hash": "1",
    }
    return {"type": "view_submission", "user": {"id": "U0ANA"}, "team": {"id": "T0ACME"}, "view": view}


@click.command()
@click.option("--seconds", default=180.0, help="How long replicas are killed.")
@click.option("--seed", default=1, help="What decides who dies when, and how.")
@click.option("--rate", default=1.0, help="Requests a second.")
@click.option("--lease", type=int, help="Seconds of a lease, in place of the product's own.")
def main(seconds: float, seed: int, rate: float, lease: int | None) -> None:
    """Kill replicas under load, and say what came of it."""
    with tempfile.TemporaryDirectory() as folder, open_postgres() as fresh:
        with open_pair(Path(folder), fresh(), seed, lease=lease) as pair:
            began = time.monotonic()
            pair.run(seconds, rate)
            faults = pair.faults()
            asked, kills = len(pair.answers), dict(pair.kills)
            click.echo(f"{asked} requests, {kills}, settled after {time.monotonic() - began:.0f} s")
        click.echo("\n".join(faults) or "nothing lost, nothing twice")
        if faults:
            raise SystemExit(1)


if __name__ == "__main__":
    main()
