"""A thousand entries over ten APIs: the calls that applying them takes, how many fit one policy, a full IP set.

The executor speaks with the AWS stand-in; its clock moves only while it waits, so that pacing costs no time here.
Run by hand: python -m benchmarks.api_policies
"""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any
from unittest.mock import patch

import click
import yaml

from actions.executors import executor_for
from actions.executors.api_gateway.planning import make_plan
from actions.executors.api_gateway.state import ApiState, Stage, arn_of, set_scene
from actions.executors.aws import Clients
from actions.executors.protocol import Before, Claims, Executor, Plan
from actions.guards import Ruling
from actions.reconcile import settle
from actions.verification import Finding, Site, sites_of
from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.sources import Source, SourceKind
from sallyport.entries import Approval, Entry
from sallyport.policies import Policies, load_policies, read_folder
from sallyport.resource_policies.document import LIMIT, VERSION, Policy
from sallyport.resource_policies.statements import Door, sources_of, to_statement
from sandbox.aws import PROD, Api, AwsStandIn, sample_world
from sandbox.installation import PRODUCT
from sandbox.serving import Server

FLOW = "api-whitelisting"
APIS, EACH = 10, 100
CROWD, EACH_CROWD = 9_950, 50
PATHS = ("/v1/charges", "/v1/orders")
DEADLINES = 4
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FIRST_ADDRESS = int(IPv4Address("81.0.0.1"))
OFFICE = {
    "Sid": "office",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "execute-api:Invoke",
    "Resource": "execute-api:/*",
    "Condition": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}},
}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIASANDBOXPRODAPPLY",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(slots=True)
class Clock:
    """Time that stands still unless somebody waits."""

    now: datetime = START
    waited: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waited += seconds
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class Main:
    """The main branch, as far as a settlement asks: entries that live, and records that are kept."""

    entries: Sequence[Entry]
    made: Executor[Any]
    before: dict[str, Before]

    def claims(self, site: Site, now: datetime) -> Claims:  # noqa: ARG002  # one site at a time
        return Claims(tuple(self.entries), (), dict(self.before), now)

    def refresh(self) -> None:
        """Nothing else moves it."""

    def executor(self, flow: str) -> Executor[Any]:  # noqa: ARG002
        return self.made

    def ruling(self, flow: str, plan: Plan[Any], claims: Claims) -> Ruling:  # noqa: ARG002
        return Ruling()

    def keep(self, flow: str, befores: Sequence[Before]) -> bool:  # noqa: ARG002
        self.before |= {before.entry_id: before for before in befores}
        return True


@click.command()
def main() -> None:
    """Apply, look again, and fill one policy."""
    policies = _policies()
    _calls(policies)
    _room(policies)
    _set(policies)


def _calls(policies: Policies) -> None:
    clock = Clock()
    aws = AwsStandIn(replace(sample_world(), apis=tuple(map(_api, range(APIS)))), clock=clock)
    with Server(aws.app) as server, patch.dict(os.environ, CREDENTIALS | {"AWS_ENDPOINT_URL": server.url}):
        executor = executor_for(FLOW, policies, Clients(), now=clock, wait=clock.wait)
        for what in ("applied", "looked at again"):
            aws.reset_calls()
            clock.waited, begun = 0.0, time.process_time()
            for number in range(APIS):
                _settle(policies, executor, clock, tuple(_entries(number, EACH)))
            seconds = time.process_time() - begun
            calls = Counter(call.operation for call in aws.calls)
            each = ", ".join(f"{count / APIS:g} {operation}" for operation, count in calls.items())
            click.echo(f"{APIS * EACH:,} entries over {APIS} APIs {what}: {calls.total() / APIS:g} calls a stage")
            click.echo(f"  {each}; waited {clock.waited:.0f} s for AWS's pace; {seconds:.1f} s of the processor")


def _settle(policies: Policies, executor: Executor[Any], clock: Clock, entries: Sequence[Entry]) -> None:
    [site] = sites_of(Finding(entries[0].id, FLOW, entries[0], None, "", present=True), policies)
    settlement = settle(site, Main(entries, executor, {}), clock, "benchmark", clock.wait)
    if settlement.fault or settlement.last is None or len(settlement.last.unchanged) != len(entries):
        raise click.ClickException(settlement.fault or "not every entry is in force")


def _set(policies: Policies) -> None:
    """Fill the IP set of one stage: addresses enough that no resource policy could hold them."""
    clock = Clock()
    aws = AwsStandIn(sample_world(), clock=clock)
    with Server(aws.app) as server, patch.dict(os.environ, CREDENTIALS | {"AWS_ENDPOINT_URL": server.url}):
        executor = executor_for(FLOW, policies, Clients(), now=clock, wait=clock.wait)
        begun = time.process_time()
        _settle(policies, executor, clock, tuple(_crowd()))
        seconds = time.process_time() - begun
        calls = Counter(call.operation for call in aws.calls)
        click.echo(
            f"{CROWD:,} addresses in one IP set: {calls.total()} calls, {calls['UpdateIPSet']} of them a write"
        )
        click.echo(f"  {seconds:.1f} s of the processor, those of the stand-in included")


def _crowd() -> Iterator[Entry]:
    """Yield approved entries for all of the stage that the sample sets keep."""
    for number, entry in enumerate(_entries(0, CROWD // EACH_CROWD)):
        first = FIRST_ADDRESS + EACH_CROWD * number
        values = tuple(f"{IPv4Address(first + one)}/32" for one in range(EACH_CROWD))
        change = ApiWhitelisting("partners", "live", "ANY", "/*", Source(SourceKind.CIDR, values))
        yield replace(entry, changes=(change,))


def _room(policies: Policies) -> None:
    """Say how many entries fit one policy: as they are written, and with one statement for each."""
    fitting = bisect_right(range(1000), LIMIT, lo=1, key=lambda count: _size(policies, count)) - 1
    alone = bisect_right(range(1000), LIMIT, lo=1, key=lambda count: _size_of_one_each(policies, count)) - 1
    for count in (280, fitting):
        click.echo(f"{count} entries in one policy: {_size(policies, count):,} of {LIMIT:,} characters")
    click.echo(f"with one statement for each, {alone} would fit")


def _size(policies: Policies, count: int) -> int:
    entries = tuple(_entries(0, count))
    [site] = sites_of(Finding(entries[0].id, FLOW, entries[0], None, "", present=True), policies)
    state = ApiState(
        arn_of(site.target), private=False, policy=None, stages=(Stage("live", "d0"),), methods=frozenset()
    )
    plan = make_plan(site.target, set_scene(state, Claims(entries, (), {}, START), policies.catalogue), 10**6)
    assert plan.wanted.policy is not None
    return plan.wanted.policy.size(state.arn)


def _size_of_one_each(policies: Policies, count: int) -> int:
    entries = tuple(_entries(0, count))
    [site] = sites_of(Finding(entries[0].id, FLOW, entries[0], None, "", present=True), policies)
    arn = arn_of(site.target)
    statements = []
    for entry in entries:
        [change] = entry.changes
        assert isinstance(change, ApiWhitelisting)
        sources = sources_of(change, arn.partition)
        statements.append(to_statement(Door.of(change, entry.expires_at), sources, arn, private=False))
    return Policy(tuple(statements)).size(arn)


def _entries(api: int, count: int) -> Iterator[Entry]:
    """Yield approved entries of one API, over two paths and four deadlines."""
    for number in range(count):
        source = Source(SourceKind.CIDR, (f"{IPv4Address(FIRST_ADDRESS + 1000 * api + 2 * number)}/32",))
        yield Entry(
            id=f"aw-{api:02}{number:04}",
            flow=FLOW,
            environment="prod",
            requested_by="ana@example.com",
            reason="Partner go-live, contract 4711",
            expires_at=START + timedelta(days=1 + number // 2 % DEADLINES),
            changes=(ApiWhitelisting(f"api-{api}", "live", "POST", PATHS[number % 2], source),),
            approvals=(Approval("lee@example.com", START, "slack"),),
        )


def _api(number: int) -> Api:
    methods = {f"POST {path}": "NONE" for path in PATHS}
    return Api(
        f"a{number:09}",
        f"API {number}",
        PROD,
        ("live",),
        methods,
        policy={"Version": VERSION, "Statement": [OFFICE]},
    )


def _policies() -> Policies:
    places = {"stage": "live", "endpoint": "regional"}
    apis = {
        f"api-{n}": {
            "title": f"API {n}",
            "owners": ["lee@example.com"],
            "in": {"prod": {**places, "rest_api": _api(n).id}},
        }
        for n in range(APIS)
    }
    files = read_folder(PRODUCT / "policies")
    apis |= {"partners": yaml.safe_load(files["catalogue/apis.yaml"])["partners"]}
    return load_policies({**files, "catalogue/apis.yaml": yaml.safe_dump(apis).encode()})


if __name__ == "__main__":
    main()
