"""What was never made, as the jobs that were to apply it have reported: its end can wait for AWS without a word.

Nobody could do more than wait for it, and AWS's silence is told once. Whatever is in force, or may be, is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from actions.job import Job
from actions.results import News
from sallyport.outcomes import Outcome
from sallyport.platforms.errors import PlatformError
from sallyport.platforms.github_answers import RunState
from sallyport.reports import APPLY, outcomes_of

WAITED = timedelta(days=2)  # what waits for AWS is given up after a day
READ = 50  # reports that are read at most: each costs calls, of which a job must leave some to others


def quieted(job: Job, news: Sequence[News]) -> list[News]:
    """Return the same, with the ends that wait for AWS of what was never made left to the coordinator."""
    waiting = {item.outcome.request_id: left for item in news if (left := item.left_to_coordinator).left}
    never = _never_made(job, list(waiting.values())) if waiting else frozenset()
    return [waiting[one] if (one := item.outcome.request_id) in never else item for item in news]


def _never_made(job: Job, waiting: Sequence[News]) -> frozenset[str]:
    """Return those of which the newest report of a job that was to apply them says that AWS gave no answer.

    Where there is none, or a newer job died without one, or GitHub does not tell, it may have been made.
    """
    wanted, found = {item.outcome.request_id for item in waiting}, dict[str, Outcome]()
    try:
        for run in _applying(job, waiting):
            told = outcomes_of(job.writer, run)
            found |= {one.request_id: one for one in told if one.request_id not in found}
            if wanted <= found.keys() or not told:
                break
    except PlatformError:
        return frozenset()
    return frozenset(one for one in wanted & found.keys() if found[one].unanswered)


def _applying(job: Job, waiting: Iterable[News]) -> Iterable[RunState]:
    """Return the jobs that may have been at any of them and are over, newest first."""
    decided = [moment for item in waiting if item.entry for moment in item.entry.decided]
    if not decided:
        return ()
    runs = job.writer.runs_of(APPLY, max(min(decided), job.clock() - WAITED))
    return [run for run in runs if run.status == "completed"][:READ]
