"""The journal driven at random, with crashes, repeats and a moving clock, beside a model that fits on a page."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from coordinator.deciding import NotYours
from coordinator.head import Head
from coordinator.journal import AlreadyDecided, Done, Journal, Work, open_store
from coordinator.journal.effects import LEASE
from coordinator.lifecycle import Happening, Lane, Move
from coordinator.outside.clock import time_out
from coordinator.outside.runs import Runs
from coordinator.requests import Request, State
from coordinator.withdrawing import Withdrawing
from sallyport.audit import Deed, breaks
from sallyport.outcomes import Outcome, Result
from sallyport.policies import Policies
from tests.coordinator.asks import NOW, approve, ask, deny
from tests.coordinator.conftest import in_memory
from tests.coordinator.fakes import FakeGitHub

PEOPLE = ("lee@example.com", "sam@example.com", "kim@example.com")
MOSTLY = st.sampled_from([True, True, True, False])
BUSY = (Lane.DISPATCH, Lane.RUNS, Lane.EXPIRY, Lane.COMMIT, Lane.CLOCK, Lane.JIRA)  # where order matters most
KEYS = ("view:V1", "view:V2", "command:1")
ENDS = {State.ENDED, State.DENIED, State.TIMED_OUT, State.CANCELLED, State.FAILED}
APPROVED = {State.APPROVED, State.APPLYING, State.ACTIVE, State.ENDING, State.ENDED, State.FAILED}


@dataclass
class Expected:
    """What has to be true of one request, kept without looking at the journal."""

    quorum: int
    lifetime: timedelta | None
    state: State = State.PENDING
    decided: dict[str, bool] = field(default_factory=dict)
    expires_at: datetime | None = None
    facts: int = 1

    def reach(self, state: State, after: set[State]) -> None:
        """Somebody says it came to *state*; that counts only after one of these."""
        if self.state in after:
            self.state, self.facts = state, self.facts + 1


@dataclass(frozen=True)
class Attempt:
    """What a worker has done and not recorded yet."""

    work: Work
    done: Done
    good: bool


class Lives(RuleBasedStateMachine):
    """Several replicas' people and workers on one SQLite journal."""

    template: Path
    policies: Policies

    works = Bundle("works")  # attempts in the hands of a worker
    spent = Bundle("spent")  # attempts that were recorded already, and may be again

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=in_memory())
        database = Path(self.folder.name, "journal.db")
        shutil.copy(self.template, database)
        self.engine = open_store(f"sqlite:///{database}")
        self.journal = Journal(self.engine)
        self.now = NOW
        self.github = FakeGitHub(lambda: self.now)
        self.runs = Runs(self.github, lambda: self.policies, lambda: self.now, lambda *_: None, Head(self.github))
        self.expected: dict[str, Expected] = {}
        self.by_key: dict[str, str] = {}
        self.leased: dict[tuple[str, str], tuple[str, datetime]] = {}

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()

    # People

    @rule(
        key=st.sampled_from(KEYS),
        quorum=st.sampled_from([1, 1, 2]),
        hours=st.sampled_from([None, 1, 4]),
        timeout=st.sampled_from([1, 8, 24]),
    )
    def submit(self, key: str, quorum: int, hours: int | None, timeout: int) -> None:
        lifetime = timedelta(hours=hours) if hours else None
        decide_by = self.now + timedelta(hours=timeout)
        made = self.journal.submit(ask(key, lifetime=lifetime, submitted_at=self.now, decide_by=decide_by))
        assert self.by_key.setdefault(key, made.id) == made.id, "a submission makes one request"
        self.expected.setdefault(made.id, Expected(quorum, lifetime))

    @rule(number=st.integers(0, 2), who=st.sampled_from(PEOPLE), says_yes=MOSTLY)
    def decide(self, number: int, who: str, says_yes: bool) -> None:
        if not self.expected:
            return
        request_id = list(self.expected)[number % len(self.expected)]
        model = self.expected[request_id]
        counts = model.state is State.PENDING and who not in model.decided
        try:
            if says_yes:
                approve(self.journal, request_id, who, at=self.now, quorum=model.quorum)
            else:
                deny(self.journal, request_id, who, at=self.now)
        except AlreadyDecided:
            assert not counts
            return
        assert counts
        model.decided[who] = says_yes
        model.facts += 1
        if not says_yes:
            model.state = State.DENIED
        elif sum(model.decided.values()) >= model.quorum:
            model.state = State.APPROVED
            model.expires_at = self.now + model.lifetime if model.lifetime else None

    @rule(number=st.integers(0, 2), cancels=st.booleans())
    def take_back(self, number: int, cancels: bool) -> None:
        if not self.expected:
            return
        request_id = list(self.expected)[number % len(self.expected)]
        model, withdrawing = (
            self.expected[request_id],
            Withdrawing(self.journal, lambda: self.policies, lambda: self.now),
        )
        fits = {State.PENDING, State.CANCELLED} if cancels else {State.ACTIVE, State.ENDING, State.ENDED}
        try:
            (withdrawing.cancel if cancels else withdrawing.give_back)(request_id, "U0ANA")
        except NotYours:
            assert model.state not in fits
            return
        assert model.state in fits
        if cancels:
            model.reach(State.CANCELLED, {State.PENDING})
        else:
            model.reach(State.ENDING, {State.ACTIVE})

    # Workers

    @rule(target=works, lane=st.sampled_from(BUSY), limit=st.integers(1, 5), good=MOSTLY)
    def work(self, lane: Lane, limit: int, good: bool) -> object:
        """A worker claims what is due and does it, but has not recorded it yet."""
        return multiple(*self._claim(lane, limit, good))

    @rule(good=MOSTLY, steps=st.integers(1, 5))
    def work_through(self, good: bool, steps: int) -> None:
        """What is due gets done and recorded, and what follows from it, some steps far."""
        for lane in (Lane.COMMIT, *[Lane.DISPATCH, Lane.RUNS, Lane.EXPIRY] * steps, Lane.CLOCK):
            for attempt in self._claim(lane, 50, good):
                self._record(attempt)

    @rule(target=spent, attempt=consumes(works))
    def record(self, attempt: Attempt) -> Attempt:
        self._record(attempt)
        return attempt

    @rule(attempt=spent)
    def record_again(self, attempt: Attempt) -> None:
        self._record(attempt)

    @rule(attempt=consumes(works), seconds=st.integers(0, 600), uncertain=st.booleans())
    def put_back(self, attempt: Attempt, seconds: int, uncertain: bool) -> None:
        due = self.now + timedelta(seconds=seconds)
        self.journal.retry(attempt.work, due, "it failed", uncertain=uncertain)
        self._release(attempt.work)

    @rule(attempt=consumes(works), seconds=st.integers(0, 600))
    def put_off(self, attempt: Attempt, seconds: int) -> None:
        self.journal.put_off(attempt.work, self.now + timedelta(seconds=seconds))
        self._release(attempt.work)

    @rule(attempt=consumes(works))
    def crash(self, attempt: Attempt) -> None:
        """The worker is gone without a word; its lease will run out."""

    @rule(seconds=st.sampled_from([1, 91, 3600, 3600, 9 * 3600]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def _claim(self, lane: Lane, limit: int, good: bool) -> list[Attempt]:
        attempts = []
        for work in self.journal.claim(lane, self.now, limit):
            place = (work.request_id, work.name)
            _, until = self.leased.get(place, ("", self.now))
            assert until <= self.now, "an effect is in one worker's hands"
            self.leased[place] = (work.lease, self.now + LEASE)
            attempts.append(Attempt(work, self._do(work, self.journal.request(work.request_id), good), good))
        return attempts

    def _do(self, work: Work, request: Request, good: bool) -> Done:
        """Do it with the product's own handlers, on a GitHub whose jobs end at once."""
        match work.kind:
            case "timeout":
                return time_out(work, request)
            case "commit":
                return Done({"commit": "c1"}, then=Move(Happening(Deed.COMMITTED, self.now, "coordinator")))
            case "dispatch":
                (done,) = self.runs.dispatch([(work, request)])
            case "watch":
                run = self.github.complete(request.result("dispatch")["run"])
                result = Result.APPLIED if good else Result.FAILED
                self.github.report(run.id, Outcome(request.id, result, "So it ended.", self.now))
                done = self.runs.watch(work, request)
            case "expire":
                (done,) = self.runs.expire([(work, request)])
            case "watch-expiry":
                self.github.complete(request.result("expire")["run"])
                done = self.runs.watch_expiry(work, request)
            case _:
                return Done({"result": work.name})
        assert isinstance(done, Done)
        return done

    def _record(self, attempt: Attempt) -> None:
        work = attempt.work
        held = self._holds(work)
        self.journal.finish(work, attempt.done)
        if held:
            self._expect(work, attempt.good)
            self._release(work)

    def _holds(self, work: Work) -> bool:
        return self.leased.get((work.request_id, work.name), ("", None))[0] == work.lease

    def _release(self, work: Work) -> None:
        if self._holds(work):
            del self.leased[work.request_id, work.name]

    def _expect(self, work: Work, good: bool) -> None:
        model = self.expected[work.request_id]
        on_the_way = {State.APPROVED, State.APPLYING}
        match work.kind:
            case "timeout":
                model.reach(State.TIMED_OUT, {State.PENDING})
            case "commit":
                model.facts += 1
            case "dispatch":
                model.reach(State.APPLYING, {State.APPROVED})
            case "watch" if model.state in on_the_way:
                model.reach(State.ACTIVE if good else State.FAILED, on_the_way)
            case "watch":  # it comes after the end, and is a fact all the same
                model.facts += 1
            case "watch-expiry" if model.state is State.FAILED:
                model.facts += 1
            case "watch-expiry" if model.state in on_the_way:
                model.reach(State.FAILED, on_the_way)
            case "watch-expiry":
                model.reach(State.ENDED, {State.ACTIVE, State.ENDING})

    # What must hold at every moment

    @invariant()
    def every_request_stands_where_the_model_says(self) -> None:
        for request_id, model in getattr(self, "expected", {}).items():
            request = self.journal.request(request_id)
            assert request.state is model.state
            assert {d.by: d.answer == "approve" for d in request.decisions} == model.decided
            if request.state in APPROVED:
                assert len(request.approvals) >= model.quorum
                assert request.expires_at == model.expires_at

    @invariant()
    def every_trail_is_whole(self) -> None:
        for request_id, model in getattr(self, "expected", {}).items():
            trail = self.journal.facts(request_id)
            assert breaks(trail) == []
            assert len(trail) == model.facts

    @invariant()
    def approved_access_has_its_end_armed(self) -> None:
        waiting = {(row.request_id, row.name) for row in self._waiting()}
        for request_id, model in getattr(self, "expected", {}).items():
            if (model.expires_at and model.state in APPROVED - ENDS) or model.state is State.ENDING:
                assert (request_id, "watch-expiry") in waiting

    @invariant()
    def nothing_pending_waits_for_ever(self) -> None:
        waiting = {(row.request_id, row.name) for row in self._waiting()}
        for request_id, model in getattr(self, "expected", {}).items():
            assert model.state is not State.PENDING or (request_id, "timeout") in waiting

    def _waiting(self) -> list[object]:
        return list(self.journal.waiting()) if hasattr(self, "journal") else []


@pytest.fixture(scope="module")
def empty_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to copy: migrating it anew for every life would take most of the time."""
    path = tmp_path_factory.mktemp("template") / "journal.db"
    engine = open_store(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.commit()
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def test_no_sequence_of_events_breaks_a_request_s_life(empty_journal: Path, policies: Policies) -> None:
    Lives.template, Lives.policies = empty_journal, policies
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
