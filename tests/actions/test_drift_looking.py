"""A look at very many targets: at once, no faster than AWS leaves room for, and none hidden by another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from actions.__main__ import main
from actions.commands.drift import Scope, show
from actions.drift_looking import AT_ONCE, Survey, survey
from actions.executors.aws import Clients
from actions.executors.protocol import Claims, Target, TargetFault
from actions.executors.rates import Rates
from actions.job import Job, surveying
from actions.verification import Site
from actions.workspace import WorkspaceFault
from sallyport.changes.protocol import Access
from sandbox.aws import AwsStandIn
from sandbox.faults import Fault, Kind, Moment
from tests.actions.executors.support import Clock, aws_on_loopback
from tests.actions.executors.support import world as sample
from tests.actions.fakes import FakeAws, FakeExecutor, Seen
from tests.actions.test_side_by_side import Meeting
from tests.actions.world import NOW, PROD_ROLE, World

PLACE = Access("222222222222", "eu-west-1", PROD_ROLE)
MANY = 3 * AT_ONCE
HALF = {"apigateway": 0.2, "sso-admin": 0.1, "ec2": 0.1, "rds": 0.2}  # seconds between two calls, by service


def api(number: int) -> str:
    return f"apigateway/222222222222/eu-west-1/a{number:04}"


@dataclass
class ManyApis(World):
    """The world of a job whose catalogue names very many APIs; at each is something that no entry asks for."""

    faults: dict[str, Exception] = field(default_factory=dict)  # by lock
    looking: Callable[[str], None] = lambda _: None

    def job(self, run_id: str | None = None, branch: str = "main") -> Job:
        return replace(super().job(run_id, branch), make_executor=lambda _flow, _policies: Watched(self))

    def look(self) -> Survey:
        sites = [Site("api-whitelisting", Target(api(number), "prod", PLACE)) for number in range(MANY)]
        for site in sites:
            self.aws.live[site.target.lock] = self.aws.drafted[site.target.lock] = frozenset({"aw-999999"})
        job = self.job()
        return survey(job, job.books(), sites)


class Watched(FakeExecutor):
    """A fake executor whose looks are watched, and fail as told."""

    def __init__(self, world: ManyApis) -> None:
        super().__init__(world.aws)
        self.world = world

    def observe(self, target: Target, claims: Claims) -> Seen:
        self.world.looking(target.lock)
        if target.lock in self.world.faults:
            raise self.world.faults[target.lock]
        return super().observe(target, claims)


@pytest.fixture
def world(tmp_path: Path) -> ManyApis:
    return ManyApis(tmp_path, aws=FakeAws())


def test_as_many_targets_are_looked_at_at_once_as_said_and_no_more(world: ManyApis) -> None:
    meeting = Meeting(AT_ONCE)
    world.looking = lambda _: meeting()
    assert len(world.look().drifts) == MANY
    assert meeting.most == AT_ONCE


def test_what_is_found_keeps_the_order_of_the_targets_whatever_ends_first(world: ManyApis) -> None:
    first_two = Meeting(2)
    world.looking = lambda lock: first_two() if lock in {api(0), api(AT_ONCE)} else None
    assert [drift.site.target.lock for drift in world.look().drifts] == [api(number) for number in range(MANY)]


def test_no_target_hides_another_whatever_is_wrong_with_it(world: ManyApis) -> None:
    world.faults = {
        api(5): ValueError("a mistake of ours"),
        api(1): TargetFault("AWS refused GetRestApi (AccessDeniedException)."),
        api(3): WorkspaceFault("git log failed: it is broken"),
    }
    found = world.look()
    told = {site.target.lock: why for site, why in found.faults.items()}
    assert list(told) == [api(1), api(3), api(5)]
    assert told[api(1)] == "AWS refused GetRestApi (AccessDeniedException)."
    assert told[api(3)] == "git log failed: it is broken."
    assert told[api(5)].startswith("Sallyport itself failed (ValueError, see ")
    assert {drift.site.target.lock for drift in found.drifts} == {api(number) for number in range(MANY)} - set(
        told
    )


class TestHowFastItReads:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def aws(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsStandIn]:
        with aws_on_loopback(monkeypatch, lambda: NOW, sample()) as stand_in:
            yield stand_in

    @pytest.mark.parametrize(("service", "interval"), HALF.items())
    def test_a_service_is_asked_half_as_often_as_it_publishes(
        self, service: str, interval: float, clock: Clock
    ) -> None:
        rates = Rates(clock, clock.wait)
        turn, elsewhere = rates.turns(service, "eu-west-1"), rates.turns(service, "us-east-1")
        for go in (turn, elsewhere, turn, turn):
            go()
        assert clock.waits == [interval, interval]

    def test_services_that_share_a_limit_share_the_turns(self, clock: Clock) -> None:
        rates = Rates(clock, clock.wait)
        rates.turns("sso-admin", "eu-west-1")()
        rates.turns("apigateway", "eu-west-1")()
        assert clock.waits == []
        rates.turns("identitystore", "eu-west-1")()
        assert clock.waits == [HALF["sso-admin"]]

    def test_every_read_waits_and_every_repetition_and_no_write(self, aws: AwsStandIn, clock: Clock) -> None:
        clients = Clients(rates=Rates(clock, clock.wait))
        reader, writer = clients.reader("apigateway", PLACE), clients.writer("apigateway", PLACE)
        aws.faults.add(Fault(Kind.STATUS, Moment.BEFORE, status=503, times=1))
        reader.get_rest_apis()
        assert len(clock.waits) == 1, "botocore asked twice"
        writer.get_rest_apis()
        assert len(clock.waits) == 1
        reader.get_rest_apis()
        assert len(clock.waits) == 2

    def test_many_accounts_are_read_at_once_and_in_turn(
        self, aws: AwsStandIn, world: ManyApis, capsys: pytest.CaptureFixture[str]
    ) -> None:
        accounts = [f"4444444444{number:02}" for number in range(30)]
        aws.identity_center.directory = replace(
            aws.identity_center.directory, accounts=(*aws.identity_center.directory.accounts, *accounts)
        )
        stranger = accounts[-1]
        aws.identity_center.assign(stranger, "ProdReadOnly", "kim@example.com")
        rows = "".join(
            f"acc-{one}:\n  title: Account {one}\n  owners: [lee@example.com]\n"
            f'  in:\n    prod: {{account: "{one}"}}\n'
            for one in accounts
        )
        place = "policies/catalogue/accounts.yaml"
        world.commit("More accounts", {place: (world.read(place) + rows).encode()})
        waits: list[float] = []
        job = surveying(replace(World.job(world), pause=waits.append))
        aws.reset_calls()
        center = Scope("prod", "arn:aws:iam::222222222222:role/sallyport-identity-center", again_after=1000.0)
        assert show(job, center, as_json=True) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["targets"] == len(accounts) + 1
        assert [one["target"] for one in told["findings"]][-1] == f"sso/{stranger}"
        paced = sorted(one for one in waits if one < 1000.0)
        assert len(paced) == len(aws.calls) - 1 >= len(accounts)
        turns = [HALF["sso-admin"] * number for number in range(1, len(aws.calls))]
        assert paced == pytest.approx(turns), "each has a turn of its own, although the clock stood still"

    @pytest.mark.parametrize("mode", [[], ["--report"], ["--repair"]])
    def test_the_command_looks_so_in_every_mode(self, mode: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[Job] = []
        monkeypatch.setenv("GITHUB_REPOSITORY", "acme/sallyport")
        monkeypatch.setenv("GITHUB_TOKEN", "none")
        for name in ("show", "report", "repair"):
            monkeypatch.setattr(f"actions.commands.drift.{name}", lambda job, *_, **__: seen.append(job) or 0)
        monkeypatch.setattr(
            "actions.job.surveying", lambda job: replace(job, run=replace(job.run, id="surveying"))
        )
        done: Any = CliRunner().invoke(main, ["drift", *mode])
        assert done.exit_code == 0, done.output
        assert [job.run.id for job in seen] == ["surveying"]
