"""`actions status`: how an environment is at this moment, read with the role of the job. It writes nothing.

The page goes to the job's summary too, and the JSON is the step's output `status`, for whoever posts it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from actions.books import Books
from actions.executors.environments.picture import Post, not_read, picture_of
from actions.executors.protocol import Target, TargetFault
from actions.job import Job
from actions.ledger import Ledger
from actions.runner import one_line
from actions.verification import Site
from sallyport.changes import infra_whitelist as allow_list
from sallyport.changes.infra_stop import Infrastructure, access_of, lock_of
from sallyport.coming import Coming
from sallyport.entries import Entry
from sallyport.offers import Offer
from sallyport.problems import Problem, Problems, nearest

if TYPE_CHECKING:
    from actions.executors.environments.status import EnvironmentStatus

STOP, TEARDOWN, WHITELIST = "infra-stop", "infra-teardown", "infra-whitelist"


@dataclass(frozen=True, slots=True)
class Picture:
    """Where the picture of an environment is to stand in Slack, in place of which message, with which buttons."""

    channel: str
    message: str
    offers: tuple[Offer, ...]
    coming: Coming


def run(job: Job, environment: str, *, as_json: bool, picture: Picture | None = None) -> int:
    """Print the environment as Markdown or as JSON, and show it in Slack; 1 if catalogue or AWS cannot tell."""
    try:
        status = read_status(job, environment)
    except (LookupError, TargetFault) as fault:
        click.echo(one_line(str(fault)), err=True)
        if picture:
            _show(job, picture, not_read(environment, str(fault), picture.offers))
        return 1
    if picture:
        _show(job, picture, picture_of(status, picture.offers, picture.coming))
    data = json.dumps(status.to_mapping())
    click.echo(data if as_json else status.to_markdown())
    job.runner.put({"status": data})
    job.runner.summarise(status.to_markdown())
    return 0


def place(job: Job, environment: str) -> int:
    """Print and output the role that looks at an environment, and its region; both empty where there is none."""
    known = Books(job.workspace).ledger.policies.catalogue.environments
    found = known.get(environment)
    if found is None:
        click.echo(one_line(f"{environment} is no environment: {nearest(environment, known)}"), err=True)
    elif not found.reader:
        click.echo(
            one_line(f"{environment} has no reader in policies/environments.yaml, so nobody can look."), err=True
        )
    job.runner.put({"role": found.reader if found else "", "region": found.region if found else ""})
    return 0 if found and found.reader else 1


def _show(job: Job, picture: Picture, post: Post) -> None:
    if job.channels.slack is None:
        raise Problems([Problem("SLACK_BOT_TOKEN is not set", "the picture cannot be shown without it")])
    text, blocks = post
    job.channels.slack.update(picture.channel, picture.message, text, blocks)


def read_status(job: Job, environment: str) -> EnvironmentStatus:
    """Read an environment. LookupError says which ones have infrastructure; TargetFault what AWS refused."""
    from actions.executors.aws import Clients
    from actions.executors.environments.calls import DatabaseCalls, ServiceCalls
    from actions.executors.environments.reading import read_environment
    from actions.executors.environments.status import EnvironmentStatus

    ledger = Books(job.workspace).ledger
    catalogue = ledger.policies.catalogue
    infrastructure = Infrastructure.find(catalogue, environment)
    access, clients = access_of(environment, catalogue), Clients()
    services = ServiceCalls(clients, access, job.pause)
    databases = DatabaseCalls(clients, access, job.pause)
    state = read_environment(infrastructure, services, databases, {})
    place = catalogue.environments[environment]
    stops = _live(job, ledger, STOP, environment, lock_of(environment, access))
    addresses = _live(job, ledger, WHITELIST, environment, allow_list.lock_of(environment, access))
    teardowns = _live(job, ledger, TEARDOWN, environment, lock_of(environment, access))
    return EnvironmentStatus(place, state, stops, job.clock(), addresses, teardowns, ledger.policies.people)


def _live(job: Job, ledger: Ledger, flow: str, environment: str, lock: str) -> tuple[Entry, ...]:
    """Return the live entries of *flow* at the environment."""
    if flow not in ledger.policies.flows:
        return ()
    access = access_of(environment, ledger.policies.catalogue)
    return ledger.claims(Site(flow, Target(lock, environment, access)), job.clock()).live
