"""The order in which one target is changed, written once: look, plan, record, write, and look again at both sides.

Apply, expire, retry and repair are this one operation. After a write, main is read again as well as AWS, until
there is nothing left to do: so a job that raced with this one is seen, and what either lost is put back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from actions.executors.protocol import Before, Claims, Executor, Plan, TargetFault, Verb
from actions.guards import Guard, Ruling, sparing_the_doubted
from actions.log import logger
from actions.verification import Site
from actions.workspace import WorkspaceFault
from sallyport.entries import Entry
from sallyport.platforms.errors import PlatformError
from sallyport.policies import Policies
from sallyport.problems import Problems

PATIENCE = 3  # passing faults of AWS that a job waits out, in all
WAIT = 5.0  # seconds after the first of them, twice as many after the second, and so on
WRITES = 4  # of one job at one target; it settles after one unless somebody else writes too
LOOKS = 14  # so main may move often between being read and a record being committed

AnyPlan = Plan[Any]
MakeExecutor = Callable[[str, Policies], Executor[Any]]  # of a flow
Pause = Callable[[float], None]  # seconds
_FAULTS = (TargetFault, WorkspaceFault, PlatformError, Problems)


class Record(Protocol):
    """The repository's side of a target, as far as it changes under a job."""

    def claims(self, site: Site, now: datetime) -> Claims: ...

    def refresh(self) -> None:
        """Read main again."""

    def executor(self, flow: str) -> Executor[Any]: ...

    def ruling(self, flow: str, plan: AnyPlan, claims: Claims) -> Ruling:
        """Tell whether the plan may end as many entries before their time as it does."""

    def keep(self, flow: str, befores: Sequence[Before]) -> bool:
        """Commit what must be known to undo the plan; False if main has moved, so that the plan may be old."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one job did at one target, and how it found everything at the end."""

    site: Site
    plans: tuple[AnyPlan, ...] = ()  # those whose writing began, in order
    last: AnyPlan | None = None  # the last look: empty of steps if the target is settled
    claims: Claims | None = None  # what main asked for at the last look; None if nobody could tell
    evidence: tuple[str, ...] = ()
    fault: str = ""  # why it is not settled, a whole sentence; empty if it is
    restored: bool | None = None  # after a fault: whether AWS was put back; None if there was nothing to put back
    held: str = ""  # why entries in doubt were left in force, a whole sentence; empty if none was
    override: Entry | None = None  # what let more of them end at once than policy does by itself
    unanswered: bool = False  # the fault is a passing one, which this job has waited out as long as it may
    never_begun: frozenset[str] = frozenset()  # entries for which no job can have made anything, not even this one

    @property
    def plan(self) -> AnyPlan | None:
        """The plan that a reader wants to see: what was to be done, or that there was nothing to do."""
        return self.plans[0] if self.plans else self.last

    def caused(self, verb: Verb) -> frozenset[str]:
        """Return the entries for which steps of that kind were begun."""
        steps = (step for plan in self.plans for step in plan.steps if step.verb is verb)
        return frozenset(entry for step in steps for entry in step.entries)


def settle(
    site: Site,
    record: Record,
    clock: Callable[[], datetime],
    reference: str,
    pause: Pause,
    guard: Guard = lambda _: "",
) -> Settlement:
    """Make the target what all live entries on main ask for; what went wrong is part of what it returns.

    Nothing is written where *guard* has something against the plan.
    """
    work = _Work(site, record, clock, reference, pause, guard)
    try:
        return work.to_the_end()
    except Exception as fault:
        return work.give_up(sentence_of(fault), unanswered=isinstance(fault, TargetFault) and fault.passing)


@dataclass(slots=True)
class _Work:
    site: Site
    record: Record
    clock: Callable[[], datetime]
    reference: str
    pause: Pause
    guard: Guard
    passed: int = 0  # faults that were waited out
    claims: Claims | None = None
    begun: list[AnyPlan] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    held: str = ""
    override: Entry | None = None

    def to_the_end(self) -> Settlement:
        for _ in range(LOOKS):
            try:
                settlement = self.look_and_act()
            except TargetFault as fault:
                self.wait_out(fault)
            else:
                if settlement is not None:
                    return settlement
            self.record.refresh()
        return self.give_up(f"The main branch moved each of {LOOKS} times that a record was to be committed.")

    def look_and_act(self) -> Settlement | None:
        """Make the difference; return how it is when there is none, or none that may be tried again."""
        settlement = self.look()
        plan = settlement.last
        if plan is None or plan.is_empty:
            return settlement
        if fault := self.guard(plan):
            return self.give_up(fault)
        if len(self.begun) == WRITES:
            return self.give_up(f"AWS still differs from what is approved after {WRITES} attempts.")
        if self.record.keep(self.site.flow, plan.before) and plan.steps:
            self.begun.append(plan)
            self.evidence += self.executor.apply(plan, self.reference)
        return None

    def wait_out(self, fault: TargetFault) -> None:
        """Give a passing fault time; the next look tells what became of the call. Raise any other."""
        if not fault.passing or fault.beyond or self.passed == PATIENCE:
            raise fault
        self.passed += 1
        logger(target=self.site.target.lock).warning("waiting", fault=str(fault))
        self.pause(WAIT * self.passed)

    def look(self) -> Settlement:
        """Hold what AWS has against what main asks for."""
        claims = self.claims = self.record.claims(self.site, self.clock())
        state = self.executor.observe(self.site.target, claims)
        plan = self.executor.plan(self.site.target, state, claims)
        ruling = self.record.ruling(self.site.flow, plan, claims)
        self.override = ruling.override or self.override
        if ruling.held:
            self.held, claims = ruling.held, sparing_the_doubted(claims)
            plan = self.executor.plan(self.site.target, state, claims)
        evidence = (*self.evidence, *self.executor.evidence(state, claims))
        begun, held, override = tuple(self.begun), self.held, self.override
        return Settlement(self.site, begun, plan, claims, evidence, held=held, override=override)

    def give_up(self, fault: str, *, unanswered: bool = False) -> Settlement:
        """Put back what was there before this job's first write, look once more, and say what is."""
        restored: bool | None = None
        if self.begun and any(step.verb is Verb.CREATE for step in self.begun[0].steps):
            restored, fault = self.put_back(fault)
        try:
            settlement = self.look()
        except Exception:
            settlement = Settlement(self.site, tuple(self.begun), None, self.claims, tuple(self.evidence))
        never = self.never_begun() if unanswered else frozenset()
        return replace(settlement, fault=fault, restored=restored, unanswered=unanswered, never_begun=never)

    def never_begun(self) -> frozenset[str]:
        """Return the ended entries for which nothing was ever made, as far as main alone can tell."""
        if self.claims is None or not self.executor.records:
            return frozenset()
        return frozenset(entry.id for entry in self.claims.ended) - self.claims.before.keys()

    def put_back(self, fault: str) -> tuple[bool, str]:
        """Undo what was begun. Removals alone are never undone: what has ended must not come back."""
        try:
            self.evidence += self.executor.restore(self.begun[0], self.reference)
        except Exception as second:
            return False, f"{fault} Putting it back failed too: {sentence_of(second)}"
        return True, fault

    @property
    def executor(self) -> Executor[Any]:
        return self.record.executor(self.site.flow)


def sentence_of(fault: Exception) -> str:
    """Say a fault that somebody can mend; one of our own keeps its traceback in the log, under a short name."""
    if isinstance(fault, _FAULTS):
        text = str(fault).strip() or type(fault).__name__
        return text if text.endswith((".", "!", "?")) else f"{text}."
    name = secrets.token_hex(4)
    logger(fault=name).error("crashed", exc_info=fault)
    return f"Sallyport itself failed ({type(fault).__name__}, see {name} in the job's log)."
