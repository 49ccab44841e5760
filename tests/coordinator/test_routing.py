"""Whose turn it is: stages one after the other, groups kept in Slack, and people who can decide no longer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from coordinator.asking import Asking
from coordinator.deciding import NAMED, Deciding, NotYours
from coordinator.directory import Directory
from coordinator.journal import Done, Journal, Work
from coordinator.lifecycle import Lane
from coordinator.outside.clock import time_out
from coordinator.outside.commits import entry_of
from coordinator.requests import Request, State
from coordinator.routing import Rerouting, Routing
from coordinator.withdrawing import Withdrawing
from sallyport.audit import Deed
from sallyport.decisions import entry_refusals
from sallyport.platforms.errors import Refused, TryLater
from sallyport.policies import Policies, load_policies
from sallyport.problems import Problems
from tests.coordinator.asks import NOW, claim
from tests.coordinator.conftest import Installed, Store
from tests.coordinator.fakes import Interrupted
from tests.coordinator.test_directory import FakeMembers, user

PEOPLE = ("ana", "lee", "sam", "kim")


@dataclass
class Members(FakeMembers):
    """Slack's members and its user groups."""

    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()  # groups that Slack does not tell of just now

    def usergroup_members(self, group: str) -> tuple[str, ...]:
        if group in self.unread:
            raise TryLater("Slack", "list a user group", "too many requests")
        if group not in self.groups:
            raise Refused("Slack", "list a user group", "no_such_subteam", reasons=("no_such_subteam",))
        return self.groups[group]


@dataclass
class Firm:
    """The engine of approvals without Slack's surfaces: people ask and decide by calling it."""

    journal: Journal
    files: dict[str, bytes]
    slack: Members
    policies: Policies = field(init=False)
    now = NOW

    def __post_init__(self) -> None:
        self.directory = Directory(self.slack, lambda: self.policies)  # type: ignore[arg-type]  # what it uses of it
        self.rules()
        self.routing = Routing(self.directory.policies, self.directory)
        self.asking = Asking(self.journal, self.directory.policies, self.directory, self.routing, lambda: self.now)
        self.deciding = Deciding(self.journal, self.routing, self.directory, lambda: self.now)
        self.rerouting = Rerouting(self.journal, self.routing, lambda: self.now)

    def rules(self, groups: dict[str, str] | None = None, **rule: Any) -> None:
        """Put this into the only rule of /prod-access, and let everybody look around; *groups* are Slack's too."""
        document = yaml.safe_load(self.files["flows/prod-access.yaml"])
        production = document["rules"][0]
        if {"stages", "auto_approve"} & rule.keys():
            del production["approvers"]
            del production["quorum"]
            del production["break_glass"]
        document["rules"] = [production | rule]
        people = yaml.safe_load(self.files["people.yaml"])
        people["groups"] |= {
            name: {"slack": one} for name, one in {"on-call": "S0ONCALL", **(groups or {})}.items()
        }
        changed = {"flows/prod-access.yaml": document, "people.yaml": people}
        self.policies = load_policies(
            self.files | {path: yaml.safe_dump(data).encode() for path, data in changed.items()}, str(rule)
        )
        self.directory.refresh()

    def asks(self, duration: str = "4h", who: str = "U0ANA", **different: Any) -> Request:
        flow = self.policies.flows["prod-access"]
        answers = {**flow.defaults, "reason": "Debugging", "duration": duration}
        return self.asking.ask(flow, who, answers, f"view:{len(self.journal.ids())}", **different)

    def approves(self, who: str, request: Request, **different: Any) -> Request:
        return self.deciding.approve(request.id, request.digest, who, **different)

    def leaves(self, who: str) -> None:
        self.slack.members[who] = replace(self.slack.members[who], deleted=True)
        self.directory.refresh()

    def request(self, request: Request) -> Request:
        return self.journal.request(request.id)

    def deeds(self, request: Request) -> list[Deed]:
        return [fact.deed for fact, _ in self.journal.facts(request.id)]

    def cards(self) -> set[str]:
        return {row.name for row in self.journal.waiting() if row.kind == "card"}


@pytest.fixture
def firm(sqlite: Store, installed: Installed) -> Firm:
    members = {f"U0{name.upper()}": user(f"U0{name.upper()}", f"{name}@example.com") for name in PEOPLE}
    return Firm(sqlite.journal(), installed.files, Members(members, groups={"S0ONCALL": ("U0KIM",)}))


LIFE = {"default": "4h", "min": "15m", "max": "8h", "approver_may_shorten": True}
STAGES = [
    {"name": "manager", "approvers": {"people": ["lee@example.com"]}},
    {"name": "security", "approvers": {"people": ["sam@example.com", "kim@example.com"]}, "quorum": 2},
]


class TestStages:
    @pytest.fixture(autouse=True)
    def _staged(self, firm: Firm) -> None:
        firm.rules(stages=STAGES)

    def test_ask_only_those_whose_turn_it_is(self, firm: Firm) -> None:
        request = firm.asks()
        assert request.deciders == ("U0LEE",)
        assert firm.cards() == {"card:U0LEE"}
        assert [found.id for found in firm.journal.to_decide("U0LEE", 9)] == [request.id]
        assert firm.journal.to_decide("U0SAM", 9) == []

    def test_ask_the_next_once_the_one_before_has_approved(self, firm: Firm) -> None:
        after = firm.approves("U0LEE", firm.asks())
        assert (after.state, after.deciders) == (State.PENDING, ("U0KIM", "U0SAM"))
        assert firm.cards() == {"card:U0LEE", "card:U0SAM", "card:U0KIM"}
        assert firm.journal.to_decide("U0LEE", 9) == []

    def test_ask_a_person_who_has_approved_no_more(self, firm: Firm) -> None:
        request = firm.asks()
        firm.approves("U0LEE", request)
        assert firm.approves("U0SAM", request).deciders == ("U0KIM",)
        with pytest.raises(NotYours, match=r"You have decided .* already; it still waits for others"):
            firm.approves("U0SAM", request)

    def test_approve_with_the_last_of_them_and_a_job_accepts_the_entry(self, firm: Firm) -> None:
        request = firm.asks()
        for who in ("U0LEE", "U0KIM", "U0SAM"):
            last = firm.approves(who, request)
        assert (last.state, last.deciders) == (State.APPROVED, ())
        assert firm.deeds(request) == [Deed.ASKED, Deed.APPROVED, Deed.APPROVED, Deed.APPROVED]
        assert entry_refusals(entry_of(last), firm.policies) == ()

    def test_let_nobody_go_before_their_turn(self, firm: Firm) -> None:
        with pytest.raises(NotYours, match="It is not your turn yet: first Lee Wong must approve"):
            firm.approves("U0SAM", firm.asks())

    def test_let_any_of_them_deny_in_their_turn(self, firm: Firm) -> None:
        request = firm.asks()
        firm.approves("U0LEE", request)
        denied = firm.deciding.deny(request.id, request.digest, "U0KIM", "Not now")
        assert (denied.state, denied.deciders) == (State.DENIED, ())


class TestAGroupThatSlackKeeps:
    @pytest.fixture(autouse=True)
    def _on_call(self, firm: Firm) -> None:
        firm.rules(approvers={"groups": ["on-call"]})

    def test_decides_and_the_entry_says_for_which_group(self, firm: Firm) -> None:
        request = firm.asks()
        assert request.deciders == ("U0KIM",)
        approved = firm.approves("U0KIM", request)
        assert approved.state is State.APPROVED
        entry = entry_of(approved)
        assert entry.approvals[0].speaks_for == ("on-call",)
        assert entry_refusals(entry, firm.policies) == ()

    def test_is_asked_anew_when_others_are_in_it(self, firm: Firm) -> None:
        request = firm.asks()
        firm.slack.groups["S0ONCALL"] = ("U0SAM",)
        firm.directory.refresh_groups()
        with pytest.raises(NotYours, match="Only Sam Okafor can decide"):
            firm.approves("U0KIM", request)
        firm.rerouting.look()
        assert firm.request(request).deciders == ("U0SAM",)
        assert firm.cards() == {"card:U0KIM", "card:U0SAM"}

    def test_that_slack_keeps_no_longer_has_nobody_and_holds_up_no_other(self, firm: Firm) -> None:
        """Slack disables groups rather than delete them, and then knows none of that id."""
        firm.slack.groups |= {"S0RELEASE": ("U0SAM",), "S0ONCALL": ("U0KIM", "U0LEE")}
        firm.rules(approvers={"groups": ["on-call", "release"]}, groups={"release": "S0RELEASE"})
        request = firm.asks()
        del firm.slack.groups["S0RELEASE"]
        firm.slack.groups["S0ONCALL"] = ("U0LEE",)
        firm.directory.refresh_groups()
        for gone in ("U0KIM", "U0SAM"):
            with pytest.raises(NotYours, match="Only Lee Wong can decide"):
                firm.approves(gone, request)

    def test_that_cannot_be_read_just_now_stays_as_it_was_and_holds_up_no_other(self, firm: Firm) -> None:
        firm.slack.groups |= {"S0AWAY": ("U0SAM",), "S0ONCALL": ("U0KIM", "U0LEE")}
        firm.rules(approvers={"groups": ["on-call", "release"]}, groups={"release": "S0AWAY"})
        request = firm.asks()
        firm.slack.unread = frozenset({"S0AWAY"})
        firm.slack.groups["S0ONCALL"] = ("U0LEE",)
        with pytest.raises(TryLater):  # so that it is in the log
            firm.directory.refresh_groups()
        with pytest.raises(NotYours, match="Only Lee Wong or Sam Okafor can decide"):
            firm.approves("U0KIM", request)

    def test_that_is_empty_can_be_asked_by_nobody(self, firm: Firm) -> None:
        firm.slack.groups["S0ONCALL"] = ()
        firm.directory.refresh_groups()
        with pytest.raises(Problems, match="nobody can approve this"):
            firm.asks()


class TestAnApproverWhoLeaves:
    def test_no_longer_counts_and_others_are_asked(self, firm: Firm) -> None:
        firm.rules(
            stages=[
                STAGES[1] | {"approvers": {"people": ["lee@example.com", "sam@example.com", "kim@example.com"]}}
            ]
        )
        request = firm.asks()
        firm.approves("U0LEE", request)
        firm.leaves("U0LEE")
        firm.approves("U0SAM", request)
        assert firm.request(request).state is State.PENDING, "of the two, one has left"
        assert firm.approves("U0KIM", request).state is State.APPROVED

    def test_leaves_a_request_to_nobody_and_that_is_said(self, firm: Firm) -> None:
        firm.rules(approvers={"people": ["lee@example.com"]})
        request = firm.asks()
        firm.leaves("U0LEE")
        firm.rerouting.look()
        assert firm.request(request).deciders == ()
        (*_, (last, _)) = firm.journal.facts(request.id)
        assert last.deed is Deed.ROUTED
        assert str(last.details["detail"]).startswith("Nobody is left who could decide it")

    def test_leaves_the_requester_to_be_told_directly_and_again_once_somebody_can(self, firm: Firm) -> None:
        firm.rules(approvers={"people": ["lee@example.com"]})
        request = firm.asks()
        firm.leaves("U0LEE")
        firm.rerouting.look()
        told = claim(firm.journal, Lane.SLACK, "tell:stranded", firm.now)
        firm.journal.finish(told, Done({"channel": "D0ANA", "ts": "1.000100"}))
        firm.slack.members["U0LEE"] = user("U0LEE", "lee@example.com")
        firm.directory.refresh()
        firm.rerouting.look()
        assert firm.request(request).deciders == ("U0LEE",)
        firm.now += timedelta(minutes=2)
        assert claim(firm.journal, Lane.SLACK, "tell:stranded", firm.now).result == {
            "channel": "D0ANA",
            "ts": "1.000100",
        }

    @pytest.mark.parametrize("now_needed", [{"quorum": 1}, {"auto_approve": True}])
    def test_is_told_apart_from_policies_that_need_nobody_any_more(
        self, firm: Firm, now_needed: dict[str, Any]
    ) -> None:
        firm.rules(quorum=2)
        request = firm.asks()
        firm.approves("U0LEE", request)
        firm.rules(**now_needed)
        firm.rerouting.look()
        (*_, (last, _)) = firm.journal.facts(request.id)
        assert str(last.details["detail"]).startswith("Policy has changed and needs no further approval for it")

    def test_changes_nothing_where_nobody_left(self, firm: Firm) -> None:
        request = firm.asks()
        firm.rerouting.look()
        firm.rerouting.look()
        assert firm.deeds(request) == [Deed.ASKED]

    def test_changes_nothing_for_a_request_that_is_decided(self, firm: Firm) -> None:
        request = firm.asks()
        firm.approves("U0LEE", request)
        firm.leaves("U0SAM")
        firm.rerouting.look()
        assert firm.deeds(request) == [Deed.ASKED, Deed.APPROVED]


class TestLookingAgain:
    @pytest.fixture
    def seen(self, firm: Firm, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The requests that were looked at."""
        seen: list[str] = []
        read = Journal.requests
        monkeypatch.setattr(Journal, "requests", lambda journal, ids: (seen.extend(ids), read(journal, ids))[1])
        firm.rules(approvers={"groups": ["on-call"]})
        return seen

    def test_takes_nothing_where_nothing_changed(self, firm: Firm, seen: list[str]) -> None:
        request = firm.asks()
        for _ in range(3):
            firm.directory.refresh()
            firm.rerouting.look()
        assert seen == [request.id]

    def test_looks_at_what_is_new_alone(self, firm: Firm, seen: list[str]) -> None:
        first = firm.asks()
        firm.rerouting.look()
        second = firm.asks()
        firm.rerouting.look()
        assert seen == [first.id, second.id]

    def test_finds_what_a_listener_recorded_that_did_not_know_of_the_change_yet(
        self, firm: Firm, seen: list[str]
    ) -> None:
        behind = Directory(firm.slack, lambda: firm.policies)  # type: ignore[arg-type]  # what it uses of it
        behind.refresh()
        asking = replace(
            firm.asking, policies=behind.policies, directory=behind, routing=Routing(behind.policies, behind)
        )
        firm.slack.groups["S0ONCALL"] = ("U0SAM",)
        firm.directory.refresh_groups()
        firm.rerouting.look()
        firm.asking = asking
        request = firm.asks()
        assert request.deciders == ("U0KIM",)
        firm.rerouting.look()
        assert seen
        assert firm.request(request).deciders == ("U0SAM",)

    @pytest.mark.parametrize("change", ["group", "member", "policies"])
    def test_looks_at_all_of_them_where_anything_changed(self, firm: Firm, seen: list[str], change: str) -> None:
        request = firm.asks()
        firm.rerouting.look()
        match change:
            case "group":
                firm.slack.groups["S0ONCALL"] = ("U0KIM", "U0SAM")
            case "member":
                firm.slack.members["U0KIM"] = replace(firm.slack.members["U0KIM"], deleted=True)
            case _:
                firm.policies = replace(firm.policies, version="another")
        firm.directory.refresh()
        firm.rerouting.look()
        assert seen == [request.id, request.id]


class TestWithoutApprovers:
    def test_a_rule_approves_by_itself_at_once(self, firm: Firm) -> None:
        firm.rules(auto_approve=True)
        request = firm.asks()
        assert (request.state, request.deciders, request.notify) == (State.APPROVED, (), ())
        assert request.expires_at == NOW + timedelta(hours=4)
        assert firm.deeds(request) == [Deed.ASKED, Deed.APPROVED]
        assert {row.name for row in firm.journal.waiting()} >= {"commit", "dispatch", "expire"}
        assert entry_refusals(entry_of(request), firm.policies) == ()

    def test_an_emergency_goes_ahead_with_its_incident(self, firm: Firm) -> None:
        firm.rules(break_glass={"groups": ["engineering"], "max": "1h"})
        request = firm.asks("1h", incident="INC-4711")
        assert (request.state, request.deciders) == (State.APPROVED, ())
        (_, (approved, _)) = firm.journal.facts(request.id)
        assert (approved.by, approved.details["incident"]) == ("ana@example.com", "INC-4711")
        assert entry_refusals(entry_of(request), firm.policies) == ()

    def test_an_emergency_is_told_to_who_could_have_been_asked_and_to_the_owners(self, firm: Firm) -> None:
        accounts = firm.files["catalogue/accounts.yaml"].replace(b"owners: [lee@", b"owners: [kim@", 1)
        firm.files = firm.files | {"catalogue/accounts.yaml": accounts}
        firm.rules(break_glass={"groups": ["engineering"], "max": "1h"})
        request = firm.asks("1h", incident="INC-4711")
        assert request.notify == ("U0KIM", "U0LEE", "U0SAM"), "Kim approves nothing here, and owns the account"
        assert firm.cards() == {"card:U0KIM", "card:U0LEE", "card:U0SAM"}

    @pytest.mark.parametrize(
        ("glass", "duration", "said"),
        [
            (None, "1h", "no break-glass here"),
            ({"groups": ["managers"], "max": "1h"}, "1h", "no break-glass here"),
            ({"groups": ["engineering"], "max": "1h"}, "2h", "2h is outside what policy allows here"),
        ],
    )
    def test_an_emergency_is_refused_that_is_not_as_policy_says(
        self, firm: Firm, glass: dict[str, Any] | None, duration: str, said: str
    ) -> None:
        firm.rules(**({"break_glass": glass} if glass else {}))
        with pytest.raises(Problems, match=said):
            firm.asks(duration, incident="INC-4711")
        assert firm.journal.ids() == []


class TestAnApprovalOfOnesOwn:
    """Ana is an approver of others here."""

    def names(self, firm: Firm, change: Callable[[Any], None] = lambda _: None) -> None:
        people = yaml.safe_load(firm.files["people.yaml"])
        [entry] = [person for person in people["people"] if person["email"] == "ana@example.com"]
        change(entry)
        people["groups"]["prod-approvers"].append("ana@example.com")
        firm.files = {**firm.files, "people.yaml": yaml.safe_dump(people).encode()}

    def test_counts_only_where_the_rule_says_so(self, firm: Firm) -> None:
        self.names(firm)
        firm.rules()
        request = firm.asks()
        assert "U0ANA" not in request.deciders
        with pytest.raises(NotYours, match="Nobody decides their own request"):
            firm.approves("U0ANA", request)
        firm.rules(self_approval=True)
        assert firm.approves("U0ANA", firm.asks()).state is State.APPROVED

    def test_is_known_under_another_account_in_slack_and_in_other_letters(self, firm: Firm) -> None:
        def unbound(ana: Any) -> None:
            del ana["slack"]
            ana["aliases"] = ["ana.ruiz@example.com"]

        self.names(firm, unbound)
        firm.slack.members["U0RUIZ"] = user("U0RUIZ", "Ana.Ruiz@Example.com")
        firm.rules(bound_identity=False)
        request = firm.asks()
        assert "U0RUIZ" not in request.deciders
        with pytest.raises(NotYours, match="Nobody decides their own request"):
            firm.approves("U0RUIZ", request)
        assert firm.request(request).decisions == ()


class TestALateClick:
    def test_is_told_who_was_faster_by_name(self, firm: Firm) -> None:
        request = firm.asks()
        firm.deciding.deny(request.id, request.digest, "U0LEE", "Not now")
        with pytest.raises(NotYours, match=f"{request.id} was denied by Lee Wong already. It stands at: Denied"):
            firm.approves("U0SAM", request)

    def test_is_not_told_of_one_yes_where_two_were_needed_and_time_ran_out(self, firm: Firm) -> None:
        firm.rules(quorum=2)
        request = firm.asks()
        firm.approves("U0LEE", request)
        firm.now += timedelta(hours=4)
        with pytest.raises(NotYours, match=f"The time to decide {request.id} is over"):
            firm.approves("U0SAM", request)
        firm.journal.finish(*_timed_out(firm, request))
        with pytest.raises(NotYours, match=f"Nobody decided {request.id} in time"):
            firm.approves("U0SAM", request)

    def test_is_told_that_it_was_cancelled(self, firm: Firm) -> None:
        request = firm.asks()
        Withdrawing(firm.journal, firm.directory.policies, lambda: firm.now).cancel(request.id, "U0ANA")
        with pytest.raises(NotYours, match=f"{request.id} was cancelled"):
            firm.approves("U0LEE", request)

    def test_of_the_same_person_at_the_same_moment_is_told_so(self, firm: Firm) -> None:
        firm.rules(quorum=2)
        request = firm.asks()
        slow = replace(firm.deciding, journal=Interrupted(firm.journal, lambda: firm.approves("U0LEE", request)))
        with pytest.raises(NotYours, match=r"You have decided .* already; it still waits for others"):
            slow.approve(request.id, request.digest, "U0LEE")


def _timed_out(firm: Firm, request: Request) -> tuple[Work, Done]:
    work = claim(firm.journal, Lane.CLOCK, "timeout", firm.now)
    return work, time_out(work, firm.request(request))


class TestAnApproverWhoGivesLess:
    @pytest.fixture(autouse=True)
    def _lets(self, firm: Firm) -> None:
        firm.rules(duration=LIFE)

    def test_may_do_so_only_where_policy_says_so(self, firm: Firm) -> None:
        firm.rules(duration=LIFE | {"approver_may_shorten": False})
        with pytest.raises(NotYours, match=r"Policy does not let you give .* for 1 hour"):
            firm.approves("U0LEE", firm.asks(), shortened_to=timedelta(hours=1))

    @pytest.mark.parametrize(
        "length", [timedelta(hours=5), timedelta(minutes=1), timedelta(0), timedelta(hours=-1)]
    )
    def test_gives_neither_more_than_was_asked_nor_less_than_policy_allows(
        self, firm: Firm, length: timedelta
    ) -> None:
        with pytest.raises(NotYours, match="Policy does not let you"):
            firm.approves("U0LEE", firm.asks(), shortened_to=length)

    def test_shortens_what_is_granted(self, firm: Firm) -> None:
        approved = firm.approves("U0LEE", firm.asks(), shortened_to=timedelta(hours=1))
        assert approved.expires_at == NOW + timedelta(hours=1)
        assert (approved.lifetime, approved.granted) == (timedelta(hours=4), timedelta(hours=1))

    def test_shortens_it_for_all_and_the_least_of_them_holds(self, firm: Firm) -> None:
        firm.rules(quorum=2, duration=LIFE)
        request = firm.asks()
        firm.approves("U0LEE", request, shortened_to=timedelta(minutes=30))
        approved = firm.approves("U0SAM", request, shortened_to=timedelta(hours=2))
        assert approved.expires_at == NOW + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("cards", "notify"),
    [
        ({}, ("U0LEE", "U0SAM")),
        ({"direct": False, "channel": "C0APPROVE"}, ("C0APPROVE",)),
        ({"direct": True, "channel": "C0APPROVE"}, ("U0LEE", "U0SAM", "C0APPROVE")),
    ],
)
def test_cards_go_to_people_to_a_channel_or_both_as_policy_says(
    firm: Firm, cards: dict[str, Any], notify: tuple[str, ...]
) -> None:
    firm.rules(cards=cards)
    request = firm.asks()
    assert (request.deciders, request.notify) == (("U0LEE", "U0SAM"), notify)
    assert firm.cards() == {f"card:{place}" for place in notify}
    assert [found.id for found in firm.journal.to_decide("U0SAM", 9)] == [request.id]


def test_people_of_a_grid_ask_decide_and_are_asked_under_their_own_ids(firm: Firm) -> None:
    for name in PEOPLE:
        known = firm.slack.members.pop(f"U0{name.upper()}")
        firm.slack.members[f"W0{name.upper()}"] = replace(known, id=f"W0{name.upper()}")
    firm.files = firm.files | {"people.yaml": firm.files["people.yaml"].replace(b"slack: U0", b"slack: W0")}
    firm.rules()
    request = firm.asks(who="W0ANA")
    assert (request.requester, request.notify) == ("ana@example.com", ("W0LEE", "W0SAM"))
    assert firm.approves("W0LEE", request).state is State.APPROVED


class TestADeadlineThatIsRounded:
    """It is 09:12:44."""

    @pytest.fixture(autouse=True)
    def _rounds(self, firm: Firm) -> None:
        firm.now += timedelta(minutes=12, seconds=44)
        firm.rules(duration=LIFE | {"min": "1h", "round_up_to": "1h"})

    @pytest.mark.parametrize("later", [timedelta(), timedelta(minutes=20), timedelta(minutes=47, seconds=16)])
    def test_is_the_next_full_hour_from_the_approval_on(self, firm: Firm, later: timedelta) -> None:
        request = firm.asks()
        firm.now += later
        approved = firm.approves("U0LEE", request)
        assert approved.expires_at == NOW.replace(hour=14, minute=0, second=0)
        entry = entry_of(approved)
        assert entry.expires_at == approved.expires_at
        assert entry_refusals(entry, firm.policies) == ()

    def test_is_rounded_after_an_approver_has_shortened_it(self, firm: Firm) -> None:
        approved = firm.approves("U0LEE", firm.asks(), shortened_to=timedelta(hours=1))
        assert approved.expires_at == NOW.replace(hour=11, minute=0, second=0)

    def test_is_rounded_where_nobody_needs_to_approve_too(self, firm: Firm) -> None:
        firm.rules(auto_approve=True, duration=LIFE | {"min": "1h", "round_up_to": "1h"})
        assert firm.asks().expires_at == NOW.replace(hour=14, minute=0, second=0)

    def test_stays_what_it_was_when_policy_rounds_otherwise_since(self, firm: Firm) -> None:
        approved = firm.approves("U0LEE", firm.asks())
        firm.rules(duration=LIFE)
        assert firm.request(approved).expires_at == NOW.replace(hour=14, minute=0, second=0)


class TestWhatADecisionCosts:
    """In statements, which are the same on every machine."""

    def statements_of(self, firm: Firm, request: Request) -> list[str]:
        """Approve it, and return how each statement begins that this took."""
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
            seen.append(statement.split()[0])

        sa.event.listen(firm.journal._engine, "before_cursor_execute", note)
        try:
            firm.approves("U0LEE", request)
        finally:
            sa.event.remove(firm.journal._engine, "before_cursor_execute", note)
        return seen

    def test_it_reads_the_request_twice_and_no_more_however_many_wait(self, firm: Firm) -> None:
        first = self.statements_of(firm, firm.asks())
        among_many = [firm.asks() for _ in range(20)]
        assert self.statements_of(firm, among_many[10]) == first
        assert first.count("SELECT") == 2 * 5 + 1, "before and under its lock, five tables each, and the last fact"
        writes = [word for word in first if word in {"INSERT", "UPDATE", "DELETE"}]
        assert sorted(writes) == ["DELETE", "INSERT", "INSERT", "INSERT", "UPDATE"]

    def test_what_it_returns_is_what_the_journal_holds(self, firm: Firm) -> None:
        firm.rules(quorum=2)
        request = firm.asks()
        for who in ("U0LEE", "U0SAM"):
            returned = firm.approves(who, request)
            held = firm.request(request)
            assert (returned, returned.armed) == (held, held.armed)


def test_who_can_decide_is_named_inert_and_of_a_whole_department_a_few(firm: Firm) -> None:
    people = yaml.safe_load(firm.files["people.yaml"])
    many = [{"email": f"a{n}@example.com", "name": f"<!channel> {n}"} for n in range(30)]
    people["people"] += many
    people["groups"]["prod-approvers"] += [person["email"] for person in many]
    firm.files = {**firm.files, "people.yaml": yaml.safe_dump(people).encode()}
    firm.rules(bound_identity=False)
    firm.slack.members |= {f"U{n}": user(f"U{n}", f"a{n}@example.com") for n in range(30)}
    firm.directory.refresh()
    with pytest.raises(NotYours) as told:
        firm.approves("U0KIM", firm.asks())
    assert "<!channel>" not in str(told.value)
    assert str(told.value).count(" or ") == NAMED
    assert f" or {32 - NAMED} more can decide" in str(told.value)
