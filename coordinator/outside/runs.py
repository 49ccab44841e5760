"""GitHub Actions: starts the jobs that change AWS, and learns from their reports what they did.

The coordinator changes nothing in AWS itself; a dispatch names a request and a commit, never what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from coordinator.head import Head
from coordinator.journal import Again, Done, Work
from coordinator.lifecycle import Armed, Happening, Lane, Move
from coordinator.requests import Request, State
from sallyport.audit import Deed
from sallyport.documents import JSON
from sallyport.entries import path_of
from sallyport.outcomes import CHECK_NAME, Outcome, Result, load_outcomes
from sallyport.platforms.github import GitHub
from sallyport.platforms.github_answers import Run, RunState
from sallyport.policies import Policies
from sallyport.times import parse_moment

APPLY, EXPIRE = "apply.yml", "expire.yml"
JOB = "github-actions"
AGAIN = timedelta(minutes=1)  # between two attempts to revert
CLOCKS = timedelta(minutes=5)  # how far GitHub's clock may be behind ours

Job = tuple[Work, Request]
_DEEDS = {Result.APPLIED: Deed.APPLIED, Result.ALREADY: Deed.APPLIED, Result.REFUSED: Deed.REFUSED}


@dataclass(frozen=True, slots=True)
class Runs:
    """The effects `dispatch`, `watch`, `expire` and `watch-expiry`."""

    github: GitHub
    policies: Callable[[], Policies]
    now: Callable[[], datetime]
    alert: Callable[[str, str], None]
    head: Head

    def dispatch(self, work: Work, request: Request) -> Done:
        """Start the job that applies the entry, unless an earlier attempt has started it."""
        change, catalogue = request.changes[0], self.policies().catalogue
        inputs = {
            "request_id": request.id,
            "commit": str(request.result("commit")["commit"]),
            "environment": request.environment,
            "lock": change.lock(request.environment, catalogue),
        }
        run = self._started(work, request, APPLY) or self.github.dispatch(APPLY, inputs)
        happening = Happening(
            Deed.DISPATCHED, self.now(), "coordinator", {"run": str(run.id), "url": run.html_url}
        )
        return Done({"run": run.id, "url": run.html_url}, then=Move(happening, State.APPLYING))

    def watch(self, _work: Work, request: Request) -> Done | Again:
        """Learn what the job did once it is over; nothing is told before."""
        run = self.github.run(int(request.result("dispatch")["run"]))
        if run.status != "completed":
            return Again(self.now() + _patience(self.now() - run.created_at))
        self.head.latest()  # jobs commit too, and the next approval shall not stumble over it
        outcome = self._outcome(run, request.id)
        if outcome is None:
            sentence = f"The job ended ({run.conclusion}) without saying what it did."
            return Done(then=_failed(Deed.FAILED, sentence, self.now(), run))
        if outcome.result.good:
            details = _details(outcome, run)
            return Done(then=Move(Happening(Deed.APPLIED, outcome.at, JOB, details), State.ACTIVE, outcome.detail))
        deed = _DEEDS.get(outcome.result, Deed.FAILED)
        return Done(then=_failed(deed, outcome.detail, outcome.at, run, outcome))

    def expire(self, jobs: Sequence[Job]) -> list[Done]:
        """Start one job that reverts everything that is due."""
        work, request = jobs[0]
        run = self._started(work, request, EXPIRE) or self.github.dispatch(EXPIRE, {"request_id": request.id})
        return [Done({"run": run.id, "url": run.html_url}) for _ in jobs]

    def watch_expiry(self, _work: Work, request: Request) -> Done | Again:
        """See the entry gone from the repository: whoever reverted it, this or the scheduled sweep."""
        run = self.github.run(int(request.result("expire")["run"]))
        if run.status != "completed":
            return Again(self.now() + _patience(self.now() - run.created_at))
        outcome = self._outcome(run, request.id)
        if self.github.file(path_of(request.flow, request.id)) is not None:
            return self._overdue(request, run, outcome)
        sentence = outcome.detail if outcome else "A sweep has taken it back."
        at = outcome.at if outcome else self.now()
        details: dict[str, JSON] = _details(outcome, run) if outcome else {"detail": sentence, "url": run.html_url}
        ended = Happening(Deed.REVERTED, at, JOB, details)
        known = {"continued_by": outcome.continued_by} if outcome and outcome.continued_by else {}
        return Done(known, then=lambda standing: _over(standing.state, ended, sentence))

    def _overdue(self, request: Request, run: RunState, outcome: Outcome | None) -> Done:
        """Say loudly that it is still there, and try again: nothing may outlive its deadline."""
        why = outcome.detail if outcome else f"the job ended ({run.conclusion}) without saying why"
        self.alert(request.id, f"{request.id} is past its deadline and not taken back: {why} {run.html_url}")
        due = self.now() + AGAIN
        return Done(
            arm=(
                Armed("expire", "expire", Lane.EXPIRY, due, after="commit"),
                Armed("watch-expiry", "watch-expiry", Lane.RUNS, due, after="expire"),
            )
        )

    def _started(self, work: Work, request: Request, workflow: str) -> Run | None:
        """Look for the run that an attempt with unknown outcome may have started."""
        if not work.uncertain:
            return None
        since = request.submitted_at if workflow == APPLY else _end_of(request)
        return self.github.find_run(workflow, request.id, since - CLOCKS)

    def _outcome(self, run: RunState, request_id: str) -> Outcome | None:
        reports = self.github.check_runs(run.head_sha, CHECK_NAME)
        outcomes = (o for r in reports if r.external_id == str(run.id) for o in _outcomes_in(r.text))
        return next((outcome for outcome in outcomes if outcome.request_id == request_id), None)


def _end_of(request: Request) -> datetime:
    """Return when the entry was to be taken back: at its deadline, or at its withdrawal before that."""
    withdrawn = request.result("withdraw").get("at")
    ends = [request.expires_at, parse_moment(withdrawn) if withdrawn else None]
    return min((end for end in ends if end), default=request.submitted_at)


def _outcomes_in(text: str) -> tuple[Outcome, ...]:
    """Return what a report says; one that makes no sense says nothing, and so the job has failed."""
    try:
        return load_outcomes(text)
    except ValueError:
        return ()


def _over(state: State, ended: Happening, sentence: str) -> Move:
    """Return what the end of an entry means for a request in *state*: it may have become live just now."""
    match state:
        case State.APPROVED | State.APPLYING:
            late = "Its time was over before it was applied."
            failed = replace(ended, deed=Deed.FAILED, details={**ended.details, "detail": late})
            return Move(failed, State.FAILED, late)
        case State.FAILED:
            return Move(ended)
        case _:
            return Move(ended, State.ENDED, sentence)


def _failed(deed: Deed, sentence: str, at: datetime, run: RunState, outcome: Outcome | None = None) -> Move:
    details: dict[str, JSON] = _details(outcome, run) if outcome else {"detail": sentence, "url": run.html_url}
    return Move(Happening(deed, at, JOB, details), State.FAILED, sentence)


def _details(outcome: Outcome, run: RunState) -> dict[str, JSON]:
    goes_on: dict[str, JSON] = {"continued_by": outcome.continued_by} if outcome.continued_by else {}
    return {
        **goes_on,
        "result": outcome.result.value,
        "detail": outcome.detail,
        "evidence": list(outcome.evidence),
        "run": str(run.id),
        "url": run.html_url,
    }


def _patience(age: timedelta) -> timedelta:
    """Return the pause before the next look: short while the job is young."""
    return timedelta(seconds=min(max(age.total_seconds() / 10, 0.5), 15))
