"""The journal on both of its databases: one place, one decision for each person, one winner of each race."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from coordinator.journal import AlreadyDecided, Done, Journal, UnknownRequest, submitting
from coordinator.lifecycle import Happening, Lane, Move
from coordinator.requests import Kept, Request, Route, State
from sallyport.audit import FIRST, Deed, breaks
from sallyport.entries import POLICY, Grant
from tests.coordinator.asks import (
    ANA,
    HOUR,
    LEE,
    NOW,
    SAM,
    SECOND,
    approve,
    ask,
    at_quorum,
    claim,
    deny,
    happened,
    yes,
)
from tests.coordinator.conftest import Store

T = TypeVar("T")
ROUNDS = 8  # of each race


def at_once(*deeds: Callable[[], T]) -> list[T | Exception]:
    """Do all of them in threads that start together; what each gave or raised, in order."""
    start = threading.Barrier(len(deeds))

    def run(deed: Callable[[], T]) -> T | Exception:
        start.wait(10)
        try:
            return deed()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(run, deeds))


def held_up(journal: Journal, monkeypatch: pytest.MonkeyPatch, until_waiting: int) -> list[int]:
    """Hold up the first transaction until others wait for the next; what follows holds the size of each."""
    write, groups = submitting.write, []

    def counted(connection: sa.Connection, news: Sequence[submitting.New]) -> object:
        groups.append(len(news))
        while len(groups) == 1 and len(journal._submissions._waiting) < until_waiting:
            threading.Event().wait(0.001)
        return write(connection, news)

    monkeypatch.setattr(submitting, "write", counted)
    return groups


class TestSubmitting:
    def test_a_request_is_read_back_as_it_was_asked(self, journal: Journal) -> None:
        asked = ask(reason="Zoë’s <!channel> & 'quotes' 🚀\nsecond line")
        request = journal.request(journal.submit(asked).id)
        assert (request.state, request.revision) == (State.PENDING, 1)
        assert (request.reason, request.changes, request.deciders) == (
            asked.reason,
            asked.changes,
            asked.route.deciders,
        )
        assert (request.submitted_at, request.decide_by) == (asked.submitted_at, asked.decide_by)
        assert (request.lifetime, request.asked, request.channel) == (asked.lifetime, asked.asked, asked.channel)
        assert (request.expires_at, request.decisions) == (None, ())

    def test_a_permanent_request_has_no_lifetime(self, journal: Journal) -> None:
        assert journal.submit(ask(lifetime=None)).lifetime is None

    def test_a_submission_delivered_twice_makes_one_request(self, journal: Journal) -> None:
        first = journal.submit(ask("view:V1"))
        again = journal.submit(ask("view:V1", reason="something else"))
        assert again == first
        assert journal.ids() == [first.id]
        assert len(journal.facts(first.id)) == 1

    def test_other_submissions_make_other_requests_in_the_order_of_their_time(self, journal: Journal) -> None:
        later = journal.submit(ask("b", submitted_at=NOW + HOUR))
        earlier = journal.submit(ask("a"))
        assert journal.ids() == [earlier.id, later.id]

    def test_two_replicas_that_get_one_submission_at_once_make_one_request(self, store: Store) -> None:
        replicas = [store.journal(), store.journal()]
        for number in range(ROUNDS):
            asked = ask(f"view:{number}")
            made = at_once(*(lambda r=replica, a=asked: r.submit(a).id for replica in replicas))
            assert made[0] == made[1]
        assert len(replicas[0].ids()) == ROUNDS

    def test_many_are_read_as_each_is_alone_in_the_order_they_are_named(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coordinator.journal.questions.MANY", 2)
        first, second = (journal.submit(ask(f"view:{n}", route=Route(("U0SAM", "U0LEE")))) for n in (1, 2))
        journal.finish(claim(journal, Lane.JIRA, "ticket"), Done({"key": "OPS-1"}))
        approve(journal, first.id, quorum=2)
        approve(journal, first.id, SAM)
        older = journal.submit(ask("view:3", extends=first.id))
        newest = journal.submit(ask("view:4", extends=first.id, submitted_at=NOW + SECOND))
        ids = [second.id, first.id, newest.id, "aw-nobody", older.id]
        many = list(journal.requests(ids))
        assert many == [journal.request(one) for one in ids if one != "aw-nobody"]
        assert many[1].extension is not None
        assert many[1].extension.id == newest.id
        assert (len(many[1].decisions), many[0].deciders) == (2, ("U0LEE", "U0SAM"))

    def test_those_of_one_moment_share_a_transaction(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        groups = held_up(journal, monkeypatch, until_waiting=7)
        made = at_once(*(lambda n=number: journal.submit(ask(f"view:{n}", reason=f"{n}")) for number in range(8)))
        assert groups == [1, 7]
        assert [request.reason for request in made] == [str(number) for number in range(8)]
        assert sorted(journal.ids()) == sorted(request.id for request in made)
        assert all(journal.request(one.id) == one and breaks(journal.facts(one.id)) == [] for one in made)

    def test_one_that_is_delivered_twice_among_them_spoils_nothing(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held_up(journal, monkeypatch, until_waiting=7)
        made = at_once(*(lambda k=key: journal.submit(ask(k)).id for key in "abcdabcd"))
        assert made[:4] == made[4:]
        assert sorted(journal.ids()) == sorted(made[:4])

    def test_a_request_nobody_made_is_unknown(self, journal: Journal) -> None:
        with pytest.raises(UnknownRequest):
            journal.request("aw-222222")

    def test_an_id_that_is_taken_is_not_given_twice(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = iter(["aw-222222", "aw-222222", "aw-333333"])
        monkeypatch.setattr("coordinator.journal.journal.new_id", lambda prefix: next(ids))
        assert [journal.submit(ask(key)).id for key in ("a", "b")] == ["aw-222222", "aw-333333"]


class TestDeciding:
    def test_the_approval_that_fills_the_quorum_approves_and_sets_the_deadline(self, journal: Journal) -> None:
        made = journal.submit(ask())
        request = approve(journal, made.id, at=NOW + HOUR)
        assert (request.state, request.revision) == (State.APPROVED, 2)
        assert request.expires_at == NOW + 5 * HOUR
        assert [(d.by, d.at) for d in request.approvals] == [(LEE, NOW + HOUR)]

    def test_below_the_quorum_the_approval_is_a_fact_and_nothing_more(self, journal: Journal) -> None:
        made = journal.submit(ask())
        request = approve(journal, made.id, quorum=2)
        assert (request.state, request.expires_at) == (State.PENDING, None)
        assert approve(journal, made.id, SAM, quorum=2).state is State.APPROVED
        assert [fact.by for fact, _ in journal.facts(made.id)] == [ANA, LEE, SAM]

    def test_who_judges_sees_the_decisions_in_their_order_in_time(self, journal: Journal) -> None:
        request = journal.submit(ask())
        approve(journal, request.id, SAM, at=NOW + SECOND, quorum=3)
        judged: list[Request] = []
        journal.decide(request.id, yes(LEE, NOW), judged.append)
        assert judged == [journal.request(request.id)]
        assert [decision.by for decision in judged[0].decisions] == [LEE, SAM]

    def test_a_denial_ends_it(self, journal: Journal) -> None:
        made = journal.submit(ask())
        request = deny(journal, made.id)
        assert (request.state, request.closing) == (State.DENIED, "Denied.")
        assert request.denial is not None
        assert request.denial.reason == "Not today"

    @pytest.mark.parametrize("second", [approve, deny])
    def test_nobody_decides_twice(self, journal: Journal, second: Callable[..., Any]) -> None:
        made = journal.submit(ask())
        approve(journal, made.id, quorum=2)
        with pytest.raises(AlreadyDecided) as raised:
            second(journal, made.id)
        assert raised.value.request == journal.request(made.id)
        assert len(journal.request(made.id).decisions) == 1

    def test_who_comes_late_is_told_how_it_stands(self, journal: Journal) -> None:
        made = journal.submit(ask())
        deny(journal, made.id, SAM)
        with pytest.raises(AlreadyDecided) as raised:
            approve(journal, made.id)
        assert raised.value.request.state is State.DENIED
        assert [decision.by for decision in raised.value.request.decisions] == [SAM]

    def test_two_approvers_at_the_same_moment_on_two_replicas_make_one_approval(self, store: Store) -> None:
        here, there = store.journal(), store.journal()
        for number in range(ROUNDS):
            made = here.submit(ask(f"view:{number}"))
            answers = at_once(
                lambda: approve(here, made.id, LEE),  # noqa: B023 - done before the next round
                lambda: approve(there, made.id, SAM),  # noqa: B023
            )
            request = here.request(made.id)
            (winner,) = request.approvals
            losers = [answer for answer in answers if isinstance(answer, Exception)]
            assert [type(loser) for loser in losers] == [AlreadyDecided]
            assert losers[0].request == request  # type: ignore[attr-defined]
            assert (request.state, request.revision) == (State.APPROVED, 2)
            deeds = [(fact.deed, fact.by) for fact, _ in here.facts(made.id)]
            assert deeds == [(Deed.ASKED, ANA), (Deed.APPROVED, winner.by)]

    def test_one_person_s_two_clicks_at_the_same_moment_count_once(self, store: Store) -> None:
        here, there = store.journal(), store.journal()
        for number in range(ROUNDS):
            made = here.submit(ask(f"view:{number}"))
            at_once(
                lambda: approve(here, made.id, quorum=2),  # noqa: B023
                lambda: approve(there, made.id, quorum=2),  # noqa: B023
            )
            request = here.request(made.id)
            assert (request.state, len(request.approvals)) == (State.PENDING, 1)

    def test_a_yes_and_a_no_at_the_same_moment_have_one_winner(self, store: Store) -> None:
        here, there = store.journal(), store.journal()
        for number in range(ROUNDS):
            made = here.submit(ask(f"view:{number}"))
            at_once(
                lambda: approve(here, made.id, LEE),  # noqa: B023
                lambda: deny(there, made.id, SAM),  # noqa: B023
            )
            request = here.request(made.id)
            (decision,) = request.decisions
            assert request.state is (State.APPROVED if decision.by == LEE else State.DENIED)
            assert request.revision == 2

    def test_a_decision_whose_judgement_fails_is_not_recorded(self, journal: Journal) -> None:
        made = journal.submit(ask())

        def broken(_: object) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            journal.decide(made.id, yes(), broken)
        assert journal.request(made.id) == made

    def test_whoever_works_is_told_after_the_commit(self, journal: Journal) -> None:
        told: list[tuple[set[Lane], State]] = []
        made = journal.submit(ask())
        journal.on_work = lambda lanes: told.append((lanes, journal.request(made.id).state))
        decision = yes()
        journal.decide(made.id, decision, at_quorum(1, decision))
        assert told == [(set(Lane) - {Lane.AWS}, State.APPROVED)]


class TestWhatComesOfAChange:
    """It is told without reading it again, so it must be what a reader finds, to the names of its effects."""

    def test_a_submission_that_nobody_needs_to_approve(self, journal: Journal) -> None:
        self.is_as_read(journal, journal.submit(ask(grant=Grant(POLICY, NOW), route=Route())))

    def test_a_submission(self, journal: Journal) -> None:
        self.is_as_read(journal, journal.submit(ask(route=Route(("U0SAM", "U0LEE"), ("U0SAM", "C0INFRA")))))

    def test_an_approval_and_a_denial(self, journal: Journal) -> None:
        self.is_as_read(journal, approve(journal, journal.submit(ask()).id))
        self.is_as_read(journal, approve(journal, journal.submit(ask("b")).id, steps_up=True))
        self.is_as_read(journal, deny(journal, journal.submit(ask("c")).id))

    def test_an_approval_after_which_others_are_asked(self, journal: Journal) -> None:
        made = journal.submit(ask())
        decision = yes()
        route = Route(("U0SAM", "U0KIM"), ("U0SAM", "C0INFRA"))
        further = Move(Happening(Deed.APPROVED, NOW, LEE), route=route)
        after = journal.decide(made.id, decision, lambda _: further)
        self.is_as_read(journal, after)
        assert (after.deciders, after.notify) == (("U0KIM", "U0SAM"), ("U0LEE", "U0SAM", "C0INFRA"))

    def test_a_state_a_beginning_and_a_pause(self, journal: Journal) -> None:
        made = approve(journal, journal.submit(ask()).id)
        self.is_as_read(journal, journal.move(made.id, happened(Deed.DISPATCHED, State.APPLYING)))
        later = Move(
            Happening(Deed.KEPT_UP, NOW, ANA), kept=Kept(NOW + HOUR, ANA), begins_at=NOW + timedelta(minutes=7)
        )
        self.is_as_read(journal, journal.move(made.id, later))

    @staticmethod
    def is_as_read(journal: Journal, told: Request) -> None:
        found = journal.request(told.id)
        assert told == found
        assert told.armed == found.armed


class TestMoving:
    def test_a_move_to_a_state_that_cannot_follow_is_dropped(self, journal: Journal) -> None:
        made = journal.submit(ask())
        deny(journal, made.id)
        before = journal.request(made.id), len(journal.facts(made.id))
        after = journal.move(made.id, happened(Deed.TIMED_OUT, State.TIMED_OUT))
        assert (after, len(journal.facts(made.id))) == before

    def test_a_fact_that_changes_no_state_is_added(self, journal: Journal) -> None:
        made = journal.submit(ask())
        after = journal.move(made.id, happened(Deed.COMMITTED))
        assert (after.state, after.revision) == (State.PENDING, 1)
        assert [fact.deed for fact, _ in journal.facts(made.id)] == [Deed.ASKED, Deed.COMMITTED]

    def test_a_later_move_keeps_the_deadline(self, journal: Journal) -> None:
        made = journal.submit(ask())
        approve(journal, made.id)
        assert journal.move(made.id, happened(Deed.DISPATCHED, State.APPLYING)).expires_at == NOW + 4 * HOUR


class TestTheTrail:
    def test_it_is_numbered_chained_and_unbroken(self, journal: Journal) -> None:
        made = journal.submit(ask())
        approve(journal, made.id, at=NOW + timedelta(microseconds=123456))
        journal.move(made.id, happened(Deed.DISPATCHED, State.APPLYING))
        journal.move(made.id, happened(Deed.APPLIED, State.ACTIVE))
        trail = journal.facts(made.id)
        assert [fact.number for fact, _ in trail] == [1, 2, 3, 4]
        assert [fact.previous for fact, _ in trail] == [FIRST, *(digest for _, digest in trail[:-1])]
        assert [fact.deed for fact, _ in trail] == [Deed.ASKED, Deed.APPROVED, Deed.DISPATCHED, Deed.APPLIED]
        assert breaks(trail) == []

    def test_facts_from_several_replicas_at_once_stand_in_one_order(self, store: Store) -> None:
        replicas = [store.journal(), store.journal()]
        made = replicas[0].submit(ask())
        at_once(*(lambda r=replica: r.move(made.id, happened(Deed.COMMITTED)) for replica in replicas * 4))
        trail = replicas[0].facts(made.id)
        assert [fact.number for fact, _ in trail] == list(range(1, 10))
        assert breaks(trail) == []

    def test_every_later_fact_arms_its_comment_after_the_one_before(self, journal: Journal) -> None:
        made = journal.submit(ask())
        approve(journal, made.id)
        journal.move(made.id, happened(Deed.DISPATCHED, State.APPLYING))
        comments = {row.name: row.after for row in journal.waiting() if row.kind == "comment"}
        assert comments == {"comment:2": "ticket", "comment:3": "comment:2"}
