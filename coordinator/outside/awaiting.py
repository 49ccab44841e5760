"""AWS, as jobs find it: what they got no answer for waits, and is tried again when it is its turn.

The coordinator never asks AWS itself. A job that is started again for one request sees whether AWS is back; then
the others follow, one job for each target. Nothing waits beyond its own deadline to be applied; what was never
made, as far as anybody knows, waits beyond it to be seen gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from coordinator.hearing import jitter
from coordinator.journal import Done, Journal, Unheard, Work
from coordinator.journal.silences import ITS_OWN
from coordinator.lifecycle import Armed, Happening, Lane, Move, on_silence
from coordinator.requests import Request, State
from coordinator.wording import GAVE_UP, GAVE_UP_EARLY, UNANSWERED
from sallyport.audit import Deed
from sallyport.documents import JSON
from sallyport.outcomes import Outcome
from sallyport.platforms.github_answers import RunState
from sallyport.times import format_moment, parse_moment

LONGEST_WAIT = timedelta(days=1)  # an approval is for what was so when it was given
FIRST_PAUSE = timedelta(minutes=1)  # of one that has no luck while others have, and twice as long each time
LONGEST_PAUSE = timedelta(minutes=10)  # twice the longest between two looks, so that meanwhile others have a turn
COORDINATOR, JOB = "coordinator", "github-actions"


@dataclass(frozen=True, slots=True)
class Awaiting:
    """The effects `aws`, `aws-end` and `give-up`, and what the reports of jobs say of AWS."""

    journal: Journal
    now: Callable[[], datetime]

    def turns(self, jobs: Sequence[tuple[Work, Request]]) -> list[Done]:
        """Have jobs started again for those whose turn it is, unless they wait no longer."""
        if not any(request.unanswered for _, request in jobs):
            self.journal.pass_on(Lane.AWS, jobs[0][0].lease, self.now())
        return [_turn(work, request) for work, request in jobs]

    def unanswered(self, work: Work, request: Request, outcome: Outcome, run: RunState) -> Done:
        """Let a request wait for which AWS gave no answer; what became of it meanwhile stays as it is.

        Its approval gives it its place among those that wait. That it waits is a fact once, however often it is
        tried.
        """
        now, lease = self.now(), _lease(request)
        if request.state is not State.APPLYING:
            self.journal.pass_on(Lane.AWS, lease, now)
            return Done(work.result)
        tries, since = int(work.result.get("tries", 0)), _since(request, outcome)
        is_silent = self.journal.unheard(Lane.AWS, Unheard(now, jitter()), lease, tries)
        rest = now if is_silent and tries < ITS_OWN else now + _pause(tries)
        until = _limit(request, since)
        known = {
            "unanswered_since": format_moment(since),
            "tried_at": format_moment(outcome.at),
            "tried_until": format_moment(until),
            "tries": tries + 1,
        }
        waits = Happening(Deed.UNANSWERED, outcome.at, JOB, _details(outcome, run, until))
        again = Armed("aws", "aws", Lane.AWS, _place(request), not_before=rest, away_since=since)
        first = None if tries else (lambda standing: _waits(standing, waits, until, now))
        return Done(known, then=first, arm=(again,))

    def ends(self, jobs: Sequence[tuple[Work, Request]]) -> list[Done]:
        """Have a job started again that takes back what is over, whose turn it is."""
        return [Done({"lease": work.lease}, arm=ended_again(self.now()), asked=False) for work, _ in jobs]

    def end_heard(self, work: Work, request: Request, outcome: Outcome) -> Done | None:
        """Let the end of what was never made wait for AWS without a word, as long as AWS answers nobody.

        Its silence is told once. None for an end that came, or that people must hear of.
        """
        now, lease, tries = self.now(), _lease(request, "aws-end"), int(work.result.get("tries", 0))
        if not outcome.unanswered:
            self._end_answered(work, outcome, lease)
            return None
        if not request.was_never_made or not self.journal.unheard(Lane.AWS, Unheard(now, jitter()), lease, tries):
            return None
        since = str(work.result.get("unanswered_since", format_moment(outcome.at)))
        rest = now if tries < ITS_OWN else now + _pause(tries)
        place = min(request.expires_at or now, now)  # it may have been cancelled before its time
        again = Armed("aws-end", "aws-end", Lane.AWS, place, not_before=rest, away_since=parse_moment(since))
        return Done({"unanswered_since": since, "tries": tries + 1}, arm=(again,))

    def _end_answered(self, work: Work, outcome: Outcome, lease: str) -> None:
        """Note that AWS has answered an end that waited for it, or that nobody has asked it."""
        if "unanswered_since" not in work.result:
            return
        if outcome.result.good:
            self.journal.answered(Lane.AWS, self.now())
        else:
            self.journal.pass_on(Lane.AWS, lease, self.now())

    def heard(self, request: Request, outcome: Outcome) -> None:
        """Note an answer of AWS: what waits for it is tried again, in the order in which it has waited.

        A job that failed or refused may not have asked AWS at all: then another one sees whether it is back.
        """
        if outcome.result.good:
            self.journal.answered(Lane.AWS, self.now())
        elif lease := _lease(request):
            self.journal.pass_on(Lane.AWS, lease, self.now())

    def give_up(self, _work: Work, _request: Request) -> Done:
        """Wait no longer; what was applied or ended meanwhile stays as it is."""
        now = self.now()
        return Done(then=lambda standing: _given_up(standing, now))


def started_again(due: datetime) -> tuple[Armed, ...]:
    """Have another job started for a request, and watched."""
    return (
        Armed("dispatch", "dispatch", Lane.DISPATCH, due, after="commit"),
        Armed("watch", "watch", Lane.RUNS, due, after="dispatch"),
    )


def ended_again(due: datetime) -> tuple[Armed, ...]:
    """Have another job started that takes a request back, and watched."""
    return (
        Armed("expire", "expire", Lane.EXPIRY, due, after="commit"),
        Armed("watch-expiry", "watch-expiry", Lane.RUNS, due, after="expire"),
    )


def _turn(work: Work, request: Request) -> Done:
    """Use a turn; whether AWS is back its job will tell."""
    if request.unanswered is None:
        return Done(asked=False)
    return Done({"lease": work.lease}, arm=started_again(work.due), asked=False)


def _lease(request: Request, effect: str = "aws") -> str:
    """Return the lease under which it had its turn; empty if it had none."""
    return str(request.result(effect).get("lease", ""))


def _since(request: Request, outcome: Outcome) -> datetime:
    return request.unanswered.since if request.unanswered else outcome.at


def _place(request: Request) -> datetime:
    """Return the moment that gives it its place among those that wait: when it was approved, and had begun."""
    decided = (decision.at for decision in request.approvals)
    return max([request.begins_at or request.submitted_at, *decided])


def _limit(request: Request, since: datetime) -> datetime:
    """Return until when it is tried: as long as it would be live, and no longer than an approval waits."""
    longest = since + LONGEST_WAIT
    return min(longest, request.expires_at) if request.expires_at else longest


def _pause(tries: int) -> timedelta:
    return min(FIRST_PAUSE * 2.0 ** min(tries, 10), LONGEST_PAUSE) * jitter()


def _details(outcome: Outcome, run: RunState, until: datetime) -> dict[str, JSON]:
    return {
        "detail": UNANSWERED.format(until=format_moment(until)),
        "fault": outcome.detail,
        "tried_until": format_moment(until),
        "run": str(run.id),
        "url": run.html_url,
    }


def _waits(standing: Request, waits: Happening, until: datetime, now: datetime) -> Move | None:
    """Return the move of one that begins to wait."""
    if standing.state is not State.APPLYING:
        return None
    return Move(waits, arm=tuple(on_silence(standing, now, until)))


def _given_up(standing: Request, now: datetime) -> Move | None:
    """Return the end of a wait that led to nothing."""
    waits = standing.unanswered
    if waits is None:
        return None
    over = standing.expires_at is not None and now >= standing.expires_at
    words = GAVE_UP if over else GAVE_UP_EARLY
    closing = words.format(since=format_moment(waits.since), until=format_moment(now))
    return Move(Happening(Deed.FAILED, now, COORDINATOR, {"detail": closing}), State.FAILED, closing)
