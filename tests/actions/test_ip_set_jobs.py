"""Jobs at an API whose stage IP sets keep, from signed entries on main to a strict WAF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.job import Job, executors
from sallyport.changes.api_whitelisting import ApiWhitelisting
from sallyport.changes.sources import Source, SourceKind
from sallyport.entries import Entry
from sallyport.outcomes import Result
from sandbox.aws import AwsStandIn, sample_world
from sandbox.faults import Fault, Kind, Moment
from tests.actions.executors.support import KEYS, aws_on_loopback
from tests.actions.world import ALERTS, NOW, PROD_ROLE, World

IP, OFFICE = "198.51.100.10/32", "192.0.2.0/24"
SET = "arn:aws:wafv2:eu-west-1:222222222222:regional/ipset/partners-ipv4/0a1b2c3d-0000-4000-8000-000000000004"
RECORD = "requests/api-whitelisting/aw-222222.before.yaml"


@dataclass
class PartnersWorld(World):
    """The world of jobs, with the real executor at the sandbox's WAF."""

    waf: Any = field(default=None)

    def job(self, run_id: str | None = None) -> Job:
        make = executors(lambda: self.now, self.pauses.append)
        return replace(super().job(run_id), make_executor=make)

    def partner(self, entry_id: str, hours: int, method: str = "ANY", path: str = "/*") -> Entry:
        source = Source(SourceKind.CIDR, (IP,))
        changes = (ApiWhitelisting("partners", "live", method, path, source),)
        return self.entry(entry_id, changes=changes, expires_at=self.now + timedelta(hours=hours))

    def let_in(self, entry: Entry) -> int:
        return self.apply(entry, self.add(entry))

    def sweep(self) -> int:
        return self.expire(PROD_ROLE)

    def inside(self) -> set[str]:
        found: set[str] = self.waf.addresses(SET)
        return found


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsStandIn]:
    with aws_on_loopback(monkeypatch, lambda: NOW, sample_world()) as stand_in:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["prod"])
        yield stand_in


@pytest.fixture
def world(tmp_path: Path, stand_in: AwsStandIn) -> PartnersWorld:
    return PartnersWorld(tmp_path, waf=stand_in.waf)


def test_an_address_is_let_in_recorded_and_taken_out_at_its_deadline(world: PartnersWorld) -> None:
    assert world.let_in(world.partner("aw-222222", 1)) == 0
    outcome = world.github.outcomes["aw-222222"]
    assert outcome.result is Result.APPLIED
    assert any(
        line.startswith("UpdateIPSet partners-ipv4, 1 in, 0 out: AWS request ") for line in outcome.evidence
    )
    assert f"IP set partners-ipv4 lets {IP} use all of stage live, until a job takes it out at" in " ".join(
        outcome.evidence
    )
    assert world.inside() == {OFFICE, IP}
    assert RECORD in world.files

    world.now += timedelta(hours=1, seconds=1)
    assert world.sweep() == 0
    last = world.github.outcomes["aw-222222"]
    assert last.result is Result.REVERTED
    assert f"{IP} is no longer in the IP set partners-ipv4" in last.evidence
    assert world.inside() == {OFFICE}
    assert world.files == set()
    assert world.slack.said(ALERTS) == ""


def test_two_people_hold_one_address_until_the_second_of_them_ends(world: PartnersWorld) -> None:
    assert world.let_in(world.partner("aw-222222", 1)) == 0
    assert world.let_in(world.partner("aw-333333", 3)) == 0
    assert world.github.outcomes["aw-333333"].result is Result.ALREADY
    world.now += timedelta(hours=1, seconds=1)
    assert world.sweep() == 0
    assert world.inside() == {OFFICE, IP}
    world.now += timedelta(hours=2)
    assert world.sweep() == 0
    assert world.inside() == {OFFICE}


def test_an_address_that_was_there_before_needs_no_record_and_stays(world: PartnersWorld) -> None:
    world.waf.edit(SET, [OFFICE, IP])
    assert world.let_in(world.partner("aw-222222", 1)) == 0
    assert RECORD not in world.files
    world.now += timedelta(hours=1, seconds=1)
    assert world.sweep() == 0
    assert world.inside() == {OFFICE, IP}


def test_what_asks_for_less_than_a_set_lets_in_is_refused_by_the_job_too(world: PartnersWorld) -> None:
    assert world.let_in(world.partner("aw-222222", 1, "GET", "/v1/orders")) == 1
    assert "lets an address use every method; choose ANY if it may" in world.github.outcomes["aw-222222"].detail
    assert world.inside() == {OFFICE}


def test_a_full_set_refuses_the_request_with_its_numbers_and_changes_nothing(world: PartnersWorld) -> None:
    world.waf.edit(SET, [f"81.{n // 65536}.{n // 256 % 256}.{n % 256}/32" for n in range(10_000)])
    assert world.let_in(world.partner("aw-222222", 1)) == 1
    outcome = world.github.outcomes["aw-222222"]
    assert outcome.result is Result.REFUSED
    assert "10,000 of 10,000 addresses are used, and this needs 1 more" in outcome.detail
    assert len(world.inside()) == 10_000


def test_a_lost_answer_is_waited_out_and_the_next_look_tells_what_was_done(
    world: PartnersWorld, stand_in: AwsStandIn
) -> None:
    stand_in.faults.add(
        Fault(Kind.DELAY, path="^/$", times=4)
    )  # the look into two sets, the web ACL and its stages
    stand_in.faults.add(Fault(Kind.DROP, Moment.AFTER, path="^/$"))
    assert world.let_in(world.partner("aw-222222", 1)) == 0
    assert world.github.outcomes["aw-222222"].result is Result.APPLIED
    assert [call.operation for call in stand_in.calls].count("UpdateIPSet") == 1
    assert world.pauses
    assert world.inside() == {OFFICE, IP}
