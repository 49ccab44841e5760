"""Makes the outside match the journal: claims due effects, does them, records what came of it.

Each lane has its own threads, so that a platform that is away holds up nothing but itself. A handler makes
at most one write; after an attempt whose outcome is unknown it looks before it acts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from coordinator.alerts import Kind
from coordinator.courtesy import HeadStart, Rush
from coordinator.hearing import is_answer, jitter
from coordinator.hearing import unheard as unheard_of
from coordinator.journal import Again, Done, Journal, NewerRequest, OutcomeUnknown, Work
from coordinator.journal.effects import LEASE
from coordinator.lifecycle import ALONE, BATCHED, PLATFORMS, Lane
from coordinator.pace import Pace
from coordinator.requests import Request
from sallyport.platforms.errors import PlatformError, Refused, TryLater, Unknown

log = structlog.get_logger()

Job = tuple[Work, Request]
Handler = Callable[[Work, Request], Done | Again]
BatchHandler = Callable[[Sequence[Job]], Sequence[Done | Again]]

WORKERS = {
    Lane.JIRA: 4,
    Lane.SLACK: 4,
    Lane.COMMIT: 1,
    Lane.DISPATCH: 1,
    Lane.RUNS: 2,
    Lane.EXPIRY: 1,
    Lane.AWS: 1,
    Lane.CLOCK: 1,
    Lane.AUDIT: 1,
}
FIRST = {Lane.COMMIT, Lane.DISPATCH, Lane.RUNS}  # lanes that somebody's approval waits for
HURRIED = FIRST | {Lane.EXPIRY}  # lanes that no rush holds up
BATCH = 50  # entries in one commit, or requests in one run, at most
TAKEN_UP = LEASE / 3  # of a lease, so that a call which begins then ends within it
IDLE = 0.5  # seconds between looks at the clock, for what becomes due by itself
LONGEST_PAUSE = timedelta(minutes=5)
REFUSED_PAUSE = timedelta(minutes=5)  # somebody has to change something first
ALERT_AFTER = 5  # failed attempts
NOT_LET_IN = "; its credentials are refused"  # at the end of an error that is told once for its platform
OURS = "Sallyport"  # in place of a platform's name, where the fault is our own


@dataclass(frozen=True, slots=True)
class Hands:
    """What can be done outside: a handler for each kind of effect, and those that take many at once."""

    single: Mapping[str, Handler]
    batch: Mapping[str, BatchHandler]
    alert: Callable[[str, str], None]  # (what it is about, a sentence)
    place: Mapping[str, Callable[[Request], Hashable]] = field(default_factory=dict)  # one call is for one place


class Reconciler:
    """Runs the lanes' workers; `step` does one lane's due work and returns, for tests and for one-shot use."""

    def __init__(self, journal: Journal, hands: Hands, now: Callable[[], datetime]) -> None:
        self._journal = journal
        self._pace = Pace(journal)
        self._head_start = HeadStart()
        self._rush = Rush()
        self._hands = hands
        self._now = now
        self._wake = {lane: threading.Event() for lane in Lane}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        journal.on_work = self.wake

    def wake(self, lanes: set[Lane]) -> None:
        """Tell the workers of *lanes* that there is something to do."""
        if lanes & FIRST:
            self._head_start.give()
        for lane in lanes:
            self._wake[lane].set()

    def hear(self, lanes: set[Lane]) -> None:
        """Wake the workers of *lanes* for somebody who was just answered."""
        self._rush.note()
        self.wake(lanes)

    def start(self) -> None:
        """Start the workers."""
        for lane, count in WORKERS.items():
            for number in range(count):
                thread = threading.Thread(target=self._work, args=(lane,), name=f"{lane}-{number}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def stop(self, timeout: float = 15.0) -> None:
        """Let the workers finish the call they are in, and stop."""
        self._stopping.set()
        self.wake(set(Lane))
        for thread in self._threads:
            thread.join(timeout)

    def _work(self, lane: Lane) -> None:
        while not self._stopping.is_set():
            self._wake[lane].clear()
            if lane not in FIRST:
                self._head_start.sit_out()
            if lane not in HURRIED:
                self._rush.take_turn()
            try:
                busy = self.step(lane)
            except Exception:
                log.exception("lane.failed", lane=lane)
                busy = False
            if not busy:
                self._wake[lane].wait(IDLE)

    def step(self, lane: Lane) -> bool:
        """Do the due work of *lane* that one claim gets; False if there was none."""
        if self._pace.pause(lane, self._now()):
            return False
        limit, since = BATCH if lane in BATCHED else 1, self._now()
        works = self._journal.claim(lane, self._now(), limit)
        if works:
            self._wake[lane].set()  # there may be more, for the lane's other workers
        jobs = list(self._jobs(works))
        for kind in dict.fromkeys(work.kind for work, _ in jobs):
            same = [job for job in jobs if job[0].kind == kind]
            if kind in self._hands.batch:
                for group in self._apart(kind, same):
                    self._attempt_in_time(lane, since, group, self._hands.batch[kind])
            else:
                for job in same:
                    self._attempt([job], _one_by_one(self._hands.single[kind]))
        return bool(works)

    def _jobs(self, works: Sequence[Work]) -> Iterator[Job]:
        """Yield what was claimed with its request; what cannot be read is put back by itself."""
        for work in works:
            try:
                yield work, self._journal.request(work.request_id)
            except NewerRequest as error:
                unreadable = TryLater(OURS, f"read {work.request_id}", repr(error.__cause__))
                self._put_back(work, unreadable, _pause(work, unreadable))

    def _apart(self, kind: str, jobs: Sequence[Job]) -> Iterator[list[Job]]:
        """Yield the jobs that one call can do together, those of whoever has waited longest first."""
        groups: dict[Hashable, list[Job]] = {}
        place = self._hands.place.get(kind)
        for job in jobs:
            try:
                where = place(job[1]) if place else ""
            except Exception:  # it is told when its own call fails of it
                where = job[1].id
            groups.setdefault(where, []).append(job)
        yield from groups.values()

    def _attempt_in_time(self, lane: Lane, since: datetime, jobs: Sequence[Job], handler: BatchHandler) -> None:
        """Make one of the calls that were claimed together, or leave it to the next claim if it is late for it."""
        now = self._now()
        if now - since > TAKEN_UP or self._pace.pause(lane, now):
            self._journal.release([work for work, _ in jobs])
            return
        self._pace.note(lane, now)
        self._attempt(jobs, handler)

    def _attempt(self, jobs: Sequence[Job], handler: BatchHandler) -> None:
        try:
            answers = handler(jobs)
        except PlatformError as error:
            self._put_all_back(jobs, error)
        except Exception as error:
            log.exception("effect.broken", request_id=jobs[0][0].request_id, effect=jobs[0][0].name)
            self._put_all_back(jobs, Unknown(OURS, f"do {jobs[0][0].name}", repr(error)))
        else:
            for (work, _), answer in zip(jobs, answers, strict=True):
                if isinstance(answer, Done):
                    self._record(work, answer)
                else:
                    self._journal.put_off(work, answer.due)
            first = jobs[0][0]
            if any(isinstance(answer, Again) or answer.asked for answer in answers):
                self._journal.answered(first.lane, self._now())
            elif first.lane not in ALONE:  # there a job asks, and its report tells
                self._journal.give_back(first.lane, first.lease, self._now())

    def _record(self, work: Work, answer: Done) -> None:
        """Record what was done; a newer version that has taken up its request meanwhile looks for it by itself."""
        try:
            self._finish(work, answer)
        except NewerRequest as error:
            unrecorded = Unknown(OURS, f"record {work.name}", repr(error.__cause__))
            self._put_back(work, unrecorded, _pause(work, unrecorded))
        else:
            log.info("effect.done", request_id=work.request_id, effect=work.name)

    def _finish(self, work: Work, answer: Done) -> None:
        """Record what was done, and once more if the database hung up: recording twice is recording once."""
        try:
            self._journal.finish(work, answer)
        except OutcomeUnknown:
            self._journal.finish(work, answer)

    def _put_all_back(self, jobs: Sequence[Job], error: PlatformError) -> None:
        """Put back what one call was for, together, so that the next one is for the same."""
        pause = _pause(jobs[0][0], error)
        for work, _ in jobs:
            self._put_back(work, error, pause)

    def _put_back(self, work: Work, error: PlatformError, pause: timedelta) -> None:
        now = self._now()
        log.warning("effect.put_back", request_id=work.request_id, effect=work.name, error=str(error))
        unheard = None if error.platform == OURS or is_answer(error) else unheard_of(error, now)
        uncertain = isinstance(error, Unknown)
        turned_away = isinstance(error, Refused) and error.is_of_credentials
        words = f"{error}{NOT_LET_IN if turned_away else ''}"
        self._journal.retry(work, now + pause, words, uncertain=uncertain, unheard=unheard)
        if is_answer(error):
            self._journal.answered(work.lane, now)
        first_refusal = isinstance(error, Refused) and work.attempts == 0
        in_vain = work.attempts + 1 == ALERT_AFTER and not (unheard and self._is_silent(work.lane))
        if (first_refusal or in_vain) and not turned_away:
            sentence = f"“{work.name}” of {work.request_id} does not get done: {error}"
            self._hands.alert(Kind.STUCK.about(work.marker), sentence)

    def _is_silent(self, lane: Lane) -> bool:
        """Tell whether the lane's platform answers nobody: that is told once, and not for each effect."""
        return any(one.since and one.platform == PLATFORMS.get(lane) for one in self._journal.silences())


def _one_by_one(handler: Handler) -> BatchHandler:
    return lambda jobs: [handler(work, request) for work, request in jobs]


def _pause(work: Work, error: PlatformError) -> timedelta:
    """Return how long to wait: what the platform says, or twice as long each time, with jitter."""
    if isinstance(error, TryLater) and error.after is not None:
        return timedelta(seconds=error.after)
    if isinstance(error, Refused):
        return REFUSED_PAUSE
    growing = timedelta(seconds=2.0 ** min(work.attempts, 10))
    return min(growing, LONGEST_PAUSE) * jitter()
