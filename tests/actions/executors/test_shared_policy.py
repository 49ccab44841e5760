"""The inline policy that all accounts of a permission set share: two threads of a job that read it at one moment.

Each puts a whole policy, so that without a lock around reading and putting it the later one takes away
what the earlier one put. The threads are made to meet: at the read, or where one finds the lock taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Barrier, Lock
from typing import Any

import pytest

from actions.executors import executor_for
from actions.executors.aws import Clients
from actions.executors.identity_center.calls import DirectoryCalls
from actions.executors.identity_center.sessions import InlinePolicy
from actions.executors.identity_center.state import AccountState, Grant
from actions.executors.protocol import Claims, Plan, Target
from actions.side_by_side import side_by_side
from sandbox.aws import NONPROD, PROD, AwsStandIn
from tests.actions.executors.support import Clock, access, policies, target_of

PATIENCE = 20.0  # seconds until threads that do not meet are told so
SESSIONS_AGO = timedelta(days=1)  # by then no session goes on


@dataclass
class Meeting:
    """Lets two threads go on when both have come to it, once."""

    _barrier: Barrier = field(default_factory=lambda: Barrier(2))
    over: bool = True

    def __call__(self) -> None:
        if not self.over:
            self._barrier.wait(PATIENCE)
            self.over = True


@contextmanager
def telling(lock: Lock, meeting: Meeting) -> Iterator[None]:
    """Hold *lock*; who finds it taken has come to the meeting."""
    if not lock.acquire(blocking=False):
        meeting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Meeting:
    """Whoever has read the policy waits for the other, who has read it too or waits for the lock."""
    made, read = Meeting(), DirectoryCalls.inline_policy

    def watched(self: DirectoryCalls, permission_set: str) -> InlinePolicy:
        found = read(self, permission_set)
        made()
        return found

    monkeypatch.setattr(DirectoryCalls, "inline_policy", watched)
    return made


@pytest.fixture(params=["locked", "unlocked"])
def locked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, meeting: Meeting) -> bool:
    """The product's own lock, or none."""
    own = Clients.alone

    def alone(self: Clients, name: str) -> AbstractContextManager[None]:
        return telling(own(self, name), meeting) if request.param == "locked" else nullcontext()

    monkeypatch.setattr(Clients, "alone", alone)
    return bool(request.param == "locked")


@dataclass
class Sessions:
    """One job's executor, and people who have ProdReadOnly in two accounts and keep it."""

    aws: AwsStandIn
    clock: Clock

    def __post_init__(self) -> None:
        self.aws.identity_center.settle_polls = 0
        for account in (PROD, NONPROD):
            self.aws.identity_center.assign(account, "ProdReadOnly", "kim@example.com")
        self.executor: Any = executor_for(
            "prod-access", policies(), Clients(), now=self.clock, wait=self.clock.wait
        )
        [self.arn] = {
            str(facts["arn"])
            for facts in policies().catalogue.lists["permission-sets"]["ProdReadOnly"].places.values()
        }

    def target(self, account: str) -> Target:
        found = target_of(access("pa-222222"), policies())
        return Target(f"sso/{account}", found.environment, found.access)

    def end(self, account: str) -> None:
        """End the running sessions of somebody in *account*."""
        grant = Grant(self.arn, "9067a0e1-20d1-70aa-8f06-000000000001")
        observed, wanted = AccountState(account), AccountState(account, ending=frozenset({grant}))
        self.executor.apply(Plan(self.target(account), observed, wanted), "run 1")

    def clean(self, account: str) -> None:
        self.executor.housekeeping(self.target(account), Claims((), (), {}, self.clock()))

    def denied(self) -> set[str]:
        """The accounts of which sessions are denied."""
        statements = (self.aws.identity_center.inline_policy("ProdReadOnly") or {"Statement": []})["Statement"]
        return {str(statement["Sid"]).removeprefix("Sallyport")[:12] for statement in statements}


@pytest.fixture
def sessions(aws: AwsStandIn, clock: Clock, meeting: Meeting) -> Sessions:
    assert meeting.over, "nobody waits for anybody while the stage is set"
    return Sessions(aws, clock)


def at_once(meeting: Meeting, *works: Callable[[], None]) -> None:
    meeting.over = False
    list(side_by_side(works, len(works), lambda _: None, lambda work: work()))
    assert meeting.over, "they have not met"


def test_ends_of_sessions_in_two_accounts_both_stay_and_would_not_without_the_lock(
    sessions: Sessions, meeting: Meeting, *, locked: bool
) -> None:
    at_once(meeting, lambda: sessions.end(PROD), lambda: sessions.end(NONPROD))
    assert len(sessions.denied()) == (2 if locked else 1)
    assert sessions.denied() <= {PROD, NONPROD}


def test_clearing_past_ends_away_takes_no_new_one_and_would_without_the_lock(
    sessions: Sessions, meeting: Meeting, monkeypatch: pytest.MonkeyPatch, *, locked: bool
) -> None:
    sessions.end(PROD)
    sessions.clock.now += SESSIONS_AGO
    if not locked:  # the end comes first, so that clearing away is what puts last
        last_to_put(monkeypatch, NONPROD)
    at_once(meeting, lambda: sessions.clean(PROD), lambda: sessions.end(NONPROD))
    assert sessions.denied() == ({NONPROD} if locked else set())


def last_to_put(monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    """Let nobody put the policy before the account *first* has put it."""
    put, done = DirectoryCalls.put_inline_policy, Barrier(2)

    def ordered(self: DirectoryCalls, permission_set: str, policy: InlinePolicy) -> str:
        ours = any(denial.account == first for denial in policy.denials)
        if not ours:
            done.wait(PATIENCE)
        answer = put(self, permission_set, policy)
        if ours:
            done.wait(PATIENCE)
        return answer

    monkeypatch.setattr(DirectoryCalls, "put_inline_policy", ordered)
