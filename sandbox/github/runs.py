"""The workflow runs: their facts, and the queue that starts them, with GitHub's concurrency groups.

One holder per group; the others wait for it, by default only the newest of them. Executing is somebody else's:
the queue is given a function.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.github.transcript import JobResult, Transcript

MOST_WAITING = 100  # of one group with `queue: max`


@dataclass(frozen=True, slots=True)
class Run:
    """One workflow run as it stands now. Times are UTC."""

    id: int
    workflow: str
    workflow_name: str
    name: str
    number: int
    event: str
    ref: str
    head_sha: str
    actor: str
    inputs: Mapping[str, str]
    status: str
    conclusion: str | None
    log: str
    summary: str
    jobs: tuple[JobResult, ...]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    attempt: int


@dataclass(frozen=True, slots=True)
class Claim:
    """The evaluated `concurrency` of a run."""

    group: str
    cancel_in_progress: bool
    queue_max: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A run to be made: what happened, on which commit, and the payload that the jobs will see."""

    workflow: str
    workflow_name: str
    name: str
    number: int
    id: int
    event: str
    ref: str
    head_sha: str
    actor: str
    inputs: Mapping[str, str]
    payload: Mapping[str, Any]
    shown: tuple[str, str] | None = None  # the ref and commit a pull request's run is listed under: its head
    from_fork: bool = False
    claim: Claim | None = None


@dataclass(eq=False)
class Ticket:
    """A run on its way through the queue; only the queue changes it, under its lock."""

    order: Order
    transcript: Transcript
    cancelled: threading.Event = field(default_factory=threading.Event)
    status: str = "queued"
    conclusion: str | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: datetime | None = None
    completed_at: datetime | None = None
    attempt: int = 1

    def view(self) -> Run:
        order, said = self.order, self.transcript
        ref, sha = order.shown or (order.ref, order.head_sha)
        facts = (order.workflow, order.workflow_name, order.name, order.number, order.event, ref)
        state = (self.status, self.conclusion, said.log, said.summary, said.jobs)
        times = (self.created_at, self.started_at, self.completed_at)
        return Run(order.id, *facts, sha, order.actor, order.inputs, *state, *times, self.attempt)


class RunQueue:
    """Starts runs first come, first served, at most `limit` at once, one per concurrency group."""

    def __init__(self, execute: Callable[[Ticket], str], *, limit: int) -> None:
        self._execute = execute
        self._pool = ThreadPoolExecutor(limit, thread_name_prefix="workflow-run")
        self._changed = threading.Condition()
        self._tickets: dict[int, Ticket] = {}
        self._holders: dict[str, Ticket] = {}
        self._waiting: dict[str, list[Ticket]] = {}
        self._closed = False

    def runs(self) -> list[Run]:
        with self._changed:
            return [ticket.view() for ticket in self._tickets.values()]

    def run(self, run_id: int) -> Run | None:
        with self._changed:
            ticket = self._tickets.get(run_id)
            return ticket.view() if ticket else None

    def submit(self, order: Order) -> Run:
        with self._changed:
            if self._closed:
                raise RuntimeError("the stand-in is closed")
            ticket = self._tickets[order.id] = Ticket(order, Transcript(order.workflow_name))
            self._admit(ticket, order.claim)
            return ticket.view()

    def refuse(self, order: Order, reason: str) -> Run:
        """A run that GitHub fails before it starts, with the reason as its log."""
        with self._changed:
            ticket = self._tickets[order.id] = Ticket(order, Transcript(order.workflow_name))
            ticket.transcript.say(reason)
            self._finish(ticket, "failure")
            return ticket.view()

    def rerun(self, run_id: int) -> bool:
        """Start a completed run once more, as a new attempt; False if it is not completed."""
        with self._changed:
            old = self._tickets[run_id]
            if old.status != "completed":
                return False
            fresh = Transcript(old.order.workflow_name)
            ticket = Ticket(old.order, fresh, created_at=old.created_at, attempt=old.attempt + 1)
            self._tickets[run_id] = ticket
            self._admit(ticket, ticket.order.claim)
            return True

    def cancel(self, run_id: int) -> None:
        with self._changed:
            self._cancel(self._tickets[run_id], "The run was canceled.")

    def wait_idle(self, timeout: float) -> None:
        """Until every run has completed; raises TimeoutError naming the others."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._unfinished(), timeout):
                names = ", ".join(
                    f"{one.order.id} ({one.order.workflow}, {one.status})" for one in self._unfinished()
                )
                raise TimeoutError(f"runs not completed after {timeout} s: {names}")

    def close(self) -> None:
        """Cancel what runs and what waits, and return when nothing does any more."""
        with self._changed:
            self._closed = True
            for ticket in self._unfinished():
                self._cancel(ticket, "The stand-in is closing.")
        self._pool.shutdown(wait=True)

    # -- under the lock ----------------------------------------------------------------------------------

    def _unfinished(self) -> list[Ticket]:
        return [ticket for ticket in self._tickets.values() if ticket.status != "completed"]

    def _admit(self, ticket: Ticket, claim: Claim | None) -> None:
        if claim is None:
            self._pool.submit(self._work, ticket)
            return
        group = claim.group.casefold()  # names are case-insensitive, repository-wide
        if group not in self._holders:
            self._holders[group] = ticket
            self._pool.submit(self._work, ticket)
            return
        self._wait(ticket, group, claim)

    def _wait(self, ticket: Ticket, group: str, claim: Claim) -> None:
        waiting = self._waiting.setdefault(group, [])
        reason = f"Canceling since a higher priority waiting request for '{claim.group}' exists"
        if claim.queue_max and len(waiting) >= MOST_WAITING:
            self._cancel(ticket, f"Canceling since {MOST_WAITING} runs already wait for '{claim.group}'")
            return
        if not claim.queue_max:
            for older in list(waiting):
                self._cancel(older, reason)
        waiting.append(ticket)
        if claim.cancel_in_progress:
            self._cancel(self._holders[group], reason)

    def _cancel(self, ticket: Ticket, reason: str) -> None:
        if ticket.status == "completed" or ticket.cancelled.is_set():
            return
        ticket.transcript.say(reason)
        ticket.cancelled.set()
        if ticket not in self._holders.values():
            for waiting in self._waiting.values():
                if ticket in waiting:
                    waiting.remove(ticket)
        if ticket.status == "queued":
            self._finish(ticket, "cancelled")
            self._release(ticket)

    def _finish(self, ticket: Ticket, conclusion: str) -> None:
        ticket.status, ticket.conclusion, ticket.completed_at = "completed", conclusion, datetime.now(UTC)
        self._changed.notify_all()

    def _release(self, ticket: Ticket) -> None:
        for group in [group for group, holder in self._holders.items() if holder is ticket]:
            del self._holders[group]
            if waiting := self._waiting.get(group):
                self._holders[group] = waiting.pop(0)
                self._pool.submit(self._work, self._holders[group])

    # -- in a worker thread ------------------------------------------------------------------------------

    def _work(self, ticket: Ticket) -> None:
        with self._changed:
            if ticket.status == "completed":
                return
            ticket.status, ticket.started_at = "in_progress", datetime.now(UTC)
        conclusion = "failure"
        try:
            conclusion = self._execute(ticket)
        except Exception as error:  # the run has failed, and its log says why
            ticket.transcript.say(f"The stand-in could not execute the run: {error!r}")
        finally:
            with self._changed:
                self._finish(ticket, conclusion)
                self._release(ticket)
