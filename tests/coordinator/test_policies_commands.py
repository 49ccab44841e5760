"""`coordinator policies test`, `explain` and `reach`: what operators type, and what they are told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from coordinator.__main__ import main
from tests.coordinator.asks import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the repository's policies, for the test to spoil."""
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["policies", *map(str, words)])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


class TestTest:
    def test_counts_the_cases_that_hold(self, folder: Path) -> None:
        done = run("test", folder)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.endswith(" cases: policy says what they expect.\n")

    def test_names_a_flow_that_no_case_tries(self, folder: Path) -> None:
        (folder / "cases/prod-access.yaml").unlink()
        done = run("test", folder)
        assert done.exit_code == 0
        assert done.stdout.endswith("No case tries prod-access.\n")

    def test_tells_every_difference_with_its_line_and_fails(self, folder: Path) -> None:
        edit(folder / "flows/prod-access.yaml", "quorum: 1", "quorum: 2")
        done = run("test", folder)
        assert done.exit_code == 1
        lines = done.stderr.splitlines()
        assert len(lines) > 1
        assert all(line.startswith("policies/cases/prod-access.yaml:") for line in lines)
        assert any(line.endswith("expected a quorum of 1; policy says 2") for line in lines)


@pytest.mark.parametrize("command", ["check", "test"])
def test_cases_that_do_not_fit_their_schema_fail_the_check_too(folder: Path, command: str) -> None:
    edit(folder / "cases/prod-access.yaml", "quorum: 1", "quorums: 1")
    done = run(command, folder)
    assert done.exit_code == 1
    assert "unknown field “quorums”; did you mean “quorum”?" in done.stderr


class TestExplain:
    def test_tells_a_person_in_sentences(self, folder: Path) -> None:
        done = run(
            "explain",
            "prod-access",
            "--as",
            "ana@example.com",
            "--answer",
            "environment=prod",
            "--folder",
            folder,
        )
        assert done.exit_code == 0
        assert "“production” applies: environment is prod." in done.stdout
        assert "permission_set" in done.stdout.partition("Still to answer")[2]

    def test_tells_a_machine_in_json(self, folder: Path) -> None:
        done = run("explain", "prod-access", "--as", "ana@example.com", "--json", "--folder", folder)
        assert json.loads(done.stdout)["missing"] == ["environment", "account", "permission_set", "reason"]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["prod-acess"], "there is no flow prod-acess; did you mean “prod-access”?"),
            (["prod-access", "--answer", "acount=x"], "has no field “acount”; did you mean “account”?"),
            (["prod-access", "--answer", "account"], "“account” is not NAME=VALUE"),
        ],
    )
    def test_says_what_was_mistyped(self, folder: Path, words: list[str], said: str) -> None:
        done = run("explain", *words, "--as", "ana@example.com", "--folder", folder)
        assert done.exit_code != 0
        assert said in done.stderr


class TestReach:
    def test_prints_markdown_and_succeeds_whatever_changed(self, folder: Path) -> None:
        same = run("reach", ROOT / "policies", folder)
        assert (same.exit_code, same.stderr) == (0, "")
        assert "Nobody may do more or less than before." in same.stdout
        edit(folder / "flows/prod-access.yaml", "quorum: 1", "quorum: 2")
        changed = run("reach", ROOT / "policies", folder)
        assert changed.exit_code == 0
        assert "- approvals needed: 1 → 2 (more)" in changed.stdout

    def test_says_which_of_the_two_is_broken(self, folder: Path) -> None:
        (folder / "people.yaml").write_text("]")
        done = run("reach", ROOT / "policies", folder)
        assert done.exit_code == 1
        assert f"the policies in {folder} are broken:\npolicies/people.yaml:1:1" in done.stderr
