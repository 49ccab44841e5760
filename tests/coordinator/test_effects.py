"""The outbox on both databases: an effect is handed out once, in its order, and never lost."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from coordinator.journal import Done, Journal
from coordinator.journal.effects import LEASE
from coordinator.lifecycle import Armed, Lane
from coordinator.requests import State
from sallyport.audit import Deed
from tests.coordinator.asks import HOUR, NOW, SECOND, approve, ask, claim, happened, names
from tests.coordinator.conftest import Store


class TestHandingOut:
    def test_what_is_due_is_handed_out_oldest_first_and_once(self, journal: Journal) -> None:
        journal.submit(ask("b", submitted_at=NOW + SECOND))
        first = journal.submit(ask("a"))
        works = journal.claim(Lane.SLACK, NOW + SECOND, limit=10)
        assert names(works) == ["card:U0LEE", "thread"] * 2
        assert [work.request_id for work in works[:2]] == [first.id, first.id]
        assert journal.claim(Lane.SLACK, NOW + SECOND, limit=10) == []

    def test_not_more_than_the_limit_is_handed_out(self, journal: Journal) -> None:
        journal.submit(ask())
        assert [len(journal.claim(Lane.SLACK, NOW)) for _ in range(3)] == [1, 1, 0]

    def test_each_lane_gets_its_own(self, journal: Journal) -> None:
        journal.submit(ask())
        assert names(journal.claim(Lane.JIRA, NOW, 10)) == ["ticket"]
        assert journal.claim(Lane.COMMIT, NOW, 10) == []

    def test_nothing_is_handed_out_before_it_is_due(self, journal: Journal) -> None:
        made = journal.submit(ask())
        assert journal.claim(Lane.CLOCK, made.decide_by - SECOND) == []
        assert names(journal.claim(Lane.CLOCK, made.decide_by)) == ["timeout"]

    def test_what_waits_for_another_effect_is_handed_out_once_that_is_done(self, journal: Journal) -> None:
        journal.submit(ask())
        ticket = claim(journal, Lane.JIRA, "ticket")
        assert journal.claim(Lane.JIRA, NOW, 10) == []  # "move" waits for it
        journal.finish(ticket, Done({"key": "OPS-1"}))
        assert names(journal.claim(Lane.JIRA, NOW, 10)) == ["move"]

    def test_what_waits_for_an_effect_that_was_never_armed_may_go(self, journal: Journal) -> None:
        made = journal.submit(ask())
        armed = Armed("expire", "expire", Lane.EXPIRY, NOW, after="withdraw")
        journal.move(made.id, happened(Deed.COMMITTED, arm=(armed,)))
        assert names(journal.claim(Lane.EXPIRY, NOW)) == ["expire"]

    def test_the_marker_names_the_effect_to_the_outside(self, journal: Journal) -> None:
        made = journal.submit(ask())
        assert claim(journal, Lane.JIRA, "ticket").marker == f"{made.id}:ticket"

    def test_two_replicas_with_several_workers_never_get_the_same_effect(self, store: Store) -> None:
        replicas = [store.journal(), store.journal()]
        expected = {(replicas[0].submit(ask(f"view:{n}")).id, name) for n in range(12) for name in _SLACK}
        got: Counter[tuple[str, str]] = Counter()
        start, lock = threading.Barrier(6), threading.Lock()

        def work(journal: Journal, limit: int) -> None:
            start.wait(10)
            while works := journal.claim(Lane.SLACK, NOW, limit):
                with lock:
                    got.update((w.request_id, w.name) for w in works)

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda n: work(replicas[n % 2], 1 + n // 2), range(6)))
        # A worker that finds every due row locked by another may leave early; nothing is lost by that.
        while works := replicas[0].claim(Lane.SLACK, NOW, 50):
            got.update((w.request_id, w.name) for w in works)
        assert set(got) == expected
        assert set(got.values()) == {1}


_SLACK = ("card:U0LEE", "thread")


class TestLeases:
    def test_an_effect_whose_worker_is_gone_is_handed_out_again_as_uncertain(self, journal: Journal) -> None:
        journal.submit(ask())
        first = claim(journal, Lane.JIRA, "ticket")
        assert not first.uncertain
        assert journal.claim(Lane.JIRA, NOW + LEASE - SECOND) == []
        second = claim(journal, Lane.JIRA, "ticket", NOW + LEASE)
        assert second.uncertain
        assert (second.arming, second.attempts) == (first.arming, 0)

    def test_who_lost_the_lease_records_nothing(self, journal: Journal) -> None:
        made = journal.submit(ask())
        approve(journal, made.id)
        lost = claim(journal, Lane.COMMIT, "commit")
        taken = claim(journal, Lane.COMMIT, "commit", NOW + LEASE)
        journal.finish(lost, Done({"commit": "lost"}, then=happened(Deed.COMMITTED)))
        journal.retry(lost, NOW, "lost", uncertain=True)
        journal.put_off(lost, NOW)
        assert [fact.deed for fact, _ in journal.facts(made.id)] == [Deed.ASKED, Deed.APPROVED]
        assert journal.claim(Lane.COMMIT, NOW + LEASE) == []  # still leased to who took it over
        journal.finish(taken, Done({"commit": "taken"}, then=happened(Deed.COMMITTED)))
        assert journal.request(made.id).result("commit") == {"commit": "taken"}

    def test_who_is_late_but_was_not_replaced_records_the_truth(self, journal: Journal) -> None:
        made = journal.submit(ask())
        late = claim(journal, Lane.JIRA, "ticket")
        journal.finish(late, Done({"key": "OPS-1"}))
        assert journal.claim(Lane.JIRA, NOW + LEASE, 10)[0].name == "move"
        assert journal.request(made.id).ticket == "OPS-1"

    def test_finishing_twice_records_what_follows_once(self, journal: Journal) -> None:
        made = journal.submit(ask())
        approve(journal, made.id)
        work = claim(journal, Lane.COMMIT, "commit")
        for _ in range(2):
            journal.finish(work, Done({"commit": "c1"}, then=happened(Deed.COMMITTED)))
        assert [fact.deed for fact, _ in journal.facts(made.id)][2:] == [Deed.COMMITTED]


class TestPuttingBack:
    def test_what_was_put_off_comes_again_at_its_time_and_as_certain_as_before(self, journal: Journal) -> None:
        journal.submit(ask())
        journal.put_off(claim(journal, Lane.JIRA, "ticket"), NOW + HOUR)
        assert journal.claim(Lane.JIRA, NOW + HOUR - SECOND) == []
        again = claim(journal, Lane.JIRA, "ticket", NOW + HOUR)
        assert (again.uncertain, again.attempts) == (False, 0)

    def test_what_surely_failed_is_tried_again_without_looking_first(self, journal: Journal) -> None:
        journal.submit(ask())
        journal.retry(claim(journal, Lane.JIRA, "ticket"), NOW + HOUR, "JIRA is away", uncertain=False)
        assert [row.error for row in journal.waiting() if row.name == "ticket"] == ["JIRA is away"]
        again = claim(journal, Lane.JIRA, "ticket", NOW + HOUR)
        assert (again.uncertain, again.attempts) == (False, 1)

    def test_what_fails_is_told_apart_from_what_only_waits(self, journal: Journal) -> None:
        made = journal.submit(ask())
        assert journal.failing() == []
        journal.retry(claim(journal, Lane.JIRA, "ticket"), NOW, "JIRA is away", uncertain=False)
        assert [(row.request_id, row.name, row.error) for row in journal.failing()] == [
            (made.id, "ticket", "JIRA is away")
        ]
        journal.finish(claim(journal, Lane.JIRA, "ticket"), Done({"key": "OPS-1"}))
        assert journal.failing() == []

    def test_the_backlog_counts_what_is_due_and_since_when(self, journal: Journal) -> None:
        first, *_ = [
            journal.submit(ask(key, submitted_at=NOW - age * HOUR)) for key, age in (("a", 3), ("b", 2), ("c", 1))
        ]
        count, oldest = journal.backlog(NOW)[Lane.JIRA]
        assert oldest == NOW - 3 * HOUR
        assert count == sum(row.lane == Lane.JIRA for row in journal.waiting())
        for _ in range(2):  # the ticket, and what waits for it
            for work in journal.claim(Lane.JIRA, NOW, 10):
                if work.request_id == first.id:
                    journal.finish(work, Done())
                else:
                    journal.release([work])
        assert journal.backlog(NOW)[Lane.JIRA] == (count - 2, NOW - 2 * HOUR)
        assert Lane.COMMIT not in journal.backlog(NOW)

    def test_an_unknown_outcome_stays_unknown_until_the_effect_is_done(self, journal: Journal) -> None:
        journal.submit(ask())
        journal.retry(claim(journal, Lane.JIRA, "ticket"), NOW, "no answer", uncertain=True)
        second = claim(journal, Lane.JIRA, "ticket")
        assert (second.uncertain, second.attempts) == (True, 1)
        journal.retry(second, NOW, "no connection", uncertain=False)
        third = claim(journal, Lane.JIRA, "ticket")
        assert (third.uncertain, third.attempts) == (True, 2)
        journal.finish(third, Done({"key": "OPS-1"}))
        assert not [row for row in journal.waiting() if row.name == "ticket"]

    def test_what_was_tried_in_vain_keeps_its_place_before_what_came_later(self, journal: Journal) -> None:
        first = approve(journal, journal.submit(ask("a")).id)
        journal.retry(claim(journal, Lane.COMMIT, "commit"), NOW + HOUR, "GitHub is away", uncertain=True)
        second = approve(journal, journal.submit(ask("b")).id, at=NOW + SECOND)
        assert [work.request_id for work in journal.claim(Lane.COMMIT, NOW + HOUR, 10)] == [first.id, second.id]


class TestArmingAgain:
    def test_an_effect_armed_again_while_somebody_does_it_is_due_again_afterwards(self, journal: Journal) -> None:
        made = journal.submit(ask())
        work = claim(journal, Lane.SLACK, "thread")
        approve(journal, made.id)  # arms the thread anew
        assert "thread" not in names(journal.claim(Lane.SLACK, NOW, 10))
        journal.finish(work, Done({"channel": "C0INFRA", "ts": "1.1"}))
        again = claim(journal, Lane.SLACK, "thread")
        assert again.arming == work.arming + 1
        assert again.result == {"channel": "C0INFRA", "ts": "1.1"}
        assert not again.uncertain

    def test_what_waited_long_for_its_next_attempt_is_due_at_once_when_armed_again(self, journal: Journal) -> None:
        made = journal.submit(ask())
        journal.retry(claim(journal, Lane.SLACK, "thread"), NOW + HOUR, "refused", uncertain=False)
        approve(journal, made.id)
        assert claim(journal, Lane.SLACK, "thread").attempts == 0

    def test_what_waits_for_an_effect_waits_again_when_that_is_armed_again(self, journal: Journal) -> None:
        made = journal.submit(ask())
        journal.finish(claim(journal, Lane.JIRA, "ticket"), Done({"key": "OPS-1"}))
        armed = (Armed("ticket", "ticket", Lane.JIRA, NOW + HOUR),)
        journal.move(made.id, happened(Deed.COMMITTED, arm=armed))
        assert journal.claim(Lane.JIRA, NOW, 10) == []

    def test_what_follows_from_an_effect_is_recorded_with_it(self, journal: Journal) -> None:
        told: list[set[Lane]] = []
        made = journal.submit(ask())
        approve(journal, made.id)
        journal.finish(claim(journal, Lane.COMMIT, "commit"), Done({"commit": "c1"}))
        journal.on_work = told.append
        dispatched = happened(Deed.DISPATCHED, State.APPLYING)
        journal.finish(claim(journal, Lane.DISPATCH, "dispatch"), Done({"run": 1, "url": "u"}, then=dispatched))
        request = journal.request(made.id)
        assert (request.state, request.run_url) == (State.APPLYING, "u")
        assert told == [{Lane.RUNS, Lane.SLACK, Lane.JIRA, Lane.AUDIT}]

    def test_what_follows_and_cannot_be_recorded_leaves_the_effect_undone(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = journal.submit(ask())
        work = claim(journal, Lane.JIRA, "ticket")
        monkeypatch.setattr("coordinator.journal.transitions.apply", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            journal.finish(work, Done({"key": "OPS-1"}, then=happened(Deed.COMMITTED)))
        assert journal.request(made.id).ticket is None
        assert claim(journal, Lane.JIRA, "ticket", NOW + LEASE).uncertain
