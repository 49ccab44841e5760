"""Premises for the tests that run journeys in their own process, and which cells a run of all tests takes.

The whole matrix takes minutes, so that a run that does not name this folder takes a sample of it: another one for
each commit, and always the same for one commit.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.faults.bench import quiet
from tests.faults.premises import Premises, open_premises

HERE = Path(__file__).parent
SAMPLE = 40  # pieces of work of the matrix


@pytest.fixture(scope="module")
def premises(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
    """Everything that runs share, in this process, which keeps its log to itself."""
    folder: Path = tmp_path_factory.mktemp("premises")
    with quiet(), open_premises(folder) as opened:
        yield opened


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave a sample of the matrix, unless it was asked for by its path."""
    if any(_is_here(config.invocation_params.dir / arg.partition("::")[0]) for arg in config.args):
        return
    matrix = [item for item in items if "bench" in getattr(item, "fixturenames", ())]
    kept = {item.nodeid for item in random.Random(_commit()).sample(matrix, min(SAMPLE, len(matrix)))}
    left_out = [item for item in matrix if item.nodeid not in kept]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say below a failure how to repeat it."""
    report = yield
    if report.failed:
        report.sections.append(("repeat this cell", f".venv/bin/python -m pytest '{item.nodeid}'"))
    return report


def _is_here(path: Path) -> bool:
    return path.resolve().is_relative_to(HERE)


def _commit() -> str:
    """Return the seed of the sample: the commit that is tested, where git tells it."""
    command = ["git", "-C", str(HERE), "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
