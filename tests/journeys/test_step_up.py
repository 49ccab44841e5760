"""Where policy wants it, what Slack approves waits for GitHub: neither Slack nor the coordinator is enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.company import REPOSITORY, Company, open_company
from tests.coordinator.asks import ROOT
from tests.journeys.scenes import approve, ask_access, entry_files, git, has_access, ticket, until

FLOW = "flows/prod-access.yaml"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Everything running, with production access that must be confirmed in GitHub."""
    policy = (ROOT / "policies" / FLOW).read_text()
    policy = policy.replace("    quorum: 1\n", "    quorum: 1\n    step_up: github\n", 1)
    with open_company(tmp_path_factory.mktemp("step-up"), policies={FLOW: policy}) as running:
        yield running


def github(company: Company, login: str, method: str, path: str, body: Any = None) -> Any:
    url = f"{company.addresses['github']}/repos/{REPOSITORY}{path}"
    token = {"Authorization": f"token ghp_{login}"}
    answer = requests.request(method, url, json=body, headers=token, timeout=20)
    answer.raise_for_status()
    return answer.json()


def proposal(company: Company, request: str) -> dict[str, Any]:
    """The pull request that asks for its confirmation, as Lee sees it."""

    def asked() -> Any:
        pulls = github(company, "leewong", "GET", "/pulls?state=all")
        return next((pull for pull in pulls if request in pull["title"]), None)

    found: dict[str, Any] = until(asked, f"{request} is asked about in GitHub")
    return found


def review(company: Company, pull: dict[str, Any], event: str = "APPROVE", login: str = "leewong") -> None:
    body = {"event": event, "body": "Looked at."}
    github(company, login, "POST", f"/pulls/{pull['number']}/reviews", body)


def test_what_slack_approved_is_applied_once_an_approver_has_confirmed_it_in_github(company: Company) -> None:
    ana = company.slack.person("ana")
    request = ask_access(company, "with two keys")
    approve(company, "with two keys")
    ana.sees("waits for the approval in GitHub by Lee Wong or Sam Okafor")
    pull = proposal(company, request)
    company.slack.person("sam").opens_home().waits_for("The approval in GitHub can be yours")
    shown = github(company, "leewong", "GET", f"/pulls/{pull['number']}/files")
    assert [file["filename"] for file in shown] == [f"proposals/{request}.yaml"]
    assert (entry_files(company), has_access(company)) == ([], False)
    review(company, pull, login="ana-ruiz")
    review(company, pull)
    ana.sees(f"{request}: Live until")
    assert has_access(company)
    [path] = entry_files(company)
    entry = git(company, "show", f"main:{path}")
    assert "by: lee@example.com" in entry.partition("confirmation:")[2]
    assert proposal(company, request)["state"] == "closed"
    assert not [line for line in git(company, "branch").split() if request in line]
    words = "\n".join(comment.body for comment in ticket(company, request).comments)
    assert words.index("Approved by Lee Wong (lee@example.com) through Slack") < words.index(
        "Confirmed by Lee Wong (lee@example.com) through GitHub"
    )


def test_a_no_in_github_ends_what_slack_had_approved(company: Company) -> None:
    request = ask_access(company, "which github refuses")
    approve(company, "which github refuses")
    review(company, proposal(company, request), "REQUEST_CHANGES", "sam-okafor")
    company.slack.person("ana").sees(f"{request}: Denied. Sam Okafor requested changes in GitHub")
    until(lambda: ticket(company, request).status == "Declined", "the ticket is closed")
    until(lambda: proposal(company, request)["state"] == "closed", "the pull request is closed")


def test_what_waits_for_github_can_be_cancelled(company: Company) -> None:
    ana = company.slack.person("ana")
    request = ask_access(company, "which ana takes back")
    approve(company, "which ana takes back")
    pull = proposal(company, request)
    ana.sees(f"{request}: Approved by Lee Wong in Slack; waits for the approval").press("Cancel request")
    until(lambda: ticket(company, request).status == "Cancelled", "the ticket is cancelled")
    until(lambda: proposal(company, request)["state"] == "closed", "the pull request is closed")
    review(company, pull)
    assert not [path for path in entry_files(company) if request in path]
