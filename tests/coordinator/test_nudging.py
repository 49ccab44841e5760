"""Nudges: when they come by themselves, whom they reach, and that they never come too often or too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from coordinator.deciding import NotYours
from coordinator.directory import Directory
from coordinator.journal import Done
from coordinator.lifecycle import NUDGE, Lane
from coordinator.nudging import Nudging
from coordinator.outside.reminders import Reminders
from coordinator.reminding import PAUSE, automatic
from coordinator.requests import Request, Route
from sallyport.audit import Deed
from sallyport.flows import Nudges
from sandbox.faults import Fault, Kind, Moment
from tests.coordinator.asks import HOUR, NOW, ask
from tests.coordinator.desk import MINUTE, Desk

MADRID = Nudges(2, "Europe/Madrid", time(9), time(18))
FRIDAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # 10:00 in Madrid; NOW is the Saturday after it
DAY = timedelta(days=1)


def asked(desk: Desk, *people: str, nudges: tuple[datetime, ...] = ()) -> Request:
    people = people or ("U0LEE", "U0SAM")
    request = desk.submit(route=Route(people, people), nudges=nudges)
    desk.work()
    return request


def replies(desk: Desk, who: str, where: str = "dm") -> list[str]:
    return [m.visible_text for m in desk.messages(who, where) if m.thread_ts is not None]


def deeds(desk: Desk, request: Request) -> list[Deed]:
    return [fact.deed for fact, _ in desk.journal.facts(request.id)]


def nudge(desk: Desk, request: Request, who: str = "U0ANA") -> None:
    Nudging(desk.journal, lambda: desk.now).nudge(request.id, who)
    desk.work()


def allow_automatic(desk: Desk, nudges: Nudges | None = MADRID) -> None:
    policies = desk.installed.policies
    flow = replace(policies.flows["api-whitelisting"], nudges=nudges)
    changed = replace(policies, flows={**policies.flows, flow.id: flow})
    desk.installed = replace(desk.installed, policies=changed)


class TestWhenTheyComeByThemselves:
    def test_they_are_spread_over_the_time_to_decide(self) -> None:
        assert automatic(MADRID, FRIDAY, FRIDAY + 6 * HOUR) == (FRIDAY + 2 * HOUR, FRIDAY + 4 * HOUR)

    def test_they_wait_for_working_hours(self) -> None:
        monday = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
        assert automatic(MADRID, NOW, NOW + 4 * DAY) == (monday, monday + DAY)

    def test_those_that_would_fall_together_are_one(self) -> None:
        assert automatic(MADRID, NOW, NOW + 60 * HOUR) == (datetime(2026, 11, 23, 8, 0, tzinfo=UTC),)

    def test_none_comes_when_it_is_over(self) -> None:
        assert automatic(MADRID, NOW, NOW + 8 * HOUR) == ()

    def test_none_comes_right_after_the_question(self) -> None:
        assert automatic(MADRID, FRIDAY, FRIDAY + HOUR) == (FRIDAY + 40 * MINUTE,)
        assert automatic(MADRID, FRIDAY, FRIDAY + PAUSE) == ()

    @pytest.mark.parametrize("nudges", [None, replace(MADRID, automatic=0)])
    def test_policy_may_turn_them_off(self, nudges: Nudges | None) -> None:
        assert automatic(nudges, FRIDAY, FRIDAY + DAY) == ()


class TestAutomaticOnes:
    @pytest.fixture(autouse=True)
    def _friday(self, desk: Desk) -> None:
        desk.now = FRIDAY
        allow_automatic(desk)

    def test_one_comes_at_its_time_to_those_who_are_asked_and_nobody_else(self, desk: Desk) -> None:
        request = asked(desk, nudges=(FRIDAY + HOUR, FRIDAY + 2 * HOUR))
        desk.now += 59 * MINUTE
        desk.work()
        assert replies(desk, "lee") == []
        desk.now += MINUTE
        desk.work()
        for who, name in (("lee", "@Lee Wong"), ("sam", "@Sam Okafor")):
            (text,) = replies(desk, who)
            assert text.startswith(f"{name}: Ana Ruiz still waits for a decision on POST /v1/charges")
        assert replies(desk, "kim") == []
        assert replies(desk, "kim", "infra-requests") == []
        assert deeds(desk, request)[-1] is Deed.NUDGED
        desk.now += HOUR
        desk.work()
        assert len(replies(desk, "lee")) == 2

    def test_none_comes_after_a_decision(self, desk: Desk) -> None:
        request = asked(desk, nudges=(FRIDAY + HOUR,))
        desk.approve(request)
        desk.settle(2 * HOUR)
        assert replies(desk, "lee") == []
        assert Deed.NUDGED not in deeds(desk, request)

    def test_one_that_was_held_up_until_the_evening_waits_for_the_morning(self, desk: Desk) -> None:
        desk.now = FRIDAY - DAY
        until = desk.now + 3 * DAY
        desk.journal.submit(ask(submitted_at=desk.now, decide_by=until, nudges=(desk.now + 7 * HOUR,)))
        desk.work()
        desk.now += 9 * HOUR  # 19:00 in Madrid
        desk.work()
        assert replies(desk, "lee") == []
        desk.now = FRIDAY - HOUR  # nine o'clock
        desk.work()
        assert len(replies(desk, "lee")) == 1

    def test_one_that_policy_has_turned_off_meanwhile_does_not_come(self, desk: Desk) -> None:
        asked(desk, nudges=(FRIDAY + HOUR,))
        allow_automatic(desk, None)
        desk.settle(2 * HOUR)
        assert replies(desk, "lee") == []


class TestTheRequesterS:
    def test_it_reminds_each_of_those_who_are_asked_once_under_the_card(self, desk: Desk) -> None:
        request = asked(desk)
        nudge(desk, request)
        (card,) = [m for m in desk.messages("lee") if m.thread_ts is None]
        assert [reply.mentions for reply in card.replies()] == [("U0LEE",)]
        assert len(replies(desk, "sam")) == 1

    def test_again_only_after_half_an_hour(self, desk: Desk) -> None:
        request = asked(desk)
        nudge(desk, request)
        desk.now += PAUSE - MINUTE
        with pytest.raises(NotYours, match="reminded a short while ago"):
            nudge(desk, request)
        desk.now += MINUTE
        nudge(desk, request)
        assert len(replies(desk, "lee")) == 2

    def test_two_presses_at_once_are_one(self, desk: Desk) -> None:
        request = asked(desk)
        nudging = Nudging(desk.journal, lambda: desk.now)
        for _ in range(2):
            nudging.nudge(request.id, "U0ANA")
        desk.work()
        assert len(replies(desk, "lee")) == 1
        assert deeds(desk, request).count(Deed.NUDGED) == 1

    def test_two_at_once_on_two_replicas_are_one(self, desk: Desk) -> None:
        desk.now = FRIDAY
        allow_automatic(desk)
        request = asked(desk, nudges=(FRIDAY + HOUR,))
        desk.now += HOUR
        Nudging(desk.journal, lambda: desk.now).nudge(request.id, "U0ANA")
        directory = Directory(desk.slack_client, lambda: desk.installed.policies)
        reminders = Reminders(directory, directory.policies, lambda: desk.now)
        both = [work for work in desk.journal.claim(Lane.CLOCK, desk.now, 9) if work.kind == NUDGE]
        answers = [reminders.nudge(work, desk.journal.request(request.id)) for work in both]
        for work, answer in zip(both, answers, strict=True):
            assert isinstance(answer, Done)
            desk.journal.finish(work, answer)
        desk.work()
        assert len(both) == 2
        assert len(replies(desk, "lee")) == 1
        assert deeds(desk, request).count(Deed.NUDGED) == 1

    @pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
    def test_a_lost_answer_makes_one_reminder(self, desk: Desk, moment: Moment) -> None:
        request = asked(desk, "U0LEE")
        Nudging(desk.journal, lambda: desk.now).nudge(request.id, "U0ANA")
        desk.slack.faults.add(Fault(Kind.DROP, moment, "POST", "/chat.postMessage$"))
        desk.settle(MINUTE)
        assert len(replies(desk, "lee")) == 1

    def test_what_is_decided_needs_none(self, desk: Desk) -> None:
        request = asked(desk)
        Nudging(desk.journal, lambda: desk.now).nudge(request.id, "U0ANA")
        desk.deny(request)
        desk.work()
        assert replies(desk, "lee") == []
        with pytest.raises(NotYours, match="Nobody is waited for"):
            nudge(desk, request)

    def test_where_nobody_can_decide_there_is_nobody_to_remind(self, desk: Desk) -> None:
        request = desk.submit(route=Route())
        with pytest.raises(NotYours, match="nobody to remind"):
            nudge(desk, request)

    def test_nobody_else_can(self, desk: Desk) -> None:
        request = asked(desk)
        with pytest.raises(NotYours, match="Only <@U0ANA> can do this"):
            nudge(desk, request, "U0KIM")

    def test_a_card_in_a_channel_gets_one_reply_that_names_those_whose_turn_it_is(self, desk: Desk) -> None:
        request = desk.submit(route=Route(("U0LEE", "U0SAM"), ("C0INFRA",)))
        desk.work()
        nudge(desk, request)
        (text,) = replies(desk, "kim", "infra-requests")
        assert text.startswith("@Lee Wong @Sam Okafor: Ana Ruiz still waits")
