"""The files and lines by which a step speaks to GitHub Actions: outputs, the job's summary, annotations.

Outside a job they are absent, and then nothing is written. What people typed is encoded, so that no value can
end its field or begin a workflow command of its own.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actions.markdown import bounded
from sallyport.problems import Problem

SUMMARY_BYTES = 1_000_000  # GitHub drops a step's summary of more than 1 MiB whole
ANNOTATIONS = 10  # that many of a step are shown
_LINE_BREAK = re.compile(r"\r\n|\r")  # beside a newline, what the runner takes for one
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Runner:
    """Where this step's outputs and summary go."""

    output: Path | None = None
    summary: Path | None = None
    annotates: bool = False

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Runner:
        def path(name: str) -> Path | None:
            return Path(variables[name]) if variables.get(name) else None

        annotates = variables.get("GITHUB_ACTIONS") == "true"
        return cls(path("GITHUB_OUTPUT"), path("GITHUB_STEP_SUMMARY"), annotates)

    def put(self, values: Mapping[str, str]) -> None:
        """Write the step's outputs; a value may have any content, and any line break of it becomes a newline."""
        if self.output is None:
            return
        with self.output.open("a", encoding="utf-8") as file:
            for name, value in values.items():
                end, text = f"end-{secrets.token_hex(16)}", _LINE_BREAK.sub("\n", value)
                file.write(f"{name}<<{end}\n{text}\n{end}\n")

    def summarise(self, markdown: str) -> None:
        """Add to the job's summary."""
        if self.summary is not None:
            with self.summary.open("a", encoding="utf-8") as file:
                file.write(bounded(markdown.rstrip("\n") + "\n", SUMMARY_BYTES))


def annotation(problem: Problem) -> str:
    """Return the workflow command that shows *problem* in the diff."""
    return _command("error", problem)


def notice(problem: Problem) -> str:
    """Return the workflow command that shows in the diff what is no fault, such as a review to come."""
    return _command("notice", problem)


def _command(level: str, problem: Problem) -> str:
    place = problem.place
    where = {"file": place.file} if place else {}
    if place and place.line:
        where |= {"line": str(place.line), "col": str(place.column)}
    fields = ",".join(f"{name}={_property(value)}" for name, value in where.items())
    return f"::{level}{' ' if fields else ''}{fields}::{_data(problem.sentence)}"


def one_line(text: str) -> str:
    """Return *text* as one line that no runner takes for a command."""
    line = _CONTROL.sub(" ", text).strip().replace("##[", "## [")
    return f"· {line}" if line.startswith("::") else line


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
