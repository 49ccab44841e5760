"""After an emergency: told loudly and once, and reviewed by somebody else, whatever its requester does in JIRA."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from coordinator.lifecycle import Lane
from coordinator.metrics import BREAK_GLASS as COUNTED
from coordinator.metrics import observe_journal
from coordinator.outside.commits import entry_of
from coordinator.outside.reviews import DAILY, SOON, label_of
from coordinator.requests import Request, Route, State
from sallyport.audit import Deed
from sallyport.entries import BREAK_GLASS, Grant
from sallyport.platforms.jira import Jira
from sandbox.faults import Fault, Kind, Moment
from sandbox.jira import Issue
from tests.coordinator.asks import NOW
from tests.coordinator.desk import MINUTE, Desk

INCIDENT = "INC-4711 {code}<!channel>"


def broken(desk: Desk, key: str = "view:V1") -> Request:
    grant, route = Grant(BREAK_GLASS, desk.now, INCIDENT), Route(notify=("U0LEE", "U0SAM"))
    return desk.submit(key, grant=grant, asked="", route=route, lifetime=timedelta(hours=1))


def review(desk: Desk, request: Request) -> Issue:
    (found,) = [issue for issue in desk.jira.issues if label_of(request.id) in issue.labels]
    return found


def closes(desk: Desk, request: Request, who: str, status: str = "Cancelled") -> None:
    token = "jira-token" if who == "rob" else f"{who}-token"
    person = Jira.connect(desk.jira_client._client.server_url, token, project="OPS")
    person.move(review(desk, request).key, status)
    person.close()


def deeds(desk: Desk, request: Request) -> list[Deed]:
    return [fact.deed for fact, _ in desk.journal.facts(request.id)]


class TestTheAlarm:
    def test_it_goes_at_once_to_the_channel_and_to_those_who_were_passed_over(self, desk: Desk) -> None:
        request = broken(desk)
        desk.work(Lane.SLACK)
        (alarm,) = desk.messages("sam", "alerts")
        for part in ("Break-glass: @Ana", "POST /v1/charges", "for 1 hour", "INC-4711", "Partner go-live"):
            assert part in alarm.visible_text, part
        assert "Nobody was asked" in alarm.visible_text
        for who in ("lee", "sam"):
            (copy,) = desk.messages(who)
            assert "You are told because you could have decided it" in copy.visible_text
            assert copy.buttons == []
        assert desk.request(request).state is State.APPROVED

    @pytest.mark.parametrize("moment", list(Moment))
    def test_it_is_told_once_when_slack_loses_answers(self, desk: Desk, moment: Moment) -> None:
        desk.slack.faults.add(Fault(Kind.DROP, moment, "POST", "/chat.postMessage$", times=4))
        broken(desk)
        desk.settle()
        assert len(desk.messages("sam", "alerts")) == len(desk.messages("lee")) == 1

    def test_it_is_a_deed_of_its_own_and_the_ticket_says_so_inert(self, desk: Desk) -> None:
        request = broken(desk)
        desk.settle()
        assert deeds(desk, request)[:2] == [Deed.ASKED, Deed.BREAK_GLASS]
        ticket = desk.jira.issue(str(desk.request(request).ticket))
        said = next(comment.body for comment in ticket.comments if "Break-glass by Ana Ruiz" in comment.body)
        assert "{code}" not in said
        assert "approved" not in said.casefold()

    def test_it_is_counted_in_the_journal(self, desk: Desk) -> None:
        broken(desk)
        desk.submit("view:V2")
        observe_journal(desk.journal)
        observe_journal(desk.journal)
        (counted,) = COUNTED.collect()
        assert [(s.name, s.labels, s.value) for s in counted.samples] == [
            ("sallyport_break_glass_total", {"flow": "api-whitelisting", "environment": "prod"}, 1.0)
        ]

    def test_the_commit_names_the_incident_in_one_line(self, desk: Desk) -> None:
        request = broken(desk)
        desk.settle()
        (_, body, _) = desk.github.commits[0]
        assert f"Break-glass: {INCIDENT}" in body.splitlines()
        grant = entry_of(desk.request(request)).grant
        assert grant is not None
        assert grant.incident == INCIDENT


class TestTheReview:
    def test_is_a_ticket_of_its_own_linked_with_the_other(self, desk: Desk) -> None:
        request = broken(desk)
        desk.settle()
        found, ticket = review(desk, request), desk.jira.issue(str(desk.request(request).ticket))
        assert (found.type, "break-glass-review" in found.labels) == ("Task", True)
        assert found.properties["sallyport.request"] == {"id": request.id, "flow": request.flow, "review": True}
        for part in ("Ana Ruiz", ticket.key, "INC-4711", "Partner go-live", "Somebody else than the requester"):
            assert part in found.description, part
        assert [link.url.rpartition("/")[2] for link in ticket.links] == [found.key]
        assert [link.url.rpartition("/")[2] for link in found.links] == [ticket.key]
        (copy,) = desk.messages("lee")
        assert f"Review {found.key}" in copy.visible_text

    @pytest.mark.parametrize("moment", list(Moment))
    def test_is_opened_once_when_jira_loses_answers(self, desk: Desk, moment: Moment) -> None:
        request = broken(desk)
        desk.work(Lane.SLACK)
        desk.jira.faults.add(Fault(Kind.DROP, moment, "POST", "/issue$", times=2))
        desk.settle()
        assert len(desk.jira.issues) == 2
        assert review(desk, request)

    def test_is_over_when_somebody_else_has_closed_it(self, desk: Desk) -> None:
        request = broken(desk)
        desk.settle()
        closes(desk, request, "sam")
        desk.settle(SOON)
        (last, _) = desk.journal.facts(request.id)[-1]
        assert (last.deed, last.by) == (Deed.REVIEWED, "sam@example.com")
        assert "watch-review" not in desk.waiting()
        ticket = desk.jira.issue(str(desk.request(request).ticket))
        assert f"Sam Okafor (sam@example.com) closed {review(desk, request).key}" in ticket.comments[-1].body
        assert desk.messages("lee")[0].shows("It was reviewed by Sam Okafor.")
        (alarm,) = desk.messages("sam", "alerts")
        assert alarm.shows("It was reviewed by Sam Okafor.")

    @pytest.mark.parametrize(
        ("who", "why"), [("ana", "closed by Ana Ruiz, whom it is about"), ("rob", "to nobody")]
    )
    def test_is_opened_again_when_it_was_closed_by_whom_policy_does_not_accept(
        self, desk: Desk, who: str, why: str
    ) -> None:
        request = broken(desk)
        desk.settle()
        closes(desk, request, who)
        desk.settle(SOON)
        found = review(desk, request)
        assert found.status == "To Do"
        assert why in found.comments[-1].body
        assert [sentence for sentence in desk.alerts if "open again" in sentence and why in sentence]
        assert Deed.REVIEW_REOPENED in deeds(desk, request)
        assert desk.over == []
        closes(desk, request, "lee")
        desk.settle(SOON)
        assert deeds(desk, request)[-1] is Deed.REVIEWED
        assert desk.over == [f"review-not-accepted:{request.id}"]

    def test_is_opened_again_each_time(self, desk: Desk) -> None:
        request = broken(desk)
        desk.settle()
        for _ in range(2):
            closes(desk, request, "ana")
            desk.settle(SOON)
        assert deeds(desk, request).count(Deed.REVIEW_REOPENED) == 2
        assert len(review(desk, request).comments) == 2

    @pytest.mark.parametrize("moment", list(Moment))
    def test_is_opened_again_with_one_comment_when_jira_loses_answers(self, desk: Desk, moment: Moment) -> None:
        request = broken(desk)
        desk.settle()
        closes(desk, request, "ana")
        desk.jira.faults.add(Fault(Kind.DROP, moment, "POST", f"/{review(desk, request).key}/", times=2))
        desk.settle(SOON)
        found = review(desk, request)
        assert (found.status, len(found.comments)) == ("To Do", 1)

    def test_is_looked_at_hourly_on_the_first_day_and_daily_after_it(self, desk: Desk) -> None:
        broken(desk)
        desk.settle()
        looks = []
        while len(looks) < 28:
            (due,) = [row.due for row in desk.journal.waiting() if row.name == "watch-review"]
            looks.append(due)
            desk.now = due
            desk.work(Lane.JIRA)
        pauses = [after - before for before, after in itertools.pairwise(looks)]
        assert set(pauses[:22]) == {SOON}
        assert set(pauses[-3:]) == {DAILY}
        assert looks[0] - NOW <= SOON + 10 * MINUTE
