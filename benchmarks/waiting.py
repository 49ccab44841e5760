"""What ten thousand waiting requests cost: memory and threads of the coordinator, decisions, and looking at them.

Run by hand: python -m benchmarks.waiting [--requests 10000] [--database postgresql://…, which must be empty]
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import click
import sqlalchemy as sa
import structlog

from benchmarks.costs import load
from benchmarks.processes import SERVE, WORKER, Process
from coordinator.asking import LISTED
from coordinator.confirming import to_confirm
from coordinator.deciding import Deciding
from coordinator.directory import Directory
from coordinator.journal import Journal, open_store
from coordinator.lifecycle import Happening, Lane, half_approved
from coordinator.requests import Answer, Ask, Decision, Route
from coordinator.routing import Rerouting, Routing
from sallyport.audit import Deed
from sallyport.changes.prod_access import ProdAccess
from sallyport.platforms.slack_answers import Home, SlackUser
from sallyport.policies import load_policies, read_folder
from sallyport.times import utc_now
from sandbox.company import open_company
from sandbox.installation import PRODUCT

APPROVERS = ("U0LEE", "U0SAM")
DECISIONS = 100
IN_GITHUB = 660  # waiting there at once: three calls each, of 500 in an hour, and four hours to answer
SETTLED = 75.0  # seconds: after a minute the worker has looked at everything that waits


@click.command()
@click.option("--requests", default=10_000)
@click.option("--database", default="", help="Where to decide; a SQLite file if not given.")
@click.option("--processes/--no-processes", default=True, help="Whether to start the coordinator as well.")
def main(requests: int, database: str, *, processes: bool) -> None:
    """Measure with nobody waiting, and with everybody."""
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        click.echo(load())
        url = database or f"sqlite:///{folder}/journal.db"
        _report(*_decide_and_look(url, requests))
        for waiting in (0, requests) if processes else ():
            for line in _run(Path(folder, str(waiting)), waiting):
                click.echo(f"{waiting:>6,} waiting: {line}")
        click.echo(load())


@dataclass(slots=True)
class Members:
    """Slack, as far as the directory asks it: the people of the sample policies."""

    emails: dict[str, str]

    def home(self) -> Home:
        return Home("T0ACME")

    def users(self) -> tuple[SlackUser, ...]:
        no = {"is_bot": False, "deleted": False, "is_guest": False, "is_stranger": False}
        return tuple(SlackUser(u, "T0ACME", u, u, email, tz="UTC", **no) for u, email in self.emails.items())


def _decide_and_look(url: str, count: int) -> tuple[list[float], dict[str, float]]:
    """Return the milliseconds of each decision, and the seconds of each look."""
    policies = [load_policies(read_folder(PRODUCT / "policies"), "first")]
    slack = Members({p.slack: p.email for p in policies[0].people.persons if p.slack})
    directory = Directory(cast(Any, slack), lambda: policies[0])
    directory.refresh()
    routing = Routing(directory.policies, directory)
    journal = Journal(open_store(url))
    ids = _fill(journal, count)
    rerouting = Rerouting(journal, routing, utc_now)
    deciding = Deciding(journal, routing, directory, utc_now)
    looks = {
        "the first look": _processor_seconds(rerouting.look),
        "a second look": _processor_seconds(rerouting.look),
    }
    policies[0] = replace(policies[0], version="second")
    looks["a look after a change of policies"] = _processor_seconds(rerouting.look)
    decisions = list(_decide(deciding, journal, ids[:: max(1, count // DECISIONS)]))
    _half_approve(journal)
    for whose, email in (("who can confirm them", "lee@example.com"), ("who cannot", "kim@example.com")):
        person = policies[0].people.by_email(email)
        looks[f"a look at {IN_GITHUB} that wait in GitHub, by {whose}"] = _processor_seconds(
            lambda one=person: to_confirm(journal, policies[0], one, utc_now(), LISTED)
        )
    return decisions, looks


def _half_approve(journal: Journal) -> None:
    """Record as many requests as GitHub can show in four hours, each shown there to be confirmed."""
    for number in range(IN_GITHUB):
        request, now = journal.submit(replace(ask(number), key=f"confirmed:{number}")), utc_now()
        yes = Decision("lee@example.com", Answer.APPROVE, now)
        approved = Happening(Deed.APPROVED, now, yes.by)
        journal.decide(request.id, yes, lambda _, it=approved: half_approved(it, it.at + timedelta(hours=4)))
    with journal.writing() as connection:
        connection.execute(sa.text("UPDATE effects SET done = wanted WHERE name = 'pull'"))


def _fill(journal: Journal, count: int) -> list[str]:
    """Record requests that wait, with all done outside that is done before a decision."""
    with_all = [journal.submit(ask(number)).id for number in range(count)]
    with journal.writing() as connection:
        done = sa.text("UPDATE effects SET done = wanted WHERE lane <> :clock")
        connection.execute(done, {"clock": Lane.CLOCK.value})
    return with_all


def ask(number: int) -> Ask:
    now = utc_now()
    return Ask(
        key=f"view:{number}",
        flow="prod-access",
        prefix="pa",
        environment="prod",
        requester="ana@example.com",
        requester_slack="U0ANA",
        reason="Debugging the checkout 500s",
        changes=(ProdAccess("prod-main", "ProdReadOnly"),),
        asked="",
        route=Route(APPROVERS, APPROVERS),
        lifetime=timedelta(hours=4),
        channel="C0INFRA",
        submitted_at=now,
        decide_by=now + timedelta(hours=4),
        form={"reason": "Debugging the checkout 500s"},
    )


def _decide(deciding: Deciding, journal: Journal, ids: list[str]) -> Iterator[float]:
    for request_id in ids:
        digest = journal.request(request_id).digest
        yield _processor_seconds(lambda i=request_id, d=digest: deciding.approve(i, d, "U0LEE")) * 1000


def _processor_seconds(do: Callable[[], object]) -> float:
    """Return what this process computes; the database's own process is not counted, and no waiting is."""
    begun = time.process_time()
    do()
    return time.process_time() - begun


def _report(decisions: list[float], looks: dict[str, float]) -> None:
    ordered = sorted(decisions)
    click.echo(
        f"a decision: median {statistics.median(ordered):.1f} ms, "
        f"p99 {ordered[int(len(ordered) * 0.99)]:.1f} ms of the processor"
    )
    for name, seconds in looks.items():
        click.echo(f"{name}: {seconds * 1000:,.0f} ms of the processor")


def _run(folder: Path, waiting: int) -> Iterator[str]:
    """Start the real coordinator on a journal with that many requests and say what its processes hold."""
    with open_company(folder, start=False) as company:
        engine = open_store(f"sqlite:///{folder}/journal.db")
        _fill(Journal(engine), waiting)
        engine.dispose()
        company.coordinator.start()
        time.sleep(SETTLED)
        for name in (SERVE, WORKER):
            yield f"{name}: {Process.of(name, folder).held()}"


if __name__ == "__main__":
    main()
