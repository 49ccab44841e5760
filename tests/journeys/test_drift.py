"""Somebody changes AWS by hand: the scheduled workflow finds it, tells it once, and says when it is gone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest

from sandbox.company import Company, open_company
from sandbox.jira import Issue

PUT_BY_HAND = {
    "Sid": "SallyportByHand",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "execute-api:Invoke",
    "Resource": "arn:aws:execute-api:eu-west-1:222222222222:a1orders/live/GET/v1/orders",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Everything but the coordinator, which has no part in this."""
    with open_company(tmp_path_factory.mktemp("drift"), start=False) as running:
        yield running


def put_policy(company: Company, *statements: dict[str, str]) -> None:
    client = boto3.client(
        "apigateway",
        region_name="eu-west-1",
        endpoint_url=company.addresses["aws"],
        aws_access_key_id="AKIASANDBOXPRODAPPLY",
        aws_secret_access_key="none",
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else ""
    operation = {"op": "replace", "path": "/policy", "value": policy}
    client.update_rest_api(restApiId="a1orders", patchOperations=[operation])


def look(company: Company) -> None:
    run = company.github.tick_schedule("drift.yml")
    company.github.wait_idle()
    done = next(one for one in company.github.runs if one.id == run.id)
    assert done.conclusion == "success", done.log
    assert {job.id: job.conclusion for job in done.jobs} == {
        "watched": "success",
        "look": "success",
        "mend": "skipped",
    }


def tickets(company: Company, about: str) -> list[Issue]:
    return [issue for issue in company.jira.issues if about in issue.summary]


def test_what_somebody_did_by_hand_is_one_ticket_until_it_is_gone(company: Company) -> None:
    put_policy(company, PUT_BY_HAND)
    look(company)
    [ticket] = tickets(company, "a1orders")
    assert "Remove the statement SallyportByHand" in ticket.description
    lee = company.slack.person("lee")
    lee.sees("Remove the statement SallyportByHand", where="alerts")
    assert tickets(company, "sso/222222222222"), "and Kim's standing access, which no entry explains"

    put_policy(company)
    look(company)
    [ticket] = tickets(company, "a1orders")
    assert ticket.status == "Done"
    assert "no longer found" in ticket.comments[0].body
    assert len(tickets(company, "sso/222222222222")) == 1
