"""A workflow file as act has to be given it, so that the run comes out as on GitHub. Lines keep their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

_OUTPUT = re.compile(r"(?<=fromJSON\()\s*(needs\.([\w-]+)\.outputs\.[\w-]+)\s*(?=\))")


def for_act(source: str) -> str:
    """Return the same workflow in act's dialect."""
    return _with_matrices_of_skipped_jobs(without_concurrency(source))


def without_concurrency(source: str) -> str:
    """Blank out every `concurrency` line by line: act rejects `queue`."""
    lines = source.split("\n")
    top = yaml.compose(source, Loader=yaml.SafeLoader)
    for key, value in (pair for node in (top, *_jobs(top)) for pair in _pairs(node)):
        if key.value == "concurrency":
            lines[key.start_mark.line : _end(value, lines)] = [""] * (_end(value, lines) - key.start_mark.line)
    return "\n".join(lines)


def _with_matrices_of_skipped_jobs(source: str) -> str:
    """Give a matrix no legs where the job that would name them was skipped.

    GitHub asks a job's `if` before it looks at its matrix. act does so after it, has no outputs of a skipped job,
    and fails the run.
    """
    lines = source.split("\n")
    for job in _jobs(yaml.compose(source, Loader=yaml.SafeLoader)):
        for key, value in (
            pair for name, node in _pairs(job) if name.value == "strategy" for pair in _pairs(node)
        ):
            if key.value == "matrix":
                for number in range(key.start_mark.line, _end(value, lines)):
                    lines[number] = _OUTPUT.sub(r"needs.\2.result == 'skipped' && '[]' || \1", lines[number])
    return "\n".join(lines)


def _jobs(top: Any) -> Iterator[Any]:
    return (job for key, found in _pairs(top) if key.value == "jobs" for _, job in _pairs(found))


def _end(value: Any, lines: list[str]) -> int:
    """Return the first line after a value."""
    mark = value.end_mark
    return int(mark.line) + (len(lines[mark.line][: mark.column].strip()) > 0)


def _pairs(node: Any) -> list[tuple[Any, Any]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []
