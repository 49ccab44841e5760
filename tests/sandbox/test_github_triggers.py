"""Pushes and the clock start the workflows that ask for them, and a job's own token starts none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.github.triggers import UnknownWorkflow
from sandbox.github.workflow import WorkflowError
from tests.sandbox.github_world import World, github_world

STEPS = "jobs: {one: {runs-on: ubuntu-latest, steps: [{run: 'echo \"$GITHUB_REF $GITHUB_SHA\"'}]}}\n"
FILES = {
    "validate.yml": f"name: Validate\non: {{push: {{branches: [main], paths: ['requests/**']}}}}\n{STEPS}",
    "docs.yml": f"name: Docs\non: {{push: {{paths-ignore: ['requests/**']}}}}\n{STEPS}",
    "topic.yml": f"name: Topic\non: {{push: {{branches-ignore: [main]}}}}\n{STEPS}",
    "tags.yml": f"name: Tags\non: {{push: {{tags: ['v*']}}}}\n{STEPS}",
    "expire.yml": f"name: Expire\non: {{schedule: [{{cron: '7 * * * *'}}], workflow_dispatch: }}\n{STEPS}",
    "loop.yml": """
name: Loop
on: workflow_dispatch
permissions: {contents: write, actions: write}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - env: {TOKEN: "${{ github.token }}"}
        shell: python
        run: |
          import os
          import github
          api = github.Github(auth=github.Auth.Token(os.environ["TOKEN"]), base_url=os.environ["GITHUB_API_URL"])
          repository = api.get_repo("acme/infra")
          wanted = {
              "branch": {"repositoryNameWithOwner": "acme/infra", "branchName": "main"},
              "message": {"headline": "Expire"},
              "expectedHeadOid": repository.get_git_ref("heads/main").object.sha,
              "fileChanges": {"additions": [{"path": "requests/by-a-job.yaml", "contents": ""}]},
          }
          api.requester.graphql_named_mutation("createCommitOnBranch", wanted, "commit { oid }")
          repository.get_workflow("expire.yml").create_dispatch("main", throw=True)
""",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with github_world(tmp_path, FILES) as made:
        yield made


def names(world: World) -> list[str]:
    world.github.wait_idle(30)
    assert {run.conclusion for run in world.github.runs} <= {"success"}, [run.log for run in world.github.runs]
    return [run.workflow_name for run in world.github.runs]


def test_a_commit_through_the_api_starts_what_its_branch_and_paths_ask_for(world: World) -> None:
    world.commit({"requests/aw-1.yaml": "id: aw-1\n"})
    assert names(world) == ["Validate"]
    run = world.github.runs[0]
    assert (run.event, run.name, run.head_sha, run.actor) == ("push", "Add a request", world.head, "sallyport-bot")
    assert f"refs/heads/main {world.head}" in run.log


def test_a_push_past_the_api_starts_workflows_once_it_is_told(world: World) -> None:
    before, after = world.write({"README.md": "read me"})
    assert world.github.runs == []
    world.github.notify_push(before, after, "ana")
    assert names(world) == ["Docs"]


def test_a_push_to_another_branch_is_filtered_by_its_name(world: World) -> None:
    world.repository._git("update-ref", "refs/heads/topic", world.head)
    before, after = world.write({"requests/aw-1.yaml": "x"}, branch="topic")
    world.github.notify_push(before, after, "ana", branch="topic")
    assert names(world) == ["Topic"]


def test_a_commit_that_says_skip_ci_starts_nothing(world: World) -> None:
    world.commit({"requests/aw-1.yaml": "x"}, message={"headline": "Add", "body": "reason: [skip ci]"})
    assert names(world) == []


def test_what_a_job_commits_with_its_token_starts_nothing_but_its_dispatch_does(world: World) -> None:
    world.dispatch("loop.yml")
    world.github.wait_idle(30)
    assert world.repository.commit(world.head).author.name == "github-actions[bot]"
    assert names(world) == ["Loop", "Expire"]
    assert world.github.runs[1].actor == "github-actions[bot]"


def test_the_clock_fires_a_schedule_at_the_head_of_the_default_branch(world: World) -> None:
    run = world.github.tick_schedule("expire.yml")
    assert (run.event, run.head_sha) == ("schedule", world.head)
    assert names(world) == ["Expire"]
    assert f"refs/heads/main {world.head}" in world.github.runs[0].log
    with pytest.raises(WorkflowError, match="no schedule"):
        world.github.tick_schedule("docs.yml")
    with pytest.raises(UnknownWorkflow):
        world.github.tick_schedule("nope.yml")


def test_a_broken_workflow_file_fails_a_run_of_its_own_at_a_push(world: World) -> None:
    before, after = world.write({".github/workflows/broken.yml": "on: push\njobs: {}\n"})
    world.github.notify_push(before, after, "ana")
    world.github.wait_idle(30)
    broken = next(run for run in world.github.runs if run.workflow == "broken.yml")
    assert (broken.conclusion, broken.log) == ("failure", "broken.yml: there are no jobs")
