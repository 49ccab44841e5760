"""`actions status`: how an environment is at this moment, read with the role of the job. It writes nothing.

The page goes to the job's summary too, and the JSON is the step's output `status`, for whoever posts it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from actions.executors.protocol import Target, TargetFault
from actions.job import Job
from actions.ledger import Books, Ledger
from actions.runner import one_line
from actions.verification import Site
from sallyport.changes.infra_stop import Infrastructure, access_of, lock_of
from sallyport.entries import Entry

if TYPE_CHECKING:
    from actions.executors.environments.status import EnvironmentStatus

STOP = "infra-stop"


def run(job: Job, environment: str, *, as_json: bool) -> int:
    """Print the environment as Markdown or as JSON; 1 if the catalogue or AWS cannot tell."""
    try:
        status = read_status(job, environment)
    except (LookupError, TargetFault) as fault:
        click.echo(one_line(str(fault)), err=True)
        return 1
    data = json.dumps(status.to_mapping())
    click.echo(data if as_json else status.to_markdown())
    job.runner.put({"status": data})
    job.runner.summarise(status.to_markdown())
    return 0


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
    return EnvironmentStatus(place, state, _stops(job, ledger, environment), job.clock())


def _stops(job: Job, ledger: Ledger, environment: str) -> tuple[Entry, ...]:
    """Return the live entries that keep the environment stopped."""
    if STOP not in ledger.policies.flows:
        return ()
    access = access_of(environment, ledger.policies.catalogue)
    site = Site(STOP, Target(lock_of(environment, access), environment, access))
    return ledger.claims(site, job.clock()).live
