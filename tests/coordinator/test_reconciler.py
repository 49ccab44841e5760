"""The reconciler with hands that only pretend: what it does with each way an effect can come out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from coordinator.courtesy import MANY
from coordinator.journal import Again, Done, Journal, Work, silences
from coordinator.journal.effects import LEASE
from coordinator.lifecycle import Lane
from coordinator.pace import ALLOWANCES
from coordinator.reconciler import ALERT_AFTER, BATCH, LONGEST_PAUSE, REFUSED_PAUSE, Hands, Job, Reconciler
from coordinator.requests import Request
from sallyport.platforms.errors import Refused, TryLater, Unknown
from tests.coordinator.asks import NOW, SECOND, approve, ask
from tests.coordinator.conftest import Store

WAIT = 10.0  # seconds until a test gives up waiting for a thread
Script = Callable[[Work, Request], Done | Again]


def tells(event: threading.Event) -> Script:
    """A hand that lets the test know that it was used."""

    def script(_work: Work, _request: Request) -> Done:
        event.set()
        return Done()

    return script


def nothing(_work: Work, _request: Request) -> Done:
    return Done({"done": "yes"})


@dataclass
class Shop:
    """A reconciler, its clock, and hands that follow a script for each kind of effect."""

    journal: Journal
    now: datetime = NOW
    scripts: dict[str, Script] = field(default_factory=dict)
    batches: list[list[Work]] = field(default_factory=list)
    seen: list[Work] = field(default_factory=list)
    alerts: list[tuple[str, str]] = field(default_factory=list)
    place: dict[str, Callable[[Request], str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        single = (
            "ticket",
            "comment",
            "move",
            "thread",
            "reply",
            "card",
            "tell",
            "dispatch",
            "watch",
            "timeout",
            "audit",
        )
        hands = Hands(
            dict.fromkeys(single, self._single),
            {"commit": self._batch, "withdraw": self._batch},
            lambda about, sentence: self.alerts.append((about, sentence)),
            self.place,
        )
        self.reconciler = Reconciler(self.journal, hands, lambda: self.now)

    def _single(self, work: Work, request: Request) -> Done | Again:
        self.seen.append(work)
        return self.scripts.get(work.kind, nothing)(work, request)

    def _batch(self, jobs: Sequence[Job]) -> list[Done]:
        self.batches.append([work for work, _ in jobs])
        for work, request in jobs:
            self._single(work, request)
        return [Done({"commit": "c1"}) for _ in jobs]

    def fails(self, kind: str, *errors: Exception) -> None:
        """Let *kind* fail like that, one error at each attempt, and succeed then."""
        left = list(errors)

        def script(_work: Work, _request: Request) -> Done:
            if left:
                raise left.pop(0)
            return Done({"done": "yes"})

        self.scripts[kind] = script

    def step(self, lane: Lane) -> None:
        while self.reconciler.step(lane):
            pass

    def attempts(self, name: str) -> list[Work]:
        return [work for work in self.seen if work.name == name]

    def due(self, name: str) -> timedelta:
        """How long until the effect is tried next, as the journal has it."""
        (row,) = [row for row in self.journal.waiting() if row.name == name]
        silent = [silence.until for silence in self.journal.silences()]
        return max(row.due, row.leased_until, *silent) - self.now


@pytest.fixture
def shop(sqlite: Store) -> Iterator[Shop]:
    shop = Shop(sqlite.journal())
    yield shop
    shop.reconciler.stop()


class TestOutcomes:
    def test_what_is_done_is_recorded_and_done_once(self, shop: Shop) -> None:
        made = shop.journal.submit(ask())
        assert shop.reconciler.step(Lane.JIRA)
        assert shop.journal.request(made.id).result("ticket") == {"done": "yes"}
        shop.step(Lane.JIRA)
        assert [work.name for work in shop.seen] == ["ticket", "move"]

    def test_a_lane_without_work_says_so(self, shop: Shop) -> None:
        assert not shop.reconciler.step(Lane.JIRA)

    def test_a_platform_that_names_a_pause_gets_it(self, shop: Shop) -> None:
        shop.journal.submit(ask())
        shop.fails("ticket", TryLater("JIRA", "open a ticket", "too many", after=17))
        shop.step(Lane.JIRA)
        assert shop.due("ticket") == timedelta(seconds=17)
        shop.now += timedelta(seconds=17)
        shop.step(Lane.JIRA)
        assert [work.uncertain for work in shop.attempts("ticket")] == [False, False]

    @pytest.mark.parametrize(
        ("fault", "longest"),
        [
            pytest.param(ZeroDivisionError(), LONGEST_PAUSE, id="of our own"),
            pytest.param(TryLater("JIRA", "open a ticket", "away"), silences.LONGEST_PAUSE, id="away"),
        ],
    )
    def test_without_one_the_pauses_grow_with_jitter_up_to_a_longest(
        self, shop: Shop, fault: Exception, longest: timedelta
    ) -> None:
        """A platform that is away may have nothing else by which it is seen that it is back."""
        shop.journal.submit(ask())
        shop.fails("ticket", *[fault] * 12)
        for attempt in range(12):
            shop.step(Lane.JIRA)
            whole = min(timedelta(seconds=2**attempt), longest)
            assert whole / 2 <= shop.due("ticket") <= whole
            shop.now += whole
        assert [work.attempts for work in shop.attempts("ticket")] == list(range(12))

    def test_an_unknown_outcome_makes_the_next_attempt_look_first(self, shop: Shop) -> None:
        shop.journal.submit(ask())
        shop.fails("ticket", Unknown("JIRA", "open a ticket", "no answer"))
        shop.step(Lane.JIRA)
        shop.now += SECOND
        shop.step(Lane.JIRA)
        assert [work.uncertain for work in shop.attempts("ticket")] == [False, True]

    def test_a_refusal_alerts_once_and_waits_for_somebody_to_change_something(self, shop: Shop) -> None:
        made = shop.journal.submit(ask())
        shop.fails("ticket", *[Refused("JIRA", "open a ticket", "no such issue type", status=400)] * 3)
        for _ in range(3):
            shop.step(Lane.JIRA)
            assert shop.due("ticket") == REFUSED_PAUSE
            shop.now += REFUSED_PAUSE
        assert [about for about, _ in shop.alerts] == [f"stuck-effect:{made.id}:ticket"]
        assert "no such issue type" in shop.alerts[0][1]
        shop.step(Lane.JIRA)
        assert shop.journal.request(made.id).result("ticket")

    def test_a_fault_of_ours_is_an_unknown_outcome_with_its_traceback_in_the_log(self, shop: Shop) -> None:
        made = shop.journal.submit(ask())
        shop.fails("ticket", ZeroDivisionError("oh"))
        with capture_logs() as logs:
            shop.step(Lane.JIRA)
        (broken,) = [entry for entry in logs if entry["event"] == "effect.broken"]
        assert (broken["request_id"], broken["effect"], broken["exc_info"]) == (made.id, "ticket", True)
        shop.now += SECOND
        shop.step(Lane.JIRA)
        assert [work.uncertain for work in shop.attempts("ticket")] == [False, True]

    def test_what_fails_again_and_again_is_told_once_and_never_dropped(self, shop: Shop) -> None:
        made = shop.journal.submit(ask())
        shop.fails("ticket", *[Unknown("JIRA", "open a ticket", "HTTP 502")] * (ALERT_AFTER + 3))
        for attempt in range(ALERT_AFTER + 3):
            shop.step(Lane.JIRA)
            assert len(shop.alerts) == (attempt + 1 >= ALERT_AFTER)
            shop.journal.answered(Lane.JIRA, shop.now)  # what others ask of it
            shop.now += LONGEST_PAUSE
        assert "“ticket”" in shop.alerts[0][1]
        shop.step(Lane.JIRA)
        assert shop.journal.request(made.id).result("ticket")

    def test_what_fails_with_everything_else_is_no_alert_of_its_own(self, shop: Shop) -> None:
        shop.journal.submit(ask())
        shop.fails("ticket", *[TryLater("JIRA", "open a ticket", "no connection")] * (ALERT_AFTER + 3))
        for _ in range(ALERT_AFTER + 3):
            shop.step(Lane.JIRA)
            shop.now += LONGEST_PAUSE
        assert shop.alerts == []
        assert [silence.platform for silence in shop.journal.silences()] == ["JIRA"]

    def test_what_is_not_over_is_looked_at_again_without_counting_as_a_failure(self, shop: Shop) -> None:
        shop.journal.submit(ask())
        shop.scripts["ticket"] = lambda *_: Again(shop.now + SECOND)
        for _ in range(ALERT_AFTER + 1):
            shop.step(Lane.JIRA)
            shop.now += SECOND
        assert {work.attempts for work in shop.attempts("ticket")} == {0}
        assert shop.alerts == []


class TestBatches:
    def test_everything_due_of_a_batch_kind_is_done_by_one_call(self, shop: Shop) -> None:
        ids = {approve(shop.journal, shop.journal.submit(ask(f"v{n}")).id).id for n in range(20)}
        shop.step(Lane.COMMIT)
        (batch,) = shop.batches
        assert {work.request_id for work in batch} == ids
        assert all(shop.journal.request(one).result("commit") == {"commit": "c1"} for one in ids)

    def test_a_batch_has_an_upper_bound(self, shop: Shop) -> None:
        for n in range(BATCH + 1):
            approve(shop.journal, shop.journal.submit(ask(f"v{n}")).id)
        shop.step(Lane.COMMIT)
        assert [len(batch) for batch in shop.batches] == [BATCH, 1]

    def test_a_batch_that_fails_is_put_back_whole(self, shop: Shop) -> None:
        for n in range(3):
            approve(shop.journal, shop.journal.submit(ask(f"v{n}")).id)
        shop.fails("commit", Unknown("GitHub", "commit", "no answer"))
        shop.step(Lane.COMMIT)
        shop.now += SECOND
        shop.step(Lane.COMMIT)
        tried = shop.batches[1]
        assert [work.request_id for work in tried] == [work.request_id for work in shop.batches[0]]
        assert len(tried) == 3
        assert all(work.uncertain for work in tried)

    def test_a_call_is_for_one_place_that_of_whoever_waits_longest_first(self, shop: Shop) -> None:
        shop.place["commit"] = lambda request: request.reason
        for n in range(4):
            approve(shop.journal, shop.journal.submit(ask(f"v{n}", reason="ab"[n % 2])).id, at=NOW + n * SECOND)
        shop.now += 9 * SECOND
        shop.step(Lane.COMMIT)
        reasons = [[shop.journal.request(work.request_id).reason for work in batch] for batch in shop.batches]
        assert reasons == [["a", "a"], ["b", "b"]]

    def test_a_place_that_fails_takes_no_other_with_it(self, shop: Shop) -> None:
        shop.place["commit"] = lambda request: request.reason
        for n in range(2):
            approve(shop.journal, shop.journal.submit(ask(f"v{n}", reason="ab"[n])).id, at=NOW + n * SECOND)
        shop.now += SECOND
        shop.fails("commit", Refused("GitHub", "commit", "no"))
        shop.step(Lane.COMMIT)
        states = [shop.journal.request(one).result("commit") for one in shop.journal.ids()]
        assert sorted(map(bool, states)) == [False, True]

    def test_a_call_that_would_end_after_its_lease_is_left_to_the_next_claim_as_it_was(self, shop: Shop) -> None:
        shop.place["commit"] = lambda request: request.id
        for n in range(3):
            approve(shop.journal, shop.journal.submit(ask(f"v{n}")).id)

        def slow(_work: Work, _request: Request) -> Done:
            shop.now += LEASE / 4
            return Done({"commit": "c1"})

        shop.scripts["commit"] = slow
        shop.reconciler.step(Lane.COMMIT)
        assert len(shop.batches) == 2
        (left,) = (row for row in shop.journal.waiting() if row.name == "commit")
        assert (left.due, left.attempts, left.uncertain, left.lease) == (NOW, 0, False, "")
        shop.step(Lane.COMMIT)
        assert len(shop.batches) == 3

    def test_what_github_s_limits_hold_back_waits_as_it_was_and_is_done_then(self, shop: Shop) -> None:
        for _ in range(ALLOWANCES[Lane.COMMIT].minute):
            shop.reconciler._pace.note(Lane.COMMIT, NOW)
        approve(shop.journal, shop.journal.submit(ask()).id)
        shop.step(Lane.COMMIT)
        assert shop.batches == []
        assert [row.error for row in shop.journal.waiting() if row.name == "commit"] == [""]
        shop.now += 61 * SECOND
        shop.step(Lane.COMMIT)
        assert len(shop.batches) == 1


class TestWorkers:
    def test_a_lane_that_hangs_holds_up_no_other(self, shop: Shop) -> None:
        release, hanging, opened = threading.Event(), threading.Event(), threading.Event()

        def hang(_work: Work, _request: Request) -> Done:
            hanging.set()
            assert release.wait(WAIT)
            return Done()

        def opens(_work: Work, _request: Request) -> Done:
            assert hanging.wait(WAIT)
            opened.set()
            return Done({"key": "OPS-1"})

        shop.scripts |= {"thread": hang, "card": hang, "ticket": opens}
        shop.reconciler.start()
        shop.journal.submit(ask())
        assert opened.wait(WAIT), "JIRA's workers wait for Slack's"
        release.set()

    def test_a_lane_that_is_broken_goes_on_with_the_next_effect(self, shop: Shop) -> None:
        done = threading.Event()
        shop.scripts["ticket"] = tells(done)
        claim, broken = shop.journal.claim, [True]

        def claim_or_break(lane: Lane, now: datetime, limit: int = 1) -> list[Work]:
            if lane is Lane.JIRA and broken:
                broken.clear()
                raise ZeroDivisionError
            return claim(lane, now, limit)

        shop.journal.claim = claim_or_break  # type: ignore[method-assign]  # the fault to survive
        shop.journal.submit(ask())
        shop.reconciler.start()
        assert done.wait(WAIT)

    def test_work_is_taken_up_at_once_and_not_at_the_next_look_at_the_clock(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coordinator.reconciler.IDLE", 3600.0)
        done = threading.Event()
        shop.scripts["move"] = tells(done)
        shop.reconciler.start()
        shop.journal.submit(ask())
        assert done.wait(WAIT)

    def test_what_an_approval_waits_for_has_a_head_start(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        committed, let_go = threading.Event(), threading.Event()
        shop.scripts["commit"] = tells(committed)
        monkeypatch.setattr("coordinator.courtesy.time.sleep", lambda _: let_go.wait(WAIT))
        monkeypatch.setattr("coordinator.courtesy.AHEAD", 3600.0)
        approve(shop.journal, shop.journal.submit(ask()).id)
        shop.reconciler.start()
        assert committed.wait(WAIT)
        assert {work.kind for work in shop.seen} <= {"commit", "dispatch", "watch"}
        let_go.set()

    def test_a_rush_holds_up_what_nobody_waits_for_and_no_approval(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        committed, let_go = threading.Event(), threading.Event()
        shop.scripts["commit"] = tells(committed)
        monkeypatch.setattr("coordinator.courtesy.AHEAD", 0.0)
        monkeypatch.setattr("coordinator.courtesy.CROWD", 3600.0)
        monkeypatch.setattr("coordinator.courtesy.time.sleep", lambda _: let_go.wait(WAIT))
        approve(shop.journal, shop.journal.submit(ask()).id)
        for _ in range(MANY):
            shop.reconciler.hear({Lane.JIRA, Lane.SLACK})
        shop.reconciler.start()
        assert committed.wait(WAIT)
        assert {work.kind for work in shop.seen} <= {"commit", "dispatch", "watch"}
        let_go.set()

    def test_stopping_waits_for_the_call_that_is_under_way_and_records_it(self, shop: Shop) -> None:
        calling, answer, stopped = threading.Event(), threading.Event(), threading.Event()

        def slow(_work: Work, _request: Request) -> Done:
            calling.set()
            assert answer.wait(WAIT)
            return Done({"key": "OPS-1"})

        shop.scripts["ticket"] = slow
        shop.reconciler.start()
        made = shop.journal.submit(ask())
        assert calling.wait(WAIT)
        stopping = threading.Thread(target=lambda: (shop.reconciler.stop(WAIT), stopped.set()))
        stopping.start()
        answer.set()
        assert stopped.wait(WAIT)
        stopping.join(WAIT)
        assert shop.journal.request(made.id).ticket == "OPS-1"

    def test_after_stopping_nothing_is_taken_up(self, shop: Shop) -> None:
        shop.reconciler.start()
        shop.reconciler.stop(WAIT)
        shop.journal.submit(ask())
        assert shop.seen == []

    def test_nothing_is_dropped_when_a_replica_dies_with_work_in_its_hands(
        self, shop: Shop, sqlite: Store
    ) -> None:
        made = shop.journal.submit(ask())
        sqlite.journal().claim(Lane.JIRA, NOW, 10)  # and never heard of again
        shop.step(Lane.JIRA)
        assert shop.seen == []
        shop.now += LEASE
        shop.step(Lane.JIRA)
        assert [(work.name, work.uncertain) for work in shop.seen] == [("ticket", True), ("move", False)]
        assert {row.name for row in shop.journal.waiting() if row.request_id == made.id} == {
            "thread",
            "card:U0LEE",
            "timeout",
            "audit",
        }

    def test_an_effect_that_nobody_knows_how_to_do_stays_on_record(self, shop: Shop) -> None:
        made = approve(shop.journal, shop.journal.submit(ask(lifetime=timedelta(seconds=1))).id)
        shop.step(Lane.COMMIT)
        shop.now += timedelta(seconds=2)
        with pytest.raises(KeyError):
            shop.step(Lane.EXPIRY)
        assert {"expire", "watch-expiry"} <= {r.name for r in shop.journal.waiting() if r.request_id == made.id}
