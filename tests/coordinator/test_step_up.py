"""An approval in GitHub: what was approved in Slack waits for a review there, and stands only with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from coordinator.audit.telling import sentence
from coordinator.deciding import Deciding, NotYours
from coordinator.directory import Directory
from coordinator.lifecycle import NUDGED, Lane
from coordinator.nudging import Nudging
from coordinator.outside.clock import time_out
from coordinator.outside.commits import entry_of
from coordinator.requests import Request, Route, State
from coordinator.routing import Rerouting, Routing
from coordinator.withdrawing import Withdrawing
from sallyport import confirming
from sallyport.audit import Deed
from sallyport.changes.prod_access import ProdAccess
from sallyport.confirming import Evidence
from sallyport.decisions import entry_refusals
from sallyport.entries import parse_entry
from sallyport.flows import Cards, Nudges
from sallyport.outcomes import Result
from sallyport.platforms.errors import Refused, TryLater, Unknown
from sallyport.reviews import CHANGES_REQUESTED
from tests.coordinator.asks import HOUR, NOW, SECOND
from tests.coordinator.conftest import Installed, Places, Store
from tests.coordinator.desk import MINUTE, Desk, open_desk
from tests.coordinator.installing import changed

BRANCH = "sallyport"
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # in working hours
NUMBER = 12  # of the first pull request


def stepped_up(installed: Installed) -> Installed:
    """Production access must be confirmed in GitHub, within two hours of its approval in Slack."""

    def change(document: Any) -> None:
        document["rules"][0] |= {"step_up": "github", "timeout": "2h"}

    return changed(installed, flows__prod_access=change)


@dataclass
class Place:
    """A desk, and the people who decide there under the policies of the moment."""

    desk: Desk

    def __post_init__(self) -> None:
        directory = Directory(self.desk.slack_client, lambda: self.desk.installed.policies)
        routing = Routing(directory.policies, directory)
        self.deciding = Deciding(self.desk.journal, routing, directory, lambda: self.desk.now)
        self.rerouting = Rerouting(self.desk.journal, routing, lambda: self.desk.now)
        self.withdrawing = Withdrawing(self.desk.journal, directory.policies, lambda: self.desk.now)

    def asked(self, nudges: tuple[datetime, ...] = (), notify: tuple[str, ...] = ("U0LEE", "U0SAM")) -> Request:
        change = ProdAccess("prod-main", "ProdReadOnly")
        both = Route(("U0LEE", "U0SAM"), notify)
        request = self.desk.submit(
            flow="prod-access", prefix="pa", changes=(change,), asked="", route=both, nudges=nudges
        )
        self.desk.work()
        return request

    def approved(self, notify: tuple[str, ...] = ("U0LEE", "U0SAM")) -> Request:
        """Approved in Slack by Lee, and shown in GitHub."""
        request = self.asked(notify=notify)
        self.deciding.approve(request.id, request.digest, "U0LEE")
        self.desk.work()
        return self.desk.request(request)

    def reminds(self, automatic: int) -> None:
        """From now on, policy has those reminded by themselves who are waited for."""
        policies = self.desk.installed.policies
        flow = replace(policies.flows["prod-access"], nudges=Nudges(automatic, "UTC", time(8), time(18)))
        changed = replace(policies, flows={**policies.flows, flow.id: flow})
        self.desk.installed = replace(self.desk.installed, policies=changed)

    def has_cards(self, cards: Cards) -> None:
        """From now on, policy has people asked there."""
        policies = self.desk.installed.policies
        flow = policies.flows["prod-access"]
        changed = replace(flow, rules=(replace(flow.rules[0], cards=cards), *flow.rules[1:]))
        policies = replace(policies, flows={**policies.flows, flow.id: changed})
        self.desk.installed = replace(self.desk.installed, policies=policies)

    def reviews(self, by: str = "leewong", **different: Any) -> None:
        self.desk.now += 30 * MINUTE
        self.desk.github.review(NUMBER, by, **different)
        self.looks()

    def looks(self) -> None:
        self.desk.now += MINUTE
        self.desk.work()

    def facts(self, request: Request) -> list[Deed]:
        return [fact.deed for fact, _ in self.desk.journal.facts(request.id)]

    @property
    def comments(self) -> str:
        return "\n".join(comment.body for comment in self.desk.issue.comments)

    def nothing_stands(self, request: Request) -> bool:
        """Nothing was committed or started, and nothing is open in GitHub."""
        github = self.desk.github
        closed = all(pull.closed for pull in github.pulls.values())
        return closed and not (github.commits or github.runs or github.branches or entry_of(request).confirmation)


@pytest.fixture
def place(sqlite: Store, installed: Installed, places: Places) -> Iterator[Place]:
    with open_desk(sqlite.journal(), stepped_up(installed), places) as desk:
        yield Place(desk)


class TestWhileItWaits:
    def test_nothing_is_committed_before_the_approval_in_github(self, place: Place) -> None:
        request = place.approved()
        assert (request.state, request.expires_at) == (State.CONFIRMING, None)
        assert (place.desk.github.commits, place.desk.github.runs) == ([], [])
        assert request.decide_by == NOW + 2 * HOUR, "the second place has as long as the first had"

    def test_github_shows_exactly_what_is_to_be_confirmed_and_asks_those_who_may(self, place: Place) -> None:
        request = place.approved()
        github = place.desk.github
        shown = github.branches[f"{BRANCH}/{request.id}"]
        assert shown == {f"proposals/{request.id}.yaml": confirming.proposal(entry_of(request), 4 * HOUR).encode()}
        assert github.pulls[NUMBER].title == f"Confirm {request.id}: Production access for Ana Ruiz"
        assert "Lee Wong (@leewong), Sam Okafor (@sam-okafor)" in github.words[NUMBER]
        assert "approved by Lee Wong (lee@example.com)" in github.words[NUMBER]
        assert "2026-11-21T11:00:00Z" in github.words[NUMBER]
        assert request.reason not in github.words[NUMBER], "what a person typed is no Markdown"

    def test_everybody_is_told_where_it_waits_and_nobody_that_it_is_done(self, place: Place) -> None:
        request = place.approved()
        url = place.desk.github.pulls[NUMBER].url
        told = "Approved by Lee Wong in Slack; waits for the approval in GitHub by Lee Wong or Sam Okafor"
        texts = {
            "thread": place.desk.messages("ana", "infra-requests")[-1],
            "approver": place.desk.messages("lee")[-1],
            "requester": place.desk.messages("ana")[-1],
        }
        for message in texts.values():
            assert told in message.visible_text
            assert url in [link for pair in message.links for link in pair]
        assert place.desk.statuses()[-1] == "Waiting for approval"
        assert "Approved by Lee Wong (lee@example.com) through Slack" in place.comments
        assert place.facts(request) == [Deed.ASKED, Deed.APPROVED]

    def test_it_is_opened_once_however_often_the_answers_are_lost(self, place: Place) -> None:
        request = place.asked()
        for method in ("start_branch", "commit", "open_pull"):
            place.desk.github.fail(method, Unknown("GitHub", method, "no answer"), after=True)
        place.deciding.approve(request.id, request.digest, "U0LEE")
        place.desk.settle()
        assert list(place.desk.github.pulls) == [NUMBER]
        place.reviews()
        assert place.desk.request(request).state is State.APPLYING

    def test_a_pull_request_that_github_lists_late_is_adopted(self, place: Place) -> None:
        request = place.asked()
        github = place.desk.github
        github.fail("open_pull", Unknown("GitHub", "open", "no answer"), after=True)
        github.fail("pull_of_branch", TryLater("GitHub", "list", "late"))
        place.deciding.approve(request.id, request.digest, "U0LEE")
        place.desk.settle()
        assert list(github.pulls) == [NUMBER]
        assert place.desk.request(request).result("pull")["number"] == NUMBER

    def test_a_second_approver_in_slack_is_told_that_it_was_approved_already(self, place: Place) -> None:
        request = place.approved()
        with pytest.raises(NotYours, match=r"approved by Lee Wong already\. It stands at: Approved in Slack"):
            place.deciding.approve(request.id, request.digest, "U0SAM")


class TestNudgedInGitHub:
    """While it waits for GitHub, reminders go to those who can confirm it there."""

    def replies(self, place: Place, who: str) -> list[str]:
        return [m.visible_text for m in place.desk.messages(who) if m.thread_ts is not None]

    def test_the_button_reminds_them_under_their_cards_with_the_way_there(self, place: Place) -> None:
        request = place.approved()
        nudging = Nudging(place.desk.journal, lambda: place.desk.now)
        assert nudging.nudge(request.id, "U0ANA").awaited == ("U0LEE", "U0SAM")
        place.desk.work()
        url = place.desk.github.pulls[NUMBER].url
        for who, name in (("lee", "@Lee Wong"), ("sam", "@Sam Okafor")):
            [reply] = [m for m in place.desk.messages(who) if m.thread_ts is not None]
            assert reply.visible_text.startswith(f"{name}: Ana Ruiz still waits for the approval in GitHub of")
            assert url in [link for pair in reply.links for link in pair]
        assert self.replies(place, "kim") == []
        assert place.facts(request)[-1] is Deed.NUDGED

    @pytest.mark.parametrize(
        ("cards", "notify", "awaited"),
        [
            (Cards(direct=True), ("U0LEE",), ("U0LEE", "U0SAM")),
            (Cards(direct=False), ("U0LEE",), ("U0LEE",)),
            (Cards(direct=False), ("C0INFRA",), ("U0LEE", "U0SAM")),
        ],
    )
    def test_only_those_are_waited_for_whom_a_nudge_reaches(
        self, place: Place, cards: Cards, notify: tuple[str, ...], awaited: tuple[str, ...]
    ) -> None:
        place.has_cards(cards)
        assert place.approved(notify).awaited == awaited

    def test_who_was_not_asked_in_slack_gets_a_card_and_is_reminded_under_it(self, place: Place) -> None:
        request = place.approved(notify=("U0LEE",))
        assert place.desk.messages("sam") == [], "nobody is told twice who is told by GitHub"
        Nudging(place.desk.journal, lambda: place.desk.now).nudge(request.id, "U0ANA")
        place.desk.work()
        card, reply = place.desk.messages("sam")
        assert "waits for the approval in GitHub" in card.visible_text
        assert reply.visible_text.startswith("@Sam Okafor: Ana Ruiz still waits")
        assert reply.thread_ts == card.ts
        assert place.desk.request(request).deciders == (), "it is not for Slack to decide"
        assert not any("Nobody" in message.visible_text for message in place.desk.messages("ana"))
        place.reviews()
        [card] = [message for message in place.desk.messages("sam") if message.thread_ts is None]
        assert "being applied" in card.visible_text, "it follows the request like every other"

    def test_where_cards_go_to_a_channel_nobody_gets_one_of_their_own(self, place: Place) -> None:
        place.has_cards(Cards(direct=False, channel="C0INFRA"))
        request = place.approved(notify=("C0INFRA",))
        Nudging(place.desk.journal, lambda: place.desk.now).nudge(request.id, "U0ANA")
        place.desk.work()
        assert place.desk.messages("sam") == place.desk.messages("lee") == []
        [reply] = [m for m in place.desk.messages("ana", "infra-requests") if "still waits" in m.visible_text]
        assert reply.visible_text.startswith("@Lee Wong @Sam Okafor: Ana Ruiz still waits")

    @pytest.mark.parametrize("notify", [("U0LEE", "U0SAM"), ("C0INFRA",)])
    def test_who_can_confirm_it_no_longer_is_reminded_no_longer(
        self, place: Place, notify: tuple[str, ...]
    ) -> None:
        if "C0INFRA" in notify:
            place.has_cards(Cards(direct=False, channel="C0INFRA"))
        request = place.approved(notify)
        place.desk.slack.deactivate("sam")
        place.desk.build()  # another process, which has not seen him before
        Nudging(place.desk.journal, lambda: place.desk.now).nudge(request.id, "U0ANA")
        place.desk.work()
        seen = [*place.desk.messages("lee"), *place.desk.messages("ana", "infra-requests")]
        [reply] = [m.visible_text for m in seen if "still waits" in m.visible_text]
        reminded = [name for name in place.desk.request(request).armed if name.startswith(f"{NUDGED}:")]
        assert len(reminded) == 1, "and nowhere else"
        assert reply.startswith("@Lee Wong: ")

    def test_none_comes_once_it_is_confirmed(self, place: Place) -> None:
        request = place.approved()
        Nudging(place.desk.journal, lambda: place.desk.now).nudge(request.id, "U0ANA")
        place.desk.github.review(NUMBER)
        place.desk.work(Lane.RUNS)
        place.looks()
        assert self.replies(place, "lee") == []

    def test_automatic_ones_that_are_left_are_spread_over_the_time_there(self, place: Place) -> None:
        place.desk.now = MONDAY
        place.reminds(automatic=2)
        request = place.approved()
        place.desk.settle(39 * MINUTE)
        assert self.replies(place, "lee") == []
        place.desk.settle(2 * MINUTE)
        [text] = self.replies(place, "lee")
        assert "the approval in GitHub" in text
        place.desk.settle(40 * MINUTE)
        assert len(self.replies(place, "sam")) == 2
        place.desk.settle(3 * HOUR)
        assert place.facts(request).count(Deed.NUDGED) == 2

    def test_one_that_came_before_the_approval_is_not_sent_again(self, place: Place) -> None:
        place.desk.now = MONDAY
        place.reminds(automatic=2)
        request = place.asked((MONDAY + 40 * MINUTE, MONDAY + 80 * MINUTE))
        place.desk.settle(41 * MINUTE)
        assert len(self.replies(place, "lee")) == 1
        place.deciding.approve(request.id, request.digest, "U0LEE")
        place.desk.settle(3 * HOUR)
        assert place.facts(request).count(Deed.NUDGED) == 2, "two by themselves, whatever they were for"


class TestWhoCanConfirmItChanges:
    """Policies and people change while it waits: what people read about who can confirm it follows."""

    LEE, SAM = "Lee Wong (@leewong)", "Sam Okafor (@sam-okafor)"
    BOTH = "by Lee Wong or Sam Okafor"

    @pytest.fixture
    def waiting(self, place: Place) -> Request:
        request = place.approved()
        place.rerouting.look()
        place.desk.work()
        return request

    def names(self, place: Place, *people: str) -> None:
        """From now on, policy has it approved by these."""

        def change(document: Any) -> None:
            document["rules"][0]["approvers"] = {"people": [f"{name}@example.com" for name in people]}

        after = changed(place.desk.installed, flows__prod_access=change)
        place.desk.installed = replace(after, policies=replace(after.policies, version=f"approved by {people}"))
        place.rerouting.look()
        place.desk.work()

    def shown(self, place: Place) -> list[str]:
        """The messages in Slack that say how it stands."""
        found = [*place.desk.messages("ana", "infra-requests"), *place.desk.messages("lee")]
        return [message.visible_text for message in (*found, *place.desk.messages("ana"))]

    def test_the_pull_request_and_every_message_name_those_who_can_now(
        self, place: Place, waiting: Request
    ) -> None:
        assert all(self.BOTH in text for text in self.shown(place))
        self.names(place, "sam")
        text = place.desk.github.words[NUMBER]
        assert self.SAM in text
        assert self.LEE not in text
        for text in self.shown(place):
            assert "GitHub by Sam Okafor, until" in text
        assert place.desk.request(waiting).awaited == ("U0SAM",), "and nobody else is reminded"
        assert "Asked anew at 2026-11-21T09:00:00Z: One person can confirm it in GitHub now." in place.comments
        assert place.facts(waiting) == [Deed.ASKED, Deed.APPROVED, Deed.ROUTED]

    def test_where_nobody_can_any_more_the_requester_is_told_directly(
        self, place: Place, waiting: Request
    ) -> None:
        before = len(place.desk.messages("ana"))
        self.names(place, "ana")
        assert "nobody at the moment" in place.desk.github.words[NUMBER]
        told = place.desk.messages("ana")[before:]
        assert ["Nobody can give the approval in GitHub" in message.visible_text for message in told] == [True]
        assert "Nobody is left who could confirm it in GitHub" in place.comments
        self.names(place, "lee")
        assert "Nobody can" not in "".join(self.shown(place)), "and what was said of nobody is taken back"
        assert len(place.desk.messages("ana")) == before + 1

    def test_nothing_is_said_where_they_are_the_same(self, place: Place, waiting: Request) -> None:
        place.desk.github.calls.clear()
        self.names(place, "sam", "lee")
        assert "edit_pull" not in place.desk.github.calls
        assert place.facts(waiting) == [Deed.ASKED, Deed.APPROVED]

    def test_what_is_being_opened_meanwhile_follows_too(self, place: Place) -> None:
        request = place.asked()
        place.deciding.approve(request.id, request.digest, "U0LEE")
        open_pull = place.desk.github.open_pull

        def slowly(*said: str) -> Any:
            pull = open_pull(*said)
            place.desk.github.open_pull = open_pull
            self.names(place, "sam")
            return pull

        place.desk.github.open_pull = slowly
        place.desk.settle()
        assert self.LEE not in place.desk.github.words[NUMBER]
        assert "GitHub by Sam Okafor, until" in self.shown(place)[0]

    def test_a_text_that_github_does_not_take_holds_up_no_review(self, place: Place, waiting: Request) -> None:
        place.desk.github.fail("edit_pull", Refused("GitHub", "edit", "locked", status=403))
        self.names(place, "sam")
        place.reviews(by="sam-okafor")
        assert place.desk.request(waiting).state is State.APPLYING

    def test_what_was_confirmed_meanwhile_stays_closed_with_its_outcome(
        self, place: Place, waiting: Request
    ) -> None:
        place.reviews()
        closed = place.desk.github.words[NUMBER]
        self.names(place, "sam")
        assert place.desk.github.words[NUMBER] == closed
        assert place.desk.request(waiting).result("pull")["number"] == NUMBER


class TestConfirmed:
    def test_its_deadline_counts_from_the_confirmation_and_is_rounded_up_as_policy_says(
        self, place: Place
    ) -> None:
        def hourly(document: Any) -> None:
            document["rules"][0]["duration"] |= {"min": "1h", "round_up_to": "1h"}

        place.desk.installed = changed(place.desk.installed, flows__prod_access=hourly)
        request = place.approved()
        place.reviews()
        after = place.desk.request(request)
        assert after.expires_at == NOW.replace(hour=14, minute=0, second=0)
        assert entry_refusals(entry_of(after), place.desk.installed.policies) == ()

    @pytest.mark.parametrize(
        ("login", "by", "name"),
        [("leewong", "lee@example.com", "Lee Wong"), ("sam-okafor", "sam@example.com", "Sam Okafor")],
    )
    def test_a_review_by_the_same_or_another_approver_lets_it_go_on(
        self, place: Place, login: str, by: str, name: str
    ) -> None:
        request = place.approved()
        place.reviews(login)
        after = place.desk.request(request)
        assert after.state is State.APPLYING
        assert after.expires_at == NOW + 30 * MINUTE + 4 * HOUR, "it lives from the approval in GitHub on"
        assert place.facts(request)[:5] == [
            Deed.ASKED,
            Deed.APPROVED,
            Deed.CONFIRMED,
            Deed.COMMITTED,
            Deed.DISPATCHED,
        ]
        assert f"Confirmed by {name} ({by}) through GitHub at 2026-11-21T09:30:00Z" in place.comments
        place.desk.job_ends(request, Result.APPLIED)
        place.looks()
        assert (
            f"Approved by Lee Wong, confirmed in GitHub by {name}" in place.desk.messages("ana")[-1].visible_text
        )

    def test_the_entry_carries_both_and_a_job_finds_it_borne_out(self, place: Place) -> None:
        request = place.approved()
        place.reviews("sam-okafor")
        github, policies = place.desk.github, place.desk.installed.policies
        [(_, body, files)] = github.commits
        entry = parse_entry(next(iter(files.values())), entry_of(request).path, policies.schemas)
        assert [approval.through for approval in entry.approvals] == ["slack"]
        assert entry.confirmation
        assert (entry.confirmation.by, entry.confirmation.at) == ("sam@example.com", NOW + 30 * MINUTE)
        assert "Approved-by: lee@example.com\nConfirmed-by: sam@example.com" in body
        shown = Evidence(github.reviews(NUMBER), confirming.proposal(entry, 4 * HOUR).encode())
        assert confirming.refusal(entry, entry.confirmation, shown, policies) == ""
        assert entry_refusals(entry, policies) == ()

    def test_the_pull_request_is_closed_and_says_why(self, place: Place) -> None:
        place.approved()
        place.reviews("sam-okafor")
        github = place.desk.github
        assert (github.pulls[NUMBER].closed, github.branches) == (True, {})
        assert "It was confirmed by Sam Okafor." in github.words[NUMBER]

    def test_how_long_it_lives_is_part_of_what_is_confirmed(self, place: Place) -> None:
        request = place.asked()
        place.deciding.approve(request.id, request.digest, "U0LEE")
        place.desk.work()
        place.reviews()
        given = place.desk.request(request).result("confirm")
        assert (given["lasting"], given["pull"]) == ("4h", NUMBER)

    def test_while_github_is_away_the_review_waits_to_be_seen(self, place: Place) -> None:
        request = place.approved()
        place.desk.github.fail("reviews", TryLater("GitHub", "read", "away"), times=3)
        place.desk.github.review(NUMBER)
        place.desk.settle()
        assert place.desk.request(request).state is State.APPLYING


class TestNotConfirmed:
    @pytest.mark.parametrize(
        ("by", "different"),
        [
            ("ana-ruiz", {}),
            ("ana-second", {}),
            ("stranger", {}),
            ("kimberg", {}),
            ("sallyport[bot]", {}),
            ("leewong", {"commit": "d" * 40}),
            ("leewong", {"state": "COMMENTED"}),
            ("kimberg", {"state": CHANGES_REQUESTED}),
        ],
        ids=[
            "the requester",
            "the requester's other login",
            "a login that is bound to nobody",
            "somebody whom policy does not accept",
            "the coordinator",
            "a review of another commit",
            "a comment",
            "a no of somebody whom policy does not accept",
        ],
    )
    def test_what_does_not_count_leaves_it_waiting(self, place: Place, by: str, different: dict[str, str]) -> None:
        request = place.approved()
        place.reviews(by, **different)
        assert place.desk.request(request).state is State.CONFIRMING
        assert place.desk.github.commits == []

    def test_changes_requested_by_who_may_confirm_it_is_a_no(self, place: Place) -> None:
        request = place.approved()
        place.reviews("sam-okafor", state=CHANGES_REQUESTED)
        after = place.desk.request(request)
        assert after.state is State.DENIED
        assert place.nothing_stands(after)
        assert "Sam Okafor requested changes in GitHub" in place.desk.messages("ana")[-1].visible_text
        assert "Denied by Sam Okafor (sam@example.com) through GitHub" in place.comments
        assert place.desk.statuses()[-1] == "Declined"

    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (
                lambda github: github.close_pull(NUMBER, "No."),
                "was closed in GitHub before anybody had confirmed it",
            ),
            (lambda github: github.push_to(NUMBER), "was changed in GitHub after it had been opened"),
        ],
        ids=["closed", "changed"],
    )
    def test_what_somebody_does_to_the_pull_request_ends_it_and_is_told(
        self, place: Place, spoil: Callable[[Any], None], words: str
    ) -> None:
        request = place.approved()
        spoil(place.desk.github)
        place.looks()
        after = place.desk.request(request)
        assert after.state is State.DENIED
        assert words in place.desk.messages("ana")[-1].visible_text
        assert place.nothing_stands(after)

    def test_what_nobody_confirms_in_time_is_closed_everywhere(self, place: Place) -> None:
        request = place.approved()
        place.desk.settle(3 * HOUR)
        after = place.desk.request(request)
        assert after.state is State.TIMED_OUT
        assert place.nothing_stands(after)
        told = place.desk.messages("ana")[-1].visible_text
        assert "Approved in Slack, never confirmed in GitHub. It was not done; ask again" in told
        assert "It was approved in Slack, and nobody confirmed it in GitHub until" in place.comments
        [trail] = [fact for fact, _ in place.desk.journal.facts(request.id) if fact.deed is Deed.TIMED_OUT]
        assert sentence(trail) == "It was approved in Slack, and nobody confirmed it in GitHub in time."
        for text in (told, place.desk.messages("lee")[-1].visible_text, place.comments):
            assert "Nobody decided" not in text, "Lee had"
        with pytest.raises(NotYours, match="was approved in Slack and never confirmed in GitHub"):
            place.deciding.approve(request.id, request.digest, "U0SAM")
        assert "Nobody confirmed it in time" in place.desk.github.words[NUMBER]
        assert place.desk.waiting() == set()

    def test_the_time_for_slack_does_not_end_what_waits_for_github(self, place: Place) -> None:
        request = place.asked()
        place.desk.now = request.decide_by - SECOND
        place.deciding.approve(request.id, request.digest, "U0LEE")
        place.desk.settle(HOUR)
        assert place.desk.request(request).state is State.CONFIRMING

    def test_a_time_out_that_was_under_way_loses_against_the_approval(self, place: Place) -> None:
        request = place.asked()
        place.desk.now = request.decide_by
        [work] = place.desk.journal.claim(Lane.CLOCK, place.desk.now)
        place.desk.now -= SECOND
        place.deciding.approve(request.id, request.digest, "U0LEE")
        place.desk.journal.finish(work, time_out(work, request))
        assert place.desk.request(request).state is State.CONFIRMING

    def test_a_review_after_the_time_is_too_late(self, place: Place) -> None:
        request = place.approved()
        place.desk.now = place.desk.request(request).decide_by
        place.desk.github.review(NUMBER)
        place.desk.work(Lane.RUNS)
        assert place.desk.request(request).state is State.CONFIRMING
        place.desk.work()
        assert place.desk.request(request).state is State.TIMED_OUT

    def test_its_requester_may_cancel_it_and_a_review_after_that_does_nothing(self, place: Place) -> None:
        request = place.approved()
        assert place.desk.messages("ana")[-1].buttons == ["Nudge", "Cancel request"]
        place.withdrawing.cancel(request.id, "U0ANA")
        place.desk.work()
        place.reviews()
        after = place.desk.request(request)
        assert after.state is State.CANCELLED
        assert place.nothing_stands(after)
        assert "It was cancelled" in place.desk.github.words[NUMBER]

    @pytest.mark.parametrize("step", ["start_branch", "commit", "open_pull"])
    def test_what_is_cancelled_while_it_is_being_shown_leaves_nothing_open(self, place: Place, step: str) -> None:
        request = place.asked()
        place.desk.github.fail(step, Unknown("GitHub", step, "no answer"), after=True)
        place.deciding.approve(request.id, request.digest, "U0LEE")
        place.desk.work()
        place.withdrawing.cancel(request.id, "U0ANA")
        place.desk.settle()
        assert place.nothing_stands(place.desk.request(request))

    def test_where_github_forbids_it_operators_are_told_and_it_times_out(self, place: Place) -> None:
        request = place.asked()
        forbidden = Refused("GitHub", "open a pull request", "Resource not accessible by integration", status=403)
        place.desk.github.fail("open_pull", forbidden, times=99)
        place.deciding.approve(request.id, request.digest, "U0LEE")
        place.desk.settle(3 * HOUR)
        assert any("Resource not accessible" in alert for alert in place.desk.alerts)
        assert place.desk.request(request).state is State.TIMED_OUT


class TestAsking:
    def test_what_nobody_could_confirm_is_refused_when_it_is_asked_for(
        self, sqlite: Store, installed: Installed, places: Places
    ) -> None:
        def no_logins(document: Any) -> None:
            for person in document["people"]:
                if person["email"] != "ana@example.com":
                    person.pop("github", None)
            document["groups"]["prod-approvers"].append("ana@example.com")

        only_ana = changed(stepped_up(installed), people=no_logins)
        flow = only_ana.policies.flows["prod-access"]
        change = (ProdAccess("prod-main", "ProdReadOnly"),)
        problem = confirming.confirmer_problem(flow, "prod", "ana@example.com", change, only_ana.policies)
        assert problem
        assert problem.sentence.startswith(
            "policy wants this confirmed in GitHub, and none of its approvers has a login"
        )
        assert confirming.confirmer_problem(flow, "prod", "kim@example.com", change, only_ana.policies) is None
