"""The command line: its names, its speed, and what it says when something is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from actions.__main__ import main
from tests.actions.fakes import git
from tests.actions.world import World

ROOT = Path(__file__).parents[2]


def test_help_imports_nothing_heavy() -> None:
    script = "import sys, actions.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"boto3", "yaml", "structlog", "jsonschema", "slack_sdk", "jira", "github"} & set(
        done.stdout.split()
    )


def test_a_sweep_with_nothing_to_do_imports_no_platform(world: World) -> None:
    script = f"import sys, runpy; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['actions', 'due']\n"
    script += "try: runpy.run_module('actions', run_name='__main__')\nexcept SystemExit: print(*sys.modules)"
    root = world.job().workspace.root
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert "Nothing is due." in done.stdout
    assert not {"boto3", "slack_sdk", "jira", "github"} & set(done.stdout.split())


def test_every_command_is_listed() -> None:
    listed = CliRunner().invoke(main, ["--help"]).output
    assert all(
        name in listed for name in ("apply", "drift", "due", "expire", "plan", "target", "validate", "watched")
    )


def test_all_missing_settings_are_told_at_once(world: World) -> None:
    root = world.job().workspace.root
    order = ["apply", "--request-id", "aw-7k3m9q", "--commit", "x", "--environment", "prod", "--lock", "x"]
    done = subprocess.run(
        [sys.executable, "-m", "actions", *order],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PYTHONPATH": str(ROOT),
            "JIRA_URL": "http://localhost:1",
            "ALERT_CHANNEL": "C0ALERTS",
            "PATH": "/usr/bin",
        },
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN", "JIRA_TOKEN", "SLACK_BOT_TOKEN"):
        assert name in done.stderr


def test_a_folder_that_is_no_repository_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "requests").mkdir()
    git(tmp_path, "--version")
    done = subprocess.run(
        [sys.executable, "-m", "actions", "due"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
    )
    assert done.returncode == 1
    assert "not a git repository" in done.stderr
    assert "Traceback" not in done.stderr
