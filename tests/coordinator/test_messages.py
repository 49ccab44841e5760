"""Messages at a Slack that loses answers and stays away: one thread, one card for each approver, always true."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coordinator.lifecycle import Lane
from coordinator.requests import Request, Route, State
from sallyport.outcomes import Result
from sandbox.faults import Fault, Kind, Moment
from tests.coordinator.asks import SAM
from tests.coordinator.desk import MINUTE, Desk

LOST = [
    Fault(Kind.DROP, Moment.BEFORE),
    Fault(Kind.DROP, Moment.AFTER),
    Fault(Kind.STATUS, Moment.BEFORE, status=503),
    Fault(Kind.STATUS, Moment.AFTER, status=503),
    Fault(Kind.STATUS, Moment.BEFORE, status=429),
    Fault(Kind.MALFORMED, Moment.AFTER),
]
lost = pytest.mark.parametrize("fault", LOST, ids=lambda f: f"{f.kind}-{f.moment}-{f.status}")


def spoil(desk: Desk, fault: Fault, method: str, times: int = 1) -> None:
    desk.slack.faults.add(Fault(fault.kind, fault.moment, "POST", f"/{method}$", fault.status, times=times))


def asked_of_both(desk: Desk) -> Request:
    return desk.submit(route=Route(("U0LEE", "U0SAM"), ("U0LEE", "U0SAM")))


def of_the_app(desk: Desk, who: str, where: str = "dm") -> list[str]:
    return [message.visible_text for message in desk.messages(who, where)]


class TestPosting:
    def test_each_approver_gets_one_card_and_everybody_one_thread(self, desk: Desk) -> None:
        asked_of_both(desk)
        desk.settle()
        assert [len(of_the_app(desk, who)) for who in ("lee", "sam", "ana", "kim")] == [1, 1, 0, 0]
        (root,) = desk.messages("ana", "infra-requests")
        assert "asks for POST /v1/charges on Payments API" in root.visible_text
        card = desk.messages("lee")[0]
        for part in ("198.51.100.10/32", "4 hours", "Production", "Partner go-live", "OPS-1"):
            assert part in card.visible_text, part
        assert card.buttons == ["Approve whitelisting", "Deny"]

    @lost
    def test_a_lost_answer_makes_one_message_each(self, desk: Desk, fault: Fault) -> None:
        spoil(desk, fault, "chat.postMessage", times=3)
        asked_of_both(desk)
        desk.settle()
        assert [len(of_the_app(desk, who)) for who in ("lee", "sam")] == [1, 1]
        assert len(of_the_app(desk, "ana", "infra-requests")) == 1

    def test_a_replica_that_died_after_posting_posts_one_card(self, desk: Desk) -> None:
        request = desk.submit()
        works = {work.name: work for work in desk.journal.claim(Lane.SLACK, desk.now, 9)}
        desk.reconciler._hands.single["card"](works["card:U0LEE"], request)
        desk.settle()
        assert len(of_the_app(desk, "lee")) == 1

    def test_two_requests_of_one_person_are_told_apart(self, desk: Desk) -> None:
        spoil(desk, Fault(Kind.DROP, Moment.AFTER), "chat.postMessage", times=4)
        first, second = desk.submit("view:1"), desk.submit("view:2")
        desk.settle()
        texts = of_the_app(desk, "lee")
        assert len(texts) == 2
        assert all(any(request.id in text for text in texts) for request in (first, second))

    def test_a_thread_without_a_channel_is_a_direct_message(self, desk: Desk) -> None:
        desk.submit(channel="")
        desk.settle()
        assert len(of_the_app(desk, "ana")) == 1

    def test_an_approver_who_left_is_an_alert_and_holds_up_nobody_else(self, desk: Desk) -> None:
        desk.slack.deactivate("lee")
        asked_of_both(desk)
        desk.settle(MINUTE)
        assert len(of_the_app(desk, "sam")) == 1
        (alert,) = desk.alerts
        assert "card:U0LEE" in alert


class TestKeepingUp:
    def test_a_card_follows_the_request_in_place_and_loses_its_buttons(self, desk: Desk) -> None:
        request = asked_of_both(desk)
        desk.settle()
        cards = [desk.messages(who)[0] for who in ("lee", "sam")]
        desk.approve(request)
        desk.settle(MINUTE)
        for card in cards:
            assert card.buttons == []
            assert "Approved by Lee Wong; being applied now." in card.visible_text
        desk.job_ends(request, Result.APPLIED)
        desk.settle(MINUTE)
        assert all("Live until" in card.visible_text for card in cards)
        assert len(of_the_app(desk, "lee")) == 1

    @lost
    def test_a_lost_answer_to_an_update_makes_no_second_message(self, desk: Desk, fault: Fault) -> None:
        request = desk.submit()
        desk.settle()
        spoil(desk, fault, "chat.update", times=2)
        desk.approve(request)
        desk.settle(MINUTE)
        (card,) = desk.messages("lee")
        assert "being applied now" in card.visible_text

    def test_the_requester_is_told_once_how_it_came_out(self, desk: Desk) -> None:
        request = desk.approve(desk.submit())
        desk.settle(MINUTE)
        assert of_the_app(desk, "ana") == []
        spoil(desk, Fault(Kind.DROP, Moment.AFTER), "chat.postMessage")
        desk.job_ends(request, Result.APPLIED)
        desk.settle(MINUTE)
        told = [text for text in of_the_app(desk, "ana") if "Live until" in text]
        assert len(told) == 1

    def test_the_reason_of_a_denial_reaches_the_requester(self, desk: Desk) -> None:
        desk.deny(desk.submit(), SAM)
        desk.settle(MINUTE)
        (told,) = desk.messages("ana")
        assert "Denied by Sam Okafor" in told.visible_text
        assert "Not today" in told.visible_text

    def test_who_did_not_decide_in_time_sees_no_buttons_any_more(self, desk: Desk) -> None:
        request = desk.submit()
        desk.settle()
        desk.settle(timedelta(hours=9))
        assert desk.request(request).state is State.TIMED_OUT
        assert desk.messages("lee")[0].buttons == []
        assert "Nobody decided in time" in of_the_app(desk, "ana")[0]

    def test_a_slack_that_was_away_is_brought_up_to_date_and_never_saw_the_past(self, desk: Desk) -> None:
        desk.slack.faults.add(Fault(Kind.STATUS, Moment.BEFORE, status=503, times=500))
        request = desk.approve(desk.submit())
        desk.settle(MINUTE)
        desk.job_ends(request, Result.APPLIED)
        desk.settle(MINUTE)
        assert desk.request(request).state is State.ACTIVE, "Slack is no condition of what was decided"
        desk.slack.faults.clear()
        desk.now += 10 * MINUTE
        desk.settle()
        (card,) = desk.messages("lee")
        assert len(card.history) == 1
        assert "Live until" in card.visible_text


class TestReplies:
    def test_the_thread_tells_an_outcome_that_the_job_could_not_tell(self, desk: Desk) -> None:
        request = desk.approve(desk.submit())
        desk.settle(MINUTE)
        desk.job_ends(request, Result.APPLIED, "It is live & <!channel> was not called.")
        desk.settle(MINUTE)
        root = next(m for m in desk.messages("ana", "infra-requests") if m.thread_ts is None)
        (reply,) = root.replies()
        assert "It is live & <!channel> was not called." in reply.visible_text
        assert reply.mentions == ()

    def test_an_outcome_that_is_longer_than_slack_takes_is_cut(self, desk: Desk) -> None:
        request = desk.approve(desk.submit())
        desk.settle(MINUTE)
        desk.job_ends(request, Result.FAILED, "<" * 10_000)
        desk.settle(MINUTE)
        assert desk.alerts == []
        assert "Failed." in desk.messages("lee")[0].visible_text

    def test_every_line_of_an_outcome_is_told_as_far_as_slack_takes_them(self, desk: Desk) -> None:
        request = desk.approve(desk.submit())
        desk.settle(MINUTE)
        parts = [f"Part {number:03} is deleted, and comes back as it was." for number in range(100)]
        desk.job_ends(request, Result.APPLIED, "\n".join(["It is live.", *parts]))
        desk.settle(MINUTE)
        root = next(m for m in desk.messages("ana", "infra-requests") if m.thread_ts is None)
        (reply,) = root.replies()
        assert "Part 020 is deleted, and comes back as it was." in reply.visible_text
        assert reply.visible_text.endswith("comes back as it was.\nand 41 more")

    def test_what_the_job_told_in_the_thread_is_not_told_again(self, desk: Desk) -> None:
        request = desk.approve(desk.submit())
        desk.settle(MINUTE)
        thread, run = desk.request(request).result("thread"), desk.request(request).result("dispatch")["run"]
        marker = f"{request.id}:applied:{run}"
        desk.slack_client.post(thread["channel"], "Says the job.", marker=marker, thread_ts=thread["ts"])
        desk.job_ends(request, Result.APPLIED)
        desk.settle(MINUTE)
        root = next(m for m in desk.messages("ana", "infra-requests") if m.thread_ts is None)
        assert [reply.visible_text for reply in root.replies()] == ["Says the job."]
