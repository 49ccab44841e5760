"""Workflow runs by the real act: what a job finds, what it may do, and how its run ends."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import github as pygithub
import pytest
import requests

from sandbox.github import Environment
from tests.sandbox.github_world import World, github_world

SHA = "0123456789abcdef0123456789abcdef01234567"
Make = Callable[..., AbstractContextManager[World]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(files: Mapping[str, str], **runner: object) -> AbstractContextManager[World]:
        return github_world(tmp_path, files, **runner)

    return made


def job(steps: str, *, on: str = "workflow_dispatch", top: str = "", of_job: str = "") -> str:
    """A workflow of one job; `steps` is the YAML of its steps, indented by six."""
    return (
        f"name: X\non: {on}\n{top}\njobs:\n  one:\n    runs-on: ubuntu-latest\n    {of_job}\n    steps:\n{steps}"
    )


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for another thread or process, no longer than `seconds`."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition has not come true"
        pause.wait(0.05)


APPLY = """
name: Apply
run-name: apply ${{ inputs.request_id }}
on:
  workflow_dispatch:
    inputs:
      request_id: {required: true, type: string}
      dry: {type: boolean, default: true}
permissions: {}
concurrency: {group: "apply-${{ inputs.request_id }}", queue: max}
jobs:
  apply:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: {contents: read}
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567 # v5
        with: {persist-credentials: false}
      - uses: actions/setup-python@v6
        with: {python-version: "3.11"}
      - uses: ./actions/hello
        with: {who: "${{ inputs.request_id }}"}
      - name: look around
        env: {SECRET: "${{ secrets.KEY }}", DRY: "${{ inputs.dry }}", SHOWN: "${{ vars.REGION }}"}
        run: |
          echo "repository=$GITHUB_REPOSITORY api=$GITHUB_API_URL server=$GITHUB_SERVER_URL"
          echo "sha=$GITHUB_SHA ref=$GITHUB_REF actor=$GITHUB_ACTOR event=$GITHUB_EVENT_NAME run=$GITHUB_RUN_ID"
          echo "dry=$DRY region=$SHOWN secret=$SECRET length=${#SECRET} extra=$EXTRA leak=$HOST_ONLY"
          echo "commit=$(git rev-parse HEAD) branch=$(git branch --show-current)"
          echo "### Applied *one* change" >> "$GITHUB_STEP_SUMMARY"
  later:
    needs: apply
    if: ${{ inputs.dry == false }}
    runs-on: ubuntu-latest
    steps: [{run: echo never}]
"""
HELLO = """
name: hello
inputs: {who: {required: true}}
runs: {using: composite, steps: [{shell: bash, env: {WHO: "${{ inputs.who }}"}, run: 'echo "hello $WHO"'}]}
"""


def test_a_dispatched_run_works_on_its_commit_and_reports_all_there_is(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOST_ONLY", "leaked")
    files = {"apply.yml": APPLY, "actions/hello/action.yml": HELLO}
    files |= {"./.env": "HOST_ONLY=dotenv", "./.actrc": "--env HOST_ONLY=actrc", "./.secrets": "KEY=dotted"}
    facts = {
        "environment": {"EXTRA": "given"},
        "secrets": {"KEY": "hush-hush"},
        "variables": {"REGION": "eu-west-1"},
    }
    with make(files, **facts) as world:
        head = world.head
        run = world.ran("apply.yml", {"request_id": "aw-7"})
        assert (run.status, run.conclusion, run.name) == ("completed", "success", "apply aw-7"), run.log
        assert (run.event, run.head_sha, run.actor) == ("workflow_dispatch", head, "sallyport-bot")
        assert run.inputs == {"request_id": "aw-7", "dry": "true"}
        assert run.summary == "### Applied *one* change\n"
        for line in (
            "hello aw-7",
            f"repository=acme/infra api={world.github.url} server={world.github.url}",
            f"sha={head} ref=refs/heads/main actor=sallyport-bot event=workflow_dispatch run={run.id}",
            "dry=true region=eu-west-1 secret=*** length=9 extra=given leak=\n",
            f"commit={head} branch=main",
        ):
            assert line in run.log + "\n"
        assert "hush-hush" not in run.log
        assert [(one.name, one.conclusion) for one in run.jobs] == [("apply", "success"), ("later", "skipped")]
        seen = world.api().get_workflow_run(run.id)
        assert (seen.status, seen.conclusion, seen.display_title) == ("completed", "success", "apply aw-7")
        assert [step.name for step in next(iter(seen.jobs())).steps][-1] == "look around"
        assert [one.id for one in world.api().get_workflow("apply.yml").get_runs(created=">=2020-01-01")] == [
            run.id
        ]
        page = requests.get(seen.html_url, timeout=10).text
        assert "apply aw-7" in page
        assert "### Applied *one* change" in page
        assert [one.name for one in (tmp_path / "work" / "runs").iterdir()] == [f"{run.id}.log"]


def test_the_file_of_the_dispatched_ref_is_the_one_that_runs(make: Make) -> None:
    with make({"x.yml": job("      - run: echo on-main\n")}) as world:
        main = world.head
        world.write({".github/workflows/x.yml": job("      - run: echo on-branch\n")})
        changed = world.head
        world.repository._git("update-ref", "refs/heads/topic/one", changed)
        world.repository._git("update-ref", "refs/heads/main", main)
        assert "on-branch" in world.ran("x.yml", ref="topic/one").log
        assert "on-main" in world.ran("x.yml", ref="refs/heads/main").log


@pytest.mark.parametrize(
    ("ref", "inputs", "message"),
    [
        ("fail", {"request_id": "x"}, "No ref found for: fail"),
        ("main", {}, "Required input 'request_id' not provided"),
        ("main", {"request_id": "x", "who": "me"}, 'Unexpected inputs provided: ["who"]'),
        ("main", {"request_id": "x", "dry": "maybe"}, "Provided value 'maybe' for input 'dry' not in the list"),
    ],
)
def test_a_wrong_dispatch_is_422_and_starts_nothing(
    make: Make, ref: str, inputs: dict[str, str], message: str
) -> None:
    with make({"apply.yml": APPLY}) as world:
        with pytest.raises(pygithub.GithubException) as refused:
            world.dispatch("apply.yml", inputs, ref)
        assert refused.value.status == 422
        assert str(refused.value.message).startswith(message)
        assert world.github.runs == []


def test_a_dispatch_of_an_unknown_or_other_workflow_is_refused_and_of_a_known_one_may_stay_silent(
    make: Make,
) -> None:
    with make(
        {"push.yml": job("      - run: 'true'\n", on="push"), "x.yml": job("      - run: 'true'\n")}
    ) as world:
        with pytest.raises(pygithub.UnknownObjectException):
            world.dispatch("nope.yml")
        with pytest.raises(pygithub.GithubException, match="does not have 'workflow_dispatch' trigger"):
            world.dispatch("push.yml")
        assert world.api().get_workflow("x.yml").create_dispatch("main", throw=True) is True
        world.github.wait_idle(30)
        assert [run.conclusion for run in world.github.runs] == ["success"]


def test_the_jobs_token_has_the_files_permissions_and_dies_with_the_run(make: Make, tmp_path: Path) -> None:
    steps = """
      - env: {TOKEN: "${{ github.token }}"}
        shell: python
        run: |
          import os, urllib.error, urllib.request
          def call(path):
              request = urllib.request.Request(os.environ["GITHUB_API_URL"] + "/repos/acme/infra" + path)
              request.add_header("Authorization", "Bearer " + os.environ["TOKEN"])
              try:
                  return urllib.request.urlopen(request).status
              except urllib.error.HTTPError as error:
                  return error.code
          print("contents", call("/git/ref/heads/main"), "actions", call("/actions/runs"))
          with open(os.environ["OUTSIDE"], "w") as kept: kept.write(os.environ["TOKEN"])
"""
    outside = tmp_path / "token"
    text = job(steps, top="permissions: {contents: read}")
    with make({"x.yml": text}, environment={"OUTSIDE": str(outside)}) as world:
        assert "contents 200 actions 403" in world.ran("x.yml").log
        with pytest.raises(pygithub.BadCredentialsException):
            world.api(outside.read_text())


def test_a_checkout_needs_contents_read_and_a_push_contents_write(make: Make) -> None:
    steps = """
      - uses: actions/checkout@v5
        with: {fetch-depth: 0}
      - run: |
          git -c user.name=x -c user.email=x@example.com commit --quiet --allow-empty -m "from a job"
          git push --quiet origin HEAD:main
"""
    files = {
        "none.yml": job(steps, top="permissions: {}"),
        "read.yml": job(steps, top="permissions: {contents: read}"),
        "write.yml": job(steps, top="permissions: {contents: write}"),
    }
    with make(files) as world:
        assert "has no contents: read" in world.ran("none.yml").log
        denied = world.ran("read.yml")
        assert (denied.conclusion, "may not push" in denied.log) == ("failure", True)
        assert world.ran("write.yml").conclusion == "success"
        assert world.repository.commit(world.head).message == "from a job"
        assert len(world.github.runs) == 3


def test_a_checkout_takes_a_branch_or_a_sha_and_a_path(make: Make) -> None:
    steps = """
      - uses: actions/checkout@v5
        with: {{ref: main, path: policies-of-main}}
      - uses: actions/checkout@v5
        with: {{ref: {sha}, path: old}}
      - run: |
          echo "main=$(git -C policies-of-main rev-parse HEAD) old=$(git -C old rev-parse HEAD)"
          echo "depth=$(git -C old rev-list --count HEAD)"
"""
    with make({}) as world:
        old, _ = world.write({"a.txt": "a"})
        world.write({".github/workflows/x.yml": job(steps.format(sha=old))})
        log = world.ran("x.yml").log
        assert f"main={world.head} old={old}" in log
        assert "depth=1" in log


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (job("      - run: echo\n").replace("ubuntu-latest", "macos-14"), "no runner has the label 'macos-14'"),
        (job("      - run: echo\n", of_job="environment: prod"), "there is no environment 'prod'"),
        (job(f"      - uses: evil/action@{SHA}\n"), f"uses: evil/action@{SHA}"),
        (job("      - uses: docker://alpine\n"), "uses: docker://alpine"),
        (job("      - uses: ./nope\n"), "under 'nope'"),
        (job("      - uses: actions/checkout@v5\n        with: {lfs: true}\n"), "does not support with: lfs"),
        (job("      - run: echo\n", top="run-name: ${{ github.actor == 'x' }}"), "github.actor == 'x'"),
        (job("      - run: cancelled()\n        if: ${{ nope.x }}\n"), "nope"),
    ],
)
def test_what_github_or_the_stand_in_cannot_run_fails_and_the_log_says_why(
    make: Make, text: str, message: str
) -> None:
    with make({"x.yml": text}) as world:
        run = world.ran("x.yml")
        assert (run.conclusion, message in run.log) == ("failure", True), run.log


def test_a_job_gets_the_secrets_of_its_environment(make: Make) -> None:
    steps = '      - env: {A: "${{ secrets.ROLE }}"}\n        run: echo "length=${#A}"\n'
    inputs = "{workflow_dispatch: {inputs: {where: {type: string}}}}"
    text = job(steps, on=inputs, of_job="environment: ${{ inputs.where }}")
    with make({"x.yml": text}, environments={"prod": Environment(secrets={"ROLE": "abcd"})}) as world:
        assert "length=4" in world.ran("x.yml", {"where": "prod"}).log
        assert world.ran("x.yml", {"where": "nonprod"}).conclusion == "failure"


def test_the_legs_of_a_matrix_are_judged_by_their_own_steps(make: Make) -> None:
    steps = """
      - run: test ${{ matrix.v }} != 1
      - run: exit 3
        continue-on-error: true
"""
    text = job(steps, of_job="strategy: {fail-fast: false, matrix: {v: [1, 2, 3]}}")
    with make({"x.yml": text}) as world:
        run = world.ran("x.yml")
        assert run.conclusion == "failure"
        assert sorted(str(one.conclusion) for one in run.jobs) == ["failure", "success", "success"]


FOR_OTHERS = """
name: X
on: workflow_dispatch
jobs:
  record:
    if: github.actor != vars.COORDINATOR_LOGIN
    runs-on: ubuntu-latest
    outputs: {any: "${{ steps.record.outputs.any }}", found: "${{ steps.record.outputs.found }}"}
    steps:
      - id: record
        run: |
          echo "any=true" >> "$GITHUB_OUTPUT"
          echo 'found=[{"name": "dev"}, {"name": "prod"}]' >> "$GITHUB_OUTPUT"
  merged:
    needs: record
    if: ${{ !cancelled() && needs.record.outputs.any == 'true' }}
    runs-on: ubuntu-latest
    strategy: {fail-fast: false, matrix: {place: "${{ fromJSON(needs.record.outputs.found) }}"}}
    steps: [{run: "echo at-${{ matrix.place.name }}"}]
"""


@pytest.mark.parametrize(
    ("login", "conclusion", "jobs"),
    [
        ("sallyport-bot", "skipped", [("merged", "skipped"), ("record", "skipped")]),
        ("other-bot", "success", [("merged-1", "success"), ("merged-2", "success"), ("record", "success")]),
    ],
)
def test_a_run_whose_jobs_are_all_skipped_is_skipped_and_none_has_failed_for_its_matrix(
    make: Make, login: str, conclusion: str, jobs: list[tuple[str, str]]
) -> None:
    with make({"x.yml": FOR_OTHERS}, variables={"COORDINATOR_LOGIN": login}) as world:
        run = world.ran("x.yml")
        assert run.conclusion == conclusion, run.log
        assert sorted((one.name, one.conclusion) for one in run.jobs) == jobs


SLOW = """
      - run: echo "started $$"; sleep 300 & echo "child $!"; wait
      - if: always()
        run: echo cleaned-up
"""


def children(log: str) -> list[int]:
    return [int(found) for found in re.findall(r"(?:started|child) (\d+)", log)]


def lives(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_job_over_its_time_is_cancelled_with_its_processes_and_its_clean_up_runs(make: Make) -> None:
    with make({"x.yml": job(SLOW, of_job="timeout-minutes: 0.02")}) as world:
        run = world.ran("x.yml")
        assert (run.conclusion, run.jobs[0].conclusion) == ("cancelled", "cancelled")
        assert "has exceeded its maximum execution time" in run.log
        assert "cleaned-up" in run.log
        assert not any(map(lives, children(run.log)))


def test_closing_leaves_no_process_behind_not_even_one_that_ignores_the_interrupt(make: Make) -> None:
    stubborn = """
      - if: always()
        run: trap '' INT TERM HUP; echo "started $$"; sleep 300 & echo "child $!"; wait; wait
      - if: always()
        run: trap '' INT TERM HUP; echo "started $$"; sleep 300 & echo "child $!"; wait
"""
    with make({"x.yml": job(stubborn)}, grace=0.5) as world:
        world.dispatch("x.yml")
        until(lambda: len(children(world.github.runs[0].log)) == 2)
        assert all(map(lives, children(world.github.runs[0].log)))
        world.github.close()
        run = world.github.runs[0]
        assert run.conclusion == "cancelled"
        until(lambda: not any(map(lives, children(run.log))))


def test_queue_max_keeps_every_run_of_a_group_and_default_groups_drop_the_older_waiting_one(make: Make) -> None:
    def text(group: str) -> str:
        return job("      - run: echo\n", top=f"concurrency: {group}")

    with make({"all.yml": text("{group: a, queue: max}"), "last.yml": text("b")}) as world:
        for _ in range(3):
            world.dispatch("all.yml")
        for _ in range(3):
            world.dispatch("last.yml")
        world.github.wait_idle(40)
        ends = {
            name: [one.conclusion for one in world.github.runs if one.workflow == name]
            for name in ("all.yml", "last.yml")
        }
        assert ends["all.yml"] == ["success"] * 3
        assert ends["last.yml"][0] == ends["last.yml"][2] == "success"
        assert ends["last.yml"][1] in {"cancelled", "success"}


def test_a_completed_run_is_started_again_as_its_next_attempt_and_no_other(make: Make) -> None:
    with make({"one.yml": job("      - run: exit 1\n")}) as world:
        world.dispatch("one.yml")
        world.github.wait_idle(40)
        (run,) = world.github.runs
        url = f"{world.github.url}/repos/acme/infra/actions/runs/{run.id}/rerun"
        answers = [requests.post(url, headers={"Authorization": "Bearer ghp_bot"}, timeout=10) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 403]
        world.github.wait_idle(40)
        assert [(one.id, one.attempt, one.conclusion) for one in world.github.runs] == [(run.id, 2, "failure")]


AWS = """
      - uses: aws-actions/configure-aws-credentials@v6
        with:
          role-to-assume: arn:aws:iam::111111111111:role/apply
          aws-region: eu-west-1
          role-session-name: SESSION
      - shell: python
        run: |
          import boto3
          print("i am", boto3.client("sts").get_caller_identity()["Arn"])
"""


def test_a_job_with_an_identity_token_assumes_its_aws_role_and_one_without_fails(make: Make) -> None:
    from moto.server import ThreadedMotoServer

    aws = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    aws.start()
    try:
        host, port = aws.get_host_and_port()
        good = AWS.replace("SESSION", "sallyport-aw-7")
        files = {
            "yes.yml": job(good, of_job="permissions: {id-token: write}"),
            "no.yml": job(good, of_job="permissions: {contents: read}"),
            "odd.yml": job(AWS.replace("SESSION", "a/b"), of_job="permissions: {id-token: write}"),
        }
        with make(files, environment={"AWS_ENDPOINT_URL": f"http://{host}:{port}"}) as world:
            assumed = world.ran("yes.yml")
            assert "i am arn:aws:sts::111111111111:assumed-role/apply/sallyport-aw-7" in assumed.log, assumed.log
            assert "no permission id-token: write" in world.ran("no.yml").log
            assert "role-session-name" in world.ran("odd.yml").log
            assert [one.conclusion for one in world.github.runs] == ["success", "failure", "failure"]
    finally:
        aws.stop()
