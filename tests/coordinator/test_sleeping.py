"""Environments that sleep by schedule: one request for each period, whoever looks, and people who keep them up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from coordinator.audit.context import context_of
from coordinator.deciding import NotYours
from coordinator.directory import Directory
from coordinator.ending import Ending
from coordinator.infra.answers import ended
from coordinator.infra.record import Record
from coordinator.keeping import Keeping
from coordinator.outside.commits import entry_of
from coordinator.requests import Kept, Request, Route, State
from coordinator.sleeping import Sleeping
from sallyport.audit import Deed, breaks
from sallyport.changes.infra_stop import InfraStop
from sallyport.decisions import entry_refusals
from sallyport.entries import POLICY, SCHEDULE, Grant
from sallyport.outcomes import Result
from sallyport.platforms.slack_text import date
from tests.coordinator.asks import HOUR
from tests.coordinator.conftest import Installed, Places, Store
from tests.coordinator.desk import MINUTE, Desk, open_desk
from tests.coordinator.fakes import Interrupted
from tests.coordinator.installing import sleeping_at_night, with_infra
from tests.coordinator.test_journal import at_once

CHANNEL = "infra-requests"
KIM, LEE, SAM = "U0KIM", "U0LEE", "U0SAM"
STARTS = datetime(2026, 11, 25, 19, tzinfo=UTC)  # 20:00 in Madrid, on a Wednesday
ENDS = datetime(2026, 11, 26, 6, tzinfo=UTC)
NOTICE = 10 * MINUTE


class Night:
    """A desk before development goes to sleep, with those who look and those who keep it up."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.now = STARTS - HOUR
        directory = Directory(desk.slack_client, lambda: desk.installed.policies)
        self.sleeping = self.replica()
        self.ending = Ending(desk.journal, lambda: desk.installed.policies, directory, lambda: desk.now)
        self.keeping = Keeping(self.ending, self.sleeping, lambda: desk.installed.policies)
        self.record = Record(desk.journal, lambda: desk.installed.policies, self.sleeping)

    def replica(self) -> Sleeping:
        return Sleeping(self.desk.journal, lambda: self.desk.installed.policies, lambda: self.desk.now)

    def at(self, moment: datetime) -> list[Request]:
        """Let time come to *moment*, with a look and all work of every minute until then; return the requests."""
        while True:
            self.sleeping.look()
            self.desk.settle(timedelta(0))
            if self.desk.now >= moment:
                return self.requests
            self.desk.now = min(self.desk.now + MINUTE, moment)

    @property
    def requests(self) -> list[Request]:
        return [self.desk.journal.request(one) for one in self.desk.journal.ids()]

    @property
    def request(self) -> Request:
        (request,) = self.requests
        return request

    def asleep(self) -> Request:
        """Development is stopped, as a job has seen; the request for that."""
        self.at(STARTS)
        return self.stopped(self.request)

    def stopped(self, request: Request) -> Request:
        self.desk.job_ends(request, Result.APPLIED)
        self.desk.settle(MINUTE / 2)
        assert self.desk.request(request).state is State.ACTIVE
        return self.desk.request(request)

    def started(self, request: Request) -> None:
        """A job has started what *request* had stopped, and has taken its entry off main."""
        del self.desk.github.files[entry_of(request).path]
        self.desk.job_ends(request, Result.REVERTED, run="expire")

    def stopped_by_hand(self, **different: Any) -> Request:
        """Ana asks for a stop, for twelve hours."""
        facts: dict[str, Any] = {
            "flow": "infra-stop",
            "prefix": "is",
            "environment": "dev",
            "changes": (InfraStop("dev"),),
            "asked": "",
            "route": Route(),
            "lifetime": 12 * HOUR,
            "grant": Grant(POLICY, self.desk.now),
            "notice": NOTICE,
        }
        return self.desk.submit(f"view:{self.desk.now}", **{**facts, **different})

    def says(self) -> list[str]:
        """What the channel shows of development, message by message."""
        shown = [message.visible_text for message in self.desk.messages("kim", CHANNEL)]
        return [text for text in shown if text.startswith("Development (dev)")]


@pytest.fixture
def night(sqlite: Store, installed: Installed, places: Places) -> Iterator[Night]:
    with open_desk(sqlite.journal(), sleeping_at_night(with_infra(installed)), places) as desk:
        yield Night(desk)


class TestAsking:
    def test_it_is_asked_for_and_announced_so_that_it_begins_when_the_schedule_says(self, night: Night) -> None:
        assert night.at(STARTS - NOTICE - MINUTE) == []
        (request,) = night.at(STARTS - NOTICE)
        assert request.state is State.ANNOUNCED
        assert (request.begins_at, request.expires_at) == (STARTS, ENDS)
        (said,) = night.says()
        assert "will be stopped" in said
        assert "(asked by the schedule nights)" in said
        night.at(STARTS - MINUTE)
        assert not night.desk.github.commits
        night.at(STARTS)
        assert night.request.state is State.APPLYING
        assert len(night.desk.github.commits) == 1

    def test_what_is_committed_is_what_a_job_accepts(self, night: Night) -> None:
        (request,) = night.at(STARTS)
        entry = entry_of(request)
        assert (entry.requested_by, entry.grant) == ("schedule:nights", Grant(SCHEDULE, STARTS))
        assert entry_refusals(entry, night.desk.installed.policies) == ()

    def test_nobody_is_asked_where_people_need_approvals_for_the_same(self, night: Night) -> None:
        approvers = {"auto_approve": False, "approvers": {"groups": ["managers"]}}
        night.desk.installed = sleeping_at_night(night.desk.installed, **approvers)
        (request,) = night.at(STARTS)
        assert request.state is State.APPLYING
        assert entry_refusals(entry_of(request), night.desk.installed.policies) == ()

    def test_it_has_a_ticket_a_thread_and_a_trail_and_nobody_is_told_directly(self, night: Night) -> None:
        request = night.asleep()
        night.at(STARTS + HOUR)
        facts = night.desk.journal.facts(request.id)
        assert facts[0][0].by == "schedule:nights"
        assert breaks(facts) == []
        assert "requested-by:schedule:nights" in night.desk.issue.labels
        assert "the schedule nights" in night.desk.issue.description
        thread = night.desk.slack.person("kim").sees("The schedule nights asks for Stop of ECS", CHANNEL)
        assert not thread.buttons
        assert not [one for who in ("ana", "kim", "lee", "sam") for one in night.desk.messages(who)]
        assert {row.name for row in night.desk.journal.waiting()} <= {"expire", "watch-expiry"}

    def test_it_is_up_again_when_the_schedule_wants_it(self, night: Night) -> None:
        request = night.asleep()
        night.at(ENDS)
        night.started(request)
        night.at(ENDS + HOUR)
        assert night.request.state is State.ENDED
        (said,) = night.says()
        assert "is up again" in said

    def test_every_night_is_a_request_of_its_own(self, night: Night) -> None:
        night.asleep()
        night.desk.now = STARTS + 24 * HOUR - NOTICE
        night.sleeping.look()
        assert [request.begins_at for request in night.requests] == [STARTS, STARTS + 24 * HOUR]


class TestOnce:
    def test_two_replicas_that_look_at_once_make_one_request(
        self, store: Store, installed: Installed, places: Places
    ) -> None:
        sleeping = sleeping_at_night(with_infra(installed))
        replicas = [
            Sleeping(store.journal(), lambda: sleeping.policies, lambda: STARTS - NOTICE) for _ in range(2)
        ]
        looks = [replica.look for replica in replicas for _ in range(4)]
        assert [one for one in at_once(*looks) if isinstance(one, Exception)] == []
        assert len(replicas[0].journal.ids()) == 1

    def test_one_that_starts_again_in_the_night_makes_no_other(self, night: Night) -> None:
        night.asleep()
        night.desk.now += 2 * HOUR
        night.replica().look()
        assert len(night.requests) == 1

    def test_one_that_was_away_asks_for_the_rest_after_its_notice(self, night: Night) -> None:
        night.desk.now = STARTS + 3 * HOUR
        night.sleeping.look()
        assert (night.request.begins_at, night.request.expires_at) == (STARTS + 3 * HOUR + NOTICE, ENDS)
        assert night.request.grant == Grant(SCHEDULE, STARTS + 3 * HOUR + NOTICE)

    @pytest.mark.parametrize(("before_the_end", "asked"), [(70 * MINUTE, 1), (69 * MINUTE, 0)])
    def test_a_rest_that_is_not_worth_it_is_left_out(
        self, night: Night, before_the_end: timedelta, asked: int
    ) -> None:
        night.desk.now = ENDS - before_the_end
        night.sleeping.look()
        assert len(night.requests) == asked

    def test_a_stop_that_failed_is_not_tried_again_in_the_same_night(self, night: Night) -> None:
        night.at(STARTS)
        night.desk.job_ends(night.request, Result.FAILED)
        night.at(STARTS + HOUR)
        assert night.request.state is State.FAILED

    def test_a_schedule_that_changes_in_the_night_asks_for_nothing_that_is_there(self, night: Night) -> None:
        night.asleep()
        night.desk.installed = sleeping_at_night(night.desk.installed, to="19:30")
        night.at(STARTS + HOUR)
        assert len(night.requests) == 1

    def test_what_is_torn_down_is_not_stopped(self, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
        torn_down = night.stopped_by_hand()
        standing = night.desk.journal.standing
        found = {"infra-teardown": [torn_down], "infra-stop": []}
        monkeypatch.setattr(night.desk.journal, "standing", lambda flow, _: found[flow])
        night.at(STARTS + HOUR)
        assert len(night.requests) == 1
        monkeypatch.setattr(night.desk.journal, "standing", standing)


class TestKeepingUp:
    UNTIL = STARTS + 2 * HOUR

    def keep(self, night: Night, until: datetime | None = None, who: str = KIM) -> list[Request]:
        return night.keeping.keep("dev", who, until or self.UNTIL)[0]

    def test_a_longer_word_of_the_same_moment_holds(self, night: Night) -> None:
        """Each has looked before the other's was recorded."""
        night.asleep()
        journal, longer = night.desk.journal, night.desk.now + 2 * HOUR
        words = [lambda: night.keeping.keep("dev", LEE, longer)]
        interrupted = Interrupted(journal, lambda: words and words.pop()())
        keeping = replace(night.keeping, ending=replace(night.keeping.ending, journal=interrupted))
        with pytest.raises(NotYours, match="stays up anyway"):
            keeping.keep("dev", KIM, longer - HOUR)
        (stop,) = night.requests
        assert stop.kept == Kept(longer, "lee@example.com")

    def test_before_the_notice_it_is_on_record_at_the_stop_that_would_have_been(self, night: Night) -> None:
        (request,) = self.keep(night)
        assert request.state is State.CANCELLED
        assert request.kept == Kept(self.UNTIL, "kim@example.com")
        night.at(self.UNTIL - NOTICE - MINUTE)
        (said,) = night.says()
        assert "stays up. Kim Berg keeps it up until" in said
        night.at(self.UNTIL)
        assert [one.state for one in night.requests] == [State.CANCELLED, State.APPLYING]
        assert (night.requests[1].begins_at, night.requests[1].expires_at) == (self.UNTIL, ENDS)
        assert "is being stopped now" in night.says()[1]

    def test_during_the_notice_it_keeps_from_beginning_what_was_announced(self, night: Night) -> None:
        night.at(STARTS - MINUTE)
        (request,) = self.keep(night)
        assert request.state is State.CANCELLED
        night.at(self.UNTIL)
        assert [one.state for one in night.requests] == [State.CANCELLED, State.APPLYING]

    def test_while_it_is_stopped_it_starts_it_again_and_stops_it_for_the_rest(self, night: Night) -> None:
        first = night.asleep()
        night.at(STARTS + HOUR)
        (request,) = self.keep(night, STARTS + 3 * HOUR)
        assert request.state is State.ENDING
        night.desk.work()
        assert "is being started before its time. Kim Berg keeps it up until" in night.says()[0]
        night.started(first)
        night.at(STARTS + 3 * HOUR)
        assert [one.state for one in night.requests] == [State.ENDED, State.APPLYING]
        assert entry_refusals(entry_of(night.requests[1]), night.desk.installed.policies) == ()

    def test_the_rest_is_asked_for_although_the_start_takes_its_time(self, night: Night) -> None:
        night.asleep()
        self.keep(night, STARTS + HOUR)
        night.at(STARTS + HOUR)
        assert [one.state for one in night.requests] == [State.ENDING, State.APPLYING]

    def test_while_it_is_being_stopped_it_is_started_as_soon_as_it_is(self, night: Night) -> None:
        night.at(STARTS)
        (request,) = self.keep(night)
        assert request.state is State.APPLYING
        night.desk.job_ends(request, Result.APPLIED)
        night.at(STARTS + 2 * MINUTE)
        assert night.request.state is State.ENDING
        deeds = [fact.deed for fact, _ in night.desk.journal.facts(request.id)]
        assert deeds.count(Deed.KEPT_UP) == 1
        assert deeds[-1] is Deed.RETURNED

    def test_a_longer_word_holds_and_a_shorter_one_says_so(self, night: Night) -> None:
        self.keep(night)
        with pytest.raises(NotYours, match=r"Kim Berg keeps dev up until .* already"):
            self.keep(night, self.UNTIL - HOUR, LEE)
        self.keep(night, self.UNTIL + HOUR, LEE)
        night.at(self.UNTIL + HOUR)
        states = [one.state for one in night.requests]
        assert states == [State.CANCELLED, State.CANCELLED, State.APPLYING]

    def test_a_longer_word_comes_in_time_during_the_notice_before_the_rest(self, night: Night) -> None:
        self.keep(night)
        night.at(self.UNTIL - MINUTE)
        assert night.requests[1].state is State.ANNOUNCED, "it is kept up only until it is to begin"
        self.keep(night, self.UNTIL + HOUR)
        night.at(self.UNTIL + MINUTE)
        assert [one.state for one in night.requests] == [State.CANCELLED, State.CANCELLED]

    def test_a_word_for_days_leaves_out_the_nights_in_it(self, night: Night) -> None:
        self.keep(night, STARTS + 26 * HOUR)
        night.desk.now = STARTS + 26 * HOUR - NOTICE
        night.sleeping.look()
        assert [one.begins_at for one in night.requests] == [STARTS, STARTS + 26 * HOUR]

    def test_it_outlives_a_restart(self, night: Night) -> None:
        self.keep(night)
        night.desk.now = STARTS + HOUR
        night.replica().look()
        assert len(night.requests) == 1

    def test_the_trail_and_the_ticket_tell_who_keeps_it_up_until_when(self, night: Night) -> None:
        (request,) = self.keep(night)
        night.desk.settle(MINUTE)
        fact = next(fact for fact, _ in night.desk.journal.facts(request.id) if fact.deed is Deed.CANCELLED)
        assert (fact.by, fact.details["kept_until"]) == ("kim@example.com", "2026-11-25T21:00:00Z")
        assert any("Until 2026-11-25T21:00:00Z it is kept up." in one.body for one in night.desk.issue.comments)
        assert night.desk.statuses()[-1] == "Cancelled"

    @pytest.mark.parametrize("way", ["button", "start"])
    def test_without_a_time_it_is_for_the_whole_night_and_anybody_who_may_ask(
        self, night: Night, way: str
    ) -> None:
        if way == "start":
            request = night.asleep()
        else:
            (request,) = night.at(STARTS - MINUTE)
        spared = night.ending.spare(request.id, KIM)
        assert spared.kept == Kept(ENDS, "kim@example.com")
        assert f"It stays up until {date(ENDS)}." in ended([spared], [], night.record.place("dev"), "starts again")
        night.at(STARTS + 3 * HOUR)
        assert len(night.requests) == 1
        assert night.desk.request(request).state in {State.CANCELLED, State.ENDING}

    def test_who_may_not_ask_for_a_stop_does_not_keep_it_up(self, night: Night) -> None:
        request = night.asleep()
        with pytest.raises(NotYours, match="does not let you ask for a stop of dev, nor keep it up"):
            self.keep(night, who=SAM)
        with pytest.raises(NotYours, match=r"Policy does not let you end .*, asked for by the schedule nights"):
            night.ending.spare(request.id, SAM)
        assert not night.keeping.may_keep("dev", SAM)

    def test_an_early_return_that_policy_rules_out_is_refused(self, night: Night) -> None:
        night.asleep()
        night.desk.installed = sleeping_at_night(night.desk.installed, early_return=False)
        told, others = night.keeping.keep("dev", KIM, self.UNTIL)
        assert (told, len(others)) == ([], 1)
        assert night.request.state is State.ACTIVE

    @pytest.mark.parametrize(
        ("until", "why"),
        [
            (STARTS - 2 * HOUR, "is over already"),
            (STARTS + 100 * HOUR, "at most"),
            (STARTS - MINUTE, "so it stays up anyway"),
        ],
    )
    def test_what_would_change_nothing_or_too_much_is_refused(
        self, night: Night, until: datetime, why: str
    ) -> None:
        with pytest.raises(NotYours, match=why):
            self.keep(night, until)
        assert not night.requests


class TestWhatPeopleStop:
    UNTIL = STARTS + 2 * HOUR

    def test_what_was_announced_is_put_off_and_announced_again(self, night: Night) -> None:
        night.desk.now = STARTS - 4 * HOUR
        until = STARTS - 2 * HOUR
        request = night.stopped_by_hand()
        night.desk.work()
        (after,) = night.keeping.keep("dev", KIM, until)[0]
        assert (after.state, after.begins_at, after.expires_at) == (State.ANNOUNCED, until, request.expires_at)
        night.at(until - NOTICE - MINUTE)
        (said,) = night.says()
        assert "will be stopped" in said
        assert "Kim Berg keeps it up until" in said
        assert "Kim Berg keeps it up until" in night.desk.messages("ana")[-1].visible_text
        night.at(until - MINUTE)
        assert night.desk.request(request).state is State.ANNOUNCED
        assert len(night.says()) == 2
        night.at(until)
        assert night.desk.request(request).state is State.APPLYING
        assert all("is being stopped now" in said for said in night.says())
        deeds = [fact.deed for fact, _ in night.desk.journal.facts(request.id)]
        assert deeds.count(Deed.KEPT_UP) == deeds.count(Deed.BEGUN) == 1
        assert context_of(fact for fact, _ in night.desk.journal.facts(request.id)).outcome != "kept-up"

    def test_what_is_put_off_twice_is_not_announced_for_the_time_between(self, night: Night) -> None:
        night.desk.now = STARTS - 6 * HOUR
        request = night.stopped_by_hand()
        night.desk.work()
        night.keeping.keep("dev", KIM, STARTS - 4 * HOUR)
        night.keeping.keep("dev", KIM, STARTS - 3 * HOUR)
        night.at(STARTS - 4 * HOUR)
        assert (len(night.says()), night.desk.request(request).state) == (1, State.ANNOUNCED)

    def test_of_which_too_little_is_left_it_does_not_begin(self, night: Night) -> None:
        night.desk.now = STARTS - 4 * HOUR
        night.stopped_by_hand(lifetime=HOUR)
        (after,) = night.keeping.keep("dev", KIM, night.desk.now + HOUR - 14 * MINUTE)[0]
        assert after.state is State.CANCELLED

    def test_what_is_live_is_ended_by_its_owner_and_the_schedule_waits_too(self, night: Night) -> None:
        request = night.stopped_by_hand(notice=timedelta(0))
        night.desk.work()
        night.stopped(request)
        (after,) = night.keeping.keep("dev", LEE, self.UNTIL)[0]
        assert after.state is State.ENDING
        night.at(self.UNTIL - NOTICE - MINUTE)
        assert len(night.requests) == 1
        night.at(self.UNTIL)
        assert night.requests[1].begins_at == self.UNTIL

    def test_what_somebody_else_has_stopped_goes_on_and_the_answer_says_so(self, night: Night) -> None:
        request = night.stopped_by_hand(notice=timedelta(0))
        night.desk.work()
        night.stopped(request)
        told, others = night.keeping.keep("dev", KIM, self.UNTIL)
        assert [one.is_scheduled for one in told] == [True]
        assert others == [f"Policy does not let you end {request.id}, asked for by <@U0ANA>."]

    def test_what_is_being_stopped_by_hand_goes_on(self, night: Night) -> None:
        night.stopped_by_hand(notice=timedelta(0))
        night.desk.work()
        _, others = night.keeping.keep("dev", KIM, self.UNTIL)
        assert "has begun. It can be ended once it is live." in others[0]

    def test_where_no_schedule_is_nothing_can_be_kept_up_that_nobody_stops(self, night: Night) -> None:
        with pytest.raises(NotYours, match="Nothing is to stop staging"):
            night.keeping.keep("staging", KIM, self.UNTIL)
        assert not night.keeping.may_keep("staging", KIM)


class TestOnRecord:
    def test_it_shows_what_the_schedule_asks_for_next(self, night: Night) -> None:
        found = night.record.coming("dev")
        assert (found.begins, found.ends, found.by) == (STARTS, ENDS, "schedule:nights")
        assert night.record.coming("staging").begins is None

    def test_it_shows_what_is_announced(self, night: Night) -> None:
        night.at(STARTS - MINUTE)
        found = night.record.coming("dev")
        assert (found.begins, found.ends) == (STARTS, ENDS)

    def test_it_shows_what_a_person_has_announced_where_that_is_sooner(self, night: Night) -> None:
        night.stopped_by_hand()
        found = night.record.coming("dev")
        assert (found.begins, found.by) == (night.desk.now + NOTICE, "ana@example.com")

    def test_it_shows_who_keeps_it_up_and_the_rest_that_comes_after_it(self, night: Night) -> None:
        night.keeping.keep("dev", KIM, STARTS + HOUR)
        found = night.record.coming("dev")
        assert (found.kept_until, found.kept_by) == (STARTS + HOUR, "kim@example.com")
        assert (found.begins, found.ends) == (STARTS + HOUR, ENDS)

    def test_while_it_sleeps_it_shows_the_next_night(self, night: Night) -> None:
        night.asleep()
        assert night.record.coming("dev").begins == STARTS + 24 * HOUR
