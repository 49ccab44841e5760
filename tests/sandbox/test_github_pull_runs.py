"""Runs that a pull request starts: which, on what commit, and with what rights when it comes from a fork."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.github import Environment, Run, Token
from tests.sandbox.github_world import TOKENS, World, github_world
from tests.sandbox.test_github_pulls import PEOPLE, approved, branch, call, merged

LOOK = """
name: Validate
on: {pull_request: {paths: ["requests/**"]}}
permissions: {contents: write, id-token: write}
concurrency: {group: "validate-${{ github.ref }}", cancel-in-progress: true}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
        with: {fetch-depth: 0}
      - env:
          SECRET: "${{ secrets.KEY }}"
          SHOWN: "${{ vars.REGION }}"
          TOKEN: "${{ github.token }}"
          FORK: "${{ github.event.pull_request.head.repo.fork }}"
        run: |
          echo "event=$GITHUB_EVENT_NAME ref=$GITHUB_REF head=$GITHUB_HEAD_REF base=$GITHUB_BASE_REF"
          echo "sha=$GITHUB_SHA at=$(git rev-parse HEAD) fork=$FORK secret=${#SECRET} region=$SHOWN"
          git diff --name-only "origin/$GITHUB_BASE_REF...HEAD" | sed 's/^/changed=/'
          python - <<'PYTHON'
          import os
          import github
          api = github.Github(auth=github.Auth.Token(os.environ["TOKEN"]), base_url=os.environ["GITHUB_API_URL"])
          repository = api.get_repo("acme/infra")
          print("may-push", repository.permissions.push)
          PYTHON
"""
STEPS = "jobs: {one: {runs-on: ubuntu-latest, steps: [{run: 'echo done'}]}}\n"
FILES = {
    "validate.yml": LOOK,
    "docs.yml": f"name: Docs\non: {{pull_request: {{paths: [docs/**]}}}}\n{STEPS}",
    "release.yml": f"name: Release\non: {{pull_request: {{branches: [release]}}}}\n{STEPS}",
    "late.yml": f"name: Late\non: {{pull_request: {{types: [closed]}}}}\n{STEPS}",
    "apply.yml": f"name: Apply\non: {{push: {{branches: [main], paths: ['requests/**']}}}}\n{STEPS}",
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for value, token in PEOPLE.items():
        monkeypatch.setitem(TOKENS, value, token)
    monkeypatch.setitem(TOKENS, "ghp_kim", Token("kim", {"pull-requests": "write"}))
    facts = {
        "secrets": {"KEY": "hush"},
        "variables": {"REGION": "eu-west-1"},
        "environments": {"x": Environment()},
    }
    with github_world(tmp_path, FILES, **facts) as made:
        yield made


def asked(world: World, head: str, token: str = "ghp_ana") -> int:
    body = {"title": "Partners", "head": head, "base": "main"}
    number: int = call(world, "POST", "/pulls", body, token).json()["number"]
    return number


def runs(world: World) -> list[Run]:
    world.github.wait_idle(60)
    return world.github.runs


def test_a_pull_request_runs_the_workflows_that_ask_for_what_it_changes(world: World) -> None:
    head = branch(world, "topic", "Let partners in")
    number = asked(world, "topic")
    [run] = runs(world)
    assert (run.workflow_name, run.conclusion) == ("Validate", "success"), run.log
    assert (run.event, run.name, run.actor) == ("pull_request", "Partners", "ana")
    assert (run.head_sha, run.ref) == (head, "refs/heads/topic"), "a run is listed under the head"
    test = world.repository.ref(f"refs/pull/{number}/merge")
    assert f"event=pull_request ref=refs/pull/{number}/merge head=topic base=main" in run.log
    assert f"sha={test} at={test} fork=false secret=4 region=eu-west-1" in run.log
    assert "changed=requests/topic-1.yaml" in run.log
    assert "may-push True" in run.log


def test_a_push_to_its_branch_runs_them_again_and_only_its_own_changes_count(world: World) -> None:
    branch(world, "topic", "Let partners in")
    asked(world, "topic")
    runs(world)
    world.write({"docs/of-main.md": "x"}, "Of main")
    before, after = world.write({"requests/more.yaml": "id: more\n"}, "More", "topic")
    world.github.notify_push(before, after, "ana", branch="topic")
    assert [(run.workflow_name, run.head_sha) for run in runs(world)] == [
        ("Validate", before),
        ("Validate", after),
    ]


def test_a_pull_request_from_a_fork_gets_no_secret_and_may_only_read(world: World) -> None:
    world.repository.point("refs/forks/kim/topic", branch(world, "topic", "Let partners in"))
    asked(world, "kim:topic", "ghp_kim")
    [run] = runs(world)
    assert run.conclusion == "success", run.log
    assert "fork=true secret=0 region=\n" in run.log
    assert "may-push False" in run.log


def test_a_fork_gets_no_identity_for_aws(world: World) -> None:
    assume = """
name: Plan
on: pull_request
permissions: {id-token: write}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: aws-actions/configure-aws-credentials@v6
        with: {role-to-assume: "arn:aws:iam::1:role/plan", aws-region: eu-west-1}
"""
    world.write({".github/workflows/plan.yml": assume})
    world.repository.point("refs/forks/kim/topic", branch(world, "topic", "Let partners in"))
    asked(world, "kim:topic", "ghp_kim")
    run = next(run for run in runs(world) if run.workflow == "plan.yml")
    assert run.conclusion == "failure"
    assert "the job has no permission id-token: write" in run.log


def test_a_pull_request_that_conflicts_runs_nothing(world: World) -> None:
    world.repository.point("refs/heads/topic", world.head)
    world.write({"requests/one.yaml": "theirs\n"}, branch="topic")
    world.write({"requests/one.yaml": "ours\n"})
    asked(world, "topic")
    assert runs(world) == []


def test_a_review_runs_what_asks_for_reviews_on_the_same_merge(world: World) -> None:
    steps = "jobs: {one: {runs-on: ubuntu-latest, steps: [{run: 'echo \"$GITHUB_REF $GITHUB_SHA\"'}]}}\n"
    world.write(
        {".github/workflows/ask.yml": f"name: Ask\non: {{pull_request_review: {{types: [submitted]}}}}\n{steps}"}
    )
    branch(world, "topic", "Let partners in")
    number = asked(world, "topic")
    assert approved(world, number).status_code == 200
    run = next(run for run in runs(world) if run.workflow_name == "Ask")
    assert (run.event, run.conclusion, run.actor, run.name) == (
        "pull_request_review",
        "success",
        "lee",
        "Partners",
    )
    test = world.repository.ref(f"refs/pull/{number}/merge")
    assert f"refs/pull/{number}/merge {test}" in run.log


def test_a_merge_is_a_push_to_main(world: World) -> None:
    branch(world, "topic", "Let partners in")
    number = asked(world, "topic")
    merged(world, number, merge_method="squash")
    apply = next(run for run in runs(world) if run.workflow_name == "Apply")
    assert (apply.event, apply.ref, apply.head_sha) == ("push", "refs/heads/main", world.head)
    assert (apply.actor, apply.name) == ("lee", f"Partners (#{number})")
