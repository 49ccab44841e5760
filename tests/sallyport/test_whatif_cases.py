"""Example cases: each expectation is compared, and every difference is told at its line, in one pass."""

from __future__ import annotations

import pytest

from sallyport.policies import load_policies, read_folder
from sallyport.problems import Problems
from sallyport.whatif.cases import failures, read_cases
from tests.sallyport.examples import ROOT, policies, policy_files

PATH = "cases/prod-access.yaml"
GOOD = """\
- case: An engineer reads production
  who: ana@example.com
  answers: {environment: prod, account: prod-main, permission_set: ProdReadOnly, reason: Debugging}
  approvals: [sam@example.com]
  expect:
    ask: allowed
    rule: production
    approvers: [Lee@example.com, sam@example.com]
    quorum: 1
    lifetime: 240m
    approved: true
"""
REFUSED = """\
- case: Nobody asks for a week
  who: ana@example.com
  answers: {environment: prod, account: prod-main, permission_set: ProdReadOnly, duration: 7d, reason: Debugging}
  expect: {ask: refused, because: From 15m to 8h}
"""


def told(text: str, path: str = PATH) -> list[str]:
    """Return what is wrong with the file, or else what policy answers otherwise."""
    try:
        return [str(p) for p in failures(read_cases({path: text.encode()}, policies()), policies())]
    except Problems as error:
        return [str(problem) for problem in error.problems]


def test_the_cases_of_this_repository_are_what_its_policies_say() -> None:
    files = read_folder(ROOT / "policies")
    loaded = load_policies(files)
    cases = read_cases(files, loaded)
    assert [str(failure) for failure in failures(cases, loaded)] == []
    assert {case.flow for case in cases} == set(loaded.flows)


def test_cases_that_policy_answers_as_expected_tell_nothing() -> None:
    assert told(GOOD + REFUSED) == []


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (
            "rule: production",
            "rule: development",
            "7:11: expected the rule “development”; policy says “production”",
        ),
        (
            "[Lee@example.com, sam@example.com]",
            "[lee@example.com]",
            "8:16: expected the approvers lee@example.com; policy says lee@example.com, sam@example.com",
        ),
        ("quorum: 1", "quorum: 2", "9:13: expected a quorum of 2; policy says 1"),
        ("lifetime: 240m", "lifetime: 5h", "10:15: expected the lifetime 5h; policy says 4h"),
        ("lifetime: 240m", "lifetime: permanent", "10:15: expected the lifetime permanent; policy says 4h"),
        (
            "approved: true",
            "approved: false",
            "11:15: expected it not to be approved; policy says it has 1 of 1 approvals",
        ),
        (
            "[sam@example.com]\n  e",
            "[ana@example.com]\n  e",
            "11:15: expected it to be approved; policy says it has 0 of 1 approvals",
        ),
        ("allowed", "refused\n    because: x", "6:10: expected the ask to be refused; policy says allowed"),
    ],
)
def test_a_wrong_expectation_is_told_at_its_line_with_what_policy_says(
    old: str, new: str, difference: str
) -> None:
    place, _, rest = difference.partition(" ")
    assert told(GOOD.replace(old, new)) == [f"policies/{PATH}:{place} An engineer reads production: {rest}"]


def test_a_refusal_for_another_reason_is_told() -> None:
    (failure,) = told(REFUSED.replace("From 15m", "only members"))
    assert failure.startswith(f"policies/{PATH}:4:35: Nobody asks for a week: expected a refusal because “only")
    assert failure.endswith("policy says 7d is outside what policy allows here: from 15m to 8h")


def test_a_refused_ask_has_no_lifetime_and_is_not_approved() -> None:
    text = REFUSED.replace("because: From 15m to 8h", "because: from, lifetime: 7d, approved: true")
    lifetime, approved = told(text)
    assert lifetime.endswith("expected the lifetime 7d; policy says that it may not")
    assert "expected it to be approved; policy says refused: 7d is outside" in approved


def test_an_ask_without_a_rule_has_no_rule_no_quorum_and_no_approvers() -> None:
    text = REFUSED.replace("environment: prod", "environment: moon")
    text = text.replace(
        "because: From 15m to 8h", "because: no rule, rule: production, quorum: 1, approvers: [a@b]"
    )
    assert [failure.partition("policy says ")[2] for failure in told(text)] == [
        "that no rule applies",
        "0",
        "nobody",
    ]


def test_the_wrong_cases_of_all_files_are_told_in_one_pass() -> None:
    texts = {PATH: GOOD.replace("rule: prod", "rule: prob") + REFUSED.replace("From", "x")}
    texts["cases/api-whitelisting.yaml"] = REFUSED.replace(
        "account: prod-main, permission_set: ProdReadOnly, ", ""
    )
    cases = read_cases({path: text.encode() for path, text in texts.items()}, policies())
    places = [str(failure.place) for failure in failures(cases, policies())]
    assert places == [
        "policies/cases/api-whitelisting.yaml:4:35",
        f"policies/{PATH}:7:11",
        f"policies/{PATH}:15:35",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "who: ana@example.com",
            "who: ana",
            "2:8: who “ana” does not have the right form; write an e-mail address",
        ),
        ("  who: ana@example.com\n", "", "1:3: “who” is missing from item 1"),
        ("quorum: 1", "quorums: 1", "9:14: unknown field “quorums”; did you mean “quorum”?"),
        ("ask: allowed", "ask: allow", "6:10: ask cannot be “allow”; did you mean “allowed”?"),
        (
            "ask: allowed",
            "ask: refused",
            "6:5: “because” is missing from expect; a part of the sentence, "
            "so that it is not refused for another reason",
        ),
        (
            "ask: allowed",
            "ask: allowed\n    because: x",
            "7:14: because is longer than 0 characters; only a refusal has a reason",
        ),
        ("    approved: true\n", "", "6:5: “approved” is missing from expect; say what these approvals come to"),
        (
            "lifetime: 240m",
            "lifetime: long",
            "10:15: lifetime “long” does not have the right form; such as 4h, or permanent",
        ),
        (
            "account: prod-main",
            "acount: prod-main",
            "3:40: the form of prod-access has no field “acount”; did you mean “account”?",
        ),
        ("reason: Debugging", "reason: 4711", "3:90: reason must be of type string; write it in quotes"),
    ],
)
def test_a_case_that_says_nothing_clear_is_refused_with_its_mend(old: str, new: str, problem: str) -> None:
    assert f"policies/{PATH}:{problem}" in told(GOOD.replace(old, new))


@pytest.mark.parametrize("path", ["cases/prod-acces.yaml", "cases/prod-access.yml", "cases/more/prod-access.yaml"])
def test_a_file_of_cases_that_no_flow_would_read_is_refused(path: str) -> None:
    (problem,) = told(GOOD, path)
    assert problem.startswith(f"policies/{path}: no flow has its cases here; did you mean “{PATH}”?")


def test_cases_need_their_schema_and_policies_do_not() -> None:
    files = {path: content for path, content in policy_files().items() if "cases" not in path}
    loaded = load_policies(files)
    assert read_cases(files, loaded) == ()
    with pytest.raises(Problems, match=r"policies/schemas/cases\.schema\.json does not exist"):
        read_cases({PATH: GOOD.encode()}, loaded)


def test_a_broken_case_keeps_no_policy_from_being_in_force() -> None:
    assert load_policies({**policy_files(), PATH: b"]"}).flows.keys() == policies().flows.keys()


EMERGENCY = """\
- case: An emergency
  who: sam@example.com
  incident: INC-1
  answers: {environment: prod, account: prod-main, permission_set: ProdReadOnly, reason: Down}
  expect: {ask: refused, because: no break-glass here}
"""


def test_a_case_may_break_the_glass() -> None:
    assert told(EMERGENCY) == []
    allowed = EMERGENCY.replace("refused, because: no break-glass here", "allowed")
    assert "policy says refused: policy gives you no break-glass here" in told(allowed)[0]


def test_a_case_may_say_who_is_in_a_group_that_slack_keeps() -> None:
    files = policy_files()
    people = files["people.yaml"].decode().replace("groups:\n", "groups:\n  on-call: {slack: S0ONCALL}\n")
    flow = files["flows/prod-access.yaml"].decode().replace("groups: [prod-approvers]", "groups: [on-call]")
    loaded = load_policies({**files, "people.yaml": people.encode(), "flows/prod-access.yaml": flow.encode()})
    case = GOOD.replace("approvals: [sam@example.com]", "members: {on-call: [kim@example.com]}\n  approvals: [%s]")
    case = case.replace("[Lee@example.com, sam@example.com]", "[kim@example.com]")
    for who, expected in (("kim@example.com", 0), ("sam@example.com", 1)):
        text = (case % who).encode()
        assert len(failures(read_cases({PATH: text}, loaded), loaded)) == expected
