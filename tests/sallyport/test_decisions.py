"""Decisions: who may ask, who may approve, when it is approved, and which entries a job must refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.approval import chosen, panels
from sallyport.catalogue import Catalogue, Item
from sallyport.changes.prod_access import ProdAccess
from sallyport.changes.sources import Source, SourceKind
from sallyport.decisions import (
    REASON_LONGEST,
    answers_of,
    chosen_lifetime,
    duration_choices,
    entry_refusals,
    grain_of,
    lifetime_problem,
    limits,
    reason_problem,
    requester_problem,
    shorter_choices,
)
from sallyport.entries import BREAK_GLASS, POLICY, SLACK_AND_BACK, Approval, Entry, Grant
from sallyport.flows import Approvers, BreakGlass, Rule, Stage
from sallyport.people import EVERYONE
from sallyport.policies import Policies
from sallyport.times import format_duration, round_up
from tests.sallyport.examples import NOW, access_entry, entry, policies, whitelisting

POLICIES = policies()
FLOW = POLICIES.flows["prod-access"]
PRODUCTION, DEVELOPMENT = FLOW.rules
CHOSEN, RELAXED = POLICIES.flows["api-whitelisting"].rules
NOBODYS = Approvers()
ANA, LEE, SAM, KIM, DEE = (f"{name}@example.com" for name in ("ana", "lee", "sam", "kim", "dee"))


def rule(approvers: Approvers = NOBODYS, quorum: int = 1, **changed: object) -> Rule:
    stages = (Stage("approval", approvers, quorum),)
    return replace(PRODUCTION, stages=stages, **changed)  # type: ignore[arg-type]  # the caller names fields


def under(*rules: Rule) -> Policies:
    """Return policies whose flow prod-access has these rules."""
    return replace(POLICIES, flows={**POLICIES.flows, "prod-access": replace(FLOW, rules=rules)})


def yes(*people: str) -> tuple[Approval, ...]:
    return tuple(Approval(email, NOW, "slack") for email in people)


class TestWhoMayAsk:
    @pytest.mark.parametrize("email", [ANA, "ANA@Example.com", KIM, LEE])
    def test_a_member_of_the_groups(self, email: str) -> None:
        assert requester_problem(POLICIES, FLOW, PRODUCTION, email) is None

    def test_everyone_whom_policies_know_where_the_rule_says_so(self) -> None:
        assert requester_problem(POLICIES, FLOW, DEVELOPMENT, DEE) is None
        assert requester_problem(POLICIES, FLOW, DEVELOPMENT, "stranger@example.com") is not None

    def test_nobody_else_and_the_refusal_names_the_groups(self) -> None:
        problem = requester_problem(POLICIES, FLOW, PRODUCTION, SAM)
        assert problem is not None
        assert problem.field == "environment"
        assert problem.sentence == "only members of engineering may ask for this; ask to be added there"

    def test_nobody_where_policy_has_no_rule(self) -> None:
        problem = requester_problem(POLICIES, FLOW, None, ANA)
        assert problem is not None
        assert problem.sentence == "policy has no rule for this production access; nobody may ask for it"


class TestAReason:
    @pytest.mark.parametrize("reason", ["x", "🚀", "a\nb", "x" * REASON_LONGEST])
    def test_is_any_text_that_fits(self, reason: str) -> None:
        assert reason_problem(reason) is None

    @pytest.mark.parametrize("reason", ["", " ", "\n\t", "\u2003", "x" * (REASON_LONGEST + 1)])
    def test_is_not_blank_and_not_a_novel(self, reason: str) -> None:
        problem = reason_problem(reason)
        assert problem is not None
        assert problem.field == "reason"


class TestALifetime:
    @pytest.mark.parametrize(
        ("text", "length"),
        [
            ("", timedelta(hours=4)),
            (" ", timedelta(hours=4)),
            ("15m", timedelta(minutes=15)),
            (" 2H ", timedelta(hours=2)),
            ("8h", timedelta(hours=8)),
            ("480m", timedelta(hours=8)),
        ],
    )
    def test_is_the_default_or_what_was_chosen_within_the_limits(self, text: str, length: timedelta) -> None:
        assert chosen_lifetime(PRODUCTION.lifetime, text) == length
        assert lifetime_problem(PRODUCTION.lifetime, text) is None

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("14m", "14m is outside what policy allows here: from 15m to 8h"),
            ("481m", "481m is outside what policy allows here: from 15m to 8h"),
            ("permanent", "permanent is not allowed here; the longest is 8h"),
            ("for ever", "“for ever” is not a duration: write a number and s, m, h or d, such as 30m, 4h or 7d"),
        ],
    )
    def test_outside_the_limits_is_refused_with_the_limits(self, text: str, said: str) -> None:
        problem = lifetime_problem(PRODUCTION.lifetime, text)
        assert problem is not None
        assert (problem.field, problem.sentence) == ("duration", said)

    def test_is_permanent_only_where_the_rule_says_so(self) -> None:
        assert chosen_lifetime(RELAXED.lifetime, "permanent") is None

    def test_is_offered_with_the_default_first_and_nothing_that_would_be_refused(self) -> None:
        choices = duration_choices(PRODUCTION.lifetime)
        assert choices == (
            *(("4h", "4 hours"), ("15m", "15 minutes"), ("30m", "30 minutes"), ("1h", "1 hour")),
            *(("2h", "2 hours"), ("8h", "8 hours")),
        )
        assert all(lifetime_problem(PRODUCTION.lifetime, value) is None for value, _ in choices)
        assert duration_choices(RELAXED.lifetime)[0] == ("30d", "30 days")
        assert duration_choices(RELAXED.lifetime)[-1] == ("permanent", "Permanent")
        assert lifetime_problem(RELAXED.lifetime, "permanent") is None


people = st.sampled_from([ANA, LEE, SAM, KIM, DEE, "stranger@example.com"])
spelled = people.flatmap(lambda email: st.sampled_from([email, email.upper(), email.title()]))
rules = st.builds(
    rule,
    approvers=st.builds(
        Approvers,
        people=st.frozensets(people, max_size=3),
        groups=st.lists(st.sampled_from([*POLICIES.people.groups, EVERYONE]), max_size=2).map(tuple),
        owners=st.booleans(),
        chosen=st.booleans(),
    ),
    quorum=st.integers(1, 3),
    may_request=st.just((EVERYONE,)),
)
access_entries = st.builds(
    lambda requested_by, asked, approved_by: access_entry(
        requested_by=requested_by, asked=asked, approvals=yes(*approved_by)
    ),
    requested_by=spelled,
    asked=st.just("") | spelled,
    approved_by=st.lists(spelled, max_size=4),
)


class TestARoundedDeadline:
    """NOW is 09:12:44, so that eight hours end at 17:12:44."""

    @pytest.mark.parametrize(
        ("grain", "latest"),
        [
            (timedelta(), timedelta(hours=8) + SLACK_AND_BACK),
            (
                timedelta(minutes=15),
                timedelta(hours=8) + SLACK_AND_BACK,
            ),  # to 17:15:00, which clocks allow already
            (timedelta(hours=1), timedelta(hours=8, minutes=47, seconds=16)),  # to 18:00:00
            (timedelta(hours=6), timedelta(hours=8, minutes=47, seconds=16)),
        ],
    )
    def test_is_accepted_as_late_as_rounding_makes_it_and_not_a_second_later(
        self, grain: timedelta, latest: timedelta
    ) -> None:
        life = replace(PRODUCTION.lifetime, grain=grain)
        rounding = under(rule(Approvers(people=frozenset({LEE})), lifetime=life))
        good = access_entry(approvals=yes(LEE), expires_at=NOW + latest)
        assert entry_refusals(good, rounding) == ()
        (refusal,) = entry_refusals(replace(good, expires_at=NOW + latest + timedelta(seconds=1)), rounding)
        tail = f", rounded up to {format_duration(grain)}" if grain else ""
        assert refusal == f"it would live longer than 8h, the longest that policy allows here{tail}"

    def test_of_an_emergency_is_rounded_like_any_other(self) -> None:
        life = replace(PRODUCTION.lifetime, grain=timedelta(hours=1))
        rounding = under(replace(PRODUCTION, break_glass=SRE, lifetime=life))
        latest = replace(granted(EMERGENCY), expires_at=round_up(NOW + timedelta(hours=1), life.grain))
        assert entry_refusals(latest, rounding) == ()
        late = replace(latest, expires_at=NOW + timedelta(hours=2))
        assert "longer than 1h, the longest that policy allows here, rounded" in entry_refusals(late, rounding)[0]

    def test_never_overflows_whatever_a_file_says(self) -> None:
        last = datetime.max.replace(microsecond=0, tzinfo=UTC)
        assert (
            entry_refusals(access_entry(approvals=(Approval(LEE, last, "slack"),), expires_at=last), POLICIES)
            == ()
        )

    def test_of_several_changes_is_rounded_to_the_finest_grain_of_their_rules(self) -> None:
        def of(permission_set: str, minutes: int) -> Rule:
            life = replace(PRODUCTION.lifetime, grain=timedelta(minutes=minutes))
            return rule(when={"permission_set": frozenset({permission_set})}, lifetime=life)

        both = access_entry(changes=(ProdAccess("prod-main", "ProdReadOnly"), ProdAccess("prod-main", "Other")))
        coarse, fine = of("ProdReadOnly", 60), of("Other", 15)
        assert grain_of(both, under(coarse, fine)) == timedelta(minutes=15)
        assert grain_of(both, under(coarse)) == timedelta(), "one that no rule is for is not rounded"


class TestWhateverTheRule:
    @given(rules, access_entries, spelled)
    def test_another_approval_never_unapproves(self, some: Rule, good: Entry, another: str) -> None:
        more = replace(good, approvals=(*good.approvals, *yes(another)))
        if not entry_refusals(good, under(some)):
            assert not entry_refusals(more, under(some))

    @given(rules, access_entries)
    def test_nobodys_own_approval_ever_counts(self, some: Rule, good: Entry) -> None:
        others = tuple(a for a in good.approvals if a.by.casefold() != good.requested_by.casefold())
        accepted = not entry_refusals(good, under(some))
        assert accepted == (not entry_refusals(replace(good, approvals=others), under(some)))
        assert accepted <= bool(others)

    @given(rules, access_entries)
    def test_what_is_accepted_has_a_quorum_of_people_who_may(self, some: Rule, good: Entry) -> None:
        (panel,) = chosen(panels(POLICIES.people, some, [LEE], good.requested_by), good.asked)
        counted = {a.by.casefold() for a in good.approvals} & panel.emails
        if not entry_refusals(good, under(some)):
            assert len(counted) >= some.seats

    @given(access_entries)
    def test_ones_own_approval_counts_where_the_rule_says_so(self, good: Entry) -> None:
        own = rule(Approvers(groups=(EVERYONE,)), may_request=(EVERYONE,), self_approval=True)
        alone = replace(good, requested_by=ANA, approvals=yes("ANA@example.com"))
        assert entry_refusals(alone, under(own)) == ()


class TestAJobRefusesAnEntry:
    @pytest.mark.parametrize(
        "good",
        [
            entry(),
            access_entry(),
            entry(requested_by="ANA@example.com", asked="Lee@example.com", approvals=yes("LEE@EXAMPLE.COM")),
            entry(
                environment="non-prod",
                changes=(whitelisting(stage="test", source=Source(SourceKind.ANYWHERE)),),
                expires_at=None,
            ),
            access_entry(approvals=yes(KIM, LEE, DEE)),
            access_entry(expires_at=NOW + timedelta(hours=8) + SLACK_AND_BACK),
            access_entry(expires_at=NOW - timedelta(days=1)),
            entry(changes=(whitelisting(), whitelisting(api="orders"))),
        ],
    )
    def test_never_if_policy_accepts_it(self, good: Entry) -> None:
        assert entry_refusals(good, POLICIES) == ()

    @pytest.mark.parametrize(
        ("bad", "refusals"),
        [
            (entry(flow="dns"), ["policy has no rule for dns in prod"]),
            (
                entry(environment="staging"),
                [
                    "policy has no rule for api-whitelisting in staging",
                    "Payments API does not exist in staging: known: non-prod, prod",
                ],
            ),
            (
                entry(environment="PROD"),
                [
                    "policy has no rule for api-whitelisting in PROD",
                    "Payments API does not exist in PROD: did you mean “prod”?",
                ],
            ),
            (entry(changes=()), ["it changes nothing"]),
            (entry(requested_by=SAM), ["only members of engineering may ask for this; ask to be added there"]),
            (
                entry(requested_by="stranger@example.com"),
                ["only members of engineering may ask for this; ask to be added there"],
            ),
            (entry(approvals=()), ["it has 0 of 1 approvals by people whom policy accepts"]),
            (entry(approvals=yes(SAM)), ["it has 0 of 1 approvals by people whom policy accepts"]),
            (entry(approvals=yes(KIM), asked=KIM), ["it has 0 of 1 approvals by people whom policy accepts"]),
            (entry(asked=""), ["it has 0 of 1 approvals by people whom policy accepts"]),
            (
                entry(requested_by=LEE, asked=LEE),
                ["it has 0 of 1 approvals; nobody approves their own request"],
            ),
            (
                access_entry(requested_by="Lee@Example.com", approvals=yes("lee@example.COM")),
                ["it has 0 of 1 approvals; nobody approves their own request"],
            ),
            (
                entry(expires_at=NOW + timedelta(days=90, seconds=1) + SLACK_AND_BACK),
                ["it would live longer than 90d, the longest that policy allows here"],
            ),
            (
                access_entry(approvals=(*yes(LEE), Approval(KIM, NOW + timedelta(days=9), "slack")),
                             expires_at=NOW + timedelta(days=9)),
                ["it would live longer than 8h, the longest that policy allows here"],
            ),
            (entry(expires_at=None), ["it has no deadline, and policy allows no permanent entry here"]),
            (
                entry(changes=(whitelisting(api="paymants"),)),
                ["“paymants” is not in the catalogue of apis: did you mean “payments”?"],
            ),
            (
                entry(changes=(whitelisting(stage="blue"),)),
                ["Payments API has no stage “blue” here; it is live"],
            ),
            (
                entry(changes=(whitelisting(path="/a/../b"),)),
                ["“/a/../b” is not a path of an API; write the path that arrives, without . and .. in it"],
            ),
            (
                entry(changes=(whitelisting(source=Source(SourceKind.CIDR, ("0.0.0.0/0",))),)),
                ["0.0.0.0/0 would let in everybody; name the addresses that call, at widest a /24"],
            ),
            (
                entry(changes=(whitelisting(source=Source(SourceKind.CIDR, ("banana",))),)),
                ["“banana” is not an address range; write one such as 198.51.100.10/32, or an address alone"],
            ),
            (
                access_entry(changes=(ProdAccess("dev-main", "DevAdmin"),)),
                [
                    "Development (111111111111) does not exist in prod: did you mean “non-prod”?",
                    "Development administrator does not exist in prod: did you mean “non-prod”?",
                ],
            ),
        ],
    )  # fmt: skip
    def test_that_policy_does_not_accept_with_every_reason(self, bad: Entry, refusals: list[str]) -> None:
        assert list(entry_refusals(bad, POLICIES)) == refusals

    def test_with_all_reasons_at_once(self) -> None:
        bad = entry(
            requested_by=SAM, approvals=(), expires_at=None, changes=(whitelisting(method="GTE", path="x"),)
        )
        assert len(entry_refusals(bad, POLICIES)) == 5

    def test_by_the_policies_of_today_and_not_by_those_of_the_approval(self) -> None:
        without_lee = replace(
            POLICIES.people, groups={**POLICIES.people.groups, "prod-approvers": frozenset({SAM})}
        )
        assert entry_refusals(access_entry(), replace(POLICIES, people=without_lee)) == (
            "it has 0 of 1 approvals by people whom policy accepts",
        )

    def test_whose_strict_change_stands_before_a_lax_one(self) -> None:
        """Each change is judged by its own rule, whichever comes last in the file."""
        strict = rule(
            Approvers(groups=("prod-approvers",)), when={"permission_set": frozenset({"ProdAdmin"})}, quorum=2
        )
        lax = rule(Approvers(groups=("prod-approvers",)), when={})
        both = (ProdAccess("prod-main", "ProdAdmin"), ProdAccess("prod-main", "ProdReadOnly"))
        for changes in (both, both[::-1]):
            assert entry_refusals(access_entry(changes=changes), under(strict, lax)) == (
                "it has 1 of 2 approvals by people whom policy accepts",
            )
        assert entry_refusals(access_entry(changes=both, approvals=yes(LEE, SAM)), under(strict, lax)) == ()

    def test_that_only_the_owner_of_one_of_its_changes_approved(self) -> None:
        accounts = {
            "lees": Item("lees", "Lee's", frozenset({LEE}), {"prod": {"account": "1"}}),
            "sams": Item("sams", "Sam's", frozenset({SAM}), {"prod": {"account": "2"}}),
        }
        catalogue = Catalogue(POLICIES.catalogue.environments, {**POLICIES.catalogue.lists, "accounts": accounts})
        owned = replace(under(rule(Approvers(owners=True))), catalogue=catalogue)
        changes = (ProdAccess("lees", "ProdReadOnly"), ProdAccess("sams", "ProdReadOnly"))
        assert entry_refusals(access_entry(changes=changes[:1]), owned) == ()
        assert entry_refusals(access_entry(changes=changes), owned) != ()
        assert entry_refusals(access_entry(changes=changes, approvals=yes(LEE, SAM)), owned) == ()


SRE = BreakGlass(("managers",), timedelta(hours=1))
EMERGENCY = Grant(BREAK_GLASS, NOW, "INC-4711")


def granted(grant: Grant, hours: float = 1, by: str = SAM) -> Entry:
    return access_entry(requested_by=by, approvals=(), grant=grant, expires_at=NOW + timedelta(hours=hours))


class TestAnEntryWithoutApprovals:
    def test_is_accepted_where_the_rule_approves_by_itself(self) -> None:
        automatic = replace(rule(may_request=(EVERYONE,)), stages=())
        assert entry_refusals(granted(Grant(POLICY, NOW)), under(automatic)) == ()

    def test_lives_no_longer_than_the_rule_allows_from_the_moment_it_was_granted(self) -> None:
        automatic = replace(rule(may_request=(EVERYONE,)), stages=())
        early = granted(Grant(POLICY, NOW - timedelta(hours=2)), hours=8)
        assert entry_refusals(early, under(automatic)) == (
            "it would live longer than 8h, the longest that policy allows here",
        )

    def test_is_refused_where_people_must_approve(self) -> None:
        assert entry_refusals(granted(Grant(POLICY, NOW), by=ANA), POLICIES) == (
            "policy wants it approved by people",
        )

    def test_is_refused_where_the_rule_approves_by_itself_and_the_entry_does_not_say_so(self) -> None:
        automatic = replace(rule(may_request=(EVERYONE,)), stages=())
        assert entry_refusals(access_entry(approvals=()), under(automatic)) == (
            "policy approves it by itself, which only the coordinator can say; in a pull request somebody else "
            "who may ask for it must approve it",
        )

    def test_is_accepted_in_an_emergency_from_those_who_may_break_the_glass(self) -> None:
        assert entry_refusals(granted(EMERGENCY), under(replace(PRODUCTION, break_glass=SRE))) == ()

    @pytest.mark.parametrize(
        ("emergency", "refusal"),
        [
            (granted(EMERGENCY, by=ANA), "policy gives its requester no break-glass here"),
            (granted(replace(EMERGENCY, incident=" ")), "it names no incident"),
            (granted(EMERGENCY, hours=2), "it would live longer than 1h, the longest that policy allows here"),
            (
                replace(granted(EMERGENCY), expires_at=None),
                "it has no deadline, and policy allows no permanent entry here",
            ),
        ],
    )
    def test_is_refused_in_an_emergency_that_is_not_as_policy_says(self, emergency: Entry, refusal: str) -> None:
        lasting = replace(PRODUCTION, break_glass=SRE, lifetime=replace(PRODUCTION.lifetime, permanent=True))
        assert entry_refusals(emergency, under(lasting)) == (refusal,)

    def test_is_refused_in_an_emergency_where_policy_knows_none(self) -> None:
        assert entry_refusals(granted(EMERGENCY), POLICIES) == ("policy gives its requester no break-glass here",)


class TestApproversInAGroupThatSlackKeeps:
    ON_CALL = replace(POLICIES.people, external={"on-call": "S0ONCALL"})
    POLICIES = replace(under(rule(Approvers(groups=("on-call",)))), people=ON_CALL)

    def test_count_as_the_coordinator_attests_that_they_were_in_it(self) -> None:
        spoken = Approval(DEE, NOW, "slack", ("on-call",))
        assert entry_refusals(access_entry(approvals=(spoken,)), self.POLICIES) == ()

    @pytest.mark.parametrize(
        "approval",
        [
            Approval(DEE, NOW, "slack"),
            Approval(DEE, NOW, "slack", ("another",)),
            Approval("stranger@example.com", NOW, "slack", ("on-call",)),
            Approval(ANA, NOW, "slack", ("on-call",)),
        ],
    )
    def test_do_not_count_otherwise(self, approval: Approval) -> None:
        assert entry_refusals(access_entry(approvals=(approval,)), self.POLICIES) != ()

    def test_cannot_claim_a_group_that_policies_list_themselves(self) -> None:
        claimed = Approval(KIM, NOW, "slack", ("prod-approvers",))
        assert entry_refusals(access_entry(approvals=(claimed,)), POLICIES) != ()


class TestAnApproverWhoGivesLess:
    def test_chooses_from_what_was_asked_down_to_the_least(self) -> None:
        choices = shorter_choices(PRODUCTION.lifetime, timedelta(hours=3))
        assert [value for value, _ in choices] == ["3h", "15m", "30m", "1h", "2h"]

    def test_may_put_an_end_to_what_was_asked_for_ever(self) -> None:
        choices = shorter_choices(RELAXED.lifetime, None)
        assert choices[0] == ("permanent", "Permanent")
        assert choices[-1] == ("30d", "30 days")


def test_an_emergency_is_shorter_than_the_rule_otherwise_allows() -> None:
    lasting = replace(PRODUCTION, break_glass=SRE, lifetime=replace(PRODUCTION.lifetime, permanent=True))
    assert limits(lasting) == lasting.lifetime
    short = limits(lasting, EMERGENCY)
    assert (short.default, short.maximum, short.permanent) == (timedelta(hours=1), timedelta(hours=1), False)


def test_rules_are_chosen_by_the_environment_and_the_texts_of_the_change() -> None:
    assert answers_of(entry()) == {
        "environment": "prod",
        "api": "payments",
        "stage": "live",
        "method": "POST",
        "path": "/v1/charges",
    }
    assert answers_of(access_entry())["permission_set"] == "ProdReadOnly"


def test_a_reason_with_half_a_character_is_answered_and_not_stored() -> None:
    problem = reason_problem("broken \ud83d")
    assert problem is not None
    assert problem.field == "reason"
