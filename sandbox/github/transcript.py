"""What act says while a run goes on (`--json`, one object a line), read into a log, a summary and job results.

act calls every leg of a matrix failed once one leg has failed: a leg is judged by its own steps.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_NOISE = ("LocalRepositoryCache", "Cleaning up container")


@dataclass(frozen=True, slots=True)
class StepResult:
    name: str
    conclusion: str


@dataclass(frozen=True, slots=True)
class JobResult:
    """One job, or one leg of its matrix; `conclusion` is None while it runs."""

    id: str
    name: str
    conclusion: str | None
    steps: tuple[StepResult, ...] = ()
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass
class _JobSoFar:
    id: str
    name: str
    is_leg: bool
    started_at: datetime
    conclusion: str | None = None
    completed_at: datetime | None = None
    failed: bool = False
    tolerated: set[str] = field(default_factory=set)
    steps: list[StepResult] = field(default_factory=list)

    def view(self) -> JobResult:
        times = (self.started_at, self.completed_at)
        return JobResult(self.id, self.name, self.conclusion, tuple(self.steps), *times)


class Transcript:
    """Fed by the reader of one act process, looked at by everybody."""

    def __init__(self, workflow_name: str) -> None:
        self._prefix = f"{workflow_name}/"
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._summary: list[str] = []
        self._jobs: dict[str, _JobSoFar] = {}
        self._silent: list[JobResult] = []
        self._interrupted = False

    @property
    def log(self) -> str:
        with self._lock:
            return "\n".join(self._lines)

    @property
    def summary(self) -> str:
        with self._lock:
            return "".join(self._summary)

    @property
    def jobs(self) -> tuple[JobResult, ...]:
        with self._lock:
            return (*(job.view() for job in self._jobs.values()), *self._silent)

    def say(self, text: str) -> None:
        """A line of the stand-in's own."""
        with self._lock:
            self._lines.append(text)

    def hear(self, line: str) -> None:
        """A line of act's output."""
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        with self._lock:
            if isinstance(said, dict):
                self._note(said)
            elif line.strip():
                self._lines.append(line.rstrip())

    def interrupt(self) -> None:
        """From now on a job that fails has been cancelled."""
        with self._lock:
            self._interrupted = True

    def settle(self, job_ids: Iterable[str]) -> None:
        """At the end: a running job was killed, and a job never heard of was skipped or cancelled."""
        with self._lock:
            for job in self._jobs.values():
                if job.conclusion is None:
                    job.conclusion, job.completed_at = "cancelled" if self._interrupted else "failure", _now()
            heard = {job.id for job in self._jobs.values()}
            unheard = "cancelled" if self._interrupted else "skipped"
            self._silent = [JobResult(name, name, unheard) for name in job_ids if name not in heard]

    def overdue(self, minutes: Mapping[str, float]) -> str | None:
        """The name of a running job that has taken longer than its own limit."""
        now = _now()
        with self._lock:
            for job in self._jobs.values():
                if job.conclusion is None and (now - job.started_at).total_seconds() > minutes[job.id] * 60:
                    return job.name
        return None

    def _note(self, said: Mapping[str, Any]) -> None:
        text = str(said.get("msg", "")).rstrip("\n")
        if "jobID" not in said:
            self._lines.append(text)
            return
        job = self._job(said)
        if not text.startswith(_NOISE):
            self._lines.extend(f"[{job.name}] {line}" for line in text.split("\n"))
        if said.get("command") == "summary":
            self._summary.append(str(said.get("content", "")))
        self._note_step(job, said, text)
        if "jobResult" in said:
            job.conclusion, job.completed_at = self._verdict(job, str(said["jobResult"])), _now()

    def _job(self, said: Mapping[str, Any]) -> _JobSoFar:
        key = str(said["job"])
        if key not in self._jobs:
            name = key.removeprefix(self._prefix).strip()
            self._jobs[key] = _JobSoFar(str(said["jobID"]), name, bool(said.get("matrix")), _now())
        return self._jobs[key]

    def _note_step(self, job: _JobSoFar, said: Mapping[str, Any], text: str) -> None:
        place: list[str] = said.get("stepID") or said.get("stepid") or []
        if len(place) != 1:
            return  # a step inside a composite action; the action's own result follows
        step = f"{said.get('stage', '')} {place[0]}"
        if text.startswith("Failed but continue"):
            job.tolerated.add(step)
        if "stepResult" not in said:
            return
        result = str(said["stepResult"])
        job.failed = job.failed or (result == "failure" and step not in job.tolerated)
        if said.get("stage") == "Main":
            job.steps.append(StepResult(str(said.get("step", "")), result))

    def _verdict(self, job: _JobSoFar, result: str) -> str:
        if result == "failure" and self._interrupted:
            return "cancelled"
        if job.is_leg:
            return "failure" if job.failed else "success"
        return result


def _now() -> datetime:
    return datetime.now(UTC)
