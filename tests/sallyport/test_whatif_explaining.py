"""Explanations: every sentence a person asks for, and nothing guessed while the form is half empty."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.policies import Policies, load_policies
from sallyport.whatif import machine_readable, sentences
from sallyport.whatif.explaining import Explanation, explain
from sallyport.whatif.verdicts import judge
from tests.sallyport.examples import policies, policy_files

ACCESS = {"environment": "prod", "account": "prod-main", "permission_set": "ProdAdmin", "reason": "Rolling a key"}
OPENING = {
    "environment": "prod",
    "api": "payments",
    "method": "POST",
    "path": "/v1/charges",
    "source": "198.51.100.10/32",
    "approver": "lee@example.com",
    "reason": "Go-live",
}


def edited(path: str, old: str, new: str) -> Policies:
    before = policy_files()[path].decode()
    assert old in before
    return load_policies({**policy_files(), path: before.replace(old, new, 1).encode()})


def explained(
    flow: str = "prod-access", requester: str = "ana@example.com", under: Policies | None = None, **answers: str
) -> Explanation:
    under = under or policies()
    return explain(under, under.flows[flow], requester, answers)


def said(explanation: Explanation) -> list[str]:
    return sentences.text(explanation).splitlines()


def test_a_complete_form_is_explained_from_the_rule_to_the_lock() -> None:
    assert sentences.text(explained(requester="lee@example.com", **ACCESS)) == (
        "Production access for Lee Wong (lee@example.com)\n"
        "\n"
        "Rule\n"
        "  “production” applies: environment is prod.\n"
        "  “development” is not looked at: the first rule that applies decides.\n"
        "\n"
        "Asking\n"
        "  Lee Wong may ask: in the group engineering.\n"
        "\n"
        "Approval\n"
        "  One approval is needed, of:\n"
        "  - Sam Okafor (sam@example.com): in the group prod-approvers\n"
        "  Left out: Lee Wong (lee@example.com), in the group prod-approvers: nobody approves their own request.\n"
        "  If it is not decided within 4 hours, the request is closed.\n"
        "\n"
        "Life\n"
        "  It would live for 4 hours from the approval.\n"
        "  Policy allows 15 minutes to 8 hours; never permanent; without an answer it is 4 hours.\n"
        "\n"
        "Ticket\n"
        "  Type Access Request, labels prod-access, first in the status Waiting for approval\n"
        "  Summary: Production access: Production administrator in Production (222222222222)\n"
        "\n"
        "AWS\n"
        "  The requester can sign in to account 222222222222 with the permission set Production administrator. "
        "Sessions that still run when it ends are ended too.\n"
        "  When it ends, the assignment is removed.\n"
        "  Role: arn:aws:iam::222222222222:role/sallyport-identity-center (account 222222222222, eu-west-1)\n"
        "  Lock: sso/222222222222\n"
    )


class TestTheRule:
    def test_that_does_not_apply_says_which_answer_is_another(self) -> None:
        lines = said(explained(environment="non-prod"))
        assert "  “production” does not apply: environment is “non-prod”, not prod." in lines
        assert "  “development” applies: environment is non-prod." in lines

    def test_that_depends_on_a_missing_answer_is_not_guessed(self) -> None:
        explanation = explained()
        assert explanation.verdict is None
        lines = said(explanation)
        assert "  “production” applies if environment is prod; that is not answered yet." in lines
        assert lines.count("  It depends on what is still to answer.") == 2

    def test_of_the_rest_applies_only_if_no_earlier_one_does(self) -> None:
        rest = edited("flows/prod-access.yaml", "when: {environment: non-prod}", "when: {}")
        assert "  “development” applies unless an earlier one does." in said(explained(under=rest))
        lines = said(explained(under=rest, environment="non-prod"))
        assert "  “development” applies: it is for everything that is left." in lines

    def test_for_an_optional_question_takes_no_answer_for_an_answer(self) -> None:
        narrow = edited("flows/api-whitelisting.yaml", "{environment: prod}", "{environment: prod, source: x}")
        lines = said(explained("api-whitelisting", under=narrow, environment="prod"))
        assert "  “production” does not apply: source is left out, not x." in lines

    def test_that_nobody_wrote_denies(self) -> None:
        explanation = explained(environment="moon", duration="4h")
        lines = said(explanation)
        assert "  No rule applies, and what no rule allows is denied." in lines
        assert not {"Still to answer", "Approval", "Life", "Ticket", "AWS"} & set(lines)
        assert machine_readable.mapping(explanation)["may_ask"] is False


class TestHalfAForm:
    def test_says_what_is_missing_and_calls_nothing_wrong_that_was_not_answered(self) -> None:
        explanation = explained("api-whitelisting", environment="prod", api="payments", path=" ")
        assert explanation.missing == ("method", "path", "approver", "reason")
        assert [problem.field for problem in explanation.faults] == ["source"]
        assert "  Role and lock are known once everything is answered." in said(explanation)

    def test_still_tells_who_could_approve_and_for_how_long(self) -> None:
        lines = said(explained(environment="prod"))
        assert "  - Lee Wong (lee@example.com): in the group prod-approvers" in lines
        assert "  It would live for 4 hours from the approval." in lines

    def test_says_that_owners_come_once_it_is_known_of_what(self) -> None:
        owned = edited("flows/prod-access.yaml", "{groups: [prod-approvers]}", "{owners: true}")
        explanation = explained(under=owned, environment="prod")
        assert explanation.owners_unknown
        assert "  - the owners of what is asked for, once that is answered" in said(explanation)
        complete = explained(under=owned, **ACCESS)
        assert "  - Lee Wong (lee@example.com): owns what is asked for" in said(complete)


class TestApprovers:
    def test_that_the_requester_did_not_choose_are_left_out(self) -> None:
        explanation = explained("api-whitelisting", **OPENING)
        left_out = {c.person.email: c.left_out for c in explanation.candidates if c.left_out}
        assert left_out == dict.fromkeys(("dee@example.com", "sam@example.com"), "lee@example.com was chosen")
        assert "  The requester chooses who decides, one of:" in said(explanation)

    def test_whose_slack_id_is_not_bound_are_left_out_where_the_rule_demands_it(self) -> None:
        unbound = edited("people.yaml", ", slack: U0SAM", "")
        assert (
            "  Left out: Sam Okafor (sam@example.com), in the group prod-approvers: policies do not know who Sam "
            "Okafor is in Slack; bind the Slack id in policies/people.yaml."
        ) in said(explained(under=unbound, **ACCESS))

    def test_are_told_with_every_reason_they_have(self) -> None:
        many = "{groups: [everyone, managers], people: [Lee@example.com]}"
        named = edited("flows/prod-access.yaml", "{groups: [prod-approvers]}", many)
        lines = said(explained(under=named, **ACCESS))
        assert (
            "  - Lee Wong (lee@example.com): named by the rule and known to policies and in the group managers"
        ) in lines

    def test_may_be_several_or_none(self) -> None:
        two = edited("flows/prod-access.yaml", "quorum: 1", "quorum: 2")
        assert "  2 different people must approve, of:" in said(explained(under=two, **ACCESS))
        members = "prod-approvers: [lee@example.com, sam@example.com]"
        own = edited("people.yaml", members, "prod-approvers: [ana@example.com]")
        lines = said(explained(under=own, **ACCESS))
        assert "  Nobody could approve." in lines
        assert any(line.startswith("  environment: nobody can approve this") for line in lines)


def test_who_may_not_ask_is_told_why() -> None:
    lines = said(explained(requester="sam@example.com", **ACCESS))
    assert (
        "  Sam Okafor may not ask: only members of engineering may ask for this; ask to be added there." in lines
    )
    everyone = said(explained(requester="sam@example.com", environment="non-prod"))
    assert "  Sam Okafor may ask: everyone whom policies know may." in everyone


@pytest.mark.parametrize(
    ("duration", "line"),
    [
        ("permanent", "  It would be permanent."),
        ("1d", "  It would live for 1 day from the approval."),
        ("1y", "  Policy allows 15 minutes to 90 days, or permanent; without an answer it is 30 days."),
    ],
)
def test_how_long_it_may_live_is_told(duration: str, line: str) -> None:
    assert line in said(explained("api-whitelisting", environment="non-prod", duration=duration))


def test_to_what_deadlines_are_rounded_is_told_where_they_are() -> None:
    line = "  A deadline counted from the approval is rounded up to 15m in UTC."
    flow, asked = "flows/api-whitelisting.yaml", {"environment": "non-prod", "duration": "1d"}
    text = policy_files()[flow].replace(b"min: 15m", b"min: 15m, round_up_to: 15m")
    rounding = explained("api-whitelisting", under=load_policies({**policy_files(), flow: text}), **asked)
    assert line in said(rounding)
    assert machine_readable.mapping(rounding)["lifetime_limits"]["round_up_to"] == "15m"  # type: ignore[call-overload, index]
    assert line not in said(explained("api-whitelisting", **asked))


def test_a_fact_that_the_catalogue_lacks_is_told_and_not_raised() -> None:
    elsewhere = policy_files()["catalogue/identity-center.yaml"].decode().partition("    prod:\n")[2]
    content = f"main:\n  title: IAM Identity Center\n  in:\n{elsewhere[elsewhere.index('    non-prod:') :]}"
    half = load_policies({**policy_files(), "catalogue/identity-center.yaml": content.encode()})
    explanation = explained(under=half, **ACCESS)
    assert explanation.footprint is None
    assert any("does not exist in prod" in line for line in said(explanation))


def test_machines_read_the_same_facts() -> None:
    found = machine_readable.mapping(explained("api-whitelisting", **OPENING, duration="7d"))
    assert found["rule"] == "production"
    assert found["may_ask"] is True
    assert found["lifetime"] == "7d"
    assert found["approvers"] == [
        {"email": "lee@example.com", "name": "Lee Wong", "why": ["in the group managers"]}
    ]
    assert found["aws"] == {
        "account": "222222222222",
        "region": "eu-west-1",
        "role": "arn:aws:iam::222222222222:role/sallyport-apply",
        "lock": "apigateway/222222222222/eu-west-1/a1payments",
    }


answers = st.dictionaries(
    st.sampled_from([*OPENING, "duration", "account", "permission_set"]),
    st.sampled_from(["", "prod", "non-prod", "payments", "prod-main", "DevAdmin", "lee@example.com", "4h", "/x"]),
)


STAGED = """stages:
      - {name: manager, approvers: {people: [lee@example.com]}}
      - {name: security, approvers: {groups: [team-leads]}, quorum: 2}"""


class TestStagesGroupsInSlackAndEmergencies:
    def test_each_stage_is_told_with_who_sits_where(self) -> None:
        staged = edited("flows/prod-access.yaml", "approvers: {groups: [prod-approvers]}\n    quorum: 1", STAGED)
        lines = said(explained(under=staged, **ACCESS))
        assert "  1. manager: One approval is needed." in lines
        assert "  2. security: 2 different people must approve." in lines
        assert (
            "  - Lee Wong (lee@example.com): named by the rule (manager) and in the group team-leads (security)"
            in lines
        )

    def test_a_group_that_slack_keeps_is_named_and_nobody_guessed(self) -> None:
        files = policy_files()
        people = files["people.yaml"].decode().replace("groups:\n", "groups:\n  on-call: {slack: S0ONCALL}\n")
        flow = files["flows/prod-access.yaml"].decode().replace("groups: [prod-approvers]", "groups: [on-call]")
        changed = {"people.yaml": people.encode(), "flows/prod-access.yaml": flow.encode()}
        explanation = explained(under=load_policies({**files, **changed}), **ACCESS)
        assert "  - whoever is in on-call, which is kept in Slack" in said(explanation)
        assert machine_readable.mapping(explanation)["approver_groups_in_slack"] == ["on-call"]

    def test_who_may_break_the_glass_is_named_and_for_how_long(self) -> None:
        glass = edited(
            "flows/prod-access.yaml",
            "    timeout: 4h\n",
            "    timeout: 4h\n    break_glass: {groups: [prod-approvers], max: 1h}\n",
        )
        explanation = explained(under=glass, **ACCESS)
        lines = said(explanation)
        at = lines.index("Emergency")
        assert lines[at + 1 : at + 4] == [
            "  Who is in prod-approvers may go ahead without an approval for 1 hour, and is reviewed afterwards:",
            "  - Lee Wong (lee@example.com)",
            "  - Sam Okafor (sam@example.com)",
        ]
        assert machine_readable.mapping(explanation)["break_glass"] == {
            "groups": ["prod-approvers"],
            "max": "1h",
            "people": ["lee@example.com", "sam@example.com"],
        }

    def test_who_must_confirm_it_in_github_is_named_chosen_or_not_and_the_requester_never(self) -> None:
        glass = "    step_up: github\n    break_glass: {groups: [prod-approvers], max: 1h}\n"
        stepped = edited("flows/prod-access.yaml", "    timeout: 4h\n", f"    timeout: 4h\n{glass}")
        lines = said(explained(under=stepped, **ACCESS))
        who = "Lee Wong (leewong) or Sam Okafor (sam-okafor)"
        confirmed = f"  Then it must be confirmed in GitHub, within 4 hours, by {who}."
        assert lines[lines.index(confirmed) + 1] == "  An emergency goes past that too."
        of_lee = explained(under=stepped, requester="lee@example.com", **ACCESS)
        assert machine_readable.mapping(of_lee)["step_up"] == {
            "place": "github",
            "people": [{"email": "sam@example.com", "login": "sam-okafor"}],
        }

    def test_there_is_no_word_of_a_confirmation_where_none_is_asked_for(self) -> None:
        assert not any("GitHub" in line for line in said(explained(**ACCESS)))
        assert machine_readable.mapping(explained(**ACCESS))["step_up"] is None

    def test_there_is_no_word_of_an_emergency_where_no_glass_can_be_broken(self) -> None:
        assert "Emergency" not in said(explained(**ACCESS))
        assert machine_readable.mapping(explained(**ACCESS))["break_glass"] is None


@given(
    flow=st.sampled_from(["prod-access", "api-whitelisting"]),
    requester=st.sampled_from(["ana@example.com", "sam@example.com", "eve@example.com"]),
    given_answers=answers,
)
def test_any_form_is_explained_and_agrees_with_the_verdict(
    flow: str, requester: str, given_answers: dict[str, str]
) -> None:
    explanation = explained(flow, requester, **given_answers)
    assert sentences.text(explanation).endswith("\n")
    json.dumps(machine_readable.mapping(explanation))
    verdict = judge(policies(), policies().flows[flow], requester, given_answers)
    if explanation.verdict:
        could = {c.person.email for c in explanation.candidates if not c.left_out}
        assert could == (verdict.deciders if given_answers.get("approver") else verdict.eligible)
        told = {*explanation.faults, *([verdict.barred] if verdict.barred else [])}
        assert told <= set(verdict.problems)
    if explanation.verdict and not explanation.missing:
        assert explanation.verdict.problems == verdict.problems
