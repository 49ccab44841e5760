"""What an executor is: one class for each kind of target, which only observes, plans and writes.

The order (observe, plan, record, apply, verify, restore) is written once, in `actions.reconcile`. An executor
changes only what is its own and never takes away what was there before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from sallyport.changes.protocol import Access
from sallyport.documents import JSON
from sallyport.entries import Entry

State = TypeVar("State")  # what an executor observes: a frozen value of its own


@dataclass(frozen=True, slots=True)
class Target:
    """One AWS thing that is read and written as a whole; `lock` is its name everywhere."""

    lock: str
    environment: str
    access: Access


@dataclass(frozen=True, slots=True)
class Before:
    """What AWS had before an entry was first applied, committed beside it as `<id>.before.yaml`.

    It is written before the first call that changes anything, and is all that is needed to end the entry
    even when the entry's own file is gone or broken.
    """

    entry_id: str
    facts: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Claims:
    """What the repository says about one target: who asks for what, and what was there before."""

    live: tuple[Entry, ...]  # verified, and their deadline is ahead
    ended: tuple[Entry, ...]  # verified once, now expired or removed or no longer provable
    before: Mapping[str, Before]  # by entry id; also of entries whose file is gone
    now: datetime
    doubted: frozenset[str] = frozenset()  # those of the ended whose files are there, only not proven any more


class Verb(StrEnum):
    CREATE = "create"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Step:
    """One difference to make, as a sentence, for the entries that cause it."""

    verb: Verb
    sentence: str
    entries: tuple[str, ...]
    altered: bool = False  # it takes away what is ours by its mark, but not as we wrote it
    completes: bool = False  # it only brings other steps into force


@dataclass(frozen=True, slots=True)
class Plan(Generic[State]):
    """The difference between what is and what the live entries ask for, at one target.

    `wanted` is what the target looks like afterwards, in the executor's own terms; `facts` are numbers for
    the reader ("policy: 1,204 of 8,192 characters"); `notes` tell, by entry id, how each part of a target of many
    parts is at this look, in whole sentences, for the outcome of that entry; `unfinished` says, by entry id, why a
    change that has begun is not ended by this job; `declared` says, by entry id, how it stands with what is in
    force or over by its entry alone, since AWS has nothing of it.
    """

    target: Target
    observed: State
    wanted: State
    steps: tuple[Step, ...] = ()
    unchanged: frozenset[str] = frozenset()  # live entries whose change is there already
    refusals: Mapping[str, str] = field(default_factory=dict)  # entry id to the reason, a whole sentence
    before: tuple[Before, ...] = ()  # records to commit before anything is written
    facts: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    unfinished: Mapping[str, str] = field(default_factory=dict)
    declared: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to do, not even a record to commit.

        A record without steps matters: when an access is there already, it says whether it may ever be removed.
        """
        return not self.steps and not self.before

    @property
    def digest(self) -> str:
        """Name exactly this difference, so that what was reviewed can be told from what is about to happen."""
        content = [self.target.lock, [[s.verb, s.sentence, list(s.entries)] for s in self.steps]]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


class Executor(Protocol[State]):
    """Observes and changes one kind of target. Every method may raise `TargetFault`.

    `width` is how many targets one job may work on at once, each in a thread of its own: what the platform's
    published limits leave room for, and 1 where nothing is gained. With `records`, nothing is ever made for an
    entry before a record of what was there is on main, so that what has none has never begun.
    """

    width: int
    records: bool

    def managed_targets(self) -> Sequence[Target]:
        """Return every target that the catalogue names, each once, whether an entry is at it or not. No calls."""
        ...

    def observe(self, target: Target, claims: Claims) -> State:
        """Return what AWS has now, ours and not ours told apart. Reads only."""
        ...

    def plan(self, target: Target, state: State, claims: Claims) -> Plan[State]:
        """Return the difference to make. Pure: no calls, no clock but `claims.now`."""
        ...

    def apply(self, plan: Plan[State], reference: str) -> tuple[str, ...]:
        """Make the difference and return evidence (AWS request ids, deployment ids).

        *reference* names the request or run for descriptions that people read in AWS.
        """
        ...

    def restore(self, plan: Plan[State], reference: str) -> tuple[str, ...]:
        """Put back what `plan.observed` saw, as far as it is ours to write; return evidence."""
        ...

    def evidence(self, state: State, claims: Claims) -> Sequence[str]:
        """Say, for people, what a read-back *state* proves."""
        ...

    def strangers(self, target: Target, claims: Claims) -> Sequence[str]:
        """Say what is there that is not ours, of a kind that only entries should bring. Reads only.

        For people: nothing of it is ever taken away.
        """
        ...

    def housekeeping(self, target: Target, claims: Claims) -> tuple[str, ...]:
        """Clear away what earlier ends left behind and nothing needs any more; return evidence.

        For sweeps only: it never decides what is in force.
        """
        ...


class TargetFault(Exception):
    """AWS did not do or not answer what was asked of one target; the sentence names operation and code.

    A *passing* one is trouble of AWS or of the way to it: whether the call was done, the next look tells. One that
    is *beyond* this job may pass for another one only.
    """

    def __init__(self, sentence: str, *, passing: bool = False, beyond: bool = False) -> None:
        super().__init__(sentence)
        self.passing = passing
        self.beyond = beyond
