"""When an end has failed so often that people must take it back by hand: said by itself, and at every sweep again.

Counted are scheduled sweeps, as they have reported to GitHub; the coordinator's own tries, a minute apart, are not
three sweeps. Where sweeps do not run, or nobody can tell what they did, the time since the deadline counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta

from actions import messages
from actions.job import Job
from actions.results import News
from sallyport.outcomes import Outcome, Result
from sallyport.platforms.errors import PlatformError
from sallyport.reports import EXPIRE, outcomes_of

SWEEPS = 3  # that may fail before it is escalated
SWEEP = timedelta(minutes=15)  # as expire.yml is scheduled
ESCALATED_AFTER = SWEEPS * SWEEP
LOOKED_BACK = 8 * SWEEP  # GitHub may start a scheduled sweep late, or leave one out


def escalations(job: Job, news: Iterable[News]) -> Iterator[tuple[str, str]]:
    """Yield an alarm of its own, with its key, for each end that failed now and in the sweeps before."""
    failed = [item for item in news if item.is_failed_end and not item.left]
    before = _failed_before(job) if failed else Counter[str]()
    for item in failed:
        outcome, now = item.outcome, job.clock()
        sweeps, late = before[outcome.request_id] + 1, now - (outcome.expires_at or now)
        if sweeps >= SWEEPS or late >= ESCALATED_AFTER:
            ticket = item.entry.ticket if item.entry else None
            yield f"{outcome.request_id}:escalated", messages.escalated(outcome.request_id, late, sweeps, ticket)


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
