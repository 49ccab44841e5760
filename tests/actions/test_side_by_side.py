"""Many targets of one job, worked on at once: overlap, its bound, one failure among many, order, and records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import pytest

from actions.befores import SUFFIX as BEFORE
from actions.befores import before_path, read_before
from actions.executors.identity_center.executor import IdentityCenter
from actions.job import Job, executors
from actions.pacing import Pacer
from actions.side_by_side import side_by_side
from sallyport.changes.prod_access import ProdAccess
from sallyport.outcomes import Result
from sandbox.aws import AwsStandIn
from tests.actions.executors.support import KEYS, aws_on_loopback
from tests.actions.executors.support import world as sample
from tests.actions.world import NOW, World

CENTER_ROLE = "arn:aws:iam::222222222222:role/sallyport-identity-center"
WIDTH = IdentityCenter.width
ACCOUNTS = [f"3333333333{n:02}" for n in range(2 * WIDTH)]
IDS = [f"pa-22222{n}" for n in range(2, 2 + WIDTH)]
BULK = "pa-333333"
PATIENCE = 20.0  # seconds until threads that do not meet are told so


@dataclass
class Meeting:
    """A pause that nobody leaves before *width* threads have come to it, and that counts those who are there."""

    width: int
    most: int = 0
    _here: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._barrier = Barrier(self.width)

    def __call__(self, _: float = 0.0) -> None:
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)
        self._barrier.wait(PATIENCE)
        with self._lock:
            self._here -= 1


@dataclass
class WideWorld(World):
    """The world of jobs with ten more production accounts, and the real executor at a strict Identity Center."""

    wait: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.wait = lambda _seconds: None
        place = "policies/catalogue/accounts.yaml"
        more = "".join(
            f"acc-{account}:\n  title: Account {account}\n  owners: [lee@example.com]\n"
            f'  in:\n    prod: {{account: "{account}"}}\n'
            for account in ACCOUNTS
        )
        self.commit("More accounts", {place: (self.read(place) + more).encode()})

    def job(self, run_id: str | None = None, branch: str = "main") -> Job:
        return replace(super().job(run_id, branch), make_executor=executors(lambda: self.now, self.wait))

    def merge_access_to_all(self) -> int:
        """Merge one entry for the first five accounts together, and one for each of the others."""
        bulk = self.written(BULK, changes=tuple(map(_access, ACCOUNTS[:WIDTH])))
        singles = [
            self.written(one, changes=(_access(account),))
            for one, account in zip(IDS, ACCOUNTS[WIDTH:], strict=True)
        ]
        before = self.head
        return self.push(before, self.land(*[bulk, *singles]))


def _access(account: str) -> ProdAccess:
    return ProdAccess(f"acc-{account}", "ProdReadOnly")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsStandIn]:
    found = sample()
    accounts = (*found.directory.accounts, *ACCOUNTS)
    made = replace(found, directory=replace(found.directory, accounts=accounts))
    with aws_on_loopback(monkeypatch, lambda: NOW, made) as stand_in:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS["prod"])
        yield stand_in


@pytest.fixture
def world(tmp_path: Path, stand_in: AwsStandIn) -> WideWorld:
    return WideWorld(tmp_path)


def given(stand_in: AwsStandIn) -> set[str]:
    assigned = stand_in.identity_center.assignments()
    return {account for account, _, who in assigned if who == "ana@example.com"} & set(ACCOUNTS)


def test_as_many_accounts_as_declared_are_worked_on_at_once_and_every_record_is_kept(
    world: WideWorld, stand_in: AwsStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.identity_center.settle_polls = 1
    world.wait = meeting = Meeting(WIDTH)
    capsys.readouterr()
    assert world.merge_access_to_all() == 0
    assert meeting.most == WIDTH
    assert given(stand_in) == set(ACCOUNTS)
    assert {one: world.github.outcomes[one].result for one in (BULK, *IDS)} == dict.fromkeys(
        (BULK, *IDS), Result.APPLIED
    )
    for one, accounts in [
        (BULK, ACCOUNTS[:WIDTH]),
        *((i, [a]) for i, a in zip(IDS, ACCOUNTS[WIDTH:], strict=True)),
    ]:
        path = before_path("prod-access", one)
        record = read_before(world.read(path).encode(), path)
        assert set(record.facts) == {f"sso/{account}" for account in accounts}
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    numbers = [f"{n} of {len(ACCOUNTS)}" for n in range(1, len(ACCOUNTS) + 1)]
    for event in ("settling", "settled"):
        assert [line["progress"] for line in lines if line["event"] == event] == numbers


def test_each_account_is_on_record_before_anything_is_given_there_and_once(
    world: WideWorld, stand_in: AwsStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[str] = []
    commit = world.github.commit

    def watched(headline: str, body: str, additions: dict[str, bytes], *rest: Any) -> str:
        records = [read_before(data, path) for path, data in additions.items() if path.endswith(BEFORE)]
        new = {place.removeprefix("sso/") for record in records for place in record.facts} - set(recorded)
        assert not new & given(stand_in), "it was given before it was on record"
        made = commit(headline, body, additions, *rest)
        recorded.extend(new)
        return made

    monkeypatch.setattr(world.github, "commit", watched)
    assert world.merge_access_to_all() == 0
    assert sorted(recorded) == sorted(ACCOUNTS)
    assert given(stand_in) == set(ACCOUNTS)


def test_all_sessions_end_though_their_accounts_share_one_policy(world: WideWorld, stand_in: AwsStandIn) -> None:
    for account in ACCOUNTS:  # somebody else's standing access keeps the role, and the sessions with it
        stand_in.identity_center.assign(account, "ProdReadOnly", "kim@example.com")
    assert world.merge_access_to_all() == 0
    world.now += timedelta(hours=2)
    assert world.expire(CENTER_ROLE) == 0
    assert "ConflictException" not in {call.error for call in stand_in.calls}, "they are in each other's way"
    assert given(stand_in) == set()
    statements = (stand_in.identity_center.inline_policy("ProdReadOnly") or {"Statement": []})["Statement"]
    denied = {str(statement["Sid"]).removeprefix("Sallyport")[:12] for statement in statements}
    assert denied >= set(ACCOUNTS)
    assert world.files == set()


def test_one_account_that_fails_leaves_all_others(world: WideWorld, stand_in: AwsStandIn) -> None:
    center = stand_in.identity_center
    *others, lost = ACCOUNTS
    known = tuple(account for account in center.directory.accounts if account != lost)
    center.directory = replace(center.directory, accounts=known)
    assert world.merge_access_to_all() == 1
    assert given(stand_in) == set(others)
    results = [world.github.outcomes[one].result for one in (BULK, *IDS)]
    assert results == [*([Result.APPLIED] * WIDTH), Result.FAILED]


def test_what_comes_back_keeps_its_order_whatever_ends_first() -> None:
    last = Barrier(2)

    def work(item: int) -> int:
        if item in {0, 3}:
            last.wait(PATIENCE)  # the first ends only once the last has begun
        return item * 10

    begun: list[int] = []
    assert list(side_by_side(range(4), 3, begun.append, work)) == [0, 10, 20, 30]
    assert begun == [0, 1, 2, 3]


def test_never_more_are_worked_on_than_declared() -> None:
    meeting = Meeting(3)
    list(side_by_side(range(12), 3, lambda _: None, lambda _: meeting()))
    assert meeting.most == 3


def test_an_interrupted_job_ends_what_it_has_begun_and_begins_nothing_else() -> None:
    meeting, begun, ended = Meeting(2), list[int](), list[int]()

    def work(item: int) -> None:
        if item < 2:
            meeting()
        if item == 1:
            raise KeyboardInterrupt
        ended.append(item)

    with pytest.raises(KeyboardInterrupt):
        list(side_by_side(range(100), 2, begun.append, work))
    assert set(begun) - {1} == set(ended)
    assert len(begun) < 100


def test_threads_that_come_at_the_same_moment_get_turns_of_their_own() -> None:
    waits: list[float] = []
    pacer = Pacer(timedelta(seconds=5), lambda: NOW, waits.append)
    meeting = Meeting(4)

    def turn(_: int) -> None:
        meeting()
        pacer.turn("222222222222")

    list(side_by_side(range(4), 4, lambda _: None, turn))
    assert sorted(waits) == [5.0, 10.0, 15.0]
