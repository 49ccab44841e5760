"""When an end has failed so often that people must take it back by hand: said by itself, and at every sweep again.

Counted are scheduled sweeps, as they have reported to GitHub; the coordinator's own tries, a minute apart, are not
three sweeps. Where sweeps do not run, or nobody can tell what they did, the time since the deadline counts.

An end that waits for AWS is left out where the last job that was to apply it has reported that AWS gave no answer:
then nothing of it was ever made, and nobody could do more than wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from actions import messages
from actions.job import Job
from actions.results import News
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import PlatformError
from sallyport.platforms.github_answers import RunState
from sallyport.reports import APPLY, EXPIRE, outcomes_of

SWEEPS = 3  # that may fail before it is escalated
SWEEP = timedelta(minutes=15)  # as expire.yml is scheduled
ESCALATED_AFTER = SWEEPS * SWEEP
LOOKED_BACK = 8 * SWEEP  # GitHub may start a scheduled sweep late, or leave one out
WAITED = timedelta(days=2)  # what waits for AWS is given up after a day
READ = 50  # reports that are read at most: each costs calls, of which a job must leave some to others


def escalations(job: Job, news: Iterable[News]) -> Iterator[tuple[str, str]]:
    """Yield an alarm of its own, with its key, for each end that failed now and in the sweeps before."""
    failed = [item for item in news if item.is_failed_end]
    before = _failed_before(job) if failed else Counter[str]()
    counts = {item.outcome.request_id: before[item.outcome.request_id] + 1 for item in failed}
    late = [
        item for item in failed if counts[item.outcome.request_id] >= SWEEPS or _late(item, job) >= ESCALATED_AFTER
    ]
    never = _never_made(job, [item for item in late if item.left])
    for item in late:
        request_id, ticket = item.outcome.request_id, item.entry.ticket if item.entry else None
        if request_id not in never:
            text = messages.escalated(request_id, _late(item, job), counts[request_id], ticket)
            yield f"{request_id}:escalated", text


def _late(item: News, job: Job) -> timedelta:
    now = job.clock()
    return now - (item.outcome.expires_at or now)


def _failed_before(job: Job) -> Counter[str]:
    """Return how many scheduled sweeps before this run have failed, by id; none where GitHub does not tell."""
    try:
        runs = job.writer.runs_of(EXPIRE, job.clock() - LOOKED_BACK, event="schedule")
        others = [run for run in runs if str(run.id) != job.run.id]
        failed = [_failed_in(outcomes_of(job.writer, run)) for run in others]
    except PlatformError:
        return Counter()
    return Counter(one for ids in failed for one in ids)


def _failed_in(outcomes: Iterable[Outcome]) -> frozenset[str]:
    return frozenset(outcome.request_id for outcome in outcomes if outcome.result is Result.FAILED)


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
