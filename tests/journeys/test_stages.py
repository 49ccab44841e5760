"""Who decides, and what becomes of it when they go: stages, a quorum, and people who leave while a request waits.

What is approved here waits for GitHub, so that no job runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import yaml

from sandbox.company import Company, open_company
from sandbox.slack import Usergroup
from tests.coordinator.asks import ROOT
from tests.journeys.scenes import approve, ask_access, ticket, until

FLOW, PEOPLE = "flows/prod-access.yaml", "people.yaml"
ON_CALL = "S0PRODAPP"
STAGES = [
    {"name": "on-call", "approvers": {"groups": ["on-call"]}},
    {"name": "security", "approvers": {"groups": ["security"]}, "quorum": 2},
]


def policy(path: str) -> Any:
    return yaml.safe_load((ROOT / "policies" / path).read_text())


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Everything running, where whoever is on call decides first, and then two of security."""
    flow, people = policy(FLOW), policy(PEOPLE)
    rule = flow["rules"][0]
    del rule["approvers"], rule["quorum"]
    rule |= {"stages": STAGES, "step_up": "github"}
    people["groups"] |= {
        "on-call": {"slack": ON_CALL},
        "security": ["kim@example.com", "lee@example.com", "sam@example.com"],
    }
    files = {FLOW: yaml.safe_dump(flow, sort_keys=False), PEOPLE: yaml.safe_dump(people)}
    with open_company(tmp_path_factory.mktemp("stages"), policies=files) as running:
        yield running


def are_on_call(company: Company, *ids: str) -> None:
    """Hand the on-call group over, as the tool that keeps it does."""
    others = tuple(group for group in company.slack.workspace.usergroups if group.id != ON_CALL)
    groups = (*others, Usergroup(ON_CALL, "prod-approvers", ids))
    company.slack.workspace = replace(company.slack.workspace, usergroups=groups)


def looks_anew(company: Company) -> None:
    """Start the coordinator again: it reads at once who is there, which it does every few minutes anyway."""
    company.coordinator.stop()
    company.coordinator.start()


def test_stages_and_their_quorum_take_distinct_people_in_order(company: Company) -> None:
    ana, kim, lee = (company.slack.person(name) for name in ("ana", "kim", "lee"))
    request = ask_access(company, "two stages and three people")
    ana.sees("Waiting for Lee Wong or Sam Okafor (on-call: 0 of 1 approvals)", where="infra-requests")
    assert not any(card.shows("two stages and three people") for card in kim.messages()), "it is not her turn"
    approve(company, "two stages and three people", "lee")
    press = deepcopy(company.slack.deliveries[-1].payload)
    ana.sees("Waiting for Kim Berg or Sam Okafor (security: 0 of 2 approvals)", where="infra-requests")
    approve(company, "two stages and three people", "kim")
    ana.sees("Waiting for Sam Okafor (security: 1 of 2 approvals)", where="infra-requests")
    assert not kim.sees("security: 1 of 2").buttons
    approve(company, "two stages and three people", "sam")
    ana.sees("Approved by Lee Wong, Kim Berg and Sam Okafor in Slack", where="infra-requests")
    assert company.slack.press_raw(press).ok, "his telephone showed the button still"
    lee.sees(f"{request} was approved by Sam Okafor already")
    words = [comment.body for comment in ticket(company, request).comments]
    assert [word.split()[-1] for word in words if word.startswith("Approved by")], words


def test_others_are_asked_when_an_approver_leaves_and_the_requester_is_told_when_nobody_is_left(
    company: Company,
) -> None:
    ana, kim, lee, sam = (company.slack.person(name) for name in ("ana", "kim", "lee", "sam"))
    request = ask_access(company, "asked of who leaves")
    card = lee.sees("asked of who leaves")
    are_on_call(company, sam.id, kim.id)
    looks_anew(company)
    assert kim.sees("asked of who leaves").buttons
    until(lambda: not card.buttons, "who left the group is asked no more")
    company.slack.deactivate("sam")
    looks_anew(company)
    kim.sees("Waiting for Kim Berg (on-call: 0 of 1 approvals)", where="infra-requests")
    are_on_call(company)
    looks_anew(company)
    told = ana.sees(f"{request}: Nobody can decide it at the moment")
    assert told.buttons == ["Cancel request"]
    refused = ana.types("/prod-access once more", channel="infra-requests")
    assert "nobody can approve this" in refused.text, refused
    told.press("Cancel request")
    until(lambda: ticket(company, request).status == "Cancelled", "the ticket is closed")
