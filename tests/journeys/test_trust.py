"""Nobody changes AWS through the repository alone, and a platform that is away holds up only itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from sallyport.platforms.github import GitHub
from sandbox.company import COORDINATOR_TOKEN, REPOSITORY, Company, open_company
from sandbox.faults import Fault, Kind
from sandbox.installation import AUTHOR
from tests.journeys.scenes import (
    approve,
    ask_access,
    ask_whitelisting,
    entry_files,
    git,
    has_access,
    lets_in,
    ticket,
    until,
)


def push(company: Company, folder: Path, name: str, content: str) -> str:
    """Commit a file to main as somebody with write access would, past the coordinator."""
    clone = folder / "clone"
    if not clone.exists():
        subprocess.run(["git", "clone", "--quiet", company.bare, clone], check=True)
    subprocess.run(["git", "-C", clone, "pull", "--quiet", "--rebase"], check=True)
    (clone / name).write_text(content)
    subprocess.run(["git", "-C", clone, "add", name], check=True)
    subprocess.run(["git", "-C", clone, "commit", "--quiet", "--message=By hand"], env=dict(AUTHOR), check=True)
    subprocess.run(["git", "-C", clone, "push", "--quiet"], check=True)
    return git(company, "rev-parse", "main").strip()


def test_an_entry_edited_by_hand_after_its_approval_is_taken_back(company: Company, tmp_path: Path) -> None:
    ask_whitelisting(company, "198.51.100.20", path="/v1/charges", reason="edited after the approval")
    approve(company, "edited after the approval")
    until(lambda: lets_in(company, "198.51.100.20"), "the caller is let in")
    company.github.wait_idle()
    [name] = [n for n in entry_files(company) if "edited after" in git(company, "show", f"main:{n}")]
    edited = git(company, "show", f"main:{name}").replace("198.51.100.20/32", "198.51.100.0/24")
    push(company, tmp_path, name, edited)
    company.github.tick_schedule("expire.yml")
    until(lambda: not lets_in(company, "198.51.100.20"), "the edited entry is not in force any more")
    assert not lets_in(company, "198.51.100.21"), "and what was written by hand never is"
    company.slack.person("lee").sees("not proven to be approved", where="alerts")


def test_an_entry_that_nobody_approved_is_never_applied(company: Company, tmp_path: Path) -> None:
    forged = {
        "id": "pa-222222",
        "flow": "prod-access",
        "environment": "prod",
        "requested_by": "ana@example.com",
        "reason": "I would like to",
        "ticket": None,
        "expires_at": "2099-01-01T00:00:00Z",
        "changes": [{"account": "prod-main", "permission_set": "ProdAdmin"}],
        "approvals": [{"by": "lee@example.com", "at": "2026-11-21T00:00:00Z", "through": "slack"}],
    }
    commit = push(company, tmp_path, "requests/prod-access/pa-222222.yaml", yaml.safe_dump(forged))
    github = GitHub.connect(REPOSITORY, "main", COORDINATOR_TOKEN, None, company.addresses["github"])
    inputs = {"request_id": "pa-222222", "commit": commit, "environment": "prod", "lock": "sso/222222222222"}
    github.dispatch("apply.yml", inputs)
    company.github.wait_idle()
    run = next(run for run in company.github.runs if run.name == "apply pa-222222")
    assert run.conclusion == "failure"
    assert "refused" in run.summary
    grants = company.aws.identity_center.assignments()
    assert not any(permission_set == "ProdAdmin" for _, permission_set, _ in grants)


def test_a_jira_that_is_away_holds_up_nothing_but_the_ticket(company: Company) -> None:
    company.jira.faults.add(Fault(Kind.STATUS, status=503, retry_after=1, times=10_000))
    request = ask_access(company, "while JIRA is away")
    approve(company, "while JIRA is away")
    until(lambda: has_access(company), "Ana has access although there is no ticket")
    company.slack.person("ana").sees(f"{request}: Live until")
    assert not any(f"sallyport-{request}" in issue.labels for issue in company.jira.issues)
    company.jira.faults.clear()
    until(lambda: ticket(company, request).status == "Done", "the ticket tells the story once JIRA is back")
    words = [comment.body for comment in ticket(company, request).comments]
    assert words[0].startswith("Approved by Lee Wong")


@pytest.mark.parametrize("http", [True], ids=["signed-http"])
def test_the_same_journey_over_signed_http(tmp_path: Path, http: bool) -> None:
    with open_company(tmp_path, http=http) as company:
        request = ask_access(company, "over http")
        approve(company, "over http")
        until(lambda: has_access(company), "Ana has access")
        assert company.slack.forge(secret="another") == 401
        assert company.slack.forge(secret=company.slack.workspace.signing_secret, age=600) == 401
        assert ticket(company, request)
