"""What `actions validate` tells the people who wrote policies and entries."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from actions.commands import validate
from actions.events import PullEvent
from actions.job import Job
from sallyport.reviews import PullRequest
from tests.actions.world import World, whitelisting


@pytest.fixture
def job(world: World) -> Job:
    entry = world.entry()
    world.add(entry)
    return world.job()


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.strip().split("\n")


def test_what_is_right_is_said_to_be_right(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate.run(job, ()) == 0
    assert said(capsys) == ["No problem in policies and 1 entry."]


def test_every_problem_of_every_file_is_told_in_one_pass_with_its_place(
    job: Job, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = job.workspace.root / "requests" / "api-whitelisting"
    broken = (
        world.entry("aw-222222").to_yaml().replace("method: POST", "method: PSOT").replace("api: pay", "apo: pay")
    )
    (folder / "aw-222222.yaml").write_text(broken)
    (folder / "aw-333333.yaml").write_text("id: [")
    assert validate.run(job, ()) == 1
    lines = said(capsys)
    assert any(
        line.startswith("requests/api-whitelisting/aw-222222.yaml:10:8: unknown field “apo”") for line in lines
    )
    assert any("method cannot be “PSOT”; did you mean “POST”?" in line for line in lines)
    assert any(line.startswith("requests/api-whitelisting/aw-333333.yaml:") for line in lines)
    assert any(
        line.startswith("::error file=requests/api-whitelisting/aw-222222.yaml,line=10,col=8::") for line in lines
    )
    assert "unknown field “apo”" in world.summary


def test_ten_problems_are_annotated_and_all_are_printed(
    job: Job, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2, 10):
        for letter in "ab":
            file = job.workspace.root / f"requests/api-whitelisting/aw-{letter}2222{number}.yaml"
            file.write_text("id: [")
    assert validate.run(job, ()) == 1
    lines = said(capsys)
    assert sum(line.startswith("::error") for line in lines) == 10
    assert sum(line.startswith("requests/") for line in lines) == 16


class TestInAPullRequest:
    def test_what_is_right_and_not_reviewed_is_no_problem_and_names_who_may_review(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pull = world.pulls.open(world.written())
        assert self.validate(world, pull) == 0
        [line, _, verdict] = said(capsys)
        assert line.startswith("requests/api-whitelisting/aw-7k3m9q.yaml:2:1: it has 0 of 1 approvals")
        assert line.endswith("Lee Wong (leewong), Sam Okafor (sam-okafor) may review it")
        assert verdict == "No problem in 1 entry. 1 still needs a review."
        assert "What reviews have to add" in world.summary

    def test_a_review_that_counts_is_missed_no_more(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pull = world.pulls.open(world.written())
        world.pulls.review(pull)
        assert self.validate(world, pull) == 0
        assert said(capsys) == ["No problem in 1 entry."]

    def test_only_what_it_changes_is_looked_at(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        world.commit("Break something", {"requests/api-whitelisting/aw-222222.yaml": b"id: ["})
        pull = world.pulls.open(world.written())
        assert self.validate(world, pull) == 0
        assert "No problem in 1 entry" in said(capsys)[-1]

    def test_the_records_of_jobs_are_not_its_to_write(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        record = b"id: aw-7k3m9q\nfacts: {}\n"
        pull = world.pulls.open(world.written() | {"requests/api-whitelisting/aw-7k3m9q.before.yaml": record})
        assert self.validate(world, pull) == 1
        assert "written by jobs alone" in said(capsys)[0]

    def test_nobody_asks_in_the_name_of_another(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        pull = world.pulls.open(world.written(), author="kimberg")
        assert self.validate(world, pull) == 0
        assert "it says that ana@example.com asks for it, and kim@example.com opened" in said(capsys)[0]

    def validate(self, world: World, pull: PullRequest) -> int:
        job = world.job(branch=f"pull-{pull.number}")
        event = PullEvent(pull.number, pull.url, pull.author, pull.head, "main", is_fork=False)
        return validate.run(replace(job, pull=event), (), "origin/main")


def test_what_no_review_could_mend_is_a_problem(
    job: Job, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    [(path, content)] = world.written("pa-222222", expires_in="30d").items()
    (job.workspace.root / path).write_bytes(content)
    assert validate.run(job, (path,)) == 1
    assert "it would live longer than 8h" in said(capsys)[0]


def test_what_the_catalogue_or_policy_refuses_is_told_at_the_change(
    job: Job, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = world.entry("aw-222222", changes=(whitelisting("paymnets"),), approvals=())
    (job.workspace.root / entry.path).write_text(entry.to_yaml())
    assert validate.run(job, (entry.path,)) == 1
    text = "\n".join(said(capsys))
    assert "did you mean “payments”?" in text


def test_missing_approvals_are_told(job: Job, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    entry = world.entry("aw-222222", approvals=())
    (job.workspace.root / entry.path).write_text(entry.to_yaml())
    assert validate.run(job, (entry.path,)) == 1
    assert "0 of 1 approvals" in "\n".join(said(capsys))


def test_a_change_of_policy_is_held_against_the_entries_in_force(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    apis = job.workspace.root / "policies" / "catalogue" / "apis.yaml"
    apis.write_text(apis.read_text().replace("payments:", "payment:", 1))
    assert validate.run(job, ("policies/catalogue/apis.yaml",)) == 1
    assert any("requests/api-whitelisting/aw-7k3m9q.yaml" in line for line in said(capsys))


def test_broken_policies_do_not_hide_broken_entries(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    (job.workspace.root / "policies" / "people.yaml").write_text("people: 7\n")
    (job.workspace.root / "requests" / "api-whitelisting" / "aw-222222.yaml").write_text("id: [")
    assert validate.run(job, ()) == 1
    text = "\n".join(said(capsys))
    assert "policies/people.yaml" in text
    assert "aw-222222" in text


def test_a_broken_schema_is_a_problem_and_no_traceback(job: Job) -> None:
    (job.workspace.root / "policies" / "schemas" / "entry.schema.json").write_text("{")
    assert validate.run(job, ()) == 1


@pytest.mark.parametrize("path", ["../outside.yaml", "/etc/passwd", "README.md"])
def test_a_path_outside_is_refused(job: Job, path: str) -> None:
    assert validate.run(job, (path,)) == 1


def test_a_link_is_not_an_entry(job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (job.workspace.root / "requests" / "api-whitelisting" / "aw-222222.yaml").symlink_to("/etc/hostname")
    assert validate.run(job, ()) == 1
    assert "a symbolic link is not an entry" in "\n".join(said(capsys))


def test_a_hostile_value_begins_no_command_and_no_markup(
    job: Job, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    file = job.workspace.root / "requests" / "api-whitelisting" / "aw-222222.yaml"
    entry = world.entry("aw-222222").to_yaml()
    hostile = '"\\n::add-mask::x\\n<img src=x>|`"'
    file.write_text(entry.replace("environment: prod", f"environment: {hostile}"))
    assert validate.run(job, ()) == 1
    lines = said(capsys)
    assert [line for line in lines if line.startswith("::")] == [x for x in lines if x.startswith("::error file=")]
    assert "<img" not in world.summary


def test_a_deleted_path_has_nothing_to_check(job: Job) -> None:
    assert validate.run(job, ("requests/api-whitelisting/aw-999999.yaml",)) == 0


def test_an_empty_requests_folder_is_fine(job: Job) -> None:
    shutil.rmtree(job.workspace.root / "requests")
    assert validate.run(job, ()) == 0
