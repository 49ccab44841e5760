"""GitHub Actions: starts the jobs that change AWS, and learns from their reports what they did.

The coordinator changes nothing in AWS itself; a dispatch names a request and a commit, never what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from coordinator.alerts import Kind
from coordinator.head import Head
from coordinator.journal import Again, Done, Work
from coordinator.lifecycle import RESTARTED, Armed, Happening, Lane, Move, on_withdrawal
from coordinator.outside.awaiting import Awaiting, ended_again, started_again
from coordinator.outside.watching import REST, Watching
from coordinator.requests import Request, State
from coordinator.states import FOLLOWS
from coordinator.wording import EARLY_END, UNREPORTED_END
from sallyport.audit import Deed
from sallyport.documents import JSON
from sallyport.entries import path_of
from sallyport.outcomes import Outcome, Result, Untold
from sallyport.platforms.errors import NotYet, a_look
from sallyport.platforms.github import GitHub
from sallyport.platforms.github_answers import Run, RunState
from sallyport.policies import Policies
from sallyport.reports import APPLY, EXPIRE
from sallyport.times import parse_moment

COORDINATOR, JOB = "coordinator", "github-actions"
AGAIN = timedelta(minutes=1)  # between two attempts to revert
ATTEMPTS = 3  # at a job that ends without a word
BROKEN = frozenset({"failure", "timed_out"})  # and not "cancelled": then a person wants it to end
TOGETHER = timedelta(seconds=5)  # until all those are known for whom one more job has to be started
LISTED = timedelta(seconds=10)  # until GitHub lists a run that was started
CLOCKS = timedelta(minutes=5)  # how far GitHub's clock may be behind ours

Job = tuple[Work, Request]
NOTHING = Done(asked=False)  # what there is to do for an entry that was never committed


_UNTOLD = {
    Untold.UNKNOWN: "The job ended ({conclusion}) without saying what it did: it may have been applied. "
    "It is being taken back to be sure.",
    Untold.UNREPORTED: UNREPORTED_END,
    Untold.NOT_REVERTED: "The job ended ({conclusion}) without saying why.",
}
_AFTER = {"watch": "dispatch", "watch-expiry": "expire"}
_DEEDS = {Result.APPLIED: Deed.APPLIED, Result.ALREADY: Deed.APPLIED, Result.REFUSED: Deed.REFUSED}


@dataclass(frozen=True, slots=True)
class Runs:
    """The effects `dispatch`, `watch`, `expire` and `watch-expiry`."""

    github: GitHub
    policies: Callable[[], Policies]
    now: Callable[[], datetime]
    alert: Callable[[str, str], None]
    head: Head
    watching: Watching
    awaiting: Awaiting

    def place(self, request: Request) -> tuple[str, str, str]:
        """Return for which flow, environment and lock a job of the request is: one job is for one of these."""
        lock = request.changes[0].lock(request.environment, self.policies().catalogue)
        return request.flow, request.environment, lock

    def dispatch(self, jobs: Sequence[Job]) -> list[Done]:
        """Start one job that applies all these entries of one place, unless an earlier attempt has started it.

        It is started for the first of them, and for the others besides: of those it may say nothing, where it
        began before their entries were there. Of those that waited for AWS another's job may have told meanwhile.
        """
        told = {
            request.id: run
            for _, request in jobs
            if request.is_committed and (run := self._applied_by_another(request))
        }
        left = [(work, request) for work, request in jobs if request.is_committed and request.id not in told]
        started = iter(self._start(left) if left else ())
        return [
            _heard_from(told[one.id], one) if one.id in told else next(started) if one.is_committed else NOTHING
            for _, one in jobs
        ]

    def _start(self, jobs: Sequence[Job]) -> list[Done]:
        first, last = jobs[0][1], jobs[-1][1]
        _, environment, lock = self.place(first)
        inputs = {
            "request_id": first.id,
            "commit": str(last.result("commit")["commit"]),
            "environment": environment,
            "lock": lock,
        }
        if others := " ".join(request.id for _, request in jobs[1:]):
            inputs["also"] = others
        found = ((request.id, self._started(work, request, APPLY)) for work, request in jobs)
        named, run = next(((one, run) for one, run in found if run), (first.id, None))
        run = run or self.github.dispatch(APPLY, inputs)
        result = {"run": run.id, "url": run.html_url, "for": named}
        details = {"run": str(run.id), "url": run.html_url, "resource": lock}
        started = Happening(Deed.DISPATCHED, self.now(), COORDINATOR, details)
        then = lambda standing: _begun(standing, started)  # noqa: E731 - the same for all of them
        return [Done({**result, "turn": turn}, then=then) for turn, _ in enumerate(jobs)]

    def watch(self, work: Work, request: Request) -> Done | Again:
        """Learn what the job did once it is over; nothing is told before."""
        if not request.is_committed:
            return NOTHING
        run = self.watching.look(APPLY, int(request.result("dispatch")["run"]))
        if isinstance(run, Again):
            return run
        if self.watching.is_news(run):
            self.head.latest()  # jobs commit too, and the next approval shall not stumble over it
        now, outcomes = self.now(), {one.request_id: one for one in self.watching.outcomes(run)}
        outcome, first = outcomes.get(request.id), request.result("dispatch").get("for", request.id)
        if outcome is None and first != request.id:
            dies = first not in outcomes and _has_died(run)
            if dies:
                return Again(now + REST)  # the other has it started again
            return self._asked_again(work, request)
        if outcome is None and _has_died(run):
            return self._restarted(work, request, run)
        if outcome is None:
            unknown = Happening(Deed.FAILED, now, JOB, _untold(Untold.UNKNOWN, run))
            return Done(then=lambda standing: _heard(standing.state, unknown, State.FAILED, now))
        if outcome.unanswered:
            return self.awaiting.unanswered(work, request, outcome, run)
        self.awaiting.heard(request, outcome)
        deed = _DEEDS.get(outcome.result, Deed.FAILED)
        heard = Happening(deed, outcome.at, JOB, _details(outcome, run))
        to = State.ACTIVE if outcome.result.good else State.FAILED
        kept = work.result if outcome.result is Result.REFUSED else {}  # a refusal has made nothing either
        return Done(kept, then=lambda standing: _heard(standing.state, heard, to, now))

    def expire(self, jobs: Sequence[Job]) -> list[Done]:
        """Start one job that reverts everything that is due."""
        given = [job for job in jobs if job[1].is_committed]
        if not given:
            return [NOTHING for _ in jobs]
        work, request = given[0]
        run = self._started(work, request, EXPIRE) or self.github.dispatch(EXPIRE, {"request_id": request.id})
        done = Done({"run": run.id, "url": run.html_url})
        return [done if request.is_committed else NOTHING for _, request in jobs]

    def watch_expiry(self, work: Work, request: Request) -> Done | Again:
        """See the entry gone from the repository: whoever reverted it, this or the scheduled sweep."""
        if not request.is_committed:
            return NOTHING
        run = self.watching.look(EXPIRE, int(request.result("expire")["run"]))
        if isinstance(run, Again):
            return run
        outcome = self._outcome(run, request.id)
        waits = self.awaiting.end_heard(work, request, outcome) if outcome else None
        if waits:
            return waits
        if self._is_there(request, outcome):
            self._alert_overdue(request, run, outcome)
            if (outcome is None or _is_end(outcome)) and _has_died(run):
                return self._restarted(work, request, run)
            return self._overdue(work, run, outcome)
        found = (run, outcome) if _is_end(outcome) else self._end_told_by_another(request)
        if found is None or found[1] is None:
            ended = Happening(Deed.REVERTED, self.now(), JOB, _untold(Untold.UNREPORTED, run))
        else:
            ended = Happening(Deed.REVERTED, found[1].at, JOB, _details(found[1], found[0]))
        continued = str(ended.details.get("continued_by", ""))
        known = {"continued_by": continued} if continued else {}
        return Done(known, then=lambda standing: _over(standing.state, ended))

    def _is_there(self, request: Request, outcome: Outcome | None) -> bool:
        """Tell whether its entry is still in the repository; a job that failed to take it back has said so."""
        failed = outcome is not None and outcome.result is Result.FAILED
        return failed or self.github.file(path_of(request.flow, request.id)) is not None

    def _asked_again(self, work: Work, request: Request) -> Done:
        """Have a job started that says what became of a request, after one that ended without a word about it."""
        turn = int(request.result("dispatch").get("turn", 0))
        due = self.now() + TOGETHER + turn * timedelta.resolution  # in the order in which they waited
        return Done(work.result, arm=started_again(due))

    def _restarted(self, work: Work, request: Request, run: RunState) -> Done:
        """Start a run again whose job died; it finds done what it did, and tells nothing twice.

        People are told the first time, since it takes longer than they were led to expect.
        """
        if _has_died(self.watching.anew(run.id)):  # and nobody was faster
            self.github.rerun(run.id)
        now, name = self.now(), f"{RESTARTED}:{work.kind}"
        payload = {"what": work.kind, "url": run.html_url}
        told = Armed(name, RESTARTED, Lane.SLACK, now, after="thread", payload=payload)
        again = Armed(work.name, work.kind, Lane.RUNS, now + REST, after=_AFTER[work.kind])
        return Done(work.result, arm=(again,) if name in request.armed else (again, told))

    def _alert_overdue(self, request: Request, run: RunState, outcome: Outcome | None) -> None:
        why = str(_still_there(run, outcome)["detail"])
        self.alert(Kind.NOT_REVERTED.about(request.id), not_reverted(request.id, why))

    def _overdue(self, work: Work, run: RunState, outcome: Outcome | None) -> Done:
        """Record that it is still there, and try again by another run: nothing may outlive its deadline."""
        details, now = _still_there(run, outcome), self.now()
        why = str(details["detail"])
        known = work.result.get("fault") == why  # it is a fact once, however often it is tried
        then = None if known else Move(Happening(Deed.NOT_REVERTED, now, JOB, details))
        return Done({**work.result, "fault": why}, then=then, arm=ended_again(now + AGAIN))

    def _end_told_by_another(self, request: Request) -> tuple[RunState, Outcome | None] | None:
        """Look for the sweep that took it back, since the job that was started for it did not."""
        runs = self.watching.since(EXPIRE, end_of(request) - CLOCKS)
        told = ((run, self._outcome(run, request.id)) for run in runs if run.status == "completed")
        return next(((run, outcome) for run, outcome in told if _is_end(outcome)), None)

    def _started(self, work: Work, request: Request, workflow: str) -> Run | None:
        """Look for the run that an earlier attempt may have started; NotYet while GitHub may not list it yet."""
        if work.perhaps_done_at is None:
            return None
        since = request.submitted_at if workflow == APPLY else end_of(request)
        with a_look():
            found = self.github.find_run(workflow, request.id, since - CLOCKS)
        if found and found.id != work.result.get("run"):  # which was for an attempt before
            return found
        if self.now() - work.perhaps_done_at < LISTED:
            what = f"find the run of {request.id}"
            raise NotYet("GitHub", what, "it may list it only later", after=LISTED.total_seconds())
        return None

    def _applied_by_another(self, request: Request) -> RunState | None:
        """Return the run of another's job that has applied what waits for AWS: a job makes all that is missing."""
        if request.unanswered is None:
            return None
        return self.watching.applied_since(request.id, parse_moment(request.result("watch")["tried_at"]))

    def _outcome(self, run: RunState, request_id: str) -> Outcome | None:
        outcomes = self.watching.outcomes(run)
        return next((outcome for outcome in outcomes if outcome.request_id == request_id), None)


def _begun(standing: Request, started: Happening) -> Move | None:
    """Return what the start of a job means; it may be a second one. That it is tried again at AWS is no news."""
    if standing.was_never_made:
        return None
    return Move(started, State.APPLYING) if standing.state is State.APPROVED else Move(started)


def _heard_from(run: RunState, request: Request) -> Done:
    """Return the start of a job that needs none, since *run* tells of the request already."""
    return Done({"run": run.id, "url": run.html_url, "for": request.id, "turn": 0}, asked=False)


def not_reverted(request_id: str, why: str) -> str:
    """Say to the operators that an entry outlives its end."""
    return f"{request_id} has ended, is not taken back yet, and is tried again: {why}"


def _still_there(run: RunState, outcome: Outcome | None) -> dict[str, JSON]:
    return _details(outcome, run) if outcome else _untold(Untold.NOT_REVERTED, run)


def _has_died(run: RunState) -> bool:
    """Tell whether another attempt is worth while at a job that did not get to its end."""
    return run.conclusion in BROKEN and run.attempt < ATTEMPTS


def end_of(request: Request) -> datetime:
    """Return when the entry was to be taken back: at its deadline, or at its withdrawal before that."""
    withdrawn = request.result("withdraw").get("at")
    ends = [request.expires_at, parse_moment(withdrawn) if withdrawn else None]
    return min((end for end in ends if end), default=request.submitted_at)


def _is_end(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.result is Result.REVERTED


def _heard(state: State, heard: Happening, to: State, now: datetime) -> Move:
    """Return what a job's report means for a request in *state*.

    It may come after an end that was recorded without it: the fact stays a fact, and what was applied is taken
    back again, so that the trail ends with what was seen last.
    """
    if to in FOLLOWS.get(state, frozenset()):
        return Move(heard, to, str(heard.details["detail"]))
    return Move(heard, arm=tuple(on_withdrawal(now)) if heard.deed is Deed.APPLIED else ())


def ended_early(request: Request, outcome: Outcome, run: RunState) -> Move | None:
    """Return what it means that a job has ended a live request before its time; None if that is not so.

    An override ends with its use, and what is not proven any more with that: nobody has asked the job to.
    """
    if request.state is not State.ACTIVE or outcome.at >= end_of(request) or outcome.continued_by:
        return None
    ended = Happening(Deed.REVERTED, outcome.at, JOB, _details(outcome, run))
    return Move(ended, State.ENDED, f"{EARLY_END} {outcome.detail}")


def _over(state: State, ended: Happening) -> Move:
    """Return what the end of an entry means for a request in *state*: it may have become live just now."""
    match state:
        case State.APPROVED | State.APPLYING:
            late = "Its time was over before its job had said that it was applied."
            failed = replace(ended, deed=Deed.FAILED, details={**ended.details, "detail": late})
            return Move(failed, State.FAILED, late)
        case State.FAILED | State.CANCELLED:
            return Move(ended)
        case _:
            return Move(ended, State.ENDED, str(ended.details["detail"]))


def _untold(what: Untold, run: RunState) -> dict[str, JSON]:
    """Return the details of a fact that no job has reported: they say what is not known."""
    detail = _UNTOLD[what].format(conclusion=run.conclusion)
    return {"result": what.value, "detail": detail, "run": str(run.id), "url": run.html_url}


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
