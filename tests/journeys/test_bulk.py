"""An engineer changes much at once: one pull request, a plan to read, one review, one merge."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sallyport.ids import ALPHABET
from sandbox.company import Company, open_company
from tests.journeys.scenes import until
from tests.journeys.test_pull_request import call, push

ENTRIES = 500
ENTRY = """\
id: {id}
flow: api-whitelisting
environment: prod
requested_by: ana@example.com
reason: Partners of the spring campaign
expires_in: 30d
changes:
  - {{api: payments, stage: live, method: POST, path: /v1/charges, source: {{cidr: [{address}/32]}}}}
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Everything but the coordinator, which has no part in this."""
    with open_company(tmp_path_factory.mktemp("bulk"), start=False) as running:
        yield running


def bulk(count: int) -> dict[str, str]:
    ids = (f"aw-2222{a}{b}" for a, b in itertools.product(ALPHABET, ALPHABET))
    texts = (ENTRY.format(id=one, address=address(n)) for n, one in enumerate(ids))
    return {f"requests/api-whitelisting/{text.split()[1]}.yaml": text for text in itertools.islice(texts, count)}


def address(number: int) -> str:
    """Return where the callers of an entry are; two share each, since one policy does not hold 500 addresses."""
    return f"198.51.{100 + number // 400}.{1 + number // 2 % 200}"


def conclusion(company: Company, workflow: str, event: str) -> Any:
    company.github.wait_idle(300)
    run = next(run for run in company.github.runs if (run.workflow, run.event) == (workflow, event))
    return run.conclusion, run.log


def told(log: str) -> str:
    """Return what a job said of entries and targets, for a reader of a failed test."""
    lines = [
        line for line in log.split("\n") if ": failed: " in line or ": refused: " in line or "settled" in line
    ]
    return "\n".join(lines[:10]) or log[-3000:]


def lets_in(company: Company, caller: str) -> bool:
    now = datetime.now(UTC)
    return company.aws.apigateway.allows("a1payments", "live", "POST", "/v1/charges", source_ip=caller, at=now)


def test_bulk_is_planned_reviewed_merged_and_in_force(company: Company, tmp_path: Path) -> None:
    push(company, tmp_path, "campaign", bulk(ENTRIES))
    body = {"title": "Spring campaign", "head": "campaign", "base": "main"}
    number = call(company, "ana-ruiz", "POST", "/pulls", body).json()["number"]
    ended, log = conclusion(company, "validate.yml", "pull_request")
    assert ended == "success", told(log)
    comments = call(company, "ana-ruiz", "GET", f"/issues/{number}/comments", {}).json()
    [plan] = [comment["body"] for comment in comments]
    assert "What merging this would do in prod" in plan
    assert not lets_in(company, address(0))

    call(company, "leewong", "POST", f"/pulls/{number}/reviews", {"event": "APPROVE"})
    company.github.wait_idle(300)
    merged = call(company, "ana-ruiz", "PUT", f"/pulls/{number}/merge", {"merge_method": "squash"})
    assert merged.ok, merged.text
    ended, log = conclusion(company, "merged.yml", "push")
    assert ended == "success", told(log)
    assert lets_in(company, address(0))
    assert lets_in(company, address(ENTRIES - 1))
    assert not lets_in(company, "203.0.113.1")
    until(lambda: len(company.jira.issues) == ENTRIES, "every file has its ticket")
