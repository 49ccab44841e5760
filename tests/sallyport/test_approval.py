"""Approval: who may approve each stage of a rule, and when the approvals of distinct people are enough."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.approval import Panel, approver_problem, chosen, panels, standing
from sallyport.flows import Approvers, Rule, Stage
from sallyport.people import EVERYONE, People, Person
from tests.sallyport.examples import policies

PEOPLE = policies().people
(PRODUCTION, _) = policies().flows["prod-access"].rules
ANA, LEE, SAM, KIM, DEE = (f"{name}@example.com" for name in ("ana", "lee", "sam", "kim", "dee"))
NOBODYS = Approvers()


def rule(*stages: Stage, **changed: object) -> Rule:
    return replace(PRODUCTION, stages=stages, **changed)  # type: ignore[arg-type]  # the caller names fields


def by(
    *people: str, quorum: int = 1, chosen: bool = False, name: str = "approval", distinct: bool = False
) -> Stage:
    return Stage(name, Approvers(people=frozenset(people), chosen=chosen), quorum, distinct)


def of(*people: str, quorum: int = 1, chosen: bool = False) -> tuple[Panel, ...]:
    return panels(PEOPLE, rule(by(*people, quorum=quorum, chosen=chosen)), (), ANA)


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
            (panel,) = panels(PEOPLE, rule(Stage("approval", approvers)), ["Kim@Example.com"], requester)
            assert panel.emails == eligible

    def test_owners_do_not_count_where_the_rule_does_not_say_so(self) -> None:
        (panel,) = panels(PEOPLE, rule(Stage("approval", NOBODYS)), [KIM], ANA)
        assert panel.emails == set()

    def test_the_requester_too_only_where_the_rule_says_so(self) -> None:
        own = rule(Stage("approval", Approvers(groups=("engineering",))), self_approval=True)
        (panel,) = panels(PEOPLE, own, (), "ANA@example.com")
        assert panel.emails == {ANA, KIM, LEE}

    def test_never_the_requester_under_another_address(self) -> None:
        ana = Person(ANA, aliases=("a.ruiz@example.org",))
        people = People((ana, Person(LEE)), {"team": frozenset({"A.Ruiz@example.org", LEE})})
        (panel,) = panels(people, rule(Stage("approval", Approvers(groups=("team",)))), (), "a.ruiz@EXAMPLE.org")
        assert panel.emails == {LEE}

    def test_whoever_slack_says_is_in_a_group_that_it_keeps(self) -> None:
        people = replace(PEOPLE, external={"on-call": "S0ONCALL"})
        on_call = rule(Stage("approval", Approvers(groups=("on-call",))))
        assert panels(people, on_call, (), ANA)[0].emails == set()
        found = panels(people.with_members({"on-call": [DEE, ANA, "stranger@example.com"]}), on_call, (), ANA)
        assert found[0].emails == {DEE}

    @pytest.mark.parametrize(
        ("asked", "may"), [(LEE, {LEE}), ("LEE@Example.com", {LEE}), (KIM, set()), ("", set())]
    )
    def test_only_the_one_whom_the_requester_chose_where_the_rule_has_him_choose(
        self, asked: str, may: set[str]
    ) -> None:
        assert chosen(of(LEE, SAM, chosen=True), asked)[0].emails == may
        assert chosen(of(LEE, SAM), asked)[0].emails == {LEE, SAM}


class TestARequestThatNobodyCouldApprove:
    @pytest.mark.parametrize(
        ("found", "asked", "field", "said"),
        [
            (of(), "", "environment", "nobody can approve this: policy names no one but you"),
            (of(chosen=True), LEE, "environment", "nobody can approve this: policy names no one but you"),
            (of(LEE, chosen=True), KIM, "approver", "this person may not approve it; choose one of the list"),
            (of(LEE, chosen=True), "", "approver", "this person may not approve it; choose one of the list"),
            (of(LEE, quorum=2), "", "environment", "2 approvals by different people are needed"),
            (
                panels(PEOPLE, rule(by(LEE, name="manager"), by(LEE, name="security")), (), ANA),
                "",
                "environment",
                "2 approvals by different people are needed",
            ),
            (
                panels(PEOPLE, rule(by(LEE, name="manager"), by(name="security")), (), ANA),
                "",
                "environment",
                "nobody can approve this at the stage security",
            ),
        ],
    )
    def test_is_told_before_it_is_made(self, found: tuple[Panel, ...], asked: str, field: str, said: str) -> None:
        problem = approver_problem(found, asked)
        assert problem is not None
        assert problem.field == field
        assert problem.sentence.startswith(said)

    @pytest.mark.parametrize(
        ("found", "asked"),
        [(of(LEE), ""), (of(LEE, chosen=True), "LEE@example.com"), (of(LEE, SAM, quorum=2), "")],
    )
    def test_is_no_other(self, found: tuple[Panel, ...], asked: str) -> None:
        assert approver_problem(found, asked) is None


class TestWhenItIsApproved:
    @pytest.mark.parametrize(
        ("quorum", "approved_by", "missing"),
        [
            (1, [], "0 of 1 approvals"),
            (1, [LEE], ""),
            (1, ["LEE@Example.com"], ""),
            (1, [KIM], "0 of 1 approvals"),
            (2, [LEE], "1 of 2 approvals"),
            (2, [LEE, LEE, "Lee@example.com"], "1 of 2 approvals"),
            (2, [LEE, KIM], "1 of 2 approvals"),
            (2, [LEE, SAM], ""),
        ],
    )
    def test_the_quorum_counts_distinct_people_who_may(
        self, quorum: int, approved_by: list[str], missing: str
    ) -> None:
        reached = standing(of(LEE, SAM, quorum=quorum), approved_by)
        assert reached.approved == (not missing)
        assert not missing or reached.missing == missing

    def test_stages_take_their_turns_and_nobody_sits_in_two(self) -> None:
        found = panels(PEOPLE, rule(by(LEE, SAM, name="manager"), by(LEE, DEE, name="security")), (), ANA)
        turns = {
            (): "manager",
            (DEE,): "manager",  # it is not security's turn yet
            (LEE,): "security",
            (LEE, SAM): None,  # Sam speaks as manager, and Lee for security
            (LEE, DEE): None,
            (SAM,): "security",
        }
        for approved_by, turn in turns.items():
            for order in permutations(approved_by):
                panel = standing(found, order).panel
                assert (panel.stage.name if panel else None) == turn

    def test_distinct_groups_want_people_who_speak_for_different_ones(self) -> None:
        people = People(
            tuple(map(Person, (ANA, LEE, SAM, KIM))), {"ops": frozenset({LEE, SAM}), "sec": frozenset({SAM, KIM})}
        )
        both = rule(Stage("approval", Approvers(groups=("ops", "sec")), 2, distinct_groups=True))
        found = panels(people, both, (), ANA)
        assert standing(found, [LEE, SAM]).approved
        assert standing(found, [SAM, KIM]).approved
        twice = People(people.persons, {"ops": frozenset({LEE, SAM}), "sec": frozenset({KIM})})
        assert not standing(panels(twice, both, (), ANA), [LEE, SAM]).approved

    def test_a_rule_without_stages_waits_for_nobody(self) -> None:
        assert standing((), ()).approved


emails = st.sampled_from([ANA, LEE, SAM, KIM, DEE])
stages = st.builds(
    lambda people, groups, quorum, distinct: Stage(
        "stage", Approvers(people=people, groups=tuple(groups)), quorum, distinct
    ),
    st.frozensets(emails, max_size=4),
    st.lists(st.sampled_from(sorted(PEOPLE.groups)), max_size=2, unique=True),
    st.integers(1, 3),
    st.booleans(),
)
rules = st.lists(stages, min_size=1, max_size=3).map(lambda found: rule(*found))
votes = st.lists(emails, max_size=5)


class TestWhateverTheRule:
    @given(rules, votes, emails)
    def test_another_approval_never_takes_it_further_back(
        self, some: Rule, approved_by: list[str], more: str
    ) -> None:
        found = panels(PEOPLE, some, (), ANA)
        before, after = standing(found, approved_by), standing(found, [*approved_by, more])
        assert after.approved or not before.approved

    @given(rules, votes)
    def test_it_takes_as_many_different_people_as_there_are_seats(
        self, some: Rule, approved_by: list[str]
    ) -> None:
        if standing(panels(PEOPLE, some, (), ANA), approved_by).approved:
            assert len(set(approved_by) - {ANA}) >= some.seats

    @given(rules, votes)
    def test_the_order_of_approvals_does_not_matter(self, some: Rule, approved_by: list[str]) -> None:
        found = panels(PEOPLE, some, (), ANA)
        assert standing(found, approved_by) == standing(found, sorted(approved_by))
