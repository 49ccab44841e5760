"""A flow's rules: the first that matches holds, and what none matches is denied."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sallyport.flows import OnDrift
from sallyport.policies import load_policies
from sallyport.problems import Problems
from tests.sallyport.examples import policies, policy_files

FLOW = policies().flows["prod-access"]
PRODUCTION, DEVELOPMENT = FLOW.rules


@pytest.mark.parametrize(
    ("answers", "rule"),
    [
        ({"environment": "prod"}, "production"),
        ({"environment": "prod", "account": "prod-main", "reason": "x"}, "production"),
        ({"environment": "non-prod"}, "development"),
        ({"environment": "PROD"}, None),
        ({"environment": ""}, None),
        ({}, None),
    ],
)
def test_the_rule_is_chosen_by_the_answers_and_policy_denies_what_has_none(
    answers: dict[str, str], rule: str | None
) -> None:
    found = FLOW.rule_for(answers)
    assert (found.name if found else None) == rule


def test_the_first_of_two_matching_rules_holds() -> None:
    strict = replace(
        PRODUCTION, name="strict", when={"environment": frozenset({"prod"}), "account": frozenset({"prod-main"})}
    )
    flow = replace(FLOW, rules=(strict, replace(PRODUCTION, when={})))
    everything = {"environment": "prod", "account": "prod-main"}
    assert flow.rule_for(everything) is strict
    assert flow.rule_for({**everything, "account": "other"}) is flow.rules[1]
    assert flow.rule_for({}) is flow.rules[1]


def test_a_rule_may_be_for_several_answers_and_for_what_carries_a_tag() -> None:
    pci = replace(
        PRODUCTION, name="pci", when={"environment": frozenset({"prod", "staging"})}, tags=frozenset({"pci"})
    )
    flow = replace(FLOW, rules=(pci, PRODUCTION))
    assert flow.rule_for({"environment": "staging"}, frozenset({"pci", "eu"})) is pci
    assert flow.rule_for({"environment": "prod"}, frozenset({"eu"})) is PRODUCTION
    assert flow.rule_for({"environment": "staging"}) is None


def test_tags_are_those_of_the_chosen_items() -> None:
    accounts = policies().catalogue.lists["accounts"]
    tagged = {name: replace(item, tags=frozenset({"pci"})) for name, item in accounts.items()}
    catalogue = replace(policies().catalogue, lists={**policies().catalogue.lists, "accounts": tagged})
    some = replace(policies(), catalogue=catalogue)
    assert some.tags_of(FLOW, {"account": "prod-main"}) == {"pci"}
    assert some.tags_of(FLOW, {"account": "unheard-of", "permission_set": "ProdReadOnly"}) == frozenset()
    pci = replace(PRODUCTION, when={}, tags=frozenset({"pci"}))
    assert some.rule_for(replace(FLOW, rules=(pci,)), {"account": "prod-main"}) is pci


def test_a_flow_has_a_quick_path_where_its_policy_gives_default_answers() -> None:
    assert FLOW.has_quick_path
    assert not policies().flows["api-whitelisting"].has_quick_path


def test_a_field_is_found_by_its_name() -> None:
    field = FLOW.field("account")
    assert field is not None
    assert field.source == "accounts"
    assert FLOW.field("colour") is None


def test_drift_is_only_reported_unless_the_flows_policy_lets_it_be_mended() -> None:
    assert FLOW.drift is OnDrift.REPORT
    files = dict(policy_files())
    path = "flows/prod-access.yaml"
    files[path] += b"drift: repair\n"
    assert load_policies(files).flows["prod-access"].drift is OnDrift.REPAIR
    files[path] = files[path].replace(b"drift: repair", b"drift: maybe")
    with pytest.raises(Problems, match="drift"):
        load_policies(files)
