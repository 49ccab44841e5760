"""Decisions: who may ask, who may approve, when it is approved, and which entries a job must refuse."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.catalogue import Catalogue, Item
from sallyport.changes.prod_access import ProdAccess
from sallyport.changes.sources import Source, SourceKind
from sallyport.decisions import (
    REASON_LONGEST,
    SLACK_AND_BACK,
    answers_of,
    approver_problem,
    chosen_lifetime,
    deciders,
    duration_choices,
    eligible_approvers,
    entry_refusals,
    lifetime_problem,
    reason_problem,
    requester_problem,
    standing,
)
from sallyport.entries import Approval, Entry
from sallyport.flows import Approvers, Rule
from sallyport.people import EVERYONE
from sallyport.policies import Policies
from tests.sallyport.examples import NOW, access_entry, entry, policies, whitelisting

POLICIES = policies()
FLOW = POLICIES.flows["prod-access"]
PRODUCTION, DEVELOPMENT = FLOW.rules
CHOSEN, RELAXED = POLICIES.flows["api-whitelisting"].rules
NOBODYS = Approvers()
ANA, LEE, SAM, KIM, DEE = (f"{name}@example.com" for name in ("ana", "lee", "sam", "kim", "dee"))


def rule(approvers: Approvers = NOBODYS, **changed: object) -> Rule:
    return replace(PRODUCTION, approvers=approvers, **changed)  # type: ignore[arg-type]  # the caller names fields


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
        assert chosen_lifetime(PRODUCTION, text) == length
        assert lifetime_problem(PRODUCTION, text) is None

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
        problem = lifetime_problem(PRODUCTION, text)
        assert problem is not None
        assert (problem.field, problem.sentence) == ("duration", said)

    def test_is_permanent_only_where_the_rule_says_so(self) -> None:
        assert chosen_lifetime(RELAXED, "permanent") is None

    def test_is_offered_with_the_default_first_and_nothing_that_would_be_refused(self) -> None:
        choices = duration_choices(PRODUCTION)
        assert choices == (
            *(("4h", "4 hours"), ("15m", "15 minutes"), ("30m", "30 minutes"), ("1h", "1 hour")),
            *(("2h", "2 hours"), ("8h", "8 hours")),
        )
        assert all(lifetime_problem(PRODUCTION, value) is None for value, _ in choices)
        assert duration_choices(RELAXED)[0] == ("30d", "30 days")
        assert duration_choices(RELAXED)[-1] == ("permanent", "Permanent")
        assert lifetime_problem(RELAXED, "permanent") is None


class TestWhoMayApprove:
    @pytest.mark.parametrize(
        ("approvers", "eligible"),
        [
            (NOBODYS, set()),
            (Approvers(people=frozenset({LEE})), {LEE}),
            (Approvers(people=frozenset({"ghost@example.com"})), set()),
            (Approvers(groups=("managers",)), {LEE, SAM, DEE}),
            (Approvers(groups=("unheard-of",)), set()),
            (Approvers(groups=(EVERYONE,)), {LEE, SAM, KIM, DEE}),
            (Approvers(owners=True), {KIM}),
            (Approvers(people=frozenset({DEE}), groups=("prod-approvers",), owners=True), {DEE, LEE, SAM, KIM}),
            (Approvers(people=frozenset({ANA}), groups=("engineering",)), {KIM, LEE}),
        ],
    )
    def test_people_groups_and_owners_whom_policies_know_but_never_the_requester(
        self, approvers: Approvers, eligible: set[str]
    ) -> None:
        for requester in (ANA, "ANA@EXAMPLE.COM"):
            assert eligible_approvers(POLICIES, rule(approvers), ["Kim@Example.com"], requester) == eligible

    def test_owners_do_not_count_where_the_rule_does_not_say_so(self) -> None:
        assert eligible_approvers(POLICIES, rule(), [KIM], ANA) == set()

    def test_the_requester_too_only_where_the_rule_says_so(self) -> None:
        own = rule(Approvers(groups=("engineering",)), self_approval=True)
        assert eligible_approvers(POLICIES, own, (), "ANA@example.com") == {ANA, KIM, LEE}

    @pytest.mark.parametrize(
        ("asked", "may"), [(LEE, {LEE}), ("LEE@Example.com", {LEE}), (KIM, set()), ("", set())]
    )
    def test_only_the_one_whom_the_requester_chose_where_the_rule_has_him_choose(
        self, asked: str, may: set[str]
    ) -> None:
        assert deciders(CHOSEN, frozenset({LEE, SAM}), asked) == may

    def test_all_who_are_eligible_otherwise(self) -> None:
        assert deciders(PRODUCTION, frozenset({LEE, SAM}), KIM) == {LEE, SAM}

    @pytest.mark.parametrize(
        ("under_rule", "eligible", "asked", "said"),
        [
            (PRODUCTION, {LEE}, "", None),
            (CHOSEN, {LEE}, "LEE@example.com", None),
            (PRODUCTION, set(), "", ("environment", "nobody can approve this: policy names no one but you")),
            (CHOSEN, set(), LEE, ("environment", "nobody can approve this: policy names no one but you")),
            (CHOSEN, {LEE}, KIM, ("approver", "this person may not approve it; choose one of the list")),
            (CHOSEN, {LEE}, "", ("approver", "this person may not approve it; choose one of the list")),
            (
                rule(quorum=2),
                {LEE},
                "",
                ("environment", "2 approvals are needed and only 1 people could give one"),
            ),
            (rule(quorum=2), {LEE, SAM}, "", None),
        ],
    )
    def test_a_request_that_nobody_could_approve_is_told_before_it_is_made(
        self, under_rule: Rule, eligible: set[str], asked: str, said: tuple[str, str] | None
    ) -> None:
        problem = approver_problem(under_rule, frozenset(eligible), asked)
        if said is None:
            assert problem is None
        else:
            assert problem is not None
            assert problem.field == said[0]
            assert problem.sentence.startswith(said[1])


class TestWhenItIsApproved:
    @pytest.mark.parametrize(
        ("quorum", "approved_by", "approved", "missing"),
        [
            (1, [], False, "0 of 1 approvals"),
            (1, [LEE], True, "1 of 1 approvals"),
            (1, ["LEE@Example.com"], True, "1 of 1 approvals"),
            (1, [KIM], False, "0 of 1 approvals"),
            (2, [LEE], False, "1 of 2 approvals"),
            (2, [LEE, LEE, "Lee@example.com"], False, "1 of 2 approvals"),
            (2, [LEE, KIM], False, "1 of 2 approvals"),
            (2, [LEE, SAM], True, "2 of 2 approvals"),
        ],
    )
    def test_the_quorum_counts_distinct_people_who_may(
        self, quorum: int, approved_by: list[str], approved: bool, missing: str
    ) -> None:
        reached = standing(rule(quorum=quorum), frozenset({LEE, SAM}), approved_by)
        assert (reached.approved, reached.missing) == (approved, missing)

    def test_one_approval_is_enough_where_one_approver_is_chosen(self) -> None:
        assert standing(replace(CHOSEN, quorum=3), frozenset({LEE}), [LEE]).approved


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
        eligible = eligible_approvers(POLICIES, some, [LEE], good.requested_by)
        counted = {a.by.casefold() for a in good.approvals} & deciders(some, eligible, good.asked)
        if not entry_refusals(good, under(some)):
            assert len(counted) >= (1 if some.approvers.chosen else some.quorum)

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
            (entry(environment="staging"), ["policy has no rule for api-whitelisting in staging"]),
            (entry(environment="PROD"), ["policy has no rule for api-whitelisting in PROD"]),
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
        strict = rule(Approvers(groups=("prod-approvers",)), when={"permission_set": "ProdAdmin"}, quorum=2)
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
