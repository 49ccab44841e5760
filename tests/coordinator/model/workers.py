"""What workers do: they claim due effects, do them with the product's own handlers, and crash at every point.

An effect that is done and not recorded yet is an `Attempt`; it may be recorded late, twice, or never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule

from coordinator.audit.exporting import Exporting
from coordinator.head import Head
from coordinator.journal import Again, Done, Work
from coordinator.journal.effects import LEASE
from coordinator.lifecycle import Lane, on_ticket
from coordinator.outside.awaiting import Awaiting
from coordinator.outside.clock import begin, time_out
from coordinator.outside.commits import Commits
from coordinator.outside.confirmations import Confirmations
from coordinator.outside.messages import Messages
from coordinator.outside.reminders import Reminders
from coordinator.outside.runs import Runs
from coordinator.outside.watching import Watching
from coordinator.reconciler import BATCHED
from coordinator.requests import Request, State
from tests.coordinator.fakes import KeptSink
from tests.coordinator.model.company import Company, Replica
from tests.coordinator.model.life import Life, Review
from tests.coordinator.model.outside import Ends, Jobs, MemorySlack

MESSAGES = ("thread", "card", "reply", "tell", "remind", "nudged", "restarted", "alarm", "announce")
OF_JOBS = (Lane.COMMIT, Lane.DISPATCH, Lane.RUNS, Lane.EXPIRY, Lane.AWS)
BUSY = (*OF_JOBS, Lane.CLOCK, Lane.SLACK, Lane.JIRA, Lane.AUDIT)
STEPS = (Lane.CLOCK, *OF_JOBS, Lane.JIRA, Lane.SLACK, Lane.AUDIT)


@dataclass(frozen=True)
class Attempt:
    """What a worker has done and not recorded yet."""

    at: int
    work: Work
    answer: Done | Again
    heard: Review | None = None  # what, as the model judges it, was to be heard of GitHub's reviews


class Hands:
    """The product's handlers at one replica, at the company's Slack, GitHub and AWS."""

    def __init__(self, replica: Replica, slack: MemorySlack, sink: KeptSink) -> None:
        company, journal, policies = replica.company, replica.journal, replica.directory.policies
        now, head = (lambda: company.now), Head(company.github)  # type: ignore[arg-type]  # the same methods
        messages = Messages(slack, journal, policies, "C0ALERTS")  # type: ignore[arg-type]  # what it uses of it
        watching = Watching(company.github, now)  # type: ignore[arg-type]
        awaiting = Awaiting(journal, now)
        runs = Runs(company.github, policies, now, lambda *_: None, head, watching, awaiting)  # type: ignore[arg-type]
        commits = Commits(company.github, lambda: company.installed.signer, policies, now, head)  # type: ignore[arg-type]
        confirmations = Confirmations(company.github, replica.directory, policies, now, head)  # type: ignore[arg-type]
        reminders = Reminders(replica.directory, policies, now)
        self._now = now
        self._batch = {"commit": commits.commit, "withdraw": commits.withdraw, "expire": runs.expire}
        self._batch |= {"aws": awaiting.turns, "aws-end": awaiting.ends}
        self._single: dict[str, Any] = {
            "ticket": self._ticket,
            **{kind: getattr(messages, kind) for kind in MESSAGES},
            "dispatch": lambda work, request: runs.dispatch([(work, request)])[0],
            "watch": runs.watch,
            "watch-expiry": runs.watch_expiry,
            "branch": confirmations.branch,
            "proposal": confirmations.propose,
            "pull": confirmations.ask,
            "confirm": confirmations.watch,
            "unpull": confirmations.close,
            "unbranch": confirmations.clear,
            "begin": begin,
            "give-up": awaiting.give_up,
            "timeout": time_out,
            "reminder": reminders.reminder,
            "nudge": reminders.nudge,
            "audit": Exporting(journal, sink, now).export,
        }

    def do(self, works: Sequence[tuple[Work, Request]]) -> list[Done | Again]:
        kind = works[0][0].kind
        if kind in self._batch:
            return list(self._batch[kind](works))
        return [self._single.get(kind, self._elsewhere)(work, request) for work, request in works]

    def _ticket(self, _work: Work, request: Request) -> Done:
        ticket = {"key": "OPS-1", "url": "https://jira.test/OPS-1"}
        return Done(ticket, arm=tuple(on_ticket(request, self._now())))

    def _elsewhere(self, work: Work, _request: Request) -> Done:
        """JIRA's other effects: nothing that a request's life hangs on."""
        return Done({"key": "OPS-2", "url": "https://jira.test/OPS-2"})


class Workers(RuleBasedStateMachine):
    """The steps of workers, of GitHub's jobs, and of the clock."""

    company: Company
    replicas: tuple[Replica, Replica]
    hands: tuple[Hands, Hands]
    jobs: Jobs
    leased: dict[tuple[str, str], tuple[str, datetime]]
    lives: dict[str, Life]

    works = Bundle("works")  # attempts in the hands of a worker
    spent = Bundle("spent")  # attempts that were recorded already, and may be again

    @rule(target=works, at=st.sampled_from([0, 1]), lane=st.sampled_from(BUSY), limit=st.integers(1, 5))
    def work(self, at: int, lane: Lane, limit: int) -> object:
        """A worker claims what is due and does it, but has not recorded it yet."""
        return multiple(*self._claim(at, lane, limit))

    @rule(at=st.sampled_from([0, 1]), turns=st.integers(2, 5), ends=st.sampled_from([Ends.WELL] * 4 + [*Ends]))
    def work_through(self, at: int, turns: int, ends: Ends) -> None:
        """What is due gets done and recorded, and what follows from it, with the jobs, some turns far."""
        for _ in range(turns):
            for lane in STEPS:
                for attempt in self._claim(at, lane, 50):
                    self._record(attempt)
            self.jobs.run_next(ends)
            self.company.now += timedelta(seconds=15)

    @rule(target=spent, attempt=consumes(works))
    def record(self, attempt: Attempt) -> Attempt:
        self._record(attempt)
        return attempt

    @rule(attempt=spent)
    def record_again(self, attempt: Attempt) -> None:
        self._record(attempt)

    @rule(attempt=consumes(works), seconds=st.integers(0, 600))
    def put_back(self, attempt: Attempt, seconds: int) -> None:
        """The answer got lost on its way."""
        due = self.company.now + timedelta(seconds=seconds)
        self.replicas[attempt.at].journal.retry(attempt.work, due, "no answer", uncertain=True)
        self._release(attempt.work)

    @rule(attempt=consumes(works))
    def crash(self, attempt: Attempt) -> None:
        """The worker is gone without a word; its lease will run out."""

    @rule(what=st.sampled_from([*Ends, "dies", "is scheduled"]))
    def a_job(self, what: str) -> None:
        """GitHub runs a job to its end, or loses it; or its schedule starts a sweep."""
        match what:
            case "dies":
                self.jobs.dies()
            case "is scheduled":
                self.company.github.sweeps()
            case _:
                self.jobs.run_next(Ends(what))

    @rule(seconds=st.sampled_from([1, 91, 91, 1200, 1800, 3600, 9 * 3600]))
    def wait(self, seconds: int) -> None:
        self.company.now += timedelta(seconds=seconds)

    def _claim(self, at: int, lane: Lane, limit: int) -> list[Attempt]:
        journal, jobs = self.replicas[at].journal, []
        for work in journal.claim(lane, self.company.now, limit):
            _, until = self.leased.get((work.request_id, work.name), ("", self.company.now))
            assert until <= self.company.now, "an effect is in one worker's hands"
            self.leased[work.request_id, work.name] = (work.lease, self.company.now + LEASE)
            jobs.append((work, journal.request(work.request_id)))
        attempts = []
        for kind in dict.fromkeys(work.kind for work, _ in jobs):
            same = [job for job in jobs if job[0].kind == kind]
            batches = [same] if lane in BATCHED else [[job] for job in same]
            for batch in batches:
                answers = self.hands[at].do(batch)
                attempts += [
                    Attempt(at, work, answer, self._heard(at, work, request))
                    for (work, request), answer in zip(batch, answers, strict=True)
                ]
        return attempts

    def _heard(self, at: int, work: Work, request: Request) -> Review | None:
        """Return what somebody who looks at the reviews now has to make of them."""
        if work.kind != "confirm" or request.state is not State.CONFIRMING:
            return None
        life = self.lives[request.id]
        return life.word(self.replicas[at].view.confirmers(life.requester))

    def _record(self, attempt: Attempt) -> None:
        journal, work = self.replicas[attempt.at].journal, attempt.work
        before = journal.request(work.request_id).state
        if isinstance(attempt.answer, Again):
            journal.put_off(work, attempt.answer.due)
        else:
            journal.finish(work, attempt.answer)
        if before is State.CONFIRMING and work.kind == "confirm" and self._holds(work):
            if attempt.heard is not None:
                self.lives[work.request_id].hear(attempt.heard)
            after = journal.request(work.request_id).state
            assert (after is State.CONFIRMING) == (attempt.heard is None), "a review counts once it is seen"
        self._release(work)

    def _holds(self, work: Work) -> bool:
        return self.leased.get((work.request_id, work.name), ("", None))[0] == work.lease

    def _release(self, work: Work) -> None:
        if self._holds(work):
            del self.leased[work.request_id, work.name]
