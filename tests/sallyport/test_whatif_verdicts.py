"""Verdicts: what policies say to an ask that nobody made is what the coordinator and the executor would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.changes import KINDS
from sallyport.decisions import entry_refusals
from sallyport.entries import Approval
from sallyport.policies import load_policies
from sallyport.whatif.verdicts import judge, unknown_answers
from tests.sallyport.examples import NOW, access_entry, policies, policy_files

ASK = {"environment": "prod", "account": "prod-main", "permission_set": "ProdReadOnly", "reason": "Debugging"}
FLOW = policies().flows["prod-access"]
PEOPLE = [person.email for person in policies().people.persons]


def sentences(requester: str = "ana@example.com", **answers: str) -> list[str]:
    return [problem.sentence for problem in judge(policies(), FLOW, requester, ASK | answers).problems]


def test_an_ask_that_policy_allows_names_its_rule_its_approvers_and_its_life() -> None:
    verdict = judge(policies(), FLOW, "Ana@Example.com", ASK)
    assert verdict.allowed
    assert verdict.rule is not None
    assert verdict.rule.name == "production"
    assert verdict.eligible == verdict.deciders == {"lee@example.com", "sam@example.com"}
    assert verdict.lifetime == "4h"


def test_everything_that_is_wrong_is_told_in_one_pass() -> None:
    assert sentences("sam@example.com", account="moon", duration="9h", reason=" ") == [
        "only members of engineering may ask for this; ask to be added there",
        "“moon” is not in the catalogue of accounts: known: dev-main, prod-main",
        "a reason is needed; say what it is for; approvers and auditors read it",
        "9h is outside what policy allows here: from 15m to 8h",
    ]


def test_a_stranger_is_told_that_policies_do_not_know_him() -> None:
    assert sentences("eve@example.com")[0].startswith("policies do not know who “eve@example.com” is")


def test_what_no_rule_is_for_is_denied() -> None:
    verdict = judge(policies(), FLOW, "ana@example.com", ASK | {"environment": "staging"})
    assert [problem.what for problem in verdict.problems] == ["policy has no rule for this production access"]
    assert verdict.standing(["lee@example.com"]) is None


def test_whose_slack_id_is_not_bound_neither_asks_nor_approves_where_the_rule_demands_it() -> None:
    people = policy_files()["people.yaml"].replace(b", slack: U0LEE", b"")
    unbound = load_policies({**policy_files(), "people.yaml": people})
    flow = unbound.flows["prod-access"]
    barred = judge(unbound, flow, "lee@example.com", ASK).barred
    assert barred is not None
    assert barred.what == "policies do not know who Lee Wong is in Slack"
    assert judge(unbound, flow, "ana@example.com", ASK).eligible == {"sam@example.com"}
    development = {**ASK, "environment": "non-prod", "account": "dev-main", "permission_set": "DevAdmin"}
    assert "lee@example.com" in judge(unbound, flow, "ana@example.com", development).eligible


def test_answers_to_questions_that_the_form_does_not_ask_are_named() -> None:
    (problem,) = unknown_answers(FLOW, ["account", "acount"])
    assert problem.field == "acount"
    assert problem.sentence.endswith("did you mean “account”?")


@pytest.mark.parametrize("permission_set", ["ProdReadOnly", "DevAdmin", "None"])
@given(
    requester=st.sampled_from([*PEOPLE, "eve@example.com"]),
    environment=st.sampled_from(["prod", "non-prod", "staging"]),
    account=st.sampled_from(["prod-main", "dev-main"]),
    hours=st.integers(1, 200),
    approved_by=st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True),
)
def test_what_is_allowed_and_approved_here_is_what_the_executor_does_not_refuse(
    permission_set: str, requester: str, environment: str, account: str, hours: int, approved_by: list[str]
) -> None:
    answers = {"environment": environment, "account": account, "permission_set": permission_set}
    answers |= {"reason": "x", "duration": f"{hours}h"}
    verdict = judge(policies(), FLOW, requester, answers)
    standing = verdict.standing(approved_by)
    entry = replace(
        access_entry(),
        environment=environment,
        requested_by=requester,
        expires_at=NOW + timedelta(hours=hours),
        changes=(KINDS["prod-access"].from_mapping(answers),),
        approvals=tuple(Approval(email, NOW, "slack") for email in approved_by),
    )
    assert (standing is not None and standing.approved) == (not entry_refusals(entry, policies()))
