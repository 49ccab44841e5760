"""Rules that every workflow keeps."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
STEPS = [
    (file.name, step)
    for file in FILES
    for job in yaml.safe_load(file.read_text())["jobs"].values()
    for step in job["steps"]
]


def load(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(next(file for file in FILES if file.name == name).read_text())
    return found


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_nothing_is_interpolated_into_a_script(name: str, step: dict[str, Any]) -> None:
    assert "${{" not in step.get("run", "")


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_actions_are_pinned_by_their_whole_sha(name: str, step: dict[str, Any]) -> None:
    assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{'0' * 40}"))


@pytest.mark.parametrize(("name", "step"), [(n, s) for n, s in STEPS if "role-to-assume" in s.get("with", {})])
def test_what_cloudtrail_shows_leads_to_the_run_and_to_the_request(name: str, step: dict[str, Any]) -> None:
    session = step["with"]["role-session-name"]
    assert session.endswith("-${{ github.run_id }}")
    assert ("inputs.request_id" in session) == (name in {"apply.yml", "expire.yml"})


@pytest.mark.parametrize(
    ("name", "job"), [("apply.yml", "apply"), ("expire.yml", "expire"), ("merged.yml", "merged")]
)
def test_a_job_that_gets_no_role_says_so_itself(name: str, job: str) -> None:
    """AWS may be away already when the role is asked for; the coordinator learns from reports alone."""
    [*_, role, command] = load(name)["jobs"][job]["steps"]
    assert (role["id"], role["continue-on-error"]) == ("role", True)
    assert "role-to-assume" in role["with"]
    assert command["env"]["AWS_ROLE_OUTCOME"] == "${{ steps.role.outcome }}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_workflow_has_no_rights_but_those_a_job_names_and_ends_some_time(file: Path) -> None:
    workflow = load(file.name)
    assert workflow["permissions"] == {}
    assert all({"permissions", "timeout-minutes"} <= job.keys() for job in workflow["jobs"].values())


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("apply.yml", "${{ inputs.lock }}"),
        ("refresh.yml", "${{ inputs.lock }}"),
        ("merged.yml", "merged"),
        ("drift.yml", "drift"),
    ],
)
def test_runs_that_change_aws_wait_and_are_never_cancelled(name: str, group: str) -> None:
    expected = {"group": group, "queue": "max", "cancel-in-progress": False}
    assert load(name)["concurrency"] == expected


def test_a_sweep_may_see_which_sweeps_have_failed_before() -> None:
    assert load("expire.yml")["jobs"]["expire"]["permissions"]["actions"] == "read"


def test_ends_wait_only_for_ends_with_the_same_role_at_the_same_pace() -> None:
    workflow = load("expire.yml")
    group = "-".join(f"${{{{ matrix.access.{name} }}}}" for name in ("environment", "role", "pace"))
    expected = {"group": f"expire-{group}", "queue": "max", "cancel-in-progress": False}
    assert "concurrency" not in workflow
    assert workflow["jobs"]["expire"]["concurrency"] == expected


@pytest.mark.parametrize(
    ("name", "job"), [("expire.yml", "expire"), ("merged.yml", "merged"), ("validate.yml", "plan")]
)
def test_one_failing_role_does_not_stop_another(name: str, job: str) -> None:
    assert load(name)["jobs"][job]["strategy"]["fail-fast"] is False


def test_what_is_refused_in_a_push_does_not_stop_what_is_approved_or_must_end() -> None:
    assert "!cancelled()" in load("merged.yml")["jobs"]["merged"]["if"]


def test_a_push_of_the_coordinator_starts_no_job() -> None:
    assert "github.actor != vars.COORDINATOR_LOGIN" in load("merged.yml")["jobs"]["record"]["if"]


def test_the_jobs_of_a_pull_request_have_no_secret_but_their_token() -> None:
    text = next(file for file in FILES if file.name == "validate.yml").read_text()
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"GITHUB_TOKEN"}


class TestTheReachOfPolicies:
    @pytest.fixture
    def checkout(self, tmp_path: Path) -> Path:
        """A checkout of this repository's policies with one commit."""
        checkout = tmp_path / "checkout"
        shutil.copytree(ROOT / "policies", checkout / "policies")
        self.git(checkout, "init", "--quiet")
        self.commit(checkout)
        return checkout

    def git(self, checkout: Path, *arguments: str) -> None:
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=checkout, check=True)

    def commit(self, checkout: Path) -> None:
        self.git(checkout, "add", "--all")
        self.git(checkout, "commit", "--quiet", "--allow-empty", "--message", "x")

    def summary(self, checkout: Path) -> str:
        """What the step writes into the job's summary."""
        steps = load("validate.yml")["jobs"]["validate"]["steps"]
        (script,) = [step["run"] for step in steps if "policies reach" in step.get("run", "")]
        temporary, summary = checkout.parent / "temporary", checkout.parent / "summary.md"
        temporary.mkdir()
        summary.touch()
        variables = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "RUNNER_TEMP": str(temporary),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        subprocess.run(["bash", "-e", "-c", script], cwd=checkout, env=variables, check=True)
        return summary.read_text()

    def test_it_is_shown_in_the_summary_of_a_pull_request_that_changes_it(self, checkout: Path) -> None:
        file = checkout / "policies" / "flows" / "prod-access.yaml"
        file.write_text(
            file.read_text().replace("break_glass: {groups: [prod-approvers]", "break_glass: {groups: [everyone]")
        )
        self.commit(checkout)
        assert "may newly go ahead in an emergency: `ana@example.com`" in self.summary(checkout)

    def test_there_is_nothing_to_show_of_a_pull_request_that_leaves_policies_alone(self, checkout: Path) -> None:
        self.commit(checkout)
        assert self.summary(checkout) == ""
