"""What the jobs of a run have reported, as GitHub keeps it: read by the coordinator, and by later jobs.

What another run, or another app, says of a run does not count.
"""

from __future__ import annotations

from typing import Protocol

from sallyport.outcomes import CHECK_NAME, Outcome, load_outcomes
from sallyport.platforms.github_answers import ACTIONS, CheckRun, RunState

APPLY = "apply.yml"  # the workflow that applies what the coordinator has committed
EXPIRE = "expire.yml"  # the workflow that takes back what has ended


class Checks(Protocol):
    """What reading reports needs of the GitHub client."""

    def check_runs(self, head_sha: str, name: str) -> tuple[CheckRun, ...]: ...


def outcomes_of(github: Checks, run: RunState) -> list[Outcome]:
    """Return what the jobs of a run have reported."""
    checks = github.check_runs(run.head_sha, CHECK_NAME)
    reports = [one for one in checks if one.external_id == str(run.id) and one.app == ACTIONS]
    return [outcome for one in reports for outcome in _outcomes_in(one.text)]


def _outcomes_in(text: str) -> tuple[Outcome, ...]:
    """Return what a report says; one that makes no sense says nothing, and so the job has failed."""
    try:
        return load_outcomes(text)
    except ValueError:
        return ()
