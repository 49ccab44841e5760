"""A person brings entries by pull request: the real workflow reads them before anybody reviews them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.company import REPOSITORY, Company, open_company
from sandbox.github import Run
from sandbox.installation import AUTHOR

BROKEN = "id: aw-222222\nflow: api-whitelisting\nenvironment: prod\nenvironment: dev\n"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Everything but the coordinator, which has no part in this."""
    with open_company(tmp_path_factory.mktemp("pulls"), start=False) as running:
        yield running


def push(company: Company, folder: Path, branch: str, files: dict[str, str]) -> None:
    """Push a branch with git, as a person does."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", company.bare, clone], check=True)
    for name, content in files.items():
        (clone / name).write_text(content)
    for words in (["checkout", "-qb", branch], ["add", "--all"], ["commit", "-qm", "Let partners in"]):
        subprocess.run(["git", "-C", clone, *words], env=dict(AUTHOR), check=True)
    subprocess.run(["git", "-C", clone, "push", "--quiet", "origin", branch], check=True)


def call(company: Company, login: str, method: str, path: str, body: dict[str, Any]) -> requests.Response:
    url = f"{company.addresses['github']}/repos/{REPOSITORY}{path}"
    return requests.request(method, url, json=body, headers={"Authorization": f"token ghp_{login}"}, timeout=20)


def validated(company: Company) -> Run:
    company.github.wait_idle()
    return next(run for run in company.github.runs if run.workflow == "validate.yml")


def test_what_is_wrong_is_said_before_anybody_reviews_and_nothing_of_it_runs_elsewhere(
    company: Company, tmp_path: Path
) -> None:
    push(company, tmp_path, "partners", {"requests/api-whitelisting/aw-222222.yaml": BROKEN})
    body = {"title": "Let partners in", "head": "partners", "base": "main"}
    number = call(company, "ana-ruiz", "POST", "/pulls", body).json()["number"]
    run = validated(company)
    assert (run.event, run.conclusion, run.actor) == ("pull_request", "failure", "ana-ruiz"), run.log
    assert "requests/api-whitelisting/aw-222222.yaml:4:1" in run.log
    assert [other.workflow for other in company.github.runs if other.id != run.id] == []

    own = call(company, "ana-ruiz", "POST", f"/pulls/{number}/reviews", {"event": "APPROVE"})
    assert own.status_code == 422
    approved = call(company, "leewong", "POST", f"/pulls/{number}/reviews", {"event": "APPROVE"})
    assert approved.json()["state"] == "APPROVED"
