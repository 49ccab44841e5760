"""Tickets at a JIRA that loses answers, lags, refuses and stays away: one ticket, each fact once, in order."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from coordinator.journal import silences
from coordinator.lifecycle import Lane
from coordinator.outside.tickets import LABEL, label_of
from coordinator.requests import State
from sallyport.outcomes import Result
from sallyport.platforms.jira import LOOKS
from sallyport.times import format_moment
from sandbox.faults import Fault, Kind, Moment
from tests.coordinator.asks import NOW
from tests.coordinator.desk import MINUTE, Desk

LOST = [
    Fault(Kind.DROP, Moment.BEFORE),
    Fault(Kind.DROP, Moment.AFTER),
    Fault(Kind.STATUS, Moment.BEFORE, status=502),
    Fault(Kind.STATUS, Moment.AFTER, status=502),
    Fault(Kind.STATUS, Moment.BEFORE, status=429),
    Fault(Kind.MALFORMED, Moment.AFTER),
]
lost = pytest.mark.parametrize("fault", LOST, ids=lambda f: f"{f.kind}-{f.moment}-{f.status}")


def spoil(desk: Desk, fault: Fault, method: str, path: str) -> None:
    desk.jira.faults.add(Fault(fault.kind, fault.moment, method, path, fault.status))


def told(desk: Desk) -> list[str]:
    """The first words of each comment."""
    return [comment.body.split(" ")[0] for comment in desk.issue.comments]


class TestOpening:
    def test_the_ticket_says_all_that_was_asked(self, desk: Desk) -> None:
        request = desk.submit()
        desk.settle()
        issue = desk.issue
        assert issue.type == "Service Request"
        asked = {"requested-by:ana@example.com", "environment:prod", "resource:payments"}
        assert set(issue.labels) == {LABEL, label_of(request.id), "api-whitelisting", *asked}
        assert issue.properties["sallyport.request"]["id"] == request.id
        assert request.id in issue.summary
        assert "POST /v1/charges on Payments API" in issue.summary
        for part in ("Ana Ruiz", "Production", "198.51.100.10/32", "4 hours", "Lee Wong", "Partner go-live"):
            assert part in issue.description, part
        assert request.digest in issue.description
        assert format_moment(NOW) in issue.description
        assert desk.statuses() == ["To Do", "Waiting for approval"]

    def test_what_was_typed_is_no_markup_in_the_ticket(self, desk: Desk) -> None:
        desk.submit(reason="[click|http://evil.test] {code} !pic.png! @lee\nh1. Approved by Lee")
        desk.settle()
        assert "[click|http://evil.test]" not in desk.issue.description
        assert re.search(r"(?m)^h1\.", desk.issue.description) is None

    @lost
    def test_a_lost_answer_makes_one_ticket(self, desk: Desk, fault: Fault) -> None:
        spoil(desk, fault, "POST", "/issue$")
        request = desk.submit()
        desk.settle()
        assert desk.request(request).ticket == desk.issue.key

    def test_a_lost_answer_and_a_search_that_lags_make_one_ticket(self, desk: Desk) -> None:
        desk.jira.switches.search_lag = 3
        spoil(desk, Fault(Kind.DROP, Moment.AFTER), "POST", "/issue$")
        desk.submit()
        desk.settle()
        assert len(desk.jira.issues) == 1

    @pytest.mark.parametrize("turned_away", [0, 3, 6])
    def test_attempts_that_were_surely_turned_away_do_not_shorten_the_wait_for_the_search(
        self, desk: Desk, turned_away: int
    ) -> None:
        desk.jira.switches.search_lag = 150
        for _ in range(turned_away):
            spoil(desk, Fault(Kind.STATUS, Moment.BEFORE, status=429), "POST", "/issue$")
        spoil(desk, Fault(Kind.DROP, Moment.AFTER), "POST", "/issue$")
        request = desk.submit()
        desk.settle()
        assert desk.request(request).ticket == desk.issue.key

    @pytest.mark.parametrize("looks", [1, 3, 4, 5])
    def test_searches_that_failed_do_not_prolong_the_wait_for_it(self, desk: Desk, looks: int) -> None:
        spoil(desk, Fault(Kind.STATUS, Moment.BEFORE, status=503), "POST", "/issue$")
        for _ in range(looks):
            spoil(desk, Fault(Kind.STATUS, Moment.BEFORE, status=503), ".*", "/search$")
        request = desk.submit()
        desk.settle(LOOKS[-1] + silences.LONGEST_PAUSE)
        assert desk.request(request).ticket == desk.issue.key
        opened = desk.issue.created - request.submitted_at
        assert LOOKS[-1] <= opened <= LOOKS[-1] + silences.LONGEST_PAUSE

    def test_after_a_long_silence_the_search_is_believed_at_once(self, desk: Desk) -> None:
        desk.jira.faults.add(Fault(Kind.STATUS, Moment.BEFORE, status=503, times=10_000))
        desk.submit()
        desk.settle(30 * MINUTE)
        desk.jira.faults.clear()
        back = desk.now
        desk.settle(2 * MINUTE)
        assert desk.issue.created - back <= silences.LONGEST_PAUSE

    def test_a_replica_that_died_after_opening_it_makes_one_ticket(self, desk: Desk) -> None:
        request = desk.submit()
        (work,) = desk.journal.claim(Lane.JIRA, desk.now, 1)
        desk.reconciler._hands.single["ticket"](work, request)  # and dies before it records that
        desk.settle()
        assert desk.request(request).ticket == desk.issue.key

    def test_the_ticket_is_shown_on_what_was_posted_before_it(self, desk: Desk) -> None:
        desk.submit()
        desk.work(Lane.SLACK)
        card = desk.messages("lee")[0]
        assert "OPS-1" not in card.visible_text
        desk.settle()
        assert "OPS-1" in card.visible_text

    def test_a_refusal_is_told_to_the_operators_and_tried_again(self, desk: Desk) -> None:
        spoil(desk, Fault(Kind.STATUS, Moment.BEFORE, status=400), "POST", "/issue$")
        desk.submit()
        desk.settle()
        assert len(desk.alerts) == 1
        assert "JIRA refused to open a ticket in OPS" in desk.alerts[0]
        assert len(desk.jira.issues) == 1


class TestComments:
    @lost
    def test_a_lost_answer_makes_one_comment(self, desk: Desk, fault: Fault) -> None:
        request = desk.submit()
        desk.settle()
        spoil(desk, fault, "POST", "/comment$")
        desk.approve(request)
        desk.settle(MINUTE)
        assert told(desk) == ["Approved", "The", "The"]

    def test_every_fact_is_told_once_in_order_with_its_time(self, desk: Desk) -> None:
        request = desk.submit()
        desk.settle()
        desk.now += MINUTE
        decided = desk.now
        desk.approve(request)
        desk.settle(MINUTE)
        desk.job_ends(request, Result.APPLIED, "It is live.")
        desk.settle(MINUTE)
        bodies = [comment.body for comment in desk.issue.comments]
        assert [body.split(" at ")[0] for body in bodies[:1]] == [
            "Approved by Lee Wong (lee@example.com) through Slack"
        ]
        assert format_moment(decided) in bodies[0]
        assert "committed" in bodies[1]
        assert "started" in bodies[2]
        assert "Applied and read back" in bodies[3]
        assert len(bodies) == 4

    def test_a_denial_s_reason_is_told_word_for_word_and_inert(self, desk: Desk) -> None:
        request = desk.submit()
        desk.deny(request)
        desk.settle()
        (comment,) = desk.issue.comments
        assert comment.body.startswith("Denied by Lee Wong (lee@example.com)")
        assert "Not today" in comment.body

    def test_what_the_job_has_told_in_the_ticket_is_not_told_again(self, desk: Desk) -> None:
        request = desk.submit()
        desk.approve(request)
        desk.settle(MINUTE)
        run = desk.request(request).result("dispatch")["run"]
        desk.jira_client.add_comment(desk.issue.key, f"It is live, says the job.\n\n{request.id}:applied:{run}")
        desk.job_ends(request, Result.APPLIED)
        desk.settle(MINUTE)
        assert told(desk) == ["Approved", "The", "The", "It"]

    def test_a_comment_that_fails_holds_back_the_later_ones_so_that_order_stays(self, desk: Desk) -> None:
        request = desk.submit()
        desk.settle()
        for _ in range(4):
            spoil(desk, Fault(Kind.STATUS, Moment.BEFORE, status=429), "POST", "/comment$")
        desk.approve(request)
        desk.settle(MINUTE)
        assert told(desk) == ["Approved", "The", "The"]
        assert [c.body.split(":fact:")[-1] for c in desk.issue.comments] == ["2", "3", "4"]


class TestStatuses:
    @pytest.mark.parametrize(
        ("result", "way"),
        [
            (Result.APPLIED, ["Waiting for approval", "In Progress", "Done"]),
            (Result.FAILED, ["Waiting for approval", "In Progress", "Declined"]),
            (Result.REFUSED, ["Waiting for approval", "In Progress", "Declined"]),
        ],
    )
    def test_an_approved_request_s_ticket_walks_to_how_it_came_out(
        self, desk: Desk, result: Result, way: list[str]
    ) -> None:
        request = desk.submit()
        desk.approve(request)
        desk.settle(MINUTE)
        desk.job_ends(request, result)
        desk.settle(MINUTE)
        assert desk.statuses() == ["To Do", *way]
        assert "approved-by:lee@example.com" in desk.issue.labels

    def test_a_denied_request_s_ticket_is_declined(self, desk: Desk) -> None:
        desk.deny(desk.submit())
        desk.settle()
        assert (desk.statuses()[-1], desk.issue.resolution) == ("Declined", "Declined")

    def test_a_request_that_nobody_decided_is_declined_with_that_resolution(self, desk: Desk) -> None:
        request = desk.submit()
        desk.settle(timedelta(hours=9))
        assert desk.request(request).state is State.TIMED_OUT
        assert (desk.issue.status, desk.issue.resolution) == ("Declined", "Timed out")
        assert format_moment(request.decide_by) in desk.issue.comments[0].body

    @lost
    @pytest.mark.parametrize(("method", "path"), [("POST", "/transitions$"), ("PUT", "/issue/OPS-1$")])
    def test_a_lost_answer_on_the_way_takes_no_status_twice(
        self, desk: Desk, fault: Fault, method: str, path: str
    ) -> None:
        request = desk.submit()
        desk.settle()
        spoil(desk, fault, method, path)
        desk.approve(request)
        desk.settle(MINUTE)
        assert desk.statuses() == ["To Do", "Waiting for approval", "In Progress"]
        assert desk.issue.labels.count("approved-by:lee@example.com") == 1

    def test_a_ticket_opened_late_walks_through_every_status_and_tells_the_true_times(self, desk: Desk) -> None:
        for _ in range(200):
            spoil(desk, Fault(Kind.STATUS, Moment.BEFORE, status=503), ".*", ".*")
        request = desk.submit()
        desk.work()
        desk.now += MINUTE
        desk.approve(request)
        approved_at = desk.now
        desk.settle(MINUTE)
        desk.job_ends(request, Result.APPLIED)
        desk.settle(MINUTE)
        assert desk.request(request).state is State.ACTIVE, "JIRA is no condition of anything"
        assert desk.jira.issues == ()
        desk.jira.faults.clear()
        desk.now += 30 * MINUTE
        desk.settle(30 * MINUTE)
        assert desk.statuses() == ["To Do", "Waiting for approval", "In Progress", "Done"]
        assert [c.body.split(" ")[0] for c in desk.issue.comments] == ["Approved", "The", "The", "Applied"]
        assert format_moment(approved_at) in desk.issue.comments[0].body
        assert desk.issue.comments[0].created > approved_at + 30 * MINUTE
        assert "approved-by:lee@example.com" in desk.issue.labels
